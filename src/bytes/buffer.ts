/** No bytes. */
export const EMPTY: Buffer = Buffer.alloc(0);

// The global `Buffer` is a getter: reading it for each chunk would cost more than all else that a reader does with a byte.
const { isBuffer } = Buffer;

/** The same memory, as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
