import { once } from 'node:events';

const BLOCK = 65_536;

/** Write lines to stdout, no faster than they are read. */
export async function print(lines: Iterable<string>): Promise<void> {
  const printer = new Printer();
  await printer.print(lines);
  await printer.flush();
}

/** Writes lines to stdout in large pieces, no faster than they are read. */
export class Printer {
  #text = '';

  async print(lines: Iterable<string>): Promise<void> {
    for (const line of lines) {
      this.#text += `${line}\n`;
      if (this.#text.length >= BLOCK) await this.flush();
    }
  }

  /** Write what is left. */
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
  }
}
