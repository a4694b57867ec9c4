import { Copier } from '../bytes/copy.ts';

/** The pieces remembered at first, and the most; powers of two. */
const FEW_PIECES = 64;
const MOST_PIECES = 65_536;
/** The most pieces of a stream compared with one retransmission. */
const STEPS = 4_096;
/** A buffer this large is copied from many times, so it is worth making views of it. */
const LARGE = 65_536;

// The numbers kept for a piece: its offset in its stream, its place in all that was written, its length, and the number of the
// stream's piece before it.
const PIECE = 4;
const PLACE = 1;
const LENGTH = 2;
const BEFORE = 3;

/**
 * The latest bytes of all streams together, to compare retransmissions with. Pieces of the streams are copied one after
 * another into a ring of memory, and each stream's pieces are chained, from the latest back.
 *
 *     log     │ a₇ │ b₂ │ a₈ │ c₁ │ b₃ │ a₉ │◀ oldest          a₉ → a₈ → a₇
 */
export class History {
  readonly #log: Buffer;
  #copier: Copier;
  /** Where the next piece goes in the log. */
  #at = 0;
  /** Bytes written so far, plus bytes skipped at the end of the ring. */
  #written = 0;
  #count = 0;
  /** The pieces, each at its number modulo `#room`. */
  #pieces = new Float64Array(PIECE * FEW_PIECES);
  #room = FEW_PIECES;

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
    // A piece does not wrap around the end of the ring.
    const next = this.#at;
    const left = size - next;
    const skipped = length > left ? left : 0;
    const at = length > left ? 0 : next;
    if (bytes.length >= LARGE) {
      if (this.#copier.from !== bytes) this.#copier = new Copier(this.#log, bytes);
      this.#copier.copy(at, from, length);
    } else {
      bytes.copy(this.#log, at, from, to);
    }
    const place = this.#written + skipped;
    this.#written = place + length;
    this.#at = at + length;
    const number = this.#count + 1;
    if (this.#room < MOST_PIECES && this.#isKept(number - this.#room)) this.#grow();
    this.#count = number;
    const index = this.#indexOf(number);
    const pieces = this.#pieces;
    pieces[index] = offset;
    pieces[index + PLACE] = place;
    pieces[index + LENGTH] = length;
    pieces[index + BEFORE] = before;
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
      const index = this.#indexOf(number);
      const start = this.#pieces[index]!;
      const stop = start + this.#pieces[index + LENGTH]!;
      if (stop <= offset) return false;
      const low = Math.max(offset, start);
      const high = Math.min(end, stop);
      if (low < high) {
        const mine = from + low - offset;
        const kept = (this.#pieces[index + PLACE]! % size) + low - start;
        if (this.#log.compare(bytes, mine, mine + high - low, kept, kept + high - low) !== 0) return true;
      }
      number = this.#pieces[index + BEFORE]!;
    }
    return false;
  }

  #isKept(number: number): boolean {
    if (number <= 0 || number <= this.#count - this.#room) return false;
    return this.#pieces[this.#indexOf(number) + PLACE]! >= this.#written - this.#log.length;
  }

  #indexOf(number: number): number {
    return PIECE * (number & (this.#room - 1));
  }

  #grow(): void {
    const few = this.#pieces;
    const room = this.#room;
    this.#room = 2 * room;
    this.#pieces = new Float64Array(PIECE * this.#room);
    for (let number = this.#count - room + 1; number <= this.#count; number++) {
      const from = PIECE * (number & (room - 1));
      this.#pieces.set(few.subarray(from, from + PIECE), this.#indexOf(number));
    }
  }
}
