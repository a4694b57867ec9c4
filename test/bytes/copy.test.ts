import { describe, expect, test } from 'vitest';
import { Copier, copyBytes } from '../../src/bytes/copy.ts';

describe('copies', () => {
  test('copies any length to any offset', () => {
    const [to, from] = [Buffer.alloc(2_000), Buffer.alloc(2_000)];
    for (let i = 0; i < from.length; i++) from[i] = (i * 31) >> 3;
    const copier = new Copier(to, from);
    for (const copy of [
      (at: number, start: number, length: number) => copier.copy(at, start, length),
      (at: number, start: number, length: number) => copyBytes(to, at, from, start, start + length),
    ]) {
      for (let length = 0; length < 600; length++) {
        to.fill(0xee);
        const [at, start] = [length % 13, length % 7];
        copy(at, start, length);
        const expected = Buffer.alloc(to.length, 0xee);
        from.copy(expected, at, start, start + length);
        if (!to.equals(expected)) expect.fail(`${length} bytes from ${start} to ${at}`);
      }
    }
  });

  test('copies between alternating buffers', () => {
    const [to, from] = [1, 2].map((first) => [0, 10].map((next) => Buffer.alloc(8, first * 100 + next)));
    for (let round = 0; round < 4; round++) {
      for (const target of to!) {
        for (const source of from!) {
          expect(copyBytes(target, 2, source, 1, 5)).toBe(6);
          expect(target.subarray(2, 6)).toEqual(source.subarray(1, 5));
        }
      }
    }
  });

  test('up to the last byte of both', () => {
    const [to, from] = [Buffer.alloc(8), Buffer.from('abcdefgh')];
    new Copier(to, from).copy(0, 0, 8);
    expect(to.toString()).toBe('abcdefgh');
  });

  test('one buffer to several, and several to one, also if each pair follows itself', () => {
    const [a, b] = [Buffer.from('abcd'), Buffer.from('efgh')];
    for (const [to, from] of [
      [Buffer.alloc(4), a],
      [Buffer.alloc(4), a],
      [Buffer.alloc(4), b],
    ] as const) {
      for (let i = 0; i < 3; i++) {
        copyBytes(to, 0, from, 0, 4);
        expect(to).toEqual(from);
        to.fill(0);
      }
    }
    const to = Buffer.alloc(4);
    for (const from of [a, a, a, b, b, a]) {
      copyBytes(to, 0, from, 0, 4);
      expect(to).toEqual(from);
    }
  });

  test('changes nothing outside the target', () => {
    const memory = Buffer.alloc(320, 0x5e);
    const from = memory.subarray(64, 128).fill(1);
    const to = memory.subarray(192, 256).fill(2);
    const copier = new Copier(to, from);
    for (const [at, start, length] of [
      [0, 1, 64],
      [0, 64, 1],
      [1, 0, 64],
      [64, 0, 1],
      [-1, 0, 2],
      [0, -1, 2],
      [0, 4, -2],
      [0, 0, 2 ** 32],
      [0, 2 ** 32, 4],
      [2 ** 32, 0, 4],
    ] as const) {
      expect(() => copier.copy(at, start, length)).toThrow(
        new RangeError(`no ${length} bytes at ${start} of 64, or no room for them at ${at} of 64`),
      );
    }
    expect(to.every((byte) => byte === 2)).toBe(true);
    for (const at of [0, 128, 256]) {
      expect(memory.subarray(at, at + 64).every((byte) => byte === 0x5e)).toBe(true);
    }
  });
});
