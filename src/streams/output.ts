import type { Codec } from '../protocol/codec.ts';
import type { FrameBatch, FrameWriter } from '../protocol/framing.ts';

/** Bytes that one push hands on at the most, but for a single frame that is larger: room for backpressure. */
export const OUTPUT_LENGTH = 65_536;

/**
 * A stretch of memory that encoders fill one after the other, each handing on the part that it filled: no
 * allocation per frame, and none that an idle connection keeps.
 */
let slab: Buffer | undefined;
let slabAt = 0;

/** What an encoder has written and not handed on yet. */
export class Output {
  #bytes: Buffer | undefined;
  #start = 0;
  #at = 0;

  /** Bytes written. */
  get length(): number {
    return this.#at - this.#start;
  }

  /**
   * Write a message, framed. False where there is no room behind what was written: `take` that first. Throws what the
   * codec or the writer throws, and nothing of it counts as written.
   */
  writeMessage<Message>(codec: Codec<unknown, Message>, writer: FrameWriter, message: Message): boolean {
    const { headerLength } = writer;
    if (codec.encodeInto === undefined || codec.bound === undefined || headerLength === undefined) {
      const payload = codec.encode(message);
      return this.#write(writer, payload, 0, payload.length);
    }
    const bytes = this.#room(writer.bound(codec.bound(message)));
    if (bytes === undefined) return false;
    const end = codec.encodeInto(message, bytes, this.#at + headerLength);
    this.#at = writer.seal!(bytes, this.#at, end);
    return true;
  }

  /**
   * Write the frames of a batch from that index on, while there is room; answers the index behind them. Throws what the
   * writer throws, and the frames before that one are written.
   */
  writeFrames(
    writer: FrameWriter,
    { bytes, bounds, count, runStart, runEnd }: FrameBatch,
    from: number,
  ): number {
    // Much will come: not in what little a stretch has left.
    if (this.#bytes === undefined) this.#begin(Math.min(runEnd - runStart, OUTPUT_LENGTH));
    let index = from;
    while (index < count && this.#write(writer, bytes, bounds[2 * index]!, bounds[2 * index + 1]!)) index++;
    return index;
  }

  /** What was written, or undefined when nothing was. The next write begins anew. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    const written = this.length === 0 ? undefined : bytes.subarray(this.#start, this.#at);
    // The rest of it is for whoever writes next.
    if (bytes.length === OUTPUT_LENGTH && this.#at < OUTPUT_LENGTH) {
      slab = bytes;
      slabAt = this.#at;
    }
    this.#bytes = undefined;
    this.#start = this.#at = 0;
    return written;
  }

  #write(writer: FrameWriter, source: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#room(writer.bound(end - start));
    if (bytes === undefined) return false;
    this.#at = writer.write(bytes, this.#at, source, start, end);
    return true;
  }

  /** The memory, with that many bytes free behind `#at`; undefined where there are not, behind what was written. */
  #room(length: number): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes !== undefined && bytes.length - this.#at >= length) return bytes;
    return this.length > 0 ? undefined : this.#begin(length);
  }

  /** Memory for that many bytes and more. While one is at work the slab is its own. */
  #begin(length: number): Buffer {
    if (slab !== undefined && slab.length - slabAt >= length) {
      this.#bytes = slab;
      this.#start = this.#at = slabAt;
      slab = undefined;
    } else {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(OUTPUT_LENGTH, length));
      this.#start = this.#at = 0;
    }
    return this.#bytes;
  }
}
