import type { Duplex } from 'node:stream';
import { held } from '../streams/farewell.ts';
import type { Answering } from './answering.ts';
import type { ByteBudget, Holder } from './byte-budget.ts';
import type { ServerLimits, SettledLimits } from './limits.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Upgrades } from './upgrades.ts';

/** The settings that the links of one server share. */
export interface LinkSettings {
  readonly limits: SettledLimits;
  readonly idleGap: number | undefined;
  readonly onInvalid: 'error' | 'discard' | undefined;
  /** The functions that take over connections when a reply names an upgrade. */
  readonly upgrades: Upgrades<never> | undefined;
  /** The budget of unfinished frames. */
  readonly held: ByteBudget;
  /** The budget of bytes that peers have not taken yet. */
  readonly waiting: ByteBudget;
}

/** The owner of a link. */
export interface Linked {
  /** The connection has reached a limit: it has to be closed, or the link has paused it. */
  struck(limit: keyof ServerLimits, action: 'closed' | 'paused', actual?: number): void;
}

// Reasons for not reading.
const RATE = 1;
const HELD = 2;
const WAITING = 4;
const FLEET = 8;
const FULL = 16;

/**
 * Gives the bytes of a stream to the stage that answers them, and holds the connection to its limits. It counts received bytes,
 * and stops the stream while the stage has enough, while the peer exceeds its rates, or while all connections together hold too
 * much and it is not this one's turn.
 *
 *     stream ──'data'──▶ link ──write──▶ responder ──lead──▶ stream
 *
 * A `pipe` would make closures for each connection, which an idle one holds. Deadlines have no timers of their own: the server calls `sweep` for all
 * its links from one.
 */
export class Link implements Holder {
  readonly #stream: Duplex;
  readonly #answering: Answering;
  readonly #settings: LinkSettings;
  readonly #owner: Linked;
  readonly #byteRate: TokenBucket | undefined;
  readonly #messageRate: TokenBucket | undefined;
  #bytesReceived = 0;
  /** Frames that were taken out of the bucket. */
  #counted = 0;
  #held = 0;
  #waiting = 0;
  /** Why nothing is read now, one bit per reason. */
  #stopped = 0;
  #timer: NodeJS.Timeout | undefined;
  /** True once the stream continues with another protocol. */
  #isFree = false;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onEnd = (): void => this.#end();
  /** Created when the stage first has enough. */
  #onDrain: (() => void) | undefined;
  /** The state at the last sweep, and since when. */
  #activity = -1;
  #frames = -1;
  readonly #openSince: number;
  #idleSince: number;
  #frameSince: number;

  /** @param now - milliseconds of the clock that `sweep` uses; the handshake counts from here */
  constructor(stream: Duplex, answering: Answering, settings: LinkSettings, now: number, owner: Linked) {
    this.#stream = stream;
    this.#answering = answering;
    this.#settings = settings;
    this.#owner = owner;
    this.#openSince = this.#idleSince = this.#frameSince = now;
    const { maxByteRate, maxMessageRate } = settings.limits;
    if (maxByteRate !== Infinity) this.#byteRate = new TokenBucket(maxByteRate, maxByteRate, now);
    if (maxMessageRate !== Infinity) this.#messageRate = new TokenBucket(maxMessageRate, maxMessageRate, now);
    answering.outlet.lead(stream);
    answering.onUnsent = () => this.weigh();
    stream.on('data', this.#onData).on('end', this.#onEnd).resume();
    // Then it does not end again.
    if (stream.readableEnded) process.nextTick(this.#onEnd);
  }

  /** Stop using the stream, which is paused: it continues with another protocol. */
  release(): void {
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).pause();
    this.#isFree = true;
    this.close();
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Bytes given to the stream, if it counts them: a socket does. */
  get bytesSent(): number {
    const { bytesWritten = 0 } = this.#stream as { bytesWritten?: number };
    return bytesWritten;
  }

  /** Bytes of an unfinished frame, and of messages that wait for the current answer. */
  get held(): number {
    return this.#answering.held;
  }

  /** Bytes that the peer has not taken yet. */
  get waiting(): number {
    const { readableLength, unsentBytes } = this.#answering;
    return readableLength + unsentBytes + this.#stream.writableLength;
  }

  /** Read nothing until it is called with false. */
  hold(isHeld: boolean): void {
    if (this.#isFree) return;
    if (isHeld) this.#stop(FLEET);
    else this.#go(FLEET);
  }

  /** The connection is over: return its bytes to the budgets. */
  close(): void {
    clearTimeout(this.#timer);
    this.#settings.held.leave(this);
    this.#settings.waiting.leave(this);
  }

  /** Check the deadlines; at most one is reported. */
  sweep(now: number): void {
    const { handshakeTimeout, idleTimeout, frameTimeout, lingerTimeout } = this.#settings.limits;
    if (this.#isFree) return;
    this.weigh();
    const left = this.#answering.readableLength + held(this.#stream);
    const activity = this.#bytesReceived + this.#answering.frames + this.bytesSent - left;
    const isActive = activity !== this.#activity || this.#answering.isBusy;
    this.#activity = activity;
    if (isActive) this.#idleSince = now;
    const { held: unfinished, frames, isBusy, isReady, isOver, writableLength } = this.#answering;
    // An unfinished frame that we do not read is not late; nor is one that waits for an earlier one.
    const isReading = !isBusy && this.#stopped === 0 && writableLength === 0;
    if (unfinished === 0 || frames !== this.#frames || !isReading) this.#frameSince = now;
    this.#frames = frames;
    if (isOver) {
      // The responder does this itself, unless the stream never reports its end.
      if (now - this.#idleSince >= 2 * lingerTimeout) this.#owner.struck('lingerTimeout', 'closed');
    } else if (!isReady && now - this.#openSince >= handshakeTimeout) {
      this.#owner.struck('handshakeTimeout', 'closed');
    } else if (now - this.#frameSince >= frameTimeout) {
      this.#owner.struck('frameTimeout', 'closed');
    } else if (now - this.#idleSince >= idleTimeout) {
      this.#owner.struck('idleTimeout', 'closed');
    }
  }

  /** Count held and waiting bytes; the budgets are for all connections together. */
  weigh(): void {
    const { limits, held: heldByAll, waiting: waitingForAll } = this.#settings;
    const { held, waiting } = this;
    // A session that is over gets no second farewell; it has `lingerTimeout`.
    const { isOver } = this.#answering;
    if (held !== this.#held) {
      this.#held = held;
      heldByAll.hold(this, held);
      if (held > limits.maxHeldBytes && !isOver) this.#owner.struck('maxHeldBytes', 'closed', held);
    }
    if (waiting !== this.#waiting) {
      this.#waiting = waiting;
      waitingForAll.hold(this, waiting);
      if (waiting > limits.maxWaitingBytes && !isOver)
        this.#owner.struck('maxWaitingBytes', 'closed', waiting);
    }
  }

  /** Part of `Holder`. */
  pause(paused: boolean, budget: ByteBudget): void {
    const isHeld = budget === this.#settings.held;
    const reason = isHeld ? HELD : WAITING;
    if (paused) {
      this.#stop(reason);
      this.#owner.struck(isHeld ? 'maxTotalHeldBytes' : 'maxTotalWaitingBytes', 'paused');
    } else {
      this.#go(reason);
    }
  }

  #take(chunk: Buffer): void {
    const hasRoom = this.#answering.write(chunk);
    this.#bytesReceived += chunk.length;
    // The answer may have been the last one of this protocol.
    if (this.#isFree) return;
    if (!hasRoom && (this.#stopped & FULL) === 0) {
      this.#stop(FULL);
      this.#onDrain ??= () => this.#go(FULL);
      this.#answering.once('drain', this.#onDrain);
    }
    this.weigh();
    if (this.#byteRate !== undefined) this.#pace(this.#byteRate, chunk.length, 'maxByteRate');
    if (this.#messageRate !== undefined) {
      const { frames } = this.#answering;
      this.#pace(this.#messageRate, frames - this.#counted, 'maxMessageRate');
      this.#counted = frames;
    }
  }

  #end(): void {
    this.#answering.end();
  }

  #pace(bucket: TokenBucket, count: number, limit: keyof ServerLimits): void {
    const now = performance.now();
    const wait = bucket.take(count, now);
    if (wait === 0) return;
    // A wait for the other bucket is checked when this one is over.
    if ((this.#stopped & RATE) === 0) this.#owner.struck(limit, 'paused');
    this.#stop(RATE);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#paced(), Math.min(wait, 2 ** 31 - 1));
  }

  /** A wait is over; frames read meanwhile, and the other bucket, may require another. */
  #paced(): void {
    const now = performance.now();
    const { frames } = this.#answering;
    const bytes = this.#byteRate?.take(0, now) ?? 0;
    const messages = this.#messageRate?.take(frames - this.#counted, now) ?? 0;
    this.#counted = frames;
    const wait = Math.max(bytes, messages);
    if (wait > 0) this.#timer = setTimeout(() => this.#paced(), wait);
    else this.#go(RATE);
  }

  #stop(reason: number): void {
    this.#stopped |= reason;
    this.#stream.pause();
  }

  #go(reason: number): void {
    this.#stopped &= ~reason;
    if (this.#stopped === 0 && !this.#isFree) this.#stream.resume();
  }
}
