import { asBuffer } from '../bytes/buffer.ts';
import { CaptureError } from '../errors.ts';
import { aBuffer } from '../options.ts';
import { parseEvent, parseHeader } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, CaptureHeader } from '../protocol/recording/events.ts';
import { checkFlowsOptions, endpointText, Flows, type FlowsOptions } from './flows.ts';
import { packetReader } from './packet-reader.ts';

const NO_BYTES = Buffer.alloc(0);
const LINE_END = 10;
/** The longest accepted line, in bytes: room for a chunk of 16 MiB in hexadecimal. */
const LONGEST_LINE = 33_600_000;

/**
 * Turns the bytes of a capture into events; pure and synchronous. After each `push`, call `next` until it returns
 * undefined: then either `error` is set and no event follows, or more bytes are needed.
 */
export interface EventReader {
  push(chunk: Uint8Array): void;
  next(): CaptureEvent | undefined;
  end(): void;
  /** The header; undefined until the first line or packet has been read. */
  readonly header: CaptureHeader | undefined;
  readonly error: CaptureError | undefined;
}

/**
 * A reader that recognises the format by its first bytes: lines of events, pcap, or pcapng.
 *
 * @param options - for TCP reassembly; `patience` is 64 unless given, so that the two sides stay in the order in
 *   which they spoke
 */
export function eventReader(options?: FlowsOptions): EventReader {
  if (options !== undefined) checkFlowsOptions('readCapture', options);
  return new AnyEventReader(options);
}

class AnyEventReader implements EventReader {
  readonly #options: FlowsOptions | undefined;
  #reader: EventReader | undefined;
  #start = NO_BYTES;

  constructor(options: FlowsOptions | undefined) {
    this.#options = options;
  }

  push(chunk: Uint8Array): void {
    aBuffer('eventReader: chunk', chunk);
    if (this.#reader !== undefined) {
      this.#reader.push(chunk);
      return;
    }
    if (chunk.length === 0) return;
    const start = this.#start.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#start, chunk]);
    // '{' begins no packet file.
    this.#reader = start[0] === 0x7b ? new LineReader() : new PacketEvents(this.#options);
    this.#reader.push(start);
  }

  next(): CaptureEvent | undefined {
    return this.#reader?.next();
  }

  end(): void {
    this.#reader ??= new PacketEvents(this.#options);
    this.#reader.end();
  }

  get header(): CaptureHeader | undefined {
    return this.#reader?.header;
  }

  get error(): CaptureError | undefined {
    return this.#reader?.error;
  }
}

/** Reads lines of events. A last line without a line end counts if it is complete. */
class LineReader implements EventReader {
  header: CaptureHeader | undefined;
  error: CaptureError | undefined;
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** Copies of the pieces of a line that began in an earlier chunk. */
  #pieces: Buffer[] = [];
  #held = 0;
  #line = 0;
  #hasEnded = false;

  push(chunk: Uint8Array): void {
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    this.#at = 0;
  }

  next(): CaptureEvent | undefined {
    while (this.error === undefined) {
      const text = this.#nextLine();
      if (text === undefined) return undefined;
      this.#line++;
      if (text.trim() === '') continue;
      try {
        if (this.header === undefined) {
          this.header = parseHeader(text);
          continue;
        }
        const event = parseEvent(text, this.#line);
        if (event !== undefined) return event;
      } catch (error) {
        this.error = error as CaptureError;
        // A line that was cut off is no longer JSON.
        if (this.#hasEnded && this.error.message.endsWith('not JSON')) this.error = this.#cutOff(text);
      }
    }
    return undefined;
  }

  end(): void {
    this.#hasEnded = true;
    if (this.header === undefined && this.#held === 0 && this.#at === this.#chunk.length) {
      this.error ??= new CaptureError('ERR_CAPTURE_TRUNCATED', 'line 1: the header is missing', { line: 1 });
    }
  }

  #nextLine(): string | undefined {
    const end = this.#chunk.indexOf(LINE_END, this.#at);
    const stop = end < 0 ? this.#chunk.length : end;
    if (this.#held + stop - this.#at > LONGEST_LINE) {
      const line = this.#line + 1;
      const text = `line ${line} is longer than ${LONGEST_LINE} bytes`;
      this.error = new CaptureError('ERR_CAPTURE_DAMAGED', text, { line, limit: LONGEST_LINE });
      return undefined;
    }
    if (end < 0 && !this.#hasEnded) {
      if (stop > this.#at) this.#hold(this.#chunk.subarray(this.#at));
      this.#chunk = NO_BYTES;
      this.#at = 0;
      return undefined;
    }
    if (end < 0 && this.#held === 0 && this.#at === stop) return undefined;
    const rest = this.#chunk.subarray(this.#at, stop);
    const text = this.#held === 0 ? rest.toString() : Buffer.concat([...this.#pieces, rest]).toString();
    this.#pieces = [];
    this.#held = 0;
    this.#at = end < 0 ? stop : stop + 1;
    return text;
  }

  /** Joins pieces of similar length only, so a line in many small chunks costs O(n log n) and not O(n²). */
  #hold(bytes: Buffer): void {
    this.#held += bytes.length;
    let piece: Buffer = Buffer.from(bytes);
    for (
      let last = this.#pieces.at(-1);
      last !== undefined && last.length <= piece.length;
      last = this.#pieces.at(-1)
    ) {
      piece = Buffer.concat([this.#pieces.pop()!, piece]);
    }
    this.#pieces.push(piece);
  }

  #cutOff(text: string): CaptureError {
    const line = this.#line;
    const actual = Buffer.byteLength(text);
    return new CaptureError('ERR_CAPTURE_TRUNCATED', `line ${line}: the file ends inside it`, {
      line,
      actual,
    });
  }
}

/** The streams and datagrams of a packet file, as events. */
class PacketEvents implements EventReader {
  header: CaptureHeader | undefined;
  readonly #reader = packetReader();
  readonly #flows: Flows;
  #events: CaptureEvent[] = [];
  #index = 0;
  #startSeconds = 0;
  #startNanoseconds = 0;
  #hasEnded = false;
  #isFinished = false;

  constructor(options: FlowsOptions = {}) {
    this.#flows = new Flows(
      {
        stream: (direction) => {
          const { connection } = direction;
          const from = direction.isClient ? 'client' : 'server';
          // Whichever direction comes first opens the connection.
          if (!this.#opened.has(connection)) {
            this.#opened.add(connection);
            const { from: mine, to: theirs, isClient } = direction;
            const [client, server] = isClient ? [mine, theirs] : [theirs, mine];
            this.#add({
              event: 'open',
              time: this.#time(),
              connection,
              client: endpointText(client),
              server: endpointText(server),
            });
          }
          return {
            data: (bytes, start, end) =>
              this.#add({
                event: 'data',
                time: this.#time(),
                connection,
                from,
                bytes: Buffer.from(bytes.subarray(start, end)),
              }),
            gap: (length) => this.#add({ event: 'gap', time: this.#time(), connection, from, length }),
            conflict: (offset, length) =>
              this.#add({ event: 'conflict', time: this.#time(), connection, from, offset, length }),
            end: () => this.#add({ event: 'end', time: this.#time(), connection, from }),
            reset: () => this.#add({ event: 'reset', time: this.#time(), connection, from }),
            close: () => {
              if (!this.#opened.delete(connection))
                this.#add({ event: 'close', time: this.#time(), connection });
            },
          };
        },
        datagram: ({ from, to, bytes, start, end }) =>
          this.#add({
            event: 'datagram',
            time: this.#time(),
            source: endpointText(from),
            target: endpointText(to),
            bytes: Buffer.from(bytes.subarray(start, end)),
          }),
      },
      { patience: 64, ...options },
    );
  }

  /** Connections of which neither direction has closed. */
  readonly #opened = new Set<number>();

  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  next(): CaptureEvent | undefined {
    for (;;) {
      if (this.#index < this.#events.length) return this.#events[this.#index++];
      this.#events = [];
      this.#index = 0;
      if (!this.#reader.next()) {
        const isOver = this.#hasEnded || this.#reader.error !== undefined;
        if (!isOver || this.#isFinished) return undefined;
        this.#isFinished = true;
        this.#flows.finish();
        continue;
      }
      const { packet } = this.#reader;
      if (this.header === undefined) {
        this.#startSeconds = packet.seconds;
        this.#startNanoseconds = packet.nanoseconds;
        this.header = { start: isoTime(packet.seconds, packet.nanoseconds) };
      }
      this.#flows.packet(packet);
    }
  }

  end(): void {
    this.#reader.end();
    this.#hasEnded = true;
  }

  /** Set once every event before the fault has been delivered. */
  get error(): CaptureError | undefined {
    return this.#isFinished && this.#index === this.#events.length ? this.#reader.error : undefined;
  }

  #add(event: CaptureEvent): void {
    this.#events.push(event);
  }

  #time(): number {
    const { seconds, nanoseconds } = this.#flows;
    return ((seconds - this.#startSeconds) * 1e9 + (nanoseconds - this.#startNanoseconds)) / 1e9;
  }
}

/** `2023-11-14T22:13:20.000001Z`: as many digits as there are. */
function isoTime(seconds: number, nanoseconds: number): string | undefined {
  const date = new Date(seconds * 1_000);
  if (Number.isNaN(date.getTime())) return undefined;
  const fraction = String(nanoseconds)
    .padStart(9, '0')
    .replace(/0{1,6}$/, '');
  return date.toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}
