// The thread of `fuzzInProcess`: loads the module, and runs its targets.
import { parentPort, workerData } from 'node:worker_threads';
import { showThrown } from '../bytes/show.ts';
import { targetsOf } from '../tools/fuzz/targets.ts';
import { type CoverageGuidedOptions, coverageGuided } from './coverage-guided.ts';
import type { Answer, Shared } from './in-process.ts';

const { module, shared, options } = workerData as {
  module: string;
  shared: Shared;
  options: CoverageGuidedOptions;
};

function answer(message: Answer): void {
  parentPort?.postMessage(message);
}

async function work(): Promise<void> {
  let exported: Record<string, unknown>;
  try {
    exported = await import(module);
  } catch (error) {
    answer({ problem: `cannot load the module: ${showThrown(error)}` });
    return;
  }
  const targets = targetsOf(exported);
  if (targets.length === 0) {
    answer({
      problem:
        'the module exports nothing to be fuzzed: a framing, a codec, a protocol or a function of bytes',
    });
    return;
  }
  answer({ names: targets.map(({ name }) => name) });
  // The main thread gets the names before the first input, which may hang.
  await new Promise((resolve) => setImmediate(resolve));
  const report = coverageGuided(targets, {
    ...options,
    onRun(target, input) {
      shared.input.set(input.subarray(0, shared.input.length));
      shared.state[1] = target;
      shared.state[2] = input.length;
      Atomics.add(shared.state, 0, 1);
    },
  });
  answer({ report });
}

await work();
