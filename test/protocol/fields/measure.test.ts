import { describe, expect, it } from 'vitest';
import { measureByWalking } from '../../../src/protocol/fields/engine/measure.ts';
import { Progress } from '../../../src/protocol/fields/engine/progress.ts';
import type { Field } from '../../../src/protocol/fields/field.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';
import { codecFrom } from './vectors.ts';

/** What measuring says for each number of bytes that have come, with what it has kept. */
// biome-ignore lint/suspicious/noExplicitAny: any codec
function measured({ declaration }: DeclaredCodec<any>, text: string): number[] {
  const cursor = { state: undefined };
  const bytes = Buffer.concat([Buffer.of(0xee, 0xee), hex(text)]);
  const lengths = Array.from({ length: bytes.length - 1 }, (_, index) => 2 + index);
  return lengths.map((end) => measureByWalking(declaration, bytes, 2, end, cursor));
}

describe('the length of a message that comes byte by byte', () => {
  it.each([
    ['a number', 'u16be', '01 02 ff', [-2, -1, 2, 2]],
    ['bytes behind their length', 'bytes(u8)', '03 61 62 63', [-1, -3, -2, -1, 4]],
    ['a list', 'array(u16be, u8)', '02 00 01 00 02', [-1, -4, -3, -2, -1, 5]],
    ['lists in a list', 'array(array(u8, u8), u8)', '02 01 07 02 08 09', [-1, -2, -1, -1, -2, -1, 6]],
    [
      'a list up to a field',
      'array(struct({ more: bool, n: u8 }), until("more", false))',
      '01 05 00 06',
      [-1, -1, -1, -1, 4],
    ],
    [
      'a list up to a terminator',
      'array(u8, until(constant(u16be, 0)))',
      '05 00 06 00 00',
      [-1, -1, -1, -1, -1, 5],
    ],
    [
      'bytes up to a terminator',
      'bytes(until(constant(u16be, 0x0d0a)))',
      '61 0d 62 0d 0a',
      [-1, -1, -1, -1, -1, 5],
    ],
    [
      'text of UTF-16 up to one',
      'text(until(constant(u16be, 0)), { encoding: "utf16be" })',
      '01 00 00 61 00 00',
      [-1, -1, -1, -1, -1, -1, 6],
    ],
    ['a text up to NUL', 'cstring()', '61 62 00', [-1, -1, -1, 3]],
    ['a message', 'messages(u8, { a: message(1, { n: u16be }) })', '01 00 07', [-1, -2, -1, 3]],
    ['a tag of no message', 'messages(u8, { a: message(1) })', '02', [-1, 0]],
    ['a wrong value', 'struct({ a: u8, b: bool })', '01 02', [-1, -1, 0]],
    [
      'a field too long for the one round it',
      'struct({ a: bounded(u8, struct({ n: u16be })), b: u8 })',
      '01 07 08',
      [-1, -1, -1, 0],
    ],
    ['a text that is not UTF-8', 'utf8(2)', '61 ff', [-2, -1, 0]],
  ])('%s', (_, declaration, text, due) => {
    expect(measured(codecFrom(declaration), text)).toEqual(due);
  });

  it('counts what all calls have read against the limits', () => {
    const list = f.array(f.utf8(f.u8), f.until(f.constant(f.u8, 0)));
    expect(measured(codecOf(list, { limits: { elements: 2 } }), '01 61 01 62 00').at(-1)).toBe(5);
    expect(measured(codecOf(list, { limits: { elements: 1 } }), '01 61 01 62 00').slice(-3)).toEqual([
      0, 0, 0,
    ]);
    expect(measured(codecOf(list, { limits: { text: 1 } }), '01 61 01 62 00').slice(-2)).toEqual([0, 0]);
  });

  it('reads no element more than twice, in the outer list and in inner ones', () => {
    let reads = 0;
    const counted = f.custom<number>({
      name: 'counted',
      minSize: 1,
      read(cursor) {
        const value = cursor.read(f.u8);
        reads++;
        return value;
      },
      write: (cursor, value) => cursor.write(f.u8, value),
      size: () => 1,
    });
    const rows = codecOf(f.array(f.array(counted, f.u8), f.u8));
    const text = `05 ${'05 01 02 03 04 05 '.repeat(5)}`;
    expect(measured(rows, text).at(-1)).toBe(31);
    expect(reads).toBeLessThanOrEqual(50);
  });

  it('counts a sum as complete once the message is', () => {
    interface Nest {
      inner?: Nest | undefined;
      sum?: number;
    }
    const nest: Field<Nest> = f.struct({
      inner: f.optional(f.lazy(() => nest)),
      sum: f.checksum(f.u8, 'SUM-8'),
    });
    const codec = codecOf(nest, { limits: { summed: 1 } });
    // three levels: 01 01 00, and a sum at each
    expect(measured(codec, '01 01 00 00 01 03')).toEqual([-1, -1, -1, -1, -1, -1, 6]);
    expect(() => codec.decode(hex('01 01 00 00 01 03'))).toThrow(
      'inner.sum: expected at most 1 bytes covered by the checksums of a recursion in one message (limits.summed), got more, at byte 5',
    );
    expect(() => codec.encode({ inner: { inner: {} } })).toThrow(
      'message: expected at most 1 bytes covered by the checksums of a recursion in one message (limits.summed), got more',
    );
    expect(codecOf(nest, { limits: { summed: 4 } }).decode(hex('01 01 00 00 01 03')).sum).toBe(3);
    expect(codecOf(nest, { limits: { summed: 4 } }).encode({ inner: { inner: {} } })).toEqual(
      hex('01 01 00 00 01 03'),
    );
    expect(() => codecOf(nest, { limits: { summed: 3 } }).decode(hex('01 01 00 00 01 03'))).toThrow('summed');
    expect(() => codecOf(nest, { limits: { summed: 3 } }).encode({ inner: { inner: {} } })).toThrow('summed');
  });

  it.each([
    ['cstring()', '00'],
    ['bytes(until(constant(u16be, 0x0d0a)))', '0d0a'],
  ])('searches no byte of %s twice', (declaration, terminator) => {
    const { declaration: whole } = codecFrom(declaration);
    const bytes = Buffer.alloc(12, 1);
    const cursor = { state: undefined };
    expect(measureByWalking(whole, bytes, 2, 9, cursor)).toBe(-1);
    // A terminator that comes too late to be found: its bytes were searched.
    const end = hex(terminator);
    for (const at of [2, 9 - end.length]) end.copy(bytes, at);
    expect(measureByWalking(whole, bytes, 2, 10, cursor)).toBe(-1);
    expect(measureByWalking(whole, bytes, 2, 10, { state: undefined })).toBe(end.length);
    // It comes in parts.
    end.copy(bytes, 11 - end.length);
    expect(measureByWalking(whole, bytes, 2, 12, cursor)).toBe(9);
  });

  it('is not offered if the end of the bytes is the end of the message', () => {
    expect(codecOf(f.bytes(f.rest)).measure).toBeUndefined();
    expect(codecOf(f.optional(f.u8, f.rest)).measure).toBeUndefined();
    expect(messages(f.u8, { a: f.message(1) }, { trailing: 'ignore' }).measure).toBeTypeOf('function');
  });
});

describe('progress', () => {
  const [outer, inner] = [f.array(f.u8, f.u8), f.array(f.u16be, f.u8)] as never[];

  it('identifies a list by its field and offset, and keeps its counts', () => {
    const progress = new Progress();
    expect(progress.begin(outer!, 3)).toMatchObject({ index: 0, at: 3, counted: {} });
    const counted = { elements: 5 };
    progress.turn(outer!, 3, 2, 9, counted);
    counted.elements = 6;
    expect(progress.begin(outer!, 3)).toMatchObject({ index: 2, at: 9, counted: { elements: 5 } });
    expect(progress.begin(outer!, 4)).toMatchObject({ index: 0, at: 4 });
    expect(progress.begin(inner!, 3)).toMatchObject({ index: 0, at: 3 });
  });

  it('forgets the lists inside an element that is complete', () => {
    const progress = new Progress();
    progress.begin(outer!, 0);
    progress.begin(inner!, 1);
    progress.turn(inner!, 1, 1, 4, {});
    progress.turn(outer!, 0, 1, 5, {});
    expect(progress.begin(inner!, 1)).toMatchObject({ index: 0, at: 1 });
  });

  it('tells lists apart that begin at the same place, and places of the same list', () => {
    const progress = new Progress();
    progress.begin(outer!, 0);
    progress.begin(inner!, 0);
    progress.turn(outer!, 0, 1, 5, {});
    expect(progress.begin(outer!, 0)).toMatchObject({ index: 1, at: 5 });
    expect(progress.begin(inner!, 0)).toMatchObject({ index: 0, at: 0 });
    progress.begin(outer!, 3);
    progress.turn(outer!, 0, 2, 9, {});
    expect(progress.begin(outer!, 0)).toMatchObject({ index: 2, at: 9 });
    expect(progress.begin(outer!, 3)).toMatchObject({ index: 0, at: 3 });
  });

  it('knows how far one content was searched', () => {
    const progress = new Progress();
    for (const start of [0, 1]) expect(progress.searched(start)).toBe(0);
    progress.missed(2, 7);
    expect(progress.searched(2)).toBe(5);
    expect(progress.searched(3)).toBe(0);
  });
});
