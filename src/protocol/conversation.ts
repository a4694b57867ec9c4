import { asError } from '../bytes/show.ts';
import { weigh } from '../bytes/weigh.ts';
import { StateError } from '../errors.ts';
import { decodeFrame } from './decode-frame.ts';
import { type FrameBatch, type FrameReader, type FrameWriter, VAIN_BYTES_A_TURN } from './framing/framing.ts';
import { Packer } from './packer.ts';
import type { Protocol } from './protocol.ts';
import type { ConnectionInfo, Said } from './session/declaration.ts';
import type { Run, StateLimits, Step } from './session/run.ts';

/** Messages that are answered and gone before the next ones are read: a collection of garbage copies all that live. */
const AT_ONCE = 64;

/** Told what happens in a session. What it throws ends the conversation. */
export interface ConversationObserver {
  /** A message has come, and is about to be answered in that state. */
  message(message: unknown, state: string): void;
  /** Another state was entered. */
  transition(from: string, to: string): void;
}

/**
 * One side of a connection, without a stream, a socket, a timer or a clock: bytes in, bytes out.
 *
 *     receive(bytes) ──▶ frames ──▶ messages ──▶ session ──▶ answers, framed ──▶ take()
 *
 * It does what the four stages do under `pipeline`, and what `createServer` does for each connection: for every way of
 * cutting the input the same bytes and the same error. For tools, tests, and transports that are no Duplex.
 *
 * Call `take` after each event, until it answers undefined. Then look at `settled()` (a handler has not answered yet), at
 * `isPaused` (call `take` again in a later turn) and at `final` (nothing follows: end the sending side).
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
  /** Told of messages and transitions. */
  observer: ConversationObserver | undefined;
  /** Called when a handler has answered, or a generator has more: `take` has something new. */
  onAnswers: (() => void) | undefined;
  readonly #protocol: Protocol<Received, Sent, State, Context>;
  readonly #run: Run<Received, Sent, State, Context>;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  /** Made with the first answer. */
  #packer: Packer | undefined;
  /** Chunks that wait until the reader has given all frames of the ones before. */
  #chunks: Uint8Array[] | undefined;
  /** The reader has given all frames of what it was pushed. */
  #isDrained = true;
  #batch: FrameBatch | undefined;
  #index = 0;
  /** The message that waits for the handlers at work. */
  #message: Received | undefined;
  /** What broke the protocol, behind the messages before it. */
  #fault: Error | undefined;
  /** Answers not written yet, from `#written` on. A pending handler will append to this very array. */
  readonly #answers: Sent[] = [];
  #written = 0;
  /** The answers up to here have been weighed; those not written yet hold about so many bytes. */
  #weighed = 0;
  #weight = 0;
  /** The peer's side: `ending` until all before the end has been read. */
  #input: 'open' | 'ending' | 'ended' = 'open';
  /** What is said before we end the session ourselves; set once that is asked for. */
  #lastWords: ((context: Context) => Said<Sent>) | undefined;
  /** Why an answer could not be written: nothing follows it. */
  #refused: Error | undefined;
  #taken = 0;
  /** Timers to start and to cancel, of steps that were taken. */
  #timers: Map<string, number | null> | undefined;
  #observed: State;
  /** Made when a handler first takes its time. */
  #notify: (() => void) | undefined;
  #settled: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /**
   * @param context - what the handlers share, in place of what the session's `context` makes
   * @param connection - what the session's `context` is made of
   */
  constructor(
    protocol: Protocol<Received, Sent, State, Context>,
    context?: Context,
    connection?: ConnectionInfo,
  ) {
    this.#protocol = protocol;
    this.#run = protocol.session.start(context, connection);
    this.#observed = this.#run.state;
    this.#reader = protocol.framing.reader({ pauseAfter: VAIN_BYTES_A_TURN });
    this.#writer = protocol.framing.writer();
    for (const message of this.#run.greeting) this.#answers.push(message);
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
   * What broke the protocol, or failed in our own code: the first of it, in the order of what is sent. The bytes that `take`
   * gives end with what was answered before, and the farewell.
   */
  get error(): Error | undefined {
    return this.#refused ?? this.#run.error;
  }

  /** Whether nothing follows what `take` still gives: then end the sending side, and discard what comes. */
  get final(): boolean {
    return this.#run.final || this.#refused !== undefined;
  }

  /** Whether the handshake is over: the state that the session declares as `ready` has been reached. */
  get isReady(): boolean {
    return this.#run.ready;
  }

  /** Whether nothing more is taken until a handler has answered. */
  get isBusy(): boolean {
    const { busy, working } = this.#run;
    const isHeld = this.#message !== undefined || this.#fault !== undefined || this.#input === 'ended';
    return busy || (working && isHeld);
  }

  /** Whether any handler is at work: then the peer's silence is ours. */
  get isWorking(): boolean {
    return this.#run.working;
  }

  /** How often a state was entered: a change starts the limits of time anew. */
  get entries(): number {
    return this.#run.entries;
  }

  /** The limits of the state in milliseconds, for a caller that has a clock; undefined where it has none, and at the end. */
  get deadline(): StateLimits | undefined {
    return this.final ? undefined : this.#run.deadline;
  }

  /** Messages taken in so far: a change starts the limits `idle` and `frame` anew. */
  get taken(): number {
    return this.#taken;
  }

  /** Bytes that have come and belong to no message taken yet. */
  get held(): number {
    let held = this.#reader.buffered;
    if (this.#batch !== undefined) held += this.#batch.runEnd - this.#batch.bounds[2 * this.#index]!;
    for (const chunk of this.#chunks ?? NONE) held += chunk.length;
    return held;
  }

  /** Whether a frame has begun to come and is not complete: the limit `frame` runs. */
  get isInsideFrame(): boolean {
    return this.#isDrained && this.#reader.buffered > 0;
  }

  /**
   * Whether noise took so much work that the rest of what has come is to be read in a later turn of the event loop: call `take`
   * again then.
   */
  get isPaused(): boolean {
    return !this.final && this.#reader.isPaused === true;
  }

  /** Messages that were sent or answered and that `take` has not given yet. */
  get unsent(): number {
    return this.#answers.length - this.#written;
  }

  /** About how many bytes the messages hold that have not been written yet. */
  get unsentBytes(): number {
    const answers = this.#answers;
    for (; this.#weighed < answers.length; this.#weighed++) this.#weight += weigh(answers[this.#weighed]);
    return this.#weight;
  }

  /** Bytes have come. While `settled()` is there they are held: better not to read on. */
  receive(chunk: Uint8Array): void {
    if (this.final || this.#input !== 'open') return;
    if (this.#isDrained) {
      this.#push(chunk);
    } else {
      this.#chunks ??= [];
      this.#chunks.push(chunk);
    }
  }

  /** The peer has ended its side. */
  ended(): void {
    if (this.#input === 'open') this.#input = 'ending';
  }

  /** Whether the length of the unfinished frame is known, so that silence says nothing about it. */
  get isMeasured(): boolean {
    return this.#reader.isMeasured === true;
  }

  /** Silence ends the unfinished frame: what has come of it is dropped, and the next byte is the first of a frame. */
  silence(): void {
    if (!this.final && !this.isMeasured) this.#giveUp();
  }

  /** A limit of the state has passed. `idle` does not count while handlers are at work, nor `frame` while we read no more. */
  timeout(kind: keyof StateLimits): void {
    const run = this.#run;
    if (this.final || (kind === 'idle' && run.working) || (kind === 'frame' && run.busy)) return;
    if (kind === 'frame') this.#giveUp();
    this.#await(run.timeout(kind, this.#answers));
  }

  /** Named timers to start (in milliseconds) and to cancel (null) since it was last asked; undefined when there are none. */
  takeTimers(): ReadonlyMap<string, number | null> | undefined {
    const changes = this.#timers;
    this.#timers = undefined;
    const later = this.#run.takeTimers();
    return changes === undefined || later === undefined
      ? (later ?? changes)
      : new Map([...changes, ...later]);
  }

  /** A named timer has run out. */
  expire(name: string): void {
    if (!this.final) this.#await(this.#run.expire(name, this.#answers));
  }

  /** End the session for a reason that none of its messages is: the farewell is sent. Without effect once it is over. */
  abort(error: Error): void {
    if (!this.final) this.#append(this.#run.fault(error));
  }

  /** End the session in peace: what has come is answered first, then `say` is asked for the last words. */
  leave(say: (context: Context) => Said<Sent> = () => undefined): void {
    this.#lastWords ??= say;
  }

  /** The connection is over: the session's `dispose`, once. Returns the error when that failed. */
  dispose(reason?: Error): Error | undefined {
    return this.#run.dispose(reason);
  }

  /**
   * Send a message that answers nothing, behind what was answered until now.
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
    this.#answers.push(message);
  }

  /** A promise of what the handlers at work answer next: `take` has more once it is fulfilled. It is never rejected. */
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
   * The next bytes to be sent: up to 68 KiB, or one frame that is longer. Undefined when there are none for now.
   *
   * @param isPrivate - whether only the system will read them: then they may be a part of memory that connections share
   */
  take(isPrivate = false): Buffer | undefined {
    do {
      if (this.#answers.length > 0 && !this.#write()) break;
    } while (this.#advance());
    return this.#packer?.take(isPrivate);
  }

  /** Say whether no consumer has a view any more of what was taken last: then its memory is used again. */
  given(isFree: boolean): void {
    this.#packer?.given(isFree);
  }

  /** Write the answers; false where the packer is full, or one of them is refused. */
  #write(): boolean {
    if (this.#refused !== undefined) return false;
    const codec = this.#protocol.serverMessages;
    const answers = this.#answers;
    this.#packer ??= new Packer();
    const before = this.#written;
    try {
      this.#written = this.#packer.writeMessages(codec, this.#writer, answers, this.#written);
    } catch (error) {
      this.#refused = asError(error);
      this.#forget();
      return false;
    }
    if (this.#weight > 0) this.#forgetWeight(before);
    if (this.#written < answers.length) return false;
    this.#written = this.#weighed = answers.length = 0;
    return true;
  }

  /** Answers were written: those that are left hold as many bytes as the average. */
  #forgetWeight(before: number): void {
    const left = Math.max(0, this.#weighed - this.#written);
    this.#weight *= left / (this.#weighed - before);
    this.#weighed = Math.max(this.#weighed, this.#written);
  }

  /** Take the next step; false when there is none to take now. */
  #advance(): boolean {
    const run = this.#run;
    if (this.#refused !== undefined) return false;
    if (run.state !== this.#observed) this.#observe();
    // There is room: generators may go on.
    if (run.hasMore) run.more();
    if (run.busy) return false;
    if (run.final) {
      this.#forget();
      return this.#answers.length > 0;
    }
    if (this.#batch !== undefined || this.#message !== undefined) return this.#answer();
    if (this.#fault !== undefined) return this.#settleWith(() => run.fault(this.#fault!));
    if (!this.#isDrained || this.#input !== 'open') {
      if (this.#read()) return true;
      if (this.#fault !== undefined) return this.#settleWith(() => run.fault(this.#fault!));
      if (this.isPaused) return false;
      if (this.#input === 'ended') return this.#settleWith(() => run.ended());
    }
    const say = this.#lastWords;
    return say !== undefined && this.#settleWith(() => run.leave(say));
  }

  /** Read on; false when there is nothing more to read. */
  #read(): boolean {
    const reader = this.#reader;
    const batch = reader.take(AT_ONCE);
    if (batch !== undefined) {
      this.#batch = batch;
      return true;
    }
    if (reader.error !== undefined) {
      this.#fault = reader.error;
      return false;
    }
    if (reader.isPaused) {
      this.#isDrained = false;
      return false;
    }
    const chunk = this.#chunks?.shift();
    if (chunk !== undefined) {
      this.#push(chunk);
      return true;
    }
    this.#isDrained = true;
    if (this.#input !== 'ending') return false;
    this.#input = 'ended';
    reader.end();
    return true;
  }

  /** Answer the next messages; false when all handlers at work have to answer before. */
  #answer(): boolean {
    const run = this.#run;
    const answers = this.#answers;
    const codec = this.#protocol.clientMessages;
    const batch = this.#batch;
    const to = batch === undefined ? 0 : Math.min(batch.count, this.#index + AT_ONCE);
    while (!run.final && (this.#message !== undefined || this.#index < to)) {
      let message = this.#message;
      this.#message = undefined;
      try {
        message ??= decodeFrame(codec, batch!, this.#index++);
      } catch (error) {
        this.#fault = asError(error);
        this.#index = to;
        this.#batch = undefined;
        break;
      }
      if (run.working && run.mustWait(message)) {
        this.#message = message;
        return false;
      }
      this.#taken++;
      this.observer?.message(message, run.state);
      const pending = run.receiveInto(message, answers);
      if (pending !== undefined) {
        this.#follow(pending);
        if (run.busy) break;
      }
      if (run.state !== this.#observed) this.#observe();
    }
    if (batch === undefined || this.#index < batch.count) return true;
    // An idle connection holds nothing of what has come.
    this.#batch = undefined;
    this.#index = 0;
    return true;
  }

  /** Take a last step, once the handlers at work have answered. */
  #settleWith(step: () => Step<Sent, State>): boolean {
    if (this.#run.working) return false;
    this.#append(step());
    return true;
  }

  #push(chunk: Uint8Array): void {
    this.#isDrained = false;
    this.#reader.push(chunk);
  }

  #append({ answers }: Step<Sent, State>): void {
    for (const answer of answers) this.#answers.push(answer);
  }

  /** See to a step whose answers are appended to ours, as soon as its handler has answered. */
  #await(step: Step<Sent, State> | Promise<Step<Sent, State>>): void {
    if (!(step instanceof Promise)) this.#note(step);
    else this.#follow(step.then((late) => this.#note(late)));
  }

  #note({ timers }: Step<Sent, State>): void {
    if (timers !== undefined) this.#timers = new Map([...(this.#timers ?? NONE), ...Object.entries(timers)]);
  }

  /** Tell when a handler has answered, and when a generator has more. */
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

  /** Drop what has come of the unfinished frame: what comes next is read in step. */
  #giveUp(): void {
    if (!this.isInsideFrame) return;
    const reader = this.#reader;
    if (reader.giveUp === undefined) reader.reset();
    else reader.giveUp();
    // What stands behind a false start may be a frame.
    this.#isDrained = false;
  }

  /** Nothing of what has come is of use any more. */
  #forget(): void {
    this.#batch = this.#message = this.#chunks = undefined;
    this.#index = 0;
    this.#isDrained = true;
    if (this.#refused === undefined) return;
    this.#written = this.#weighed = this.#weight = this.#answers.length = 0;
  }
}

const NONE: readonly never[] = [];
