import { show } from '../bytes/show.ts';
import type { FrameError } from '../errors.ts';
import type { Codec } from './codec.ts';
import { decodeFrame } from './decode-frame.ts';
import type { FrameBatch, FrameReader, Framing } from './framing/framing.ts';

/** The most messages of one call: a collection of the young generation copies all messages that are alive. */
const MESSAGES_AT_ONCE = 64;

/**
 * Bytes in, messages out; pure and synchronous. If the framing has a header of fixed width and the codec is declared, both read a chunk
 * in one pass: no object is created for a frame, and no byte is read twice.
 *
 * @example
 * const reader = new MessageReader(drone.framing, drone.clientMessages);
 * reader.push(chunk);
 * for (let messages = reader.take(); messages !== undefined; messages = reader.take()) {
 *   for (const message of messages) console.log(message);
 * }
 * if (reader.error) throw reader.error;
 */
export class MessageReader<Message> {
  readonly #frames: FrameReader;
  readonly #codec: Codec<Message, never>;
  /** Frames that are read one by one, and the next of them. */
  #batch: FrameBatch | undefined;
  #index = 0;

  constructor(framing: Framing, codec: Codec<Message, never>) {
    if (typeof framing?.reader !== 'function') {
      throw new TypeError(`MessageReader: expected a framing, such as lengthPrefix(), got ${show(framing)}`);
    }
    if (typeof codec?.decode !== 'function') {
      throw new TypeError(`MessageReader: expected a codec, an object with decode, got ${show(codec)}`);
    }
    this.#frames = framing.reader();
    this.#codec = codec;
  }

  /** Add a chunk. Take its messages before you push the next one. An incomplete frame is copied. */
  push(chunk: Uint8Array): void {
    this.#frames.push(chunk);
  }

  /** End the stream: an incomplete frame becomes the `error`. */
  end(): void {
    this.#frames.end();
  }

  /** Why the stream cannot be cut into frames any further. `take` returns the messages before it first. */
  get error(): FrameError | undefined {
    return this.#frames.error;
  }

  /** Bytes received that belong to no message taken yet. */
  get buffered(): number {
    return this.#frames.buffered;
  }

  /**
   * The next messages, one or more; undefined when more bytes are needed, or there is an `error`.
   *
   * @throws what the codec throws for an invalid frame. The messages before it have been returned; the next call continues after it.
   */
  take(): Message[] | undefined {
    const frames = this.#frames;
    if (this.#batch === undefined) {
      const { decodeRun } = this.#codec;
      const run = decodeRun === undefined || frames.goOn === undefined ? undefined : frames.run?.();
      if (run !== undefined) {
        const { messages, at } = this.#codec.decodeRun!(run, MESSAGES_AT_ONCE);
        if (messages.length > 0) {
          frames.goOn!(at);
          return messages;
        }
      }
      // The run may continue after the frame at which it stopped.
      this.#batch = frames.take(run === undefined ? MESSAGES_AT_ONCE : 1);
      this.#index = 0;
      if (this.#batch === undefined) return undefined;
    }
    return this.#oneByOne(this.#batch);
  }

  /** The remaining messages of the batch, up to an invalid frame. */
  #oneByOne(batch: FrameBatch): Message[] {
    const messages: Message[] = [];
    try {
      for (; this.#index < batch.count; this.#index++) {
        messages.push(decodeFrame(this.#codec, batch, this.#index));
      }
    } catch (error) {
      if (messages.length === 0) {
        this.#index++;
        this.#letGo(batch);
        throw error;
      }
    }
    this.#letGo(batch);
    return messages;
  }

  #letGo(batch: FrameBatch): void {
    if (this.#index === batch.count) this.#batch = undefined;
  }
}
