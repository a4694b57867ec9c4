import { asBuffer, EMPTY } from '../bytes/buffer.ts';
import type { FrameError } from '../errors.ts';
import type { Codec } from './codec.ts';
import { type Direction, wholeStream } from './direction.ts';
import { framed } from './framing/framed.ts';
import {
  type DiscardCounts,
  type FrameBatch,
  type FrameReader,
  type FrameReaderOptions,
  type Framing,
  VAIN_BYTES_A_TURN,
} from './framing/framing.ts';

/**
 * The most messages taken at once. One call writes the texts of all their answers, so more of them cost less each
 * (`docs/performance.md`). They are answered and gone before the next are read: answers wait in memory, and a garbage collection
 * copies every live message.
 */
export const AT_ONCE = 128;

/**
 * The most bytes of frames whose messages are decoded ahead. The limits of a server count the bytes, and a message may take many times
 * their memory.
 */
const BYTES_AHEAD = 8_192;

/** The owner of an inbox. Its observer is called for bytes that the framing skips. */
export interface Observed {
  readonly observer: Pick<FrameReaderOptions, 'onDiscard'> | undefined;
}

/**
 * The bytes received on one connection, cut into frames. The framing may change after any frame, even if the frames after it were
 * cut already:
 *
 *     chunk   │ frame │ frame │ frame │ fra…
 *                 ▲ from   ▲ the second frame asks for another framing: the chunk is read again from here
 *
 * It is the options object of its readers, and their counts.
 */
export class Inbox implements FrameReaderOptions, DiscardCounts {
  readonly pauseAfter: number = VAIN_BYTES_A_TURN;
  /** The stream offset at which the current reader began. */
  streamOffset = 0;
  discarded = 0;
  noise = 0;
  #framing: Framing;
  #reader: FrameReader;
  readonly #owner: Observed;
  readonly #preface: Buffer | undefined;
  /** The last chunk pushed, and the offset in it of the last batch's frames; −1 if they began in an earlier chunk. */
  #chunk: Uint8Array = EMPTY;
  #from = -1;
  /** How many frames the last batch had, or how many messages. */
  #count = 0;
  /** Whether the reader may have read on behind them, and has skipped frames there. */
  #isAhead = false;
  /** The offsets of the last batch's frames, if it was not the first of its chunk; one array for all of a chunk's batches. */
  #bounds: number[] | undefined;
  /** Chunks that wait until the reader has given all frames of the earlier ones. */
  #chunks: Uint8Array[] | undefined;
  /** True if the reader has given all frames of the bytes pushed into it. */
  #isDrained = true;
  /** The peer's side: `ending` until everything before the end has been read. */
  #end: 'open' | 'ending' | 'ended' = 'open';
  /** Bytes pushed into all readers. */
  #pushed = 0;

  constructor(direction: Direction, framing: Framing | undefined, owner: Observed) {
    this.#framing = framing ?? direction.framing;
    this.#owner = owner;
    this.#preface = direction.preface;
    this.#reader = this.#open(0);
  }

  /** Without a listener the reader makes no errors. */
  get onDiscard(): FrameReaderOptions['onDiscard'] {
    return this.#owner.observer?.onDiscard;
  }

  get counts(): DiscardCounts {
    return this;
  }

  /** Why no more frames come. */
  get error(): FrameError | undefined {
    return this.#reader.error;
  }

  /** Whether there may be more frames to read. */
  get hasMore(): boolean {
    return !this.#isDrained || this.#end !== 'open';
  }

  /** Whether the peer's end has been read. */
  get isOver(): boolean {
    return this.#end === 'ended';
  }

  get isPaused(): boolean {
    return this.#reader.isPaused === true;
  }

  /** Whether the last frame is incomplete. */
  get isInsideFrame(): boolean {
    return this.#isDrained && this.#reader.buffered > 0;
  }

  /** Whether the length of the unfinished frame is known. */
  get isMeasured(): boolean {
    return this.#reader.isMeasured === true;
  }

  /** Received bytes that were not given in frames. */
  get held(): number {
    return this.#reader.buffered + this.#waiting;
  }

  /** Received bytes after the first `count` frames of the last batch. */
  heldAfter(count: number): number {
    return this.#behind(count).length + this.#waiting;
  }

  /** Bytes of the chunks that wait. */
  get #waiting(): number {
    let waiting = 0;
    for (const chunk of this.#chunks ?? NONE) waiting += chunk.length;
    return waiting;
  }

  receive(chunk: Uint8Array): void {
    if (this.#end !== 'open') return;
    if (this.#isDrained) {
      this.#push(chunk);
    } else {
      this.#chunks ??= [];
      this.#chunks.push(chunk);
    }
  }

  ended(): void {
    if (this.#end === 'open') this.#end = 'ending';
  }

  /**
   * The messages of the next frames, if framing and codec read both in one pass; undefined if they do not, and at a frame that is
   * not whole or not a message: then `read` the frames. Only if input is read in the same way until the end.
   */
  decode<Message>(codec: Codec<Message, never>): readonly Message[] | undefined {
    const reader = this.#reader;
    const from = this.#next;
    if (codec.decodeRun === undefined || reader.goOn === undefined || from < 0) return undefined;
    const run = reader.run?.();
    if (run === undefined) return undefined;
    const end = Math.min(run.end, run.at + BYTES_AHEAD);
    const { messages, at } = codec.decodeRun(end === run.end ? run : { ...run, end }, AT_ONCE);
    if (messages.length === 0) return undefined;
    reader.goOn(at);
    this.#isAhead = false;
    this.#from = from;
    this.#count = messages.length;
    return messages;
  }

  /**
   * The next frames; undefined if there are none for now: then look at `error`, `isPaused` and `isOver`.
   *
   * @param isSettled - false if the framing may change behind any frame: then the frames come one at a time, because frames that
   *   were read ahead would be read again
   */
  read(isSettled: boolean): FrameBatch | undefined {
    for (;;) {
      const reader = this.#reader;
      // What cannot be cut again comes alone, so everything after it is in this chunk.
      const from = this.#next;
      const isFurther = from > 0 && isSettled;
      if (isFurther) this.#bounds ??= [];
      this.#isAhead = from >= 0 && isSettled;
      const batch = reader.take(this.#isAhead ? AT_ONCE : 1, isFurther ? this.#bounds : undefined);
      this.#from = batch === undefined ? -1 : from;
      this.#count = batch === undefined ? 0 : batch.count;
      if (batch !== undefined || reader.error !== undefined) return batch;
      if (reader.isPaused) {
        this.#isDrained = false;
        return undefined;
      }
      const chunk = this.#chunks?.shift();
      if (chunk !== undefined) {
        this.#push(chunk);
        continue;
      }
      this.#isDrained = true;
      // An idle connection must not hold on to its last chunk.
      this.#chunk = EMPTY;
      this.#bounds = undefined;
      if (this.#end !== 'ending') return undefined;
      this.#end = 'ended';
      reader.end();
    }
  }

  /**
   * Read everything after the first `count` frames of the last batch with another framing. Returns true if the other frames of
   * that batch are cut again: forget them.
   */
  change(framing: Framing, count: number): boolean {
    // A stream with a wrong preface has no frames, in whatever framing.
    if (framing === this.#framing || this.error?.code === 'ERR_FRAME_PREFACE') return false;
    const isCutAnew = this.#from >= 0 || count > 0;
    const rest = this.#behind(count);
    this.#framing = framing;
    const pushed = this.#pushed;
    this.#reader = this.#open(pushed - rest.length);
    this.#push(rest);
    this.#pushed = pushed;
    if (this.#end === 'ended') this.#reader.end();
    return isCutAnew;
  }

  /**
   * Everything after the first `count` frames of the last batch. Nothing more is read.
   *
   * @param batch - the last batch, if its frames are still there: the frame that began in an earlier chunk cannot be cut again
   */
  leave(count: number, batch?: FrameBatch): Buffer {
    const alone = this.#from < 0 && count === 0 && batch !== undefined ? this.#wireOf(batch) : EMPTY;
    const rest = Buffer.concat([alone, this.#behind(count), ...(this.#chunks ?? NONE)]);
    this.forget();
    return rest;
  }

  /** Drop the bytes of the unfinished frame; the next byte starts a frame. */
  giveUp(): void {
    if (!this.isInsideFrame) return;
    const reader = this.#reader;
    if (reader.giveUp === undefined) reader.reset();
    else reader.giveUp();
    // A frame may follow a false start.
    this.#isDrained = false;
  }

  /** Drop the received bytes; nothing more is read. */
  forget(): void {
    this.#chunks = undefined;
    this.#chunk = EMPTY;
    this.#bounds = undefined;
    this.#reader.reset();
    this.#isDrained = true;
  }

  /**
   * The offset of the next frame in the chunk; negative if it cannot be cut again: it began in an earlier chunk, or the chunk may
   * begin inside of a skipped frame.
   */
  get #next(): number {
    const at = this.#chunk.length - this.#reader.buffered;
    return at === 0 && this.discarded > 0 ? -1 : at;
  }

  #open(streamOffset: number): FrameReader {
    const framing = this.#framing;
    const preface = this.#pushed < (this.#preface?.length ?? 0) ? this.#preface : undefined;
    this.streamOffset = streamOffset;
    return wholeStream({ framing, preface }).reader(this);
  }

  #push(chunk: Uint8Array): void {
    this.#isDrained = false;
    this.#chunk = chunk;
    this.#from = -1;
    this.#pushed += chunk.length;
    this.#reader.push(chunk);
  }

  /** The bytes pushed into the reader after the first frames of its last batch, however far it has read. */
  #behind(count: number): Buffer {
    const from = this.#from;
    if (from < 0) return this.#reader.detach();
    const chunk = asBuffer(this.#chunk);
    let reader = this.#reader;
    if (count < this.#count || this.#isAhead || reader.error !== undefined) {
      reader = this.#framing.reader();
      reader.push(chunk.subarray(from));
      for (let i = 0; i < count; i++) reader.next();
    }
    // A copy each time would be one of the whole chunk for each of its frames.
    return chunk.subarray(chunk.length - reader.buffered);
  }

  /** The bytes of a frame that cannot be cut again: as they came if that is known, and else as we would write them. */
  #wireOf({ bytes, bounds, wire, runStart, runEnd }: FrameBatch): Buffer {
    if (wire !== undefined) return bytes.subarray(runStart, runEnd);
    return framed(this.#framing.writer(), bytes.subarray(bounds[0], bounds[1]));
  }
}

const NONE: readonly never[] = [];
