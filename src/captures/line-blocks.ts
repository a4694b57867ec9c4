import type { Writable } from 'node:stream';
import { linePieces } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';

/** Bytes of a block: what is written at a time. */
const BLOCK = 262_144;
/** A writer that can wait is asked to, where more bytes than this are not written yet: what is few stays in the processor's cache. */
const BUSY = 4 * BLOCK;
/** Bytes that are made base64 at a time, a multiple of three: a text of a few KiB is gone before memory is searched for what is gone. */
const PIECE = 6_144;

/**
 * Lines of a capture file, gathered in blocks of memory. As long as one write is under way lines are gathered; then all of them are
 * written at once. Blocks are used over and over: recording makes next to no garbage, which costs a process in proportion to all that
 * it holds.
 *
 *     add ──▶ block ──▶ full blocks ──▶ out ──▶ free blocks ──▶ block
 */
export class LineBlocks {
  readonly #out: Writable;
  #block: Buffer | undefined;
  #at = 0;
  readonly #free: Buffer[] = [];
  /** Parts of blocks that wait for the write under way. */
  #full: Buffer[] = [];
  #fullLength = 0;
  /** Bytes of the write under way. */
  #writing = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param out - what keeps no chunk once it has called back */
  constructor(out: Writable) {
    this.#out = out;
  }

  /** Bytes that are not written yet. */
  get pending(): number {
    return this.#at + this.#fullLength + this.#writing;
  }

  /** A promise of when more may come, where that is not now and one can wait. */
  busy(): Promise<void> | undefined {
    if (this.pending <= BUSY || this.#out.destroyed) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  add(event: CaptureEvent): void {
    const { head, long, tail } = linePieces(event);
    this.#put(head);
    if (long !== undefined) {
      for (let at = 0; at < long.length; at += PIECE)
        this.#put(long.toString('base64', at, at + PIECE), 'latin1');
      this.#put(tail);
    }
    this.#write();
  }

  text(text: string): void {
    this.#put(text);
    this.#write();
  }

  /** Nothing more will come. */
  end(): void {
    this.#seal();
    for (const part of this.#full.splice(0)) this.#out.write(part);
    this.#out.end();
  }

  #put(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    // A character has three bytes at most: short texts need not be measured.
    const room = BLOCK - this.#at;
    if (3 * text.length > room && Buffer.byteLength(text) > room) {
      this.#seal();
      if (3 * text.length > BLOCK && Buffer.byteLength(text) > BLOCK) {
        this.#add(Buffer.from(text));
        return;
      }
    }
    this.#block ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#at += this.#block.write(text, this.#at, encoding);
  }

  /** What was gathered is to be written. */
  #seal(): void {
    if (this.#at === 0) return;
    this.#add(this.#block!.subarray(0, this.#at));
    this.#block = undefined;
    this.#at = 0;
  }

  #add(part: Buffer): void {
    this.#full.push(part);
    this.#fullLength += part.length;
  }

  #write(): void {
    if (this.#writing > 0) return;
    this.#seal();
    const parts = this.#full;
    if (parts.length === 0) return;
    this.#writing = this.#fullLength;
    this.#full = [];
    this.#fullLength = 0;
    let count = parts.length;
    const written = (error?: Error | null): void => {
      if (--count > 0) return;
      this.#writing = 0;
      for (const { buffer } of parts) {
        if (buffer.byteLength === BLOCK && this.#free.length * BLOCK < BUSY)
          this.#free.push(Buffer.from(buffer));
      }
      if (!error && !this.#out.writableEnded) this.#write();
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    // A file takes all of them in one call.
    this.#out.cork();
    for (const part of parts) this.#out.write(part, written);
    this.#out.uncork();
  }
}
