import { EMPTY } from '../bytes/buffer.ts';
import type { FrameError } from '../errors.ts';
import { type Direction, wholeStream } from './direction.ts';
import {
  type DiscardCounts,
  type FrameBatch,
  type FrameReader,
  type Framing,
  VAIN_BYTES_A_TURN,
} from './framing/framing.ts';

/** Messages that are answered and gone before the next ones are read: a collection of garbage copies all that live. */
export const AT_ONCE = 64;

export interface InboxOptions {
  /** As of a `FrameReader`: read anew each time. */
  readonly onDiscard?: ((error: FrameError) => void) | undefined;
  readonly counts: DiscardCounts;
}

/**
 * What comes on one connection, cut into frames. The framing may change behind any frame, although the frames after it were cut
 * already:
 *
 *     chunk   │ frame │ frame │ frame │ fra…
 *                 ▲ from   ▲ the second frame asks for another framing: the chunk is read again from here
 */
export class Inbox {
  #framing: Framing;
  #reader: FrameReader;
  readonly #options: InboxOptions;
  readonly #preface: Buffer | undefined;
  /** The chunk that was pushed last, and where in it the frames of the last batch begin; -1: in an earlier one. */
  #chunk: Uint8Array = EMPTY;
  #from = -1;
  /** Chunks that wait until the reader has given all frames of the ones before. */
  #chunks: Uint8Array[] | undefined;
  /** The reader has given all frames of what it was pushed. */
  #isDrained = true;
  /** The peer's side: `ending` until all before the end has been read. */
  #end: 'open' | 'ending' | 'ended' = 'open';
  /** Bytes pushed into readers, all of them. */
  #pushed = 0;

  constructor(direction: Direction, framing: Framing | undefined, options: InboxOptions) {
    this.#framing = framing ?? direction.framing;
    this.#options = options;
    this.#preface = direction.preface;
    this.#reader = this.#open(0);
  }

  /** Why no more frames come. */
  get error(): FrameError | undefined {
    return this.#reader.error;
  }

  /** Whether there may be frames to read. */
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

  /** Whether a frame has begun to come and is not complete. */
  get isInsideFrame(): boolean {
    return this.#isDrained && this.#reader.buffered > 0;
  }

  /** Whether the length of the unfinished frame is known. */
  get isMeasured(): boolean {
    return this.#reader.isMeasured === true;
  }

  /** Bytes that have come and were not given in frames. */
  get held(): number {
    let held = this.#reader.buffered;
    for (const chunk of this.#chunks ?? NONE) held += chunk.length;
    return held;
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

  /** The next frames; undefined where there are none for now. Look at `error`, `isPaused` and `isOver` then. */
  read(): FrameBatch | undefined {
    for (;;) {
      const reader = this.#reader;
      // A frame that began in an earlier chunk comes alone: behind it all lies in this one.
      const from = this.#chunk.length - reader.buffered;
      const batch = reader.take(from < 0 ? 1 : AT_ONCE);
      this.#from = batch === undefined ? -1 : from;
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
      // An idle connection holds nothing of what has come.
      this.#chunk = EMPTY;
      if (this.#end !== 'ending') return undefined;
      this.#end = 'ended';
      reader.end();
    }
  }

  /**
   * What follows the first `count` frames of the batch that was read last is read by another framing. Answers whether the other
   * frames of that batch are cut anew: forget them.
   */
  change(framing: Framing, count: number): boolean {
    if (framing === this.#framing) return false;
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

  /** All that follows the first `count` frames of the batch that was read last. Nothing is read any more. */
  leave(count: number): Buffer {
    const rest = Buffer.concat([this.#behind(count), ...(this.#chunks ?? NONE)]);
    this.forget();
    return rest;
  }

  /** Drop what has come of the unfinished frame: what comes next is read in step. */
  giveUp(): void {
    if (!this.isInsideFrame) return;
    const reader = this.#reader;
    if (reader.giveUp === undefined) reader.reset();
    else reader.giveUp();
    // What stands behind a false start may be a frame.
    this.#isDrained = false;
  }

  /** What has come is not needed any more. */
  forget(): void {
    this.#chunks = undefined;
    this.#chunk = EMPTY;
    this.#isDrained = true;
  }

  #open(streamOffset: number): FrameReader {
    const options = this.#options;
    const framing = this.#framing;
    const preface = this.#pushed < (this.#preface?.length ?? 0) ? this.#preface : undefined;
    return wholeStream({ framing, preface }).reader({
      // Without a listener the reader makes no error.
      get onDiscard() {
        return options.onDiscard;
      },
      pauseAfter: VAIN_BYTES_A_TURN,
      counts: options.counts,
      streamOffset,
    });
  }

  #push(chunk: Uint8Array): void {
    this.#isDrained = false;
    this.#chunk = chunk;
    this.#from = -1;
    this.#pushed += chunk.length;
    this.#reader.push(chunk);
  }

  /** What the reader was given behind the first frames of its last batch, however far it has read. */
  #behind(count: number): Buffer {
    const from = this.#from;
    if (from < 0) return this.#reader.detach();
    const again = this.#framing.reader();
    again.push(this.#chunk.subarray(from));
    for (let i = 0; i < count; i++) again.next();
    return again.detach();
  }
}

const NONE: readonly never[] = [];
