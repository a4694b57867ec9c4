/** A holder of bytes of a budget. */
export interface Holder {
  /** Pause or resume because of a budget; called only when it changes. */
  pause(paused: boolean, budget: ByteBudget): void;
}

/**
 * The bytes that all connections hold together. While they exceed `max`, a holder of more than its fair share (`max` divided by
 * the holders) is paused, except the first: since it continues alone, one holder after the other finishes, and all together hold
 * at most `max`, a share each, and what the first needs to finish. A connection that holds little is never paused.
 *
 * @example
 * const budget = new ByteBudget(256 * 2 ** 20);
 * budget.hold(connection, reader.buffered); // after each chunk
 * budget.leave(connection);
 */
export class ByteBudget {
  readonly #max: number;
  readonly #held = new Map<Holder, number>();
  /** In the order in which they were paused. */
  readonly #paused = new Set<Holder>();
  /** The holder that continues although all hold too much. */
  #first: Holder | undefined;
  #total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get total(): number {
    return this.#total;
  }

  /** A holder holds that many bytes now. */
  hold(holder: Holder, bytes: number): void {
    const before = this.#held.get(holder) ?? 0;
    if (bytes === before) return;
    this.#total += bytes - before;
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    if (this.#total > this.#max) this.#judge(holder, bytes);
    else if (this.#first !== undefined) this.#releaseAll();
  }

  /** A holder is gone, or holds nothing any more. */
  leave(holder: Holder): void {
    this.#paused.delete(holder);
    this.hold(holder, 0);
    if (this.#first === holder) this.#next();
  }

  #judge(holder: Holder, bytes: number): void {
    const isLarge = bytes > this.#max / this.#held.size;
    if (holder === this.#first) {
      if (!isLarge) this.#next();
    } else if (!isLarge) {
      if (this.#paused.delete(holder)) holder.pause(false, this);
    } else if (this.#first === undefined) {
      this.#first = holder;
      if (this.#paused.delete(holder)) holder.pause(false, this);
    } else if (!this.#paused.has(holder)) {
      this.#paused.add(holder);
      holder.pause(true, this);
    }
  }

  /** The first holder is done: the one that has waited longest continues. */
  #next(): void {
    const [next] = this.#paused;
    this.#first = next;
    if (next === undefined) return;
    this.#paused.delete(next);
    next.pause(false, this);
  }

  #releaseAll(): void {
    this.#first = undefined;
    const paused = [...this.#paused];
    this.#paused.clear();
    for (const holder of paused) holder.pause(false, this);
  }
}
