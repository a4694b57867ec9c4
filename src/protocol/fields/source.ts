import { show } from '../../bytes/show.ts';
import { checkOptions, integer } from '../../options.ts';
import {
  type Absent,
  type Adjusted,
  type AnyField,
  type Field,
  type Filled,
  nodeOf,
  type Parameter,
  type Rest,
  rest,
  type Size as SizeDeclaration,
  type Until,
  type UntilLast,
} from './field.ts';
import type {
  Adjustment,
  AnyNode,
  Decoding,
  Foreseen,
  Presence,
  Reading,
  Size,
  Slot,
  Source,
  Tag,
  TagSource,
} from './kind.ts';
import { AdjustedSource } from './sources/adjusted.ts';
import { LiteralSource } from './sources/literal.ts';
import { ParameterSource } from './sources/parameter.ts';
import { PathSource } from './sources/path.ts';
import { PrefixSource } from './sources/prefix.ts';
import { RestSource, UpToSource } from './sources/rest.ts';
import { UntilSource } from './sources/until.ts';

/**
 * A number that a declaration needs has a source, may be adjusted, and has a use. The three know nothing of each other.
 *
 *     source                            adjusted                        use
 *     u16be      right before           size(…, { add, unit, nullAt })  bytes · elements · presence · tag
 *     'length'   an earlier field
 *     4          a literal
 *     rest       the bytes that are left
 *     parameter(…)   from outside the bytes
 *     until(…)   the bytes up to a terminator
 */

/** The source of a size or a count; throws a TypeError or RangeError for anything else. */
export function sizeSource(size: SizeDeclaration, where: string): Source {
  if (size instanceof PartOfRest) return new UpToSource(size.upTo);
  if (size instanceof AdjustedSize) return new AdjustedSource(plainSource(size.from, where), size.by);
  return plainSource(size, where);
}

/** As `sizeSource`, for a field that may also end at a terminator. The terminator lies at a multiple of `step` bytes. */
export function endedSource(size: SizeDeclaration | Until, where: string, step = 1): Source {
  return size instanceof Terminator
    ? new UntilSource(size.bytes, step)
    : sizeSource(size as SizeDeclaration, where);
}

/** Whether a size is the rest with a maximum, as `size(rest, { upTo })` gives it. */
export function isUpTo(size: unknown): boolean {
  return size instanceof PartOfRest;
}

export function isUntil(size: unknown): size is Until {
  return size instanceof Terminator;
}

/** The result of `until` for a field of the elements. */
export class LastElement implements UntilLast {
  readonly kind: { readonly name: 'until last' } = { name: 'until last' };
  readonly path: string;
  readonly is: number | bigint | string | boolean;

  constructor(path: string, is: number | bigint | string | boolean) {
    this.path = path;
    this.is = is;
    Object.freeze(this);
  }
}

/** The result of `until` for a constant. */
class Terminator implements Until {
  readonly kind: { readonly name: 'until' } = { name: 'until' };
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    Object.freeze(this);
  }
}

/**
 * A size that ends at a terminator. The terminator is read and written too, and is not part of the value; a value that contains
 * it is refused. As a count it takes elements up to a terminator that stands where the next element would begin. With the path of
 * a field of the elements and a value, it takes elements up to the one that has that value there.
 *
 * @throws TypeError for anything but a constant of one byte or more, or a path and a value
 *
 * @example
 * text(until(constant(bytes(2), Buffer.from('\\r\\n'))), { encoding: 'ascii', max: 512 });
 * array(cstring(), until(constant(u8, 0)), { max: 100 });
 * array(struct({ next: u8, body: bytes(u16be) }), until('next', 0), { max: 100 });
 */
export function until(terminator: Field<Absent>): Until;
export function until(path: string, is: number | bigint | string | boolean): UntilLast;
export function until(
  terminator: Field<Absent> | string,
  is?: number | bigint | string | boolean,
): Until | UntilLast {
  if (typeof terminator === 'string') {
    if (!['number', 'bigint', 'string', 'boolean'].includes(typeof is) || Number.isNaN(is)) {
      throw new TypeError(
        `until(path, value): expected a number, a bigint, a string or a boolean as the value, got ${show(is)}`,
      );
    }
    return new LastElement(terminator, is!);
  }
  const node = nodeOf(terminator, 'until(terminator)');
  const shape = node.kind.shape(node);
  if (shape.is !== 'fixed' || shape.bytes.length === 0) {
    throw new TypeError(`until(terminator): expected a constant of one byte or more, got ${node.kind.name}`);
  }
  return new Terminator(shape.bytes);
}

function plainSource(size: unknown, where: string): Source {
  if (size === rest) return new RestSource();
  if (size instanceof NamedParameter) return new ParameterSource(size.parameter);
  if (typeof size === 'string') return new PathSource(size, true);
  if (typeof size === 'number') {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${where}: ${size} is not a size`);
    return new LiteralSource(size);
  }
  const node = nodeOf(size as AnyField, where);
  if (node.kind.range?.(node) === undefined) {
    throw new TypeError(
      `${where}: expected an integer field, or one that is made into a whole number, got ${node.kind.name}`,
    );
  }
  return new PrefixSource(node);
}

/** The result of `parameter`. */
class NamedParameter<Name extends string> implements Parameter<Name> {
  readonly kind: { readonly name: 'parameter' } = { name: 'parameter' };
  readonly parameter: Name;

  constructor(name: Name) {
    this.parameter = name;
    Object.freeze(this);
  }
}

export function isParameter(value: unknown): value is Parameter {
  return value instanceof NamedParameter;
}

/**
 * A number from outside the bytes (a version, a negotiated option, what the request asked for) as a size, a count, a tag or a
 * condition. The options of `messages` and `codecOf` declare it, and `codec.with({ … })` gives its value.
 *
 * @example
 * const reply = codecOf(struct({ id: u16be, throttle: optional(u32be, when(parameter('version'), { min: 3 })) }), {
 *   parameters: { version: { default: 3, min: 0, max: 9 } },
 * });
 * reply.with({ version: 2 }).decode(Buffer.from('0001', 'hex')); // { id: 1, throttle: undefined }
 */
export function parameter<const Name extends string>(name: Name): Parameter<Name> {
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`parameter(name): expected a name, got ${show(name)}`);
  }
  return new NamedParameter(name);
}

/** The result of `size`: a number on the wire, and how it is adjusted. */
class AdjustedSize {
  readonly kind: { readonly name: 'size' } = { name: 'size' };
  readonly from: unknown;
  readonly by: Adjustment;

  constructor(from: unknown, by: Adjustment) {
    this.from = from;
    this.by = by;
    Object.freeze(this);
  }
}

/** The result of `size(rest, …)`. */
class PartOfRest {
  readonly kind: { readonly name: 'size' } = { name: 'size' };
  readonly upTo: number;

  constructor(upTo: number) {
    this.upTo = upTo;
    Object.freeze(this);
  }
}

/** How a size is computed from the number on the wire. */
export interface SizeOptions<N extends number | undefined = number | undefined> {
  /** Added to the number, for a length that counts more or less than the bytes it measures. Default 0. */
  add?: number;
  /** The bytes or elements that each unit of the number stands for. Default 1. */
  unit?: number;
  /** The number that stands for nothing: the value is then `null`. */
  nullAt?: N;
}

/**
 * A size computed from a number on the wire: number × `unit` + `add`, and `null` if the number is `nullAt`. As a count it gives
 * elements. With `rest`: the bytes that are left, at most `upTo`, for blocks of which only the last may be shorter.
 *
 * @throws TypeError or RangeError for an option that is not a whole number, and for a size that is not a number on the wire
 *
 * @example
 * bytes(size(u16be, { add: -2 }));          // a length that counts itself
 * bytes(size('words', { unit: 4 }));        // 32-bit words
 * bytes(size(i32be, { nullAt: -1 }));       // Buffer | null
 * array(struct({ data: bytes(size(rest, { upTo: 16 })), sum: u16le }), rest);       // a sum behind every 16 bytes
 */
export function size<
  const S extends string | AnyField | Parameter,
  const N extends number | undefined = undefined,
>(from: S, options: SizeOptions<N>): Adjusted<Filled<S>, N extends number ? null : never>;
export function size(from: Rest, options: { upTo: number }): Adjusted<never, never>;
export function size(
  from: string | AnyField | Parameter | Rest,
  options: SizeOptions | { upTo: number },
): Adjusted<never, never> {
  if (from === rest && Object.hasOwn(options, 'upTo')) {
    checkOptions('size', options, { upTo: integer(1, MOST_ADDED) });
    return new PartOfRest((options as { upTo: number }).upTo) as never;
  }
  checkOptions('size', options, {
    add: integer(-MOST_ADDED, MOST_ADDED),
    unit: integer(1, MOST_ADDED),
    nullAt: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  });
  if (from === (rest as unknown) || typeof from === 'number' || (from as unknown) instanceof AdjustedSize) {
    throw new TypeError(
      `size(from): expected a field or the path of one, got ${from === (rest as unknown) ? 'rest' : show(from)}`,
    );
  }
  const inner = plainSource(from, 'size(from)');
  const { add = 0, unit = 1, nullAt } = options as SizeOptions;
  const { min, max } = inner.range;
  if (max * unit + add < 0) throw new RangeError(`size: no number of the field gives a size of 0 or more`);
  if (nullAt !== undefined && (nullAt < min || nullAt > max || inner.refusal?.(nullAt) !== undefined)) {
    throw new RangeError(`size: nullAt: expected a number that the field may have, got ${nullAt}`);
  }
  return new AdjustedSize(from, Object.freeze({ add, unit, nullAt })) as never;
}

const MOST_ADDED = 2 ** 31 - 1;

/** The integer of a field that measures another, its slot, and how it is adjusted. */
export function measuringField(
  field: unknown,
  where: string,
): { readonly base: AnyNode; readonly slot: Slot; readonly by: Adjustment } {
  const isAdjusted = field instanceof AdjustedSize;
  const from = isAdjusted ? field.from : field;
  const by = isAdjusted ? field.by : PLAIN;
  if (typeof from === 'string' || by.nullAt !== undefined) {
    throw new TypeError(
      `${where}(field): expected an integer field of fixed width, or one with add and unit, got ${by.nullAt === undefined ? show(from) : 'one with nullAt'}`,
    );
  }
  const base = nodeOf(from as AnyField, `${where}(field)`);
  const slot = base.kind.range === undefined ? undefined : base.kind.slot?.(base);
  if (slot === undefined || base.kind.says !== undefined) {
    throw new TypeError(`${where}(field): expected an integer field of fixed width, got ${base.kind.name}`);
  }
  return { base, slot, by };
}

const PLAIN: Adjustment = Object.freeze({ add: 0, unit: 1, nullAt: undefined });

/** The source of a tag: a field right before, the path of an earlier one, or a parameter. `isKept` if the value says its tag. */
export function tagSource(tag: string | AnyField | Parameter, isKept: boolean): TagSource {
  if (isParameter(tag)) return new ParameterSource(tag.parameter);
  if (typeof tag === 'string') return new PathSource(tag, false);
  const node = nodeOf(tag, 'the tag');
  const field = node.kind.tag?.(node);
  if (field === undefined) {
    throw new TypeError(`the tag: expected an integer field or an enumeration, got ${node.kind.name}`);
  }
  if (!isKept) return new PrefixSource(node, field);
  return new PrefixSource(node, {
    node,
    raw: (one) => (field.raw(one) === undefined ? undefined : (one as number)),
  });
}

/** The source of a condition on a field or a parameter. */
export function presenceSource({ field, parameter }: Presence): ParameterSource | PathSource {
  return parameter ? new ParameterSource(field) : pathSource(field);
}

/** The source of a condition on a field. */
export function pathSource(path: string): PathSource {
  return new PathSource(path, false);
}

/** Refuse a tag that the source cannot represent. */
export function requireTag(source: TagSource, tag: Tag, name: string): void {
  if (source.raw(tag) === undefined)
    throw new RangeError(`${name}: the tag ${show(tag)} is not a value of its field`);
}

/** Whether the number is always the same. */
export function isLiteral({ range: { min, max } }: Source): boolean {
  return min === max;
}

/** The most bytes or elements that a size allows, as far as that is known without the enclosing fields. */
export function mostBytes(source: Source, max: number): number {
  return isLiteral(source) ? source.range.max : Math.min(max, source.range.max);
}

/**
 * The size of a field that holds a number of items of `least` to `each` bytes. Its maximum is Infinity if no number right before
 * the field limits it.
 */
export function longest(source: Source, max: number, least: number, each: number): Size {
  const { min, max: most } = source.range;
  if (min === most) return { min: product(min, least), max: product(min, each) };
  const isSaid = Number.isFinite(most) && source.size.min === source.size.max;
  return {
    min: source.size.min,
    max: isSaid ? source.size.max + product(Math.min(max, most), each) : Number.POSITIVE_INFINITY,
  };
}

/**
 * The bytes of a field that an earlier field or a parameter measures, `each` bytes per unit; undefined if its size stands right
 * before it.
 */
export function foreseenBy(source: Source, each: number): Foreseen | undefined {
  const { extent } = source;
  if (extent.from !== 'path' && extent.from !== 'parameter') return undefined;
  return {
    paths: extent.from === 'path' ? [extent.path] : [],
    read(walk: Reading) {
      const size = source.read(walk);
      return typeof size === 'number' || typeof size === 'bigint' ? Number(size) * each : 0;
    },
    decode(out: Decoding) {
      const size = source.decode(out);
      return source.nullable ? `Math.max(${size}, 0) * ${each}` : `${size} * ${each}`;
    },
  };
}

/** The bytes of a field, if they can be known before it is reached. */
export function foreseen(node: AnyNode): Foreseen | undefined {
  const { min, max } = node.facts.size;
  if (min === max) return { paths: [], read: () => min, decode: () => String(min) };
  return node.kind.foreseen?.(node);
}

function product(count: number, each: number): number {
  return count === 0 ? 0 : count * each;
}
