import { anything, checkOptions, requireMethods, requireObjectOf } from '../options.ts';
import type { Framing } from './framing/framing.ts';
import { type Bytes, toBytes } from './framing/mark.ts';
import { prefaced } from './framing/preface.ts';
import type { SessionTable } from './session/table.ts';

/** The framings of a protocol whose two directions differ, as the server sees them. */
export interface FramingPair {
  /** The framing of the bytes that clients send. */
  readonly reads: Framing;
  /** The framing of the bytes that servers send. */
  readonly writes: Framing;
}

/** The bytes before the first frame. Bytes alone are the client's. */
export type Preface =
  | Bytes
  | {
      /** Sent by clients, expected by servers. */
      readonly client?: Bytes | undefined;
      /** Sent by servers, expected by clients. */
      readonly server?: Bytes | undefined;
      /** What a server sends, in place of the session's farewell, to a client that begins with other bytes. */
      readonly refusal?: Bytes | undefined;
    };

/** The parts of a protocol that say how its bytes become messages. */
export interface ProtocolLines {
  readonly framing: Framing | FramingPair;
  readonly preface?: Preface | undefined;
}

/** What one side of a connection sends, as bytes. */
export interface Direction<Messages = unknown> {
  readonly framing: Framing;
  /** The codec of its messages. */
  readonly messages: Messages;
  /** The bytes before the first frame. */
  readonly preface: Buffer | undefined;
}

/** What the clients of a protocol send. */
export function fromClient<Messages>(
  protocol: ProtocolLines & { readonly clientMessages: Messages },
): Direction<Messages> {
  const { framing, clientMessages: messages } = protocol;
  const { client: preface } = prefacesOf(protocol);
  return { framing: isPair(framing) ? framing.reads : framing, messages, preface };
}

/** What the servers of a protocol send. */
export function fromServer<Messages>(
  protocol: ProtocolLines & { readonly serverMessages: Messages },
): Direction<Messages> {
  const { framing, serverMessages: messages } = protocol;
  const { server: preface } = prefacesOf(protocol);
  return { framing: isPair(framing) ? framing.writes : framing, messages, preface };
}

/** The other side of a connection. */
export function otherSide(side: 'client' | 'server'): 'client' | 'server' {
  return side === 'client' ? 'server' : 'client';
}

/** What one side sends, as a direction. */
export function directionOf<ClientMessages, ServerMessages>(
  protocol: ProtocolLines & {
    readonly clientMessages: ClientMessages;
    readonly serverMessages: ServerMessages;
  },
  side: 'client' | 'server',
): Direction<ClientMessages | ServerMessages> {
  return side === 'client' ? fromClient(protocol) : fromServer(protocol);
}

/** The lines of a protocol for a client's own session: it reads what the server's session writes. */
export function swapped({ framing, preface }: ProtocolLines): ProtocolLines {
  const { client, server } = prefaces(preface);
  return {
    framing: isPair(framing) ? { reads: framing.writes, writes: framing.reads } : framing,
    ...(preface !== undefined && { preface: { client: server, server: client } }),
  };
}

/** What a server sends to a client that begins with another preface. */
export function refusalOf(protocol: Pick<ProtocolLines, 'preface'>): Buffer | undefined {
  return prefacesOf(protocol).refusal;
}

/** The framing of a whole stream, which begins with the preface if there is one. */
export function wholeStream({ framing, preface }: Pick<Direction, 'framing' | 'preface'>): Framing {
  return preface === undefined ? framing : prefaced(framing, preface);
}

/** The longest frame in either direction, in every state whose framing is known in advance. */
export function longestFrame({
  framing,
  session,
}: ProtocolLines & { readonly session: { readonly table: SessionTable } }): number {
  const known: readonly unknown[] = [
    ...(isPair(framing) ? [framing.reads, framing.writes] : [framing]),
    ...[...session.table.states.values()].map(({ line }) => line?.framing),
  ];
  const lengths = known.flatMap((one) => {
    const { maxFrameLength, reads } = (one ?? {}) as Partial<Framing & FramingPair>;
    return [maxFrameLength ?? reads?.maxFrameLength ?? 0];
  });
  return Math.max(...lengths);
}

/** @throws TypeError if a framing or a preface of a protocol is not one */
export function checkLines({ framing, preface }: ProtocolLines): void {
  if (isPair(framing)) checkOptions('framing', framing, { reads: anything, writes: anything });
  const directions = isPair(framing)
    ? { 'framing.reads': framing.reads, 'framing.writes': framing.writes }
    : { framing };
  for (const [name, one] of Object.entries(directions)) {
    const { reader, writer } = (one ?? {}) as Partial<Framing>;
    if (typeof reader === 'function' && typeof writer === 'function') continue;
    throw new TypeError(`${name}: expected an object with reader and writer`);
  }
  prefaces(preface);
}

/**
 * Refuse a value that does not have the parts of a protocol.
 *
 * @param methods - what the codecs must be able to do
 * @throws TypeError
 */
export function requireLines(
  where: string,
  protocol: ProtocolLines & { readonly clientMessages: unknown; readonly serverMessages: unknown },
  ...methods: readonly ('decode' | 'encode')[]
): void {
  requireObjectOf(where, 'a protocol, as defineProtocol() makes it', protocol);
  const { clientMessages, serverMessages } = protocol;
  for (const [name, codec] of Object.entries({ clientMessages, serverMessages })) {
    requireMethods(`${where}: ${name}`, 'a codec', codec, ...methods);
  }
  checkLines(protocol);
}

function isPair(framing: Framing | FramingPair): framing is FramingPair {
  const { reader, reads, writes } = (framing ?? {}) as Partial<Framing & FramingPair>;
  return typeof reader !== 'function' && (reads !== undefined || writes !== undefined);
}

/** The bytes of a preface, by who sends them. */
interface Prefaces {
  readonly client?: Buffer | undefined;
  readonly server?: Buffer | undefined;
  readonly refusal?: Buffer | undefined;
}

/** The prefaces of protocols: all connections of a protocol share them. */
const known = new WeakMap<object, Prefaces>();

function prefacesOf(protocol: Pick<ProtocolLines, 'preface'>): Prefaces {
  if (protocol.preface === undefined) return NONE;
  let found = known.get(protocol);
  if (found === undefined) {
    found = prefaces(protocol.preface);
    known.set(protocol, found);
  }
  return found;
}

function prefaces(preface: Preface | undefined): Prefaces {
  if (preface === undefined) return NONE;
  if (typeof preface === 'string' || preface instanceof Uint8Array || Array.isArray(preface)) {
    return { client: toBytes('preface', preface) };
  }
  checkOptions('preface', preface, { client: anything, server: anything, refusal: anything });
  const entries = Object.entries(preface).filter(([, bytes]) => bytes !== undefined);
  return Object.fromEntries(entries.map(([side, bytes]) => [side, toBytes(`preface: ${side}`, bytes)]));
}

const NONE = {};
