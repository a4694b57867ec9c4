import { safeText } from '../bytes/show.ts';

/** Milliseconds before the bar appears. */
const DELAY = 500;
const INTERVAL = 100;
const WIDTH = 30;

/**
 * A progress bar on stderr for reading a file. It is shown only if stderr is a terminal, nothing else is printed to the
 * terminal meanwhile, and the work takes longer than half a second.
 *
 *     flight.pcap  ████████████░░░░░░░░░░░░░░░░░░  40 %
 */
export class Progress {
  readonly #name: string;
  readonly #total: number | undefined;
  readonly #start = performance.now();
  #done = 0;
  #shown = 0;

  /**
   * @param total - the total of what `add` counts; without it no bar is shown
   * @param isAlone - true if nothing is printed to stdout before the work is done
   */
  constructor(name: string, total: number | undefined, isAlone: boolean) {
    this.#name = safeText(name.replace(/^.*[\\/]/, ''));
    this.#total = process.stderr.isTTY && (isAlone || !process.stdout.isTTY) ? total : undefined;
  }

  add(count: number): void {
    this.#done += count;
    if (this.#total === undefined) return;
    const now = performance.now();
    if (now - this.#start < DELAY || now - this.#shown < INTERVAL) return;
    this.#shown = now;
    // Decompressed bytes can exceed the file's size.
    const share = Math.min(1, this.#done / this.#total);
    const full = Math.round(share * WIDTH);
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    process.stderr.write(`\r${this.#name}  ${bar}  ${Math.floor(share * 100)} %\u001b[K`);
  }

  /** Erase the bar. */
  end(): void {
    if (this.#shown > 0) process.stderr.write('\r\u001b[K');
    this.#shown = 0;
  }
}
