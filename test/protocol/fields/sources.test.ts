import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { AnyField, Fields, Parameter, Size } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';

// biome-ignore lint/suspicious/noExplicitAny: made of parts
type AnyCodec = DeclaredCodec<any>;

/** Two decimal digits in the halves of a byte. */
const bcd = f.mapped(f.u8, {
  name: 'a number of two BCD digits',
  decode(byte) {
    if ((byte & 0x0f) > 9 || byte > 0x99) throw new RangeError('a digit is 0 to 9');
    return 10 * (byte >> 4) + (byte & 0x0f);
  },
  encode: (number) => 16 * Math.floor(number / 10) + (number % 10),
});
const TENTHS = { decode: (raw: number) => raw / 10, encode: (value: number) => 10 * value };
/** The length octets of ASN.1 BER, up to 65,535: X.690 §8.1.3. */
const ber = f.custom<number>({
  name: 'a BER length',
  minSize: 1,
  maxSize: 3,
  range: { min: 0, max: 65_535 },
  read(cursor) {
    const first = cursor.read(f.u8);
    if (first < 0x80) return first;
    if (first === 0x81) return cursor.read(f.u8);
    return first === 0x82 ? cursor.read(f.u16be) : cursor.fail('one or two octets', first);
  },
  write(cursor, value) {
    if (value < 0x80) cursor.write(f.u8, value);
    else if (value < 0x100) cursor.write(f.u16be, 0x8100 | value);
    else cursor.write(f.u24be, 0x820000 | value);
  },
  size: (value) => (value < 0x80 ? 1 : value < 0x100 ? 2 : 3),
});
const half = f.custom<number>({
  name: 'a half',
  minSize: 2,
  maxSize: 2,
  range: { min: -100, max: 200 },
  read: (cursor) => cursor.read(f.i16be) / 2,
  write: (cursor, value) => cursor.write(f.i16be, 2 * value),
  size: () => 2,
});

/** Where the number stands: the fields in front of the one that it is for, and how that names it. */
const SOURCES: Readonly<
  Record<string, { before: Fields; from: string | AnyField; value: (raw: number) => object }>
> = {
  u8: { before: {}, from: f.u8, value: () => ({}) },
  u16le: { before: {}, from: f.u16le, value: () => ({}) },
  i24be: { before: {}, from: f.i24be, value: () => ({}) },
  i8: { before: {}, from: f.i8, value: () => ({}) },
  varuint: { before: {}, from: f.varuint, value: () => ({}) },
  varint: { before: {}, from: f.varint, value: () => ({}) },
  u64be: { before: {}, from: f.u64be, value: () => ({}) },
  i64le: { before: {}, from: f.i64le, value: () => ({}) },
  u40be: { before: {}, from: f.u40be, value: () => ({}) },
  i48le: { before: {}, from: f.i48le, value: () => ({}) },
  u56le: { before: {}, from: f.u56le, value: () => ({}) },
  varuint64: { before: {}, from: f.varuint64, value: () => ({}) },
  varint64: { before: {}, from: f.varint64, value: () => ({}) },
  'sleb128, signed': { before: {}, from: f.sleb128, value: () => ({}) },
  vlq: { before: {}, from: f.vlq, value: () => ({}) },
  'three digits': { before: {}, from: f.decimal(3), value: () => ({}) },
  'digits up to LF, signed': {
    before: {},
    from: f.decimal(f.until(f.constant(f.u8, 10)), { signed: true }),
    value: () => ({}),
  },
  'a mapped number': { before: {}, from: bcd, value: () => ({}) },
  'a mapped varuint': { before: {}, from: f.mapped(f.varuint, TENTHS), value: () => ({}) },
  'a custom number': { before: {}, from: ber, value: () => ({}) },
  'a field of 64 bits beside it': {
    before: { n: f.u64le },
    from: 'n',
    value: (n) => ({ n: BigInt(n) }),
  },
  'a signed member of 64 bits': {
    before: { h: f.struct({ a: f.bool, n: f.i64be }) },
    from: 'h.n',
    value: (n) => ({ h: { a: true, n: BigInt(n) } }),
  },
  'a member of 64 bits of what may be missing, signed': {
    before: { h: f.optional(f.struct({ n: f.i64le })) },
    from: 'h.n',
    value: (n) => ({ h: { n: BigInt(n) } }),
  },
  'a mapped number beside it': { before: { n: bcd }, from: 'n', value: (n) => ({ n }) },
  'a mapped number of 64 bits beside it': {
    before: { n: f.mapped(f.u64be, { decode: (raw) => Number(raw) / 2, encode: (n) => BigInt(2 * n) }) },
    from: 'n',
    value: (n) => ({ n }),
  },
  'digits beside it': { before: { n: f.decimal(3) }, from: 'n', value: (n) => ({ n }) },
  'a custom number beside it': { before: { n: half }, from: 'n', value: (n) => ({ n }) },
  'a field beside it': { before: { n: f.u16be }, from: 'n', value: (n) => ({ n }) },
  'a signed field beside it': { before: { n: f.i32le }, from: 'n', value: (n) => ({ n }) },
  'a member': {
    before: { h: f.struct({ a: f.bool, n: f.i16be }) },
    from: 'h.n',
    value: (n) => ({ h: { a: true, n } }),
  },
  'the only member': { before: { h: f.struct({ n: f.i8 }) }, from: 'h.n', value: (n) => ({ h: { n } }) },
  'a member of a member': {
    before: { h: f.struct({ i: f.struct({ n: f.i8 }), a: f.u8 }) },
    from: 'h.i.n',
    value: (n) => ({ h: { i: { n }, a: 5 } }),
  },
  'a member of what may be missing': {
    before: { h: f.optional(f.struct({ n: f.i16le })) },
    from: 'h.n',
    value: (n) => ({ h: { n } }),
  },
};
const BITS = {
  'some bits': {
    before: { b: f.bits(f.u16be, { a: 3, n: 9, c: 4 }) },
    from: 'b.n',
    value: (n: number) => ({ b: { a: 5, n, c: 6 } }),
  },
  'signed bits': {
    before: { b: f.bits(f.u16le, { a: 3, n: { width: 9, signed: true }, c: { width: 4, constant: 9 } }) },
    from: 'b.n',
    value: (n: number) => ({ b: { a: 5, n } }),
  },
  'bits across both words, signed': {
    before: { b: f.bits(f.u56be, { a: 10, n: { width: 40, signed: true }, c: 6 }, { first: 'least' }) },
    from: 'b.n',
    value: (n: number) => ({ b: { a: 1000, n, c: 33 } }),
  },
  'signed bits of a bigint': {
    before: { b: f.bits(f.u64le, { a: 5, n: { width: 59, signed: true } }) },
    from: 'b.n',
    value: (n: number) => ({ b: { a: 21, n: BigInt(n) } }),
  },
};

/** What is made of it: raw numbers, and the sizes they stand for. */
const ADJUSTMENTS: Readonly<
  Record<
    string,
    {
      of: (from: string | AnyField) => Size;
      pairs: readonly (readonly [raw: number, size: number | null])[];
      signed?: true;
    }
  >
> = {
  nothing: {
    of: (from) => from as Size,
    pairs: [
      [0, 0],
      [3, 3],
    ],
  },
  'a length that counts more': {
    of: (from) => f.size(from, { add: -2 }),
    pairs: [
      [2, 0],
      [6, 4],
    ],
  },
  'a length that counts less': {
    of: (from) => f.size(from, { add: 1 }),
    pairs: [
      [0, 1],
      [2, 3],
    ],
  },
  words: {
    of: (from) => f.size(from, { unit: 4 }),
    pairs: [
      [0, 0],
      [2, 8],
    ],
  },
  'words and a header': {
    of: (from) => f.size(from, { unit: 4, add: -4 }),
    pairs: [
      [1, 0],
      [3, 8],
    ],
  },
  'null at 0': {
    of: (from) => f.size(from, { add: -1, nullAt: 0 }),
    pairs: [
      [0, null],
      [1, 0],
      [4, 3],
    ],
  },
  'null at −1': {
    of: (from) => f.size(from, { nullAt: -1 }),
    pairs: [
      [-1, null],
      [0, 0],
      [2, 2],
    ],
    signed: true,
  },
  'null at −1, in words': {
    of: (from) => f.size(from, { unit: 2, nullAt: -1 }),
    pairs: [
      [-1, null],
      [0, 0],
      [2, 4],
    ],
    signed: true,
  },
};

/** What it is for: a field of such a size, and its value. */
const USES: Readonly<Record<string, { field: (size: Size) => AnyField; value: (size: number) => unknown }>> =
  {
    bytes: { field: (size) => f.bytes(size), value: (size) => Buffer.alloc(size, 7) },
    utf8: { field: (size) => f.utf8(size), value: (size) => 'x'.repeat(size) },
    elements: { field: (size) => f.array(f.u8, size), value: (size) => Array(size).fill(7) },
    'long elements': { field: (size) => f.array(f.u16be, size), value: (size) => Array(size).fill(7) },
    bounded: {
      field: (size) => f.bounded(size, f.array(f.u8, f.rest)),
      value: (size) => Array(size).fill(7),
    },
  };

const isSigned = (name: string): boolean => /^i|varint|signed|member|custom number beside/.test(name);

const crossed = [...Object.entries(SOURCES), ...Object.entries(BITS)].flatMap(([source, from]) =>
  Object.entries(ADJUSTMENTS).flatMap(([adjustment, by]) =>
    Object.entries(USES).map(([use, to]) => ({ source, from, adjustment, by, use, to })),
  ),
);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

describe('every source, with every adjustment, for every use', () => {
  const possible = crossed.filter(({ source, by }) => !by.signed || isSigned(source));

  it.each(possible)('$source · $adjustment · $use', ({ from, by, to }) => {
    const codec: AnyCodec = codecOf(
      f.struct({ ...from.before, body: to.field(by.of(from.from)), end: f.u8 }),
    );
    const compiled = compile(codec.declaration)!;
    for (const [raw, size] of by.pairs) {
      const body = size === null ? null : to.value(size);
      const message = { ...from.value(raw), body, end: 9 };
      const bytes = encodeByWalking(codec.declaration, message);
      expect(decodeByWalking(codec.declaration, bytes, 0, bytes.length)).toStrictEqual(message);
      expect(compiled.decode(bytes, 0, bytes.length)).toStrictEqual(message);
      const target = Buffer.alloc(compiled.bound(message) + 8);
      expect(target.subarray(0, compiled.encode(message, target, 0))).toEqual(bytes);
      // The encoder fills it in, whatever the message says.
      const other = { ...message, ...from.value(99) };
      expect(codec.encode(other)).toEqual(bytes);
      for (let length = 0; length < bytes.length; length++) {
        expect(compiled.decode(bytes, 0, length)).toBe(FAILED);
        expect(codeOf(() => codec.decode(bytes.subarray(0, length)))).toMatch(/^ERR_MESSAGE_(SHORT|EMPTY)$/);
      }
    }
  });

  it.each(possible)('$source · $adjustment · $use: what cannot be said is refused', ({ from, by, to }) => {
    const codec: AnyCodec = codecOf(
      f.struct({ ...from.before, body: to.field(by.of(from.from)), end: f.u8 }),
    );
    const compiled = compile(codec.declaration)!;
    const sizes = new Set(Array.from({ length: 12 }, (_, size) => size));
    for (const size of sizes) {
      const message = { ...from.value(1), body: to.value(size), end: 9 };
      const target = Buffer.alloc(compiled.bound(message) + 8);
      const end = compiled.encode(message, target, 0);
      const slow = codeOf(() => encodeByWalking(codec.declaration, message));
      expect(end < 0).toBe(slow !== 'nothing was refused');
      if (end < 0) expect(slow).toMatch(/^ERR_FIELD_(RANGE|TOO_LONG)$/);
      else expect(codec.decode(target.subarray(0, end))).toMatchObject({ body: message.body });
    }
    // Null is a value of those only whose size may say so.
    const canBeNull = by.pairs.some(([, size]) => size === null);
    const none = { ...from.value(1), body: null, end: 9 };
    expect(codeOf(() => codec.encode(none)) === 'nothing was refused').toBe(canBeNull);
  });

  it.each(crossed.filter(({ source, by, use }) => by.signed && !isSigned(source) && use === 'bytes'))(
    '$source · $adjustment: a number that the field cannot have is refused',
    ({ from, by, to }) => {
      expect(() => codecOf(f.struct({ ...from.before, body: to.field(by.of(from.from)) }))).toThrow(
        /nullAt|−1|-1/,
      );
    },
  );
});

/** Both engines, both directions, and every place to cut the bytes. */
function expectBothWays(codec: AnyCodec, message: unknown): Buffer {
  const compiled = compile(codec.declaration)!;
  const bytes = encodeByWalking(codec.declaration, message);
  expect(decodeByWalking(codec.declaration, bytes, 0, bytes.length)).toStrictEqual(message);
  expect(compiled.decode(bytes, 0, bytes.length)).toStrictEqual(message);
  const target = Buffer.alloc(compiled.bound(message) + 8);
  expect(target.subarray(0, compiled.encode(message, target, 0))).toEqual(bytes);
  for (let length = 0; length < bytes.length; length++) {
    expect(compiled.decode(bytes, 0, length)).toBe(FAILED);
    expect(codeOf(() => codec.decode(bytes.subarray(0, length)))).toMatch(
      /^ERR_MESSAGE_(SHORT|EMPTY|VALUE)$/,
    );
  }
  return bytes;
}

describe('a parameter, with every adjustment, for every use', () => {
  const cases = Object.entries(ADJUSTMENTS).flatMap(([adjustment, by]) =>
    Object.entries(USES).map(([use, to]) => ({ adjustment, by, use, to })),
  );

  it.each(cases)('$adjustment · $use', ({ by, to }) => {
    const parameters = { n: { default: 2, min: -1, max: 20 } };
    const codec = codecOf(f.struct({ body: to.field(by.of(f.parameter('n') as never)), end: f.u8 }), {
      parameters,
    });
    for (const [raw, size] of by.pairs) {
      const body = size === null ? null : to.value(size);
      expectBothWays(codec.with({ n: raw }), { body, end: 9 });
      // No other size is that of this parameter.
      for (let other = 0; other < 12; other++) {
        if (other === size) continue;
        const wrong = { body: to.value(other), end: 9 };
        expect(compile(codec.with({ n: raw }).declaration)!.encode(wrong, Buffer.alloc(100), 0)).toBe(-1);
        expect(codeOf(() => codec.with({ n: raw }).encode(wrong))).toMatch(/^ERR_FIELD_(RANGE|TOO_LONG)$/);
      }
    }
  });
});

/** Where a number stands that says the size or the count of `list`: [fields, value, the number in it]. */
const PLACES: Readonly<
  Record<
    string,
    (number: AnyField, list: AnyField, value: number[]) => [AnyCodec, (said?: number) => unknown]
  >
> = {
  'before it': (number, list, value) => [
    codecOf(f.struct({ number, list, end: f.u8 })),
    (said) => ({ ...(said !== undefined && { number: said }), list: value, end: 9 }),
  ],
  'behind it': (number, list, value) => [
    codecOf(f.struct({ list, number })),
    (said) => ({ list: value, ...(said !== undefined && { number: said }) }),
  ],
  'in a header': (number, list, value) => [
    codecOf(f.struct({ h: f.struct({ a: f.u8, i: f.struct({ number, b: f.u8 }) }), list })),
    (said) => ({ h: { a: 1, i: { ...(said !== undefined && { number: said }), b: 2 } }, list: value }),
  ],
  'alone in a header': (number, list, value) => [
    codecOf(f.struct({ h: f.struct({ number }), list })),
    (said) => ({ h: { ...(said !== undefined && { number: said }) }, list: value }),
  ],
  'in what may be missing': (number, list, value) => [
    codecOf(f.struct({ h: f.optional(f.struct({ number, a: f.u8 })), list })),
    (said) => ({ h: { ...(said !== undefined && { number: said }), a: 5 }, list: value }),
  ],
  'in the header of messages': (number, list, value) => [
    messages(f.u8, { go: f.message(1, { list }) }, { header: { number, a: f.u8 }, trailer: { end: f.u8 } }),
    (said) => ({ type: 'go', ...(said !== undefined && { number: said }), a: 5, list: value, end: 3 }),
  ],
  'in a list of its own': (number, list, value) => [
    codecOf(f.array(f.struct({ number, list }), f.u8)),
    (said) => [{ ...(said !== undefined && { number: said }), list: value }],
  ],
};

describe('every number that must agree, with every adjustment, in every place', () => {
  const numbers = { u8: f.u8, i16le: f.i16le, u24be: f.u24be, u40le: f.u40le, decimal: f.decimal(3) };
  const adjusted = {
    nothing: {},
    less: { add: 1 },
    more: { add: -2 },
    words: { unit: 4 },
    both: { unit: 2, add: 2 },
  };
  const cases = Object.entries(PLACES).flatMap(([place, at]) =>
    Object.entries(numbers).flatMap(([number, field]) =>
      Object.entries(adjusted).map(([adjustment, by]) => ({ place, at, number, field, adjustment, by })),
    ),
  );

  it.each(cases)('$number · $adjustment · $place', ({ at, field, by }) => {
    const value = [1, 2, 3, 4, 5, 6, 7, 8].slice(0, 4);
    const own = f.size(field, by);
    const { add = 0, unit = 1 } = by as { add?: number; unit?: number };
    const list = f.array(f.u16be, f.varuint);
    for (const [kind, due] of [
      ['size', 9],
      ['count', 4],
    ] as const) {
      const agreed = kind === 'size' ? f.sizeOf(own, 'list') : f.countOf(own, 'list');
      const [codec, message] = at(agreed, list, value);
      const raw = (due - add) / unit;
      const isSaid = Number.isInteger(raw);
      expect(codeOf(() => codec.encode(message())) === 'nothing was refused').toBe(isSaid);
      const compiled = compile(codec.declaration)!;
      const target = Buffer.alloc(compiled.bound(message()) + 8);
      expect(compiled.encode(message(), target, 0) >= 0).toBe(isSaid);
      if (!isSaid) continue;
      const bytes = expectBothWays(codec, message(raw));
      expect(codec.encode(message())).toEqual(bytes);
      expect(compiled.encode(message(raw + 1), target, 0)).toBe(-1);
      expect(codeOf(() => codec.encode(message(raw + 1)))).toBe('ERR_FIELD_RANGE');
      // Any other number on the wire is refused by both engines.
      const wrong = encodeByWalking(codec.declaration, message(raw));
      const plain = at(field, list, value);
      const other = plain[0].encode(plain[1](raw + 1));
      expect(other.length).toBe(wrong.length);
      expect(compiled.decode(other, 0, other.length)).toBe(FAILED);
      expect(codeOf(() => codec.decode(other))).toBe('ERR_MESSAGE_VALUE');
    }
  });
});

describe('every source, as a tag and as a condition', () => {
  const all = [...Object.entries(SOURCES), ...Object.entries(BITS)];
  const isBig = (name: string): boolean =>
    /^[ui]64|^var(u?)int64|64 bits|bigint/.test(name) && !name.includes('mapped');
  const tagged = (tag: string | AnyField | Parameter, as: (number: number) => number | bigint): AnyField =>
    f.union(tag as AnyField, {
      one: f.message(as(1) as number, { x: f.u16be }),
      more: f.message([as(2), as(9)] as number[]),
    });
  const values: [number, object][] = [
    [1, { type: 'one', x: 515 }],
    [2, { type: 'more', tag: 2 }],
    [9, { type: 'more', tag: 9 }],
  ];

  it.each(all)('%s as a tag', (name, { before, from, value }) => {
    const as = (number: number) => (isBig(name) ? BigInt(number) : number);
    const codec: AnyCodec = codecOf(f.struct({ ...before, body: tagged(from, as), end: f.u8 }));
    for (const [tag, given] of values) {
      const body = 'tag' in given ? { ...given, tag: as(tag) } : given;
      const bytes = expectBothWays(codec, { ...value(tag), body, end: 7 });
      // The encoder fills it in, whatever the message says.
      expect(codec.encode({ ...value(5), body, end: 7 })).toEqual(bytes);
    }
    const other = f.struct({ ...before, body: tagged(from, (number) => as(number + 50)), end: f.u8 });
    const wrong = codecOf(other).encode({ ...value(51), body: { type: 'one', x: 1 }, end: 7 });
    expect(codeOf(() => codec.decode(wrong))).toBe('ERR_MESSAGE_VALUE');
    expect(compile(codec.declaration)!.decode(wrong, 0, wrong.length)).toBe(FAILED);
  });

  it.each(all.filter(([, { from }]) => typeof from === 'string'))('%s as a condition', (name, parts) => {
    const { before, from, value } = parts as { before: Fields; from: string; value: (raw: number) => object };
    const one = isBig(name) ? 1n : 1;
    const codec: AnyCodec = codecOf(
      f.struct({
        ...before,
        some: f.optional(f.u16be, f.when(from, one, { min: 3, max: 4 })),
        none: f.optional(f.u8, f.unless(from, one)),
        end: f.u8,
      }),
    );
    for (const number of [0, 1, 2, 3, 4, 5]) {
      const some = [1, 3, 4].includes(number) ? 515 : undefined;
      const none = number === 1 ? undefined : 8;
      expectBothWays(codec, { ...value(number), some, none, end: 7 });
      const wrong = { ...value(number), some: some === undefined ? 1 : undefined, none, end: 7 };
      expect(codeOf(() => codec.encode(wrong))).toBe('ERR_FIELD_RANGE');
      expect(compile(codec.declaration)!.encode(wrong, Buffer.alloc(99), 0)).toBe(-1);
    }
  });

  it('a parameter as a tag and as a condition', () => {
    const codec = codecOf(
      f.struct({
        a: f.optional(f.u16be, f.when(f.parameter('n'), 1, { min: 3, max: 4 })),
        body: tagged(f.parameter('n'), (number) => number),
        end: f.u8,
      }),
      { parameters: { n: { default: 2, min: 0, max: 20 } } },
    );
    for (const [n, body] of values) {
      expectBothWays(codec.with({ n }), { a: n === 1 ? 7 : undefined, body, end: 9 });
    }
    expect(codeOf(() => codec.with({ n: 3 }).decode(Buffer.from('000709', 'hex')))).toBe('ERR_MESSAGE_VALUE');
  });
});

describe('every source that is repeated', () => {
  const integers = [...Object.entries(SOURCES), ...Object.entries(BITS)].filter(
    ([, { from }]) => typeof from === 'string',
  );

  it.each(integers)('%s', (name, { before, from, value }) => {
    const isBig = /64 bits|bigint/.test(name) && !name.includes('mapped');
    const again = isBig ? f.u64be : f.u16be;
    const codec: AnyCodec = codecOf(
      f.struct({ ...before, again: f.same(again, from as string), body: f.bytes(from as string) }),
    );
    for (const size of [0, 3]) {
      const message = { ...value(size), again: isBig ? BigInt(size) : size, body: Buffer.alloc(size, 1) };
      const bytes = expectBothWays(codec, message);
      expect(codec.encode({ ...message, again: undefined })).toEqual(bytes);
      expect(codeOf(() => codec.encode({ ...message, again: isBig ? 9n : 9 }))).toBe('ERR_FIELD_RANGE');
    }
  });
});

describe('a combination without a meaning is refused in the declaration', () => {
  it.each<[string, () => unknown, string]>([
    ['a literal that is adjusted', () => f.size(4 as never, { add: 1 }), 'a field or the path of one'],
    ['what is left, adjusted', () => f.size(f.rest as never, { add: -2 }), 'got rest'],
    [
      'an adjustment of an adjustment',
      () => f.size(f.size(f.u8, { add: 1 }) as never, { add: 1 }),
      'a field or the path',
    ],
    [
      'a tag that is adjusted',
      () => f.union(f.size(f.u8, { add: 1 }) as never, { a: f.message(1) }),
      'the tag',
    ],
    ['a condition that is adjusted', () => f.when(f.size('n', { add: 1 }) as never, 1), "expected 'field'"],
    ['a part of a field', () => f.size(f.u8, { upTo: 4 } as never), 'upTo'],
    ['a part of the rest that is nothing', () => f.size(f.rest, { upTo: 0 }), 'upTo'],
    ['elements of a part of the rest', () => f.array(f.u8, f.size(f.rest, { upTo: 4 })), 'bounded(size'],
    ['padding of a part of the rest', () => f.padding(f.size(f.rest, { upTo: 4 })), 'fields with a value'],
    [
      'a size of a part of the rest',
      () => f.sizeOf(f.size(f.rest, { upTo: 4 }) as never, 'b'),
      'expected a field',
    ],
    ['a float', () => f.bytes(f.f32be as never), 'expected an integer field'],
    [
      'elements that take the rest',
      () => codecOf(f.array(f.bytes(f.rest), f.until(f.constant(f.u8, 0)))),
      'no terminator',
    ],
    [
      'any other tag of a closed enumeration',
      () => f.union(f.enumeration(f.u8, { a: 1 }), { a: f.message('a') }, { otherwise: 'unknown' }),
      'closed enumeration',
    ],
    [
      'any other tag of a closed enumeration at a path',
      () =>
        f.struct({
          k: f.enumeration(f.u8, { a: 1 }),
          b: f.union('k', { a: f.message('a') }, { otherwise: 'unknown' }),
        }),
      'closed enumeration',
    ],
    [
      'any other message of a closed enumeration in the header',
      () =>
        messages(
          'k',
          { a: f.message('a') },
          { header: { k: f.enumeration(f.u8, { a: 1 }) }, otherwise: 'unknown' },
        ),
      'closed enumeration',
    ],
    ['a last element without a value', () => f.until('more', undefined as never), 'as the value'],
    [
      'a last element whose field is not there',
      () => f.array(f.struct({ more: f.bool }), f.until('mor', false)),
      'does not exist',
    ],
    [
      'a last element whose field the encoder fills in',
      () => f.array(f.struct({ n: f.u8, b: f.bytes('n') }), f.until('n', 0)),
      'fills in',
    ],
    ['a last element of numbers', () => f.array(f.u8, f.until('n', 0)), 'does not exist'],
    ['bytes up to a last element', () => f.bytes(f.until('n', 0) as never), 'expected a field'],
    [
      'elements that take the rest before a last one',
      () => codecOf(f.array(f.struct({ n: f.u8, b: f.bytes(f.rest) }), f.until('n', 0))),
      'no next one',
    ],
    ['a terminator that changes', () => f.until(f.u8 as never), 'expected a constant'],
    ['a terminator of no bytes', () => f.until(f.constant(f.bytes(0), Buffer.alloc(0))), 'one byte or more'],
    [
      'characters up to a terminator',
      () => f.text(f.until(f.constant(f.u8, 0)), { unit: 'characters' }),
      'counted in bytes',
    ],
    ['bounded by a terminator', () => f.bounded(f.until(f.constant(f.u8, 0)) as never, f.u8), 'bounded'],
    ['a text', () => f.array(f.u8, f.utf8(u8()) as never), 'expected an integer field'],
    ['a size that is never one', () => f.size(f.u8, { add: -256 }), 'no number of the field'],
    ['half a unit', () => f.size(f.u8, { unit: 0.5 }), 'unit'],
    ['an option misspelt', () => f.size(f.u8, { ad: 1 } as never), 'ad'],
    ['null of a field without it', () => f.size(f.u8, { nullAt: -1 }), 'nullAt'],
    ['padding that may be null', () => f.padding(f.size(f.u8, { nullAt: 0 })), 'nullAt'],
    [
      'a path that is misspelt',
      () => f.struct({ h: f.struct({ n: f.u8 }), b: f.bytes('h.m' as never) }),
      'does not exist',
    ],
    ['a path into a number', () => f.struct({ n: f.u8, b: f.bytes('n.m' as never) }), 'does not exist'],
    [
      'a whole structure',
      () => f.struct({ h: f.struct({ n: f.u8 }), b: f.bytes('h') }),
      'integer of fixed width',
    ],
    ['a varint to be filled in', () => f.struct({ n: f.varuint, b: f.bytes('n') }), 'put it right before'],
    ['a float to be filled in', () => f.struct({ n: f.f32be, b: f.bytes('n') }), 'integer of fixed width'],
    [
      'a size that is filled in and given',
      () => f.struct({ n: f.u8, b: f.bytes('n'), p: f.padding('n') }),
      'the encoder fills in',
    ],
    ['an optional constant without a condition', () => f.optional(f.constant(f.u8, 1)), 'or a condition'],
    ['a range upside down', () => f.when('a', { min: 2, max: 1 }), 'the lower one first'],
    ['a range of nothing', () => f.unless('a', {}), 'expected numbers'],
    ['two ranges', () => f.when('a', { min: 2 }, { max: 1 }), 'one range'],
    [
      'what can never be read behind the rest',
      () => f.struct({ n: f.bytes(f.rest), p: f.utf8(f.u8) }),
      'can never be read',
    ],
  ])('%s', (_, declare, words) => {
    expect(declare).toThrow(words);
  });
});

const u8 = (): typeof f.u8 => f.u8;

describe('what is left, up to so many bytes', () => {
  const uses: Readonly<Record<string, (size: Size) => AnyField>> = {
    bytes: (size) => f.bytes(size),
    text: (size) => f.text(size, { encoding: 'latin1' }),
    utf8: (size) => f.utf8(size),
    bounded: (size) => f.bounded(size, f.array(f.u8, f.rest)),
  };
  it.each(Object.entries(uses))('is a block of %s', (name, use) => {
    const codec: AnyCodec = codecOf(
      f.array(f.struct({ a: use(f.size(f.rest, { upTo: 3 })), b: f.u16be }), f.rest),
    );
    const filled = (size: number) =>
      name === 'bytes'
        ? Buffer.alloc(size, 65)
        : name === 'bounded'
          ? Array(size).fill(65)
          : 'A'.repeat(size);
    const blocks = (sizes: number[]) => sizes.map((size) => ({ a: filled(size), b: 7 }));
    for (const sizes of [[], [0], [1], [3], [3, 3, 2], [3, 0]]) {
      const message = blocks(sizes);
      const compiled = compile(codec.declaration)!;
      const bytes = encodeByWalking(codec.declaration, message);
      const target = Buffer.alloc(compiled.bound(message) + 8);
      expect(target.subarray(0, compiled.encode(message, target, 0))).toEqual(bytes);
      expect(decodeByWalking(codec.declaration, bytes, 0, bytes.length)).toStrictEqual(message);
      expect(compiled.decode(bytes, 0, bytes.length)).toStrictEqual(message);
    }
    for (const sizes of [[4], [2, 3], [2, 0], [0, 0], [3, 1, 3]]) {
      const message = blocks(sizes);
      expect(compile(codec.declaration)!.encode(message, Buffer.alloc(99), 0)).toBe(-1);
      expect(codeOf(() => encodeByWalking(codec.declaration, message))).toMatch(/^ERR_FIELD/);
    }
  });

  it('is refused twice over: elements that took the rest one after the other', () => {
    const codec: AnyCodec = codecOf(f.array(f.struct({ a: f.u8, o: f.optional(f.u8, f.rest) }), f.rest));
    expect(codec.encode([{ a: 1, o: 2 }, { a: 3 }])).toEqual(Buffer.of(1, 2, 3));
    for (const message of [
      [{ a: 1 }, { a: 2 }],
      [{ a: 1 }, { a: 2, o: 3 }],
    ]) {
      expect(compile(codec.declaration)!.encode(message, Buffer.alloc(9), 0)).toBe(-1);
      expect(codeOf(() => codec.encode(message))).toBe('ERR_FIELD_RANGE');
    }
  });
});

describe('a member of a missing structure', () => {
  const body = f.struct({
    head: f.optional(f.struct({ n: f.u8, isLong: f.bool })),
    data: f.optional(f.bytes('head.n'), f.when('head.isLong')),
    tail: f.optional(f.u8, f.unless('head.isLong')),
  });
  const codec: AnyCodec = codecOf(body);
  const always: AnyCodec = codecOf(
    f.struct({ head: f.optional(f.struct({ n: f.u8 })), data: f.bytes('head.n') }),
  );

  it('does not fulfil a condition', () => {
    const message = { head: undefined, data: undefined, tail: 7 };
    expect(codec.encode(message)).toEqual(Buffer.of(0, 7));
    expect(codec.decode(Buffer.of(0, 7))).toStrictEqual(message);
    const long = { head: { n: 1, isLong: true }, data: Buffer.of(5), tail: undefined };
    expect(codec.encode(long)).toEqual(Buffer.of(1, 1, 1, 5));
    expect(codec.decode(Buffer.of(1, 1, 1, 5))).toStrictEqual(long);
  });

  it('is not a size on decode or encode', () => {
    expect(() => always.decode(Buffer.of(0, 5))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_VALUE', path: 'data', offset: 1 }),
    );
    expect(() => always.encode({ head: undefined, data: Buffer.of(1) })).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_RANGE', path: 'data' }),
    );
    expect(compile(always.declaration)!.encode({ data: Buffer.of(1) }, Buffer.alloc(9), 0)).toBe(-1);
  });
});
