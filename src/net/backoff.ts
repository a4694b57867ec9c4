import { type Check, delay } from '../options.ts';

/** How long to wait before each attempt to reconnect. */
export interface BackoffOptions {
  /** Milliseconds, roughly, before the second attempt; each wait is twice the one before. Default 100. */
  minDelay?: number | undefined;
  /** The longest wait in milliseconds. Default 30,000. */
  maxDelay?: number | undefined;
}

export const backoffChecks: Readonly<Record<keyof BackoffOptions, Check>> = {
  minDelay: delay,
  maxDelay: delay,
};

/**
 * The waits between attempts: a random time from nothing to a ceiling that doubles ("full jitter"), so that clients which lost
 * their server together do not come back together. Holds no timer; `random` is for tests.
 *
 * @example
 * const backoff = new Backoff();
 * await setTimeout(backoff.next());  // 0 to 100 ms, then 0 to 200, 0 to 400 … 0 to 30,000
 * backoff.reset();                   // connected: the next wait is short again
 */
export class Backoff {
  readonly #min: number;
  readonly #max: number;
  readonly #random: () => number;
  #ceiling: number;

  constructor(
    { minDelay = 100, maxDelay = 30_000 }: BackoffOptions = {},
    random: () => number = Math.random,
  ) {
    if (minDelay > maxDelay) throw new RangeError(`minDelay ${minDelay} is more than maxDelay ${maxDelay}`);
    this.#min = minDelay;
    this.#max = maxDelay;
    this.#random = random;
    this.#ceiling = minDelay;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const wait = this.#random() * this.#ceiling;
    this.#ceiling = Math.min(this.#max, 2 * this.#ceiling);
    return wait;
  }

  reset(): void {
    this.#ceiling = this.#min;
  }
}
