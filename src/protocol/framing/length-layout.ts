/** Where the length field stands, and how it is read and written. */

/** The options of `lengthPrefix`, checked and made plain. */
export interface Layout {
  readonly varint: boolean;
  /** Of the length field, in bytes; 0 for a varint. */
  readonly width: number;
  readonly little: boolean;
  readonly offset: number;
  /** Offset and field, in bytes; for a varint what is known of it: the offset. */
  readonly header: number;
  /** Bytes to strip; for a varint that is stripped too, the offset. */
  readonly strip: number;
  /** Whether a varint field is stripped. */
  readonly stripsVarint: boolean;
  readonly adjustment: number;
  /** A varint that counts itself: its own width is part of the adjustment. */
  readonly countsVarint: boolean;
  readonly maxFrameLength: number;
  readonly discards: boolean;
  /** `Framing.wire`: where all that goes round a frame follows from its length, and all of it is stripped. */
  readonly wire: string | undefined;
}

/** Ten groups of seven bits hold 64 (as in Protocol Buffers). */
export const MAX_VARINT_LENGTH = 10;

/** The largest value of a field of that many bytes that can be counted. */
export function fieldMaximum(width: number): number {
  return width > 6 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * width) - 1;
}

export function readFixed(bytes: Buffer, at: number, width: number, little: boolean): number {
  switch (width) {
    case 1:
      return bytes[at]!;
    case 2:
      return little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!;
    case 4:
      return little
        ? (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
        : ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    default: {
      // Beyond 2^53 a sum of doubles is rounded, and stays beyond: the caller refuses it.
      let value = 0;
      for (let i = 0; i < width; i++) value = value * 256 + bytes[little ? at + width - 1 - i : at + i]!;
      return value;
    }
  }
}

export function writeFixed(target: Buffer, at: number, width: number, little: boolean, value: number): void {
  if (width === 4) {
    target[at] = little ? value : value >>> 24;
    target[at + 1] = little ? value >>> 8 : value >>> 16;
    target[at + 2] = little ? value >>> 16 : value >>> 8;
    target[at + 3] = little ? value >>> 24 : value;
  } else if (width === 2) {
    target[at] = little ? value : value >>> 8;
    target[at + 1] = little ? value >>> 8 : value;
  } else {
    // Not by shifts: a field of more than four bytes holds more than 32 bits.
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) {
      target[little ? at + i : at + width - 1 - i] = rest;
    }
  }
}

export function writeVarint(target: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  target[at++] = value;
  return at;
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}
