import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventLine, headerLine } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { shrinkCapture } from '../testing/shrink-capture.ts';
import { CaptureDescriber } from './capture-describer.ts';
import { type EventFilterOptions, eventFilter, withEventFilter } from './event-filter.ts';
import { type LoadedProtocol, loadProtocol, protocolOption } from './load-protocol.ts';
import { OutFile } from './out-file.ts';
import { captureFileEvents, captureForms } from './recording.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

interface ShrinkOptions extends EventFilterOptions {
  protocol: string;
  out: string;
  fails?: string;
}

/** `shrink`: find the smallest capture that still shows a fault. */
export const shrink: Verb = (program) => {
  withEventFilter(
    program
      .command('shrink')
      .description(
        'find the smallest capture that still fails, by leaving out messages, then chunks, then bytes',
      )
      .argument('<file>', `${captureForms}; - is stdin`)
      .requiredOption('--out <file>', 'the file to write, replaced atomically; gzip if it ends in .gz')
      .addOption(protocolOption()),
  )
    .option(
      '--fails <command>',
      "a shell command that fails while the fault is there; {} stands for the capture's path, which else is appended",
    )
    .addHelpText(
      'after',
      examples(
        "wirepipe shrink flight.pcap --out small.ndjson --where '@error = ERR_MESSAGE_UTF8'",
        "wirepipe shrink flight.ndjson --out small.ndjson --fails 'node replay-into-my-parser.js {}'",
      ),
    )
    .action(run);
};

async function run(file: string, options: ShrinkOptions): Promise<void> {
  const hasFilter = [options.where, options.connection, options.from].some((one) => one !== undefined);
  if ((options.fails === undefined) !== hasFilter) {
    throw new UsageError(
      'shrink wants either --fails COMMAND or a filter that some message passes (--where)',
    );
  }
  const passes = eventFilter(options);
  // Fails early if the file cannot be written.
  const out = new OutFile(options.out);
  const protocol = await loadProtocol(options.protocol);
  const events: CaptureEvent[] = [];
  for await (const event of captureFileEvents(file)) events.push(event);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-shrink-'));
  try {
    const fails =
      options.fails === undefined
        ? (some: readonly CaptureEvent[]) => shows(some, protocol, passes)
        : (some: readonly CaptureEvent[]) =>
            commandFails(options.fails!, some, path.join(folder, 'capture.ndjson'));
    if (!fails(events)) {
      throw new UsageError(
        `${file}: ${options.fails === undefined ? 'no message passes the filter' : 'the command does not fail'}`,
      );
    }
    const small = await shrinkCapture(events, fails, protocol as never);
    const text = textOf(small, protocol.name);
    const content = options.out.endsWith('.gz') ? gzipSync(text) : text;
    await out.take((beside) => writeFile(beside, content));
    console.log(`${countOf(events)} → ${countOf(small)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** True if any of these events passes the filter. */
function shows(
  events: readonly CaptureEvent[],
  protocol: LoadedProtocol,
  passes: ReturnType<typeof eventFilter>,
): boolean {
  const describer = new CaptureDescriber(protocol, { spans: false });
  return events.some((event) => describer.event(event).some(passes)) || describer.finish().some(passes);
}

function commandFails(command: string, events: readonly CaptureEvent[], file: string): boolean {
  writeFileSync(file, textOf(events));
  const script = command.includes('{}') ? command.replaceAll('{}', '"$1"') : `${command} "$1"`;
  const { status } = spawnSync('sh', ['-c', script, 'sh', file], { stdio: 'ignore' });
  if (status === 126 || status === 127) throw new UsageError(`--fails: there is no such command: ${command}`);
  return status !== 0;
}

function textOf(events: readonly CaptureEvent[], protocol?: string): string {
  return headerLine({ protocol, by: 'wirepipe shrink' }) + events.map(eventLine).join('');
}

function countOf(events: readonly CaptureEvent[]): string {
  const bytes = events.reduce((sum, event) => sum + (event.event === 'data' ? event.bytes.length : 0), 0);
  return `${events.length} events, ${bytes} bytes`;
}
