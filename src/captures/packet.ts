import type { CaptureError } from '../errors.ts';

/** One packet of a capture file. A reader fills the same object for every packet: copy what you keep. */
export interface Packet {
  /** The memory that holds the packet: a view of it is valid until the reader's next `push` or `next`. */
  bytes: Buffer;
  /** The captured bytes are `bytes[start, end)`. */
  start: number;
  end: number;
  /** The packet's length on the wire: more than was captured, if the snaplen cut it. */
  originalLength: number;
  /** The type of the packet's first header, a registered link type: 1 is Ethernet. */
  linkType: number;
  /** The interface that captured the packet, counted from 0 in its section of the file; always 0 in pcap. */
  interfaceId: number;
  /** The capture time: seconds since 1970-01-01T00:00Z, and nanoseconds of the second (0 to 999,999,999). */
  seconds: number;
  nanoseconds: number;
}

/**
 * Turns the bytes of a capture file into packets; pure and synchronous.
 *
 * After each `push`, call `next` until it returns false. Then either `error` is set and no packet follows, or more
 * bytes are needed. A length that the file announces allocates nothing: only received bytes are held.
 *
 * @example
 * const reader = packetReader();
 * reader.push(chunk);
 * while (reader.next()) count(reader.packet.end - reader.packet.start);
 */
export interface PacketReader {
  /** Take in a chunk. Its memory may be reused once `next` has returned false. */
  push(chunk: Uint8Array): void;
  /** Move `packet` to the next packet. Returns false if there is none yet, or none will come. */
  next(): boolean;
  /** The file is over: a file that ends inside a record now has its `error`. */
  end(): void;
  readonly packet: Readonly<Packet>;
  readonly error: CaptureError | undefined;
}

/** The longest record accepted, in bytes. Programs write records of at most a little over 256 KiB. */
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
