import { describe, expect, it } from 'vitest';
import { MessageError } from '../../../src/errors.ts';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { AnyField } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

// biome-ignore lint/suspicious/noExplicitAny: of any value
type AnyCodec = DeclaredCodec<any>;

function errorOf(run: () => unknown): MessageError {
  try {
    run();
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Encodes with both engines, which must agree. */
function encoded(codec: AnyCodec, value: unknown): Buffer {
  const bytes = encodeByWalking(codec.declaration, value);
  const target = Buffer.alloc(bytes.length + 100);
  const end = compile(codec.declaration)!.encode(value, target, 0);
  expect(target.subarray(0, end)).toEqual(bytes);
  return bytes;
}

const packet = codecOf(
  f.struct({
    header: f.struct({
      version: f.u8,
      length: f.sizeOf(f.u16be, 'body'),
      count: f.countOf(f.u8, 'body.list'),
    }),
    body: f.struct({ name: f.utf8(f.u8), list: f.array(f.u16be, f.rest) }),
  }),
);

describe('fields that must agree', () => {
  it('are filled in if left out, and may be given', () => {
    const body = { name: 'ab', list: [1, 2] };
    const bytes = hex('01 00 07 02 | 02 61 62 00 01 00 02'.replaceAll('|', ' '));
    expect(encoded(packet, { header: { version: 1 }, body })).toEqual(bytes);
    expect(encoded(packet, { header: { version: 1, length: 7 }, body })).toEqual(bytes);
    expect(packet.decode(bytes)).toStrictEqual({ header: { version: 1, length: 7, count: 2 }, body });
  });

  it('are refused with path and offset if they do not', () => {
    const error = errorOf(() => packet.decode(hex('01 00 06 02  02 61 62 00 01 00 02')));
    expect(error.message).toBe("header.length: expected 7, the size of 'body', got 6, at byte 1");
    expect(error).toMatchObject({ code: 'ERR_MESSAGE_VALUE', path: 'header.length', offset: 1, actual: 6 });
    const count = errorOf(() => packet.decode(hex('01 00 07 03  02 61 62 00 01 00 02')));
    expect(count.message).toBe(
      "header.count: expected 2, the number of elements of 'body.list', got 3, at byte 3",
    );
    const given = errorOf(() =>
      packet.encode({ header: { version: 1, count: 9 }, body: { name: '', list: [1] } }),
    );
    expect(given.message).toBe("header.count: expected 1, the number of elements of 'body.list', got 9");
    expect(given).toMatchObject({ code: 'ERR_FIELD_RANGE', origin: 'local' });
    const again = codecOf(f.struct({ id: f.u16be, again: f.same(f.u16be, 'id') }));
    expect(errorOf(() => again.decode(hex('00 01 00 02'))).message).toBe(
      "again: expected 1, as 'id' says, got 2, at byte 2",
    );
  });

  it('are traced like other fields', () => {
    const { spans, error } = trace(packet, hex('01 00 07 02  02 61 62 00 01 00 02'));
    expect(error).toBeUndefined();
    expect(spans).toContainEqual({ path: 'header.length', kind: 'sizeOf', start: 1, end: 3, value: 7 });
  });

  it('is filled in each time anew: in a list, and where it comes and goes', () => {
    const item = f.struct({
      has: f.bool,
      head: f.optional(f.struct({ size: f.sizeOf(f.u8, 'text') }), f.when('has')),
      text: f.utf8(f.u8),
    });
    const list = codecOf(f.array(item, f.u8));
    const value = [
      { has: true, head: {}, text: 'abc' },
      { has: false, text: 'a' },
      { has: true, head: { size: 1 }, text: '' },
    ];
    expect(encoded(list, value).toString('hex')).toBe('03' + '010403616263' + '000161' + '010100');
  });

  it('moves with what it stands in', () => {
    // 200 bytes: the length in front of them is known only behind them, and takes two bytes
    const moved = codecOf(
      f.bounded(
        f.varuint,
        f.struct({ h: f.struct({ n: f.sizeOf(f.u16be, 'body') }), body: f.bytes(f.rest) }),
      ),
    );
    const bytes = encoded(moved, { h: {}, body: Buffer.alloc(198, 1) });
    expect(bytes.subarray(0, 4).toString('hex')).toBe('c80100c6');
    expect(moved.decode(bytes)).toMatchObject({ h: { n: 198 } });
  });

  it('is summed once it is filled in', () => {
    const summed = codecOf(
      f.struct({
        h: f.struct({ n: f.sizeOf(f.u8, 'body') }),
        body: f.cstring(),
        sum: f.checksum(f.u8, 'SUM-8'),
      }),
    );
    expect(encoded(summed, { h: {}, body: 'a' }).toString('hex')).toBe('02610063');
  });

  it('is that of each message in a header', () => {
    const codec = messages(
      f.u8,
      { text: f.message(1, { body: f.cstring() }), ping: f.message(2) },
      {
        header: { length: f.sizeOf(f.u16be, { after: 'length' }) },
        trailer: { end: f.constant(f.u8, 0xff) },
      },
    );
    expect(encoded(codec, { type: 'ping' }).toString('hex')).toBe('000202ff');
    expect(encoded(codec, { type: 'text', body: 'a' }).toString('hex')).toBe('0004016100ff');
    expect(errorOf(() => codec.decode(hex('00 03 02 ff'))).messageType).toBe('ping');
  });

  it.each([
    ['a', 'bcd', 'e', '', 'xyz'],
    ['a', 'bcd', 'ä', '', 'xyz'],
  ])('is written with many others in one run: %s %s %s', (...bodies) => {
    const codec = messages(f.u8, {
      text: f.message(1, { h: f.struct({ n: f.sizeOf(f.u8, 'body') }), body: f.utf8(f.u8) }),
    });
    const all = bodies.map((body) => ({ type: 'text' as const, h: {}, body }));
    const target = Buffer.alloc(4_000);
    const writer = {
      headerLength: 1,
      bound: (length: number) => length + 1,
      seal(to: Buffer, at: number, end: number) {
        to[at] = end - at - 1;
        return end;
      },
    };
    const { index, at } = codec.encodeRun({ messages: all, from: 0, target, at: 0, writer });
    expect(index).toBe(all.length);
    const frames = all.map((one) => Buffer.from(codec.encode(one)));
    expect(target.subarray(0, at)).toEqual(
      Buffer.concat(frames.flatMap((frame) => [Buffer.of(frame.length), frame])),
    );
  });

  it('takes the layout of the field that it repeats, however deep it stands', () => {
    const record = codecOf(
      f.struct({
        id: f.u24be,
        again: f.same('id'),
        h: f.struct({ kind: f.enumeration(f.u8, { a: 1, b: 2 }), name: f.utf8(f.u8) }),
        kind: f.same('h.kind'),
        list: f.array(
          f.struct({
            idAgain: f.optional(f.same('id')),
            deep: f.optional(
              f.bounded(f.u8, f.mapped(f.same('h.name'), { decode: (x) => x, encode: (x) => x })),
            ),
            u: f.union(f.u8, { x: f.message(1, { again: f.same('h.kind') }), y: f.message(2) }),
          }),
          f.u8,
        ),
        last: f.u8,
      }),
    );
    const item = { idAgain: 0x010203, deep: 'hi', u: { type: 'x', again: 'b' } };
    const value = {
      ...{ id: 0x010203, again: 0x010203, h: { kind: 'b', name: 'hi' }, kind: 'b' },
      ...{ list: [item, { ...item, deep: undefined, u: { type: 'y' } }], last: 9 },
    };
    const bytes = encoded(record, value);
    expect(bytes).toEqual(
      // id, again, kind, name, kind | 2 | idAgain, deep of 3 bytes, u | idAgain, no deep, u | last
      hex(
        '010203 010203 02 026869 02 | 02 | 01010203 0103026869 0102 | 01010203 00 02 | 09'.replaceAll(
          '|',
          ' ',
        ),
      ),
    );
    expect(record.decode(bytes)).toStrictEqual(value);
    const left = { ...value, again: undefined, kind: undefined };
    expect(record.encode(left as never)).toEqual(bytes);
    bytes[3] = 9;
    expect(errorOf(() => record.decode(bytes)).path).toBe('again');
  });

  it('takes the layout of what is filled in, of messages too, and of bytes with a size of their own', () => {
    const codec: AnyCodec = messages(
      'kind',
      {
        go: f.message(0x0102, {
          again: f.same('kind'),
          n: f.u8,
          a: f.bytes('n'),
          b: f.same('a'),
          m: f.same('n'),
        }),
      },
      { header: { kind: f.u16be, echo: f.same('kind') } },
    );
    const value = { type: 'go', a: Buffer.of(7, 8) };
    const bytes = encoded(codec, value);
    expect(bytes.toString('hex')).toBe('0102' + '0102' + '0102' + '02' + '0708' + '0708' + '02');
    expect(codec.decode(bytes)).toStrictEqual({
      ...{ type: 'go', kind: 0x0102, echo: 0x0102, again: 0x0102 },
      ...{ n: 2, a: value.a, b: value.a, m: 2 },
    });
  });

  it.each<[string, () => unknown, string]>([
    [
      'no layout: the field is not there',
      () => codecOf(f.struct({ a: f.same('b') }) as AnyField),
      "no field 'b'",
    ],
    ['no layout: behind it', () => f.struct({ a: f.same('b'), b: f.u8 }), 'declared before'],
    [
      'no layout: a structure',
      () => f.struct({ a: f.struct({ x: f.u8 }), b: f.same('a') }),
      'numbers, texts or bytes',
    ],
    [
      'no layout: a member that is not there',
      () => f.struct({ a: f.struct({ x: f.u8 }), b: f.same('a.y') }),
      'does not exist',
    ],
    [
      'no layout: some bits',
      () => f.struct({ a: f.bits(f.u8, { x: 4, y: 4 }), b: f.same('a.x') }),
      'some bits',
    ],
    [
      'no layout: one that hangs on another field',
      () => f.struct({ a: f.struct({ n: f.u8, x: f.bytes('n') }), b: f.same('a.x') }),
      "depends on 'n'",
    ],
    ['a path and no field', () => f.same('a' as never, 'b'), 'before the path'],
    [
      'a field that is not there',
      () => codecOf(f.struct({ n: f.sizeOf(f.u8, 'body') }) as AnyField),
      "no field 'body'",
    ],
    ['a varint', () => f.sizeOf(f.varuint, 'body'), 'integer field of fixed width, got varint'],
    ['a float', () => f.countOf(f.f32be as never, 'body'), 'integer field of fixed width, got float'],
    ['a number that may be null', () => f.sizeOf(f.size(f.i8, { nullAt: -1 }) as never, 'body'), 'nullAt'],
    ['a path, adjusted', () => f.sizeOf(f.size('n', { add: 1 }) as never, 'body'), 'got "n"'],
    ['no path', () => f.countOf(f.u8, ''), 'the path of a field'],
    ['a range from and after', () => f.sizeOf(f.u8, { from: 'a', after: 'b' }), 'from or after'],
    ['a range that is misspelt', () => f.sizeOf(f.u8, { form: 'a' } as never), "'from'"],
    [
      'a range of what is not beside it',
      () => f.struct({ n: f.sizeOf(f.u8, { from: 'a' }) }),
      "no field 'a' beside it",
    ],
    [
      'a range upside down',
      () => f.struct({ a: f.u8, b: f.u8, n: f.sizeOf(f.u8, { from: 'b', to: 'a' }) }),
      'run forward',
    ],
    [
      'a member that is measured',
      () => f.struct({ n: f.sizeOf(f.u8, 'b.x'), b: f.struct({ x: f.u8 }) }),
      'not a member',
    ],
    [
      'a count of what is no array',
      () => f.struct({ n: f.countOf(f.u8, 'b'), b: f.u16be }),
      'expected an array',
    ],
    [
      'a count of what is not there',
      () => f.struct({ n: f.countOf(f.u8, 'b.x'), b: f.struct({ y: f.u8 }) }),
      'does not exist',
    ],
    [
      'a place in a list',
      () => f.struct({ list: f.array(f.struct({ n: f.sizeOf(f.u8, 'b') }), 2), b: f.u8 }),
      'cannot fill it in there',
    ],
    [
      'a place in a union',
      () => f.struct({ u: f.union(f.u8, { a: f.message(1, { n: f.sizeOf(f.u8, 'b') }) }), b: f.u8 }),
      'cannot fill it in there',
    ],
    [
      'an optional by itself',
      () => f.struct({ n: f.optional(f.sizeOf(f.u8, 'b')), b: f.u8 }),
      'cannot fill it in there',
    ],
    [
      'a range in an optional by itself',
      () => f.struct({ n: f.optional(f.sizeOf(f.u8, { to: f.rest })), b: f.u8 }),
      'cannot fill it in there',
    ],
    [
      'a size that agrees already',
      () => f.struct({ n: f.sizeOf(f.u8, 'b'), b: f.bytes('n') }),
      'agrees with another field already',
    ],
    [
      'a condition on it',
      () => f.struct({ n: f.sizeOf(f.u8, 'b'), b: f.u8, o: f.optional(f.u8, f.when('n', 1)) }),
      'no value of its own',
    ],
    [
      'a repetition before what it repeats',
      () => f.struct({ a: f.same(f.u8, 'b'), b: f.u8 }),
      'declared before',
    ],
    [
      'a repetition of a repetition',
      () => f.struct({ a: f.u8, b: f.same(f.u8, 'a'), c: f.same(f.u8, 'b') }),
      'no value',
    ],
    [
      'a repetition of a constant',
      () => f.struct({ a: f.constant(f.u8, 1), b: f.same(f.u8, 'a') }),
      'no value',
    ],
    [
      'values of another type',
      () => f.struct({ a: f.u16be, b: f.same(f.cstring(), 'a') }),
      "its values are texts, and those of 'a' are numbers",
    ],
    [
      'a size of another type',
      () => f.struct({ h: f.struct({ n: f.u64be }), m: f.same(f.u8, 'h.n'), b: f.bytes('h.n') }),
      'are bigints',
    ],
    ['a repeated structure', () => f.same(f.struct({ a: f.u8 }), 'b'), 'numbers, texts or bytes'],
    [
      'a size that a varint repeats',
      () => f.struct({ n: f.u8, m: f.same(f.varuint, 'n'), b: f.bytes('n') }),
      'integer of fixed width',
    ],
    [
      'a size repeated in a list',
      () => f.struct({ n: f.u8, l: f.array(f.same(f.u8, 'n'), 1), b: f.bytes('n') }),
      'cannot fill it in there',
    ],
    [
      'a size inside another structure',
      () => f.struct({ h: f.struct({ n: f.u8, b: f.bytes('n') }), m: f.same(f.u8, 'h.n') }),
      'which the encoder fills in',
    ],
  ])('%s is refused where it is declared', (_, declare, words) => {
    expect(declare).toThrow(words);
  });
});
