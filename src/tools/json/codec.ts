import type { Codec } from '../../protocol/codec.ts';
import type { Declaration } from '../../protocol/fields/engine/declaration.ts';
import type { AnyNode, Call } from '../../protocol/fields/kind.ts';
import { codecOf, type DeclaredCodec, messages } from '../../protocol/fields/messages.ts';
import type { MessageSource } from '../../protocol/session/declaration.ts';
import { at, inside, unexpected } from './document-error.ts';
import {
  absent,
  anyText,
  list,
  maybe,
  natural,
  objectAt,
  oneOf,
  type Part,
  type Reader,
  type Role,
  readMembers,
  record,
  reference,
  type Schema,
  text,
  type,
  whole,
  writeMembers,
} from './part.ts';
import { tag } from './size.ts';
import { cases, fields, inOrder } from './types.ts';

// biome-ignore lint/suspicious/noExplicitAny: any messages
export type AnyCodec = MessageSource<Codec<any, any>>;
type Entries = readonly (readonly [string, AnyNode])[];

/** What a codec has besides its messages: limits and parameters. */
const COMMON = {
  limits: record({
    elements: natural,
    empty: natural,
    depth: maybe(natural),
    text: natural,
    summed: maybe(natural),
  }),
  parameters: list(record({ name: text, default: whole, min: whole, max: whole, value: whole })),
};

const FIELD = { type, trailing: oneOf('reject', 'ignore'), ...COMMON };

/** The messages' own fields come between those of the header and the trailer. */
const MESSAGES = {
  ...{ tag, header: fields, trailer: fields },
  otherwise: oneOf('reject', 'unknown'),
  trailing: oneOf('reject', 'ignore', 'keep'),
  ...COMMON,
};

const CODEC: Role = {
  expected: 'a codec, { decode, encode }',
  isOne: (given) =>
    ['decode', 'encode'].every(
      (name) => typeof (given as Record<string, unknown> | null)?.[name] === 'function',
    ),
  standIn: (name) => ({ decode: absent(name), encode: absent(name) }),
};

const FUNCTION = { by: reference(CODEC), types: maybe(list(anyText)) };

/**
 * What the frames of one direction hold:
 *
 *     { "codec": "messages", tag, messages, … }      told apart by a tag
 *     { "codec": "field", type, … }                  one structure
 *     { "codec": "function", by, types }             functions: their name, and the names of the messages
 */
export const codec: Part<AnyCodec> = {
  schema: { $ref: '#/$defs/codec' },
  toJson(one, to) {
    const declaration = (one as Partial<DeclaredCodec<unknown>>).declaration;
    if (declaration === undefined) {
      return { codec: 'function', ...writeMembers(FUNCTION, { by: one, types: one.types }, to) };
    }
    const { root, trailing } = declaration;
    const call = root.kind.call(root);
    const common = commonOf(declaration);
    if (call.maker !== 'messages' || call.union !== undefined) {
      const field = call.maker === 'messages' ? call.union! : root;
      return { codec: 'field', ...writeMembers(FIELD, { type: field, trailing, ...common }, to) };
    }
    const around = aroundOf(call);
    const { otherwise } = call;
    const kept = trailing === 'keep' ? 1 : 0;
    return {
      codec: 'messages',
      ...writeMembers(MESSAGES, { tag: call.tag, ...around, otherwise, trailing, ...common }, to),
      messages: cases(call.header, call.trailer + kept).toJson(call.cases, to),
    };
  },
  read(json, from, path) {
    const { codec: kind, ...members } = objectAt(json, path);
    if (kind === 'function') {
      const { by, types } = readMembers(FUNCTION, members, from, path);
      return (from.standsIn && types !== undefined ? { ...(by as object), types } : by) as AnyCodec;
    }
    if (kind === 'field') {
      const { type: field, trailing, ...common } = readMembers(FIELD, members, from, path);
      return made(common, from, path, (options) =>
        codecOf(field as never, { trailing, ...options } as never),
      );
    }
    if (kind !== 'messages') {
      throw unexpected(inside(path, 'codec'), "one of 'messages', 'field', 'function'", kind);
    }
    const table = { ...MESSAGES, messages: cases() };
    const read = readMembers(table, members, from, path) as Record<keyof typeof table, never>;
    const { tag: by, header, trailer, messages: all, otherwise, trailing, ...common } = read;
    return made(common, from, path, (options) =>
      messages(by, all, { header, trailer, otherwise, trailing, ...options } as never),
    );
  },
};

/** The codec of the servers; if it is the clients' codec, it is written as that name. */
export const serverCodec: Part<AnyCodec> = {
  schema: { anyOf: [codec.schema, { const: 'clientMessages' }] },
  toJson: (one, to) => (to.codecName(one) === 'clientMessages' ? 'clientMessages' : codec.toJson(one, to)),
  read: (json, from, path) =>
    typeof json === 'string' ? (from.codec(json, path) as AnyCodec) : codec.read(json, from, path),
};

/** The JSON Schema of a codec. */
export const CODEC_SCHEMA: Schema = {
  anyOf: [
    withKind('messages', record({ ...MESSAGES, messages: cases() }).schema),
    withKind('field', record(FIELD).schema),
    withKind('function', record(FUNCTION).schema),
  ],
};

function withKind(kind: string, schema: Schema): Schema {
  const { properties, required = [] } = schema as { properties: object; required?: readonly string[] };
  return {
    ...schema,
    properties: { codec: { const: kind }, ...properties },
    required: ['codec', ...required],
  };
}

function commonOf({ limits, parameters, parameterRanges }: Declaration): object {
  return {
    limits,
    parameters: [...(parameterRanges ?? [])].map(([name, { default: usual, min, max }]) => ({
      ...{ name, default: usual, min, max, value: parameters!.get(name) },
    })),
  };
}

/** The fields of the header and the trailer, which all messages share. */
function aroundOf({ cases: all, header, trailer }: Extract<Call, { maker: 'messages' }>): {
  header: Entries;
  trailer: Entries;
} {
  const { entries } = all[0]!.group;
  return { header: entries.slice(0, header), trailer: entries.slice(entries.length - trailer) };
}

function made(
  { limits, parameters }: Record<string, unknown>,
  from: Reader,
  path: string,
  make: (options: object) => unknown,
): AnyCodec {
  const declared = parameters as readonly { name: string; value: number; default: number }[];
  from.finishTypes();
  const ranges = inOrder(
    declared.map(({ name, value: _, ...range }) => [name, range] as const),
    inside(path, 'parameters'),
  );
  const given = Object.fromEntries(Object.entries(limits as object).filter(([, one]) => one !== undefined));
  const codec = at(path, () => make({ limits: given, ...(declared.length > 0 && { parameters: ranges }) }));
  const changed = declared.filter((one) => one.value !== one.default);
  if (changed.length === 0) return codec as AnyCodec;
  const values = Object.fromEntries(changed.map(({ name, value }) => [name, value]));
  return at(path, () => (codec as { with(values: object): AnyCodec }).with(values));
}
