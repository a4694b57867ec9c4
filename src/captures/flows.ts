import { readInt32 } from '../bytes/integers.ts';
import { aBuffer, aText, callback, checkMembers, checkOptions, limit, natural } from '../options.ts';
import { Fragments, type Datagram as IpDatagram } from './fragments.ts';
import { History } from './history.ts';
import { IpPacket } from './ip-packet.ts';
import type { Packet } from './packet.ts';
import { requireSink, type SharedLimits, type TcpSink, TcpStream } from './tcp-stream.ts';

/** One end of a connection. */
export interface Endpoint {
  /** `'10.0.0.1'`, or an IPv6 address in the form of RFC 5952, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** One direction of a TCP connection. */
export interface Direction {
  /** The connection's number, from 0, in the order of first packets. */
  readonly connection: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The other direction. */
  readonly peer: Direction;
  /** True if this side opened the connection: it sent the SYN or, if the capture has no SYN, it has the higher port. */
  readonly isClient: boolean;
  /** The number of this direction's first packet in the capture, from 1; 0 before that packet. */
  readonly firstPacket: number;
  /** The times of this direction's first and last packet; undefined before the first. */
  readonly first: Time | undefined;
  readonly last: Time | undefined;
  /** Bytes delivered, without gaps. */
  readonly present: number;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly conflicts: number;
}

export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The payload of a UDP packet. */
export interface UdpDatagram {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The captured part of the payload is `bytes[start, end)`: a view, valid during the call. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The payload's length on the wire. */
  readonly length: number;
}

export interface FlowsHandler {
  /**
   * Called for each direction of a TCP connection at the connection's first packet. Returns the sink for that
   * direction's bytes.
   */
  stream(direction: Direction): TcpSink;
  datagram?(datagram: UdpDatagram): void;
}

export interface FlowsOptions {
  /**
   * After the peer has acknowledged a missing segment, the number of further packets of that connection to wait before
   * the segment counts as a gap. Default Infinity: the segment may come until `maxHeld` is reached. A small number
   * keeps the two sides in order after a loss.
   */
  patience?: number | undefined;
  /** The most bytes that one direction holds while a segment is missing. Default 4 MiB. */
  maxHeld?: number | undefined;
  /**
   * Bytes kept of all streams together, the latest ones, to detect a retransmission with other content. Default 4 MiB.
   */
  history?: number | undefined;
  /**
   * The most connections followed at once; beyond, the connection that has been silent the longest is closed. Default
   * 262,144.
   */
  maxConnections?: number | undefined;
}

/** @throws TypeError or RangeError for options that `Flows` does not have, or that are no limits */
export function checkFlowsOptions(where: string, options: FlowsOptions): void {
  checkOptions(where, options, {
    patience: limit(0),
    maxHeld: limit(0),
    history: natural,
    maxConnections: limit(1),
  });
}

function checkPacket(packet: Readonly<Packet>): void {
  checkMembers('Flows', 'a packet', packet, {
    ...{ bytes: aBuffer, start: natural, end: natural, originalLength: natural },
    ...{ linkType: natural, seconds: natural, nanoseconds: natural },
  });
}

/** Finished connections that are kept for their last acknowledgements and retransmissions. */
const MOST_OVER = 4_096;
/** The most bytes that all streams together hold while segments are missing. */
const HELD_BY_ALL = 67_108_864;
/** On a finished connection, a segment whose sequence number is this far off belongs to another connection. */
const FAR = 16_777_216;

const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;

/**
 * Turns packets into TCP streams and UDP payloads; pure and synchronous, in constant memory.
 *
 * @example
 * const flows = new Flows({ stream: ({ from, to }) => ({ data: (bytes, start, end) => … }) });
 * while (reader.next()) flows.packet(reader.packet);
 * flows.finish();
 */
export class Flows {
  /** The time of the latest packet. */
  seconds = 0;
  nanoseconds = 0;
  readonly #handler: FlowsHandler;
  readonly #shared: SharedLimits;
  readonly #maxConnections: number;
  readonly #ip = new IpPacket();
  readonly #fragments = new Fragments();
  /** Directions by a hash of their addresses and ports; directions with the same hash are chained by `next`. */
  readonly #table = new Map<number, Flow>();
  readonly #connections = new Set<Flow>();
  /** The leading direction of each finished connection, the oldest first. */
  readonly #over = new Set<Flow>();
  #packets = 0;
  #count = 0;

  constructor(handler: FlowsHandler, options: FlowsOptions = {}) {
    checkMembers('Flows', 'a handler', handler, { stream: callback }, { datagram: callback });
    checkFlowsOptions('Flows', options);
    this.#handler = handler;
    this.#maxConnections = options.maxConnections ?? 262_144;
    this.#shared = {
      maxHeld: options.maxHeld ?? 4_194_304,
      patience: options.patience ?? Number.POSITIVE_INFINITY,
      heldLeft: HELD_BY_ALL,
      history: new History(options.history ?? 4_194_304),
    };
  }

  /** Take in a packet. Returns false, and ignores the packet, if it is neither TCP nor UDP over IP. */
  packet(packet: Readonly<Packet>): boolean {
    try {
      return this.#take(packet);
    } catch (error) {
      // Only then: a check of each packet would cost time.
      checkPacket(packet);
      throw error;
    }
  }

  #take(packet: Readonly<Packet>): boolean {
    const ip = this.#ip;
    this.#packets++;
    if (!ip.read(packet)) return false;
    this.seconds = packet.seconds;
    this.nanoseconds = packet.nanoseconds;
    if (ip.isFragment) {
      for (const datagram of this.#fragments.add(ip)) this.#joined(datagram);
      return true;
    }
    const { version, bytes, sourceAt, payloadAt, payloadEnd, payloadLength } = ip;
    if (ip.protocol === 6) {
      return this.#tcp(version, bytes, sourceAt, payloadAt, payloadEnd, payloadLength) !== undefined;
    }
    if (ip.protocol === 17) {
      return this.#udp(version, bytes, sourceAt, payloadAt, payloadEnd, payloadLength);
    }
    return false;
  }

  /** The capture is over: deliver what is held, and report every gap. */
  finish(): void {
    for (const datagram of this.#fragments.finish()) this.#joined(datagram);
    for (const flow of this.#connections) this.#close(flow);
  }

  /** A datagram reassembled from fragments. A missing fragment is treated as bytes that the snaplen cut off. */
  #joined({ version, addresses, protocol, length, parts }: IpDatagram): void {
    const first = parts[0];
    if (first === undefined || first.at !== 0) return;
    // Runs of adjacent fragments; the first run has the transport header.
    const runs: { at: number; pieces: Buffer[]; end: number }[] = [];
    for (const { at, bytes } of parts) {
      const run = runs.at(-1);
      if (run !== undefined && run.end === at) {
        run.pieces.push(bytes);
        run.end += bytes.length;
      } else {
        runs.push({ at, pieces: [bytes], end: at + bytes.length });
      }
    }
    const head = Buffer.concat([addresses, ...runs[0]!.pieces]);
    const at = addresses.length;
    if (protocol === 17) {
      this.#udp(version, head, 0, at, head.length, length);
      return;
    }
    if (protocol !== 6) return;
    const flow = this.#tcp(version, head, 0, at, head.length, length);
    if (flow === undefined) return;
    const headerLength = (head[at + 12]! >> 4) * 4;
    const number = readInt32(head, at + 4) + ((head[at + 13]! & SYN) === 0 ? 0 : 1);
    for (const run of runs.slice(1)) {
      const bytes = Buffer.concat(run.pieces);
      flow.stream.receive(number + run.at - headerLength, bytes, 0, bytes.length, bytes.length);
    }
  }

  #udp(version: 4 | 6, bytes: Buffer, addresses: number, at: number, end: number, length: number): boolean {
    // source port 2 · target port 2 · length 2 · checksum 2
    if (end - at < 8) return false;
    if (this.#handler.datagram === undefined) return true;
    const told = bytes.readUInt16BE(at + 4);
    const payload = (told >= 8 ? Math.min(told, length) : length) - 8;
    this.#handler.datagram({
      from: { address: addressText(version, bytes, addresses), port: bytes.readUInt16BE(at) },
      to: {
        address: addressText(version, bytes, addresses + widthOf(version)),
        port: bytes.readUInt16BE(at + 2),
      },
      bytes,
      start: at + 8,
      end: at + 8 + Math.min(payload, end - at - 8),
      length: payload,
    });
    return true;
  }

  /** A segment (RFC 9293, section 3.1). Returns its direction; undefined if the header is cut off or contradicts itself. */
  #tcp(
    version: 4 | 6,
    bytes: Buffer,
    addresses: number,
    at: number,
    end: number,
    length: number,
  ): Flow | undefined {
    // ports 4 · sequence number 4 · acknowledgement 4 · header length, 4 bits · flags · the rest
    if (end - at < 14) return undefined;
    const headerLength = (bytes[at + 12]! >> 4) * 4;
    if (headerLength < 20 || headerLength > length) return undefined;
    const flags = bytes[at + 13]!;
    let number = readInt32(bytes, at + 4);
    const start = Math.min(end, at + headerLength);
    const payload = length - headerLength;
    const flow = this.#find(version, bytes, addresses, readInt32(bytes, at), flags, number, payload);
    flow.lastSeconds = this.seconds;
    flow.lastNanoseconds = this.nanoseconds;
    if (flow.firstPacket === 0) {
      flow.firstPacket = this.#packets;
      flow.firstSeconds = this.seconds;
      flow.firstNanoseconds = this.nanoseconds;
    }
    flow.isRecent = true;
    const { stream, peer } = flow;
    const isPlain = (flags & (SYN | FIN | RST)) === 0;
    if (!isPlain) {
      if ((flags & SYN) !== 0) {
        number++;
        stream.syn = true;
        stream.startAt(number);
      }
      if ((flags & RST) !== 0) {
        // The payload of a reset is not data (RFC 9293, section 3.5.3), and its sequence number may be anything.
        if ((flags & ACK) !== 0) peer.stream.acknowledge(readInt32(bytes, at + 8), stream.syn);
        stream.receiveReset();
        this.#isOver(flow);
        return flow;
      }
    }
    if ((flags & ACK) !== 0) {
      const acknowledged = readInt32(bytes, at + 8);
      // A SYN with ACK acknowledges the peer's SYN.
      if ((flags & SYN) !== 0) peer.stream.startAt(acknowledged);
      peer.stream.acknowledge(acknowledged, stream.syn);
    }
    stream.receive(number, bytes, start, end, payload, (flags & PSH) !== 0);
    if ((flags & FIN) !== 0) {
      stream.receiveFin((number + payload) | 0);
      if (peer.stream.fin) this.#isOver(flow);
    }
    if (this.#shared.patience !== Number.POSITIVE_INFINITY) {
      stream.wait();
      peer.stream.wait();
    }
    return flow;
  }

  /** The direction that a segment belongs to: a known one, or one of a new connection. */
  #find(
    version: 4 | 6,
    bytes: Buffer,
    addresses: number,
    ports: number,
    flags: number,
    number: number,
    payload: number,
  ): Flow {
    let flow = this.#table.get(hash(version, bytes, addresses, ports));
    while (flow !== undefined && !flow.is(version, bytes, addresses, ports)) flow = flow.next;
    if (flow !== undefined && isOfAnother(flow, flags, number, payload)) {
      this.#close(flow);
      flow = undefined;
    }
    return flow ?? this.#open(version, bytes, addresses, ports, flags);
  }

  #sinkOf(flow: Flow): TcpSink {
    const sink = this.#handler.stream(flow);
    requireSink('Flows: stream()', sink);
    return sink;
  }

  #open(version: 4 | 6, bytes: Buffer, addresses: number, ports: number, flags: number): Flow {
    const connection = this.#count++;
    const width = widthOf(version);
    const there = Buffer.from(bytes.subarray(addresses, addresses + 2 * width));
    const back = Buffer.concat([there.subarray(width), there.subarray(0, width)]);
    const flow = new Flow(connection, version, there, ports);
    const peer = new Flow(connection, version, back, (ports << 16) | (ports >>> 16));
    flow.peer = peer;
    peer.peer = flow;
    // If the SYN was not captured, the side with the lower port counts as the server.
    if ((flags & SYN) !== 0) flow.isClient = (flags & ACK) === 0;
    else flow.isClient = ports >>> 16 >= (ports & 0xffff);
    peer.isClient = !flow.isClient;
    flow.stream = new TcpStream(this.#sinkOf(flow), this.#shared);
    peer.stream = new TcpStream(this.#sinkOf(peer), this.#shared);
    this.#connections.add(flow);
    flow.leader = peer.leader = flow;
    for (const one of [flow, peer]) {
      one.next = this.#table.get(one.hash);
      this.#table.set(one.hash, one);
    }
    if (this.#connections.size > this.#maxConnections) this.#closeSilent();
    return flow;
  }

  #close(flow: Flow): void {
    const { leader } = flow;
    this.#connections.delete(leader);
    this.#over.delete(leader);
    for (const one of [leader, leader.peer]) {
      const head = this.#table.get(one.hash)!;
      if (head === one) {
        if (one.next === undefined) this.#table.delete(one.hash);
        else this.#table.set(one.hash, one.next);
      } else {
        let before = head;
        while (before.next !== one) before = before.next!;
        before.next = one.next;
      }
      one.next = undefined;
    }
    const [one, other] = [leader.stream, leader.peer.stream];
    // If one number more than the captured bytes was acknowledged on each side, the missing numbers are the two FINs.
    const bothEnded = !one.fin && !other.fin && one.missingAtEnd === 1 && other.missingAtEnd === 1;
    one.close(bothEnded || other.fin);
    other.close(bothEnded || one.fin);
  }

  /** Both sides have ended, or one has reset: the connection is forgotten once enough others have finished after it. */
  #isOver(flow: Flow): void {
    this.#over.add(flow.leader);
    if (this.#over.size > MOST_OVER) this.#close(this.#over.values().next().value!);
  }

  #closeSilent(): void {
    for (const flow of this.#connections) {
      if (!flow.isRecent && !flow.peer.isRecent) {
        this.#close(flow);
        return;
      }
      flow.isRecent = flow.peer.isRecent = false;
      this.#connections.delete(flow);
      this.#connections.add(flow);
    }
  }
}

/** A direction of a connection, in the table of `Flows`. */
class Flow implements Direction {
  readonly connection: number;
  readonly hash: number;
  isClient = false;
  firstPacket = 0;
  /** True if a packet has come since the last search for silent connections. */
  isRecent = false;
  firstSeconds = 0;
  firstNanoseconds = 0;
  lastSeconds = 0;
  lastNanoseconds = 0;
  peer!: Flow;
  stream!: TcpStream;
  /** The direction of the connection's first packet. */
  leader!: Flow;
  /** The next direction with the same hash. */
  next: Flow | undefined = undefined;
  readonly #version: 4 | 6;
  /** The first 32 bits of each address: with IPv4, all of them. */
  readonly #source: number;
  readonly #target: number;
  /** The source port in the upper 16 bits, the target port in the lower ones. */
  readonly #ports: number;
  /** Source address, target address. */
  readonly #addresses: Buffer;

  constructor(connection: number, version: 4 | 6, addresses: Buffer, ports: number) {
    this.connection = connection;
    this.#version = version;
    this.#addresses = addresses;
    this.#source = readInt32(addresses, 0);
    this.#target = readInt32(addresses, widthOf(version));
    this.#ports = ports;
    this.hash = hash(version, addresses, 0, ports);
  }

  /** True if a segment with these addresses and ports belongs to this direction. */
  is(version: 4 | 6, bytes: Buffer, addresses: number, ports: number): boolean {
    if (
      ports !== this.#ports ||
      version !== this.#version ||
      readInt32(bytes, addresses) !== this.#source ||
      readInt32(bytes, addresses + widthOf(version)) !== this.#target
    ) {
      return false;
    }
    return version === 4 || this.#addresses.compare(bytes, addresses, addresses + 32) === 0;
  }

  get from(): Endpoint {
    return { address: addressText(this.#version, this.#addresses, 0), port: this.#ports >>> 16 };
  }

  get to(): Endpoint {
    const address = addressText(this.#version, this.#addresses, widthOf(this.#version));
    return { address, port: this.#ports & 0xffff };
  }

  get first(): Time | undefined {
    return this.firstPacket > 0
      ? { seconds: this.firstSeconds, nanoseconds: this.firstNanoseconds }
      : undefined;
  }

  get last(): Time | undefined {
    return this.firstPacket > 0
      ? { seconds: this.lastSeconds, nanoseconds: this.lastNanoseconds }
      : undefined;
  }

  get present(): number {
    return this.stream.present;
  }

  get syn(): boolean {
    return this.stream.syn;
  }

  get fin(): boolean {
    return this.stream.fin;
  }

  get rst(): boolean {
    return this.stream.rst;
  }

  get conflicts(): number {
    return this.stream.conflicts;
  }
}

/** True if the segment belongs to a new connection that reuses the addresses and ports. */
function isOfAnother(flow: Flow, flags: number, number: number, payload: number): boolean {
  const { stream, peer } = flow;
  const isOver = stream.rst || peer.stream.rst || (stream.fin && peer.stream.fin);
  if ((flags & SYN) !== 0) {
    // On a finished connection, a SYN without ACK opens a new one, even with the old initial sequence number.
    return (isOver && stream.syn && (flags & ACK) === 0) || !stream.mayStartAt((number + 1) | 0);
  }
  return isOver && payload > 0 && (flags & RST) === 0 && stream.isStarted && stream.distance(number) > FAR;
}

/** The length of an address, in bytes. */
function widthOf(version: 4 | 6): number {
  return version === 4 ? 4 : 16;
}

/** Hashes addresses and ports; the two directions of a connection hash differently. */
function hash(version: 4 | 6, bytes: Buffer, addresses: number, ports: number): number {
  let value = mix(SEED, ports);
  const end = addresses + 2 * widthOf(version);
  for (let at = addresses; at < end; at += 4) value = mix(value, readInt32(bytes, at));
  return value;
}

/** Differs from process to process, so an attacker cannot craft packets that share a hash. */
const SEED = (Math.random() * 4_294_967_296) | 0;

/** One round of MurmurHash3. */
function mix(value: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = value ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** `10.0.0.1`, or `2001:db8::1` in the form of RFC 5952. */
function addressText(version: 4 | 6, bytes: Buffer, at: number): string {
  if (version === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i));
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return `::ffff:${addressText(4, bytes, at + 12)}`;
  // `::` stands for the longest run of at least two zero groups; of equally long runs, the first.
  let best = 0;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > bestLength) [best, bestLength] = [i, length];
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (bestLength === 1) return text(groups);
  return `${text(groups.slice(0, best))}::${text(groups.slice(best + bestLength))}`;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80` */
export function endpointText(endpoint: Endpoint): string {
  checkMembers('endpointText', 'an endpoint', endpoint, { address: aText, port: natural });
  const { address, port } = endpoint;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
