import { type Checksum, type ChecksumName, checksumByName } from '../../../bytes/checksum.ts';
import { show, showTag } from '../../../bytes/show.ts';
import { anything, checkOptions, flag } from '../../../options.ts';
import { foreignProblem, Problem } from '../engine/problem.ts';
import { type Field, nodeOf, type Rest, rest } from '../field.ts';
import type { AnyNode, Kind, Place, Slot } from '../kind.ts';
import { declare } from '../node.ts';

interface Sum {
  readonly base: AnyNode;
  readonly slot: Slot;
  readonly algorithm: Checksum;
  readonly from: string | undefined;
  readonly after: string | undefined;
  readonly to: string | undefined;
  /** The range goes to the end of the structure. */
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
    [from, after, to].filter((path) => path !== undefined).map((path) => ({ path, use: 'range' as const })),
  traits: () => ({ computed: true, reads: true }),

  read: ({ base }, walk) => walk.value(base),
  write: ({ slot }, _, walk) => {
    walk.take(slot.width);
  },
  decode: ({ base }, out) => out.value(base),
  encode: ({ slot }, _, out) => out.advance(slot.width),

  finishRead(node, name, walk) {
    const [from, to] = range(node, walk.place(name), (one) => walk.place(one), walk.groupStart, walk.at);
    const own = walk.place(name);
    const at = own.start;
    let sum: number;
    walk.countSummed(to - from);
    try {
      sum = sumOf(node, walk.bytes, from, to, own.start);
    } catch (error) {
      throw foreignProblem(error, 'ERR_MESSAGE_VALUE', `a sum by ${node.algorithm.name}`, walk.bytes, at);
    }
    const sent = walk.find(name);
    if (sum === sent) return;
    const expected = `${node.algorithm.name} ${showTag(sum)}`;
    throw new Problem('ERR_FRAME_CHECKSUM', expected, sent, { at, got: showTag(sent) });
  },

  finishWrite(node, name, walk) {
    const own = walk.place(name);
    const [from, to] = range(node, own, (one) => walk.place(one), walk.groupStart, walk.at);
    walk.countSummed(to - from);
    try {
      walk.put(node.slot, sumOf(node, walk.target, from, to, own.start), own.start);
    } catch (error) {
      throw foreignProblem(error, 'ERR_FIELD_RANGE', `a sum by ${node.algorithm.name}`);
    }
  },

  finishDecode(node, name, out) {
    const own = out.place(name);
    const [from, to] = range(node, own, (one) => out.place(one), out.groupStart, out.here());
    const sum = `${out.constant(sumOf)}(${out.constant(node)}, b, ${from}, ${to}, ${own.start})`;
    out.countSummed(`${to} - (${from})`);
    out.fail(`${sum} !== ${out.find(name).value}`);
  },

  finishEncode(node, name, out) {
    const own = out.place(name);
    const [from, to] = range(node, own, (one) => out.place(one), out.groupStart, out.here());
    const sum = `${out.constant(sumOf)}(${out.constant(node)}, t, ${from}, ${to}, ${own.start})`;
    out.countSummed(`${to} - (${from})`);
    out.putInt(node.slot, out.define(sum), own.start);
  },
};

/** Where the bytes that are summed begin and end; the structure ends `here`. */
function range<T>(
  { from, after, to, toEnd }: Sum,
  own: Place<T>,
  place: (name: string) => Place<T>,
  start: T,
  here: T,
): [T, T] {
  const first = from !== undefined ? place(from).start : after !== undefined ? place(after).end : start;
  return [first, toEnd ? here : to === undefined ? own.start : place(to).end];
}

/** The sum, as it stands in its field: an algorithm of one's own may answer a signed number, or one that is too wide. */
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
    if (own >= from && own < to) copy.fill(0, own - from, own - from + slot.width);
    sum = algorithm.compute(copy, 0, copy.length, append);
  } else sum = algorithm.compute(bytes, from, to, append);
  const span = 2 ** algorithm.width;
  if (!Number.isSafeInteger(sum)) {
    throw new TypeError(`${algorithm.name}: expected a whole number from compute, got ${show(sum)}`);
  }
  const rest = (sum as number) % span;
  return rest < 0 ? rest + span : rest;
}

/** Over which bytes a checksum goes. */
export interface ChecksumRange {
  /**
   * The first field in the range, of the same structure. Unless given, the range begins with the structure; that
   * of a message is the whole frame, header and tag included.
   */
  from?: string;
  /** The field behind which the range begins, in place of `from`: the last one of the header, for a range from the tag on. */
  after?: string;
  /**
   * The last field in the range, or `rest`: to the end of the structure, which is that of the frame for a message. Unless given,
   * the range ends before the checksum.
   */
  to?: string | Rest;
  /** The checksum's own bytes count as zeros, so that the range may go over them (IPv4, ICMP). */
  zeroed?: boolean;
  /** Bytes that are summed behind the range and not sent, such as MAVLink's CRC_EXTRA. */
  append?: readonly number[];
}

/**
 * A checksum, by its name in the catalogue (`checksumNames`) or as your own `{ name, width, compute }`: filled in on encode,
 * verified on decode (a `FrameError`, `ERR_FRAME_CHECKSUM`). The field that holds it is an unsigned integer or a number in
 * digits, as wide as the sum or wider.
 *
 * @example
 * checksum(u16le, 'CRC-16/MODBUS');
 * checksum(u16be, 'INTERNET', { from: 'version', to: rest, zeroed: true });
 * checksum(hexadecimal(2), 'XOR-8', { after: 'dollar', to: 'body' });
 */
export function checksum(
  base: Field<number>,
  algorithm: ChecksumName | Checksum,
  range: ChecksumRange = {},
): Field<number, number | undefined> {
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
  if (slot.min < 0 || slot.max < 2 ** summer.width - 1) {
    throw new RangeError(
      `checksum: ${summer.name} has ${summer.width} bits, so it needs an unsigned integer as wide`,
    );
  }
  checkOptions('checksum', range, {
    from: anything,
    after: anything,
    to: anything,
    zeroed: flag,
    append: anything,
  });
  const { from, after, to, zeroed = false } = range;
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
    append: Uint8Array.from(range.append ?? []),
  });
}
