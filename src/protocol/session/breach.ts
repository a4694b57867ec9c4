import { safeText, show, showName, showThrown } from '../../bytes/show.ts';
import { HandlerError, StateError, TimeoutError } from '../../errors.ts';
import type { StateLimits, StateTable, TableRow } from './table.ts';

// The errors for breaches of a session's table, in words.

/** A message's type in an error text: quoted, cut and escaped, since the peer may have chosen it. */
export function quoted(type: unknown): string {
  if (typeof type !== 'string')
    return type === undefined ? 'a message without a type' : `a message of type ${show(type)}`;
  return `'${safeText(cut(type))}'`;
}

/** A message's type as a detail of an error: of bounded length. */
export function typeDetail(type: unknown): string | undefined {
  return typeof type === 'string' ? cut(type) : undefined;
}

function cut(type: string): string {
  return type.length > 60 ? `${type.slice(0, 60)}…` : type;
}

export function list(names: Iterable<string>): string {
  return [...names].join(', ') || 'nothing';
}

/** A message that the state does not accept. */
export function unexpected(state: StateTable, type: unknown): StateError {
  const messageType = typeDetail(type);
  const details = { state: state.name, messageType, actual: messageType ?? show(type) };
  if (state.final) {
    const text = `${quoted(type)} after the end, in state '${state.name}'`;
    return new StateError('ERR_STATE_CLOSED', text, details);
  }
  const expected = [...state.on.keys()];
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `${quoted(type)} is not expected in state '${state.name}', only ${list(expected)}`,
    { ...details, expected },
  );
}

/** More messages wait for the next state than allowed. */
export function crowded(state: StateTable, type: string, unit: string, limit: number): StateError {
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `more than ${limit} ${unit} wait for the state that follows '${state.name}', the last is ${quoted(type)}`,
    { state: state.name, messageType: typeDetail(type), limit },
  );
}

/** A handler names a next state that is not allowed. */
export function misled<Event>(state: StateTable, type: string, to: string, row: TableRow<Event>): StateError {
  const expected = [
    ...(row.outcomes?.keys() ?? [state.name, ...(row.concurrent === undefined ? state.next : [])]),
  ];
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of ${quoted(type)} in state '${state.name}' leads to ${showName(to)}, only ${list(expected)} may follow`,
    { origin: 'local', state: state.name, messageType: typeDetail(type), actual: to, expected },
  );
}

/** The message may not be sent here. */
export function misspoken(
  state: StateTable,
  who: string,
  type: unknown,
  types: ReadonlySet<string> | undefined,
): StateError {
  const said = typeof type === 'string' ? quoted(type) : 'something that is not a message';
  const may = types === undefined ? 'a message has a type' : `only ${list(types)} may be sent`;
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `what answers ${quoted(who)} in state '${state.name}' is ${said}: ${may}`,
    {
      origin: 'local',
      state: state.name,
      messageType: typeDetail(type),
      actual: type,
      expected: types && [...types],
    },
  );
}

/** A number of messages other than the outcome's single one. */
export function notOne(
  state: StateTable,
  type: string,
  types: ReadonlySet<string>,
  count: number,
): StateError {
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of ${quoted(type)} in state '${state.name}' sends ${count} messages, not one ${list(types)}`,
    {
      origin: 'local',
      state: state.name,
      messageType: typeDetail(type),
      actual: count,
      expected: [...types],
    },
  );
}

/** An answer of several messages without its end, or with messages after it. */
export function notLast(state: StateTable, type: string, last: ReadonlySet<string>): StateError {
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of ${quoted(type)} in state '${state.name}' does not end its answer with one ${list(last)}`,
    { origin: 'local', state: state.name, messageType: typeDetail(type), expected: [...last] },
  );
}

/** A reply starts a timer that the state does not have, or with an invalid time. */
export function mistimed(state: StateTable, type: string, problem: string): StateError {
  return new StateError(
    'ERR_STATE_UNEXPECTED',
    `the handler of ${quoted(type)} sets ${problem}, in state '${state.name}'`,
    {
      origin: 'local',
      state: state.name,
      messageType: typeDetail(type),
      expected: [...(state.timers?.keys() ?? [])],
    },
  );
}

/** User code has failed: a handler, or `what` it was. */
export function broken(
  state: StateTable,
  type: string,
  cause: unknown,
  what = 'the handler of',
): HandlerError {
  return new HandlerError(
    'ERR_HANDLER',
    `${what} ${quoted(type)} in state '${state.name}' failed: ${showThrown(cause)}`,
    { state: state.name, messageType: typeDetail(type), cause },
  );
}

/** A limit of a state has passed. */
export function timedOut(state: StateTable, kind: keyof StateLimits, limit: number): TimeoutError {
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
