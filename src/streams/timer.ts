// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { clearImmediate, setImmediate } from 'node:timers';

/**
 * A timer that judges silence fairly. Node runs timers before it checks for input, so after a long turn of the event loop a timer
 * fires while input already waits in the system. This timer lets the loop check once more before it calls.
 *
 *     timer fires ──▶ one poll of the event loop ──▶ late()        unless refreshed or stopped meanwhile
 */
export class Timer {
  readonly #late: () => void;
  readonly #timeout: NodeJS.Timeout;
  #immediate: NodeJS.Immediate | undefined;

  /** @param delay - in milliseconds, from 1 to 2³¹ − 1 */
  constructor(delay: number, late: () => void) {
    this.#late = late;
    this.#timeout = setTimeout(() => {
      this.#immediate = setImmediate(() => {
        this.#immediate = undefined;
        this.#late();
      });
    }, delay);
  }

  /** Restart: something was received. Also possible after it has called. */
  refresh(): void {
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#immediate = undefined;
    this.#timeout.refresh();
  }

  /** Do not keep the process alive. */
  unref(): this {
    this.#timeout.unref();
    return this;
  }

  stop(): void {
    clearTimeout(this.#timeout);
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }
}
