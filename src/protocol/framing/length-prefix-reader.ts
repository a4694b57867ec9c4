import { readExactly, readUnsigned } from '../../bytes/integers.ts';
import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import { FrameInParts } from './frame-in-parts.ts';
import type { FixedHeader, FrameRun } from './frame-run.ts';
import { FRAMES_AT_ONCE, type FrameBatch, type FrameReaderOptions } from './framing.ts';
import { Intake } from './intake.ts';
import { INVALID as INVALID_FIELD, MORE as MORE_FIELD } from './length-field.ts';
import type { LengthLayout } from './length-layout.ts';
import { frameTooLong, truncated } from './violations.ts';

/** Scratch array for frame offsets; the filled part is copied. Growing an array frame by frame was slower. */
const locations: number[] = new Array<number>(2 * FRAMES_AT_ONCE).fill(0);

/** Returned by `#measure` in place of a length. */
const MORE = -1;
const INVALID = -2;

export class LengthPrefixReader extends Intake {
  static {
    trust(LengthPrefixReader.prototype);
  }

  readonly #layout: LengthLayout;
  /** A longer frame is given out in parts. */
  readonly #partsAbove: number;
  /** The most bytes after a length field of fixed width in a frame that is complete and valid. */
  readonly #longestWhole: number;
  /** For `run`, once it is asked for. */
  #header: FixedHeader | undefined;
  /** Bytes of a discarded frame that are still to come. */
  #skip = 0;
  /** For the header measured last: its length, and why it is invalid. */
  #headerLength: number;
  #invalid: FrameError | undefined;

  constructor(layout: LengthLayout, options?: FrameReaderOptions) {
    super(options);
    this.#layout = layout;
    const { header, strip, maxFrameLength } = layout;
    this.#partsAbove = options?.partsAbove ?? Infinity;
    this.#longestWhole = Math.min(maxFrameLength, this.#partsAbove + strip - header);
    this.#headerLength = header;
  }

  next(): Buffer | undefined {
    const whole = this.#nextFixed();
    if (whole !== undefined) return whole;
    const batch = this.#scan(1);
    return batch?.bytes.subarray(batch.bounds[0], batch.bounds[1]);
  }

  take(limit: number = Number.POSITIVE_INFINITY, bounds?: number[]): FrameBatch | undefined {
    return this.#scan(limit, bounds);
  }

  run(): FrameRun | undefined {
    if (this.#layout.field !== undefined || this.#skip > 0 || this.partial !== undefined) return undefined;
    this.#header ??= headerOf(this.#layout, this.#longestWhole);
    const { held } = this;
    if (held.length > 0) {
      const isWhole = !this.waitsOn() && this.#complete();
      return isWhole ? { bytes: held.bytes, at: 0, end: held.length, header: this.#header } : undefined;
    }
    const { chunk: bytes, at } = this;
    return at === bytes.length ? undefined : { bytes, at, end: bytes.length, header: this.#header };
  }

  goOn(at: number): void {
    const { held } = this;
    if (held.length > 0) {
      if (at !== held.length) throw new RangeError(`at: expected ${held.length}, got ${at}`);
      held.clear();
      return;
    }
    if (!(at >= this.at && at <= this.chunk.length)) {
      throw new RangeError(`at: expected ${this.at} to ${this.chunk.length}, got ${at}`);
    }
    this.at = at;
  }

  override get isMeasured(): boolean {
    const { held } = this;
    return this.#skip > 0 || (held.length > 0 && this.#measure(held.bytes, 0, held.length) >= 0);
  }

  protected override forget(): void {
    super.forget();
    this.#skip = 0;
  }

  /** The next frame, if none is under way and it lies whole in the chunk: most frames do, and need no batch. */
  #nextFixed(): Buffer | undefined {
    const { field, width, little, offset, header, adjustment, strip } = this.#layout;
    const bytes = this.chunk;
    const at = this.at;
    if (field !== undefined || this.held.length > 0 || this.#skip > 0 || this.partial !== undefined)
      return undefined;
    if (bytes.length - at < header) return undefined;
    const body = readUnsigned(bytes, at + offset, width, little) + adjustment;
    const end = at + header + body;
    if (body < 0 || body > this.#longestWhole || header + body < strip || end > bytes.length)
      return undefined;
    this.at = end;
    return bytes.subarray(at + strip, end);
  }

  #scan(limit: number, lent?: number[]): FrameBatch | undefined {
    if (this.waitsOn()) return undefined;
    if (this.partial !== undefined && this.isInParts()) return undefined;
    if (this.error !== undefined) return undefined;
    if (this.#skip > 0) this.#skipOn();
    if (this.held.length > 0) {
      if (this.#complete()) return this.#heldFrame();
      if (this.held.length > 0 || this.error !== undefined) return undefined;
    }
    for (;;) {
      const batch =
        this.#layout.field === undefined ? this.#wholeFixed(limit, lent) : this.#wholeField(limit);
      if (batch !== undefined) return batch;
      if (this.chunk.length === this.at) {
        this.pass();
        break;
      }
      if (!this.#stopped()) continue;
      break;
    }
    const isOver = this.ended && this.error === undefined && this.partial === undefined;
    if (isOver && this.buffered + this.#skip > 0) this.#truncated();
    return undefined;
  }

  #wholeFixed(limit: number, lent: number[] | undefined): FrameBatch | undefined {
    const { width, little, offset, header, adjustment, strip } = this.#layout;
    const longest = this.#longestWhole;
    const bytes = this.chunk;
    const end = bytes.length;
    const shortest = Math.max(0, strip - header);
    // Few frames are located at once. For many, only the end of the run is looked for, since it is forwarded as it is.
    const located = limit > FRAMES_AT_ONCE ? undefined : (lent ?? locations);
    const runStart = this.at;
    let at = runStart;
    let count = 0;
    for (; count < limit && end - at >= header; count++) {
      const body = readUnsigned(bytes, at + offset, width, little) + adjustment;
      const next = at + header + body;
      if (next > end || body < shortest || body > longest) break;
      if (located !== undefined) {
        located[2 * count] = at + strip;
        located[2 * count + 1] = next;
      }
      at = next;
    }
    if (count === 0) return undefined;
    this.at = at;
    const bounds = located === locations ? located.slice(0, 2 * count) : located;
    return new FixedBatch(this.#layout, bytes, count, runStart, at, this.base, bounds);
  }

  #wholeField(limit: number): FrameBatch | undefined {
    const { strip, stripsField, maxFrameLength, wire } = this.#layout;
    const bytes = this.chunk;
    const end = bytes.length;
    const bounds: number[] = [];
    const runStart = this.at;
    let at = runStart;
    for (let count = 0; count < limit; count++) {
      const body = this.#measureField(bytes, at, end);
      const next = at + this.#headerLength + body;
      if (next > end || body < 0 || body > maxFrameLength) break;
      const start = at + (stripsField ? this.#headerLength : strip);
      if (next - start > this.#partsAbove) break;
      bounds.push(start, next);
      at = next;
    }
    if (at === runStart) return undefined;
    this.at = at;
    return { bytes, bounds, count: bounds.length >> 1, wire, runStart, runEnd: at, streamOffset: this.base };
  }

  /** No whole frame at `at`: find out why. Returns false if there is more to read after a discarded frame. */
  #stopped(): boolean {
    const body = this.#measure(this.chunk, this.at, this.chunk.length);
    if (body === INVALID) {
      this.fail(this.#invalid!);
    } else if (body > this.#layout.maxFrameLength) {
      this.#tooLong(body, this.#headerLength + body);
      return this.#skip > 0 || this.error !== undefined;
    } else if (!this.#isLong(body)) {
      this.hold(body === MORE ? undefined : this.#headerLength + body);
    }
    return true;
  }

  /**
   * Add to the held beginning the part of that frame in the chunk: the header first, and nothing beyond the frame. Returns true if the
   * frame is whole.
   */
  #complete(): boolean {
    const { held } = this;
    this.awaited = 0;
    for (;;) {
      const body = this.#measure(held.bytes, 0, held.length);
      if (body === INVALID) {
        this.fail(this.#invalid!);
        return false;
      }
      if (body > this.#layout.maxFrameLength) {
        this.#tooLong(body, this.#headerLength + body - held.length);
        return false;
      }
      if (this.#isLong(body)) return false;
      const { width, header } = this.#layout;
      const total = body === MORE ? undefined : this.#headerLength + body;
      const target = total ?? (width > 0 ? header : Math.max(header, held.length) + 1);
      if (held.length === total) return true;
      const add = Math.min(target - held.length, this.chunk.length - this.at);
      if (add === 0) {
        this.pass();
        if (this.ended) this.#truncated();
        else this.awaited = target;
        return false;
      }
      held.append(this.chunk, this.at, this.at + add, total);
      this.at += add;
    }
  }

  /** The held frame, which is whole. */
  #heldFrame(): FrameBatch {
    const { held, position: streamOffset } = this;
    const { wire, stripsField, strip } = this.#layout;
    const { length } = held;
    const bounds = [stripsField ? this.#headerLength : strip, length];
    return { bytes: held.take(), bounds, count: 1, wire, streamOffset, runStart: 0, runEnd: length };
  }

  /** Whether the frame just measured comes in parts; if so, it begins. */
  #isLong(body: number): boolean {
    if (body === MORE) return false;
    const { strip, stripsField } = this.#layout;
    const header = this.#headerLength;
    const stripped = stripsField ? header : strip;
    const total = header + body;
    if (total - stripped <= this.#partsAbove) return false;
    this.partial = new FrameInParts(total, stripped, header, this.position);
    return true;
  }

  /**
   * Bytes that follow the length field of the frame at `bytes[at]`, or `MORE`, or `INVALID`; not yet compared
   * with the maximum.
   */
  #measure(bytes: Buffer, at: number, end: number): number {
    const { field, width, little, offset, header, adjustment, strip } = this.#layout;
    if (field !== undefined) return this.#measureField(bytes, at, end);
    if (end - at < header) return MORE;
    const body = readUnsigned(bytes, at + offset, width, little) + adjustment;
    if (body >= 0 && body <= Number.MAX_SAFE_INTEGER && header + body >= strip) return body;
    return this.#invalidLength(
      body,
      () => readExactly(bytes, at + offset, width, little) + BigInt(adjustment),
    );
  }

  #measureField(bytes: Buffer, at: number, end: number): number {
    const { offset, adjustment, countsField, strip } = this.#layout;
    const field = this.#layout.field!;
    const fieldAt = at + offset;
    if (field.form === 'varint' && fieldAt < end && bytes[fieldAt]! < 0x80) {
      // One byte: the usual case.
      this.#headerLength = offset + 1;
      const body = bytes[fieldAt]! + adjustment - (countsField ? 1 : 0);
      return body >= 0 && this.#headerLength + body >= strip ? body : this.#invalidLength(body);
    }
    const width = field.widthAt(bytes, fieldAt, end);
    if (width === MORE_FIELD) return MORE;
    const value = width === INVALID_FIELD ? INVALID_FIELD : field.read(bytes, fieldAt, width);
    if (value === INVALID_FIELD) {
      const offset = this.position;
      const message = `length field is not ${field.name}, in the frame at stream offset ${offset}`;
      this.#invalid = new FrameError('ERR_FRAME_LENGTH', message, { limit: field.maxWidth, offset });
      return INVALID;
    }
    this.#headerLength = offset + width;
    const added = adjustment - (countsField ? width : 0);
    const body = value + added;
    const isRight = body >= 0 && value <= Number.MAX_SAFE_INTEGER && this.#headerLength + body >= strip;
    if (isRight) return body;
    return this.#invalidLength(body, () => field.exact!(bytes, fieldAt, width) + BigInt(added));
  }

  /** @param exact - the same length, not rounded, if it may be beyond what is counted */
  #invalidLength(body: number, exact?: () => bigint): number {
    const offset = this.position;
    const { header, strip } = this.#layout;
    const largest = Number.MAX_SAFE_INTEGER;
    const [limit, why] =
      body < 0
        ? [0, 'is negative']
        : this.#headerLength + body < strip
          ? [strip - header, `leaves nothing to strip ${strip} bytes from`]
          : [largest, `is beyond ${largest}, the largest that can be counted`];
    const actual = limit === largest && exact !== undefined ? exact() : body;
    this.#invalid = new FrameError(
      'ERR_FRAME_LENGTH',
      `length of ${actual} bytes behind the length field ${why}, in the frame at stream offset ${offset}`,
      { limit, actual, offset },
    );
    return INVALID;
  }

  /** The current frame is too long; `left` bytes of it were not read yet. */
  #tooLong(body: number, left: number): void {
    const { discards, maxFrameLength } = this.#layout;
    const offset = this.position;
    this.violation(discards, () => frameTooLong(body, maxFrameLength, offset));
    if (this.error !== undefined) return;
    this.held.clear();
    this.#skip = left;
    this.#skipOn();
  }

  #skipOn(): void {
    const step = Math.min(this.#skip, this.chunk.length - this.at);
    this.#skip -= step;
    this.at += step;
  }

  #truncated(): void {
    const actual = this.buffered;
    const offset = this.position;
    const body = actual === 0 ? MORE : this.#measure(this.held.bytes, 0, actual);
    const isSkipping = this.#skip > 0;
    const expected = isSkipping ? this.#skip : body === MORE ? undefined : this.#headerLength + body;
    const where = isSkipping
      ? `${this.#skip} bytes before the end of a discarded frame`
      : expected === undefined
        ? `inside a frame's header, after ${actual} bytes of it`
        : `inside a frame, after ${actual} of its ${expected} bytes`;
    this.fail(truncated(where, offset + actual, { expected, actual, offset }));
  }
}

/** The header of a length field of fixed width. */
function headerOf(layout: LengthLayout, longest: number): FixedHeader {
  const { header, offset, width, little, adjustment, strip } = layout;
  const shortest = Math.max(0, strip - header);
  return { header, offset, width, little, adjustment, strip, shortest, longest };
}

/**
 * A run of frames with a header of fixed width. Their offsets are computed when `bounds` is first read: a stage that
 * forwards the run as it is never reads them.
 */
class FixedBatch implements FrameBatch {
  readonly bytes: Buffer;
  readonly count: number;
  readonly runStart: number;
  readonly runEnd: number;
  readonly streamOffset: number;
  readonly #layout: LengthLayout;
  #bounds: readonly number[] | undefined;

  constructor(
    layout: LengthLayout,
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
      const next = at + header + readUnsigned(this.bytes, at + offset, width, little) + adjustment;
      bounds.push(at + strip, next);
      at = next;
    }
    return bounds;
  }
}
