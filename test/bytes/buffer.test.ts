import { expect, test } from 'vitest';
import { asBuffer, EMPTY } from '../../src/bytes/buffer.ts';

test('no bytes', () => {
  expect([Buffer.isBuffer(EMPTY), EMPTY.length]).toEqual([true, 0]);
});

test('bytes as a Buffer: of the same memory, and only of their part of it', () => {
  const memory = Uint8Array.of(1, 2, 3, 4, 5);
  const part = memory.subarray(1, 4);
  const buffer = asBuffer(part);
  expect([Buffer.isBuffer(buffer), buffer.toString('hex')]).toEqual([true, '020304']);
  memory[2] = 9;
  expect(buffer.toString('hex')).toBe('020904');
  expect(asBuffer(new Uint8Array(0))).toHaveLength(0);
});

test('a Buffer is taken as it is', () => {
  const buffer = Buffer.of(1, 2);
  expect(asBuffer(buffer)).toBe(buffer);
});
