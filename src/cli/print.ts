import { once } from 'node:events';

const BLOCK = 65_536;

/** Write lines to stdout, with backpressure. */
export async function print(lines: Iterable<string>): Promise<void> {
  const printer = new Printer();
  await printer.print(lines);
  await printer.flush();
}

/** Writes lines to stdout in large pieces, with backpressure. */
export class Printer {
  #text = '';

  async print(lines: Iterable<string>): Promise<void> {
    for (const line of lines) {
      this.#text += `${line}\n`;
      if (this.#text.length >= BLOCK) await this.flush();
    }
  }

  /** Write the buffered rest. */
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
  }
}
