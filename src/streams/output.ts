import type { Codec } from '../protocol/codec.ts';
import type { FrameBatch, FrameWriter } from '../protocol/framing.ts';

/**
 * Bytes that one push hands on at the most, but for a single frame that is larger: 64 KiB and room for a header, so that
 * there is backpressure.
 */
const SLAB_LENGTH = 69_632;
/** So many frames are worth what it takes to write them in one go. */
const MANY = 4;
/** Bytes that may as well be kept free for each message. */
const SHORT_MESSAGE = 1_024;
/** Slabs that are kept to be used again, at the most. */
const SPARE_SLABS = 8;

/**
 * A stretch of memory that encoders fill one after the other, each handing on the part that it filled: no
 * allocation per frame, and none that an idle connection keeps.
 */
let slab: Buffer | undefined;
let slabAt = 0;
/** Slabs that nobody has a view of any more. */
const spare: Buffer[] = [];

/** What an encoder has written and not handed on yet. */
export class Output {
  #bytes: Buffer | undefined;
  #start = 0;
  #at = 0;
  /** The message there was no room for, encoded already. */
  #encoded: Uint8Array | undefined;
  /** What was taken since memory was last reclaimed; undefined where it never was. */
  #taken: Taken | undefined;

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
      const payload = this.#encoded ?? codec.encode(message);
      this.#encoded = undefined;
      if (this.#write(writer, payload, 0, payload.length)) return true;
      // For the next time: a codec may count what it encodes.
      this.#encoded = payload;
      return false;
    }
    const bytes = this.#room(writer.bound(codec.bound(message)));
    if (bytes === undefined) return false;
    const end = codec.encodeInto(message, bytes, this.#at + headerLength);
    this.#at = writer.seal!(bytes, this.#at, end);
    return true;
  }

  /**
   * Write messages from that index on, while there is room; answers the index behind them. Throws as `writeMessage`, and
   * the messages before that one are written.
   */
  writeMessages<Message>(
    codec: Codec<unknown, Message>,
    writer: FrameWriter,
    messages: readonly Message[],
    from: number,
  ): number {
    const { headerLength } = writer;
    let index = from;
    if (codec.encodeInto !== undefined && codec.bound !== undefined && headerLength !== undefined) {
      // One after the other into the same memory: what `writeMessage` does, without finding its place anew each time.
      const bytes = this.#bytes;
      let at = this.#at;
      // Where any message is short, none is measured.
      const { maxLength = Infinity } = codec;
      const most = maxLength <= SHORT_MESSAGE ? writer.bound(maxLength) : undefined;
      try {
        while (bytes !== undefined && index < messages.length) {
          const message = messages[index]!;
          if (bytes.length - at < (most ?? writer.bound(codec.bound(message)))) break;
          at = writer.seal!(bytes, at, codec.encodeInto(message, bytes, at + headerLength));
          index++;
        }
      } finally {
        this.#at = at;
      }
    }
    while (index < messages.length && this.writeMessage(codec, writer, messages[index]!)) index++;
    return index;
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
    if (this.#bytes === undefined) this.#begin(Math.min(runEnd - runStart, SLAB_LENGTH));
    let index = from;
    for (let to = -1; to !== index; ) {
      index = Math.max(index, to);
      to = this.#writeMany(writer, bytes, bounds, index, count);
    }
    while (index < count && this.#write(writer, bytes, bounds[2 * index]!, bounds[2 * index + 1]!)) index++;
    return index;
  }

  /** What was written, or undefined when nothing was. The next write begins anew. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    const written = this.length === 0 ? undefined : bytes.subarray(this.#start, this.#at);
    if (bytes.length === SLAB_LENGTH) {
      this.#taken?.add(bytes, this.#start, this.#at);
      // The rest of it is for whoever writes next.
      slab = bytes;
      slabAt = this.#at;
    }
    this.#bytes = undefined;
    this.#start = this.#at = 0;
    return written;
  }

  /** Nobody has a view any more of what was taken so far: use its memory again. */
  reclaim(): void {
    if (this.#taken === undefined) this.#taken = new Taken();
    else this.#taken.release();
  }

  /** As many as surely have room, in one go; answers the index behind them. */
  #writeMany(
    writer: FrameWriter,
    source: Buffer,
    bounds: ArrayLike<number>,
    from: number,
    count: number,
  ): number {
    const target = this.#bytes!;
    const room = target.length - this.#at;
    const overhead = writer.bound(0);
    let to = count;
    // Twice counted is what lies between two payloads.
    while (to > from && bounds[2 * to - 1]! - bounds[2 * from]! + (to - from) * overhead > room) {
      to = from + ((to - from) >> 1);
    }
    if (writer.writeAll === undefined || to - from < MANY) return from;
    try {
      this.#at = writer.writeAll(target, this.#at, source, bounds, from, to);
      return to;
    } catch {
      // One of them is refused: those before it are still to be written.
      return from;
    }
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
      // Before somebody else takes what little is left of it.
      if (slab !== undefined && this.#taken?.retire(slab, slabAt)) slab = undefined;
      const small = length <= SLAB_LENGTH;
      this.#bytes =
        (small ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(SLAB_LENGTH, length));
      this.#start = this.#at = 0;
    }
    return this.#bytes;
  }
}

/** The stretches of slabs that one output has handed on. */
class Taken {
  /** The last one, and where in it. */
  #bytes: Buffer | undefined;
  #start = 0;
  #end = 0;
  /** Slabs that nobody else had a part of, nor will have: they were retired with all that was taken from them. */
  readonly #whole: Buffer[] = [];

  add(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes || start !== this.#end) {
      this.#bytes = bytes;
      this.#start = start;
    }
    this.#end = end;
  }

  /** Keep the slab for ourselves, if all that was taken from it up to `end` is ours. */
  retire(bytes: Buffer, end: number): boolean {
    if (bytes !== this.#bytes || this.#start !== 0 || this.#end !== end) return false;
    this.#whole.push(bytes);
    this.#bytes = undefined;
    return true;
  }

  release(): void {
    if (slab === this.#bytes && slabAt === this.#end) slabAt = this.#start;
    for (const bytes of this.#whole.splice(0)) if (spare.length < SPARE_SLABS) spare.push(bytes);
    this.#bytes = undefined;
  }
}
