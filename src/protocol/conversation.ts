import { asError } from '../bytes/show.ts';
import { type FrameError, StateError } from '../errors.ts';
import type { Codec } from './codec.ts';
import { decodeFrame, placed } from './decode-frame.ts';
import { fromClient, fromServer, refusalOf } from './direction.ts';
import type { FrameBatch, Framing } from './framing/framing.ts';
import { AT_ONCE, Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { requireProtocol, type ServerProtocol } from './protocol.ts';
import { ANSWERED, NOT_ASKED } from './session/ask.ts';
import type { ConnectionInfo, Said, Tagged } from './session/declaration.ts';
import type { Line } from './session/line.ts';
import type { Run, StateLimits, Step } from './session/run.ts';

/** Called when something happens in a session. If a function throws, the conversation ends with that error. */
export interface ConversationObserver {
  /** A message was received, and is about to be handled in that state. */
  message(message: unknown, state: string): void;
  /** False if `message` need not be called now; it is read before a number of messages are handled. Default true. */
  readonly seesMessages?: boolean;
  /** Another state was entered. */
  transition(from: string, to: string): void;
  /** With `onInvalid: 'discard'`: a frame is not a message, and is skipped. The frame is a view: copy it to keep it. */
  invalid?(error: Error, frame: Buffer): void;
  /** Called for bytes that the framing skips, as in `FrameReader`. It is read anew each time. */
  readonly onDiscard?: ((error: FrameError) => void) | undefined;
}

export interface ConversationOptions {
  /**
   * What to do with a frame that is not a message: end the session with an error, or skip it, count it, and read on. Default
   * `'error'`.
   */
  onInvalid?: 'error' | 'discard' | undefined;
}

/** Counts of what was received on a connection. */
export interface ReadCounts {
  /** Messages that were taken, plus frames that were not messages. */
  readonly frames: number;
  /** Frames that were not messages and were skipped. */
  readonly invalid: number;
  /** Frames that the framing skipped. */
  readonly discarded: number;
  /** Bytes outside of frames that the framing skipped. */
  readonly noise: number;
}

/** The connection goes on with another protocol. */
export interface Upgrade {
  /** The name that the reply gave it. */
  readonly name: string;
  /** The bytes that follow the message which asked for the upgrade; they were not read. */
  readonly unread: Buffer;
}

/** Messages taken at once at first, before the length of their answers is known. */
const FIRST = 4;

/**
 * One side of a connection, without a stream, a socket, a timer or a clock: bytes in, bytes out.
 *
 *     receive(bytes) ──▶ frames ──▶ messages ──▶ session ──▶ answers, framed ──▶ take()
 *
 * It does what the four stages do under `pipeline`, and what `createServer` does for each connection: the same bytes and the same
 * error, however the input is cut. For tools, tests, and transports that are not a Duplex.
 *
 * Call `take` after each event until it returns undefined. Then look at `settled()` (a handler has not answered yet), at
 * `isPaused` (call `take` again in a later turn of the event loop), at `upgrade` (the connection continues with another protocol)
 * and at `final` (nothing follows: end the sending side).
 *
 * @example
 * const conversation = new Conversation(drone);
 * conversation.receive(Buffer.from([7, 0, 0, 0, 2, 5, 72, 69, 76, 76, 79])); // write HELLO
 * conversation.take(); // <Buffer 09 00 00 00 80 07 41 55 54 48 5f 4f 4b>: ok AUTH_OK
 * conversation.take(); // undefined
 */
export class Conversation<
  Received,
  Sent,
  State extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: a tool need not know what the handlers keep
  Context = any,
> {
  /** Called with messages and transitions. */
  observer: ConversationObserver | undefined;
  /** Called when a handler has answered, or a generator has more: `take` then has more to give. */
  onAnswers: (() => void) | undefined;
  readonly #run: Run<Received, Sent, State, Context>;
  readonly #protocol: ServerProtocol<Received, Sent, State, Context>;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox<Sent>;
  /** The codec of the messages received in this state. */
  #codec: Codec<Received>;
  /** The current batch: frames, or the messages of frames that were decoded in one pass. */
  #frames: FrameBatch | undefined;
  #messages: readonly Received[] | undefined;
  /** How many of the current batch were taken; without a batch, of the last one. */
  #index = 0;
  /** Messages taken before their answers are written. Few if the answers are long, since answers wait in memory. */
  #atOnce = FIRST;
  /** True while handlers are called. */
  #isAsking = false;
  /** True if the state just entered has a framing or codec of its own. */
  #isTurning = false;
  /** The message that waits for handlers at work. */
  #message: Received | undefined;
  /** The error that follows the messages taken before it. */
  #fault: Error | undefined;
  /** Sent before all answers: the preface. Sent after them: the refusal of another preface. */
  #opening: Buffer | undefined;
  #closing: Buffer | undefined;
  /** The bytes that follow the message which asked for an upgrade. */
  #unread: Buffer[] | undefined;
  /** Gives the last messages of a session that we end ourselves; set once `leave` is called. */
  #lastWords: ((context: Context) => Said<Sent>) | undefined;
  /** Why an answer could not be written; nothing is sent after it. */
  #refused: Error | undefined;
  #taken = 0;
  readonly #discards: boolean;
  /** Frames that were skipped. */
  #invalid = 0;
  /** Timers to start and to cancel, from steps that were taken. */
  #timers: Map<string, number | null> | undefined;
  #observed: State;
  /** Created when a handler first answers later. */
  #notify: (() => void) | undefined;
  #settled: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /**
   * @param context - what the handlers share; replaces the value that the session's `context` would create
   * @param connection - passed to the session's `context`
   */
  constructor(
    protocol: ServerProtocol<Received, Sent, State, Context>,
    context?: Context,
    connection?: ConnectionInfo,
    { onInvalid = 'error' }: ConversationOptions = {},
  ) {
    requireProtocol(protocol);
    this.#discards = onInvalid === 'discard';
    const run = protocol.session.start(context, connection);
    this.#run = run;
    this.#observed = run.state;
    this.#protocol = protocol;
    const received = fromClient(protocol);
    const sent = fromServer(protocol);
    this.#opening = sent.preface;
    const { reads, writes = sent.framing, receives, sends } = run.line as StateLine;
    this.#codec = receives ?? received.messages;
    this.#inbox = new Inbox(received, reads, this);
    this.#outbox = new Outbox(sends ?? sent.messages, writes.writer());
    for (const message of run.greeting) this.#outbox.messages.push(message);
    run.onLine = (before) => this.#turnOutput(before);
  }

  /** The session's state. */
  get state(): State {
    return this.#run.state;
  }

  /** What the handlers of this connection share. */
  get context(): Context {
    return this.#run.context;
  }

  /**
   * The error that ended the session, from the peer or from our own code: the first in the order of the bytes sent. The bytes
   * that `take` gives end with the answers before it, and the farewell.
   */
  get error(): Error | undefined {
    return this.#refused ?? this.#run.error;
  }

  /** Whether nothing follows the bytes that `take` still gives. Then end the sending side, and discard any input. */
  get final(): boolean {
    return this.#run.final || this.#refused !== undefined;
  }

  /** Whether the handshake is over: the session has reached the state that it declares as `ready`. */
  get isReady(): boolean {
    return this.#run.ready;
  }

  /** Whether no message is taken until a handler has answered. */
  get isBusy(): boolean {
    // An answer that a handler still gives would not be sent.
    if (this.#refused !== undefined) return false;
    const { busy, working } = this.#run;
    const isHeld = this.#message !== undefined || this.#fault !== undefined || this.#inbox.isOver;
    return busy || (working && isHeld);
  }

  /** Whether any handler is at work, so that silence is not the peer's fault. */
  get isWorking(): boolean {
    return this.#run.working;
  }

  /** How many times a state was entered: a change restarts the time limits. */
  get entries(): number {
    return this.#run.entries;
  }

  /** The time limits of the state in milliseconds; undefined if it has none, and at the end. The caller keeps the clock. */
  get deadline(): StateLimits | undefined {
    return this.final ? undefined : this.#run.deadline;
  }

  /**
   * The protocol that the connection continues with, once a reply has named one: no more input is read. When `take` has given all
   * bytes, the connection and the unread bytes belong to another owner.
   */
  get upgrade(): Upgrade | undefined {
    const unread = this.final ? undefined : this.#unread;
    return unread && { name: this.#run.upgrade!, unread: Buffer.concat(unread) };
  }

  /** Counts of what was received. */
  get counts(): ReadCounts {
    const { discarded, noise } = this.#inbox;
    return { frames: this.#taken + this.#invalid, invalid: this.#invalid, discarded, noise };
  }

  /** Messages taken so far: a change restarts the limits `idle` and `frame`. */
  get taken(): number {
    return this.#taken;
  }

  /** Frames that have come, however they were read: messages, those that are left out, and those that the framing has skipped. */
  get frames(): number {
    return this.#taken + this.#invalid + this.#inbox.discarded;
  }

  /** Received bytes that belong to no message taken yet; after an upgrade, those that wait for the next owner; at the end, none. */
  get held(): number {
    const inbox = this.#inbox;
    // A message that waits for handlers at work is not taken yet.
    const index = this.#message === undefined ? this.#index : this.#index - 1;
    const frames = this.#frames;
    if (frames !== undefined && index === 0) return inbox.held + frames.runEnd - frames.runStart;
    if (index < (this.#messages?.length ?? frames?.count ?? 0)) return inbox.heldAfter(index);
    let { held } = inbox;
    for (const bytes of this.#unread ?? NONE) held += bytes.length;
    return held;
  }

  /** Whether the last frame is incomplete: the limit `frame` runs. */
  get isInsideFrame(): boolean {
    return this.#inbox.isInsideFrame;
  }

  /**
   * Whether skipping noise took so much work that the rest of the input should be read in a later turn of the event loop: call
   * `take` again then.
   */
  get isPaused(): boolean {
    return !this.final && this.#inbox.isPaused;
  }

  /** Messages sent or answered that `take` has not given yet. */
  get unsent(): number {
    return this.#outbox.unsent;
  }

  /** About how many bytes the messages hold that are not written yet. */
  get unsentBytes(): number {
    return this.#outbox.unsentBytes;
  }

  /** Process received bytes. While `settled()` gives a promise they are held: stop reading then. */
  receive(chunk: Uint8Array): void {
    if (this.final) return;
    if (this.#unread === undefined) this.#inbox.receive(chunk);
    else this.#unread.push(Buffer.from(chunk));
  }

  /** The peer has ended its sending side. */
  ended(): void {
    this.#inbox.ended();
  }

  /** Whether the length of the unfinished frame is known. Then silence does not end the frame. */
  get isMeasured(): boolean {
    return this.#inbox.isMeasured;
  }

  /** Silence ends the unfinished frame: its bytes are dropped, and the next byte starts a frame. */
  silence(): void {
    if (!this.final && !this.isMeasured) this.#inbox.giveUp();
  }

  /**
   * A time limit of the state has passed. `idle` does not count while handlers are at work; `frame` does not count while no input
   * is read.
   */
  timeout(kind: keyof StateLimits): void {
    const run = this.#run;
    if (this.final || (kind === 'idle' && run.working) || (kind === 'frame' && run.busy)) return;
    if (kind === 'frame') this.#inbox.giveUp();
    this.#await(this.#asking(() => run.timeout(kind, this.#outbox.messages)));
  }

  /** Named timers to start (in milliseconds) and to cancel (null) since the last call; undefined if there are none. */
  takeTimers(): ReadonlyMap<string, number | null> | undefined {
    const changes = this.#timers;
    this.#timers = undefined;
    const later = this.#run.takeTimers();
    return changes === undefined || later === undefined
      ? (later ?? changes)
      : new Map([...changes, ...later]);
  }

  /** A named timer has expired. */
  expire(name: string): void {
    if (!this.final) this.#await(this.#asking(() => this.#run.expire(name, this.#outbox.messages)));
  }

  /** End the session for a reason outside its messages; the farewell is sent. No effect once the session is over. */
  abort(error: Error): void {
    if (!this.final) this.#append(this.#asking(() => this.#run.fault(error)));
  }

  /** End the session without an error: received messages are answered first, then `say` gives the last messages. */
  leave(say: (context: Context) => Said<Sent> = () => undefined): void {
    this.#lastWords ??= say;
  }

  /** The connection is over: call the session's `dispose`, once. Returns the error if that failed. */
  dispose(reason?: Error): Error | undefined {
    return this.#run.dispose(reason);
  }

  /**
   * Send a message that is not an answer, after the answers so far.
   *
   * @throws StateError (`origin: 'local'`) when the state does not allow it; nothing is sent, the conversation goes on
   */
  send(message: Sent): void {
    if (this.#refused !== undefined) {
      const text = 'nothing can be sent: an answer before it could not be written';
      const details = { origin: 'local', state: this.state, cause: this.#refused } as const;
      throw new StateError('ERR_STATE_CLOSED', text, details);
    }
    this.#run.send(message);
    this.#outbox.messages.push(message);
  }

  /** A promise for the next answers of the handlers at work: `take` has more once it is fulfilled. It is never rejected. */
  settled(): Promise<void> | undefined {
    if (!this.#run.working || this.#refused !== undefined) return undefined;
    if (this.#settled === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#settled = { promise, resolve };
    }
    return this.#settled.promise;
  }

  /**
   * The next bytes to send: up to 68 KiB, or one longer frame. Undefined if there are none for now, and to a handler that calls it.
   *
   * @param isPrivate - whether only the system will read the bytes. Then they may lie in memory that connections share
   */
  take(isPrivate = false): Buffer | undefined {
    // The answer of the handler that calls this comes first.
    if (this.#isAsking) return undefined;
    const outbox = this.#outbox;
    do {
      if (outbox.messages.length === 0) continue;
      if (!this.#write()) {
        this.#atOnce = Math.max(1, this.#atOnce >> 1);
        break;
      }
      if (this.#atOnce < AT_ONCE) this.#atOnce *= 2;
    } while (this.#advance());
    if (this.#opening !== undefined) {
      const preface = this.#opening;
      this.#opening = undefined;
      return preface;
    }
    const bytes = outbox.take(isPrivate);
    if (bytes !== undefined) return bytes;
    const refusal = this.#closing;
    this.#closing = undefined;
    return refusal;
  }

  /** Report whether no consumer still has a view of the bytes taken last: then their memory is reused. */
  given(isFree: boolean): void {
    this.#outbox.given(isFree);
  }

  /** Write the answers; false if the packer is full, or if an answer is refused. */
  #write(): boolean {
    if (this.#refused !== undefined) return false;
    try {
      return this.#outbox.write();
    } catch (error) {
      this.#refused = asError(error);
      this.#forget();
      return false;
    }
  }

  /** Take the next step; false if there is none to take now. */
  #advance(): boolean {
    const run = this.#run;
    if (this.#refused !== undefined) return false;
    if (run.state !== this.#observed) this.#observe();
    // There is room: generators may continue.
    run.more();
    if (run.busy) return false;
    if (run.final) {
      this.#forget();
      return false;
    }
    if (run.upgrade !== undefined) {
      this.#leave();
      return false;
    }
    if (this.#isTurning) this.#turnInput();
    if (this.#frames !== undefined || this.#messages !== undefined || this.#message !== undefined) {
      return this.#asking(() => this.#answer());
    }
    if (this.#fault !== undefined) return this.#settleWith(() => this.#break(this.#fault!));
    const inbox = this.#inbox;
    if (inbox.hasMore) {
      this.#index = 0;
      this.#messages = run.isSettled ? inbox.decode(this.#codec) : undefined;
      if (this.#messages !== undefined) return true;
      this.#frames = inbox.read(run.isSettled);
      if (this.#frames !== undefined) return true;
      this.#fault = inbox.error;
      if (this.#fault !== undefined) return this.#settleWith(() => this.#break(this.#fault!));
      if (inbox.isPaused) return false;
      if (inbox.isOver) return this.#settleWith(() => run.ended());
    }
    const say = this.#lastWords;
    return say !== undefined && this.#settleWith(() => run.leave(say));
  }

  /** Answer the next messages; false if all handlers at work have to answer first. */
  #answer(): boolean {
    const run = this.#run;
    const answers = this.#outbox.messages;
    const count = this.#messages?.length ?? this.#frames?.count ?? 0;
    const to = Math.min(count, this.#index + this.#atOnce);
    while (
      !(run.final || run.busy || run.upgrade !== undefined || this.#isTurning) &&
      (this.#message !== undefined || this.#index < to)
    ) {
      // A message may have many answers, which are written, as far as there is room, before the next message is taken.
      if (answers.length >= this.#atOnce) break;
      if (this.#message === undefined && this.#answerUsual(to)) continue;
      let message = this.#message;
      this.#message = undefined;
      try {
        message ??= this.#next();
      } catch (error) {
        this.#refuse(error as Error, to);
        continue;
      }
      if (run.working && run.mustWait(message)) {
        this.#message = message;
        // The answers before it do not wait.
        return answers.length > 0;
      }
      this.#taken++;
      this.observer?.message(message, run.state);
      this.#followUp(run.receiveInto(message, answers));
    }
    // An idle connection must not hold on to its last chunk.
    if (this.#index >= count) this.#frames = this.#messages = undefined;
    return true;
  }

  /** The next message of the batch. Throws if its frame is not a message. */
  #next(): Received {
    const index = this.#index++;
    return this.#messages === undefined
      ? decodeFrame(this.#codec, this.#frames!, index)
      : this.#messages[index]!;
  }

  /**
   * Answer the next messages as long as each has the usual reply: a short loop, for it is most of what a busy connection costs. False
   * if it took none. It leaves to its caller a codec that decodes nothing, and a message that takes more (`#message`).
   */
  #answerUsual(to: number): boolean {
    const run = this.#run;
    const { ask, context } = run;
    if (ask === undefined || this.#isSeen) return false;
    const messages = this.#messages;
    const frames = this.#frames!;
    const answers = this.#outbox.messages;
    const before = this.#index;
    while (this.#index < to && answers.length < this.#atOnce) {
      let message: Received;
      if (messages !== undefined) {
        message = messages[this.#index]!;
      } else {
        const { bytes, bounds } = frames;
        try {
          message = this.#codec.decode(bytes, bounds[2 * this.#index]!, bounds[2 * this.#index + 1]!);
        } catch (thrown) {
          this.#refuse(placed(thrown, frames, this.#index++), to);
          if (run.final) break;
          continue;
        }
        if (message == null) break;
      }
      this.#index++;
      this.#taken++;
      const type = (message as Partial<Tagged>).type as string;
      let reply: unknown;
      try {
        reply = ask(message, type, context, answers);
      } catch (cause) {
        run.broke(cause, type, answers);
        break;
      }
      if (reply === ANSWERED && !run.final) continue;
      if (reply === NOT_ASKED) {
        this.#taken--;
        this.#message = message;
      } else {
        this.#followUp(run.heed(reply, type, answers));
      }
      break;
    }
    return this.#index > before;
  }

  /** The frame just read is no message: it is left out, or the input ends with it. */
  #refuse(error: Error, to: number): void {
    if (this.#discards && this.#leaveOut(error, this.#frames!, this.#index - 1)) return;
    this.#fault ??= error;
    this.#index = to;
    this.#frames = undefined;
  }

  /** Whether the observer is called for each message. */
  get #isSeen(): boolean {
    return this.observer !== undefined && this.observer.seesMessages !== false;
  }

  /** After a message: follow the handler that is still at work, and report another state. */
  #followUp(pending: Promise<void> | undefined): void {
    if (pending !== undefined) this.#follow(pending);
    if (this.#run.state !== this.#observed) this.#observe();
  }

  /** Report a frame that is not a message. False if that fails; the failure is then the fault. */
  #leaveOut(error: Error, { bytes, bounds }: FrameBatch, index: number): boolean {
    this.#invalid++;
    try {
      this.observer?.invalid?.(error, bytes.subarray(bounds[2 * index], bounds[2 * index + 1]));
      return true;
    } catch (thrown) {
      this.#fault = asError(thrown);
      return false;
    }
  }

  /** Take a last step, once the handlers at work have answered. */
  #settleWith(step: () => Step<Sent, State>): boolean {
    if (this.#run.working) return false;
    this.#append(this.#asking(step));
    return true;
  }

  /** Call handlers: until they have returned, `take` gives nothing. */
  #asking<T>(call: () => T): T {
    const wasAsking = this.#isAsking;
    this.#isAsking = true;
    try {
      return call();
    } finally {
      this.#isAsking = wasAsking;
    }
  }

  #append({ answers }: Step<Sent, State>): void {
    for (const answer of answers) this.#outbox.messages.push(answer);
  }

  /** Keep the timers of a step once its handler has answered. */
  #await(step: Step<Sent, State> | Promise<Step<Sent, State>>): void {
    if (!(step instanceof Promise)) this.#note(step);
    else this.#follow(step.then((late) => this.#note(late)));
  }

  #note({ timers }: Step<Sent, State>): void {
    if (timers !== undefined) this.#timers = new Map([...(this.#timers ?? NONE), ...Object.entries(timers)]);
  }

  /** Notify when a handler has answered, and when a generator has more. */
  #follow(pending: Promise<unknown>): void {
    this.#notify ??= () => {
      this.#settled?.resolve();
      this.#settled = undefined;
      this.onAnswers?.();
    };
    this.#run.onAnswers ??= this.#notify;
    void pending.then(this.#notify);
  }

  #observe(): void {
    const from = this.#observed;
    this.#observed = this.#run.state;
    this.observer?.transition(from, this.#observed);
  }

  /** Take the step for an error in the input. */
  #break(fault: Error): Step<Sent, State> {
    const step = this.#run.fault(fault);
    const refusal = refusalOf(this.#protocol);
    if (refusal === undefined || (fault as Partial<FrameError>).code !== 'ERR_FRAME_PREFACE') return step;
    // The peer speaks another protocol and would not understand the farewell.
    this.#closing = refusal;
    return { ...step, answers: NONE };
  }

  /** A state was entered: the answers after the first `before` use its framing and codec. */
  #turnOutput(before: number): void {
    const sent = fromServer(this.#protocol);
    const { writes = sent.framing, sends } = this.#run.line as StateLine;
    this.#outbox.change(before, sends ?? sent.messages, writes.writer());
    this.#isTurning = true;
  }

  /** Read the input that was not taken yet with the framing and the codec of the state. */
  #turnInput(): void {
    this.#isTurning = false;
    const received = fromClient(this.#protocol);
    const { reads = received.framing, receives } = this.#run.line as StateLine;
    this.#codec = receives ?? received.messages;
    if (this.#inbox.change(reads, this.#index)) this.#frames = undefined;
  }

  /** Stop reading: keep the received bytes for the next owner of the connection. */
  #leave(): void {
    if (this.#unread !== undefined) return;
    if (this.#message !== undefined) {
      // It waits for handlers at work, and is not taken yet.
      this.#message = undefined;
      this.#index--;
    }
    this.#unread = [this.#inbox.leave(this.#index, this.#frames)];
    this.#frames = this.#messages = undefined;
  }

  /** Drop the received bytes, and messages that cannot be sent any more. */
  #forget(): void {
    this.#frames = this.#messages = this.#message = this.#unread = undefined;
    this.#inbox.forget();
    this.#outbox.forget();
  }
}

const NONE: readonly never[] = [];

/** The line of a state, with the parts that a session passes on unread. */
interface StateLine extends Line {
  readonly reads: Framing | undefined;
  readonly writes: Framing | undefined;
}
