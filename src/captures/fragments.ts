import type { IpPacket } from './ip-packet.ts';

/** The most datagrams that wait for fragments, the most bytes they hold, and the most fragments of one of them. */
const MOST_DATAGRAMS = 256;
const MOST_BYTES = 8_388_608;
const MOST_PARTS = 1_024;
/** The longest payload of a fragmented datagram, in bytes. */
const LONGEST = 65_535;

/** A copy of a fragment's captured payload. */
interface Part {
  readonly at: number;
  readonly bytes: Buffer;
}

/**
 * A datagram received as fragments. `parts` are sorted and do not overlap; bytes between two parts that do not touch
 * are missing.
 */
export interface Datagram {
  readonly version: 4 | 6;
  /** The source address, then the target address. */
  readonly addresses: Buffer;
  readonly protocol: number;
  /** The length of the whole payload, as far as the fragments show it. */
  readonly length: number;
  readonly parts: readonly Part[];
}

/**
 * Reassembles fragmented datagrams (RFC 791 section 3.2, RFC 8200 section 4.5), in any order. If fragments overlap, the
 * bytes received first count. Memory is bounded: if too many datagrams wait, the oldest is returned incomplete.
 */
export class Fragments {
  readonly #waiting = new Map<string, Assembly>();
  #held = 0;

  /**
   * Take in a fragment. Returns the datagrams that are ready: the one that this fragment completes, and older ones
   * given up to make room.
   */
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

  /** Returns the datagrams that are still incomplete. */
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
  // In IPv6 every fragment of a datagram has the same protocol number, so it may be in the key.
  return `${ip.protocol},${ip.identification},${addresses}`;
}
