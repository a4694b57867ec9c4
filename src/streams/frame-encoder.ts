import type { FrameBatch, FrameWriter, Framing } from '../protocol/framing.ts';
import { OUTPUT_LENGTH, Output } from './output.ts';
import { Stage, type StageOptions } from './stage.ts';

/**
 * Payloads in (object mode; Uint8Array), bytes out: frames each payload.
 *
 * A payload that the framing cannot hold is a `FrameError` with `origin: 'local'`: what came before it is written, and
 * the stream ends with the error.
 *
 * @example
 * const encoder = new FrameEncoder(line());
 * encoder.pipe(socket);
 * encoder.write(Buffer.from('NICK ada'));
 */
export class FrameEncoder extends Stage<Buffer> {
  readonly framing: Framing;
  readonly #writer: FrameWriter;
  #batch: FrameBatch | undefined;
  #index = 0;

  constructor(framing: Framing, options: StageOptions = {}) {
    super(options, { writableObjectMode: true });
    this.framing = framing;
    this.#writer = framing.writer();
  }

  protected override accept(payload: unknown): void {
    if (!(payload instanceof Uint8Array)) {
      throw new TypeError(`a payload is a Uint8Array, got ${payload === null ? 'null' : typeof payload}`);
    }
    const bytes = payload as Buffer;
    this.acceptBatch({ bytes, bounds: [0, bytes.length], count: 1, runStart: 0, runEnd: bytes.length });
  }

  protected override acceptBatch(batch: FrameBatch): void {
    this.#batch = batch;
    this.#index = 0;
  }

  protected override produce(): Buffer | undefined {
    const batch = this.#batch;
    if (batch === undefined) return undefined;
    const { bytes, bounds, count, wire, runStart, runEnd } = batch;
    if (
      wire !== undefined &&
      wire === this.framing.wire &&
      runEnd - runStart <= this.framing.maxFrameLength
    ) {
      this.#batch = undefined;
      return bytes.subarray(runStart, runEnd);
    }
    const output = new Output();
    try {
      while (this.#index < count && output.length < OUTPUT_LENGTH) {
        const start = bounds[2 * this.#index]!;
        const end = bounds[2 * this.#index + 1]!;
        output.reserve(this.#writer.bound(end - start));
        output.at = this.#writer.write(output.bytes, output.at, bytes, start, end);
        this.#index++;
      }
    } catch (error) {
      this.#index = count;
      this.fail(error as Error);
    }
    if (this.#index === count) this.#batch = undefined;
    return output.finish();
  }
}
