import type { TimeoutError } from '../../errors.ts';
import type { Codec } from '../codec.ts';

/** The name that every message of a session has. */
export interface Tagged {
  readonly type: string;
}

/** The member of a union of messages that has this `type`. */
export type OfType<Message, Type> = Extract<Message, { readonly type: Type }>;

/** The reply of a handler: no message, one or several in this order; and the next state. */
export interface Reply<Sent, State extends string> {
  readonly send?: Said<Sent>;
  /** If absent, or the state's own name, the state stays and is not entered again. */
  readonly next?: State | undefined;
  /** Named timers of the next state: milliseconds from now to start (or restart) one, null to cancel it. */
  readonly timers?: { readonly [name: string]: number | null } | undefined;
  /**
   * The name of another protocol to continue with: `'tls'`, `'websocket'`. Sent messages are flushed, the session is over, and
   * the entry with that name among the `upgrades` of `createServer` or `connect` takes over the bare connection.
   */
  readonly upgrade?: string | undefined;
}

/** One or more messages, or none. */
export type Said<Sent> = Sent | readonly Sent[] | Literally<Sent> | undefined;

/**
 * Nothing, once `Sent` is known. While `Sent` is being inferred, it tells the compiler to keep the literals in a reply literal:
 * otherwise `{ type: 'ok' }` would be inferred as `{ type: string }` before there is a union to compare it with.
 */
type Literally<Sent> = [Sent] extends [never] ? Literals | readonly Literals[] : never;

interface Literals {
  readonly [key: string]: '' | 0 | 0n | false | Literals | readonly Literals[];
}

/**
 * Takes one message (or another event) and returns what follows. It has no side effects on the connection, and may keep data in
 * `context`, which belongs to the connection. Handlers run one at a time: while a promise is pending, no message is taken.
 *
 * An async generator sends each value it yields as soon as that can be sent: the next value is requested when the previous one
 * has been taken. The value it returns is its reply.
 *
 * An error that it throws or rejects with is an `ERR_HANDLER`, and ends the session.
 */
export type Handler<Event, Sent, State extends string, Context> = (
  event: Event,
  context: Context,
) => Replied<Sent, State> | Promise<Replied<Sent, State>> | Yielding<Sent, State>;

// biome-ignore lint/suspicious/noConfusingVoidType: a handler with nothing to say may say nothing
type Replied<Sent, State extends string> = Reply<Sent, State> | void;

/** The async generator that a handler may return. */
type Yielding<Sent, State extends string> = AsyncGenerator<Said<Sent>, Replied<Sent, State>, undefined>;

/**
 * The types of message that are sent on the way to a state:
 *
 * - `'ok'`: exactly one message of that type; `{ one: ['ok', 'error'] }`: exactly one, of any of these types;
 * - `['row', 'note']`: any number of messages, also none, each of a type in the list;
 * - `{ until: 'done', of: 'row' }`: any number of the types in `of`, then one of the types in `until`. So the other side knows
 * which message is the last.
 */
export type Sends<Type extends string> =
  | Type
  | readonly Type[]
  | { readonly one: Type | readonly Type[] }
  | { readonly until: Type | readonly Type[]; readonly of?: Type | readonly Type[] | undefined };

/** A handler, with its possible outcomes by next state: `{ authenticated: 'ok', closing: 'error' }`. */
export interface Row<Event, Sent extends Tagged, State extends string, Context> {
  readonly handle: Handler<Event, Sent, State, Context>;
  /**
   * The possible next states (including the state itself, if it may stay), and the messages sent on the way to each. The pictures
   * show them, the other side's `mirror` and `request` use them, and a reply that differs is refused.
   */
  readonly outcomes?: { readonly [S in State]?: Sends<Sent['type']> } | undefined;
  /**
   * Messages of such rows may be handled concurrently: one at a time for each key, in order. The key is the value at this path of
   * the message (`'channel'`), or the result of the function. Such a row may not change the state, and other messages wait until
   * all of them are done. At most 64 are in flight; then the peer is held back.
   */
  readonly concurrent?: string | ((event: Event) => unknown) | undefined;
}

/** A named timer has expired. */
export interface TimerEvent {
  /** Its name. */
  readonly timer: string;
  /** Milliseconds since it was started. */
  readonly after: number;
}

/** The facts of a connection that a session may know; a server makes its `context` from them. */
export interface ConnectionInfo {
  /** The peer's address and port; empty if there is none. */
  readonly remote: string;
  // biome-ignore lint/suspicious/noExplicitAny: the core knows no sockets; a server of TCP gives a net.Socket
  readonly socket?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the core knows no streams
  readonly stream?: any;
}

/** A framing as a session sees it, without its contents. A `Framing` is one. */
export interface StateFraming {
  readonly name: string;
  reader(): object;
  writer(): object;
}

/** The framing that a state may declare: for received bytes alone, or for each direction. */
export type StateFramings =
  | StateFraming
  | { readonly reads?: StateFraming | undefined; readonly writes?: StateFraming | undefined };

/** How long a state may last: each limit in milliseconds, from 1 to 2,147,483,647. */
export interface Deadline<Sent, State extends string, Context> {
  /** For the whole stay: from entering the state to leaving it, whatever is received meanwhile (`ERR_TIMEOUT_STATE`). */
  readonly within?: number | undefined;
  /** Since the last message, or since entering the state (`ERR_TIMEOUT_IDLE`). */
  readonly idle?: number | undefined;
  /** For a frame from its first byte to its last: a byte a minute is not a sign of life (`ERR_TIMEOUT_IDLE`). */
  readonly frame?: number | undefined;
  /**
   * Handles the timeout; the expired limit starts anew if the state stays. Default: the session fails. Then the farewell is sent,
   * the connection ends, and the `TimeoutError` is reported.
   */
  readonly handle?: Handler<TimeoutError, Sent, State, Context> | undefined;
}

/** One state: the messages it accepts, and what follows from each. */
export interface StateDeclaration<
  Received extends Tagged,
  Sent extends Tagged,
  State extends string,
  Context,
> {
  /** The handler or row of each message, by its type. */
  readonly on?: {
    readonly [T in Received['type']]?:
      | Handler<Extract<Received, { readonly type: T }>, Sent, State, Context>
      | Row<Extract<Received, { readonly type: T }>, Sent, State, Context>;
  };
  /** The handler or row of any other message; without it, other messages break the protocol (`ERR_STATE_UNEXPECTED`). */
  readonly otherwise?: Handler<Received, Sent, State, Context> | Row<Received, Sent, State, Context>;
  /**
   * The states that may follow, besides this one. May be left out if `outcomes` tell; any other state that a handler names is
   * refused.
   */
  readonly next?: readonly State[];
  /** The types that may be sent unasked in this state (telemetry, a push). Default all. */
  readonly unsolicited?: readonly Sent['type'][];
  readonly deadline?: Deadline<Sent, State, Context>;
  /**
   * Messages of these types wait for the next state: they are taken there first, in the order of arrival. At most 64 messages and
   * 1 MiB wait; more break the protocol.
   */
  readonly postpone?: readonly Received['type'][];
  /**
   * The handlers of named timers that have expired. A timer that a reply has started runs on into the next state if that state
   * names it too; otherwise it is cancelled.
   */
  readonly timers?: {
    readonly [name: string]:
      | Handler<TimerEvent, Sent, State, Context>
      | Omit<Row<TimerEvent, Sent, State, Context>, 'concurrent'>;
  };
  /** The messages sent on entering the state, after the answer that led here; in the initial state, the greeting. */
  readonly onEnter?: (context: Context) => Said<Sent>;
  /** The messages sent when the peer has ended its side in this state. */
  readonly onEnd?: (context: Context) => Said<Sent>;
  /** The answers are delivered, and the sending side ends; the stage discards further input. */
  readonly final?: boolean;
  /**
   * The framing of received bytes in this state, in place of the protocol's; `{ reads, writes }` for sent bytes, too. It also
   * reads the bytes that the state before has not consumed. A function is called with the context each time the state is entered.
   * The answer that leads to the state still uses the framing of the state before; `onEnter` uses this one.
   */
  readonly framing?: StateFramings | ((context: Context) => StateFramings) | undefined;
  readonly receives?: undefined;
  readonly sends?: undefined;
}

/**
 * A state with other messages than the rest of the session. The compiler does not know their types: declare them with the
 * parameter of a handler.
 */
export type ForeignState<State extends string, Context> = Omit<
  // biome-ignore lint/suspicious/noExplicitAny: messages of a codec of its own
  StateDeclaration<any, any, State, Context>,
  'receives' | 'sends'
> & {
  /** The codec of received messages in this state, in place of the session's; or a function of the context. */
  readonly receives?:
    | MessageSource<StateCodec>
    | ((context: Context) => MessageSource<StateCodec>)
    | undefined;
  /** The codec of sent messages in this state, in place of the session's; or a function of the context. */
  readonly sends?: MessageSource<StateCodec> | ((context: Context) => MessageSource<StateCodec>) | undefined;
} & ({ readonly receives: object } | { readonly sends: object });

// biome-ignore lint/suspicious/noExplicitAny: the state's messages are its own
type StateCodec = Codec<any, any>;

/** The argument of `defineSession`. */
export interface SessionDeclaration<
  Received extends Tagged,
  Sent extends Tagged,
  State extends string,
  Context,
> {
  /** The codec of the received messages. Only its type counts, and its list of `types` if it has one. */
  readonly receives: MessageSource<Codec<Received, never>>;
  /** The codec of the sent messages. */
  readonly sends: MessageSource<Codec<unknown, Sent>>;
  /** The state of a new connection. */
  readonly initial: NoInfer<State>;
  /**
   * The state in which a connection can be used: authenticated, negotiated. A server gives it a deadline (`handshakeTimeout`); a
   * client is not connected before. Default: the initial state.
   */
  readonly ready?: NoInfer<State>;
  /** Creates the value that all handlers of one connection share. */
  readonly context?: (connection: ConnectionInfo) => Context;
  /**
   * Called exactly once for each context that was created, when its connection is over: with the error, or undefined if it ended
   * without one.
   */
  readonly dispose?: (context: NoInfer<Context>, reason: Error | undefined) => unknown;
  /** The table, by the states' names. */
  readonly states: {
    readonly [S in State]:
      | StateDeclaration<Received, NoInfer<Sent>, `${NoInfer<State>}`, NoInfer<Context>>
      | ForeignState<`${NoInfer<State>}`, NoInfer<Context>>;
  };
  /**
   * The last messages before the connection ends with a fault: bytes or messages that broke the protocol, a deadline, a failed
   * handler. By default nothing is sent. If it throws, nothing is sent.
   */
  readonly farewell?: (fault: Error, context: NoInfer<Context>) => Said<NoInfer<Sent>>;
}

/** A codec, with the names of its messages if it knows them. */
export type MessageSource<C> = C & { readonly types?: readonly string[] };
