import { readUint16, readUint32 } from '../bytes/integers.ts';
import type { Packet } from './packet.ts';

/** The supported link types, by their registered numbers (www.tcpdump.org/linktypes.html). */
export const LINK_TYPES = {
  loopback: 0,
  ethernet: 1,
  rawOld: 12,
  rawOpenBsd: 14,
  raw: 101,
  openBsdLoopback: 108,
  linuxCooked: 113,
  ipv4: 228,
  ipv6: 229,
  linuxCooked2: 276,
} as const;

/** True if IP packets can be found in packets of this link type. */
export function isLinkTypeRead(linkType: number): boolean {
  return Object.values<number>(LINK_TYPES).includes(linkType);
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;

/**
 * The place and payload of the IP packet inside a captured packet. `read` fills the same object for every packet.
 *
 *     link header │ IP header, options, extension headers │ payload … │ padding
 *                  ▲ at                                   ▲ payloadAt ▲ payloadEnd
 */
export class IpPacket {
  bytes: Buffer = Buffer.alloc(0);
  /** 4 or 6. */
  version: 4 | 6 = 4;
  /** The offsets of the two addresses: 4 or 16 bytes each, the target right after the source. */
  sourceAt = 0;
  targetAt = 0;
  /** 6 is TCP, 17 is UDP. */
  protocol = 0;
  /** The captured part of the payload is `bytes[payloadAt, payloadEnd)`; empty if the snaplen cut the header. */
  payloadAt = 0;
  payloadEnd = 0;
  /** The payload's length on the wire, from the IP header: without the padding of Ethernet. */
  payloadLength = 0;
  /** True for a fragment; only then do the next three fields apply. */
  isFragment = false;
  /** The fragment's offset in the payload of the whole datagram, in bytes. */
  fragmentOffset = 0;
  moreFragments = false;
  identification = 0;

  /** Find the IP packet. Returns false if there is none, or if its header is cut off or contradicts itself. */
  read(packet: Readonly<Packet>): boolean {
    const { bytes, start, end } = packet;
    this.bytes = bytes;
    let at = start;
    let type: number;
    switch (packet.linkType) {
      case LINK_TYPES.ethernet:
        if (end - start < 14) return false;
        type = readUint16(bytes, start + 12);
        at += 14;
        break;
      case LINK_TYPES.linuxCooked:
        if (end - start < 16) return false;
        type = readUint16(bytes, start + 14);
        at += 16;
        break;
      case LINK_TYPES.linuxCooked2:
        if (end - start < 20) return false;
        type = readUint16(bytes, start);
        at += 20;
        break;
      case LINK_TYPES.loopback:
      case LINK_TYPES.openBsdLoopback:
        // The address family, in the byte order of the capturing machine. The version in the IP header says the same.
        at += 4;
        type = 0;
        break;
      case LINK_TYPES.rawOld:
      case LINK_TYPES.rawOpenBsd:
      case LINK_TYPES.raw:
      case LINK_TYPES.ipv4:
      case LINK_TYPES.ipv6:
        type = 0;
        break;
      default:
        return false;
    }
    if (at >= end) return false;
    if (type === 0) {
      type = bytes[at]! >> 4 === 6 ? IPV6 : IPV4;
    } else if (type !== IPV4 && type !== IPV6) {
      at = this.#findIp(type, at, end);
      if (at < 0) return false;
      type = bytes[at]! >> 4 === 6 ? IPV6 : IPV4;
    }
    // The offset in `bytes` at which the packet ended on the wire.
    const wireEnd = start + packet.originalLength;
    return type === IPV4 ? this.#readIpv4(at, end, wireEnd) : this.#readIpv6(at, end, wireEnd);
  }

  /** The offset of the IP header after VLAN tags (802.1Q, QinQ), PPPoE and SNAP; −1 if they do not lead to IP. */
  #findIp(type: number, start: number, end: number): number {
    const { bytes } = this;
    let at = start;
    while (at + 4 <= end) {
      if (type === IPV4 || type === IPV6) return at;
      if (type === 0x8100 || type === 0x88a8 || type === 0x9100 || type === 0x9200) {
        type = readUint16(bytes, at + 2);
        at += 4;
      } else if (type === 0x8864) {
        // version, code, session 2, length 2, protocol 2
        if (at + 8 > end) return -1;
        const ppp = readUint16(bytes, at + 6);
        type = ppp === 0x0021 ? IPV4 : ppp === 0x0057 ? IPV6 : 0;
        at += 8;
      } else if (type <= 1_500 && at + 8 <= end && readUint32(bytes, at) === 0xaaaa0300) {
        // 802.3 with LLC and SNAP: aa aa 03, organisation 3, type 2
        type = readUint16(bytes, at + 6);
        at += 8;
      } else {
        return -1;
      }
    }
    return -1;
  }

  /** RFC 791, section 3.1 */
  #readIpv4(at: number, end: number, wireEnd: number): boolean {
    const { bytes } = this;
    if (end - at < 20 || bytes[at]! >> 4 !== 4) return false;
    const headerLength = (bytes[at]! & 15) * 4;
    if (headerLength < 20) return false;
    let length = readUint16(bytes, at + 2);
    // The length is 0 for a segment that the network card splits (TSO).
    if (length === 0) length = wireEnd - at;
    if (length < headerLength) return false;
    const fragment = readUint16(bytes, at + 6);
    this.version = 4;
    this.sourceAt = at + 12;
    this.targetAt = at + 16;
    this.protocol = bytes[at + 9]!;
    this.isFragment = (fragment & 0x3fff) !== 0;
    this.fragmentOffset = (fragment & 0x1fff) * 8;
    this.moreFragments = (fragment & 0x2000) !== 0;
    this.identification = readUint16(bytes, at + 4);
    this.#setPayload(at + headerLength, at + length, end);
    return true;
  }

  /** RFC 8200 */
  #readIpv6(at: number, end: number, wireEnd: number): boolean {
    const { bytes } = this;
    if (end - at < 40 || bytes[at]! >> 4 !== 6) return false;
    const length = readUint16(bytes, at + 4);
    // The length is 0 for a segment that the network card splits (TSO), and for a jumbogram.
    const payloadEnd = length === 0 ? wireEnd : at + 40 + length;
    this.version = 6;
    this.sourceAt = at + 8;
    this.targetAt = at + 24;
    this.isFragment = false;
    let next = bytes[at + 6]!;
    let header = at + 40;
    for (;;) {
      if (next === 0 || next === 43 || next === 60 || next === 135 || next === 139 || next === 140) {
        if (header + 8 > end) return false;
        next = bytes[header]!;
        header += (bytes[header + 1]! + 1) * 8;
      } else if (next === 51) {
        if (header + 8 > end) return false;
        next = bytes[header]!;
        header += (bytes[header + 1]! + 2) * 4;
      } else if (next === 44) {
        // next 1 · reserved 1 · offset 13 bits, reserved 2, more 1 · identification 4
        if (header + 8 > end) return false;
        next = bytes[header]!;
        const fragment = readUint16(bytes, header + 2);
        this.fragmentOffset = fragment & 0xfff8;
        this.moreFragments = (fragment & 1) !== 0;
        // Offset 0 and no more fragments: a whole datagram that has the fragment header anyway (RFC 6946).
        this.isFragment = (fragment & 0xfff9) !== 0;
        this.identification = readUint32(bytes, header + 4);
        header += 8;
        // What follows is a piece of the payload; only in the first fragment does it start with a header.
        if (this.isFragment) break;
      } else {
        break;
      }
      if (header > payloadEnd) return false;
    }
    this.protocol = next;
    this.#setPayload(header, payloadEnd, end);
    return true;
  }

  #setPayload(at: number, wireEnd: number, end: number): void {
    this.payloadAt = at;
    this.payloadEnd = Math.max(at, Math.min(wireEnd, end));
    this.payloadLength = Math.max(0, wireEnd - at);
  }
}
