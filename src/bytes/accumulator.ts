const NO_BYTES = Buffer.alloc(0);

/** The least that is set aside for a first piece: room for the next few bytes of a slow line. */
const SMALLEST = 64;

/**
 * The bytes of a frame that comes in several chunks, joined. Room grows by doubling, so a byte is copied but a few
 * times however small the chunks, and never exceeds twice what was received plus a constant.
 */
export class ByteAccumulator {
  #bytes: Buffer = NO_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Add a copy of `source[start, end)`. */
  append(source: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(SMALLEST, length, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    if (end - start === 1) this.#bytes[this.#length] = source[start]!;
    else source.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** All of it; the accumulator is empty afterwards and lets go of the memory. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#bytes = NO_BYTES;
    this.#length = 0;
  }
}
