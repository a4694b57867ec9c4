import type { Codec } from '../protocol/codec.ts';
import type { FrameWriter } from '../protocol/framing.ts';

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

  get full(): boolean {
    return this.length >= OUTPUT_LENGTH;
  }

  /** Write a message, framed. Throws what the codec or the writer throws, and nothing of it counts as written. */
  writeMessage<Message>(codec: Codec<unknown, Message>, writer: FrameWriter, message: Message): void {
    const { headerLength } = writer;
    if (codec.encodeInto !== undefined && codec.bound !== undefined && headerLength !== undefined) {
      const bytes = this.#reserve(writer.bound(codec.bound(message)));
      const end = codec.encodeInto(message, bytes, this.#at + headerLength);
      this.#at = writer.seal!(bytes, this.#at, end);
    } else {
      const payload = codec.encode(message);
      this.writePayload(writer, payload, 0, payload.length);
    }
  }

  /** Write `source[start, end)`, framed. Throws what the writer throws, and nothing of it counts as written. */
  writePayload(writer: FrameWriter, source: Uint8Array, start: number, end: number): void {
    const bytes = this.#reserve(writer.bound(end - start));
    this.#at = writer.write(bytes, this.#at, source, start, end);
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

  /** The memory, with that many bytes free behind `#at`. While one is at work the slab is its own. */
  #reserve(length: number): Buffer {
    if (this.#bytes === undefined) {
      this.#bytes = slab ?? Buffer.allocUnsafeSlow(OUTPUT_LENGTH);
      this.#at = this.#start = slab === undefined ? 0 : slabAt;
      slab = undefined;
    }
    if (this.#bytes.length - this.#at >= length) return this.#bytes;
    const written = this.length;
    const grown = Buffer.allocUnsafeSlow(Math.max(OUTPUT_LENGTH, 2 * (written + length)));
    this.#bytes.copy(grown, 0, this.#start, this.#at);
    this.#start = 0;
    this.#at = written;
    this.#bytes = grown;
    return grown;
  }
}
