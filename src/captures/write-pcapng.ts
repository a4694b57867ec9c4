import type { Writable } from 'node:stream';
import type { CaptureHeader } from '../protocol/recording/events.ts';
import { EventFile } from './event-file.ts';
import { PcapngWriter, type PcapngWriterOptions } from './pcapng-writer.ts';

/**
 * A stream that writes events into a pcapng file, as `PcapngWriter` does. With a protocol, each packet has its messages
 * as a comment that Wireshark shows.
 *
 * @example
 * await pipeline(readCapture('flight.ndjson'), writePcapng('flight.pcapng', {}, { protocol: drone }));
 */
export function writePcapng(
  path: string,
  header: CaptureHeader = {},
  options?: PcapngWriterOptions,
): Writable {
  return new EventFile(path, new PcapngWriter(header, options));
}
