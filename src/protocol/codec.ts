import type { FrameRun } from './framing/frame-run.ts';

/**
 * A codec turns one frame into one message and back. The stages treat declared codecs (`messages()`), hand-written ones and
 * adapters over other libraries alike.
 *
 * `decode` and `encode` are all it takes. The two optional methods let the encoder write many messages into
 * one buffer.
 */
export interface Codec<Decoded, Encodable = Decoded> {
  /**
   * Read the message that fills `bytes[start, end)`; both default to the whole of it. Throws a `MessageError` if the bytes are
   * not a message.
   */
  decode(bytes: Buffer, start?: number, end?: number): Decoded;
  /** True if no part of a decoded message is a view of `bytes`. Default false. */
  readonly detached?: boolean;
  /** The message's bytes. Throws a `MessageError` (`origin: 'local'`) naming the field that does not fit. */
  encode(message: Encodable): Uint8Array;
  /** The most bytes that any message takes; Infinity or undefined if there is no maximum. */
  readonly maxLength?: number;
  /** The most bytes that this message can take: cheap to compute, and never too small. */
  bound?(message: Encodable): number;
  /**
   * Write the message at `target[at]`, where `bound` bytes are free; returns the offset after it. Throws as `encode` does; bytes
   * written before that are overwritten.
   */
  encodeInto?(message: Encodable, target: Buffer, at: number): number;
  /**
   * Write many messages as frames, one after the other; faster than one at a time. Stops if there is no room, and before a
   * message that cannot be written, for which `encodeInto` then gives the reason. Returns the index and the offset after the last
   * one.
   */
  encodeRun?(run: EncodeRun<Encodable>): { index: number; at: number };
  /**
   * Read the messages of whole frames that stand one after the other, at most `most` of them; faster than one at a time. Stops at a
   * frame that is not whole or not within its limits, and at one that it cannot read, for which `decode` then gives the reason.
   * Returns the messages and the offset after the last frame.
   */
  decodeRun?(run: FrameRun, most: number): { messages: Decoded[]; at: number };
}

/** Messages to be written as frames, one after the other. */
export interface EncodeRun<Encodable> {
  readonly messages: readonly Encodable[];
  /** The index of the first message. */
  readonly from: number;
  readonly target: Buffer;
  /** The offset of its frame. */
  readonly at: number;
  /** The part of a `FrameWriter` that frames payloads in place. */
  readonly writer: {
    readonly headerLength: number;
    bound(length: number): number;
    seal(target: Buffer, at: number, payloadEnd: number): number;
  };
}

/** The type that a codec decodes to. */
// biome-ignore lint/suspicious/noExplicitAny: any codec
export type Decoded<C> = C extends Codec<infer D, any> ? D : never;

/** The type that a codec encodes. */
// biome-ignore lint/suspicious/noExplicitAny: any codec
export type Encodable<C> = C extends Codec<any, infer E> ? E : never;
