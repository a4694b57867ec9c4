import { show } from '../../../bytes/show.ts';
import { checkOptions } from '../../../options.ts';
import { Problem } from '../engine/problem.ts';
import {
  type Adjusted,
  endOption,
  type Field,
  pathOption,
  type Rest,
  rest,
  type WholeField,
} from '../field.ts';
import type {
  Adjustment,
  Agreement,
  AnyNode,
  Decoding,
  Edge,
  Encoding,
  Kind,
  NodeOf,
  Slot,
} from '../kind.ts';
import { declare, namesIn } from '../node.ts';
import { measuringField } from '../source.ts';
import { toNumber } from '../sources/path.ts';
import { runsForward } from '../sums.ts';
import type { RangePaths } from './checksum.ts';

/** The size or the count of something else in the message. */
interface Measured {
  readonly base: AnyNode;
  readonly slot: Slot;
  readonly by: Adjustment;
  /** The path of what is measured; undefined for a range. */
  readonly path: string | undefined;
  readonly from: string | undefined;
  readonly after: string | undefined;
  readonly to: string | undefined;
}

type Shared = 'size' | 'references' | 'traits' | 'slot' | 'read' | 'write' | 'decode' | 'encode';

const MEASURED: Pick<Kind<Measured>, Shared> = {
  size: ({ base }) => base.facts.size,
  references: ({ path, from, after, to }) => [
    { path: path ?? '', use: 'measure' },
    ...[from, after, to]
      .filter((one) => one !== undefined)
      .map((one) => ({ path: one, use: 'range' as const })),
  ],
  traits: () => ({ agrees: true }),
  slot: ({ slot }) => slot,
  read: ({ base }, walk) => walk.value(base),
  decode: ({ base }, out) => out.value(base),
  // Its structure keeps its place and fills it in.
  write: ({ slot }, _, walk) => {
    walk.take(slot.width);
  },
  encode: ({ slot }, _, out) => out.advance(slot.width),
};

export const SIZEOF: Kind<Measured> = {
  ...MEASURED,
  name: 'sizeOf',
  shape: ({ base, path, by, from, after, to }) => ({
    is: 'agreed',
    base,
    on: 'size',
    path,
    adjusted: by,
    ...(path === undefined && { over: [from, to] }),
    ...(after !== undefined && { after }),
  }),
  call: ({ base, by, path, from, after, to }) => ({
    ...{ maker: 'sizeOf', base, adjusted: by },
    of: path ?? { from, after, to },
  }),

  checkAgreement({ path, from, after, to }, _, entries, where) {
    if (path?.includes('.')) {
      throw new RangeError(
        `${where}: sizeOf('${path}'): expected a field of the same structure or of an enclosing one, not a member of one`,
      );
    }
    const start: Edge = { path: from ?? after ?? '', at: after === undefined ? 'start' : 'end' };
    if (!runsForward(entries, start, { path: to ?? '', at: 'end' })) {
      throw new RangeError(`${where}: the range of sizeOf must run forward`);
    }
  },

  agreeRead(node, agreement, walk) {
    const { start, end } = rangeOf(node, agreement, walk, walk.at);
    const sent = walk.find(agreement.path);
    const due = wireNumber(node, end - start);
    if (sent === undefined || toNumber(sent) === due) return;
    const expected = `${show(due)}, ${words(agreement)}`;
    throw new Problem('ERR_MESSAGE_VALUE', expected, sent, { at: walk.place(agreement.path)!.start });
  },
  agreeWrite(node, agreement, walk) {
    const { start, end } = rangeOf(node, agreement, walk, walk.at);
    walk.agree(agreement.path, wireNumber(node, end - start), words(agreement));
  },
  agreeDecode(node, agreement, out) {
    const { start, end } = rangeOf(node, agreement, out, out.here());
    failUnless(node, agreement, `${end} - (${start})`, out);
  },
  agreeEncode(node, agreement, out) {
    const { start, end } = rangeOf(node, agreement, out, out.here());
    out.agree(agreement.path, wireCode(node, `${end} - (${start})`, out));
  },
};

export const COUNTOF: Kind<Measured> = {
  ...MEASURED,
  name: 'countOf',
  shape: ({ base, path, by }) => ({ is: 'agreed', base, on: 'count', path, adjusted: by }),
  call: ({ base, by, path }) => ({ maker: 'countOf', base, adjusted: by, of: path! }),

  checkAgreement({ path }, _, entries, where) {
    const [first, ...members] = namesIn(path!);
    let node: AnyNode | undefined = entries.find(([name]) => name === first)![1];
    for (const member of members) node = node?.kind.members?.(node).get(member);
    if (node === undefined) throw new TypeError(`${where} refers to '${path}', which does not exist`);
    if (!isList(node)) {
      throw new TypeError(`${where}: countOf('${path}'): expected an array, got ${node.kind.name}`);
    }
  },

  agreeRead(node, agreement, walk) {
    const sent = walk.find(agreement.path);
    const due = wireNumber(node, walk.place(agreement.of!)?.count ?? 0);
    if (sent === undefined || toNumber(sent) === due) return;
    const expected = `${show(due)}, ${words(agreement)}`;
    throw new Problem('ERR_MESSAGE_VALUE', expected, sent, { at: walk.place(agreement.path)!.start });
  },
  agreeWrite(node, agreement, walk) {
    const count = walk.place(agreement.of!)?.count ?? 0;
    walk.agree(agreement.path, wireNumber(node, count), words(agreement));
  },
  agreeDecode(node, agreement, out) {
    failUnless(node, agreement, out.place(agreement.of!).count!, out);
  },
  agreeEncode(node, agreement, out) {
    out.agree(agreement.path, wireCode(node, out.place(agreement.of!).count!, out));
  },
};

function words({ node, of }: Agreement): string {
  const what = node.kind === COUNTOF ? 'the number of elements' : 'the size';
  return of === undefined ? `${what} of its range` : `${what} of '${of}'`;
}

interface Places<T> {
  place(path: string): { start: T; end: T } | undefined;
  readonly groupStart: T;
}

/** Where the measured bytes begin and end; the structure ends `here`. */
function rangeOf<T>(
  { from, after, to }: Measured,
  { of }: Agreement,
  places: Places<T>,
  here: T,
): { start: T; end: T } {
  if (of !== undefined) return places.place(of)!;
  const { groupStart } = places;
  const start =
    from !== undefined
      ? places.place(from)!.start
      : after === undefined
        ? groupStart
        : places.place(after)!.end;
  return { start, end: to === undefined ? here : places.place(to)!.end };
}

/** The number on the wire for a size or a count; not a whole number if the wire cannot represent it. */
function wireNumber({ by: { add, unit } }: Measured, actual: number): number {
  return (actual - add) / unit;
}

function wireCode({ by: { add, unit } }: Measured, actual: string, out: Encoding | Decoding): string {
  const less = add === 0 ? actual : `${actual} - ${add}`;
  return out.define(unit === 1 ? less : `(${less}) / ${unit}`);
}

function failUnless(node: NodeOf<Measured>, { path }: Agreement, actual: string, out: Decoding): void {
  const { value } = out.find(path);
  const sent = node.slot.big ? `Number(${value})` : value;
  const due = wireCode(node, actual, out);
  out.fail(`${path.includes('.') ? `${value} !== undefined && ` : ''}${sent} !== ${due}`);
}

/** Whether its value is a list, if it has one. */
function isList(node: AnyNode): boolean {
  const shape = node.kind.shape(node);
  if (shape.is === 'maybe' || (shape.is === 'inside' && !node.kind.later)) return isList(shape.item);
  return shape.is === 'list';
}

/** The bytes that a size covers. */
export interface SizeRange {
  /**
   * The path of the first field in the range, in the size's structure: `'kind'`, `'header.kind'`. Default: the start of the
   * structure; for a message, the start of the frame.
   */
  from?: string;
  /** The path of the field after which the range begins, in place of `from`. */
  after?: string;
  /** The path of the last field in the range, or `rest`. Default: the end of the structure. */
  to?: string | Rest;
}

/**
 * The bytes that another field takes, or a range of fields: filled in on encode, checked on decode. The measured field may come
 * before or after it, in its own structure or in an enclosing one. A range lies in its own structure; for a message, with header
 * and tag.
 *
 * @param field an integer of fixed width; `size(field, { add, unit })` for a number that counts more, less, or in units
 * @param of the name of a field, or a range
 * @throws TypeError or RangeError for a field that cannot be measured, or a size that cannot be filled in
 *
 * @example
 * struct({ header: struct({ length: sizeOf(u16be, 'body') }), body: bytes(rest) });      // 00 02 | 61 62
 * messages(u8, { … }, { header: { length: sizeOf(u16be, { to: rest }) } });              // the whole frame
 * struct({ words: sizeOf(size(u8, { unit: 4 }), 'options'), options: array(u32be, rest) });
 */
export function sizeOf<const S extends string | SizeRange>(
  field: WholeField | Adjusted<never, never>,
  of: S,
): Field<number, number | undefined, S extends string ? `?${S}` : RangePaths<S>> {
  const range: SizeRange = typeof of === 'string' ? {} : of;
  checkOptions('sizeOf', range, { from: pathOption, after: pathOption, to: endOption });
  const { from, after, to } = range;
  if (from !== undefined && after !== undefined) {
    throw new TypeError(`sizeOf: expected from or after, got both, '${from}' and '${after}'`);
  }
  return declare(SIZEOF, {
    ...measuringField(field, 'sizeOf'),
    path: typeof of === 'string' ? requirePath('sizeOf', of) : undefined,
    from,
    after,
    to: to === rest ? undefined : (to as string | undefined),
  });
}

/**
 * The number of elements of an array: filled in on encode, checked on decode. The array may come before or after it, or be a
 * member of a structure there.
 *
 * @example struct({ header: struct({ count: countOf(u16be, 'items') }), items: array(item, rest) });
 */
export function countOf<const P extends string>(
  field: WholeField | Adjusted<never, never>,
  path: P,
): Field<number, number | undefined, `?${P}`> {
  return declare(COUNTOF, {
    ...measuringField(field, 'countOf'),
    path: requirePath('countOf', path),
    from: undefined,
    after: undefined,
    to: undefined,
  });
}

function requirePath(where: string, path: unknown): string {
  if (typeof path === 'string' && path !== '') return path;
  throw new TypeError(`${where}(field, path): expected the path of a field, got ${show(path)}`);
}
