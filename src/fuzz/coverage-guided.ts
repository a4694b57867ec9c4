import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { showThrown } from '../bytes/show.ts';
import { seededNumbers } from '../captures/seeded-numbers.ts';
import { isProtocolError } from '../errors.ts';
import { havoc } from '../tools/fuzz/havoc.ts';
import type { FuzzTarget } from '../tools/fuzz/targets.ts';
import { Coverage } from './coverage.ts';

export interface CoverageGuidedOptions {
  /** Seconds to run. Default 60. */
  seconds?: number | undefined;
  /** The most runs. Default: no limit. */
  runs?: number | undefined;
  /** Default 1. */
  seed?: number | undefined;
  /** A folder of inputs to start with, one subfolder for each target. Inputs that reach new code are added. */
  corpus?: string | undefined;
  /** The most bytes of an input. Default 512. */
  maxLength?: number | undefined;
  /** How many different failures end the run. Default 10. */
  failures?: number | undefined;
  /** Whether the code of a script counts, by its URL. Default: all code except that of Node, of node_modules and of the fuzzer. */
  counts?: ((url: string) => boolean) | undefined;
  /** Called before each run. */
  onRun?: ((target: number, input: Buffer) => void) | undefined;
}

/** An input that breaks a promise. */
export interface InProcessFailure {
  readonly target: string;
  readonly text: string;
  readonly input: Buffer;
}

export interface InProcessReport {
  readonly seed: number;
  readonly seconds: number;
  readonly runs: number;
  /** Functions that have run, and characters of code that have run. */
  readonly functions: number;
  readonly reached: number;
  /** Inputs that together reach all of it, and how many of them are new in the corpus. */
  readonly inputs: number;
  readonly added: number;
  readonly failures: readonly InProcessFailure[];
}

/** Inputs run between two questions about coverage, since a question takes milliseconds. */
const BATCH = 256;

/**
 * Give targets random inputs, and keep the inputs that reach code no earlier input has reached; later inputs are made from those.
 * Synchronous: it returns when its time is over.
 */
export function coverageGuided(
  targets: readonly FuzzTarget[],
  options: CoverageGuidedOptions = {},
): InProcessReport {
  const { seconds = 60, runs: most = Infinity, seed = 1, maxLength = 512, failures: enough = 10 } = options;
  const { onRun = () => {} } = options;
  const { counts = isOfTargets } = options;
  const random = seededNumbers(seed);
  const begun = performance.now();
  const folders = targets.map(({ name }) => options.corpus && path.join(options.corpus, name));
  const corpus = folders.map((folder) => [Buffer.alloc(0), ...inputsIn(folder)]);
  const failures: InProcessFailure[] = [];
  const known = new Set<string>();
  let runs = 0;
  let added = 0;
  const coverage = new Coverage(counts);

  const run = (index: number, input: Buffer): void => {
    runs++;
    onRun(index, input);
    const text = failureOf(targets[index]!, input);
    if (text === undefined) return;
    const key = `${index} ${text.replace(/[0-9a-f]{2,}/g, '#')}`;
    if (known.has(key)) return;
    known.add(key);
    const small = smallest(input, (bytes) => failureOf(targets[index]!, bytes) !== undefined);
    failures.push({
      target: targets[index]!.name,
      text: failureOf(targets[index]!, small) ?? text,
      input: small,
    });
  };
  /** Run inputs, and keep those that reach new code. Halves are run again to find them, since asking takes longer than running. */
  const tryAll = (index: number, inputs: readonly Buffer[]): void => {
    for (const input of inputs) run(index, input);
    const fresh = coverage.take();
    if (fresh.size === 0) return;
    if (inputs.length > 1) {
      const half = Math.ceil(inputs.length / 2);
      tryAll(index, inputs.slice(0, half));
      tryAll(index, inputs.slice(half));
      return;
    }
    coverage.know(fresh);
    const [input] = inputs as [Buffer];
    if (corpus[index]!.some((one) => one.equals(input))) return;
    corpus[index]!.push(input);
    added++;
    const folder = folders[index];
    if (folder !== undefined) writeInput(folder, input);
  };

  try {
    coverage.take();
    // The coverage of the corpus is taken as a whole.
    for (const [index, inputs] of corpus.entries()) for (const input of inputs) run(index, input);
    coverage.know(coverage.take());
    const end = begun + seconds * 1_000;
    for (let turn = 0; runs < most && performance.now() < end && failures.length < enough; turn++) {
      const index = turn % targets.length;
      const inputs = corpus[index]!;
      // Inputs that were found later are picked more often.
      const pick = (): Buffer => inputs[Math.floor(inputs.length * (1 - random() ** 2))] ?? inputs[0]!;
      tryAll(
        index,
        Array.from({ length: BATCH }, () => havoc(pick(), pick(), maxLength, random)),
      );
    }
  } finally {
    coverage.stop();
  }
  return {
    seed,
    seconds: (performance.now() - begun) / 1_000,
    runs,
    functions: coverage.functions,
    reached: coverage.reached,
    inputs: corpus.reduce((sum, { length }) => sum + length, 0),
    added,
    failures,
  };
}

/** The folders of the fuzzer's own code. */
const OWN = ['.', '../tools/fuzz'].map((folder) => new URL(`${folder}/`, import.meta.url).href);

function isOfTargets(url: string): boolean {
  return (
    !url.startsWith('node:') &&
    !url.includes('/node_modules/') &&
    !OWN.some((folder) => url.startsWith(folder))
  );
}

function failureOf(target: FuzzTarget, input: Buffer): string | undefined {
  try {
    target.run(Buffer.from(input));
    return undefined;
  } catch (error) {
    return isProtocolError(error) ? undefined : showThrown(error);
  }
}

/** The shortest input that still fails: leave out halves, then smaller parts. */
function smallest(input: Buffer, fails: (input: Buffer) => boolean): Buffer {
  let small = input;
  for (let size = Math.ceil(small.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < small.length; ) {
      const without = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      if (fails(without)) small = without;
      else at += size;
    }
  }
  return small;
}

function inputsIn(folder: string | undefined): Buffer[] {
  if (folder === undefined) return [];
  try {
    return readdirSync(folder)
      .sort()
      .map((file) => readFileSync(path.join(folder, file)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function writeInput(folder: string, input: Buffer): void {
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  writeFileSync(path.join(folder, name), input);
}
