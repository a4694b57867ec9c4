/** The timers of an absent client: publish its will, and end its session. */
export class Absence {
  readonly #timers: NodeJS.Timeout[] = [];
  #will: (() => void) | undefined;

  /** Publish the will after this many seconds, or when the session ends. */
  will(seconds: number, publish: () => void): void {
    this.#will = publish;
    this.after(seconds, () => this.hurry());
  }

  after(seconds: number, run: () => void): void {
    if (seconds !== Infinity) this.#timers.push(setTimeout(run, Math.min(1_000 * seconds, LONGEST)).unref());
  }

  /** The session ends: publish a pending will now. */
  hurry(): void {
    const publish = this.#will;
    this.cancel();
    publish?.();
  }

  /** The client has come back. */
  cancel(): void {
    this.#will = undefined;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** The longest delay of a timer, in milliseconds. */
const LONGEST = 2_147_483_647;
