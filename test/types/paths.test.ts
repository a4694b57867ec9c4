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
    // @ts-expect-error: 'n' is a float, and no size
    () => w.codecOf(w.struct({ n: w.f32be, b: w.bytes('n') })),
    // @ts-expect-error: 'n' is a text, and no size
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
  const named = <F extends w.Fields>(tag: number, fields: F) => w.message(tag, fields);
  expect(w.codecOf(helper({ n: w.u8, b: w.bytes('n') })).encode({ b: Buffer.of(7) })).toEqual(
    Buffer.of(1, 7),
  );
  expect(named(1, { n: w.u8 }).tag).toBe(1);
});
