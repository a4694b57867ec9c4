import { show } from '../bytes/show.ts';
import { isTrusted, trust, WRITING } from '../bytes/trust.ts';
import { FrameError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import type { FrameBatch, FrameWriter, Framing } from '../protocol/framing/framing.ts';
import { Packer } from '../protocol/packer.ts';
import { FrameStream } from './frame-stream.ts';
import { isLent, keep } from './lease.ts';
import { OutgoingFrame } from './outgoing-frame.ts';
import { batchOf, STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';

/**
 * Payloads in (object mode; Uint8Array), bytes out: frames each payload. A payload too long to be held is a `FrameStream`.
 *
 * A payload that the framing cannot carry is a `FrameError` with `origin: 'local'`: the payloads before it are written, and the
 * stream ends with the error.
 *
 * @example
 * const encoder = new FrameEncoder(line());
 * encoder.pipe(socket);
 * encoder.write(Buffer.from('NICK ada'));
 */
export class FrameEncoder extends Stage<Buffer> {
  static {
    trust(FrameEncoder.prototype);
  }

  readonly framing: Framing;
  readonly #writer: FrameWriter;
  readonly #packer = new Packer();
  #batch: FrameBatch | undefined;
  #index = 0;
  /** The current frame whose payload comes as a stream. */
  #outgoing: OutgoingFrame | undefined;

  constructor(framing: Framing, options: StageOptions = {}) {
    if (typeof framing?.writer !== 'function')
      throw new TypeError('expected a framing, such as lengthPrefix()');
    checkOptions(new.target.name, options, STAGE_OPTIONS);
    super('frames', 'bytes', options);
    this.framing = framing;
    this.#writer = framing.writer();
  }

  protected override get passes(): string | undefined {
    return this.framing.wire;
  }

  protected override accept(payload: unknown): void {
    if (payload instanceof FrameStream) {
      if (this.framing.inParts !== true) {
        payload.destroy();
        throw notInParts(this.framing, payload.length);
      }
      this.#outgoing = new OutgoingFrame(this.#writer, payload, () => this.proceed());
      this.defer(false);
      return;
    }
    if (!(payload instanceof Uint8Array)) {
      throw new TypeError(`a payload is a Uint8Array, got ${show(payload)}`);
    }
    this.acceptBatch(batchOf(payload));
  }

  protected override acceptBatch(batch: FrameBatch): void {
    if (isLent() && !isTrusted(this.#writer, WRITING)) keep();
    this.#batch = batch;
    this.#index = 0;
    this.defer(!this.#isWire(batch) && this.#fill(batch));
  }

  protected override released(isFree: boolean): void {
    this.#packer.given(isFree);
  }

  protected override produce(): Buffer | undefined {
    const batch = this.#batch;
    if (batch === undefined) return this.#packer.take(this.isPrivate) ?? this.#streamOn();
    if (this.#index === 0 && this.#isWire(batch)) {
      // Earlier bytes go first.
      const written = this.#packer.take(this.isPrivate);
      if (written !== undefined) return written;
      this.#batch = undefined;
      return batch.bytes.subarray(batch.runStart, batch.runEnd);
    }
    this.#fill(batch);
    return this.#packer.take(this.isPrivate);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#outgoing?.stop();
    super._destroy(error, callback);
  }

  /** The next bytes of the frame whose payload comes as a stream. */
  #streamOn(): Buffer | undefined {
    const outgoing = this.#outgoing;
    if (outgoing === undefined) return undefined;
    try {
      const bytes = outgoing.take();
      if (outgoing.isOver) this.#outgoing = undefined;
      else if (bytes === undefined) this.suspend();
      return bytes;
    } catch (error) {
      this.#outgoing = undefined;
      outgoing.stop();
      throw error;
    }
  }

  /** Whether a run of frames may be forwarded byte for byte: the same wire, and no frame that is too long. */
  #isWire({ wire, runStart, runEnd }: FrameBatch): boolean {
    const { framing } = this;
    return wire !== undefined && wire === framing.wire && runEnd - runStart <= framing.maxFrameLength;
  }

  /** Write until the output is full; true if there was room for everything. */
  #fill(batch: FrameBatch): boolean {
    try {
      this.#index = this.#packer.writeFrames(this.#writer, batch, this.#index);
    } catch (error) {
      this.#batch = undefined;
      this.fail(error);
      return false;
    }
    if (this.#index < batch.count) return false;
    this.#batch = undefined;
    return true;
  }
}

function notInParts({ name }: Framing, actual: number): FrameError {
  const message = `${name} cannot write a payload of ${actual} bytes that comes as a stream: lengthPrefix and headed do`;
  return new FrameError('ERR_FRAME_STREAM', message, { origin: 'local', actual });
}
