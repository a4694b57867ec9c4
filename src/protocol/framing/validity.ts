import { asBuffer } from '../../bytes/buffer.ts';
import { type Checksum, type ChecksumName, checksumByName } from '../../bytes/checksum.ts';
import { readDigits } from '../../bytes/digits.ts';
import { readUnsigned } from '../../bytes/integers.ts';
import { show } from '../../bytes/show.ts';
import { FrameError } from '../../errors.ts';
import { anything, type Check, checkOptions, integer, oneOf } from '../../options.ts';
import type { ValidLayout } from './layout.ts';

/**
 * The checksum of a frame. Offsets are bytes in the frame as it is given out; negative ones count from its end.
 *
 *     │ header │ payload        │ sum │ tail │
 *     ├ from ──────────────── to┤└ at
 *
 * @example
 * { checksum: 'CRC-16/MODBUS', byteOrder: 'little' };              // the last two bytes, over all before them
 * { checksum: xor, digits: 'hexadecimal', from: 1, at: -4, to: -5 } // NMEA 0183: $…*hh CR LF
 */
export interface FrameChecksum {
  /** A name of the catalogue, `crc(…)`, or your own. */
  checksum: ChecksumName | Checksum;
  /** The byte order of the sum. Required if it has more than one byte. */
  byteOrder?: 'little' | 'big' | undefined;
  /** The sum is text: two hexadecimal digits a byte, or as many decimal digits as its largest value has. */
  digits?: 'hexadecimal' | 'decimal' | undefined;
  /** The place of the sum. Default: at the end. */
  at?: number | undefined;
  /** The first byte that is summed. Default 0. */
  from?: number | undefined;
  /** The byte after the last that is summed. Default: the place of the sum. */
  to?: number | undefined;
}

/** What makes a frame valid: its checksum, or a function of the whole frame. */
export type Valid = FrameChecksum | ((frame: Buffer) => boolean);

/** Judges frames. */
export interface Validity {
  readonly layout: ValidLayout;
  /** Why `bytes[start, end)` is not valid; undefined if it is valid. `offset` is its place in the stream. */
  problem(bytes: Buffer, start: number, end: number): Problem | undefined;
}

/** What is wrong with a frame: the sum of its bytes beside the sum it carries, if these are known. */
export interface Problem {
  readonly expected?: unknown;
  readonly actual?: unknown;
}

/** @throws TypeError or RangeError for any other value. */
export function validity(where: string, valid: Valid | undefined): Validity | undefined {
  if (valid === undefined) return undefined;
  if (typeof valid === 'function') return new Judgement(valid);
  checkOptions(where, valid, CHECKS);
  return new SumValidity(where, valid);
}

const offset = integer(Number.MIN_SAFE_INTEGER);

const CHECKS: Readonly<Record<keyof FrameChecksum, Check>> = {
  checksum: anything,
  byteOrder: oneOf('little', 'big'),
  digits: oneOf('hexadecimal', 'decimal'),
  at: offset,
  from: offset,
  to: offset,
};

const INVALID: Problem = {};

class Judgement implements Validity {
  readonly layout: ValidLayout = { by: 'function' };
  readonly #valid: (frame: Buffer) => boolean;

  constructor(valid: (frame: Buffer) => boolean) {
    this.#valid = valid;
  }

  problem(bytes: Buffer, start: number, end: number): Problem | undefined {
    // A copy: the function may keep it, and the memory may be lent.
    return this.#valid(Buffer.from(bytes.subarray(start, end))) ? undefined : INVALID;
  }
}

class SumValidity implements Validity {
  readonly layout: ValidLayout;
  readonly #sum: Checksum;
  readonly #little: boolean;
  readonly #base: 0 | 10 | 16;
  /** The width of the sum on the wire, in bytes. */
  readonly #width: number;
  readonly #at: number;
  readonly #from: number;
  readonly #to: number;

  constructor(where: string, valid: FrameChecksum) {
    const { checksum, byteOrder, digits } = valid;
    this.#sum = typeof checksum === 'string' ? checksumByName(checksum) : checksum;
    const { width } = this.#sum ?? {};
    if (typeof this.#sum?.compute !== 'function' || !(width >= 1 && width <= 32)) {
      throw new TypeError(
        `${where}: checksum must be a name of the catalogue or a Checksum, got ${show(checksum)}`,
      );
    }
    this.#base = digits === 'hexadecimal' ? 16 : digits === 'decimal' ? 10 : 0;
    this.#width = this.#base === 0 ? Math.ceil(width / 8) : (2 ** width - 1).toString(this.#base).length;
    if (this.#base === 0 && this.#width > 1 && byteOrder === undefined) {
      throw new TypeError(`${where}: a sum of ${width} bits needs a byteOrder, 'little' or 'big'`);
    }
    this.#little = byteOrder === 'little';
    this.#at = valid.at ?? -this.#width;
    this.#from = valid.from ?? 0;
    this.#to = valid.to ?? this.#at;
    const isWide = this.#base === 0 && this.#width > 1;
    this.layout = {
      by: 'checksum',
      checksum: this.#sum.name,
      bits: width,
      ...(this.#sum.crc && { crc: this.#sum.crc }),
      ...(isWide && { order: byteOrder! }),
      form: digits ?? 'binary',
      at: this.#at,
      from: this.#from,
      to: this.#to,
    };
  }

  problem(bytes: Buffer, start: number, end: number): Problem | undefined {
    const place = (value: number): number => (value < 0 ? end : start) + value;
    const at = place(this.#at);
    const from = place(this.#from);
    const to = place(this.#to);
    if (at < start || at + this.#width > end || from < start || to > end || from > to) return INVALID;
    const expected = this.#sum.compute(bytes, from, to);
    const actual = this.#read(bytes, at);
    return expected === actual ? undefined : { expected, actual };
  }

  #read(bytes: Buffer, at: number): number {
    if (this.#base === 0) return readUnsigned(bytes, at, this.#width, this.#little);
    return readDigits(bytes, at, at + this.#width, this.#base);
  }
}

/** Throws if a payload is not valid: the reader would refuse it. */
export function requireValid(
  validity: Validity | undefined,
  payload: Uint8Array,
  start: number,
  end: number,
): void {
  const problem = validity?.problem(asBuffer(payload), start, end);
  if (problem === undefined) return;
  const { expected, actual } = problem;
  const message = `payload that is not valid${sums(problem)}`;
  throw new FrameError('ERR_FRAME_CHECKSUM', message, { origin: 'local', expected, actual });
}

/** The error for a frame that is not valid, at that offset of the stream. */
export function invalidFrame(problem: Problem, offset: number): FrameError {
  const { expected, actual } = problem;
  const message = `frame that is not valid${sums(problem)}, at stream offset ${offset}`;
  return new FrameError('ERR_FRAME_CHECKSUM', message, { expected, actual, offset });
}

function sums({ expected, actual }: Problem): string {
  return expected === undefined ? '' : `: expected the sum ${show(expected)}, got ${show(actual)}`;
}
