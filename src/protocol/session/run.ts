import { HandlerError, StateError, TimeoutError } from '../../errors.ts';
import type { Said, Tagged } from './declaration.ts';
import type { SessionTable, StateTable, TableReply, TableRow } from './table.ts';

/** What followed from one event. */
export interface Step<Sent, State extends string> {
  /** What is to be sent, in order. */
  readonly answers: readonly Sent[];
  /** The state before, and the one now. */
  readonly from: State;
  readonly state: State;
  /** Nothing follows any more: send the answers, then end the sending side. */
  readonly final: boolean;
  /** The limits of the state now, if it has any. */
  readonly deadline: StateLimits | undefined;
  /** Why the session failed; the answers end with the farewell then. */
  readonly error: Error | undefined;
}

/** The limits of a state, in milliseconds; Infinity where there is none. */
export interface StateLimits {
  readonly within: number;
  readonly idle: number;
  readonly frame: number;
}

/**
 * One connection's way through a session: it is told what happened, and says what follows. It holds no timer, reads
 * no clock, and sends nothing.
 *
 * What breaks the table is not thrown but a step: the answers so far and the farewell, `final`, and `error` (origin
 * `'peer'` for a message that the state does not take, `'local'` for an answer that it may not send, `ERR_HANDLER` for
 * a handler that failed). After that every event is ignored.
 *
 * @example
 * const run = session.start();
 * run.receive({ type: 'write', text: 'HELLO' }); // { answers: [{ type: 'ok', text: 'AUTH_OK' }], state: 'authenticated' … }
 */
export class Run<Received, Sent, State extends string, Context> {
  /** What the handlers of this connection share. */
  readonly context: Context;
  /** What the initial state's `onEnter` sends, before anything has come. */
  readonly greeting: readonly Sent[];
  readonly #table: SessionTable;
  #state: StateTable;
  #entries = 1;
  #error: Error | undefined;
  /** The session has failed, or the peer has ended: events are ignored. */
  #over = false;
  /** The reply awaited, if any; a timeout or a fault meanwhile makes it come too late. */
  #pending: object | undefined;

  constructor(table: SessionTable, context: Context) {
    this.context = context;
    this.#table = table;
    this.#state = table.initial;
    this.greeting = this.#greet();
  }

  get state(): State {
    return this.#state.name as State;
  }

  /** How often a state was entered, the initial one included: a change says that the deadlines start anew. */
  get entries(): number {
    return this.#entries;
  }

  /** Nothing follows any more: a final state, a failure, or the peer has ended. */
  get final(): boolean {
    return this.#over || this.#state.final;
  }

  /** A handler's promise is awaited; no message is taken until then. */
  get busy(): boolean {
    return this.#pending !== undefined;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** The limits of the state; undefined where it has none, and at the end. */
  get deadline(): StateLimits | undefined {
    return this.final ? undefined : this.#state.deadline;
  }

  /** Take a message. A promise when its handler gives one. */
  receive(message: Received): Step<Sent, State> | Promise<Step<Sent, State>> {
    const answers: Sent[] = [];
    const from = this.#state;
    const pending = this.receiveInto(message, answers);
    return pending === undefined ? this.#step(from, answers) : pending.then(() => this.#step(from, answers));
  }

  /**
   * As `receive`, for streams of messages: appends to `answers` and makes nothing else. Undefined when it is done,
   * or a promise that is fulfilled when it is. Look at `final` afterwards.
   */
  receiveInto(message: Received, answers: Sent[]): Promise<void> | undefined {
    if (this.#over) return undefined;
    if (this.#pending !== undefined) {
      throw new TypeError('one message at a time: the handler of the one before is still awaited');
    }
    const state = this.#state;
    const { type } = message as Tagged;
    const row = state.on.get(type) ?? state.otherwise;
    if (row === undefined) {
      this.#fail(unexpected(state, type), answers);
      return undefined;
    }
    return this.#ask(row, message as Tagged, type, answers);
  }

  /** The peer has ended its side: what `onEnd` says, and the run is over. */
  ended(): Step<Sent, State> {
    const answers: Sent[] = [];
    if (!this.final) {
      this.#pending = undefined;
      if (this.#speak(this.#state.onEnd, 'onEnd', answers)) this.#over = true;
    }
    return this.#step(this.#state, answers);
  }

  /**
   * A limit of the state has passed; by default the first that it has. A handler that is still awaited comes too late
   * then, and what it answers is dropped.
   */
  timeout(kind?: keyof StateLimits): Step<Sent, State> | Promise<Step<Sent, State>> {
    const answers: Sent[] = [];
    const from = this.#state;
    const deadline = this.final ? undefined : from.deadline;
    if (deadline === undefined) return this.#step(from, answers);
    const which = kind ?? KINDS.find((each) => deadline[each] !== Infinity)!;
    const error = timedOut(from, which, deadline[which]);
    this.#pending = undefined;
    if (deadline.row === undefined) {
      this.#fail(error, answers);
      return this.#step(from, answers);
    }
    const pending = this.#ask(deadline.row, error, error.code, answers);
    return pending === undefined ? this.#step(from, answers) : pending.then(() => this.#step(from, answers));
  }

  /** What came broke the protocol below the messages (or something else went wrong): the farewell. */
  fault(error: Error): Step<Sent, State> {
    const answers: Sent[] = [];
    if (!this.#over) this.#fail(error, answers);
    return this.#step(this.#state, answers);
  }

  /**
   * We are about to send a message unasked.
   * @throws StateError with `origin: 'local'` when the state does not allow it: do not send it, nothing has changed
   */
  send(message: Sent): void {
    const { name, unsolicited = this.#table.sends } = this.#state;
    const type = (message as Tagged | null)?.type;
    if (typeof type !== 'string') {
      throw new TypeError('a message is an object with a type');
    }
    const details = { origin: 'local', state: name, messageType: type, actual: type } as const;
    if (this.final) {
      const text = `'${type}' cannot be sent: the session is over, in state '${name}'`;
      throw new StateError('ERR_STATE_CLOSED', text, details);
    }
    if (unsolicited !== undefined && !unsolicited.has(type)) {
      throw new StateError(
        'ERR_STATE_UNEXPECTED',
        `'${type}' may not be sent unasked in state '${name}', only ${list(unsolicited)}`,
        { ...details, expected: [...unsolicited] },
      );
    }
  }

  #step(from: StateTable, answers: readonly Sent[]): Step<Sent, State> {
    return {
      answers,
      from: from.name as State,
      state: this.state,
      final: this.final,
      deadline: this.deadline,
      error: this.#error,
    };
  }

  #greet(): readonly Sent[] {
    const { onEnter } = this.#state;
    if (onEnter === undefined) return NONE;
    const greeting: Sent[] = [];
    this.#speak(onEnter, 'onEnter', greeting);
    return greeting;
  }

  #ask<Event>(row: TableRow<Event>, event: Event, type: string, answers: Sent[]): Promise<void> | undefined {
    let reply: TableReply | Promise<TableReply>;
    try {
      reply = row.handle(event, this.context);
    } catch (cause) {
      this.#fail(this.#broken(type, cause), answers);
      return undefined;
    }
    if (isThenable(reply)) return this.#await(row, reply, type, answers);
    if (row.answer !== undefined && isOnly(reply, row.answer)) answers.push(reply.send as Sent);
    else this.#apply(row, reply, type, answers);
    return undefined;
  }

  async #await<Event>(
    row: TableRow<Event>,
    reply: PromiseLike<TableReply>,
    type: string,
    answers: Sent[],
  ): Promise<void> {
    const token = {};
    this.#pending = token;
    try {
      const settled = await reply;
      if (this.#pending !== token) return;
      this.#pending = undefined;
      this.#apply(row, settled, type, answers);
    } catch (cause) {
      if (this.#pending !== token) return;
      this.#fail(this.#broken(type, cause), answers);
    }
  }

  /** Check a reply against the row, append its messages, and go where it says. */
  #apply<Event>(row: TableRow<Event>, reply: TableReply, type: string, answers: Sent[]): void {
    const state = this.#state;
    if (reply === null || (reply !== undefined && typeof reply !== 'object')) {
      const got = reply === null ? 'null' : typeof reply;
      this.#fail(
        this.#broken(type, new TypeError(`expected { send, next } or nothing, got ${got}`)),
        answers,
      );
      return;
    }
    const send = reply?.send;
    const next = reply?.next;
    if (send === undefined && next === undefined && reply !== undefined && isMessage(reply)) {
      const text = `expected { send, next }, got a message of type '${reply.type}' itself`;
      this.#fail(this.#broken(type, new TypeError(text)), answers);
      return;
    }
    const to = next ?? state.name;
    const outcome = row.outcomes?.get(to);
    if (outcome === undefined && (row.outcomes !== undefined || (to !== state.name && !state.next.has(to)))) {
      this.#fail(misled(state, type, to, row), answers);
      return;
    }
    const mark = answers.length;
    const types = outcome === undefined ? this.#table.sends : outcome.types;
    let refused = this.#append(send, types, type, answers);
    if (refused === undefined && outcome?.one === true && answers.length - mark !== 1) {
      refused = notOne(state, type, outcome.types, answers.length - mark);
    }
    if (refused === undefined && outcome?.last !== undefined && !endsOnce(answers, mark, outcome.last)) {
      refused = notLast(state, type, outcome.last);
    }
    if (refused !== undefined) {
      answers.length = mark;
      this.#fail(refused, answers);
    } else if (to !== state.name) {
      this.#state = this.#table.states.get(to)!;
      this.#entries++;
      this.#speak(this.#state.onEnter, 'onEnter', answers);
    }
  }

  /** Append what is sent, each of an allowed type; answers why not, when not all of it was. */
  #append(
    send: Said<Tagged>,
    types: ReadonlySet<string> | undefined,
    who: string,
    answers: Sent[],
  ): StateError | undefined {
    if (send === undefined) return undefined;
    if (!Array.isArray(send)) return this.#appendOne(send as Tagged, types, who, answers);
    for (const message of send as readonly Tagged[]) {
      const refused = this.#appendOne(message, types, who, answers);
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

  /** Append what a state says of itself; false when that made the session fail. */
  #speak(say: ((context: unknown) => Said<Tagged>) | undefined, who: string, answers: Sent[]): boolean {
    if (say === undefined) return true;
    const mark = answers.length;
    let failed: Error | undefined;
    try {
      failed = this.#append(say(this.context), this.#table.sends, who, answers);
    } catch (cause) {
      failed = this.#broken(who, cause);
    }
    if (failed === undefined) return true;
    answers.length = mark;
    this.#fail(failed, answers);
    return false;
  }

  /** The first failure stands; the farewell is said where the sending side is still open. */
  #fail(error: Error, answers: Sent[]): void {
    const open = !this.final;
    this.#error = error;
    this.#over = true;
    this.#pending = undefined;
    const { farewell } = this.#table;
    if (!open || farewell === undefined) return;
    const mark = answers.length;
    try {
      const refused = this.#append(farewell(error, this.context), this.#table.sends, 'farewell', answers);
      if (refused !== undefined) answers.length = mark;
    } catch {
      answers.length = mark;
    }
  }

  #broken(type: string, cause: unknown): HandlerError {
    const state = this.#state.name;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HandlerError('ERR_HANDLER', `the handler of '${type}' in state '${state}' failed: ${why}`, {
      state,
      messageType: type,
      cause,
    });
  }
}

const NONE: readonly never[] = [];
const KINDS: readonly (keyof StateLimits)[] = ['within', 'idle', 'frame'];

function isThenable(value: unknown): value is PromiseLike<TableReply> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}

/** Whether the reply is one message of that type, and the state stays: what `#apply` would find, found at once. */
function isOnly(reply: TableReply | null, type: string): reply is { readonly send: Tagged } {
  return (
    reply !== null &&
    reply !== undefined &&
    reply.next === undefined &&
    (reply.send as Tagged | null | undefined)?.type === type
  );
}

function unexpected(state: StateTable, type: string): StateError {
  const details = { state: state.name, messageType: type, actual: type };
  if (state.final) {
    return new StateError('ERR_STATE_CLOSED', `'${type}' after the end, in state '${state.name}'`, details);
  }
  const expected = [...state.on.keys()];
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `'${type}' is not expected in state '${state.name}', only ${list(expected)}`,
    { ...details, expected },
  );
}

function misled<Event>(state: StateTable, type: string, to: string, row: TableRow<Event>): StateError {
  const expected = [...(row.outcomes?.keys() ?? [state.name, ...state.next])];
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of '${type}' in state '${state.name}' leads to '${to}', only ${list(expected)} may follow`,
    { origin: 'local', state: state.name, messageType: type, actual: to, expected },
  );
}

function misspoken(
  state: StateTable,
  who: string,
  type: unknown,
  types: ReadonlySet<string> | undefined,
): StateError {
  const said = typeof type === 'string' ? `'${type}'` : 'something that is no message';
  const may = types === undefined ? 'a message has a type' : `only ${list(types)} may be sent`;
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `what answers '${who}' in state '${state.name}' is ${said}: ${may}`,
    {
      origin: 'local',
      state: state.name,
      messageType: typeof type === 'string' ? type : undefined,
      actual: type,
      expected: types && [...types],
    },
  );
}

function notOne(state: StateTable, type: string, types: ReadonlySet<string>, count: number): StateError {
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of '${type}' in state '${state.name}' sends ${count} messages, not one ${list(types)}`,
    { origin: 'local', state: state.name, messageType: type, actual: count, expected: [...types] },
  );
}

/** Whether the last of the messages from `start` on, and no other, is of these types. */
function endsOnce(messages: readonly unknown[], start: number, last: ReadonlySet<string>): boolean {
  for (let i = start; i < messages.length; i++) {
    if (last.has((messages[i] as Tagged).type) !== (i === messages.length - 1)) return false;
  }
  return messages.length > start;
}

function notLast(state: StateTable, type: string, last: ReadonlySet<string>): StateError {
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of '${type}' in state '${state.name}' does not end its answer with one ${list(last)}`,
    { origin: 'local', state: state.name, messageType: type, expected: [...last] },
  );
}

function timedOut(state: StateTable, kind: keyof StateLimits, limit: number): TimeoutError {
  const details = { state: state.name, limit };
  switch (kind) {
    case 'within':
      return new TimeoutError(
        'ERR_TIMEOUT_STATE',
        `state '${state.name}' was not left within ${limit} ms`,
        details,
      );
    case 'idle':
      return new TimeoutError(
        'ERR_TIMEOUT_IDLE',
        `no message in ${limit} ms, in state '${state.name}'`,
        details,
      );
    case 'frame':
      return new TimeoutError(
        'ERR_TIMEOUT_IDLE',
        `a frame begun ${limit} ms ago is not complete, in state '${state.name}'`,
        details,
      );
  }
}

function list(names: Iterable<string>): string {
  return [...names].join(', ') || 'nothing';
}

/** A handler that answers a message in place of `{ send: message }` would leave the peer waiting for ever. */
function isMessage(reply: object): reply is Tagged {
  return 'type' in reply;
}
