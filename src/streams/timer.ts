// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { clearImmediate, setImmediate } from 'node:timers';

/**
 * A timer that judges silence fairly. Node runs timers before it looks for what has come, so after a long turn of the event
 * loop a timer fires while an answer already waits in the system. This one lets the loop look once more before it calls.
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

  /** Begin anew: something has come. Also after it has called. */
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
