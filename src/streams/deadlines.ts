import { FrameError } from '../errors.ts';
import { type Check, delay, MAX_DELAY, oneOf } from '../options.ts';
import type { StateLimits } from '../protocol/session/run.ts';
import { Timer } from './timer.ts';

/** How long a frame may take to come. */
export interface FrameTimes {
  /**
   * Milliseconds of silence, at least 2, that end what is unfinished: it is dropped and reported, and the next byte begins a
   * frame. Where the length of a frame is known it decides, and silence does not. Below about 20 ms a busy event loop cannot
   * tell silence from its own delay. Default: silence says nothing.
   */
  idleGap?: number | undefined;
  /** Milliseconds from a frame's first byte until it has to be complete. Default: as long as it takes. */
  frameTimeout?: number | undefined;
  /**
   * A frame that takes longer: an error that ends the stream, or drop what has come of it, report it, and read what comes next
   * in step. Default `'error'`.
   */
  onTimeout?: 'error' | 'discard' | undefined;
}

/** The checks of `FrameTimes`. */
export const FRAME_TIMES: Readonly<Record<keyof FrameTimes, Check>> = {
  idleGap: (name, value) => {
    if (typeof value === 'number' && value >= 2 && value <= MAX_DELAY) return;
    throw new RangeError(`${name} must be milliseconds from 2 to ${MAX_DELAY}, got ${String(value)}`);
  },
  frameTimeout: delay,
  onTimeout: oneOf('error', 'discard'),
};

/** The error of an unfinished frame of which `actual` bytes have come. */
export function lateFrame(text: string, limit: number, actual: number): FrameError {
  return new FrameError('ERR_FRAME_TIMEOUT', `${text}: ${actual} bytes of it have come`, { limit, actual });
}

/** Why silence dropped an unfinished frame. */
export function silentFrame(gap: number, actual: number): FrameError {
  return lateFrame(`${gap} ms of silence inside a frame`, gap, actual);
}

/** A limit on how long a frame may take to come, and what to call when it takes longer. */
export interface FrameWatch {
  /** Milliseconds; Infinity ends the watch. */
  readonly limit: number;
  /** Too late. Returns whether the frame is given up: what has come of it is dropped. */
  late(): boolean;
}

/** Ends a watch. */
export const NO_WATCH: FrameWatch = { limit: Infinity, late: () => false };

/** A session under way, as far as its limits of time go: a run, or a conversation. */
export interface Limited {
  /** How often a state was entered: a change starts the limits anew. */
  readonly entries: number;
  /** The limits of the state now; undefined where there are none, and at the end. */
  readonly deadline: StateLimits | undefined;
}

/** The stage that runs the session. */
export interface DeadlineKeeper {
  /** A limit of the state has passed. Returns whether it counts. */
  passed(kind: keyof StateLimits): boolean;
  /** Tell from now on when a frame takes longer than that. */
  watchFrames(watch: FrameWatch): void;
}

/**
 * The timers of a session's state. Tell it of every step (`follow`) and of every message (`refresh`).
 *
 *     within   from the entry into the state                        follow() starts it
 *     idle     from the entry, and from each message                refresh() starts it anew
 *     frame    from a frame's first byte, until it is complete      watched by the stage that reads frames
 */
export class Deadlines {
  readonly #session: Limited;
  readonly #keeper: DeadlineKeeper;
  #entries = 0;
  #within: Timer | undefined;
  #idle: Timer | undefined;
  #watches = false;

  constructor(session: Limited, keeper: DeadlineKeeper) {
    this.#session = session;
    this.#keeper = keeper;
  }

  /** The entries that the timers run for; where the session has another number, `follow` is due. */
  get entries(): number {
    return this.#entries;
  }

  /** The session has taken a step: start the timers anew where it has entered a state, stop them at its end. */
  follow(): void {
    const { entries, deadline } = this.#session;
    if (entries === this.#entries && deadline !== undefined) return;
    this.#entries = entries;
    this.stop();
    if (deadline === undefined) return;
    this.start('within');
    this.start('idle');
    this.start('frame');
  }

  /** Start one of them anew, as after a limit that passed and left the state as it is. */
  start(kind: keyof StateLimits): void {
    const limit = this.#session.deadline?.[kind] ?? Infinity;
    if (limit === Infinity) return;
    if (kind === 'frame') {
      this.#watches = true;
      this.#keeper.watchFrames({ limit, late: () => this.#keeper.passed('frame') });
      return;
    }
    const timer = new Timer(limit, () => this.#keeper.passed(kind)).unref();
    if (kind === 'within') this.#within = timer;
    else this.#idle = timer;
  }

  /** A message has come. */
  refresh(): void {
    this.#idle?.refresh();
  }

  stop(): void {
    this.#within?.stop();
    this.#idle?.stop();
    this.#within = this.#idle = undefined;
    if (this.#watches) this.#keeper.watchFrames(NO_WATCH);
    this.#watches = false;
  }
}

/** The timer of a frame that has begun to come. */
export class FrameTimer {
  readonly #watch: FrameWatch;
  #isUnfinished = false;
  #timer: Timer | undefined;

  constructor(watch: FrameWatch) {
    this.#watch = watch;
  }

  /**
   * All complete frames have been taken.
   * @param isUnfinished - whether bytes of an incomplete frame are held
   * @param isNew - whether a frame was completed since the last call, so that this one has begun since
   */
  follow(isUnfinished: boolean, isNew: boolean): void {
    this.#isUnfinished = isUnfinished;
    if (!isUnfinished) {
      this.stop();
    } else if (this.#timer === undefined) {
      this.#timer = new Timer(this.#watch.limit, () => {
        this.#timer = undefined;
        // It does not count while the consumer is busy: ask again later.
        if (!this.#watch.late() && this.#isUnfinished) this.follow(true, false);
      }).unref();
    } else if (isNew) {
      this.#timer.refresh();
    }
  }

  stop(): void {
    this.#isUnfinished = false;
    this.#timer?.stop();
    this.#timer = undefined;
  }
}
