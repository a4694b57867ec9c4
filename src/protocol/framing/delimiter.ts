import { asBuffer } from '../../bytes/buffer.ts';
import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import { type Delimited, DelimitedReader } from './delimited-reader.ts';
import { type DelimiterSearch, delimiterSearch } from './delimiter-search.ts';
import type { FrameBatch, FrameReaderOptions, FrameWriter, Framing } from './framing.ts';

export interface LineOptions {
  /** Take the delimiter off each frame. Default true. */
  stripDelimiter?: boolean | undefined;
  /** The most bytes of a frame, its delimiter not counted. Default 65,536. */
  maxFrameLength?: number | undefined;
  /** A frame longer than that: an error that ends the stream, or skip to the next delimiter. Default `'error'`. */
  onTooLong?: 'error' | 'discard' | undefined;
  /**
   * What bytes behind the last delimiter mean at the end of the stream: a truncated frame (`'error'`), a frame
   * (`'emit'`), or nothing (`'drop'`). Default `'error'`.
   */
  unterminated?: 'error' | 'emit' | 'drop' | undefined;
}

export interface DelimiterOptions extends LineOptions {
  /**
   * What ends a frame: text (as UTF-8), bytes, or a list of them. Of a list the earliest match counts, the longest at
   * the same place; the writer uses the first that is not the beginning of another one.
   */
  delimiter: string | Uint8Array | readonly (string | Uint8Array)[];
}

const DEFAULT_MAX_FRAME_LENGTH = 65_536;

/**
 * Frames that end with a delimiter.
 *
 *     │ payload          │ delimiter │ payload │ delimiter │
 *     ├── a frame, or ── with stripDelimiter: false ──────┤
 *
 * The writer takes what the reader hands on. A payload in which the reader would find a delimiter is refused, with
 * `ERR_FRAME_STUFFING`. With `stripDelimiter: false` a payload that ends with its delimiter is written as it is, and
 * any other gets one.
 *
 * @throws TypeError or RangeError for options that are wrong.
 *
 * @example
 * delimiter({ delimiter: '\r\n' }); //          Redis inline commands, SMTP, IRC
 * delimiter({ delimiter: ['\r', '\r\n'] }); //  whichever comes; "\r\n" counts as one
 */
export function delimiter(options: DelimiterOptions): Framing {
  const { delimiter: given } = options;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw new TypeError('delimiter is an empty list: give at least one');
  return framing('delimiter', list.map(toBytes), options);
}

/**
 * Lines: frames that end with LF, or with CR LF.
 *
 * The writer ends a line with LF; it refuses a payload that ends with CR, since the reader would take that off.
 *
 * @throws TypeError or RangeError for options that are wrong.
 *
 * @example
 * for await (const text of socket.pipe(new FrameDecoder(line()))) console.log(String(text));
 */
export function line(options: LineOptions = {}): Framing {
  return framing('line', [Buffer.from('\n'), Buffer.from('\r\n')], options);
}

function toBytes(value: unknown): Buffer {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new TypeError(`delimiter must be a string, a Uint8Array or a list of them, got ${typeof value}`);
  }
  // A copy: the caller may go on to write to its own.
  const bytes = Buffer.from(value as Uint8Array);
  if (bytes.length === 0) throw new RangeError('delimiter must have at least one byte');
  return bytes;
}

function framing(name: string, delimiters: readonly Buffer[], options: LineOptions): Framing {
  const {
    stripDelimiter = true,
    maxFrameLength = DEFAULT_MAX_FRAME_LENGTH,
    onTooLong = 'error',
    unterminated = 'error',
  } = options;
  if (typeof stripDelimiter !== 'boolean') {
    throw new TypeError(`stripDelimiter must be true or false, got ${String(stripDelimiter)}`);
  }
  if (!Number.isSafeInteger(maxFrameLength) || maxFrameLength < 0) {
    throw new RangeError(`maxFrameLength must be an integer of at least 0, got ${String(maxFrameLength)}`);
  }
  oneOf('onTooLong', onTooLong, ['error', 'discard']);
  oneOf('unterminated', unterminated, ['error', 'emit', 'drop']);

  // A list of at least one has one that begins no longer one.
  const written = delimiters.find(
    (one) => !delimiters.some((other) => other.length > one.length && other.indexOf(one) === 0),
  )!;
  const search = (): DelimiterSearch => delimiterSearch(delimiters);
  const wire = delimiters.length === 1 && stripDelimiter ? `delimiter:${written.toString('hex')}` : undefined;
  const delimited: Delimited = {
    search,
    maxStretch: maxFrameLength,
    maxFrameLength,
    discardsTooLong: onTooLong === 'discard',
    unterminated,
  };
  const writer = new DelimiterWriter(written, search(), stripDelimiter, maxFrameLength);
  return {
    name,
    wire,
    maxFrameLength,
    reader: (readerOptions) => new DelimiterReader(delimited, stripDelimiter, wire, readerOptions),
    writer: () => writer,
  };
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    throw new TypeError(
      `${name} must be ${allowed.map((one) => `'${one}'`).join(' or ')}, got ${String(value)}`,
    );
  }
}

class DelimiterReader extends DelimitedReader {
  static {
    trust(DelimiterReader.prototype);
  }

  readonly #strips: boolean;
  readonly #wire: string | undefined;

  constructor(delimited: Delimited, strips: boolean, wire: string | undefined, options?: FrameReaderOptions) {
    super(delimited, options);
    this.#strips = strips;
    this.#wire = wire;
  }

  next(): Buffer | undefined {
    if (!this.cut()) return undefined;
    return this.bytes.subarray(this.start, this.#strips ? this.stop : this.after);
  }

  take(): FrameBatch | undefined {
    if (!this.cut()) return undefined;
    const { bytes, start: runStart } = this;
    const bounds: number[] = [];
    let runEnd = runStart;
    let run = true;
    do {
      // A frame that was discarded, or a rest without a delimiter, is no part of a run.
      run &&= this.start === runEnd && this.after > this.stop;
      bounds.push(this.start, this.#strips ? this.stop : this.after);
      runEnd = this.after;
    } while (!this.joined && this.cut(true));
    return { bytes, bounds, count: bounds.length / 2, wire: run ? this.#wire : undefined, runStart, runEnd };
  }
}

class DelimiterWriter implements FrameWriter {
  static {
    trust(DelimiterWriter.prototype);
  }

  readonly headerLength = 0;
  readonly #delimiter: Buffer;
  readonly #search: DelimiterSearch;
  readonly #strips: boolean;
  readonly #limit: number;

  constructor(written: Buffer, search: DelimiterSearch, strips: boolean, limit: number) {
    this.#delimiter = written;
    this.#search = search;
    this.#strips = strips;
    this.#limit = limit;
  }

  bound(length: number): number {
    return length + this.#delimiter.length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const bytes = asBuffer(source).subarray(start, end);
    const ends = this.#check(bytes);
    const to = at + bytes.copy(target, at);
    return ends ? to : to + this.#delimiter.copy(target, to);
  }

  seal(target: Buffer, at: number, payloadEnd: number): number {
    const ends = this.#check(target.subarray(at, payloadEnd));
    return ends ? payloadEnd : payloadEnd + this.#delimiter.copy(target, payloadEnd);
  }

  /** Whether the payload brings its delimiter along. Throws where the reader would not read back this one frame. */
  #check(payload: Buffer): boolean {
    const search = this.#search;
    search.reset();
    if (search.find(payload, 0)) {
      if (this.#strips || search.matchEnd !== payload.length) throw stuffing(search.matchStart);
      this.#judge(search.matchStart);
      return true;
    }
    this.#judge(payload.length);
    if (!search.find(this.#delimiter, 0) || search.matchStart !== 0) throw stuffing(payload.length);
    return false;
  }

  #judge(length: number): void {
    if (length <= this.#limit) return;
    throw new FrameError(
      'ERR_FRAME_TOO_LONG',
      `payload of ${length} bytes exceeds maxFrameLength ${this.#limit}`,
      {
        origin: 'local',
        limit: this.#limit,
        actual: length,
      },
    );
  }
}

function stuffing(offset: number): FrameError {
  const message = `payload contains a delimiter, or makes one with the delimiter behind it, at byte ${offset}`;
  return new FrameError('ERR_FRAME_STUFFING', message, { origin: 'local', offset });
}
