/** Short forms of the long tests; `npm run soak` runs these in full. */
import { describe, expect, test } from 'vitest';
import { ATTACKS, attack } from './attacks.ts';
import { churn } from './churn.ts';
import { crowd } from './crowd.ts';
import { killed } from './killed.ts';
import { noLink } from './lossy-link.ts';
import { requests } from './requests.ts';
import { restart } from './restart.ts';
import { slowLink } from './slow-link.ts';

test('twenty thousand requests with losses, delays, duplicates and aborts: none hangs, none gets another reply', async () => {
  const { seed, strays, ...ends } = await requests(
    20_000,
    Number(process.env.WIREPIPE_SEED ?? Date.now()) >>> 0,
  );
  expect(Object.values(ends).reduce((sum, count) => sum + count, 0)).toBe(20_000);
  expect(ends.answered, `seed ${seed}`).toBeGreaterThan(10_000);
  expect(ends.timedOut, `seed ${seed}`).toBeGreaterThan(0);
  expect(strays).toBeGreaterThan(0);
}, 300_000);

test('many connections at the same time: nothing is lost', async () => {
  const { connections, exchanged, lost, rssKiB } = await crowd(500, 4);
  expect({ connections, exchanged, lost }).toEqual({ connections: 500, exchanged: 2_000, lost: 0 });
  expect(rssKiB).toBeLessThan(200);
}, 300_000);

test('connects and disconnects at every stage: neither heap nor handles grow', async () => {
  const { connections, heapGrowth, handleGrowth, left } = await churn(4_000);
  expect(connections).toBe(4_000);
  expect(left).toBe(0);
  expect(handleGrowth).toBeLessThanOrEqual(2);
  // Of 3,600 connections: 600 bytes each would be a leak. Compiled code grows, too.
  expect(heapGrowth).toBeLessThan(2 ** 21);
}, 300_000);

test('a rolling restart under load loses no connection', async () => {
  const { served, lost, replaced } = await restart(1_000, 40, 500);
  expect({ served, lost }).toEqual({ served: 1_000, lost: 0 });
  expect(replaced).toBeGreaterThan(0);
}, 300_000);

test('a killed server: each request is answered once, or fails as lost or unsent', async () => {
  const { requests, answered, lost, unsent, wrong } = await killed(3, 8);
  expect(wrong).toEqual([]);
  expect(answered + lost + unsent).toBe(requests);
  expect(answered).toBeGreaterThan(0);
  expect(lost).toBeGreaterThan(0);
}, 300_000);

describe('a well-behaved client keeps its latency beside 50 attackers in another process', () => {
  test.each(Object.entries(ATTACKS))(
    '%s',
    async (kind, { most }) => {
      // A machine that is busy with something else may disturb one run of all its rounds.
      let ratio = Infinity;
      for (let tries = 0; tries < 3 && ratio > most; tries++) ({ ratio } = await attack(kind, 50, 9));
      expect(ratio).toBeLessThanOrEqual(most);
    },
    300_000,
  );
});

const reason = noLink();
if (reason !== undefined) console.warn(`skipped: the slow link, since ${reason}`);
test.skipIf(reason !== undefined)(
  'a slow link that loses packets: nothing is lost or doubled',
  async () => {
    const { exchanged, lost, packetsLost } = await slowLink(4, 20, { delay: 20, loss: 0.05, rate: 250_000 });
    expect({ exchanged, lost }).toEqual({ exchanged: 80, lost: 0 });
    expect(packetsLost).toBeGreaterThan(0);
  },
  300_000,
);
