import { Transform, type TransformCallback, type Writable } from 'node:stream';
import { eventLine, headerLine } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, CaptureHeader } from '../protocol/recording/events.ts';
import { EventFile } from './event-file.ts';

/** Takes events (object mode) and gives the lines of a capture file, the header first. */
export class CaptureEncoder extends Transform {
  constructor(header: CaptureHeader = {}) {
    super({ writableObjectMode: true });
    this.push(headerLine(header));
  }

  override _transform(event: CaptureEvent, _: BufferEncoding, callback: TransformCallback): void {
    try {
      callback(null, eventLine(event));
    } catch (error) {
      callback(error as Error);
    }
  }
}

/**
 * A stream that writes events into a file, compressed with gzip if its name ends in `.gz`. 'finish' comes once every
 * byte is in the file.
 *
 * @example
 * await pipeline(readCapture('flight.pcapng'), writeCapture('flight.ndjson.gz', { protocol: 'drone' }));
 */
export function writeCapture(path: string, header: CaptureHeader = {}): Writable {
  const start = headerLine(header);
  return new EventFile(path, { start: () => start, event: eventLine });
}
