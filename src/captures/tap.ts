import { callback, oneOf } from '../options.ts';
import type { FrameBatch } from '../protocol/framing/framing.ts';
import { FrameStream } from '../streams/frame-stream.ts';
import { keep } from '../streams/lease.ts';
import type { Matter } from '../streams/outlet.ts';
import { Stage, type StageOptions } from '../streams/stage.ts';

/**
 * A stage that shows everything that passes it, and changes nothing. It stands between any two stages, or before the
 * first.
 *
 *     socket → tap → FrameDecoder → tap → MessageDecoder → tap → …
 *
 * Whole batches pass unchanged. `see` is called once for each chunk, frame or message. A chunk or frame is
 * `bytes[start, end)`: no Buffer is allocated per frame. A frame that arrives as a `FrameStream` passes unseen.
 *
 * @example
 * pipeline(socket, new FrameDecoder(line()), new Tap('frames', (bytes, start, end) => total += end - start), decoder, …);
 */
export class Tap extends Stage<unknown, unknown> {
  readonly #see: (item: never, start?: never, end?: never) => void;
  #item: unknown;
  #batch: unknown;
  /** Items of a batch already shown that still have to pass one by one. */
  #seen = 0;

  /** @param matter - the kind of items: `'bytes'`, `'frames'` or `'messages'` */
  constructor(
    matter: 'bytes' | 'frames',
    see: (bytes: Buffer, start: number, end: number) => void,
    options?: StageOptions,
  );
  constructor(matter: 'messages', see: (message: never) => void, options?: StageOptions);
  constructor(matter: Matter, see: (item: never, start: never, end: never) => void, options?: StageOptions) {
    oneOf('bytes', 'frames', 'messages')('Tap: matter', matter);
    callback('Tap: see', see);
    super(matter, matter, options);
    this.#see = see as (item: never, start?: never, end?: never) => void;
  }

  protected override accept(item: unknown): void {
    keep();
    if (this.#seen > 0) this.#seen--;
    else if (this.takes === 'messages') this.#see(item as never);
    else if (!(item instanceof FrameStream)) this.#seeBytes(item as Buffer, 0, (item as Buffer).length);
    this.#item = item;
  }

  protected override acceptBatch(items: unknown): void {
    keep();
    if (this.takes === 'frames') {
      const { bytes, bounds, count } = items as FrameBatch;
      for (let i = 0; i < count; i++) this.#seeBytes(bytes, bounds[2 * i]!, bounds[2 * i + 1]!);
    } else {
      for (const item of items as readonly unknown[]) this.#see(item as never);
    }
    this.#batch = items;
  }

  #seeBytes(bytes: Buffer, start: number, end: number): void {
    this.#see(bytes as never, start as never, end as never);
  }

  /** Single items; also those of a batch, since another consumer may have been added after the batch arrived. */
  protected override produce(): unknown {
    if (this.#batch !== undefined) {
      this.#seen =
        this.takes === 'frames' ? (this.#batch as FrameBatch).count : (this.#batch as unknown[]).length;
      super.acceptBatch(this.#batch);
      this.#batch = undefined;
    }
    const item = this.#item;
    this.#item = undefined;
    return item;
  }

  protected override produceBatch(): unknown {
    const batch = this.#batch;
    this.#batch = undefined;
    return batch ?? super.produceBatch();
  }
}
