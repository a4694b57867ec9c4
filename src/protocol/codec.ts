/**
 * A codec turns one frame into one message and back. Declared codecs (`messages()`), hand-written ones and
 * adapters over other libraries are the same to the stages.
 *
 * `decode` and `encode` are all it takes. The two optional methods let the encoder write many messages into
 * one buffer.
 */
export interface Codec<Decoded, Encodable = Decoded> {
  /**
   * Read the message that fills `bytes[start, end)`; both default to the whole of it.
   * Throws a `MessageError` when it cannot.
   */
  decode(bytes: Buffer, start?: number, end?: number): Decoded;
  /** Whether nothing that `decode` gives is a view of `bytes`. Default false. */
  readonly detached?: boolean;
  /** The message's bytes. Throws a `MessageError` (`origin: 'local'`) naming the field that does not fit. */
  encode(message: Encodable): Uint8Array;
  /** The most bytes that any message takes; Infinity or undefined where messages have no bound. */
  readonly maxLength?: number;
  /** The most bytes the message can take: cheap, never too small, whatever the message holds. */
  bound?(message: Encodable): number;
  /**
   * Write the message at `target[at]`, where `bound` bytes are free; answers the offset behind it. Throws as `encode`
   * does; what it wrote until then is overwritten.
   */
  encodeInto?(message: Encodable, target: Buffer, at: number): number;
  /**
   * Write many messages as frames, one behind the other; faster than one at a time. Stops where there is no room, and before
   * a message that cannot be written: `encodeInto` then says why. Answers the index and the offset behind the last one.
   */
  encodeRun?(run: EncodeRun<Encodable>): { index: number; at: number };
}

/** Messages to be written as frames, one behind the other. */
export interface EncodeRun<Encodable> {
  readonly messages: readonly Encodable[];
  /** The index of the first one. */
  readonly from: number;
  readonly target: Buffer;
  /** Where its frame begins. */
  readonly at: number;
  /** What a `FrameWriter` has that takes payloads in place. */
  readonly writer: {
    readonly headerLength: number;
    bound(length: number): number;
    seal(target: Buffer, at: number, payloadEnd: number): number;
  };
}

/** What a codec's `decode` gives. */
// biome-ignore lint/suspicious/noExplicitAny: any codec
export type Decoded<C> = C extends Codec<infer D, any> ? D : never;

/** What a codec's `encode` takes. */
// biome-ignore lint/suspicious/noExplicitAny: any codec
export type Encodable<C> = C extends Codec<any, infer E> ? E : never;
