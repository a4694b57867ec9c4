import { isProtocolError, type ProtocolError } from '../errors.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Framing } from '../protocol/framing/framing.ts';
import {
  DirectionFrames,
  type FrameResult,
  type LostResult,
} from '../protocol/recording/direction-frames.ts';

/** A result of decoding one direction of a recorded connection. */
export type DirectionResult<Message> =
  | {
      readonly kind: 'message';
      readonly message: Message;
      /**
       * The offset of the frame's first byte in the stream, gaps included; undefined if the framing does not count
       * bytes.
       */
      readonly offset: number | undefined;
    }
  /** A frame that cannot be decoded, or a stream whose framing is lost for good. */
  | { readonly kind: 'fault'; readonly error: ProtocolError }
  | LostResult;

/** Decodes one direction of a recorded connection. After a gap it resumes as `DirectionFrames` does. */
export class DirectionDecoder<Message> {
  readonly #frames: DirectionFrames;
  readonly #codec: Codec<Message, never>;

  /** @param preface - bytes that come before the first frame */
  constructor(framing: Framing, codec: Codec<Message, never>, preface?: Buffer) {
    this.#frames = new DirectionFrames(framing, false, preface);
    this.#codec = codec;
  }

  data(bytes: Buffer): DirectionResult<Message>[] {
    return this.#decode(this.#frames.data(bytes));
  }

  gap(length: number): DirectionResult<Message>[] {
    return this.#decode(this.#frames.gap(length));
  }

  /** The side has ended. Returns a last frame, or the fault that a frame is cut off. */
  end(): DirectionResult<Message>[] {
    return this.#decode(this.#frames.end());
  }

  #decode(results: readonly FrameResult[]): DirectionResult<Message>[] {
    return results.map((result) => {
      if (result.kind !== 'frame') return result as DirectionResult<Message>;
      const { bytes, start, end, offset } = result;
      try {
        return { kind: 'message', message: this.#codec.decode(bytes, start, end), offset };
      } catch (error) {
        if (!isProtocolError(error)) throw error;
        return { kind: 'fault', error };
      }
    });
  }
}
