import type { FrameError } from '../../errors.ts';
import { wholeStream } from '../direction.ts';
import type { FrameReader, FrameReaderOptions, Framing } from '../framing/framing.ts';

/** What comes of one direction of a recorded connection, as frames. */
export type FrameResult =
  | {
      readonly kind: 'frame';
      /** The frame is `bytes[start, end)`: a view of what was given. */
      readonly bytes: Buffer;
      readonly start: number;
      readonly end: number;
      /** The frame's first byte in what the side sent, gaps included, where the framing keeps count. */
      readonly offset: number | undefined;
    }
  /** The stream cannot be framed any further. */
  | { readonly kind: 'fault'; readonly error: FrameError }
  /** Bytes between frames, or a frame that the framing skipped. */
  | { readonly kind: 'noise'; readonly error: FrameError }
  | LostResult;

/** Bytes are missing from the recording. */
export interface LostResult {
  readonly kind: 'lost';
  /** How many. */
  readonly length: number;
  /** Bytes that are there and belong to a frame of which others are missing. */
  readonly discarded: number;
  /** Whether decoding goes on behind them; else the framing cannot tell where the next frame begins. */
  readonly goesOn: boolean;
}

const NO_BYTES = Buffer.alloc(0);
const FILL_LENGTH = 65_536;

/**
 * How a framing goes on from any place inside a frame: behind the next mark that ends a frame, with the next frame that it finds, or not
 * at all.
 */
type Recovery = 'mark' | 'search' | undefined;

function recoveryOf({ layout }: Framing): Recovery {
  switch (layout?.kind) {
    case 'cobs':
      return 'mark';
    case 'delimiter':
      return layout.start === undefined ? 'mark' : 'search';
    case 'stuffed':
      return layout.start === undefined && layout.length === undefined ? 'mark' : 'search';
    case 'packets':
      return 'search';
    case 'measured':
      // Without a sum, any bytes look like a packet.
      return layout.skipsNoise && layout.valid !== undefined ? 'search' : undefined;
    default:
      return undefined;
  }
}

/**
 * Cuts one direction of a recorded connection into frames, through gaps. Where the framing knows how long the frame is that a gap is in,
 * decoding goes on behind that frame; where frames end in a mark, behind the next mark; where they begin with one or carry a sum, with the
 * next frame that is found; any other framing says that it cannot go on.
 */
export class DirectionFrames {
  readonly #framing: Framing;
  readonly #recovery: Recovery;
  readonly #options: FrameReaderOptions | undefined;
  /** Noise that was skipped since the results were given last. */
  #noise: FrameError[] = [];
  #reader: FrameReader;
  /** Where the reader's first byte stands in what the side sent. */
  #base = 0;
  #received = 0;
  /** Bytes still to come of a frame that a gap was in. */
  #skip = 0;
  /** The next frame is the rest of one. */
  #isRest = false;
  /** No frame has been found behind a gap. */
  #isSearching = false;
  #isLost = false;

  /**
   * @param withNoise - whether to tell what is skipped between frames
   * @param preface - what comes before the first frame, where there is something
   */
  constructor(framing: Framing, withNoise = false, preface?: Buffer) {
    this.#framing = framing;
    this.#recovery = recoveryOf(framing);
    this.#options = withNoise ? { onDiscard: (error) => this.#noise.push(error) } : undefined;
    this.#reader = wholeStream({ framing, preface }).reader(this.#options);
  }

  /** Bytes that came and belong to a frame that is not whole. */
  get buffered(): number {
    return this.#reader.buffered;
  }

  data(bytes: Buffer): FrameResult[] {
    const results: FrameResult[] = [];
    if (this.#isLost) return results;
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    this.#received += skipped;
    if (skipped > 0) this.#base = this.#received;
    const rest = bytes.subarray(skipped);
    this.#received += rest.length;
    this.#reader.push(rest);
    this.#take(results, rest);
    return results;
  }

  gap(length: number): FrameResult[] {
    if (this.#isLost) return [];
    const discarded = this.#reader.buffered;
    if (this.#skip > 0) {
      const inside = Math.min(this.#skip, length);
      this.#skip -= inside;
      this.#received += inside;
      if (inside === length) {
        this.#base = this.#received;
        return [{ kind: 'lost', length, discarded: 0, goesOn: true }];
      }
      this.#received += length - inside;
      return [this.#passOver(NO_BYTES, length - inside, length, 0)];
    }
    const partial = this.#reader.detach();
    const results: FrameResult[] = [];
    if (this.#recovery === 'search') this.#takeBehindFalseStart(results, partial);
    this.#received += length;
    results.push(this.#passOver(partial, length, length, discarded));
    return results;
  }

  /** The side has ended: a last frame, or the fault that it is not whole. */
  end(): FrameResult[] {
    const results: FrameResult[] = [];
    if (this.#isLost || this.#skip > 0 || this.#isRest || this.#isSearching) return results;
    this.#reader.end();
    this.#take(results, NO_BYTES);
    return results;
  }

  /** Go on behind a gap that begins `partial.length` bytes into a frame. */
  #passOver(partial: Buffer, gap: number, length: number, discarded: number): FrameResult {
    this.#restart();
    let start = partial;
    let missing = gap;
    while (missing > 0) {
      const total = this.#frameLength(start);
      if (total === undefined) break;
      const rest = total - start.length;
      start = NO_BYTES;
      if (missing <= rest) {
        this.#skip = rest - missing;
        return { kind: 'lost', length, discarded, goesOn: true };
      }
      // Whole frames in the gap: only where all are of one length is it known where it ends.
      missing -= rest;
      const each = this.#frameLength(start);
      if (each === undefined) break;
      const over = missing % each;
      this.#skip = over === 0 ? 0 : each - over;
      return { kind: 'lost', length, discarded, goesOn: true };
    }
    this.#isRest = this.#recovery === 'mark';
    this.#isSearching = this.#recovery === 'search';
    this.#isLost = this.#recovery === undefined;
    if (this.#isRest) this.#fillIn();
    return { kind: 'lost', length, discarded, goesOn: !this.#isLost };
  }

  /** What looked like the beginning of a frame may have hidden whole ones, which the gap does not touch. */
  #takeBehindFalseStart(results: FrameResult[], partial: Buffer): void {
    this.#restart();
    this.#base -= partial.length;
    this.#reader.push(partial);
    this.#reader.next();
    this.#reader.giveUp?.();
    const { length } = results;
    this.#take(results, NO_BYTES);
    // A fault here is of bytes that are given up.
    results.splice(length, Infinity, ...results.slice(length).filter(({ kind }) => kind === 'frame'));
    this.#isLost = false;
  }

  /**
   * How long a frame is that begins with these bytes, as it stands on the wire; undefined where they do not tell. It is known when it
   * ends at the same place whatever follows.
   */
  #frameLength(start: Buffer): number | undefined {
    const length = this.#lengthWith(start, 0x00);
    if (length === undefined || length !== this.#lengthWith(start, 0x7f)) return undefined;
    // No part of a text, so that it may be refused.
    const other = this.#lengthWith(start, 0xff);
    return other === undefined || other === length ? length : undefined;
  }

  #lengthWith(start: Buffer, value: number): number | undefined {
    // A frame behind noise is another one.
    let hasNoise = false;
    const onDiscard = (): void => {
      hasNoise = true;
    };
    const reader = this.#framing.reader({ onDiscard });
    const limit = start.length + this.#framing.maxFrameLength + 64;
    if (start.length > 0) {
      reader.push(Buffer.from(start));
      if (reader.next() !== undefined) return undefined;
    }
    const fill = Buffer.alloc(FILL_LENGTH, value);
    for (let total = start.length; total < limit && reader.error === undefined; ) {
      reader.push(fill);
      const frame = reader.take(1);
      if (hasNoise) return undefined;
      if (frame === undefined) {
        total += FILL_LENGTH;
        continue;
      }
      // One byte after the other, from the last fill on, finds the place.
      return this.#placeWith(start, total, value);
    }
    return undefined;
  }

  #placeWith(start: Buffer, from: number, value: number): number | undefined {
    const reader = this.#framing.reader();
    if (start.length > 0) reader.push(Buffer.from(start));
    reader.next();
    if (from > start.length) {
      reader.push(Buffer.alloc(from - start.length, value));
      reader.next();
    }
    for (let total = from; total <= from + FILL_LENGTH; total++) {
      if (reader.next() !== undefined) return total;
      if (reader.error !== undefined) return undefined;
      reader.push(Buffer.alloc(1, value));
    }
    return undefined;
  }

  /** A byte in front of the rest of a frame: were it empty, a framing that skips empty frames would not tell of it. */
  #fillIn(): void {
    for (const byte of [0x01, 0x55, 0x20]) {
      const reader = this.#framing.reader();
      reader.push(Buffer.from([byte]));
      if (reader.next() !== undefined || reader.error !== undefined || reader.buffered !== 1) continue;
      this.#reader.push(Buffer.from([byte]));
      this.#reader.next();
      this.#base--;
      return;
    }
  }

  #restart(): void {
    this.#reader = this.#framing.reader(this.#options);
    this.#base = this.#received;
  }

  #take(results: FrameResult[], chunk: Buffer): void {
    for (;;) {
      // One frame at a time where noise is reported: it stands between frames.
      const batch = this.#options === undefined ? this.#reader.take() : this.#reader.take(1);
      for (const error of this.#noise.splice(0)) results.push({ kind: 'noise', error });
      if (batch === undefined) {
        const { error } = this.#reader;
        if (error === undefined) return;
        if ((this.#isRest || this.#isSearching) && chunk.length > 0) {
          // The rest of a frame may look like anything: look on behind the fault.
          const behind = this.#base + (error.offset ?? 0) + 1 - (this.#received - chunk.length);
          chunk = chunk.subarray(Math.min(Math.max(1, behind), chunk.length));
          this.#restart();
          this.#base -= chunk.length;
          if (this.#isRest) this.#fillIn();
          this.#reader.push(chunk);
          if (chunk.length > 0) continue;
          return;
        }
        this.#isLost = true;
        results.push({ kind: 'fault', error });
        return;
      }
      this.#isSearching = false;
      const { bytes, bounds, count, streamOffset } = batch;
      for (let i = 0; i < count; i++) {
        if (this.#isRest) {
          this.#isRest = false;
          continue;
        }
        const [start, end] = [bounds[2 * i]!, bounds[2 * i + 1]!];
        const offset = streamOffset === undefined ? undefined : this.#base + streamOffset + start;
        results.push({ kind: 'frame', bytes, start, end, offset });
      }
    }
  }
}
