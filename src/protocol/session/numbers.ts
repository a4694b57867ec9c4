import { show } from '../../bytes/show.ts';

/** The smallest and the largest number of requests. */
export type NumberRange = readonly [number, number] | readonly [bigint, bigint];

/** The range of 16 bits: used if neither the declaration nor the caller gives another. */
const USUAL: NumberRange = [0, 0xffff];

/** Numbers for requests, in order, and from the largest back to the smallest, so that a number is reused as late as possible. */
export class Numbers {
  readonly #min: bigint;
  /** The smallest as a number; undefined if the range is beyond the exact numbers. */
  readonly #least: number | undefined;
  /** How many numbers were taken, modulo the size of the range. */
  #next = 0;
  readonly #size: number;
  readonly #kind: 'number' | 'bigint' | 'text';

  /** @throws RangeError for an invalid range */
  constructor(range: NumberRange = USUAL, kind: 'number' | 'bigint' | 'text' = typeof range[0] as 'number') {
    const [min, max] = Array.isArray(range) ? range : [];
    if (!isWhole(min) || !isWhole(max) || typeof min !== typeof max || min > max) {
      throw new RangeError(
        `ids: expected the smallest and the greatest integer, got ${show(min)} and ${show(max)}`,
      );
    }
    this.#min = BigInt(min);
    this.#least = isSafe(this.#min) && isSafe(BigInt(max)) ? Number(min) : undefined;
    const size = BigInt(max) - this.#min + 1n;
    // No connection makes 2⁵³ requests.
    this.#size = size > MAX_SIZE ? Number.MAX_SAFE_INTEGER : Number(size);
    this.#kind = kind;
  }

  /** The size of the range. */
  get size(): number {
    return this.#size;
  }

  /** The next number that is not taken; undefined if all are. `key` is the number as `IdPlace` reads it. */
  take(taken: { readonly size: number; has(key: Key): boolean }): { id: Key | bigint; key: Key } | undefined {
    if (taken.size >= this.#size) return undefined;
    for (;;) {
      const key = this.#keyOf(this.#next);
      this.#next = this.#next + 1 === this.#size ? 0 : this.#next + 1;
      if (!taken.has(key)) return { id: this.#kind === 'bigint' ? BigInt(key) : key, key };
    }
  }

  #keyOf(count: number): Key {
    if (this.#least !== undefined)
      return this.#kind === 'text' ? `${this.#least + count}` : this.#least + count;
    const number = this.#min + BigInt(count);
    if (this.#kind === 'text') return String(number);
    return isSafe(number) ? Number(number) : number;
  }
}

type Key = number | bigint | string;

const MAX_SIZE = BigInt(Number.MAX_SAFE_INTEGER);

function isSafe(number: bigint): boolean {
  return number <= MAX_SIZE && number >= -MAX_SIZE;
}

function isWhole(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}
