import fc from 'fast-check';
import type { AnyField, Field, Fields, Size } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { message } from '../../../src/protocol/fields/kinds.ts';
import { type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';
import { type AnyNode, link } from '../../../src/protocol/fields/node.ts';
import { evaluate, VECTORS } from './vectors.ts';

/** Codecs at random: every kind of field, nested, referring to one another. */
export function arbitraryCodec(): fc.Arbitrary<DeclaredCodec<unknown>> {
  const cases = fc.array(arbitraryFields(2), { minLength: 1, maxLength: 3 });
  const trailing = fc.constantFrom('reject', 'ignore', 'keep');
  const tag = fc.constantFrom(f.u8, f.u16be, f.varuint, f.enumeration(f.u8, { a: 0, b: 1, c: 2 }));
  const header = fc.constantFrom({}, { id: f.u16be }, { magic: f.constant(f.u8, 0xfd), id: f.u24le });
  return fc
    .tuple(tag, cases, trailing, header)
    .map(([tagField, all, after, before]) =>
      messages(
        tagField,
        Object.fromEntries(
          all.map((fields, index) => [
            ['first', 'constructor', '__proto__'][index],
            message(tagField.kind.name === 'enumeration' ? 'abc'[index]! : index, fields),
          ]),
        ),
        { trailing: after as 'reject', header: before, parameters: PARAMETERS },
      ),
    ) as fc.Arbitrary<DeclaredCodec<unknown>>;
}

const PARAMETERS = { small: { default: 2, min: 0, max: 9 }, version: { default: 5, min: 0, max: 9 } };

const PREFIXES: Size[] = [
  ...[f.u8, f.u16le, f.u24be, f.u32be, f.varuint, f.i8, f.i16be, f.varint],
  f.size(f.u8, { add: -1 }),
  f.size(f.i32be, { nullAt: -1 }),
  f.size(f.varuint, { add: -1, nullAt: 0 }),
];

/** Sizes that some numbers of bytes do not have. */
const UNITS: Size[] = [
  f.parameter('small'),
  f.size(f.parameter('small'), { unit: 2, add: -1 }),
  f.size(f.u16be, { add: 2, unit: 3 }),
  f.size(f.varint, { unit: 2, nullAt: -7 }),
];

function arbitraryFields(depth: number): fc.Arbitrary<Fields> {
  return fc
    .array(depth > 0 ? fc.oneof(plain(depth), group(depth)) : plain(0), { maxLength: 4 })
    .map((parts) => {
      const fields: Record<string, AnyField> = {};
      parts.forEach((part, index) => {
        for (const [name, field] of Object.entries(part(`f${index}`))) fields[name] = field;
      });
      return fields;
    });
}

type Part = (name: string) => Record<string, AnyField>;

function plain(depth: number): fc.Arbitrary<Part> {
  return arbitraryField(depth).map((field) => (name) => ({ [name]: field }));
}

/** Fields that belong together. */
function group(depth: number): fc.Arbitrary<Part> {
  const item = arbitraryField(depth - 1).filter((field) => !(field as AnyNode).facts.traits.absent);
  return fc.oneof(
    fc.constantFrom<Part>(
      (name) => ({ [`${name}n`]: f.u8, [name]: f.bytes(`${name}n`, { max: 9 }) }),
      (name) => ({ [`${name}n`]: f.u16be, [`${name}between`]: f.i8, [name]: f.utf8(`${name}n`) }),
      (name) => ({ [`${name}n`]: f.u8, [`${name}a`]: f.bytes(`${name}n`), [`${name}b`]: f.utf8(`${name}n`) }),
      (name) => ({ [`${name}n`]: f.u8, [name]: f.array(f.array(f.u8, `${name}n`), f.u8) }),
      (name) => ({ [`${name}sum`]: f.u24le, [name]: f.checksum(f.u16be, 'CRC-16/MODBUS') }),
      (name) => ({
        [`${name}crc`]: f.checksum(f.u32le, 'CRC-32/ISO-HDLC', { from: name, append: [7], to: name }),
        [name]: f.bytes(f.u8),
      }),
    ),
    item.map(
      (field): Part =>
        (name) => ({ [`${name}n`]: f.u8, [name]: f.array(field, `${name}n`) }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}has`]: f.flags(f.u8, { it: 3, other: 7 }, { unknown: 'ignore' }),
          [name]: f.optional(field, f.when(`${name}has.it`)),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}k`]: f.enumeration(f.u8, { one: 1, two: 2 }, { unknown: 'keep' }),
          [name]: f.optional(field, f.when(`${name}k`, 'two', 3)),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}h`]: f.struct({ kind: f.u8, in: f.struct({ n: f.i16be }) }),
          [`${name}a`]: f.struct({ deep: f.bounded(f.size(`${name}h.in.n`, { add: -2 }), field) }),
          [name]: f.union(`${name}h.kind`, { left: message(3, { n: f.u8 }), right: message(200) }),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}b`]: f.bits(f.u16le, { kind: 3, count: 9, other: 4 }),
          [`${name}list`]: f.array(f.u8, f.size(`${name}b.count`, { nullAt: 1 })),
          [`${name}o`]: f.optional(field, f.unless(`${name}b.other`, 1, { min: 3, max: 9 })),
          [name]: f.union(`${name}b.kind`, { left: message(3, { n: f.u8 }), right: message(6) }),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}o`]: f.optional(f.struct({ n: f.u8, x: f.bool })),
          [`${name}a`]: f.optional(field, f.when(`${name}o.x`)),
          [name]: f.optional(f.padding(3), f.when(`${name}o.x`, false)),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}pad`]: f.u8,
          [name]: f.bounded(
            f.u16be,
            f.struct({ kept: field, data: f.bytes(f.rest), pad: f.padding(`${name}pad`), sum: f.i16le }),
          ),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [name]: bounded(
            f.varuint,
            f.struct({ a: f.optional(f.u16be, f.rest), b: f.optional(field, f.rest) }),
          ),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}head`]: f.struct({
            size: f.sizeOf(f.u16be, `${name}body`),
            in: f.optional(
              f.struct({ kept: f.bool, count: f.countOf(f.size(f.u8, { add: -2 }), `${name}list`) }),
            ),
            all: f.sizeOf(f.u32le, { after: 'size' }),
          }),
          [`${name}body`]: field,
          [`${name}list`]: f.array(f.u16le, f.varuint, { max: 9 }),
          [name]: f.sizeOf(f.size(f.u24be, { add: 1 }), { from: `${name}body`, to: `${name}list` }),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}h`]: f.struct({
            n: f.u8,
            o: f.optional(
              f.struct({
                y: f.i16le,
                sum: f.checksum(f.u16be, 'SUM-16', { from: `${name}n`, to: `${name}n` }),
              }),
            ),
            i: f.struct({ m: f.i16le, sum: f.checksum(f.u16be, 'CRC-16/MODBUS') }),
            sum: f.checksum(f.u8, 'CRC-8/SMBUS'),
            over: f.checksum(f.u24be, 'CRC-16/XMODEM', { after: `${name}h`, to: `${name}body.x` }),
          }),
          [`${name}body`]: f.bounded(
            f.u16be,
            f.struct({
              x: field,
              list: f.array(f.u8, f.size(`${name}h.i.m`, { unit: 2 })),
              sum: f.checksum(f.u8, 'SUM-8', { from: `${name}h.n` }),
            }),
          ),
          [`${name}n`]: f.bytes(`${name}h.n`),
          [name]: f.checksum(f.u32le, 'CRC-32/ISO-HDLC', { from: `${name}h.i.m`, to: `${name}body.x` }),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}id`]: f.i24be,
          [`${name}n`]: f.u16le,
          [`${name}again`]: f.same(f.u8, `${name}n`),
          [`${name}list`]: f.array(f.struct({ field, id: f.same(f.varint, `${name}id`) }), `${name}n`),
          [name]: f.optional(f.struct({ n: f.same(f.u32be, `${name}n`), id: f.same(f.i32le, `${name}id`) })),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({
          [`${name}new`]: f.optional(field, f.when(f.parameter('version'), { min: 5 })),
          [`${name}old`]: f.optional(f.u24be, f.unless(f.parameter('version'), 5, 6)),
          [name]: f.union(f.parameter('version'), { four: message(4), five: message([5, 6], { x: f.u8 }) }),
        }),
    ),
    fc.tuple(arbitraryFields(depth - 1), arbitraryFields(depth - 1)).map(
      ([left, right]): Part =>
        (name) => ({
          [`${name}k`]: f.enumeration(f.u16le, { one: 1, two: 2 }),
          [name]: f.union(`${name}k`, { left: message('one', left), right: message('two', right) }),
        }),
    ),
    item.map(
      (field): Part =>
        (name) => ({ [`${name}n`]: f.u16le, [name]: f.bounded(`${name}n`, field) }),
    ),
  );
}

interface Tree {
  value: number;
  name: string | undefined;
  children: readonly Tree[];
}

const tree: Field<Tree> = f.struct({
  value: f.varint,
  name: f.optional(f.utf8(f.u8)),
  children: f.array(
    f.lazy(() => tree, { maxDepth: 5 }),
    f.u8,
  ),
});

const triple = f.custom<number>({
  name: 'triple',
  read: (cursor) => {
    const at = cursor.take(3);
    if (cursor.bytes[at] === 0xff) cursor.fail('anything but ff', 0xff);
    return cursor.bytes.readUIntBE(at, 3);
  },
  write: (cursor, value) => {
    if (value >= 0xff0000) cursor.fail('less than ff0000', value);
    cursor.target.writeUIntBE(value, cursor.at, 3);
    cursor.at += 3;
  },
  size: () => 3,
  minSize: 3,
});

export const customValues = {
  triple: fc.nat(0xfeffff),
  letter: fc.constantFrom('a', 'm', 'z'),
};

/** A field of every kind: those that the kinds' vectors declare, and that leave room for others behind them. */
const OF_EVERY_KIND: AnyField[] = VECTORS.flatMap(({ good }) =>
  [...new Set(good.map(([declaration]) => declaration))]
    .filter((declaration) => !/\brest\b|^messages\(/.test(declaration))
    .map((declaration) => evaluate(declaration) as AnyField),
);

function arbitraryField(depth: number): fc.Arbitrary<AnyField> {
  const leaf = fc.constantFrom<AnyField[]>(
    ...[f.u8, f.i8, f.u16le, f.u16be, f.i16le, f.i16be, f.u24le, f.u24be, f.i24le, f.i24be],
    ...[f.u32le, f.u32be, f.i32le, f.i32be, f.u64le, f.u64be, f.i64le, f.i64be],
    ...[f.f32le, f.f32be, f.f64le, f.f64be, f.varuint, f.varint, f.bool],
    f.bytes(3),
    f.utf8(2),
    f.cstring(5),
    f.enumeration(f.u8, { off: 0, on: 1, constructor: 200 }),
    f.enumeration(f.i16be, { minus: -5, plus: 700 }, { unknown: 'keep' }),
    f.enumeration(f.varuint, { a: 0, b: 300 }),
    f.flags(f.u8, { a: 0, b: 7 }),
    f.flags(f.i32be, { low: 0, high: 31 }, { unknown: 'ignore' }),
    f.bits(f.u16be, { a: 1, b: 4, c: 11 }),
    f.bits(f.i32le, { a: 31, b: 1 }),
    f.bits(f.u32be, { whole: 32 }),
    f.constant(f.u16be, 0xcafe),
    f.constant(f.utf8(20), 'twenty bytes of text'),
    f.padding(3),
    f.padding({ to: 4 }),
    triple,
    tree,
    ...OF_EVERY_KIND,
  );
  if (depth <= 0) return leaf;
  const item = arbitraryField(depth - 1).filter((field) => !(field as AnyNode).facts.traits.absent);
  const prefix = fc.constantFrom<Size[]>(...PREFIXES, 2);
  const size = fc.constantFrom<Size[]>(...PREFIXES, ...UNITS, 2);
  return fc.oneof(
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: size.map((one) => f.bytes(one, { max: 200 })) },
    { weight: 1, arbitrary: size.map((one) => f.utf8(one)) },
    { weight: 1, arbitrary: fc.tuple(item, size).map(([one, count]) => f.array(one, count, { max: 40 })) },
    { weight: 1, arbitrary: item.map((one) => f.optional(one)) },
    { weight: 1, arbitrary: arbitraryFields(depth - 1).map((fields) => f.struct(fields)) },
    {
      weight: 1,
      arbitrary: fc.tuple(item, prefix).map(([one, length]) => bounded(length, one)),
    },
    {
      weight: 1,
      arbitrary: item.map((one) => {
        const isEndless = (one as AnyNode).facts.size.min === 0;
        return f.bounded(f.u16be, isEndless ? one : f.array(one, f.rest));
      }),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(arbitraryFields(depth - 1), fc.constantFrom<AnyField[]>(f.u8, f.i16le, f.varint))
        .map(([fields, tag]) => f.union(tag, { a: message(3, fields), b: message(100, { x: f.u8 }) })),
    },
  );
}

// Padding to a multiple has no fixed place behind a varint, and says so.
function bounded(size: Size, item: AnyField): AnyField {
  const { min, max } = (item as AnyNode).facts.size;
  if (typeof size === 'number') return f.bounded(min === max ? min : f.u8, item);
  const field = f.bounded(size, item);
  try {
    link(field as AnyNode);
    return field;
  } catch {
    return f.bounded(f.u16be, item);
  }
}
