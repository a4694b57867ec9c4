import { type Checksum, type ChecksumName, checksumByName } from '../../../bytes/checksum.ts';
import { show, showTag } from '../../../bytes/show.ts';
import { type Check, checkOptions, flag } from '../../../options.ts';
import { foreignProblem, Problem } from '../engine/problem.ts';
import { endOption, type Field, nodeOf, pathOption, type Rest, rest } from '../field.ts';
import type { AnyNode, Kind, Place, Slot, Summing } from '../kind.ts';
import { declare } from '../node.ts';
import { isInRange } from './integer.ts';

interface Sum {
  readonly base: AnyNode;
  readonly slot: Slot;
  readonly algorithm: Checksum;
  readonly from: string | undefined;
  readonly after: string | undefined;
  readonly to: string | undefined;
  /** The range extends to the end of the structure. */
  readonly toEnd: boolean;
  /** The bytes of the sum itself count as zeros. */
  readonly zeroed: boolean;
  readonly append: Uint8Array;
}

export const CHECKSUM: Kind<Sum> = {
  name: 'checksum',
  size: ({ base }) => base.facts.size,
  shape: ({ base, algorithm, from, after, to, toEnd, zeroed, append }) => ({
    is: 'sum',
    base,
    algorithm: algorithm.name,
    checksum: algorithm,
    ...(append.length > 0 && { append }),
    over: [from, to],
    ...(after !== undefined && { after }),
    ...(toEnd && { toEnd }),
    ...(zeroed && { zeroed }),
  }),
  call: ({ base, algorithm, from, after, to, toEnd, zeroed, append }) => ({
    ...{ maker: 'checksum', base, algorithm, from, after, zeroed, append },
    to: toEnd ? { from: 'rest' } : to,
  }),
  references: ({ from, after, to }) =>
    [from, after, to].filter((path) => path !== undefined).map((path) => ({ path, use: 'summed' as const })),
  traits: () => ({ computed: true, reads: true }),

  read: ({ base }, walk) => walk.value(base),
  write: ({ slot }, _, walk) => {
    walk.take(slot.width);
  },
  decode: ({ base }, out) => out.value(base),
  encode: ({ slot }, _, out) => out.advance(slot.width),

  sumRead(node, sum, walk) {
    const own = walk.place(sum.path);
    if (own === undefined || own.start === own.end) return;
    const at = own.start;
    const [from, to] = rangeOf(sum, walk);
    let due: number;
    walk.countSummed(to - from);
    try {
      due = sumOf(node, walk.bytes, from, to, at);
    } catch (error) {
      throw foreignProblem(error, 'ERR_MESSAGE_VALUE', `a sum by ${node.algorithm.name}`, walk.bytes, at);
    }
    const sent = walk.find(sum.path);
    if (due === sent) return;
    const expected = `${node.algorithm.name} ${showTag(due)}`;
    throw new Problem('ERR_FRAME_CHECKSUM', expected, sent, { at, got: showTag(sent) });
  },

  sumWrite(node, sum, walk) {
    const own = walk.place(sum.path);
    if (own === undefined || own.start === own.end) return;
    const [from, to] = rangeOf(sum, walk);
    walk.countSummed(to - from);
    try {
      walk.put(node.slot, sumOf(node, walk.target, from, to, own.start), own.start);
    } catch (error) {
      throw foreignProblem(error, 'ERR_FIELD_RANGE', `a sum by ${node.algorithm.name}`);
    }
  },

  sumDecode(node, sum, out) {
    const own = out.place(sum.path);
    const [from, to] = rangeOf(sum, out);
    if (sum.mayMiss) out.line(`if (${own.end} > ${own.start}) {`);
    out.countSummed(`${to} - (${from})`);
    const due = `${out.constant(sumOf)}(${out.constant(node)}, b, ${from}, ${to}, ${own.start})`;
    out.fail(`${due} !== ${out.find(sum.path).value}`);
    if (sum.mayMiss) out.line('}');
  },

  sumEncode(node, sum, out) {
    const own = out.place(sum.path);
    const [from, to] = rangeOf(sum, out);
    if (sum.mayMiss) out.line(`if (${own.end} > ${own.start}) {`);
    out.countSummed(`${to} - (${from})`);
    const due = `${out.constant(sumOf)}(${out.constant(node)}, t, ${from}, ${to}, ${own.start})`;
    out.putInt(node.slot, out.define(due), own.start);
    if (sum.mayMiss) out.line('}');
  },
};

/** Where the bytes that are summed begin and end. */
function rangeOf<T>(
  { from, to }: Summing,
  walk: { place(path: string): Place<T> | undefined },
): [from: T, to: T] {
  return [walk.place(from.path)![from.at], walk.place(to.path)![to.at]];
}

/** The sum as it is held by its field. A user's algorithm may return a signed number, or one that is too wide. */
function sumOf(
  { algorithm, append, zeroed, slot }: Sum,
  bytes: Uint8Array,
  from: number,
  to: number,
  own: number,
): number {
  let sum: unknown;
  if (zeroed) {
    const copy = Uint8Array.from(bytes.subarray(from, to));
    if (own >= from) copy.fill(0, own - from, own - from + slot.width);
    sum = algorithm.compute(copy, 0, copy.length, append);
  } else sum = algorithm.compute(bytes, from, to, append);
  const span = 2 ** algorithm.width;
  if (!Number.isSafeInteger(sum)) {
    throw new TypeError(`${algorithm.name}: expected a whole number from compute, got ${show(sum)}`);
  }
  const rest = (sum as number) % span;
  return rest < 0 ? rest + span : rest;
}

/** The bytes that a checksum covers. */
export interface ChecksumRange {
  /**
   * The path of the first field in the range: `'kind'`, `'header.kind'`. The first name is looked up in the checksum's structure,
   * then in the enclosing ones. Default: the start of the structure; for a message, the start of the frame, header and tag
   * included.
   */
  from?: string;
  /**
   * The path of the field after which the range begins, in place of `from`: the last field of the header, for a range from the
   * tag on.
   */
  after?: string;
  /**
   * The path of the last field in the range, or `rest` for the end of the structure; for a message, the end of the frame.
   * Default: the range ends before the checksum.
   */
  to?: string | Rest;
  /** The checksum's own bytes count as zeros, so the range may include them (IPv4, ICMP). */
  zeroed?: boolean;
  /** Bytes that are summed after the range and are not sent, such as MAVLink's CRC_EXTRA. */
  append?: readonly number[];
}

/** The paths of a range, which the encoder only reads. */
export type RangePaths<R> = {
  [K in keyof R & ('from' | 'after' | 'to')]: R[K] extends string ? `?${R[K]}` : never;
}[keyof R & ('from' | 'after' | 'to')];

const someBytes: Check = (name, value) => {
  const isList = Array.isArray(value) || value instanceof Uint8Array;
  if (isList && value.every((byte) => isInRange(byte, { min: 0, max: 255 }))) return;
  throw new TypeError(`${name} must be bytes, got ${show(value)}`);
};

/**
 * A checksum, by its name in the catalogue (`checksumNames`) or as your own `{ name, width, compute }`: filled in on encode,
 * verified on decode (a `FrameError`, `ERR_FRAME_CHECKSUM`). The field that holds it is an unsigned integer, or a number in
 * digits, at least as wide as the sum. The encoder computes it after it has filled in everything in the range, sizes and tags
 * included.
 *
 * @throws TypeError or RangeError for a field that cannot hold the sum; the structure throws them for an impossible range
 *
 * @example
 * checksum(u16le, 'CRC-16/MODBUS');
 * checksum(u16be, 'INTERNET', { from: 'version', to: rest, zeroed: true });
 * checksum(hexadecimal(2), 'XOR-8', { after: 'dollar', to: 'body' });
 * checksum(u32be, 'CRC-32/ISO-HDLC', { from: 'header.kind', to: 'body.last' });
 */
export function checksum<const R extends ChecksumRange = Record<never, never>>(
  base: Field<number>,
  algorithm: ChecksumName | Checksum,
  range?: R,
): Field<number, number | undefined, RangePaths<R>> {
  const node = nodeOf(base, 'checksum');
  const numbers = node.kind.range?.(node);
  const slot = numbers === undefined || numbers.big ? undefined : node.kind.slot?.(node);
  if (slot === undefined) {
    throw new TypeError(`checksum: expected an integer field of fixed width, got ${node.kind.name}`);
  }
  const summer = typeof algorithm === 'string' ? checksumByName(algorithm) : algorithm;
  if (typeof summer?.compute !== 'function') {
    throw new TypeError(`checksum: expected a name or { name, width, compute }, got ${show(algorithm)}`);
  }
  if (!Number.isInteger(summer.width) || summer.width < 1) {
    throw new RangeError(`checksum: expected a sum whose width is 1 bit or more, got ${show(summer.width)}`);
  }
  if (slot.min < 0 || slot.max < 2 ** summer.width - 1) {
    throw new RangeError(
      `checksum: ${summer.name} has ${summer.width} bits, so it needs an unsigned integer as wide`,
    );
  }
  const over: ChecksumRange = range ?? {};
  checkOptions('checksum', over, {
    from: pathOption,
    after: pathOption,
    to: endOption,
    zeroed: flag,
    append: someBytes,
  });
  const { from, after, to, zeroed = false, append = [] } = over;
  if (from !== undefined && after !== undefined) {
    throw new TypeError(`checksum: expected from or after, got both, '${from}' and '${after}'`);
  }
  return declare(CHECKSUM, {
    base: node,
    slot,
    algorithm: summer,
    from,
    after,
    to: typeof to === 'string' ? to : undefined,
    toEnd: to === rest,
    zeroed,
    append: Uint8Array.from(append),
  });
}
