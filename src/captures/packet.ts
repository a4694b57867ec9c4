import type { CaptureError } from '../errors.ts';

/**
 * One packet of a capture file. A reader fills the same object for every packet: copy what is to be kept.
 */
export interface Packet {
  /** The memory that holds the packet: a view of it is valid until the reader's next `push` or `next`. */
  bytes: Buffer;
  /** The captured bytes are `bytes[start, end)`. */
  start: number;
  end: number;
  /** Bytes that the packet had on the wire: more than were captured, where the snaplen cut it. */
  originalLength: number;
  /** What stands first in the packet, by the number of the registry of link types: 1 is Ethernet. */
  linkType: number;
  /** The interface it was captured on, counted from 0 in its section of the file; always 0 in pcap. */
  interfaceId: number;
  /** When: seconds since 1970-01-01T00:00Z, and nanoseconds of the second (0 to 999,999,999). */
  seconds: number;
  nanoseconds: number;
}

/**
 * Bytes of a capture file in, packets out; pure and synchronous.
 *
 * After each `push`, call `next` until it answers false. Then either `error` is set, and nothing will follow, or more
 * bytes are needed. Nothing is allocated from a length that the file announces: what is held are bytes received.
 *
 * @example
 * const reader = packetReader();
 * reader.push(chunk);
 * while (reader.next()) count(reader.packet.end - reader.packet.start);
 */
export interface PacketReader {
  /** Take in a chunk. It may be used again once `next` has answered false. */
  push(chunk: Uint8Array): void;
  /** Move `packet` to the next one; false where there is none yet, or none will come. */
  next(): boolean;
  /** The file is over: a file that ends inside a record now has its `error`. */
  end(): void;
  readonly packet: Readonly<Packet>;
  readonly error: CaptureError | undefined;
}

/** The longest record that is read, in bytes. The longest that any program writes is a little over 256 KiB. */
export const MAX_RECORD_LENGTH = 16_777_216;

export function emptyPacket(): Packet {
  return {
    bytes: Buffer.alloc(0),
    start: 0,
    end: 0,
    originalLength: 0,
    linkType: 0,
    interfaceId: 0,
    seconds: 0,
    nanoseconds: 0,
  };
}
