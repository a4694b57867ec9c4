import { describe, expect, it } from 'vitest';
import * as w from '../../../src/index.ts';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';

/** An object whose member has each value in turn, the last one from then on. */
function changing(name: string, ...values: unknown[]): object {
  let looks = 0;
  return Object.defineProperty({}, name, {
    enumerable: true,
    get: () => values[Math.min(looks++, values.length - 1)],
  });
}

/** What both engines write, and that it is read again. */
// biome-ignore lint/suspicious/noExplicitAny: any field
function written(field: w.Field<any> | w.DeclaredCodec<any, any>, make: () => unknown): string {
  const codec = 'declaration' in field ? field : w.codecOf(field);
  const { declaration, decode } = codec;
  const target = Buffer.alloc(64);
  const end = compile(declaration)!.encode(make(), target, 0);
  const walked = encodeByWalking(declaration, make());
  expect(target.subarray(0, end)).toEqual(walked);
  decode(walked);
  expect(w.trace(codec, walked).error).toBeUndefined();
  return walked.toString('hex');
}

describe('a condition uses the value that was written, whatever a getter returns later', () => {
  const tail = (path: string) => w.optional(w.u8, w.when(path as never, true));

  it('a member of flags', () => {
    const field = w.struct({ f: w.flags(w.u8, { a: 0 }), t: tail('f.a') });
    expect(written(field, () => ({ f: changing('a', true, false), t: 7 }))).toBe('0107');
    expect(written(field, () => ({ f: changing('a', false, true) }))).toBe('00');
  });

  it('a member of bits', () => {
    const field = w.struct({ b: w.bits(w.u40be, { a: 8, b: 32 }), t: w.optional(w.u8, w.when('b.b', 1)) });
    const make = () => ({ b: Object.defineProperties(changing('b', 1, 2), { a: { value: 9 } }), t: 7 });
    expect(written(field, make)).toBe('090000000107');
  });

  it('a field, and a member of a structure in a structure', () => {
    const field = w.struct({ s: w.struct({ i: w.struct({ n: w.bool }) }), t: tail('s.i.n') });
    expect(written(field, () => ({ s: { i: changing('n', true, false) }, t: 7 }))).toBe('0107');
    const flat = w.struct({ n: w.bool, t: tail('n') });
    expect(written(flat, () => Object.assign(changing('n', false, true), {}))).toBe('00');
  });

  it('a member of what may be missing, element by element', () => {
    const item = w.struct({ o: w.optional(w.struct({ f: w.flags(w.u8, { a: 0 }) })), t: tail('o.f.a') });
    const make = () => [{ o: { f: changing('a', true, false) }, t: 7 }, {}, { o: { f: { a: false } } }];
    expect(written(w.array(item, w.u8), make)).toBe('03' + '010107' + '00' + '0100');
  });

  it('what says that an element is the last', () => {
    const field = w.array(w.struct({ f: w.flags(w.u8, { more: 0 }) }), w.until('f.more', false));
    const make = () => [{ f: changing('more', true, false) }, { f: changing('more', false, true) }];
    expect(written(field, make)).toBe('0100');
  });

  it('a member of a default', () => {
    const field = w.struct({ f: w.defaulted(w.flags(w.u8, { a: 0 }), { a: true }), t: tail('f.a') });
    expect(written(field, () => ({ t: 7 }))).toBe('0107');
    expect(written(field, () => ({ f: changing('a', false, true) }))).toBe('00');
  });
});

describe('a condition judges the value that its bytes are decoded to', () => {
  const isOne = (path: string, one: unknown) => w.optional(w.u8, w.when(path as never, one as number));
  const rounded = w.mapped(w.u8, { decode: (n) => n, encode: (n: number) => Math.round(n) });

  it('of a float that is rounded', () => {
    expect(written(w.struct({ f: w.f32be, t: isOne('f', 0.1) }), () => ({ f: 0.1 }))).toBe('3dcccccd');
    const field = w.struct({ f: w.f32be, t: isOne('f', Math.fround(0.1)) });
    expect(written(field, () => ({ f: 0.1, t: 7 }))).toBe('3dcccccd07');
    const both = w.struct({ f: w.f32be, again: w.same('f') });
    expect(written(both, () => ({ f: 0.1, again: 0.1 }))).toBe('3dcccccd3dcccccd');
  });

  it('of a text without its padding', () => {
    const field = w.struct({ s: w.text(3, { encoding: 'ascii', pad: ' ' }), t: isOne('s', 'a') });
    expect(written(field, () => ({ s: 'a ', t: 7 }))).toBe('61202007');
  });

  it('of a value that is mapped back, also within others', () => {
    expect(written(w.struct({ m: rounded, t: isOne('m', 1) }), () => ({ m: 1.4, t: 7 }))).toBe('0107');
    const nested = w.struct({ s: w.struct({ m: rounded }), t: isOne('s.m', 1) });
    expect(written(nested, () => ({ s: { m: 1.4 }, t: 7 }))).toBe('0107');
    const missing = w.struct({ s: w.optional(w.struct({ m: rounded })), t: isOne('s.m', 1) });
    const elements = () => [{ s: { m: 1.4 }, t: 7 }, {}, { s: { m: 2 } }];
    expect(written(w.array(missing, w.u8), elements)).toBe('03' + '010107' + '00' + '0102');
    const twice = w.mapped(rounded, { decode: (n) => 2 * n, encode: (n: number) => n / 2 });
    expect(written(w.struct({ m: twice, t: isOne('m', 2) }), () => ({ m: 2.6, t: 7 }))).toBe('0107');
    const bounded = w.struct({ m: w.bounded(w.varuint, rounded), t: isOne('m', 1) });
    expect(written(bounded, () => ({ m: 1.4, t: 7 }))).toBe('010107');
    const nullable = w.bounded(w.size(w.i8, { nullAt: -1 }), rounded);
    const nulls = () => [{ m: 1.4, t: 7 }, { m: null }, { m: 2 }];
    expect(written(w.array(w.struct({ m: nullable, t: isOne('m', 1) }), w.u8), nulls)).toBe(
      '03' + '010107' + 'ff' + '0102',
    );
    const last = w.array(w.struct({ m: rounded }), w.until('m', 1));
    expect(written(last, () => [{ m: 2 }, { m: 1.4 }])).toBe('0201');
  });

  it('of a default in a bounded field', () => {
    const field = w.struct({ d: w.bounded(w.u8, w.defaulted(w.u8, 1)), t: isOne('d', 1) });
    expect(written(field, () => ({ t: 7 }))).toBe('010107');
    expect(written(field, () => ({ d: 2 }))).toBe('0102');
  });

  it('and not the elements, the size or the tag of another field', () => {
    const size = w.mapped(w.u8, { decode: (n) => n - 1, encode: (n: number) => n + 1 });
    const sized = w.struct({ s: w.utf8(size), t: isOne('s', 'a') });
    expect(written(sized, () => ({ s: 'a', t: 7 }))).toBe('026107');
    const tag = w.union(size, { a: w.message(1, { f: w.f32be }) });
    const field = w.struct({ u: w.bounded(size, tag), t: w.optional(w.u8, w.unless('u', 1)) });
    expect(written(field, () => ({ u: { type: 'a', f: 1 }, t: 7 }))).toBe('06023f80000007');
  });
});

/** A list whose length is another at each look, from the first one on; the same elements go round. */
function growing(elements: readonly unknown[], first: number): unknown[] {
  let looks = 0;
  return new Proxy([...elements], {
    get(held, name) {
      if (name === 'length') return first + 2 * looks++;
      return typeof name === 'string' && /^\d+$/.test(name)
        ? held[Number(name) % held.length]
        : Reflect.get(held, name);
    },
  });
}

describe('countOf counts the elements that were written, whatever the length of the list is later', () => {
  const counted = <P extends string>(path: P) => w.countOf(w.u8, path);
  const list = w.array(w.u8, w.rest);

  it('before and behind the list, in a header, in units', () => {
    const make = () => ({ l: growing([7, 8], 2) });
    expect(written(w.struct({ n: counted('l'), l: list }), make)).toBe('020708');
    expect(written(w.struct({ l: w.array(w.u8, w.u8), n: counted('l') }), make)).toBe('02070802');
    expect(written(w.struct({ h: w.struct({ n: counted('l') }), l: list }), make)).toBe('020708');
    const units = w.struct({ n: w.countOf(w.size(w.u8, { unit: 2 }), 'l'), l: list });
    expect(written(units, make)).toBe('010708');
  });

  it('of each kind of list', () => {
    const ended = w.struct({ n: counted('l'), l: w.array(w.u8, w.until(w.constant(w.u8, 0))) });
    expect(written(ended, () => ({ l: growing([7, 8], 2) }))).toBe('02070800');
    const chain = w.array(w.struct({ more: w.bool }), w.until('more', false));
    const make = () => ({ l: growing([{ more: true }, { more: false }], 2) });
    expect(written(w.struct({ n: counted('l'), l: chain }), make)).toBe('020100');
    const literal = w.struct({ n: counted('l'), l: w.array(w.u8, 2) });
    expect(written(literal, () => ({ l: growing([7, 8], 2) }))).toBe('020708');
  });

  it('in a structure, which may be missing, element by element', () => {
    const body = w.struct({ id: w.u8, list: w.array(w.u8, w.u8) });
    const item = w.struct({ n: counted('b.list'), b: w.optional(body) });
    const make = () => [{ b: { id: 1, list: growing([7, 8], 2) } }, {}, { b: { id: 2, list: [9] } }];
    expect(written(w.array(item, w.u8), make)).toBe('03' + '020101020708' + '0000' + '0101020109');
  });

  it('which may be missing or null itself, element by element', () => {
    const missing = w.struct({ n: counted('l'), l: w.optional(w.array(w.u8, w.u8)) });
    const elements = () => [{ l: growing([7, 8], 2) }, {}, { l: [9] }, {}];
    expect(written(w.array(missing, w.u8), elements)).toBe(
      '04' + '0201020708' + '0000' + '01010109' + '0000',
    );
    const nullable = w.struct({ n: counted('l'), l: w.array(w.u8, w.size(w.i8, { nullAt: -1 })) });
    const nulls = () => [{ l: growing([7, 8], 2) }, { l: null }, { l: [9] }, { l: null }];
    expect(written(w.array(nullable, w.u8), nulls)).toBe('04' + '02020708' + '00ff' + '010109' + '00ff');
    const bounded = w.struct({ n: counted('l'), l: w.bounded(w.size(w.i8, { nullAt: -1 }), list) });
    expect(written(w.array(bounded, w.u8), nulls)).toBe('04' + '02020708' + '00ff' + '010109' + '00ff');
  });

  it('of a default, also one in a bounded field', () => {
    const field = w.struct({ n: counted('l'), l: w.bounded(w.u8, w.defaulted(list, [7, 8])) });
    expect(written(field, () => ({}))).toBe('02020708');
    expect(written(field, () => ({ l: growing([9], 1) }))).toBe('010109');
    const inside = w.struct({ n: counted('s.l'), s: w.defaulted(w.struct({ l: list }), { l: [7, 8] }) });
    expect(written(inside, () => ({}))).toBe('020708');
  });

  it('of a list that is mapped to something else', () => {
    const set = w.mapped(list, {
      decode: (numbers) => new Set(numbers.splice(0)),
      encode: (numbers: Set<number>) => [...numbers],
    });
    const field = w.struct({ n: counted('l'), l: set });
    expect(written(field, () => ({ l: new Set([7, 8]) }))).toBe('020708');
    expect(w.codecOf(field).decode(Buffer.from('020708', 'hex'))).toEqual({ n: 2, l: new Set([7, 8]) });
    const text = w.mapped(list, {
      decode: (codes) => codes.join(),
      encode: (all: string) => all.split(',').map(Number),
    });
    expect(written(w.struct({ n: counted('l'), l: w.optional(text, w.rest) }), () => ({}))).toBe('00');
    const error = { code: 'ERR_MESSAGE_VALUE', path: 'n' };
    expect(() => w.codecOf(field).decode(Buffer.from('030708', 'hex'))).toThrow(
      expect.objectContaining(error),
    );
  });

  it('in a message, in a case of a union, and in a field that refers to itself', () => {
    const messages = w.messages(w.u8, { m: w.message(1, { l: list }) }, { header: { n: counted('l') } });
    expect(written(messages, () => ({ type: 'm', l: growing([7, 8], 2) }))).toBe('02010708');
    const union = w.union(w.u8, { a: w.message(1, { n: counted('l'), l: w.array(w.u8, w.u8) }) });
    const make = () => [{ u: { type: 'a', l: growing([7, 8], 2) } }];
    expect(written(w.array(w.struct({ u: union, o: w.optional(w.u8) }), w.u8), make)).toBe(
      '010102020708' + '00',
    );
    type Tree = { readonly all: readonly Tree[] };
    const tree: w.Field<Tree & { n: number }, Tree> = w.struct({
      n: counted('all'),
      all: w.array(
        w.lazy((): w.Field<Tree, Tree> => tree),
        w.u8,
      ),
    });
    expect(written(tree, () => ({ all: growing([{ all: [] }], 1) }))).toBe('0101' + '0000');
  });
});
