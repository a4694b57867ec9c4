import { show } from '../bytes/show.ts';
import { trust } from '../bytes/trust.ts';
import { checkOptions } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { decodeFrame } from '../protocol/decode-frame.ts';
import type { FrameBatch } from '../protocol/framing/framing.ts';
import { keep } from './lease.ts';
import { batchOf, STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';

/** The most messages in one batch: a collection of the young generation copies all that live at once. */
const MESSAGES_AT_ONCE = 64;

/**
 * Frames in, messages out (object mode on both sides): reads each frame with a codec.
 *
 * A frame that is no message is a `MessageError`, after the messages before it.
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

  constructor(codec: Codec<Message, never>, options: StageOptions = {}) {
    if (typeof codec?.decode !== 'function')
      throw new TypeError('expected a codec: an object with decode(bytes)');
    checkOptions(new.target.name, options, STAGE_OPTIONS);
    super('frames', 'messages', options);
    this.#codec = codec;
  }

  protected override accept(frame: unknown): void {
    if (!(frame instanceof Uint8Array)) {
      throw new TypeError(`a frame is a Uint8Array, got ${show(frame)}`);
    }
    this.acceptBatch(batchOf(frame));
  }

  protected override acceptBatch(batch: FrameBatch): void {
    if (this.#codec.detached !== true) keep();
    this.#batch = batch;
    this.#index = 0;
  }

  protected override produce(): Message | undefined {
    const [message] = this.#decode(1);
    return message;
  }

  protected override produceBatch(): Message[] | undefined {
    const messages = this.#decode(MESSAGES_AT_ONCE);
    return messages.length === 0 ? undefined : messages;
  }

  /** The next messages, that many at the most; the last of the batch let it go. */
  #decode(most: number): Message[] {
    const batch = this.#batch;
    if (batch === undefined) return [];
    const from = this.#index;
    const to = Math.min(batch.count, from + most);
    const messages = new Array<Message>(to - from);
    let i = from;
    try {
      for (; i < to; i++) messages[i - from] = decodeFrame(this.#codec, batch, i);
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
}
