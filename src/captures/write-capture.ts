import { createWriteStream } from 'node:fs';
import { Transform, type TransformCallback, Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { eventLine, headerLine } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, CaptureHeader } from '../protocol/recording/events.ts';

/** Events in (object mode), lines of a capture file out; the header comes first. */
export class CaptureEncoder extends Transform {
  constructor(header: CaptureHeader = {}) {
    super({ writableObjectMode: true });
    this.push(headerLine(header));
  }

  override _transform(event: CaptureEvent, _: BufferEncoding, callback: TransformCallback): void {
    callback(null, eventLine(event));
  }
}

/**
 * A stream that writes events into a file, packed by gzip where its name ends in `.gz`. It has finished when all is in the file.
 *
 * @example
 * await pipeline(readCapture('flight.pcapng'), writeCapture('flight.ndjson.gz', { protocol: 'drone' }));
 */
export function writeCapture(path: string, header?: CaptureHeader): Writable {
  return new CaptureFile(path, header);
}

class CaptureFile extends Writable {
  readonly #file: Writable;
  readonly #out: Writable;

  constructor(path: string, header: CaptureHeader = {}) {
    super({ objectMode: true });
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
    this.#out.write(headerLine(header));
  }

  override _write(event: CaptureEvent, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#out.write(eventLine(event))) callback();
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
