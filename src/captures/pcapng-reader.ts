import { readUint16, readUint32 } from '../bytes/integers.ts';
import { CaptureError } from '../errors.ts';
import { ByteWindow } from './byte-window.ts';
import { emptyPacket, MAX_RECORD_LENGTH, type Packet, type PacketReader } from './packet.ts';
import { notACapture, truncated } from './pcap-reader.ts';

export const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** The most interfaces of a section: as many as the older packet block can number. */
const MOST_INTERFACES = 65_536;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/**
 * Reads a pcapng file (draft-ietf-opsawg-pcapng): any number of sections, each in either byte order, and interfaces
 * with their own link types and clocks. Blocks and options that do not describe packets are skipped.
 *
 *     block type 4 · total length 4 · body, padded to four bytes · total length 4
 */
export class PcapngReader implements PacketReader {
  readonly packet: Packet = emptyPacket();
  error: CaptureError | undefined;
  readonly #window = new ByteWindow();
  #isLittle = true;
  #inSection = false;
  #interfaces: Interface[] = [];
  #length = 12;

  push(chunk: Uint8Array): void {
    this.#window.push(chunk);
  }

  next(): boolean {
    while (this.error === undefined) {
      const window = this.#window;
      this.#length = 12;
      // Type, length and, in a section header, the byte order of both.
      if (!window.has(12)) return false;
      const { bytes, at } = window;
      const isSection = readUint32(bytes, at) === SECTION_HEADER;
      if (isSection) {
        if (!this.#readOrder(bytes, at + 8)) return false;
      } else if (!this.#inSection) {
        this.error = notACapture(bytes.subarray(at, at + 4));
        return false;
      }
      const type = this.#u32(bytes, at);
      const length = this.#u32(bytes, at + 4);
      if (length < 12 || length % 4 !== 0) {
        this.#damaged(`block of ${length} bytes: expected a multiple of 4, at least 12`, length);
        return false;
      }
      this.#length = length;
      if (!isRead(type)) {
        window.skip(length);
        continue;
      }
      if (length > MAX_RECORD_LENGTH) {
        this.#damaged(`block of ${length} bytes: the most is ${MAX_RECORD_LENGTH}`, length);
        return false;
      }
      if (!window.has(length)) return false;
      const trailer = this.#u32(window.bytes, window.at + length - 4);
      if (trailer !== length) {
        this.#damaged(`block of ${length} bytes whose end says ${trailer}`, trailer);
        return false;
      }
      const isPacket = this.#readBlock(type, window.bytes, window.at + 8, window.at + length - 4);
      if (this.error !== undefined) return false;
      window.skip(length);
      if (isPacket) return true;
    }
    return false;
  }

  end(): void {
    if (this.error !== undefined) return;
    const { unfinished, missing, skipped } = this.#window;
    if (unfinished > 0 || !this.#inSection) {
      this.error = truncated(this.#window, this.#inSection ? this.#length : 28);
    } else if (missing > 0) {
      const actual = skipped - missing;
      const offset = this.#window.offset - skipped;
      const text = `the file ends inside a block at byte ${offset}: ${actual} of ${skipped} bytes are there`;
      this.error = new CaptureError('ERR_CAPTURE_TRUNCATED', text, { offset, expected: skipped, actual });
    }
  }

  /** Read the block with the body `bytes[at, end)`. Returns true if it is a packet. */
  #readBlock(type: number, bytes: Buffer, at: number, end: number): boolean {
    switch (type) {
      case SECTION_HEADER:
        return this.#readSection(bytes, at, end);
      case INTERFACE:
        return this.#readInterface(bytes, at, end);
      case ENHANCED_PACKET: {
        // interface 4 · time 8 · captured length 4 · original length 4 · captured bytes · padding · options
        if (end - at < 20) return this.#damaged(`packet block with a body of ${end - at} bytes`, end - at);
        const of = this.#u32(bytes, at);
        return this.#readPacket(of, bytes, at + 4, at + 20, end);
      }
      case OLD_PACKET: {
        // interface 2 · drops 2 · the rest as above
        if (end - at < 20) return this.#damaged(`packet block with a body of ${end - at} bytes`, end - at);
        const of = readUint16(bytes, at, this.#isLittle);
        return this.#readPacket(of, bytes, at + 4, at + 20, end);
      }
      default: {
        // original length 4 · captured bytes; it has no time and always belongs to the first interface
        const [first] = this.#interfaces;
        if (end - at < 4 || first === undefined) {
          return this.#damaged('simple packet block without its interface or its length', end - at);
        }
        const original = this.#u32(bytes, at);
        const snaplen = first.snaplen === 0 ? original : Math.min(original, first.snaplen);
        const { packet } = this;
        packet.bytes = bytes;
        packet.start = at + 4;
        packet.end = at + 4 + Math.min(snaplen, end - at - 4);
        packet.originalLength = original;
        packet.linkType = first.linkType;
        packet.interfaceId = 0;
        packet.seconds = 0;
        packet.nanoseconds = 0;
        return true;
      }
    }
  }

  #readPacket(of: number, bytes: Buffer, timeAt: number, dataAt: number, end: number): boolean {
    const from = this.#interfaces[of];
    if (from === undefined) {
      return this.#damaged(`packet of interface ${of}: ${this.#interfaces.length} are described`, of);
    }
    const captured = this.#u32(bytes, timeAt + 8);
    if (captured > end - dataAt) {
      return this.#damaged(`packet of ${captured} bytes in a block with room for ${end - dataAt}`, captured);
    }
    const { packet } = this;
    packet.bytes = bytes;
    packet.start = dataAt;
    packet.end = dataAt + captured;
    packet.originalLength = Math.max(captured, this.#u32(bytes, timeAt + 12));
    packet.linkType = from.linkType;
    packet.interfaceId = of;
    from.clock(this.#u32(bytes, timeAt), this.#u32(bytes, timeAt + 4), packet);
    return true;
  }

  /** byte order 4 · major 2 · minor 2 · section length 8 · options */
  #readSection(bytes: Buffer, at: number, end: number): boolean {
    if (end - at < 16) return this.#damaged(`section header with a body of ${end - at} bytes`, end - at);
    const major = readUint16(bytes, at + 4, this.#isLittle);
    if (major !== 1) {
      const text = `pcapng version ${major}: only version 1 is known`;
      const { offset } = this.#window;
      this.error = new CaptureError('ERR_CAPTURE_VERSION', text, { offset, actual: major, expected: 1 });
      return false;
    }
    this.#interfaces = [];
    this.#inSection = true;
    return false;
  }

  /** link type 2 · reserved 2 · snaplen 4 · options */
  #readInterface(bytes: Buffer, at: number, end: number): boolean {
    if (end - at < 8) return this.#damaged(`interface block with a body of ${end - at} bytes`, end - at);
    const linkType = readUint16(bytes, at, this.#isLittle);
    const snaplen = this.#u32(bytes, at + 4);
    let resolution = 6;
    let shift = 0n;
    // code 2 · length 2 · value, padded to four bytes; code 0 ends the list
    for (let option = at + 8; option + 4 <= end; ) {
      const code = readUint16(bytes, option, this.#isLittle);
      const length = readUint16(bytes, option + 2, this.#isLittle);
      const value = option + 4;
      if (code === 0 || value + length > end) break;
      if (code === 9 && length >= 1) resolution = bytes[value]!;
      if (code === 14 && length >= 8) {
        shift = this.#isLittle ? bytes.readBigInt64LE(value) : bytes.readBigInt64BE(value);
      }
      option = value + ((length + 3) & ~3);
    }
    if (this.#interfaces.length === MOST_INTERFACES) {
      return this.#damaged(`more than ${MOST_INTERFACES} interfaces in a section`, MOST_INTERFACES + 1);
    }
    this.#interfaces.push({ linkType, snaplen, clock: clock(resolution, shift) });
    return false;
  }

  #readOrder(bytes: Buffer, at: number): boolean {
    if (readUint32(bytes, at, true) === BYTE_ORDER_MAGIC) this.#isLittle = true;
    else if (readUint32(bytes, at) === BYTE_ORDER_MAGIC) this.#isLittle = false;
    else this.#damaged(`section header with the byte order ${bytes.toString('hex', at, at + 4)}`, 0);
    return this.error === undefined;
  }

  #u32(bytes: Buffer, at: number): number {
    return readUint32(bytes, at, this.#isLittle);
  }

  #damaged(what: string, actual: number): false {
    const { offset } = this.#window;
    const text = `${what}, at byte ${offset} of the file`;
    this.error = new CaptureError('ERR_CAPTURE_DAMAGED', text, { offset, actual });
    return false;
  }
}

interface Interface {
  readonly linkType: number;
  readonly snaplen: number;
  /** Set the packet's time from the two halves of its timestamp. */
  readonly clock: Clock;
}

type Clock = (high: number, low: number, packet: Packet) => void;

function isRead(type: number): boolean {
  return (
    type === ENHANCED_PACKET ||
    type === SIMPLE_PACKET ||
    type === OLD_PACKET ||
    type === INTERFACE ||
    type === SECTION_HEADER
  );
}

/**
 * The clock of an interface.
 *
 * @param resolution - `if_tsresol`: units of 10⁻ⁿ seconds, or of 2⁻ⁿ seconds if the highest bit is set
 * @param shift - `if_tsoffset`: seconds to add
 */
function clock(resolution: number, shift: bigint): Clock {
  const isBinary = (resolution & 0x80) !== 0;
  const exponent = resolution & 0x7f;
  if (!isBinary && exponent <= 6 && shift === 0n) {
    const perSecond = 10 ** exponent;
    const nanoseconds = 10 ** (9 - exponent);
    return (high, low, packet) => {
      const units = high * 4_294_967_296 + low;
      const seconds = Math.floor(units / perSecond);
      packet.seconds = seconds;
      packet.nanoseconds = (units - seconds * perSecond) * nanoseconds;
    };
  }
  const perSecond = (isBinary ? 2n : 10n) ** BigInt(exponent);
  return (high, low, packet) => {
    const units = (BigInt(high) << 32n) | BigInt(low);
    packet.seconds = Number(units / perSecond + shift);
    packet.nanoseconds = Number(((units % perSecond) * 1_000_000_000n) / perSecond);
  };
}
