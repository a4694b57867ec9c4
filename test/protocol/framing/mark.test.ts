import { expect, test } from 'vitest';
import { delimiter, lengthPrefix } from '../../../src/index.ts';
import { framed } from '../../../src/protocol/framing/framed.ts';
import { BEGINS, DIFFERS, Mark, STANDS, toBytes } from '../../../src/protocol/framing/mark.ts';
import { LengthInPacket } from '../../../src/protocol/framing/packet-length.ts';
import { hex } from '../../support/hex.ts';

test.each<[mask: string | undefined, bytes: string, result: number]>([
  [undefined, '00 12 34 56', STANDS],
  [undefined, '00 12 34', STANDS],
  [undefined, '00 12', BEGINS],
  [undefined, '00', BEGINS],
  [undefined, '00 13 34', DIFFERS],
  [undefined, '00 12 35', DIFFERS],
  ['F0 0F', '00 1F F4', STANDS],
  ['F0 0F', '00 22 34', DIFFERS],
  ['F0 0F', '00 12 35', DIFFERS],
  ['F0 0F', '00 1E', BEGINS],
])('12 34 under the mask %s in %s', (mask, bytes, result) => {
  const mark = new Mark(hex('12 34'), mask === undefined ? undefined : hex(mask));
  const there = hex(bytes);
  expect(mark.compare(there, 1, there.length)).toBe(result);
  expect(mark.length).toBe(2);
});

test('the bytes that a packet may begin with', () => {
  const beginnings = (mark: Mark): number =>
    Array.from({ length: 256 }, (_, byte) => mark.beginsWith(byte)).filter(Boolean).length;
  expect(beginnings(new Mark(hex('12 34')))).toBe(1);
  expect(new Mark(hex('12 34')).beginsWith(0x12)).toBe(true);
  expect(beginnings(new Mark(hex('12'), hex('F0')))).toBe(16);
});

test('bytes are a text, an array of numbers, or a copy of other bytes', () => {
  expect(toBytes('x', 'é')).toEqual(hex('C3 A9'));
  expect(toBytes('x', [0, 255])).toEqual(hex('00 FF'));
  const given = hex('01 02');
  const bytes = toBytes('x', given);
  given.fill(0);
  expect(bytes).toEqual(hex('01 02'));
});

test.each<[ConstructorParameters<typeof LengthInPacket>[1], bytes: string, length: number, end: number]>([
  [{ offset: 0 }, '05', 5, 1],
  [{ offset: 1, width: 2, byteOrder: 'big' }, '00 01 02', 0x0102, 3],
  [{ offset: 1, width: 2, byteOrder: 'little', add: 6 }, '00 01 02', 0x0207, 3],
  [{ offset: 0, width: 4, byteOrder: 'big', mask: 0xfff0_0000, add: -1 }, '81 23 45 67', 0x0811, 4],
  [{ offset: 0, width: 1, mask: 0x0f }, 'F3', 3, 1],
  [{ offset: 0, width: 2, base: 10, add: 1 }, '"42"', 43, 2],
  [{ offset: 0, width: 2, base: 16 }, '"1f"', 31, 2],
  [{ offset: 0, width: 2, base: 10 }, '"00"', 0, 2],
  [{ offset: 0, width: 2, base: 10, add: 9 }, '"4x"', Number.NaN, 2],
])('a length of %j in %s', (field, bytes, length, end) => {
  const read = new LengthInPacket('x', field);
  expect(read.end).toBe(end);
  // Not at the beginning of the bytes.
  expect(read.read(Buffer.concat([hex('99'), hex(bytes), hex('99')]), 1)).toBe(length);
});

test('a length in a packet, as data', () => {
  expect(new LengthInPacket('x', { offset: 1 }).data).toStrictEqual({
    offset: 1,
    width: 1,
    form: 'binary',
    order: 'big',
  });
  expect(new LengthInPacket('x', { offset: 0, width: 2, base: 10 }).data).toStrictEqual({
    offset: 0,
    width: 2,
    form: 'decimal',
  });
});

test('a frame in memory of its own', () => {
  expect(framed(delimiter({ delimiter: '\r\n' }).writer(), hex('"hi"'))).toEqual(hex('"hi" 0D 0A'));
  expect(framed(lengthPrefix({ lengthFieldLength: 'varint' }).writer(), hex('"hi"'))).toEqual(hex('02 "hi"'));
});
