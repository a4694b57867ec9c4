import { FrameError } from '../errors.ts';
import { type Check, delay, MAX_DELAY, oneOf } from '../options.ts';
import type { StateLimits } from '../protocol/session/run.ts';
import { Timer } from './timer.ts';

/** How long a frame may take. */
export interface FrameTimes {
  /**
   * Milliseconds of silence, at least 2, that end an unfinished frame: it is dropped and reported, and the next byte begins a
   * frame. Silence does not end a frame whose length is known. Below about 20 ms, silence cannot be told from the delay of a busy
   * event loop. Default: silence ends nothing.
   */
  idleGap?: number | undefined;
  /** Milliseconds from a frame's first byte until it has to be complete. Default: no limit. */
  frameTimeout?: number | undefined;
  /**
   * What to do with a frame that takes longer: end the stream with an error, or drop its bytes, report it, and read on in step.
   * Default `'error'`.
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

/** The error for an unfinished frame of which `actual` bytes were received. */
export function lateFrame(text: string, limit: number, actual: number): FrameError {
  return new FrameError('ERR_FRAME_TIMEOUT', `${text}: ${actual} bytes of it have come`, { limit, actual });
}

/** Why silence dropped an unfinished frame. */
export function silentFrame(gap: number, actual: number): FrameError {
  return lateFrame(`${gap} ms of silence inside a frame`, gap, actual);
}

/** A limit on the time of a frame, and the function to call when a frame takes longer. */
export interface FrameWatch {
  /** Milliseconds; Infinity ends the watch. */
  readonly limit: number;
  /** Called when a frame is late. Returns whether it is given up: its bytes are then dropped. */
  late(): boolean;
}

/** Ends a watch. */
export const NO_WATCH: FrameWatch = { limit: Infinity, late: () => false };

/** The part of a running session that its time limits need: a run, or a conversation. */
export interface Limited {
  /** How often a state was entered: a change restarts the limits. */
  readonly entries: number;
  /** The limits of the state now; undefined if there are none, and at the end. */
  readonly deadline: StateLimits | undefined;
}

/** The stage that runs the session. */
export interface DeadlineKeeper {
  /** A limit of the state has passed. Returns whether it counts. */
  passed(kind: keyof StateLimits): boolean;
  /** Report from now on when a frame takes longer than that. */
  watchFrames(watch: FrameWatch): void;
}

/**
 * The timers of a session's state. Call `follow` for every step and `refresh` for every message.
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

  /** The entries that the timers run for; if the session has another number, `follow` is due. */
  get entries(): number {
    return this.#entries;
  }

  /** The session has taken a step: restart the timers if it has entered a state, stop them at its end. */
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

  /** Restart one timer, as after a limit that passed without a change of state. */
  start(kind: keyof StateLimits): void {
    const limit = this.#session.deadline?.[kind] ?? Infinity;
    if (limit === Infinity) return;
    if (kind === 'frame') {
      this.#watches = true;
      this.#keeper.watchFrames({ limit, late: () => this.#keeper.passed('frame') });
      return;
    }
    const make = (): Timer => new Timer(limit, () => this.#keeper.passed(kind)).unref();
    // A message may have restarted the timer while the handler of the limit was at work: there must not be two of them.
    if (kind === 'within') this.#within = renewed(this.#within, make);
    else this.#idle = renewed(this.#idle, make);
  }

  /** A message was received. */
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

function renewed(timer: Timer | undefined, make: () => Timer): Timer {
  timer?.refresh();
  return timer ?? make();
}

/** The timer of an incomplete frame. */
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
   * @param isNew - whether a frame was completed since the last call, so that this one is a new one
   */
  follow(isUnfinished: boolean, isNew: boolean): void {
    this.#isUnfinished = isUnfinished;
    if (!isUnfinished) {
      this.stop();
    } else if (this.#timer === undefined) {
      this.#timer = new Timer(this.#watch.limit, () => {
        this.#timer = undefined;
        // The limit does not count while the consumer is busy: check again later.
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
