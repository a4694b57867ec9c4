import { type Recorder, recordTo } from '../captures/recorder.ts';
import { OutFile } from './out-file.ts';

/** A capture file that is recorded beside its place, and takes it as a whole in the end. */
export class TapRecording {
  readonly recorder: Recorder;
  readonly #out: OutFile;

  /**
   * @param redact - as `recordTo` takes it
   * @throws UsageError where there can be no such file
   */
  constructor(file: string, redact?: readonly string[]) {
    this.#out = new OutFile(file);
    this.recorder = recordTo(this.#out.beside, { redact });
  }

  close(): Promise<void> {
    return this.#out.take(() => this.recorder.close());
  }
}
