import { createWriteStream } from 'node:fs';
import { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { aText } from '../options.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';

/** Turns events into the bytes of a file. */
export interface EventWriter {
  /** The first bytes of the file. */
  start(): string | Buffer;
  event(event: CaptureEvent): string | Buffer;
}

/**
 * Takes events (object mode) and writes a file, compressed with gzip if its name ends in `.gz`. 'finish' comes once
 * every byte is in the file.
 */
export class EventFile extends Writable {
  readonly #writer: EventWriter;
  readonly #file: Writable;
  readonly #out: Writable;

  constructor(path: string, writer: EventWriter) {
    super({ objectMode: true });
    aText('path', path);
    this.#writer = writer;
    this.#file = createWriteStream(path);
    this.#out = this.#file;
    const fail = (error: Error): void => {
      this.destroy(error);
    };
    this.#file.on('error', fail);
    if (path.endsWith('.gz')) {
      const gzip = createGzip();
      gzip.on('error', fail).pipe(this.#file);
      this.#out = gzip;
    }
    this.#out.write(writer.start());
  }

  override _write(event: CaptureEvent, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    let bytes: string | Buffer;
    try {
      bytes = this.#writer.event(event);
    } catch (error) {
      callback(error as Error);
      return;
    }
    if (bytes.length === 0 || this.#out.write(bytes)) callback();
    else this.#out.once('drain', callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#file.once('close', () => callback());
    this.#out.end();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#out.destroy();
    this.#file.destroy();
    callback(error);
  }
}
