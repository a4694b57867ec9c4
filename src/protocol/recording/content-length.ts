import type { Span } from '../fields/engine/read-walk.ts';

/** The bytes of a field; of a text or byte string without the length in front of it, so that the frame stays one. */
export function contentLength({ kind, value, start, end }: Span): number {
  if (kind === 'utf8' && typeof value === 'string') return Buffer.byteLength(value);
  if (kind === 'bytes' && value instanceof Uint8Array) return value.length;
  return end - start;
}
