const NO_BYTES = Buffer.alloc(0);
const SMALLEST = 4_096;

/** The memory that all histories together may take. */
export interface HistoryBudget {
  left: number;
}

/**
 * The last bytes of a stream that were given, to compare a retransmission with. A ring that doubles up to its limit, as long
 * as the budget lasts; by an offset of the stream, which may have gaps.
 */
export class History {
  #ring: Buffer = NO_BYTES;
  /** The ring holds the bytes of the stream from here … */
  #start = 0;
  /** … to here. */
  #end = 0;
  readonly #limit: number;
  readonly #budget: HistoryBudget;

  /** @param limit - the most bytes that are kept, a power of two */
  constructor(limit: number, budget: HistoryBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  /** Keep `bytes[from, to)`, which stand at `offset` of the stream: behind the ones before, or behind a gap. */
  add(offset: number, bytes: Buffer, from: number, to: number): void {
    if (offset !== this.#end) this.#start = this.#end = offset;
    let length = to - from;
    if (this.#end - this.#start + length > this.#ring.length) this.#grow(this.#end - this.#start + length);
    const size = this.#ring.length;
    if (size === 0) {
      this.#start = this.#end = offset + length;
      return;
    }
    this.#end = offset + length;
    if (length > size) {
      from = to - size;
      length = size;
    }
    if (this.#end - this.#start > size) this.#start = this.#end - size;
    const at = (this.#end - length) % size;
    if (length <= 32 && at + length <= size) {
      const ring = this.#ring;
      for (let i = 0; i < length; i++) ring[at + i] = bytes[from + i]!;
      return;
    }
    const first = Math.min(length, size - at);
    bytes.copy(this.#ring, at, from, from + first);
    if (first < length) bytes.copy(this.#ring, 0, from + first, to);
  }

  /** Whether `bytes[from, …)` at `offset` of the stream differ from the bytes that were given there, where they are still kept. */
  differs(offset: number, bytes: Buffer, from: number, to: number): boolean {
    const low = Math.max(offset, this.#start);
    const high = Math.min(offset + to - from, this.#end);
    const size = this.#ring.length;
    for (let at = low; at < high; ) {
      const place = at % size;
      const length = Math.min(high - at, size - place);
      const other = from + at - offset;
      if (this.#ring.compare(bytes, other, other + length, place, place + length) !== 0) return true;
      at += length;
    }
    return false;
  }

  /** Give the memory back. */
  release(): void {
    this.#budget.left += this.#ring.length;
    this.#ring = NO_BYTES;
    this.#start = this.#end;
  }

  get length(): number {
    return this.#ring.length;
  }

  #grow(wanted: number): void {
    let size = Math.max(SMALLEST, this.#ring.length);
    while (size < wanted && size < this.#limit) size *= 2;
    if (size <= this.#ring.length || size - this.#ring.length > this.#budget.left) return;
    this.#budget.left -= size - this.#ring.length;
    const grown = Buffer.allocUnsafeSlow(size);
    const old = this.#ring;
    for (let at = this.#start; at < this.#end; ) {
      const place = at % old.length;
      const length = Math.min(this.#end - at, old.length - place, size - (at % size));
      old.copy(grown, at % size, place, place + length);
      at += length;
    }
    this.#ring = grown;
  }
}
