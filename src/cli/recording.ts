import { stat } from 'node:fs/promises';
import { showThrown } from '../bytes/show.ts';
import { captureEvents } from '../captures/read-capture.ts';
import { fileChunks, unpackedChunks } from '../captures/read-chunks.ts';
import { CaptureError } from '../errors.ts';
import { FORMAT } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import {
  isViewDocument,
  type ViewConnection,
  type ViewDocument,
  type ViewEvent,
} from '../tools/view/document.ts';
import { CaptureDescriber } from './capture-describer.ts';
import { loadProtocol } from './load-protocol.ts';
import { Progress } from './progress.ts';
import { UsageError } from './usage-error.ts';

/** The forms of a capture file, for the help. */
export const captureForms = 'a capture (from tap or recordTo, pcap or pcapng; plain or gzip)';

/** The forms that `openRecording` accepts, for the help. */
export const recordingForms = `${captureForms}, or recorded chunks (lines of JSON), or a view document (JSON); - is stdin`;

/** A recording that is read while `events` is iterated. */
export interface Recording {
  readonly title: string;
  /** The name of the protocol. */
  readonly protocol: string;
  /** The connections seen so far. */
  readonly connections: readonly ViewConnection[];
  readonly events: AsyncIterable<ViewEvent>;
  /** Set after `events` has ended early because the file is cut off or damaged. */
  readonly fault: string | undefined;
}

export interface RecordingOptions {
  /** True to include the offsets of fields in messages. Default true. */
  spans?: boolean;
  /**
   * True if nothing is printed to stdout before everything is read: then a progress bar may be shown. Default false.
   */
  isAlone?: boolean;
}

/** The most characters of a first line that are examined to recognise a format. */
const LONGEST_HEAD = 65_536;

/**
 * Open a recording, decoded by a protocol.
 *
 * @throws UsageError of one line, for a file that cannot be read or has another format
 */
export async function openRecording(
  file: string,
  protocol: string,
  options: RecordingOptions = {},
): Promise<Recording> {
  const title = file === '-' ? 'stdin' : file.replace(/^.*[\\/]/, '');
  const { head, chunks } = await beginning(file, options.isAlone);
  if (!/^\s*\{/.test(head) || isCaptureHeader(head)) {
    return described(file, title, await loadProtocol(protocol), readEvents(file, chunks), options);
  }
  const text = await textOf(chunks);
  const document = documentOf(text);
  if (document !== undefined) {
    return { ...document, events: fromList(document.events), fault: undefined };
  }
  const events = chunkEvents(file, text);
  return described(file, title, await loadProtocol(protocol), fromList(events), options);
}

/**
 * Read whole recordings into one document: the connections of each file follow those of the file before, and times
 * count from the start of each file. A file that is cut off or damaged contributes what came before the fault.
 */
export async function readRecordings(
  files: readonly string[],
  protocol: string,
): Promise<{ document: ViewDocument; faults: readonly string[] }> {
  const connections: ViewConnection[] = [];
  const events: ViewEvent[] = [];
  const titles: string[] = [];
  const protocols = new Set<string>();
  const faults: string[] = [];
  for (const file of files) {
    const recording = await openRecording(file, protocol, { isAlone: true });
    const before = connections.length;
    for await (const event of recording.events) {
      events.push(before === 0 ? event : { ...event, connection: before + event.connection });
    }
    for (const one of recording.connections) {
      connections.push(files.length === 1 ? one : { ...one, name: `${recording.title}: ${one.name}` });
    }
    titles.push(recording.title);
    protocols.add(recording.protocol);
    if (recording.fault !== undefined) faults.push(recording.fault);
  }
  // Sorting is stable, so the events of one connection stay in order.
  if (connections.length > 1) events.sort((a, b) => a.time - b.time);
  const about = { title: titles.join(', '), protocol: [...protocols].join(', ') };
  return { document: { wirepipe: 'view', version: 1, ...about, connections, events }, faults };
}

/**
 * The events of a capture file, or of stdin.
 *
 * @throws UsageError for a file that cannot be read or has another format; CaptureError, after the events before the
 *   fault, for a file that is cut off or damaged
 */
export async function* captureFileEvents(file: string): AsyncGenerator<CaptureEvent, void, undefined> {
  const { chunks } = await beginning(file);
  yield* readEvents(file, chunks);
}

function described(
  file: string,
  title: string,
  protocol: Awaited<ReturnType<typeof loadProtocol>>,
  events: AsyncIterable<CaptureEvent>,
  options: RecordingOptions,
): Recording {
  const describer = new CaptureDescriber(protocol, { spans: options.spans ?? true });
  let fault: string | undefined;
  async function* all(): AsyncGenerator<ViewEvent, void, undefined> {
    try {
      for await (const event of events) yield* describer.event(event);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      fault = `${file}: ${showThrown(error)}`;
    }
    yield* describer.finish();
  }
  return {
    title,
    protocol: protocol.name,
    connections: describer.connections,
    events: all(),
    get fault() {
      return fault;
    },
  };
}

async function* readEvents(
  file: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<CaptureEvent, void, undefined> {
  try {
    yield* captureEvents(chunks);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_CAPTURE_FORMAT' && code !== 'ERR_CAPTURE_VERSION') throw error;
    throw new UsageError(`${file}: expected ${recordingForms}: ${showThrown(error)}`);
  }
}

/** The start of a file's first line, as far as it is examined, and all chunks of the file. */
async function beginning(
  file: string,
  isAlone = false,
): Promise<{ head: string; chunks: AsyncIterable<Buffer> }> {
  const size = file === '-' ? undefined : (await stat(file).catch(() => undefined))?.size;
  const progress = new Progress(file, size, isAlone);
  const source = file === '-' ? unpackedChunks(process.stdin) : fileChunks(file);
  const read: Buffer[] = [];
  let head = '';
  try {
    while (head.length < LONGEST_HEAD && !head.includes('\n')) {
      const { value, done } = await source.next();
      if (done) break;
      read.push(Buffer.from(value));
      head += value.toString('latin1', 0, LONGEST_HEAD);
      if (!/^\s*\{/.test(head)) break;
    }
  } catch (error) {
    // The error of a compressed file comes after the chunks that could be decompressed.
    if (!(error instanceof CaptureError)) throw new UsageError(`cannot read ${file}: ${showThrown(error)}`);
    return { head, chunks: failing(read, error) };
  }
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* read.splice(0);
      for await (const chunk of source) {
        progress.add(chunk.length);
        yield chunk;
      }
    } finally {
      progress.end();
    }
  }
  return { head, chunks: chunks() };
}

async function* failing(read: readonly Buffer[], error: Error): AsyncGenerator<Buffer, void, undefined> {
  yield* read;
  throw error;
}

function isCaptureHeader(head: string): boolean {
  try {
    return (JSON.parse(head.split('\n')[0]!) as { format?: unknown } | null)?.format === FORMAT;
  } catch {
    return false;
  }
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return Buffer.concat(all).toString();
}

async function* fromList<Item>(items: readonly Item[]): AsyncGenerator<Item, void, undefined> {
  yield* items;
}

/** The view document in a text; undefined if the text is something else. */
function documentOf(text: string): ViewDocument | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isViewDocument(value) ? value : undefined;
  } catch {
    // Several lines of JSON are not one JSON text.
    return undefined;
  }
}

/** The events of one connection, from lines of chunks. */
function chunkEvents(file: string, text: string): CaptureEvent[] {
  return text
    .split('\n')
    .map((line, index) => [line, index + 1] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, number]) => chunkEvent(line, `${file}, line ${number}`));
}

function chunkEvent(line: string, where: string): CaptureEvent {
  let value: { at?: unknown; from?: unknown; bytes?: unknown } | null = null;
  try {
    value = JSON.parse(line);
  } catch {
    // Refused below, like JSON of another form.
  }
  const { at, from, bytes } = value ?? {};
  const isHex = typeof bytes === 'string' && /^([\da-f]{2})*$/i.test(bytes);
  if (typeof at !== 'number' || (from !== 'client' && from !== 'server') || !isHex) {
    throw new UsageError(
      `${where}: expected a view document, or lines of {"at": ms, "from": "client" or "server", "bytes": hex}`,
    );
  }
  return { event: 'data', time: at / 1_000, connection: 0, from, bytes: Buffer.from(bytes, 'hex') };
}
