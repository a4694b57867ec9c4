import { accessSync, constants, realpathSync, rmSync, type Stats, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { showThrown } from '../bytes/show.ts';
import { UsageError } from './usage-error.ts';

/**
 * The file of an `--out`: made beside its place, which it takes as a whole in the end. A device or a pipe, such as /dev/null, is written
 * as it is.
 */
export class OutFile {
  /** What to write. */
  readonly beside: string;
  /** The place that it takes. */
  readonly #place: string;

  /** @throws UsageError where there can be no such file */
  constructor(file: string) {
    const there = statsOf(file);
    if (there?.isDirectory()) throw new UsageError(`--out: ${file} is a directory`);
    if (there !== undefined && !there.isFile()) {
      this.#place = file;
      this.beside = file;
      return;
    }
    // A link stays one.
    this.#place = there === undefined ? file : realpathSync(file);
    const folder = path.dirname(this.#place);
    try {
      accessSync(folder, constants.W_OK);
    } catch (error) {
      throw new UsageError(`--out: cannot write into ${folder}: ${showThrown(error)}`);
    }
    // The end of the name says whether it is packed.
    this.beside = path.join(folder, `.${process.pid}.${path.basename(this.#place)}`);
    // A reader of stdout that leaves ends the program at once.
    process.once('exit', () => rmSync(this.beside, { force: true }));
  }

  /** Let `write` make the file, and put it in its place. Where that fails, what was there stays. */
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
    // What is wrong with it, its folder tells.
    return undefined;
  }
}
