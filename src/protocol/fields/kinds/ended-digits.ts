import { readDigits } from '../../../bytes/digits.ts';
import { Problem } from '../engine/problem.ts';
import type { Field, Until } from '../field.ts';
import type { Kind, Range } from '../kind.ts';
import { declare } from '../node.ts';
import { endedSource } from '../source.ts';
import type { UntilSource } from '../sources/until.ts';
import { isInRange, requireInRange } from './integer.ts';

/**
 * A number in as many ASCII digits as it has, up to a terminator.
 *
 *     decimal(until(constant(u8, 0x0a)))   '42\n'   '-1\n' if it is signed
 */
interface EndedDigits {
  readonly base: 10 | 16;
  readonly signed: boolean;
  readonly range: Range;
  /** The most characters before the terminator. */
  readonly width: number;
  readonly end: UntilSource;
}

export const ENDED_DIGITS: Kind<EndedDigits> = {
  name: 'endedDigits',
  size: ({ width, end }) => ({ min: 1 + end.bytes.length, max: width + end.bytes.length }),
  shape: ({ width, base, range, end }) => ({ is: 'digits', width, base, range, length: end.extent }),
  call: ({ base, signed, end }) =>
    base === 16
      ? { maker: 'hexadecimal', width: end.extent }
      : { maker: 'decimal', width: end.extent, signed },
  range: ({ range }) => range,
  tag: (node) => ({ node, raw: (tag) => (isInRange(tag, node.range) ? (tag as number) : undefined) }),

  read(node, walk) {
    const at = walk.at;
    const length = node.end.read(walk, node.width) as number;
    const value = readNumber(node, walk.bytes, at, at + length);
    if (value === undefined) {
      const most = node.signed ? node.width - 1 : node.width;
      const digits = node.base === 10 ? 'decimal digits' : 'hexadecimal digits';
      const expected = `1 to ${most} ${digits}${node.signed ? ', with a sign or without' : ''}`;
      throw new Problem('ERR_MESSAGE_VALUE', expected, walk.bytes.toString('latin1', at, at + length));
    }
    walk.at = at + length;
    node.end.readEnd(walk);
    return value;
  },

  write(node, value, walk) {
    requireInRange(value, node.range);
    walk.append(bytesOf(node, value as number));
  },

  decode(node, out) {
    const length = node.end.decode(out, node.width);
    const value = out.define(`${out.constant(readNumber)}(${out.constant(node)}, b, p, p + ${length})`);
    out.fail(`${value} === undefined`);
    out.line(`p += ${length};`);
    node.end.decodeEnd(out);
    return { value };
  },

  encode(node, value, out, sure) {
    if (!sure) out.refuse(`!${out.constant(isInRange)}(${value}, ${out.constant(node.range)})`);
    out.settle();
    const digits = out.define(`${out.constant(bytesOf)}(${out.constant(node)}, ${value})`);
    out.line(`t.set(${digits}, p);`);
    out.line(`p += ${digits}.length;`);
  },
};

const MINUS = 0x2d;
const PLUS = 0x2b;

/** The number that `bytes[start, end)` stands for; undefined if they are not a number. */
function readNumber(
  { base, signed, range }: EndedDigits,
  bytes: Uint8Array,
  start: number,
  end: number,
): number | undefined {
  const sign = signed ? bytes[start] : undefined;
  const hasSign = sign === MINUS || sign === PLUS;
  const digits = readDigits(bytes, hasSign ? start + 1 : start, end, base);
  if (digits < 0 || digits > range.max) return undefined;
  return sign === MINUS ? 0 - digits : digits;
}

/** The digits, and the terminator after them. */
function bytesOf({ base, end }: EndedDigits, value: number): Buffer {
  return Buffer.concat([Buffer.from(value.toString(base).toUpperCase()), end.bytes]);
}

/** As `digits`, ended by a terminator; `most` is the maximum of digits. */
export function endedDigits(until: Until, most: number, base: 10 | 16, signed: boolean): Field<number> {
  const end = endedSource(until, 'decimal') as UntilSource;
  if (/[0-9a-f+-]/i.test(end.bytes.toString('latin1'))) {
    throw new RangeError('the terminator of a number in digits must not contain digits or a sign');
  }
  const max = base ** most - 1;
  return declare<EndedDigits, Field<number>>(ENDED_DIGITS, {
    ...{ base, signed, end },
    range: Object.freeze({ min: signed ? -max : 0, max }),
    width: signed ? most + 1 : most,
  });
}
