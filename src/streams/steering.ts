import type { Codec } from '../protocol/codec.ts';
import type { Framing } from '../protocol/framing/framing.ts';
import type { Line } from '../protocol/session/line.ts';

/** A session, as the stages that read for it know it. */
export interface Steered {
  readonly line: Line;
  /** Input is read in the same way until the end. */
  readonly isSettled: boolean;
  readonly upgrade: string | undefined;
}

/** A stage between the frame decoder and the session. */
export interface Between {
  readonly writableLength: number;
  readonly readableLength: number;
}

/**
 * How a session decides what is read next, if its states have framings or codecs of their own. The frame decoder gives one frame,
 * and the next one only when the session has taken the first:
 *
 *     FrameDecoder ──frame──▶ MessageDecoder ──message──▶ StateMachine
 *        ▲ framing                ▲ codec                    │ state
 *        └────────────────────────┴──────────────────────────┘
 */
export class Steering {
  /** Whether the frame decoder is steered: all stages between it and the session have passed this on. */
  isComplete = false;
  readonly #session: Steered;
  readonly #mayUpgrade: boolean;
  readonly #last: Between;
  readonly #between: Between[] = [];
  #waiting: (() => void) | undefined;

  /**
   * @param mayUpgrade - whether the session may continue with another protocol after any message
   * @param last - the session's stage: its answers may wait for their consumer
   */
  constructor(session: Steered, mayUpgrade: boolean, last: Between) {
    this.#session = session;
    this.#mayUpgrade = mayUpgrade;
    this.#last = last;
  }

  /** The framing of the next input, if the state has one. */
  get framing(): Framing | undefined {
    return this.#session.line.reads as Framing | undefined;
  }

  /** The codec of the next messages, if the state has one. */
  // biome-ignore lint/suspicious/noExplicitAny: the messages of a state are its own
  get codec(): Codec<any, never> | undefined {
    return this.#session.line.receives;
  }

  /** Whether frames may be read ahead. */
  get isSettled(): boolean {
    return this.#session.isSettled && !this.#mayUpgrade;
  }

  /** Whether nothing more is read: the connection continues with another protocol. */
  get isOver(): boolean {
    return this.#session.upgrade !== undefined;
  }

  /** Whether the session has taken everything it was given. */
  get isIdle(): boolean {
    return this.#between.every(
      (stage) => stage.writableLength === 0 && (stage === this.#last || stage.readableLength === 0),
    );
  }

  /** A stage that has to be empty before the next frame: the session's stage, and those before it. */
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
