import { expect, test } from 'vitest';
import { fleetUnderFire } from '../soak/fleet.ts';
import { noNats } from '../support/nats-server.ts';

if (noNats !== undefined) console.warn(`skipped: a fleet under fire, since ${noNats}`);

// `npm run soak -- fleet` runs it for minutes.
test.skipIf(noNats !== undefined)(
  'gateways and NATS are killed under load: each command is executed once, refused, or unknown, and each device is served by one gateway',
  async () => {
    const settings = { gateways: 4, devices: 200, commanders: 40, kills: 3, every: 400, restarts: 1 };
    const result = await fleetUnderFire(settings);
    expect(result.wrong).toEqual([]);
    const { commands, replied, unknown, refused } = result;
    const sum = Object.values(refused).reduce((all, count) => all + count, replied + unknown);
    expect(sum).toBe(commands);
    expect(replied).toBeGreaterThan(200);
    expect(result.persistent).toBeGreaterThan(5);
    expect(result.takenOver).toBeGreaterThan(0);
    expect(result.held).toBe(200);
  },
  240_000,
);
