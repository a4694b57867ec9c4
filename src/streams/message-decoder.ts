import { show } from '../bytes/show.ts';
import { trust } from '../bytes/trust.ts';
import { FrameError } from '../errors.ts';
import { type Check, checkOptions, oneOf } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { decodeFrame } from '../protocol/decode-frame.ts';
import type { FrameBatch } from '../protocol/framing/framing.ts';
import { FrameStream } from './frame-stream.ts';
import { keep } from './lease.ts';
import { batchOf, STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';
import type { Steering } from './steering.ts';

export interface MessageDecoderOptions extends StageOptions {
  /**
   * What to do with a frame that is not a message: end the stream with an error, or skip the frame, report it by `'invalid'`, and
   * read on. Default `'error'`.
   */
  onInvalid?: 'error' | 'discard' | undefined;
}

const CHECKS: Readonly<Record<keyof MessageDecoderOptions, Check>> = {
  ...STAGE_OPTIONS,
  onInvalid: oneOf('error', 'discard'),
};

/** The most messages in one batch: a minor garbage collection copies all live messages. */
const MESSAGES_AT_ONCE = 64;

/**
 * Frames in, messages out (object mode on both sides): reads each frame with a codec.
 *
 * A frame that is not a message is a `MessageError`, after the messages before it; with `onInvalid: 'discard'` it is skipped. A
 * frame that comes as a stream (`FrameDecoder`'s option `stream`) is `ERR_FRAME_STREAM`.
 *
 * Events: `'invalid'` (error, frame), for each skipped frame. The frame is a view: copy it to keep it.
 *
 * @example
 * pipeline(createReadStream('flight.bin'), new LengthPrefixDecoder(), new MessageDecoder(drone.clientMessages),
 *   async (messages) => { for await (const message of messages) console.log(message); }, callback);
 */
export class MessageDecoder<Message> extends Stage<Message> {
  static {
    trust(MessageDecoder.prototype);
  }

  readonly #codec: Codec<Message, never>;
  #batch: FrameBatch | undefined;
  #index = 0;
  readonly #discards: boolean;
  #steering: Steering | undefined;
  /** With `onInvalid: 'discard'`, makes a replacement for a frame that is not a message. @internal */
  standIn: ((error: unknown, frame: Buffer) => Message) | undefined;

  constructor(codec: Codec<Message, never>, options: MessageDecoderOptions = {}) {
    if (typeof codec?.decode !== 'function')
      throw new TypeError('expected a codec: an object with decode(bytes)');
    checkOptions(new.target.name, options, CHECKS);
    super('frames', 'messages', options);
    this.#codec = codec;
    this.#discards = options.onInvalid === 'discard';
  }

  protected override accept(frame: unknown): void {
    if (frame instanceof FrameStream) {
      frame.destroy();
      throw streamed(frame.length);
    }
    if (!(frame instanceof Uint8Array)) {
      throw new TypeError(`a frame is a Uint8Array, got ${show(frame)}`);
    }
    this.acceptBatch(batchOf(frame));
  }

  protected override acceptBatch(batch: FrameBatch): void {
    if (this.#current.detached !== true) keep();
    this.#batch = batch;
    this.#index = 0;
  }

  /** @internal */
  override steer(steering: Steering): void {
    this.#steering = steering;
    this.steerSource(steering);
  }

  /** The codec of the next messages. */
  get #current(): Codec<Message, never> {
    return this.#steering?.codec ?? this.#codec;
  }

  protected override produce(): Message | undefined {
    for (;;) {
      const [message] = this.#decode(1);
      // The batch has advanced without a message: that frame was skipped.
      if (message !== undefined || this.#batch === undefined) return message;
    }
  }

  protected override produceBatch(): Message[] | undefined {
    for (;;) {
      const messages = this.#decode(MESSAGES_AT_ONCE);
      if (messages.length > 0) return messages;
      if (this.#batch === undefined) return undefined;
    }
  }

  /** The next messages, at most that many; the batch is released with its last message. */
  #decode(most: number): Message[] {
    const batch = this.#batch;
    if (batch === undefined) return [];
    const from = this.#index;
    const to = Math.min(batch.count, from + most);
    if (this.#discards) return this.#decodeValid(batch, to);
    const messages = new Array<Message>(to - from);
    const codec = this.#current;
    let i = from;
    try {
      for (; i < to; i++) messages[i - from] = decodeFrame(codec, batch, i);
    } catch (error) {
      this.#batch = undefined;
      this.fail(error);
      messages.length = i - from;
      return messages;
    }
    this.#index = to;
    if (to === batch.count) this.#batch = undefined;
    return messages;
  }

  /** As `#decode`; a frame that is not a message is skipped. */
  #decodeValid(batch: FrameBatch, to: number): Message[] {
    const messages: Message[] = [];
    while (this.#index < to && this.#batch === batch) {
      const index = this.#index++;
      try {
        messages.push(decodeFrame(this.#current, batch, index));
      } catch (error) {
        const frame = batch.bytes.subarray(batch.bounds[2 * index], batch.bounds[2 * index + 1]);
        // The listener may keep the frame.
        if (this.standIn !== undefined || this.listenerCount('invalid') > 0) keep();
        try {
          if (this.standIn !== undefined) messages.push(this.standIn(error, frame));
          else this.emit('invalid', error, frame);
        } catch (thrown) {
          this.#batch = undefined;
          this.fail(thrown);
          return messages;
        }
      }
    }
    if (to === batch.count) this.#batch = undefined;
    return messages;
  }
}

function streamed(actual: number): FrameError {
  const message = `frame of ${actual} bytes comes as a stream, which a MessageDecoder does not read`;
  return new FrameError('ERR_FRAME_STREAM', message, { actual });
}
