import { accessSync, constants, realpathSync, rmSync, type Stats, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { showThrown } from '../bytes/show.ts';
import { UsageError } from './usage-error.ts';

/**
 * The file of an `--out`: written under a temporary name beside its destination, and renamed to it at the end. A device
 * or a pipe, such as /dev/null, is written directly.
 */
export class OutFile {
  /** The path to write to. */
  readonly beside: string;
  /** The destination. */
  readonly #place: string;

  /** @throws UsageError if the file cannot be created */
  constructor(file: string) {
    const there = statsOf(file);
    if (there?.isDirectory()) throw new UsageError(`--out: ${file} is a directory`);
    if (there !== undefined && !there.isFile()) {
      this.#place = file;
      this.beside = file;
      return;
    }
    // Write through a symbolic link, which stays a link.
    this.#place = there === undefined ? file : realpathSync(file);
    const folder = path.dirname(this.#place);
    try {
      accessSync(folder, constants.W_OK);
    } catch (error) {
      throw new UsageError(`--out: cannot write into ${folder}: ${showThrown(error)}`);
    }
    // Keep the end of the name: `.gz` means compressed.
    this.beside = path.join(folder, `.${process.pid}.${path.basename(this.#place)}`);
    // The process may exit at any time, when the reader of stdout goes away.
    process.once('exit', () => rmSync(this.beside, { force: true }));
  }

  /**
   * Call `write` with the path to write to, then rename the file to its destination. If either fails, an existing file
   * stays unchanged.
   */
  async take(write: (file: string) => Promise<void>): Promise<void> {
    const isPlaced = this.beside !== this.#place;
    try {
      await write(this.beside);
      if (isPlaced) await rename(this.beside, this.#place);
    } catch (error) {
      if (isPlaced) await rm(this.beside, { force: true });
      throw error;
    }
  }
}

function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    // If the path is unusable, checking its folder gives the error.
    return undefined;
  }
}
