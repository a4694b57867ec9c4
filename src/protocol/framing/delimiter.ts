import { asBuffer } from '../../bytes/buffer.ts';
import { copyBytes } from '../../bytes/copy.ts';
import { show } from '../../bytes/show.ts';
import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import { anything, type Check, checkOptions, flag, natural, oneOf } from '../../options.ts';
import { framingCall } from './call.ts';
import { type Delimited, DelimitedReader } from './delimited-reader.ts';
import { type DelimiterSearch, delimiterSearch } from './delimiter-search.ts';
import type { FrameBatch, FrameReaderOptions, FrameWriter, Framing } from './framing.ts';
import { invalidFrame, requireValid, type Valid, type Validity, validity } from './validity.ts';
import { payloadTooLong } from './violations.ts';

export interface LineOptions {
  /** Strip the delimiter off each frame. Default true; with a trailer it stays on. */
  stripDelimiter?: boolean | undefined;
  /** The most bytes before the delimiter, without the start. Default 65,536. */
  maxFrameLength?: number | undefined;
  /** What to do with a longer frame: end the stream with an error, or skip to the next delimiter. Default `'error'`. */
  onTooLong?: 'error' | 'discard' | undefined;
  /**
   * What bytes after the last delimiter mean at the end of the stream: a truncated frame (`'error'`), a frame
   * (`'emit'`), or nothing (`'drop'`). Default `'error'`.
   */
  unterminated?: 'error' | 'emit' | 'drop' | undefined;
}

/** The checks of `LineOptions`. */
export const LINE_OPTIONS: Readonly<Record<keyof LineOptions, Check>> = {
  stripDelimiter: flag,
  maxFrameLength: natural,
  onTooLong: oneOf('error', 'discard'),
  unterminated: oneOf('error', 'emit', 'drop'),
};

export interface DelimiterOptions extends LineOptions {
  /**
   * The end of a frame: text (as UTF-8), bytes, or a list of them. In a list, the earliest match counts, and at the same place
   * the longest. The writer uses the first delimiter that does not begin another one.
   */
  delimiter: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The start of a frame: text (as UTF-8) or bytes. Bytes before it are noise. Default: nothing opens a frame. */
  start?: string | Uint8Array | undefined;
  /** Strip the start off each frame. Default true. */
  stripStart?: boolean | undefined;
  /** How many bytes after the delimiter belong to the frame, and stay on it with the delimiter. Default 0. */
  trailer?: number | undefined;
  /** What to do with noise before a start: skip and report it, or end the stream with an error. Default `'discard'`. */
  onNoise?: 'discard' | 'error' | undefined;
  /** What makes a frame valid, as it is given out: its checksum, or a function. Default: every frame is valid. */
  valid?: Valid | undefined;
  /** What to do with an invalid frame: end the stream with an error, or skip and report the frame. Default `'error'`. */
  onInvalid?: 'error' | 'discard' | undefined;
}

const DELIMITER_OPTIONS: Readonly<Record<keyof DelimiterOptions, Check>> = {
  ...LINE_OPTIONS,
  delimiter: anything,
  start: anything,
  stripStart: flag,
  trailer: natural,
  onNoise: oneOf('discard', 'error'),
  valid: anything,
  onInvalid: oneOf('error', 'discard'),
};

const DEFAULT_MAX_FRAME_LENGTH = 65_536;

/**
 * Frames that end with a delimiter.
 *
 *     │ noise │ start │ payload          │ delimiter │ trailer │ noise │ start │ payload │ delimiter │ …
 *                     ├── a frame ───────┤
 *             ├── with stripStart and stripDelimiter: false ───┤
 *
 * The writer takes the frames that the reader gives. A payload in which the reader would find a delimiter is refused, with
 * `ERR_FRAME_STUFFING`. With `stripDelimiter: false` a payload that ends with its delimiter is written as it is, and any other
 * payload gets one; with a trailer the payload has to contain both.
 *
 * @throws TypeError or RangeError for options that are invalid or contradict each other.
 *
 * @example
 * delimiter({ delimiter: '\r\n' }); //                               Redis inline commands, SMTP, IRC
 * delimiter({ delimiter: ['\r', '\r\n'] }); //                       whichever comes; "\r\n" counts as one
 * delimiter({ start: '\x0b', delimiter: '\x1c\r' }); //               HL7 MLLP
 * delimiter({ start: '\x02', delimiter: '\x03', trailer: 1 }); //      STX … ETX and a check character behind it
 */
export function delimiter(options: DelimiterOptions): Framing {
  checkOptions('delimiter', options, DELIMITER_OPTIONS);
  const { delimiter: given } = options;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw new TypeError('delimiter: delimiter is an empty list: give at least one');
  const bytes = list.map((one) => toBytes('delimiter', 'a string, a Uint8Array or a list of them', one));
  return delimited('delimiter', bytes, options);
}

function toBytes(option: 'delimiter' | 'start', kinds: string, value: unknown): Buffer {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new TypeError(`delimiter: ${option} must be ${kinds}, got ${show(value)}`);
  }
  // A copy: the caller may overwrite its own bytes later.
  const bytes = Buffer.from(value as Uint8Array);
  if (bytes.length === 0) throw new RangeError(`delimiter: ${option} must have at least one byte`);
  return bytes;
}

/** The framing for these delimiters. The options are checked one by one, not yet together. */
export function delimited(
  name: 'delimiter' | 'line',
  delimiters: readonly Buffer[],
  options: Omit<DelimiterOptions, 'delimiter'>,
): Framing {
  const { trailer = 0, onTooLong, unterminated = 'error', onNoise = 'discard' } = options;
  const { maxFrameLength = DEFAULT_MAX_FRAME_LENGTH, stripDelimiter = trailer === 0 } = options;
  if (trailer > 0 && stripDelimiter) {
    throw new TypeError(
      `${name}: with a trailer the delimiter stays on the frame, between payload and trailer`,
    );
  }
  const start =
    options.start === undefined ? undefined : toBytes('start', 'a string or a Uint8Array', options.start);
  for (const option of ['stripStart', 'onNoise'] as const) {
    if (start === undefined && options[option] !== undefined) {
      throw new TypeError(`${name}: ${option} is for a start: give start some bytes`);
    }
  }
  const keptStart = start === undefined || (options.stripStart ?? true) ? 0 : start.length;

  // At least one delimiter of a list is not the beginning of a longer one.
  const written = delimiters.find(
    (one) =>
      !delimiters.some((other) => other.length > one.length && other.subarray(0, one.length).equals(one)),
  )!;
  const search = delimiterSearch(delimiters);
  const isBare = start === undefined && trailer === 0 && options.valid === undefined;
  const isPlain = delimiters.length === 1 && stripDelimiter && isBare;
  const judge = validity(`${name}: valid`, options.valid);
  const discardsInvalid = options.onInvalid === 'discard';
  const wire = isPlain ? `delimiter:${written.toString('hex')}` : undefined;
  const parts: Delimited = {
    search,
    start,
    startSearch: start && delimiterSearch([start]),
    keepsStart: keptStart > 0,
    noise: start && { isSkipped: onNoise === 'discard', code: 'ERR_FRAME_NOISE' },
    trailer,
    maxStretch: maxFrameLength + keptStart,
    maxFrameLength,
    discardsTooLong: onTooLong === 'discard',
    unterminated,
  };
  const writer = new DelimiterWriter(
    written,
    search(),
    stripDelimiter,
    start,
    keptStart,
    trailer,
    maxFrameLength,
    judge,
  );
  return {
    name,
    wire,
    maxFrameLength,
    call: framingCall(name, options),
    layout: {
      kind: 'delimiter',
      delimiters: delimiters.map((one) => [...one]),
      stripsDelimiter: stripDelimiter,
      ...(start && { start: [...start] }),
      stripsStart: start !== undefined && keptStart === 0,
      trailer,
      maximum: maxFrameLength,
      skipsNoise: start !== undefined && onNoise === 'discard',
      unterminated,
      ...(judge && { valid: judge.layout }),
    },
    reader: (readerOptions) =>
      new DelimiterReader(parts, stripDelimiter, wire, judge, discardsInvalid, readerOptions),
    writer: () => writer,
  };
}

class DelimiterReader extends DelimitedReader {
  static {
    trust(DelimiterReader.prototype);
  }

  readonly #strips: boolean;
  readonly #wire: string | undefined;
  readonly #validity: Validity | undefined;
  readonly #discardsInvalid: boolean;

  constructor(
    parts: Delimited,
    strips: boolean,
    wire: string | undefined,
    judge: Validity | undefined,
    discardsInvalid: boolean,
    options?: FrameReaderOptions,
  ) {
    super(parts, options);
    this.#strips = strips;
    this.#wire = wire;
    this.#validity = judge;
    this.#discardsInvalid = discardsInvalid;
  }

  next(): Buffer | undefined {
    if (!this.#cutValid(false)) return undefined;
    return this.bytes.subarray(this.start, this.#end);
  }

  take(limit: number = Number.POSITIVE_INFINITY): FrameBatch | undefined {
    if (!this.#cutValid(false)) return undefined;
    const { bytes, start: runStart } = this;
    const bounds: number[] = [];
    let runEnd = runStart;
    let run = true;
    do {
      // A discarded frame, or bytes after the last delimiter, are not part of a run.
      run &&= this.start === runEnd && this.after > this.stop;
      bounds.push(this.start, this.#end);
      runEnd = this.after;
    } while (!this.carried && bounds.length < 2 * limit && this.#cutValid(true));
    return { bytes, bounds, count: bounds.length / 2, wire: run ? this.#wire : undefined, runStart, runEnd };
  }

  get #end(): number {
    return this.#strips ? this.stop : this.after;
  }

  /** Cut the next frame that is valid. */
  #cutValid(sameChunk: boolean): boolean {
    while (this.cut(sameChunk)) {
      const problem = this.#validity?.problem(this.bytes, this.start, this.#end);
      if (problem === undefined) return true;
      const { offset } = this;
      this.violation(this.#discardsInvalid, () => invalidFrame(problem, offset));
    }
    return false;
  }
}

class DelimiterWriter implements FrameWriter {
  static {
    trust(DelimiterWriter.prototype);
  }

  readonly headerLength: number;
  readonly #delimiter: Buffer;
  readonly #search: DelimiterSearch;
  readonly #strips: boolean;
  readonly #start: Buffer | undefined;
  /** Bytes of the start that the payload contains. */
  readonly #kept: number;
  readonly #trailer: number;
  readonly #limit: number;
  readonly #validity: Validity | undefined;

  constructor(
    written: Buffer,
    search: DelimiterSearch,
    strips: boolean,
    start: Buffer | undefined,
    kept: number,
    trailer: number,
    limit: number,
    judge: Validity | undefined,
  ) {
    this.#validity = judge;
    this.#delimiter = written;
    this.#search = search;
    this.#strips = strips;
    this.#start = start;
    this.#kept = kept;
    this.#trailer = trailer;
    this.#limit = limit;
    this.headerLength = (start?.length ?? 0) - kept;
  }

  bound(length: number): number {
    return this.headerLength + length + this.#delimiter.length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const bytes = asBuffer(source).subarray(start, end);
    const brings = this.#bringsDelimiter(bytes);
    if (this.headerLength > 0) this.#start!.copy(target, at);
    const to = copyBytes(target, at + this.headerLength, source, start, end);
    return brings ? to : to + this.#delimiter.copy(target, to);
  }

  seal(target: Buffer, at: number, payloadEnd: number): number {
    const brings = this.#bringsDelimiter(target.subarray(at + this.headerLength, payloadEnd));
    if (this.headerLength > 0) this.#start!.copy(target, at);
    return brings ? payloadEnd : payloadEnd + this.#delimiter.copy(target, payloadEnd);
  }

  /** Whether the payload ends with its delimiter and trailer. Throws if the reader would not read this one frame. */
  #bringsDelimiter(payload: Buffer): boolean {
    const search = this.#search;
    const kept = this.#kept;
    search.reset();
    if (kept > 0 && !payload.subarray(0, kept).equals(this.#start!)) {
      throw stuffing('does not begin with the start that is to stay on it', 0);
    }
    if (search.find(payload, kept)) {
      const { matchStart, matchEnd } = search;
      if (this.#strips || matchEnd + this.#trailer !== payload.length) {
        const problem =
          this.#trailer === 0 || matchEnd + this.#trailer < payload.length
            ? 'contains a delimiter, or makes one with the delimiter behind it,'
            : `has no ${this.#trailer} bytes behind its delimiter`;
        throw stuffing(problem, matchStart);
      }
      this.#judge(matchStart - kept);
      requireValid(this.#validity, payload, 0, payload.length);
      return true;
    }
    this.#judge(payload.length - kept);
    if (this.#trailer > 0) throw stuffing('has no delimiter before its trailer', payload.length);
    if (!search.find(this.#delimiter, 0) || search.matchStart !== 0) {
      throw stuffing('contains a delimiter, or makes one with the delimiter behind it,', payload.length);
    }
    const frame =
      this.#validity === undefined || this.#strips ? payload : Buffer.concat([payload, this.#delimiter]);
    requireValid(this.#validity, frame, 0, frame.length);
    return false;
  }

  #judge(length: number): void {
    if (length > this.#limit) throw payloadTooLong(length, this.#limit);
  }
}

function stuffing(problem: string, offset: number): FrameError {
  const message = `payload ${problem} at byte ${offset}`;
  return new FrameError('ERR_FRAME_STUFFING', message, { origin: 'local', offset });
}
