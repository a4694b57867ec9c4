import { show } from '../bytes/show.ts';
import { trust } from '../bytes/trust.ts';
import { anything, type Check, checkOptions } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import type { FrameWriter, Framing } from '../protocol/framing/framing.ts';
import { lengthPrefix } from '../protocol/framing/length-prefix.ts';
import { Packer } from '../protocol/packer.ts';
import type { Line } from '../protocol/session/line.ts';
import { STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';

export interface MessageEncoderOptions extends StageOptions {
  /** The framing of the messages. Default `lengthPrefix()`. */
  framing?: Framing | undefined;
}

const CHECKS: Readonly<Record<keyof MessageEncoderOptions, Check>> = { ...STAGE_OPTIONS, framing: anything };

/** One for all encoders: a framing holds no data of a stream. */
const DEFAULT_FRAMING: Framing = lengthPrefix();

/**
 * Messages in (object mode), framed bytes out; the messages of one chunk leave as one buffer.
 *
 * A message that the codec or the framing refuses is an error with `origin: 'local'`: the messages before it are written, none of
 * its bytes are, and the stream ends with the error. To keep the connection, try `codec.encode(message)` first.
 *
 * @example
 * pipeline(machine, new MessageEncoder(drone.serverMessages), socket, callback);
 */
export class MessageEncoder<Message> extends Stage<Buffer> {
  static {
    trust(MessageEncoder.prototype);
  }

  readonly framing: Framing;
  readonly #ownCodec: Codec<unknown, Message>;
  #codec: Codec<unknown, Message>;
  #writer: FrameWriter;
  readonly #packer = new Packer();
  #messages: readonly Message[] = NONE;
  #index = 0;

  constructor(codec: Codec<unknown, Message>, options: MessageEncoderOptions = {}) {
    if (typeof codec?.encode !== 'function')
      throw new TypeError('expected a codec: an object with encode(message)');
    checkOptions(new.target.name, options, CHECKS);
    super('messages', 'bytes', options);
    this.#codec = this.#ownCodec = codec;
    this.framing = options.framing ?? DEFAULT_FRAMING;
    if (typeof this.framing.writer !== 'function') {
      throw new TypeError(
        `framing: expected a framing, such as lengthPrefix(), got ${show(options.framing)}`,
      );
    }
    this.#writer = this.framing.writer();
  }

  protected override accept(message: Message): void {
    this.acceptBatch([message]);
  }

  protected override acceptBatch(messages: readonly Message[]): void {
    this.#messages = messages;
    this.#index = 0;
    this.defer(this.#fill());
  }

  /** @internal */
  override get heedsLines(): boolean {
    return true;
  }

  protected override lineChanged({ writes, sends }: Line): void {
    this.#codec = sends ?? this.#ownCodec;
    this.#writer = ((writes as Framing | undefined) ?? this.framing).writer();
  }

  protected override released(isFree: boolean): void {
    this.#packer.given(isFree);
  }

  protected override produce(): Buffer | undefined {
    this.#fill();
    return this.#packer.take(this.isPrivate);
  }

  /** Write until the output is full; true if there was room for everything. */
  #fill(): boolean {
    const messages = this.#messages;
    try {
      this.#index = this.#packer.writeMessages(this.#codec, this.#writer, messages, this.#index);
    } catch (error) {
      this.#messages = NONE;
      this.fail(error);
      return false;
    }
    if (this.#index < messages.length) return false;
    this.#messages = NONE;
    this.#index = 0;
    return true;
  }
}

const NONE: readonly never[] = [];
