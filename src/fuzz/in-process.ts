import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { aText, checkOptions, delay, integer, limit, natural, positive } from '../options.ts';
import type { CoverageGuidedOptions, InProcessReport } from './coverage-guided.ts';

export interface InProcessOptions extends Omit<CoverageGuidedOptions, 'counts' | 'onRun'> {
  /** The most milliseconds for one input. Default 10,000. */
  timeout?: number | undefined;
}

/** Memory shared by the thread that runs the targets and the thread that watches it. */
export interface Shared {
  /** The number of runs begun, the index of the target, the length of the input. */
  readonly state: Int32Array;
  readonly input: Uint8Array;
}

/** A message from the worker thread. */
export type Answer =
  | { readonly names: readonly string[] }
  | { readonly report: InProcessReport }
  | { readonly problem: string };

const MOST_INPUT = 65_536;
/** Milliseconds between two checks on the worker thread. */
const TURN = 100;

/**
 * Fuzz the framings, codecs, protocols and functions that a module exports, guided by coverage, in a thread of this process. The
 * watching thread detects an input that does not end.
 *
 * @param module - the URL of the module
 * @throws TypeError if the module cannot be loaded, or exports nothing to fuzz
 *
 * @example
 * const { failures } = await fuzzInProcess(new URL('targets.mjs', import.meta.url).href, { seconds: 5, corpus: 'test/corpus' });
 */
export async function fuzzInProcess(
  module: string,
  options: InProcessOptions = {},
): Promise<InProcessReport> {
  aText('fuzzInProcess: module', module);
  checkOptions('fuzzInProcess', options, {
    ...{ seconds: positive, runs: limit(1), seed: natural, corpus: aText, maxLength: natural },
    ...{ failures: integer(1), timeout: delay },
  });
  const { timeout = 10_000, ...others } = options;
  const shared: Shared = {
    state: new Int32Array(new SharedArrayBuffer(12)),
    input: new Uint8Array(new SharedArrayBuffer(MOST_INPUT)),
  };
  // The worker is next to this file, in the sources and in the build.
  const file = `./in-process-worker${path.extname(import.meta.filename)}`;
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: {
      module,
      shared,
      options: { ...others, maxLength: Math.min(others.maxLength ?? 512, MOST_INPUT) },
    },
  });
  const begun = performance.now();
  let names: readonly string[] = [];
  let runs = 0;
  let silent = 0;
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise<InProcessReport>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('fuzz: a target has ended its thread')));
      worker.on('message', (answer: Answer) => {
        if ('names' in answer) names = answer.names;
        else if ('problem' in answer) reject(new TypeError(answer.problem));
        else resolve({ ...answer.report, failures: answer.report.failures.map(asBuffer) });
      });
      watch = setInterval(() => {
        const [now = 0, target = 0, length = 0] = shared.state;
        silent = now === runs && now > 0 ? silent + 1 : 0;
        runs = now;
        // Counted in turns, so time for which this process is stopped does not count.
        if (silent * TURN < timeout) return;
        const input = Buffer.from(shared.input.slice(0, length));
        const text = `has not ended within ${timeout} ms`;
        const failures = [{ target: names[target] ?? '', text, input }];
        const seconds = (performance.now() - begun) / 1_000;
        const { seed = 1 } = others;
        resolve({ seed, seconds, runs, functions: 0, reached: 0, inputs: 0, added: 0, failures });
      }, TURN);
    });
  } finally {
    clearInterval(watch);
    worker.removeAllListeners('exit');
    await worker.terminate();
  }
}

/** A Buffer arrives from another thread as a Uint8Array. */
function asBuffer<T extends { readonly input: Uint8Array }>(failure: T): T & { input: Buffer } {
  return { ...failure, input: Buffer.from(failure.input) };
}
