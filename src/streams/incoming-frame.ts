import type { FrameReader, PartialFrame } from '../protocol/framing/framing.ts';
import { FrameStream } from './frame-stream.ts';
import { isLent, keep } from './lease.ts';

/** A frame that a reader gives out in parts, as its consumer sees it. */
export class IncomingFrame extends FrameStream {
  /** Enough bytes wait to be read: it gets no more for now. */
  isFull = false;
  readonly #reader: FrameReader;
  readonly #wake: () => void;
  /** Why its end will not come; reported once the bytes before it have been read. */
  #failure: Error | undefined;

  /** @param wake - called when it may get more, and when it needs no more */
  constructor(reader: FrameReader, { length, headerLength }: PartialFrame, wake: () => void) {
    super(length, undefined, headerLength);
    this.#reader = reader;
    this.#wake = wake;
    // The decoder reports the same error, so an unread frame must not end the process.
    this.on('error', () => {});
  }

  /** Give it the reader's bytes while it is not full. Returns whether the frame is over. */
  pour(): boolean {
    const reader = this.#reader;
    if (this.destroyed) reader.skipParts!();
    while (!this.isFull || this.destroyed) {
      const part = reader.part!();
      if (part === undefined) break;
      if (this.destroyed) continue;
      if (isLent()) keep();
      if (!this.push(part)) this.isFull = true;
    }
    if (reader.partial !== undefined) return false;
    if (reader.error !== undefined) this.fail(reader.error);
    else this.push(null);
    return true;
  }

  /** Its end will not come. */
  fail(error: Error): void {
    this.#failure = error;
    if (this.readableLength === 0) this.destroy(error);
  }

  override _read(): void {
    if (!this.isFull) return;
    this.isFull = false;
    this.#wake();
  }

  // biome-ignore lint/suspicious/noExplicitAny: as node:stream types it
  override read(size?: number): any {
    const chunk = super.read(size);
    if (this.#failure !== undefined && this.readableLength === 0) {
      // A consumer that took bytes in this turn can use them before the error.
      process.nextTick(() => this.destroy(this.#failure));
    }
    return chunk;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    super._destroy(error, callback);
    this.#wake();
  }
}
