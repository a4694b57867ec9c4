import { StateError } from '../errors.ts';
import { anything, type Check, checkOptions } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { AT_ONCE } from '../protocol/inbox.ts';
import type { ConnectionInfo, Said } from '../protocol/session/declaration.ts';
import { type Line, NO_LINE } from '../protocol/session/line.ts';
import type { Run, StateLimits, Step } from '../protocol/session/run.ts';
import type { Session } from '../protocol/session/session.ts';
import { Deadlines } from './deadlines.ts';
import { endReason, lingered } from './farewell.ts';
import { NamedTimers } from './named-timers.ts';
import { STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';
import { Steering } from './steering.ts';
import { noUpgrades, type UpgradeHost } from './upgrade-host.ts';

export interface StateMachineOptions<Context = unknown> extends StageOptions {
  /** The value that the handlers of this connection share, in place of the result of the session's `context`. */
  context?: Context | undefined;
  /** The argument of the session's `context`. */
  connection?: ConnectionInfo | undefined;
}

/** Called when something happens in a session. An error that it throws ends the connection. */
export interface SessionObserver {
  /** A message was received, and is about to be handled in that state. */
  message(message: unknown, state: string): void;
  /** Another state was entered. */
  transition(from: string, to: string): void;
}

const CHECKS: Readonly<Record<keyof StateMachineOptions, Check>> = {
  ...STAGE_OPTIONS,
  context: anything,
  connection: anything,
};

/**
 * Messages in, answers out (object mode on both sides): one connection's run through a session.
 *
 * Messages are taken in order, one at a time: while a handler's promise is pending, no more input is accepted, except messages of
 * concurrent rows. The next value of a generator is requested when the consumer has room. A final state, or a fault (of the
 * input, of a handler, a deadline), ends the output after the answers before it and the farewell; further input is discarded
 * until it ends, or `lingerTimeout` passes. A fault is then the error of the pipeline.
 *
 * @example
 * pipeline(
 *   socket,
 *   new LengthPrefixDecoder(),
 *   new MessageDecoder(drone.clientMessages),
 *   new StateMachine(drone.session),
 *   new MessageEncoder(drone.serverMessages),
 *   socket,
 *   (error) => console.log(error?.message ?? 'went in peace'),
 * );
 */
export class StateMachine<
  Received,
  Sent,
  State extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: a stage's user need not know what its handlers keep
  Context = any,
> extends Stage<Sent> {
  readonly #run: Run<Received, Sent, State, Context>;
  #messages: readonly Received[] = NONE;
  #index = 0;
  /** Answers not given yet, from `#given` on. A pending handler will append to this same array. */
  #answers: Sent[] = [];
  #given = 0;
  /** Messages taken before their answers are given. Few if the answers are long, since answers wait in memory. */
  #atOnce = FIRST;
  /** This many answers have been given, and the consumer had room for them. */
  #hadRoom = false;
  #inputEnded = false;
  #taken = 0;
  /** Called with messages and transitions. */
  observer: SessionObserver | undefined;
  #observed: string;
  /** Gives the last messages of a session that we end ourselves; set once `leave` is called. */
  #lastWords: ((context: Context) => Said<Sent>) | undefined;
  /** Resolve the promises of `ready`. */
  #waiting: (() => void)[] | undefined;
  readonly #deadlines: Deadlines;
  readonly #timers = new NamedTimers((name) => this.#expire(name));
  /** The end of the input, or a fault of it, that waits for the handlers at work. */
  #owed: (() => readonly Sent[]) | undefined;
  /** Steers the stages that read for the session, if its states have framings of their own, or if it may be upgraded. */
  #steering: Steering | undefined;
  /** The answers from which on the line changes. */
  #turns: { readonly at: number; readonly line: Line }[] | undefined;
  /** The line that the encoder was told last. */
  #line: Line = NO_LINE;
  #upgrades: UpgradeHost | undefined;
  #hasUntaken = false;
  #isUpgrading = false;

  constructor(
    session: Session<Received, Sent, State, Context>,
    options: StateMachineOptions<NoInfer<Context>> = {},
  ) {
    if (typeof session?.start !== 'function' || session.table?.states === undefined)
      throw new TypeError('expected a session, as defineSession() makes it');
    checkOptions(new.target.name, options, CHECKS);
    super('messages', 'messages', options);
    this.#run = session.start(options.context, options.connection);
    this.#observed = this.#run.state;
    if (session.table.hasLines) {
      this.#turn(0);
      this.#run.onLine = (before) => this.#turn(before);
      this.#steer(new Steering(this.#run, false, this));
    }
    this.#deadlines = new Deadlines(this.#run, this);
    this.#follow();
    const { greeting } = this.#run;
    if (greeting.length === 0 && !this.#run.final) return;
    this.#answers.push(...greeting);
    // Wait a tick: the caller pipes us after constructing us.
    process.nextTick(() => this.proceed());
  }

  /** The session's state. */
  get state(): State {
    return this.#run.state;
  }

  /** Why the session failed, if it did. */
  get error(): Error | undefined {
    return this.#run.error;
  }

  /** The value that the handlers of this connection share. */
  get context(): Context {
    return this.#run.context;
  }

  /** The codec of sent messages, if the state has its own. @internal */
  get codec(): Codec<unknown, Sent> | undefined {
    return this.#run.line.sends;
  }

  /** Whether a message still waited for handlers at work when an upgrade came: its frame counts as unread. @internal */
  get hasUntaken(): boolean {
    return this.#hasUntaken;
  }

  /** Let replies name upgrades, which that host judges. @internal */
  hostUpgrades(host: UpgradeHost): void {
    this.#upgrades = host;
    this.#steer(new Steering(this.#run, true, this));
  }

  /** How many messages have been taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether a message is being answered: its handler's promise is pending. */
  get isBusy(): boolean {
    return this.#run.busy;
  }

  /** Whether the state that the session declares as `ready` has been reached. */
  get isReady(): boolean {
    return this.#run.ready;
  }

  /** Whether the session is over, or the peer has ended: nothing more is answered. */
  get isOver(): boolean {
    return this.#run.final;
  }

  /**
   * End the session for a reason outside its messages, such as a limit of the server: the farewell is sent, and the error is the
   * pipeline's. No effect once the session is over.
   */
  abort(error: Error): void {
    if (this.#run.final) return;
    this.#answers.push(...this.#run.fault(error).answers);
    this.#follow();
    this.proceed();
  }

  /**
   * End the session without an error: received messages are answered first, `say` gives the last messages, and our side ends. No
   * effect once the session is over.
   */
  leave(say: (context: Context) => Said<Sent> = () => undefined): void {
    if (this.#run.final) return;
    this.#lastWords = say;
    this.proceed();
  }

  /**
   * Send a message that is not an answer: after the answers so far, in one piece, even while a handler is pending.
   *
   * @returns false if the consumer has asked to wait: the message is held, await `ready()` before the next one.
   * @throws StateError (`origin: 'local'`) if the state does not allow it; nothing is sent, the connection continues
   *
   * @example
   * for await (const report of telemetry) if (!machine.send(report)) await machine.ready();
   */
  send(message: Sent): boolean {
    if (this.destroyed) {
      throw new StateError('ERR_STATE_CLOSED', 'nothing can be sent: the connection is gone', {
        origin: 'local',
        state: this.state,
      });
    }
    this.#run.send(message);
    this.#answers.push(message);
    this.proceed();
    return this.#answers.length === 0 && !this.blocked;
  }

  /** Resolves when the consumer takes messages again, or the stage is gone. */
  ready(): Promise<void> {
    if (this.destroyed || (!this.blocked && this.#answers.length === 0)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  protected override accept(message: unknown): void {
    this.acceptBatch([message as Received]);
  }

  protected override acceptBatch(messages: readonly Received[]): void {
    this.#messages = messages;
    this.#index = 0;
    this.#deadlines.refresh();
  }

  protected override ended(): void {
    this.#inputEnded = true;
    this.#owed = () => this.#run.ended().answers;
  }

  protected override faulted(fault: Error): void {
    this.#owed = () => this.#run.fault(fault).answers;
  }

  protected override produce(): Sent | undefined {
    do {
      const answers = this.#answers;
      if (this.#given < answers.length) {
        if (!this.#tellTurns(this.#given)) return undefined;
        const answer = answers[this.#given++];
        if (this.#given === answers.length) {
          this.#given = answers.length = 0;
          this.#turns = this.#turns?.map(({ line }) => ({ at: 0, line }));
        }
        return answer;
      }
    } while (this.#advance());
    this.#tellReady();
    return undefined;
  }

  /** The consumer had no room for the output. */
  override goOn(): void {
    this.#atOnce = Math.max(1, this.#atOnce >> 2);
    this.#hadRoom = false;
    super.goOn();
  }

  protected override produceBatch(): Sent[] | undefined {
    if (this.#hadRoom && this.#atOnce < AT_ONCE) this.#atOnce *= 2;
    this.#hadRoom = false;
    const answers = this.#answers;
    while (answers.length < this.#atOnce && this.#advance());
    if (answers.length === 0) {
      this.#tellReady();
      return undefined;
    }
    this.#hadRoom = answers.length >= this.#atOnce;
    if (this.#turns !== undefined) {
      // Up to the next turn, singly.
      const answer = this.produce();
      return answer === undefined ? undefined : [answer];
    }
    // The array itself is given, unless a pending handler will append to it, or part of it was given singly.
    if (this.#run.working || this.#given > 0) {
      const rest = answers.splice(0).slice(this.#given);
      this.#given = 0;
      return rest;
    }
    this.#answers = [];
    return answers;
  }

  protected override lingerError(): Error | undefined {
    return this.#run.error ?? lingered(this.state, this.lingerTimeout);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#deadlines.stop();
    this.#timers.stop();
    this.#tellReady();
    const failed = this.#run.dispose(endReason(error));
    super._destroy(error ?? failed ?? null, callback);
  }

  /** Take the next message. False if there is none to take now. */
  #advance(): boolean {
    const run = this.#run;
    this.#steering?.wake();
    // The consumer has room: generators may continue.
    run.more();
    if (run.busy) {
      this.suspend();
      return false;
    }
    if (run.upgrade !== undefined && !run.final) {
      if (this.#index < this.#messages.length) this.#hasUntaken = true;
      this.#messages = NONE;
      this.#index = 0;
      return this.#goOver(run.upgrade);
    }
    if (run.final) {
      // The session's own end counts, and not a fault of the input that waited for the handlers at work.
      if (run.error !== undefined || this.#owed !== undefined) this.failInstead(run.error);
      this.#owed = undefined;
      if (run.error === undefined && !this.#inputEnded) this.close();
      return false;
    }
    if (this.#index === this.#messages.length) {
      if (this.#lastWords !== undefined && this.#owed === undefined && !run.working) {
        this.#answers.push(...run.leave(this.#lastWords).answers);
        this.#follow();
        return true;
      }
      // An idle connection must not hold on to received messages.
      this.#messages = NONE;
      this.#index = 0;
      return this.#settleInput();
    }
    // While handlers are at work, only messages of concurrent rows may be taken.
    if (run.working && run.mustWait(this.#messages[this.#index]!)) {
      this.suspend();
      return false;
    }
    if (this.#steering?.isComplete === false) {
      const text = `the framing or the codec of state '${run.state}' cannot be used: the session has to stand behind a FrameDecoder and a MessageDecoder, with nothing in between`;
      this.#answers.push(...run.fault(unsteered(text, run.state)).answers);
      this.#follow();
      return true;
    }
    const message = this.#messages[this.#index++]!;
    this.#taken++;
    this.observer?.message(message, run.state);
    const pending = run.receiveInto(message, this.#answers);
    if (pending !== undefined) {
      // #advance requests more, not the handler as soon as it has answered.
      run.onAnswers ??= () => this.proceed();
      void pending.then(() => this.#resume());
      if (!run.busy) return true;
      this.suspend();
      return false;
    }
    if (run.entries !== this.#deadlines.entries || run.final || run.hasTimers) this.#follow();
    return true;
  }

  /** Steer the stages that read for the session. */
  #steer(steering: Steering): void {
    this.#steering = steering;
    this.steerSource(steering);
  }

  /** The answers after the first `before` use the line of the state. */
  #turn(before: number): void {
    this.#turns ??= [];
    this.#turns.push({ at: before, line: this.#run.line });
  }

  /** Tell the encoder of the changes before an answer; false if it cannot be told, and the session has failed. */
  #tellTurns(index: number): boolean {
    for (let turn = this.#turns?.[0]; turn !== undefined && turn.at <= index; turn = this.#turns?.[0]) {
      const { line } = turn;
      const isSame = line.writes === this.#line.writes && line.sends === this.#line.sends;
      if (!isSame && !this.handLine(line)) {
        // No answer would be understood.
        this.#answers.length = this.#given = 0;
        this.#turns = undefined;
        const text = `the framing or the codec of what state '${this.state}' sends cannot be used: the session has to stand right before a MessageEncoder`;
        this.#run.fault(unsteered(text, this.state));
        this.fail(this.#run.error);
        return false;
      }
      this.#line = line;
      this.#turns!.shift();
      if (this.#turns!.length === 0) this.#turns = undefined;
    }
    return true;
  }

  /** A reply has named an upgrade. Returns whether there is more to say: it was refused. */
  #goOver(name: string): boolean {
    if (!this.#isUpgrading) {
      const refusal =
        this.#upgrades === undefined ? noUpgrades(name, this.state) : this.#upgrades.judge(name, 0);
      if (refusal !== undefined) {
        this.#answers.push(...this.#run.fault(refusal).answers);
        this.#follow();
        return true;
      }
      this.#isUpgrading = true;
      this.#follow();
    }
    // Once the answers are given.
    if (this.#answers.length === 0) this.#upgrades!.goOver(name);
    return false;
  }

  /** Everything before the end of the input has been taken: handle the end too, once everything is answered. */
  #settleInput(): boolean {
    const owed = this.#owed;
    if (owed === undefined) return false;
    if (this.#run.working) {
      this.suspend();
      return false;
    }
    this.#owed = undefined;
    this.#answers.push(...owed());
    this.#follow();
    return true;
  }

  /** A handler's promise is settled, or came too late. */
  #resume(): void {
    if (this.destroyed || this.#run.busy) return;
    this.#deadlines.refresh();
    this.#follow();
    this.proceed();
  }

  #tellReady(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }

  /** Let the timers follow the run into another state, or to its end. */
  #follow(): void {
    const { state } = this.#run;
    if (state !== this.#observed) {
      this.observer?.transition(this.#observed, state);
      this.#observed = state;
    }
    this.#deadlines.follow();
    const changes = this.#run.takeTimers();
    if (changes !== undefined) this.#timers.set(changes);
    if (!this.#run.final) return;
    this.#timers.stop();
    // A consumer that stopped reading does not get the rest.
    this.linger();
  }

  /** Returns whether the limit counts. @internal */
  passed(kind: keyof StateLimits): boolean {
    const run = this.#run;
    // While we hold the peer back, or work for it, its silence does not count.
    if (kind === 'idle' && run.working) return false;
    if (kind === 'frame' && (run.busy || this.blocked)) {
      this.#deadlines.start(kind);
      return false;
    }
    const { entries } = run;
    this.#after(run.timeout(kind, this.#answers), () => {
      if (!run.final && run.entries === entries) this.#deadlines.start(kind);
    });
    return true;
  }

  #expire(name: string): void {
    this.#after(this.#run.expire(name, this.#answers), () => {});
  }

  /** Handle what follows a step, as soon as its handler has answered. */
  #after(step: Step<Sent, State> | Promise<Step<Sent, State>>, then: () => void): void {
    const after = ({ timers }: Step<Sent, State>): void => {
      if (this.destroyed) return;
      if (timers !== undefined) this.#timers.set(Object.entries(timers));
      this.#follow();
      then();
      this.proceed();
    };
    if (!(step instanceof Promise)) {
      after(step);
      return;
    }
    this.#run.onAnswers ??= () => this.proceed();
    void step.then(after);
  }
}

const NONE: readonly never[] = [];

/** Messages taken at once at first, before the length of their answers is known. */
const FIRST = 4;

function unsteered(text: string, state: string): StateError {
  return new StateError('ERR_STATE_FRAMING', text, { origin: 'local', state });
}
