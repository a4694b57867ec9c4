import { ByteAccumulator } from '../../bytes/accumulator.ts';
import { asBuffer, EMPTY } from '../../bytes/buffer.ts';
import type { FrameError } from '../../errors.ts';
import type { FrameInParts } from './frame-in-parts.ts';
import type { FrameBatch, FrameReader, FrameReaderOptions } from './framing.ts';

/**
 * The handling of received bytes that all readers share, whatever their frames.
 *
 *     stream   …───────────────────────────────────────────────▶
 *              │ taken │   held   │  chunk[0, at) │ chunk[at, …)
 *                      └ the frame under way       └ to be read; chunk[0] stands at `base`
 *
 * `held` has a copy of the beginning of the current frame, if it was in earlier chunks.
 */
export abstract class Intake implements FrameReader {
  /** Why nothing more follows. */
  error: FrameError | undefined;
  /** The chunk that is being read, the current offset in it, and the stream offset of its first byte. */
  protected chunk: Buffer = EMPTY;
  protected at = 0;
  protected base = 0;
  protected readonly held: ByteAccumulator = new ByteAccumulator();
  /** The length of `held` that is needed before more is known of the current frame; 0 if any byte may tell. */
  protected awaited = 0;
  /** The stream is over: no chunk follows. */
  protected ended = false;
  protected readonly pauseAfter: number;
  /** The frame that is given out in parts. */
  partial: FrameInParts | undefined;
  readonly #options: FrameReaderOptions;

  constructor(options: FrameReaderOptions = {}) {
    this.#options = options;
    this.base = options.streamOffset ?? 0;
    this.pauseAfter = options.pauseAfter ?? Infinity;
  }

  abstract next(): Buffer | undefined;
  abstract take(limit?: number): FrameBatch | undefined;

  get buffered(): number {
    return this.held.length + this.chunk.length - this.at;
  }

  push(chunk: Uint8Array): void {
    if (this.error !== undefined) return;
    const bytes = asBuffer(chunk);
    const { chunk: before, at } = this;
    this.base += at;
    this.at = 0;
    this.chunk = at === before.length ? bytes : Buffer.concat([before.subarray(at), bytes]);
  }

  end(): void {
    this.ended = true;
    this.awaited = 0;
  }

  part(): Buffer | undefined {
    const { partial } = this;
    while (partial !== undefined && partial.left > 0) {
      const bytes = this.#receivedOf(partial);
      if (bytes.length === 0) {
        this.pass();
        if (this.ended) this.fail(partial.truncated());
        return undefined;
      }
      const part = partial.receive(bytes);
      if (partial.left === 0) this.partial = undefined;
      if (part.length > 0) return part;
    }
    return undefined;
  }

  skipParts(): void {
    if (this.partial !== undefined) this.partial.isSkipped = true;
  }

  /** Whether a frame is being given out in parts, so that no other frame can start yet. */
  protected isInParts(): boolean {
    while (this.partial?.isSkipped && this.part() !== undefined);
    return this.partial !== undefined;
  }

  giveUp(): void {
    this.forget();
  }

  get isMeasured(): boolean {
    return false;
  }

  reset(): void {
    this.forget();
    this.base = 0;
    this.ended = false;
    this.error = undefined;
  }

  detach(): Buffer {
    const rest = Buffer.concat([this.held.take(), this.chunk.subarray(this.at)]);
    this.reset();
    return rest;
  }

  /** The stream offset of the current frame. */
  protected get position(): number {
    return this.base + this.at - this.held.length;
  }

  /** Whether the chunk still does not complete what is awaited. Then it is added to `held`, and needs no other work. */
  protected waitsOn(): boolean {
    const { held, chunk, at, awaited } = this;
    if (held.length + chunk.length - at >= awaited) return false;
    if (at < chunk.length) held.append(chunk, at, chunk.length);
    this.pass();
    return true;
  }

  /** Copy the part of the current frame that is in the chunk, so that the chunk can be freed. */
  protected hold(most?: number): void {
    this.held.append(this.chunk, this.at, this.chunk.length, most);
    this.pass();
  }

  /** Drop the bytes that were not taken. A subclass that keeps more drops that too. */
  protected forget(): void {
    this.pass();
    this.held.clear();
    this.awaited = 0;
    this.partial = undefined;
  }

  /** The received bytes of that frame: held ones first. */
  #receivedOf({ left }: FrameInParts): Buffer {
    if (this.held.length > 0) return this.held.take();
    const bytes = this.chunk.subarray(this.at, this.at + left);
    this.at += bytes.length;
    return bytes;
  }

  /** The whole chunk is read: it can be freed. */
  protected pass(): void {
    this.base += this.chunk.length;
    this.chunk = EMPTY;
    this.at = 0;
  }

  /** Nothing more follows, for this reason. */
  protected fail(error: FrameError): void {
    this.forget();
    this.error = error;
  }

  /**
   * Handle a frame that is invalid or too long, or noise: skip and report it, or end the reader with the error.
   * @param noise - how many bytes of noise; 0 for a frame
   */
  protected violation(isSkipped: boolean, makeError: () => FrameError, noise = 0): void {
    if (isSkipped) this.discard(makeError, noise);
    else this.fail(makeError());
  }

  /** Report skipped bytes. The error is made only if there is an `onDiscard` to receive it. */
  protected discard(makeError: () => FrameError, noise = 0): void {
    const { onDiscard, counts } = this.#options;
    if (counts !== undefined) {
      if (noise === 0) counts.discarded++;
      else counts.noise += noise;
    }
    if (onDiscard !== undefined) onDiscard(withoutStack(makeError));
  }
}

/** A stack would lead into this library, and collecting one costs more than reading the frame did. */
function withoutStack(makeError: () => FrameError): FrameError {
  const limit = Error.stackTraceLimit;
  if (!Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable) return makeError();
  Error.stackTraceLimit = 0;
  try {
    return makeError();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
