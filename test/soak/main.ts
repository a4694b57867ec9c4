// Long tests of a server and its clients. Each prints what it has found, and the run fails where that is not as it must be.
//
//   npm run soak -- [NAMES…]      (default all; the seed of `requests` is the time, or WIREPIPE_SEED)
import { noNats } from '../support/nats-server.ts';
import { ATTACKS, attack } from './attacks.ts';
import { churn } from './churn.ts';
import { crowd } from './crowd.ts';
import { fleetUnderFire } from './fleet.ts';
import { killed } from './killed.ts';
import { noLink } from './lossy-link.ts';
import { requests } from './requests.ts';
import { restart } from './restart.ts';
import { slowLink } from './slow-link.ts';

const seed = Number(process.env.WIREPIPE_SEED ?? Date.now() >>> 0);

/** What a long test has found, and whether that is as it must be. */
type Soak = () => Promise<{ readonly found: object; readonly isRight: boolean }>;

const SOAKS: Record<string, Soak> = {
  async requests() {
    const { seed: _, strays, ...ends } = await requests(1_000_000, seed);
    const sum = Object.values(ends).reduce((all: number, count) => all + count, 0);
    return { found: { ...ends, strays, seed }, isRight: sum === 1_000_000 };
  },
  async crowd() {
    const found = await crowd(10_000, 10);
    return {
      found,
      isRight: found.lost === 0 && found.exchanged === 100_000 && found.connections === 10_000,
    };
  },
  async churn() {
    const found = await churn(100_000);
    return { found, isRight: found.left === 0 && found.handleGrowth <= 2 && found.heapGrowth < 2 ** 21 };
  },
  async restart() {
    const found = await restart(20_000, 40, 500);
    return { found, isRight: found.lost === 0 && found.served === 20_000 && found.replaced > 0 };
  },
  async killed() {
    const found = await killed(20, 20);
    return { found, isRight: found.wrong.length === 0 && found.answered > 0 && found.lost > 0 };
  },
  async fleet() {
    if (noNats !== undefined) return { found: { skipped: noNats }, isRight: true };
    const settings = { gateways: 4, devices: 200, commanders: 40, kills: 60, every: 2_000, restarts: 15 };
    const found = await fleetUnderFire(settings);
    return { found, isRight: found.wrong.length === 0 && found.held === 200 && found.replied > 0 };
  },
  async attacks() {
    const ratios: Record<string, number> = {};
    for (const kind of Object.keys(ATTACKS)) {
      ratios[kind] = (await attack(kind, 500, 15)).ratio;
      console.log(`  ${kind}: ${ratios[kind]}`);
    }
    return {
      found: ratios,
      isRight: Object.entries(ATTACKS).every(([kind, { most }]) => ratios[kind]! <= most),
    };
  },
  async 'slow-link'() {
    const reason = noLink();
    if (reason !== undefined) return { found: { skipped: reason }, isRight: true };
    const found = await slowLink(10, 200, { delay: 40, loss: 0.03, rate: 250_000 });
    return { found, isRight: found.lost === 0 && found.exchanged === 2_000 };
  },
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in SOAKS));
if (unknown.length > 0)
  throw new Error(`there is no ${unknown.join(', ')}, only ${Object.keys(SOAKS).join(', ')}`);
for (const name of names.length > 0 ? names : Object.keys(SOAKS)) {
  const from = performance.now();
  const { found, isRight } = await SOAKS[name]!();
  console.log(
    `${name}: ${isRight ? 'as it must be' : 'WRONG'}, in ${Math.round((performance.now() - from) / 1_000)} s`,
  );
  console.log(found);
  if (!isRight) process.exitCode = 1;
}
