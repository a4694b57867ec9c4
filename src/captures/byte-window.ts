import { asBuffer } from '../bytes/buffer.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * The next bytes of a file that arrives in chunks, in one piece. A record inside one chunk is read in place; a record
 * that spans chunks is joined in memory that doubles as bytes arrive.
 *
 *     push(chunk) ──▶ has(16) ──▶ bytes[at, at + 16)  ──▶ has(16 + length) ──▶ bytes[at, …) ──▶ skip(16 + length)
 */
export class ByteWindow {
  /** The bytes that `has(length)` found: `bytes[at, at + length)`. */
  bytes: Buffer = NO_BYTES;
  at = 0;
  /** The offset of `bytes[at]` in the file. */
  offset = 0;
  #chunk: Buffer = NO_BYTES;
  #chunkAt = 0;
  /** The first bytes of a record, from earlier chunks. */
  #held: Buffer = NO_BYTES;
  #heldLength = 0;
  /** Bytes to skip that have not arrived yet. */
  #toSkip = 0;
  /** The length of the last record skipped. */
  skipped = 0;

  push(chunk: Uint8Array): void {
    const rest = this.#chunk.length - this.#chunkAt;
    this.#chunk =
      rest === 0 ? asBuffer(chunk) : Buffer.concat([this.#chunk.subarray(this.#chunkAt), asBuffer(chunk)]);
    this.#chunkAt = 0;
  }

  /**
   * True if the next `length` bytes are there in one piece, at `bytes[at]`. For one record, `length` may only grow from
   * call to call.
   */
  has(length: number): boolean {
    if (this.#toSkip > 0 && !this.#pass()) return false;
    const rest = this.#chunk.length - this.#chunkAt;
    if (this.#heldLength === 0 && rest >= length) {
      this.bytes = this.#chunk;
      this.at = this.#chunkAt;
      return true;
    }
    if (this.#heldLength < length) this.#hold(Math.min(rest, length - this.#heldLength));
    if (this.#heldLength < length) {
      // The chunk is used up: its owner may write into it again.
      this.#chunk = NO_BYTES;
      this.#chunkAt = 0;
      return false;
    }
    this.bytes = this.#held;
    this.at = 0;
    return true;
  }

  /**
   * Skip that many bytes, including bytes that have not arrived yet: at least as many as `has` was last called with.
   */
  skip(length: number): void {
    this.skipped = length;
    this.#toSkip = length - this.#heldLength;
    this.#heldLength = 0;
    this.offset += length;
    this.#pass();
  }

  /** Bytes received of a record that is not complete. */
  get unfinished(): number {
    return this.#heldLength + this.#chunk.length - this.#chunkAt;
  }

  /** Bytes of a skipped record that have not arrived. */
  get missing(): number {
    return this.#toSkip;
  }

  #pass(): boolean {
    const step = Math.min(this.#toSkip, this.#chunk.length - this.#chunkAt);
    this.#chunkAt += step;
    this.#toSkip -= step;
    return this.#toSkip === 0;
  }

  #hold(length: number): void {
    const total = this.#heldLength + length;
    if (total > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(4_096, total, 2 * this.#held.length));
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    this.#chunk.copy(this.#held, this.#heldLength, this.#chunkAt, this.#chunkAt + length);
    this.#heldLength = total;
    this.#chunkAt += length;
  }
}
