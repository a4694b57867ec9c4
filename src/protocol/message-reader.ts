import type { FrameError } from '../errors.ts';
import type { Codec } from './codec.ts';
import { decodeFrame } from './decode-frame.ts';
import type { FrameBatch, FrameReader, Framing } from './framing/framing.ts';

/** The most messages at once: a collection of the young generation copies all that are alive. */
const MESSAGES_AT_ONCE = 64;

/**
 * Bytes in, messages out; pure and synchronous. Where the framing has a header of a fixed width and the codec is declared, both read a
 * chunk in one pass: nothing is made for a frame, and no byte is looked at twice.
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
    this.#frames = framing.reader();
    this.#codec = codec;
  }

  /** Take in a chunk; take its messages before the next one. What is incomplete is copied. */
  push(chunk: Uint8Array): void {
    this.#frames.push(chunk);
  }

  /** The stream is over: a frame that is not whole is now the `error`. */
  end(): void {
    this.#frames.end();
  }

  /** Why the stream cannot be cut into frames any further. The messages before it are given first. */
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
   * @throws what the codec throws for a frame that is not a message. The messages before it were given, and the next call goes on after it.
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
      // After a frame that the run stopped at, there may be another run.
      this.#batch = frames.take(run === undefined ? MESSAGES_AT_ONCE : 1);
      this.#index = 0;
      if (this.#batch === undefined) return undefined;
    }
    return this.#oneByOne(this.#batch);
  }

  /** The messages of the batch that are left, up to a frame that is not a message. */
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
