import { safeText } from '../bytes/show.ts';
import { plain } from '../protocol/recording/plain.ts';
import type { ViewEvent } from '../tools/view/document.ts';
import { fromDocumentValue } from '../tools/view/document-value.ts';
import { compareSequences, type Step } from './compare-sequences.ts';
import { type EventFilterOptions, eventFilter, withEventFilter } from './event-filter.ts';
import { EventLines } from './event-lines.ts';
import { protocolOption } from './load-protocol.ts';
import { print } from './print.ts';
import { openRecording, recordingForms } from './recording.ts';
import { paint } from './terminal.ts';
import { examples, type Verb } from './verb.ts';

interface DiffOptions extends EventFilterOptions {
  protocol: string;
  ignore?: string[];
  json?: boolean;
}

/** `diff`: compare two recordings as messages. */
export const diff: Verb = (program) => {
  withEventFilter(
    program
      .command('diff')
      .description('compare two recordings message by message and field by field, without their times')
      .argument('<a>', recordingForms)
      .argument('<b>', 'the other recording')
      .addOption(protocolOption()),
  )
    .option('--ignore <path...>', 'fields to ignore, by message type and path: hello.token items[].id')
    .option('--json', 'print each difference as a line of JSON')
    .addHelpText(
      'after',
      examples(
        'wirepipe diff before.ndjson after.ndjson',
        'wirepipe diff monday.pcap tuesday.pcap --ignore hello.token --from server',
      ),
    )
    .action(run);
};

/** A message or a mark of a recording, prepared for comparison. */
interface Item {
  readonly event: ViewEvent;
  /** Equal for items that count as the same. */
  readonly key: string;
  readonly value: unknown;
}

async function run(a: string, b: string, options: DiffOptions): Promise<void> {
  const faults: string[] = [];
  const [left, right] = [await read(a, options, faults), await read(b, options, faults)];
  const steps = compareSequences(left, right, (item) => item.key).filter(({ is }) => is !== 'same');
  await print(options.json ? jsonLines(steps) : lines(steps));
  for (const fault of faults) console.error(`wirepipe: ${safeText(fault)}`);
  if (steps.length > 0 || faults.length > 0) process.exitCode = 1;
}

async function read(file: string, options: DiffOptions, faults: string[]): Promise<Item[]> {
  const passes = eventFilter(options);
  const ignored = new Set(options.ignore);
  const recording = await openRecording(file, options.protocol, { spans: false, isAlone: true });
  const items: Item[] = [];
  for await (const event of recording.events) {
    if (!passes(event)) continue;
    const value = comparedValue(event, ignored);
    items.push({ event, value, key: JSON.stringify([event.connection, event.from, event.is, value]) });
  }
  if (recording.fault !== undefined) faults.push(recording.fault);
  return items;
}

/** The compared part of an event, as plain JSON. */
function comparedValue(event: ViewEvent, ignored: ReadonlySet<string>): unknown {
  if (event.is !== 'message') return event.text;
  if (event.error !== undefined) return { error: event.error.code, bytes: event.bytes };
  const without = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => without(item, `${path}[]`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, one]) => [name, path === '' ? name : `${path}.${name}`, one] as const)
        .filter(([, at]) => !ignored.has(`${event.type}.${at}`))
        .map(([name, at, one]) => [name, without(one, at)]),
    );
  };
  return without(plain(fromDocumentValue(event.value)), '');
}

function* lines(steps: readonly Step<Item>[]): Generator<string> {
  const events = new EventLines({});
  const line = (sign: string, { event }: Item): string =>
    paint(sign === '-' ? 'red' : 'green', `${sign} ${events.of(event, true)}`);
  for (const step of steps) {
    if (step.is === 'changed' || step.is === 'missing') yield line('-', step.left);
    if (step.is === 'changed' || step.is === 'added') yield line('+', step.right);
    if (step.is !== 'changed') continue;
    for (const [path, before, after] of fieldsOf(step.left.value, step.right.value, '')) {
      yield safeText(`    ${path}: ${textOf(before)} → ${textOf(after)}`);
    }
  }
}

function* jsonLines(steps: readonly Step<Item>[]): Generator<string> {
  for (const step of steps) {
    const a = step.is === 'changed' || step.is === 'missing' ? step.left : undefined;
    const b = step.is === 'changed' || step.is === 'added' ? step.right : undefined;
    const { connection, from } = (a ?? b)!.event;
    const fields = step.is === 'changed' ? fieldsOf(step.left.value, step.right.value, '') : undefined;
    yield JSON.stringify({
      is: step.is,
      connection,
      from,
      a: a?.value,
      b: b?.value,
      fields: fields?.map(([path, before, after]) => ({ path, a: before, b: after })),
    });
  }
}

type FieldDifference = readonly [path: string, before: unknown, after: unknown];

function fieldsOf(before: unknown, after: unknown, path: string): FieldDifference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) {
    return [[path, before, after]];
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const place = Array.isArray(after) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    return fieldsOf(
      (before as Record<string, unknown>)[name],
      (after as Record<string, unknown>)[name],
      place,
    );
  });
}

function textOf(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
