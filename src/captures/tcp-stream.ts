import type { History } from './history.ts';

/** Takes what comes of one direction of a TCP connection, in the order in which it was sent. */
export interface TcpSink {
  /** The next bytes are `bytes[start, end)`: a view, valid during the call. */
  data?(bytes: Buffer, start: number, end: number): void;
  /** That many bytes were sent here, and are not in the capture. */
  gap?(length: number): void;
  /** A segment brought other bytes for a place that had some already; the first ones count. `offset` is where it began. */
  conflict?(offset: number, length: number): void;
  /** The sender has ended its side: all that it sent was given. */
  end?(): void;
  /** The sender has reset the connection. */
  reset?(): void;
  /** Nothing more will come: the capture is over, or the connection gave way to another one. */
  close?(): void;
}

/** What all streams of a capture share. */
export interface SharedLimits {
  /** The most bytes that one stream holds behind a hole. */
  readonly maxHeld: number;
  /** How many packets of a connection may come, after the peer has acknowledged what is missing, before a hole is a gap. */
  readonly patience: number;
  /** The most bytes that all streams together hold. */
  heldLeft: number;
  /** The bytes given last, to compare retransmissions with. */
  readonly history: History;
}

/** A segment that cannot be given yet, at an offset of the stream. */
interface Held {
  readonly at: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** What a held segment costs beside its bytes. */
const HELD_COST = 128;
/** A number this far beyond all that is known does not show that anything was sent: it is of another connection, or damaged. */
const FARTHEST = 16_777_216;
/** How much is held of a stream whose start was not captured, before its first byte is taken for the start. */
const MOST_AT_START = 65_536;
/** Sequence numbers are compared by their distance, which must stay below 2³¹. */
const LONGEST_HOLE = 1_073_741_824;

/**
 * One direction of a TCP connection: segments in, in whatever order they were captured; bytes out, as they were sent.
 *
 *     offset   0            position                known
 *              ├── given ───┤ hole ├─ held ─┤ hole  │          a number on the wire, modulo 2³², is an offset here
 *
 * Where the SYN was captured, offset 0 is the byte behind it. Otherwise it is the first byte that was captured; until the peer
 * acknowledges a byte, or 64 KiB are there, an earlier one may still come.
 */
export class TcpStream {
  readonly sink: TcpSink;
  /** Bytes given, gaps left out. */
  present = 0;
  syn = false;
  fin = false;
  rst = false;
  /** Segments that brought other bytes for a place that had some. */
  conflicts = 0;
  readonly #shared: SharedLimits;
  /** The number of the piece that the history has of this stream last. */
  #piece = 0;
  /** The sequence number `#number`, 32 bits, stands at `#at` of the stream. */
  #number = 0;
  #at = 0;
  #isStarted = false;
  /** The number of the byte at offset 0, where a SYN or its acknowledgement has shown it. */
  #firstNumber: number | undefined;
  /** The offset of the next byte to be given; −Infinity as long as the start is not known. */
  #position: number = Number.NEGATIVE_INFINITY;
  /** In the order of their offsets, without overlaps, all behind `#position`. */
  #held: Held[] = [];
  #heldCost = 0;
  /** All before this offset is known to have been sent. */
  #known = 0;
  /** All before this offset has reached the peer. */
  #acknowledged: number = Number.NEGATIVE_INFINITY;
  /** The offset of the FIN, where it was captured. */
  #finAt: number = Number.POSITIVE_INFINITY;
  /** Packets of the connection since the peer acknowledged what is missing. */
  #waited = 0;
  /** As long as the start is not known: the lowest offset that a packet of this direction had. */
  #lowest: number = Number.POSITIVE_INFINITY;
  #hasEnded = false;
  #resetIsDue = false;

  constructor(sink: TcpSink, shared: SharedLimits) {
    this.sink = sink;
    this.#shared = shared;
  }

  /** Whether a packet of this direction, or one that tells of it, has come. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  get isBased(): boolean {
    return this.#position >= 0;
  }

  /** The offset that a sequence number has. */
  offsetOf(number: number): number {
    return this.#at + ((number - this.#number) | 0);
  }

  /** How far a sequence number is from the bytes that are awaited. */
  distance(number: number): number {
    return Math.abs(this.offsetOf(number) - Math.max(0, this.#position));
  }

  /** Whether the stream may have begun with the byte of this number. */
  mayStartAt(number: number): boolean {
    if (this.#firstNumber !== undefined) return this.#firstNumber === number;
    if (!this.#isStarted) return true;
    // The SYN comes late: what was captured before it is not far behind it.
    const offset = this.offsetOf(number);
    return offset <= Math.min(0, this.#held[0]?.at ?? 0) && offset >= -MOST_AT_START;
  }

  /** The first byte of the stream has this number: from a SYN, or from what acknowledges one. */
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
   * @param length - its length on the wire, of which `bytes[start, end)` was captured
   * @param isPushed - whether it has the flag PSH, which a probe of keep-alive has not
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
      // A probe of keep-alive, which is never pushed: a pushed byte is one that was sent, and its SYN may come late.
      const mayProbe = !isPushed && captured <= 1;
      if (mayProbe && this.#held.length === 0 && offset === this.#acknowledged - 1) return;
      if (offset < this.#lowest) this.#lowest = offset;
    }
    if (captured === 0) return;
    if (offset + captured > this.#finAt) {
      captured = this.#finAt - offset;
      if (captured <= 0) return;
    }
    if (offset === this.#position && this.#held.length === 0) {
      this.#give(bytes, start, start + captured);
      if (this.#position === this.#finAt) this.#end();
      return;
    }
    if (offset + captured <= this.#position) {
      // A probe of keep-alive repeats the last byte, or a wrong one in its place (RFC 1122, section 4.2.3.6).
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

  /** The sender's side ends behind the byte before this sequence number. */
  receiveFin(number: number): void {
    if (!this.#isStarted) this.startAt(number);
    this.fin = true;
    const offset = this.offsetOf(number);
    const last = this.#held.at(-1)?.end ?? Math.max(0, this.#position);
    if (this.#finAt !== Number.POSITIVE_INFINITY || offset < last) return;
    this.#finAt = offset;
    if (this.#position === offset) this.#end();
  }

  receiveReset(): void {
    if (this.rst) return;
    this.rst = true;
    // Behind what is still held.
    if (this.#held.length > 0) this.#resetIsDue = true;
    else this.sink.reset?.();
  }

  /**
   * The peer acknowledges all before this sequence number.
   *
   * @param isFromStart - whether the connection was captured from its start: then what is acknowledged first is most likely the SYN
   */
  acknowledge(number: number, isFromStart: boolean): void {
    if (!this.#isStarted) {
      // What it acknowledges first is where we join: an earlier byte may still come.
      this.#isStarted = true;
      this.#number = number | 0;
      this.#acknowledged = 0;
      if (isFromStart) this.#lowest = 0;
      return;
    }
    const offset = this.#at + ((number - this.#number) | 0);
    if (offset <= this.#acknowledged || offset - this.#known > FARTHEST) return;
    // The only packet so far was a probe of keep-alive, which has the number before the next one.
    if (
      !this.isBased &&
      this.#held.length === 0 &&
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

  /** A packet of the connection has come: holes that the peer has long acknowledged are gaps. */
  wait(): void {
    if (this.#held.length === 0 || !this.isBased || this.#acknowledged < this.#held[0]!.at) return;
    if (++this.#waited > this.#shared.patience) this.#giveUp();
  }

  /** Nothing more will come: give what is held, and what is missing as gaps. `peerEnded`: the other side has sent its FIN. */
  close(peerEnded: boolean): void {
    if (!this.isBased) this.#base(this.#start);
    while (this.#held.length > 0) this.#giveUp();
    let end = this.#known;
    if (this.#finAt !== Number.POSITIVE_INFINITY) end = this.#finAt;
    // What was acknowledged last, at the end of a connection, is the FIN, which takes a number as well.
    else if (peerEnded && !this.fin && end > this.#position) end--;
    if (end > this.#position) this.#gap(end - this.#position);
    if (this.#position === this.#finAt) this.#end();
    if (this.#resetIsDue) this.sink.reset?.();
    this.sink.close?.();
  }

  /** Bytes known to have been sent behind all that was captured. */
  get missingAtEnd(): number {
    const last = this.#held.at(-1)?.end ?? Math.max(0, this.#position);
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

  /** Put a segment where it belongs: what is there already stays. */
  #insert(offset: number, bytes: Buffer, start: number, end: number): void {
    const stop = offset + end - start;
    let at = offset;
    let differs = false;
    if (at < this.#position) {
      const given = start + this.#position - at;
      differs = this.#shared.history.differs(this.#piece, at, bytes, start, given);
      at = this.#position;
    }
    let index = this.#firstBehind(at);
    while (at < stop) {
      const held = this.#held[index];
      if (held !== undefined && held.at <= at) {
        const overlap = Math.min(stop, held.end);
        const mine = start + at - offset;
        const theirs = at - held.at;
        differs ||= held.bytes.compare(bytes, mine, mine + overlap - at, theirs, theirs + overlap - at) !== 0;
        at = overlap;
        index++;
        continue;
      }
      const to = held === undefined ? stop : Math.min(stop, held.at);
      const from = start + at - offset;
      if (at === this.#position) {
        this.#give(bytes, from, from + to - at);
      } else {
        const copy = Buffer.from(bytes.subarray(from, from + to - at));
        this.#held.splice(index++, 0, { at, end: to, bytes: copy });
        this.#count(copy.length + HELD_COST);
      }
      at = to;
    }
    if (differs) this.#conflict(offset, end - start);
    this.#drain();
  }

  /** The index of the first held segment that ends behind the offset. */
  #firstBehind(offset: number): number {
    let low = 0;
    let high = this.#held.length;
    // Most often it belongs behind all of them.
    if (high > 0 && this.#held[high - 1]!.end <= offset) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#held[middle]!.end > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Give the held segments that follow on what was given. */
  #drain(): void {
    let count = 0;
    while (count < this.#held.length && this.#held[count]!.at === this.#position) {
      const { bytes } = this.#held[count++]!;
      this.#count(-bytes.length - HELD_COST);
      this.#give(bytes, 0, bytes.length);
    }
    if (count > 0) this.#held.splice(0, count);
    if (this.#position === this.#finAt) this.#end();
  }

  #count(cost: number): void {
    this.#heldCost += cost;
    this.#shared.heldLeft -= cost;
  }

  #mayGiveUp(): void {
    while (this.#held.length > 0 && (this.#heldCost > this.#shared.maxHeld || this.#shared.heldLeft < 0)) {
      this.#giveUp();
    }
  }

  /** The next hole is a gap. */
  #giveUp(): void {
    const end = this.#held[0]?.at ?? Math.min(this.#known, this.#finAt);
    if (end > this.#position) this.#gap(end - this.#position);
    this.#drain();
  }

  /** The start was not captured: settle on the first byte that is held as soon as no earlier one is likely. */
  #mayBase(): void {
    const [first] = this.#held;
    if (first === undefined) return;
    const isLong = this.#heldCost > MOST_AT_START || this.#known - first.at > FARTHEST;
    if (isLong || first.end <= this.#acknowledged) this.#base(this.#start);
  }

  /** Where the stream starts, of which the SYN was not captured: no later than the first packet of it. */
  get #start(): number {
    const first = this.#held[0]?.at;
    if (this.#lowest === Number.POSITIVE_INFINITY) return first ?? 0;
    return first === undefined ? this.#lowest : Math.min(this.#lowest, first);
  }

  /** Offset `offset` becomes offset 0. */
  #base(offset: number): void {
    this.#at -= offset;
    this.#known -= offset;
    this.#acknowledged -= offset;
    this.#finAt -= offset;
    const held = this.#held;
    this.#held = [];
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
