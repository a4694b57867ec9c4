import type { Codec } from '../protocol/codec.ts';
import type { FrameWriter } from '../protocol/framing.ts';

/** Bytes that one push hands on at the most, but for a single frame that is larger: room for backpressure. */
export const OUTPUT_LENGTH = 65_536;

/** Items that came one by one in one turn, and leave in one push: at the most so many. */
export const ITEMS_JOINED = 512;

/**
 * A stretch of memory that encoders fill one after the other, each handing on the part that it filled: no
 * allocation per frame, and none that an idle connection keeps.
 */
let slab: Buffer | undefined;
let slabAt = 0;

/** Where an encoder writes while it is at it: `bytes[at]` is free, and so is all behind it. */
export class Output {
  bytes: Buffer;
  at: number;
  #start: number;

  constructor() {
    // While one is at work the slab is its own; a second one, inside the first, makes a new one.
    this.bytes = slab ?? Buffer.allocUnsafeSlow(OUTPUT_LENGTH);
    this.at = this.#start = slab === undefined ? 0 : slabAt;
    slab = undefined;
  }

  get length(): number {
    return this.at - this.#start;
  }

  /** Make room for that many bytes behind `at`. */
  reserve(length: number): void {
    if (this.bytes.length - this.at >= length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(OUTPUT_LENGTH, 2 * (this.length + length)));
    this.bytes.copy(grown, 0, this.#start, this.at);
    this.at = this.length;
    this.#start = 0;
    this.bytes = grown;
  }

  /** Write a message, framed. Throws what the codec or the writer throws, and nothing of it counts as written. */
  frame<Message>(codec: Codec<unknown, Message>, writer: FrameWriter, message: Message): void {
    if (codec.encodeInto !== undefined && codec.bound !== undefined && writer.headerLength !== undefined) {
      this.reserve(writer.bound(codec.bound(message)));
      const end = codec.encodeInto(message, this.bytes, this.at + writer.headerLength);
      this.at = writer.seal!(this.bytes, this.at, end);
    } else {
      const payload = codec.encode(message);
      this.reserve(writer.bound(payload.length));
      this.at = writer.write(this.bytes, this.at, payload, 0, payload.length);
    }
  }

  /** What was written, or undefined when nothing was; ends the work. */
  finish(): Buffer | undefined {
    const written = this.length === 0 ? undefined : this.bytes.subarray(this.#start, this.at);
    if (this.bytes.length === OUTPUT_LENGTH && this.at < OUTPUT_LENGTH) {
      slab = this.bytes;
      slabAt = this.at;
    }
    return written;
  }
}
