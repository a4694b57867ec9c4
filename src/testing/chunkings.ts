import { aBuffer, checkOptions, natural } from '../options.ts';

/** One way of cutting a run of bytes into chunks. */
export interface Chunking {
  /** Names the cuts: `'split at 3'`. */
  readonly name: string;
  readonly chunks: Buffer[];
}

export interface ChunkingOptions {
  /** The number of ways to cut into random pieces. Default 8. */
  random?: number | undefined;
  /** The seed of the random cuts: the same seed gives the same cuts. Default 1. */
  seed?: number | undefined;
}

/**
 * Up to this many bytes, every split position is tried. In longer input: the positions near both ends, and about this
 * many in between.
 */
const EVERY_SPLIT = 1_024;
const NEAR = 64;

/**
 * All ways of cutting to test: whole, byte by byte, in two at every position, and in random pieces, some of them empty.
 * Each chunk has its own memory.
 *
 * @example
 * for (const { name, chunks } of chunkings(Buffer.from('02 00 00 00 68 69'.replaceAll(' ', ''), 'hex'))) …
 */
export function* chunkings(bytes: Uint8Array, options: ChunkingOptions = {}): Generator<Chunking> {
  aBuffer('chunkings: bytes', bytes);
  checkOptions('chunkings', options, { random: natural, seed: natural });
  const { random = 8, seed = 1 } = options;
  const { length } = bytes;
  yield { name: 'whole', chunks: cut(bytes, []) };
  yield {
    name: 'byte by byte',
    chunks: cut(
      bytes,
      [...Array(Math.max(length - 1, 0)).keys()].map((i) => i + 1),
    ),
  };
  const next = generator(seed);
  for (let at = 1; at < length; at++) {
    if (length > EVERY_SPLIT && at > NEAR && at < length - NEAR && next() * length > EVERY_SPLIT) continue;
    yield { name: `split at ${at}`, chunks: cut(bytes, [at]) };
  }
  for (let i = 0; i < random; i++) {
    const count = 1 + Math.floor(next() * Math.min(length, 16));
    const places = Array.from({ length: count }, () => Math.floor(next() * (length + 1))).sort(
      (a, b) => a - b,
    );
    yield { name: `split at ${places.join(', ')} (seed ${seed})`, chunks: cut(bytes, places) };
  }
}

/** Copies of the pieces between the places, which are in ascending order. */
function cut(bytes: Uint8Array, places: readonly number[]): Buffer[] {
  const starts = [0, ...places];
  return starts.map((start, i) => Buffer.from(bytes.subarray(start, starts[i + 1] ?? bytes.length)));
}

/**
 * Random numbers in [0, 1) that the seed determines: a linear congruential generator with the constants of Numerical
 * Recipes.
 */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
