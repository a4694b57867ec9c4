import { safeText, show, showThrown } from '../../bytes/show.ts';
import { weighAll } from '../../bytes/weigh.ts';
import { HandlerError, StateError } from '../../errors.ts';
import { MAX_DELAY, nearest } from '../../options.ts';
import { ANSWERED, generateAsk, NOT_ASKED } from './ask.ts';
import {
  broken,
  crowded,
  list,
  misled,
  misspoken,
  mistimed,
  notLast,
  notOne,
  quoted,
  timedOut,
  typeDetail,
  unexpected,
} from './breach.ts';
import type { Said, Tagged, TimerEvent } from './declaration.ts';
import { type Line, lineFor, NO_LINE } from './line.ts';
import type {
  Ask,
  SessionTable,
  StateLimits,
  StateTable,
  TableGenerator,
  TableReply,
  TableRow,
} from './table.ts';

export type { StateLimits } from './table.ts';

/** The result of one event. */
export interface Step<Sent, State extends string> {
  /** The messages to send, in order. */
  readonly answers: readonly Sent[];
  /** The state before, and the state now. */
  readonly from: State;
  readonly state: State;
  /** Nothing follows: send the answers, then end the sending side. */
  readonly final: boolean;
  /** The limits of the state now, if it has any. */
  readonly deadline: StateLimits | undefined;
  /** Why the session failed; the answers then end with the farewell. */
  readonly error: Error | undefined;
  /** Named timers to start, in milliseconds, and to cancel (null); absent if there are none. */
  readonly timers?: Readonly<Record<string, number | null>>;
  /** The protocol with which the connection continues once the answers are sent; absent if there is none. */
  readonly upgrade?: string;
}

/** The most messages of concurrent rows in flight. */
const MAX_CONCURRENT = 64;
/** The most messages that may wait for the next state. */
const MAX_POSTPONED = 64;
const MAX_POSTPONED_BYTES = 1024 * 1024;

/**
 * One connection's way through a session: it takes events, and returns what follows. It holds no timer, reads no clock, and sends
 * nothing.
 *
 * A breach of the table is not thrown, but gives a step: the answers so far and the farewell, `final`, and `error` (origin
 * `'peer'` for a message that the state does not accept, `'local'` for an answer that it may not send, `ERR_HANDLER` for a failed
 * handler). After it every event is ignored.
 *
 *     receive ──▶ handler ──▶ answers, next state ──▶ postponed messages, timers that expired meanwhile
 *                   └─ a promise or a generator: nothing else is taken, except messages of concurrent rows
 *
 * @example
 * const run = session.start();
 * run.receive({ type: 'write', text: 'HELLO' }); // { answers: [{ type: 'ok', text: 'AUTH_OK' }], state: 'authenticated' … }
 */
export class Run<Received, Sent, State extends string, Context> {
  /** The value that the handlers of this connection share. */
  readonly context: Context;
  /** The messages of the initial state's `onEnter`, before any input. */
  readonly greeting: readonly Sent[];
  /**
   * Called when a generator has appended answers; `more` then requests its next ones. If it is not set, they are requested at
   * once. Also called when there are answers while later messages, which have waited for them, are still being handled.
   */
  onAnswers: (() => void) | undefined;
  /** Called when a state with a line of its own is entered: with the number of answers before it. */
  onLine: ((before: number) => void) | undefined;
  readonly #table: SessionTable;
  #state: StateTable;
  #entries = 1;
  #ready: boolean;
  #error: Error | undefined;
  /** The session has failed, or the peer has ended: events are ignored. */
  #over = false;
  /** The handler that is awaited alone; after a timeout or a fault its answer is too late. */
  #pending: object | undefined;
  /** Messages of concurrent rows, by key: the first of each is at work. */
  #lanes: Map<unknown, Work[]> | undefined;
  #concurrent = 0;
  /** Generators that wait for `more` after their last answers. */
  #generators: Set<() => void> | undefined;
  #postponed: Postponed[] | undefined;
  #postponedBytes = 0;
  /** Memory of long frames of which postponed messages are views: each counts once. */
  #postponedFrames: WeakSet<ArrayBufferLike> | undefined;
  /** Running timers, with the milliseconds that each was set for; and those to start or cancel. */
  #timers: Map<string, number> | undefined;
  #timerChanges: Map<string, number | null> | undefined;
  /** Timers that expired while a handler was at work. */
  #expired: Map<string, number> | undefined;
  /** The line of the state: its framing and codecs. */
  #line: Line = NO_LINE;
  /** The protocol with which the connection continues. */
  #upgrade: string | undefined;
  #hasContext = false;

  constructor(table: SessionTable, context: () => Context) {
    this.#table = table;
    this.#state = table.initial;
    this.#ready = table.initial === table.ready;
    let made: Context | undefined;
    try {
      made = context();
      this.#hasContext = true;
    } catch (cause) {
      this.#error = new HandlerError('ERR_HANDLER', `context failed: ${showThrown(cause)}`, {
        state: table.initial.name,
        cause,
      });
      this.#over = true;
    }
    this.context = made as Context;
    this.greeting = this.#over ? NONE : this.#greet();
  }

  get state(): State {
    return this.#state.name as State;
  }

  /** Whether the state that the session declares as `ready` has ever been entered. */
  get ready(): boolean {
    return this.#ready;
  }

  /** How often a state was entered, including the initial one: a change means that the deadlines start anew. */
  get entries(): number {
    return this.#entries;
  }

  /** Nothing follows: a final state, a failure, or the peer has ended. */
  get final(): boolean {
    return this.#over || (this.#state.final && this.#upgrade === undefined);
  }

  /**
   * The protocol with which the connection continues: no event except a fault is handled any more. The answers have to be sent
   * first.
   */
  get upgrade(): string | undefined {
    return this.#upgrade;
  }

  /** The framing and the codecs of the state, if it has its own. */
  get line(): Line {
    return this.#line;
  }

  /** Whether input is read in the same way until the end. */
  get isSettled(): boolean {
    return this.#state.isSettled;
  }

  /** Whether an event is ignored. */
  get #isDeaf(): boolean {
    return this.final || this.#upgrade !== undefined;
  }

  /** No message is taken now: a handler is awaited, or the maximum of concurrent messages is in flight. */
  get busy(): boolean {
    return this.#pending !== undefined || this.#concurrent >= MAX_CONCURRENT;
  }

  /** A handler is at work, alone or with others: its answers will be appended to the array that it was called with. */
  get working(): boolean {
    return this.#pending !== undefined || this.#concurrent > 0;
  }

  /** Whether a message has to wait until `working` is false. */
  mustWait(message: Received): boolean {
    if (this.#pending !== undefined) return true;
    if (this.#concurrent === 0) return false;
    if (this.busy || this.#rowOf(message)?.concurrent === undefined) return true;
    return this.#nextPostponed() >= 0;
  }

  /** Generators wait for `more`: see `onAnswers`. */
  get hasMore(): boolean {
    return this.#generators !== undefined;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** The limits of the state; undefined if it has none, and at the end. */
  get deadline(): StateLimits | undefined {
    return this.#isDeaf ? undefined : this.#state.deadline;
  }

  /** Whether there are timers to start or to cancel. */
  get hasTimers(): boolean {
    return this.#timerChanges !== undefined;
  }

  /** Timers to start (in milliseconds) and to cancel (null) since the last call; undefined if there are none. */
  takeTimers(): ReadonlyMap<string, number | null> | undefined {
    const changes = this.#timerChanges;
    this.#timerChanges = undefined;
    return changes;
  }

  /** Handle a message. Returns a promise if its handler does. */
  receive(message: Received): Step<Sent, State> | Promise<Step<Sent, State>> {
    const answers: Sent[] = [];
    const from = this.#state;
    return this.#stepAfter(this.receiveInto(message, answers), from, answers);
  }

  /**
   * Like `receive`, for streams of messages: appends to `answers` and creates nothing else. Undefined if it is done, or a promise
   * that is fulfilled when it is. Look at `final` afterwards.
   */
  receiveInto(message: Received, answers: Sent[]): Promise<void> | undefined {
    if (this.#over || this.#upgrade !== undefined) return undefined;
    if (this.mustWait(message)) {
      throw new TypeError('one message at a time: the handler of the one before is still awaited');
    }
    const state = this.#state;
    const type = (message as Tagged | null | undefined)?.type as string;
    state.ask ??= generateAsk(state.on);
    let reply: unknown;
    try {
      reply = state.ask(message, type, this.context, answers);
    } catch (cause) {
      this.broke(cause, type, answers);
      return undefined;
    }
    if (reply !== NOT_ASKED) return this.heed(reply, type, answers);
    const row = state.on.get(type) ?? (state.postpone?.has(type) ? undefined : state.otherwise);
    if (row === undefined) {
      if (state.postpone?.has(type)) this.#postpone(message as Tagged, answers);
      else this.#fail(unexpected(state, type), answers);
      return undefined;
    }
    if (row.concurrent !== undefined) return this.#enter(row, message as Tagged, answers);
    return this.#continue(this.#ask(row, message as Tagged, type, answers), answers);
  }

  /**
   * Asks the handlers of the state, if a message can be handled now without a look at anything else; then `heed` its result, unless
   * it is `NOT_ASKED`. See `generateAsk`.
   */
  get ask(): Ask | undefined {
    if (this.#isDeaf || this.working || this.#postponed !== undefined) return undefined;
    this.#state.ask ??= generateAsk(this.#state.on);
    return this.#state.ask;
  }

  /** Apply what a handler that was asked has returned, as `receiveInto` does. */
  heed(reply: unknown, type: string, answers: Sent[]): Promise<void> | undefined {
    // The handler has ended the session itself: the farewell is the last message.
    if (reply === ANSWERED && this.#over) answers.pop();
    const pending =
      reply === ANSWERED
        ? undefined
        : this.#heedReply(this.#state.on.get(type)!, reply as TableReply, type, answers);
    return this.#continue(pending, answers);
  }

  /** A handler that was asked has thrown. */
  broke(cause: unknown, type: string, answers: Sent[]): void {
    this.#fail(broken(this.#state, type, cause), answers);
  }

  /** Take what waited for the reply. */
  #continue(pending: Promise<void> | undefined, answers: Sent[]): Promise<void> | undefined {
    if (pending === undefined && this.#postponed === undefined) return undefined;
    return this.#goOn(pending, answers);
  }

  /** Request the next answers of the generators that wait. */
  more(): void {
    const waiting = this.#generators;
    if (waiting === undefined) return;
    this.#generators = undefined;
    for (const resume of waiting) resume();
  }

  /** The peer has ended its side: the messages of `onEnd` are sent, and the run is over. */
  ended(): Step<Sent, State> {
    const answers: Sent[] = [];
    if (!this.#isDeaf) {
      this.#drop();
      this.#speak(this.#state.onEnd, 'onEnd', answers);
      this.#over = true;
    }
    return this.#step(this.#state, answers);
  }

  /**
   * A limit of the state has passed; by default its first limit. The answers of a handler that is still awaited are then too
   * late, and are dropped.
   * @param answers - the array to which the answers are appended
   */
  timeout(kind?: keyof StateLimits, answers: Sent[] = []): Step<Sent, State> | Promise<Step<Sent, State>> {
    const from = this.#state;
    const deadline = this.#isDeaf ? undefined : from.deadline;
    if (deadline === undefined) return this.#step(from, answers);
    const which = kind ?? KINDS.find((each) => deadline[each] !== Infinity)!;
    const error = timedOut(from, which, deadline[which]);
    this.#drop();
    if (deadline.row === undefined) {
      this.#fail(error, answers);
      return this.#step(from, answers);
    }
    const pending = this.#ask(deadline.row, error, error.code, answers);
    return this.#stepAfter(this.#goOn(pending, answers), from, answers);
  }

  /**
   * A named timer has expired. A timer that is not running is ignored. While a handler is at work it waits; its messages are then
   * among the answers of that handler.
   * @param answers - the array to which the answers are appended
   */
  expire(name: string, answers: Sent[] = []): Step<Sent, State> | Promise<Step<Sent, State>> {
    const from = this.#state;
    const after = this.#isDeaf ? undefined : this.#timers?.get(name);
    if (after === undefined) return this.#step(from, answers);
    this.#timers!.delete(name);
    if (this.working) {
      this.#expired ??= new Map();
      this.#expired.set(name, after);
      return this.#step(from, answers);
    }
    const pending = this.#timeUp(name, after, answers);
    return this.#stepAfter(this.#goOn(pending, answers), from, answers);
  }

  /** Input below the messages broke the protocol (or something else failed): the farewell is sent. */
  fault(error: Error): Step<Sent, State> {
    const answers: Sent[] = [];
    if (!this.#over) this.#fail(error, answers);
    return this.#step(this.#state, answers);
  }

  /** End the session without an error, between two messages: `say` gives the last messages. */
  leave(say: (context: Context) => Said<Sent>): Step<Sent, State> {
    const answers: Sent[] = [];
    if (!this.#isDeaf) {
      this.#drop();
      this.#speak(say as never, 'leave', answers);
      this.#over = true;
    }
    return this.#step(this.#state, answers);
  }

  /**
   * We are about to send a message unasked.
   * @throws StateError with `origin: 'local'` if the state does not allow it: do not send it, nothing has changed
   */
  send(message: Sent): void {
    const { name, sends, unsolicited = sends } = this.#state;
    const type = typeOf(message);
    if (typeof type !== 'string') {
      throw new TypeError('a message is an object with a type');
    }
    const details = { origin: 'local', state: name, messageType: typeDetail(type), actual: type } as const;
    if (this.#isDeaf) {
      const text = `${quoted(type)} cannot be sent: the session is over, in state '${name}'`;
      throw new StateError('ERR_STATE_CLOSED', text, details);
    }
    if (unsolicited !== undefined && !unsolicited.has(type)) {
      throw new StateError(
        'ERR_STATE_UNEXPECTED',
        `${quoted(type)} may not be sent unasked in state '${name}', only ${list(unsolicited)}`,
        { ...details, expected: [...unsolicited] },
      );
    }
  }

  /**
   * The connection is over: call the session's `dispose`, once. Returns the error if that failed.
   * @param reason - the error that ended the connection, if it is not the one that the session failed with
   */
  dispose(reason?: Error): Error | undefined {
    this.#drop();
    this.#over = true;
    const { dispose } = this.#table;
    if (!this.#hasContext) return undefined;
    this.#hasContext = false;
    try {
      const pending = dispose?.(this.context, this.#error ?? reason);
      // There is no one left to report the error to.
      if (isThenable(pending)) pending.then(undefined, () => {});
      return undefined;
    } catch (cause) {
      return new HandlerError('ERR_HANDLER', `dispose failed: ${showThrown(cause)}`, {
        state: this.state,
        cause,
      });
    }
  }

  #step(from: StateTable, answers: readonly Sent[]): Step<Sent, State> {
    const timers = this.takeTimers();
    return {
      answers,
      from: from.name as State,
      state: this.state,
      final: this.final,
      deadline: this.deadline,
      error: this.#error,
      ...(timers !== undefined && { timers: Object.fromEntries(timers) }),
      ...(this.#upgrade !== undefined && { upgrade: this.#upgrade }),
    };
  }

  #stepAfter(
    pending: Promise<void> | undefined,
    from: StateTable,
    answers: readonly Sent[],
  ): Step<Sent, State> | Promise<Step<Sent, State>> {
    return pending === undefined ? this.#step(from, answers) : pending.then(() => this.#step(from, answers));
  }

  #greet(): readonly Sent[] {
    const { line, onEnter } = this.#state;
    if (line === undefined && onEnter === undefined) return NONE;
    const greeting: Sent[] = [];
    if (this.#setLine(greeting)) this.#speak(onEnter, 'onEnter', greeting);
    return greeting;
  }

  /** Find the line of the state; false if that made the session fail. */
  #setLine(answers: Sent[]): boolean {
    const { line, name } = this.#state;
    try {
      this.#line = line === undefined ? NO_LINE : lineFor(line, this.context, name);
    } catch (cause) {
      this.#fail(broken(this.#state, name, cause, 'the framing or a codec of'), answers);
      return false;
    }
    this.onLine?.(answers.length);
    return true;
  }

  #rowOf(message: unknown): TableRow | undefined {
    const { on, otherwise, postpone } = this.#state;
    const type = typeOf(message) as string;
    return on.get(type) ?? (postpone?.has(type) ? undefined : otherwise);
  }

  // ─── One handler at a time ──────────────────────────────────────────────────────────────────────────────────

  #ask<Event>(row: TableRow<Event>, event: Event, type: string, answers: Sent[]): Promise<void> | undefined {
    let reply: ReturnType<TableRow['handle']>;
    try {
      reply = row.handle(event, this.context);
      if (row.answer !== undefined && !this.#over && isOnly(reply, row.answer)) {
        answers.push(reply.send as Sent);
        return undefined;
      }
    } catch (cause) {
      this.#fail(broken(this.#state, type, cause), answers);
      return undefined;
    }
    return this.#heedReply(row, reply, type, answers);
  }

  /** Apply a handler's reply, or wait for it. A handler that ended the session itself has no answer: the farewell is the last. */
  #heedReply<Event>(
    row: TableRow<Event>,
    reply: ReturnType<TableRow['handle']>,
    type: string,
    answers: Sent[],
  ): Promise<void> | undefined {
    let isLater: boolean;
    try {
      isLater = isThenable(reply) || isGenerator(reply);
    } catch (cause) {
      this.#fail(broken(this.#state, type, cause), answers);
      return undefined;
    }
    if (this.#over) {
      if (isLater) ignore(reply as Promise<TableReply> | TableGenerator);
      return undefined;
    }
    if (isLater) return this.#askLater(row, reply as Promise<TableReply>, type, answers);
    this.#apply(row, reply as TableReply, type, answers);
    return undefined;
  }

  #askLater<Event>(
    row: TableRow<Event>,
    reply: Promise<TableReply> | TableGenerator,
    type: string,
    answers: Sent[],
  ): Promise<void> {
    const token = {};
    this.#pending = token;
    const isAwaited = (): boolean => this.#pending === token;
    return this.#await(row, reply, type, answers, isAwaited, () => {
      this.#pending = undefined;
    });
  }

  /** Apply the result of a handler, unless `isAwaited` is false by then; `settled` is called before. */
  async #await<Event>(
    row: TableRow<Event>,
    reply: PromiseLike<TableReply> | TableGenerator,
    type: string,
    answers: Sent[],
    isAwaited: () => boolean,
    settled: () => void,
  ): Promise<void> {
    try {
      const final = isGenerator(reply)
        ? await this.#draw(row, reply, type, answers, isAwaited)
        : { reply: await reply, sent: undefined };
      if (!isAwaited()) return;
      settled();
      if (final !== undefined) this.#apply(row, final.reply, type, answers, final.sent);
    } catch (cause) {
      if (!isAwaited()) return;
      settled();
      this.#fail(broken(this.#state, type, cause), answers);
    }
  }

  /** Take the values that a generator yields, each on request; undefined if the session has failed over it. */
  async #draw<Event>(
    row: TableRow<Event>,
    generator: TableGenerator,
    type: string,
    answers: Sent[],
    isAwaited: () => boolean,
  ): Promise<{ reply: TableReply; sent: Spoken } | undefined> {
    const sent: Spoken = { count: 0, last: undefined };
    const types = row.outcomes === undefined ? this.#state.sends : typesOf(row);
    for (;;) {
      const { done, value } = await generator.next();
      if (done) return { reply: value, sent };
      if (!isAwaited()) break;
      const mark = answers.length;
      const refused =
        this.#append(value, types, type, answers) ?? this.#judgeMore(row, sent, type, answers, mark);
      if (refused !== undefined) {
        answers.length = mark;
        this.#fail(refused, answers);
        break;
      }
      if (this.onAnswers === undefined) continue;
      const room = new Promise<void>((resume) => {
        this.#generators ??= new Set();
        this.#generators.add(resume);
      });
      this.onAnswers();
      await room;
      if (!isAwaited()) break;
    }
    ignore(generator);
    return undefined;
  }

  /** After an event that was handled alone: handle the timers that expired meanwhile, and messages that an earlier state postponed. */
  #goOn(pending: Promise<void> | undefined, answers: Sent[]): Promise<void> | undefined {
    return pending === undefined ? this.#catchUp(answers) : this.#afterwards(pending, answers);
  }

  async #afterwards(pending: Promise<void>, answers: Sent[]): Promise<void> {
    await pending;
    await this.#catchUpLater(answers);
  }

  /** As `#catchUp`, when answers were appended: they do not wait for its handlers. */
  async #catchUpLater(answers: Sent[]): Promise<void> {
    const pending = this.#catchUp(answers);
    if (pending === undefined) return;
    this.onAnswers?.();
    await pending;
  }

  #catchUp(answers: Sent[]): Promise<void> | undefined {
    const entered: Promise<void>[] = [];
    while (!this.#isDeaf && this.#pending === undefined) {
      const expired = this.working ? undefined : this.#expired?.entries().next();
      if (expired !== undefined && !expired.done) {
        const [name, after] = expired.value;
        this.#expired!.delete(name);
        const pending = this.#timeUp(name, after, answers);
        if (pending !== undefined) return this.#afterwards(pending, answers);
        continue;
      }
      const index = this.#nextPostponed();
      if (index < 0) break;
      const { message, weight } = this.#postponed![index]!;
      const row = this.#rowOf(message);
      // It waits for the handlers at work, and the messages behind it wait, too.
      if (this.working && (this.busy || row?.concurrent === undefined)) break;
      this.#postponed!.splice(index, 1);
      this.#postponedBytes -= weight;
      if (this.#postponed!.length === 0) this.#postponed = this.#postponedFrames = undefined;
      if (row === undefined) {
        this.#fail(unexpected(this.#state, message.type), answers);
        return undefined;
      }
      if (row.concurrent === undefined) {
        const pending = this.#ask(row, message, message.type, answers);
        if (pending !== undefined) return this.#afterwards(pending, answers);
      } else {
        const pending = this.#enter(row, message, answers);
        // Its answers do not wait for those of the others.
        if (pending !== undefined) entered.push(pending.then(() => this.onAnswers?.()));
      }
    }
    if (this.final) this.#postponed = undefined;
    return entered.length > 0 ? Promise.all(entered).then(() => undefined) : undefined;
  }

  /** The place of the first postponed message that the state does not leave to the next; −1 if there is none. */
  #nextPostponed(): number {
    const { postpone } = this.#state;
    return this.#postponed?.findIndex(({ message: { type } }) => !postpone?.has(type)) ?? -1;
  }

  #postpone(message: Tagged, answers: Sent[]): void {
    this.#postponed ??= [];
    this.#postponedFrames ??= new WeakSet();
    const weight = weighAll(message, this.#postponedFrames);
    this.#postponed.push({ message, weight });
    this.#postponedBytes += weight;
    if (this.#postponed.length > MAX_POSTPONED) {
      this.#fail(crowded(this.#state, message.type, 'messages', MAX_POSTPONED), answers);
    } else if (this.#postponedBytes > MAX_POSTPONED_BYTES) {
      this.#fail(crowded(this.#state, message.type, 'bytes', MAX_POSTPONED_BYTES), answers);
    }
  }

  #timeUp(name: string, after: number, answers: Sent[]): Promise<void> | undefined {
    const row = this.#state.timers?.get(name);
    return row && this.#ask(row, { timer: name, after } satisfies TimerEvent, name, answers);
  }

  // ─── Several at a time ──────────────────────────────────────────────────────────────────────────────────────

  /** Queue a message after those of its key; the promise is fulfilled when it has been answered. */
  #enter(row: TableRow, message: Tagged, answers: Sent[]): Promise<void> | undefined {
    let key: unknown;
    try {
      key = row.concurrent!(message);
    } catch (cause) {
      this.#fail(broken(this.#state, message.type, cause, 'the key of'), answers);
      return undefined;
    }
    this.#lanes ??= new Map();
    const lanes = this.#lanes;
    const lane = lanes.get(key);
    if (lane !== undefined) {
      this.#concurrent++;
      return new Promise((done) => lane.push({ row, message, done }));
    }
    const entered: Work[] = [];
    lanes.set(key, entered);
    this.#concurrent++;
    const pending = this.#work(row, message, answers);
    if (pending !== undefined) return this.#finish(pending, lanes, key, entered, answers);
    lanes.delete(key);
    if (this.#lanes === lanes) this.#concurrent--;
    return undefined;
  }

  /** Handle the message at the head of a lane. */
  #work(row: TableRow, message: Tagged, answers: Sent[]): Promise<void> | undefined {
    const { type } = message;
    // The lanes are dropped together, when an event makes all of their answers too late.
    const lanes = this.#lanes;
    const isAwaited = (): boolean => this.#lanes === lanes;
    let reply: TableReply | Promise<TableReply> | TableGenerator;
    try {
      reply = row.handle(message, this.context);
      if (isThenable(reply) || isGenerator(reply)) {
        return this.#await(row, reply, type, answers, isAwaited, () => {});
      }
    } catch (cause) {
      this.#fail(broken(this.#state, type, cause), answers);
      return undefined;
    }
    if (isAwaited()) this.#apply(row, reply, type, answers);
    return undefined;
  }

  async #finish(
    pending: Promise<void>,
    lanes: Map<unknown, Work[]>,
    key: unknown,
    lane: Work[],
    answers: Sent[],
  ): Promise<void> {
    await pending;
    if (this.#lanes !== lanes) return;
    this.#concurrent--;
    while (lane.length > 0) {
      // The answer before does not wait for this one.
      this.onAnswers?.();
      const next = lane.shift();
      // That was the last event of the session.
      if (next === undefined) return;
      await this.#work(next.row, next.message, answers);
      if (this.#lanes === lanes) this.#concurrent--;
      next.done();
      if (this.#lanes !== lanes) return;
    }
    lanes.delete(key);
    if (this.#concurrent === 0) await this.#catchUpLater(answers);
  }

  /** Later answers of handlers at work are dropped. */
  #drop(): void {
    this.#pending = undefined;
    this.#concurrent = 0;
    const lanes = this.#lanes;
    this.#lanes = undefined;
    for (const lane of lanes?.values() ?? []) for (const { done } of lane.splice(0)) done();
    this.more();
  }

  // ─── What comes of it ───────────────────────────────────────────────────────────────────────────────────────

  /** Check a reply against the row, append its messages, and enter its state. `sent`: what a generator has sent before. */
  #apply<Event>(
    row: TableRow<Event>,
    reply: TableReply,
    type: string,
    answers: Sent[],
    sent: Spoken | undefined = undefined,
  ): void {
    const state = this.#state;
    const mark = answers.length;
    let send: Said<Tagged>;
    let next: string | undefined;
    let timers: Readonly<Record<string, number | null>> | undefined;
    let upgrade: string | undefined;
    try {
      const wrong = misshapen(reply);
      if (wrong !== undefined) throw new TypeError(wrong);
      // A getter or a Proxy may throw here.
      ({ send, next, timers, upgrade } = (reply ?? {}) as NonNullable<TableReply>);
      // The `next` of an iterator is a function.
      const isState = next !== undefined && typeof next !== 'function';
      if (send === undefined && !isState && timers === undefined && upgrade === undefined) {
        const other = reply === undefined ? undefined : mistaken(reply);
        if (other !== undefined) throw new TypeError(`expected { send, next } or nothing, got ${other}`);
      } else if (isState || timers !== undefined || upgrade !== undefined) {
        // Not for messages alone, which are most replies: to look at their names would cost time.
        const other = misspelt(reply as object);
        if (other !== undefined) throw new TypeError(`expected { send, next } or nothing, got ${other}`);
      }
      if (upgrade !== undefined) checkUpgrade(upgrade, row);
      const to = next ?? state.name;
      const outcome = row.outcomes?.get(to);
      const isOpen = to === state.name || (row.concurrent === undefined && state.next.has(to));
      if (outcome === undefined && (row.outcomes !== undefined || !isOpen)) {
        this.#fail(misled(state, type, to, row), answers);
        return;
      }
      const types = outcome === undefined ? this.#state.sends : outcome.types;
      let refused = this.#append(send, types, type, answers);
      if (refused === undefined && outcome !== undefined)
        refused = this.#judge(outcome, sent, type, answers, mark);
      const target = this.#table.states.get(to)!;
      refused ??= this.#setTimers(timers, target, type);
      if (refused !== undefined) {
        answers.length = mark;
        this.#fail(refused, answers);
      } else if (target !== state) {
        this.#state = target;
        this.#entries++;
        if (target === this.#table.ready) this.#ready = true;
        this.#cancelTimers(target);
        if (!this.#table.hasLines || this.#setLine(answers)) this.#speak(target.onEnter, 'onEnter', answers);
      }
      if (upgrade !== undefined && !this.#over) this.#goOver(upgrade);
    } catch (cause) {
      answers.length = mark;
      this.#fail(broken(state, type, cause), answers);
    }
  }

  /** No more messages are taken, and all timers stop: the connection continues with another protocol. */
  #goOver(upgrade: string): void {
    this.#upgrade = upgrade;
    this.#postponed = undefined;
    this.#cancelTimers(undefined);
  }

  /** Whether the sent messages match the outcome. */
  #judge(
    {
      one,
      types,
      last,
    }: { one: boolean; types: ReadonlySet<string>; last?: ReadonlySet<string> | undefined },
    sent: Spoken | undefined,
    type: string,
    answers: readonly Sent[],
    mark: number,
  ): StateError | undefined {
    const count = answers.length - mark + (sent?.count ?? 0);
    if (one && count !== 1) return notOne(this.#state, type, types, count);
    if (last === undefined) return undefined;
    const final = answers.length > mark ? (answers.at(-1) as Tagged).type : sent?.last;
    const isEarly = sent?.last !== undefined && last.has(sent.last) && answers.length > mark;
    for (let i = mark; i < answers.length - 1; i++) {
      if (last.has((answers[i] as Tagged).type)) return notLast(this.#state, type, last);
    }
    return final !== undefined && last.has(final) && !isEarly ? undefined : notLast(this.#state, type, last);
  }

  /** Count the messages of a generator; nothing may follow a message that ends the answer in every next state. */
  #judgeMore<Event>(
    { outcomes }: TableRow<Event>,
    sent: Spoken,
    type: string,
    answers: readonly Sent[],
    mark: number,
  ): StateError | undefined {
    for (let i = mark; i < answers.length; i++) {
      for (const { last } of sent.last === undefined ? [] : (outcomes?.values() ?? [])) {
        if (last?.has(sent.last!)) return notLast(this.#state, type, last);
      }
      sent.count++;
      sent.last = (answers[i] as Tagged).type;
    }
    return undefined;
  }

  #setTimers(
    timers: Readonly<Record<string, number | null>> | undefined,
    state: StateTable,
    type: string,
  ): StateError | undefined {
    if (timers === undefined) return undefined;
    const entries = Object.entries(timers);
    for (const [name, delay] of entries) {
      if (delay === null) continue;
      if (!state.timers?.has(name))
        return mistimed(state, type, `the timer ${quoted(name)}, which the state does not have`);
      if (!(typeof delay === 'number' && delay >= 1 && delay <= MAX_DELAY)) {
        return mistimed(
          state,
          type,
          `the timer ${quoted(name)} to ${show(delay)}, not 1 to ${MAX_DELAY} ms or null`,
        );
      }
    }
    for (const [name, delay] of entries) {
      if (delay === null) this.#cancelTimer(name);
      else {
        this.#timers ??= new Map();
        this.#timers.set(name, delay);
        this.#expired?.delete(name);
        this.#timerChanges ??= new Map();
        this.#timerChanges.set(name, delay);
      }
    }
    return undefined;
  }

  #cancelTimer(name: string): void {
    this.#expired?.delete(name);
    if (!this.#timers?.delete(name)) return;
    this.#timerChanges ??= new Map();
    this.#timerChanges.set(name, null);
  }

  /** Cancel the timers that a state does not have; without a state, all timers. */
  #cancelTimers(state: StateTable | undefined): void {
    for (const name of [...(this.#timers?.keys() ?? []), ...(this.#expired?.keys() ?? [])]) {
      if (!state?.timers?.has(name)) this.#cancelTimer(name);
    }
  }

  /** Append messages, each of an allowed type; returns the error if not all were appended. */
  #append(
    send: Said<Tagged>,
    types: ReadonlySet<string> | undefined,
    who: string,
    answers: Sent[],
  ): StateError | undefined {
    if (send === undefined) return undefined;
    if (!Array.isArray(send)) return this.#appendOne(send as Tagged, types, who, answers);
    // Read once: the length of a Proxy may grow with each look.
    const { length } = send as readonly Tagged[];
    for (let index = 0; index < length; index++) {
      const refused = this.#appendOne(send[index] as Tagged, types, who, answers);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  #appendOne(
    message: Tagged,
    types: ReadonlySet<string> | undefined,
    who: string,
    answers: Sent[],
  ): StateError | undefined {
    const type = message?.type;
    if (typeof type !== 'string' || (types !== undefined && !types.has(type))) {
      return misspoken(this.#state, who, type, types);
    }
    answers.push(message as Sent);
    return undefined;
  }

  /** Append the messages that a state sends by itself, or fail. */
  #speak(say: ((context: unknown) => Said<Tagged>) | undefined, who: string, answers: Sent[]): void {
    if (say === undefined) return;
    let mark = answers.length;
    let failed: Error | undefined;
    try {
      const said = say(this.context);
      // It has ended the session itself.
      if (this.#over) return;
      mark = answers.length;
      failed = this.#append(said, this.#state.sends, who, answers);
    } catch (cause) {
      failed = broken(this.#state, who, cause);
    }
    if (failed === undefined) return;
    answers.length = mark;
    this.#fail(failed, answers);
  }

  /** The first failure counts; the farewell is sent if the sending side is still open. */
  #fail(error: Error, answers: Sent[]): void {
    if (this.#over) return;
    const open = !this.final;
    this.#error = error;
    this.#over = true;
    this.#postponed = undefined;
    this.#cancelTimers(undefined);
    this.#drop();
    const { farewell } = this.#table;
    if (!open || farewell === undefined || !this.#hasContext) return;
    const mark = answers.length;
    try {
      const refused = this.#append(farewell(error, this.context), this.#state.sends, 'farewell', answers);
      if (refused !== undefined) answers.length = mark;
    } catch {
      answers.length = mark;
    }
  }
}

/** A message of a concurrent row that waits for others of its key. */
interface Work {
  readonly row: TableRow;
  readonly message: Tagged;
  done(): void;
}

/** A message that waits for another state, and about how many bytes it holds. */
interface Postponed {
  readonly message: Tagged;
  readonly weight: number;
}

/** The messages that a generator has sent: their number, and the type of the last. */
interface Spoken {
  count: number;
  last: string | undefined;
}

const NONE: readonly never[] = [];
const KINDS: readonly (keyof StateLimits)[] = ['within', 'idle', 'frame'];

/** The type of a received message; a peer's JSON may be anything. */
function typeOf(message: unknown): unknown {
  return (message as Partial<Tagged> | null | undefined)?.type;
}

/** Let a generator clean up; further messages of it are dropped, and so is the failure of a promise. */
function ignore(reply: PromiseLike<TableReply> | TableGenerator): void {
  try {
    const last = isGenerator(reply) ? reply.return?.(undefined) : reply;
    Promise.resolve(last).catch(() => {});
  } catch {
    // A user's own iterator: the session has failed already, or the answer came too late.
  }
}

function isThenable(value: unknown): value is PromiseLike<TableReply> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}

function isGenerator(value: unknown): value is TableGenerator {
  const iterator = value as Partial<TableGenerator> | undefined | null;
  return typeof iterator?.[Symbol.asyncIterator] === 'function' && typeof iterator.next === 'function';
}

/** Whether the reply is one message of that type and the state stays: a shortcut for `#apply`. */
function isOnly(reply: unknown, type: string): reply is { readonly send: Tagged } {
  if (reply === null || typeof reply !== 'object') return false;
  const { send, next, timers, upgrade } = reply as Record<'next' | 'timers' | 'upgrade', unknown> & {
    send?: Tagged;
  };
  return send?.type === type && next === undefined && timers === undefined && upgrade === undefined;
}

/** What is wrong with the form of a reply, in words. */
function misshapen(reply: unknown): string | undefined {
  if (reply === undefined) return undefined;
  if (reply === null || typeof reply !== 'object') {
    return `expected { send, next } or nothing, got ${reply === null ? 'null' : typeof reply}`;
  }
  return Array.isArray(reply) ? `expected { send, next } or nothing, got ${show(reply)}` : undefined;
}

/** @throws TypeError for an invalid upgrade, or for one from a concurrent row */
function checkUpgrade<Event>(upgrade: unknown, { concurrent }: TableRow<Event>): void {
  if (typeof upgrade !== 'string' || upgrade === '') {
    throw new TypeError(`expected the name of an upgrade, got ${show(upgrade)}`);
  }
  if (concurrent !== undefined) throw new TypeError(`a concurrent row cannot upgrade to ${quoted(upgrade)}`);
}

/** The types that may be sent by any outcome of a row. */
function typesOf<Event>({ outcomes }: TableRow<Event>): ReadonlySet<string> {
  return new Set([...outcomes!.values()].flatMap(({ types }) => [...types]));
}

const PARTS = ['send', 'next', 'timers', 'upgrade'];

/**
 * What an object without a part of a reply is, if its handler meant to send something: a message in place of `{ send: message }`,
 * a Set of messages, `{ sned: message }`. The peer would wait forever for an answer.
 */
function mistaken(reply: object): string | undefined {
  if ('type' in reply) return `a message of type ${quoted(reply.type)} itself`;
  if (isGenerator(reply)) return 'an async generator as the result of another one or of a promise';
  if (Symbol.asyncIterator in reply)
    return 'an async iterable: an async generator sends each value with yield*';
  if (Symbol.iterator in reply) return 'an iterable: several messages are an array, { send: [...messages] }';
  return misspelt(reply);
}

/** An unknown part of a reply that is near to a part that the reply does not have. */
function misspelt(reply: object): string | undefined {
  for (const name of Object.keys(reply)) {
    const part = PARTS.includes(name) ? undefined : nearest(name, PARTS);
    if (part !== undefined && !(part in reply)) return `{ ${safeText(name)} }; did you mean { ${part} }?`;
  }
  return undefined;
}
