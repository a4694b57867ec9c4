import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import { anything, type Check, natural, oneOf } from '../../options.ts';
import { type Delimited, DelimitedReader } from './delimited-reader.ts';
import { delimiterSearch, markerSearch } from './delimiter-search.ts';
import type { FrameBatch, FrameReaderOptions } from './framing.ts';
import { invalidFrame, type Valid, type Validity, validity } from './validity.ts';

/** The options that the framings for serial lines share: payloads are rewritten so that the delimiter never appears in them. */
export interface StuffedOptions {
  /** The most bytes of a payload. Default 65,536. */
  maxFrameLength?: number | undefined;
  /** What to do with a longer frame: end the stream with an error, or skip to the next delimiter. Default `'error'`. */
  onTooLong?: 'error' | 'discard' | undefined;
  /**
   * What to do with a frame that is wrongly stuffed or not valid (line noise): end the stream with an error, or skip the frame,
   * report it, and continue. Default `'error'`.
   */
  onInvalid?: 'error' | 'discard' | undefined;
  /** What makes a payload valid: its checksum, or a function. Default: every payload is valid. */
  valid?: Valid | undefined;
}

/** The checks of `StuffedOptions`. */
export const STUFFED_OPTIONS: Readonly<Record<keyof StuffedOptions, Check>> = {
  maxFrameLength: natural,
  onTooLong: oneOf('error', 'discard'),
  onInvalid: oneOf('error', 'discard'),
  valid: anything,
};

/** How such a framing stuffs and unstuffs. */
export interface Stuffing {
  /** The byte that ends a frame. */
  readonly delimiter: number;
  /** A byte that opens a frame, and appears nowhere else. */
  readonly startMarker?: number | undefined;
  /** A byte that drops the bytes before it in a frame. */
  readonly cancel?: number | undefined;
  /** Whether two delimiters with nothing between them make a frame. */
  readonly emptyFrames: boolean;
  /** The most bytes of a stuffed payload of that length. */
  bound(length: number): number;
  /**
   * Write the unstuffed payload of `source[start, end)` to `target[at]`; it never takes more room. Returns the offset after it,
   * or `-1 - i` if `source[i]` breaks the rules.
   */
  unstuff(target: Buffer, at: number, source: Buffer, start: number, end: number): number;
}

/** The parts of the options that a maker needs. */
export interface StuffedFraming {
  readonly maxFrameLength: number;
  readonly validity: Validity | undefined;
  reader(options?: FrameReaderOptions): DelimitedReader;
}

/** The reading side of such a framing. The options are checked already. */
export function stuffed(name: string, stuffing: Stuffing, options: StuffedOptions): StuffedFraming {
  const judge = validity(`${name}: valid`, options.valid);
  const { maxFrameLength = 65_536, onTooLong, onInvalid } = options;
  const { delimiter, startMarker } = stuffing;
  const start = startMarker === undefined ? undefined : Buffer.of(startMarker);
  const delimited: Delimited = {
    search:
      startMarker === undefined
        ? delimiterSearch([Buffer.of(delimiter)])
        : markerSearch(delimiter, startMarker),
    start,
    startSearch: start && delimiterSearch([start]),
    noise: startMarker === undefined ? undefined : { isSkipped: true, code: 'ERR_FRAME_STUFFING' },
    trailer: 0,
    maxStretch: stuffing.bound(maxFrameLength),
    maxFrameLength,
    discardsTooLong: onTooLong === 'discard',
    unterminated: 'error',
  };
  return {
    maxFrameLength,
    validity: judge,
    reader: (readerOptions) =>
      new StuffedReader(stuffing, delimited, judge, onInvalid === 'discard', readerOptions),
  };
}

/**
 * The one kind of reader whose frames are copies: unstuffing makes bytes that were never received side by side. The frames of a
 * chunk share one buffer.
 */
class StuffedReader extends DelimitedReader {
  static {
    trust(StuffedReader.prototype);
  }

  readonly #stuffing: Stuffing;
  readonly #limit: number;
  readonly #validity: Validity | undefined;
  readonly #discardsInvalid: boolean;

  constructor(
    stuffing: Stuffing,
    delimited: Delimited,
    judge: Validity | undefined,
    discardsInvalid: boolean,
    options: FrameReaderOptions | undefined,
  ) {
    super(delimited, options);
    this.#stuffing = stuffing;
    this.#limit = delimited.maxFrameLength;
    this.#validity = judge;
    this.#discardsInvalid = discardsInvalid;
  }

  next(): Buffer | undefined {
    while (this.cut()) {
      this.#cancel();
      if (this.#isBlank) continue;
      const target = Buffer.allocUnsafe(this.stop - this.start);
      const end = this.#unstuff(target, 0);
      if (end >= 0) return target.subarray(0, end);
    }
    return undefined;
  }

  take(limit?: number): FrameBatch | undefined {
    if (limit === 1) {
      const frame = this.next();
      return (
        frame && { bytes: frame, bounds: [0, frame.length], count: 1, runStart: 0, runEnd: frame.length }
      );
    }
    let target: Buffer | undefined;
    let at = 0;
    const bounds: number[] = [];
    while (this.cut()) {
      this.#cancel();
      if (this.#isBlank) continue;
      target ??= Buffer.allocUnsafe(this.stop - this.start + this.buffered);
      const end = this.#unstuff(target, at);
      if (end < 0) continue;
      bounds.push(at, end);
      at = end;
    }
    if (bounds.length === 0 || target === undefined) return undefined;
    return { bytes: target, bounds, count: bounds.length / 2, runStart: 0, runEnd: at };
  }

  get #isBlank(): boolean {
    return this.start === this.stop && !this.#stuffing.emptyFrames;
  }

  /** Write the payload of the stretch to `target[at]`; returns the offset after it, negative if there is none. */
  #unstuff(target: Buffer, at: number): number {
    if (this.after === this.stop) {
      // The frame has lost its end, and another one begins.
      this.#invalid('start marker inside a frame', this.stop, this.#stuffing.startMarker);
      return -1;
    }
    const end = this.#stuffing.unstuff(target, at, this.bytes, this.start, this.stop);
    if (end < 0) {
      this.#invalid('invalid stuffing', -1 - end);
      return -1;
    }
    if (end - at > this.#limit) {
      this.tooLong(this.offset);
      return -1;
    }
    const problem = this.#validity?.problem(target, at, end);
    if (problem === undefined) return end;
    const { offset } = this;
    this.violation(this.#discardsInvalid, () => invalidFrame(problem, offset));
    return -1;
  }

  /** Continue after the last byte that cancels. */
  #cancel(): void {
    const { cancel } = this.#stuffing;
    if (cancel === undefined) return;
    const behind = this.bytes.subarray(this.start, this.stop).lastIndexOf(cancel) + 1;
    this.offset += behind;
    this.start += behind;
  }

  #invalid(what: string, at: number, actual: number | undefined = this.bytes[at]): void {
    const frameAt = this.offset;
    const offset = frameAt + at - this.start;
    this.violation(this.#discardsInvalid, () => {
      const message = `${what} in the frame at stream offset ${frameAt}, at stream offset ${offset}`;
      return new FrameError('ERR_FRAME_STUFFING', message, { actual, offset });
    });
  }
}
