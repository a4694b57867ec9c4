import { describe, expect, it, test, vi } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { type AnyField, type Field, nodeOf } from '../../../src/protocol/fields/field.ts';
import type { Kind } from '../../../src/protocol/fields/kind.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { message } from '../../../src/protocol/fields/kinds.ts';
import { codecOf, messages } from '../../../src/protocol/fields/messages.ts';
import { declare } from '../../../src/protocol/fields/node.ts';

// biome-ignore lint/suspicious/noExplicitAny: values that no type allows
type Anything = any;

/** The error, which must be one of ours. */
function refused(run: () => unknown): ProtocolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const plain = messages(f.u8, { ok: message(0x80, { text: f.utf8(f.u8) }) });

/** Codecs of the whole process share memory: they must go on as before. */
function expectUnharmed(): void {
  for (let i = 0; i < 2_000; i++) {
    // tag · length 3 · BYE
    expect(plain.encode({ type: 'ok', text: 'BYE' }).toString('hex')).toBe('8003425945');
  }
}

describe('results of user code', () => {
  const sized = (size: (value: Anything) => number) =>
    codecOf(
      f.struct({
        before: f.u8,
        field: f.custom<Anything>({
          name: 'odd',
          read: (cursor) => cursor.bytes[cursor.take(1)],
          write: (cursor, value) => {
            cursor.target[cursor.at++] = value;
          },
          size,
        }),
      }),
    );

  it.each([
    ['NaN', Number.NaN],
    ['a half', 1.5],
    ['a negative number', -1],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a text', '5'],
    ['nothing', undefined],
    ['a bigint', 5n],
  ])('%s from size() is refused, and does not affect other messages', (_, size) => {
    const codec = sized(() => size as number);
    expect(codec.bound({ before: 1, field: 2 })).toBe(0);
    for (const run of [
      () => codec.encode({ before: 1, field: 2 }),
      () => codec.encodeInto({ before: 1, field: 2 }, Buffer.alloc(50), 3),
    ]) {
      expect(refused(run)).toMatchObject({ code: 'ERR_FIELD_RANGE', path: 'field', origin: 'local' });
    }
    expectUnharmed();
  });

  it('an exception from size, write or read gets a code, a path and its cause', () => {
    const cause = new Error('from inside');
    const fail = (): never => {
      throw cause;
    };
    const make = (part: object) => codecOf(f.struct({ field: f.custom<Anything>({ ...whole, ...part }) }));
    const whole = {
      name: 'odd',
      read: (cursor: f.ReadCursor) => cursor.take(1),
      write: (cursor: f.WriteCursor) => {
        cursor.at++;
      },
      size: () => 1,
    };
    for (const part of [{ size: fail }, { write: fail }]) {
      expect(refused(() => make(part).encode({ field: 1 }))).toMatchObject({
        code: 'ERR_FIELD_RANGE',
        path: 'field',
        cause,
      });
    }
    expect(refused(() => make({ read: fail }).decode(Buffer.of(1)))).toMatchObject({
      code: 'ERR_MESSAGE_VALUE',
      path: 'field',
      cause,
    });
  });

  it('unused room is zeros, and a field sees no other message', () => {
    let seen: Buffer = Buffer.alloc(0);
    const codec = codecOf(
      f.struct({
        before: f.u8,
        field: f.custom<number>({
          name: 'reserved',
          read: (cursor) => cursor.take(4),
          write: (cursor) => {
            seen = cursor.target;
            cursor.at += 4;
          },
          size: () => 4,
        }),
      }),
    );
    const target = Buffer.alloc(40, 0xee);
    expect(codec.encodeInto({ before: 7, field: 0 }, target, 9)).toBe(14);
    expect(target.toString('hex', 8, 15)).toBe('ee0700000000ee');
    expect(seen.toString('hex')).toBe('0700000000');
    expect(codec.encode({ before: 7, field: 0 }).toString('hex')).toBe('0700000000');
    expect(encodeByWalking(codec.declaration, { before: 7, field: 0 }).toString('hex')).toBe('0700000000');
  });

  it('getters that throw, revoked Proxies and lists that lie are refused with a code', () => {
    const codec = messages(f.u8, {
      m: message(1, { n: f.u8, list: f.array(f.u8, f.u16le), text: f.utf8(f.u16le) }),
    });
    const ok = { type: 'm' as const, n: 1, list: [1], text: 'x' };
    const thrown = new Error('from the getter');
    const throwing = (name: string): Anything =>
      Object.defineProperty({ ...ok }, name, {
        get() {
          throw thrown;
        },
      });
    for (const name of ['n', 'list', 'text']) {
      expect(refused(() => codec.encode(throwing(name)))).toMatchObject({
        code: 'ERR_FIELD_RANGE',
        path: name,
        origin: 'local',
        cause: thrown,
      });
    }
    expect(refused(() => codec.encode(throwing('type'))).origin).toBe('local');
    const { proxy, revoke } = Proxy.revocable<Anything>({}, {});
    revoke();
    expect(refused(() => codec.encode(proxy)).code).toBe('ERR_FIELD_RANGE');
    const lying = new Proxy([1, 2], {
      get: (list, name) => (name === 'length' ? 3 : Reflect.get(list, name)),
    });
    expect(refused(() => codec.encode({ ...ok, list: lying }))).toMatchObject({ path: 'list[2]' });
    expectUnharmed();
  });

  it('a message that grows between two reads is written as read last', () => {
    const codec = codecOf(f.struct({ list: f.array(f.u8, f.u16le) }));
    for (const length of [10, 3_000, 6_000]) {
      let reads = 0;
      const growing = {
        get list() {
          return new Array(reads++ === 0 ? length : length + 2_000).fill(7);
        },
      };
      expect(codec.decode(codec.encode(growing)).list).toHaveLength(length + 2_000);
    }
    expectUnharmed();
  });
});

describe('bounds', () => {
  const codec = codecOf(f.struct({ a: f.u8, b: f.i32le }));
  it.each([
    [0, 9],
    [-3, 5],
    [2, 1],
    [0.5, 5],
    [0, Number.NaN],
    [6, 6],
  ])('%d to %d of five bytes are refused', (start, end) => {
    const bytes = Buffer.alloc(5);
    expect(refused(() => codec.decode(bytes, start, end))).toMatchObject({
      code: 'ERR_FIELD_RANGE',
      origin: 'local',
      actual: [start, end],
    });
    expect(trace(codec, bytes, start, end).error?.code).toBe('ERR_FIELD_RANGE');
  });
});

describe('names that every object has', () => {
  it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__', 'isPrototypeOf'])(
    '%s may be left out',
    (name) => {
      const codec = messages(f.u8, {
        m: message(1, Object.fromEntries([[name, f.optional(f.u8)]])),
      }) as Anything;
      expect(codec.encode({ type: 'm' }).toString('hex')).toBe('0100');
      const full = Object.fromEntries([
        ['type', 'm'],
        [name, 7],
      ]);
      expect(codec.encode(full).toString('hex')).toBe('010107');
      expect(codec.decode(Buffer.of(1, 1, 7))).toStrictEqual(full);
      expect(encodeByWalking(codec.declaration, { type: 'm' }).toString('hex')).toBe('0100');
      const bits = codecOf(f.flags(f.u8, Object.fromEntries([[name, 0]]))) as Anything;
      expect(refused(() => bits.encode({}))).toMatchObject({ path: name });
    },
  );

  it('getters of classes still work', () => {
    class Point {
      get x(): number {
        return 1;
      }
      get flags() {
        return { urgent: true };
      }
    }
    const codec = codecOf(
      f.struct({
        x: f.u8,
        flags: f.flags(f.u8, { urgent: 0 }),
        more: f.optional(f.u8, f.when('flags.urgent', false)),
      }),
    );
    expect(codec.encode(new Point()).toString('hex')).toBe('0101');
  });
});

describe('every message that encodes also decodes', () => {
  it.each<[string, AnyField, Anything, Anything]>([
    ['an optional one', f.optional(f.bytes(f.rest)), Buffer.of(1), undefined],
    [
      'one case of a union',
      f.union(f.u8, { all: message(1, { x: f.bytes(f.rest) }), none: message(0) }),
      { type: 'all', x: Buffer.of(1) },
      { type: 'none' },
    ],
    [
      'a list inside',
      f.struct({ has: f.bool, list: f.optional(f.array(f.u8, f.rest), f.when('has')) }),
      { has: true, list: [1] },
      { has: false, list: undefined },
    ],
  ])('nothing is written after the rest, which %s takes', (_, field, taking, leaving) => {
    // A field of no known size: room is left for any other.
    const codec = codecOf(f.struct({ a: field, b: f.varuint }));
    for (const run of [
      () => codec.encode({ a: taking, b: 3 }),
      () => encodeByWalking(codec.declaration, { a: taking, b: 3 }),
    ]) {
      expect(refused(run)).toMatchObject({ code: 'ERR_FIELD_RANGE', origin: 'local' });
    }
    expect(compile(codec.declaration)!.encode({ a: taking, b: 3 }, Buffer.alloc(99), 0)).toBe(-1);
    const bytes = codec.encode({ a: leaving, b: 3 });
    expect(codec.decode(bytes)).toEqual({ a: leaving, b: 3 });
    // Within bounds of its own it leaves what is behind them.
    const bounded = codecOf(f.struct({ a: f.bounded(f.u8, field), b: f.u8 }));
    const both = bounded.encode({ a: taking, b: 3 });
    expect(bounded.decode(both)).toEqual({ a: taking, b: 3 });
  });

  it('both engines and trace agree that a constant has no value', () => {
    const codec = codecOf(f.constant(f.u8, 17)) as Anything;
    expect(codec.decode(Buffer.of(17))).toBeUndefined();
    expect(trace(codec, Buffer.of(17))).toMatchObject({ value: undefined, error: undefined });
    expect(codec.encode(undefined).toString('hex')).toBe('11');
  });

  it('a field without a value has no key in the message', () => {
    const codec = messages(f.u8, {
      m: message(1, {
        magic: f.constant(f.u16be, 0xcafe),
        pad: f.padding(1),
        to: f.padding({ to: 8 }),
        a: f.u8,
      }),
    });
    // tag · magic · padding · padding up to byte 8 · a
    const frame = Buffer.from('01cafe000000000009', 'hex');
    expect(codec.decode(frame)).toStrictEqual({ type: 'm', a: 9 });
    expect(trace(codec, frame).value).toStrictEqual({ type: 'm', a: 9 });
  });

  it.each([5, 19, 20, 21, 511, 512, 513])(
    'both engines refuse a text of %i bytes with one byte that is not UTF-8',
    (length) => {
      const codec = codecOf(f.struct({ text: f.utf8(f.u16be), n: f.u8 }));
      const { decode } = compile(codec.declaration)!;
      const frame = codec.encode({ text: 'a'.repeat(length), n: 7 });
      expect(decode(frame, 0, frame.length)).toEqual({ text: 'a'.repeat(length), n: 7 });
      for (let at = 2; at < 2 + length; at++) {
        frame[at] = 0x80;
        expect(decode(frame, 0, frame.length)).toBe(FAILED);
        expect(refused(() => codec.decode(frame)).code).toBe('ERR_MESSAGE_UTF8');
        frame[at] = 0x61;
      }
    },
  );

  it('a text that is shorter or longer than its fixed size is refused by both engines', () => {
    const codec = codecOf(f.struct({ code: f.utf8(4), n: f.u8 }));
    expect(codec.encode({ code: 'ABCD', n: 1 }).toString('hex')).toBe('4142434401');
    const { encode } = compile(codec.declaration)!;
    for (const [code, reason] of [
      ['ABC', 'ERR_FIELD_RANGE'],
      ['', 'ERR_FIELD_RANGE'],
      ['ABCDE', 'ERR_FIELD_TOO_LONG'],
      ['éé', undefined],
      ['é', 'ERR_FIELD_RANGE'],
    ] as const) {
      const end = encode({ code, n: 1 }, Buffer.alloc(20), 0);
      expect(end).toBe(reason === undefined ? 5 : -1);
      if (reason !== undefined) expect(refused(() => codec.encode({ code, n: 1 })).code).toBe(reason);
    }
  });

  it.each([
    ['signed', (sum: number) => sum | 0],
    ['too wide', (sum: number) => sum + 3 * 2 ** 32],
    ['negative', (sum: number) => -sum],
  ])('a sum that its function answers %s is read back', (_, change) => {
    const algorithm = {
      name: 'own',
      width: 32,
      compute: (bytes: Uint8Array, start: number, end: number) => {
        let sum = 0xfffffff0;
        for (let i = start; i < end; i++) sum += bytes[i]!;
        return change(sum);
      },
    };
    const codec = codecOf(f.struct({ data: f.bytes(3), sum: f.checksum(f.u32be, algorithm) }));
    const bytes = codec.encode({ data: Buffer.of(1, 2, 3) });
    expect(encodeByWalking(codec.declaration, { data: Buffer.of(1, 2, 3) })).toEqual(bytes);
    expect(codec.decode(bytes).data).toEqual(Buffer.of(1, 2, 3));
  });

  it.each<[string, () => Anything]>([
    ['nothing', () => undefined],
    ['a bigint', () => 5n],
    ['a fraction', () => 0.5],
    [
      'an exception',
      () => {
        throw new Error('boom');
      },
    ],
  ])('a sum that is %s is refused', (_, compute) => {
    const algorithm = { name: 'own', width: 8, compute };
    const codec = codecOf(f.struct({ data: f.u8, sum: f.checksum(f.u8, algorithm) }));
    expect(refused(() => codec.encode({ data: 1 }))).toMatchObject({ code: 'ERR_FIELD_RANGE', path: 'sum' });
    expect(refused(() => codec.decode(Buffer.of(1, 1)))).toMatchObject({
      code: 'ERR_MESSAGE_VALUE',
      path: 'sum',
    });
  });
});

describe('errors', () => {
  it('show both numbers in one notation', () => {
    expect(refused(() => messages(f.u8, { a: message(0x30) }).decode(Buffer.of(0x31))).message).toContain(
      'expected the tag 0x30, got 0x31',
    );
    const code = codecOf(f.enumeration(f.u8, { off: 0x10, on: 0x11 }));
    expect(refused(() => code.decode(Buffer.of(0x12))).message).toContain('expected 0x10, 0x11, got 0x12');
    const bits = codecOf(f.flags(f.u8, { a: 0 }));
    expect(refused(() => bits.decode(Buffer.of(3))).message).toContain('no bits but 0x01, got 0x03');
  });

  it('of a codec that a field uses keep its path and its byte', () => {
    const inner = codecOf(f.struct({ a: f.u8, kind: f.enumeration(f.u8, { on: 1 }) }));
    const codec = codecOf(
      f.struct({
        id: f.u8,
        item: f.custom<Anything>({
          name: 'item',
          // A byte that is nobody's stands before the inner frame.
          read: (cursor) => inner.decode(cursor.bytes, cursor.take(3) + 1, cursor.at),
          write: (cursor, value) => {
            cursor.target.set(inner.encode(value), cursor.at + 1);
            cursor.at += 3;
          },
          size: () => 3,
        }),
      }),
    );
    const chunk = Buffer.from('ffff 09 00 01 07'.replaceAll(' ', ''), 'hex');
    expect(refused(() => codec.decode(chunk, 2))).toMatchObject({
      code: 'ERR_MESSAGE_VALUE',
      path: 'item.kind',
      offset: 3,
    });
    expect(refused(() => codec.encode({ id: 1, item: { a: 1, kind: 'off' } }))).toMatchObject({
      code: 'ERR_FIELD_RANGE',
      path: 'item.kind',
    });
  });

  it('do not hold a long text or many bytes', () => {
    const codec = codecOf(f.struct({ text: f.utf8(f.u8) }));
    const text = 'é'.repeat(50_000_000);
    const error = refused(() => codec.encode({ text }));
    expect(error).toMatchObject({ code: 'ERR_FIELD_TOO_LONG', path: 'text', limit: 255 });
    expect(error.message.length).toBeLessThan(200);
    const bytes = refused(() => codec.encode({ text: Buffer.alloc(1_000_000) as Anything }));
    expect((bytes.actual as Buffer).length).toBeLessThanOrEqual(256);
  });
});

describe('declarations', () => {
  it.each<[string, () => unknown, string]>([
    ['bytes', () => f.bytes(f.u8, { adjust: -2 } as never), 'adjust'],
    ['utf8', () => f.utf8(f.u8, { encoding: 'latin1' } as never), 'encoding'],
    ['text', () => f.text(f.u8, { encodign: 'ascii' } as never), "'encoding'"],
    ['array', () => f.array(f.u8, f.u8, { maximum: 1 } as never), 'maximum'],
    ['bounded', () => f.bounded(f.u8, f.u8, { most: 1 } as never), 'most'],
    ['padding', () => f.padding(1, { maks: 1 } as never), "'max'"],
    ['checksum', () => f.checksum(f.u16le, 'CRC-16/MODBUS', { form: 'a' } as never), "'from'"],
    ['decimal', () => f.decimal(3, { sign: true } as never), "'signed'"],
  ])('an option that does not exist is refused: %s', (_, declare, word) => {
    expect(declare).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(word) }),
    );
  });

  it.each<[string, () => unknown, string]>([
    ['code for a value', () => f.when('v', ['1; throw 1'] as Anything), 'got an array of 1'],
    [
      'code for a value, made by hand',
      () => f.optional(f.u8, { field: 'v', is: [{ toString: () => 'throw 1' }] } as Anything),
      'got an object',
    ],
    ['a node made by hand', () => codecOf({ kind: 'int', width: 'x' } as Anything), 'expected a field'],
    [
      'a node that looks like one',
      () => codecOf({ kind: (f.u8 as Anything).kind, facts: {}, width: 'x' } as Anything),
      'expected a field',
    ],
    ['a name that is a symbol', () => f.struct({ [Symbol('x')]: f.u8 } as Anything), 'not a symbol'],
    ['a field for a width', () => f.bits(f.u16be, { a: 8, b: f.u8 as Anything }), 'b is an object bits wide'],
    [
      'a size that a structure beside it does not have',
      () => f.struct({ head: f.struct({ n: f.u8 }), d: f.bytes('head.m') }),
      "d refers to 'head.m', which does not exist",
    ],
    [
      'a condition on a member that what may be missing does not have',
      () =>
        f.struct({
          a: f.bool,
          o: f.optional(f.flags(f.u8, { x: 0 }), f.when('a')),
          p: f.optional(f.u8, f.when('o.y')),
        }),
      "p refers to 'o.y', which does not exist",
    ],
    ['a field behind the rest', () => f.struct({ d: f.bytes(f.rest), c: f.varuint }), 'into a bounded field'],
    ['a custom field of half a byte', () => f.custom({ minSize: 0.5 } as Anything), 'must be a function'],
  ])('%s is refused, in words that help', (_, declare, words) => {
    expect(declare).toThrow(words);
  });
});

test('declaring a structure of many fields reads each a bounded number of times', () => {
  let looks = 0;
  const kind: Kind<object> = {
    ...nodeOf(f.u8, 'a field').kind,
    foreseen: () => ({
      get paths() {
        looks++;
        return [];
      },
      read: () => 1,
      decode: () => '1',
    }),
    size: () => ({ min: 0, max: 1 }),
  };
  const fields = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`f${index}`, declare<object, Field<number>>(kind, {})]),
  );
  f.struct(fields);
  expect(looks).toBeLessThan(10 * 2_000);
});

test('a header of many sizes is made a bounded number of times, whatever their number', () => {
  const names = Array.from({ length: 300 }, (_, index) => `${index}x`);
  const header = f.struct(
    Object.fromEntries(
      names.flatMap((name) => [
        [`s${name}`, f.u8],
        [`c${name}`, f.countOf(f.u8, `l${name}`)],
      ]),
    ),
  );
  const { kind } = nodeOf(header as AnyField, 'a header') as { kind: Kind<object> };
  const made = vi.spyOn(kind, 'size');
  try {
    f.struct({
      header,
      ...Object.fromEntries(names.map((name) => [`b${name}`, f.bytes(`header.s${name}`)])),
      ...Object.fromEntries(names.map((name) => [`l${name}`, f.array(f.u8, 1)])),
    } as never);
    expect(made.mock.calls.length).toBeLessThan(20);
  } finally {
    made.mockRestore();
  }
});
