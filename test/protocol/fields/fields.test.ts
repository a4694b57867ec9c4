import { describe, expect, it } from 'vitest';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { AnyField, Field } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { message } from '../../../src/protocol/fields/kinds.ts';
import { codecOf, messages } from '../../../src/protocol/fields/messages.ts';

/** Name, field, value, and its bytes in hex. */
const VECTORS: [string, AnyField, unknown, string][] = [
  ['u8', f.u8, 255, 'ff'],
  ['i8', f.i8, -128, '80'],
  ['u16le', f.u16le, 0x1234, '3412'],
  ['u16be', f.u16be, 0x1234, '1234'],
  ['i16le', f.i16le, -2, 'feff'],
  ['i16be', f.i16be, -2, 'fffe'],
  ['u24le', f.u24le, 0x123456, '563412'],
  ['u24be', f.u24be, 0xfedcba, 'fedcba'],
  ['i24le', f.i24le, -2, 'feffff'],
  ['i24be', f.i24be, -8388608, '800000'],
  ['u32le', f.u32le, 0xfedcba98, '98badcfe'],
  ['u32be', f.u32be, 0xfedcba98, 'fedcba98'],
  ['i32le', f.i32le, -20, 'ecffffff'],
  ['i32be', f.i32be, 2147483647, '7fffffff'],
  ['u64le', f.u64le, 2n ** 64n - 2n, 'feffffffffffffff'],
  ['u64be', f.u64be, 1n, '0000000000000001'],
  ['i64le', f.i64le, -1n, 'ffffffffffffffff'],
  ['i64be', f.i64be, -(2n ** 63n), '8000000000000000'],
  ['f32le', f.f32le, 1.5, '0000c03f'],
  ['f32be', f.f32be, -0, '80000000'],
  ['f64le', f.f64le, Number.NEGATIVE_INFINITY, '000000000000f0ff'],
  ['f64be', f.f64be, 0.1, '3fb999999999999a'],
  // protobuf's encoding documentation has 150 as 96 01
  ['varuint', f.varuint, 150, '9601'],
  ['varuint, the greatest', f.varuint, Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ['varint', f.varint, -2, '03'],
  ['varint, the least', f.varint, -(2 ** 52), 'ffffffffffffff0f'],
  ['bool', f.bool, true, '01'],
  ['bytes of a fixed size', f.bytes(2), Buffer.from('cafe', 'hex'), 'cafe'],
  ['bytes behind their size', f.bytes(f.u16be), Buffer.from('cafe', 'hex'), '0002cafe'],
  ['all the bytes that are left', f.bytes(f.rest), Buffer.from('cafe', 'hex'), 'cafe'],
  ['utf8, with U+FEFF kept', f.utf8(f.u8), '\ufeffé', '05efbbbfc3a9'],
  ['utf8 behind a varint', f.utf8(f.varuint), 'x'.repeat(130), `8201${'78'.repeat(130)}`],
  ['cstring', f.cstring(5), 'hello', '68656c6c6f00'],
  ['array', f.array(f.u16be, f.u8), [1, 2], '0200010002'],
  ['array of a fixed count', f.array(f.u8, 3), [1, 2, 3], '010203'],
  ['array to the end', f.array(f.u8, f.rest), [1, 2], '0102'],
  ['struct', f.struct({ a: f.u8, b: f.struct({ c: f.u8 }) }), { a: 1, b: { c: 2 } }, '0102'],
  ['optional, there', f.optional(f.u16be), 7, '010007'],
  ['optional, not there', f.optional(f.u16be), undefined, '00'],
  [
    'union',
    f.struct({ u: f.union(f.u8, { a: message(1, { x: f.u8 }), b: message(2) }) }),
    { u: { type: 'a', x: 9 } },
    '0109',
  ],
  ['enumeration', f.enumeration(f.u8, { off: 0, on: 1 }), 'on', '01'],
  ['enumeration, unknown kept', f.enumeration(f.u8, { off: 0 }, { unknown: 'keep' }), 7, '07'],
  ['flags', f.flags(f.u8, { low: 0, high: 7 }), { low: false, high: true }, '80'],
  // RFC 791 §3.1: version 4, header length 5
  ['bits, most significant first', f.bits(f.u8, { version: 4, length: 4 }), { version: 4, length: 5 }, '45'],
  ['bounded', f.bounded(f.u8, f.array(f.u16be, f.rest)), [1, 2], '0400010002'],
  [
    'constant and padding',
    f.struct({
      magic: f.constant(f.u16be, 0xcafe),
      pad: f.padding(1),
      a: f.u8,
      to: f.padding({ to: 4 }),
      b: f.u8,
    }),
    { a: 1, b: 2 },
    'cafe000102',
  ],
];

it.each<[string, AnyField, number, boolean]>([
  ['an integer', f.u32le, 4, true],
  ['text behind a length', f.utf8(f.u8), 256, true],
  ['text with a maximum', f.utf8(f.u16be, { max: 300 }), 302, true],
  ['bytes of a fixed size', f.bytes(6), 6, false],
  ['the rest', f.utf8(f.rest), Infinity, true],
  ['an array', f.array(f.struct({ a: f.u8, b: f.utf8(f.u8) }), f.u8), 1 + 255 * 257, true],
  ['an optional one', f.struct({ a: f.optional(f.f64be) }), 9, true],
  ['an array of views', f.array(f.bytes(2), 3), 6, false],
])('%s: how long a message can be, and whether it is a view', (_, field, maxLength, detached) => {
  const codec = codecOf(field);
  expect(codec.maxLength).toBe(maxLength);
  expect(codec.detached).toBe(detached);
});

describe('each field, through both engines', () => {
  it.each(VECTORS)('%s', (_, field, value, hex) => {
    const codec = codecOf(field);
    const bytes = Buffer.from(hex, 'hex');
    expect(codec.encode(value)).toEqual(bytes);
    expect(encodeByWalking(codec.declaration, value)).toEqual(bytes);
    const chunk = Buffer.concat([Buffer.of(0xee), bytes, Buffer.of(0xdd)]);
    expect(codec.decode(chunk, 1, 1 + bytes.length)).toEqual(value);
    expect(decodeByWalking(codec.declaration, chunk, 1, 1 + bytes.length)).toEqual(value);
  });

  it.each(VECTORS)('%s, cut short anywhere', (name, field, _, hex) => {
    const codec = codecOf(field);
    const bytes = Buffer.from(hex, 'hex');
    for (let length = 0; length < bytes.length; length++) {
      // What takes all that is left takes less as well, unless an element is cut.
      if (/left|to the end/.test(name)) continue;
      expect(() => codec.decode(bytes, 0, length)).toThrow(
        expect.objectContaining({ code: 'ERR_MESSAGE_SHORT', origin: 'peer' }),
      );
    }
  });
});

describe('derived fields', () => {
  const codec = codecOf(
    f.struct({
      kind: f.enumeration(f.u8, { text: 1, points: 2 }),
      length: f.u16be,
      body: f.bounded(
        'length',
        f.union('kind', { t: message('text', { of: f.utf8(f.rest) }), p: message('points') }),
      ),
      sum: f.checksum(f.u8, 'CRC-8/SMBUS', { from: 'length', to: 'body' }),
    }),
  );

  it('are filled in, whatever value the message has', () => {
    // kind 01 · length 0002 · 'ab' · CRC-8 of 00 02 61 62
    const bytes = Buffer.from('0100026162', 'hex');
    const encoded = codec.encode({ body: { type: 't', of: 'ab' }, length: 99 });
    expect(Buffer.from(encoded).subarray(0, 5)).toEqual(bytes);
    const decoded = codec.decode(Buffer.from(encoded));
    expect(decoded).toMatchObject({ kind: 'text', length: 2, body: { type: 't', of: 'ab' } });
    expect(codec.encode(decoded)).toEqual(encoded);
  });

  it('limit a text as they limit bytes', () => {
    for (const size of [f.u8, f.u16be]) {
      const most = size === f.u8 ? 255 : 65_535;
      const named = codecOf(f.struct({ n: size, inner: f.struct({ text: f.utf8('n') }) }));
      expect(named.encode({ inner: { text: 'x'.repeat(most) } })).toHaveLength(most + (most > 255 ? 2 : 1));
      expect(() => named.encode({ inner: { text: 'x'.repeat(most + 1) } })).toThrow(
        expect.objectContaining({ code: 'ERR_FIELD_TOO_LONG', path: 'inner.text', limit: most }),
      );
    }
  });

  it('that two fields share must suit both', () => {
    const pair = codecOf(f.struct({ n: f.u8, a: f.bytes('n'), b: f.array(f.u8, 'n') }));
    expect(pair.encode({ a: Buffer.of(1, 2), b: [3, 4] })).toEqual(Buffer.from('0201020304', 'hex'));
    expect(() => pair.encode({ a: Buffer.of(1), b: [3, 4] })).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_RANGE', path: 'b', actual: 2, origin: 'local' }),
    );
  });

  it('a wrong checksum is refused at its offset', () => {
    const bytes = Buffer.from(codec.encode({ body: { type: 't', of: 'ab' } }));
    bytes[5]! ^= 1;
    expect(() => codec.decode(bytes)).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_CHECKSUM', path: 'sum', offset: 5 }),
    );
  });
});

describe('hostile bytes', () => {
  it.each([
    ['a count beyond what is there', f.array(f.u32be, f.u32be), 'ffffff0000000001', 'ERR_FIELD_TOO_LONG'],
    ['a count within its maximum', f.array(f.u32be, f.u32be), '000f000000000001', 'ERR_MESSAGE_SHORT'],
    ['five million empty elements', f.array(f.struct({}), f.u32be), '004c4b40', 'ERR_FIELD_TOO_LONG'],
    ['a size beyond its maximum', f.bytes(f.u32be, { max: 4 }), '00000005aabbccddee', 'ERR_FIELD_TOO_LONG'],
    ['a size beyond what is there', f.bytes(f.u32be), '0000ffffaa', 'ERR_MESSAGE_SHORT'],
    ['a varint of eleven bytes', f.varuint, '8080808080808080808000', 'ERR_MESSAGE_VALUE'],
    ['a varint beyond 2^53 - 1', f.varuint, 'ffffffffffffff1f', 'ERR_MESSAGE_VALUE'],
    ['a bool of 2', f.bool, '02', 'ERR_MESSAGE_VALUE'],
    ['an unknown name', f.enumeration(f.u8, { a: 1 }), '02', 'ERR_MESSAGE_VALUE'],
    ['an unknown flag', f.flags(f.u8, { a: 1 }), '01', 'ERR_MESSAGE_VALUE'],
    ['an unknown case', f.struct({ u: f.union(f.u8, { a: message(1) }) }), '02', 'ERR_MESSAGE_VALUE'],
    ['another constant', f.struct({ a: f.constant(f.u8, 1) }), '02', 'ERR_MESSAGE_VALUE'],
    ['an overlong slash', f.utf8(f.u8), '02c0af', 'ERR_MESSAGE_UTF8'],
    ['a surrogate in UTF-8', f.utf8(f.u8), '03eda080', 'ERR_MESSAGE_UTF8'],
    ['a NUL that does not come', f.cstring(2), '61626300', 'ERR_FIELD_TOO_LONG'],
    ['bytes left inside a bound', f.bounded(f.u8, f.u8), '020102', 'ERR_MESSAGE_TRAILING'],
  ])('%s', (_, field, hex, code) => {
    expect(() => codecOf(field as AnyField).decode(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code, origin: 'peer' }),
    );
  });

  it('an overlong varint is read at its full width', () => {
    expect(codecOf(f.varuint).decode(Buffer.from('81808080808080808000', 'hex'))).toBe(1);
  });

  it('nesting beyond the maximum, both ways', () => {
    interface Nest {
      inner: Nest | undefined;
    }
    const nest: Field<Nest> = f.struct({ inner: f.optional(f.lazy(() => nest, { maxDepth: 3 })) });
    const codec = codecOf(nest);
    const deep = (levels: number): Nest => ({ inner: levels === 0 ? undefined : deep(levels - 1) });
    expect(codec.decode(Buffer.from('01010100', 'hex'))).toEqual(deep(3));
    expect(() => codec.decode(Buffer.alloc(100_000, 1))).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_TOO_LONG', limit: 3, path: 'inner.inner.inner.inner' }),
    );
    expect(() => codec.encode(deep(4))).toThrow(expect.objectContaining({ code: 'ERR_FIELD_TOO_LONG' }));
    const endless: Nest = { inner: undefined };
    endless.inner = endless;
    expect(() => codec.encode(endless)).toThrow(expect.objectContaining({ code: 'ERR_FIELD_TOO_LONG' }));
  });
});

describe('values that do not fit', () => {
  it.each([
    ['u8', f.u8, 256, 'ERR_FIELD_RANGE'],
    ['a fraction', f.i32le, 1.5, 'ERR_FIELD_RANGE'],
    ['a numeral', f.u8, '5', 'ERR_FIELD_RANGE'],
    ['a bigint for a number', f.i16le, 5n, 'ERR_FIELD_RANGE'],
    ['a number for a bigint', f.u64le, 5, 'ERR_FIELD_RANGE'],
    ['a bigint too great', f.i64le, 2n ** 63n, 'ERR_FIELD_RANGE'],
    ['a text too long', f.utf8(f.u8), 'é'.repeat(128), 'ERR_FIELD_TOO_LONG'],
    ['a lone surrogate', f.utf8(f.u8), 'a\udc00', 'ERR_MESSAGE_UTF8'],
    ['a NUL in a cstring', f.cstring(), 'a\0', 'ERR_FIELD_RANGE'],
    ['too few bytes', f.bytes(4), Buffer.alloc(3), 'ERR_FIELD_RANGE'],
    ['too many elements', f.array(f.u8, f.u8, { max: 1 }), [1, 2], 'ERR_FIELD_TOO_LONG'],
    ['no such name', f.enumeration(f.u8, { a: 1 }), 'constructor', 'ERR_FIELD_RANGE'],
    ['bits too wide', f.bits(f.u8, { a: 1, b: 7 }), { a: 2, b: 0 }, 'ERR_FIELD_RANGE'],
    ['nothing', f.struct({ a: f.u8 }), null, 'ERR_FIELD_RANGE'],
  ])('%s', (_, field, value, code) => {
    const codec = codecOf(f.struct({ list: f.array(field as AnyField, 1) }));
    expect(() => codec.encode({ list: [value] })).toThrow(
      expect.objectContaining({ code, origin: 'local', path: expect.stringMatching(/^list\[0\]/) }),
    );
  });
});

describe('a declaration that cannot work is refused when it is made', () => {
  it.each<[string, () => unknown, string]>([
    ['a tag twice', () => messages(f.u8, { a: message(1), b: message(1) }), 'a and b have the same tag, 1'],
    [
      'a tag too great',
      () => messages(f.u8, { a: message(300) }),
      'a: the tag 300 is not a value of its field',
    ],
    ['no message', () => messages(f.u8, {}), 'at least one case'],
    [
      "a field 'type'",
      () => messages(f.u8, { a: message(1, { type: f.u8 }) }),
      "no field can be named 'type'",
    ],
    ['an unknown size', () => codecOf(f.struct({ a: f.bytes('n') }) as never), "no field 'n'"],
    ['a later size', () => f.struct({ a: f.bytes('n'), n: f.u8 }), 'not declared before it'],
    ['a size of no fixed width', () => f.struct({ n: f.varuint, a: f.bytes('n') }), 'integer of fixed width'],
    [
      'an unknown flag',
      () => f.struct({ a: f.flags(f.u8, { x: 0 }), b: f.optional(f.u8, f.when('a.y')) }),
      'does not exist',
    ],
    [
      'a derived condition',
      () => f.struct({ n: f.u8, a: f.bytes('n'), b: f.optional(f.u8, f.when('n', 1)) }),
      'fills in',
    ],
    [
      'a reference out of a lazy',
      () => codecOf(f.struct({ n: f.u8, a: f.lazy(() => f.bytes('n')) })),
      "no field 'n'",
    ],
    ['endless emptiness', () => codecOf(f.array(f.struct({}), f.rest)), 'their number cannot be known'],
    ['a name of digits', () => f.struct({ 1: f.u8 }), 'cannot be a name'],
    ['a lost __proto__', () => f.struct({ __proto__: f.u8 } as never), 'plain object'],
    ['bits that do not fill', () => f.bits(f.u8, { a: 3 }), 'add up to 3'],
    ['a flag twice', () => f.flags(f.u8, { a: 1, b: 1 }), 'two names for bit 1'],
    ['a value twice', () => f.enumeration(f.u8, { a: 1, b: 1 }), 'are both 1'],
    ['a constant out of range', () => f.constant(f.u8, 256), 'from 0 to 255'],
    ['a checksum of another width', () => f.checksum(f.u8, 'CRC-16/ARC'), 'has 16 bits'],
    [
      'a checksum over itself',
      () => f.struct({ a: f.u8, c: f.checksum(f.u8, 'CRC-8/SMBUS', { to: 'c' }) }),
      'not over',
    ],
    ['an impossible bound', () => f.bounded(2, f.u24be), 'takes 3 bytes'],
    ['no field', () => f.struct({ a: 5 as never }), 'a: expected a field such as u8 or struct({ … }), got 5'],
    ['a call forgotten', () => f.struct({ a: f.utf8 as never }), 'got the function utf8; call it: utf8(u8)'],
    [
      'a call forgotten, in a message',
      () => messages(f.u8, { a: message(1, { n: f.struct as never }) }),
      'a.n: expected a field such as u8 or struct({ … }), got the function struct; call it: struct(…)',
    ],
    [
      'a reference in a message',
      () => messages(f.u8, { a: message(1, { n: f.bytes('m'), m: f.u8 }) }),
      "a.n refers to 'm', which is not declared before it",
    ],
    [
      'a field behind the rest, in a message',
      () => messages(f.u8, { a: message(1, { d: f.bytes(f.rest), n: f.varuint }) }),
      "a: 'n' can never be read, 'd' takes the rest",
    ],
    [
      'a text behind the rest, and its checksum',
      () => f.struct({ d: f.utf8(f.rest), text: f.utf8(f.u8), sum: f.checksum(f.u8, 'CRC-8/SMBUS') }),
      "'text' can never be read, 'd' takes the rest",
    ],
    [
      'bytes that may be none behind the rest of a structure',
      () => f.struct({ d: f.struct({ list: f.array(f.u8, f.rest) }), n: f.bytes(f.rest) }),
      "'n' can never be read, 'd' takes the rest",
    ],
    [
      'a field behind a union whose every case takes the rest',
      () => f.struct({ d: f.union(f.u8, { a: message(1, { x: f.bytes(f.rest) }) }), n: f.varuint }),
      "'n' can never be read, 'd' takes the rest",
    ],
    [
      'a name of the header and of the trailer',
      () => messages(f.u8, { a: message(1) }, { header: { n: f.u8 }, trailer: { n: f.u16be } }),
      "the header and the trailer have a field 'n' each",
    ],
    [
      'a header of any size',
      () => messages(f.u8, { a: message(1) }, { header: { n: f.varuint } }),
      'fixed size',
    ],
  ])('%s', (_, declare, words) => {
    expect(declare).toThrow(words);
  });

  it('fields of no bytes, or after a bounded field, may follow the rest', () => {
    const codec = codecOf(
      f.struct({
        d: f.bounded(f.u8, f.struct({ all: f.bytes(f.rest) })),
        n: f.u8,
        end: f.bytes(f.rest),
        none: f.array(f.u8, 0),
        pad: f.padding(0),
      }),
    );
    const frame = Buffer.from('02cafe07beef', 'hex');
    const value = {
      d: { all: Buffer.from('cafe', 'hex') },
      n: 7,
      end: Buffer.from('beef', 'hex'),
      none: [],
    };
    expect(codec.decode(frame)).toEqual(value);
    expect(codec.encode(value)).toEqual(frame);
    // One case leaves something, so what follows can be read.
    const some = f.union(f.u8, { a: message(1, { x: f.bytes(f.rest) }), b: message(2) });
    expect(codecOf(f.struct({ u: some, n: f.u8 })).decode(Buffer.from('0207', 'hex'))).toEqual({
      u: { type: 'b' },
      n: 7,
    });
  });
});

describe('an error shows the received value in the notation of the expected one', () => {
  it.each<[string, AnyField, string, string, unknown]>([
    [
      'a checksum in hex',
      // CRC-8/SMBUS of 31 is 97
      f.struct({ a: f.u8, sum: f.checksum(f.u8, 'CRC-8/SMBUS') }),
      '31ff',
      'sum: expected CRC-8/SMBUS 0x97, got 0xff, at byte 1',
      0xff,
    ],
    [
      'a constant in hex',
      f.struct({ magic: f.constant(f.u16be, 0xcafe) }),
      'beef',
      'magic: expected the constant cafe (hex), got beef (hex), at byte 0',
      'beef',
    ],
    [
      'what is left of the frame',
      f.u8,
      '010203',
      'message: expected the end of the frame, got 2 bytes more, at byte 1',
      2,
    ],
    [
      'what is left of a bound',
      f.bounded(f.u8, f.u8),
      '020102',
      'message: expected the end of 2 bytes, got 1 byte more, at byte 2',
      1,
    ],
  ])('%s', (_, field, hex, text, actual) => {
    const decode = () => codecOf(field).decode(Buffer.from(hex, 'hex'));
    expect(decode).toThrow(expect.objectContaining({ message: text, actual }));
  });
});
