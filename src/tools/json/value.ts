import { inside, unexpected } from './document-error.ts';
import {
  bytes as bytesPart,
  type Json,
  objectAt,
  type Part,
  type Reader,
  type Role,
  readMembers,
  reference,
  text,
  type Writer,
} from './part.ts';

/** How deep a value may nest. */
const MAX_DEPTH = 100;

const ANYTHING: Role = {
  expected: 'a value',
  isOne: (value) => value !== undefined,
  standIn: () => undefined,
};

const OTHER = reference(ANYTHING);

/** The meanings of an object with one member. An object of the user's that looks like one is wrapped in `object`. */
const FORMS = ['bigint', 'number', 'bytes', 'function', 'object'];

/**
 * A value in a message: a constant, a default, a value to compare with.
 *
 *     1  true  "text"  [1, 2]  { "x": 1 }      as they are
 *     2⁶⁴ − 1n                                 { "bigint": "18446744073709551615" }
 *     NaN, −0, Infinity                        { "number": "-0" }
 *     <Buffer ca fe>                           { "bytes": "cafe" }
 *     new Date(0)                              { "function": "clientMessages.hello.since" }
 */
export const value: Part<unknown> = {
  schema: { $ref: '#/$defs/value' },
  toJson: (one, to) => write(one, to, 0),
  read: (json, from, path) => read(json, from, path, 0),
};

/** The JSON Schema of a value. */
export const VALUE_SCHEMA: object = {
  anyOf: [
    { type: ['null', 'boolean', 'number', 'string'] },
    { type: 'array', items: { $ref: '#/$defs/value' } },
    { type: 'object', additionalProperties: { $ref: '#/$defs/value' } },
  ],
};

function write(one: unknown, to: Writer, depth: number): Json {
  if (depth > MAX_DEPTH) throw new TypeError(`a value nests deeper than ${MAX_DEPTH} levels`);
  if (one === null || typeof one === 'boolean' || typeof one === 'string') return one;
  if (typeof one === 'bigint') return { bigint: String(one) };
  if (typeof one === 'number') {
    if (Number.isFinite(one) && !Object.is(one, -0)) return one;
    return { number: Object.is(one, -0) ? '-0' : String(one) };
  }
  if (one instanceof Uint8Array) return { bytes: bytesPart.toJson(one, to) };
  if (Array.isArray(one) && !one.includes(undefined)) return one.map((each) => write(each, to, depth + 1));
  const prototype = Object.getPrototypeOf(one ?? 0);
  if (prototype !== Object.prototype && prototype !== null) return OTHER.toJson(one, to);
  const entries = Object.entries(one as object).filter(([, each]) => each !== undefined);
  const members = Object.fromEntries(entries.map(([name, each]) => [name, write(each, to, depth + 1)]));
  const isForm = entries.length === 1 && FORMS.includes(entries[0]![0]);
  return isForm ? { object: members } : members;
}

function read(json: unknown, from: Reader, path: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw unexpected(path, `at most ${MAX_DEPTH} levels of a value`, json);
  if (Array.isArray(json)) {
    return json.map((each, index) => read(each, from, inside(path, index), depth + 1));
  }
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json);
  const form = entries.length === 1 && FORMS.includes(entries[0]![0]) ? entries[0]![0] : undefined;
  if (form === 'object') return members(objectAt(entries[0]![1], inside(path, 'object')), from, path, depth);
  if (form === 'function') return OTHER.read(json, from, path);
  if (form === 'bytes') return bytesPart.read(entries[0]![1], from, inside(path, form));
  if (form === undefined) return members(json as Readonly<Record<string, unknown>>, from, path, depth);
  const given = readMembers({ [form]: text }, json as Record<string, unknown>, from, path)[form] as string;
  if (form === 'number') {
    if (['NaN', 'Infinity', '-Infinity', '-0'].includes(given)) return Number(given);
    throw unexpected(inside(path, form), "'NaN', 'Infinity', '-Infinity' or '-0'", given);
  }
  if (/^-?(0|[1-9]\d{0,99})$/.test(given) && given !== '-0') return BigInt(given);
  throw unexpected(inside(path, form), 'a whole number in at most 100 digits', given);
}

function members(
  json: Readonly<Record<string, unknown>>,
  from: Reader,
  path: string,
  depth: number,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(json).map(([name, each]) => [name, read(each, from, inside(path, name), depth + 1)]),
  );
}
