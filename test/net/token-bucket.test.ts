import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from '../../src/net/token-bucket.ts';

test('a burst passes at once, then as much as the rate allows', () => {
  const bucket = new TokenBucket(100, 50, 0);
  expect(bucket.take(50, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(10);
  expect(bucket.take(0, 5)).toBe(5);
  expect(bucket.take(0, 10)).toBe(0);
  expect(bucket.take(1, 20)).toBe(0);
});

test('a long pause saves up at most a burst, and a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket(100, 50, 0);
  expect(bucket.take(60, 1_000_000)).toBe(100);
  expect(bucket.take(0, 0)).toBe(100);
});

test('over any time a caller that waits as told gets at most the burst, the rate, and one take', () => {
  const takes = fc.array(fc.record({ count: fc.nat(1_000), pause: fc.nat(50) }), { minLength: 1 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 10_000 }),
      takes,
      (rate, burst, all) => {
        const bucket = new TokenBucket(rate, burst, 0);
        let now = 0;
        let passed = 0;
        let largest = 0;
        for (const { count, pause } of all) {
          now += pause;
          passed += count;
          largest = Math.max(largest, count);
          expect(passed).toBeLessThanOrEqual(burst + (now * rate) / 1_000 + largest + 1e-6 * passed);
          now += bucket.take(count, now);
        }
      },
    ),
  );
});
