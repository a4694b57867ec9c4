import { describe, expect, test } from 'vitest';
import { History } from '../../src/captures/history.ts';

/** Small numbers that follow from the seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % below;
  };
}

describe('History', () => {
  // Pieces of a few bytes, so that the table of pieces fills up, and the ring wraps several times.
  test.each([
    ['a ring that goes round', 20_000, 30_000],
    ['more pieces than the table holds', 1_000_000, 80_000],
  ])('detects bytes that differ from the given ones, as far as those are kept: %s', (_, size, pieces) => {
    const history = new History(size);
    const next = numbers(7);
    const streams = [0, 1, 2].map(() => ({ last: 0, bytes: Buffer.alloc(400_000), length: 0 }));
    // Reused memory, like a reader's.
    const chunk = Buffer.alloc(70_000);
    let found = 0;
    for (let i = 0; i < pieces; i++) {
      const stream = streams[next(3)]!;
      const length = 1 + next(8);
      const at = next(chunk.length - length);
      for (let k = 0; k < length; k++) chunk[at + k] = stream.bytes[stream.length + k] = next(256);
      stream.last = history.add(stream.last, stream.length, chunk, at, at + length);
      stream.length += length;
      if (i % 64 !== 0) continue;
      const back = Math.min(stream.length, 1 + next(next(2) === 0 ? 300 : size));
      const from = stream.length - back;
      const again = Buffer.from(stream.bytes.subarray(from, Math.min(stream.length, from + 20)));
      expect(history.differs(stream.last, from, again, 0, again.length)).toBe(false);
      again[0]! ^= 1;
      const differs = history.differs(stream.last, from, again, 0, again.length);
      // A third of the latest bytes belongs to each stream.
      if (back <= 300 && stream.length > 1_000) expect(differs).toBe(true);
      if (back > size) expect(differs).toBe(false);
      if (differs) found++;
    }
    expect(found).toBeGreaterThan(pieces / 256);
  });

  test('keeps nothing without room', () => {
    const history = new History(0);
    const last = history.add(0, 0, Buffer.from('abc'), 0, 3);
    expect(history.differs(last, 0, Buffer.from('xyz'), 0, 3)).toBe(false);
  });
});
