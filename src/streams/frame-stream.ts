import { Readable } from 'node:stream';
import { asError, show } from '../bytes/show.ts';

/** The most bytes of a frame that wait to be read: as many as one read of a socket gives. */
const BYTES_HELD = 65_536;

/**
 * A frame too long to be held: a Readable that gives its `length` bytes, which together are the whole frame.
 *
 *     FrameDecoder ──▶ frame  frame  FrameStream  …  ──▶ FrameEncoder
 *
 * A `FrameDecoder` gives one for each frame that is longer than its option `stream`, and reads on once it was read to its end or
 * destroyed. A `FrameEncoder` takes one in place of a payload.
 *
 * @example
 * encoder.write(new FrameStream(size, createReadStream(path)));
 */
export class FrameStream extends Readable {
  /** The total number of bytes that it gives. */
  readonly length: number;
  /**
   * The bytes before the body, if the framing leaves them on the frame: `read(headerLength)` gives them at once. 0 if it strips
   * them, and for a frame of your own.
   */
  readonly headerLength: number;
  readonly #source: AsyncIterable<unknown> | Iterable<unknown> | undefined;
  #items: AsyncIterator<unknown> | Iterator<unknown> | undefined;

  /**
   * @param length - the length of the payload, in bytes
   * @param source - the source of the bytes: a Readable, or another iterable of Uint8Array. It ends with this stream. Without
   * one, `push` the bytes.
   * @throws RangeError or TypeError for an invalid length or source
   */
  constructor(length: number, source?: AsyncIterable<unknown> | Iterable<unknown>, headerLength = 0) {
    if (!(Number.isSafeInteger(length) && length >= 0)) {
      throw new RangeError(`FrameStream: length must be an integer of at least 0, got ${show(length)}`);
    }
    super({ highWaterMark: BYTES_HELD });
    this.length = length;
    this.headerLength = headerLength;
    this.#source = source;
    if (source !== undefined) this.#items = iterator(source);
  }

  override _read(): void {
    if (this.#items !== undefined) void this.#pull(this.#items);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const source = this.#source;
    // Not through its iterator, which would first wait for bytes that are already requested.
    if (source instanceof Readable) source.destroy();
    else void this.#leave();
    callback(error);
  }

  async #leave(): Promise<void> {
    try {
      await this.#items?.return?.();
    } catch {
      // No caller waits for its result.
    }
  }

  async #pull(items: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await items.next();
        if (this.destroyed) return;
        if (!this.push(done ? null : value) || done) return;
      }
    } catch (error) {
      this.destroy(asError(error));
    }
  }
}

function iterator(
  source: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncIterator<unknown> | Iterator<unknown> {
  const given = source as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null;
  const made = given?.[Symbol.asyncIterator]?.() ?? given?.[Symbol.iterator]?.();
  if (made === undefined || typeof source === 'string') {
    throw new TypeError(
      `FrameStream: expected a Readable, or an iterable of Uint8Array, got ${show(source)}`,
    );
  }
  return made;
}
