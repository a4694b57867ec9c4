import type { FrameError } from '../../errors.ts';
import type { FramingCall } from './call.ts';
import type { FrameRun } from './frame-run.ts';
import type { FramingLayout } from './layout.ts';

/**
 * The framing contract: how a stream of bytes is cut into frames, and how a payload becomes one.
 *
 *     bytes ──push──▶ FrameReader ──take / next──▶ frames        payload ──▶ FrameWriter ──▶ bytes
 *
 * What every framing keeps:
 * - The same frames, and the same error, however the input is cut into chunks.
 * - Zero-length frames are delivered.
 * - Time is linear in the input, however small the chunks; memory is bounded by the bytes received plus a
 *   constant; every step makes progress.
 * - A limit is judged before anything is awaited, held or allocated for it.
 * - A frame is a *view* of received bytes, not a copy: copy it to keep it beyond the turn of the event loop.
 * - After an error a reader gives nothing more; the frames before the error are not lost.
 */
export interface Framing {
  /** The maker's name, for messages and pictures: `'lengthPrefix'`. */
  readonly name: string;
  /**
   * Two framings with the same `wire` read and write exactly the same bytes, so whole runs of frames may go from one's reader to
   * the other's writer unchanged. Undefined if this is never the case (a header that stays on the frame, a stuffed payload).
   */
  readonly wire?: string | undefined;
  /** The longest frame, in bytes, in both directions; each framing says which bytes it counts. */
  readonly maxFrameLength: number;
  /** A description of the framing as data, for tools. Every built-in framing has one. */
  readonly layout?: FramingLayout | undefined;
  /** The maker call as data, for tools. Every built-in framing has one. */
  readonly call?: FramingCall | undefined;
  /**
   * True if its reader gives out long frames in parts (`partsAbove`), and its writer begins frames whose payload follows
   * (`begin`). Default false.
   */
  readonly inParts?: boolean | undefined;
  /** For `packets`: the name of the kind of the frame `bytes[start, end)`. */
  kindOf?(bytes: Buffer, start: number, end: number): string | undefined;
  /** A new reader, for one stream of bytes. */
  reader(options?: FrameReaderOptions): FrameReader;
  /** A writer; it holds no state of a stream, so one writer serves many. */
  writer(): FrameWriter;
}

/** Counts of what readers have skipped. */
export interface DiscardCounts {
  /** Frames. */
  discarded: number;
  /** Bytes outside of frames, in the runs that have ended. */
  noise: number;
}

export interface FrameReaderOptions {
  /**
   * Called for each skipped frame, and for each run of noise, with the error that it would have been. It is read anew each time:
   * a getter may return undefined while there is no listener, and then no error is made. The errors have no stack.
   */
  readonly onDiscard?: ((error: FrameError) => void) | undefined;
  /**
   * About how many bytes may be examined in vain (as parts of packets that turned out to be none) before the reader pauses: see
   * `FrameReader.isPaused`. Only framings that search for packets in noise pause. Default: never.
   */
  readonly pauseAfter?: number | undefined;
  /**
   * A frame of more bytes than this is given out in parts: see `FrameReader.partial`. Only for a framing with `inParts`. Default:
   * every frame is whole.
   */
  readonly partsAbove?: number | undefined;
  /** Counts what is skipped, whether or not an error is made for it. */
  readonly counts?: DiscardCounts | undefined;
  /** The stream offset at which the reader begins, for the places in its errors. Default 0. */
  readonly streamOffset?: number | undefined;
}

/** A frame that is given out in parts: together they are the whole frame. */
export interface PartialFrame {
  /** The length of the frame in bytes, without what the framing strips. */
  readonly length: number;
  /** The bytes before the body, all of them in the first part. 0 if the framing strips them. */
  readonly headerLength: number;
}

/** `pauseAfter` of the readers of connections: about a millisecond of checksums in one turn of the event loop. */
export const VAIN_BYTES_A_TURN = 262_144;

/**
 * Bytes in, frames out; pure and synchronous.
 *
 * A reader returns four results, as values and never as exceptions: a frame; `undefined` if more bytes are needed; `undefined`
 * with `error` set after a violation, when nothing follows; `undefined` with `ended` set at the end of the stream.
 *
 * @example
 * const reader = lengthPrefix().reader();
 * reader.push(Buffer.from([2, 0, 0, 0, 0x68, 0x69]));
 * reader.next(); // <Buffer 68 69>
 * reader.next(); // undefined: more bytes are needed
 */
export interface FrameReader {
  /**
   * Take in a chunk. It is held, not copied, until its frames are taken; take them before the next push. Once `next` or `take`
   * has returned undefined, the chunk is no longer held: an incomplete frame has been copied.
   */
  push(chunk: Uint8Array): void;
  /** The next frame, or undefined. Parses no further than that frame. */
  next(): Buffer | undefined;
  /**
   * As many complete frames as lie in one buffer, at most `limit` (a reader may give more), or undefined if there are none. Call
   * it until it returns undefined: a frame that began in an earlier chunk comes in a batch of its own.
   *
   * @param bounds - an array that the batch may use as its `bounds`, which saves a new one; the batch is good until the array is
   *   lent again
   */
  take(limit?: number, bounds?: number[]): FrameBatch | undefined;
  /** The stream is over: call `next` or `take` for a last frame, then look at `error`. */
  end(): void;
  /** Why nothing more follows. Set once the frames before the violation have been taken. */
  readonly error: FrameError | undefined;
  /**
   * True if the last call of `next` or `take` returned undefined only because it examined `pauseAfter` bytes in vain. There may
   * be more frames: call again in a later turn of the event loop. Optional: never.
   */
  readonly isPaused?: boolean;
  /**
   * The bytes not read yet, for a codec that reads frames and messages in one pass (`Codec.decodeRun`); undefined while a frame is
   * under way, and if there are none. `goOn` takes the offset after the last frame that was read. Optional, for speed; only of frames
   * whose header has a fixed width.
   */
  run?(): FrameRun | undefined;
  goOn?(at: number): void;
  /**
   * The frame that is given out in parts; undefined once the last part was given. Until then `next` and `take` return undefined.
   *
   *     next() → frame, …, undefined, and `partial` is set      part() → bytes, …, undefined: push more
   *                                                             part() → undefined, and `partial` is not: next() goes on
   */
  readonly partial?: PartialFrame | undefined;
  /** The next bytes of that frame, a view of the received bytes; undefined if more are needed, or if the frame is over. */
  part?(): Buffer | undefined;
  /** Drop the remaining parts of that frame. */
  skipParts?(): void;
  /** Bytes received that belong to no frame taken yet. */
  readonly buffered: number;
  /**
   * Time is up: drop the bytes of the unfinished frame, so that the next byte starts a frame. If packets may be in noise, the
   * ones after a false start are found now: take them. Optional; `reset` is used if it is missing.
   */
  giveUp?(): void;
  /** Whether the length of the unfinished frame is known. Then silence does not end the frame. Optional: unknown. */
  readonly isMeasured?: boolean;
  /** Forget everything, including the error: ready for a new stream. */
  reset(): void;
  /** Return the bytes received and not consumed, and forget everything: for protocol upgrades. */
  detach(): Buffer;
}

/** The most frames in a batch whose offsets are computed. */
export const FRAMES_AT_ONCE = 512;

/**
 * Frames as offsets into the chunk that holds them: no Buffer is made per frame. `bounds` holds a start and an end (exclusive)
 * for each frame: frame i is `bytes.subarray(bounds[2 * i], bounds[2 * i + 1])`. A reader may compute `bounds` on first access:
 * keep it in a variable.
 */
export interface FrameBatch {
  readonly bytes: Buffer;
  readonly bounds: ArrayLike<number>;
  /** How many frames; `bounds` may be longer than twice this. */
  readonly count: number;
  /** The `wire` of the framing, if the run below is exactly these frames with nothing between them. */
  readonly wire?: string | undefined;
  /** The run of wire bytes, headers included, that holds exactly these frames. */
  readonly runStart: number;
  readonly runEnd: number;
  /** The stream offset of `bytes[0]`, if the reader counts it. */
  readonly streamOffset?: number | undefined;
}

/**
 * Payload in, bytes out. The caller owns the buffer: it calls `bound`, makes room, and lets the writer write. A payload that
 * cannot be framed (too long for the maximum or the length field, or with a delimiter inside) throws a `FrameError` with `origin:
 * 'local'`, and none of it counts as written.
 */
export interface FrameWriter {
  /** The most bytes that a payload of `length` bytes takes on the wire. */
  bound(length: number): number;
  /** Write `source[start, end)` as one frame at `target[at]`; returns the offset after it. */
  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number;
  /**
   * Write the payloads from `from` to `to` (exclusive) of a batch's `bounds`, one frame after the other, as `write` does for
   * each; if it throws, none of them counts as written. Only for a writer whose `bound(n)` is `bound(0) + n`; optional, for
   * speed.
   */
  writeAll?(
    target: Buffer,
    at: number,
    source: Uint8Array,
    bounds: ArrayLike<number>,
    from: number,
    to: number,
  ): number;
  /**
   * The offset of the payload from the frame's start, if the payload may be written in place; `seal` then writes the bytes around
   * it and returns the offset after the frame. Undefined if the payload changes on the wire (stuffing) or its place depends on
   * its length (a varint prefix).
   */
  readonly headerLength?: number | undefined;
  /**
   * Begin a frame whose payload of `length` bytes comes in parts: returns the bytes on the wire up to the end of `first`, the
   * beginning of the payload; the rest of the payload follows unchanged. Undefined if more of the payload is needed. For a
   * framing with `inParts`. Throws `ERR_FRAME_LENGTH` if only the end of the payload shows its length.
   */
  begin?(first: Uint8Array, length: number): Buffer | undefined;
  seal?(target: Buffer, at: number, payloadEnd: number): number;
}
