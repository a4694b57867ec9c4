import { expect, test } from 'vitest';
import {
  MAX_VARINT_LENGTH,
  readVarint,
  varintWidth,
  varintWidthAt,
  writeVarint,
} from '../../src/bytes/varint.ts';
import { hex } from '../support/hex.ts';

test.each<[value: number, bytes: string]>([
  [0, '00'],
  [0x7f, '7F'],
  [0x80, '80 01'],
  [300, 'AC 02  # 0101100, 0000010'],
  [0x3fff, 'FF 7F'],
  [0x4000, '80 80 01'],
  [2 ** 32, '80 80 80 80 10'],
  [Number.MAX_SAFE_INTEGER, 'FF FF FF FF FF FF FF 0F'],
])('%i', (value, digits) => {
  const bytes = hex(digits);
  const { length } = bytes;
  const inside = Buffer.concat([hex('EE'), bytes, hex('EE')]);
  expect(varintWidth(value)).toBe(length);
  expect(varintWidthAt(inside, 1, 1 + length)).toBe(length);
  for (let end = 1; end < 1 + length; end++) expect(varintWidthAt(inside, 1, end)).toBe(0);
  expect(varintWidthAt(inside, 1, 1 + length, length)).toBe(length);
  expect(varintWidthAt(inside, 1, 1 + length, length - 1)).toBe(-1);
  expect(readVarint(inside, 1, length)).toBe(value);
  const target = Buffer.alloc(length + 2, 0xee);
  expect(writeVarint(target, 1, value)).toBe(1 + length);
  expect(target).toEqual(inside);
});

test('ten bytes hold 64 bits, eleven are refused', () => {
  const ten = hex('FF FF FF FF FF FF FF FF FF 01');
  expect(varintWidthAt(ten, 0, 10)).toBe(MAX_VARINT_LENGTH);
  expect(readVarint(ten, 0, 10)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  expect(varintWidthAt(hex('80 80 80 80 80 80 80 80 80 80 00'), 0, 11)).toBe(-1);
});
