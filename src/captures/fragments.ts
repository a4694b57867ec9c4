import type { IpPacket } from './ip-packet.ts';

/** The most datagrams that wait for parts, and the most bytes that are held for them. */
const MOST_DATAGRAMS = 256;
const MOST_BYTES = 8_388_608;
const MOST_PARTS = 1_024;
/** The longest payload of a datagram in parts. */
const LONGEST = 65_535;

/** A part of a datagram's payload that was captured: a copy. */
interface Part {
  readonly at: number;
  readonly bytes: Buffer;
}

/** A datagram that came in parts: the parts do not overlap and stand in their order; where they do not touch, bytes are missing. */
export interface Datagram {
  readonly version: 4 | 6;
  /** The addresses of source and target, one behind the other. */
  readonly addresses: Buffer;
  readonly protocol: number;
  /** The length of the whole payload, as far as it is known. */
  readonly length: number;
  readonly parts: readonly Part[];
}

/**
 * Joins datagrams that came in parts (RFC 791 section 3.2, RFC 8200 section 4.5), in any order. Of bytes that came twice the
 * first count. Memory is bounded: the oldest datagram is given incomplete where too many wait.
 */
export class Fragments {
  readonly #waiting = new Map<string, Assembly>();
  #held = 0;

  /** Take a part in. Answers the datagrams that are ready now: the one that it completes, or one given up for it. */
  add(ip: IpPacket): readonly Datagram[] {
    const key = keyOf(ip);
    let assembly = this.#waiting.get(key);
    if (assembly === undefined) {
      assembly = new Assembly(ip);
      this.#waiting.set(key, assembly);
    }
    const before = assembly.held;
    assembly.add(ip);
    this.#held += assembly.held - before;
    const ready: Datagram[] = [];
    if (assembly.isComplete || assembly.parts.length > MOST_PARTS) ready.push(this.#release(key, assembly));
    while (this.#waiting.size > MOST_DATAGRAMS || this.#held > MOST_BYTES) {
      const [oldest, incomplete] = this.#waiting.entries().next().value!;
      ready.push(this.#release(oldest, incomplete));
    }
    return ready;
  }

  /** All that is still incomplete. */
  finish(): Datagram[] {
    return [...this.#waiting].map(([key, assembly]) => this.#release(key, assembly));
  }

  #release(key: string, assembly: Assembly): Assembly {
    this.#waiting.delete(key);
    this.#held -= assembly.held;
    return assembly;
  }
}

class Assembly implements Datagram {
  readonly version: 4 | 6;
  readonly addresses: Buffer;
  readonly protocol: number;
  readonly parts: Part[] = [];
  length = 0;
  held = 0;
  #lastSeen = false;
  #present = 0;

  constructor(ip: IpPacket) {
    this.version = ip.version;
    const width = ip.version === 4 ? 4 : 16;
    this.addresses = Buffer.concat([
      ip.bytes.subarray(ip.sourceAt, ip.sourceAt + width),
      ip.bytes.subarray(ip.targetAt, ip.targetAt + width),
    ]);
    this.protocol = ip.protocol;
  }

  get isComplete(): boolean {
    return this.#lastSeen && this.#present === this.length;
  }

  add(ip: IpPacket): void {
    const end = ip.fragmentOffset + ip.payloadLength;
    if (end > LONGEST) return;
    if (!ip.moreFragments) this.#lastSeen = true;
    this.length = Math.max(this.length, end);
    let at = ip.fragmentOffset;
    const stop = at + ip.payloadEnd - ip.payloadAt;
    const piece = (from: number, to: number): Part => {
      const start = ip.payloadAt + from - ip.fragmentOffset;
      return { at: from, bytes: Buffer.from(ip.bytes.subarray(start, start + to - from)) };
    };
    let index = 0;
    while (at < stop) {
      const part = this.parts[index];
      if (part !== undefined && part.at <= at) {
        at = Math.max(at, part.at + part.bytes.length);
        index++;
        continue;
      }
      const to = Math.min(stop, part?.at ?? stop);
      this.parts.splice(index++, 0, piece(at, to));
      this.#present += to - at;
      this.held += to - at + 128;
      at = to;
    }
  }
}

function keyOf(ip: IpPacket): string {
  const addresses = ip.bytes.toString('latin1', ip.sourceAt, ip.targetAt + ip.targetAt - ip.sourceAt);
  // The protocol of a later part of IPv6 is the same as of the first, so it may be in the key.
  return `${ip.protocol},${ip.identification},${addresses}`;
}
