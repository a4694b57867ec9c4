import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { safeText } from '../bytes/show.ts';
import { failingTest } from '../fuzz/failing-test.ts';
import type { Failure, FuzzReport } from '../fuzz/fuzz.ts';
import { eventLine, headerLine } from '../protocol/recording/capture-line.ts';
import type { Endpoint } from './endpoint.ts';
import type { LoadedProtocol } from './load-protocol.ts';
import { UsageError } from './usage-error.ts';
import { writeWhole } from './write-whole.ts';

/** The settings written into the tests of failures. */
interface Setting {
  readonly specifier: string;
  readonly protocol: LoadedProtocol;
  readonly place: Endpoint;
  readonly judging: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** Writes the capture of each failure, and a test beside it. */
export class FailureFiles {
  readonly #out: string | undefined;
  readonly #setting: Setting;

  /** @param out - the file of the first failure; if undefined, nothing is written */
  constructor(out: string | undefined, setting: Setting) {
    if (out !== undefined && !/\.ndjson(\.gz)?$/.test(out)) {
      throw new UsageError(`--out wants a file whose name ends in .ndjson or .ndjson.gz, got '${out}'`);
    }
    this.#out = out;
    this.#setting = setting;
  }

  /** Write the files of a failure. Returns their paths, the capture first. */
  async write(failure: Failure, number: number): Promise<readonly string[]> {
    if (this.#out === undefined) return [];
    const { specifier, protocol, place, judging } = this.#setting;
    const capture = this.#out.replace(/(\.ndjson(?:\.gz)?)$/, number === 1 ? '$1' : `-${number}$1`);
    const text =
      headerLine({ protocol: protocol.name, by: 'wirepipe fuzz' }) + failure.events.map(eventLine).join('');
    await writeWhole(capture, capture.endsWith('.gz') ? gzipSync(text) : text);
    if (place.kind === 'serial') return [capture];
    const test = capture.replace(/\.ndjson(\.gz)?$/, '.test.mjs');
    const { module, name } = await importOf(specifier, protocol, path.dirname(path.resolve(test)));
    const title = `it ${failure.text}`;
    const options = {
      title,
      capture: path.basename(capture),
      module,
      name,
      judging,
      tls: place.kind === 'tls',
    };
    await writeWhole(test, failingTest({ ...options, place }));
    return [capture, test];
  }
}

/** The module specifier and the export by which a test in that folder imports the protocol. */
async function importOf(
  specifier: string,
  protocol: LoadedProtocol,
  folder: string,
): Promise<{ module: string; name: string }> {
  if (specifier === 'drone') return { module: 'wirepipe/drone', name: 'drone' };
  const [file = ''] = specifier.split('#');
  const module = await import(pathToFileURL(path.resolve(file)).href);
  const name = Object.keys(module).find((one) => module[one] === protocol) ?? 'default';
  const relative = path.relative(folder, path.resolve(file)).replaceAll(path.sep, '/');
  return { module: relative.startsWith('.') ? relative : `./${relative}`, name };
}

const MOST_SHOWN = 24;
const MOST_BYTES = 48;

/** The printed lines of a failure. */
export function failureLines(
  { kind, text, state, attack, events, repeats }: Failure,
  number: number,
  files: readonly string[],
  isJson: boolean,
): string[] {
  const [capture, test] = files;
  if (isJson) {
    return [JSON.stringify({ failure: number, kind, text, state, attack, repeats, capture, test })];
  }
  const shown = events.flatMap((event) => {
    if (event.event === 'state') return [`    (${event.state})`];
    if (!('from' in event)) return [];
    const arrow = event.from === 'client' ? '→' : '←';
    if (event.event !== 'data') return [`    ${arrow} ${event.event}`];
    const hex = event.bytes.subarray(0, MOST_BYTES).toString('hex').replace(/../g, '$& ').trim();
    return [
      `    ${arrow} ${hex}${event.bytes.length > MOST_BYTES ? ` … (${event.bytes.length} bytes)` : ''}`,
    ];
  });
  return [
    safeText(`failure ${number}, ${kind}: it ${text}`),
    safeText(`  attack ${attack.number} (${attack.kind}) in state '${state}': ${attack.what}`),
    ...(repeats ? [] : ['  It did not happen again in a replay.']),
    ...shown.slice(0, MOST_SHOWN),
    ...(shown.length > MOST_SHOWN ? [`    … ${shown.length - MOST_SHOWN} more`] : []),
    ...(files.length > 0 ? [`  ${files.join(', ')}`] : []),
    '',
  ];
}

/** The printed lines of a report. */
export function reportLines(report: FuzzReport, isJson: boolean): string[] {
  const { seed, seconds, attacks, failures, reached, unreached, unsent } = report;
  if (isJson) {
    return [
      JSON.stringify({ seed, seconds, attacks, failures: failures.length, reached, unreached, unsent }),
    ];
  }
  const total = Object.values(attacks).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(attacks).map(([kind, count]) => `${kind} ${count}`);
  return [
    `${total.toLocaleString('en')} attacks in ${seconds.toFixed(1)} s, seed ${seed}: ${each.join(', ')}`,
    ...unreached.map(
      (state) =>
        `state '${state}' was not reached: give messages that lead there with --using, such as 'STATE: MESSAGE'`,
    ),
    ...unsent.map((type) => `no valid '${type}' is known: give one with --using`),
    `states attacked: ${reached.join(', ') || 'none'}`,
    failures.length === 0 ? 'nothing found' : `${failures.length} found`,
  ];
}
