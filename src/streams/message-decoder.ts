import { asBuffer } from '../bytes/buffer.ts';
import { MessageError, ProtocolError } from '../errors.ts';
import type { Codec } from '../protocol/codec.ts';
import type { FrameBatch } from '../protocol/framing/framing.ts';
import { Stage, type StageOptions } from './stage.ts';

/** The most messages in one batch: they are answered and gone before the next ones are made. */
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
export class MessageDecoder<Message> extends Stage<Message, Message[]> {
  readonly #codec: Codec<Message, never>;
  #batch: FrameBatch | undefined;
  #index = 0;

  constructor(codec: Codec<Message, never>, options: StageOptions = {}) {
    if (typeof codec?.decode !== 'function')
      throw new TypeError('expected a codec: an object with decode(bytes)');
    super(options, { objectMode: true });
    this.#codec = codec;
  }

  protected override get gives(): 'messages' {
    return 'messages';
  }

  protected override get takes(): 'frames' {
    return 'frames';
  }

  protected override get letsGo(): boolean {
    return this.#codec.detached === true;
  }

  protected override accept(frame: unknown): void {
    if (!(frame instanceof Uint8Array)) {
      throw new TypeError(`a frame is a Uint8Array, got ${frame === null ? 'null' : typeof frame}`);
    }
    const bytes = asBuffer(frame);
    this.acceptBatch({ bytes, bounds: [0, bytes.length], count: 1, runStart: 0, runEnd: bytes.length });
  }

  protected override acceptBatch(batch: FrameBatch): void {
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
    const { bytes, bounds, count } = batch;
    const from = this.#index;
    const to = Math.min(count, from + most);
    const messages = new Array<Message>(to - from);
    let i = from;
    try {
      for (; i < to; i++) {
        const message = this.#codec.decode(bytes, bounds[2 * i]!, bounds[2 * i + 1]!);
        if (message == null) {
          throw new MessageError(
            'ERR_MESSAGE_VALUE',
            `the codec decoded ${message}, which no stream can carry`,
          );
        }
        messages[i - from] = message;
      }
    } catch (error) {
      this.#batch = undefined;
      this.fail(placed(error as Error, bounds[2 * i]!, batch.streamOffset));
      messages.length = i - from;
      return messages;
    }
    this.#index = to;
    if (to === count) this.#batch = undefined;
    return messages;
  }
}

/** Tell also where in the stream, when the frame's place is known. */
function placed(error: Error, frameAt: number, streamOffset: number | undefined): Error {
  if (streamOffset !== undefined && error instanceof ProtocolError && error.offset !== undefined) {
    Object.assign(error, { streamOffset: streamOffset + frameAt + error.offset });
  }
  return error;
}
