/**
 * `npm run fuzz -- [SECONDS [SEED [TARGET [PATH]]]]`: random inputs against every target, or against one. The same seed gives the
 * same inputs. A failure prints the smallest input that still fails, and how to run it again; exit status 1.
 */
import { writeSync } from 'node:fs';
import fc from 'fast-check';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

const [seconds = '60', seed = String(Math.floor(Math.random() * 2 ** 31)), only, path] =
  process.argv.slice(2);
if (!(Number(seconds) >= 0) || !Number.isSafeInteger(Number(seed))) {
  console.error('usage: npm run fuzz -- [SECONDS [SEED [TARGET [PATH]]]]');
  process.exit(2);
}
const chosen = only === undefined ? targets : targets.filter(({ name }) => name === only);
if (chosen.length === 0) {
  console.error(`no such target: ${only} (there are: ${targets.map(({ name }) => name).join(', ')})`);
  process.exit(2);
}

/** The longest that a failure is made smaller for, in milliseconds. */
const SHRINKING = 60_000;
const end = performance.now() + Number(seconds) * 1_000;
const counts = new Map<string, number>();

/** One slice of time for one target, from one seed; the process ends where it fails. */
async function attack({ name, property }: Target, from: number, milliseconds: number): Promise<void> {
  // A run that never gives the processor back is known by this line being the last.
  if (process.env.FUZZ_TRACE) writeSync(2, `${name} from seed ${from}\n`);
  const options = { seed: from, numRuns: 1_000_000, ...(path !== undefined && { path }) };
  const result = await fc.check(property, { ...options, interruptAfterTimeLimit: milliseconds });
  counts.set(name, (counts.get(name) ?? 0) + result.numRuns);
  if (!result.failed || result.counterexample === null) return;
  const smaller = await fc.check(property, {
    ...options,
    path: result.counterexamplePath ?? '',
    interruptAfterTimeLimit: SHRINKING,
  });
  const { counterexample, errorInstance, counterexamplePath } = smaller.failed ? smaller : result;
  console.error(`\n${name} failed, with the input\n\n  ${fc.stringify(counterexample)}\n`);
  console.error(errorInstance instanceof Error ? errorInstance.stack : errorInstance);
  console.error(
    `\nagain: npm run fuzz -- 1 ${from} ${name} ${counterexamplePath ?? result.counterexamplePath}`,
  );
  process.exit(1);
}

for (let round = 0; round === 0 || performance.now() < end; round++) {
  for (const target of chosen) {
    const left = Math.max(100, end - performance.now());
    await attack(target, Number(seed) + round, path === undefined ? Math.min(left, 3_000) : SHRINKING);
  }
  if (path !== undefined) break;
}
const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
const each = [...counts].map(([name, count]) => `${name} ${count.toLocaleString('en')}`).join(', ');
console.log(`${total.toLocaleString('en')} inputs from seed ${seed}, none failed: ${each}`);
process.exit(0);
