import { EMPTY } from './buffer.ts';
import { allocateShared } from './shared-memory.ts';

/** The least room that is allocated for a first piece: enough for the next few bytes of a slow line. */
const SMALLEST = 64;
/** So few bytes are copied faster by a loop than by a call into the runtime. */
const SHORT = 32;
/**
 * The bytes of a pool from which short rooms are cut: to allocate each one costs four times as much time. A frame that is never
 * finished keeps its whole pool, which is why it is not Node's own (64 KiB since Node 24, and used up by everything else).
 */
const POOL_SIZE = 4_096;
/** The longest room that is cut from a pool. */
const POOLED = 512;

let pool: Buffer = EMPTY;
let poolUsed = 0;

function allocate(length: number): Buffer {
  if (length > POOLED) return Buffer.allocUnsafeSlow(length);
  if (poolUsed + length > pool.length) {
    pool = allocateShared(POOL_SIZE);
    poolUsed = 0;
  }
  const from = poolUsed;
  poolUsed += length;
  return pool.subarray(from, poolUsed);
}

/**
 * Joins the pieces of a frame that comes in several chunks. The room doubles as it fills, so a byte is copied only a few
 * times however small the chunks are, and the room never exceeds twice what was received plus a constant.
 */
export class ByteAccumulator {
  #bytes: Buffer = EMPTY;
  #length = 0;
  /** How many bytes there will ever be. */
  #most = Number.POSITIVE_INFINITY;

  get length(): number {
    return this.#length;
  }

  /** The memory that holds them: `bytes[0, length)`. The next `append` may replace it. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Add a copy of `source[start, end)`. `most`: how many bytes there will ever be, once that is known. */
  append(source: Buffer, start: number, end: number, most?: number): void {
    const length = this.#length + end - start;
    if (most !== undefined) this.#most = most;
    if (length > this.#bytes.length) {
      const room = Math.max(length, Math.min(this.#most, Math.max(SMALLEST, 2 * length)));
      const grown = allocate(room);
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    const bytes = this.#bytes;
    const shift = this.#length - start;
    if (end - start <= SHORT) for (let at = start; at < end; at++) bytes[at + shift] = source[at]!;
    else source.copy(bytes, this.#length, start, end);
    this.#length = length;
  }

  /** All of it. The accumulator is empty afterwards and has released the memory. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#bytes = EMPTY;
    this.#length = 0;
    this.#most = Number.POSITIVE_INFINITY;
  }
}
