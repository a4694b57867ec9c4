import { expect, test, vi } from 'vitest';
import { excerpt, hex, hexDigits } from '../../src/bytes/hex.ts';

const bytes = Uint8Array.from({ length: 40 }, (_, i) => i + 240);

test('bytes in hex', () => {
  expect(hex(Uint8Array.of(2, 0x61, 255))).toBe('02 61 ff');
  expect(hex(new Uint8Array())).toBe('');
});

const some = Uint8Array.of(9, 2, 0x61, 255, 9).subarray(1, 4);

test('bytes in hex without spaces, of their part of the memory', () => {
  expect(hexDigits(some)).toBe('0261ff');
  expect(hexDigits(new Uint8Array())).toBe('');
});

test('the same where there is no Buffer', () => {
  const node = globalThis.Buffer;
  let digits: string;
  try {
    Object.assign(globalThis, { Buffer: undefined });
    digits = hexDigits(some);
  } finally {
    Object.assign(globalThis, { Buffer: node });
  }
  expect(digits).toBe('0261ff');
});

test('a Buffer writes them where there is one', () => {
  const from = vi.spyOn(Buffer, 'from');
  expect(hexDigits(some)).toBe('0261ff');
  expect(from).toHaveBeenCalledTimes(1);
  from.mockRestore();
});

test.each<[length: number, offset: number, text: string]>([
  [0, 0, '00000000: \n          ^'],
  [3, 1, '00000000: f0 f1 f2\n             ^'],
  [3, 3, '00000000: f0 f1 f2\n                   ^'],
  [20, 8, '00000000: f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff\n                                  ^'],
  [20, 9, '00000001: f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff 00\n                                  ^'],
  [
    20,
    13,
    '00000004: f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff 00 01 02 03\n                                     ^',
  ],
  [40, 30, '00000016: 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15\n                                  ^'],
])('of %i bytes, those around the byte at %i', (length, offset, text) => {
  expect(excerpt(bytes.subarray(0, length), offset)).toBe(text);
});
