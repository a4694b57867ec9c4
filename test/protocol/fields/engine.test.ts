import { describe, expect, it } from 'vitest';
import type { MessageError } from '../../../src/errors.ts';
import {
  Code,
  isOneOf,
  literal,
  objectLiteral,
  TooMuchCode,
} from '../../../src/protocol/fields/engine/code.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { pathStep, pathText } from '../../../src/protocol/fields/engine/problem.ts';
import { decodeByWalking, ReadWalk } from '../../../src/protocol/fields/engine/read-walk.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { UNTRACKED_LISTS, untrackedConstructor } from '../../../src/protocol/fields/engine/untracked.ts';
import { boundByWalking, encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { Field } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, messages } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

describe('generated code', () => {
  it('lists the values it refers to, then one function after the other', () => {
    const code = new Code();
    const one = { name: 'one' };
    code.function('outer(a)', () => {
      code.line(`use(${code.constant(one)});`);
      expect(code.define('1')).toBe('v0');
      expect(code.define('2', 'let')).toBe('v1');
      expect(code.name('i')).toBe('i2');
      code.line('if (a) {');
      code.function('inner()', () => code.line('return 3;'));
      code.line(`inner(${code.constant(one)}, ${code.constant(7)});`);
      code.line('} else {');
      code.line('other();');
      code.line('}');
      code.hoist('v0');
      code.hoist('v1');
      code.hoist('v9');
    });
    expect(String(code)).toBe(
      [
        'const k0 = K[0];',
        'const k1 = K[1];',
        'function inner() {',
        '  return 3;',
        '}',
        'function outer(a) {',
        '  use(k0);',
        '  var v0 = 1;',
        '  let v1 = 2;',
        '  if (a) {',
        '    inner(k0, k1);',
        '  } else {',
        '    other();',
        '  }',
        '}',
      ].join('\n'),
    );
    expect(code.constants).toEqual([one, 7]);
  });

  it('has a helper once', () => {
    const code = new Code();
    for (const _ of [1, 2]) {
      expect(code.helper('twice(n)', (line) => line('return 2 * n;'))).toBe('twice');
    }
    expect(String(code)).toBe('function twice(n) {\n  return 2 * n;\n}');
  });

  it('can make the first line of a function visible after its block', () => {
    const code = new Code();
    code.function('one()', () => {
      code.define('1');
      code.hoist('v0');
    });
    expect(String(code)).toBe('function one() {\n  var v0 = 1;\n}');
  });

  it('has at most 200,000 lines', () => {
    const code = new Code();
    for (let i = 0; i < 200_000; i++) code.line('');
    expect(() => code.line('')).toThrow(TooMuchCode);
  });

  it('is not made if it is too much or forbidden; any other error is thrown', () => {
    const { declaration } = codecOf(f.u8);
    const failing = (error: unknown) => {
      const decode = () => {
        throw error;
      };
      return { ...declaration, root: { ...declaration.root, kind: { ...declaration.root.kind, decode } } };
    };
    expect(compile(failing(new TooMuchCode()) as never)).toBeUndefined();
    expect(compile(failing(new EvalError('forbidden')) as never)).toBeUndefined();
    expect(() => compile(failing(new RangeError('no')) as never)).toThrow('no');
  });

  it('reads a run of frames by their header, up to one that is not whole, not within its limits or wrong', () => {
    const codec = codecOf(f.struct({ a: f.u8, ok: f.bool }));
    // Header: aa, length + 1, 00, and the byte at which the payload begins.
    const frames = hex('ee aa 0200 05 01 aa 0200 06 00 aa 0200 07 01');
    const header = { header: 4, offset: 1, width: 2, little: true, adjustment: -1, strip: 3 };
    const read = (most: number, end: number, shortest = 0, longest = 9, bytes = frames) =>
      codec.decodeRun({ bytes, at: 1, end, header: { ...header, shortest, longest } }, most);
    const all = [
      { a: 5, ok: true },
      { a: 6, ok: false },
      { a: 7, ok: true },
    ];
    expect(read(9, 16)).toStrictEqual({ messages: all, at: 16 });
    expect(read(9, 16, 1, 1)).toStrictEqual({ messages: all, at: 16 });
    expect(read(2, 16)).toStrictEqual({ messages: all.slice(0, 2), at: 11 });
    expect(read(9, 15)).toStrictEqual({ messages: all.slice(0, 2), at: 11 });
    expect(read(9, 13)).toStrictEqual({ messages: all.slice(0, 2), at: 11 });
    expect(read(9, 16, 2)).toStrictEqual({ messages: [], at: 1 });
    expect(read(9, 16, 0, 0)).toStrictEqual({ messages: [], at: 1 });
    const wrong = Buffer.from(frames);
    wrong[10] = 2;
    expect(read(9, 16, 0, 9, wrong)).toStrictEqual({ messages: all.slice(0, 1), at: 6 });
    const longer = Buffer.from(frames);
    longer[7] = 3;
    expect(read(9, 16, 0, 1, longer)).toStrictEqual({ messages: all.slice(0, 1), at: 6 });
  });

  it('prints values unchanged, and no others', () => {
    expect([5, -0, 1.5, Number.NaN, 7n, -1n, true, undefined, 'a"\n'].map(literal)).toEqual([
      '5',
      '-0',
      '1.5',
      'NaN',
      '7n',
      '-1n',
      'true',
      'undefined',
      '"a\\"\\n"',
    ]);
    expect(() => literal({} as never)).toThrow('only numbers, names and booleans can stand in code');
    expect(isOneOf('x', [1, 'a', 2n, false])).toBe('x === 1 || x === "a" || x === 2n || x === false');
    expect(
      objectLiteral([
        ['a', '1'],
        ['__proto__', 'v2'],
        ['b c', '3'],
      ]),
    ).toBe('{ "a": 1, ["__proto__"]: v2, "b c": 3 }');
  });
});

describe('objects and lists that V8 does not track', () => {
  it('are like literals', () => {
    const Made = untrackedConstructor(['a', 'b c'])!;
    expect(new Made(1, 2)).toStrictEqual({ a: 1, 'b c': 2 });
    expect(Object.keys(new Made(1, 2))).toEqual(['a', 'b c']);
    expect(untrackedConstructor([])).toBeUndefined();
    expect(untrackedConstructor(['a', 'toString'])).toBeUndefined();
    const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);
    expect(untrackedConstructor(names(100))).toBeTypeOf('function');
    expect(untrackedConstructor(names(101))).toBeUndefined();
    expect(UNTRACKED_LISTS.map((list) => list.length)).toEqual(
      Array.from({ length: 65 }, (_, length) => length),
    );
    expect(UNTRACKED_LISTS[2]).toEqual([null, null]);
  });

  it.each([0, 1, 63, 64, 65, 66, 130])('a list of %d texts', (count) => {
    const bytes = Buffer.concat([Buffer.of(count), Buffer.alloc(count, 'a')]);
    const codec = codecOf(f.array(f.utf8(1), f.u8));
    const texts = Array.from({ length: count }, () => 'a');
    expect(codec.decode(bytes)).toStrictEqual(texts);
    expect(codecOf(f.array(f.utf8(1), f.rest)).decode(bytes.subarray(1))).toStrictEqual(texts);
    expect(codec.encode(texts)).toEqual(bytes);
  });

  it('a structure of a hundred and one fields, and one of none', () => {
    const fields = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`m${index}`, f.u8]));
    const bytes = Buffer.from(Array.from({ length: 101 }, (_, index) => index));
    const value = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`m${index}`, index]));
    expect(codecOf(f.struct(fields)).decode(bytes)).toStrictEqual(value);
    expect(codecOf(f.struct({})).decode(Buffer.alloc(0))).toStrictEqual({});
  });

  it('a field named __proto__ is an own property, in both engines', () => {
    const codec = codecOf(
      f.struct(
        Object.fromEntries([
          ['__proto__', f.u8],
          ['a', f.u8],
        ]),
      ),
    );
    const due = Object.fromEntries([
      ['__proto__', 5],
      ['a', 6],
    ]);
    for (const value of [
      codec.decode(hex('05 06')),
      decodeByWalking(codec.declaration, hex('05 06'), 0, 2),
    ]) {
      expect(Object.entries(value as object)).toEqual([
        ['__proto__', 5],
        ['a', 6],
      ]);
      expect(Object.getOwnPropertyDescriptor(value, '__proto__')).toEqual({
        ...{ value: 5, enumerable: true, configurable: true, writable: true },
      });
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
    expect(codec.encode(due as never)).toEqual(hex('05 06'));
    expect(encodeByWalking(codec.declaration, due)).toEqual(hex('05 06'));
  });
});

describe('the walks', () => {
  it('give the length of a message, or 0 if it cannot be written', () => {
    const { declaration } = codecOf(f.utf8(f.u8));
    expect(boundByWalking(declaration, 'hi')).toBe(3);
    expect(boundByWalking(declaration, 5)).toBe(0);
  });

  it('read all elements of a list if the fast engine gave up without a fault', () => {
    const list = f.array(f.u8, f.u8);
    const { declaration } = codecOf(f.struct({ id: f.u8, list }));
    const node = declaration.root.kind.children!(declaration.root)[1]!;
    const counted = { elements: 3, empty: 0, text: 0 };
    const bytes = hex('07 03 01 02 03');
    const marks = (start: number) => new Map([[node, { start, index: 2, at: 4, counted }]]);
    const due = { id: 7, list: [1, 2, 3] };
    expect(decodeByWalking(declaration, bytes, 0, 5, marks(2))).toEqual(due);
    expect(decodeByWalking(declaration, bytes, 0, 5, marks(3))).toEqual(due);
    // From the mark on there is a fault: the elements before it are not read again.
    const rows = codecOf(f.array(f.bool, f.u8));
    const from = new Map([[rows.declaration.root, { start: 1, index: 2, at: 3, counted }]]);
    const wrong = hex('03 05 05 02');
    expect(() => decodeByWalking(rows.declaration, wrong, 0, 4, from)).toThrow(
      '[2]: expected 0 or 1, got 2, at byte 3',
    );
    const elsewhere = new Map([[rows.declaration.root, { start: 0, index: 2, at: 3, counted }]]);
    expect(() => decodeByWalking(rows.declaration, wrong, 0, 4, elsewhere)).toThrow('[0]: expected 0 or 1');
    expect(() => decodeByWalking(rows.declaration, wrong, 0, 4)).toThrow(
      '[0]: expected 0 or 1, got 5, at byte 1',
    );
  });

  it('note where the fast engine was in a long list, and what it had counted', () => {
    const codec = codecOf(f.array(f.struct({ b: f.bool, t: f.utf8(f.u8) }), f.u16be), {
      limits: { elements: 500, text: 400 },
    });
    const frame = (count: number) => {
      const bytes = Buffer.alloc(2 + 3 * count, hex('01 01 61'));
      bytes.writeUInt16BE(count);
      hex('01 01 61').copy(bytes, 2);
      for (let i = 0; i < count; i++) hex('01 01 61').copy(bytes, 2 + 3 * i);
      return bytes;
    };
    const { decode, marks } = compile(codec.declaration)!;
    const wrong = frame(300);
    wrong[2 + 3 * 270] = 9;
    expect(decode(wrong, 0, wrong.length)).toBe(FAILED);
    expect([...marks().values()]).toEqual([
      { start: 2, index: 256, at: 2 + 3 * 256, counted: { elements: 300, empty: 0, text: 256 } },
    ]);
    expect(() => codec.decode(wrong)).toThrow(`[270].b: expected 0 or 1, got 9, at byte ${2 + 3 * 270}`);
    const long = frame(401);
    expect(() => codec.decode(long)).toThrow('limits.text');
    const early = frame(300);
    early[2 + 3 * 100] = 9;
    expect(decode(early, 0, early.length)).toBe(FAILED);
    expect([...marks().values()]).toEqual([]);
    expect(() => codec.decode(early)).toThrow('[100].b');
  });

  it('note it for a message of user code too, each time anew', () => {
    const letter = f.custom<number>({ name: 'c', read: () => 1, write() {}, size: () => 0 });
    const codec = codecOf(f.struct({ list: f.array(f.bool, f.u16be), c: letter, end: f.bool }));
    const { decode, marks } = compile(codec.declaration)!;
    const bytes = Buffer.alloc(2 + 300 + 1, 1);
    bytes.writeUInt16BE(300);
    bytes[302] = 9;
    for (const _ of [1, 2]) {
      expect(decode(bytes, 0, 303)).toBe(FAILED);
      expect([...marks().values()]).toMatchObject([{ start: 2, index: 256, at: 258 }]);
    }
  });

  it('limit what checksums of a recursion cover by the bytes of the message alone', () => {
    interface Nest {
      inner?: Nest | undefined;
      data: Uint8Array;
      sum?: number;
    }
    const nest: Field<Nest> = f.struct({
      inner: f.optional(f.lazy(() => nest)),
      data: f.bytes(f.u32be),
      sum: f.checksum(f.u8, { name: 'none', width: 8, compute: () => 0 }),
    });
    const codec = codecOf(nest);
    let value: Nest = { data: Buffer.alloc(40_000) };
    for (let level = 0; level < 50; level++) value = { inner: value, data: Buffer.alloc(0) };
    const free = codecOf(nest, { limits: { summed: 2 ** 40 } });
    const frame = free.encode(value);
    // 50 times 40,000 bytes, and at most 16 times as many plus 1 MiB
    const chunk = Buffer.concat([Buffer.alloc(50_000), frame]);
    for (const run of [
      () => codec.decode(chunk, 50_000, chunk.length),
      () => decodeByWalking(codec.declaration, chunk, 50_000, chunk.length),
      () => codec.encode(value),
      () => encodeByWalking(codec.declaration, value),
    ]) {
      expect(run).toThrow(expect.objectContaining({ limit: 16 * frame.length + 2 ** 20 }));
    }
  });

  it('do not read the value of a computed field', () => {
    const codec = codecOf(f.struct({ a: f.u8, sum: f.checksum(f.u8, 'SUM-8') }));
    const value = {
      a: 1,
      get sum(): number {
        throw new Error('read');
      },
    };
    expect(codec.encode(value)).toEqual(hex('01 01'));
    expect(encodeByWalking(codec.declaration, value)).toEqual(hex('01 01'));
  });

  it('compare a name that is given with the tag that it repeats', () => {
    const codec = codecOf(
      f.struct({
        k: f.enumeration(f.u8, { a: 1, b: 2 }),
        again: f.same('k'),
        u: f.union('k', { x: f.message('a') }),
      }),
    );
    expect(codec.encode({ again: 'a', u: { type: 'x' } })).toEqual(hex('01 01'));
    expect(codec.encode({ u: { type: 'x' } })).toEqual(hex('01 01'));
    expect(() => codec.encode({ again: 'b', u: { type: 'x' } })).toThrow(
      `again: expected 1, as 'k' says, got "b"`,
    );
  });

  it('make an error of any value that was thrown', () => {
    const { declaration } = codecOf(f.u8);
    const walk = new ReadWalk(declaration, hex('01'), 0, 1);
    expect(walk.error(new Error('boom'))).toMatchObject({
      code: 'ERR_MESSAGE_VALUE',
      message: 'message: expected a message that can be read, got an error (boom), at byte 0',
      offset: 0,
    });
  });

  it('refuse bounds outside the bytes', () => {
    const codec = codecOf(f.u8);
    for (const [start, end] of [
      [3, 2],
      [-1, 1],
      [0, 5],
      [0.5, 1],
      [0, 1.5],
      [Number.NaN, 1],
    ] as const) {
      const due = {
        code: 'ERR_FIELD_RANGE',
        origin: 'local',
        expected: '0 <= start <= end <= 4, the number of bytes',
        actual: [start, end],
        message: `message: expected 0 <= start <= end <= 4, the number of bytes, got start ${start} and end ${end}`,
      };
      expect(() => codec.decode(Buffer.alloc(4), start, end)).toThrow(expect.objectContaining(due));
      expect(trace(codec, Buffer.alloc(4), start, end)).toEqual({
        ...{ spans: [], value: undefined, error: expect.objectContaining(due) },
      });
    }
    expect(codec.decode(hex('01 02 03'), 2, 3)).toBe(3);
  });

  it('give the kind and the value of each part', () => {
    const codec = messages(f.u8, {
      a: f.message(1, {
        o: f.optional(f.struct({ x: f.bool })),
        list: f.array(f.utf8(f.u8), f.u8),
        u: f.union(f.u8, { b: f.message(2) }),
        none: f.padding(1),
      }),
    });
    const { spans } = trace(codec, hex('01 01 01 01 01 61 02 00'));
    expect(spans.map(({ path, kind, start, end, value }) => [path, kind, start, end, value])).toEqual([
      ['', 'message', 0, 8, { type: 'a', o: { x: true }, list: ['a'], u: { type: 'b' } }],
      ['type', 'int', 0, 1, 1],
      ['o', 'optional', 1, 3, { x: true }],
      ['o.x', 'bool', 2, 3, true],
      ['list', 'array', 3, 6, ['a']],
      ['list[0]', 'utf8', 4, 6, 'a'],
      ['u', 'union', 6, 7, { type: 'b' }],
      ['u.type', 'int', 6, 7, 2],
      ['none', 'padding', 7, 8, undefined],
    ]);
    const alone = trace(codecOf(f.u16be), hex('ee 01 02'), 1, 3).spans;
    expect(alone.map(({ path, kind, start, end, value }) => [path, kind, start, end, value])).toEqual([
      ['', 'message', 0, 2, 258],
      ['', 'int', 0, 2, 258],
    ]);
  });

  it('have paths', () => {
    expect(pathText(['items', 3, 'key'])).toBe('items[3].key');
    expect(pathText([0, 'a'])).toBe('[0].a');
    expect(pathStep('', 'a')).toBe('a');
  });
});

describe('an error of another codec inside a field', () => {
  const other = codecOf(f.struct({ n: f.u8, flag: f.bool, list: f.array(f.u8, f.u8, { max: 1 }) }));
  const inside = (decode: (bytes: Buffer, at: number) => unknown) =>
    codecOf(
      f.struct({
        id: f.u8,
        c: f.custom<unknown>({
          name: 'c',
          read(cursor) {
            const at = cursor.take(5);
            return decode(cursor.bytes, at);
          },
          write() {},
          size: () => 5,
        }),
      }),
    );

  it('keeps its path, its limit and its place', () => {
    const chunk = hex('ee 07 01 02 00 00 00');
    const same = inside((bytes, at) => other.decode(bytes, at, at + 5));
    const error = { code: 'ERR_MESSAGE_VALUE', path: 'c.flag', offset: 2, actual: 2, expected: '0 or 1' };
    expect(() => same.decode(chunk, 1, 7)).toThrow(expect.objectContaining(error));
    // A copy has places of its own, also where it shares its memory: the error is at the field then.
    const copied = inside((bytes, at) => other.decode(Buffer.from(bytes.subarray(at, at + 5))));
    expect(() => copied.decode(chunk, 1, 7)).toThrow(expect.objectContaining({ ...error, offset: 1 }));
    const long = hex('07 01 01 02 05 06');
    expect(() => same.decode(long)).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_TOO_LONG', path: 'c.list', limit: 1, offset: 3 }),
    );
    expect(() => same.decode(chunk, 1, 7)).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ path: 'flag' }) }),
    );
  });

  it('has no place if it is about bytes that are not those of the frame', () => {
    const wrong = hex('01 02 00 00 00');
    /** Where the error is, for a field at byte 1 that decodes these bytes in its place. */
    const placeOf = (chunk: Buffer, decode: () => unknown): string => {
      try {
        return String(inside(decode).decode(chunk));
      } catch (error) {
        const { path, offset } = error as MessageError;
        return `${path} at ${offset}`;
      }
    };
    const frame = Buffer.concat([hex('07'), wrong]);
    const alone = () => Buffer.from(new Uint8Array(frame).buffer);
    // In other memory.
    const other5 = Buffer.from(new Uint8Array([0, 0, ...wrong]).buffer);
    expect(placeOf(alone(), () => other.decode(other5, 2, 7))).toBe('c.flag at 1');
    // In the same memory, before the frame, and behind it.
    const memory = Buffer.from(new ArrayBuffer(40));
    for (const at of [0, 5, 30]) {
      frame.copy(memory, 10);
      wrong.copy(memory, at);
      expect(placeOf(memory.subarray(10, 16), () => other.decode(memory.subarray(at, at + 5)))).toBe(
        'c.flag at 1',
      );
    }
    // At its end.
    const short = hex('07 01 01 01 01 02');
    expect(placeOf(short, () => codecOf(f.bytes(9)).decode(short.subarray(6)))).toBe('c at 6');
    // An error about a value has none.
    expect(placeOf(alone(), () => other.encode({ n: 256 } as never))).toBe('c.n at 1');
  });

  it('keeps its path on encode, also if the path begins with an index', () => {
    const list = codecOf(f.array(f.u8, f.u8));
    const codec = codecOf(
      f.struct({
        c: f.mapped(f.bytes(f.u8), {
          decode: (bytes) => list.decode(bytes),
          encode: (value: number[]) => list.encode(value),
        }),
      }),
    );
    expect(() => codec.encode({ c: [1, 256] })).toThrow(
      'c[1]: expected a whole number from 0 to 255, got 256',
    );
    expect(() => codec.decode(hex('02 02 01'))).toThrow('c: expected 2 bytes, got 1, at byte 2');
  });
});
