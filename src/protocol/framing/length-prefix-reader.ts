import { asBuffer } from '../../bytes/buffer.ts';
import { copyBytes } from '../../bytes/copy.ts';
import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import { FRAMES_AT_ONCE, type FrameBatch, type FrameReader, type FrameReaderOptions } from './framing.ts';
import { type Layout, MAX_VARINT_LENGTH, readFixed } from './length-layout.ts';

const NO_BYTES = Buffer.alloc(0);

/** Where frames are noted first while they are looked for: an array that is grown frame by frame costs more than its copy. */
const locations: number[] = new Array<number>(2 * FRAMES_AT_ONCE).fill(0);

/** What `#measure` answers in place of a length. */
const MORE = -1;
const INVALID = -2;

export class LengthPrefixReader implements FrameReader {
  static {
    trust(LengthPrefixReader.prototype);
  }

  readonly #layout: Layout;
  readonly #onDiscard: FrameReaderOptions['onDiscard'];
  /** The chunk that is being read, and how far. */
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** Where `#chunk[0]` stands in the stream. */
  #base = 0;
  /** The beginning of a frame whose end has not come: `#held[0, #heldLength)`. */
  #held: Buffer = NO_BYTES;
  #heldLength = 0;
  /** Bytes of a discarded frame that are still to come. */
  #skip = 0;
  #ended = false;
  #error: FrameError | undefined;
  /** Of the header last measured: its length, and why it is invalid. */
  #headerLength: number;
  #invalid: FrameError | undefined;

  constructor(layout: Layout, { onDiscard }: FrameReaderOptions = {}) {
    this.#layout = layout;
    this.#headerLength = layout.header;
    this.#onDiscard = onDiscard;
  }

  get error(): FrameError | undefined {
    return this.#error;
  }

  get buffered(): number {
    return this.#heldLength + this.#chunk.length - this.#at;
  }

  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    const rest = this.#chunk.length - this.#at;
    const bytes = asBuffer(chunk);
    this.#base += this.#at;
    this.#at = 0;
    this.#chunk = rest === 0 ? bytes : Buffer.concat([this.#chunk.subarray(-rest), bytes]);
  }

  next(): Buffer | undefined {
    const whole = this.#nextFixed();
    if (whole !== undefined) return whole;
    const batch = this.#scan(1);
    return batch?.bytes.subarray(batch.bounds[0], batch.bounds[1]);
  }

  take(limit: number = Number.POSITIVE_INFINITY): FrameBatch | undefined {
    return this.#scan(limit);
  }

  end(): void {
    this.#ended = true;
  }

  reset(): void {
    this.#chunk = this.#held = NO_BYTES;
    this.#at = this.#base = this.#heldLength = this.#skip = 0;
    this.#ended = false;
    this.#error = undefined;
  }

  detach(): Buffer {
    const rest = Buffer.concat([this.#held.subarray(0, this.#heldLength), this.#chunk.subarray(this.#at)]);
    this.reset();
    return rest;
  }

  /** The next frame, where nothing is under way and it lies whole in the chunk: most do, and need no batch. */
  #nextFixed(): Buffer | undefined {
    const { varint, width, little, offset, header, adjustment, strip, maxFrameLength } = this.#layout;
    const bytes = this.#chunk;
    const at = this.#at;
    if (varint || this.#heldLength > 0 || this.#skip > 0 || bytes.length - at < header) return undefined;
    const body = readFixed(bytes, at + offset, width, little) + adjustment;
    const end = at + header + body;
    if (body < 0 || body > maxFrameLength || header + body < strip || end > bytes.length) return undefined;
    this.#at = end;
    return bytes.subarray(at + strip, end);
  }

  #scan(limit: number): FrameBatch | undefined {
    if (this.#error !== undefined) return undefined;
    if (this.#skip > 0) this.#skipOn();
    if (this.#heldLength > 0) {
      const batch = this.#complete();
      if (batch !== undefined || this.#heldLength > 0 || this.#error !== undefined) return batch;
    }
    for (;;) {
      const batch = this.#whole(limit);
      if (batch !== undefined) return batch;
      if (this.#chunk.length - this.#at === 0) break;
      if (!this.#stopped()) continue;
      break;
    }
    if (this.#ended && this.#error === undefined && this.buffered + this.#skip > 0) this.#truncated();
    return undefined;
  }

  /** The frames that lie whole in the chunk, from where we are. */
  #whole(limit: number): FrameBatch | undefined {
    return this.#layout.varint ? this.#wholeVarint(limit) : this.#wholeFixed(limit);
  }

  #wholeFixed(limit: number): FrameBatch | undefined {
    const { width, little, offset, header, adjustment, strip, maxFrameLength } = this.#layout;
    const bytes = this.#chunk;
    const end = bytes.length;
    const shortest = Math.max(0, strip - header);
    // Few frames are located at once. Of many, a run that goes on as it is, only the end is looked for.
    const located = limit > FRAMES_AT_ONCE ? undefined : locations;
    const runStart = this.#at;
    let at = runStart;
    let count = 0;
    for (; count < limit && end - at >= header; count++) {
      const body = readFixed(bytes, at + offset, width, little) + adjustment;
      const next = at + header + body;
      if (next > end || body < shortest || body > maxFrameLength) break;
      if (located !== undefined) {
        located[2 * count] = at + strip;
        located[2 * count + 1] = next;
      }
      at = next;
    }
    if (count === 0) return undefined;
    this.#at = at;
    const bounds = located?.slice(0, 2 * count);
    return new FixedBatch(this.#layout, bytes, count, runStart, at, this.#base, bounds);
  }

  #wholeVarint(limit: number): FrameBatch | undefined {
    const { strip, stripsVarint, maxFrameLength, wire } = this.#layout;
    const bytes = this.#chunk;
    const end = bytes.length;
    const bounds: number[] = [];
    const runStart = this.#at;
    let at = runStart;
    for (let count = 0; count < limit; count++) {
      const body = this.#measureVarint(bytes, at, end);
      const next = at + this.#headerLength + body;
      if (next > end || body < 0 || body > maxFrameLength) break;
      bounds.push(at + (stripsVarint ? this.#headerLength : strip), next);
      at = next;
    }
    if (at === runStart) return undefined;
    this.#at = at;
    return { bytes, bounds, count: bounds.length >> 1, wire, runStart, runEnd: at, streamOffset: this.#base };
  }

  /**
   * No whole frame at `#at`: find out why. Answers false when there is more to read behind a discarded frame.
   */
  #stopped(): boolean {
    const body = this.#measure(this.#chunk, this.#at, this.#chunk.length);
    const frameAt = this.#base + this.#at;
    if (body === INVALID) return this.#fail(this.#invalid!);
    if (body > this.#layout.maxFrameLength) {
      const error = this.#tooLong(body, frameAt);
      if (!this.#layout.discards) return this.#fail(error);
      this.#discard(error, this.#headerLength + body);
      return this.#skip > 0;
    }
    this.#hold(body);
    return true;
  }

  /** Keep the beginning of a frame; `body` is its length behind the header, or `MORE` while that is unknown. */
  #hold(body: number): void {
    const rest = this.#chunk.subarray(this.#at);
    const total = body === MORE ? rest.length : this.#headerLength + body;
    this.#held = this.#room(total, rest.length);
    this.#held.set(rest);
    this.#heldLength = rest.length;
    this.#base += this.#chunk.length;
    this.#chunk = NO_BYTES;
    this.#at = 0;
  }

  /** Add to the held beginning what the chunk has of that frame: the header first, and nothing past the frame. */
  #complete(): FrameBatch | undefined {
    for (;;) {
      const body = this.#measure(this.#held, 0, this.#heldLength);
      const frameAt = this.#base + this.#at - this.#heldLength;
      if (body === INVALID) {
        this.#fail(this.#invalid!);
        return undefined;
      }
      if (body > this.#layout.maxFrameLength) {
        const error = this.#tooLong(body, frameAt);
        const held = this.#heldLength;
        if (!this.#layout.discards) {
          this.#fail(error);
        } else {
          this.#held = NO_BYTES;
          this.#heldLength = 0;
          this.#discard(error, this.#headerLength + body - held);
        }
        return undefined;
      }
      const { varint, header, stripsVarint, strip } = this.#layout;
      const target =
        body !== MORE ? this.#headerLength + body : varint ? Math.max(header, this.#heldLength) + 1 : header;
      if (body !== MORE && this.#heldLength === target) {
        const bytes = this.#held.subarray(0, target);
        this.#held = NO_BYTES;
        this.#heldLength = 0;
        const start = stripsVarint ? this.#headerLength : strip;
        return {
          bytes,
          bounds: [start, target],
          count: 1,
          wire: this.#layout.wire,
          streamOffset: frameAt,
          runStart: 0,
          runEnd: target,
        };
      }
      const add = Math.min(target - this.#heldLength, this.#chunk.length - this.#at);
      if (add === 0) {
        if (this.#ended) this.#truncated();
        return undefined;
      }
      this.#grow(this.#heldLength + add, target);
      copyBytes(this.#held, this.#heldLength, this.#chunk, this.#at, this.#at + add);
      this.#heldLength += add;
      this.#at += add;
    }
  }

  #grow(needed: number, total: number): void {
    if (needed <= this.#held.length) return;
    const grown = this.#room(Math.max(total, needed), needed);
    grown.set(this.#held.subarray(0, this.#heldLength));
    this.#held = grown;
  }

  /** Twice what was received, never beyond the frame: so a byte is copied but a few times. */
  #room(total: number, received: number): Buffer {
    return Buffer.allocUnsafe(Math.min(total, 2 * received));
  }

  /**
   * Bytes that follow the length field of the frame at `bytes[at]`, or `MORE`, or `INVALID`; not yet compared
   * with the maximum.
   */
  #measure(bytes: Buffer, at: number, end: number): number {
    const { varint, width, little, offset, header, adjustment, strip } = this.#layout;
    if (varint) return this.#measureVarint(bytes, at, end);
    if (end - at < header) return MORE;
    const body = readFixed(bytes, at + offset, width, little) + adjustment;
    if (body >= 0 && body <= Number.MAX_SAFE_INTEGER && header + body >= strip) return body;
    return this.#invalidLength(body, at, bytes);
  }

  #measureVarint(bytes: Buffer, at: number, end: number): number {
    const { offset, adjustment, countsVarint } = this.#layout;
    const start = at + offset;
    let value = 0;
    let scale = 1;
    for (let i = 0; ; i++) {
      if (start + i >= end) return MORE;
      const byte = bytes[start + i]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        this.#headerLength = offset + i + 1;
        if (value > Number.MAX_SAFE_INTEGER) return this.#invalidLength(value, at, bytes);
        const body = value + adjustment - (countsVarint ? i + 1 : 0);
        return body < 0 ? this.#invalidLength(body, at, bytes) : body;
      }
      if (i + 1 === MAX_VARINT_LENGTH) {
        this.#invalid = new FrameError(
          'ERR_FRAME_LENGTH',
          `length field is a varint of more than ${MAX_VARINT_LENGTH} bytes, in the frame at stream offset ${this.#streamOffset(at, bytes)}`,
          { limit: MAX_VARINT_LENGTH, offset: this.#streamOffset(at, bytes) },
        );
        return INVALID;
      }
    }
  }

  #invalidLength(body: number, at: number, bytes: Buffer): number {
    const offset = this.#streamOffset(at, bytes);
    const { header, strip } = this.#layout;
    const [limit, why] =
      body > Number.MAX_SAFE_INTEGER
        ? [Number.MAX_SAFE_INTEGER, `is beyond ${Number.MAX_SAFE_INTEGER}, the largest that can be counted`]
        : body < 0
          ? [0, 'is negative']
          : [strip - header, `leaves nothing to strip ${strip} bytes from`];
    this.#invalid = new FrameError(
      'ERR_FRAME_LENGTH',
      `length of ${body} bytes behind the length field ${why}, in the frame at stream offset ${offset}`,
      { limit, actual: body, offset },
    );
    return INVALID;
  }

  #streamOffset(at: number, bytes: Buffer): number {
    return bytes === this.#chunk ? this.#base + at : this.#base + this.#at - this.#heldLength;
  }

  #tooLong(body: number, offset: number): FrameError {
    const limit = this.#layout.maxFrameLength;
    return new FrameError(
      'ERR_FRAME_TOO_LONG',
      `frame of ${body} bytes exceeds maxFrameLength ${limit}, at stream offset ${offset}`,
      { limit, actual: body, offset },
    );
  }

  #truncated(): void {
    const received = this.buffered;
    const offset = this.#base + this.#at - this.#heldLength;
    const body = received === 0 ? MORE : this.#measure(this.#held, 0, this.#heldLength);
    const skipping = this.#skip > 0;
    const expected = skipping ? this.#skip : body === MORE ? undefined : this.#headerLength + body;
    const what = skipping
      ? `${this.#skip} bytes before the end of a discarded frame`
      : expected === undefined
        ? `inside a frame's header, after ${received} bytes of it`
        : `inside a frame, after ${received} of its ${expected} bytes`;
    this.#fail(
      new FrameError('ERR_FRAME_TRUNCATED', `stream ended ${what}, at stream offset ${offset + received}`, {
        expected,
        actual: received,
        offset,
      }),
    );
  }

  #discard(error: FrameError, total: number): void {
    this.#skip = total;
    this.#skipOn();
    this.#onDiscard?.(error);
  }

  #skipOn(): void {
    const step = Math.min(this.#skip, this.#chunk.length - this.#at);
    this.#skip -= step;
    this.#at += step;
  }

  #fail(error: FrameError): true {
    this.#error = error;
    this.#chunk = this.#held = NO_BYTES;
    this.#at = this.#heldLength = this.#skip = 0;
    return true;
  }
}

/**
 * A run of frames with a header of fixed width. Where each of them stands is worked out when somebody asks: who hands
 * the run on as it is does not.
 */
class FixedBatch implements FrameBatch {
  readonly bytes: Buffer;
  readonly count: number;
  readonly runStart: number;
  readonly runEnd: number;
  readonly streamOffset: number;
  readonly #layout: Layout;
  #bounds: readonly number[] | undefined;

  constructor(
    layout: Layout,
    bytes: Buffer,
    count: number,
    runStart: number,
    runEnd: number,
    streamOffset: number,
    bounds: readonly number[] | undefined,
  ) {
    this.#layout = layout;
    this.#bounds = bounds;
    this.bytes = bytes;
    this.count = count;
    this.runStart = runStart;
    this.runEnd = runEnd;
    this.streamOffset = streamOffset;
  }

  get wire(): string | undefined {
    return this.#layout.wire;
  }

  get bounds(): readonly number[] {
    this.#bounds ??= this.#locate();
    return this.#bounds;
  }

  #locate(): number[] {
    const { width, little, offset, header, adjustment, strip } = this.#layout;
    const bounds: number[] = [];
    for (let at = this.runStart; at < this.runEnd; ) {
      const next = at + header + readFixed(this.bytes, at + offset, width, little) + adjustment;
      bounds.push(at + strip, next);
      at = next;
    }
    return bounds;
  }
}
