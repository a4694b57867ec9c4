import type { FrameBatch, FrameWriter, Framing } from '../protocol/framing.ts';
import { ITEMS_JOINED, OUTPUT_LENGTH, Output } from './output.ts';
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
  #batches: FrameBatch[] = [];
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
    this.#batches.push({ bytes, bounds: [0, bytes.length], count: 1, runStart: 0, runEnd: bytes.length });
    this.defer(this.#batches.length < ITEMS_JOINED);
  }

  protected override acceptBatch(batch: FrameBatch): void {
    this.#batches.push(batch);
    this.defer(false);
  }

  protected override produce(): Buffer | undefined {
    const [first] = this.#batches;
    if (first === undefined) return undefined;
    if (this.#index === 0 && this.#isWire(first)) {
      this.#batches.shift();
      return first.bytes.subarray(first.runStart, first.runEnd);
    }
    const output = new Output();
    let done = 0;
    try {
      while (done < this.#batches.length && output.length < OUTPUT_LENGTH) {
        if (this.#write(output, this.#batches[done]!)) done++;
      }
    } catch (error) {
      done = this.#batches.length;
      this.fail(error as Error);
    }
    this.#batches.splice(0, done);
    return output.finish();
  }

  /** Whether a run of frames may go on byte for byte: the same wire, and nothing in it that is too long. */
  #isWire({ wire, runStart, runEnd }: FrameBatch): boolean {
    const { framing } = this;
    return wire !== undefined && wire === framing.wire && runEnd - runStart <= framing.maxFrameLength;
  }

  /** Frame the payloads of a batch, from where we are; answers whether that was all of them. */
  #write(output: Output, { bytes, bounds, count }: FrameBatch): boolean {
    const writer = this.#writer;
    for (let i = this.#index; i < count; i++) {
      if (output.length >= OUTPUT_LENGTH) {
        this.#index = i;
        return false;
      }
      const start = bounds[2 * i]!;
      const end = bounds[2 * i + 1]!;
      output.reserve(writer.bound(end - start));
      output.at = writer.write(output.bytes, output.at, bytes, start, end);
    }
    this.#index = 0;
    return true;
  }
}
