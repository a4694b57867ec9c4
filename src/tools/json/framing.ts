import type { FramingPair } from '../../protocol/direction.ts';
import type { FramingMaker } from '../../protocol/framing/call.ts';
import { cobs } from '../../protocol/framing/cobs.ts';
import { delimiter } from '../../protocol/framing/delimiter.ts';
import { fixedLength } from '../../protocol/framing/fixed-length.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import { headed } from '../../protocol/framing/headed.ts';
import { lengthPrefix } from '../../protocol/framing/length-prefix.ts';
import { line } from '../../protocol/framing/line.ts';
import { measured } from '../../protocol/framing/measured.ts';
import { packets } from '../../protocol/framing/packets.ts';
import { selfDelimiting } from '../../protocol/framing/self-delimiting.ts';
import { slip } from '../../protocol/framing/slip.ts';
import { stuffed } from '../../protocol/framing/stuffed.ts';
import { codec } from './codec.ts';
import { at, DocumentError, inside, unexpected } from './document-error.ts';
import {
  type AnyPart,
  absent,
  anyText,
  as,
  bytes,
  callable,
  either,
  flag,
  has,
  type Json,
  list,
  maybe,
  natural,
  objectAt,
  oneOf,
  type Part,
  type Role,
  readMembers,
  record,
  reference,
  type Schema,
  text,
  whole,
  writeMembers,
} from './part.ts';
import { checksum } from './types.ts';

type Bytes = string | Uint8Array | readonly number[];

/** Bytes; the maker accepts text and numbers too. */
const mark: Part<Bytes, Uint8Array> = as(
  bytes,
  (given: Bytes) => (typeof given === 'string' ? Buffer.from(given) : Uint8Array.from(given)),
  (given) => given,
);
const byte: Part<number> = natural;
const isFunction = (given: unknown): boolean => typeof given === 'function';
const own = (standIn?: (name: string) => unknown) => ({
  part: reference(callable(standIn)) as Part<never, unknown>,
  writes: isFunction,
  reads: has('function'),
});

const valid = maybe(
  either<unknown, unknown>(
    'a checksum and where it stands, or a function',
    own(() => () => true),
    {
      part: record({
        checksum: sum(),
        byteOrder: maybe(oneOf('little', 'big')),
        digits: maybe(oneOf('hexadecimal', 'decimal')),
        ...{ at: maybe(whole), from: maybe(whole), to: maybe(whole) },
      }) as Part<never, unknown>,
      writes: () => true,
      reads: () => true,
    },
  ),
);

/** A checksum in the options of a framing; one of the catalogue may be given by its name. */
function sum(): Part<unknown, unknown> {
  return {
    schema: checksum.schema,
    toJson: (given, to) => (typeof given === 'string' ? given : checksum.toJson(given as never, to)),
    read: (json, from, path) => checksum.read(json, from, path),
  };
}

const error = (...others: string[]): AnyPart => maybe(oneOf('error', ...others));
const packetLength = record({
  ...{ offset: natural, width: maybe(natural), byteOrder: maybe(oneOf('little', 'big')) },
  ...{ mask: maybe(natural), base: maybe(oneOf(10, 16)), add: maybe(whole) },
});

const LINE = {
  stripDelimiter: maybe(flag),
  maxFrameLength: maybe(natural),
  onTooLong: error('discard'),
  unterminated: error('emit', 'drop'),
};
const STUFFED = {
  maxFrameLength: maybe(natural),
  onTooLong: error('discard'),
  onInvalid: error('discard'),
  valid,
};

const kind = record({
  name: anyText,
  start: maybe(
    either<unknown, unknown>(
      'bytes, or { bytes, mask }',
      {
        part: record({ bytes: mark, mask: mark }) as Part<never, unknown>,
        writes: has('bytes'),
        reads: has('bytes'),
      },
      { part: mark as Part<never, unknown>, writes: () => true, reads: () => true },
    ),
  ),
  header: maybe(natural),
  length: maybe(
    either<unknown, unknown>(
      'a number, a field or a function',
      own(),
      {
        part: natural as Part<never, unknown>,
        writes: (one) => typeof one === 'number',
        reads: (one) => typeof one === 'number',
      },
      { part: packetLength as Part<never, unknown>, writes: () => true, reads: () => true },
    ),
  ),
  ...{ end: maybe(mark), trailer: maybe(natural), maxFrameLength: maybe(natural), valid },
});

/** The options of each maker. A maker that is missing here does not compile. */
const OPTIONS: { readonly [M in FramingMaker]: Readonly<Record<string, AnyPart>> } = {
  lengthPrefix: {
    lengthFieldLength: maybe(
      oneOf<string | number>('varint', '7/16/64', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    ),
    maxLengthFieldLength: maybe(natural),
    base: maybe(oneOf(10, 16)),
    mask: maybe(natural),
    byteOrder: maybe(oneOf('little', 'big')),
    lengthFieldOffset: maybe(natural),
    lengthAdjustment: maybe(whole),
    lengthIncludes: maybe(oneOf('payload', 'header')),
    initialBytesToStrip: maybe(natural),
    maxFrameLength: maybe(natural),
    onTooLong: error('discard'),
  },
  delimiter: {
    delimiter: as(
      list(mark, 1),
      (given: Bytes | readonly Bytes[]) => (Array.isArray(given) ? given : [given]) as readonly Bytes[],
      (given) => given,
    ),
    ...LINE,
    ...{ start: maybe(mark), stripStart: maybe(flag), trailer: maybe(natural), onNoise: error('discard') },
    ...{ valid, onInvalid: error('discard') },
  },
  line: LINE,
  fixedLength: { length: natural },
  slip: {
    ...STUFFED,
    ...{ end: maybe(byte), escape: maybe(byte), escapedEnd: maybe(byte), escapedEscape: maybe(byte) },
    start: maybe(
      either<unknown, unknown>(
        "a byte or 'end'",
        {
          part: oneOf('end') as Part<never, unknown>,
          writes: (one) => one === 'end',
          reads: (one) => one === 'end',
        },
        { part: byte as Part<never, unknown>, writes: () => true, reads: () => true },
      ),
    ),
    ...{ escapedStart: maybe(byte), emptyFrames: maybe(flag) },
  },
  cobs: STUFFED,
  stuffed: {
    ...{ flag: byte, escape: byte, xor: maybe(byte) },
    escapes: maybe(
      as(
        list(record({ byte, code: byte })),
        (given: Readonly<Record<string, number>>) =>
          Object.entries(given).map(([one, code]) => ({ byte: Number(one), code })),
        (given) => Object.fromEntries(given.map(({ byte: one, code }) => [one, code])),
      ),
    ),
    ...{ alsoEscaped: maybe(list(byte)), ignored: maybe(list(byte)), forbidden: maybe(list(byte)) },
    ...{ cancel: maybe(byte), opens: maybe(flag), length: maybe(packetLength) },
    ...STUFFED,
  },
  headed: {
    ...{ end: mark, endCount: maybe(natural) },
    length: either<unknown, unknown>(
      'a field, a column or a function',
      own(),
      {
        part: record({
          field: as(
            list(text, 1),
            (given: string | readonly string[]) => (typeof given === 'string' ? [given] : given),
            (given) => given,
          ),
          ...{ fieldEnd: maybe(text), nameEnd: maybe(text), base: maybe(oneOf(10, 16)) },
          ...{ add: maybe(whole), otherwise: maybe(natural) },
        }) as Part<never, unknown>,
        writes: has('field'),
        reads: has('field'),
      },
      {
        part: record({
          ...{ column: whole, columnEnd: maybe(text), base: maybe(oneOf(10, 16)) },
          ...{ add: maybe(whole), otherwise: maybe(natural) },
        }) as Part<never, unknown>,
        writes: () => true,
        reads: () => true,
      },
    ),
    ...{ trailer: maybe(natural), until: maybe(mark), ignore: maybe(mark) },
    ...{ maxFrameLength: maybe(natural), maxHeaderLength: maybe(natural) },
  },
  packets: {
    kinds: as(
      list(kind),
      (given: object) =>
        (Array.isArray(given)
          ? given.map((one, index) => ({ ...one, name: one.name ?? String(index) }))
          : Object.entries(given).map(([name, one]) => ({ ...one, name }))) as never,
      (given) => given,
    ),
    onNoise: error('discard'),
    maxFrameLength: maybe(natural),
  },
  measured: {
    measure: reference(callable()),
    maxFrameLength: maybe(natural),
    valid,
    onNoise: error('discard'),
  },
  selfDelimiting: {
    /** The name of a codec of the protocol, or a codec of its own. */
    codec: {
      schema: { anyOf: [{ enum: ['clientMessages', 'serverMessages'] }, codec.schema] },
      toJson: (given, to) => to.codecName(given) ?? codec.toJson(given as never, to),
      read: (json, from, path) =>
        typeof json === 'string' ? from.codec(json, path) : codec.read(json, from, path),
    },
    maxFrameLength: maybe(natural),
  },
};

const MAKERS: { readonly [M in FramingMaker]: (options: never) => Framing } = {
  ...{ lengthPrefix, delimiter, line, slip, cobs, stuffed, headed, packets, measured },
  fixedLength: ({ length }: { length: number }) => fixedLength(length),
  selfDelimiting: ({ codec: own, ...options }: { codec: never }) => selfDelimiting(own, options),
};

const FRAMING: Role = {
  expected: 'a framing, { reader, writer }',
  isOne: (given) =>
    ['reader', 'writer'].every((name) => isFunction((given as Record<string, unknown> | null)?.[name])),
  standIn: (name) => ({ name, maxFrameLength: 1, reader: absent(name), writer: absent(name) }),
};
const FUNCTION = { by: reference(FRAMING) };

/** The layout follows from the options. It is there for programs that read a document without making the framing. */
const LAYOUT: Schema = { type: 'object', required: ['kind'], properties: { kind: { type: 'string' } } };

/**
 * One framing: the maker call, and the layout that follows from it.
 *
 *     { "framing": "lengthPrefix", "options": { "lengthFieldLength": 2 }, "layout": { "kind": "lengthPrefix", … } }
 *     { "framing": "function", "by": { "function": "framing" } }
 */
const single: Part<Framing> = {
  schema: { $ref: '#/$defs/framing' },
  toJson(framing, to) {
    const { call, layout } = framing;
    if (call === undefined) return { framing: 'function', ...writeMembers(FUNCTION, { by: framing }, to) };
    const { maker, options } = call;
    return {
      framing: maker,
      options: writeMembers(OPTIONS[maker], options, to),
      ...(layout !== undefined && { layout: JSON.parse(JSON.stringify(layout)) as Json }),
    };
  },
  read(json, from, path) {
    const { framing: maker, ...members } = objectAt(json, path);
    if (maker === 'function') return readMembers(FUNCTION, members, from, path).by as Framing;
    if (typeof maker !== 'string' || !Object.hasOwn(OPTIONS, maker)) {
      throw unexpected(
        inside(path, 'framing'),
        `one of ${[...Object.keys(OPTIONS), 'function'].join(', ')}`,
        maker,
      );
    }
    const name = maker as FramingMaker;
    const parts = { options: record(OPTIONS[name]), layout: maybe(asIs) };
    const { options, layout } = readMembers(parts, members, from, path);
    const given = Object.fromEntries(
      Object.entries(options as object).filter(([, one]) => one !== undefined),
    );
    const made = at(inside(path, 'options'), () => MAKERS[name](given as never));
    const isSame = layout === undefined || same(layout, JSON.parse(JSON.stringify(made.layout)));
    if (isSame) return made;
    throw new DocumentError(inside(path, 'layout'), 'is not the one that the options give');
  },
};

const asIs: Part<unknown> = { schema: LAYOUT, toJson: (one) => one as Json, read: (one) => one };

/** Whether two JSON values are equal; the order of members does not count. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) => Object.hasOwn(b, name) && same((a as Record<string, unknown>)[name], (b as never)[name]),
    )
  );
}

const pair = record({ reads: maybe(single), writes: maybe(single) });

/** One framing for both directions, or one for reading and one for writing, as the server sees it. */
export const framing: Part<Framing | Partial<FramingPair>> = either<
  Framing | Partial<FramingPair>,
  Framing | Partial<FramingPair>
>(
  'a framing, or { reads, writes }',
  {
    part: single as Part<never, Framing>,
    writes: (one) => 'reader' in one && isFunction(one.reader),
    reads: has('framing'),
  },
  { part: pair as Part<never, Partial<FramingPair>>, writes: () => true, reads: () => true },
);

/** The JSON Schema of a framing. */
export const FRAMING_SCHEMA: Schema = {
  anyOf: [
    ...Object.entries(OPTIONS).map(([name, parts]) => ({
      type: 'object',
      properties: { framing: { const: name }, options: record(parts).schema, layout: LAYOUT },
      required: ['framing', 'options'],
      additionalProperties: false,
    })),
    {
      type: 'object',
      properties: { framing: { const: 'function' }, by: FUNCTION.by.schema },
      required: ['framing', 'by'],
      additionalProperties: false,
    },
  ],
};
