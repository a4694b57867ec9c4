/**
 * `npm run fuzz -- [SECONDS [SEED [TARGET [PATH]]]]`: random inputs against every target, or against one. The same seed gives the
 * same inputs. A failure prints the smallest input that still fails, and how to run it again; exit status 1.
 *
 * The attack runs in a process of its own: an input that never gives the processor back is found from outside.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { targets } from './targets.ts';

/** The longest that a failure is made smaller for, in milliseconds. */
const SHRINKING = 60_000;
/** The longest slice of time for one target before the next has its turn. */
const SLICE = 3_000;
/** An attacker that says nothing for so many seconds hangs: long enough for a machine that is busy with other things. */
const SILENCE = 300;

const [seconds = '60', seed = String(Math.floor(Math.random() * 2 ** 31)), only, replay] =
  process.argv.slice(2);
if (!(Number(seconds) >= 0) || !Number.isSafeInteger(Number(seed))) {
  console.error('usage: npm run fuzz -- [SECONDS [SEED [TARGET [PATH]]]]');
  process.exit(2);
}
const chosen = targets.filter(({ name }) => only === undefined || name === only);
if (chosen.length === 0) {
  console.error(`no such target: ${only} (there are: ${targets.map(({ name }) => name).join(', ')})`);
  process.exit(2);
}

/** The attacker's side: every target in turn, until the time is over or one fails. */
async function attack(): Promise<void> {
  const end = performance.now() + Number(seconds) * 1_000;
  const counts = new Map<string, number>();
  for (let round = 0; round === 0 || (replay === undefined && performance.now() < end); round++) {
    for (const { name, property } of chosen) {
      const from = Number(seed) + round;
      const slice =
        replay === undefined ? Math.min(SLICE, Math.max(100, end - performance.now())) : SHRINKING;
      const options = { seed: from, numRuns: 1_000_000, ...(replay !== undefined && { path: replay }) };
      process.send?.({ name, from });
      const result = await fc.check(property, { ...options, interruptAfterTimeLimit: slice });
      counts.set(name, (counts.get(name) ?? 0) + result.numRuns);
      if (!result.failed || result.counterexample === null) continue;
      const again = { ...options, path: result.counterexamplePath ?? '', interruptAfterTimeLimit: SHRINKING };
      const smaller = await fc.check(property, again);
      const { counterexample, errorInstance, counterexamplePath } = smaller.failed ? smaller : result;
      console.error(`\n${name} failed, with the input\n\n  ${fc.stringify(counterexample)}\n`);
      console.error(errorInstance instanceof Error ? errorInstance.stack : errorInstance);
      const place = counterexamplePath ?? result.counterexamplePath;
      console.error(`\nagain: npm run fuzz -- 1 ${from} ${name} ${place}`);
      process.exit(1);
    }
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const each = [...counts].map(([name, count]) => `${name} ${count.toLocaleString('en')}`).join(', ');
  console.log(`${total.toLocaleString('en')} inputs from seed ${seed}, none failed: ${each}`);
  process.exit(0);
}

/** Run an attacker until it ends; answers its exit status, or where it was when it fell silent. */
function watched(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number | { name: string; from: number }> {
  return new Promise((resolve) => {
    const child = fork(import.meta.filename, args, {
      env: { ...process.env, FUZZ_ATTACKER: '1', ...environment },
    });
    let place = { name: 'the start', from: Number(seed) };
    const hang = (): void => {
      child.kill('SIGKILL');
      resolve(place);
    };
    // Counted in our own ticks: a machine that is stopped for an hour stops both, and is not a silence of an hour.
    let ticks = 0;
    const ticking = setInterval(() => {
      if (++ticks === SILENCE) hang();
    }, 1_000);
    child.on('message', (message: typeof place) => {
      place = message;
      ticks = 0;
    });
    child.on('exit', (status) => {
      clearInterval(ticking);
      resolve(status ?? 1);
    });
  });
}

async function watch(): Promise<number> {
  const ended = await watched(process.argv.slice(2), {});
  if (typeof ended === 'number') return ended;
  if (!chosen.some(({ name }) => name === ended.name)) {
    console.error(`\nthe attacker has not begun within ${SILENCE} seconds`);
    return 1;
  }
  console.error(`\n${ended.name} hangs, from seed ${ended.from}; once more, with each input noted down:`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-fuzz-'));
  const note = path.join(folder, 'input.txt');
  writeFileSync(note, '');
  await watched(['1', String(ended.from), ended.name], { FUZZ_NOTE: note });
  console.error(`\n  ${readFileSync(note, 'utf8')}\n`);
  rmSync(folder, { recursive: true });
  return 1;
}

if (process.env.FUZZ_ATTACKER === undefined) process.exitCode = await watch();
else await attack();
