import { accessSync, constants, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { showThrown } from '../bytes/show.ts';
import { type Recorder, recordTo } from '../captures/recorder.ts';
import { UsageError } from './usage-error.ts';

/** A capture file that is recorded beside its place, and takes it as a whole in the end. */
export class TapRecording {
  readonly recorder: Recorder;
  readonly #file: string;
  readonly #beside: string;

  /**
   * @param redact - as `recordTo` takes it
   * @throws UsageError where there can be no such file
   */
  constructor(file: string, redact?: readonly string[]) {
    try {
      accessSync(path.dirname(file), constants.W_OK);
    } catch (error) {
      throw new UsageError(`--out: cannot write into ${path.dirname(file)}: ${showThrown(error)}`);
    }
    this.#file = file;
    // The end of the name says whether it is packed.
    this.#beside = path.join(path.dirname(file), `.${process.pid}.${path.basename(file)}`);
    // A reader of stdout that leaves ends the program at once.
    process.once('exit', () => rmSync(this.#beside, { force: true }));
    this.recorder = recordTo(this.#beside, { redact });
  }

  async close(): Promise<void> {
    try {
      await this.recorder.close();
      await rename(this.#beside, this.#file);
    } catch (error) {
      await rm(this.#beside, { force: true });
      throw error;
    }
  }
}
