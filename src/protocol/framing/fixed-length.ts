import { ByteAccumulator } from '../../bytes/accumulator.ts';
import { asBuffer } from '../../bytes/buffer.ts';
import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import type { FrameBatch, FrameReader, FrameWriter, Framing } from './framing.ts';

/**
 * Frames that are all of one length.
 *
 *     │ length bytes │ length bytes │ length bytes │ …
 *
 * The writer refuses a payload of any other length, with `ERR_FRAME_LENGTH`.
 *
 * @param length Of a frame, in bytes; at least 1.
 * @throws RangeError for any other length.
 *
 * @example
 * fixedLength(188); // MPEG transport stream packets, ISO/IEC 13818-1
 */
export function fixedLength(length: number): Framing {
  if (!Number.isSafeInteger(length) || length < 1) {
    throw new RangeError(`length must be an integer of at least 1, got ${String(length)}`);
  }
  const wire = `fixedLength:${length}`;
  const writer = new FixedLengthWriter(length);
  return {
    name: 'fixedLength',
    wire,
    maxFrameLength: length,
    reader: () => new FixedLengthReader(length, wire),
    writer: () => writer,
  };
}

const NO_BYTES = Buffer.alloc(0);

class FixedLengthReader implements FrameReader {
  static {
    trust(FixedLengthReader.prototype);
  }

  readonly #length: number;
  readonly #wire: string;
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** The beginning of a frame whose end has not come. */
  readonly #held = new ByteAccumulator();
  #received = 0;
  #ended = false;
  #error: FrameError | undefined;

  constructor(length: number, wire: string) {
    this.#length = length;
    this.#wire = wire;
  }

  get error(): FrameError | undefined {
    return this.#error;
  }

  get buffered(): number {
    return this.#held.length + this.#chunk.length - this.#at;
  }

  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    this.#received += chunk.length;
    const rest = this.#chunk.subarray(this.#at);
    this.#chunk = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    this.#at = 0;
  }

  next(): Buffer | undefined {
    const batch = this.#cut(1);
    return batch?.bytes.subarray(batch.runStart, batch.runEnd);
  }

  take(): FrameBatch | undefined {
    return this.#cut(Number.POSITIVE_INFINITY);
  }

  end(): void {
    this.#ended = true;
  }

  reset(): void {
    this.#chunk = NO_BYTES;
    this.#at = this.#received = 0;
    this.#held.clear();
    this.#ended = false;
    this.#error = undefined;
  }

  detach(): Buffer {
    const rest = Buffer.concat([this.#held.take(), this.#chunk.subarray(this.#at)]);
    this.reset();
    return rest;
  }

  /** At most `limit` frames that lie in one buffer. */
  #cut(limit: number): FrameBatch | undefined {
    const length = this.#length;
    const held = this.#held;
    const chunk = this.#chunk;
    const left = chunk.length - this.#at;
    const count = held.length > 0 ? 0 : Math.min(limit, Math.floor(left / length));
    if (count > 0) {
      const from = this.#at;
      this.#at += count * length;
      return this.#batch(chunk, from, count);
    }
    const to = this.#at + Math.min(left, length - held.length);
    if (to > this.#at) held.append(chunk, this.#at, to);
    this.#at = to;
    if (held.length === length) return this.#batch(held.take(), 0, 1);
    if (to === chunk.length) {
      this.#chunk = NO_BYTES;
      this.#at = 0;
    }
    if (this.#ended && held.length > 0) this.#truncated();
    return undefined;
  }

  #batch(bytes: Buffer, from: number, count: number): FrameBatch {
    const length = this.#length;
    const bounds: number[] = [];
    for (let i = 0; i < count; i++) bounds.push(from + i * length, from + (i + 1) * length);
    return { bytes, bounds, count, wire: this.#wire, runStart: from, runEnd: from + count * length };
  }

  #truncated(): void {
    const actual = this.#held.length;
    const offset = this.#received - actual;
    const message =
      `stream ended inside a frame, after ${actual} of its ${this.#length} bytes, ` +
      `at stream offset ${this.#received}`;
    this.#error = new FrameError('ERR_FRAME_TRUNCATED', message, { expected: this.#length, actual, offset });
    this.#held.clear();
  }
}

class FixedLengthWriter implements FrameWriter {
  static {
    trust(FixedLengthWriter.prototype);
  }

  readonly headerLength = 0;
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  bound(length: number): number {
    return length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    this.#check(end - start);
    target.set(source.subarray(start, end), at);
    return at + end - start;
  }

  seal(_target: Buffer, at: number, payloadEnd: number): number {
    this.#check(payloadEnd - at);
    return payloadEnd;
  }

  #check(length: number): void {
    if (length === this.#length) return;
    throw new FrameError(
      'ERR_FRAME_LENGTH',
      `payload of ${length} bytes, where every frame has ${this.#length}`,
      {
        origin: 'local',
        limit: this.#length,
        actual: length,
        expected: this.#length,
      },
    );
  }
}
