import type { Field } from '../../../src/protocol/fields/field.ts';
import * as language from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';

/**
 * What each kind of field is, in declarations, values and bytes. `kinds.test.ts` runs all of it through both engines, and
 * `docs/fields.md` shows it: a kind without an entry here fails.
 *
 * Declarations and values are code, as a user writes it. Bytes are hex; a vertical bar is for readers.
 */
export interface KindVectors {
  /** The kind's name. */
  readonly kind: string;
  /** What it is. */
  readonly about: string;
  /** The TypeScript type of its value. */
  readonly type: string;
  /** What is the most that it holds. */
  readonly limits: string;
  readonly good: readonly (readonly [declaration: string, value: string, bytes: string])[];
  /** Bytes that are refused, and the text of the error. */
  readonly badBytes: readonly (readonly [declaration: string, bytes: string, code: string, text: string])[];
  /** Values that are refused, and the text of the error. */
  readonly badValues: readonly (readonly [declaration: string, value: string, code: string, text: string])[];
}

// biome-ignore lint/suspicious/noExplicitAny: made from text
type AnyCodec = DeclaredCodec<any>;

/** What code in the language of declarations gives: `u8`, `{ a: 1 }`. */
export function evaluate(code: string): unknown {
  const names = { ...language, messages, codecOf, tree, letter, berLength };
  return new Function(...Object.keys(names), `return (${code});`)(...Object.values(names));
}

/** The codec of a declaration: of messages as it is, of any other field as the whole of a frame. */
export function codecFrom(declaration: string): AnyCodec {
  const made = evaluate(declaration);
  return (Object.hasOwn(made as object, 'declaration') ? made : codecOf(made as never)) as AnyCodec;
}

interface Tree {
  value: number;
  children: readonly Tree[];
}

const tree: Field<Tree> = language.struct({
  value: language.u8,
  children: language.array(
    language.lazy(() => tree, { maxDepth: 3 }),
    language.u8,
  ),
});

/** A letter as its place in the alphabet. */
const letter = language.custom<string>({
  name: 'letter',
  minSize: 1,
  read(cursor) {
    const at = cursor.take(1);
    const place = cursor.bytes[at]!;
    if (place > 25) cursor.fail('0 to 25', place);
    return String.fromCharCode(97 + place);
  },
  write(cursor, value) {
    if (!/^[a-z]$/.test(value)) cursor.fail('a small letter', value);
    cursor.target[cursor.at++] = value.charCodeAt(0) - 97;
  },
  size: () => 1,
});

/** The length octets of ASN.1 BER, up to 65,535: X.690 §8.1.3. */
const berLength = language.custom<number>({
  name: 'a BER length',
  minSize: 1,
  maxSize: 3,
  range: { min: 0, max: 65_535 },
  read(cursor) {
    const first = cursor.read(language.u8);
    if (first < 0x80) return first;
    if (first === 0x81) return cursor.read(language.u8);
    return first === 0x82 ? cursor.read(language.u16be) : cursor.fail('one or two octets', first);
  },
  write(cursor, value) {
    if (value < 0x80) cursor.write(language.u8, value);
    else if (value < 0x100) cursor.write(language.u16be, 0x8100 | value);
    else cursor.write(language.u24be, 0x820000 | value);
  },
  size: (value) => (value < 0x80 ? 1 : value < 0x100 ? 2 : 3),
});

export const VECTORS: readonly KindVectors[] = [
  {
    kind: 'int',
    about:
      '`u8 i8 u16le u16be i16le i16be u24le … i32be`: whole numbers of 8, 16, 24 or 32 bits, in two’s complement where signed. The name says the byte order; there is no default.',
    type: '`number`',
    limits: 'the range of its bits',
    good: [
      ['u8', '255', 'ff'],
      ['u16be', '0x1234', '12 34'],
      ['u16le', '0x1234', '34 12'],
      ['i24be', '-2', 'ff ff fe'],
      ['u32le', '4275878552', '98 ba dc fe'],
    ],
    badBytes: [['u16be', '12', 'ERR_MESSAGE_SHORT', 'message: expected 2 bytes, got 1, at byte 0']],
    badValues: [
      ['u8', '256', 'ERR_FIELD_RANGE', 'message: expected a whole number from 0 to 255, got 256'],
      ['i8', '1.5', 'ERR_FIELD_RANGE', 'message: expected a whole number from -128 to 127, got 1.5'],
      ['u32be', '"5"', 'ERR_FIELD_RANGE', 'message: expected a whole number from 0 to 4294967295, got "5"'],
    ],
  },
  {
    kind: 'wide',
    about:
      '`u40le u40be i40le i40be u48le … i56be`: whole numbers of 40, 48 or 56 bits, in two’s complement where signed.',
    type: '`number`',
    limits: 'the range of its bits; for 56 bits, the exact numbers −(2⁵³ − 1) to 2⁵³ − 1',
    good: [
      ['u40be', '0x123456789a', '12 34 56 78 9a'],
      ['u48be', '0xfedcba987654', 'fe dc ba 98 76 54'],
      ['u48le', '0xfedcba987654', '54 76 98 ba dc fe'],
      ['i40le', '-2', 'fe ff ff ff ff'],
      ['i48be', '-(2 ** 47)', '80 00 00 00 00 00'],
      ['u56le', '2 ** 53 - 1', 'ff ff ff ff ff ff 1f'],
      ['i56be', '1 - 2 ** 53', 'e0 00 00 00 00 00 01'],
    ],
    badBytes: [
      ['u48be', '01 02 03 04 05', 'ERR_MESSAGE_SHORT', 'message: expected 6 bytes, got 5, at byte 0'],
      [
        'u56be',
        '20 00 00 00 00 00 00',
        'ERR_MESSAGE_VALUE',
        'message: expected a whole number from 0 to 9007199254740991, got 9007199254740992, at byte 0',
      ],
      [
        'i56le',
        '00 00 00 00 00 00 e0',
        'ERR_MESSAGE_VALUE',
        'message: expected a whole number from -9007199254740991 to 9007199254740991, got -9007199254740992, at byte 0',
      ],
    ],
    badValues: [
      [
        'u40le',
        '2 ** 40',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 1099511627775, got 1099511627776',
      ],
      [
        'i48be',
        '2 ** 47',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from -140737488355328 to 140737488355327, got 140737488355328',
      ],
      [
        'u56be',
        '2 ** 53',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 9007199254740991, got 9007199254740992',
      ],
      [
        'u48le',
        '0.5',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 281474976710655, got 0.5',
      ],
    ],
  },
  {
    kind: 'bigint',
    about: '`u64le u64be i64le i64be`: whole numbers of 64 bits. As a size or a count, they become a number.',
    type: '`bigint`',
    limits: 'the range of 64 bits',
    good: [
      ['u64be', '1n', '00 00 00 00 00 00 00 01'],
      ['i64le', '-1n', 'ff ff ff ff ff ff ff ff'],
      [
        'struct({ id: u64le, data: bytes(u64be) })',
        '{ id: 5n, data: Buffer.of(0xca) }',
        '05 00 00 00 00 00 00 00 | 00 00 00 00 00 00 00 01 | ca',
      ],
      [
        'struct({ length: u64le, data: bytes("length") })',
        '{ length: 1n, data: Buffer.of(7) }',
        '01 00 00 00 00 00 00 00 | 07',
      ],
      [
        'struct({ kind: u64be, body: union("kind", { a: message(2n ** 64n - 1n, { x: u8 }) }) })',
        '{ kind: 2n ** 64n - 1n, body: { type: "a", x: 7 } }',
        'ff ff ff ff ff ff ff ff | 07',
      ],
    ],
    badBytes: [
      ['u64le', '00 00 00 00 00 00 00', 'ERR_MESSAGE_SHORT', 'message: expected 8 bytes, got 7, at byte 0'],
      [
        'bytes(u64be)',
        'ff ff ff ff ff ff ff ff',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 10000000 bytes, got 18446744073709551615n, at byte 0',
      ],
      [
        // 2^53 + 1, which a number does not hold.
        'struct({ n: u64be, items: array(u8, size("n", { unit: 2, add: 1 })) })',
        '00 20 00 00 00 00 00 01',
        'ERR_FIELD_TOO_LONG',
        'items: expected at most 1000000 elements, got 18014398509481987n, at byte 8',
      ],
      [
        'bytes(i64be)',
        'ff ff ff ff ff ff ff ff',
        'ERR_MESSAGE_VALUE',
        'message: expected a size of 0 or more bytes, got -1, at byte 0',
      ],
    ],
    badValues: [
      ['u64le', '5', 'ERR_FIELD_RANGE', 'message: expected an unsigned 64-bit bigint, got 5'],
      [
        'i64be',
        '2n ** 63n',
        'ERR_FIELD_RANGE',
        'message: expected a signed 64-bit bigint, got 9223372036854775808n',
      ],
    ],
  },
  {
    kind: 'float',
    about: '`f32le f32be f64le f64be`: IEEE 754 numbers. Encoding a single rounds to the nearest one.',
    type: '`number`',
    limits: 'any number, NaN and the infinities included',
    good: [
      ['f32be', '1.5', '3f c0 00 00'],
      ['f64be', '0.1', '3f b9 99 99 99 99 99 9a'],
    ],
    badBytes: [['f32le', '00 00 c0', 'ERR_MESSAGE_SHORT', 'message: expected 4 bytes, got 3, at byte 0']],
    badValues: [['f64le', '"1"', 'ERR_FIELD_RANGE', 'message: expected a number, got "1"']],
  },
  {
    kind: 'varint',
    about:
      '`varuint`: LEB128, groups of seven bits, least significant first (protobuf’s varint). `varint`: the same for the zigzag encoding, 0, −1, 1, −2 … as 0, 1, 2, 3 …',
    type: '`number`',
    limits: '0 to 2⁵³ − 1, or −2⁵² to 2⁵² − 1; at most ten bytes',
    good: [
      ['varuint', '150', '96 01'],
      ['varint', '-2', '03'],
    ],
    badBytes: [
      ['varuint', '96', 'ERR_MESSAGE_SHORT', 'message: expected 1 byte, got 0, at byte 1'],
      [
        'varuint',
        'ff ff ff ff ff ff ff 1f',
        'ERR_MESSAGE_VALUE',
        'message: expected a varint of at most 2^53 - 1, got 18014398509481984, at byte 0',
      ],
    ],
    badValues: [
      [
        'varuint',
        '-1',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 9007199254740991, got -1',
      ],
    ],
  },
  {
    kind: 'varint64',
    about:
      '`varuint64` and `varint64`: `varuint` and `varint` with 64 bits. `sleb128`: signed LEB128, two’s complement in groups of seven bits (WebAssembly, DWARF). `vlq`: groups of seven bits, most significant first (MIDI, the tags of ASN.1 BER). The negative numbers that protobuf writes in ten bytes are a `mapped(varuint64, …)`.',
    type: '`bigint`; `number` for `sleb128` and `vlq`',
    limits: '64 bits, or the exact numbers; at most ten bytes',
    good: [
      ['varuint64', '300n', 'ac 02'],
      ['varuint64', '2n ** 64n - 1n', 'ff ff ff ff ff ff ff ff ff 01'],
      ['varint64', '-2n', '03'],
      ['varint64', '-(2n ** 63n)', 'ff ff ff ff ff ff ff ff ff 01'],
      ['sleb128', '-123456', 'c0 bb 78'],
      ['sleb128', '64', 'c0 00'],
      ['vlq', '0x0fffffff', 'ff ff ff 7f'],
      ['vlq', '128', '81 00'],
      [
        'mapped(varuint64, { decode: (v) => BigInt.asIntN(64, v), encode: (v) => BigInt.asUintN(64, v) })',
        '-1n',
        'ff ff ff ff ff ff ff ff ff 01',
      ],
    ],
    badBytes: [
      ['varuint64', '80', 'ERR_MESSAGE_SHORT', 'message: expected 1 byte, got 0, at byte 1'],
      [
        'varuint64',
        'ff ff ff ff ff ff ff ff ff 02',
        'ERR_MESSAGE_VALUE',
        'message: expected a bigint from 0 to 2^64 - 1, got one beyond it, at byte 0',
      ],
      [
        'varuint64',
        '80 80 80 80 80 80 80 80 80 80 00',
        'ERR_MESSAGE_VALUE',
        'message: expected at most 10 bytes, got more, at byte 0',
      ],
      [
        'vlq',
        'ff ff ff ff ff ff ff 7f',
        'ERR_MESSAGE_VALUE',
        'message: expected a whole number from 0 to 2^53 - 1, got one beyond it, at byte 0',
      ],
    ],
    badValues: [
      ['varuint64', '-1n', 'ERR_FIELD_RANGE', 'message: expected a bigint from 0 to 2^64 - 1, got -1n'],
      ['varint64', '5', 'ERR_FIELD_RANGE', 'message: expected a bigint from -2^63 to 2^63 - 1, got 5'],
      ['vlq', '-1', 'ERR_FIELD_RANGE', 'message: expected a whole number from 0 to 2^53 - 1, got -1'],
      [
        'sleb128',
        '0.5',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 1 - 2^53 to 2^53 - 1, got 0.5',
      ],
    ],
  },
  {
    kind: 'digits',
    about:
      '`decimal(n)` and `hexadecimal(n)`: a whole number in `n` ASCII digits, with leading zeros. `decimal(n, { signed: true })`: a minus takes the place of one digit, and a plus is accepted on decode. Hexadecimal digits are written in capitals and read in either case. The number may be a size, a count or a tag, or hold a checksum.',
    type: '`number`',
    limits: 'at most 15 decimal or 13 hexadecimal digits',
    good: [
      ['decimal(4)', '42', '30 30 34 32'],
      ['decimal(4, { signed: true })', '-42', '2d 30 34 32'],
      ['decimal(15)', '999999999999999', '39 39 39 39 39 39 39 39 39 39 39 39 39 39 39'],
      ['hexadecimal(2)', '0x2a', '32 41'],
      [
        'struct({ a: decimal(1), body: bytes(decimal(3)) })',
        '{ a: 7, body: Buffer.of(1, 2) }',
        '37 | 30 30 32 | 01 02',
      ],
      [
        'struct({ a: decimal(1), list: array(u8, hexadecimal(2)) })',
        '{ a: 7, list: [5] }',
        '37 | 30 31 | 05',
      ],
      ['bounded(decimal(2), decimal(3))', '7', '30 33 | 30 30 37'],
      ['struct({ n: decimal(2), body: utf8("n") })', '{ n: 2, body: "hi" }', '30 32 | 68 69'],
      [
        'struct({ code: decimal(2), body: union("code", { a: message(4, { b: u8 }) }) })',
        '{ code: 4, body: { type: "a", b: 9 } }',
        '30 34 | 09',
      ],
      [
        'messages(decimal(4), { request: message(200, { a: decimal(1) }) })',
        '{ type: "request", a: 1 }',
        '30 32 30 30 | 31',
      ],
    ],
    badBytes: [
      ['decimal(2)', '31', 'ERR_MESSAGE_SHORT', 'message: expected 2 bytes, got 1, at byte 0'],
      ['decimal(2)', '20 31', 'ERR_MESSAGE_VALUE', 'message: expected 2 decimal digits, got " 1", at byte 0'],
      ['decimal(2)', '2d 31', 'ERR_MESSAGE_VALUE', 'message: expected 2 decimal digits, got "-1", at byte 0'],
      [
        'decimal(2, { signed: true })',
        '2d 2d',
        'ERR_MESSAGE_VALUE',
        'message: expected 2 decimal digits, got "--", at byte 0',
      ],
      [
        'hexadecimal(2)',
        '30 47',
        'ERR_MESSAGE_VALUE',
        'message: expected 2 hexadecimal digits, got "0G", at byte 0',
      ],
      [
        'bytes(decimal(3))',
        '30 30 78 01',
        'ERR_MESSAGE_VALUE',
        'message: expected 3 decimal digits, got "00x", at byte 0',
      ],
      ['bytes(decimal(1))', '32 01', 'ERR_MESSAGE_SHORT', 'message: expected 2 bytes, got 1, at byte 1'],
    ],
    badValues: [
      ['decimal(2)', '100', 'ERR_FIELD_RANGE', 'message: expected a whole number from 0 to 99, got 100'],
      ['decimal(2)', '-1', 'ERR_FIELD_RANGE', 'message: expected a whole number from 0 to 99, got -1'],
      [
        'decimal(2, { signed: true })',
        '-10',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from -9 to 99, got -10',
      ],
      [
        'hexadecimal(2)',
        '"ff"',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 255, got "ff"',
      ],
      [
        'bytes(decimal(1))',
        'Buffer.alloc(10)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 9 bytes, got 10',
      ],
    ],
  },
  {
    kind: 'endedDigits',
    about:
      '`decimal(until(constant(…)))` and `hexadecimal(until(constant(…)))`: a whole number in as many ASCII digits as it has, and a terminator after them. Leading zeros are accepted on decode. The number may be a size, a count or a tag.',
    type: '`number`',
    limits: 'at most 15 decimal or 13 hexadecimal digits',
    good: [
      ['decimal(until(constant(u8, 0x0a)))', '42', '34 32 | 0a'],
      ['decimal(until(constant(u8, 0x0a)))', '0', '30 | 0a'],
      ['decimal(until(constant(u8, 0x2c)), { signed: true })', '-7', '2d 37 | 2c'],
      ['hexadecimal(until(constant(bytes(2), Buffer.from("\\r\\n"))))', '0x1abc', '31 41 42 43 | 0d 0a'],
      // RESP: a bulk string, and the one that is null
      [
        'struct({ id: decimal(until(constant(u8, 0x20))), bulk: bounded(size(decimal(until(constant(bytes(2), Buffer.from("\\r\\n"))), { signed: true }), { add: 2, nullAt: -1 }), struct({ text: bytes(rest), end: constant(bytes(2), Buffer.from("\\r\\n")) })) })',
        '{ id: 7, bulk: { text: Buffer.from("hi") } }',
        '37 20 | 32 0d 0a | 68 69 | 0d 0a',
      ],
      [
        'struct({ id: decimal(until(constant(u8, 0x20))), bulk: bounded(size(decimal(until(constant(bytes(2), Buffer.from("\\r\\n"))), { signed: true }), { add: 2, nullAt: -1 }), struct({ text: bytes(rest), end: constant(bytes(2), Buffer.from("\\r\\n")) })) })',
        '{ id: 7, bulk: null }',
        '37 20 | 2d 31 0d 0a',
      ],
      [
        'array(decimal(until(constant(u8, 0x3a))), decimal(until(constant(u8, 0x3a))))',
        '[7, 42]',
        '32 3a | 37 3a | 34 32 3a',
      ],
      [
        'struct({ code: union(decimal(until(constant(u8, 0x20))), { ok: message(200), gone: message([404, 410], { age: decimal(until(constant(u8, 0x20))) }) }) })',
        '{ code: { type: "gone", tag: 410, age: 9 } }',
        '34 31 30 20 | 39 20',
      ],
    ],
    badBytes: [
      [
        'decimal(until(constant(u8, 0x0a)))',
        '34 32',
        'ERR_MESSAGE_SHORT',
        'message: expected the terminator 0a (hex), got the end, at byte 2',
      ],
      [
        'decimal(until(constant(u8, 0x0a)))',
        '0a',
        'ERR_MESSAGE_VALUE',
        'message: expected 1 to 15 decimal digits, got "", at byte 0',
      ],
      [
        'decimal(until(constant(u8, 0x0a)))',
        '2d 31 0a',
        'ERR_MESSAGE_VALUE',
        'message: expected 1 to 15 decimal digits, got "-1", at byte 0',
      ],
      [
        'decimal(until(constant(u8, 0x0a)))',
        '34 20 0a',
        'ERR_MESSAGE_VALUE',
        'message: expected 1 to 15 decimal digits, got "4 ", at byte 0',
      ],
      [
        'decimal(until(constant(u8, 0x0a)))',
        '31 31 31 31 31 31 31 31 31 31 31 31 31 31 31 31 0a',
        'ERR_FIELD_TOO_LONG',
        'message: expected the terminator 0a (hex) after at most 15 bytes, got none, at byte 0',
      ],
    ],
    badValues: [
      [
        'decimal(until(constant(u8, 0x0a)))',
        '-1',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 999999999999999, got -1',
      ],
      [
        'decimal(until(constant(u8, 0x0a)))',
        '1e15',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 999999999999999, got 1000000000000000',
      ],
      [
        'hexadecimal(until(constant(u8, 0x0a)))',
        '"ff"',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 4503599627370495, got "ff"',
      ],
    ],
  },
  {
    kind: 'bool',
    about: '`bool`: one byte, 0 or 1.',
    type: '`boolean`',
    limits: 'other bytes are refused',
    good: [['bool', 'true', '01']],
    badBytes: [['bool', '02', 'ERR_MESSAGE_VALUE', 'message: expected 0 or 1, got 2, at byte 0']],
    badValues: [['bool', '1', 'ERR_FIELD_RANGE', 'message: expected true or false, got 1']],
  },
  {
    kind: 'enumeration',
    about:
      '`enumeration(integer, { name: value })`: an integer that stands for a name. With `{ unknown: "keep" }` a value without a name stays a number; otherwise it is refused.',
    type: 'a union of the names',
    limits: 'the range of the integer',
    good: [
      ['enumeration(u8, { off: 0, on: 1 })', '"on"', '01'],
      ['enumeration(u16be, { off: 0 }, { unknown: "keep" })', '7', '00 07'],
      ['enumeration(decimal(2), { off: 0, on: 42 })', '"on"', '34 32'],
    ],
    badBytes: [
      [
        'enumeration(u8, { off: 0, on: 1 })',
        '02',
        'ERR_MESSAGE_VALUE',
        'message: expected 0x00, 0x01, got 0x02, at byte 0',
      ],
    ],
    badValues: [
      [
        'enumeration(u8, { off: 0, on: 1 })',
        '"of"',
        'ERR_FIELD_RANGE',
        "message: expected one of 'off', 'on', got \"of\"",
      ],
    ],
  },
  {
    kind: 'flags',
    about:
      '`flags(integer, { name: position })`: single bits, each by its position; the least significant bit is 0. Other bits are refused, or ignored with `{ unknown: "ignore" }`.',
    type: 'an object of booleans',
    limits: 'an integer of fixed width',
    good: [['flags(u8, { urgent: 0, signed: 7 })', '{ urgent: false, signed: true }', '80']],
    badBytes: [
      [
        'flags(u8, { urgent: 0 })',
        '03',
        'ERR_MESSAGE_VALUE',
        'message: expected no bits but 0x01, got 0x03, at byte 0',
      ],
    ],
    badValues: [
      [
        'flags(u8, { urgent: 0 })',
        '{ urgent: 1 }',
        'ERR_FIELD_RANGE',
        'urgent: expected true or false, got 1',
      ],
    ],
  },
  {
    kind: 'bits',
    about:
      '`bits(integer, { name: width })`: several numbers in one integer, the most significant first; with `{ first: "least" }` the least significant first. The widths fill the integer. In place of a width a member may be `{ width, signed: true }`, or `{ width, constant }` for reserved bits, which are checked on decode and are not part of the value. A path names a member: `"first.kind"`.',
    type: 'an object of numbers; members of more than 53 bits are bigints',
    limits: 'an integer of fixed width, 8 to 64 bits',
    good: [
      ['bits(u8, { version: 4, headerLength: 4 })', '{ version: 4, headerLength: 5 }', '45'],
      // RFC 791 §3.1: the first word of IPv4
      [
        'bits(u32be, { version: 4, ihl: 4, dscp: 6, ecn: 2, length: 16 })',
        '{ version: 4, ihl: 5, dscp: 46, ecn: 1, length: 1500 }',
        '45 b9 05 dc',
      ],
      // RFC 9293 §3.1: SYN and ACK
      [
        'bits(u16be, { dataOffset: 4, reserved: { width: 3, constant: 0 }, flags: 9 })',
        '{ dataOffset: 5, flags: 0x12 }',
        '50 12',
      ],
      // ISO/IEC 13818-1 §2.4.3.5: the program clock reference of MPEG-TS
      [
        'bits(u48be, { base: 33, reserved: { width: 6, constant: 0x3f }, extension: 9 })',
        '{ base: 0x123456789, extension: 299 }',
        '91 a2 b3 c4 ff 2b',
      ],
      // ITU-R M.1371: the first 64 bits of an AIS position report; it turns to port
      [
        'bits(u64be, { type: 6, repeat: 2, mmsi: 30, status: 4, turn: { width: 8, signed: true }, speed: 10, accuracy: 1, longitude: 3 })',
        '{ type: 1, repeat: 0, mmsi: 366053209, status: 3, turn: -127, speed: 37, accuracy: 1, longitude: 5 }',
        '04 57 46 1d 64 e0 42 5d',
      ],
      // SAE J1939-71, PGN 61444: the engine turns 12,000 times an eighth of a revolution per minute
      [
        'bits(u64le, { mode: 4, torque: 4, demand: 8, actual: 8, speed: 16, source: 8, starter: 4, reserved: { width: 4, constant: 15 }, demanded: 8 }, { first: "least" })',
        '{ mode: 0, torque: 15, demand: 125, actual: 150, speed: 12000, source: 0x21, starter: 3, demanded: 200 }',
        'f0 7d 96 e0 2e 21 f3 c8',
      ],
      // RFC 9562 appendix A.6: a UUID of version 7
      [
        'struct({ first: bits(u64be, { time: 48, version: { width: 4, constant: 7 }, a: 12 }), second: bits(u64be, { variant: { width: 2, constant: 2 }, b: 62 }) })',
        '{ first: { time: 0x017f22e279b0, a: 0xcc3 }, second: { b: 0x18c4dc0c0c07398fn } }',
        '01 7f 22 e2 79 b0 7c c3 | 98 c4 dc 0c 0c 07 39 8f',
      ],
      [
        'bits(u56le, { low: { width: 40, signed: true }, high: { width: 16, signed: true } }, { first: "least" })',
        '{ low: -2, high: -32768 }',
        'fe ff ff ff ff | 00 80',
      ],
      [
        'bits(i64be, { sign: 1, whole: { width: 63, signed: true } })',
        '{ sign: 1, whole: -1n }',
        'ff ff ff ff ff ff ff ff',
      ],
      [
        'struct({ head: bits(u64be, { kind: 20, n: { width: 40, signed: true }, more: 4 }), data: bytes("head.n") })',
        '{ head: { kind: 0xabcde, n: 1, more: 15 }, data: Buffer.of(7) }',
        'ab cd e0 00 00 00 00 1f | 07',
      ],
    ],
    badBytes: [
      [
        'bits(u16be, { a: 4, b: 12 })',
        '45',
        'ERR_MESSAGE_SHORT',
        'message: expected 2 bytes, got 1, at byte 0',
      ],
      [
        'bits(u64be, { a: 40, b: 24 })',
        '45 00 00 00 00 00 00',
        'ERR_MESSAGE_SHORT',
        'message: expected 8 bytes, got 7, at byte 0',
      ],
      [
        'bits(u8, { a: 4, reserved: { width: 4, constant: 0 } })',
        '41',
        'ERR_MESSAGE_VALUE',
        'reserved: expected 0x00, got 0x01, at byte 0',
      ],
      [
        'bits(u40be, { reserved: { width: 36, constant: 1 }, a: 4 })',
        '10 00 00 00 1f',
        'ERR_MESSAGE_VALUE',
        'reserved: expected 0x01, got 0x100000001, at byte 0',
      ],
      [
        'bits(u64be, { reserved: { width: 60, constant: 1n }, a: 4 })',
        '10 00 00 00 00 00 00 1f',
        'ERR_MESSAGE_VALUE',
        'reserved: expected 1, got 72057594037927937, at byte 0',
      ],
      [
        'bits(u8, { reserved: { width: 4, constant: -1, signed: true }, a: 4 })',
        '70',
        'ERR_MESSAGE_VALUE',
        'reserved: expected -1, got 0x07, at byte 0',
      ],
    ],
    badValues: [
      [
        'bits(u8, { version: 4, headerLength: 4 })',
        '{ version: 16, headerLength: 5 }',
        'ERR_FIELD_RANGE',
        'version: expected a whole number from 0 to 15, got 16',
      ],
      [
        'bits(u8, { a: { width: 4, signed: true }, b: 4 })',
        '{ a: 8, b: 0 }',
        'ERR_FIELD_RANGE',
        'a: expected a whole number from -8 to 7, got 8',
      ],
      [
        'bits(u32be, { a: { width: 32, signed: true } })',
        '{ a: 2147483648 }',
        'ERR_FIELD_RANGE',
        'a: expected a whole number from -2147483648 to 2147483647, got 2147483648',
      ],
      [
        'bits(u48be, { a: 40, b: 8 })',
        '{ a: 2 ** 40, b: 0 }',
        'ERR_FIELD_RANGE',
        'a: expected a whole number from 0 to 1099511627775, got 1099511627776',
      ],
      [
        'bits(u48be, { a: { width: 40, signed: true }, b: 8 })',
        '{ a: -(2 ** 39) - 1, b: 0 }',
        'ERR_FIELD_RANGE',
        'a: expected a whole number from -549755813888 to 549755813887, got -549755813889',
      ],
      [
        'bits(u64be, { a: 60, b: 4 })',
        '{ a: 5, b: 0 }',
        'ERR_FIELD_RANGE',
        'a: expected an unsigned bigint of 60 bits, got 5',
      ],
      [
        'bits(u64be, { a: 60, b: 4 })',
        '{ a: 2n ** 60n, b: 0 }',
        'ERR_FIELD_RANGE',
        'a: expected an unsigned bigint of 60 bits, got 1152921504606846976n',
      ],
      [
        'struct({ head: bits(u16be, { n: { width: 4, signed: true }, more: 12 }), data: bytes("head.n") })',
        '{ head: { more: 0 }, data: Buffer.alloc(8) }',
        'ERR_FIELD_TOO_LONG',
        'data: expected at most 7 bytes, got 8',
      ],
    ],
  },
  {
    kind: 'bytes',
    about:
      '`bytes(size)`: raw bytes. With the size `until(constant(…))` they end at a terminator, which is not part of them. Decoding gives a view of the received bytes: copy it to keep it.',
    type: '`Buffer`; any `Uint8Array` on encode',
    limits: '`{ max }`: default 10,000,000 bytes',
    good: [
      [
        'array(struct({ data: bytes(size(rest, { upTo: 4 })), sum: u8 }), rest)',
        '[{ data: Buffer.of(1, 2, 3, 4), sum: 5 }, { data: Buffer.of(6), sum: 7 }]',
        '01 02 03 04 05 | 06 07',
      ],
      ['bytes(u48be)', 'Buffer.from([0xaa])', '00 00 00 00 00 01 aa'],
      ['bytes(2)', 'Buffer.of(0xca, 0xfe)', 'ca fe'],
      ['bytes(u16be)', 'Buffer.of(0xca, 0xfe)', '00 02 | ca fe'],
      [
        'struct({ length: u8, data: bytes("length") })',
        '{ length: 2, data: Buffer.of(0xca, 0xfe) }',
        '02 | ca fe',
      ],
      ['bytes(rest)', 'Buffer.of(0xca, 0xfe)', 'ca fe'],
      // A quoted dot ends no message: RFC 5321 §4.1.1.4 ends one at CR LF . CR LF
      [
        'bytes(until(constant(bytes(5), Buffer.from("\\r\\n.\\r\\n"))))',
        'Buffer.from("Hi\\r\\n\\r")',
        '48 69 0d 0a 0d | 0d 0a 2e 0d 0a',
      ],
      // ISO 8583 over TCP: a length of two bytes that counts itself
      ['bytes(size(u16be, { add: -2 }))', 'Buffer.of(0xca, 0xfe)', '00 04 | ca fe'],
      // Kafka's NULLABLE_BYTES: −1 is null
      ['bytes(size(i32be, { nullAt: -1 }))', 'null', 'ff ff ff ff'],
      ['bytes(size(i32be, { nullAt: -1 }))', 'Buffer.of(7)', '00 00 00 01 | 07'],
      // Kafka's COMPACT_NULLABLE_BYTES: n + 1, and 0 is null
      ['bytes(size(varuint, { add: -1, nullAt: 0 }))', 'null', '00'],
      ['bytes(size(varuint, { add: -1, nullAt: 0 }))', 'Buffer.of(7)', '02 | 07'],
      [
        'struct({ header: struct({ kind: u8, length: u16be }), body: bytes("header.length") })',
        '{ header: { kind: 1, length: 2 }, body: Buffer.of(0xca, 0xfe) }',
        '01 | 00 02 | ca fe',
      ],
      // RFC 791 §3.1: the header's length in words of four bytes, in four bits; five words come before the options
      [
        'struct({ first: bits(u8, { version: 4, ihl: 4 }), fixed: bytes(19), options: bytes(size("first.ihl", { unit: 4, add: -20 })) })',
        '{ first: { version: 4, ihl: 6 }, fixed: Buffer.alloc(19, 0xf0), options: Buffer.of(1, 1, 1, 0) }',
        '46 | f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 f0 | 01 01 01 00',
      ],
      // Modbus RTU: what is left before the checksum. CRC-16/MODBUS of 11 03 02 2a a1 is 5fa7
      [
        'struct({ unit: u8, code: u8, data: bytes(rest), crc: checksum(u16le, "CRC-16/MODBUS") })',
        '{ unit: 0x11, code: 3, data: Buffer.of(2, 0x2a, 0xa1), crc: 0x5fa7 }',
        '11 | 03 | 02 2a a1 | a7 5f',
      ],
    ],
    badBytes: [
      [
        'bytes(until(constant(u16be, 0x0d0a)))',
        '61 0d',
        'ERR_MESSAGE_SHORT',
        'message: expected the terminator 0d0a (hex), got the end, at byte 2',
      ],
      [
        'bytes(until(constant(u8, 0)), { max: 1 })',
        '61 62 00',
        'ERR_FIELD_TOO_LONG',
        'message: expected the terminator 00 (hex) after at most 1 bytes, got none, at byte 0',
      ],
      ['bytes(u8)', '03 | ca fe', 'ERR_MESSAGE_SHORT', 'message: expected 3 bytes, got 2, at byte 1'],
      [
        'bytes(u8, { max: 2 })',
        '03 | ca fe 00',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 2 bytes, got 3, at byte 0',
      ],
      [
        'bytes(i8)',
        'ff | ca',
        'ERR_MESSAGE_VALUE',
        'message: expected a size of 0 or more bytes, got -1, at byte 0',
      ],
      [
        'bytes(size(u16be, { add: -2 }))',
        '00 01 | ca',
        'ERR_MESSAGE_VALUE',
        'message: expected a size of 0 or more bytes, got -1, at byte 0',
      ],
      [
        'bytes(size(i8, { nullAt: -1 }))',
        'fe | ca',
        'ERR_MESSAGE_VALUE',
        'message: expected a size of 0 or more bytes, got -2, at byte 0',
      ],
      [
        'bytes(size(u32be, { unit: 2147483647 }))',
        'ff ff ff ff | ca',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 10000000 bytes, got 9223372030412324865n, at byte 0',
      ],
      [
        'struct({ a: bytes(rest), b: u16be })',
        '01',
        'ERR_MESSAGE_SHORT',
        'b: expected 2 bytes, got 1, at byte 0',
      ],
    ],
    badValues: [
      [
        'bytes(size(rest, { upTo: 4 }))',
        'Buffer.alloc(5)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 4 bytes, got 5',
      ],
      [
        'array(struct({ data: bytes(size(rest, { upTo: 4 })), sum: u8 }), rest)',
        '[{ data: Buffer.of(1), sum: 5 }, { data: Buffer.of(), sum: 7 }]',
        'ERR_FIELD_RANGE',
        'message: expected nothing after a field that takes the rest, got 1 byte more',
      ],
      [
        'bytes(until(constant(u16be, 0x0d0a)))',
        'Buffer.from("a\\r\\nb")',
        'ERR_FIELD_RANGE',
        'message: expected content without its terminator 0d0a (hex), got content with it',
      ],
      // The first NUL of three would end it
      [
        'bytes(until(constant(u16be, 0)))',
        'Buffer.of(1, 0)',
        'ERR_FIELD_RANGE',
        'message: expected content without its terminator 0000 (hex), got content with it',
      ],
      [
        'bytes(until(constant(u8, 0)), { max: 1 })',
        'Buffer.of(1, 2)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 bytes, got 2',
      ],
      ['bytes(2)', 'Buffer.of(1)', 'ERR_FIELD_RANGE', 'message: expected exactly 2 bytes, got 1'],
      [
        'bytes(u8)',
        'Buffer.alloc(256)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 255 bytes, got 256',
      ],
      ['bytes(u8)', 'null', 'ERR_FIELD_RANGE', 'message: expected a Uint8Array, got null'],
      [
        'bytes(size(u8, { unit: 4 }))',
        'Buffer.alloc(5)',
        'ERR_FIELD_RANGE',
        'message: expected a multiple of 4, got 5',
      ],
      [
        'bytes(size(u8, { add: 2 }))',
        'Buffer.alloc(1)',
        'ERR_FIELD_RANGE',
        'message: expected at least 2 bytes, got 1',
      ],
      [
        'bytes(size(u8, { add: -2 }))',
        'Buffer.alloc(254)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 253 bytes, got 254',
      ],
      [
        'bytes(size(u8, { nullAt: 3 }))',
        'Buffer.alloc(3)',
        'ERR_FIELD_RANGE',
        'message: expected anything but 3, which stands for null, got 3',
      ],
    ],
  },
  {
    kind: 'utf8',
    about: '`utf8(size)`: text; the size is in bytes. A leading U+FEFF is kept as text.',
    type: '`string`',
    limits: '`{ max }`: default 10,000,000 bytes; `limits.text` for all texts of a message',
    good: [
      ['utf8(u8)', '"é!"', '03 | c3 a9 21'],
      ['utf8(4)', '"RIFF"', '52 49 46 46'],
      // Kafka's NULLABLE_STRING
      ['utf8(size(i16be, { nullAt: -1 }))', 'null', 'ff ff'],
      ['utf8(size(i16be, { nullAt: -1 }))', '"hi"', '00 02 | 68 69'],
      ['utf8(size(varint, { nullAt: -1 }))', '"hi"', '04 | 68 69'],
      [
        'struct({ text: utf8(rest), end: constant(u8, 0x0d), crc: u16be })',
        '{ text: "hi", crc: 7 }',
        '68 69 | 0d | 00 07',
      ],
    ],
    badBytes: [
      ['utf8(u8)', '02 | c0 af', 'ERR_MESSAGE_UTF8', 'message: expected UTF-8, got c0af (hex), at byte 1'],
      ['utf8(u8)', '02 | 61', 'ERR_MESSAGE_SHORT', 'message: expected 2 bytes, got 1, at byte 1'],
    ],
    badValues: [
      ['utf8(4)', '"RIF"', 'ERR_FIELD_RANGE', 'message: expected exactly 4 bytes, got 3'],
      ['utf8(u8)', '"x".repeat(256)', 'ERR_FIELD_TOO_LONG', 'message: expected at most 255 bytes, got 256'],
      [
        'utf8(u8)',
        '"\\ud800"',
        'ERR_MESSAGE_UTF8',
        'message: expected text without a lone surrogate, got "\\ud800"',
      ],
    ],
  },
  {
    kind: 'text',
    about:
      '`text(size, { encoding, pad, unit, max })`: text in `utf8`, `ascii`, `latin1`, `utf16le` or `utf16be`. `pad` is an ASCII character that fills a text up to its fixed size: added on encode, removed on decode. `unit: "characters"` makes the size count code points, or units of two bytes in UTF-16.',
    type: '`string`',
    limits: '`max`: default 10,000,000 bytes or characters; and the range of the size',
    good: [
      // RFC 5424 §6.1 over TCP: a line
      ['utf8(until(constant(u8, 0x0a)))', '"<34>1 é"', '3c 33 34 3e 31 20 c3 a9 | 0a'],
      // A RESP simple string, behind its sign
      [
        'struct({ sign: constant(u8, 0x2b), text: text(until(constant(bytes(2), Buffer.from("\\r\\n"))), { encoding: "ascii" }) })',
        '{ text: "OK" }',
        '2b | 4f 4b | 0d 0a',
      ],
      // ID3v2.4 §4: UTF-16 up to two NUL bytes, which begin at a unit: 01 00 | 00 61 is no end
      ['text(until(constant(u16be, 0)), { encoding: "utf16be" })', '"Āa"', '01 00 00 61 | 00 00'],
      ['text(5, { encoding: "ascii", pad: " " })', '"ab"', '61 62 20 20 20'],
      ['text(4, { encoding: "latin1", pad: "\\0" })', '"é"', 'e9 00 00 00'],
      ['text(6, { encoding: "utf16le", pad: " " })', '"hé"', '68 00 e9 00 20 00'],
      ['text(3, { pad: " " })', '"é"', 'c3 a9 20'],
      ['text(u8, { encoding: "utf16be", unit: "characters" })', '"hé"', '02 | 00 68 00 e9'],
      ['text(u8, { encoding: "utf16be" })', '"h"', '02 | 00 68'],
      ['text(u8, { unit: "characters" })', '"é€😀"', '03 | c3 a9 e2 82 ac f0 9f 98 80'],
      ['text(2, { encoding: "utf16le", unit: "characters" })', '"😀"', '3d d8 00 de'],
      ['text(rest, { encoding: "latin1" })', '"ÿ"', 'ff'],
      ['struct({ n: u8, name: text("n", { encoding: "ascii" }) })', '{ n: 2, name: "hi" }', '02 | 68 69'],
      ['text(decimal(2), { encoding: "ascii" })', '"hi"', '30 32 | 68 69'],
    ],
    badBytes: [
      [
        'text(until(constant(u16be, 0)), { encoding: "utf16be" })',
        '01 00 00',
        'ERR_MESSAGE_SHORT',
        'message: expected the terminator 0000 (hex), got the end, at byte 3',
      ],
      [
        'text(2, { encoding: "ascii" })',
        '61 e9',
        'ERR_MESSAGE_VALUE',
        'message: expected text in ascii, got other bytes, at byte 0',
      ],
      [
        'text(3, { encoding: "utf16le" })',
        '61 00 62',
        'ERR_MESSAGE_VALUE',
        'message: expected text in utf16le, got other bytes, at byte 0',
      ],
      [
        'text(2, { encoding: "utf16be" })',
        'd8 00',
        'ERR_MESSAGE_VALUE',
        'message: expected text in utf16be, got other bytes, at byte 0',
      ],
      ['text(2)', 'c3 28', 'ERR_MESSAGE_UTF8', 'message: expected text in utf8, got other bytes, at byte 0'],
      [
        'text(u8, { unit: "characters" })',
        '02 | c3 a9',
        'ERR_MESSAGE_SHORT',
        'message: expected 3 bytes, got 2, at byte 1',
      ],
      [
        'text(u8, { encoding: "utf16le", unit: "characters" })',
        '01 | 61',
        'ERR_MESSAGE_SHORT',
        'message: expected 2 bytes, got 1, at byte 1',
      ],
      [
        'text(u8, { max: 1 })',
        '02 | 61 61',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 bytes, got 2, at byte 0',
      ],
    ],
    badValues: [
      [
        'text(until(constant(u8, 0x0a)), { encoding: "ascii" })',
        '"a\\nb"',
        'ERR_FIELD_RANGE',
        'message: expected content without its terminator 0a (hex), got content with it',
      ],
      [
        'text(5, { encoding: "ascii", pad: " " })',
        '"é"',
        'ERR_FIELD_RANGE',
        'message: expected text that ascii can say, got "é"',
      ],
      [
        'text(2, { encoding: "ascii", pad: " " })',
        '"abc"',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 2 bytes, got 3',
      ],
      [
        'text(2, { encoding: "ascii" })',
        '"a"',
        'ERR_FIELD_RANGE',
        'message: expected exactly 2 bytes, got 1',
      ],
      [
        'text(u8, { encoding: "latin1" })',
        '"€"',
        'ERR_FIELD_RANGE',
        'message: expected text that latin1 can say, got "€"',
      ],
      [
        'text(u8, { encoding: "utf16le" })',
        '"\\ud800"',
        'ERR_FIELD_RANGE',
        'message: expected text that utf16le can say, got "\\ud800"',
      ],
      ['text(u8)', '5', 'ERR_FIELD_RANGE', 'message: expected a string, got 5'],
      [
        'text(u8, { max: 1, unit: "characters" })',
        '"éé"',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 characters, got 2',
      ],
    ],
  },
  {
    kind: 'cstring',
    about: '`cstring(max)`: text in UTF-8 up to a NUL byte, which is not part of it.',
    type: '`string`',
    limits: '`max` bytes before the NUL: default 65,535',
    good: [['cstring()', '"hello"', '68 65 6c 6c 6f 00']],
    badBytes: [
      ['cstring()', '68 65', 'ERR_MESSAGE_SHORT', 'message: expected a NUL byte, got the end, at byte 2'],
      [
        'cstring(2)',
        '68 65 6c 00',
        'ERR_FIELD_TOO_LONG',
        'message: expected a NUL byte after at most 2 bytes, got none, at byte 0',
      ],
    ],
    badValues: [
      ['cstring()', '"a\\0b"', 'ERR_FIELD_RANGE', 'message: expected text without a NUL, got "a\\u0000b"'],
    ],
  },
  {
    kind: 'array',
    about: '`array(item, count)`: elements, one after the other.',
    type: 'an array',
    limits:
      '`{ max }`: default 1,000,000 elements; `limits.elements` and `limits.empty` for all lists of a message',
    good: [
      ['array(u16be, u8)', '[1, 2]', '02 | 00 01 | 00 02'],
      ['array(u8, 3)', '[1, 2, 3]', '01 02 03'],
      ['array(u8, rest)', '[1, 2]', '01 02'],
      // Kafka's COMPACT_ARRAY: n + 1, and 0 is null
      ['array(u16be, size(varuint, { add: -1, nullAt: 0 }))', '[1, 2]', '03 | 00 01 | 00 02'],
      ['array(u16be, size(varuint, { add: -1, nullAt: 0 }))', 'null', '00'],
      // IEC 60870-5-101 §7.2.2: the count is seven bits of the variable structure qualifier
      [
        'struct({ vsq: bits(u8, { sq: 1, count: 7 }), points: array(u16le, "vsq.count") })',
        '{ vsq: { sq: 0, count: 2 }, points: [1, 2] }',
        '02 | 01 00 | 02 00',
      ],
      ['struct({ words: array(u16be, rest), crc: u8 })', '{ words: [1, 2], crc: 9 }', '00 01 | 00 02 | 09'],
    ],
    badBytes: [
      ['array(u16be, u8)', '02 | 00 01', 'ERR_MESSAGE_SHORT', 'message: expected 4 bytes, got 2, at byte 1'],
      [
        'array(u8, u8, { max: 1 })',
        '02 | 01 02',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 elements, got 2, at byte 0',
      ],
      [
        'codecOf(array(u8, u8), { limits: { elements: 1 } })',
        '02 | 01 02',
        'ERR_MESSAGE_LIMIT',
        'message: expected at most 1 elements in one message (limits.elements), got more, at byte 1',
      ],
    ],
    badValues: [
      ['array(u8, 3)', '[1, 2]', 'ERR_FIELD_RANGE', 'message: expected exactly 3 elements, got 2'],
      [
        'array(u8, u8, { max: 1 })',
        '[1, 2]',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 elements, got 2',
      ],
    ],
  },
  {
    kind: 'endedArray',
    about:
      '`array(item, until(constant(…)))`: elements up to a terminator, which stands where the next element would begin. No element may begin with the terminator.',
    type: 'an array',
    limits:
      '`{ max }`: default 1,000,000 elements; `limits.elements` and `limits.empty` for all lists of a message',
    good: [
      // PostgreSQL's StartupMessage, its parameters: pairs of texts up to a NUL byte where the next name would begin
      [
        'array(struct({ name: cstring(), value: cstring() }), until(constant(u8, 0)), { max: 100 })',
        '[{ name: "user", value: "me" }]',
        '75 73 65 72 00 | 6d 65 00 | 00',
      ],
      // RFC 1035 §3.1: the labels of a name up to the root's, which is empty
      ['array(utf8(u8), until(constant(u8, 0)), { max: 127 })', '["a", "eu"]', '01 61 | 02 65 75 | 00'],
      ['array(u8, until(constant(u16be, 0)))', '[0, 1]', '00 | 01 | 00 00'],
    ],
    badBytes: [
      [
        'array(u16be, until(constant(u16be, 0)))',
        '00 01 | 00 02',
        'ERR_MESSAGE_SHORT',
        'message: expected an element or the terminator 0000 (hex), got the end, at byte 4',
      ],
      [
        'array(u8, until(constant(u8, 0)), { max: 1 })',
        '01 02 00',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 elements, got more, at byte 1',
      ],
    ],
    badValues: [
      [
        'array(cstring(), until(constant(u8, 0)))',
        '["a", ""]',
        'ERR_FIELD_RANGE',
        'message: expected elements that do not begin with their terminator 00 (hex), got one at 1 that does',
      ],
      // 01 00 | 00 00 would end behind the first
      [
        'array(u8, until(constant(u16be, 0)))',
        '[1, 0]',
        'ERR_FIELD_RANGE',
        'message: expected elements that do not begin with their terminator 0000 (hex), got one at 1 that does',
      ],
      [
        'array(u8, until(constant(u8, 0)), { max: 1 })',
        '[1, 2]',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 elements, got 2',
      ],
    ],
  },
  {
    kind: 'chain',
    about:
      '`array(item, until(path, value))`: elements up to the last one, whose field has that value. There is at least one element, and only the last has the value.',
    type: 'an array of at least one element',
    limits:
      '`{ max }`: default 1,000,000 elements; `limits.elements` and `limits.empty` for all lists of a message',
    good: [
      [
        'array(struct({ more: bool, n: u8 }), until("more", false))',
        '[{ more: true, n: 5 }, { more: true, n: 6 }, { more: false, n: 7 }]',
        '01 05 | 01 06 | 00 07',
      ],
      // RFC 7296 §3.2: the payloads of IKEv2, each with the kind of the next one, 0 behind the last; here Ni (40) and N (41)
      [
        'array(struct({ next: u8, flags: bits(u8, { critical: 1, reserved: { width: 7, constant: 0 } }), body: bytes(size(u16be, { add: -4 })) }), until("next", 0), { max: 64 })',
        '[{ next: 41, flags: { critical: 0 }, body: Buffer.of(0xca, 0xfe) }, { next: 0, flags: { critical: 1 }, body: Buffer.alloc(0) }]',
        '29 00 00 06 ca fe | 00 80 00 04',
      ],
      // RFC 3032 §2.1: the label stack of MPLS, its bottom marked by a bit
      [
        'struct({ labels: array(bits(u32be, { label: 20, class: 3, bottom: 1, ttl: 8 }), until("bottom", 1), { max: 16 }), payload: bytes(rest) })',
        '{ labels: [{ label: 16, class: 0, bottom: 0, ttl: 64 }, { label: 17, class: 5, bottom: 1, ttl: 63 }], payload: Buffer.of(9) }',
        '00 01 00 40 | 00 01 1b 3f | 09',
      ],
      [
        'array(struct({ head: optional(struct({ end: u8 }), rest) }), until("head.end", 9))',
        '[{ head: { end: 1 } }, { head: { end: 9 } }]',
        '01 | 09',
      ],
    ],
    badBytes: [
      [
        'array(struct({ more: bool, n: u8 }), until("more", false))',
        '01 05',
        'ERR_MESSAGE_SHORT',
        '[1].more: expected 1 byte, got 0, at byte 2',
      ],
      [
        'array(struct({ more: bool, n: u8 }), until("more", false), { max: 1 })',
        '01 05 | 00 06',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 elements, got more, at byte 2',
      ],
      [
        'codecOf(array(struct({ more: bool }), until("more", false)), { limits: { elements: 1 } })',
        '01 00',
        'ERR_MESSAGE_LIMIT',
        'message: expected at most 1 elements in one message (limits.elements), got more, at byte 1',
      ],
    ],
    badValues: [
      [
        'array(struct({ more: bool }), until("more", false))',
        '[]',
        'ERR_FIELD_RANGE',
        'message: expected at least 1 element, the last one, got an array of 0',
      ],
      [
        'array(struct({ more: bool }), until("more", false))',
        '[{ more: true }]',
        'ERR_FIELD_RANGE',
        '[0].more: expected false, which the last element has, got true',
      ],
      [
        'array(struct({ more: bool }), until("more", false))',
        '[{ more: false }, { more: false }]',
        'ERR_FIELD_RANGE',
        '[0].more: expected anything but false, which the last element has, got false',
      ],
      [
        'array(struct({ more: bool }), until("more", false), { max: 1 })',
        '[{ more: true }, { more: false }]',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 1 elements, got 2',
      ],
    ],
  },
  {
    kind: 'struct',
    about: '`struct({ name: field })`: named fields, one after the other.',
    type: 'an object',
    limits: 'those of its fields',
    good: [
      ['struct({ x: u8, y: struct({ z: u8 }) })', '{ x: 1, y: { z: 2 } }', '01 02'],
      [
        'struct({ body: struct({ kind: u8, data: bytes(rest) }), crc: u16be })',
        '{ body: { kind: 1, data: Buffer.of(2, 3) }, crc: 4 }',
        '01 | 02 03 | 00 04',
      ],
    ],
    badBytes: [
      ['struct({ x: u8, y: u16be })', '01 02', 'ERR_MESSAGE_SHORT', 'y: expected 2 bytes, got 1, at byte 1'],
    ],
    badValues: [['struct({ x: u8 })', '5', 'ERR_FIELD_RANGE', 'message: expected an object, got 5']],
  },
  {
    kind: 'optional',
    about:
      '`optional(item)`: a value that may be missing; a byte before it, 0 or 1, says whether it is present. With `when(path, …values)` or `unless(path, …values)` an earlier field decides, and there is no such byte; a value may be `{ min, max }`. With `rest` it is present if bytes are left. An optional field inside another needs both conditions.',
    type: 'the item’s, or `undefined`',
    limits: 'those of its item',
    good: [
      ['optional(u16be)', '7', '01 | 00 07'],
      ['optional(u16be)', 'undefined', '00'],
      [
        'struct({ version: u8, tail: optional(u8, when("version", 2)) })',
        '{ version: 2, tail: 9 }',
        '02 | 09',
      ],
      [
        'struct({ version: u8, tail: optional(u8, when("version", 2)) })',
        '{ version: 1, tail: undefined }',
        '01',
      ],
      [
        'struct({ version: u8, tail: optional(u8, when("version", { min: 3 })) })',
        '{ version: 4, tail: 9 }',
        '04 | 09',
      ],
      [
        'struct({ status: u8, body: optional(u16be, unless("status", 0x58)) })',
        '{ status: 0x58, body: undefined }',
        '58',
      ],
      // SMPP 3.4 §4.4.2: a submit_sm_resp with an error may leave out its body
      ['struct({ status: u8, id: optional(cstring(65), rest) })', '{ status: 0x58, id: undefined }', '58'],
      ['struct({ status: u8, id: optional(cstring(65), rest) })', '{ status: 0, id: "7" }', '00 | 37 00'],
      // ISO 8583: the second bitmap is there if the first says so, and a field if that is there and says so
      [
        'struct({ one: flags(u8, { second: 7 }), two: optional(flags(u8, { f70: 0 }), when("one.second")), f70: optional(u8, when("two.f70")) })',
        '{ one: { second: false }, two: undefined, f70: undefined }',
        '00',
      ],
      // A constant that comes and goes
      [
        'struct({ long: u8, mark: optional(constant(u8, 0xff), when("long", 1)), n: u8 })',
        '{ long: 1, n: 2 }',
        '01 | ff | 02',
      ],
      [
        'struct({ has: u8, data: bytes(rest), sum: optional(u8, when("has", 1)) })',
        '{ has: 1, data: Buffer.of(5), sum: 6 }',
        '01 | 05 | 06',
      ],
      // MQTT 5.0 §3.4.2: a reason that may be left out, and that older versions do not have
      [
        'struct({ version: u8, reason: optional(optional(u8, rest), when("version", 5)) })',
        '{ version: 5, reason: 9 }',
        '05 | 09',
      ],
      [
        'struct({ version: u8, reason: optional(optional(u8, rest), when("version", 5)) })',
        '{ version: 5, reason: undefined }',
        '05',
      ],
      [
        'struct({ version: u8, note: optional(optional(bytes(100)), when("version", 5)), n: u8 })',
        '{ version: 5, note: undefined, n: 1 }',
        '05 | 00 | 01',
      ],
    ],
    badBytes: [
      ['optional(u8)', '02 | 07', 'ERR_MESSAGE_VALUE', 'message: expected 0 or 1, got 2, at byte 0'],
      [
        'struct({ version: u8, reason: optional(optional(u8, rest), when("version", 5)) })',
        '04 | 09',
        'ERR_MESSAGE_TRAILING',
        'message: expected the end of the frame, got 1 byte more, at byte 1',
      ],
    ],
    badValues: [
      [
        'struct({ version: u8, reason: optional(optional(u8, rest), when("version", 5)) })',
        '{ version: 4, reason: 9 }',
        'ERR_FIELD_RANGE',
        "reason: expected nothing, as 'version' says, got 9",
      ],
      [
        'struct({ version: u8, tail: optional(u8, when("version", 2)) })',
        '{ version: 1, tail: 9 }',
        'ERR_FIELD_RANGE',
        "tail: expected nothing, as 'version' says, got 9",
      ],
    ],
  },
  {
    kind: 'union',
    about:
      '`union(tag, { name: message(value, fields) })`: one of several structures, told apart by a tag: a field right before it, or the path of an earlier field. The value has the case’s name as `type`.',
    type: 'a union of objects with `type`',
    limits: 'those of its cases',
    good: [
      [
        'struct({ shape: union(u8, { circle: message(1, { radius: u8 }), point: message(2) }) })',
        '{ shape: { type: "circle", radius: 7 } }',
        '01 | 07',
      ],
      [
        'struct({ kind: u8, shape: union("kind", { circle: message(1, { radius: u8 }), point: message(2) }) })',
        '{ kind: 2, shape: { type: "point" } }',
        '02',
      ],
      // MQTT 3.1.1 §2.2: the kind of packet is four bits of the first byte
      [
        'struct({ first: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }), body: bounded(varuint, union("first.kind", { publish: message(3, { topic: utf8(u16be), payload: bytes(rest) }), puback: message(4, { id: u16be }) })) })',
        '{ first: { kind: 3, dup: 0, qos: 0, retain: 1 }, body: { type: "publish", topic: "a", payload: Buffer.of(0xff) } }',
        '31 | 04 | 00 01 61 | ff',
      ],
      [
        'struct({ code: union(u8, { fault: message([0x81, 0x82], { why: u8 }), ok: message(1) }) })',
        '{ code: { type: "fault", tag: 0x82, why: 7 } }',
        '82 | 07',
      ],
      [
        'struct({ kind: u8, body: bounded(u8, union("kind", { a: message(1) }, { otherwise: "unknown" })) })',
        '{ kind: 7, body: { type: "unknown", tag: 7, payload: Buffer.of(0xaa) } }',
        '07 | 01 | aa',
      ],
    ],
    badBytes: [
      [
        'struct({ shape: union(u8, { point: message(2) }) })',
        '03',
        'ERR_MESSAGE_VALUE',
        'shape: expected the tag 0x02, got 0x03, at byte 0',
      ],
    ],
    badValues: [
      [
        'struct({ shape: union(u8, { point: message(2) }) })',
        '{ shape: { type: "line" } }',
        'ERR_FIELD_RANGE',
        'shape: expected type \'point\', got "line"',
      ],
    ],
  },
  {
    kind: 'messages',
    about:
      '`messages(tag, { name: message(value, fields) }, { header, trailer, trailing, limits })`: all messages of a protocol, as a codec. The fields of `header` precede the tag in each message, or contain it: the tag may be a path, such as `"first.kind"`. The fields of `trailer` follow each message; bytes left before the trailer are refused, ignored or kept (`trailing`). A message with several tags has a member `tag`; with `{ otherwise: "unknown" }` any other tag gives `{ type: "unknown", tag, payload }`.',
    type: 'a union of objects with `type`',
    limits: '`limits: { elements, empty, depth, text, summed }`',
    good: [
      [
        'messages(u8, { ping: message(1), move: message(2, { x: i8 }) }, { header: { id: u16be } })',
        '{ type: "move", id: 7, x: -1 }',
        '00 07 | 02 | ff',
      ],
      [
        'messages(u8, { ping: message(1) }, { trailing: "keep" })',
        '{ type: "ping", trailing: Buffer.of(9) }',
        '01 | 09',
      ],
      [
        'messages("first.kind", { publish: message(3, { data: bytes(rest) }), ping: message(12) }, { header: { first: bits(u8, { kind: 4, flags: 4 }) } })',
        '{ type: "publish", first: { kind: 3, flags: 1 }, data: Buffer.of(9) }',
        '31 | 09',
      ],
      [
        'messages("head.kind", { a: message([1, 2], { n: u8 }) }, { header: { id: u8, head: struct({ kind: u8, more: bool }) } })',
        '{ type: "a", tag: 2, id: 7, head: { kind: 2, more: true }, n: 9 }',
        '07 | 02 01 | 09',
      ],
      [
        'messages(u8, { ping: message(1), move: message(2, { x: bytes(rest) }) }, { trailer: { end: constant(u8, 3), crc: u8 }, otherwise: "unknown" })',
        '{ type: "move", x: Buffer.of(8), crc: 9 }',
        '02 | 08 | 03 | 09',
      ],
      [
        'messages(u8, { ping: message(1), move: message(2, { x: bytes(rest) }) }, { trailer: { end: constant(u8, 3), crc: u8 }, otherwise: "unknown" })',
        '{ type: "unknown", tag: 0x9f, payload: Buffer.of(8), crc: 9 }',
        '9f | 08 | 03 | 09',
      ],
      [
        'messages(enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), { a: message("a") }, { otherwise: "unknown" })',
        '{ type: "unknown", tag: "b", payload: Buffer.of(8) }',
        '02 | 08',
      ],
    ],
    badBytes: [
      [
        'messages(u8, { ping: message(1) })',
        '',
        'ERR_MESSAGE_EMPTY',
        'message: expected a message of at least 1 byte, got 0, at byte 0',
      ],
      [
        'messages(u8, { ping: message(1) })',
        '02',
        'ERR_MESSAGE_UNKNOWN',
        'message: expected the tag 0x01, got 0x02, at byte 0',
      ],
      [
        'messages(u8, { ping: message(1) })',
        '01 | 09',
        'ERR_MESSAGE_TRAILING',
        'ping: expected the end of the frame, got 1 byte more, at byte 1',
      ],
    ],
    badValues: [
      [
        'messages(u8, { ping: message(1) })',
        '{ type: "pong" }',
        'ERR_MESSAGE_UNKNOWN',
        'message: expected type \'ping\', got "pong"',
      ],
      [
        'messages(u8, { a: message([1, 2]) })',
        '{ type: "a", tag: 3 }',
        'ERR_FIELD_RANGE',
        'a.tag: expected 0x01, 0x02, got 3',
      ],
      [
        'messages(u8, { a: message(1) }, { otherwise: "unknown" })',
        '{ type: "unknown", tag: 1, payload: Buffer.of(8) }',
        'ERR_FIELD_RANGE',
        'unknown.tag: expected a tag that no other message has, got 1',
      ],
      [
        'messages("first.kind", { ping: message(1) }, { header: { first: bits(u8, { kind: 4, flags: 4 }) }, otherwise: "unknown" })',
        '{ type: "unknown", tag: 16, first: { flags: 0 }, payload: Buffer.of(8) }',
        'ERR_FIELD_RANGE',
        'unknown.tag: expected a whole number from 0 to 15, got 16',
      ],
    ],
  },
  {
    kind: 'bounded',
    about: '`bounded(size, item)`: a field that has a number of bytes to itself and must use all of them.',
    type: 'the item’s',
    limits: '`{ max }`: default 10,000,000 bytes',
    good: [
      ['bounded(u8, array(u16be, rest))', '[1, 2]', '04 | 00 01 | 00 02'],
      ['bounded(size(u16be, { add: -2 }), array(u16be, rest))', '[1, 2]', '00 06 | 00 01 | 00 02'],
      // PostgreSQL's column of a DataRow: −1 is NULL
      ['bounded(size(i32be, { nullAt: -1 }), u16be)', 'null', 'ff ff ff ff'],
      [
        'struct({ head: struct({ words: u8 }), body: bounded(size("head.words", { unit: 2 }), array(u8, rest)) })',
        '{ head: { words: 1 }, body: [1, 2] }',
        '01 | 01 02',
      ],
    ],
    badBytes: [
      [
        'bounded(u8, u8)',
        '02 | 01 02',
        'ERR_MESSAGE_TRAILING',
        'message: expected the end of 2 bytes, got 1 byte more, at byte 2',
      ],
      [
        'bounded(u8, u16be)',
        '01 | 01 02',
        'ERR_MESSAGE_SHORT',
        'message: expected 2 bytes, got 1, at byte 1',
      ],
    ],
    badValues: [
      [
        'bounded(u8, bytes(rest))',
        'Buffer.alloc(256)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 255 bytes, got 256',
      ],
    ],
  },
  {
    kind: 'lazy',
    about:
      '`lazy(() => field)`: a field that is named before it is declared, for recursion. Here `tree` is `struct({ value: u8, children: array(lazy(() => tree, { maxDepth: 3 }), u8) })`.',
    type: 'the field’s; write the recursive type by hand',
    limits: '`{ maxDepth }` levels; default the `depth` of the message’s limits, 64',
    good: [['tree', '{ value: 1, children: [{ value: 2, children: [] }] }', '01 | 01 | 02 00']],
    badBytes: [
      [
        'tree',
        '01 01 01 01 01 01 01 01 01 00',
        'ERR_FIELD_TOO_LONG',
        'children[0].children[0].children[0].children[0]: expected at most 3 levels, got another, at byte 8',
      ],
    ],
    badValues: [
      ['tree', '{ value: 1, children: [5] }', 'ERR_FIELD_RANGE', 'children[0]: expected an object, got 5'],
    ],
  },
  {
    kind: 'constant',
    about:
      '`constant(field, value)`: a value that is always the same, such as a magic number. Checked on decode; not part of the message.',
    type: 'none: it is not part of the value',
    limits: 'those of its field',
    good: [['struct({ magic: constant(u16be, 0xcafe), a: u8 })', '{ a: 1 }', 'ca fe | 01']],
    badBytes: [
      [
        'struct({ magic: constant(u16be, 0xcafe), a: u8 })',
        'ca ff | 01',
        'ERR_MESSAGE_VALUE',
        'magic: expected the constant cafe (hex), got caff (hex), at byte 0',
      ],
    ],
    badValues: [],
  },
  {
    kind: 'only',
    about:
      '`only(path, …values)`: in this message, an earlier field must have one of these values, or a number in `{ min, max }`; checked on decode and on encode. It takes no bytes. With a single value the encoder fills the field in: reserved bits of a header that other messages use. For a `parameter` it says for which values the message exists.',
    type: 'none: it is not part of the value',
    limits: 'none',
    good: [
      [
        'messages("first.kind", { publish: message(3, { qos: only("first.qos", { max: 2 }), topic: utf8(u8) }), subscribe: message(8, { dup: only("first.dup", 0), qos: only("first.qos", 1), retain: only("first.retain", 0), id: u8 }) }, { header: { first: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) } })',
        '{ type: "subscribe", first: { kind: 8, dup: 0, qos: 1, retain: 0 }, id: 7 }',
        '82 | 07',
      ],
      [
        'messages("first.kind", { publish: message(3, { qos: only("first.qos", { max: 2 }), topic: utf8(u8) }), subscribe: message(8, { dup: only("first.dup", 0), qos: only("first.qos", 1), retain: only("first.retain", 0), id: u8 }) }, { header: { first: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) } })',
        '{ type: "publish", first: { kind: 3, dup: 1, qos: 2, retain: 0 }, topic: "a" }',
        '3c | 01 61',
      ],
      ['struct({ level: u8, known: only("level", 3, 4), id: u8 })', '{ level: 4, id: 1 }', '04 | 01'],
      [
        'struct({ version: enumeration(u8, { one: 1, two: 2 }), now: only("version", "two") })',
        '{ version: "two" }',
        '02',
      ],
    ],
    badBytes: [
      [
        'messages("first.kind", { publish: message(3, { qos: only("first.qos", { max: 2 }), topic: utf8(u8) }), subscribe: message(8, { dup: only("first.dup", 0), qos: only("first.qos", 1), retain: only("first.retain", 0), id: u8 }) }, { header: { first: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) } })',
        '80 07',
        'ERR_MESSAGE_VALUE',
        "subscribe.qos: expected 'first.qos' to be 0x01, got 0, at byte 1",
      ],
      [
        'messages("first.kind", { publish: message(3, { qos: only("first.qos", { max: 2 }), topic: utf8(u8) }), subscribe: message(8, { dup: only("first.dup", 0), qos: only("first.qos", 1), retain: only("first.retain", 0), id: u8 }) }, { header: { first: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) } })',
        '36 01 61',
        'ERR_MESSAGE_VALUE',
        "publish.qos: expected 'first.qos' to be at most 2, got 3, at byte 1",
      ],
      [
        'struct({ level: u8, known: only("level", 3, 4) })',
        '05',
        'ERR_MESSAGE_VALUE',
        "known: expected 'level' to be 0x03, 0x04, got 5, at byte 1",
      ],
      [
        'struct({ version: enumeration(u8, { one: 1, two: 2 }), now: only("version", "two") })',
        '01',
        'ERR_MESSAGE_VALUE',
        'now: expected \'version\' to be two, got "one", at byte 1',
      ],
    ],
    badValues: [
      [
        'messages("first.kind", { publish: message(3, { qos: only("first.qos", { max: 2 }), topic: utf8(u8) }), subscribe: message(8, { dup: only("first.dup", 0), qos: only("first.qos", 1), retain: only("first.retain", 0), id: u8 }) }, { header: { first: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) } })',
        '{ type: "publish", first: { dup: 0, qos: 3, retain: 0 }, topic: "" }',
        'ERR_FIELD_RANGE',
        "publish.qos: expected 'first.qos' to be at most 2, got 3",
      ],
      [
        'struct({ level: u8, known: only("level", 3, 4) })',
        '{ level: 5 }',
        'ERR_FIELD_RANGE',
        "known: expected 'level' to be 0x03, 0x04, got 5",
      ],
      [
        'struct({ level: u8, known: only("level", { min: 3, max: 4 }) })',
        '{ level: 2 }',
        'ERR_FIELD_RANGE',
        "known: expected 'level' to be 3 to 4, got 2",
      ],
    ],
  },
  {
    kind: 'padding',
    about:
      '`padding(size)`, or `padding({ to: multiple })` counted from the start of the frame, or, with `from: "structure"`, from the start of the structure: zeros on encode, ignored on decode. A size that is the path of an earlier field is given by the message; the encoder does not fill it in.',
    type: 'none: it is not part of the value',
    limits: '`{ max }`: default 10,000,000 bytes',
    good: [
      [
        'struct({ id: u8, inner: struct({ a: u8, pad: padding({ to: 4, from: "structure" }), b: u8 }) })',
        '{ id: 9, inner: { a: 1, b: 2 } }',
        '09 | 01 | 00 00 00 | 02',
      ],
      [
        'messages(u8, { go: message(1, { list: array(struct({ a: utf8(u8), pad: padding({ to: 2, from: "structure" }) }), u8) }) })',
        '{ type: "go", list: [{ a: "" }, { a: "x" }] }',
        '01 | 02 | 00 00 | 01 78',
      ],
      ['struct({ a: u8, pad: padding(2), b: u8 })', '{ a: 1, b: 2 }', '01 | 00 00 | 02'],
      ['struct({ a: u8, pad: padding({ to: 4 }), b: u8 })', '{ a: 1, b: 2 }', '01 | 00 00 00 | 02'],
      // RFC 9113 §6.1: DATA, padded. What is left before the padding is the data
      [
        'struct({ padLength: u8, data: bytes(rest), pad: padding("padLength") })',
        '{ padLength: 2, data: Buffer.of(7, 8) }',
        '02 | 07 08 | 00 00',
      ],
    ],
    badBytes: [
      [
        'struct({ padLength: u8, data: bytes(rest), pad: padding("padLength") })',
        '03 | 07 08',
        'ERR_MESSAGE_SHORT',
        'pad: expected 3 bytes, got 2, at byte 1',
      ],
      [
        'struct({ a: u8, pad: padding({ to: 4 }) })',
        '01 | 00',
        'ERR_MESSAGE_SHORT',
        'pad: expected 3 bytes, got 1, at byte 1',
      ],
    ],
    badValues: [
      [
        'struct({ n: u16be, pad: padding("n", { max: 255 }) })',
        '{ n: 256 }',
        'ERR_FIELD_TOO_LONG',
        'pad: expected at most 255 bytes, got 256',
      ],
    ],
  },
  {
    kind: 'checksum',
    about:
      '`checksum(integer, algorithm, { from, after, to, zeroed, append })`: a sum over a range of fields; by default from the start of the structure to the sum. `from`, `after` and `to` are paths of fields in its structure, of members inside them (`"header.kind"`), or of fields in an enclosing structure. `after` starts the range after a field: after the header’s last field, for a range from the tag on. `to: rest` extends the range to the end of the structure; for a message, to the end of the frame. `zeroed` counts the sum’s own bytes as zeros. The encoder computes the sum once everything in the range is filled in, by enclosing structures too; the decoder verifies it. The algorithm is a name from the catalogue (every CRC up to 32 bits, `FLETCHER-16`, `FLETCHER-32`, `ADLER-32`, `XOR-8`, `LRC-8`, `SUM-8`, `SUM-16`, `INTERNET`), or `{ name, width, compute }`. A wider integer, or digits, may hold the sum.',
    type: '`number`; ignored on encode',
    limits:
      'an unsigned integer as wide as the sum; a range cannot begin or end inside a list, a union, a `bounded` whose size may move it, or an `optional` without the checksum',
    // CRC-8/SMBUS of 31 is 97
    good: [
      [
        'struct({ header: struct({ magic: u8, kind: u8 }), body: struct({ first: u8, last: u8, tail: u8 }), sum: checksum(u8, "SUM-8", { from: "header.kind", to: "body.last" }) })',
        '{ header: { magic: 0xf0, kind: 1 }, body: { first: 2, last: 3, tail: 9 }, sum: 6 }',
        'f0 01 | 02 03 09 | 06',
      ],
      [
        'struct({ header: struct({ length: u8, bodySum: checksum(u8, "SUM-8", { from: "body", to: "body" }), sum: checksum(u8, "SUM-8") }), body: bytes("header.length") })',
        '{ header: { length: 2, bodySum: 0x0f, sum: 0x11 }, body: Buffer.of(7, 8) }',
        '02 0f 11 | 07 08',
      ],
      [
        'struct({ length: u8, body: bounded("length", struct({ kind: u8, sum: checksum(u8, "XOR-8", { from: "length" }) })) })',
        '{ length: 2, body: { kind: 5, sum: 7 } }',
        '02 | 05 07',
      ],
      // The header of an IPv4 packet from RFC 1071's time: its own place counts as zeros, and what is behind it too.
      [
        'struct({ start: bytes(10), sum: checksum(u16be, "INTERNET", { to: rest, zeroed: true }), ends: bytes(8) })',
        '{ start: Buffer.from("45000073000040004011", "hex"), sum: 0xb861, ends: Buffer.from("c0a80001c0a800c7", "hex") }',
        '45 00 00 73 00 00 40 00 40 11 | b8 61 | c0 a8 00 01 c0 a8 00 c7',
      ],
      [
        'struct({ dollar: constant(u8, 0x24), body: text(2), star: constant(u8, 0x2a), sum: checksum(hexadecimal(2), "XOR-8", { from: "body", to: "body" }) })',
        '{ body: "AK", sum: 0x0a }',
        '24 | 41 4b | 2a | 30 41',
      ],
      ['struct({ a: u8, sum: checksum(u16be, "CRC-8/SMBUS") })', '{ a: 0x31, sum: 0x97 }', '31 | 00 97'],
      [
        'struct({ a: u8, b: u8, sum: checksum(decimal(3), "SUM-8", { after: "a" }) })',
        '{ a: 1, b: 200, sum: 200 }',
        '01 c8 | 32 30 30',
      ],
      [
        'messages(u8, { go: message(2, { sum: checksum(u8, "LRC-8", { after: "id" }) }) }, { header: { id: u8 } })',
        '{ type: "go", id: 9, sum: 0xfe }',
        '09 | 02 | fe',
      ],
      ['struct({ a: u8, sum: checksum(u8, "CRC-8/SMBUS") })', '{ a: 0x31, sum: 0x97 }', '31 | 97'],
    ],
    badBytes: [
      [
        'struct({ a: u8, sum: checksum(u8, "CRC-8/SMBUS") })',
        '31 | 98',
        'ERR_FRAME_CHECKSUM',
        'sum: expected CRC-8/SMBUS 0x97, got 0x98, at byte 1',
      ],
      [
        'struct({ h: struct({ sum: checksum(u8, "SUM-8", { from: "b", to: "b.x" }) }), b: struct({ x: u8, y: u8 }) })',
        '03 | 01 02',
        'ERR_FRAME_CHECKSUM',
        'h.sum: expected SUM-8 0x01, got 0x03, at byte 0',
      ],
    ],
    badValues: [],
  },
  {
    kind: 'same',
    about:
      '`same(path)`: a field that repeats an earlier one, in the same layout; `same(field, path)` has a layout of its own. The earlier field may be a size or a tag. Filled in on encode, and a value in the message must agree; checked on decode.',
    type: 'the field’s; on encode it may be left out',
    limits:
      'a field of numbers, names, texts or bytes; an integer of fixed width, if it repeats a field that the encoder fills in',
    good: [
      ['struct({ id: u16be, again: same("id") })', '{ id: 258, again: 258 }', '01 02 | 01 02'],
      [
        'struct({ h: struct({ key: utf8(u8) }), list: array(struct({ key: same("h.key"), n: u8 }), u8) })',
        '{ h: { key: "a" }, list: [{ key: "a", n: 5 }] }',
        '01 61 | 01 | 01 61 05',
      ],
      // IEC 60870-5-1, FT1.2: the length twice, between two start bytes
      [
        'struct({ start: constant(u8, 0x68), length: u8, again: same(u8, "length"), begin: constant(u8, 0x68), data: bytes("length") })',
        '{ length: 3, again: 3, data: Buffer.of(8, 1, 7) }',
        '68 | 03 | 03 | 68 | 08 01 07',
      ],
      [
        'struct({ head: struct({ n: u8, again: same(u16be, "n") }), data: bytes("head.n"), tail: struct({ n: same(u8, "head.n") }) })',
        '{ head: { n: 2, again: 2 }, data: Buffer.of(8, 9), tail: { n: 2 } }',
        '02 00 02 | 08 09 | 02',
      ],
      [
        'struct({ id: cstring(), list: array(struct({ again: same(cstring(), "id") }), 2) })',
        '{ id: "a", list: [{ again: "a" }, { again: "a" }] }',
        '61 00 | 61 00 | 61 00',
      ],
      [
        'messages("kind", { go: message(2, { kindAgain: same(u8, "kind"), key: bytes(2), keyAgain: same(bytes(2), "key") }) }, { header: { kind: u8 } })',
        '{ type: "go", kind: 2, kindAgain: 2, key: Buffer.of(1, 2), keyAgain: Buffer.of(1, 2) }',
        '02 | 02 | 01 02 | 01 02',
      ],
      [
        'struct({ n: u64be, again: same(u64be, "n"), b: bytes("n") })',
        '{ n: 1n, again: 1n, b: Buffer.of(9) }',
        '00 00 00 00 00 00 00 01 | 00 00 00 00 00 00 00 01 | 09',
      ],
      ['struct({ x: f32be, y: same(f32be, "x") })', '{ x: NaN, y: NaN }', '7f c0 00 00 | 7f c0 00 00'],
    ],
    badBytes: [
      [
        'struct({ id: u8, list: array(same("id"), u8) })',
        '05 | 01 | 06',
        'ERR_MESSAGE_VALUE',
        "list[0]: expected 5, as 'id' says, got 6, at byte 2",
      ],
      [
        'struct({ length: u8, again: same(u8, "length"), data: bytes("length") })',
        '01 | 02 | 00',
        'ERR_MESSAGE_VALUE',
        "again: expected 1, as 'length' says, got 2, at byte 1",
      ],
      [
        'struct({ key: bytes(2), again: same(bytes(2), "key") })',
        '01 02 | 01 03',
        'ERR_MESSAGE_VALUE',
        "again: expected 01 02 (hex), as 'key' says, got 01 03 (hex), at byte 2",
      ],
    ],
    badValues: [
      [
        'struct({ id: u16be, again: same(u16be, "id") })',
        '{ id: 1, again: 2 }',
        'ERR_FIELD_RANGE',
        "again: expected 1, as 'id' says, got 2",
      ],
      [
        'struct({ id: u16be, again: same(u8, "id") })',
        '{ id: 256 }',
        'ERR_FIELD_RANGE',
        'again: expected a whole number from 0 to 255, got 256',
      ],
      [
        'struct({ n: u16be, again: same(u8, "n"), data: bytes("n") })',
        '{ data: Buffer.alloc(256) }',
        'ERR_FIELD_TOO_LONG',
        "again: expected at most 255, as 'n' says, got 256",
      ],
      [
        'struct({ n: u8, again: same(u8, "n"), data: bytes("n") })',
        '{ again: 2, data: Buffer.alloc(1) }',
        'ERR_FIELD_RANGE',
        "again: expected 1, as 'n' says, got 2",
      ],
    ],
  },
  {
    kind: 'sizeOf',
    about:
      '`sizeOf(integer, name)`, or `sizeOf(integer, { from, after, to })` for a range: the bytes that another field takes. Filled in on encode, and a value in the message must agree; checked on decode. The measured field may come before or after it, in its own structure or an enclosing one. A range lies in its own structure; by default it is the whole structure, and for a message the whole frame. In place of the integer, `size(integer, { add, unit })` counts more, less, or in units.',
    type: '`number`; on encode it may be left out',
    limits:
      'an integer of fixed width; inside the structure that it refers to, it is not in a list or a union, and not itself `optional`',
    good: [
      // RFC 2865 §3: the length of a RADIUS packet counts all of it
      [
        'messages("code", { accessAccept: message(2, { authenticator: bytes(4), attributes: bytes(rest) }) }, { header: { code: u8, id: u8, length: sizeOf(u16be, { to: rest }) } })',
        '{ type: "accessAccept", code: 2, id: 7, length: 9, authenticator: Buffer.of(1, 2, 3, 4), attributes: Buffer.of(5) }',
        '02 | 07 | 00 09 | 01 02 03 04 | 05',
      ],
      [
        'struct({ header: struct({ version: u8, length: sizeOf(u16le, "body"), sum: u8 }), body: struct({ a: utf8(u8) }), end: u8 })',
        '{ header: { version: 1, length: 3, sum: 2 }, body: { a: "hi" }, end: 9 }',
        '01 03 00 02 | 02 68 69 | 09',
      ],
      // the header’s own length in words of four bytes, itself among them (as TCP’s data offset)
      [
        'struct({ h: struct({ words: sizeOf(size(u8, { unit: 4 }), "h"), options: bounded(u8, array(u8, rest)) }), data: u8 })',
        '{ h: { words: 1, options: [7, 8] }, data: 9 }',
        '01 02 07 08 | 09',
      ],
      [
        'struct({ name: cstring(), keys: array(u16be, u8), behind: sizeOf(size(u8, { add: -1 }), { after: "name", to: "keys" }) })',
        '{ name: "a", keys: [1, 2], behind: 6 }',
        '61 00 | 02 00 01 00 02 | 06',
      ],
      [
        'struct({ has: u8, h: optional(struct({ n: sizeOf(u8, "body") }), when("has", 1)), body: utf8(u8) })',
        '{ has: 1, h: { n: 3 }, body: "hi" }',
        '01 | 03 | 02 68 69',
      ],
      [
        'struct({ has: u8, h: optional(struct({ n: sizeOf(u8, "body") }), when("has", 1)), body: utf8(u8) })',
        '{ has: 0, h: undefined, body: "hi" }',
        '00 | 02 68 69',
      ],
      [
        'struct({ h: struct({ a: sizeOf(u64le, "b"), c: countOf(u48be, "b"), d: sizeOf(decimal(3), "b") }), b: array(u16be, rest) })',
        '{ h: { a: 4n, c: 2, d: 4 }, b: [1, 2] }',
        '04 00 00 00 00 00 00 00 | 00 00 00 00 00 02 | 30 30 34 | 00 01 00 02',
      ],
    ],
    badBytes: [
      [
        'struct({ n: sizeOf(u8, "body"), body: cstring() })',
        '03 | 61 00',
        'ERR_MESSAGE_VALUE',
        "n: expected 2, the size of 'body', got 3, at byte 0",
      ],
      [
        'struct({ h: struct({ n: sizeOf(size(u8, { unit: 2 }), "body") }), body: cstring() })',
        '01 | 61 62 00',
        'ERR_MESSAGE_VALUE',
        "h.n: expected 1.5, the size of 'body', got 1, at byte 0",
      ],
    ],
    badValues: [
      [
        'struct({ n: sizeOf(u8, "body"), body: cstring() })',
        '{ n: 3, body: "a" }',
        'ERR_FIELD_RANGE',
        "n: expected 2, the size of 'body', got 3",
      ],
      [
        'struct({ n: sizeOf(u64be, "body"), body: cstring() })',
        '{ n: 3n, body: "a" }',
        'ERR_FIELD_RANGE',
        "n: expected 2, the size of 'body', got 3n",
      ],
      [
        'struct({ n: sizeOf(u8, "body"), body: cstring() })',
        '{ n: "2", body: "a" }',
        'ERR_FIELD_RANGE',
        'n: expected 2, the size of \'body\', got "2"',
      ],
      [
        'struct({ n: sizeOf(u8, "body"), body: bytes(rest) })',
        '{ body: Buffer.alloc(256) }',
        'ERR_FIELD_TOO_LONG',
        "n: expected at most 255, the size of 'body', got 256",
      ],
      [
        'struct({ n: sizeOf(size(u8, { unit: 2 }), "body"), body: cstring() })',
        '{ body: "ab" }',
        'ERR_FIELD_RANGE',
        "n: expected a whole number from 0 to 255, the size of 'body', got 1.5",
      ],
    ],
  },
  {
    kind: 'countOf',
    about:
      '`countOf(integer, path)`: the number of elements of an array. The array may come before or after it, in its own structure or an enclosing one, or be a member of a structure there. Filled in on encode, and a value in the message must agree; checked on decode. A missing or null array has 0 elements.',
    type: '`number`; on encode it may be left out',
    limits: 'those of `sizeOf`',
    good: [
      // RFC 1035 §4.1.1: the counts stand in the header, what is counted behind it
      [
        'struct({ header: struct({ id: u16be, questions: countOf(u16be, "questions"), answers: countOf(u16be, "answers") }), questions: array(cstring(), until(constant(u8, 0xff))), answers: array(u32be, rest) })',
        '{ header: { id: 5, questions: 1, answers: 2 }, questions: ["a"], answers: [1, 2] }',
        '00 05 00 01 00 02 | 61 00 ff | 00 00 00 01 00 00 00 02',
      ],
      [
        'struct({ pairs: countOf(size(u8, { unit: 2 }), "body.list"), body: struct({ list: array(u8, rest) }) })',
        '{ pairs: 2, body: { list: [1, 2, 3, 4] } }',
        '02 | 01 02 03 04',
      ],
      [
        'struct({ list: array(u8, size(i8, { nullAt: -1 })), n: countOf(u8, "list") })',
        '{ list: null, n: 0 }',
        'ff | 00',
      ],
    ],
    badBytes: [
      [
        'struct({ n: countOf(u8, "list"), list: array(u16be, rest) })',
        '02 | 00 01',
        'ERR_MESSAGE_VALUE',
        "n: expected 1, the number of elements of 'list', got 2, at byte 0",
      ],
    ],
    badValues: [
      [
        'struct({ n: countOf(u8, "list"), list: array(u16be, rest) })',
        '{ n: 2, list: [1] }',
        'ERR_FIELD_RANGE',
        "n: expected 1, the number of elements of 'list', got 2",
      ],
      [
        'struct({ n: countOf(u8, "list"), list: array(u8, rest) })',
        '{ list: Array(256).fill(0) }',
        'ERR_FIELD_TOO_LONG',
        "n: expected at most 255, the number of elements of 'list', got 256",
      ],
    ],
  },
  {
    kind: 'mapped',
    about:
      '`mapped(field, { name, decode, encode })`: a value that differs from what the bytes hold: a date, an address, a scaled number. Either function may throw, which refuses the value. A number that is mapped from an integer may be a size, a count or a tag.',
    type: 'the result of `decode`',
    limits: 'those of its field',
    good: [
      [
        'mapped(u32be, { decode: (seconds) => new Date(1000 * seconds), encode: (date) => date.getTime() / 1000 })',
        'new Date(86400000)',
        '00 01 51 80',
      ],
      // hundredths of a degree
      [
        'struct({ n: u8, celsius: mapped(i16be, { decode: (raw) => raw / 100, encode: (value) => Math.round(100 * value) }) })',
        '{ n: 1, celsius: -21.5 }',
        '01 | f7 9a',
      ],
      [
        'mapped(array(u8, 4), { decode: (bytes) => bytes.join("."), encode: (text) => text.split(".").map(Number) })',
        '"192.0.2.1"',
        'c0 00 02 01',
      ],
      // ISO 8583: LLVAR, a length of two BCD digits
      [
        'struct({ code: mapped(u8, { decode: String, encode: Number }), data: bytes(mapped(u8, { name: "two BCD digits", decode(byte) { if ((byte & 15) > 9 || byte > 0x99) throw new RangeError("no digit"); return 10 * (byte >> 4) + (byte & 15); }, encode: (n) => 16 * Math.floor(n / 10) + (n % 10) })) })',
        '{ code: "9", data: Buffer.alloc(12, 7) }',
        '09 | 12 | 07 07 07 07 07 07 07 07 07 07 07 07',
      ],
      [
        'struct({ tenths: mapped(u16be, { decode: (raw) => raw / 10, encode: (n) => n * 10 }), list: array(u8, "tenths") })',
        '{ tenths: 2, list: [1, 2] }',
        '00 14 | 01 02',
      ],
    ],
    badBytes: [
      [
        'mapped(u8, { name: "a byte of ASCII", decode(byte) { if (byte > 127) throw new RangeError("beyond 7f"); return byte; }, encode: (byte) => byte })',
        '80',
        'ERR_MESSAGE_VALUE',
        'message: expected a byte of ASCII, got an error (beyond 7f), at byte 0',
      ],
      [
        'bytes(mapped(u8, { decode: (raw) => raw / 2, encode: (n) => 2 * n }))',
        '03 07',
        'ERR_MESSAGE_VALUE',
        'message: expected a size of 0 or more bytes, got 1.5, at byte 0',
      ],
    ],
    badValues: [
      [
        'bytes(mapped(u8, { decode: (raw) => 10 * raw, encode: (value) => Math.round(value / 10) }))',
        'Buffer.alloc(11)',
        'ERR_FIELD_RANGE',
        'message: expected a size that its field can hold, got 11',
      ],
      [
        'mapped(u8, { decode: (raw) => 10 * raw, encode: (value) => value / 10 })',
        '15',
        'ERR_FIELD_RANGE',
        'message: expected a whole number from 0 to 255, got 1.5',
      ],
      [
        'mapped(u8, { decode: (raw) => raw, encode: (value) => value.number })',
        'undefined',
        'ERR_FIELD_RANGE',
        "message: expected a value that can be mapped, got an error (Cannot read properties of undefined (reading 'number'))",
      ],
    ],
  },
  {
    kind: 'defaulted',
    about:
      '`defaulted(field, value)`: the value is written if the message leaves the field out. Decoding gives the value on the wire.',
    type: 'the field’s; on encode it may be left out',
    limits: 'those of the field',
    good: [
      ['struct({ version: defaulted(u8, 4), id: u8 })', '{ version: 4, id: 1 }', '04 01'],
      ['struct({ version: defaulted(u8, 4), id: u8 })', '{ version: 5, id: 1 }', '05 01'],
      [
        'struct({ version: defaulted(u8, 1), tail: optional(u8, when("version", 1)) })',
        '{ version: 1, tail: 7 }',
        '01 07',
      ],
    ],
    badBytes: [
      ['defaulted(u16be, 1)', '01', 'ERR_MESSAGE_SHORT', 'message: expected 2 bytes, got 1, at byte 0'],
    ],
    badValues: [
      [
        'struct({ version: defaulted(u8, 4) })',
        '{ version: 256 }',
        'ERR_FIELD_RANGE',
        'version: expected a whole number from 0 to 255, got 256',
      ],
    ],
  },
  {
    kind: 'custom',
    about:
      '`custom({ name, read, write, size, minSize, maxSize, range })`: a field that your own code reads and writes; `cursor.read(field)` and `cursor.write(field, value)` handle declared fields inside it. With a `range` of whole numbers and a `maxSize` it may be a size, a count or a tag. Here `letter` is a small letter as its position in the alphabet, and `berLength` the length of ASN.1 BER, of up to three octets.',
    type: 'the result of `read`',
    limits: 'the room that `size` asks for, at most `maxSize`; `range`',
    good: [
      ['letter', '"c"', '02'],
      // X.690 §8.1.3.5: more than 127 octets are counted by octets of their own
      ['struct({ letter, text: utf8(berLength) })', '{ letter: "a", text: "b" }', '00 | 01 62'],
      [
        'struct({ letter, list: bounded(berLength, array(u8, rest)) })',
        '{ letter: "a", list: Array(129).fill(7) }',
        `00 | 81 81 ${'07 '.repeat(129)}`,
      ],
    ],
    badBytes: [
      ['letter', '1a', 'ERR_MESSAGE_VALUE', 'message: expected 0 to 25, got 26, at byte 1'],
      [
        'bytes(berLength)',
        '83 00 00 01 07',
        'ERR_MESSAGE_VALUE',
        'message: expected one or two octets, got 131, at byte 1',
      ],
      ['bytes(berLength)', '82 00', 'ERR_MESSAGE_SHORT', 'message: expected 2 bytes, got 1, at byte 1'],
    ],
    badValues: [
      ['letter', '"C"', 'ERR_FIELD_RANGE', 'message: expected a small letter, got "C"'],
      [
        'bytes(berLength)',
        'Buffer.alloc(65_536)',
        'ERR_FIELD_TOO_LONG',
        'message: expected at most 65535 bytes, got 65536',
      ],
    ],
  },
];
