import type { ConnectionInfo, SessionDeclaration, Tagged } from './declaration.ts';
import type { ExpectationOf } from './expects.ts';
import { Mirror } from './mirror.ts';
import { Run } from './run.ts';
import { compileSession, type SessionTable } from './table.ts';

/** A table of states, checked. It holds no data of a connection: `start` creates a run, which does. */
export interface Session<Received, Sent, State extends string, Context> {
  /** The states' names, as declared. */
  readonly states: readonly State[];
  readonly initial: State;
  /** The table as the run and the pictures read it. */
  readonly table: SessionTable;
  /**
   * One connection's run, in the initial state; with `context` in place of the declared one, if given. `connection` is passed to
   * the declared `context`; by default it has no address.
   */
  start(context?: Context, connection?: ConnectionInfo): Run<Received, Sent, State, Context>;
  /**
   * The same session as the other side of a connection sees it; `expectationOf` says what answers a message if the outcomes do
   * not tell.
   */
  mirror(expectationOf?: ExpectationOf): Mirror<Received, Sent, State>;
}

/**
 * Declare which message is legal in which state, what answers it, and how long a state may last.
 *
 *     state → message → handler → answers, next state
 *
 * Names of states are inferred from the keys of `states`, the messages from the two codecs: a state, a message or an answer that
 * is not among them does not compile. The result is pure data; see `Run` for a connection without a stream, `StateMachine` for
 * the stage.
 *
 * @throws TypeError or RangeError for a table that contradicts itself
 *
 * @example
 * const session = defineSession({
 *   receives: clientMessages,
 *   sends: serverMessages,
 *   initial: 'locked',
 *   states: {
 *     locked: {
 *       on: {
 *         write: ({ text }) =>
 *           text === 'sesame'
 *             ? { send: { type: 'ok', text: 'OPEN' }, next: 'open' }
 *             : { send: { type: 'error', text: 'WRONG' } },
 *       },
 *       deadline: { within: 10_000 },
 *       next: ['open'],
 *     },
 *     open: { final: true },
 *   },
 * });
 * session.start().receive({ type: 'write', text: 'sesame' }); // { answers: [{ type: 'ok', … }], state: 'open', … }
 */
export function defineSession<
  Received extends Tagged,
  Sent extends Tagged,
  const State extends string,
  Context = undefined,
>(declaration: SessionDeclaration<Received, Sent, State, Context>): Session<Received, Sent, State, Context> {
  const table = compileSession(declaration as unknown as AnyDeclaration);
  const { context: makeContext } = declaration;
  return Object.freeze({
    states: Object.freeze([...table.states.keys()]) as readonly State[],
    initial: table.initial.name as State,
    table,
    start(context?: Context, connection: ConnectionInfo = NOWHERE) {
      return new Run<Received, Sent, State, Context>(
        table,
        () => (context ?? makeContext?.(connection)) as Context,
      );
    },
    mirror: (expectationOf?: ExpectationOf) => new Mirror<Received, Sent, State>(table, expectationOf),
  });
}

const NOWHERE: ConnectionInfo = { remote: '' };

// biome-ignore lint/suspicious/noExplicitAny: the types have done their work
type AnyDeclaration = SessionDeclaration<any, any, string, any>;
