import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteBudget, type Holder } from '../../src/net/byte-budget.ts';

class Peer implements Holder {
  paused = false;
  held = 0;

  pause(paused: boolean): void {
    expect(paused).not.toBe(this.paused);
    this.paused = paused;
  }
}

test('below the maximum no connection is paused', () => {
  const budget = new ByteBudget(100);
  const peers = [new Peer(), new Peer()];
  for (const peer of peers) budget.hold(peer, 50);
  expect(budget.total).toBe(100);
  expect(peers.map(({ paused }) => paused)).toEqual([false, false]);
});

test('above the maximum large frames continue one at a time, and small frames always', () => {
  const budget = new ByteBudget(100);
  const [first, second, third, small] = [new Peer(), new Peer(), new Peer(), new Peer()];
  budget.hold(first, 40);
  budget.hold(second, 40);
  budget.hold(small, 1);
  budget.hold(first, 90);
  expect(first.paused).toBe(false);
  budget.hold(second, 60);
  budget.hold(third, 50);
  budget.hold(small, 2);
  expect([first, second, third, small].map(({ paused }) => paused)).toEqual([false, true, true, false]);
  budget.leave(first);
  expect([second, third].map(({ paused }) => paused)).toEqual([false, true]);
  budget.hold(second, 0);
  expect([second, third].map(({ paused }) => paused)).toEqual([false, false]);
  expect(budget.total).toBe(52);
});

test('for any sequence some connection may continue, and the total is correct and bounded', () => {
  const max = 1_000;
  const frame = 400;
  const step = 100;
  const turns = fc.array(fc.record({ who: fc.nat(19), what: fc.nat(9) }), { maxLength: 500 });
  fc.assert(
    fc.property(turns, (all) => {
      const budget = new ByteBudget(max);
      const peers = Array.from({ length: 20 }, () => new Peer());
      for (const { who, what } of all) {
        const peer = peers[who]!;
        if (what === 0) {
          peer.held = 0;
          peer.paused = false;
          budget.leave(peer);
        } else if (!peer.paused) {
          // A frame that is complete holds nothing any more.
          peer.held = peer.held + step > frame ? 0 : peer.held + step;
          budget.hold(peer, peer.held);
        }
        expect(budget.total).toBe(peers.reduce((sum, { held }) => sum + held, 0));
        // What all may have, a fair share each, one frame and what one read brings.
        expect(budget.total).toBeLessThanOrEqual(2 * max + frame + step);
        if (peers.some(({ paused }) => paused)) {
          expect(peers.some(({ held, paused }) => held > 0 && !paused)).toBe(true);
        }
        if (budget.total <= max) expect(peers.some(({ paused }) => paused)).toBe(false);
      }
    }),
  );
});
