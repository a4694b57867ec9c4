import { asBuffer, EMPTY } from '../../bytes/buffer.ts';
import { FrameError } from '../../errors.ts';
import type { FrameBatch, FrameReader, FrameReaderOptions, Framing, PartialFrame } from './framing.ts';
import { truncated } from './violations.ts';

/**
 * The same framing after fixed bytes that come once, before the first frame: HTTP/2's `PRI * HTTP/2.0 …`, AMQP's `AMQP` and a
 * version. The writer writes frames only.
 *
 *     │ preface │ frame │ frame │ …
 */
export function prefaced(framing: Framing, preface: Buffer): Framing {
  const { name, wire, maxFrameLength, layout, call } = framing;
  return {
    name,
    wire,
    maxFrameLength,
    layout,
    call,
    inParts: framing.inParts,
    ...(framing.kindOf !== undefined && { kindOf: framing.kindOf.bind(framing) }),
    reader: (options) => new PrefacedReader(framing, preface, options),
    writer: () => framing.writer(),
  };
}

/** Bytes that differ from the preface are an error at the first such byte. */
class PrefacedReader implements FrameReader {
  readonly #framing: Framing;
  readonly #preface: Buffer;
  readonly #options: FrameReaderOptions;
  #reader: FrameReader;
  /** The stream offset of the preface. */
  #base: number;
  /** Bytes of the preface received. */
  #at = 0;
  #error: FrameError | undefined;

  constructor(framing: Framing, preface: Buffer, options: FrameReaderOptions = {}) {
    this.#framing = framing;
    this.#preface = preface;
    this.#options = options;
    this.#base = options.streamOffset ?? 0;
    this.#reader = this.#open();
  }

  get error(): FrameError | undefined {
    return this.#error ?? this.#reader.error;
  }

  get partial(): PartialFrame | undefined {
    return this.#reader.partial;
  }

  part(): Buffer | undefined {
    return this.#reader.part?.();
  }

  skipParts(): void {
    this.#reader.skipParts?.();
  }

  get isPaused(): boolean {
    return this.#reader.isPaused === true;
  }

  get isMeasured(): boolean {
    return this.#isInside || this.#reader.isMeasured === true;
  }

  get buffered(): number {
    return this.#isInside ? this.#at : this.#reader.buffered;
  }

  get #isInside(): boolean {
    return this.#at < this.#preface.length;
  }

  push(chunk: Uint8Array): void {
    if (this.error !== undefined) return;
    let bytes = asBuffer(chunk);
    if (this.#isInside) {
      const at = this.#at;
      const count = Math.min(this.#preface.length - at, bytes.length);
      for (let i = 0; i < count; i++) {
        if (bytes[i] !== this.#preface[at + i]) {
          this.#refuse(bytes, i);
          return;
        }
      }
      this.#at += count;
      bytes = bytes.subarray(count);
    }
    if (bytes.length > 0) this.#reader.push(bytes);
  }

  next(): Buffer | undefined {
    return this.#error === undefined ? this.#reader.next() : undefined;
  }

  take(limit?: number): FrameBatch | undefined {
    return this.#error === undefined ? this.#reader.take(limit) : undefined;
  }

  end(): void {
    // A peer that connects and leaves silently has broken nothing.
    if (this.#isInside && this.#at > 0) {
      const [actual, expected] = [this.#at, this.#preface.length];
      const where = `inside the preface, after ${actual} of its ${expected} bytes`;
      const offset = this.#base;
      this.#error ??= truncated(where, offset + actual, { actual, expected, offset });
    }
    this.#reader.end();
  }

  giveUp(): void {
    if (this.#isInside) {
      this.#base += this.#at;
      this.#at = 0;
      this.#reader = this.#open();
    } else if (this.#reader.giveUp === undefined) this.#reader.reset();
    else this.#reader.giveUp();
  }

  reset(): void {
    this.#base = 0;
    this.#at = 0;
    this.#error = undefined;
    this.#reader = this.#open();
  }

  detach(): Buffer {
    const rest = Buffer.concat([
      this.#isInside ? this.#preface.subarray(0, this.#at) : EMPTY,
      this.#reader.detach(),
    ]);
    this.reset();
    return rest;
  }

  /** The reader of the frames after the preface. */
  #open(): FrameReader {
    const options = this.#options;
    const { pauseAfter, partsAbove, counts } = options;
    return this.#framing.reader({
      get onDiscard() {
        return options.onDiscard;
      },
      pauseAfter,
      partsAbove,
      counts,
      streamOffset: this.#base + this.#preface.length,
    });
  }

  #refuse(bytes: Buffer, index: number): void {
    const preface = this.#preface;
    const right = this.#at + index;
    // The text is the same however the input is cut.
    const came = Buffer.concat([preface.subarray(0, this.#at), bytes]).subarray(0, right + 1);
    const offset = this.#base + right;
    const [expected, actual] = [preface, came].map((some) => JSON.stringify(some.toString('latin1')));
    this.#at = 0;
    this.#error = new FrameError(
      'ERR_FRAME_PREFACE',
      `stream begins with ${actual}, not with the preface ${expected}: it differs at stream offset ${offset}`,
      { expected, actual, offset },
    );
  }
}
