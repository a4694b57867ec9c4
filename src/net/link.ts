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

/** Called when a connection reaches a limit: the connection has to be closed, or the link has paused it. */
export type OnLimit = (limit: keyof ServerLimits, action: 'closed' | 'paused', actual?: number) => void;

// Reasons for not reading.
const RATE = 1;
const HELD = 2;
const WAITING = 4;
const FLEET = 8;

/**
 * Holds one connection to its limits. It counts received bytes, and stops the stream while the peer exceeds its rates, or while
 * all connections together hold too much and it is not this one's turn.
 *
 *     stream ──pipe──▶ responder ──pipe──▶ stream
 *       └──'data'──▶ link
 *
 * Deadlines have no timers of their own: the server calls `sweep` for all its links from one. Once the stream is unpiped from the responder,
 * for another protocol, the link stops using it.
 */
export class Link {
  readonly #stream: Duplex;
  readonly #answering: Answering;
  readonly #settings: LinkSettings;
  readonly #onLimit: OnLimit;
  readonly #byteRate: TokenBucket | undefined;
  readonly #messageRate: TokenBucket | undefined;
  readonly #holder: Holder = { pause: (paused) => this.#inTurn(HELD, paused, 'maxTotalHeldBytes') };
  readonly #waiter: Holder = { pause: (paused) => this.#inTurn(WAITING, paused, 'maxTotalWaitingBytes') };
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
  /** The state at the last sweep, and since when. */
  #activity = -1;
  #frames = -1;
  readonly #openSince: number;
  #idleSince: number;
  #frameSince: number;

  /** @param now - milliseconds of the clock that `sweep` uses; the handshake counts from here */
  constructor(stream: Duplex, answering: Answering, settings: LinkSettings, now: number, onLimit: OnLimit) {
    this.#stream = stream;
    this.#answering = answering;
    this.#settings = settings;
    this.#onLimit = onLimit;
    this.#openSince = this.#idleSince = this.#frameSince = now;
    const { maxByteRate, maxMessageRate } = settings.limits;
    if (maxByteRate !== Infinity) this.#byteRate = new TokenBucket(maxByteRate, maxByteRate, now);
    if (maxMessageRate !== Infinity) this.#messageRate = new TokenBucket(maxMessageRate, maxMessageRate, now);
    const onData = (chunk: Buffer): void => this.#count(chunk.length);
    // A pipe resumes its source when its destination drains, even if other code has paused it.
    const onResume = (): void => {
      if (this.#stopped !== 0) stream.pause();
    };
    stream.pipe(answering);
    answering.outlet.lead(stream);
    answering.onUnsent = () => this.weigh();
    // Added after the pipe, so that bytes are counted once the responder has taken them.
    stream.on('data', onData).on('resume', onResume);
    answering.once('unpipe', () => {
      // Also at the end, of itself.
      if (answering.writableEnded) return;
      stream.off('data', onData).off('resume', onResume);
      this.#isFree = true;
      this.close();
    });
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
    this.#settings.held.leave(this.#holder);
    this.#settings.waiting.leave(this.#waiter);
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
      if (now - this.#idleSince >= 2 * lingerTimeout) this.#onLimit('lingerTimeout', 'closed');
    } else if (!isReady && now - this.#openSince >= handshakeTimeout) {
      this.#onLimit('handshakeTimeout', 'closed');
    } else if (now - this.#frameSince >= frameTimeout) {
      this.#onLimit('frameTimeout', 'closed');
    } else if (now - this.#idleSince >= idleTimeout) {
      this.#onLimit('idleTimeout', 'closed');
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
      heldByAll.hold(this.#holder, held);
      if (held > limits.maxHeldBytes && !isOver) this.#onLimit('maxHeldBytes', 'closed', held);
    }
    if (waiting !== this.#waiting) {
      this.#waiting = waiting;
      waitingForAll.hold(this.#waiter, waiting);
      if (waiting > limits.maxWaitingBytes && !isOver) this.#onLimit('maxWaitingBytes', 'closed', waiting);
    }
  }

  #count(bytes: number): void {
    this.#bytesReceived += bytes;
    this.weigh();
    if (this.#byteRate !== undefined) this.#pace(this.#byteRate, bytes, 'maxByteRate');
    if (this.#messageRate !== undefined) {
      const { frames } = this.#answering;
      this.#pace(this.#messageRate, frames - this.#counted, 'maxMessageRate');
      this.#counted = frames;
    }
  }

  #pace(bucket: TokenBucket, count: number, limit: keyof ServerLimits): void {
    const now = performance.now();
    const wait = bucket.take(count, now);
    if (wait === 0) return;
    // A wait for the other bucket is checked when this one is over.
    if ((this.#stopped & RATE) === 0) this.#onLimit(limit, 'paused');
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

  #inTurn(reason: number, paused: boolean, limit: keyof ServerLimits): void {
    if (!paused) {
      this.#go(reason);
      return;
    }
    this.#stop(reason);
    this.#onLimit(limit, 'paused');
  }

  #stop(reason: number): void {
    this.#stopped |= reason;
    this.#stream.pause();
  }

  #go(reason: number): void {
    this.#stopped &= ~reason;
    if (this.#stopped === 0) this.#stream.resume();
  }
}
