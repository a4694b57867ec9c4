const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Bytes in hex, a space between two: `02 61 ff`. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => DIGITS[byte]).join(' ');
}

/** A browser has no `Buffer`, and its types do not know one. */
interface Runtime {
  Buffer?: { from(memory: ArrayBufferLike, from: number, length: number): { toString(as: 'hex'): string } };
}

/** Bytes in hex, without spaces: `0261ff`. */
export function hexDigits(bytes: Uint8Array): string {
  const { Buffer: NodeBuffer } = globalThis as Runtime;
  if (NodeBuffer === undefined) return Array.from(bytes, (byte) => DIGITS[byte]).join('');
  return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/**
 * Sixteen bytes around the offset, in hex, with a caret under the byte (or after the last byte).
 *
 *     00000002: 48 45 ff 4c 4f
 *                     ^
 */
export function excerpt(frame: Uint8Array, offset: number): string {
  const from = Math.max(0, Math.min(offset - 8, frame.length - 16));
  const head = `${from.toString(16).padStart(8, '0')}: `;
  return `${head}${hex(frame.subarray(from, from + 16))}\n${' '.repeat(head.length + 3 * (offset - from))}^`;
}
