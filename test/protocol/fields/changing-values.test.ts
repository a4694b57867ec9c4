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
function written(field: w.Field<any>, make: () => unknown): string {
  const { declaration, decode } = w.codecOf(field);
  const target = Buffer.alloc(64);
  const end = compile(declaration)!.encode(make(), target, 0);
  const walked = encodeByWalking(declaration, make());
  expect(target.subarray(0, end)).toEqual(walked);
  decode(walked);
  return walked.toString('hex');
}

describe('a condition judges the value that was written, whatever a getter says later', () => {
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
