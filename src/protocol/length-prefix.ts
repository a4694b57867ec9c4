import { FrameError } from '../errors.ts';
import { copyBytes, copyShort, SHORT, viewOf } from './copy.ts';
import type { FrameBatch, FrameReader, FrameReaderOptions, FrameWriter, Framing } from './framing.ts';

/**
 * Frames that say their length up front.
 *
 *     lengthFieldOffset   lengthFieldLength
 *     ├──────────────┤├───────────────────┤
 *     │ header bytes ││   length field    ││ the bytes that follow the field             │
 *     └──────────────┘└───────────────────┘└─────────────────────────────────────────────┘
 *                                           ├── value of the field + lengthAdjustment ───┤
 *     ├── initialBytesToStrip ────────────┤├──────── the frame that is handed on ────────┤
 */
export interface LengthPrefixOptions {
  /** Width of the length field in bytes, 1 to 8, or `'varint'` (base 128, least significant first). Default 4. */
  lengthFieldLength?: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 'varint' | undefined;
  /** Of the length field; a varint has its own. Default `'little'`. */
  byteOrder?: 'little' | 'big' | undefined;
  /** Header bytes before the length field. Default 0. */
  lengthFieldOffset?: number | undefined;
  /** Added to the field's value to give the number of bytes that follow the field; may be negative. Default 0. */
  lengthAdjustment?: number | undefined;
  /**
   * `lengthAdjustment` in plain words: the length counts what follows the field (`'payload'`), or also the field
   * and what stands before it (`'header'`). Default `'payload'`.
   */
  lengthIncludes?: 'payload' | 'header' | undefined;
  /** Leading bytes of the frame that are not handed on. Default: the header, field included. */
  initialBytesToStrip?: number | undefined;
  /** The most bytes that may follow the length field. Default 10,000,000. */
  maxFrameLength?: number | undefined;
  /** A frame longer than that: an error that ends the stream, or skip exactly that frame. Default `'error'`. */
  onTooLong?: 'error' | 'discard' | undefined;
}

/**
 * Length-field framing, both directions from one object: what its writer writes, its reader reads.
 *
 * The writer takes what the reader hands on. Header bytes that the reader strips are written as zeros, the length
 * field is always filled in.
 *
 * @throws TypeError or RangeError for options that are wrong or contradict each other.
 *
 * @example
 * lengthPrefix(); //                                                u32 little-endian, at most 10,000,000 bytes
 * lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' }); //      DNS over TCP, RFC 1035 §4.2.2
 * lengthPrefix({ lengthFieldOffset: 1, byteOrder: 'big', lengthAdjustment: -4, initialBytesToStrip: 0 }); // PostgreSQL
 */
export function lengthPrefix(options: LengthPrefixOptions = {}): Framing {
  const layout = checkedLayout(options);
  const writer = layout.varint ? new VarintWriter(layout) : new FixedWriter(layout);
  return {
    name: 'lengthPrefix',
    wire: layout.wire,
    maxFrameLength: layout.maxFrameLength,
    reader: (readerOptions) => new LengthPrefixReader(layout, readerOptions),
    writer: () => writer,
  };
}

/** The options, checked and made plain. */
interface Layout {
  readonly varint: boolean;
  /** Of the length field, in bytes; 0 for a varint. */
  readonly width: number;
  readonly little: boolean;
  readonly offset: number;
  /** Offset and field, in bytes; for a varint what is known of it: the offset. */
  readonly header: number;
  /** Bytes to strip; for a varint that is stripped too, the offset. */
  readonly strip: number;
  /** Whether a varint field is stripped. */
  readonly stripsVarint: boolean;
  readonly adjustment: number;
  /** A varint that counts itself: its own width is part of the adjustment. */
  readonly countsVarint: boolean;
  readonly maxFrameLength: number;
  readonly discards: boolean;
  /** `Framing.wire`: where all that goes round a frame follows from its length, and all of it is stripped. */
  readonly wire: string | undefined;
}

const DEFAULT_MAX_FRAME_LENGTH = 10_000_000;
/** Ten groups of seven bits hold 64 (as in Protocol Buffers). */
const MAX_VARINT_LENGTH = 10;

function checkedLayout(options: LengthPrefixOptions): Layout {
  const {
    lengthFieldLength = 4,
    byteOrder = 'little',
    lengthFieldOffset: offset = 0,
    lengthAdjustment,
    lengthIncludes,
    initialBytesToStrip,
    maxFrameLength = DEFAULT_MAX_FRAME_LENGTH,
    onTooLong = 'error',
  } = options;
  const varint = lengthFieldLength === 'varint';
  const width = varint ? 0 : lengthFieldLength;

  if (!varint && !(Number.isInteger(width) && width >= 1 && width <= 8)) {
    throw new RangeError(
      `lengthFieldLength must be 1 to 8 bytes or 'varint', got ${show(lengthFieldLength)}`,
    );
  }
  oneOf('byteOrder', byteOrder, ['little', 'big']);
  oneOf('onTooLong', onTooLong, ['error', 'discard']);
  natural('lengthFieldOffset', offset);
  natural('maxFrameLength', maxFrameLength);
  if (lengthAdjustment !== undefined && !Number.isSafeInteger(lengthAdjustment)) {
    throw new RangeError(`lengthAdjustment must be an integer, got ${show(lengthAdjustment)}`);
  }
  if (lengthIncludes !== undefined) {
    oneOf('lengthIncludes', lengthIncludes, ['payload', 'header']);
    if (lengthAdjustment !== undefined) {
      throw new TypeError('lengthIncludes and lengthAdjustment say the same thing twice: give one of them');
    }
  }

  const header = offset + width;
  const adjustment = lengthIncludes === 'header' ? -header : (lengthAdjustment ?? 0);
  const largest = varint ? Number.MAX_SAFE_INTEGER : fieldMaximum(width);
  if (largest + adjustment < 0) {
    throw new RangeError(
      `lengthAdjustment ${adjustment} makes every length negative: a ${width}-byte field holds at most ${largest}`,
    );
  }
  if (adjustment > maxFrameLength) {
    throw new RangeError(
      `lengthAdjustment ${adjustment} makes every frame longer than maxFrameLength ${maxFrameLength}`,
    );
  }
  if (initialBytesToStrip !== undefined) natural('initialBytesToStrip', initialBytesToStrip);
  if (varint && initialBytesToStrip !== undefined && initialBytesToStrip > offset) {
    throw new RangeError(
      `initialBytesToStrip ${initialBytesToStrip} reaches into a varint, whose length differs: strip at most the ` +
        `${offset} bytes before it, or leave the option out to strip the whole header`,
    );
  }
  if (!varint && initialBytesToStrip !== undefined && initialBytesToStrip > header + maxFrameLength) {
    throw new RangeError(
      `initialBytesToStrip ${initialBytesToStrip} is more than the longest frame, ${header + maxFrameLength} bytes`,
    );
  }
  const stripsAll =
    offset === 0 && (initialBytesToStrip === undefined || (!varint && initialBytesToStrip === width));
  return {
    varint,
    width,
    little: byteOrder === 'little',
    offset,
    header,
    strip: initialBytesToStrip ?? header,
    stripsVarint: varint && initialBytesToStrip === undefined,
    adjustment,
    countsVarint: varint && lengthIncludes === 'header',
    maxFrameLength: Math.min(maxFrameLength, largest + adjustment),
    discards: onTooLong === 'discard',
    // A varint may be wider than it need be, so one reader's run is not byte for byte what a writer makes.
    wire: stripsAll && !varint ? `lengthPrefix:${width}:${byteOrder}:${adjustment}` : undefined,
  };
}

const NO_BYTES = Buffer.alloc(0);

/** As many frames are located while they are looked for. */
const LOCATED = 512;
/** Where they are noted first: an array that is grown frame by frame costs more than its copy. */
const locations: number[] = new Array<number>(2 * LOCATED).fill(0);

/** What `#measure` answers in place of a length. */
const MORE = -1;
const INVALID = -2;

class LengthPrefixReader implements FrameReader {
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

  take(limit = Number.POSITIVE_INFINITY): FrameBatch | undefined {
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
    const located = limit > LOCATED ? undefined : locations;
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
    this.#held = Buffer.allocUnsafe(Math.min(total, 2 * rest.length));
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

  /** Room for `needed` bytes: twice what was received, never beyond the frame; so a byte is copied but a few times. */
  #grow(needed: number, total: number): void {
    if (needed <= this.#held.length) return;
    const grown = Buffer.allocUnsafe(Math.min(Math.max(total, needed), 2 * needed));
    grown.set(this.#held.subarray(0, this.#heldLength));
    this.#held = grown;
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

class FixedWriter implements FrameWriter {
  readonly headerLength: number;
  readonly #layout: Layout;
  /** Of the payload: with these, and nothing else, the checks of every frame come down to two comparisons. */
  readonly #shortest: number;
  readonly #longest: number;
  /** The field's value is the payload's length plus this. */
  readonly #toValue: number;
  /** More is stripped than the field: what stood in the buffer before is not for the peer. */
  readonly #zeroes: boolean;

  constructor(layout: Layout) {
    const { header, strip, adjustment, maxFrameLength, width, offset } = layout;
    this.#layout = layout;
    this.#zeroes = strip > 0 && (offset > 0 || strip > width);
    this.headerLength = strip;
    // Bytes behind the field = strip + payload - header, and the field's value = that - adjustment.
    const beyond = header - strip;
    this.#shortest = Math.max(0, beyond, beyond + adjustment);
    this.#longest = beyond + Math.min(maxFrameLength, fieldMaximum(width) + adjustment);
    this.#toValue = -beyond - adjustment;
  }

  bound(length: number): number {
    return this.headerLength + length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    // Judged before it is copied: a payload that is refused may be larger than the room there is.
    if (length < this.#shortest || length > this.#longest) throw this.#refusal(length);
    const payloadEnd = copyBytes(target, at + this.headerLength, source, start, end);
    this.#writeHeader(target, at, length + this.#toValue);
    return payloadEnd;
  }

  writeAll(
    target: Buffer,
    at: number,
    source: Uint8Array,
    bounds: ArrayLike<number>,
    from: number,
    to: number,
  ): number {
    const write = viewOf(target);
    const read = viewOf(source);
    let frameAt = at;
    for (let i = 2 * from; i < 2 * to; i += 2) {
      const start = bounds[i]!;
      const length = bounds[i + 1]! - start;
      if (length < this.#shortest || length > this.#longest) throw this.#refusal(length);
      const payloadAt = frameAt + this.headerLength;
      if (length <= SHORT) copyShort(write, payloadAt, read, start, length);
      else target.set(source.subarray(start, start + length), payloadAt);
      this.#writeHeader(target, frameAt, length + this.#toValue);
      frameAt = payloadAt + length;
    }
    return frameAt;
  }

  seal(target: Buffer, at: number, payloadEnd: number): number {
    const length = payloadEnd - at - this.headerLength;
    if (length < this.#shortest || length > this.#longest) throw this.#refusal(length);
    this.#writeHeader(target, at, length + this.#toValue);
    return payloadEnd;
  }

  #writeHeader(target: Buffer, at: number, value: number): void {
    const { width, little, offset } = this.#layout;
    if (this.#zeroes) target.fill(0, at, at + this.headerLength);
    writeFixed(target, at + offset, width, little, value);
  }

  #refusal(length: number): FrameError {
    const { header, strip, adjustment, maxFrameLength } = this.#layout;
    const body = strip + length - header;
    if (body < 0) {
      return new FrameError(
        'ERR_FRAME_LENGTH',
        `payload of ${length} bytes is shorter than the ${header - strip} header bytes it has to begin with`,
        { origin: 'local', limit: header - strip, actual: length },
      );
    }
    if (body > maxFrameLength) return payloadTooLong(body, maxFrameLength);
    return new FrameError(
      'ERR_FRAME_LENGTH',
      `length field would hold ${body - adjustment} for a payload of ${length} bytes (lengthAdjustment ${adjustment})`,
      { origin: 'local', actual: body - adjustment },
    );
  }
}

class VarintWriter implements FrameWriter {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  bound(length: number): number {
    return this.#layout.strip + MAX_VARINT_LENGTH + length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const { strip, stripsVarint } = this.#layout;
    let to = at + strip;
    if (stripsVarint) {
      const value = this.#value(end - start);
      target.fill(0, at, to);
      to = writeVarint(target, to, value);
    } else {
      this.#checkKept(source, start, end);
      target.fill(0, at, to);
    }
    return copyBytes(target, to, source, start, end);
  }

  /** The varint's value for that many bytes behind it. */
  #value(body: number): number {
    const { adjustment, countsVarint, maxFrameLength } = this.#layout;
    if (body > maxFrameLength) throw payloadTooLong(body, maxFrameLength);
    let value = body - adjustment;
    // One that counts itself may grow by a byte when its own width is added.
    if (countsVarint) {
      let width = varintLength(value + 1);
      while (varintLength(value + width) > width) width++;
      value += width;
    }
    if (value < 0) {
      throw new FrameError(
        'ERR_FRAME_LENGTH',
        `length field would hold ${value} for a payload of ${body} bytes (lengthAdjustment ${adjustment})`,
        { origin: 'local', actual: value },
      );
    }
    return value;
  }

  /** The payload brings its own varint: it has to tell the truth. */
  #checkKept(source: Uint8Array, start: number, end: number): void {
    const { offset, strip } = this.#layout;
    const probe = new LengthPrefixReader({
      ...this.#layout,
      offset: offset - strip,
      header: offset - strip,
      strip: 0,
    });
    probe.push(source.subarray(start, end));
    const frame = probe.next();
    if (probe.error?.code === 'ERR_FRAME_TOO_LONG') {
      throw payloadTooLong(Number(probe.error.actual), this.#layout.maxFrameLength);
    }
    if (frame === undefined || frame.length !== end - start) {
      throw new FrameError(
        'ERR_FRAME_LENGTH',
        `payload of ${end - start} bytes does not begin with a header that gives its length`,
        { origin: 'local', actual: end - start },
      );
    }
  }
}

function payloadTooLong(actual: number, limit: number): FrameError {
  return new FrameError('ERR_FRAME_TOO_LONG', `payload of ${actual} bytes exceeds maxFrameLength ${limit}`, {
    origin: 'local',
    limit,
    actual,
  });
}

/** The largest value of a field of that many bytes that can be counted. */
function fieldMaximum(width: number): number {
  return width > 6 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * width) - 1;
}

function readFixed(bytes: Buffer, at: number, width: number, little: boolean): number {
  switch (width) {
    case 1:
      return bytes[at]!;
    case 2:
      return little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!;
    case 4:
      return little
        ? (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
        : ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    default: {
      // Beyond 2^53 a sum of doubles is rounded, and stays beyond: the caller refuses it.
      let value = 0;
      for (let i = 0; i < width; i++) value = value * 256 + bytes[little ? at + width - 1 - i : at + i]!;
      return value;
    }
  }
}

function writeFixed(target: Buffer, at: number, width: number, little: boolean, value: number): void {
  if (width === 4) {
    target[at] = little ? value : value >>> 24;
    target[at + 1] = little ? value >>> 8 : value >>> 16;
    target[at + 2] = little ? value >>> 16 : value >>> 8;
    target[at + 3] = little ? value >>> 24 : value;
  } else if (width === 2) {
    target[at] = little ? value : value >>> 8;
    target[at + 1] = little ? value >>> 8 : value;
  } else {
    // Not by shifts: a field of more than four bytes holds more than 32 bits.
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) {
      target[little ? at + i : at + width - 1 - i] = rest;
    }
  }
}

function writeVarint(target: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  target[at++] = value;
  return at;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function natural(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new RangeError(`${name} must be a whole number of bytes, 0 or more, got ${show(value)}`);
  }
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    throw new TypeError(`${name} must be ${allowed.map((a) => `'${a}'`).join(' or ')}, got ${show(value)}`);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
