import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { StateError } from '../errors.ts';
import { anything, callback, checkOptions, delayOrNever, requireObjectOf, splitOptions } from '../options.ts';
import type { ObservedConnection } from '../protocol/recording/observer.ts';
import type { ReplyRules } from '../protocol/reply-rules.ts';
import type { Numberless } from '../protocol/session/id-path.ts';
import type { StateMachine } from '../streams/state-machine.ts';
import { Client, type ClientOptions, type ClientProtocol, type RequestPath } from './client.ts';
import { ConnectDeadline } from './connect-deadline.ts';
import { beat, type HeartbeatOptions, heartbeatChecks } from './heartbeat.ts';
import { loadTls } from './load-tls.ts';
import { type ObserveOptions, observe, observersOf, placeText } from './observe.ts';
import { ReconnectingClient, type ReconnectOptions, reconnectChecks } from './reconnecting-client.ts';
import type { RepliesOptions } from './replies.ts';

/** An open stream, or a function that opens one: a WebSocket, the pipes of a child process, a serial port. */
export interface StreamTarget {
  readonly stream: Duplex | (() => Duplex | Promise<Duplex>);
}

// biome-ignore lint/suspicious/noExplicitAny: as ClientOptions
export type ConnectOptions<ServerMessage = never, ClientMessage = any, Rules = unknown, C = any> = (
  | net.TcpNetConnectOpts
  | net.IpcNetConnectOpts
  | StreamTarget
) &
  ClientOptions<ServerMessage, ClientMessage, Rules> &
  ObserveOptions & {
    /** Use TLS, with the options of `tls.connect`: `ca`, `servername`, or a `key` and a `cert` of our own. */
    tls?: TlsOptions | undefined;
    /** Give up connecting. */
    signal?: AbortSignal | undefined;
    /**
     * Milliseconds until the session is ready: connected, TLS negotiated, `handshake` done, and the state reached that the
     * client's own `session` declares as `ready`. Default 10,000.
     */
    connectTimeout?: number | undefined;
    /** The exchange before the connection is usable, such as a login: the connection is ready once this resolves. */
    handshake?: ((client: C) => unknown) | undefined;
    /** Sent at an interval once the connection is ready, so that either side notices when the other is gone. */
    heartbeat?: HeartbeatOptions<Numberless<ClientMessage, RequestPath<Rules>>> | undefined;
  };

/**
 * Connect to a server that speaks a protocol, over TCP, TLS, a Unix socket, or any other stream of bytes. Resolves when the
 * connection is ready, see `connectTimeout`. Rejects with the system's error (`ECONNREFUSED` …), with the certificate error of
 * TLS, with the rejection of `handshake`, with the error that ended the connection before it was ready, or with a `TimeoutError`
 * (`ERR_TIMEOUT_HANDSHAKE`).
 *
 * With `reconnect`, a lost connection is followed by another; see `ReconnectingClient`.
 *
 * @example
 * const client = await connect(drone, { port: 4000 });
 * client.send({ type: 'write', text: 'HELLO' });
 * for await (const answer of client) console.log(answer);
 *
 * @example
 * const client = await connect(drone, {
 *   port: 4000,
 *   connectTimeout: 5_000,
 *   handshake: (client) => client.request({ type: 'write', text: 'HELLO' }),
 *   reconnect: { maxDelay: 10_000 },
 * });
 */
export function connect<
  ClientMessage,
  ServerMessage,
  ProtocolRules extends ReplyRules<ServerMessage, ClientMessage> = Record<never, never>,
  const Rules extends RepliesOptions<ServerMessage, ClientMessage> = Record<never, never>,
>(
  protocol: ClientProtocol<ClientMessage, ServerMessage, ProtocolRules>,
  options: ConnectOptions<
    ServerMessage,
    ClientMessage,
    Rules,
    Client<ClientMessage, ServerMessage, ProtocolRules & Rules>
  > & { readonly reconnect?: undefined },
): Promise<Client<ClientMessage, ServerMessage, ProtocolRules & Rules>>;
export function connect<
  ClientMessage,
  ServerMessage,
  ProtocolRules extends ReplyRules<ServerMessage, ClientMessage> = Record<never, never>,
  const Rules extends RepliesOptions<ServerMessage, ClientMessage> = Record<never, never>,
>(
  protocol: ClientProtocol<ClientMessage, ServerMessage, ProtocolRules>,
  options: ConnectOptions<
    ServerMessage,
    ClientMessage,
    Rules,
    Client<ClientMessage, ServerMessage, ProtocolRules & Rules>
  > & {
    readonly reconnect: ReconnectOptions<Client<ClientMessage, ServerMessage, ProtocolRules & Rules>>;
  },
): Promise<ReconnectingClient<ClientMessage, ServerMessage, ProtocolRules & Rules>>;
export async function connect<ClientMessage, ServerMessage>(
  protocol: ClientProtocol<ClientMessage, ServerMessage>,
  given: ConnectOptions<ServerMessage, ClientMessage> & {
    readonly reconnect?: ReconnectOptions<AnyClient<ClientMessage, ServerMessage>> | undefined;
  },
): Promise<unknown> {
  requireObjectOf('connect', 'an object of options', given);
  const { reconnect, ...options } = given;
  const { heartbeat } = options;
  checkOptions('connect', splitOptions(options, CONNECT_CHECKS)[0], CONNECT_CHECKS);
  if (heartbeat !== undefined) checkOptions('connect: heartbeat', heartbeat, heartbeatChecks);
  if (reconnect === undefined) return open(protocol, options);
  checkOptions('connect: reconnect', reconnect, reconnectChecks);
  if ('stream' in options && typeof options.stream !== 'function') {
    throw new TypeError('connect: to reconnect, stream must be a function that opens one');
  }
  const { restore, ...rest } = reconnect;
  const first = await open(protocol, options);
  const again = (signal: AbortSignal) => open(protocol, { ...options, signal }, restore);
  return new ReconnectingClient(first, again, rest, options.signal);
}

// biome-ignore lint/suspicious/noExplicitAny: whatever its rules are
type AnyClient<ClientMessage, ServerMessage> = Client<ClientMessage, ServerMessage, any>;

const CONNECT_CHECKS = { connectTimeout: delayOrNever, handshake: callback, heartbeat: anything };

/** Connect once, and make the session ready. */
async function open<ClientMessage, ServerMessage>(
  protocol: ClientProtocol<ClientMessage, ServerMessage>,
  options: ConnectOptions<ServerMessage, ClientMessage>,
  restore?: (client: AnyClient<ClientMessage, ServerMessage>) => unknown,
): Promise<AnyClient<ClientMessage, ServerMessage>> {
  const {
    signal,
    handshake,
    connectTimeout = 10_000,
    heartbeat,
    record,
    flightRecorder,
    ...others
  } = options;
  const {
    replies,
    checkStates,
    session,
    upgrades,
    onInvalid,
    lingerTimeout,
    idleGap,
    frameTimeout,
    onTimeout,
    ...target
  } = others;
  let client: AnyClient<ClientMessage, ServerMessage> | undefined;
  const deadline = new ConnectDeadline(connectTimeout, signal, () => client?.machine?.state);
  try {
    const stream = await deadline.race(dial(target, deadline.signal));
    const rules = {
      replies,
      checkStates,
      session,
      upgrades,
      onInvalid,
      lingerTimeout,
      idleGap,
      frameTimeout,
      onTimeout,
    };
    client = new Client(protocol, stream, rules);
    watch(client, stream, protocol, { record, flightRecorder });
    await deadline.race(prepare(client, [handshake, restore]));
    if (heartbeat !== undefined) beat(client as never, heartbeat);
    return client;
  } catch (error) {
    client?.destroy(error as Error);
    throw error;
  } finally {
    deadline.stop();
  }
}

type Target = (net.TcpNetConnectOpts | net.IpcNetConnectOpts | StreamTarget) & {
  readonly tls?: TlsOptions | undefined;
};

/** Resolves with a stream that is connected. */
async function dial({ tls, ...target }: Target, signal: AbortSignal): Promise<Duplex> {
  if ('stream' in target) {
    const stream = typeof target.stream === 'function' ? await target.stream() : target.stream;
    if ((stream as Partial<net.Socket>).connecting) await connected(stream, 'connect', signal);
    // Opened too late.
    if (signal.aborted) stream.on('error', () => {}).destroy();
    return stream;
  }
  const {
    noDelay = true,
    keepAlive = true,
    keepAliveInitialDelay = 60_000,
    ...place
  } = target as net.TcpSocketConnectOpts;
  const options = { ...place, allowHalfOpen: true } as net.NetConnectOpts;
  const socket = tls === undefined ? net.connect(options) : loadTls().connect({ ...options, ...tls });
  // The messages of one turn leave in one write; keep-alive probes a peer that is silent for a minute.
  socket.setNoDelay(noDelay).setKeepAlive(keepAlive, keepAliveInitialDelay);
  return connected(socket, tls === undefined ? 'connect' : 'secureConnect', signal);
}

async function connected<Stream extends Duplex>(
  stream: Stream,
  event: string,
  signal: AbortSignal,
): Promise<Stream> {
  try {
    await once(stream, event, { signal });
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** The parts of a client that tell when it is ready. */
type Preparing = Pick<AnyClient<never, never>, 'closed'> & { readonly machine: Entering | undefined };
// biome-ignore lint/suspicious/noExplicitAny: whatever it speaks
type Entering = Pick<StateMachine<any, any>, 'isReady' | 'observer'>;

/** Take the steps that make a client ready, and wait for the state that its session declares as ready. */
async function prepare<C extends Preparing>(
  client: C,
  steps: readonly (((client: C) => unknown) | undefined)[],
): Promise<void> {
  const prepared = (async () => {
    for (const step of steps) {
      await step?.(client);
      await reachReady(client.machine);
    }
  })();
  const over = client.closed.then(() => {
    throw new StateError('ERR_STATE_CLOSED', 'the connection ended before its session was ready');
  });
  await Promise.race([prepared, over]);
}

/** Resolves when the client's session reaches the state that it declares as ready. */
async function reachReady(machine: Entering | undefined): Promise<void> {
  if (machine === undefined || machine.isReady) return;
  await new Promise<void>((resolve) => {
    machine.observer = {
      message() {},
      transition() {
        if (!machine.isReady) return;
        machine.observer = undefined;
        resolve();
      },
    };
  });
}

/** Let observers see the bytes that pass, and how the connection ended. */
function watch(
  { closed }: { readonly closed: Promise<void> },
  stream: Duplex,
  protocol: ObservedConnection['protocol'],
  options: ObserveOptions,
): void {
  const { localAddress, localPort, remoteAddress, remotePort } = stream as net.Socket;
  const client = placeText(localAddress, localPort);
  const server = placeText(remoteAddress, remotePort);
  const seen = observersOf({ protocol, client, server }, options);
  if (seen === undefined) return;
  const unobserve = observe(stream, 'client', seen);
  closed.then(
    () => {
      unobserve();
      seen.close(undefined);
    },
    (error) => seen.close(error),
  );
}
