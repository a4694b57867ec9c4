import { ByteAccumulator } from '../../bytes/accumulator.ts';
import { asBuffer } from '../../bytes/buffer.ts';
import { FrameError } from '../../errors.ts';
import { type DelimiterSearch, indexOfByte } from './delimiter-search.ts';
import type { FrameBatch, FrameReader, FrameReaderOptions } from './framing.ts';

/** What the framings whose frames end with a delimiter have in common. */
export interface Delimited {
  /** A new search for the end of a frame. */
  search(): DelimiterSearch;
  /** A byte that opens a frame: what stands before it belongs to none, and is skipped. */
  readonly startMarker?: number | undefined;
  /** The most bytes before the delimiter. */
  readonly maxStretch: number;
  /** As the user gave it, for the text of an error. */
  readonly maxFrameLength: number;
  /** `onTooLong: 'discard'`. */
  readonly discardsTooLong: boolean;
  /** What a rest without a delimiter is at the end of the stream. */
  readonly unterminated: 'error' | 'emit' | 'drop';
}

const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * Cuts a stream at its delimiters into *stretches*: the bytes before a delimiter, as they came.
 *
 *     chunks     … one\nli │ ne two\nthr │ ee\n …
 *     stretch      one       line two      three       the last two are joined in `#held`
 *
 * What a stretch means as a frame is the subclass's to say, in `next` and `take`.
 */
export abstract class DelimitedReader implements FrameReader {
  /** What `cut` found: the stretch `bytes[start, stop)`, its delimiter behind it in `bytes[stop, after)`. */
  protected bytes: Buffer = NO_BYTES;
  protected start = 0;
  protected stop = 0;
  protected after = 0;
  /** Whether `bytes` is not a chunk, but joined of several. */
  protected joined = false;
  /** Where the stretch begins in the stream. */
  protected offset = 0;

  readonly #delimited: Delimited;
  readonly #search: DelimiterSearch;
  readonly #onDiscard: FrameReaderOptions['onDiscard'];
  /** The chunk that is being read, and how far. */
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** What earlier chunks had of the stretch under way; while skipping, only what may belong to its delimiter. */
  readonly #held = new ByteAccumulator();
  /** Bytes pushed. */
  #received = 0;
  /** The start marker of the stretch under way was read; without markers, always. */
  #open: boolean;
  /** Bytes skipped on the way to a start marker. */
  #noise = 0;
  /** The stretch under way is too long: its bytes are dropped, up to its delimiter. */
  #skipping = false;
  #ended = false;
  #error: FrameError | undefined;

  constructor(delimited: Delimited, { onDiscard }: FrameReaderOptions = {}) {
    this.#delimited = delimited;
    this.#search = delimited.search();
    this.#onDiscard = onDiscard;
    this.#open = delimited.startMarker === undefined;
  }

  abstract next(): Buffer | undefined;
  abstract take(): FrameBatch | undefined;

  get error(): FrameError | undefined {
    return this.#error;
  }

  get buffered(): number {
    return this.#marker.length + this.#unread;
  }

  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    this.#received += chunk.length;
    this.#load(this.#chunk.subarray(this.#at), asBuffer(chunk));
  }

  end(): void {
    this.#ended = true;
  }

  reset(): void {
    this.#forget();
    this.#received = 0;
    this.#ended = false;
    this.#error = undefined;
  }

  detach(): Buffer {
    const rest = Buffer.concat([this.#marker, this.#held.take(), this.#chunk.subarray(this.#at)]);
    this.reset();
    return rest;
  }

  /**
   * Find the next stretch; false when there is none. With `sameChunk` only one that ends in the chunk that holds the
   * one before.
   */
  protected cut(sameChunk = false): boolean {
    const search = this.#search;
    while (this.#error === undefined) {
      if (!this.#open && !this.#seekMarker()) return false;
      if (!search.find(this.#chunk, this.#at)) {
        if (!this.#skipping && this.#unread - search.pending > this.#delimited.maxStretch) {
          this.tooLong(this.#position);
          if (this.#error !== undefined) return false;
          this.#skipping = true;
        }
        this.#hold();
        if (!this.#ended || sameChunk) return false;
        if (!search.end()) return this.#cutRest();
      }
      if (this.#skipping) this.#skipTo(search.matchEnd);
      else if (this.#cutAt(search.matchStart, search.matchEnd)) return true;
    }
    return false;
  }

  /** The frame at that offset of the stream is too long: tell, and poison the reader unless such are discarded. */
  protected tooLong(offset: number): void {
    const { maxFrameLength: limit, discardsTooLong } = this.#delimited;
    const message = `frame longer than maxFrameLength ${limit}, at stream offset ${offset}`;
    this.violation(new FrameError('ERR_FRAME_TOO_LONG', message, { limit, offset }), discardsTooLong);
  }

  /** Tell of a frame that is discarded, or poison the reader. */
  protected violation(error: FrameError, discarded: boolean): void {
    if (discarded) {
      this.#onDiscard?.(error);
    } else {
      this.#forget();
      this.#error = error;
    }
  }

  /** Of the stretch under way, and what follows it. */
  get #unread(): number {
    return this.#held.length + this.#chunk.length - this.#at;
  }

  /** The start marker of the stretch under way, which belongs to no stretch. */
  get #marker(): Buffer {
    const { startMarker } = this.#delimited;
    return startMarker !== undefined && this.#open ? Buffer.of(startMarker) : NO_BYTES;
  }

  /** Where the stretch under way begins in the stream. */
  get #position(): number {
    return this.#received - this.#unread;
  }

  #load(rest: Buffer, chunk: Buffer): void {
    this.#chunk = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#at = 0;
  }

  #seekMarker(): boolean {
    const marker = this.#delimited.startMarker!;
    const found = indexOfByte(this.#chunk, marker, this.#at);
    const to = found === -1 ? this.#chunk.length : found;
    this.#noise += to - this.#at;
    this.#at = to;
    if (this.#noise > 0 && (found !== -1 || this.#ended)) {
      const offset = this.#position - this.#noise;
      const message = `${this.#noise} bytes outside a frame, before a start marker, at stream offset ${offset}`;
      const details = { expected: marker, actual: this.#noise, offset };
      this.#noise = 0;
      this.violation(new FrameError('ERR_FRAME_STUFFING', message, details), true);
    }
    if (found === -1) return false;
    this.#at++;
    this.#open = true;
    return true;
  }

  /** Keep what the chunk has of the stretch under way. */
  #hold(): void {
    const held = this.#held;
    const chunk = this.#chunk;
    if (!this.#skipping) {
      held.append(chunk, this.#at, chunk.length);
    } else {
      const { pending } = this.#search;
      if (pending > chunk.length - this.#at) {
        held.append(chunk, this.#at, chunk.length);
        const all = held.take();
        held.append(all, all.length - pending, all.length);
      } else {
        held.clear();
        held.append(chunk, chunk.length - pending, chunk.length);
      }
    }
    this.#chunk = NO_BYTES;
    this.#at = 0;
  }

  /** The stretch under way ends there; false when it is too long. Offsets of the chunk, negative in what is held. */
  #cutAt(stop: number, after: number): boolean {
    const held = this.#held.length;
    this.offset = this.#position;
    this.joined = held > 0;
    if (!this.joined) {
      this.bytes = this.#chunk;
      this.start = this.#at;
      this.stop = stop;
      this.after = after;
      this.#at = after;
    } else {
      if (after > 0) this.#held.append(this.#chunk, 0, after);
      this.bytes = this.#held.take();
      this.start = 0;
      this.stop = held + stop;
      this.after = held + after;
      this.#at = Math.max(after, 0);
      if (after < 0) this.#load(this.bytes.subarray(this.after), this.#chunk);
    }
    this.#open = this.#delimited.startMarker === undefined;
    if (this.stop - this.start <= this.#delimited.maxStretch) return true;
    this.tooLong(this.offset);
    return false;
  }

  /** The stretch that is skipped ends there. */
  #skipTo(after: number): void {
    const held = this.#held.take();
    this.#at = Math.max(after, 0);
    if (after < 0) this.#load(held.subarray(after), this.#chunk);
    this.#skipping = false;
    this.#open = this.#delimited.startMarker === undefined;
  }

  /** The stream has ended, and so has what was received: is the rest a stretch? */
  #cutRest(): boolean {
    const { startMarker, unterminated, maxStretch } = this.#delimited;
    const length = this.#held.length;
    const offset = this.#position;
    const inside = length > 0 || this.#skipping || (startMarker !== undefined && this.#open);
    if (!inside) return false;
    if (unterminated === 'error') {
      const what = this.#skipping ? 'a discarded frame' : `a frame, after ${length} bytes of it`;
      const message = `stream ended inside ${what}: no delimiter came, at stream offset ${this.#received}`;
      this.violation(new FrameError('ERR_FRAME_TRUNCATED', message, { actual: length, offset }), false);
      return false;
    }
    const emits = unterminated === 'emit' && !this.#skipping;
    const bytes = this.#held.take();
    this.#forget();
    if (!emits) return false;
    if (length > maxStretch) {
      this.tooLong(offset);
      return false;
    }
    this.bytes = bytes;
    this.joined = true;
    this.start = 0;
    this.stop = this.after = length;
    this.offset = offset;
    return true;
  }

  #forget(): void {
    this.#chunk = this.bytes = NO_BYTES;
    this.#at = this.#noise = 0;
    this.#held.clear();
    this.#skipping = false;
    this.#open = this.#delimited.startMarker === undefined;
    this.#search.reset();
  }
}
