import type { Span } from '../fields/engine/read-walk.ts';

/**
 * The length of a field's content: of a text or byte string without its length prefix, so that changing the content
 * keeps the frame valid.
 */
export function contentLength({ kind, value, start, end }: Span): number {
  if (kind === 'utf8' && typeof value === 'string') return Buffer.byteLength(value);
  if (kind === 'bytes' && value instanceof Uint8Array) return value.length;
  return end - start;
}
