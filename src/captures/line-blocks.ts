import type { Writable } from 'node:stream';
import { linePieces } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { BLOCK, newBlock } from './block-file.ts';

/** How long after a write the next part of a block is written, in milliseconds. */
const DELAY = 50;
/** Beyond this many unwritten bytes `busy` asks the caller to wait. */
const BUSY = 4 * BLOCK;
/** Bytes converted to base64 at a time, a multiple of three: a short string stays in the processor's cache. */
const PIECE = 24_576;

/**
 * Gathers the lines of a capture file in blocks of memory. A full block is written at once. A part of a block is written
 * at once if there was no write for 50 ms, otherwise 50 ms after the last write. Blocks are reused, so recording makes
 * almost no garbage: a collection costs in proportion to everything the process holds.
 *
 *     add ──▶ block ──▶ out ──▶ free blocks ──▶ block
 */
export class LineBlocks {
  readonly #out: Writable;
  /** A part of this many bytes is written at once. */
  readonly #longest: number;
  #block: Buffer | undefined;
  /** Where the lines in the block end. */
  #end = 0;
  /** Where the part begins that `out` has not been given. */
  #start = 0;
  readonly #free: Buffer[] = [];
  /** Bytes that `out` has been given and not written yet. */
  #writing = 0;
  /** Runs for 50 ms after each write. */
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param out - must not keep a chunk after its write callback
   * @param maxPending - how many bytes may wait; if few, shorter parts are written at once
   */
  constructor(out: Writable, maxPending: number = Number.POSITIVE_INFINITY) {
    this.#out = out;
    this.#longest = Math.min(BLOCK, maxPending / 4);
  }

  /** Bytes not written yet. */
  get pending(): number {
    return this.#end - this.#start + this.#writing;
  }

  /** A promise that resolves when more should be added; undefined if that is now. */
  busy(): Promise<void> | undefined {
    if (this.pending <= BUSY || this.#out.destroyed) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  add(event: CaptureEvent): void {
    const { head, long, tail } = linePieces(event);
    this.#put(head, 'utf8');
    if (long !== undefined) {
      for (let at = 0; at < long.length; at += PIECE) {
        this.#put(long.toString('base64', at, at + PIECE), 'latin1');
      }
      this.#put(tail, 'latin1');
    }
    this.#gathered();
  }

  text(text: string): void {
    this.#put(text, 'utf8');
    this.#gathered();
  }

  /** Write the rest, and end the output. */
  end(): void {
    if (this.#end > this.#start) this.#write();
    clearTimeout(this.#timer);
    this.#out.end();
  }

  #put(text: string, encoding: 'utf8' | 'latin1'): void {
    const block = this.#current();
    // A UTF-16 unit takes at most three bytes, so a short text need not be measured.
    if (text.length * (encoding === 'utf8' ? 3 : 1) < BLOCK - this.#end) {
      this.#end += block.write(text, this.#end, encoding);
      return;
    }
    // A block is filled to its last byte, so that each begins at a multiple of its length in the file.
    const bytes = Buffer.from(text, encoding);
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.copy(this.#current(), this.#end, at);
      at += length;
      this.#end += length;
      if (this.#end === BLOCK) this.#write();
    }
  }

  #current(): Buffer {
    this.#block ??= this.#free.pop() ?? newBlock();
    return this.#block;
  }

  /** Write the part that was gathered, if it is time. */
  #gathered(): void {
    const length = this.#end - this.#start;
    if (length > 0 && (this.#timer === undefined || length >= this.#longest)) this.#write();
  }

  #write(): void {
    const block = this.#block!;
    const length = this.#end - this.#start;
    const isFull = this.#end === BLOCK;
    this.#writing += length;
    this.#out.write(block.subarray(this.#start, this.#end), (error) => {
      this.#writing -= length;
      if (isFull && !error && this.#free.length * BLOCK < BUSY) this.#free.push(block);
      if (this.pending > BUSY && !this.#out.destroyed) return;
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
    this.#start = isFull ? 0 : this.#end;
    if (isFull) {
      this.#end = 0;
      this.#block = undefined;
    }
    if (this.#timer !== undefined) {
      this.#timer.refresh();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#gathered();
    }, DELAY);
  }
}
