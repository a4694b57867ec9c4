import type { AnyField } from '../../protocol/fields/field.ts';
import type { AnyNode } from '../../protocol/fields/kind.ts';
import { at, DocumentError, inside, unexpected } from './document-error.ts';

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A JSON Schema, as data. */
export type Schema = Readonly<Record<string, unknown>>;

/** What parts need from the document that is written. */
export interface Writer {
  /** Write a field; a field that is used more than once is written once, and named. */
  type(node: AnyNode): Json;
  /** Write a field that is named before it is declared. */
  laterType(node: AnyNode): Json;
  /** The name of a function, or of another value that JSON does not hold. */
  reference(value: unknown): string;
  /** Write a value with this name: functions and fields inside it are named after it. */
  named<T>(name: string, write: () => T): T;
  /** The document's name for a codec of the protocol; undefined for any other codec. */
  codecName(codec: unknown): string | undefined;
}

/** What parts need from the document that is read. */
export interface Reader {
  type(json: unknown, path: string): AnyField;
  laterType(json: unknown, path: string): () => AnyField;
  /** Make the fields that were named before they were declared; called before a codec is made. */
  finishTypes(): void;
  /** The given function with this name. */
  reference(name: string, role: Role, path: string): unknown;
  /** The codec of the protocol with this name. */
  codec(name: string, path: string): unknown;
  /** True if stand-ins take the place of functions that were not given. */
  readonly standsIn: boolean;
}

/** What a function in the document must be, and its stand-in. */
export interface Role {
  readonly expected: string;
  isOne(value: unknown): boolean;
  standIn(name: string): unknown;
}

/**
 * One part of a document: how it is written, how it is read and checked, and its JSON Schema. `In` is the value that is written,
 * `Out` the value that reading gives.
 */
export interface Part<In, Out = In> {
  readonly schema: Schema;
  /** The part may be left out: then the value is undefined. */
  readonly isOptional?: boolean;
  toJson(value: In, to: Writer): Json;
  /** @throws DocumentError, with the path */
  read(json: unknown, from: Reader, path: string): Out;
}

// biome-ignore lint/suspicious/noExplicitAny: any part
export type AnyPart = Part<any, any>;
export type PartsOf<D extends object> = { readonly [K in keyof D]-?: Part<D[K], unknown> };
export type Values<P> = { readonly [K in keyof P]: P[K] extends Part<never, infer Out> ? Out : never };

/** A part whose values are written as they are. */
function plain<T>(schema: Schema, expected: string, isOne: (json: unknown) => boolean): Part<T> {
  return {
    schema,
    toJson: (value) => value as Json,
    read(json, _, path) {
      if (isOne(json)) return json as T;
      throw unexpected(path, expected, json);
    },
  };
}

export const text: Part<string> = plain(
  { type: 'string', minLength: 1 },
  'a text of one character or more',
  (json) => typeof json === 'string' && json !== '',
);
/** Text that may be empty. */
export const anyText: Part<string> = plain({ type: 'string' }, 'a text', (json) => typeof json === 'string');
export const flag: Part<boolean> = plain(
  { type: 'boolean' },
  'true or false',
  (json) => typeof json === 'boolean',
);
export const whole: Part<number> = plain(
  { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  'a whole number',
  Number.isSafeInteger,
);
export const natural: Part<number> = plain(
  { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  'a whole number of 0 or more',
  (json) => Number.isSafeInteger(json) && (json as number) >= 0,
);

/** A number without a fraction; the text `Infinity` or `-Infinity` if it has no limit. */
export const bound: Part<number> = {
  schema: { oneOf: [{ type: 'number' }, { enum: ['Infinity', '-Infinity'] }] },
  toJson: (value) => (Number.isFinite(value) ? value : String(value)),
  read(json, _, path) {
    if (typeof json === 'number' && Number.isFinite(json)) return json;
    if (json === 'Infinity' || json === '-Infinity') return Number(json);
    throw unexpected(path, "a number, 'Infinity' or '-Infinity'", json);
  },
};

/** Bytes, as hexadecimal digits without spaces. */
export const bytes: Part<Uint8Array> = {
  schema: { type: 'string', pattern: '^([0-9a-f]{2})*$' },
  toJson: (value) => Buffer.from(value).toString('hex'),
  read(json, _, path) {
    if (typeof json !== 'string' || !/^([0-9a-f]{2})*$/.test(json)) {
      throw unexpected(path, 'bytes in lower hexadecimal digits', json);
    }
    return Uint8Array.from(Buffer.from(json, 'hex'));
  },
};

/** One of several words or numbers. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Part<T> {
  const names = values.map((value) => (typeof value === 'string' ? `'${value}'` : value)).join(', ');
  return plain({ enum: values }, `one of ${names}`, (json) => values.includes(json as T));
}

/** A part that may be left out. */
export function maybe<In, Out>(part: Part<In, Out>): Part<In | undefined, Out | undefined> {
  return { ...(part as Part<In | undefined, Out>), isOptional: true };
}

export function list<In, Out>(item: Part<In, Out>, least = 0): Part<readonly In[], readonly Out[]> {
  return {
    schema: { type: 'array', items: item.schema, ...(least > 0 && { minItems: least }) },
    toJson: (values, to) => values.map((value) => item.toJson(value, to)),
    read(json, from, path) {
      if (!Array.isArray(json)) throw unexpected(path, 'a list', json);
      if (json.length < least) throw unexpected(path, `a list of ${least} or more`, json);
      return json.map((one, index) => item.read(one, from, inside(path, index)));
    },
  };
}

/** An object that maps names to values; their order does not count. */
export function map<T>(item: Part<T>): Part<ReadonlyMap<string, T>, Readonly<Record<string, T>>> {
  return {
    schema: { type: 'object', additionalProperties: item.schema },
    toJson: (values, to) =>
      Object.fromEntries([...values].map(([name, value]) => [name, item.toJson(value, to)])),
    read: (json, from, path) =>
      Object.fromEntries(
        Object.entries(objectAt(json, path)).map(([name, value]) => [
          name,
          item.read(value, from, inside(path, name)),
        ]),
      ),
  };
}

/** An object with exactly these parts. */
export function record<P extends Readonly<Record<string, AnyPart>>>(
  parts: P,
): Part<{ readonly [K in keyof P]: P[K] extends Part<infer In, unknown> ? In : never }, Values<P>> {
  const entries = Object.entries(parts);
  const required = entries.filter(([, { isOptional }]) => !isOptional).map(([name]) => name);
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    },
    toJson: (values, to) => writeMembers(parts, values as Readonly<Record<string, unknown>>, to),
    read: (json, from, path) => readMembers(parts, objectAt(json, path), from, path) as Values<P>,
  };
}

/** The members of an object, in the order of its parts. */
export function writeMembers(
  parts: Readonly<Record<string, AnyPart>>,
  values: Readonly<Record<string, unknown>>,
  to: Writer,
): Record<string, Json> {
  const members = Object.entries(parts).filter(([name]) => values[name] !== undefined);
  return Object.fromEntries(members.map(([name, part]) => [name, part.toJson(values[name], to)]));
}

/** The values of an object, each read by its part; a member with another name is refused. */
export function readMembers(
  parts: Readonly<Record<string, AnyPart>>,
  json: Readonly<Record<string, unknown>>,
  from: Reader,
  path: string,
): Record<string, unknown> {
  for (const name of Object.keys(json)) {
    if (!Object.hasOwn(parts, name)) {
      throw new DocumentError(
        inside(path, name),
        `unknown; expected ${Object.keys(parts).join(', ') || 'nothing'}`,
      );
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(parts)) {
    if (Object.hasOwn(json, name)) values[name] = part.read(json[name], from, inside(path, name));
    else if (!part.isOptional) throw new DocumentError(inside(path, name), 'missing');
  }
  return values;
}

export function objectAt(json: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw unexpected(path, 'an object', json);
}

/** The same part for another value, which `write` and `make` convert; `make` may throw. */
export function as<In, Out, NewIn, NewOut>(
  part: Part<In, Out>,
  write: (value: NewIn, to: Writer) => In,
  make: (value: Out, from: Reader, path: string) => NewOut,
): Part<NewIn, NewOut> {
  return {
    schema: part.schema,
    toJson: (value, to) => part.toJson(write(value, to), to),
    read: (json, from, path) => {
      const value = part.read(json, from, path);
      return at(path, () => make(value, from, path));
    },
  };
}

/** Alternatives, told apart by a test of the JSON value. */
export function either<In, Out>(
  expected: string,
  ...ways: readonly {
    readonly part: Part<never, Out>;
    /** Whether this alternative writes the value. */
    writes(value: In): boolean;
    /** Whether this alternative reads the JSON value. */
    reads(json: unknown): boolean;
  }[]
): Part<In, Out> {
  return {
    schema: { anyOf: ways.map(({ part }) => part.schema) },
    toJson(value, to) {
      const way = ways.find(({ writes }) => writes(value));
      if (way === undefined) throw new TypeError(`expected ${expected}`);
      return way.part.toJson(value as never, to);
    },
    read(json, from, path) {
      const way = ways.find(({ reads }) => reads(json));
      if (way === undefined) throw unexpected(path, expected, json);
      return way.part.read(json, from, path);
    },
  };
}

/** A field. */
export const type: Part<AnyNode, AnyField> = {
  schema: { $ref: '#/$defs/type' },
  toJson: (node, to) => to.type(node),
  read: (json, from, path) => from.type(json, path),
};

/** A value that JSON does not hold, by its name: `{ "function": "session.locked.write" }`. */
export function reference(role: Role): Part<unknown> {
  const name = record({ function: text });
  return {
    schema: name.schema,
    toJson: (value, to) => ({ function: to.reference(value) }),
    read: (json, from, path) => from.reference(name.read(json, from, path).function, role, path),
  };
}

/** A function that throws when it is called: its name is known, but it was not given. */
export function absent(name: string): () => never {
  return () => {
    throw new Error(`the function '${name}' is not there: the document names it only`);
  };
}

/** A role of functions. */
export function callable(standIn: (name: string) => unknown = absent): Role {
  return { expected: 'a function', isOne: (value) => typeof value === 'function', standIn };
}

/** Test for an object with this member. */
export function has(name: string): (json: unknown) => boolean {
  return (json) => typeof json === 'object' && json !== null && Object.hasOwn(json, name);
}
