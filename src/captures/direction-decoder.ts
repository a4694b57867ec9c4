import { ProtocolError } from '../errors.ts';
import type { Codec } from '../protocol/codec.ts';
import type { FrameReader, Framing } from '../protocol/framing/framing.ts';

/** What comes of one direction of a recorded connection. */
export type DirectionResult<Message> =
  | {
      readonly kind: 'message';
      readonly message: Message;
      /** The frame's first byte in what the side sent, gaps included, where the framing keeps count. */
      readonly offset: number | undefined;
    }
  /** A frame that cannot be decoded, or a stream that cannot be framed any further. */
  | { readonly kind: 'fault'; readonly error: ProtocolError }
  | {
      readonly kind: 'lost';
      /** The bytes that are missing. */
      readonly length: number;
      /** Bytes that are there and belong to a frame of which others are missing. */
      readonly discarded: number;
      /** Whether decoding goes on behind them; else the framing cannot tell where the next frame begins. */
      readonly goesOn: boolean;
    };

/** Framings whose frames end in a mark: behind a loss, the next frame begins behind the next mark. */
const MARKED = new Set(['delimiter', 'line', 'slip', 'cobs', 'stuffed']);
/** Framings that look for the next frame themselves. */
const SEARCHING = new Set(['packets']);
const FILL_LENGTH = 65_536;

/**
 * Decodes one direction of a recorded connection, through gaps. Where the framing knows how long the frame is that a gap is in,
 * decoding goes on behind that frame; where frames end in a mark, behind the next mark; `packets` look for the next frame; any
 * other framing says that it cannot go on.
 */
export class DirectionDecoder<Message> {
  readonly #framing: Framing;
  readonly #codec: Codec<Message, never>;
  #reader: FrameReader;
  /** Where the reader's first byte stands in what the side sent. */
  #base = 0;
  #received = 0;
  /** Bytes still to come of a frame that a gap was in. */
  #skip = 0;
  /** The next frame is the rest of one. */
  #isRest = false;
  #isLost = false;

  constructor(framing: Framing, codec: Codec<Message, never>) {
    this.#framing = framing;
    this.#codec = codec;
    this.#reader = framing.reader();
  }

  data(bytes: Buffer): DirectionResult<Message>[] {
    const results: DirectionResult<Message>[] = [];
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

  gap(length: number): DirectionResult<Message>[] {
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
      return [this.#passOver(Buffer.alloc(0), length - inside, length, 0)];
    }
    const partial = this.#reader.detach();
    this.#received += length;
    return [this.#passOver(partial, length, length, discarded)];
  }

  /** The side has ended: a last frame, or the fault that it is not whole. */
  end(): DirectionResult<Message>[] {
    const results: DirectionResult<Message>[] = [];
    if (this.#isLost || this.#skip > 0 || this.#isRest) return results;
    this.#reader.end();
    this.#take(results, Buffer.alloc(0));
    return results;
  }

  /** Go on behind a gap that begins `partial.length` bytes into a frame. */
  #passOver(partial: Buffer, gap: number, length: number, discarded: number): DirectionResult<Message> {
    this.#restart();
    let start = partial;
    let missing = gap;
    while (missing > 0) {
      const total = this.#frameLength(start);
      if (total === undefined) break;
      const rest = total - start.length;
      start = Buffer.alloc(0);
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
    const { name } = this.#framing;
    this.#isRest = MARKED.has(name);
    this.#isLost = !this.#isRest && !SEARCHING.has(name);
    if (this.#isRest) this.#fillIn();
    return { kind: 'lost', length, discarded, goesOn: !this.#isLost };
  }

  /**
   * How long a frame is that begins with these bytes, as it stands on the wire; undefined where they do not tell. It is known when it
   * ends at the same place whatever follows.
   */
  #frameLength(start: Buffer): number | undefined {
    const zeros = this.#lengthWith(start, 0x00);
    return zeros !== undefined && zeros === this.#lengthWith(start, 0xff) ? zeros : undefined;
  }

  #lengthWith(start: Buffer, value: number): number | undefined {
    const reader = this.#framing.reader();
    const limit = start.length + this.#framing.maxFrameLength + 64;
    if (start.length > 0) {
      reader.push(Buffer.from(start));
      if (reader.next() !== undefined) return undefined;
    }
    const fill = Buffer.alloc(FILL_LENGTH, value);
    for (let total = start.length; total < limit && reader.error === undefined; ) {
      reader.push(fill);
      const frame = reader.take(1);
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

  /** A byte in front of the rest of a frame: were it empty, a framing that passes over empty frames would not tell of it. */
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
    this.#reader = this.#framing.reader();
    this.#base = this.#received;
  }

  #take(results: DirectionResult<Message>[], chunk: Buffer): void {
    for (;;) {
      const batch = this.#reader.take();
      if (batch === undefined) {
        const { error } = this.#reader;
        if (error === undefined) return;
        if (this.#isRest && error.offset !== undefined) {
          // The rest of a frame may look like anything: look on behind the fault.
          const behind = this.#base + error.offset + 1 - (this.#received - chunk.length);
          chunk = chunk.subarray(Math.max(0, Math.min(behind, chunk.length)));
          this.#restart();
          this.#base -= chunk.length;
          this.#fillIn();
          this.#reader.push(chunk);
          if (chunk.length > 0) continue;
          return;
        }
        this.#isLost = true;
        results.push({ kind: 'fault', error });
        return;
      }
      const { bytes, bounds, count, streamOffset } = batch;
      for (let i = 0; i < count; i++) {
        if (this.#isRest) {
          this.#isRest = false;
          continue;
        }
        const [start, end] = [bounds[2 * i]!, bounds[2 * i + 1]!];
        const offset = streamOffset === undefined ? undefined : this.#base + streamOffset + start;
        try {
          results.push({ kind: 'message', message: this.#codec.decode(bytes, start, end), offset });
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          results.push({ kind: 'fault', error });
        }
      }
    }
  }
}
