/** A segment that cannot be delivered yet, by its offsets in the stream. */
export interface Held {
  readonly at: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** The most segments of a chunk. */
const MOST = 256;

/**
 * Segments after a hole, sorted by offset, without overlaps. They lie in chunks, so that adding or removing one of 32,000 moves few
 * of the others, in whatever order a capture has them.
 *
 *     chunks   [ 5–6  8–9  12–20 … ]   [ 31–32  40–41 … ]   …      none is empty
 */
export class HeldSegments {
  #chunks: Held[][] = [];

  get first(): Held | undefined {
    return this.#chunks[0]?.[0];
  }

  get last(): Held | undefined {
    return this.#chunks.at(-1)?.at(-1);
  }

  /** The first segment that ends after the offset. */
  behind(offset: number): Held | undefined {
    const chunk = this.#chunks[this.#chunkBehind(offset)];
    return chunk?.[firstBehind(chunk.length, (index) => chunk[index]!.end, offset)];
  }

  /** Add a segment that overlaps with no other. */
  add(segment: Held): void {
    const chunks = this.#chunks;
    if (chunks.length === 0) {
      chunks.push([segment]);
      return;
    }
    const place = Math.min(this.#chunkBehind(segment.at), chunks.length - 1);
    const chunk = chunks[place]!;
    chunk.splice(
      firstBehind(chunk.length, (index) => chunk[index]!.end, segment.at),
      0,
      segment,
    );
    if (chunk.length > MOST) chunks.splice(place + 1, 0, chunk.splice(MOST >> 1));
  }

  /** Remove the first segment. */
  shift(): Held | undefined {
    const [chunk] = this.#chunks;
    const segment = chunk?.shift();
    if (chunk?.length === 0) this.#chunks.shift();
    return segment;
  }

  /** Remove all segments, and return them in order. */
  takeAll(): Held[] {
    const all = this.#chunks.flat();
    this.#chunks = [];
    return all;
  }

  #chunkBehind(offset: number): number {
    const chunks = this.#chunks;
    return firstBehind(chunks.length, (index) => chunks[index]!.at(-1)!.end, offset);
  }
}

/** The index of the first of `count` ascending ends that is greater than the offset; `count` if there is none. */
function firstBehind(count: number, endOf: (index: number) => number, offset: number): number {
  let low = 0;
  let high = count;
  // Usually the offset lies after all of them.
  if (count > 0 && endOf(count - 1) <= offset) return count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(middle) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
