/**
 * A rate limit: `rate` per second on average, and at most `burst` at once. Passing units are taken out of the bucket, which fills
 * at the rate. It may be overdrawn, since received bytes cannot be refused, and then says how long to wait. It reads no clock:
 * the caller gives the time.
 *
 * @example
 * const bucket = new TokenBucket(1_000, 1_000, performance.now());
 * const wait = bucket.take(64, performance.now()); // 0, or the milliseconds until it is balanced again
 */
export class TokenBucket {
  /** A millisecond's worth. */
  readonly #fill: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(rate: number, burst: number, now: number) {
    this.#fill = rate / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Take `count` out; returns how many milliseconds to wait before the next, rounded up; 0 for no wait. */
  take(count: number, now: number): number {
    // A clock that goes back fills nothing.
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#fill) - count;
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.#fill);
  }
}
