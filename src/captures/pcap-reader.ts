import { readUint16, readUint32 } from '../bytes/integers.ts';
import { CaptureError } from '../errors.ts';
import { ByteWindow } from './byte-window.ts';
import { emptyPacket, MAX_RECORD_LENGTH, type Packet, type PacketReader } from './packet.ts';

/**
 * Reads a pcap file, of either byte order, with microseconds or nanoseconds
 * (draft-ietf-opsawg-pcap).
 *
 *     magic 4 · major 2 · minor 2 · reserved 8 · snaplen 4 · link type 4
 *     then for each packet: seconds 4 · fraction 4 · captured length 4 · original length 4 · captured bytes
 */
export class PcapReader implements PacketReader {
  readonly packet: Packet = emptyPacket();
  error: CaptureError | undefined;
  readonly #window = new ByteWindow();
  /** The format that the magic number names; undefined until it has been read. */
  #format: PcapFormat | undefined;
  #linkType = 0;
  #limit = MAX_RECORD_LENGTH;
  #length = 0;

  push(chunk: Uint8Array): void {
    this.#window.push(chunk);
  }

  next(): boolean {
    if (this.error !== undefined) return false;
    if (this.#format === undefined && !this.#readHeader()) return false;
    const window = this.#window;
    const { isLittle, headerLength, nanoseconds } = this.#format!;
    this.#length = headerLength;
    if (!window.has(headerLength)) return false;
    const { bytes, at } = window;
    const captured = readUint32(bytes, at + 8, isLittle);
    if (captured > this.#limit) {
      const text = `packet of ${captured} bytes at byte ${window.offset} of the file: the most is ${this.#limit}`;
      this.error = new CaptureError('ERR_CAPTURE_DAMAGED', text, {
        offset: window.offset,
        limit: this.#limit,
        actual: captured,
      });
      return false;
    }
    const seconds = readUint32(bytes, at, isLittle);
    const fraction = readUint32(bytes, at + 4, isLittle);
    const original = readUint32(bytes, at + 12, isLittle);
    this.#length = headerLength + captured;
    if (!window.has(this.#length)) return false;
    const { packet } = this;
    packet.bytes = window.bytes;
    packet.start = window.at + headerLength;
    packet.end = packet.start + captured;
    packet.originalLength = original > captured ? original : captured;
    packet.linkType = this.#linkType;
    const perSecond = nanoseconds ? 1_000_000_000 : 1_000_000;
    const over = fraction < perSecond ? 0 : Math.floor(fraction / perSecond);
    packet.seconds = seconds + over;
    packet.nanoseconds = (fraction - over * perSecond) * (nanoseconds ? 1 : 1_000);
    window.skip(this.#length);
    return true;
  }

  end(): void {
    if (this.error !== undefined) return;
    if (this.#window.unfinished > 0 || this.#format === undefined) {
      this.error = truncated(this.#window, this.#format === undefined ? 24 : this.#length);
    }
  }

  #readHeader(): boolean {
    const window = this.#window;
    if (!window.has(24)) return false;
    const { bytes, at } = window;
    this.#format = pcapFormat(readUint32(bytes, at));
    if (this.#format === undefined) {
      this.error = notACapture(bytes.subarray(at, at + 4));
      return false;
    }
    const { isLittle } = this.#format;
    const major = readUint16(bytes, at + 4, isLittle);
    if (major !== 2) {
      const text = `pcap version ${major}: only version 2 is known`;
      this.error = new CaptureError('ERR_CAPTURE_VERSION', text, { offset: 4, actual: major, expected: 2 });
      return false;
    }
    const snaplen = readUint32(bytes, at + 16, isLittle);
    // Some programs write a snaplen and exceed it.
    this.#limit = Math.min(MAX_RECORD_LENGTH, Math.max(262_144, snaplen));
    // The upper half gives the length of the frame check sequence, which lies outside the lengths of IP anyway.
    this.#linkType = readUint32(bytes, at + 20, isLittle) & 0xffff;
    window.skip(24);
    return true;
  }
}

interface PcapFormat {
  readonly isLittle: boolean;
  readonly nanoseconds: boolean;
  /** Bytes before each packet. */
  readonly headerLength: number;
}

/** The format named by the first four bytes of a file, read as big-endian; undefined if it is not a pcap file. */
export function pcapFormat(magic: number): PcapFormat | undefined {
  switch (magic) {
    case 0xa1b2c3d4:
      return { isLittle: false, nanoseconds: false, headerLength: 16 };
    case 0xd4c3b2a1:
      return { isLittle: true, nanoseconds: false, headerLength: 16 };
    case 0xa1b23c4d:
      return { isLittle: false, nanoseconds: true, headerLength: 16 };
    case 0x4d3cb2a1:
      return { isLittle: true, nanoseconds: true, headerLength: 16 };
    // From a patched libpcap of the nineties: eight more bytes before each packet.
    case 0xa1b2cd34:
      return { isLittle: false, nanoseconds: false, headerLength: 24 };
    case 0x34cdb2a1:
      return { isLittle: true, nanoseconds: false, headerLength: 24 };
    default:
      return undefined;
  }
}

export function truncated(window: ByteWindow, expected: number): CaptureError {
  const actual = window.unfinished;
  const text = `the file ends inside a record at byte ${window.offset}: ${actual} of at least ${expected} bytes are there`;
  return new CaptureError('ERR_CAPTURE_TRUNCATED', text, { offset: window.offset, expected, actual });
}

export function notACapture(start: Uint8Array): CaptureError {
  const actual = Buffer.from(start).toString('hex');
  const text = `not a capture file: it begins with ${actual === '' ? 'nothing' : actual}, which is neither pcap nor pcapng`;
  return new CaptureError('ERR_CAPTURE_FORMAT', text, { offset: 0, actual });
}
