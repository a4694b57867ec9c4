import { expect, test, vi } from 'vitest';
import { ByteAccumulator } from '../../src/bytes/accumulator.ts';

const source = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 0xff));

test('joins pieces, long and short, from any place', () => {
  const joined = new ByteAccumulator();
  expect(joined.length).toBe(0);
  let from = 0;
  for (const length of [0, 1, 32, 33, 100]) {
    joined.append(source, from, from + length);
    from += length;
    expect(joined.length).toBe(from);
    expect(joined.bytes.subarray(0, from)).toEqual(source.subarray(0, from));
  }
  joined.append(source, 250, 260);
  expect(joined.take()).toEqual(Buffer.concat([source.subarray(0, from), source.subarray(250, 260)]));
  expect(joined.length).toBe(0);
  expect(joined.bytes.length).toBe(0);
});

test.each([
  [32, 0],
  [33, 1],
])(
  '%i bytes are copied by %i calls into the runtime, and nothing behind them is written',
  (length, calls) => {
    const joined = new ByteAccumulator();
    joined.append(source, 0, 3);
    joined.bytes.fill(0xee, 3);
    const piece = Buffer.from(source);
    const copy = vi.spyOn(piece, 'copy');
    joined.append(piece, 100, 100 + length);
    expect(copy).toHaveBeenCalledTimes(calls);
    expect(joined.bytes.subarray(3, 3 + length)).toEqual(source.subarray(100, 100 + length));
    expect(joined.bytes.subarray(3 + length).every((byte) => byte === 0xee)).toBe(true);
  },
);

test('allocates at least 64 bytes, and twice the bytes held', () => {
  const joined = new ByteAccumulator();
  const rooms = [1, 63, 1, 65, 1].map((length) => {
    joined.append(source, 0, length);
    return joined.bytes.length;
  });
  expect(rooms).toEqual([64, 64, 130, 130, 262]);
});

test('allocates no more than the total, once the total is known', () => {
  const joined = new ByteAccumulator();
  joined.append(source, 0, 3, 10);
  expect(joined.bytes.length).toBe(10);
  joined.append(source, 3, 10);
  expect(joined.bytes.length).toBe(10);
  // Nobody takes that for more than a promise.
  joined.append(source, 10, 11);
  expect(joined.bytes.length).toBe(11);
  expect(joined.take()).toEqual(source.subarray(0, 11));

  joined.append(source, 0, 3);
  expect(joined.bytes.length).toBe(64);
  joined.append(source, 3, 40, 100);
  joined.append(source, 40, 65);
  expect(joined.bytes.length).toBe(100);
  joined.clear();
  expect([joined.length, joined.bytes.length]).toEqual([0, 0]);
  joined.append(source, 0, 60);
  expect(joined.bytes.length).toBe(120);
});

test('what is held keeps at most 4 KiB of other memory, whatever else the process allocates', () => {
  for (const length of [1, 10, 64, 200, 512, 513, 5_000]) {
    const big = Buffer.alloc(length, 7);
    const all = Array.from({ length: 20 }, () => {
      const joined = new ByteAccumulator();
      joined.append(big, 0, length, length);
      // Others use up Node's pool, and other connections this one.
      Buffer.allocUnsafe(Buffer.poolSize / 2 - 1);
      for (let other = 0; other < 10; other++) new ByteAccumulator().append(source, 0, 100);
      return joined;
    });
    const memories = new Set(all.map(({ bytes }) => bytes.buffer));
    for (const memory of memories) expect(memory.byteLength).toBe(length > 512 ? length : 4_096);
    expect(all.every((joined) => joined.take().equals(big))).toBe(true);
  }
});
