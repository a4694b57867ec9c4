import type { FrameError } from '../../errors.ts';
import type { FramingCall } from './call.ts';
import type { FramingLayout } from './layout.ts';

/**
 * The framing contract: how a stream of bytes is cut into frames, and how a payload becomes one.
 *
 *     bytes ──push──▶ FrameReader ──take / next──▶ frames        payload ──▶ FrameWriter ──▶ bytes
 *
 * What every framing keeps:
 * - For every way of cutting the input into chunks: the same frames, and the same error.
 * - Zero-length frames are delivered.
 * - Time is linear in the input, however small the chunks; memory is bounded by the bytes received plus a
 *   constant; every step makes progress.
 * - A limit is judged before anything is awaited, held or allocated for it.
 * - A frame is a *view* of received bytes, not a copy: copy it to keep it beyond the turn of the event loop.
 * - After an error a reader stays poisoned; the frames before it are not lost.
 */
export interface Framing {
  /** The maker's name, for messages and pictures: `'lengthPrefix'`. */
  readonly name: string;
  /**
   * Two framings with the same `wire` read and write the very same bytes, so whole runs of frames may go from
   * one's reader to the other's writer as they are. Undefined where that never holds (a header that stays on
   * the frame, a stuffed payload).
   */
  readonly wire?: string | undefined;
  /** The longest frame, in bytes, both ways; what it counts is the framing's to say. */
  readonly maxFrameLength: number;
  /** What it is, as data, for tools. Every built-in framing has it. */
  readonly layout?: FramingLayout | undefined;
  /** The call that makes it, as data, for tools. Every built-in framing has it. */
  readonly call?: FramingCall | undefined;
  /**
   * Its reader hands long frames on in parts (`partsAbove`), and its writer begins frames whose payload follows (`begin`).
   * Default false.
   */
  readonly inParts?: boolean | undefined;
  /** Of `packets`: the name of the kind that the frame `bytes[start, end)` is of. */
  kindOf?(bytes: Buffer, start: number, end: number): string | undefined;
  /** A new reader, for one stream of bytes. */
  reader(options?: FrameReaderOptions): FrameReader;
  /** A writer; it holds no state of a stream, so one serves many. */
  writer(): FrameWriter;
}

/** What readers have skipped. */
export interface DiscardCounts {
  /** Frames. */
  discarded: number;
  /** Bytes outside of frames, in the runs that have ended. */
  noise: number;
}

export interface FrameReaderOptions {
  /**
   * Called for each frame that is skipped, and each run of noise, with the error that it would have been. It is read anew
   * each time: a getter may answer undefined while there is no listener, and then no error is made. The errors have no stack.
   */
  readonly onDiscard?: ((error: FrameError) => void) | undefined;
  /**
   * How many bytes may be examined in vain (as parts of packets that turned out to be none) before the reader pauses, about:
   * see `FrameReader.isPaused`. Only framings that search for packets in noise do so. Default: it never pauses.
   */
  readonly pauseAfter?: number | undefined;
  /**
   * A frame of more bytes than this is handed on in parts: see `FrameReader.partial`. Only of a framing with `inParts`.
   * Default: every frame is whole.
   */
  readonly partsAbove?: number | undefined;
  /** Counts what is skipped, whether or not an error is made of it. */
  readonly counts?: DiscardCounts | undefined;
  /** Where in the stream the reader begins, for the places in its errors. Default 0. */
  readonly streamOffset?: number | undefined;
}

/** A frame that is handed on in parts: together they are the frame as it would be handed on whole. */
export interface PartialFrame {
  /** The bytes of the frame, as it is handed on. */
  readonly length: number;
  /** Of these, the bytes before the body: all in the first part. 0 where the framing strips them. */
  readonly headerLength: number;
}

/** `pauseAfter` of the readers of connections: about a millisecond of checksums in one turn of the event loop. */
export const VAIN_BYTES_A_TURN = 262_144;

/**
 * Bytes in, frames out; pure and synchronous.
 *
 * Four answers, as values and never as exceptions: a frame; `undefined` — more bytes are needed; `undefined`
 * with `error` set — a violation, and nothing will follow; `undefined` with `ended` set — the stream is over.
 *
 * @example
 * const reader = lengthPrefix().reader();
 * reader.push(Buffer.from([2, 0, 0, 0, 0x68, 0x69]));
 * reader.next(); // <Buffer 68 69>
 * reader.next(); // undefined: more bytes are needed
 */
export interface FrameReader {
  /**
   * Take in a chunk. It is held, not copied, until its frames are taken; take them before the next push. Once `next` or
   * `take` has answered undefined nothing of it is held: what is incomplete has been copied.
   */
  push(chunk: Uint8Array): void;
  /** The next frame, or undefined. Parses no further than that frame. */
  next(): Buffer | undefined;
  /**
   * As many of the complete frames as lie in one buffer, `limit` at the most (a reader may give more), or undefined
   * when there is none. Call it until it answers undefined: a frame that began in an earlier chunk comes in a batch of
   * its own.
   */
  take(limit?: number): FrameBatch | undefined;
  /** The stream is over: then `next` or `take` for a last frame, then look at `error`. */
  end(): void;
  /** Why nothing more will come. Set once the frames before the violation have been taken. */
  readonly error: FrameError | undefined;
  /**
   * The last call of `next` or `take` answered undefined only because it examined `pauseAfter` bytes in vain. There may be frames
   * in what was received: call again in a later turn of the event loop. Optional: never.
   */
  readonly isPaused?: boolean;
  /**
   * The frame that is handed on in parts; undefined once the last part was given. Until then `next` and `take` answer
   * undefined.
   *
   *     next() → frame, …, undefined, and `partial` is set      part() → bytes, …, undefined: push more
   *                                                             part() → undefined, and `partial` is not: next() goes on
   */
  readonly partial?: PartialFrame | undefined;
  /** The next bytes of that frame, a view of what was received; undefined when more are needed, or the frame is over. */
  part?(): Buffer | undefined;
  /** Drop the parts of that frame which were not given, those to come too. */
  skipParts?(): void;
  /** Bytes received that belong to no frame taken yet. */
  readonly buffered: number;
  /**
   * Too late: drop what has come of the unfinished frame, so that the next byte is read as the first of a frame. Where packets
   * may stand in noise, those behind a false start are found now: take them. Optional; `reset` serves where it is not there.
   */
  giveUp?(): void;
  /** Whether the length of the unfinished frame is known, so that silence says nothing. Optional: unknown. */
  readonly isMeasured?: boolean;
  /** Forget everything, the error too: ready for a new stream. */
  reset(): void;
  /** Hand over the bytes received and not consumed, and forget everything: for protocol upgrades. */
  detach(): Buffer;
}

/** The most frames in a batch whose offsets are computed. */
export const FRAMES_AT_ONCE = 512;

/**
 * Frames as offsets into the chunk that holds them: no Buffer is made per frame. `bounds` holds a start and an
 * end (exclusive) for each frame: frame i is `bytes.subarray(bounds[2 * i], bounds[2 * i + 1])`. A reader may work them
 * out when they are first asked for: keep them in a variable.
 */
export interface FrameBatch {
  readonly bytes: Buffer;
  readonly bounds: ArrayLike<number>;
  /** How many frames; `bounds` may be longer than twice this. */
  readonly count: number;
  /** The `wire` of the framing, where the run below is exactly these frames with nothing between them. */
  readonly wire?: string | undefined;
  /** The run of wire bytes, headers included, that holds exactly these frames. */
  readonly runStart: number;
  readonly runEnd: number;
  /** Where `bytes[0]` stands in the stream, where the reader keeps count. */
  readonly streamOffset?: number | undefined;
}

/**
 * Payload in, bytes out. The caller owns the buffer: it asks `bound`, makes room, and lets the writer write.
 * A payload that cannot be framed (longer than the maximum or than the length field holds, a delimiter
 * inside it) throws a `FrameError` with `origin: 'local'`, and nothing of it counts as written.
 */
export interface FrameWriter {
  /** The most bytes that a payload of `length` bytes takes on the wire. */
  bound(length: number): number;
  /** Write `source[start, end)` as one frame at `target[at]`; returns the offset after it. */
  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number;
  /**
   * Write the payloads from `from` to `to` (exclusive) of a batch's `bounds`, one frame behind the other, as `write`
   * does for each; when it throws, none of them counts as written. Only of a writer whose `bound(n)` is
   * `bound(0) + n`; optional, for speed.
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
   * Where the payload may be written in place: it stands `headerLength` bytes behind the frame's start, and
   * `seal` writes what goes round it. Returns the offset after the frame. Undefined where the payload changes
   * on the wire (stuffing) or its place depends on its length (a varint prefix).
   */
  readonly headerLength?: number | undefined;
  /**
   * Begin a frame whose payload of `length` bytes comes in parts: the bytes on the wire up to where `first`, the beginning of the
   * payload, ends; the rest of the payload follows as it is. Undefined when more of the payload is needed to know. Of a
   * framing with `inParts`. Throws `ERR_FRAME_LENGTH` where only the end of the payload shows how long it is.
   */
  begin?(first: Uint8Array, length: number): Buffer | undefined;
  seal?(target: Buffer, at: number, payloadEnd: number): number;
}
