import { allocateShared } from '../bytes/shared-memory.ts';
import { show } from '../bytes/show.ts';
import { MessageError } from '../errors.ts';
import type { Codec, EncodeRun } from './codec.ts';
import type { FrameBatch, FrameWriter } from './framing/framing.ts';

/** The most bytes given out at once, except for a larger frame, so that backpressure works. */
const SLAB_LENGTH = 69_632;
/** From this many frames on, writing them all at once pays. */
const MANY = 4;
/** Room that is kept free for each message in any case. */
const SHORT_MESSAGE = 1_024;
/** Shorter runs leave in memory of their own length: a consumer that takes nothing would hold a whole slab for a few bytes. */
const SHORT_RUN = 4_096;
/** The most slabs that are kept for reuse. */
const MOST_FREE = 64;

/**
 * Memory that packers fill one after the other, each giving out the part that it filled: no allocation per frame, and an idle
 * connection holds none. While one packer writes to the slab, no other packer has it.
 */
let slab: Buffer | undefined;
let slabAt = 0;
/** Slabs of which no consumer has a view any more. */
const free: Buffer[] = [];

/** Writes messages or frames one after the other, and gives them out as runs of bytes. */
export class Packer {
  #bytes: Buffer | undefined;
  #start = 0;
  #at = 0;
  /** The message for which there was no room, encoded already. */
  #encoded: Uint8Array | undefined;
  /** The slab that the last run was taken from, if no other packer has a part of it. */
  #lastSlab: Buffer | undefined;
  /** True if no consumer keeps a run, so whole slabs are reused. */
  #reuses = false;

  /** Bytes written. */
  get length(): number {
    return this.#at - this.#start;
  }

  /**
   * Write a message, framed. False if there is no room after the bytes written so far: call `take` first. Throws what the codec
   * or the writer throws; then none of its bytes count as written.
   */
  writeMessage<Message>(codec: Codec<unknown, Message>, writer: FrameWriter, message: Message): boolean {
    const { headerLength } = writer;
    if (codec.encodeInto === undefined || codec.bound === undefined || headerLength === undefined) {
      const payload = this.#encoded ?? codec.encode(message);
      this.#encoded = undefined;
      if (this.#write(writer, payload, 0, payload.length)) return true;
      // Kept for the next call: a codec may count the messages it encodes.
      this.#encoded = payload;
      return false;
    }
    const bytes = this.#room(writer.bound(codec.bound(message)));
    if (bytes === undefined) return false;
    const payloadAt = this.#at + headerLength;
    const end = codec.encodeInto(message, bytes, payloadAt);
    if (!isBetween(end, payloadAt, bytes.length)) throw misplaced(end, payloadAt, bytes.length);
    this.#at = sealed(writer, bytes, this.#at, end);
    return true;
  }

  /**
   * Write messages from that index on while there is room; returns the index after them. Throws as `writeMessage` does; the
   * messages before that one are written.
   */
  writeMessages<Message>(
    codec: Codec<unknown, Message>,
    writer: FrameWriter,
    messages: readonly Message[],
    from: number,
  ): number {
    let index = from;
    while (index < messages.length) {
      const behind = this.#writeRun(codec, writer, messages, index);
      // The run stopped: there is no room, or this message has to be written on its own.
      if (behind < messages.length && !this.writeMessage(codec, writer, messages[behind]!)) return behind;
      index = behind + 1;
    }
    return messages.length;
  }

  /**
   * Write the frames of a batch from that index on while there is room; returns the index after them. Throws what the writer
   * throws; the frames before that one are written.
   */
  writeFrames(
    writer: FrameWriter,
    { bytes, bounds, count, runStart, runEnd }: FrameBatch,
    from: number,
  ): number {
    // Many bytes follow, so they do not start in the small rest of a run.
    if (this.#bytes === undefined) this.#begin(Math.min(runEnd - runStart, SLAB_LENGTH));
    let index = from;
    for (let to = -1; to !== index; ) {
      index = Math.max(index, to);
      to = this.#writeMany(writer, bytes, bounds, index, count);
    }
    while (index < count && this.#write(writer, bytes, bounds[2 * index]!, bounds[2 * index + 1]!)) index++;
    return index;
  }

  /**
   * The bytes written so far, or undefined if there are none. The next write starts a new run.
   *
   * @param isPrivate - whether only the system will read the bytes. If not, they get memory of their own: shared memory
   *   must not reach a user.
   */
  take(isPrivate = false): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    const [start, at] = [this.#start, this.#at];
    this.#bytes = undefined;
    this.#start = this.#at = 0;
    if (bytes.length < at) throw lost(at - start);
    if (start === at) {
      giveBack(bytes, at);
      return undefined;
    }
    if (isPrivate) {
      if (!this.#reuses || start > 0) giveBack(bytes, at);
      else if (at < SHORT_RUN) return moved(bytes, at);
      else this.#lastSlab = bytes;
      return bytes.subarray(start, at);
    }
    if (bytes.length > SLAB_LENGTH && at === bytes.length) return bytes;
    const copy = Buffer.allocUnsafeSlow(at - start);
    bytes.copy(copy, 0, start, at);
    giveBack(bytes, start);
    return copy;
  }

  /** Report whether no consumer still has a view of the bytes taken last: then their memory is reused. */
  given(isFree: boolean): void {
    const last = this.#lastSlab;
    this.#lastSlab = undefined;
    this.#reuses = isFree;
    if (isFree && last !== undefined) keepFree(last);
  }

  /** Write as many messages as the codec writes at once; returns the index after them. */
  #writeRun<Message>(
    codec: Codec<unknown, Message>,
    writer: FrameWriter,
    messages: readonly Message[],
    from: number,
  ): number {
    if (codec.encodeRun === undefined || !takesInPlace(writer)) return from;
    const target = this.#bytes ?? this.#begin(SHORT_MESSAGE);
    const { index, at } = codec.encodeRun({ messages, from, target, at: this.#at, writer });
    if (!isBetween(at, this.#at, target.length)) throw misplaced(at, this.#at, target.length);
    this.#at = at;
    return index;
  }

  /** Write as many frames at once as surely have room; returns the index after them. */
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
    // The bytes between two payloads are counted twice.
    while (to > from && bounds[2 * to - 1]! - bounds[2 * from]! + (to - from) * overhead > room) {
      to = from + ((to - from) >> 1);
    }
    if (writer.writeAll === undefined || to - from < MANY) return from;
    try {
      const end = writer.writeAll(target, this.#at, source, bounds, from, to);
      if (!isBetween(end, this.#at, target.length)) return from;
      this.#at = end;
      return to;
    } catch {
      // One of the frames is refused: the frames before it are written one by one.
      return from;
    }
  }

  #write(writer: FrameWriter, source: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#room(writer.bound(end - start));
    if (bytes === undefined) return false;
    const behind = writer.write(bytes, this.#at, source, start, end);
    if (!isBetween(behind, this.#at, bytes.length)) throw misplaced(behind, this.#at, bytes.length);
    this.#at = behind;
    return true;
  }

  /** Memory with that many bytes free after `#at`; undefined if they are not free after the bytes written so far. */
  #room(length: number): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes !== undefined && bytes.length - this.#at >= length) return bytes;
    return this.length > 0 ? undefined : this.#begin(length);
  }

  /** Memory for at least that many bytes; no other packer has the part after `#at`. */
  #begin(length: number): Buffer {
    this.#start = this.#at = 0;
    if (!isBetween(length, 0, Number.MAX_SAFE_INTEGER)) throw unbounded(length);
    if (length > SLAB_LENGTH) {
      this.#bytes = Buffer.allocUnsafeSlow(length);
    } else if (this.#reuses) {
      this.#bytes = freeSlab() ?? allocateShared(SLAB_LENGTH);
    } else if (slab?.length === SLAB_LENGTH && SLAB_LENGTH - slabAt >= length) {
      this.#bytes = slab;
      this.#start = this.#at = slabAt;
      slab = undefined;
    } else {
      this.#bytes = allocateShared(SLAB_LENGTH);
    }
    return this.#bytes;
  }
}

/** Leave the rest of a slab to the next packer that writes. */
function giveBack(bytes: Buffer, at: number): void {
  if (bytes.length !== SLAB_LENGTH) return;
  slab = bytes;
  slabAt = at;
}

/** A short run, in memory of its own length. The slab is free again. */
function moved(bytes: Buffer, length: number): Buffer {
  const run = Buffer.allocUnsafeSlow(length);
  bytes.copy(run, 0, 0, length);
  keepFree(bytes);
  return run;
}

/** Keep a slab for reuse. */
function keepFree(bytes: Buffer): void {
  if (bytes.length === SLAB_LENGTH && free.length < MOST_FREE) free.push(bytes);
}

/** A slab for reuse, unless its memory was transferred away. */
function freeSlab(): Buffer | undefined {
  let bytes = free.pop();
  while (bytes !== undefined && bytes.length !== SLAB_LENGTH) bytes = free.pop();
  return bytes;
}

/** Whether payloads can be written in place. */
function takesInPlace(writer: FrameWriter): writer is FrameWriter & EncodeRun<unknown>['writer'] {
  return writer.headerLength !== undefined && writer.seal !== undefined;
}

/** Whether an offset returned by a codec or a framing is possible. It decides which bytes are given out. */
function isBetween(offset: number, from: number, to: number): boolean {
  return offset >= from && offset <= to && Number.isInteger(offset);
}

function sealed(writer: FrameWriter, bytes: Buffer, at: number, payloadEnd: number): number {
  const end = writer.seal!(bytes, at, payloadEnd);
  if (!isBetween(end, payloadEnd, bytes.length)) throw misplaced(end, payloadEnd, bytes.length);
  return end;
}

/** The error for a codec whose `bound` was too small or whose offset is wrong, or for a message that grew meanwhile. */
function misplaced(end: unknown, from: number, to: number): MessageError {
  const text =
    typeof end === 'number' && end > to
      ? `message goes ${end - to} bytes beyond what its codec asked for: it changed, or the codec's bound is wrong`
      : `message ends at ${show(end)}, which is no offset behind its beginning at ${from}: its codec or framing is wrong`;
  return new MessageError('ERR_MESSAGE_VALUE', text, { origin: 'local' });
}

function unbounded(length: unknown): MessageError {
  const text = `message takes at most ${show(length)} bytes, which is no length: its codec's or framing's bound is wrong`;
  return new MessageError('ERR_MESSAGE_VALUE', text, { origin: 'local' });
}

/** The memory was transferred to another thread while it was written to. */
function lost(length: number): MessageError {
  const text = `${length} bytes that were written are lost: their memory was transferred away`;
  return new MessageError('ERR_MESSAGE_VALUE', text, { origin: 'local' });
}
