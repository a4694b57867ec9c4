/**
 * LEB128: seven bits a byte, the least significant first; the top bit says that another byte follows.
 *
 *     300    10101100 00000010
 *            │0101100 └0000010    0000010 0101100 = 300
 */

/** Ten groups of seven bits hold 64 (as in Protocol Buffers). */
export const MAX_VARINT_LENGTH = 10;

/** The number of bytes of the varint at `bytes[at]`. 0: it continues after `end`. -1: it is longer than `most` bytes. */
export function varintWidthAt(
  bytes: Uint8Array,
  at: number,
  end: number,
  most: number = MAX_VARINT_LENGTH,
): number {
  for (let i = 0; i < most; i++) {
    if (at + i >= end) return 0;
    if (bytes[at + i]! < 0x80) return i + 1;
  }
  return -1;
}

/** The value of the varint `bytes[at, at + width)`. A value above 2⁵³ − 1 is rounded, but remains above. */
export function readVarint(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 128 + (bytes[at + i]! & 0x7f);
  return value;
}

/** Write an integer of at least 0 in its shortest form; returns the offset after it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let to = at;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) target[to++] = (rest % 128) | 0x80;
  target[to++] = rest;
  return to;
}

/** The number of bytes that `writeVarint` writes for that value. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) width++;
  return width;
}
