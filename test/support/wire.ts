import { Duplex } from 'node:stream';
import type { Framing } from '../../src/index.ts';

/** A connection whose other side is the test: it has the written frames, and takes bytes to push. */
export class Wire extends Duplex {
  readonly #framing: Framing;
  readonly #reader;
  /** The payloads that came, in order. */
  readonly frames: Buffer[] = [];
  /** Bytes pushed but not read yet. */
  #unread: Buffer[] = [];
  #wanted = false;
  onFrame: ((payload: Buffer) => void) | undefined;

  constructor(framing: Framing) {
    super({ readableHighWaterMark: 1 });
    this.#framing = framing;
    this.#reader = framing.reader();
  }

  /** Bytes that the client has not read yet. */
  get held(): number {
    return this.#unread.reduce((sum, { length }) => sum + length, this.readableLength);
  }

  /** Send a payload to the client. */
  answer(payload: Uint8Array): void {
    const writer = this.#framing.writer();
    const bytes = Buffer.from(payload);
    const target = Buffer.alloc(writer.bound(bytes.length));
    this.#unread.push(target.subarray(0, writer.write(target, 0, bytes, 0, bytes.length)));
    this.#give();
  }

  override _read(): void {
    this.#wanted = true;
    this.#give();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#reader.push(chunk);
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      this.frames.push(Buffer.from(frame));
      this.onFrame?.(Buffer.from(frame));
    }
    done();
  }

  override _final(done: () => void): void {
    done();
    this.push(null);
  }

  #give(): void {
    while (this.#wanted && this.#unread.length > 0) {
      if (!this.push(this.#unread.shift()!)) this.#wanted = false;
    }
  }
}
