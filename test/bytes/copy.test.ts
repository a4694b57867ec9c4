import { describe, expect, test, vi } from 'vitest';
import { Copier, copyBytes } from '../../src/bytes/copy.ts';

describe('which way is taken', () => {
  test.each([
    [256, 0],
    [257, 1],
  ])('%i bytes are copied by %i calls into the runtime', (length, calls) => {
    const [to, from] = [Buffer.alloc(512), Buffer.alloc(512, 7)];
    const subarray = vi.spyOn(from, 'subarray');
    new Copier(to, from).copy(1, 2, length);
    expect(subarray).toHaveBeenCalledTimes(calls);
    subarray.mockClear();
    copyBytes(to, 1, from, 2, 2 + length);
    expect(subarray).toHaveBeenCalledTimes(calls);
  });

  test.each([
    [3, [0, 3]],
    [4, [1, 0]],
    [16, [4, 0]],
    [23, [5, 3]],
  ])('%i bytes are copied four at a time, then one', (length, calls) => {
    const copier = new Copier(Buffer.alloc(32), Buffer.alloc(32));
    const writes = (['setInt32', 'setUint8'] as const).map((name) => vi.spyOn(DataView.prototype, name));
    copier.copy(1, 2, length);
    const found = writes.map(({ mock }) => mock.calls.length);
    for (const write of writes) write.mockRestore();
    expect(found).toEqual(calls);
  });

  /** Bytes that count how often someone asks for their memory, as one does to make a view of it. */
  function counted(room: number): { bytes: Buffer; count: () => number } {
    let asked = 0;
    const memory = new ArrayBuffer(room);
    const bytes = Object.defineProperty(Buffer.from(memory, 0, 8), 'buffer', {
      get() {
        asked++;
        return memory;
      },
    });
    const count = () => {
      const now = asked;
      asked = 0;
      return now;
    };
    return { bytes, count };
  }

  test.each([
    [
      'small memory: views are made with the second copy',
      131_072,
      131_072,
      [
        [1, 0],
        [1, 2],
        [0, 0],
        [0, 0],
      ],
    ],
    [
      'a large source: none, since they would keep it alive',
      131_073,
      8,
      [
        [1, 0],
        [1, 0],
        [1, 0],
        [1, 0],
      ],
    ],
    [
      'a large target: none',
      8,
      131_073,
      [
        [1, 0],
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    ],
  ])('%s', (_, fromRoom, toRoom, expected) => {
    const [from, to] = [counted(fromRoom), counted(toRoom)];
    const found = expected.map(() => {
      copyBytes(to.bytes, 0, from.bytes, 0, 4);
      return [from.count(), to.count()];
    });
    expect(found).toEqual(expected);
  });

  test('other copies in between: views are made anew', () => {
    const [a, b] = [counted(8), counted(8)];
    for (let i = 0; i < 3; i++) copyBytes(b.bytes, 0, a.bytes, 0, 4);
    for (let i = 0; i < 3; i++) copyBytes(a.bytes, 0, b.bytes, 0, 4);
    expect([a.count(), b.count()]).toEqual([2 + 2, 2 + 2]);
  });
});

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
