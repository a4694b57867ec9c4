import { type Checksum, type ChecksumName, checksumByName } from '../../bytes/checksum.ts';
import { show } from '../../bytes/show.ts';
import { assemble } from './engine/write-walk.ts';
import {
  type BigintNode,
  type BitMember,
  type ByteOrder,
  type ChecksumNode,
  type EnumerationNode,
  type IntNode,
  integerRange,
  isAbsent,
  type Node,
  type Ref,
  refs,
  type SizeNode,
  type StructNode,
  sizes,
  takesRest,
  type UnionCase,
  type UnionNode,
  type VarintNode,
} from './field-nodes.ts';

/**
 * Field declarations: plain data that says how a value lies in bytes. Two engines read them, a compiled one
 * (`compile.ts`) and one that walks (`trace.ts`, `assemble.ts`), and TypeScript infers the value's type.
 *
 * Integers and floats name their byte order; there is no default. A *size* (bytes) or *count* (elements) is
 *
 *     bytes(4)          exactly four
 *     bytes(u16be)      a prefix: the integer stands right before the bytes
 *     bytes('length')   an unsigned integer field declared earlier, here or in an enclosing structure
 *     bytes(rest)       all that is left of the frame, or of the enclosing `bounded`
 *
 * A field that serves as someone's size, count or union tag is *derived*: the encoder fills it in and whatever
 * the message says there is ignored, so a decoded message can be changed and encoded again.
 */

declare const shape: unique symbol;

/**
 * A declaration of one field.
 *
 * `Out` is the type that decoding gives, `In` the one that encoding takes, and `Fills` the names of the earlier
 * fields that it fills in.
 */
export interface Field<Out, In = Out, Fills extends string = never> {
  readonly kind: Node['kind'];
  /** For the compiler only; there is no such property. */
  readonly [shape]?: { out: Out; in: (value: In) => void; fills: Fills };
}

// biome-ignore lint/suspicious/noExplicitAny: any field
export type AnyField = Field<any, any, any>;

/** Named fields, in the order of the wire. */
export type Fields = Readonly<Record<string, AnyField>>;

/** The type of a field that has no place in the value: a constant, padding. */
export interface Absent {
  readonly [shape]: 'absent';
}

/** What decoding a field gives. */
export type FieldOut<F extends AnyField> = NonNullable<F[typeof shape]>['out'];

/** What encoding a field takes. */
export type FieldIn<F extends AnyField> = NonNullable<F[typeof shape]>['in'] extends (value: infer In) => void
  ? In
  : never;

type FillsOf<F extends Fields> = { [K in keyof F]: NonNullable<F[K][typeof shape]>['fills'] }[keyof F];

type OptionalKeys<F extends Fields> = {
  [K in keyof F]: FieldOut<F[K]> extends Absent
    ? never
    : K extends FillsOf<F>
      ? K
      : undefined extends FieldIn<F[K]>
        ? K
        : never;
}[keyof F];

type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

/** What decoding named fields gives. */
export type StructOut<F extends Fields> = Flat<{
  [K in keyof F as FieldOut<F[K]> extends Absent ? never : K]: FieldOut<F[K]>;
}>;

/** What encoding named fields takes: the derived ones may be left out. */
export type StructIn<F extends Fields> = Flat<
  {
    [K in keyof F as FieldOut<F[K]> extends Absent ? never : K extends OptionalKeys<F> ? never : K]: FieldIn<
      F[K]
    >;
  } & { [K in OptionalKeys<F>]?: FieldIn<F[K]> | undefined }
>;

/** All that is left of the frame, or of the enclosing `bounded`. */
export const rest: Rest = Object.freeze({ kind: 'rest' });
export interface Rest {
  readonly kind: 'rest';
}

/** A size in bytes, or a count of elements: see the head of this file. */
export type Size = number | string | Rest | Field<number, number, never>;

/** The earlier field that a size fills in. */
type Filled<S> = S extends string ? S : never;

/** The most that a field may hold. */
export interface Limits {
  /**
   * Bytes: 10,000,000 unless told. Elements: 1,000,000 unless told; 1,000 where an element may take no bytes.
   */
  max?: number;
}

export const DEFAULT_MAX_BYTES = 10_000_000;
export const DEFAULT_MAX_COUNT = 1_000_000;
export const DEFAULT_MAX_EMPTY = 1_000;
export const DEFAULT_MAX_DEPTH = 64;

// ─── Numbers ────────────────────────────────────────────────────────────────────────────────────────────────

/** An unsigned byte, 0 to 255. */
export const u8: Field<number> = int(1, false, 'le');
/** A signed byte, −128 to 127, two's complement as all signed integers here. */
export const i8: Field<number> = int(1, true, 'le');
/** 16 bits unsigned, little-endian. */
export const u16le: Field<number> = int(2, false, 'le');
/** 16 bits unsigned, big-endian. */
export const u16be: Field<number> = int(2, false, 'be');
/** 16 bits signed, little-endian. */
export const i16le: Field<number> = int(2, true, 'le');
/** 16 bits signed, big-endian. */
export const i16be: Field<number> = int(2, true, 'be');
/** 24 bits unsigned, little-endian. */
export const u24le: Field<number> = int(3, false, 'le');
/** 24 bits unsigned, big-endian. */
export const u24be: Field<number> = int(3, false, 'be');
/** 24 bits signed, little-endian. */
export const i24le: Field<number> = int(3, true, 'le');
/** 24 bits signed, big-endian. */
export const i24be: Field<number> = int(3, true, 'be');
/** 32 bits unsigned, little-endian. */
export const u32le: Field<number> = int(4, false, 'le');
/** 32 bits unsigned, big-endian. */
export const u32be: Field<number> = int(4, false, 'be');
/** 32 bits signed, little-endian. */
export const i32le: Field<number> = int(4, true, 'le');
/** 32 bits signed, big-endian. */
export const i32be: Field<number> = int(4, true, 'be');
/** 64 bits unsigned, little-endian, a `bigint`. */
export const u64le: Field<bigint> = Object.freeze({ kind: 'bigint', signed: false, order: 'le' });
/** 64 bits unsigned, big-endian, a `bigint`. */
export const u64be: Field<bigint> = Object.freeze({ kind: 'bigint', signed: false, order: 'be' });
/** 64 bits signed, little-endian, a `bigint`. */
export const i64le: Field<bigint> = Object.freeze({ kind: 'bigint', signed: true, order: 'le' });
/** 64 bits signed, big-endian, a `bigint`. */
export const i64be: Field<bigint> = Object.freeze({ kind: 'bigint', signed: true, order: 'be' });
/** IEEE 754 single precision, little-endian. Encoding rounds to the nearest single. */
export const f32le: Field<number> = Object.freeze({ kind: 'float', width: 4, order: 'le' });
/** IEEE 754 single precision, big-endian. Encoding rounds to the nearest single. */
export const f32be: Field<number> = Object.freeze({ kind: 'float', width: 4, order: 'be' });
/** IEEE 754 double precision, little-endian. */
export const f64le: Field<number> = Object.freeze({ kind: 'float', width: 8, order: 'le' });
/** IEEE 754 double precision, big-endian. */
export const f64be: Field<number> = Object.freeze({ kind: 'float', width: 8, order: 'be' });

/**
 * An unsigned integer in groups of seven bits, least significant first, the high bit set on all but the last
 * (LEB128, protobuf's varint): 0 to 2⁵³ − 1. Written as short as it goes; read at any width up to ten bytes.
 */
export const varuint: Field<number> = Object.freeze({ kind: 'varint', zigzag: false });
/** A signed integer as a `varuint` of its zigzag image (0, −1, 1, −2 … as 0, 1, 2, 3 …): −2⁵² to 2⁵² − 1. */
export const varint: Field<number> = Object.freeze({ kind: 'varint', zigzag: true });

/** One byte, 0 or 1; anything else is refused. */
export const bool: Field<boolean> = Object.freeze({ kind: 'bool' });

// ─── Bytes and text ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * Raw bytes. Decoding gives a *view* of the bytes received, not a copy: copy it to keep it.
 *
 * @example bytes(16); bytes(u8); bytes('length'); bytes(rest, { max: 4096 });
 */
export function bytes<const S extends Size>(
  size: S,
  limits: Limits = {},
): Field<Buffer, Uint8Array, Filled<S>> {
  return freeze({ kind: 'bytes', size: sizeNode(size, 'bytes'), max: maximum(limits, DEFAULT_MAX_BYTES) });
}

/**
 * Text in UTF-8; the size is in bytes. Malformed UTF-8 is refused, as is a lone surrogate on encode; U+FEFF is
 * text, wherever it stands.
 *
 * @example utf8(u8); utf8('length', { max: 64 });
 */
export function utf8<const S extends Size>(size: S, limits: Limits = {}): Field<string, string, Filled<S>> {
  return freeze({ kind: 'utf8', size: sizeNode(size, 'utf8'), max: maximum(limits, DEFAULT_MAX_BYTES) });
}

/** Text in UTF-8 up to a NUL byte, which is not part of it; at most `max` bytes before the NUL. */
export function cstring(max = 65_535): Field<string> {
  return freeze({ kind: 'cstring', max: maximum({ max }, DEFAULT_MAX_BYTES) });
}

// ─── Compounds ──────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Elements, one after the other. The count is checked against the bytes that are there before anything is made.
 *
 * @example array(u16be, u8); array(struct({ x: u8 }), 'count', { max: 100 }); array(u32le, rest);
 */
export function array<F extends AnyField, const S extends Size>(
  item: F,
  count: S,
  limits: Limits = {},
): Field<FieldOut<F>[], readonly FieldIn<F>[], Filled<S> | NonNullable<F[typeof shape]>['fills']> {
  const element = fieldNode(item, 'array(item)');
  requireValue(element, 'an element');
  const data = sizeNode(count, 'array');
  const usual = sizes(element).min === 0 ? DEFAULT_MAX_EMPTY : DEFAULT_MAX_COUNT;
  return freeze({ kind: 'array', item: element, count: data, max: maximum(limits, usual) });
}

/**
 * Named fields, one after the other, as one object.
 *
 * @example struct({ x: i32le, y: i32le });
 */
export function struct<F extends Fields>(
  fields: F,
): Field<StructOut<F>, StructIn<F>, Exclude<FillsOf<F>, keyof F>> {
  return structNode(fields) as Field<StructOut<F>, StructIn<F>, Exclude<FillsOf<F>, keyof F>>;
}

/** A condition on a field declared earlier. */
export interface Condition {
  /** Its name; a member of `flags`, `bits` or a `struct` as `'flags.urgent'`. */
  readonly field: string;
  /** The values that fulfil the condition. */
  readonly is: readonly (number | bigint | string | boolean)[];
}

/**
 * A condition for `optional`: the earlier field has one of the values; `true` when none is named.
 *
 * @example when('version', 2, 3); when('flags.urgent');
 */
export function when(field: string, ...is: (number | bigint | string | boolean)[]): Condition {
  if (typeof field !== 'string' || field.split('.').length > 2) {
    throw new TypeError(`when(field): expected 'field' or 'field.member', got ${String(field)}`);
  }
  if (is.some((value) => Number.isNaN(value))) throw new RangeError('when(field, …): NaN equals nothing');
  return Object.freeze({ field, is: Object.freeze(is.length === 0 ? [true] : is) });
}

/**
 * A value that may be missing: `undefined`. A byte before it, 0 or 1, says whether it is there; with a condition
 * there is no such byte, and an earlier field decides.
 *
 * @example optional(u32le); optional(utf8(u8), when('flags.named'));
 */
export function optional<F extends AnyField>(
  item: F,
  condition?: Condition,
): Field<FieldOut<F> | undefined, FieldIn<F> | undefined, NonNullable<F[typeof shape]>['fills']> {
  const node = fieldNode(item, 'optional(item)');
  requireValue(node, 'an optional field');
  return freeze({ kind: 'optional', item: node, when: condition });
}

/** The value of a tag: a name, where the tag is an enumeration. */
export type Tag = number | bigint | string;

/** One case of a `union`, or one of the `messages`. */
export interface Message<F extends Fields> {
  readonly tag: Tag;
  readonly fields: F;
}

/**
 * One of the `messages`, or one case of a `union`: its tag on the wire, and its fields behind the tag.
 *
 * @example message(1, { x: i32le, y: i32le }); message(0);
 */
export function message(tag: Tag): Message<Record<never, never>>;
export function message<F extends Fields>(tag: Tag, fields: F): Message<F>;
export function message(tag: Tag, fields: Fields = {}): Message<Fields> {
  return Object.freeze({ tag, fields });
}

// biome-ignore lint/suspicious/noExplicitAny: any message
export type Messages = Readonly<Record<string, Message<any>>>;

/**
 * One of several structures, told apart by a tag: an integer or enumeration right before it, or the name of one
 * declared earlier, which is then derived. The value carries the case's name as `type`.
 *
 * @example
 * struct({
 *   kind: u8,
 *   shape: union('kind', { circle: message(1, { radius: u16le }), square: message(2, { side: u16le }) }),
 * }); // { kind: 1, shape: { type: 'circle', radius: 7 } }
 */
export function union<const T extends string | AnyField, M extends Messages>(
  tag: T,
  cases: M,
): Field<
  { [K in keyof M & string]: Flat<{ type: K } & StructOut<M[K]['fields']>> }[keyof M & string],
  { [K in keyof M & string]: Flat<{ type: K } & StructIn<M[K]['fields']>> }[keyof M & string],
  Filled<T> | { [K in keyof M]: Exclude<FillsOf<M[K]['fields']>, keyof M[K]['fields']> }[keyof M]
> {
  // biome-ignore lint/suspicious/noExplicitAny: the types are the signature's
  return unionNode(tag, cases, {}) as any;
}

/**
 * An integer that stands for a name.
 *
 * `unknown: 'reject'` (the default) refuses a value without a name; `'keep'` gives it, and takes it, as a number.
 *
 * @example enumeration(u8, { off: 0, on: 1 }); // 'off' | 'on'
 */
export function enumeration<const V extends Readonly<Record<string, number>>>(
  base: Field<number>,
  values: V,
): Field<keyof V & string>;
export function enumeration<
  const V extends Readonly<Record<string, number>>,
  const U extends 'reject' | 'keep',
>(
  base: Field<number>,
  values: V,
  options: { unknown: U },
): Field<U extends 'keep' ? (keyof V & string) | number : keyof V & string>;
export function enumeration(
  base: Field<number>,
  values: Readonly<Record<string, number>>,
  options: { unknown?: 'reject' | 'keep' } = {},
  // biome-ignore lint/suspicious/noExplicitAny: the types are the overloads'
): any {
  const node = integerNode(base, 'enumeration');
  const names = Object.entries(values);
  if (names.length === 0) throw new TypeError('enumeration: at least one name is needed');
  const byValue = new Map<number, string>();
  for (const [name, value] of names) {
    requireInteger(node, value, `enumeration: ${name}`);
    const other = byValue.get(value);
    if (other !== undefined) throw new RangeError(`enumeration: ${other} and ${name} are both ${value}`);
    byValue.set(value, name);
  }
  return freeze({
    kind: 'enumeration',
    base: node,
    byName: new Map(names),
    byValue,
    unknown: oneOf(options.unknown ?? 'reject', ['reject', 'keep'], 'enumeration: unknown'),
  });
}

/**
 * Single bits of an integer, each by its position from the least significant, which is 0.
 *
 * Bits without a name are refused when set (`unknown: 'reject'`, the default), or ignored.
 *
 * @example flags(u8, { urgent: 0, signed: 7 }); // { urgent: boolean, signed: boolean }
 */
export function flags<const P extends Readonly<Record<string, number>>>(
  base: Field<number>,
  positions: P,
  options: { unknown?: 'reject' | 'ignore' } = {},
): Field<{ -readonly [K in keyof P]: boolean }> {
  const node = fixedIntegerNode(base, 'flags');
  const members: BitMember[] = [];
  let named = 0;
  for (const [name, position] of Object.entries(positions)) {
    requireName(name, 'flags');
    if (!Number.isInteger(position) || position < 0 || position >= node.width * 8) {
      throw new RangeError(`flags: ${name} is at bit ${position}; expected 0 to ${node.width * 8 - 1}`);
    }
    if ((named >>> position) & 1) throw new RangeError(`flags: two names for bit ${position}`);
    named = (named | (1 << position)) >>> 0;
    members.push({ name, shift: position, width: 1 });
  }
  return freeze({
    kind: 'flags',
    base: node,
    members,
    named,
    unknown: oneOf(options.unknown ?? 'reject', ['reject', 'ignore'], 'flags: unknown'),
  });
}

/**
 * Several unsigned numbers in one integer: name and width in bits, the *most significant first*; together they
 * fill the integer.
 *
 *     bits(u8, { version: 4, headerLength: 4 })      0x45  =  0100 0101
 *                                                     version 4 ┘    └ headerLength 5
 */
export function bits<const W extends Readonly<Record<string, number>>>(
  base: Field<number>,
  widths: W,
): Field<{ -readonly [K in keyof W]: number }> {
  const node = fixedIntegerNode(base, 'bits');
  const total = node.width * 8;
  const members: BitMember[] = [];
  let left = total;
  for (const [name, width] of Object.entries(widths)) {
    requireName(name, 'bits');
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`bits: ${name} is ${width} bits wide; expected 1 or more`);
    }
    left -= width;
    members.push({ name, shift: left, width });
  }
  if (left !== 0)
    throw new RangeError(`bits: the widths add up to ${total - left}; the integer has ${total}`);
  return freeze({ kind: 'bits', base: node, members });
}

/**
 * A value that is always the same: a magic number, a version, a reserved field. Checked on decode, written on
 * encode, and not part of the message.
 *
 * @example constant(u16be, 0xcafe); constant(utf8(4), 'RIFF');
 */
export function constant<F extends AnyField>(base: F, value: FieldIn<F>): Field<Absent> {
  const node = fieldNode(base, 'constant(field)');
  requireValue(node, 'a constant');
  if (refs(node).length > 0) throw new TypeError('constant: the field may not refer to another');
  return freeze({ kind: 'constant', base: node, value, bytes: assemble(node, value) });
}

/**
 * Bytes that mean nothing: written as zeros, ignored on decode, not part of the message. `{ to: 4 }` pads to
 * the next multiple of four, counted from the start of the frame.
 */
export function padding(size: number | { to: number }): Field<Absent> {
  const [count, to] = typeof size === 'number' ? [size, 0] : [0, size.to];
  if (
    !Number.isInteger(count) ||
    count < 0 ||
    (typeof size !== 'number' && !(Number.isInteger(to) && to > 0))
  ) {
    throw new RangeError('padding: expected a number of bytes, or { to: n } with n of 1 or more');
  }
  return freeze({ kind: 'padding', size: count, to });
}

/** Over which bytes a checksum goes. */
export interface ChecksumRange {
  /**
   * The first field in the range, of the same structure. Unless told, the range begins with the structure; that
   * of a message is the whole frame, header and tag included.
   */
  from?: string;
  /** The last field in the range; unless told, it ends before the checksum. */
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
  const node = fixedIntegerNode(base, 'checksum');
  const summer = typeof algorithm === 'string' ? checksumByName(algorithm) : algorithm;
  if (node.signed || summer.width !== node.width * 8) {
    throw new RangeError(
      `checksum: ${summer.name} has ${summer.width} bits, so it needs an unsigned integer as wide`,
    );
  }
  const append = Uint8Array.from(range.append ?? []);
  return freeze({ kind: 'checksum', base: node, algorithm: summer, from: range.from, to: range.to, append });
}

/**
 * A field that has a number of bytes to itself, and must use them all.
 *
 * @example bounded(u16be, struct({ id: u8, options: array(option, rest) }));
 */
export function bounded<const S extends Size, F extends AnyField>(
  size: S,
  item: F,
  limits: Limits = {},
): Field<FieldOut<F>, FieldIn<F>, Filled<S> | NonNullable<F[typeof shape]>['fills']> {
  const node = fieldNode(item, 'bounded(item)');
  requireValue(node, 'a bounded field');
  if (typeof size === 'number') {
    const { min, max } = sizes(node);
    if (size < min || size > max) {
      throw new RangeError(
        `bounded(${size}, item): the item takes ${min === max ? min : `${min} to ${max}`} bytes`,
      );
    }
  }
  return freeze({
    kind: 'bounded',
    size: sizeNode(size, 'bounded'),
    item: node,
    max: maximum(limits, DEFAULT_MAX_BYTES),
  });
}

/**
 * A field that is named before it is declared: for recursion. Inside, references to fields outside do not hold.
 * Nesting deeper than `maxDepth` (64 unless told) is refused both ways.
 *
 * @example
 * interface Tree { value: number; children: readonly Tree[] }
 * const tree: Field<Tree> = struct({ value: u8, children: array(lazy(() => tree), u8) });
 */
export function lazy<F extends AnyField>(
  get: () => F,
  options: { maxDepth?: number } = {},
): Field<FieldOut<F>, FieldIn<F>> {
  const maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > 1000) {
    throw new RangeError('lazy: maxDepth is 1 to 1000');
  }
  let node: Node | undefined;
  const once = (): Node => {
    node ??= fieldNode(get(), 'lazy(() => field)');
    return node;
  };
  return freeze({ kind: 'lazy', get: once, maxDepth });
}

/** What a custom field reads from. */
export interface ReadCursor {
  /** The chunk; only `[start, end)` is the frame's, or the enclosing `bounded`'s. */
  readonly bytes: Buffer;
  /** The start of the frame. */
  readonly start: number;
  readonly end: number;
  /** Where the next byte is read; move it past what is read. */
  at: number;
  /** Reserve `count` bytes and move behind them; answers where they begin. Refuses what is not there. */
  take(count: number): number;
  /** Refuse the bytes: `ERR_MESSAGE_VALUE` with these words. */
  fail(expected: string, actual?: unknown): never;
}

/** What a custom field writes to. */
export interface WriteCursor {
  readonly target: Buffer;
  /** The start of the frame. */
  readonly start: number;
  /** Where the next byte is written; move it past what is written. */
  at: number;
  /** Refuse the value: `ERR_FIELD_RANGE` with these words. */
  fail(expected: string, actual?: unknown): never;
}

/** How a custom field is read and written. */
export interface CustomField<Out, In = Out> {
  /** For errors and pictures: `'domain name'`. */
  name: string;
  read(cursor: ReadCursor): Out;
  write(cursor: WriteCursor, value: In): void;
  /** The most bytes `write` will take for the value. */
  size(value: In): number;
  /** The fewest bytes `read` takes; 0 unless told. */
  minSize?: number;
}

/** A field of your own. */
export function custom<Out, In = Out>(definition: CustomField<Out, In>): Field<Out, In> {
  for (const part of ['read', 'write', 'size'] as const) {
    if (typeof definition[part] !== 'function') throw new TypeError(`custom: ${part} must be a function`);
  }
  return freeze({
    kind: 'custom',
    definition: definition as CustomField<unknown>,
    min: definition.minSize ?? 0,
  });
}

// ─── From declarations to data, checked ─────────────────────────────────────────────────────────────────────

/** The data of a field; a `TypeError` when it is none. */
export function fieldNode(field: AnyField, where: string): Node {
  if (
    typeof field !== 'object' ||
    field === null ||
    typeof field.kind !== 'string' ||
    field === (rest as unknown)
  ) {
    throw new TypeError(`${where}: expected a field such as u8 or struct({ … }), got ${gotText(field)}`);
  }
  return field as Node;
}

/** The data of a structure, with its references checked; `where` is the message it belongs to, for errors. */
export function structNode(fields: Fields, where = ''): StructNode {
  const pathOf = (name: string): string => (where === '' ? name : `${where}.${name}`);
  const prototype = typeof fields === 'object' && fields !== null ? Object.getPrototypeOf(fields) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('fields: expected a plain object; write a field named __proto__ as ["__proto__"]');
  }
  const entries = Object.entries(fields).map(([name, field]) => {
    requireName(name, where === '' ? 'a field' : where);
    return [name, fieldNode(field, pathOf(name))] as const;
  });
  const places = new Map(entries.map(([name], index) => [name, index]));
  const derived = new Set<string>();
  entries.forEach(([name, node], index) => {
    const path = pathOf(name);
    for (const ref of refs(node)) {
      const [first = '', member] = ref.name.split('.');
      const place = places.get(first);
      if (place === undefined) {
        if (ref.use === 'range') throw new RangeError(`${path}: there is no field '${ref.name}' beside it`);
        continue;
      }
      const target = entries[place]![1];
      if (ref.use === 'range') continue;
      if (place >= index)
        throw new RangeError(`${path} refers to '${ref.name}', which is not declared before it`);
      if (ref.use === 'condition') requireReadable(target, member, path, ref.name);
      else {
        requireFillable(target, path, ref);
        derived.add(first);
      }
    }
    if (node.kind === 'checksum') requireRange(path, index, node, places, entries);
  });
  for (const [name, node] of entries) {
    for (const ref of refs(node)) {
      if (ref.use === 'condition' && derived.has(ref.name)) {
        throw new RangeError(
          `${pathOf(name)}: its condition hangs on '${ref.name}', which the encoder fills in`,
        );
      }
    }
  }
  requireNothingBehindRest(entries, where);
  return Object.freeze({ kind: 'struct', entries, derived });
}

/** The data of a union; `header` are fields that stand before the tag, in every case. */
export function unionNode(tag: string | AnyField, cases: Messages, header: Fields): UnionNode {
  const tagNode = typeof tag === 'string' ? tag : tagFieldNode(tag);
  const byTag = new Map<Tag, UnionCase>();
  const byName = new Map<string, UnionCase>();
  for (const [name, { tag: value, fields }] of Object.entries(cases)) {
    for (const key of Object.keys(fields)) {
      if (key === 'type')
        throw new RangeError(`${name}: no field can be named 'type'; that is the name's place`);
      if (Object.hasOwn(header, key)) throw new RangeError(`${name}: the header has a field '${key}' too`);
    }
    if (typeof tagNode !== 'string') requireTag(tagNode, value, name);
    const other = byTag.get(value);
    if (other !== undefined) throw new RangeError(`${other.name} and ${name} have the same tag, ${value}`);
    const one = { name, tag: value, struct: structNode(merge(header, fields), name) };
    byTag.set(value, one);
    byName.set(name, one);
  }
  if (byName.size === 0) throw new TypeError('at least one case is needed');
  return Object.freeze({
    kind: 'union',
    tag: tagNode,
    byTag,
    byName,
    headerCount: Object.keys(header).length,
  });
}

// ─── Helpers ────────────────────────────────────────────────────────────────────────────────────────────────

function int(width: IntNode['width'], signed: boolean, order: ByteOrder): Field<number> {
  return Object.freeze({ kind: 'int', width, signed, order });
}

// biome-ignore lint/suspicious/noExplicitAny: the type is the caller's
function freeze(node: Node): any {
  return Object.freeze(node);
}

function merge(header: Fields, fields: Fields): Fields {
  return Object.fromEntries([...Object.entries(header), ...Object.entries(fields)]);
}

function maximum(limits: Limits, usual: number): number {
  const max = limits.max ?? usual;
  if (!Number.isSafeInteger(max) || max < 0) throw new RangeError(`max: expected a whole number, got ${max}`);
  return max;
}

function sizeNode(size: Size, where: string): SizeNode {
  if (typeof size === 'string' || size === rest) return size as string | Rest;
  if (typeof size === 'number') {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${where}: ${size} is not a size`);
    return size;
  }
  const node = integerNode(size as Field<number>, where);
  if (integerRange(node).min < 0) throw new TypeError(`${where}: a size is an unsigned integer`);
  return node;
}

function integerNode(field: AnyField, where: string): IntNode | VarintNode {
  const node = fieldNode(field, where);
  if (node.kind === 'int' || node.kind === 'varint') return node;
  throw new TypeError(`${where}: expected an integer field of at most 32 bits or a varint, got ${node.kind}`);
}

function fixedIntegerNode(field: AnyField, where: string): IntNode {
  const node = integerNode(field, where);
  if (node.kind === 'int') return node;
  throw new TypeError(`${where}: expected an integer field of fixed width, got ${node.kind}`);
}

function tagFieldNode(field: AnyField): IntNode | VarintNode | EnumerationNode | BigintNode {
  const node = fieldNode(field, 'the tag');
  switch (node.kind) {
    case 'int':
    case 'varint':
    case 'bigint':
    case 'enumeration':
      return node;
    default:
      throw new TypeError(`the tag: expected an integer field or an enumeration, got ${node.kind}`);
  }
}

function requireTag(node: Node, value: Tag, name: string): void {
  const fits =
    node.kind === 'enumeration'
      ? node.byName.has(value as string)
      : node.kind === 'bigint'
        ? typeof value === 'bigint' &&
          (node.signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) === value
        : (node.kind === 'int' || node.kind === 'varint') && isInRange(node, value);
  if (!fits) throw new RangeError(`${name}: the tag ${show(value)} is no value of its field`);
}

function requireInteger(node: IntNode | VarintNode, value: unknown, where: string): void {
  if (isInRange(node, value)) return;
  const { min, max } = integerRange(node);
  throw new RangeError(`${where}: expected a whole number from ${min} to ${max}, got ${String(value)}`);
}

function isInRange(node: IntNode | VarintNode, value: unknown): boolean {
  const { min, max } = integerRange(node);
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function requireName(name: string, where: string): void {
  if (/^(0|[1-9]\d*)$/.test(name)) {
    throw new RangeError(`${where}: '${name}' is no name; JavaScript would move a number to the front`);
  }
  if (name.includes('.')) throw new RangeError(`${where}: a name has no dot in it, and '${name}' does`);
}

function requireValue(node: Node, where: string): void {
  if (isAbsent(node)) throw new TypeError(`${where} must have a value; a ${node.kind} has none`);
}

function requireReadable(target: Node, member: string | undefined, name: string, ref: string): void {
  if (isAbsent(target) || target.kind === 'checksum') {
    throw new RangeError(`${name} refers to '${ref}', which has no value of its own`);
  }
  if (member === undefined) return;
  const members =
    target.kind === 'flags' || target.kind === 'bits'
      ? target.members.map((one) => one.name)
      : target.kind === 'struct'
        ? target.entries.map(([key]) => key)
        : [];
  if (!members.includes(member)) throw new RangeError(`${name} refers to '${ref}', which does not exist`);
  if (target.kind === 'struct') {
    requireReadable(target.entries[members.indexOf(member)]![1], undefined, name, ref);
    if (target.derived.has(member)) {
      throw new RangeError(`${name}: its condition hangs on '${ref}', which the encoder fills in`);
    }
  }
}

function requireFillable(target: Node, name: string, ref: Ref): void {
  if (ref.use === 'size') {
    if (target.kind === 'int' && !target.signed) return;
    throw new TypeError(`${name}: its size '${ref.name}' must be an unsigned integer of fixed width`);
  }
  if (target.kind !== 'int' && !(target.kind === 'enumeration' && target.base.kind === 'int')) {
    throw new TypeError(
      `${name}: its tag '${ref.name}' must be an integer of fixed width, or an enumeration of one`,
    );
  }
  for (const tag of ref.tags ?? []) requireTag(target, tag, name);
}

function requireNothingBehindRest(entries: StructNode['entries'], where: string): void {
  let taker: string | undefined;
  for (const [name, node] of entries) {
    // What a custom field takes is its own business, and kept bytes may be none.
    const mayTakeNone =
      (node.kind === 'custom' && node.min === 0) || (node.kind === 'bytes' && node.orEmpty === true);
    if (taker !== undefined && !mayTakeNone && sizes(node).max > 0) {
      const prefix = where === '' ? '' : `${where}: `;
      throw new RangeError(`${prefix}'${name}' can never be read, '${taker}' takes the rest`);
    }
    if (taker === undefined && takesRest(node)) taker = name;
  }
}

/** What was given for a field, in words; for `utf8` in place of `utf8(u8)`, how to call it. */
function gotText(field: unknown): string {
  if (field === rest) return 'rest, which is a size';
  if (typeof field !== 'function') return show(field);
  const { name } = field;
  return `the function ${name}; call it: ${name}(${name === 'utf8' || name === 'bytes' ? 'u8' : '…'})`;
}

function requireRange(
  name: string,
  index: number,
  node: ChecksumNode,
  places: Map<string, number>,
  entries: StructNode['entries'],
): void {
  const from = node.from === undefined ? -1 : places.get(node.from)!;
  const to = node.to === undefined ? index - 1 : places.get(node.to)!;
  if (from > to || (from <= index && index <= to)) {
    throw new RangeError(`${name}: the range of a checksum runs forward, and not over the checksum`);
  }
  for (let at = index + 1; at <= to; at++) {
    if (entries[at]![1].kind === 'checksum') {
      throw new RangeError(
        `${name}: the checksum '${entries[at]![0]}' in its range must be declared before it`,
      );
    }
  }
}

function oneOf<T extends string>(value: T, allowed: readonly T[], where: string): T {
  if (!allowed.includes(value)) {
    throw new TypeError(
      `${where}: expected ${allowed.map((one) => `'${one}'`).join(' or ')}, got ${String(value)}`,
    );
  }
  return value;
}
