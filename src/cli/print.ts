import { once } from 'node:events';

/** Characters written at a time. */
const BLOCK = 65_536;

/** Write lines to stdout, with backpressure. */
export async function print(lines: Iterable<string>): Promise<void> {
  const printer = new Printer();
  for (const line of lines) await printer.add(line);
  await printer.flush();
}

/**
 * Writes lines to stdout in large pieces. What is added without a pause is written together, and nothing stays behind: the
 * rest is written as soon as the event loop has nothing else to do.
 */
export class Printer {
  #text = '';
  #isWaiting = false;
  #drained: Promise<void> | undefined;

  /** Characters that stdout has not taken yet. */
  get pending(): number {
    return this.#text.length + process.stdout.writableLength;
  }

  /** Add a line. Returns a promise that resolves when stdout takes more; undefined if that is now. */
  add(line: string): Promise<void> | undefined {
    this.#text += `${line}\n`;
    if (this.#text.length >= BLOCK) return this.flush();
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      setImmediate(() => {
        this.#isWaiting = false;
        void this.flush();
      });
    }
    return this.#drained;
  }

  /** Write what was added. Returns as `add` does. */
  flush(): Promise<void> | undefined {
    const text = this.#text;
    this.#text = '';
    if (text === '' || process.stdout.write(text)) return this.#drained;
    this.#drained ??= once(process.stdout, 'drain').then(() => {
      this.#drained = undefined;
    });
    return this.#drained;
  }
}
