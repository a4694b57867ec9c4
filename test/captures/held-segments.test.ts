import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Held, HeldSegments } from '../../src/captures/held-segments.ts';
import { History } from '../../src/captures/history.ts';
import { TcpStream } from '../../src/captures/tcp-stream.ts';

const segment = (at: number): Held => ({ at, end: at + 1, bytes: Buffer.from([at & 0xff]) });

test('segments in any order come out sorted', () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(5_000), { maxLength: 2_000, size: 'max' }),
      fc.nat(1_000),
      (places, removed) => {
        const held = new HeldSegments();
        for (const at of places) held.add(segment(at));
        const sorted = places.toSorted((a, b) => a - b);
        for (let i = 0; i < removed; i++) expect(held.shift()?.at).toBe(sorted.shift());
        expect(held.first?.at).toBe(sorted[0]);
        expect(held.last?.at).toBe(sorted.at(-1));
        for (const offset of [0, 1, 700, 2_500, 5_001]) {
          expect(held.behind(offset)?.at).toBe(sorted.find((at) => at + 1 > offset));
        }
        expect(held.takeAll().map(({ at }) => at)).toEqual(sorted);
        expect([held.first, held.last, held.behind(0), held.takeAll()]).toEqual([
          undefined,
          undefined,
          undefined,
          [],
        ]);
      },
    ),
    { numRuns: 30 },
  ));

/** Segments of one byte with a hole before each, into a stream that holds as many as it may; the bytes given. */
function receive(numbers: readonly number[]): string {
  const shared = { maxHeld: 4_194_304, patience: Infinity, heldLeft: 67_108_864, history: new History(0) };
  let given = '';
  const stream = new TcpStream(
    {
      data: (bytes, start, end) => {
        given += bytes.toString('latin1', start, end);
      },
      gap: (length) => {
        given += length === 1 ? '.' : `(${length})`;
      },
    },
    shared,
  );
  stream.startAt(0);
  for (const number of numbers) stream.receive(2 * number + 1, Buffer.from('x'), 0, 1, 1);
  stream.close(false);
  return given;
}

// The limit of 4 MiB holds 32,513 segments of one byte.
const COUNT = 60_000;
const rising = Array.from({ length: COUNT }, (_, i) => i);

test('more holes than may be held, in rising order, are reported as gaps in order', () => {
  expect(receive(rising)).toBe('.x'.repeat(COUNT));
});

test('the time for a segment does not grow with the segments that are held', () => {
  const time = (count: number): number => {
    const numbers = Array.from({ length: count }, (_, i) => i);
    const { user, system } = process.cpuUsage();
    receive(numbers);
    const used = process.cpuUsage({ user, system });
    return (used.user + used.system) / count;
  };
  time(4_000);
  // When each of them moved all others along, it was sixty times as slow. Twenty leaves room for a busy machine.
  expect(time(COUNT)).toBeLessThan(20 * Math.max(time(8_000), time(8_000)));
});
