import { show } from '../bytes/show.ts';
import { aText, listOf, requireObjectOf } from '../options.ts';
import type { Codec } from './codec.ts';
import { checkLines, type FramingPair, type Preface } from './direction.ts';
import type { Framing } from './framing/framing.ts';
import { checkReplyRules, type ReplyRules } from './reply-rules.ts';
import type { MessageSource } from './session/declaration.ts';
import type { Session } from './session/session.ts';
import { type SessionTable, tableOf } from './session/table.ts';

/**
 * Everything that both ends of a connection have to agree on, and the server's session.
 *
 *     client ── Request, encoded ──▶ ClientMessage, decoded ── server
 *     client ◀── Response, decoded ── ServerMessage, encoded ── server
 */
export interface Protocol<
  ClientMessage,
  ServerMessage,
  State extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: a user of a protocol need not know what its handlers keep
  Context = any,
  // biome-ignore lint/suspicious/noExplicitAny: nor how its replies find their requests
  Rules = any,
  Request = ClientMessage,
  Response = ServerMessage,
> {
  /** For errors, diagrams and tools. */
  readonly name: string;
  /** One framing for both directions, or a framing for each: what the server reads and what it writes. */
  readonly framing: Framing | FramingPair;
  /**
   * The bytes before the first frame. Bytes alone are sent by clients and expected by servers, as in HTTP/2; `{ client, server,
   * refusal }` names each. Other bytes are `ERR_FRAME_PREFACE`.
   */
  readonly preface?: Preface | undefined;
  /** What clients send and servers receive. */
  readonly clientMessages: MessageSource<Codec<ClientMessage, Request>>;
  /** What servers send and clients receive. */
  readonly serverMessages: MessageSource<Codec<Response, ServerMessage>>;
  /** The server's table of states; the client's side is derived from it. */
  readonly session: Session<ClientMessage, ServerMessage, State, Context>;
  /** How replies find their requests, for the client's `request`. By default replies come in the order of the requests. */
  readonly replies?: Rules | undefined;
}

/**
 * Put the parts of a protocol together, and check that they fit.
 *
 * @throws TypeError if a part is missing or invalid, or if the session names a message that the codec does not have
 *
 * @example
 * export const drone = defineProtocol({
 *   name: 'drone', framing: lengthPrefix(), clientMessages, serverMessages, session,
 * });
 */
export function defineProtocol<
  ClientMessage,
  ServerMessage,
  Request,
  Response,
  S extends { readonly table: SessionTable },
  const Rules extends ReplyRules<Response, Request> = Record<never, never>,
  F extends Framing | FramingPair = Framing,
>(
  protocol: Omit<
    Protocol<ClientMessage, ServerMessage, string, unknown, Rules, Request, Response>,
    'session' | 'replies'
  > & {
    readonly framing: F;
    readonly session: S & Fitting<S, ClientMessage, ServerMessage>;
    readonly replies?: (Rules & ReplyRules<Response, Request>) | undefined;
  },
): Protocol<ClientMessage, ServerMessage, StateOf<S>, ContextOf<S>, Rules, Request, Response> & {
  readonly framing: F;
} {
  requireObjectOf('defineProtocol', 'an object with a name, a framing, the messages and a session', protocol);
  const { name, framing, preface, clientMessages, serverMessages, session, replies } = protocol;
  if (typeof name !== 'string' || name === '') throw new TypeError('name: expected a name, got none');
  checkLines({ framing, preface });
  hasMethods(clientMessages, 'clientMessages', ['decode', 'encode']);
  hasMethods(serverMessages, 'serverMessages', ['decode', 'encode']);
  hasMethods(session, 'session', ['start']);
  for (const { on, line, receives, sends } of tableOf(session, 'defineProtocol').states.values()) {
    // A state with its own codec has its own messages.
    if (line?.receives === undefined) within(receives ?? on.keys(), clientMessages.types, 'clientMessages');
    if (line?.sends === undefined) within(sends, serverMessages.types, 'serverMessages');
  }
  if (replies !== undefined) checkReplyRules({ clientMessages, serverMessages, session }, replies);
  const made = {
    name,
    framing,
    ...(preface !== undefined && { preface }),
    clientMessages,
    serverMessages,
    session,
    ...(replies !== undefined && { replies }),
  };
  // The type of `session` says that it is a session of these messages.
  return Object.freeze(made) as never;
}

/** A protocol as its server sees it: the messages it decodes and encodes. */
export type ServerProtocol<
  ClientMessage,
  ServerMessage,
  State extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: a user of a protocol need not know what its handlers keep
  Context = any,
> = Protocol<
  ClientMessage,
  ServerMessage,
  State,
  Context,
  // biome-ignore-start lint/suspicious/noExplicitAny: the client's side
  any,
  any,
  any
  // biome-ignore-end lint/suspicious/noExplicitAny: the client's side
>;

/** Empty if the session is one of these messages; otherwise what is wrong, in words. */
type Fitting<S, ClientMessage, ServerMessage> =
  // biome-ignore lint/suspicious/noExplicitAny: whatever its states are
  S extends Session<infer Received, infer Sent, any, any>
    ? [unknown extends ClientMessage ? never : ClientMessage] extends [Received]
      ? [Sent] extends [ServerMessage]
        ? unknown
        : 'the session sends messages that serverMessages does not have'
      : 'the session does not receive all of clientMessages'
    : 'expected what defineSession gives';

type StateOf<S> = S extends Session<infer _R, infer _S, infer State, infer _C> ? State : never;
type ContextOf<S> = S extends Session<infer _R, infer _S, infer _T, infer Context> ? Context : never;

/** @throws TypeError for a value that is not a protocol of a server */
export function requireProtocol(protocol: Partial<ServerProtocol<unknown, unknown>>): void {
  const { session, framing, clientMessages, serverMessages } = protocol ?? {};
  const { reader, reads } = (framing ?? {}) as Partial<Framing & FramingPair>;
  const parts = [session?.start, reader ?? reads?.reader, clientMessages?.decode, serverMessages?.encode];
  if (parts.every((part) => typeof part === 'function')) return;
  throw new TypeError(`expected a protocol, as defineProtocol() makes it, got ${show(protocol)}`);
}

function hasMethods(part: object, where: string, methods: readonly string[]): void {
  for (const method of methods) {
    if (typeof (part as Record<string, unknown> | undefined)?.[method] !== 'function') {
      throw new TypeError(`${where}: expected an object with ${methods.join(' and ')}`);
    }
  }
}

function within(
  named: Iterable<string> | undefined,
  types: readonly string[] | undefined,
  where: string,
): void {
  if (types !== undefined) listOf(aText)(`${where}.types`, types);
  if (named === undefined || types === undefined) return;
  for (const type of named) {
    if (!types.includes(type)) {
      throw new TypeError(`session: '${type}' is not a message of ${where}; there are ${types.join(', ')}`);
    }
  }
}
