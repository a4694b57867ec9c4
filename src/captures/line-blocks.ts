import type { Writable } from 'node:stream';
import { linePieces } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';

/** The size of a block in bytes. */
const BLOCK = 262_144;
/** Beyond this many unwritten bytes `busy` asks the caller to wait: a small amount stays in the processor's cache. */
const BUSY = 4 * BLOCK;
/**
 * Bytes converted to base64 at a time, a multiple of three. Larger strings would live long enough to cost the garbage
 * collector.
 */
const PIECE = 6_144;

/**
 * Gathers the lines of a capture file in blocks of memory. While one write is under way, lines are gathered; then all
 * of them are written at once. Blocks are reused, so recording makes almost no garbage: a collection costs in
 * proportion to everything the process holds.
 *
 *     add ──▶ block ──▶ full blocks ──▶ out ──▶ free blocks ──▶ block
 */
export class LineBlocks {
  readonly #out: Writable;
  #block: Buffer | undefined;
  #at = 0;
  readonly #free: Buffer[] = [];
  /** Filled parts of blocks that wait for the current write to end. */
  #full: Buffer[] = [];
  #fullLength = 0;
  /** Bytes of the current write. */
  #writing = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param out - must not keep a chunk after its write callback */
  constructor(out: Writable) {
    this.#out = out;
  }

  /** Bytes not written yet. */
  get pending(): number {
    return this.#at + this.#fullLength + this.#writing;
  }

  /** A promise that resolves when more should be added; undefined if that is now. */
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

  /** Write the rest, and end the output. */
  end(): void {
    this.#seal();
    for (const part of this.#full.splice(0)) this.#out.write(part);
    this.#out.end();
  }

  #put(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    // A UTF-16 unit takes at most three bytes, so a short text need not be measured.
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

  /** Close the current block, so that it is written. */
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
    // Corked, a file stream writes all parts with one system call.
    this.#out.cork();
    for (const part of parts) this.#out.write(part, written);
    this.#out.uncork();
  }
}
