import type { FrameReader, PartialFrame } from '../protocol/framing/framing.ts';
import { FrameStream } from './frame-stream.ts';
import { isLent, keep } from './lease.ts';

/** A frame that a reader hands on in parts, as its consumer sees it. */
export class IncomingFrame extends FrameStream {
  /** Enough waits to be read: no more is given to it. */
  isFull = false;
  readonly #reader: FrameReader;
  readonly #wake: () => void;
  /** Why its end will not come; told once what came before has been read. */
  #failure: Error | undefined;

  /** @param wake - called when more may be given to it, and when nothing more need be */
  constructor(reader: FrameReader, { length, headerLength }: PartialFrame, wake: () => void) {
    super(length, undefined, headerLength);
    this.#reader = reader;
    this.#wake = wake;
    // The decoder reports the same error: a frame that is not read must not end the process.
    this.on('error', () => {});
  }

  /** Give it what the reader has of it, while it is not full. Returns whether the frame is over. */
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
      // A consumer that took bytes in this turn gets to use them before the error.
      process.nextTick(() => this.destroy(this.#failure));
    }
    return chunk;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    super._destroy(error, callback);
    this.#wake();
  }
}
