import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { safeText, showThrown } from '../bytes/show.ts';
import type { InProcessReport } from '../fuzz/coverage-guided.ts';
import { fuzzInProcess } from '../fuzz/in-process.ts';
import { UsageError } from './usage-error.ts';
import { writeWhole } from './write-whole.ts';

/** The options of `fuzz --in-process`. */
export interface InProcessVerbOptions {
  inProcess: string;
  corpus?: string;
  seconds: number;
  attacks?: number;
  seed: number;
  timeout: number;
  failures: number;
  out?: string;
  json?: boolean;
}

/** `fuzz --in-process`: call the exports of a module with random bytes, guided by the code coverage they reach. */
export async function fuzzModule(options: InProcessVerbOptions): Promise<void> {
  const { inProcess, corpus, seconds, attacks: runs, seed, out, failures: most, json = false } = options;
  const file = path.resolve(inProcess);
  if (!existsSync(file)) throw new UsageError(`--in-process ${inProcess}: no such file`);
  let report: InProcessReport;
  try {
    report = await fuzzInProcess(pathToFileURL(file).href, {
      corpus,
      seconds,
      runs,
      seed,
      failures: most,
      // Computation may take longer than a reply over a network.
      timeout: 5 * options.timeout,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`--in-process ${inProcess}: ${showThrown(error)}`);
    throw error;
  }
  const { failures } = report;
  if (out !== undefined && failures[0] !== undefined) await writeWhole(out, failures[0].input);
  for (const line of json ? jsonLines(report) : textLines(report)) console.log(line);
  if (failures.length > 0) process.exitCode = 1;
}

function jsonLines({ failures, ...report }: InProcessReport): string[] {
  const found = failures.map((one, index) => ({
    failure: index + 1,
    ...one,
    input: one.input.toString('hex'),
  }));
  return [...found, { ...report, failures: failures.length }].map((one) => JSON.stringify(one));
}

function textLines({
  failures,
  runs,
  seconds,
  seed,
  functions,
  reached,
  inputs,
  added,
}: InProcessReport): string[] {
  const found = failures.flatMap(({ target, text, input }, index) => [
    safeText(`failure ${index + 1}, ${target}: ${text}`),
    `  ${input.toString('hex') || '(no bytes)'}`,
  ]);
  const count = (number: number): string => number.toLocaleString('en');
  return [
    ...found,
    `${count(runs)} inputs in ${seconds.toFixed(1)} s, seed ${seed}: ${count(reached)} characters of code in ${count(functions)} functions, reached by ${inputs} inputs, ${added} of them new`,
    failures.length === 0 ? 'nothing found' : `${failures.length} found`,
  ];
}
