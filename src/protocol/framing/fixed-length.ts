import { trust } from '../../bytes/trust.ts';
import { integer } from '../../options.ts';
import { framingCall } from './call.ts';
import type { FrameBatch, FrameReaderOptions, FrameWriter, Framing } from './framing.ts';
import { Intake } from './intake.ts';
import { payloadLength, truncated } from './violations.ts';

/**
 * Frames that are all of one length.
 *
 *     │ length bytes │ length bytes │ length bytes │ …
 *
 * The writer refuses a payload of any other length, with `ERR_FRAME_LENGTH`.
 *
 * @param length the length of a frame in bytes; at least 1.
 * @throws RangeError for any other length.
 *
 * @example
 * fixedLength(188); // MPEG transport stream packets, ISO/IEC 13818-1
 */
export function fixedLength(length: number): Framing {
  integer(1)('fixedLength: length', length);
  const wire = `fixedLength:${length}`;
  const writer = new FixedLengthWriter(length);
  return {
    name: 'fixedLength',
    wire,
    maxFrameLength: length,
    layout: { kind: 'fixedLength', length },
    call: framingCall('fixedLength', { length }),
    reader: (options) => new FixedLengthReader(length, wire, options),
    writer: () => writer,
  };
}

class FixedLengthReader extends Intake {
  static {
    trust(FixedLengthReader.prototype);
  }

  readonly #length: number;
  readonly #wire: string;

  constructor(length: number, wire: string, options?: FrameReaderOptions) {
    super(options);
    this.#length = length;
    this.#wire = wire;
  }

  override get isMeasured(): boolean {
    return this.held.length > 0;
  }

  next(): Buffer | undefined {
    const batch = this.#cut(1);
    return batch?.bytes.subarray(batch.runStart, batch.runEnd);
  }

  take(limit: number = Number.POSITIVE_INFINITY): FrameBatch | undefined {
    return this.#cut(limit);
  }

  /** At most `limit` frames that lie in one buffer. */
  #cut(limit: number): FrameBatch | undefined {
    if (this.waitsOn()) return undefined;
    const length = this.#length;
    const { held, chunk } = this;
    const left = chunk.length - this.at;
    const count = held.length > 0 ? 0 : Math.min(limit, Math.floor(left / length));
    if (count > 0) {
      const from = this.at;
      this.at += count * length;
      return this.#batch(chunk, from, count);
    }
    const to = this.at + Math.min(left, length - held.length);
    if (to > this.at) held.append(chunk, this.at, to, length);
    this.at = to;
    this.awaited = 0;
    if (held.length === length) return this.#batch(held.take(), 0, 1);
    this.pass();
    if (held.length > 0) {
      if (this.ended) this.#truncated();
      else this.awaited = length;
    }
    return undefined;
  }

  #batch(bytes: Buffer, from: number, count: number): FrameBatch {
    const length = this.#length;
    const bounds: number[] = [];
    for (let i = 0; i < count; i++) bounds.push(from + i * length, from + (i + 1) * length);
    return { bytes, bounds, count, wire: this.#wire, runStart: from, runEnd: from + count * length };
  }

  #truncated(): void {
    const expected = this.#length;
    const actual = this.held.length;
    const offset = this.position;
    const where = `inside a frame, after ${actual} of its ${expected} bytes`;
    this.fail(truncated(where, offset + actual, { expected, actual, offset }));
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

  #check(actual: number): void {
    const expected = this.#length;
    if (actual === expected) return;
    const message = `payload of ${actual} bytes, where every frame has ${expected}`;
    throw payloadLength(message, { limit: expected, actual, expected });
  }
}
