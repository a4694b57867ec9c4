import { show } from '../../bytes/show.ts';
import { type Check, checkOptions, natural } from '../../options.ts';
import type { Tag } from './kind.ts';
import { type AnyNode, isNode } from './node.ts';

/**
 * Field declarations: plain data that says how a value lies in bytes, and the types that TypeScript infers from them.
 *
 * Integers and floats name their byte order; there is no default. A *size* (bytes) or *count* (elements) is one of:
 *
 *     bytes(4)          exactly four
 *     bytes(u16be)      a prefix: the integer stands right before the bytes
 *     bytes('length')   an integer field declared earlier, here or in an enclosing structure, or a member of one: 'header.length'
 *     bytes(size(…))    one of these numbers, adjusted
 *     bytes(parameter('n'))   a number that is known before any byte is read
 *     bytes(rest)       all that is left of the frame, or of the enclosing `bounded`, except room for the fields that follow
 *
 * A field that is the size, count or union tag of another is *derived*: the encoder fills it in and ignores the message's value,
 * so a decoded message can be changed and encoded again.
 */

declare const shape: unique symbol;

export type { shape as FieldShape };

/**
 * A declaration of one field.
 *
 * `Out` is the type that decoding gives; `In` is the type that encoding takes. `Fills` are paths: of the earlier fields that the
 * field fills in; with `?` in front, of the fields that it reads. With `@` in front they are names of parameters, with `!` they
 * say what is wrong with a path. `Members` are the fields of a structure, through which paths are checked if they are known.
 */
// biome-ignore lint/suspicious/noExplicitAny: a field that is annotated tells nothing of what it holds
export interface Field<Out, In = Out, Fills extends string = never, Members = any> {
  /** What kind of field it is: `'int'`, `'struct'`. */
  readonly kind: { readonly name: string };
  /** For the compiler only; no such property exists. */
  readonly [shape]?: { out: Out; in: (value: In) => void; fills: Fills; members?: Members };
}

/** A number that may have a fraction, so it cannot be a size. */
export interface FloatField extends Field<number> {
  readonly [shape]?: { out: number; in: (value: number) => void; fills: never; float: true };
}

/** A number that may be a size. */
export interface WholeField extends Field<number> {
  readonly [shape]?: { out: number; in: (value: number) => void; fills: never; float?: undefined };
}

// biome-ignore lint/suspicious/noExplicitAny: any field
export type AnyField = Field<any, any, any>;

/** The value of a field that repeats another one of an enclosing structure, whose type is not known. */
export type SameValue = number | bigint | string | boolean | Buffer;

/** A field with the layout of the one at a path. */
export interface Repeated<P extends string> extends Field<SameValue, SameValue | undefined, `?${P}`> {
  readonly [shape]?: {
    out: SameValue;
    in: (value: SameValue | undefined) => void;
    fills: `?${P}`;
    repeats: P;
  };
}

/** Named fields, in the order of the wire. */
export type Fields = Readonly<Record<string, AnyField>>;

/** The type of a field that is not part of the value: a constant, padding. */
export interface Absent {
  readonly [shape]: 'absent';
}

/** What decoding a field gives. */
export type FieldOut<F extends AnyField> = NonNullable<F[typeof shape]>['out'];

/** What encoding a field takes. */
export type FieldIn<F extends AnyField> = NonNullable<F[typeof shape]>['in'] extends (value: infer In) => void
  ? In
  : never;

/** The paths that a field fills in or reads, as in `Field`. */
export type FieldFills<F extends AnyField> = NonNullable<F[typeof shape]>['fills'];

export type FillsOf<F extends Fields> = { [K in keyof F]: FieldFills<F[K]> }[keyof F];

/** The paths of these fields that lead out of them. */
export type OuterFills<F extends Fields> =
  FillsOf<F> extends infer P
    ? (P extends unknown ? (FirstName<Bare<P>> extends keyof F ? never : P) : never) & string
    : never;

/** The rest of each path that begins with the name `K`. */
type Below<P, K> = K extends string ? (P extends `${K}.${infer Inner}` ? Inner : never) : never;
/** A path without its `?`. */
type Bare<P> = P extends `?${infer Path}` ? Path : P;
type FirstName<P> = P extends `${infer First}.${string}` ? First : P;

/** A value whose members at the paths `P` are filled in by the encoder, and may be left out. */
type Lent<T, P> = [P] extends [never]
  ? T
  : T extends object
    ? Flat<
        Omit<T, FirstName<P> & string> & {
          [K in FirstName<P> & keyof T]?: Lent<T[K], Below<P, K>> | undefined;
        }
      >
    : T;

type OptionalKeys<F extends Fields, P> = {
  [K in keyof F]: FieldOut<F[K]> extends Absent
    ? never
    : K extends FillsOf<F> | P
      ? K
      : undefined extends FieldIn<F[K]>
        ? K
        : [Below<FillsOf<F> | P, K>] extends [never]
          ? never
          : Record<never, never> extends Lent<FieldIn<F[K]>, Below<FillsOf<F> | P, K>>
            ? K
            : never;
}[keyof F];

/** A plain object type in place of an intersection, for each member of a union, so that compiler errors are readable. */
export type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

type Outs<F extends Fields> = { [K in keyof F]: FieldOut<F[K]> };
type Ins<F extends Fields> = { [K in keyof F]: FieldIn<F[K]> };

/** What decoding named fields gives. */
export type StructOut<F extends Fields> = Flat<{
  [K in keyof F as FieldOut<F[K]> extends Absent ? never : K]: F[K] extends Repeated<infer P>
    ? RepeatedValue<Outs<F>, P>
    : FieldOut<F[K]>;
}>;

/** The type that a field repeats: the one at the path, or any comparable value if the path leads out of these fields. */
type RepeatedValue<Values, P extends string> = Known<At<Values, P>>;
type Known<T> = [T] extends [Missing] ? SameValue : T;

/** What encoding named fields takes. Derived fields, and fields at the paths `P`, may be left out. */
export type StructIn<F extends Fields, P = never> = Flat<
  {
    [K in keyof F as FieldOut<F[K]> extends Absent ? never : K extends OptionalKeys<F, P> ? never : K]: Lent<
      FieldIn<F[K]>,
      Below<FillsOf<F> | P, K>
    >;
  } & {
    [K in OptionalKeys<F, P>]?:
      | (F[K] extends Repeated<infer R>
          ? RepeatedValue<Ins<F>, R>
          : Lent<FieldIn<F[K]>, Below<FillsOf<F> | P, K>>)
      | undefined;
  }
>;

declare const missing: unique symbol;
type Missing = typeof missing;
type IsAny<T> = 0 extends 1 & T ? true : false;

/** The type of the value at a path. Only that path is followed, not every member. */
type At<T, Path extends string> =
  IsAny<T> extends true
    ? T
    : T extends undefined | null
      ? never
      : Path extends `${infer First}.${infer Inner}`
        ? First extends keyof T
          ? At<T[First], Inner>
          : Missing
        : Path extends keyof T
          ? T[Path]
          : Missing;

type Exists<T, Path extends string> = [T] extends [Missing] ? `there is no field '${Path}'` : never;

/** Why a value cannot be a size or a tag, in words. */
type Fillable<T, Path extends string> =
  IsAny<T> extends true
    ? never
    : [T] extends [Missing]
      ? Exists<T, Path>
      : string extends T
        ? `'${Path}' is a text, so it is neither a size nor a tag`
        : [T] extends [number | bigint | string | undefined]
          ? never
          : `'${Path}' is not a number, so it is neither a size nor a tag`;

/** Whether a path inside a field leads to a float. */
type IsFloat<F, Path> = F extends FloatField
  ? Path extends ''
    ? true
    : false
  : MembersOf<F> extends infer M
    ? Path extends `${infer First}.${infer Inner}`
      ? First extends keyof M
        ? IsFloat<M[First], Inner>
        : false
      : Path extends keyof M
        ? IsFloat<M[Path], ''>
        : false
    : false;
/** The fields inside a field, by name; none if its type does not say. */
type MembersOf<F> =
  NonNullable<F[typeof shape & keyof F]> extends { members?: infer M }
    ? IsAny<M> extends true
      ? Record<never, never>
      : NonNullable<M>
    : never;

/** What is wrong with the path of a size or a tag that begins with one of these fields. */
type FillFault<F extends Fields, P extends string> = P extends `${infer First}.${infer Inner}`
  ? First extends keyof F
    ? IsFloat<F[First], Inner> extends true
      ? FloatFault<P>
      : Fillable<At<FieldOut<F[First]>, Inner>, P>
    : never
  : P extends keyof F
    ? IsFloat<F[P], ''> extends true
      ? FloatFault<P>
      : Fillable<FieldOut<F[P]>, P>
    : never;
type FloatFault<P extends string> = `'${P}' is a float, so it is neither a size nor a tag`;

/** What is wrong with one path inside these fields; never for a path that leads out of them. */
type PathFault<F extends Fields, P> =
  IsAny<P> extends true
    ? never
    : P extends `?${infer Path}`
      ? Path extends `${infer First}.${infer Inner}`
        ? First extends keyof F
          ? Exists<At<FieldOut<F[First]>, Inner>, Path>
          : never
        : never
      : P extends string
        ? FillFault<F, P>
        : never;

/** The tag of messages, or what is wrong with its path in their header. */
export type CheckedTag<G, H extends Fields> = G extends string
  ? string extends G
    ? unknown
    : FirstName<G> extends keyof H
      ? [FillFault<H, G>] extends [never]
        ? unknown
        : Wrong<FillFault<H, G>>
      : Wrong<`there is no field '${G}' in the header`>
  : unknown;
/** A type that no path has, so that the compiler shows the text. */
interface Wrong<Text extends string> {
  readonly wrong: Text;
}

/** What is wrong with the paths of these fields. */
export type FieldFaults<F extends Fields> =
  PathFault<F, FillsOf<F>> extends infer E extends string ? `!${E}` : never;

/** A path or parameter that does not exist, once all fields are known. */
type OuterFault<P, Parameters extends string> =
  IsAny<P> extends true
    ? never
    : P extends `@${infer Name}`
      ? Name extends Parameters
        ? never
        : string extends Name
          ? never
          : `there is no parameter '${Name}'`
      : P extends `!${infer Fault}`
        ? Fault
        : P extends string
          ? string extends Bare<P>
            ? never
            : `there is no field '${Bare<P> & string}'`
          : never;

/** The field, or what is wrong with it when it is a whole message. */
export type CheckedRoot<F extends AnyField, Parameters extends string> = [
  OuterFault<FieldFills<F>, Parameters>,
] extends [never]
  ? unknown
  : OuterFault<FieldFills<F>, Parameters>;

type MessageFault<F extends Fields, Parameters extends string> =
  | OuterFault<OuterFills<F>, Parameters>
  | PathFault<F, FillsOf<F>>;

/** The messages; a message with a fault is replaced by the text of the fault. */
export type CheckedMessages<
  M extends MessageTable,
  H extends Fields,
  R extends Fields,
  Parameters extends string,
> = {
  [K in keyof M]: [MessageFault<H & M[K]['fields'] & R, Parameters>] extends [never]
    ? M[K]
    : MessageFault<H & M[K]['fields'] & R, Parameters>;
};

/** All that is left of the frame, or of the enclosing `bounded`. */
export const rest: Rest = Object.freeze({ kind: Object.freeze({ name: 'rest' }) });
export interface Rest {
  readonly kind: { readonly name: 'rest' };
}

/** The result of `size`; `Nothing` is `null` if a number stands for nothing. */
export interface Adjusted<Path extends string = string, Nothing = unknown> {
  readonly kind: { readonly name: 'size' };
  /** For the compiler only; no such property exists. */
  readonly [shape]?: { path: Path; nothing: Nothing };
}

/** A number from outside the bytes: see `parameter`. */
export interface Parameter<Name extends string = string> {
  readonly kind: { readonly name: 'parameter' };
  readonly parameter: Name;
}

/** A size in bytes, or a count of elements: see the start of this file. */
export type Size = number | string | Rest | Parameter | Adjusted | WholeField | Field<bigint, bigint, never>;

/** The result of `until` for a terminator. */
export interface Until {
  readonly kind: { readonly name: 'until' };
}

/** The result of `until` for a field of the elements and the value it has in the last one. */
export interface UntilLast {
  readonly kind: { readonly name: 'until last' };
}

/** The earlier field that a size fills in. */
export type Filled<S> = S extends string
  ? S
  : S extends Adjusted<infer Path>
    ? Path
    : S extends Parameter<infer Name>
      ? `@${Name}`
      : never;

/** A condition that reads earlier fields or parameters. */
export interface Reader<Reads> {
  /** For the compiler only; no such property exists. */
  readonly [shape]?: { reads: Reads };
}

/** The same path, if the encoder only reads that field. */
export type Read<S> =
  Filled<S> extends infer P extends string ? (P extends `@${string}` ? P : `?${P}`) : never;

/** `null`, if a number of the size stands for nothing. */
export type Nothing<S> = S extends Adjusted<string, infer N> ? N : never;

/** The most that one field may hold. */
export interface FieldLimits {
  /** In bytes (default 10,000,000) or elements (default 1,000,000). */
  max?: number;
}

export const DEFAULT_MAX_BYTES = 10_000_000;
export const DEFAULT_MAX_COUNT = 1_000_000;

/** One case of a `union`, or one of the `messages`. */
export interface Message<F extends Fields, T extends Tag | readonly Tag[] = Tag | readonly Tag[]> {
  readonly tag: T;
  readonly fields: F;
}

/**
 * One of the `messages`, or one case of a `union`: its tag on the wire, and the fields that follow the tag.
 *
 * A message with several tags has a member `tag` that says which.
 *
 * @example message(1, { x: i32le, y: i32le }); message(0); message([0x81, 0x82], { code: u8 });
 */
export function message<const T extends Tag | readonly Tag[]>(tag: T): Message<Record<never, never>, T>;
export function message<F extends Fields, const T extends Tag | readonly Tag[] = Tag>(
  tag: T,
  fields: F,
): Message<F, T>;
export function message(tag: Tag | readonly Tag[], fields: Fields = {}): Message<Fields> {
  return Object.freeze({ tag: Array.isArray(tag) ? Object.freeze([...tag]) : tag, fields });
}

/** What a message with several tags has besides its fields. */
export type TagMember<M> = M extends { readonly tag: readonly (infer T)[] } ? { tag: T } : unknown;

/** A message whose tag is not declared. */
export interface UnknownMessage<Payload = Buffer, T = number | bigint | string> {
  type: 'unknown';
  tag: T;
  payload: Payload;
}

/** Messages by name. */
// biome-ignore lint/suspicious/noExplicitAny: any message
export type MessageTable = Readonly<Record<string, Message<any>>>;

/** The data of a field; throws a `TypeError` if it is not a field. */
export function nodeOf(field: AnyField, where: string): AnyNode {
  if (!isNode(field)) {
    throw new TypeError(`${where}: expected a field such as u8 or struct({ … }), got ${gotText(field)}`);
  }
  return field;
}

/** As `nodeOf`, for a field that must have a value. `what` names it in the error. */
export function valuedNodeOf(field: AnyField, where: string, what: string): AnyNode {
  const node = nodeOf(field, where);
  if (node.facts.traits.absent)
    throw new TypeError(`${what} must have a value; a ${node.kind.name} has none`);
  return node;
}

/**
 * The `max` of the limits, after checking that the limits have no unknown option.
 *
 * @param others - a check for each other option that is allowed
 */
export function maximum(
  where: string,
  limits: FieldLimits,
  usual: number,
  others: Readonly<Record<string, Check>> = {},
): number {
  checkOptions(where, limits, { ...others, max: natural });
  return limits.max ?? usual;
}

/** The check of an option that names a field. */
export const pathOption: Check = (name, value) => {
  if (typeof value !== 'string')
    throw new TypeError(`${name} must be the path of a field, got ${show(value)}`);
};

/** The check of an option that names a field, or is `rest`. */
export const endOption: Check = (name, value) => {
  if (value !== rest) pathOption(name, value);
};

/** Describe a value that is not a field; for `utf8` in place of `utf8(u8)`, say how to call it. */
function gotText(field: unknown): string {
  if (field === rest) return 'rest, which is a size';
  if (typeof field !== 'function') return show(field);
  const { name } = field;
  return `the function ${name}; call it: ${name}(${name === 'utf8' || name === 'bytes' ? 'u8' : '…'})`;
}
