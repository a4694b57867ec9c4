import { callback, requireObjectOf } from '../options.ts';
import { HeldSegments } from './held-segments.ts';
import type { History } from './history.ts';

/** Receives one direction of a TCP connection, in the order in which it was sent. */
export interface TcpSink {
  /** The next bytes are `bytes[start, end)`: a view, valid during the call. */
  data?(bytes: Buffer, start: number, end: number): void;
  /** That many bytes were sent here but not captured. */
  gap?(length: number): void;
  /**
   * A segment brought different bytes for offsets already received; the earlier bytes count. `offset` is the segment's
   * start.
   */
  conflict?(offset: number, length: number): void;
  /** The sender has ended its side, and everything it sent has been delivered. */
  end?(): void;
  /** The sender has reset the connection. */
  reset?(): void;
  /** No more calls follow: the capture is over, or the connection was dropped to make room or replaced by a new one. */
  close?(): void;
}

/** @throws TypeError for a value that is no sink */
export function requireSink(where: string, sink: TcpSink): void {
  requireObjectOf(where, 'a sink, an object of functions', sink);
  for (const name of CALLS) if (sink[name] !== undefined) callback(`${where}: ${name}`, sink[name]);
}

const CALLS = ['data', 'gap', 'conflict', 'end', 'reset', 'close'] as const;

/** The limits that all streams of a capture share. */
export interface SharedLimits {
  /** The most bytes that one stream holds after a hole. */
  readonly maxHeld: number;
  /** The number of packets of a connection after which a hole that the peer has acknowledged is reported as a gap. */
  readonly patience: number;
  /** How many more bytes all streams together may hold. */
  heldLeft: number;
  /** The latest delivered bytes, to compare retransmissions with. */
  readonly history: History;
}

/** The memory that a held segment costs beside its bytes. */
const HELD_COST = 128;
/** A sequence number this far beyond the known ones proves nothing: it belongs to another connection, or is damaged. */
const FARTHEST = 16_777_216;
/** The bytes held of a stream without a captured start before its lowest byte is taken for the start. */
const MOST_AT_START = 65_536;
/** Sequence numbers are compared by their distance, which must stay below 2³¹. */
const LONGEST_HOLE = 1_073_741_824;

/**
 * One direction of a TCP connection: takes segments in the order of capture, and delivers bytes in the order they were
 * sent.
 *
 *     offset   0            position                known
 *              ├── given ───┤ hole ├─ held ─┤ hole  │          a number on the wire, modulo 2³², is an offset here
 *
 * If the SYN was captured, offset 0 is the byte after it. Otherwise offset 0 is the first byte captured; until the peer
 * acknowledges a byte, or 64 KiB are held, an earlier byte may still come.
 */
export class TcpStream {
  readonly sink: TcpSink;
  /** Bytes delivered, without gaps. */
  present = 0;
  syn = false;
  fin = false;
  rst = false;
  /** Segments that brought different bytes for offsets already received. */
  conflicts = 0;
  readonly #shared: SharedLimits;
  /** The number of this stream's latest piece in the history. */
  #piece = 0;
  /** The 32-bit sequence number `#number` belongs to the offset `#at`. */
  #number = 0;
  #at = 0;
  #isStarted = false;
  /** The sequence number of the byte at offset 0, once a SYN or its acknowledgement has shown it. */
  #firstNumber: number | undefined;
  /** The offset of the next byte to deliver; −Infinity until the start is known. */
  #position: number = Number.NEGATIVE_INFINITY;
  /** All beyond `#position`. */
  readonly #held = new HeldSegments();
  #heldCost = 0;
  /** All bytes before this offset are known to have been sent. */
  #known = 0;
  /** All bytes before this offset have reached the peer. */
  #acknowledged: number = Number.NEGATIVE_INFINITY;
  /** The offset of the FIN; Infinity until it is captured. */
  #finAt: number = Number.POSITIVE_INFINITY;
  /** Packets of the connection since the peer acknowledged the missing bytes. */
  #waited = 0;
  /** Until the start is known: the lowest offset of any packet of this direction. */
  #lowest: number = Number.POSITIVE_INFINITY;
  #hasEnded = false;
  #resetIsDue = false;

  constructor(sink: TcpSink, shared: SharedLimits) {
    this.sink = sink;
    this.#shared = shared;
  }

  /** True once a packet of this direction, or an acknowledgement of it, has come. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  get isBased(): boolean {
    return this.#position >= 0;
  }

  /** The offset of a sequence number. */
  offsetOf(number: number): number {
    return this.#at + ((number - this.#number) | 0);
  }

  /** The distance of a sequence number from the next byte expected. */
  distance(number: number): number {
    return Math.abs(this.offsetOf(number) - Math.max(0, this.#position));
  }

  /** True if the stream can have begun with the byte of this sequence number. */
  mayStartAt(number: number): boolean {
    if (this.#firstNumber !== undefined) return this.#firstNumber === number;
    if (!this.#isStarted) return true;
    // The SYN was captured late: the bytes captured before it lie shortly after it in the stream.
    const offset = this.offsetOf(number);
    return offset <= Math.min(0, this.#held.first?.at ?? 0) && offset >= -MOST_AT_START;
  }

  /** The first byte of the stream has this sequence number, known from a SYN or from an acknowledgement of it. */
  startAt(number: number): void {
    this.#firstNumber ??= number | 0;
    if (this.isBased) return;
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#number = number | 0;
      this.#at = 0;
      this.#position = 0;
      return;
    }
    this.#base(this.offsetOf(number));
  }

  /**
   * A segment of this direction.
   *
   * @param number - the sequence number of its first byte
   * @param length - the length of its payload on the wire, of which `bytes[start, end)` was captured
   * @param isPushed - true if it has the flag PSH; a keep-alive probe does not have it
   */
  receive(number: number, bytes: Buffer, start: number, end: number, length: number, isPushed = true): void {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#number = number | 0;
    }
    const offset = this.#at + ((number - this.#number) | 0);
    const after = offset + length;
    if (after > this.#known && after - this.#known <= Math.max(FARTHEST, length)) {
      this.#known = after;
      if (after - this.#position > LONGEST_HOLE && this.isBased) this.#giveUp();
    }
    let captured = end - start;
    if (this.#position < 0) {
      // A keep-alive probe never has PSH. A byte with PSH was really sent; its SYN may come late.
      const mayProbe = !isPushed && captured <= 1;
      if (mayProbe && this.#held.first === undefined && offset === this.#acknowledged - 1) return;
      if (offset < this.#lowest) this.#lowest = offset;
    }
    if (captured === 0) return;
    if (offset + captured > this.#finAt) {
      captured = this.#finAt - offset;
      if (captured <= 0) return;
    }
    if (offset === this.#position && this.#held.first === undefined) {
      this.#give(bytes, start, start + captured);
      if (this.#position === this.#finAt) this.#end();
      return;
    }
    if (offset + captured <= this.#position) {
      // A keep-alive probe repeats the last byte, or a wrong one in its place (RFC 1122, section 4.2.3.6).
      const mayProbe = !isPushed || this.#acknowledged >= this.#position;
      if (captured === 1 && offset === this.#position - 1 && mayProbe) return;
      const { history } = this.#shared;
      if (history.differs(this.#piece, offset, bytes, start, start + captured))
        this.#conflict(offset, captured);
      return;
    }
    this.#insert(offset, bytes, start, start + captured);
    if (!this.isBased) this.#mayBase();
    else this.#mayGiveUp();
  }

  /** The FIN has this sequence number: the sender's last byte is the one before it. */
  receiveFin(number: number): void {
    if (!this.#isStarted) this.startAt(number);
    this.fin = true;
    const offset = this.offsetOf(number);
    const last = this.#held.last?.end ?? Math.max(0, this.#position);
    if (this.#finAt !== Number.POSITIVE_INFINITY || offset < last) return;
    this.#finAt = offset;
    if (this.#position === offset) this.#end();
  }

  receiveReset(): void {
    if (this.rst) return;
    this.rst = true;
    // Report the reset after the held bytes.
    if (this.#held.first !== undefined) this.#resetIsDue = true;
    else this.sink.reset?.();
  }

  /**
   * The peer acknowledges all bytes before this sequence number.
   *
   * @param isFromStart - true if the connection was captured from its start: then the first acknowledgement is most
   *   likely of the SYN
   */
  acknowledge(number: number, isFromStart: boolean): void {
    if (!this.#isStarted) {
      // Offsets count from the first acknowledgement; an earlier byte may still come.
      this.#isStarted = true;
      this.#number = number | 0;
      this.#acknowledged = 0;
      if (isFromStart) this.#lowest = 0;
      return;
    }
    const offset = this.#at + ((number - this.#number) | 0);
    if (offset <= this.#acknowledged || offset - this.#known > FARTHEST) return;
    // The only packet so far was a keep-alive probe, whose sequence number is that of the byte before the next.
    if (
      !this.isBased &&
      this.#held.first === undefined &&
      this.#known === this.#lowest &&
      offset === this.#known + 1
    ) {
      this.#lowest = offset;
    }
    this.#acknowledged = offset;
    if (offset > this.#known) this.#known = offset;
    if (!this.isBased) this.#mayBase();
    else if (this.#known - this.#position > LONGEST_HOLE) this.#giveUp();
  }

  /**
   * A packet of the connection has come. A hole that the peer acknowledged more than `patience` packets ago is now a
   * gap.
   */
  wait(): void {
    if (this.#held.first === undefined || !this.isBased || this.#acknowledged < this.#held.first!.at) return;
    if (++this.#waited > this.#shared.patience) this.#giveUp();
  }

  /**
   * No more segments follow: deliver the held bytes, and report missing bytes as gaps. `peerEnded`: the other side has
   * sent its FIN.
   */
  close(peerEnded: boolean): void {
    if (!this.isBased) this.#base(this.#start);
    while (this.#held.first !== undefined) this.#giveUp();
    let end = this.#known;
    if (this.#finAt !== Number.POSITIVE_INFINITY) end = this.#finAt;
    // At the end of a connection the last acknowledged number is that of the FIN, which counts as a byte.
    else if (peerEnded && !this.fin && end > this.#position) end--;
    if (end > this.#position) this.#gap(end - this.#position);
    if (this.#position === this.#finAt) this.#end();
    if (this.#resetIsDue) this.sink.reset?.();
    this.sink.close?.();
  }

  /** Bytes known to have been sent after the last captured byte. */
  get missingAtEnd(): number {
    const last = this.#held.last?.end ?? Math.max(0, this.#position);
    return Math.max(0, this.#known - last);
  }

  #give(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#piece = this.#shared.history.add(this.#piece, this.#position, bytes, start, end);
    this.#advance(length);
    this.present += length;
    this.sink.data?.(bytes, start, end);
  }

  #gap(length: number): void {
    this.#advance(length);
    this.sink.gap?.(length);
  }

  #advance(length: number): void {
    this.#position += length;
    this.#at = this.#position;
    this.#number = (this.#number + length) | 0;
    if (this.#position > this.#known) this.#known = this.#position;
    this.#waited = 0;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.sink.end?.();
  }

  #conflict(offset: number, length: number): void {
    this.conflicts++;
    this.sink.conflict?.(offset, length);
  }

  /** Insert a segment; bytes already there stay. */
  #insert(offset: number, bytes: Buffer, start: number, end: number): void {
    const stop = offset + end - start;
    let at = offset;
    let differs = false;
    if (at < this.#position) {
      const given = start + this.#position - at;
      differs = this.#shared.history.differs(this.#piece, at, bytes, start, given);
      at = this.#position;
    }
    while (at < stop) {
      const held = this.#held.behind(at);
      if (held !== undefined && held.at <= at) {
        const overlap = Math.min(stop, held.end);
        const mine = start + at - offset;
        const theirs = at - held.at;
        differs ||= held.bytes.compare(bytes, mine, mine + overlap - at, theirs, theirs + overlap - at) !== 0;
        at = overlap;
        continue;
      }
      const to = held === undefined ? stop : Math.min(stop, held.at);
      const from = start + at - offset;
      if (at === this.#position) {
        this.#give(bytes, from, from + to - at);
      } else {
        const copy = Buffer.from(bytes.subarray(from, from + to - at));
        this.#held.add({ at, end: to, bytes: copy });
        this.#count(copy.length + HELD_COST);
      }
      at = to;
    }
    if (differs) this.#conflict(offset, end - start);
    this.#drain();
  }

  /** Deliver the held segments that continue the delivered bytes. */
  #drain(): void {
    while (this.#held.first?.at === this.#position) {
      const { bytes } = this.#held.shift()!;
      this.#count(-bytes.length - HELD_COST);
      this.#give(bytes, 0, bytes.length);
    }
    if (this.#position === this.#finAt) this.#end();
  }

  #count(cost: number): void {
    this.#heldCost += cost;
    this.#shared.heldLeft -= cost;
  }

  #mayGiveUp(): void {
    while (
      this.#held.first !== undefined &&
      (this.#heldCost > this.#shared.maxHeld || this.#shared.heldLeft < 0)
    ) {
      this.#giveUp();
    }
  }

  /** Report the next hole as a gap. */
  #giveUp(): void {
    const end = this.#held.first?.at ?? Math.min(this.#known, this.#finAt);
    if (end > this.#position) this.#gap(end - this.#position);
    this.#drain();
  }

  /** The start was not captured: take the lowest held byte for it as soon as an earlier byte is unlikely. */
  #mayBase(): void {
    const { first } = this.#held;
    if (first === undefined) return;
    const isLong = this.#heldCost > MOST_AT_START || this.#known - first.at > FARTHEST;
    if (isLong || first.end <= this.#acknowledged) this.#base(this.#start);
  }

  /** The start of a stream whose SYN was not captured: the lowest offset seen. */
  get #start(): number {
    const first = this.#held.first?.at;
    if (this.#lowest === Number.POSITIVE_INFINITY) return first ?? 0;
    return first === undefined ? this.#lowest : Math.min(this.#lowest, first);
  }

  /** Offset `offset` becomes offset 0. */
  #base(offset: number): void {
    this.#at -= offset;
    this.#known -= offset;
    this.#acknowledged -= offset;
    this.#finAt -= offset;
    const held = this.#held.takeAll();
    this.#position = 0;
    this.#number = (this.#number - this.#at) | 0;
    this.#at = 0;
    for (const { at, bytes } of held) {
      this.#count(-bytes.length - HELD_COST);
      const skip = Math.max(0, offset - at);
      if (skip < bytes.length) this.#insert(at - offset + skip, bytes, skip, bytes.length);
    }
    if (this.#known < 0) this.#known = 0;
    if (this.#position === this.#finAt) this.#end();
  }
}
