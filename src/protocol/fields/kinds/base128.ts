import { Problem } from '../engine/problem.ts';
import type { Field } from '../field.ts';
import type { ByteOrder, Kind } from '../kind.ts';
import { declare } from '../node.ts';

/**
 * An integer in groups of seven bits, the high bit set on all bytes except the last.
 *
 *     300 = 10 0101100    little-endian  ac 02    big-endian  82 2c
 */
interface Base128 {
  /** `two`: two's complement, with the sign in the highest bit of the last group. `zigzag`: 0, −1, 1, −2 … as 0, 1, 2, 3 …. */
  readonly sign: 'none' | 'zigzag' | 'two';
  readonly order: ByteOrder;
  /** The value is a bigint of 64 bits; otherwise a number that is exact. */
  readonly big: boolean;
}

/** The most bytes: 64 bits take ten groups. */
const LONGEST = 10;
const MOST: number = Number.MAX_SAFE_INTEGER;

export const BASE128: Kind<Base128> = {
  name: 'varint64',
  size: () => ({ min: 1, max: LONGEST }),
  shape: ({ sign, order, big }) => ({
    is: 'varint',
    zigzag: sign === 'zigzag',
    signed: sign === 'two',
    order,
    big,
  }),
  call: ({ sign, big }) => ({
    maker: sign === 'zigzag' ? 'varint64' : sign === 'two' ? 'sleb128' : big ? 'varuint64' : 'vlq',
  }),
  range: ({ sign, big }) => {
    const [min, max] = big ? [-(2 ** 63), sign === 'none' ? 2 ** 64 : 2 ** 63] : [-MOST, MOST];
    return { min: sign === 'none' ? 0 : min, max, big };
  },
  tag: (node) => ({ node, raw: (tag) => (fits(node, tag) ? (tag as number | bigint) : undefined) }),

  read(node, walk) {
    const start = walk.at;
    for (;;) {
      if (walk.at - start === LONGEST) {
        const got = 'more';
        throw new Problem('ERR_MESSAGE_VALUE', `at most ${LONGEST} bytes`, got, { at: start, got });
      }
      if (walk.bytes[walk.take(1)]! < 0x80) break;
    }
    const value = decode(node, walk.bytes, start, walk.at);
    if (value !== undefined) return value;
    const got = 'one beyond it';
    throw new Problem('ERR_MESSAGE_VALUE', expected(node), got, { at: start, got });
  },

  write(node, value, walk) {
    if (!fits(node, value)) throw new Problem('ERR_FIELD_RANGE', expected(node), value);
    const groups = encode(node, value);
    const at = walk.take(groups.length);
    walk.target.set(groups, at);
  },

  decode(node, out) {
    out.settle();
    const last = out.define('p', 'let');
    out.line(`while (${last} < ${out.end} && b[${last}] > 127) ${last}++;`);
    out.fail(`${last} >= ${out.end} || ${last} - p >= ${LONGEST}`);
    const value = out.define(`${out.constant(decode)}(${out.constant(node)}, b, p, ${last} + 1)`);
    out.fail(`${value} === undefined`);
    out.line(`p = ${last} + 1;`);
    return { value, ...(node.big && { type: 'bigint' }) };
  },

  encode(node, value, out, sure) {
    if (!sure) out.refuse(`!${out.constant(fits)}(${out.constant(node)}, ${value})`);
    out.settle();
    const groups = out.define(`${out.constant(encode)}(${out.constant(node)}, ${value})`);
    out.line(`for (let i = 0; i < ${groups}.length; i++) t[p++] = ${groups}[i];`);
  },
};

/** The number in `bytes[start, end)`; undefined where it is out of range. */
function decode({ sign, order, big }: Base128, bytes: Uint8Array, start: number, end: number): unknown {
  let raw = 0n;
  for (let index = start; index < end; index++) {
    const group = BigInt(bytes[order === 'be' ? index : start + end - 1 - index]! & 0x7f);
    raw = (raw << 7n) | group;
  }
  if (sign === 'two') raw = BigInt.asIntN(7 * (end - start), raw);
  if (sign === 'zigzag') raw = (raw >> 1n) ^ -(raw & 1n);
  const wrapped = sign === 'none' ? BigInt.asUintN(64, raw) : BigInt.asIntN(64, raw);
  if (wrapped !== raw) return undefined;
  if (big) return raw;
  const value = Number(raw);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The bytes of a number that fits, as few as possible. */
function encode({ sign, order }: Base128, value: unknown): number[] {
  let left = BigInt(value as number | bigint);
  if (sign === 'zigzag') left = left < 0n ? -2n * left - 1n : 2n * left;
  const groups: number[] = [];
  for (;;) {
    const group = Number(left & 0x7fn);
    groups.push(group);
    left >>= 7n;
    // The highest bit of the last group must be the sign.
    const isDone = sign === 'two' ? left === (group & 0x40 ? -1n : 0n) : left === 0n;
    if (isDone) break;
  }
  if (order === 'be') groups.reverse();
  for (let index = 0; index < groups.length - 1; index++) groups[index]! |= 0x80;
  return groups;
}

function fits({ sign, big }: Base128, value: unknown): boolean {
  if (!big) return Number.isSafeInteger(value) && (sign !== 'none' || (value as number) >= 0);
  if (typeof value !== 'bigint') return false;
  return (sign === 'none' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value;
}

function expected({ sign, big }: Base128): string {
  const range = big
    ? sign === 'none'
      ? '0 to 2^64 - 1'
      : '-2^63 to 2^63 - 1'
    : sign === 'none'
      ? '0 to 2^53 - 1'
      : '1 - 2^53 to 2^53 - 1';
  return `${big ? 'a bigint' : 'a whole number'} from ${range}`;
}

function base128<T extends number | bigint>(sign: Base128['sign'], order: ByteOrder, big: boolean): Field<T> {
  return declare<Base128, Field<T>>(BASE128, { sign, order, big });
}

/**
 * `varuint` of 64 bits, a `bigint`: protobuf's `uint64`. Its `int64`, whose negative numbers take ten bytes, is
 * `mapped(varuint64, { decode: (v) => BigInt.asIntN(64, v), encode: (v) => BigInt.asUintN(64, v) })`.
 */
export const varuint64: Field<bigint> = base128('none', 'le', true);
/** `varint` of 64 bits, a `bigint`: zigzag, protobuf's `sint64`. */
export const varint64: Field<bigint> = base128('zigzag', 'le', true);
/** Signed LEB128 (WebAssembly, DWARF): two's complement in groups of seven bits, least significant first; exact numbers only. */
export const sleb128: Field<number> = base128('two', 'le', false);
/** Groups of seven bits, most significant first: MIDI's variable-length quantity, the tags of ASN.1 BER; 0 to 2⁵³ − 1. */
export const vlq: Field<number> = base128('none', 'be', false);
