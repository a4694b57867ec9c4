import { expect, test } from 'vitest';
import { lengthOf } from '../../src/bytes/length-of.ts';

test('gives the real length, even if `length` is overridden', () => {
  class Lying extends Uint8Array {
    override get length(): number {
      return 1_000;
    }
  }
  expect(lengthOf(new Uint8Array(3))).toBe(3);
  expect(lengthOf(new Lying(3))).toBe(3);
  expect(lengthOf(Object.defineProperty(Buffer.alloc(3), 'length', { value: 9 }))).toBe(3);
  expect(() => lengthOf(new Proxy(new Uint8Array(3), {}))).toThrow(TypeError);
});
