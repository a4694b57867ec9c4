import type { FrameError } from '../errors.ts';
import type { FrameBatch, FrameReader, Framing } from '../protocol/framing.ts';
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
  readonly framing: Framing;
  readonly #reader: FrameReader;

  constructor(framing: Framing, options: StageOptions = {}) {
    super(options, { readableObjectMode: true });
    this.framing = framing;
    this.#reader = framing.reader({ onDiscard: (error: FrameError) => this.emit('discard', error) });
  }

  /** Forget the bytes of an unfinished frame. */
  reset(): void {
    this.#reader.reset();
  }

  /** Hand over the bytes received that belong to no frame yet, for a protocol upgrade; then as after `reset`. */
  detach(): Buffer {
    return this.#reader.detach();
  }

  protected override accept(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  protected override acceptEnd(): void {
    this.#reader.end();
  }

  protected override produce(): Buffer | undefined {
    return this.#reader.next() ?? this.#stopped();
  }

  protected override produceBatch(): FrameBatch | undefined {
    return this.#reader.take() ?? this.#stopped();
  }

  #stopped(): undefined {
    if (this.#reader.error !== undefined) this.fail(this.#reader.error);
  }
}
