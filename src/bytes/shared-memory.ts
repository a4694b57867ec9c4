import { markAsUntransferable } from 'node:worker_threads';

/**
 * Memory that many write into, one after the other. Its content is undefined. A caller that gets a part of it cannot transfer the
 * whole to another thread by `postMessage`. `ArrayBuffer.prototype.transfer` still can: a buffer that has lost its memory
 * so is 0 bytes long.
 *
 * @param length - in bytes
 */
export function allocateShared(length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  markAsUntransferable(bytes.buffer);
  return bytes;
}
