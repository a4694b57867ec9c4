import { readDigits, readDigitsExactly, writeDigits } from '../../bytes/digits.ts';
import { largestOf, readExactly, readUnsigned, writeUnsigned } from '../../bytes/integers.ts';
import { readVarint, varintWidth, varintWidthAt, writeVarint } from '../../bytes/varint.ts';
import type { LengthFieldData } from './layout.ts';

/** `LengthField.widthAt`: more bytes are needed to tell. */
export const MORE = 0;
/** `LengthField.widthAt`: the bytes are not such a field. */
export const INVALID = -1;

/** A length on the wire that is not a plain unsigned integer. */
export interface LengthField {
  /** In words, for errors: `'a varint of at most 10 bytes'`. */
  readonly name: string;
  readonly form: LengthFieldData['form'];
  /** The bits of the field that hold the length, if not all of them do. */
  readonly mask?: number | undefined;
  /** In bytes, if the width is fixed; otherwise 0. */
  readonly width: number;
  /** The most bytes of the field. */
  readonly maxWidth: number;
  /** The largest length it can hold, as far as a double is exact. */
  readonly maximum: number;
  /** How many bytes the field at `bytes[at]` takes, or `MORE`, or `INVALID`. */
  widthAt(bytes: Uint8Array, at: number, end: number): number;
  /** The length in the field `bytes[at, at + width)`, or `INVALID`. */
  read(bytes: Uint8Array, at: number, width: number): number;
  /** As `read`, not rounded: for errors. Only for a field that holds more than a double counts exactly. */
  exact?(bytes: Uint8Array, at: number, width: number): bigint;
  /** How many bytes `write` takes for that length. */
  widthOf(value: number): number;
  /** Write the length; returns the offset after it. Bits of the field outside the length stay as they are. */
  write(target: Uint8Array, at: number, value: number): number;
}

/** Base 128, least significant first, of at most that many bytes. */
export function varintField(most: number): LengthField {
  return {
    name: `a varint of at most ${most} bytes`,
    form: 'varint',
    width: 0,
    maxWidth: most,
    maximum: Math.min(2 ** (7 * most) - 1, Number.MAX_SAFE_INTEGER),
    widthAt: (bytes, at, end) => varintWidthAt(bytes, at, end, most),
    read: readVarint,
    exact(bytes, at, width) {
      let value = 0n;
      for (let i = at + width - 1; i >= at; i--) value = value * 128n + BigInt(bytes[i]! & 0x7f);
      return value;
    },
    widthOf: varintWidth,
    write: writeVarint,
  };
}

/**
 * Seven bits; or 126 and then 16 bits; or 127 and then 64 bits, big-endian (RFC 6455 §5.2). The top bit of the first
 * byte is not part of the length: in WebSocket it says whether a masking key follows.
 *
 *     05                      5
 *     7e 01 00                256
 *     7f 00 00 00 00 00 01 00 00   65,536
 */
export const steppedField: LengthField = {
  name: 'a length of 7, 16 or 64 bits',
  form: '7/16/64',
  width: 0,
  maxWidth: 9,
  maximum: Number.MAX_SAFE_INTEGER,
  widthAt(bytes, at, end) {
    if (at >= end) return MORE;
    const short = bytes[at]! & 0x7f;
    const width = short < 126 ? 1 : short === 126 ? 3 : 9;
    return at + width > end ? MORE : width;
  },
  read(bytes, at, width) {
    return width === 1 ? bytes[at]! & 0x7f : readUnsigned(bytes, at + 1, width - 1, false);
  },
  exact: (bytes, at, width) => readExactly(bytes, at + 1, width - 1, false),
  widthOf: (value) => (value < 126 ? 1 : value < 65_536 ? 3 : 9),
  write(target, at, value) {
    const top = target[at]! & 0x80;
    const width = steppedField.widthOf(value);
    target[at] = top | (width === 1 ? value : width === 3 ? 126 : 127);
    if (width > 1) writeUnsigned(target, at + 1, width - 1, false, value);
    return at + width;
  },
};

/** A number in `width` ASCII digits, with leading zeros. */
export function digitsField(width: number, base: 10 | 16): LengthField {
  return {
    name: `${width} ${base === 10 ? 'decimal' : 'hexadecimal'} digits`,
    form: base === 10 ? 'decimal' : 'hexadecimal',
    width,
    maxWidth: width,
    maximum: Math.min(base ** width - 1, Number.MAX_SAFE_INTEGER),
    widthAt: (_bytes, at, end) => (at + width > end ? MORE : width),
    read: (bytes, at) => readDigits(bytes, at, at + width, base),
    exact: (bytes, at) => readDigitsExactly(bytes, at, at + width, base),
    widthOf: () => width,
    write: (target, at, value) => writeDigits(target, at, width, base, value),
  };
}

/** The bits of an unsigned integer of at most four bytes that are set in `mask`; they are adjacent. */
export function maskedField(width: number, little: boolean, mask: number): LengthField {
  const unit = lowestBit(mask);
  const others = (2 ** (8 * width) - 1 - mask) >>> 0;
  return {
    name: `the bits 0x${mask.toString(16)} of ${width} bytes`,
    form: 'binary',
    mask,
    width,
    maxWidth: width,
    maximum: Math.min(mask / unit, largestOf(width)),
    widthAt: (_bytes, at, end) => (at + width > end ? MORE : width),
    read: (bytes, at) => ((readUnsigned(bytes, at, width, little) & mask) >>> 0) / unit,
    widthOf: () => width,
    write(target, at, value) {
      const kept = (readUnsigned(target, at, width, little) & others) >>> 0;
      writeUnsigned(target, at, width, little, kept + value * unit);
      return at + width;
    },
  };
}

/** The lowest bit that is set. */
export function lowestBit(mask: number): number {
  return (mask & -mask) >>> 0;
}

/** Whether the set bits are adjacent. */
export function isRun(mask: number): boolean {
  const shifted = mask / lowestBit(mask);
  return Number.isInteger(Math.log2(shifted + 1));
}
