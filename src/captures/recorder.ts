import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { show } from '../bytes/show.ts';
import { aBuffer, aText, checkMembers, checkOptions, limit, listOf, oneOf } from '../options.ts';
import { fromClient, fromServer, requireLines, wholeStream } from '../protocol/direction.ts';
import { headerLine } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import type { ConnectionObserver, ObservedConnection, Observer } from '../protocol/recording/observer.ts';
import { BlockFile } from './block-file.ts';
import { LineBlocks } from './line-blocks.ts';
import { Redaction } from './redaction.ts';

export interface RecordOptions {
  /**
   * Fields whose bytes are written as `*`, by message type and path: `'write.text'`, `'login.users[].password'`. Bytes
   * that cannot be decoded are all written as `*`, and a chunk waits until its frames are complete.
   */
  redact?: readonly string[] | undefined;
  /**
   * Bytes that may wait for a slow disk; beyond, bytes are not recorded, and a gap takes their place. Default 64 MiB.
   */
  maxPending?: number | undefined;
}

const RECORD_CHECKS = { redact: listOf(aText), maxPending: limit(0) };

/**
 * Records connections into a file in the format of `docs/captures.md`, compressed if its name ends in `.gz`. Recording
 * never delays a connection: if the disk is too slow, the file has gaps.
 *
 * @example
 * const recorder = recordTo('flights.ndjson.gz', { redact: ['write.text'] });
 * const server = createServer(drone, { record: recorder });
 * …
 * await server.close();
 * await recorder.close();
 */
export function recordTo(path: string, options?: RecordOptions): Recorder {
  if (typeof path !== 'string') throw new TypeError(`recordTo: expected a path, got ${show(path)}`);
  // Before the file is opened.
  if (options !== undefined) checkOptions('recordTo', options, RECORD_CHECKS);
  if (!path.endsWith('.gz')) return new Recorder(new BlockFile(path), options);
  const file = createWriteStream(path);
  const gzip = createGzip();
  file.on('error', (error) => gzip.destroy(error));
  gzip.pipe(file);
  return new Recorder(gzip, options, file);
}

/** Writes observed connections as a capture. An error of the file ends the recording, and `close` rejects with it. */
export class Recorder implements Observer {
  readonly #out: Writable;
  readonly #last: Writable;
  readonly #lines: LineBlocks;
  readonly #options: RecordOptions;
  #start: number | undefined;
  #count = 0;
  #error: Error | undefined;
  /** Open connections: closed in the capture if the recording ends first. */
  readonly #open = new Set<RecordedConnection>();

  /**
   * @param out - must not keep a chunk after its write callback: a file, or gzip
   * @param last - the stream that the bytes end up in, if that is not `out`
   */
  constructor(out: Writable, options: RecordOptions = {}, last: Writable = out) {
    checkOptions('Recorder', options, RECORD_CHECKS);
    this.#out = out;
    this.#last = last;
    this.#lines = new LineBlocks(out, options.maxPending);
    this.#options = options;
    for (const stream of new Set([out, last])) {
      stream.on('error', (error) => {
        this.#error ??= error;
      });
    }
  }

  open(connection: ObservedConnection): ConnectionObserver | undefined {
    checkMembers('Recorder', 'a connection', connection, {}, { client: aText, server: aText });
    if (this.#options.redact !== undefined) requireLines('Recorder', connection.protocol, 'decode');
    else checkMembers('Recorder', 'a protocol', connection.protocol, { name: aText });
    if (this.#error !== undefined || this.#out.writableEnded) return undefined;
    if (this.#start === undefined) {
      this.#start = performance.now();
      const start = new Date().toISOString();
      this.#lines.text(headerLine({ protocol: connection.protocol.name, start, by: 'wirepipe' }));
    }
    const recorded: RecordedConnection = new RecordedConnection(
      this.#count++,
      connection,
      this.#options.redact,
      {
        write: (event, force) => this.#write(event, force),
        time: () => Math.round((performance.now() - this.#start!) * 1_000) / 1e6,
        closed: () => this.#open.delete(recorded),
      },
    );
    this.#open.add(recorded);
    return recorded;
  }

  /**
   * For a caller that can wait, such as a proxy: a promise that resolves when the disk has caught up; undefined if it
   * keeps up.
   */
  busy(): Promise<void> | undefined {
    return this.#lines.busy();
  }

  /** Resolves when everything is in the file; rejects with the file's error. */
  async close(): Promise<void> {
    for (const connection of this.#open) connection.close(undefined);
    if (this.#start === undefined && this.#error === undefined)
      this.#lines.text(headerLine({ by: 'wirepipe' }));
    this.#lines.end();
    if (this.#error === undefined && !this.#last.closed) await once(this.#last, 'close').catch(() => {});
    if (this.#error !== undefined) throw this.#error;
  }

  /** Returns false if there is no room for the event. */
  #write(event: CaptureEvent, force: boolean): boolean {
    if (this.#error !== undefined || this.#out.writableEnded) return true;
    if (!force && this.#lines.pending > (this.#options.maxPending ?? 67_108_864)) return false;
    this.#lines.add(event);
    return true;
  }
}

const side = oneOf('client', 'server');

interface Recording {
  write(event: CaptureEvent, force: boolean): boolean;
  time(): number;
  closed(): void;
}

class RecordedConnection implements ConnectionObserver {
  readonly #number: number;
  readonly #recording: Recording;
  readonly #redactions: Readonly<Record<Side, Redaction>> | undefined;
  /** Bytes not recorded for want of room. */
  readonly #lost: Record<Side, number> = { client: 0, server: 0 };
  #isOver = false;

  constructor(
    number: number,
    { protocol, client, server }: ObservedConnection,
    redact: readonly string[] | undefined,
    recording: Recording,
  ) {
    this.#number = number;
    this.#recording = recording;
    this.#redactions = redact && {
      client: new Redaction(wholeStream(fromClient(protocol)), protocol.clientMessages, redact),
      server: new Redaction(wholeStream(fromServer(protocol)), protocol.serverMessages, redact),
    };
    recording.write({ event: 'open', time: recording.time(), connection: number, client, server }, true);
  }

  data(from: Side, bytes: Uint8Array): void {
    side('data: from', from);
    aBuffer('data: bytes', bytes);
    if (this.#isOver || bytes.length === 0) return;
    const redaction = this.#redactions?.[from];
    const chunks =
      redaction === undefined
        ? [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)]
        : redaction.add(bytes);
    this.#write(from, chunks);
  }

  end(from: Side): void {
    if (this.#isOver) return;
    this.#flush(from);
    this.#add({ event: 'end', time: this.#recording.time(), connection: this.#number, from });
  }

  state(state: string): void {
    if (!this.#isOver)
      this.#add({ event: 'state', time: this.#recording.time(), connection: this.#number, state });
  }

  close(error: Error | undefined): void {
    if (this.#isOver) return;
    for (const side of ['client', 'server'] as const) this.#flush(side);
    this.#isOver = true;
    const time = this.#recording.time();
    const connection = this.#number;
    if (error !== undefined) {
      const { code } = error as NodeJS.ErrnoException;
      const known = typeof code === 'string' ? code : undefined;
      // An error's text may show redacted bytes.
      const message = this.#redactions === undefined ? String(error.message) : (known ?? error.name);
      this.#add({ event: 'error', time, connection, code: known, message });
    }
    this.#add({ event: 'close', time, connection });
    this.#recording.closed();
  }

  #flush(from: Side): void {
    const rest = this.#redactions?.[from].flush();
    if (rest !== undefined) this.#write(from, rest);
    this.#tellLost(from);
  }

  #write(from: Side, chunks: readonly Buffer[]): void {
    for (const bytes of chunks) {
      const event: CaptureEvent = {
        event: 'data',
        time: this.#recording.time(),
        connection: this.#number,
        from,
        bytes,
      };
      if (this.#lost[from] > 0) {
        const length = this.#lost[from];
        if (
          this.#recording.write(
            { event: 'gap', time: event.time, connection: this.#number, from, length },
            false,
          )
        ) {
          this.#lost[from] = 0;
        }
      }
      if (this.#lost[from] > 0 || !this.#recording.write(event, false)) this.#lost[from] += bytes.length;
    }
  }

  #tellLost(from: Side): void {
    const length = this.#lost[from];
    if (length === 0) return;
    this.#lost[from] = 0;
    this.#add({ event: 'gap', time: this.#recording.time(), connection: this.#number, from, length });
  }

  #add(event: CaptureEvent): void {
    this.#recording.write(event, true);
  }
}
