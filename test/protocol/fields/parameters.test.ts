import { describe, expect, it, vi } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { boundByWalking, encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { AnyField } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

const version = { version: { default: 3, min: 0, max: 9 } };

// biome-ignore lint/suspicious/noExplicitAny: of any value
function bothWays(codec: DeclaredCodec<any>, value: unknown, bytes: string): void {
  const wire = hex(bytes);
  const compiled = compile(codec.declaration)!;
  expect(encodeByWalking(codec.declaration, value)).toEqual(wire);
  expect(codec.encode(value)).toEqual(wire);
  const target = Buffer.alloc(wire.length + 50);
  expect(target.subarray(0, compiled.encode(value, target, 0))).toEqual(wire);
  expect(codec.bound(value)).toBeGreaterThanOrEqual(wire.length);
  expect(boundByWalking(codec.declaration, value)).toBe(wire.length);
  expect(codec.decode(wire)).toStrictEqual(value);
  expect(compiled.decode(wire, 0, wire.length)).toStrictEqual(value);
  expect(decodeByWalking(codec.declaration, wire, 0, wire.length)).toStrictEqual(value);
  expect(trace(codec, wire).value).toStrictEqual(value);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

describe('a parameter', () => {
  // Kafka's Metadata response: fields that a version has, or has no longer
  const reply = codecOf(
    f.struct({
      id: f.u16be,
      throttle: f.optional(f.u32be, f.when(f.parameter('version'), { min: 3 })),
      old: f.optional(f.u8, f.unless(f.parameter('version'), 2, { min: 5 })),
    }),
    { parameters: version },
  );

  it('is a condition', () => {
    bothWays(reply, { id: 1, throttle: 2, old: 3 }, '00 01 00 00 00 02 03');
    bothWays(reply.with({ version: 2 }), { id: 1, throttle: undefined, old: undefined }, '00 01');
    bothWays(reply.with({ version: 0 }), { id: 1, throttle: undefined, old: 7 }, '00 01 07');
    bothWays(reply.with({ version: 9 }), { id: 1, throttle: 2, old: undefined }, '00 01 00 00 00 02');
    expect(codeOf(() => reply.with({ version: 9 }).encode({ id: 1 }))).toBe('ERR_FIELD_RANGE');
  });

  it('decides which messages exist', () => {
    // MQTT 5.0 §3.15: AUTH, which 3.1.1 does not have
    const codec = messages(
      f.u8,
      {
        ping: f.message(12),
        auth: f.message(15, { since5: f.only(f.parameter('version'), { min: 5 }), reason: f.u8 }),
        old: f.message(16, { only3: f.only(f.parameter('version'), 3) }),
      },
      { parameters: version },
    );
    bothWays(codec, { type: 'ping' }, '0c');
    bothWays(codec, { type: 'old' }, '10');
    bothWays(codec.with({ version: 5 }), { type: 'auth', reason: 0x18 }, '0f 18');
    expect(codeOf(() => codec.encode({ type: 'auth', reason: 0 }))).toBe('ERR_FIELD_RANGE');
    expect(codeOf(() => codec.decode(hex('0f 18')))).toBe('ERR_MESSAGE_VALUE');
    expect(codeOf(() => codec.with({ version: 5 }).decode(hex('10')))).toBe('ERR_MESSAGE_VALUE');
    expect(() => codec.decode(hex('0f 18'))).toThrow("the parameter 'version'");
    const undeclared = { a: f.message(1, { o: f.only(f.parameter('size'), 1) }) };
    // @ts-expect-error: there is no parameter 'size'
    expect(() => messages(f.u8, undeclared, { parameters: version })).toThrow("'size'");
  });

  it('is a size, a count, and padding, adjusted or not', () => {
    const codec = codecOf(
      f.struct({
        key: f.bytes(f.parameter('size')),
        list: f.array(f.u16be, f.size(f.parameter('size'), { add: -1 })),
        pad: f.padding(f.parameter('size')),
        inner: f.bounded(f.size(f.parameter('size'), { unit: 2 }), f.utf8(f.rest)),
      }),
      { parameters: { size: { default: 2, min: 1, max: 64 } } },
    );
    bothWays(codec, { key: Buffer.of(1, 2), list: [3], inner: 'abcd' }, '01 02 00 03 00 00 61 62 63 64');
    bothWays(codec.with({ size: 1 }), { key: Buffer.of(1), list: [], inner: 'ab' }, '01 00 61 62');
    expect(codeOf(() => codec.encode({ key: Buffer.of(1), list: [3], inner: 'abcd' }))).toBe(
      'ERR_FIELD_RANGE',
    );
    expect(codeOf(() => codec.encode({ key: Buffer.of(1, 2), list: [3, 4], inner: 'abcd' }))).toBe(
      'ERR_FIELD_TOO_LONG',
    );
    expect(codeOf(() => codec.decode(hex('01 02 00 03 00 00 61')))).toBe('ERR_MESSAGE_SHORT');
  });

  it('can stand for an absent value', () => {
    const codec = codecOf(
      f.struct({ key: f.bytes(f.size(f.parameter('size'), { nullAt: 0 })), list: f.array(f.u8, f.rest) }),
      { parameters: { size: { default: 0, min: 0, max: 8 } } },
    );
    bothWays(codec, { key: null, list: [1] }, '01');
    bothWays(codec.with({ size: 1 }), { key: Buffer.of(1), list: [2] }, '01 02');
    expect(codeOf(() => codec.encode({ key: Buffer.of(1), list: [] }))).not.toBe('nothing was refused');
    expect(codeOf(() => codec.with({ size: 1 }).encode({ key: null, list: [] }))).toBe('ERR_FIELD_RANGE');
  });

  it('leaves room for the fields that it measures', () => {
    const codec = codecOf(f.struct({ data: f.bytes(f.rest), sum: f.bytes(f.parameter('tag')), end: f.u8 }), {
      parameters: { tag: { default: 2, min: 0, max: 16 } },
    });
    bothWays(codec, { data: Buffer.of(1), sum: Buffer.of(2, 3), end: 4 }, '01 02 03 04');
    bothWays(codec.with({ tag: 0 }), { data: Buffer.of(1, 2, 3), sum: Buffer.of(), end: 4 }, '01 02 03 04');
  });

  it('is a tag: a reply without its own type', () => {
    const replies = messages(
      f.parameter('api'),
      {
        metadata: f.message(3, { brokers: f.array(f.u8, f.u8) }),
        versions: f.message(18, { error: f.u16be }),
        other: f.message([20, 21], { n: f.u8 }),
        nothing: f.message(22),
      },
      { header: { correlation: f.u16be }, parameters: { api: { default: 18, min: 0, max: 30 } } },
    );
    bothWays(replies, { type: 'versions', correlation: 7, error: 1 }, '00 07 00 01');
    bothWays(replies.with({ api: 3 }), { type: 'metadata', correlation: 7, brokers: [9] }, '00 07 01 09');
    bothWays(replies.with({ api: 21 }), { type: 'other', tag: 21, correlation: 7, n: 5 }, '00 07 05');
    bothWays(replies.with({ api: 22 }), { type: 'nothing', correlation: 7 }, '00 07');
    const at21 = replies.with({ api: 21 });
    expect(codeOf(() => at21.encode({ type: 'other', tag: 20, correlation: 7, n: 5 }))).toBe(
      'ERR_FIELD_RANGE',
    );
    expect(codeOf(() => replies.encode({ type: 'nothing', correlation: 7 }))).toBe('ERR_FIELD_RANGE');
    expect(codeOf(() => replies.with({ api: 4 }).decode(hex('00 07')))).toBe('ERR_MESSAGE_UNKNOWN');
    // With no header a message may have no bytes at all.
    const bare = messages(
      f.parameter('api'),
      { ping: f.message(1) },
      {
        parameters: { api: { default: 1, min: 1, max: 1 } },
      },
    );
    bothWays(bare, { type: 'ping' }, '');
  });

  it('is the tag of a union, in lists and behind lazy fields too', () => {
    const item = f.union(f.parameter('v'), { a: f.message(1, { x: f.u8 }), b: f.message(2, { y: f.u16be }) });
    const list = codecOf(
      f.array(
        f.lazy(() => item),
        f.u8,
      ),
      { parameters: { v: { default: 1, min: 1, max: 2 } } },
    );
    bothWays(
      list,
      [
        { type: 'a', x: 1 },
        { type: 'a', x: 2 },
      ],
      '02 01 02',
    );
    bothWays(list.with({ v: 2 }), [{ type: 'b', y: 1 }], '01 00 01');
    expect(codeOf(() => list.encode([{ type: 'b', y: 1 }]))).toBe('ERR_FIELD_RANGE');
  });

  it('does not hide a field of the same name, and is not hidden by it', () => {
    const codec = codecOf(
      f.struct({
        version: f.u8,
        a: f.optional(f.u8, f.when('version', 1)),
        b: f.optional(f.u8, f.when(f.parameter('version'), 1)),
      }),
      { parameters: version },
    );
    bothWays(codec, { version: 1, a: 2, b: undefined }, '01 02');
    bothWays(codec.with({ version: 1 }), { version: 0, a: undefined, b: 2 }, '00 02');
  });
});

describe('with', () => {
  const two = codecOf(f.struct({ a: f.bytes(f.parameter('a')), b: f.bytes(f.parameter('b')) }), {
    parameters: { a: { default: 1, min: 0, max: 3 }, b: { default: 2, min: 0, max: 3 } },
  });

  it('gives the same codec for the same values, compiled once', () => {
    expect(two.with({ a: 2 })).toBe(two.with({ a: 2 }));
    expect(two.with({})).toBe(two);
    expect(two.with({ a: 1, b: undefined })).toBe(two);
    expect(two.with({ b: 3 }).with({ a: 2 })).toBe(two.with({ b: 3, a: 2 }));
    expect(two.with({ a: 3 }).declaration.root).toBe(two.declaration.root);
    const Real = Function;
    // biome-ignore lint/complexity/useArrowFunction: it is called with new
    const made = vi.spyOn(globalThis, 'Function').mockImplementation(function (...args: string[]) {
      return new Real(...args);
    } as never);
    try {
      two.with({ a: 0, b: 0 }).decode(Buffer.alloc(0));
      const once = made.mock.calls.length;
      expect(once).toBeGreaterThan(0);
      for (let turn = 0; turn < 3; turn++) two.with({ a: 0, b: 0 }).decode(Buffer.alloc(0));
      expect(made).toHaveBeenCalledTimes(once);
    } finally {
      made.mockRestore();
    }
  });

  it('refuses undeclared parameters', () => {
    expect(() => two.with({ c: 1 } as never)).toThrow(TypeError);
    expect(() => two.with({ c: 1 } as never)).toThrow(/there is no option "c"/);
    expect(() => two.with({ a: 4 })).toThrow(RangeError);
    expect(() => two.with({ a: -1 })).toThrow('a must be an integer from 0 to 3, got -1');
    expect(() => two.with({ a: 1.5 })).toThrow(RangeError);
    expect(() => two.with({ a: Number.NaN })).toThrow(RangeError);
    expect(() => two.with({ a: '1' as never })).toThrow(RangeError);
    expect(() => two.with(null as never)).toThrow(TypeError);
    expect((codecOf(f.u8) as object as { with: unknown }).with).toBeUndefined();
  });

  it('is not a method of a codec made by spreading another', () => {
    expect((Object.create(two) as { with?: unknown }).with).toBeUndefined();
  });

  it.each<[string, () => unknown, string]>([
    ['one that is not declared', () => codecOf(f.bytes(f.parameter('n')) as AnyField), "no parameter 'n'"],
    [
      'one that is not declared, behind lazy',
      () =>
        codecOf(
          f.array(
            f.lazy(() => f.bytes(f.parameter('n'))),
            2,
          ),
        ),
      "no parameter 'n'",
    ],
    ['a tag that is not declared', () => messages(f.parameter('n'), { a: f.message(1) }), "no parameter 'n'"],
    [
      'a tag outside its range',
      () =>
        messages(
          f.parameter('n'),
          { a: f.message(7) },
          { parameters: { n: { default: 1, min: 0, max: 3 } } },
        ),
      "7 is not a value of the parameter 'n'",
    ],
    [
      'nothing outside its range',
      () =>
        codecOf(f.bytes(f.size(f.parameter('n'), { nullAt: -1 })), {
          parameters: { n: { default: 1, min: 0, max: 3 } },
        }),
      "-1 is not a value of the parameter 'n'",
    ],
    [
      'no default',
      () => codecOf(f.u8, { parameters: { n: { min: 0, max: 3 } as never } }),
      'default is missing',
    ],
    [
      'a default outside',
      () => codecOf(f.u8, { parameters: { n: { default: 4, min: 0, max: 3 } } }),
      'min <= default',
    ],
    [
      'half a number',
      () => codecOf(f.u8, { parameters: { n: { default: 0.5, min: 0, max: 3 } } }),
      'integer',
    ],
    ['a word misspelt', () => codecOf(f.u8, { parameters: { n: { defualt: 1 } as never } }), "'default'"],
    ['no object', () => codecOf(f.u8, { parameters: 3 as never }), 'expected an object'],
    [
      'more combinations than may be compiled',
      () =>
        codecOf(f.u8, {
          parameters: { a: { default: 0, min: 0, max: 99 }, b: { default: 0, min: 0, max: 99 } },
        }),
      'at most 4096 combinations of values, got 10000',
    ],
    ['a condition without values', () => f.when(f.parameter('n')), 'got none'],
    ['no name', () => f.parameter('' as never), 'expected a name'],
    ['what it measures', () => f.sizeOf(f.parameter('n') as never, 'a'), 'expected a field'],
    [
      'a field that it is to be filled in for',
      () => f.struct({ a: f.constant(f.bytes(f.parameter('n')), Buffer.of(1)) }),
      'may not refer',
    ],
  ])('%s is refused where it is declared', (_, declare, words) => {
    expect(declare).toThrow(words);
  });
});
