import { safeText, showThrown } from '../bytes/show.ts';
import { plain } from '../protocol/recording/plain.ts';
import type { ViewDocument, ViewEvent, ViewMessage } from '../tools/view/document.ts';
import { fromDocumentValue } from '../tools/view/document-value.ts';
import { aboutEvent, eventKind, eventLine, leavesOf, valueText } from '../tools/view/show-event.ts';
import { parseWhere, type Where } from '../tools/where.ts';
import { protocolOption } from './load-protocol.ts';
import { showMessage } from './message-text.ts';
import { print } from './print.ts';
import { readRecording, recordingForms } from './recording.ts';
import { paint } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

interface DecodeOptions {
  protocol: string;
  where?: string;
  hex?: boolean;
  json?: boolean;
  stats?: boolean;
}

/** `decode`: the messages of recordings, a line each. */
export const decode: Verb = (program) => {
  program
    .command('decode')
    .description('print the messages of recordings, a line each: time, connection, direction, state, message')
    .argument('<file...>', recordingForms)
    .addOption(protocolOption())
    .option('--where <filter>', "only what passes, such as 'type = move and x > 10' or '@from = client'")
    .option('--hex', "show each message's bytes, field by field")
    .option('--json', 'print each message as a line of JSON')
    .option('--stats', 'count by type in place of the messages: how many, and their sizes in bytes')
    .addHelpText(
      'after',
      examples(
        "wirepipe decode flight.pcap --where 'type = move and x > 10'",
        'wirepipe decode --stats flight.jsonl',
      ),
    )
    .action(run);
};

async function run(files: string[], options: DecodeOptions): Promise<void> {
  const where = filterOf(options.where);
  for (const file of files) {
    const document = await readRecording(file, options.protocol);
    const events = document.events.filter((event) => where(messageOf(event), aboutEvent(event)));
    if (options.stats) await print(options.json ? [JSON.stringify(statsOf(events))] : table(statsOf(events)));
    else if (options.json) await print(jsonLines(events));
    else await print(lines(document, events, options.hex === true));
  }
}

function filterOf(text: string | undefined): Where {
  if (text === undefined) return () => true;
  try {
    return parseWhere(text);
  } catch (error) {
    throw new UsageError(`--where: ${showThrown(error)}`);
  }
}

function messageOf(event: ViewEvent): object {
  const value = event.is === 'message' ? fromDocumentValue(event.value) : undefined;
  return typeof value === 'object' && value !== null ? value : {};
}

function* jsonLines(events: readonly ViewEvent[]): Generator<string> {
  for (const event of events) {
    const { connection, from, time } = event;
    if (event.is !== 'message') {
      yield JSON.stringify({ connection, from, time, mark: event.is, text: event.text });
      continue;
    }
    const { state, bytes, error, breach } = event;
    const message = error === undefined ? plain(messageOf(event)) : undefined;
    yield JSON.stringify({ connection, from, time, state, message, bytes, error, breach });
  }
}

function* lines(
  { connections }: ViewDocument,
  events: readonly ViewEvent[],
  withHex: boolean,
): Generator<string> {
  for (const event of events) {
    const time = paint('dim', `${event.time.toFixed(1).padStart(9)} ms`);
    const connection = connections.length > 1 ? `#${event.connection} ` : '';
    const arrow = event.from === 'client' ? paint('cyan', '→') : paint('green', '←');
    const state = ((event.is === 'message' && event.state) || '').padEnd(13);
    yield `${time}  ${connection}${arrow} ${safeText(state)}  ${textOf(event)}`;
    if (withHex && event.is === 'message') yield* fieldsOf(event);
  }
}

function textOf(event: ViewEvent): string {
  if (event.is !== 'message' || event.error !== undefined) return paint('red', safeText(eventLine(event)));
  const breach = event.breach === undefined ? '' : paint('red', safeText(`  (${event.breach})`));
  return `${showMessage(messageOf(event))}${breach}`;
}

/** The bytes of a message, a field a line: offset, bytes, path, value. */
function* fieldsOf(message: ViewMessage): Generator<string> {
  const line = (at: number, end: number, text: string): string => {
    const bytes = message.bytes.slice(2 * at, 2 * end).replace(/(..)(?=.)/g, '$1 ');
    return safeText(`${' '.repeat(14)}${String(at).padStart(5)}  ${bytes.padEnd(24)}  ${text}`).trimEnd();
  };
  let at = 0;
  for (const [path, start, end, value] of leavesOf(message)) {
    if (start > at) yield line(at, start, '');
    yield line(start, end, `${path} ${valueText(value)}`);
    at = Math.max(at, end);
  }
  if (at < message.bytes.length / 2) yield line(at, message.bytes.length / 2, '');
}

interface Count {
  readonly from: string;
  readonly type: string;
  count: number;
  bytes: number;
  smallest: number;
  largest: number;
}

function statsOf(events: readonly ViewEvent[]): Count[] {
  const counts = new Map<string, Count>();
  for (const event of events) {
    const type = eventKind(event);
    const key = `${event.from} ${type}`;
    const size = event.is === 'message' ? event.bytes.length / 2 : 0;
    const known = counts.get(key);
    if (known === undefined) {
      counts.set(key, { from: event.from, type, count: 1, bytes: size, smallest: size, largest: size });
      continue;
    }
    known.count++;
    known.bytes += size;
    known.smallest = Math.min(known.smallest, size);
    known.largest = Math.max(known.largest, size);
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function* table(counts: readonly Count[]): Generator<string> {
  const cells = counts.map((one) =>
    [one.count, one.bytes, one.smallest, one.largest, one.from, one.type].map(String),
  );
  const all = [['count', 'bytes', 'smallest', 'largest', 'from', 'type'], ...cells];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  for (const row of all) {
    const shown = row.map((cell, i) => (i < 4 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
    yield safeText(shown.join('  ')).trimEnd();
  }
}
