/** Bytes in hex, a space between two: `02 61 ff`. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/**
 * Sixteen bytes round the offset, in hex, with a caret under the byte (or behind the last).
 *
 *     00000002: 48 45 ff 4c 4f
 *                     ^
 */
export function excerpt(frame: Uint8Array, offset: number): string {
  const from = Math.max(0, Math.min(offset - 8, frame.length - 16));
  const head = `${from.toString(16).padStart(8, '0')}: `;
  return `${head}${hex(frame.subarray(from, from + 16))}\n${' '.repeat(head.length + 3 * (offset - from))}^`;
}
