import { expect, test } from 'vitest';
import { readDigits, writeDigits } from '../../src/bytes/digits.ts';
import { hex } from '../support/hex.ts';

test.each<[digits: string, base: 10 | 16, value: number]>([
  ['0', 10, 0],
  ['0907', 10, 907],
  ['9007199254740991', 10, Number.MAX_SAFE_INTEGER],
  ['9F', 16, 0x9f],
  ['00A0', 16, 0xa0],
  ['1FFFFFFFFFFFFF', 16, Number.MAX_SAFE_INTEGER],
])('%s in base %i', (digits, base, value) => {
  const inside = Buffer.from(`7${digits}7`);
  const end = 1 + digits.length;
  expect(readDigits(inside, 1, end, base)).toBe(value);
  expect(readDigits(Buffer.from(digits.toLowerCase()), 0, digits.length, base)).toBe(value);
  const target = Buffer.from('7'.repeat(digits.length + 2));
  expect(writeDigits(target, 1, digits.length, base, value)).toBe(end);
  expect(target).toEqual(inside);
});

test('the bytes next to the digits in ASCII are not digits', () => {
  // The neighbours of 0 to 9, A to F and a to f, and what becomes a letter or a digit when a bit of it is lost.
  const others = hex('2F 3A 40 47 60 67 10 19 01 06 B0 C1 E1 FF');
  for (const byte of others) {
    const bytes = Buffer.of(0x31, byte, 0x31);
    expect(readDigits(bytes, 0, 3, 16)).toBe(-1);
    expect(readDigits(bytes, 0, 3, 10)).toBe(-1);
  }
  for (const letter of 'afAF') expect(readDigits(Buffer.from(`1${letter}1`), 0, 3, 10)).toBe(-1);
  expect(readDigits(Buffer.from('11'), 1, 1, 10)).toBe(-1);
});

test('a number above 2^53 - 1 is read as one above it', () => {
  expect(readDigits(Buffer.from('9007199254740992'), 0, 16, 10)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  expect(readDigits(Buffer.from('F'.repeat(15)), 0, 15, 16)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
});
