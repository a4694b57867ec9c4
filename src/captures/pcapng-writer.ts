import { anything, callback, checkOptions } from '../options.ts';
import { otherSide } from '../protocol/direction.ts';
import { checkEvent, checkHeader } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, CaptureHeader, Side } from '../protocol/recording/events.ts';
import { plain } from '../protocol/recording/plain.ts';
import { CaptureMessages, type DecodableProtocol } from './decode-capture.ts';

/** The longest payload of a segment: less than the window, so that Wireshark reports no overrun. */
const LONGEST_SEGMENT = 32_768;
const LONGEST_COMMENT = 65_000;
const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;
const NO_BYTES = Buffer.alloc(0);
/** An incomplete UTF-8 character at the end, as decoded. */
const PARTIAL = /\ufffd$/;

export interface PcapngWriterOptions {
  /** Returns the comment for an event's packet: what the bytes mean. */
  comment?: ((event: CaptureEvent) => string | undefined) | undefined;
  /**
   * The protocol, in place of `comment`: the comment of a packet then has, as JSON, the messages whose last byte it
   * carries, and the errors of what could not be decoded.
   */
  protocol?: DecodableProtocol<unknown, unknown> | undefined;
}

/**
 * Writes events as a pcapng file that Wireshark opens. Each connection becomes TCP over raw IP, with handshake,
 * acknowledgements and valid checksums; each chunk becomes a segment. A gap skips sequence numbers, as a lost segment
 * does.
 *
 * @example
 * const writer = new PcapngWriter({ start: '2026-11-25T18:00:00Z' });
 * file.write(writer.start());
 * for (const event of events) file.write(writer.event(event));
 */
export class PcapngWriter {
  readonly #startNanoseconds: bigint;
  readonly #comment: ((event: CaptureEvent) => string | undefined) | undefined;
  readonly #connections = new Map<number, Connection>();
  readonly #by: string;

  constructor(header: CaptureHeader = {}, options: PcapngWriterOptions = {}) {
    checkHeader('PcapngWriter', header);
    checkOptions('PcapngWriter', options, { comment: callback, protocol: anything });
    this.#startNanoseconds = nanosecondsOf(header.start);
    const { comment, protocol } = options;
    this.#comment = comment ?? (protocol && commentsOf(new CaptureMessages(protocol)));
    this.#by = header.by ?? 'wirepipe';
  }

  /** The start of the file: a section, and an interface of raw IP whose timestamps are nanoseconds. */
  start(): Buffer {
    const section = Buffer.alloc(16);
    section.writeUInt32LE(0x1a2b3c4d, 0);
    section.writeUInt16LE(1, 4);
    section.fill(0xff, 8);
    const described = Buffer.alloc(8);
    described.writeUInt16LE(101, 0);
    return Buffer.concat([
      block(
        0x0a0d0d0a,
        Buffer.concat([section, option(4, Buffer.from(this.#by.slice(0, 1_000))), option(0, NO_BYTES)]),
      ),
      block(1, Buffer.concat([described, option(9, Buffer.from([9])), option(0, NO_BYTES)])),
    ]);
  }

  /** The packets of an event; empty for an event that is not on the wire. */
  event(event: CaptureEvent): Buffer {
    checkEvent('PcapngWriter', event);
    const packets: Buffer[] = [];
    let comment = this.#comment?.(event) || undefined;
    const add = (ip: Buffer): void => {
      packets.push(packetBlock(this.#startNanoseconds + BigInt(Math.round(event.time * 1e9)), ip, comment));
      comment = undefined;
    };
    if (event.event === 'datagram') {
      const [source, target] = [parseEndpoint(event.source), parseEndpoint(event.target)];
      if (source !== undefined && target !== undefined && source.address.length === target.address.length) {
        add(udp(source, target, event.bytes));
      }
      return Buffer.concat(packets);
    }
    let connection = this.#connections.get(event.connection);
    if (connection === undefined) {
      connection = new Connection(event.connection, event.event === 'open' ? event : {});
      this.#connections.set(event.connection, connection);
      for (const packet of connection.open()) add(packet);
    }
    switch (event.event) {
      case 'data':
        for (let at = 0; at < event.bytes.length; at += LONGEST_SEGMENT) {
          for (const packet of connection.data(event.from, event.bytes.subarray(at, at + LONGEST_SEGMENT)))
            add(packet);
        }
        break;
      case 'gap':
        connection.skip(event.from, event.length);
        break;
      case 'end':
        for (const packet of connection.end(event.from)) add(packet);
        break;
      case 'reset':
        add(connection.segment(event.from, RST | ACK, NO_BYTES));
        break;
      case 'close':
        this.#connections.delete(event.connection);
        break;
    }
    return Buffer.concat(packets);
  }
}

/** Makes the comments of events, which have to come in order. */
function commentsOf(
  messages: CaptureMessages<unknown, unknown>,
): (event: CaptureEvent) => string | undefined {
  return (event) => {
    const texts = messages.event(event).flatMap((result) => {
      if (result.event === 'message') return [JSON.stringify(plain(result.message))];
      if (result.event === 'fault') return [`${result.error.code}: ${result.error.message}`];
      return [];
    });
    return texts.join('\n');
  };
}

interface End {
  readonly address: Buffer;
  readonly port: number;
  /** The sequence number of the next byte. */
  next: number;
}

class Connection {
  readonly #ends: Readonly<Record<Side, End>>;

  constructor(
    number: number,
    { client, server }: { client?: string | undefined; server?: string | undefined },
  ) {
    let [near, far] = [parseEndpoint(client), parseEndpoint(server)];
    if (near === undefined || far === undefined || near.address.length !== far.address.length) {
      // A Unix socket or a serial line has no IP address: use placeholders.
      near = { address: Buffer.from([10, 0, 0, 1]), port: 1_024 + (number % 60_000) };
      far = { address: Buffer.from([10, 0, 0, 2]), port: 1_023 };
    }
    this.#ends = { client: { ...near, next: 1_000 }, server: { ...far, next: 2_000 } };
  }

  open(): Buffer[] {
    const syn = this.segment('client', SYN, NO_BYTES);
    this.#ends.client.next++;
    const answer = this.segment('server', SYN | ACK, NO_BYTES);
    this.#ends.server.next++;
    return [syn, answer, this.segment('client', ACK, NO_BYTES)];
  }

  data(from: Side, bytes: Buffer): Buffer[] {
    const segment = this.segment(from, PSH | ACK, bytes);
    this.#ends[from].next += bytes.length;
    return [segment, this.segment(otherSide(from), ACK, NO_BYTES)];
  }

  skip(from: Side, length: number): void {
    this.#ends[from].next += length;
  }

  end(from: Side): Buffer[] {
    const segment = this.segment(from, FIN | ACK, NO_BYTES);
    this.#ends[from].next++;
    return [segment, this.segment(otherSide(from), ACK, NO_BYTES)];
  }

  segment(from: Side, flags: number, bytes: Buffer): Buffer {
    const [mine, theirs] = [this.#ends[from], this.#ends[otherSide(from)]];
    const head = Buffer.alloc(20);
    head.writeUInt16BE(mine.port, 0);
    head.writeUInt16BE(theirs.port, 2);
    head.writeUInt32BE(mine.next % 2 ** 32, 4);
    head.writeUInt32BE((flags & ACK) === 0 ? 0 : theirs.next % 2 ** 32, 8);
    head.writeUInt16BE(0x5000 | flags, 12);
    head.writeUInt16BE(65_535, 14);
    const segment = Buffer.concat([head, bytes]);
    segment.writeUInt16BE(checksum(6, mine.address, theirs.address, segment), 16);
    return ip(6, mine.address, theirs.address, segment);
  }
}

interface Address {
  readonly address: Buffer;
  readonly port: number;
}

function udp(source: Address, target: Address, bytes: Buffer): Buffer {
  const payload = bytes.subarray(0, 65_000);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(source.port, 0);
  head.writeUInt16BE(target.port, 2);
  head.writeUInt16BE(8 + payload.length, 4);
  const whole = Buffer.concat([head, payload]);
  // Zero would mean that the datagram has no checksum.
  whole.writeUInt16BE(checksum(17, source.address, target.address, whole) || 0xffff, 6);
  return ip(17, source.address, target.address, whole);
}

function ip(protocol: number, source: Buffer, target: Buffer, payload: Buffer): Buffer {
  if (source.length === 16) {
    const head = Buffer.alloc(8);
    head[0] = 0x60;
    head.writeUInt16BE(payload.length, 4);
    head[6] = protocol;
    head[7] = 64;
    return Buffer.concat([head, source, target, payload]);
  }
  const head = Buffer.alloc(20);
  head[0] = 0x45;
  head.writeUInt16BE(20 + payload.length, 2);
  head.writeUInt16BE(0x4000, 6);
  head[8] = 64;
  head[9] = protocol;
  source.copy(head, 12);
  target.copy(head, 16);
  head.writeUInt16BE(~fold(sum(head, 0)) & 0xffff, 10);
  return Buffer.concat([head, payload]);
}

/** The checksum of TCP and UDP, over the pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1). */
function checksum(protocol: number, source: Buffer, target: Buffer, segment: Buffer): number {
  const start = sum(target, sum(source, protocol + segment.length));
  return ~fold(sum(segment, start)) & 0xffff;
}

/** RFC 1071 */
function sum(bytes: Buffer, start: number): number {
  let total = start;
  for (let at = 0; at + 1 < bytes.length; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return bytes.length % 2 === 0 ? total : total + (bytes.at(-1)! << 8);
}

function fold(total: number): number {
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 65_536);
  return total;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`; undefined for anything else. */
function parseEndpoint(text: string | undefined): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+)):(\d{1,5})$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, six, four, port] = match;
  const address = four === undefined ? ipv6Bytes(six!) : ipv4Bytes(four);
  return address === undefined || Number(port) > 65_535 ? undefined : { address, port: Number(port) };
}

function ipv4Bytes(text: string): Buffer | undefined {
  const parts = text.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => part <= 255) ? Buffer.from(parts) : undefined;
}

function ipv6Bytes(text: string): Buffer | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted === null ? NO_BYTES : ipv4Bytes(dotted[2]!);
  if (tail === undefined) return undefined;
  const rest = dotted === null ? text : dotted[1]!.replace(/([^:]):$/, '$1');
  const [left = '', right] = rest.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [head, behind] = [groups(left), groups(right ?? '')];
  const missing = 8 - tail.length / 2 - head.length - behind.length;
  if (missing < 0 || (missing > 0 && right === undefined)) return undefined;
  const all = [...head, ...new Array<number>(missing).fill(0), ...behind];
  const bytes = Buffer.alloc(2 * all.length);
  all.forEach((group, index) => {
    bytes.writeUInt16BE(group & 0xffff, 2 * index);
  });
  return Buffer.concat([bytes, tail]);
}

function packetBlock(nanoseconds: bigint, packet: Buffer, comment: string | undefined): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(Number((nanoseconds >> 32n) & 0xffff_ffffn), 4);
  head.writeUInt32LE(Number(nanoseconds & 0xffff_ffffn), 8);
  head.writeUInt32LE(packet.length, 12);
  head.writeUInt32LE(packet.length, 16);
  const padding = Buffer.alloc(-packet.length & 3);
  if (comment === undefined) return block(6, Buffer.concat([head, packet, padding]));
  let text = Buffer.from(comment);
  // Cut between characters, not inside one.
  if (text.length > LONGEST_COMMENT)
    text = Buffer.from(text.toString('utf8', 0, LONGEST_COMMENT).replace(PARTIAL, ''));
  return block(6, Buffer.concat([head, packet, padding, option(1, text), option(0, NO_BYTES)]));
}

function block(type: number, body: Buffer): Buffer {
  const padding = -body.length & 3;
  const bytes = Buffer.alloc(12 + body.length + padding);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  body.copy(bytes, 8);
  bytes.writeUInt32LE(bytes.length, bytes.length - 4);
  return bytes;
}

function option(code: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + value.length + (-value.length & 3));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** Nanoseconds since 1970; all digits of the fraction count, more than a Date keeps. */
function nanosecondsOf(start: string | undefined): bigint {
  if (start === undefined) return 0n;
  const milliseconds = Date.parse(start);
  if (!Number.isFinite(milliseconds)) return 0n;
  const digits = (/\.(\d+)/.exec(start)?.[1] ?? '').padEnd(9, '0').slice(0, 9);
  return BigInt(Math.floor(milliseconds / 1_000)) * 1_000_000_000n + BigInt(digits);
}
