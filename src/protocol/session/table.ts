import { show, showName } from '../../bytes/show.ts';
import type { TimeoutError } from '../../errors.ts';
import { anything, checkOptions, MAX_DELAY, requireObjectOf } from '../../options.ts';
import type {
  ConnectionInfo,
  Reply,
  Said,
  SessionDeclaration,
  StateDeclaration,
  Tagged,
  TimerEvent,
} from './declaration.ts';
import { compileLine, type LineSource, readsAlike, typesOf } from './line.ts';
import { compileOutcome, type Outcome } from './outcome.ts';

/** A session as the run and the pictures read it. */
export interface SessionTable {
  readonly initial: StateTable;
  /** The state in which the handshake is over; default the initial one. */
  readonly ready: StateTable;
  readonly states: ReadonlyMap<string, StateTable>;
  /** The types of received messages: from the codec, or else from the rows. */
  readonly receives: readonly string[];
  /** The types of sent messages in any state, if the codecs tell. */
  readonly sends: ReadonlySet<string> | undefined;
  readonly farewell: ((fault: Error, context: unknown) => Said<Tagged>) | undefined;
  readonly context: ((connection: ConnectionInfo) => unknown) | undefined;
  readonly dispose: ((context: unknown, reason: Error | undefined) => unknown) | undefined;
  /** The types that the codecs of the session name; undefined for a codec that names none. */
  readonly told: {
    readonly receives: readonly string[] | undefined;
    readonly sends: readonly string[] | undefined;
  };
  /** Whether a state has a framing or codecs of its own. */
  readonly hasLines: boolean;
}

export interface StateTable {
  readonly name: string;
  readonly on: ReadonlyMap<string, TableRow>;
  /** Asks the handlers of `on`; generated with the first message. */
  ask: Ask | undefined;
  readonly otherwise: TableRow | undefined;
  /** The types that wait for the next state. */
  readonly postpone: ReadonlySet<string> | undefined;
  readonly timers: ReadonlyMap<string, TableRow<TimerEvent>> | undefined;
  /** The states that may follow, except the state itself. */
  readonly next: ReadonlySet<string>;
  /** The types that may be sent unasked; undefined for any. */
  readonly unsolicited: ReadonlySet<string> | undefined;
  readonly deadline: DeadlineTable | undefined;
  readonly onEnter: ((context: unknown) => Said<Tagged>) | undefined;
  readonly onEnd: ((context: unknown) => Said<Tagged>) | undefined;
  readonly final: boolean;
  /** The state's own framing and codecs; undefined if it has none. */
  readonly line: LineSource | undefined;
  /** The types received and sent here, if the codecs tell. */
  readonly receives: ReadonlySet<string> | undefined;
  readonly sends: ReadonlySet<string> | undefined;
  /** Whether input is read in the same way in all states that may still follow. */
  readonly isSettled: boolean;
}

export interface TableRow<Event = Tagged> {
  readonly handle: TableHandler<Event>;
  /** By next state; undefined if any of the state's `next`, and staying, is possible. */
  readonly outcomes: ReadonlyMap<string, Outcome> | undefined;
  /** The type of the single message that is sent when the state stays, if the outcomes declare one: most replies. */
  readonly answer: string | undefined;
  /** The key of a message that may be handled concurrently; undefined if it is handled alone. */
  readonly concurrent: ((event: Event) => unknown) | undefined;
  /** The path of that key, if a path gives it. */
  readonly keyPath?: string | undefined;
}

/** Asks the handler of a message, and appends its answer to `answers` if that is the usual one; see `generateAsk`. */
export type Ask = (message: unknown, type: string, context: unknown, answers: unknown[]) => unknown;

/** The limits of a state, in milliseconds; Infinity for no limit. */
export interface StateLimits {
  readonly within: number;
  readonly idle: number;
  readonly frame: number;
}

export interface DeadlineTable extends StateLimits {
  /** The row that handles the `TimeoutError`; undefined if the session fails with it. */
  readonly row: TableRow<TimeoutError> | undefined;
}

export type TableReply = Reply<Tagged, string> | undefined;
export type TableGenerator = AsyncGenerator<Said<Tagged>, TableReply, undefined>;
export type TableHandler<Event> = (
  event: Event,
  context: unknown,
) => TableReply | Promise<TableReply> | TableGenerator;

// biome-ignore lint/suspicious/noExplicitAny: what is declared is checked here, not trusted
type Declared = Omit<StateDeclaration<any, any, string, any>, 'receives' | 'sends'> & {
  receives?: unknown;
  sends?: unknown;
};

/**
 * Check a declared session, and prepare it for the run.
 * @throws TypeError or RangeError naming the state and what is wrong there
 */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function compileSession(declaration: SessionDeclaration<any, any, string, any>): SessionTable {
  checkNames('defineSession', declaration, [
    'receives',
    'sends',
    'initial',
    'ready',
    'context',
    'dispose',
    'states',
    'farewell',
  ]);
  const { receives, sends, initial, ready = initial, context, farewell, dispose } = declaration;
  if (receives === undefined || sends === undefined) {
    throw new TypeError('a session needs the codecs of what it receives and of what it sends');
  }
  for (const [name, codec] of Object.entries({ receives, sends })) {
    if ((typeof codec !== 'object' && typeof codec !== 'function') || codec === null) {
      throw new TypeError(`${name}: expected a codec, got ${show(codec)}`);
    }
  }
  requireObjectOf('states', 'an object of names and states', declaration.states);
  isFunction(context, 'context');
  isFunction(farewell, 'farewell');
  isFunction(dispose, 'dispose');
  const names = Object.keys(declaration.states);
  const known: Known = {
    states: new Set(names),
    receives: listOf('receives.types', receives.types),
    sends: listOf('sends.types', sends.types),
  };
  const states = new Map(names.map((name) => [name, compileState(name, declaration.states[name]!, known)]));
  const first = states.get(initial);
  if (first === undefined)
    throw new TypeError(`initial: no state ${showName(initial)}; there are ${list(names)}`);
  const usable = states.get(ready);
  if (usable === undefined)
    throw new TypeError(`ready: no state ${showName(ready)}; there are ${list(names)}`);
  const all = [...states.values()];
  const hasLines = all.some(({ line }) => line !== undefined);
  if (hasLines) for (const state of all) Object.assign(state, { isSettled: isSettled(state, states) });
  const named = all.flatMap(({ on }) => [...on.keys()]);
  const own = all.flatMap(({ receives }) => (receives === known.receives ? [] : [...(receives ?? [])]));
  const sent = all.some((state) => state.sends === undefined)
    ? undefined
    : new Set([...(known.sends ?? []), ...all.flatMap((state) => [...state.sends!])]);
  return {
    initial: first,
    ready: usable,
    states,
    receives: [...new Set([...(known.receives ?? named), ...own])],
    sends: sent,
    farewell,
    context,
    dispose,
    told: { receives: receives.types, sends: sends.types },
    hasLines,
  };
}

/** Whether input is read in the same way in all states that can be reached from here. */
function isSettled(from: StateTable, states: ReadonlyMap<string, StateTable>): boolean {
  const reached = new Set([from]);
  for (const { next } of reached) for (const name of next) reached.add(states.get(name)!);
  return [...reached].every((to) => to === from || to.final || readsAlike(from.line, to.line));
}

const STATE_PARTS = [
  'on',
  'otherwise',
  'next',
  'unsolicited',
  'deadline',
  'postpone',
  'timers',
  'onEnter',
  'onEnd',
  'final',
  'framing',
  'receives',
  'sends',
];

/** Refuse an unknown part: a misspelt one would otherwise be missing silently. */
function checkNames(where: string, declared: object, names: readonly string[]): void {
  checkOptions(where, declared, Object.fromEntries(names.map((name) => [name, anything])));
}

interface Known {
  states: ReadonlySet<string>;
  receives: ReadonlySet<string> | undefined;
  sends: ReadonlySet<string> | undefined;
}

function compileState(name: string, state: Declared, all: Known): StateTable {
  const where = `states.${name}`;
  checkNames(where, state, STATE_PARTS);
  const { framing, receives, sends } = state;
  const line = compileLine(where, { framing, receives, sends });
  // The codec that a function makes is not known yet: any type may be one of its messages.
  const known: Known = {
    states: all.states,
    receives: receives === undefined ? all.receives : listOf(`${name}.receives`, typesOf(receives)),
    sends: sends === undefined ? all.sends : listOf(`${name}.sends`, typesOf(sends)),
  };
  const on = new Map<string, TableRow>();
  for (const [type, row] of Object.entries(state.on ?? {})) {
    if (row === undefined) continue;
    among(known.receives, type, `${where}.on`, 'message');
    on.set(type, compileRow(row, name, `${where}.on.${type}`, known));
  }
  const otherwise =
    state.otherwise === undefined
      ? undefined
      : compileRow(state.otherwise, name, `${where}.otherwise`, known);
  const unsolicited = listOf(`${name}.unsolicited`, state.unsolicited);
  for (const type of unsolicited ?? []) among(known.sends, type, `${where}.unsolicited`, 'message');
  const postpone = listOf(`${name}.postpone`, state.postpone);
  for (const type of postpone ?? []) {
    among(known.receives, type, `${where}.postpone`, 'message');
    if (on.has(type)) throw new TypeError(`${where}.postpone: '${type}' has a row of its own`);
  }
  const timers = compileTimers(name, state.timers, known);
  isFunction(state.onEnter, `${where}.onEnter`);
  isFunction(state.onEnd, `${where}.onEnd`);
  const final = state.final === true;
  const deadline = state.deadline && compileDeadline(state.deadline, `${where}.deadline`);
  if (final && deadline !== undefined) {
    throw new TypeError(`${where}: a final state has no deadline; the stage's lingerTimeout bounds it`);
  }
  if (final && (timers !== undefined || state.postpone !== undefined)) {
    throw new TypeError(`${where}: a final state takes nothing: it has no timers, and postpones nothing`);
  }
  const rows = [...on.values(), otherwise, ...(timers?.values() ?? [])] as readonly (TableRow | undefined)[];
  const next = compileNext(name, state, rows, known);
  if (final && next.size > 0)
    throw new TypeError(`${where}: no state follows a final one, got ${list(next)}`);
  return {
    name,
    on,
    ask: undefined,
    otherwise,
    postpone,
    timers,
    next,
    unsolicited,
    deadline,
    onEnter: state.onEnter,
    onEnd: state.onEnd,
    final,
    line,
    receives: known.receives,
    sends: known.sends,
    isSettled: true,
  };
}

/** The states that `next` declares, or else the outcomes name; both must agree. */
function compileNext(
  name: string,
  state: Declared,
  rows: readonly (TableRow | undefined)[],
  known: Known,
): ReadonlySet<string> {
  const where = `states.${name}`;
  const declared = listOf(`${name}.next`, state.next);
  for (const to of declared ?? []) among(known.states, to, `${where}.next`, 'state');
  const next = new Set(declared);
  for (const row of rows) {
    for (const to of row?.outcomes?.keys() ?? []) {
      if (declared !== undefined && to !== name && !declared.has(to)) {
        throw new TypeError(`${where}: an outcome leads to '${to}', which is not in next: ${list(declared)}`);
      }
      next.add(to);
    }
  }
  next.delete(name);
  return next;
}

function compileTimers(
  name: string,
  timers: Declared['timers'],
  known: Known,
): ReadonlyMap<string, TableRow<TimerEvent>> | undefined {
  if (timers === undefined) return undefined;
  const compiled = new Map<string, TableRow<TimerEvent>>();
  for (const [timer, declared] of Object.entries(timers)) {
    const where = `states.${name}.timers.${timer}`;
    const row = compileRow(declared, name, where, known) as unknown as TableRow<TimerEvent>;
    if (row.concurrent !== undefined)
      throw new TypeError(`${where}: a timer is handled alone, not concurrent`);
    compiled.set(timer, row);
  }
  return compiled;
}

/** `name` is the name of the state. */
function compileRow(row: unknown, name: string, where: string, known: Known): TableRow {
  if (typeof row === 'function') {
    return {
      handle: row as TableRow['handle'],
      outcomes: undefined,
      answer: undefined,
      concurrent: undefined,
    };
  }
  const declared = (row ?? {}) as {
    handle?: unknown;
    outcomes?: Record<string, unknown>;
    concurrent?: unknown;
  };
  const { handle, outcomes } = declared;
  if (typeof handle !== 'function') {
    throw new TypeError(`${where}: expected a handler, or { handle, outcomes }, got ${kindOf(row)}`);
  }
  checkNames(where, declared, ['handle', 'outcomes', 'concurrent']);
  const concurrent = compileKey(declared.concurrent, `${where}.concurrent`);
  const keyPath = typeof declared.concurrent === 'string' ? declared.concurrent : undefined;
  if (outcomes === undefined)
    return {
      handle: handle as TableRow['handle'],
      outcomes: undefined,
      answer: undefined,
      concurrent,
      keyPath,
    };
  const compiled = new Map<string, Outcome>();
  for (const [to, sends] of Object.entries(outcomes)) {
    among(known.states, to, `${where}.outcomes`, 'state');
    const outcome = compileOutcome(sends, `${where}.outcomes.${to}`);
    for (const type of outcome.types) among(known.sends, type, `${where}.outcomes.${to}`, 'message');
    compiled.set(to, outcome);
  }
  if (compiled.size === 0) throw new TypeError(`${where}.outcomes: nothing may follow`);
  if (concurrent !== undefined && (compiled.size > 1 || !compiled.has(name))) {
    throw new TypeError(`${where}.outcomes: a concurrent row stays in '${name}'`);
  }
  const answer = outcomes[name];
  return {
    handle: handle as TableRow['handle'],
    outcomes: compiled,
    answer: typeof answer === 'string' ? answer : undefined,
    concurrent,
    keyPath,
  };
}

/** The key of a message: at a path, or by a function. */
function compileKey(concurrent: unknown, where: string): ((event: Tagged) => unknown) | undefined {
  if (concurrent === undefined) return undefined;
  if (typeof concurrent === 'function') return concurrent as (event: Tagged) => unknown;
  if (typeof concurrent !== 'string' || concurrent.split('.').includes('')) {
    throw new TypeError(`${where}: expected the path of the key, or a function, got ${kindOf(concurrent)}`);
  }
  const names = concurrent.split('.');
  return (event) => {
    let value: unknown = event;
    for (const name of names) value = (value as Record<string, unknown> | undefined)?.[name];
    return value;
  };
}

function compileDeadline(deadline: NonNullable<Declared['deadline']>, where: string): DeadlineTable {
  checkNames(where, deadline, ['within', 'idle', 'frame', 'handle']);
  const { within = Infinity, idle = Infinity, frame = Infinity, handle } = deadline;
  for (const [key, length] of Object.entries({ within, idle, frame })) {
    if (length !== Infinity && !(Number.isInteger(length) && length >= 1 && length <= MAX_DELAY)) {
      throw new RangeError(
        `${where}.${key}: expected milliseconds from 1 to ${MAX_DELAY}, got ${show(length)}`,
      );
    }
  }
  if (within === Infinity && idle === Infinity && frame === Infinity) {
    throw new TypeError(`${where}: expected within, idle or frame`);
  }
  isFunction(handle, `${where}.handle`);
  const row = handle && {
    handle: handle as TableHandler<TimeoutError>,
    outcomes: undefined,
    answer: undefined,
    concurrent: undefined,
  };
  return { within, idle, frame, row };
}

function listOf(where: string, names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined;
  if (typeof names?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`${where}: expected a list of names, got ${show(names)}`);
  }
  return new Set(names);
}

function among(known: ReadonlySet<string> | undefined, name: string, where: string, what: string): void {
  if (known === undefined || known.has(name)) return;
  throw new TypeError(`${where}: no ${what} ${showName(name)}; there are ${list(known)}`);
}

/** The table of a session. @throws TypeError for a value that is not a session */
export function tableOf(session: { readonly table?: SessionTable }, where: string): SessionTable {
  const table = session?.table;
  if (typeof table?.states?.values === 'function') return table;
  throw new TypeError(`${where}: expected a session, as defineSession() makes it, got ${show(session)}`);
}

function isFunction(value: unknown, where: string): void {
  if (value === undefined || typeof value === 'function') return;
  throw new TypeError(`${where}: expected a function, got ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function list(names: Iterable<string>): string {
  return [...names].join(', ') || 'none';
}
