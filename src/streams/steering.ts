import type { Codec } from '../protocol/codec.ts';
import type { Framing } from '../protocol/framing/framing.ts';
import type { Line } from '../protocol/session/line.ts';

/** A session, as what reads for it knows it. */
export interface Steered {
  readonly line: Line;
  /** What comes is read in the same way until the end. */
  readonly isSettled: boolean;
  readonly upgrade: string | undefined;
}

/** A stage between the decoder of frames and the session. */
export interface Between {
  readonly writableLength: number;
  readonly readableLength: number;
}

/**
 * How a session decides what is read next, where its states have framings or codecs of their own. The decoder of frames gives one
 * frame, and the next one only when the session has taken the first:
 *
 *     FrameDecoder ──frame──▶ MessageDecoder ──message──▶ StateMachine
 *        ▲ framing                ▲ codec                    │ state
 *        └────────────────────────┴──────────────────────────┘
 */
export class Steering {
  /** Whether the decoder of frames is steered: all stages between it and the session have passed this on. */
  isComplete = false;
  readonly #session: Steered;
  readonly #mayUpgrade: boolean;
  readonly #between: Between[] = [];
  #waiting: (() => void) | undefined;

  /** @param mayUpgrade - whether the session may go on with another protocol behind any message */
  constructor(session: Steered, mayUpgrade: boolean) {
    this.#session = session;
    this.#mayUpgrade = mayUpgrade;
  }

  /** The framing of what comes next, where the state has one. */
  get framing(): Framing | undefined {
    return this.#session.line.reads as Framing | undefined;
  }

  /** The codec of what comes next, where the state has one. */
  // biome-ignore lint/suspicious/noExplicitAny: the messages of a state are its own
  get codec(): Codec<any, never> | undefined {
    return this.#session.line.receives;
  }

  /** Whether frames may be read ahead. */
  get isSettled(): boolean {
    return this.#session.isSettled && !this.#mayUpgrade;
  }

  /** Whether nothing is read any more: the connection goes on with another protocol. */
  get isOver(): boolean {
    return this.#session.upgrade !== undefined;
  }

  /** Whether the session has taken all that was given. */
  get isIdle(): boolean {
    return this.#between.every((stage) => stage.writableLength === 0 && stage.readableLength === 0);
  }

  /** A stage that has to be empty before the next frame: the session's, and those before it. */
  add(stage: Between): void {
    if (!this.#between.includes(stage)) this.#between.push(stage);
  }

  /** Called when the session has taken a message. */
  wait(goOn: () => void): void {
    this.#waiting = goOn;
  }

  /** The session may be idle by the end of this turn. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    process.nextTick(waiting);
  }
}
