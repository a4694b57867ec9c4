// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { setImmediate } from 'node:timers';

/**
 * One timer for the deadlines of all connections of a server. It runs while there are connections, and often enough to keep the
 * shortest deadline within a quarter of it. As `Timer` does for one deadline, it lets the event loop check for input first: after
 * a long turn, what makes a peer punctual may wait in the system.
 */
export class Sweep {
  readonly #period: number;
  readonly #sweep: (now: number) => void;
  readonly #look = (): void => this.#sweep(performance.now());
  #timer: NodeJS.Timeout | undefined;

  /** @param deadlines - in milliseconds; Infinity for none */
  constructor(deadlines: readonly number[], sweep: (now: number) => void) {
    const shortest = Math.min(...deadlines);
    this.#period = Math.min(1_000, Math.max(5, shortest / 4));
    this.#sweep = sweep;
  }

  start(): void {
    this.#timer ??= setInterval(() => setImmediate(this.#look), this.#period).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
