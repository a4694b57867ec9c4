import { expect, expectTypeOf, it } from 'vitest';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { defaulted, optional, struct, u8, u16be, utf8, when } from '../../../src/protocol/fields/kinds.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

const codec = codecOf(
  struct({
    version: defaulted(u8, 2),
    name: defaulted(utf8(u8), 'me'),
    id: u16be,
    tail: optional(u8, when('version', 2)),
  }),
);

it('writes the value where the message has none, and conditions see it, in both engines', () => {
  // version 2 | 'me' | id 1 | tail 9
  const bytes = hex('02 02 6d 65 00 01 09');
  const message = { id: 1, tail: 9 };
  expect(codec.encode(message)).toEqual(bytes);
  expect(encodeByWalking(codec.declaration, message)).toEqual(bytes);
  const compiled = compile(codec.declaration)!;
  expect(compiled.bound(message)).toBeGreaterThanOrEqual(bytes.length);
  const target = Buffer.alloc(64);
  expect(target.subarray(0, compiled.encode(message, target, 0))).toEqual(bytes);
  expect(codec.decode(bytes)).toEqual({ version: 2, name: 'me', id: 1, tail: 9 });
});

it('is optional in the type for encoding, and required in the type for decoding', () => {
  expectTypeOf(codec.encode).toBeCallableWith({ id: 1 });
  expectTypeOf(codec.decode(hex('03 00 00 01')).version).toEqualTypeOf<number>();
});

it('refuses values that cannot be a default', () => {
  expect(() => defaulted(u8, undefined as never)).toThrow('expected a value, got undefined');
});

it('a structure with a default may have a size or a tag that is filled in', () => {
  const codec = codecOf(
    f.struct({
      h: f.defaulted(f.struct({ n: f.u8, flags: f.u8, sum: f.checksum(f.u8, 'SUM-8') }), { n: 0, flags: 9 }),
      k: f.defaulted(f.struct({ kind: f.u8 }), { kind: 0 }),
      b: f.bytes('h.n'),
      u: f.union('k.kind', { a: f.message(3) }),
    }),
  );
  const value = { b: Buffer.of(7), u: { type: 'a' as const } };
  const target = Buffer.alloc(64);
  for (const [h, bytes] of [
    [undefined, '01090a03' + '07'],
    [{ flags: 2 }, '01020303' + '07'],
  ] as const) {
    const message = { ...value, ...(h !== undefined && { h }) };
    expect(encodeByWalking(codec.declaration, message).toString('hex')).toBe(bytes);
    const end = compile(codec.declaration)!.encode(message, target, 0);
    expect(target.toString('hex', 0, end)).toBe(bytes);
  }
  expect(codec.decode(Buffer.from('01090a0307', 'hex'))).toEqual({
    ...value,
    ...{ h: { n: 1, flags: 9, sum: 10 }, k: { kind: 3 } },
  });
});

it('a field that cannot be filled in is refused with a reason in the declaration', () => {
  const inner = f.struct({ n: f.u8 });
  for (const h of [
    f.bounded(f.u8, inner),
    f.mapped(inner, { decode: (x) => x, encode: (x) => x }),
    f.array(inner, 1),
    f.union(f.u8, { a: f.message(1, { n: f.u8 }) }),
    f.lazy(() => inner),
    f.custom<{ n: number }>({ name: 'c', read: () => ({ n: 1 }), write() {}, size: () => 0 }),
    f.optional(f.defaulted(f.mapped(inner, { decode: (x) => x, encode: (x) => x }), { n: 1 })),
  ]) {
    const declare = () => f.struct({ h: h as never, b: f.bytes('h.n' as never) });
    expect(declare).toThrow(TypeError);
    expect(declare).toThrow(/h\.n.*(does not exist|nothing can be filled in)/);
  }
});
