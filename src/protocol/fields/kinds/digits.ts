import { readDigits, writeDigits } from '../../../bytes/digits.ts';
import { show } from '../../../bytes/show.ts';
import { checkOptions, flag } from '../../../options.ts';
import { Problem } from '../engine/problem.ts';
import type { Field, Until } from '../field.ts';
import type { Kind, Range, Slot } from '../kind.ts';
import { declare } from '../node.ts';
import { isUntil } from '../source.ts';
import { endedDigits } from './ended-digits.ts';
import { isInRange, requireInRange } from './integer.ts';

/**
 * A number in ASCII digits, with leading zeros.
 *
 *     decimal(4)   '0042'      hexadecimal(4)   '002A'
 *     decimal(4)   '-042'      signed: the sign is one of the four characters
 */
export interface Digits {
  /** In characters, one byte each. */
  readonly width: number;
  readonly base: 10 | 16;
  readonly signed: boolean;
  readonly slot: Slot;
}

export const DIGITS: Kind<Digits> = {
  name: 'digits',
  size: ({ width }) => ({ min: width, max: width }),
  shape: ({ width, base, slot: { min, max } }) => ({ is: 'digits', width, base, range: { min, max } }),
  call({ width, base, signed }) {
    const characters = { from: 'literal', value: width } as const;
    return base === 16
      ? { maker: 'hexadecimal', width: characters }
      : { maker: 'decimal', width: characters, signed };
  },
  range: ({ slot }) => slot,
  tag: (node) => ({ node, raw: (tag) => (isInRange(tag, node.slot) ? (tag as number) : undefined) }),
  slot: ({ slot }) => slot,

  read(node, walk) {
    const at = walk.take(node.width);
    const value = readNumber(node, walk.bytes, at);
    if (value !== undefined) return value;
    const expected = `${node.width} ${node.base === 10 ? 'decimal' : 'hexadecimal'} digits`;
    const got = walk.bytes.toString('latin1', at, walk.at);
    throw new Problem('ERR_MESSAGE_VALUE', expected, got, { at });
  },

  write({ width, slot }, value, walk) {
    requireInRange(value, slot);
    walk.put(slot, value as number, walk.take(width));
  },

  decode(node, out) {
    out.need(node.width);
    const value = out.define(`${out.constant(readNumber)}(${out.constant(node)}, b, ${out.here()})`);
    out.fail(`${value} === undefined`);
    out.advance(node.width);
    return { value };
  },

  encode({ width, slot }, value, out, sure) {
    if (!sure) out.refuse(`!${out.constant(isInRange)}(${value}, ${out.constant(slot)})`);
    out.putInt(slot, value, out.reservePlace(width));
  },
};

const MINUS = 0x2d;
const PLUS = 0x2b;

/** The number that the characters stand for; undefined if they are not a number. */
function readNumber({ width, base, signed }: Digits, bytes: Uint8Array, at: number): number | undefined {
  const sign = signed ? bytes[at] : undefined;
  const hasSign = sign === MINUS || sign === PLUS;
  const value = readDigits(bytes, hasSign ? at + 1 : at, at + width, base);
  if (value < 0) return undefined;
  return sign === MINUS ? 0 - value : value;
}

/** The most digits for which every number is exact. */
const MOST: Readonly<Record<Digits['base'], number>> = { 10: 15, 16: 13 };

function digits(name: string, width: number | Until, base: Digits['base'], signed: boolean): Field<number> {
  if (isUntil(width)) return endedDigits(width, MOST[base], base, signed);
  const [least, most] = [signed ? 2 : 1, MOST[base]];
  if (!Number.isInteger(width) || width < least || width > most) {
    throw new RangeError(`${name}(n): expected ${least} to ${most} digits, got ${show(width)}`);
  }
  const { min, max }: Range = { min: signed ? 1 - base ** (width - 1) : 0, max: base ** width - 1 };
  const put: Slot['put'] = (target, at, value) => {
    writeDigits(target, at, width, base, Math.abs(Number(value)));
    if (value < 0) target[at] = MINUS;
  };
  const slot: Slot = Object.freeze({ width, order: 'be', min, max, put });
  return declare<Digits, Field<number>>(DIGITS, { width, base, signed, slot });
}

/**
 * A number in 1 to 15 ASCII decimal digits, with leading zeros (ISO 8583). If it is `signed`, a minus takes the place of one
 * digit; a plus is accepted on decode. With `until` there are as many digits as the number has, at most 15, and a terminator
 * after them (RESP). It may be a size, a count or a tag.
 *
 * @example decimal(4); decimal(8, { signed: true }); bytes(decimal(3)); decimal(until(constant(u8, 0x0a)));
 */
export function decimal(width: number | Until, options: { signed?: boolean } = {}): Field<number> {
  checkOptions('decimal', options, { signed: flag });
  return digits('decimal', width, 10, options.signed === true);
}

/**
 * A number in 1 to 13 ASCII hexadecimal digits, with leading zeros; written in capitals, read in either case. It may be a size, a
 * count or a tag, and may hold a checksum (NMEA 0183). With `until` there are as many digits as the number has, at most 13, and a
 * terminator after them (the chunk sizes of HTTP/1.1).
 *
 * @example hexadecimal(2); checksum(hexadecimal(2), 'XOR-8'); hexadecimal(until(constant(u8, 0x0a)));
 */
export function hexadecimal(width: number | Until): Field<number> {
  return digits('hexadecimal', width, 16, false);
}
