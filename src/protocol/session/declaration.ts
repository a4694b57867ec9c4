import type { TimeoutError } from '../../errors.ts';
import type { Codec } from '../codec.ts';

/** What every message of a session has: the name that tells it apart. */
export interface Tagged {
  readonly type: string;
}

/** The member of a union of messages that has this `type`. */
export type OfType<Message, Type> = Extract<Message, { readonly type: Type }>;

/** What a handler answers: nothing, one or more messages, in this order; and the state that follows. */
export interface Reply<Sent, State extends string> {
  readonly send?: Said<Sent>;
  /** Absent, or the state's own name: it stays, and is not entered again. */
  readonly next?: State | undefined;
  /**
   * Named timers of the state that follows: milliseconds from now to start one (or to start it anew), null to cancel it.
   */
  readonly timers?: { readonly [name: string]: number | null } | undefined;
  /**
   * The name of another protocol to go on with: `'tls'`, `'websocket'`. What was sent is flushed, the session is over, and what
   * has that name among the `upgrades` of `createServer` or `connect` takes the bare connection over.
   */
  readonly upgrade?: string | undefined;
}

/** One or more messages, or none. */
export type Said<Sent> = Sent | readonly Sent[] | Literally<Sent> | undefined;

/**
 * Nothing, once `Sent` is known. While it is still being inferred, it tells the compiler that the literals in a reply
 * are to stay literal: `{ type: 'ok' }` would be read as `{ type: string }` otherwise, before there is a union to
 * compare it with.
 */
type Literally<Sent> = [Sent] extends [never] ? Literals | readonly Literals[] : never;

interface Literals {
  readonly [key: string]: '' | 0 | 0n | false | Literals | readonly Literals[];
}

/**
 * Takes one message (or whatever else happened) and says what follows. It acts on nothing, and may keep what it
 * needs in `context`, the connection's own. One is asked at a time: while a promise is pending, no message is taken.
 *
 * As an async generator it sends what it yields, as soon as that can be sent: the next value is asked for when the one
 * before has been taken. What it returns is its reply.
 *
 * What it throws or rejects with is an `ERR_HANDLER`, and ends the session.
 */
export type Handler<Event, Sent, State extends string, Context> = (
  event: Event,
  context: Context,
) => Replied<Sent, State> | Promise<Replied<Sent, State>> | Yielding<Sent, State>;

// biome-ignore lint/suspicious/noConfusingVoidType: a handler with nothing to say may say nothing
type Replied<Sent, State extends string> = Reply<Sent, State> | void;

/** What an async generator gives. */
type Yielding<Sent, State extends string> = AsyncGenerator<Said<Sent>, Replied<Sent, State>, undefined>;

/**
 * The types of message that are sent on the way to a state:
 *
 * - `'ok'`: exactly one message of that type; `{ one: ['ok', 'error'] }`: exactly one, of any of these types;
 * - `['row', 'note']`: any number of messages, none too, each of a type in the list;
 * - `{ until: 'done', of: 'row' }`: any number of the types in `of`, then one of the types in `until`. The other side knows
 *   then which message is the last.
 */
export type Sends<Type extends string> =
  | Type
  | readonly Type[]
  | { readonly one: Type | readonly Type[] }
  | { readonly until: Type | readonly Type[]; readonly of?: Type | readonly Type[] | undefined };

/** A handler, with its possible outcomes state by state: `{ authenticated: 'ok', closing: 'error' }`. */
export interface Row<Event, Sent extends Tagged, State extends string, Context> {
  readonly handle: Handler<Event, Sent, State, Context>;
  /**
   * The states that may follow (the state itself among them, if it may stay), and what is sent on the way to each. The
   * pictures show it, the other side's `mirror` and `request` reason with it, and a reply that differs is refused.
   */
  readonly outcomes?: { readonly [S in State]?: Sends<Sent['type']> } | undefined;
  /**
   * Messages of this row may be at work beside others of such rows: one at a time for each key, in order. The key is what
   * the message holds at this path (`'channel'`), or what the function gives. Such a row may not change the state, and
   * other messages wait until all of them are done. At most 64 are under way; then the peer is held back.
   */
  readonly concurrent?: string | ((event: Event) => unknown) | undefined;
}

/** A named timer has run out. */
export interface TimerEvent {
  /** Its name. */
  readonly timer: string;
  /** Milliseconds since it was started. */
  readonly after: number;
}

/** What a session may know of its connection: what a server makes its `context` of. */
export interface ConnectionInfo {
  /** The peer's address and port; empty where there is none. */
  readonly remote: string;
  // biome-ignore lint/suspicious/noExplicitAny: the core knows no sockets; a server of TCP gives a net.Socket
  readonly socket?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the core knows no streams
  readonly stream?: any;
}

/** A framing, as a session knows it: it does not look inside. A `Framing` is one. */
export interface StateFraming {
  readonly name: string;
  reader(): object;
  writer(): object;
}

/** What a state may name as its framing: of what comes in alone, or of either direction. */
export type StateFramings =
  | StateFraming
  | { readonly reads?: StateFraming | undefined; readonly writes?: StateFraming | undefined };

/** How long a state may last: every length in milliseconds, from 1 to 2,147,483,647. */
export interface Deadline<Sent, State extends string, Context> {
  /** Of the whole stay: from entering the state to leaving it, whatever comes meanwhile (`ERR_TIMEOUT_STATE`). */
  readonly within?: number | undefined;
  /** Since the last message, or since entering the state (`ERR_TIMEOUT_IDLE`). */
  readonly idle?: number | undefined;
  /** For a frame that has begun to be complete: a byte a minute is not a sign of life (`ERR_TIMEOUT_IDLE`). */
  readonly frame?: number | undefined;
  /**
   * What follows; the time that ran out starts anew if the state stays. By default the session fails: the farewell is
   * sent, the connection ends, and the `TimeoutError` is reported.
   */
  readonly handle?: Handler<TimeoutError, Sent, State, Context> | undefined;
}

/** One state: the messages it takes, and what follows from each. */
export interface StateDeclaration<
  Received extends Tagged,
  Sent extends Tagged,
  State extends string,
  Context,
> {
  /** What takes a message, by its type. */
  readonly on?: {
    readonly [T in Received['type']]?:
      | Handler<Extract<Received, { readonly type: T }>, Sent, State, Context>
      | Row<Extract<Received, { readonly type: T }>, Sent, State, Context>;
  };
  /** What takes any other message; without it, they break the protocol (`ERR_STATE_UNEXPECTED`). */
  readonly otherwise?: Handler<Received, Sent, State, Context> | Row<Received, Sent, State, Context>;
  /**
   * The states that may follow, beside this one itself. May be left out where `outcomes` tell; any other state that a
   * handler names is refused.
   */
  readonly next?: readonly State[];
  /** The types that may be sent unasked in this state (telemetry, a push); by default all of them. */
  readonly unsolicited?: readonly Sent['type'][];
  readonly deadline?: Deadline<Sent, State, Context>;
  /**
   * Messages of these types wait for the next state: they are taken there first, in the order in which they came. At most
   * 64 and 1 MiB wait; more break the protocol.
   */
  readonly postpone?: readonly Received['type'][];
  /**
   * What takes a named timer that has run out, by its name. A timer that a reply has started runs on into the next state
   * if that names it too; otherwise it is cancelled.
   */
  readonly timers?: {
    readonly [name: string]:
      | Handler<TimerEvent, Sent, State, Context>
      | Omit<Row<TimerEvent, Sent, State, Context>, 'concurrent'>;
  };
  /** What is sent on entering the state, behind the answer that led here; in the initial state, the greeting. */
  readonly onEnter?: (context: Context) => Said<Sent>;
  /** What is sent when the peer has ended its side while in this state. */
  readonly onEnd?: (context: Context) => Said<Sent>;
  /** What was answered is delivered, and the sending side ended; what still comes is discarded by the stage. */
  readonly final?: boolean;
  /**
   * The framing of what comes in this state, in place of the protocol's; `{ reads, writes }` for what is sent, too. Bytes that were
   * not consumed in the state before are read by it. A function makes it of the context, each time the state is entered. The
   * answer that leads to the state still goes by the framing of the state before, what `onEnter` says by this one.
   */
  readonly framing?: StateFramings | ((context: Context) => StateFramings) | undefined;
  readonly receives?: undefined;
  readonly sends?: undefined;
}

/**
 * A state in which other messages come, or go, than in the rest of the session. The compiler does not know their types: give
 * them with the parameter of a handler.
 */
export type ForeignState<State extends string, Context> = Omit<
  // biome-ignore lint/suspicious/noExplicitAny: messages of a codec of its own
  StateDeclaration<any, any, State, Context>,
  'receives' | 'sends'
> & {
  /** The codec of what comes in this state, in place of the session's; or a function that makes it of the context. */
  readonly receives?:
    | MessageSource<StateCodec>
    | ((context: Context) => MessageSource<StateCodec>)
    | undefined;
  /** The codec of what is sent in this state, in place of the session's; or a function that makes it of the context. */
  readonly sends?: MessageSource<StateCodec> | ((context: Context) => MessageSource<StateCodec>) | undefined;
} & ({ readonly receives: object } | { readonly sends: object });

// biome-ignore lint/suspicious/noExplicitAny: the state's messages are its own
type StateCodec = Codec<any, any>;

/** What `defineSession` takes. */
export interface SessionDeclaration<
  Received extends Tagged,
  Sent extends Tagged,
  State extends string,
  Context,
> {
  /** The codec of the messages that come in. Only its type counts, and its list of `types` if it has one. */
  readonly receives: MessageSource<Codec<Received, never>>;
  /** The codec of the messages that go out. */
  readonly sends: MessageSource<Codec<unknown, Sent>>;
  /** The state of a new connection. */
  readonly initial: NoInfer<State>;
  /**
   * The state in which a connection can be used: authenticated, negotiated. A server gives it a deadline
   * (`handshakeTimeout`), a client is not connected before. Default: from the start.
   */
  readonly ready?: NoInfer<State>;
  /** Makes what one connection keeps; every handler of that connection gets the same. */
  readonly context?: (connection: ConnectionInfo) => Context;
  /**
   * Called exactly once for each context that was made, when its connection is over, however it ended: with the error, or
   * undefined when it ended without an error.
   */
  readonly dispose?: (context: NoInfer<Context>, reason: Error | undefined) => unknown;
  /** The table, by the states' names. */
  readonly states: {
    readonly [S in State]:
      | StateDeclaration<Received, NoInfer<Sent>, `${NoInfer<State>}`, NoInfer<Context>>
      | ForeignState<`${NoInfer<State>}`, NoInfer<Context>>;
  };
  /**
   * The last word before the connection ends for a fault: bytes or messages that broke the protocol, a deadline, a
   * handler that failed. By default nothing is said. One that throws says nothing.
   */
  readonly farewell?: (fault: Error, context: NoInfer<Context>) => Said<NoInfer<Sent>>;
}

/** A codec, with the names of its messages if it can tell them. */
export type MessageSource<C> = C & { readonly types?: readonly string[] };
