import type { FrameError } from '../../errors.ts';
import { wholeStream } from '../direction.ts';
import type { FrameReader, FrameReaderOptions, Framing } from '../framing/framing.ts';

/** A result of cutting one direction of a recorded connection into frames. */
export type FrameResult =
  | {
      readonly kind: 'frame';
      /** The frame is `bytes[start, end)`: a view of the bytes passed in. */
      readonly bytes: Buffer;
      readonly start: number;
      readonly end: number;
      /**
       * The offset of the frame's first byte in the stream, gaps included; undefined if the framing does not count
       * bytes.
       */
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
  /** How many bytes are missing. */
  readonly length: number;
  /** Captured bytes of frames of which other bytes are missing. */
  readonly discarded: number;
  /** True if decoding resumes after the gap; else the framing cannot find the next frame. */
  readonly goesOn: boolean;
}

const NO_BYTES = Buffer.alloc(0);
const FILL_LENGTH = 65_536;

/**
 * How a framing resumes inside a frame: after the next mark that ends a frame, with the next frame that it finds, or
 * not at all.
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
      // Without a checksum, any bytes look like a packet.
      return layout.skipsNoise && layout.valid !== undefined ? 'search' : undefined;
    default:
      return undefined;
  }
}

/**
 * Cuts one direction of a recorded connection into frames, through gaps. If the framing knows the length of the frame
 * with the gap, it resumes after that frame; if frames end with a mark, after the next mark; if they begin with a mark
 * or have a checksum, with the next frame found. Any other framing cannot resume.
 */
export class DirectionFrames {
  readonly #framing: Framing;
  readonly #recovery: Recovery;
  readonly #options: FrameReaderOptions | undefined;
  /** Noise skipped since the last results. */
  #noise: FrameError[] = [];
  #reader: FrameReader;
  /** The offset in the stream of the reader's first byte. */
  #base = 0;
  #received = 0;
  /** Bytes still to come of a frame with a gap. */
  #skip = 0;
  /** True if the next frame is the rest of an incomplete one. */
  #isRest = false;
  /** True until a frame is found after a gap. */
  #isSearching = false;
  #isLost = false;

  /**
   * @param withNoise - true to report bytes skipped between frames
   * @param preface - bytes that come before the first frame
   */
  constructor(framing: Framing, withNoise = false, preface?: Buffer) {
    this.#framing = framing;
    this.#recovery = recoveryOf(framing);
    this.#options = withNoise ? { onDiscard: (error) => this.#noise.push(error) } : undefined;
    this.#reader = wholeStream({ framing, preface }).reader(this.#options);
  }

  /** Bytes received of an incomplete frame. */
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

  /** The side has ended. Returns a last frame, or the fault that a frame is cut off. */
  end(): FrameResult[] {
    const results: FrameResult[] = [];
    if (this.#isLost || this.#skip > 0 || this.#isRest || this.#isSearching) return results;
    this.#reader.end();
    this.#take(results, NO_BYTES);
    return results;
  }

  /** Resume after a gap that begins `partial.length` bytes into a frame. */
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
      // The gap contains whole frames: only with frames of one length is its end in a frame known.
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

  /** A false start may have hidden whole frames before the gap. */
  #takeBehindFalseStart(results: FrameResult[], partial: Buffer): void {
    this.#restart();
    this.#base -= partial.length;
    this.#reader.push(partial);
    this.#reader.next();
    this.#reader.giveUp?.();
    const { length } = results;
    this.#take(results, NO_BYTES);
    // A fault here concerns bytes that are dropped anyway.
    results.splice(length, Infinity, ...results.slice(length).filter(({ kind }) => kind === 'frame'));
    this.#isLost = false;
  }

  /**
   * The length on the wire of a frame that begins with these bytes; undefined if they do not determine it. The length
   * is known if the frame ends at the same place whatever bytes follow.
   */
  #frameLength(start: Buffer): number | undefined {
    const length = this.#lengthWith(start, 0x00);
    if (length === undefined || length !== this.#lengthWith(start, 0x7f)) return undefined;
    // A byte that is not part of a UTF-8 text, so that a text check may refuse it.
    const other = this.#lengthWith(start, 0xff);
    return other === undefined || other === length ? length : undefined;
  }

  #lengthWith(start: Buffer, value: number): number | undefined {
    // A frame after noise is a different frame.
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
      // Reading byte by byte from the last fill finds the place.
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
      // Take one frame at a time if noise is reported, since noise lies between frames.
      const batch = this.#options === undefined ? this.#reader.take() : this.#reader.take(1);
      for (const error of this.#noise.splice(0)) results.push({ kind: 'noise', error });
      if (batch === undefined) {
        const { error } = this.#reader;
        if (error === undefined) return;
        if ((this.#isRest || this.#isSearching) && chunk.length > 0) {
          // The rest of a frame may look like anything: continue after the fault.
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
