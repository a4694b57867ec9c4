import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { Field } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { message } from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';

/** The code and the words, of both engines where there are two. */
function refusal(run: () => unknown): { code: string; expected: unknown; limit: number | undefined } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: error.code, expected: error.expected, limit: error.limit };
  }
  throw new Error('nothing was refused');
}

function limited(what: string, limit: number): unknown {
  return { code: 'ERR_MESSAGE_LIMIT', limit, expected: expect.stringContaining(`limits.${what}`) };
}

describe('the limits of a message', () => {
  // rows: u8 count, each a u8 count of bytes
  const rows = f.array(f.array(f.u8, f.u8), f.u8);
  const codec = codecOf(rows, { limits: { elements: 5 } });

  it('count the elements of all arrays, on decode and on encode, in both engines', () => {
    // 2 rows · 1 element · 2 elements: 5 in all
    const within = Buffer.from('02 01aa 02bbcc'.replaceAll(' ', ''), 'hex');
    const value = [[0xaa], [0xbb, 0xcc]];
    expect(codec.decode(within)).toEqual(value);
    expect(codec.encode(value)).toEqual(within);
    const beyond = Buffer.from('02 01aa 03bbccdd'.replaceAll(' ', ''), 'hex');
    const more = [[0xaa], [0xbb, 0xcc, 0xdd]];
    for (const run of [
      () => codec.decode(beyond),
      () => decodeByWalking(codec.declaration, beyond, 0, beyond.length),
      () => codec.encode(more),
      () => encodeByWalking(codec.declaration, more),
    ]) {
      expect(refusal(run)).toEqual(limited('elements', 5));
    }
    expect(trace(codec, beyond).error?.code).toBe('ERR_MESSAGE_LIMIT');
    // The next message begins anew.
    expect(codec.decode(within)).toEqual(value);
    expect(codec.encode(value)).toEqual(within);
  });

  it('count the elements that take no bytes over the whole message', () => {
    const row = f.struct({
      has: f.bool,
      cells: f.array(f.optional(f.u32le, f.when('has')), f.u16le),
    });
    const table = codecOf(f.struct({ rows: f.array(row, f.u32le) }));
    // rows of 1,000 cells that are not there: three bytes each
    const frame = (count: number): Buffer => {
      const bytes = Buffer.alloc(4 + 3 * count);
      bytes.writeUInt32LE(count);
      for (let i = 0; i < count; i++) bytes.writeUInt16LE(1_000, 5 + 3 * i);
      return bytes;
    };
    expect(table.decode(frame(1)).rows[0]!.cells).toHaveLength(1_000);
    expect(refusal(() => table.decode(frame(2)))).toEqual(limited('empty', 1_000));
    const rows = Array.from({ length: 2 }, () => ({
      has: false,
      cells: new Array(1_000).fill(undefined),
    }));
    expect(refusal(() => table.encode({ rows }))).toEqual(limited('empty', 1_000));
    const patient = codecOf(f.struct({ rows: f.array(row, f.u32le) }), { limits: { empty: 2_000 } });
    expect(patient.encode({ rows })).toEqual(frame(2));
    expect(patient.decode(frame(2))).toEqual({ rows });
  });

  it.each([
    ['a field of the last one', f.until('value', 1)],
    ['a terminator', f.until(f.constant(f.u8, 0))],
  ] as const)('end a list up to %s after so many elements that take no bytes', (_, end) => {
    let reads = 0;
    const nothing = f.custom({ name: 'nothing', read: () => ++reads && 0, write() {}, size: () => 0 });
    const { declaration } = codecOf(f.array(f.struct({ value: nothing }), end), { limits: { empty: 7 } });
    expect(compile(declaration)!.decode(Buffer.of(1), 0, 1)).toBe(FAILED);
    expect(reads).toBe(8);
  });

  it('count the bytes of all texts', () => {
    const texts = codecOf(f.array(f.utf8(f.u8), f.u8), { limits: { text: 6 } });
    const within = Buffer.from('0203616263 03646566'.replaceAll(' ', ''), 'hex');
    expect(texts.decode(within)).toEqual(['abc', 'def']);
    expect(texts.encode(['abc', 'def'])).toEqual(within);
    const beyond = Buffer.from('0203616263 0464656667'.replaceAll(' ', ''), 'hex');
    expect(refusal(() => texts.decode(beyond))).toEqual(limited('text', 6));
    expect(refusal(() => texts.encode(['abc', 'defg']))).toEqual(limited('text', 6));
    expect(refusal(() => encodeByWalking(texts.declaration, ['abc', 'defg']))).toEqual(limited('text', 6));
  });

  interface Nest {
    inner: Nest | undefined;
  }
  const nested = (levels: number): Nest => {
    let nest: Nest = { inner: undefined };
    for (let i = 0; i < levels; i++) nest = { inner: nest };
    return nest;
  };
  const chain = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 1), Buffer.alloc(1)]);

  it('count levels of recursion: 64 unless given, or what a lazy field permits', () => {
    const nest: Field<Nest> = f.struct({ inner: f.optional(f.lazy(() => nest)) });
    for (const [codec, most] of [
      [codecOf(nest), 64],
      [codecOf(nest, { limits: { depth: 7 } }), 7],
      [codecOf(nest, { limits: { depth: 300 } }), 300],
    ] as const) {
      expect(codec.decode(chain(most))).toEqual(nested(most));
      expect(codec.encode(nested(most))).toEqual(chain(most));
      expect(refusal(() => codec.decode(chain(most + 1)))).toEqual(limited('depth', most));
      expect(refusal(() => codec.encode(nested(most + 1)))).toEqual(limited('depth', most));
    }
    const own: Field<Nest> = f.struct({ inner: f.optional(f.lazy(() => own, { maxDepth: 200 })) });
    expect(codecOf(own).decode(chain(200))).toEqual(nested(200));
    expect(refusal(() => codecOf(own).decode(chain(201)))).toMatchObject({ code: 'ERR_FIELD_TOO_LONG' });
    const strict = codecOf(own, { limits: { depth: 9 } });
    expect(refusal(() => strict.decode(chain(10)))).toEqual(limited('depth', 9));
  });

  it('are validated options', () => {
    const declare = (limits: object) => () => messages(f.u8, { a: message(1) }, { limits });
    expect(declare({ element: 1 })).toThrow("did you mean 'elements'?");
    expect(declare({ depth: 0 })).toThrow(RangeError);
    expect(declare({ text: Number.NaN })).toThrow(RangeError);
    expect(() => messages(f.u8, { a: message(1) }, { trailin: 'keep' } as never)).toThrow(
      "did you mean 'trailing'?",
    );
  });
});

describe('sums at every level of a recursion', () => {
  interface Nested {
    inner: Nested | undefined;
    data: Uint8Array;
    sum?: number;
  }
  let summed = 0;
  const counting = {
    name: 'counting',
    width: 8,
    compute(bytes: Uint8Array, start: number, end: number): number {
      summed += end - start;
      return bytes[start]!;
    },
  };
  const nested: Field<Nested> = f.struct({
    inner: f.optional(f.lazy(() => nested)),
    data: f.bytes(f.u32be),
    sum: f.checksum(f.u8, counting),
  }) as Field<Nested>;

  /** So many levels in one another, the innermost with the bytes. */
  function levels(count: number, bytes: number): Nested {
    let value: Nested = { inner: undefined, data: Buffer.alloc(bytes) };
    for (let level = 0; level < count; level++) value = { inner: value, data: Buffer.alloc(0) };
    return value;
  }

  it('go over a number of bytes that is linear in those of the message', () => {
    const free = codecOf(nested, { limits: { summed: 2 ** 40 } });
    const codec = codecOf(nested);
    // 20 levels sum the megabyte 20 times, 10 levels 10 times
    const frame = free.encode(levels(20, 1_000_000));
    const limit = 16 * frame.length + 2 ** 20;
    summed = 0;
    expect(refusal(() => codec.decode(frame))).toEqual(limited('summed', limit));
    // by the generated code, and by the walk that says why
    expect(summed).toBeLessThan(2 * (limit + frame.length));
    expect(refusal(() => codec.encode(levels(20, 1_000_000)))).toEqual(limited('summed', limit));
    expect(codec.encode(levels(10, 1_000_000))).toEqual(free.encode(levels(10, 1_000_000)));
    expect(codec.decode(free.encode(levels(10, 1_000_000)))).toMatchObject({ data: Buffer.alloc(0) });
    expect(free.decode(frame)).toMatchObject({ data: Buffer.alloc(0) });
  });

  it('are counted alike by both engines, on decode and on encode', () => {
    for (let bytes = 0; bytes < 40; bytes++) {
      const codec = codecOf(nested, { limits: { summed: 150 } });
      const value = levels(4, bytes);
      const frame = encodeByWalking(codecOf(nested).declaration, value);
      const outcomes = [
        () => codec.decode(frame),
        () => decodeByWalking(codec.declaration, frame, 0, frame.length),
        () => codec.encode(value),
        () => encodeByWalking(codec.declaration, value),
      ].map((run) => {
        try {
          run();
          return 'well';
        } catch (error) {
          return (error as ProtocolError).code;
        }
      });
      // Each level is the flag, the bytes and their length, and the sum; the outermost is not inside the recursion.
      const all = [0, 1, 2, 3].reduce((sum, level) => sum + bytes + 5 + 6 * level, 0);
      expect(new Set(outcomes)).toEqual(new Set([all > 150 ? 'ERR_MESSAGE_LIMIT' : 'well']));
    }
  });
});

describe('a permitted depth', () => {
  // Nine fields in one another for each level.
  const deep = (maxDepth: number): DeclaredCodec<unknown> => {
    const t: object = f.struct({
      v: f.u8,
      a: f.struct({
        b: f.bounded(
          f.rest,
          f.struct({
            kids: f.array(
              f.union(f.u8, {
                x: message(1, {
                  y: f.optional(f.struct({ n: f.lazy(() => t as unknown as Field<unknown>, { maxDepth }) })),
                }),
                z: message(0),
              }),
              f.u8,
            ),
          }),
        ),
      }),
    });
    return codecOf(t as Field<unknown>);
  };
  // v · one kid · its tag · it is there
  const frame = (levels: number): Buffer =>
    Buffer.concat([...Array(levels).fill(Buffer.of(0, 1, 1, 1)), Buffer.of(0, 0)]);

  it.each([64, 500, 1000])('of %d is kept by both engines and by trace, on the usual stack', (maxDepth) => {
    const codec = deep(maxDepth);
    for (const levels of [maxDepth - 1, maxDepth]) {
      const bytes = frame(levels);
      const value = codec.decode(bytes);
      expect(codec.encode(value)).toEqual(bytes);
      expect(encodeByWalking(codec.declaration, value)).toEqual(bytes);
      const traced = trace(codec, bytes);
      expect(traced.error).toBeUndefined();
      expect(traced.spans.length).toBeGreaterThan(5 * levels);
      const behind = Buffer.concat([bytes, Buffer.of(9)]);
      expect(refusal(() => codec.decode(behind)).code).toBe('ERR_MESSAGE_TRAILING');
      expect(trace(codec, behind).error?.code).toBe('ERR_MESSAGE_TRAILING');
    }
    for (const levels of [maxDepth + 1, 5_000]) {
      const bytes = frame(levels);
      expect(refusal(() => codec.decode(bytes))).toMatchObject({
        code: 'ERR_FIELD_TOO_LONG',
        limit: maxDepth,
      });
      expect(trace(codec, bytes).error?.code).toBe('ERR_FIELD_TOO_LONG');
    }
  });
});

describe('work is bounded by the bytes', () => {
  it('however often a grammar refers to itself', () => {
    const names = ['add', 'sub', 'mul', 'div', 'mod', 'pow', 'and', 'or', 'xor', 'shl', 'shr', 'lt'];
    const expr: Field<unknown> = f.union(f.u8, {
      number: message(0, { value: f.i32le }),
      call: message(1, { name: f.utf8(f.u8), args: f.array(f.lazy(() => expr) as Field<unknown>, f.u8) }),
      ...Object.fromEntries(
        names.map((name, i) => [
          name,
          message(2 + i, { left: f.lazy(() => expr), right: f.lazy(() => expr) }),
        ]),
      ),
    }) as Field<unknown>;
    const codec = codecOf(expr);
    // call 'f' of 100 calls without arguments
    const good = Buffer.concat([Buffer.of(1, 1, 0x66, 100), Buffer.alloc(300, Buffer.of(1, 0, 0))]);
    expect(codec.decode(good)).toMatchObject({ type: 'call', name: 'f' });
    const bad = Buffer.concat([good, Buffer.of(9)]);
    for (let i = 0; i < 1_000; i++) {
      expect(refusal(() => codec.decode(bad)).code).toBe('ERR_MESSAGE_TRAILING');
    }
  });

  it('when fields that are used twice hold fields that are used twice: too much code is not made', () => {
    let field: Field<unknown> = f.u8 as Field<unknown>;
    for (let i = 0; i < 40; i++) {
      field = f.struct({ a: f.optional(field), b: f.optional(field) }) as unknown as Field<unknown>;
    }
    const codec = codecOf(field);
    expect(codec.decode(Buffer.of(0, 0))).toEqual({ a: undefined, b: undefined });
    expect(codec.encode({})).toEqual(Buffer.of(0, 0));
    expect(codec.source()).toBeUndefined();
  });

  it('of a long list only the elements near a fault are read again', () => {
    const list = f.array(f.struct({ a: f.u8, ok: f.bool }), f.u32le);
    const codec = codecOf(f.struct({ items: list, end: f.constant(f.u8, 1) }));
    const count = 100_000;
    const frame = Buffer.alloc(4 + 2 * count + 1);
    frame.writeUInt32LE(count);
    frame[frame.length - 1] = 1;
    expect(codec.decode(frame).items).toHaveLength(count);
    let read = 0;
    // A walk reads through the buffer's own methods or its indices: count the bytes that it asks for.
    const counted = new Proxy(frame, {
      get(target, name) {
        if (typeof name === 'string' && /^\d+$/.test(name)) read++;
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    frame[4 + 2 * 77_777 + 1] = 2;
    const decode = () => codec.decode(counted);
    expect(decode).toThrow(
      expect.objectContaining({
        code: 'ERR_MESSAGE_VALUE',
        path: 'items[77777].ok',
        offset: 4 + 2 * 77_777 + 1,
      }),
    );
    // Twice: the generated code, which reads every byte up to the fault, and the walk, which begins near it.
    expect(read).toBeLessThan(2 * 77_777 + 1_000);
    // The same error as from a walk over all of it.
    expect(refusal(() => decodeByWalking(codec.declaration, frame, 0, frame.length))).toEqual(
      refusal(() => codec.decode(frame)),
    );
  });

  it('a list is skipped only for the message with the fault', () => {
    const list = f.array(f.struct({ ok: f.bool }), f.u16be);
    const codec = messages(f.u8, { a: message(1, { list }), b: message(2, { list, end: f.u8 }) });
    const frame = (tag: number, more: number): Buffer => {
      const bytes = Buffer.alloc(3 + 600 + more, 1);
      bytes[0] = tag;
      bytes.writeUInt16BE(600, 1);
      return bytes;
    };
    codec.decode(frame(1, 0));
    const bad = frame(2, 1);
    bad[3 + 3] = 7;
    bad[3 + 550] = 7;
    expect(() => codec.decode(bad)).toThrow(expect.objectContaining({ path: 'list[3].ok', offset: 6 }));
    codec.decode(frame(2, 1));
    const late = frame(1, 0);
    late[3 + 520] = 7;
    expect(() => codec.decode(late)).toThrow(expect.objectContaining({ path: 'list[520].ok' }));
  });

  it('a custom field that itself decodes does not disturb skipping', () => {
    const list = f.array(f.struct({ ok: f.bool }), f.u16be);
    const inner = Buffer.alloc(2 + 600 + 1, 1);
    inner.writeUInt16BE(600);
    let isInside = false;
    const codec: DeclaredCodec<unknown> = codecOf(
      f.struct({
        list,
        again: f.custom<unknown>({
          name: 'again',
          read(cursor) {
            cursor.take(1);
            if (isInside) return undefined;
            isInside = true;
            try {
              codec.decode(inner);
            } finally {
              isInside = false;
            }
            return cursor.fail('something else');
          },
          write: () => {},
          size: () => 0,
        }),
      }),
    ) as DeclaredCodec<unknown>;
    const few = Buffer.from('0001 01 00'.replace(/ /g, ''), 'hex');
    expect(() => codec.decode(few)).toThrow(expect.objectContaining({ path: 'again', offset: 4 }));
    const many = Buffer.from(inner);
    expect(() => codec.decode(many)).toThrow(expect.objectContaining({ path: 'again', offset: 603 }));
  });

  it('skipping is counted: a limit is passed at the same place', () => {
    const codec = codecOf(f.array(f.array(f.u8, f.u8), f.u32le), { limits: { elements: 3_000 } });
    // 2,000 rows of one byte: the limit is passed in row 1,000
    const frame = Buffer.alloc(4 + 2 * 2_000, Buffer.of(1, 7));
    frame.writeUInt32LE(2_000);
    expect(() => codec.decode(frame)).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_LIMIT', path: '[1000]', offset: 4 + 2 * 1_000 + 1 }),
    );
  });
});
