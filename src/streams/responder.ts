// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { setImmediate } from 'node:timers';
import { EMPTY } from '../bytes/buffer.ts';
import { trust } from '../bytes/trust.ts';
import { StateError } from '../errors.ts';
import { anything, type Check, checkOptions, oneOf } from '../options.ts';
import {
  Conversation,
  type ConversationObserver,
  type ReadCounts,
  type Upgrade,
} from '../protocol/conversation.ts';
import type { ServerProtocol } from '../protocol/protocol.ts';
import type { ConnectionInfo, Said } from '../protocol/session/declaration.ts';
import type { StateLimits } from '../protocol/session/run.ts';
import { Deadlines, FRAME_TIMES, FrameTimer, type FrameWatch, silentFrame } from './deadlines.ts';
import { endReason, lingered } from './farewell.ts';
import { NamedTimers } from './named-timers.ts';
import { STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';
import { Timer } from './timer.ts';
import { noUpgrades, type UpgradeHost } from './upgrade-host.ts';

export interface ResponderOptions<Context = unknown> extends StageOptions {
  /** The value that the handlers of this connection share, in place of the result of the session's `context`. */
  context?: Context | undefined;
  /** The argument of the session's `context`. */
  connection?: ConnectionInfo | undefined;
  /** As in `FrameDecoder`: milliseconds of silence that end an unfinished frame of unknown length. Default: silence ends nothing. */
  idleGap?: number | undefined;
  /** As in `MessageDecoder`: a frame that is not a message ends the session, or is skipped and counted. Default `'error'`. */
  onInvalid?: 'error' | 'discard' | undefined;
}

/** The most bytes of one connection that are answered in one turn of the event loop; then the other connections have their turn. */
const BYTES_A_TURN = 65_536;
/** After this many messages in one turn, or messages of `BYTES_A_TURN`, a separate write pays. */
const MANY = 64;

const CHECKS: Readonly<Record<keyof ResponderOptions, Check>> = {
  ...STAGE_OPTIONS,
  context: anything,
  connection: anything,
  idleGap: FRAME_TIMES.idleGap,
  onInvalid: oneOf('error', 'discard'),
};

/**
 * Bytes in, bytes out: the server's side of one connection in one stage. It does what `FrameDecoder`, `MessageDecoder`,
 * `StateMachine` and `MessageEncoder` do one after the other, for a fraction of their memory: see `Conversation`.
 *
 * While a handler's promise is pending, no more input is taken. A final state, or a fault (of the input, of a handler, a
 * deadline), ends the output after the answers before it and the farewell; further input is discarded until it ends, or
 * `lingerTimeout` passes. A fault is then the error of the pipeline.
 *
 * @example
 * pipeline(socket, new Responder(drone), socket, (error) => console.log(error?.message ?? 'went in peace'));
 */
export class Responder<
  Received,
  Sent,
  State extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: a stage's user need not know what its handlers keep
  Context = any,
> extends Stage<Buffer> {
  readonly #conversation: Conversation<Received, Sent, State, Context>;
  readonly #deadlines: Deadlines;
  #frameTimer: FrameTimer | undefined;
  readonly #gap: number | undefined;
  /** The timer of `idleGap`; runs while a frame of unknown length is unfinished. */
  #silence: Timer | undefined;
  #namedTimers: NamedTimers | undefined;
  /** The messages that the timers have counted. */
  #taken = 0;
  /** Bytes accepted since a turn was last ended because of them. */
  #accepted = 0;
  /** Bytes of the last chunk accepted. */
  #current = 0;
  #inputEnded = false;
  /** Called when a message was sent while the consumer takes none. */
  onUnsent: (() => void) | undefined;
  /** Messages were sent in this turn, and will be written at its end. */
  #sends = false;
  /** A limit that passed, and whose handler is awaited: it restarts if the state is still the same then. */
  #passed: { readonly kind: keyof StateLimits; readonly entries: number } | undefined;
  #upgrades: UpgradeHost | undefined;
  /** Nothing more is read: the connection switches to another protocol. */
  #isUpgrading = false;
  /** Resolve the promises of `ready`. */
  #waiting: (() => void)[] | undefined;

  constructor(
    protocol: ServerProtocol<Received, Sent, State, Context>,
    options: ResponderOptions<NoInfer<Context>> = {},
  ) {
    checkOptions(new.target.name, options, CHECKS);
    super('bytes', 'bytes', options);
    const { context, connection, onInvalid } = options;
    this.#conversation = new Conversation(protocol, context, connection, { onInvalid });
    this.#gap = options.idleGap;
    this.#deadlines = new Deadlines(this.#conversation, this);
    this.#deadlines.follow();
    // Wait a tick: the caller pipes us after constructing us. Then the greeting is sent.
    process.nextTick(Responder.#proceed, this);
  }

  /** The session's state. */
  get state(): State {
    return this.#conversation.state;
  }

  /** The error that ended the session, from the peer or from our own code. */
  get error(): Error | undefined {
    return this.#conversation.error;
  }

  /** The value that the handlers of this connection share. */
  get context(): Context {
    return this.#conversation.context;
  }

  /** Received bytes that belong to no message taken yet. */
  get held(): number {
    return this.#conversation.held + Math.max(0, this.writableLength - this.#current);
  }

  /** About how many bytes the messages hold that wait for the consumer, or for the end of the turn. */
  get unsentBytes(): number {
    return this.#conversation.unsentBytes;
  }

  /** How many messages have been taken. */
  get taken(): number {
    return this.#conversation.taken;
  }

  /** Frames received, whether they were messages or not. */
  get frames(): number {
    return this.#conversation.frames;
  }

  /** Counts of what was received. */
  get counts(): ReadCounts {
    return this.#conversation.counts;
  }

  /** Whether a message is being answered: its handler's promise is pending. */
  get isBusy(): boolean {
    return this.#conversation.isBusy;
  }

  /** Whether the state that the session declares as `ready` has been reached. */
  get isReady(): boolean {
    return this.#conversation.isReady;
  }

  /** Whether the session is over, or the peer has ended: nothing more is answered. */
  get isOver(): boolean {
    return this.#conversation.final;
  }

  /** Called with messages and transitions. */
  set observer(observer: ConversationObserver | undefined) {
    this.#conversation.observer = observer;
  }

  /** Let replies name upgrades, which that host judges. @internal */
  hostUpgrades(host: UpgradeHost): void {
    this.#upgrades = host;
  }

  /** The received bytes that were not read, once the connection switches to another protocol. @internal */
  get unread(): Buffer {
    return this.#conversation.upgrade?.unread ?? EMPTY;
  }

  /**
   * End the session for a reason outside its messages, such as a limit of the server: the farewell is sent, and the error is the
   * pipeline's. No effect once the session is over.
   */
  abort(error: Error): void {
    this.#conversation.abort(error);
    this.proceed();
  }

  /**
   * End the session without an error: received messages are answered first, `say` gives the last messages, and our side ends. No
   * effect once the session is over.
   */
  leave(say?: (context: Context) => Said<Sent>): void {
    this.#conversation.leave(say);
    this.proceed();
  }

  /**
   * Send a message that is not an answer: after the answers so far, in one piece, even while a handler is pending. The messages
   * of one turn of the event loop leave together.
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
    const conversation = this.#conversation;
    conversation.send(message);
    const isMuch = conversation.unsent >= MANY || conversation.unsentBytes >= BYTES_A_TURN;
    if (this.blocked || isMuch) {
      if (!this.blocked) this.proceed();
      if (conversation.unsent > 0) this.onUnsent?.();
    } else if (!this.#sends) {
      this.#sends = true;
      process.nextTick(Responder.#proceed, this);
    }
    return !this.blocked;
  }

  /** Resolves when the consumer takes messages again, or the stage is gone. */
  ready(): Promise<void> {
    if (this.destroyed || !this.blocked) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  protected override accept(chunk: Buffer): void {
    this.#accepted += chunk.length;
    this.#current = chunk.length;
    this.#conversation.receive(chunk);
  }

  protected override ended(): void {
    this.#inputEnded = true;
    this.#conversation.ended();
  }

  protected override released(isFree: boolean): void {
    this.#conversation.given(isFree);
  }

  protected override produce(): Buffer | undefined {
    const conversation = this.#conversation;
    const bytes = conversation.take(this.isPrivate);
    if (!this.#isUpgrading && conversation.upgrade !== undefined) this.#judge(conversation.upgrade);
    this.#follow();
    if (bytes !== undefined) return bytes;
    if (this.#isUpgrading && conversation.upgrade !== undefined) {
      this.#upgrades!.goOver(conversation.upgrade.name);
      return undefined;
    }
    if (conversation.isWorking) conversation.onAnswers ??= () => this.#resume();
    if (conversation.isBusy) this.suspend();
    else if (conversation.error !== undefined) this.fail(conversation.error);
    else if (conversation.final && !this.#inputEnded) this.close();
    else if (this.#accepted >= BYTES_A_TURN || conversation.isPaused) this.#yield();
    this.#tellReady();
    return undefined;
  }

  protected override lingerError(): Error | undefined {
    return this.error ?? lingered(this.state, this.lingerTimeout);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#deadlines.stop();
    this.#namedTimers?.stop();
    this.#silence?.stop();
    this.#tellReady();
    const failed = this.#conversation.dispose(endReason(error));
    super._destroy(error ?? failed ?? null, callback);
  }

  /** A reply has named an upgrade: one that is not allowed ends the session, after the answers. */
  #judge({ name, unread }: Upgrade): void {
    const waiting = unread.length + Math.max(0, this.writableLength - this.#current);
    const refusal =
      this.#upgrades === undefined ? noUpgrades(name, this.state) : this.#upgrades.judge(name, waiting);
    if (refusal === undefined) this.#isUpgrading = true;
    else this.#conversation.abort(refusal);
  }

  /** A handler has answered, or a generator has more. */
  #resume(): void {
    if (this.destroyed) return;
    this.#deadlines.refresh();
    const passed = this.#passed;
    if (passed !== undefined && !this.#conversation.isWorking) {
      this.#passed = undefined;
      this.#startAgain(passed.kind, passed.entries);
    }
    this.proceed();
  }

  /** Let other connections have their turn. */
  #yield(): void {
    this.#accepted = 0;
    this.suspend();
    setImmediate(Responder.#proceed, this);
  }

  /** Let the timers follow the conversation. */
  #follow(): void {
    const conversation = this.#conversation;
    const { taken, final } = conversation;
    const isNew = taken !== this.#taken;
    this.#taken = taken;
    if (isNew) this.#deadlines.refresh();
    if (conversation.entries !== this.#deadlines.entries || final) this.#deadlines.follow();
    this.#frameTimer?.follow(conversation.isInsideFrame, isNew);
    if (this.#gap !== undefined) this.#awaitSilence(this.#gap);
    const changes = conversation.takeTimers();
    if (changes !== undefined) {
      this.#namedTimers ??= new NamedTimers((name) => this.#expire(name));
      this.#namedTimers.set(changes);
    }
    if (!final) return;
    this.#namedTimers?.stop();
    // A consumer that stopped reading does not get the rest.
    this.linger();
  }

  #awaitSilence(gap: number): void {
    const conversation = this.#conversation;
    if (!conversation.isInsideFrame || conversation.isMeasured || conversation.final) {
      this.#silence?.stop();
      this.#silence = undefined;
    } else if (this.#silence !== undefined) {
      this.#silence.refresh();
    } else {
      this.#silence = new Timer(gap, () => this.#silent(gap)).unref();
    }
  }

  #silent(gap: number): void {
    const conversation = this.#conversation;
    // While we do not read, the silence is not the peer's.
    if (this.blocked || conversation.isBusy) {
      this.#silence?.refresh();
      return;
    }
    conversation.observer?.onDiscard?.(silentFrame(gap, conversation.held));
    conversation.silence();
    this.proceed();
  }

  /** @internal */
  override watchFrames(watch: FrameWatch): void {
    this.#frameTimer?.stop();
    this.#frameTimer = watch.limit === Infinity ? undefined : new FrameTimer(watch);
    this.#frameTimer?.follow(this.#conversation.isInsideFrame, false);
  }

  /** Returns whether the limit counts. The conversation itself gives up the frame. @internal */
  passed(kind: keyof StateLimits): boolean {
    const conversation = this.#conversation;
    // While we hold the peer back, or work for it, its silence does not count.
    if (kind === 'idle' && conversation.isWorking) return false;
    if (kind === 'frame' && (conversation.isBusy || this.blocked)) {
      this.#deadlines.start(kind);
      return false;
    }
    const { entries } = conversation;
    conversation.timeout(kind);
    if (conversation.isWorking) this.#passed = { kind, entries };
    else this.#startAgain(kind, entries);
    this.proceed();
    return true;
  }

  #expire(name: string): void {
    this.#conversation.expire(name);
    this.proceed();
  }

  /** A limit that passed restarts, unless its handler has led to another state. */
  #startAgain(kind: keyof StateLimits, entries: number): void {
    const conversation = this.#conversation;
    if (!conversation.final && conversation.entries === entries) this.#deadlines.start(kind);
  }

  #tellReady(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }

  // A function, not a closure: one for all.
  // biome-ignore lint/suspicious/noExplicitAny: whatever it speaks
  static #proceed(responder: Responder<any, any, any>): void {
    responder.#sends = false;
    responder.proceed();
  }
}

trust(Responder.prototype);
