import { EMPTY } from '../../bytes/buffer.ts';
import { FrameError } from '../../errors.ts';
import type { DelimiterSearch } from './delimiter-search.ts';
import type { FrameBatch, FrameReaderOptions } from './framing.ts';
import { Intake } from './intake.ts';
import { Noise, type NoisePolicy } from './noise.ts';
import { truncated } from './violations.ts';

/** The options that all framings with a delimiter share. */
export interface Delimited {
  /** A new search for the end of a frame. */
  search(): DelimiterSearch;
  /** The bytes that open a frame. Bytes before them are noise. */
  readonly start?: Buffer | undefined;
  /** A new search for them. */
  readonly startSearch?: (() => DelimiterSearch) | undefined;
  /** Whether the start is part of the stretch. */
  readonly keepsStart?: boolean | undefined;
  /** What happens to noise; only with a start. */
  readonly noise?: NoisePolicy | undefined;
  /** How many bytes after the delimiter belong to the frame. */
  readonly trailer: number;
  /** The most bytes before the delimiter. */
  readonly maxStretch: number;
  /** As the user gave it, for error texts. */
  readonly maxFrameLength: number;
  /** `onTooLong: 'discard'`. */
  readonly discardsTooLong: boolean;
  /** What bytes without a delimiter are at the end of the stream. */
  readonly unterminated: 'error' | 'emit' | 'drop';
}

/**
 * Cuts a stream at its delimiters into *stretches*: the bytes before a delimiter, as they came.
 *
 *     chunks     … one\nli │ ne two\nthr │ ee\n …
 *     stretch      one       line two      three       the last two are joined in `held`
 *
 *     │ noise │ start │ stretch │ delimiter │ trailer │ noise │ start │ …
 *
 * The subclass says what a stretch means as a frame, in `next` and `take`.
 */
export abstract class DelimitedReader extends Intake {
  /** The result of `cut`: the stretch `bytes[start, stop)`, then its delimiter and trailer in `bytes[stop, after)`. */
  protected bytes: Buffer = EMPTY;
  protected start = 0;
  protected stop = 0;
  protected after = 0;
  /** True if the stretch, or the start before it, began in an earlier chunk. */
  protected carried = false;
  /** The offset of the stretch in the stream. */
  protected offset = 0;

  readonly #delimited: Delimited;
  readonly #search: DelimiterSearch;
  readonly #startSearch: DelimiterSearch | undefined;
  readonly #isPlain: boolean;
  /** True if the start of the current stretch was read, or if there is no start to look for. */
  #open: boolean;
  readonly #noise: Noise | undefined;
  /** True if the current stretch is too long: its bytes are dropped, up to its delimiter. */
  #skipping = false;
  /** True if at least a part of the current stretch's start was in an earlier chunk. */
  #carriesStart = false;
  /** The end of the last start found, in the chunk. */
  #startEnd = 0;
  /** Bytes of the trailer of a dropped stretch that are still to come. */
  #skipBehind = 0;
  /** The delimiter was found, but its trailer is incomplete: the end of the stretch, counted from its first byte. */
  #foundStop = -1;
  #foundAfter = -1;

  constructor(delimited: Delimited, options?: FrameReaderOptions) {
    super(options);
    this.#delimited = delimited;
    this.#search = delimited.search();
    this.#isPlain = delimited.trailer === 0;
    this.#startSearch = delimited.startSearch?.();
    this.#noise =
      delimited.noise &&
      new Noise(delimited.noise, (skipped, makeError, count) => this.violation(skipped, makeError, count));
    this.#open = delimited.start === undefined;
  }

  abstract override next(): Buffer | undefined;
  abstract override take(limit?: number): FrameBatch | undefined;

  override get buffered(): number {
    return this.#startRead + super.buffered;
  }

  override push(chunk: Uint8Array): void {
    this.#carriesStart = this.#startRead > 0;
    super.push(chunk);
  }

  override detach(): Buffer {
    const start = this.#delimited.start?.subarray(0, this.#startRead) ?? EMPTY;
    return Buffer.concat([start, super.detach()]);
  }

  /**
   * Find the next stretch; false if there is none. With `sameChunk`, only a stretch that ends in the same chunk as the previous
   * one.
   */
  protected cut(sameChunk = false): boolean {
    const search = this.#search;
    while (this.error === undefined) {
      if (this.#skipBehind > 0 && !this.#skipTrailer()) return sameChunk ? false : this.#cutRest();
      let from = this.at;
      if (!this.#open) {
        if (!this.#seekStart()) return false;
        from = this.#startEnd;
      }
      if (this.#foundAfter < 0) {
        if (!search.find(this.chunk, from)) {
          if (!this.#skipping && super.buffered - search.pending > this.#delimited.maxStretch) {
            this.tooLong(this.position);
            if (this.error !== undefined) return false;
            this.#skipping = true;
          }
          this.#holdStretch();
          if (!this.ended || sameChunk) return false;
          if (!search.end()) return this.#cutRest();
        }
        if (this.#isPlain && this.held.length === 0 && !this.#skipping) {
          const length = search.matchStart - this.at;
          if (length <= this.#delimited.maxStretch) {
            this.#cutPlain();
            return true;
          }
        }
        const stop = this.held.length + search.matchStart - this.at;
        if (!this.#skipping && stop > this.#delimited.maxStretch) {
          this.tooLong(this.position);
          if (this.error !== undefined) return false;
          this.#skipping = true;
        }
        if (this.#skipping) {
          this.#skipTo(search.matchEnd);
          continue;
        }
        this.#foundStop = stop;
        this.#foundAfter = this.held.length + search.matchEnd - this.at + this.#delimited.trailer;
      }
      if (this.#foundAfter > super.buffered) {
        this.hold();
        return this.ended && !sameChunk && this.#cutRest();
      }
      this.#cutAt();
      return true;
    }
    return false;
  }

  /** The frame at that offset of the stream is too long. */
  protected tooLong(offset: number): void {
    const { maxFrameLength: limit, discardsTooLong } = this.#delimited;
    this.violation(discardsTooLong, () => {
      const message = `frame longer than maxFrameLength ${limit}, at stream offset ${offset}`;
      return new FrameError('ERR_FRAME_TOO_LONG', message, { limit, offset });
    });
  }

  protected override forget(): void {
    super.forget();
    this.bytes = EMPTY;
    this.#noise?.clear();
    this.#skipBehind = 0;
    this.#skipping = false;
    this.#open = this.#delimited.start === undefined;
    this.#foundStop = this.#foundAfter = -1;
    this.#search.reset();
    this.#startSearch?.reset();
  }

  /** How many bytes of the start were read and are part of no stretch. */
  get #startRead(): number {
    const { start, keepsStart } = this.#delimited;
    if (start === undefined) return 0;
    if (this.#open) return keepsStart ? 0 : start.length;
    return this.#startSearch!.pending;
  }

  #load(rest: Buffer): void {
    this.base -= rest.length;
    this.chunk = Buffer.concat([rest, this.chunk]);
    this.at = 0;
  }

  /** Skip noise, up to and including a start. */
  #seekStart(): boolean {
    const search = this.#startSearch!;
    const noise = this.#noise!;
    const { start, keepsStart } = this.#delimited;
    if (start!.length === 1 && this.chunk[this.at] === start![0]) {
      noise.over(this.base + this.at);
      this.#startEnd = this.at + 1;
      if (!keepsStart) this.at++;
      this.#open = true;
      return true;
    }
    const before = search.pending;
    const isFound = search.find(this.chunk, this.at);
    const to = isFound ? search.matchEnd : this.chunk.length;
    const isCut = this.ended && search.pending > 0 && this.#delimited.unterminated === 'error';
    const startRead = isFound ? this.#delimited.start!.length : this.ended && !isCut ? 0 : search.pending;
    const end = this.base + to - startRead;
    noise.pass(before + to - this.at - startRead, end);
    if (isFound || this.ended) noise.over(end);
    if (this.error !== undefined) return false;
    this.at = to;
    this.#open = isFound;
    this.#startEnd = to;
    if (isCut) {
      const where = `inside the start of a frame, after ${startRead} bytes of it`;
      this.fail(truncated(where, end + startRead, { actual: startRead, offset: end }));
    } else if (!isFound) {
      this.pass();
      if (this.ended) search.reset();
    } else if (this.#delimited.keepsStart) {
      if (search.matchStart < 0) this.held.append(this.#delimited.start!, 0, startRead);
      else this.at = search.matchStart;
    }
    return isFound;
  }

  /** Keep the part of the current stretch that is in the chunk. */
  #holdStretch(): void {
    if (!this.#skipping) {
      this.hold();
      return;
    }
    const { held, chunk } = this;
    const { pending } = this.#search;
    if (pending > chunk.length - this.at) {
      held.append(chunk, this.at, chunk.length);
      const all = held.take();
      held.append(all, all.length - pending, all.length);
    } else {
      held.clear();
      held.append(chunk, chunk.length - pending, chunk.length);
    }
    this.pass();
  }

  /** As `#cutAt`, for a stretch that lies in the chunk and has no trailer: most do. */
  #cutPlain(): void {
    const { matchStart, matchEnd } = this.#search;
    this.bytes = this.chunk;
    this.carried = this.#carriesStart;
    this.#carriesStart = false;
    this.start = this.at;
    this.stop = matchStart;
    this.after = matchEnd;
    this.offset = this.base + this.at;
    this.at = matchEnd;
    this.#open = this.#delimited.start === undefined;
  }

  /** Cut the stretch that was found. */
  #cutAt(): void {
    const length = this.held.length;
    const after = this.at + this.#foundAfter - length;
    this.offset = this.position;
    const isJoined = length > 0;
    this.carried = isJoined || this.#carriesStart;
    this.#carriesStart = false;
    this.start = isJoined ? 0 : this.at;
    this.stop = this.start + this.#foundStop;
    this.after = this.start + this.#foundAfter;
    if (!isJoined) {
      this.bytes = this.chunk;
      this.at = after;
    } else {
      if (after > this.at) this.held.append(this.chunk, this.at, after);
      this.bytes = this.held.take();
      this.at = Math.max(after, 0);
      if (after < 0) this.#load(this.bytes.subarray(this.after));
    }
    this.#open = this.#delimited.start === undefined;
    this.#foundStop = this.#foundAfter = -1;
  }

  /** The dropped stretch ends there, without its trailer. */
  #skipTo(after: number): void {
    const held = this.held.take();
    this.at = Math.max(after, 0);
    if (after < 0) this.#load(held.subarray(after));
    this.#skipping = false;
    this.#skipBehind = this.#delimited.trailer;
    this.#open = this.#delimited.start === undefined;
  }

  /** Skip the trailer of a dropped stretch; false if more of it is to come. */
  #skipTrailer(): boolean {
    const step = Math.min(this.#skipBehind, this.chunk.length - this.at);
    this.#skipBehind -= step;
    this.at += step;
    return this.#skipBehind === 0;
  }

  /** The stream has ended, and so have the received bytes: is the rest a stretch? */
  #cutRest(): boolean {
    if (!this.ended) return false;
    const { start, unterminated, maxStretch } = this.#delimited;
    const length = this.held.length;
    const offset = this.position;
    const isDropped = this.#skipping || this.#skipBehind > 0;
    const isInside = length > 0 || isDropped || (start !== undefined && this.#open);
    if (!isInside) return false;
    if (unterminated === 'error') {
      const what = isDropped ? 'a discarded frame' : `a frame, after ${length} bytes of it`;
      const missing =
        this.#foundAfter < 0 && this.#skipBehind === 0 ? 'no delimiter came' : 'its trailer is cut';
      this.fail(truncated(`inside ${what}: ${missing}`, offset + length, { actual: length, offset }));
      return false;
    }
    const emits = unterminated === 'emit' && !isDropped;
    const bytes = this.held.take();
    this.forget();
    if (!emits) return false;
    if (length > maxStretch) {
      this.tooLong(offset);
      return false;
    }
    this.bytes = bytes;
    this.carried = true;
    this.start = 0;
    this.stop = this.after = length;
    this.offset = offset;
    return true;
  }
}
