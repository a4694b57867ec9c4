/**
 * One timer for the deadlines of all connections of a server. It runs while there are connections, and often enough to keep the
 * shortest deadline within a quarter of it.
 */
export class Sweep {
  readonly #period: number;
  readonly #sweep: (now: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param deadlines - in milliseconds; Infinity for none */
  constructor(deadlines: readonly number[], sweep: (now: number) => void) {
    const shortest = Math.min(...deadlines);
    this.#period = Math.min(1_000, Math.max(5, shortest / 4));
    this.#sweep = sweep;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#sweep(performance.now()), this.#period).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
