import { Printer } from './print.ts';

/** How long a connection waits for a reader of stdout that takes nothing, in milliseconds. */
const PATIENCE = 1_000;
/** The most characters that wait for the reader. */
const MOST_WAITING = 8_388_608;

/**
 * Prints lines about live connections. The connections wait for a slow reader of stdout. Once the reader has taken nothing for
 * a second, or too much waits for it, lines are left out until it has taken all that waits, and a line says how many: a reader
 * that has stopped does not stop the connections.
 *
 *     printing ──stdout is full──▶ waiting ──1 s──▶ leaving out ──stdout is empty──▶ printing
 *                   ▲                 └──────stdout is empty──────────────────────────────┘
 */
export class LiveOutput {
  readonly #printer = new Printer();
  readonly #leftOut: (messages: number, marks: number) => string;
  /** Resolves when stdout takes more, or after a second; undefined if connections need not wait. */
  #wait: Promise<void> | undefined;
  #isFull = false;
  /** What has been left out. */
  #messages = 0;
  #marks = 0;

  /** @param leftOut - makes the line that says how many messages and marks were left out */
  constructor(leftOut: (messages: number, marks: number) => string) {
    this.#leftOut = leftOut;
    // Node blocks the process, and with it the connections, while a terminal takes nothing (Ctrl-S).
    if (process.stdout.isTTY) {
      const { _handle } = process.stdout as { _handle?: { setBlocking?(isBlocking: boolean): void } };
      _handle?.setBlocking?.(false);
    }
  }

  /**
   * @param line - makes the line, unless it is left out
   * @param isMessage - true for a message, false for a mark
   */
  add(line: () => string, isMessage: boolean): void {
    const isLeavingOut = this.#messages + this.#marks > 0 || (this.#isFull && this.#wait === undefined);
    if (!isLeavingOut && this.#printer.pending <= MOST_WAITING) this.#print(line());
    else if (isMessage) this.#messages++;
    else this.#marks++;
  }

  /** A promise that resolves when connections may go on; undefined if that is now. */
  busy(): Promise<void> | undefined {
    return this.#wait;
  }

  #print(line: string): void {
    const drained = this.#printer.add(line);
    if (drained === undefined || this.#isFull) return;
    this.#isFull = true;
    let timer: NodeJS.Timeout | undefined;
    const impatient = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE);
    });
    this.#wait = Promise.race([drained, impatient]).then(() => {
      this.#wait = undefined;
    });
    void drained.then(() => {
      clearTimeout(timer);
      this.#isFull = false;
      const [messages, marks] = [this.#messages, this.#marks];
      this.#messages = this.#marks = 0;
      if (messages + marks > 0) this.#print(this.#leftOut(messages, marks));
    });
  }
}
