import { type Recorder, recordTo } from '../captures/recorder.ts';
import { OutFile } from './out-file.ts';

/** A capture file that is recorded beside its destination, and renamed to it at the end. */
export class TapRecording {
  readonly recorder: Recorder;
  readonly #out: OutFile;

  /**
   * @param redact - as `recordTo` takes it
   * @throws UsageError if the file cannot be created
   */
  constructor(file: string, redact?: readonly string[]) {
    this.#out = new OutFile(file);
    this.recorder = recordTo(this.#out.beside, { redact });
  }

  close(): Promise<void> {
    return this.#out.take(() => this.recorder.close());
  }
}
