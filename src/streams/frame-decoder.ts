import { isTrusted, READING, trust } from '../bytes/trust.ts';
import type { FrameError } from '../errors.ts';
import {
  FRAMES_AT_ONCE,
  type FrameBatch,
  type FrameReader,
  type Framing,
} from '../protocol/framing/framing.ts';
import { FrameTimer, type FrameWatch } from './deadlines.ts';
import { isLent, keep } from './lease.ts';
import { Stage, type StageOptions } from './stage.ts';

/**
 * Bytes in, frames out (object mode): carves a stream into the frames of a framing.
 *
 *     …│len│payload│len│pay…  …load│len│…   ──▶   payload   payload   …
 *
 * A frame is a view of the received chunk: copy it to keep it. A violation is a `FrameError`, after the frames
 * before it; an end inside a frame is one too.
 *
 * Events: `'discard'` (FrameError), for each frame that was skipped under `onTooLong: 'discard'`.
 *
 * @example
 * for await (const line of socket.pipe(new FrameDecoder(line()))) console.log(String(line));
 */
export class FrameDecoder extends Stage<Buffer, FrameBatch> {
  static {
    trust(FrameDecoder.prototype);
  }

  readonly framing: Framing;
  readonly #reader: FrameReader;
  /** Made when a deadline first asks for it. */
  #timer: FrameTimer | undefined;
  /** Frames were taken since the timer last looked. */
  #taken = false;

  constructor(framing: Framing, options: StageOptions = {}) {
    if (typeof framing?.reader !== 'function')
      throw new TypeError('expected a framing, such as lengthPrefix()');
    super('bytes', 'frames', options);
    this.framing = framing;
    const stage = this;
    const tell = (error: FrameError): void => void stage.emit('discard', error);
    this.#reader = framing.reader({
      // Without a listener the reader makes no error.
      get onDiscard() {
        return stage.listenerCount('discard') > 0 ? tell : undefined;
      },
    });
  }

  /** Bytes received that belong to no frame taken yet. */
  get buffered(): number {
    return this.#reader.buffered;
  }

  /** Forget the bytes of an unfinished frame. */
  reset(): void {
    this.#reader.reset();
  }

  /**
   * Hand over the bytes received that belong to no frame yet, for a protocol upgrade; then as after `reset`. Chunks that
   * wait in the stage's own queue (`writableLength`), because the consumer holds it back, are not among them.
   */
  detach(): Buffer {
    return this.#reader.detach();
  }

  protected override accept(chunk: Buffer): void {
    if (isLent() && !isTrusted(this.#reader, READING)) keep();
    this.#reader.push(chunk);
  }

  protected override ended(): void {
    this.#reader.end();
    this.watchFrames({ limit: Infinity, late() {} });
  }

  protected override produce(): Buffer | undefined {
    const frame = this.#reader.next();
    if (frame === undefined) return this.#stopped();
    this.#taken = true;
    return frame;
  }

  protected override produceBatch(): FrameBatch | undefined {
    // Frames that go on as they are need not be located.
    const batch = this.#reader.take(this.passesOn(this.framing.wire) ? Infinity : FRAMES_AT_ONCE);
    if (batch === undefined) return this.#stopped();
    this.#taken = true;
    return batch;
  }

  protected override watchFrames(watch: FrameWatch): void {
    this.#timer?.stop();
    this.#timer = watch.limit === Infinity ? undefined : new FrameTimer(watch);
    this.#time();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#timer?.stop();
    super._destroy(error, callback);
  }

  #stopped(): undefined {
    this.#time();
    if (this.#reader.error !== undefined) this.fail(this.#reader.error);
  }

  #time(): void {
    this.#timer?.follow(this.#reader.buffered > 0, this.#taken);
    this.#taken = false;
  }
}
