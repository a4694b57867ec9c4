import type { CaptureError } from '../errors.ts';
import { aBuffer } from '../options.ts';
import { emptyPacket, type Packet, type PacketReader } from './packet.ts';
import { notACapture, PcapReader, pcapFormat } from './pcap-reader.ts';
import { PcapngReader, SECTION_HEADER } from './pcapng-reader.ts';

/**
 * A packet reader that recognises pcap and pcapng by the first four bytes of the file. Anything else is
 * `ERR_CAPTURE_FORMAT`.
 *
 * @example
 * const reader = packetReader();
 * for await (const chunk of createReadStream('flight.pcapng')) {
 *   reader.push(chunk);
 *   while (reader.next()) { … reader.packet … }
 * }
 * reader.end();
 * if (reader.error) throw reader.error;
 */
export function packetReader(): PacketReader {
  return new AnyPacketReader();
}

/** Waits for the first four bytes, then passes everything to the reader of that format. */
class AnyPacketReader implements PacketReader {
  #reader: PacketReader | undefined;
  #error: CaptureError | undefined;
  #start: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    if (this.#reader !== undefined) {
      this.#reader.push(chunk);
      return;
    }
    if (this.#error !== undefined) return;
    aBuffer('packetReader: chunk', chunk);
    const start = Buffer.concat([this.#start, chunk]);
    this.#start = start;
    if (start.length < 4) return;
    const magic = start.readUInt32BE(0);
    if (pcapFormat(magic) !== undefined) this.#reader = new PcapReader();
    else if (magic === SECTION_HEADER) this.#reader = new PcapngReader();
    else this.#error = notACapture(start.subarray(0, 4));
    this.#start = NO_BYTES;
    this.#reader?.push(start);
  }

  next(): boolean {
    return this.#reader?.next() ?? false;
  }

  end(): void {
    if (this.#reader === undefined) this.#error ??= notACapture(this.#start);
    else this.#reader.end();
  }

  get packet(): Readonly<Packet> {
    return this.#reader?.packet ?? NO_PACKET;
  }

  get error(): CaptureError | undefined {
    return this.#reader === undefined ? this.#error : this.#reader.error;
  }
}

const NO_BYTES = Buffer.alloc(0);
const NO_PACKET: Readonly<Packet> = Object.freeze(emptyPacket());
