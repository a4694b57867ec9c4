import { expect, it } from 'vitest';
import * as w from '../../src/index.ts';

it('paths that lead nowhere do not compile, and throw in JavaScript', () => {
  const wrong: (() => unknown)[] = [
    // @ts-expect-error: there is no field 'lenght'
    () => w.codecOf(w.struct({ len: w.u8, d: w.bytes('lenght') })),
    // @ts-expect-error: there is no field 'flag.x'
    () => w.codecOf(w.struct({ len: w.u8, o: w.optional(w.u8, w.when('flag.x', 1)) })),
    () =>
      // @ts-expect-error: there is no field 'flag.y'
      w.codecOf(w.struct({ flag: w.flags(w.u8, { x: 0 }), o: w.optional(w.u8, w.when('flag.y')) })),
    // @ts-expect-error: there is no field 'h.m'
    () => w.codecOf(w.struct({ h: w.struct({ n: w.u8 }), b: w.bytes('h.m') })),
    // @ts-expect-error: there is no field 'n'
    () => w.messages(w.u8, { go: w.message(1, { b: w.bytes('n') }) }),
    // @ts-expect-error: 'h.n' is a float
    () => w.codecOf(w.struct({ h: w.struct({ n: w.f32be }), b: w.bytes('h.n') })),
    // @ts-expect-error: 'h.i.n' is a float
    () => w.codecOf(w.struct({ h: w.struct({ i: w.struct({ n: w.f64le }) }), b: w.array(w.u8, 'h.i.n') })),
    // @ts-expect-error: 'h.n' is a text
    () => w.codecOf(w.struct({ h: w.struct({ n: w.utf8(w.u8) }), b: w.bytes(w.size('h.n', { add: 1 })) })),
    // @ts-expect-error: 'h.n' is a structure
    () => w.codecOf(w.struct({ h: w.struct({ n: w.struct({ x: w.u8 }) }), b: w.bytes('h.n') })),
    () =>
      // @ts-expect-error: there is no field 'kin'
      w.codecOf(w.struct({ kind: w.u8, u: w.union('kin', { a: w.message(1) }) })),
    () =>
      // @ts-expect-error: there is no field 'h.kin'
      w.codecOf(w.struct({ h: w.struct({ kind: w.u8 }), u: w.union('h.kin', { a: w.message(1) }) })),
    () =>
      // @ts-expect-error: 'h.kind' is a float
      w.codecOf(w.struct({ h: w.struct({ kind: w.f32le }), u: w.union('h.kind', { a: w.message(1) }) })),
    () =>
      // @ts-expect-error: 'kind' is a text
      w.codecOf(w.struct({ kind: w.utf8(w.u8), u: w.union('kind', { a: w.message('a') }) })),
    () =>
      // @ts-expect-error: 'f.on' is a boolean
      w.codecOf(w.struct({ f: w.flags(w.u8, { on: 0 }), u: w.union('f.on', { a: w.message(1) }) })),
    // @ts-expect-error: there is no field 'kin' in the header
    () => w.messages('kin', { a: w.message(1) }, { header: { kind: w.u8 } }),
    // @ts-expect-error: there is no field 'kind' in the header
    () => w.messages('kind', { a: w.message(1, { kind: w.u8 }) }),
    // @ts-expect-error: there is no field 'h.kin'
    () => w.messages('h.kin', { a: w.message(1) }, { header: { h: w.bits(w.u8, { kind: 8 }) } }),
    // @ts-expect-error: 'h.kind' is a float
    () => w.messages('h.kind', { a: w.message(1) }, { header: { h: w.struct({ kind: w.f32be }) } }),
    // @ts-expect-error: 'kind' is a text
    () => w.messages('kind', { a: w.message('a') }, { header: { kind: w.utf8(4) } }),
    // @ts-expect-error: 'n' is a float
    () => w.codecOf(w.struct({ n: w.f32be, b: w.bytes('n') })),
    // @ts-expect-error: 'n' is a text
    () => w.codecOf(w.struct({ n: w.utf8(w.u8), b: w.bytes('n') })),
    () =>
      // @ts-expect-error: there is no field 'h.kin'
      w.codecOf(w.struct({ h: w.struct({ kind: w.u8 }), s: w.checksum(w.u8, 'SUM-8', { from: 'h.kin' }) })),
    // @ts-expect-error: there is no field 'bod'
    () => w.codecOf(w.struct({ body: w.u8, s: w.checksum(w.u8, 'SUM-8', { after: 'bod' }) })),
    // @ts-expect-error: there is no field 'bodi'
    () => w.codecOf(w.struct({ n: w.sizeOf(w.u8, { to: 'bodi' }), body: w.u8 })),
    // @ts-expect-error: a float
    () => w.array(w.u8, w.f32be),
    // @ts-expect-error: a text
    () => w.bytes(w.utf8(w.u8)),
    // @ts-expect-error: there is no parameter 'sizee'
    () => w.codecOf(w.bytes(w.parameter('sizee')), { parameters: { size: { default: 1, min: 0, max: 2 } } }),
  ];
  for (const declare of wrong) expect(declare).toThrow(TypeError);
});

it('paths that lead somewhere do', () => {
  const codec = w.messages(
    w.u8,
    {
      one: w.message(1, {
        data: w.bytes('head.length'),
        more: w.optional(w.u8, w.when('head.flags.more')),
        late: w.optional(w.u16be, w.unless(w.parameter('version'), 1)),
        list: w.array(w.struct({ again: w.same(w.u8, 'head.id'), own: w.bytes('head.id2') }), 1),
      }),
    },
    {
      header: {
        head: w.struct({ length: w.u8, id: w.u8, id2: w.u8, flags: w.flags(w.u8, { more: 0 }) }),
        count: w.countOf(w.u8, 'list'),
        sum: w.checksum(w.u8, 'SUM-8', { from: 'head.length', to: 'head.flags' }),
      },
      parameters: { version: { default: 1, min: 0, max: 2 } },
    },
  );
  expect(codec.types).toEqual(['one']);
  expect(codec.with({ version: 2 }).types).toEqual(['one']);
  const helper = <F extends w.Fields>(fields: F) => w.struct(fields);
  const whole = <F extends w.Fields>(fields: F) =>
    w.codecOf(w.struct(fields) as w.Field<w.StructOut<F>, w.StructIn<F>>);
  expect(whole({ n: w.u8, b: w.bytes('n') }).decode(Buffer.of(1, 7))).toEqual({ n: 1, b: Buffer.of(7) });
  const named = <F extends w.Fields>(tag: number, fields: F) => w.message(tag, fields);
  expect(w.codecOf(helper({ n: w.u8, b: w.bytes('n') })).encode({ b: Buffer.of(7) })).toEqual(
    Buffer.of(1, 7),
  );
  expect(named(1, { n: w.u8 }).tag).toBe(1);
});
