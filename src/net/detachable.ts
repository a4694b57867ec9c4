import { Duplex } from 'node:stream';

/** The same bytes as another stream, which can be removed from a pipeline and used further. */
export class Detachable extends Duplex {
  readonly #stream: Duplex;
  #isDetached = false;
  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#stream.pause();
  };
  readonly #onEnd = (): void => {
    this.push(null);
  };
  readonly #onError = (error: Error): void => {
    this.destroy(error);
  };
  readonly #onClose = (): void => {
    this.destroy();
  };

  constructor(stream: Duplex) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#stream = stream;
    stream.on('data', this.#onData).on('end', this.#onEnd);
    stream.on('error', this.#onError).on('close', this.#onClose);
    stream.pause();
  }

  override _read(): void {
    if (!this.#isDetached) this.#stream.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#stream.write(chunk, encoding, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#stream.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isDetached) this.#stream.destroy(error ?? undefined);
    callback(error);
  }

  /** Stop reading. */
  halt(): void {
    this.#isDetached = true;
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).pause();
  }

  /** Let go of the stream: the caller owns it from now on. Returns the bytes that were read and not taken. */
  detach(): Buffer {
    this.halt();
    this.#stream.off('error', this.#onError).off('close', this.#onClose);
    return (this.read() as Buffer | null) ?? Buffer.alloc(0);
  }
}
