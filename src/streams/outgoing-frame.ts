import { EMPTY } from '../bytes/buffer.ts';
import { FrameError } from '../errors.ts';
import type { FrameWriter } from '../protocol/framing/framing.ts';
import type { FrameStream } from './frame-stream.ts';

/** A frame whose payload comes as a stream, on its way out. */
export class OutgoingFrame {
  /** True when all of it was taken. */
  isOver = false;
  readonly #writer: FrameWriter;
  readonly #frame: FrameStream;
  readonly #wake: () => void;
  /** The beginning of the payload, until the writer knows enough to begin. */
  #first: Buffer | undefined = EMPTY;
  /** Bytes of the payload that were read. */
  #read = 0;
  #ended = false;
  #error: Error | undefined;

  /** @param wake - called when there may be more to take */
  constructor(writer: FrameWriter, frame: FrameStream, wake: () => void) {
    this.#writer = writer;
    this.#frame = frame;
    this.#wake = wake;
    frame.on('readable', wake).on('end', this.#end).on('error', this.#fail).on('close', this.#close);
    if (frame.errored) this.#error = frame.errored;
    else if (frame.destroyed) this.#close();
  }

  /** The next bytes on the wire, or undefined: wait, or it is over. Throws the error of the payload. */
  take(): Buffer | undefined {
    const { length } = this.#frame;
    for (;;) {
      const chunk: Buffer | null = this.#frame.read();
      this.#read += chunk?.length ?? 0;
      if (this.#read > length) throw this.#wrong('gives more');
      const bytes = this.#begin(chunk ?? EMPTY);
      if (bytes.length > 0) return bytes;
      if (chunk === null) break;
    }
    if (this.#error !== undefined) throw this.#error;
    if (!this.#ended) return undefined;
    if (this.#read < length || this.#first !== undefined) throw this.#wrong(`ended after ${this.#read}`);
    this.#leave();
    this.isOver = true;
    return undefined;
  }

  /** No more of it is wanted. */
  stop(): void {
    this.#leave();
    this.#frame.on('error', () => {}).destroy();
  }

  /** The bytes of the frame that can be written with this part of the payload. */
  #begin(chunk: Buffer): Buffer {
    if (this.#first === undefined) return chunk;
    this.#first = Buffer.concat([this.#first, chunk]);
    const bytes = this.#writer.begin!(this.#first, this.#frame.length);
    if (bytes === undefined) return EMPTY;
    this.#first = undefined;
    return bytes;
  }

  #wrong(what: string): FrameError {
    const { length } = this.#frame;
    const message = `stream of a frame of ${length} bytes ${what}`;
    return new FrameError('ERR_FRAME_LENGTH', message, {
      origin: 'local',
      expected: length,
      actual: this.#read,
    });
  }

  readonly #end = (): void => {
    this.#ended = true;
    this.#wake();
  };

  readonly #fail = (error: Error): void => {
    this.#error = error;
    this.#wake();
  };

  readonly #close = (): void => {
    if (!this.#ended && this.#error === undefined)
      this.#error = this.#wrong(`was closed after ${this.#read}`);
    this.#wake();
  };

  #leave(): void {
    const frame = this.#frame;
    frame
      .off('readable', this.#wake)
      .off('end', this.#end)
      .off('error', this.#fail)
      .off('close', this.#close);
  }
}
