/** Values that fail in every way there is, when they are looked at: each is refused by a `MessageError`, whatever the field. */
import { expect, test } from 'vitest';
import * as w from '../../../src/index.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';

const trap = (): never => {
  throw new Error('a trap');
};

const VALUES: Record<string, () => unknown> = {
  'a revoked Proxy': () => {
    const { proxy, revoke } = Proxy.revocable([1, 2], {});
    revoke();
    return proxy;
  },
  'a Proxy whose traps throw': () =>
    new Proxy(
      {},
      { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap },
    ),
  'bytes whose memory was transferred': () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  },
  'an object that no text can be made of': () => Object.create(null),
  'a getter that throws': () => Object.defineProperty({}, 'a', { get: trap, enumerable: true }),
  'a symbol': () => Symbol('one'),
};

const FIELDS: Record<string, w.AnyField> = {
  integer: w.u8,
  bigint: w.u64le,
  float: w.f32le,
  bool: w.bool,
  varint: w.varint,
  enumeration: w.enumeration(w.u8, { a: 0 }),
  'open enumeration': w.enumeration(w.u8, { a: 0 }, { unknown: 'keep' }),
  flags: w.flags(w.u8, { a: 0 }),
  bits: w.bits(w.u8, { a: 8 }),
  bytes: w.bytes(w.u8),
  utf8: w.utf8(w.u8),
  cstring: w.cstring(5),
  array: w.array(w.u8, w.u8),
  struct: w.struct({ a: w.u8 }),
  union: w.union(w.u8, { a: w.message(0, { b: w.u8 }) }),
  lazy: w.lazy(() => w.struct({ a: w.u8 })),
  bounded: w.bounded(w.u8, w.array(w.u8, w.rest)),
  optional: w.optional(w.struct({ a: w.u8 })),
};

for (const [what, value] of Object.entries(VALUES)) {
  test.each(Object.entries(FIELDS))(`${what} in a field: %s`, (name, field) => {
    const codec = w.messages(w.u8, { one: w.message(1, { x: field as typeof w.u8, after: w.u8 }) });
    let bytes: Uint8Array | undefined;
    try {
      bytes = codec.encode({ type: 'one', x: value() as number, after: 7 });
    } catch (error) {
      expect(error).toBeInstanceOf(w.MessageError);
      expect(error).toMatchObject({ origin: 'local', path: expect.stringMatching(/^x/) });
    }
    // Transferred bytes are no bytes, and an array of none is an array.
    if (bytes !== undefined) {
      expect(what).toBe('bytes whose memory was transferred');
      expect(['bytes', 'array', 'bounded']).toContain(name);
    }
  });
}

test.each(Object.entries(VALUES))('%s in place of a message', (_, value) => {
  const codec = w.messages(w.u8, { one: w.message(1, { x: w.u8 }) });
  expect(() => codec.encode(value() as { type: 'one'; x: number })).toThrow(w.MessageError);
});

test('bytes with transferred memory are refused, also as the rest', () => {
  const codec = w.codecOf(w.struct({ data: w.bytes(w.rest) }));
  const data = VALUES['bytes whose memory was transferred']!() as Uint8Array;
  expect(Buffer.from(codec.encode({ data }))).toEqual(Buffer.alloc(0));
  expect(encodeByWalking(codec.declaration, { data })).toEqual(Buffer.alloc(0));
});

/** Bytes whose `length` says something else: of a subclass, and of the object itself. */
const liars: Record<string, (bytes: number, said: number) => Uint8Array> = {
  'a subclass': (bytes, said) =>
    new (class extends Uint8Array {
      override get length(): number {
        return said;
      }
    })(bytes).fill(7),
  'the object itself': (bytes, said) =>
    Object.defineProperty(Buffer.alloc(bytes, 7), 'length', { value: said }),
};

test.each(Object.keys(liars))('an overridden length of %s is ignored', (who) => {
  const fields = [
    w.bytes(w.u16be),
    w.bytes(w.rest),
    w.bytes(w.varuint),
    w.bytes(w.until(w.constant(w.u8, 0))),
  ];
  for (const field of fields) {
    for (const bytes of [0, 5, 40, 600]) {
      const codec = w.codecOf(w.struct({ a: w.u8, data: field }));
      const expected = Buffer.from(codec.encode({ a: 1, data: Buffer.alloc(bytes, 7) }));
      for (const said of [0, 3, 33, 300, 5_000]) {
        const data = liars[who]!(bytes, said);
        expect(Buffer.from(codec.encode({ a: 1, data }))).toEqual(expected);
        expect(encodeByWalking(codec.declaration, { a: 1, data })).toEqual(expected);
        expect(codec.encodeInto({ a: 1, data }, Buffer.alloc(9_000), 0)).toBe(expected.length);
      }
    }
  }
});

test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, -1])(
  'a value that claims to be %d bytes long does not affect other messages',
  (length) => {
    const odd = new Proxy(new Uint8Array(600), {
      get: (target, name) => (name === 'length' ? length : Reflect.get(target, name, target)),
    });
    const codec = w.codecOf(w.struct({ data: w.bytes(w.u16be), list: w.array(w.u8, w.u8) }));
    const other = w.codecOf(w.struct({ a: w.u8, b: w.u8 }));
    for (let round = 0; round < 3; round++) {
      expect(Number.isSafeInteger(codec.bound!({ data: odd, list: [] }))).toBe(true);
      expect(() => codec.encode({ data: new Uint8Array(1), list: odd as never })).toThrow(w.MessageError);
      try {
        codec.encode({ data: odd, list: [] });
      } catch (error) {
        expect(error).toBeInstanceOf(w.MessageError);
      }
      expect(Buffer.from(other.encode({ a: 0, b: 7 }))).toEqual(Buffer.from([0, 7]));
    }
  },
);

/** What an array may say of its length, at each look. */
const lengths: Record<string, (look: number) => unknown> = {
  'grows with each look': (look) => look * 3,
  'shrinks with each look': (look) => Math.max(0, 1_000 - look * 7),
  'is 1.5': () => 1.5,
  'is NaN': () => Number.NaN,
  'is Infinity': () => Number.POSITIVE_INFINITY,
  'is −1': () => -1,
  'is 2⁵³ − 1': () => Number.MAX_SAFE_INTEGER,
  'is a bigint': () => 2n,
  'is a text': () => '3',
};

const LISTS: Record<string, w.AnyField> = {
  counted: w.array(w.u8, w.u16be),
  'counted, of texts': w.array(w.utf8(w.u8), w.u16be),
  'to the end': w.array(w.u8, w.rest),
  'to a terminator': w.array(w.cstring(), w.until(w.constant(w.u8, 0)), { max: 2_000 }),
  'to the last one': w.array(w.struct({ more: w.bool, n: w.u8 }), w.until('more', false), { max: 2_000 }),
};

for (const [what, length] of Object.entries(lengths)) {
  test.each(Object.entries(LISTS))(`an array whose length ${what}: %s`, (_, field) => {
    let looks = 0;
    const list = new Proxy([1, 2, 3] as never[], {
      get: (held, name) => {
        if (name !== 'length') return Reflect.get(held, name);
        return ++looks < 100_000 ? length(looks) : trap();
      },
    });
    const codec = w.codecOf(w.struct({ list: field as w.Field<never[]> }));
    for (const encode of [
      (value: { list: never[] }) => codec.bound!(value),
      (value: { list: never[] }) => codec.encode(value),
      (value: { list: never[] }) => encodeByWalking(codec.declaration, value),
    ]) {
      try {
        encode({ list });
      } catch (error) {
        expect(error).toBeInstanceOf(w.MessageError);
      }
    }
    expect(looks).toBeLessThan(100);
  });
}

test('a message that grows while it is encoded overwrites no message that its getter encodes', () => {
  const point = w.codecOf(w.struct({ x: w.u32be }));
  const codec = w.codecOf(w.struct({ a: w.u8, text: w.utf8(w.u8), b: w.u8 }));
  const inner: Buffer[] = [];
  let reads = 0;
  const message = {
    get a() {
      inner.push(point.encode({ x: 0x01020304 }));
      return 1;
    },
    get text() {
      // One character while the message is measured, 100 when it is written.
      return reads++ === 0 ? 'x' : 'x'.repeat(100);
    },
    b: 2,
  };
  const bytes = codec.encode(message);
  expect(bytes).toEqual(Buffer.from(`0164${'78'.repeat(100)}02`, 'hex'));
  expect(inner.length).toBeGreaterThan(0);
  for (const one of inner) expect(one).toEqual(Buffer.from([1, 2, 3, 4]));
  // Messages after it share the memory with none of these.
  expect(point.encode({ x: 5 })).toEqual(Buffer.from([0, 0, 0, 5]));
  for (const one of inner) expect(one).toEqual(Buffer.from([1, 2, 3, 4]));
});
