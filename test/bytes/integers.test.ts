import { describe, expect, test } from 'vitest';
import { largestOf, readUnsigned, writeUnsigned } from '../../src/bytes/integers.ts';
import { hex } from '../support/hex.ts';

// Each byte of a value differs, and the first has its top bit set: a byte in the wrong place, or a sign, is seen.
const BIG: [width: number, value: number, bytes: string][] = [
  [1, 0x81, '81'],
  [2, 0x8122, '8122'],
  [3, 0x812233, '812233'],
  [4, 0x81223344, '81223344'],
  [5, 0x8122334455, '8122334455'],
  [6, 0x812233445566, '812233445566'],
  [7, 0x11223344556677, '11223344556677'],
  [8, 0x11223344556677, '0011223344556677'],
];

describe.each(BIG)('%i bytes', (width, value, digits) => {
  const big = hex(digits);
  const little = Buffer.from(big).reverse();

  test.each([
    ['big-endian', big, false],
    ['little-endian', little, true],
  ])('%s', (_, bytes, isLittle) => {
    const inside = Buffer.concat([hex('EE'), bytes, hex('EE')]);
    expect(readUnsigned(inside, 1, width, isLittle)).toBe(value);
    const target = Buffer.alloc(width + 2, 0xee);
    writeUnsigned(target, 1, width, isLittle, value);
    expect(target).toEqual(inside);
  });
});

test('a value above 2^53 - 1 is read as one above it', () => {
  for (const bytes of ['0020000000000000', '8000000000000000', 'FFFFFFFFFFFFFFFF'])
    expect(readUnsigned(hex(bytes), 0, 8, false)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
});

test('the largest of each width', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(largestOf)).toEqual([
    0xff,
    0xffff,
    0xffffff,
    0xffffffff,
    0xffffffffff,
    0xffffffffffff,
    Number.MAX_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER,
  ]);
});
