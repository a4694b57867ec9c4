import { readDigits } from '../../bytes/digits.ts';
import { largestOf, readExactly, readUnsigned } from '../../bytes/integers.ts';
import { show } from '../../bytes/show.ts';
import { type Check, checkOptions, integer, natural, oneOf } from '../../options.ts';
import type { LengthFieldData } from './layout.ts';
import { isRun, lowestBit } from './length-field.ts';

/** A length field as data. The length of the whole packet is the field's value plus `add`. */
export interface PacketLength {
  /** The offset of the field in the packet. */
  offset: number;
  /** In bytes (or digits), 1 to 8. Default 1. */
  width?: number | undefined;
  /** Required if the field has more than one byte. */
  byteOrder?: 'little' | 'big' | undefined;
  /** The bits of the field that hold the length, side by side, in a field of at most 4 bytes. Default: all of them. */
  mask?: number | undefined;
  /** The field is text: ASCII digits of that base. Default: a binary number. */
  base?: 10 | 16 | undefined;
  /** The bytes that the length does not count; negative if it counts more than the packet. Default 0. */
  add?: number | undefined;
}

const LENGTH_OPTIONS: Readonly<Record<keyof PacketLength, Check>> = {
  offset: natural,
  width: integer(1, 8),
  byteOrder: oneOf('little', 'big'),
  mask: integer(1, 0xffff_ffff),
  base: (name, value) => {
    if (value !== 10 && value !== 16) throw new RangeError(`${name} must be 10 or 16, got ${show(value)}`);
  },
  add: integer(Number.MIN_SAFE_INTEGER),
};

/** Reads such a field. */
export class LengthInPacket {
  /** The offset after the field, from the packet's first byte. */
  readonly end: number;
  readonly data: LengthFieldData;
  /** Added to the field's value. */
  readonly add: number;
  readonly #offset: number;
  readonly #width: number;
  readonly #little: boolean;
  readonly #base: 10 | 16 | undefined;
  readonly #mask: number | undefined;
  readonly #unit: number;

  /** @throws TypeError or RangeError for any other value */
  constructor(where: string, field: PacketLength) {
    checkOptions(where, field, LENGTH_OPTIONS);
    natural(`${where}: offset`, field.offset);
    const { offset, width = 1, byteOrder, base, mask, add = 0 } = field;
    if (base === undefined && width > 1 && byteOrder === undefined) {
      throw new TypeError(`${where}: a field of ${width} bytes needs a byteOrder, 'little' or 'big'`);
    }
    if (mask !== undefined && (base !== undefined || width > 4 || mask > largestOf(width) || !isRun(mask))) {
      throw new RangeError(`${where}: mask must be bits side by side in a binary field of at most 4 bytes`);
    }
    this.#offset = offset;
    this.#width = width;
    this.#little = byteOrder === 'little';
    this.#base = base;
    this.#mask = mask;
    this.#unit = mask === undefined ? 1 : lowestBit(mask);
    this.add = add;
    this.end = offset + width;
    this.data = {
      offset,
      width,
      form: base === undefined ? 'binary' : base === 10 ? 'decimal' : 'hexadecimal',
      ...(base === undefined && { order: byteOrder ?? 'big' }),
      ...(mask !== undefined && { mask }),
    };
  }

  /** The length of the packet at `bytes[start]`, with `add`; NaN if the field is not a number. */
  read(bytes: Uint8Array, start: number): number {
    const at = start + this.#offset;
    if (this.#base !== undefined) {
      const value = readDigits(bytes, at, at + this.#width, this.#base);
      return value < 0 ? Number.NaN : value + this.add;
    }
    const value = readUnsigned(bytes, at, this.#width, this.#little);
    return (this.#mask === undefined ? value : ((value & this.#mask) >>> 0) / this.#unit) + this.add;
  }

  /** What is wrong with the length in the field of the packet at `bytes[start]`, for its error. */
  problem(bytes: Uint8Array, start: number): string {
    const length = this.read(bytes, start);
    const said = Number.isNaN(length)
      ? 'no number'
      : Number.isSafeInteger(length)
        ? length
        : this.#exact(bytes, start);
    return `a length field that says ${said}`;
  }

  /** As `read`, not rounded. */
  #exact(bytes: Uint8Array, start: number): bigint {
    const at = start + this.#offset;
    const add = BigInt(this.add);
    if (this.#base !== undefined) return BigInt(readDigits(bytes, at, at + this.#width, this.#base)) + add;
    const value = readExactly(bytes, at, this.#width, this.#little);
    return (this.#mask === undefined ? value : (value & BigInt(this.#mask)) / BigInt(this.#unit)) + add;
  }
}
