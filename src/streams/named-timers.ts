import { Timer } from './timer.ts';

/** The named timers of a session, which its replies start and cancel. */
export class NamedTimers {
  readonly #expired: (name: string) => void;
  #timers: Map<string, Timer> | undefined;

  constructor(expired: (name: string) => void) {
    this.#expired = expired;
  }

  /** Start (in milliseconds) and cancel (null) these timers. */
  set(changes: Iterable<readonly [name: string, delay: number | null]>): void {
    this.#timers ??= new Map();
    for (const [name, delay] of changes) {
      this.#timers.get(name)?.stop();
      this.#timers.delete(name);
      if (delay === null) continue;
      const timer = new Timer(delay, () => {
        this.#timers?.delete(name);
        this.#expired(name);
      });
      this.#timers.set(name, timer.unref());
    }
  }

  stop(): void {
    for (const timer of this.#timers?.values() ?? []) timer.stop();
    this.#timers = undefined;
  }
}
