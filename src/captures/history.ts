import { Copier } from '../bytes/copy.ts';

/** The most pieces remembered; a power of two. */
const PIECES = 65_536;
/** The most pieces of a stream compared with one retransmission. */
const STEPS = 4_096;
/** A buffer this large is copied from many times, so it is worth making views of it. */
const LARGE = 65_536;

/**
 * The latest bytes of all streams together, to compare retransmissions with. Pieces of the streams are copied one after
 * another into a ring of memory, and each stream's pieces are chained, from the latest back.
 *
 *     log     │ a₇ │ b₂ │ a₈ │ c₁ │ b₃ │ a₉ │◀ oldest          a₉ → a₈ → a₇
 */
export class History {
  readonly #log: Buffer;
  #copier: Copier;
  /** Bytes written so far, plus bytes skipped at the end of the ring. */
  #written = 0;
  #count = 0;
  // For each piece, at index number modulo PIECES: its offset in its stream, its place in the log, its length, and the
  // number of the stream's piece before it.
  readonly #offsets = new Float64Array(PIECES);
  readonly #places = new Float64Array(PIECES);
  readonly #lengths = new Uint32Array(PIECES);
  readonly #before = new Float64Array(PIECES);

  /** @param size - bytes to keep; 0 for none */
  constructor(size: number) {
    this.#log = Buffer.allocUnsafeSlow(size);
    this.#copier = new Copier(this.#log, this.#log);
  }

  /**
   * Keep `bytes[from, to)`, which start at `offset` of a stream.
   *
   * @param before - the number of the stream's previous piece; 0 for none
   * @returns the number of this piece
   */
  add(before: number, offset: number, bytes: Buffer, from: number, to: number): number {
    const length = to - from;
    const size = this.#log.length;
    if (length > size) return before;
    let at = this.#written % size;
    if (at + length > size) {
      this.#written += size - at;
      at = 0;
    }
    if (bytes.length >= LARGE) {
      if (this.#copier.from !== bytes) this.#copier = new Copier(this.#log, bytes);
      this.#copier.copy(at, from, length);
    } else {
      bytes.copy(this.#log, at, from, to);
    }
    const number = ++this.#count;
    const index = number & (PIECES - 1);
    this.#offsets[index] = offset;
    this.#places[index] = this.#written;
    this.#lengths[index] = length;
    this.#before[index] = before;
    this.#written += length;
    return number;
  }

  /**
   * True if `bytes[from, to)`, at `offset` of the stream whose last piece is `last`, differ from the bytes kept for
   * those offsets.
   */
  differs(last: number, offset: number, bytes: Buffer, from: number, to: number): boolean {
    const end = offset + to - from;
    const size = this.#log.length;
    let number = last;
    for (let step = 0; step < STEPS && this.#isKept(number); step++) {
      const index = number & (PIECES - 1);
      const start = this.#offsets[index]!;
      const stop = start + this.#lengths[index]!;
      if (stop <= offset) return false;
      const low = Math.max(offset, start);
      const high = Math.min(end, stop);
      if (low < high) {
        const mine = from + low - offset;
        const kept = (this.#places[index]! % size) + low - start;
        if (this.#log.compare(bytes, mine, mine + high - low, kept, kept + high - low) !== 0) return true;
      }
      number = this.#before[index]!;
    }
    return false;
  }

  #isKept(number: number): boolean {
    if (number === 0 || number <= this.#count - PIECES) return false;
    return this.#places[number & (PIECES - 1)]! >= this.#written - this.#log.length;
  }
}
