import { expect, test } from 'vitest';
import { Backoff } from '../../src/net/backoff.ts';

test('the ceiling doubles up to the maximum, and is reset by a success', () => {
  const backoff = new Backoff({ minDelay: 100, maxDelay: 500 }, () => 0.5);
  expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([50, 100, 200, 250, 250]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
});

test('clients that lost their server together reconnect spread over the whole delay', () => {
  const waits = Array.from({ length: 2_000 }, () => {
    const backoff = new Backoff();
    for (let i = 0; i < 5; i++) backoff.next();
    return backoff.next();
  });
  for (let from = 0; from < 3_200; from += 400) {
    const within = waits.filter((wait) => wait >= from && wait < from + 400).length;
    expect(within).toBeGreaterThan(150);
    expect(within).toBeLessThan(350);
  }
});

test('a minDelay above maxDelay is refused', () => {
  expect(() => new Backoff({ minDelay: 2, maxDelay: 1 })).toThrow(RangeError);
});
