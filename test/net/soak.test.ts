import { expect, test } from 'vitest';
import { soak } from '../../scripts/soak-requests.ts';

test('twenty thousand requests with losses, delays, duplicates and aborts: none hangs, none gets another reply', async () => {
  const { seed, strays, ...ends } = await soak(20_000, Date.now() >>> 0);
  expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBe(20_000);
  expect(ends.answered, `seed ${seed}`).toBeGreaterThan(10_000);
  expect(ends.timedOut, `seed ${seed}`).toBeGreaterThan(0);
  expect(strays).toBeGreaterThan(0);
}, 120_000);
