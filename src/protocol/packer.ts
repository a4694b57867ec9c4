import { gatherTexts, spoilGathered, writeGathered } from '../bytes/gathered-texts.ts';
import { BLOCK_LENGTH, Blocks } from '../bytes/memory.ts';
import { MessageError } from '../errors.ts';
import type { Codec } from './codec.ts';
import type { FrameBatch, FrameWriter } from './framing/framing.ts';

/** Bytes that one push hands on at the most, but for a single frame that is larger: so that there is backpressure. */
const SLAB_LENGTH = BLOCK_LENGTH;
/** So many frames are worth what it takes to write them in one go. */
const MANY = 4;
/** Bytes that may as well be kept free for each message. */
const SHORT_MESSAGE = 1_024;

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
  /** The message there was no room for, encoded already. */
  #encoded: Uint8Array | undefined;
  /** Texts are gathered; until they were not ASCII. */
  #gathers = true;
  /** What is written to in place of the slab, since memory was first reclaimed. */
  #blocks: Blocks | undefined;
  /** The one that was written to last, and how far. */
  #block: Buffer | undefined;
  #blockAt = 0;

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
    if (end > bytes.length) throw overrun(end - bytes.length);
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
    let index = this.#writeGathered(codec, writer, messages, from);
    index = this.#writeRun(codec, writer, messages, index);
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
    // The rest of it is for the next write; of the slab, for whoever writes next.
    if (bytes === this.#block) {
      this.#blocks?.handOn(bytes);
      this.#blockAt = this.#at;
    } else if (bytes.length === SLAB_LENGTH) {
      slab = bytes;
      slabAt = this.#at;
    }
    this.#bytes = undefined;
    this.#start = this.#at = 0;
    return written;
  }

  /** Nobody has a view any more of what was taken so far: use its memory again. */
  reclaim(): void {
    if (this.#bytes !== undefined) return;
    this.#block = undefined;
    if (this.#blocks === undefined) this.#blocks = new Blocks();
    else this.#blocks.reclaim();
  }

  /** As `#writeRun`, the texts of all of them in one go. Where that cannot be it writes none, and does not try again. */
  #writeGathered<Message>(
    codec: Codec<unknown, Message>,
    writer: FrameWriter,
    messages: readonly Message[],
    from: number,
  ): number {
    if (!this.#gathers || messages.length - from < MANY) return from;
    if (codec.gathersTexts !== true || writer.sealsUnseen !== true) return from;
    if (!gatherTexts(this.#bytes ?? this.#begin(SHORT_MESSAGE))) return from;
    const at = this.#at;
    let index = from;
    let refused: { error: unknown } | undefined;
    try {
      index = this.#writeRun(codec, writer, messages, from);
    } catch (error) {
      refused = { error };
    }
    if (!writeGathered()) {
      // A message that was refused is refused again, behind those before it.
      this.#gathers = false;
      this.#at = at;
      return from;
    }
    if (refused !== undefined) throw refused.error;
    return index;
  }

  /** One after the other into the same memory: what `writeMessage` does, without finding its place anew each time. */
  #writeRun<Message>(
    codec: Codec<unknown, Message>,
    writer: FrameWriter,
    messages: readonly Message[],
    from: number,
  ): number {
    const { headerLength } = writer;
    let index = from;
    if (codec.encodeInto === undefined || codec.bound === undefined || headerLength === undefined)
      return index;
    const bytes = this.#bytes;
    let at = this.#at;
    // Where any message is short, none is measured.
    const { maxLength = Infinity } = codec;
    const most = maxLength <= SHORT_MESSAGE ? writer.bound(maxLength) : undefined;
    try {
      while (bytes !== undefined && index < messages.length) {
        const message = messages[index]!;
        if (bytes.length - at < (most ?? writer.bound(codec.bound(message)))) break;
        const end = codec.encodeInto(message, bytes, at + headerLength);
        if (end > bytes.length) {
          spoilGathered(bytes);
          throw overrun(end - bytes.length);
        }
        at = writer.seal!(bytes, at, end);
        index++;
      }
    } finally {
      this.#at = at;
    }
    return index;
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

  /** Memory for that many bytes and more. While one is at work with the slab it is its own. */
  #begin(length: number): Buffer {
    this.#start = this.#at = 0;
    if (length > SLAB_LENGTH) {
      this.#bytes = Buffer.allocUnsafeSlow(length);
    } else if (this.#block !== undefined && SLAB_LENGTH - this.#blockAt >= length) {
      this.#bytes = this.#block;
      this.#start = this.#at = this.#blockAt;
    } else {
      this.#block = this.#blocks?.allocate();
      this.#blockAt = 0;
      if (this.#block !== undefined) {
        this.#bytes = this.#block;
      } else if (slab !== undefined && SLAB_LENGTH - slabAt >= length) {
        this.#bytes = slab;
        this.#start = this.#at = slabAt;
        slab = undefined;
      } else {
        this.#bytes = Buffer.allocUnsafeSlow(SLAB_LENGTH);
      }
    }
    return this.#bytes;
  }
}

/** A codec's `bound` was too small, or the message grew after it was asked. */
function overrun(length: number): MessageError {
  const text = `message goes ${length} bytes beyond what its codec asked for: it changed, or the codec's bound is wrong`;
  return new MessageError('ERR_MESSAGE_VALUE', text, { origin: 'local' });
}
