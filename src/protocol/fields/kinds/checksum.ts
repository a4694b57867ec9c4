import { type Checksum, type ChecksumName, checksumByName } from '../../../bytes/checksum.ts';
import { show, showTag } from '../../../bytes/show.ts';
import { foreignProblem, Problem } from '../engine/problem.ts';
import type { Field } from '../field.ts';
import type { Kind, NodeOf, Place } from '../kind.ts';
import { declare } from '../node.ts';
import { INTEGER, type Integer, integerNode } from './integer.ts';

interface Sum {
  readonly base: NodeOf<Integer>;
  readonly algorithm: Checksum;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly append: Uint8Array;
}

export const CHECKSUM: Kind<Sum> = {
  name: 'checksum',
  size: ({ base }) => base.facts.size,
  shape: ({ base, algorithm, from, to }) => ({
    is: 'sum',
    base,
    algorithm: algorithm.name,
    over: [from, to],
  }),
  references: ({ from, to }) =>
    [from, to].filter((path) => path !== undefined).map((path) => ({ path, use: 'range' as const })),
  traits: () => ({ computed: true, reads: true }),

  read: ({ base }, walk) => walk.value(base),
  write: ({ base }, _, walk) => {
    walk.take(base.width);
  },
  decode: ({ base }, out) => out.value(base),
  encode: ({ base }, _, out) => out.advance(base.width),

  finishRead(node, name, walk) {
    const [from, to] = range(node, walk.place(name), (one) => walk.place(one), walk.groupStart);
    const at = walk.place(name).start;
    let sum: number;
    try {
      sum = sumOf(node.algorithm, walk.bytes, from, to, node.append);
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
    const [from, to] = range(node, own, (one) => walk.place(one), walk.groupStart);
    try {
      walk.put(node.base, sumOf(node.algorithm, walk.target, from, to, node.append), own.start);
    } catch (error) {
      throw foreignProblem(error, 'ERR_FIELD_RANGE', `a sum by ${node.algorithm.name}`);
    }
  },

  finishDecode(node, name, out) {
    const [from, to] = range(node, out.place(name), (one) => out.place(one), out.groupStart);
    const sum = `${out.constant(sumOf)}(${out.constant(node.algorithm)}, b, ${from}, ${to}, ${out.constant(node.append)})`;
    out.fail(`${sum} !== ${out.find(name).value}`);
  },

  finishEncode(node, name, out) {
    const own = out.place(name);
    const [from, to] = range(node, own, (one) => out.place(one), out.groupStart);
    const sum = `${out.constant(sumOf)}(${out.constant(node.algorithm)}, t, ${from}, ${to}, ${out.constant(node.append)})`;
    out.putInt(node.base, out.define(sum), own.start);
  },
};

/** Where the bytes that are summed begin and end. */
function range<T>({ from, to }: Sum, own: Place<T>, place: (name: string) => Place<T>, start: T): [T, T] {
  return [from === undefined ? start : place(from).start, to === undefined ? own.start : place(to).end];
}

/** The sum, as it stands in its field: an algorithm of one's own may answer a signed number, or one that is too wide. */
function sumOf(algorithm: Checksum, bytes: Uint8Array, from: number, to: number, append: Uint8Array): number {
  const sum: unknown = algorithm.compute(bytes, from, to, append);
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
  /** The last field in the range; unless given, it ends before the checksum. */
  to?: string;
  /** Bytes that are summed behind the range and not sent, such as MAVLink's CRC_EXTRA. */
  append?: readonly number[];
}

/**
 * A checksum, by its name in the catalogue (`checksum.ts`) or as your own `{ width, compute }`: filled in on
 * encode, verified on decode (a `FrameError`, `ERR_FRAME_CHECKSUM`).
 *
 * @example checksum(u16le, 'CRC-16/MODBUS'); checksum(u32be, 'CRC-32/ISO-HDLC', { from: 'header', to: 'body' });
 */
export function checksum(
  base: Field<number>,
  algorithm: ChecksumName | Checksum,
  range: ChecksumRange = {},
): Field<number, number | undefined> {
  const node = integerNode(base, 'checksum');
  const summer = typeof algorithm === 'string' ? checksumByName(algorithm) : algorithm;
  if (typeof summer?.compute !== 'function') {
    throw new TypeError(`checksum: expected a name or { name, width, compute }, got ${show(algorithm)}`);
  }
  if (node.kind !== INTEGER || node.signed || summer.width !== node.width * 8) {
    throw new RangeError(
      `checksum: ${summer.name} has ${summer.width} bits, so it needs an unsigned integer as wide`,
    );
  }
  const append = Uint8Array.from(range.append ?? []);
  return declare(CHECKSUM, { base: node, algorithm: summer, from: range.from, to: range.to, append });
}
