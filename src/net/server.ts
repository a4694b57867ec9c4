import { captureRejectionSymbol, EventEmitter, once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type tls from 'node:tls';
import { showThrown } from '../bytes/show.ts';
import { type FrameError, HandlerError, LimitError, StateError } from '../errors.ts';
import { anything, callback, checkOptions, flag, natural, oneOf } from '../options.ts';
import { longestFrame } from '../protocol/direction.ts';
import { defineProtocol, type ServerProtocol } from '../protocol/protocol.ts';
import type { Said } from '../protocol/session/declaration.ts';
import { FRAME_TIMES } from '../streams/deadlines.ts';
import { isListed, listOf } from './address-list.ts';
import { Admission } from './admission.ts';
import { ByteBudget } from './byte-budget.ts';
import { channels } from './channels.ts';
import { type Connection, type ConnectionEvents, ServedConnection } from './connection.ts';
import { type DrainOptions, drain, drainChecks } from './drain.ts';
import { Entrance, type EntranceOptions } from './entrance.ts';
import {
  type LimitStruck,
  limitChecks,
  type ServerLimits,
  type SettledLimits,
  settleLimits,
} from './limits.ts';
import type { LinkSettings } from './link.ts';
import { type ObserveOptions, observersOf, placeText } from './observe.ts';
import { type Peer, peerAt, peerOf } from './peer.ts';
import type { ServerFleet } from './server-fleet.ts';
import { Counters, type ServerStatistics } from './statistics.ts';
import { Sweep } from './sweep.ts';
import { type Upgrades, upgradesCheck } from './upgrades.ts';

export interface ServerOptions<Context = unknown> extends ServerLimits, EntranceOptions, ObserveOptions {
  /** Send small writes at once (TCP_NODELAY). Default true: the stages already collect their output. */
  noDelay?: boolean | undefined;
  /** Probe a silent peer (SO_KEEPALIVE). Default true, so that a vanished peer is detected. */
  keepAlive?: boolean | undefined;
  /** Milliseconds of silence before the first probe. Default 60,000. */
  keepAliveInitialDelay?: number | undefined;
  /**
   * Milliseconds of silence, at least 2, that end an unfinished frame whose length is not known: it is dropped, and the next byte
   * begins a frame. For serial lines behind a network converter. Default: silence ends nothing.
   */
  idleGap?: number | undefined;
  /** A frame that is not a message ends its connection, or is skipped and reported by `'invalid'`. Default `'error'`. */
  onInvalid?: 'error' | 'discard' | undefined;
  /** Addresses and subnets whose connections are refused. */
  blockList?: net.BlockList | readonly string[] | undefined;
  /** Creates the value that the handlers of one connection share, from the facts of its peer: in place of the session's `context`. */
  context?: ((peer: Peer) => Context) | undefined;
  /** Closes the server, as `close()` does, when it is aborted. */
  signal?: AbortSignal | undefined;
  /** The functions that take over a connection when a reply of the session names an upgrade (`{ send, next, upgrade: 'tls' }`). */
  // biome-ignore lint/suspicious/noExplicitAny: any messages
  upgrades?: Upgrades<Connection<any, any, string, Context>> | undefined;
  /** Reaches the peers from other processes: `fleet(…)` of `wirepipe/fleet`. */
  fleet?: ServerFleet<Context> | undefined;
}

/** How `close` ends a server; see `DrainOptions` for the times. */
export interface CloseOptions<C = unknown, ServerMessage = unknown> extends DrainOptions {
  /**
   * The last messages to each connection, which may depend on its state. Default: the session's `farewell` for a `StateError`
   * with the code `ERR_STATE_SHUTDOWN`.
   */
  farewell?: ((connection: C) => Said<ServerMessage>) | undefined;
}

/** The result of `close`. */
export interface Closed<C> {
  /** The connections that had not ended at the deadline, and were cut. */
  readonly cut: readonly C[];
}

/** The causes of failures other than listeners. */
const FAILING = { upgrade: 'what takes connections over', fleet: 'opening the fleet' };
/** The most refused connections that get a farewell at a time; the others are cut. */
const MOST_TOLD = 64;

/**
 * A server that speaks a protocol over TCP, TLS, Unix sockets, and any stream given to `accept`: every connection has its own
 * session, and limits on its cost.
 *
 * @throws TypeError or RangeError for an invalid protocol or option
 *
 * @example
 * const server = createServer(drone);
 * server.on('connectionEnd', (connection, error) => log(connection.remote, error?.code ?? 'done'));
 * await server.listen({ port: 4000, host: '127.0.0.1' });
 */
export function createServer<ClientMessage, ServerMessage, State extends string, Context>(
  protocol: ServerProtocol<ClientMessage, ServerMessage, State, Context>,
  options: ServerOptions<NoInfer<Context>> = {},
): Server<ClientMessage, ServerMessage, State, Context> {
  return new Server(protocol, options);
}

interface ServerEvents<ClientMessage, ServerMessage, State extends string, Context> {
  /** A peer has connected. */
  connection: [connection: Connection<ClientMessage, ServerMessage, State, Context>];
  /** A peer is gone; with the error that ended it, unless it ended without one. */
  connectionEnd: [
    connection: Connection<ClientMessage, ServerMessage, State, Context>,
    error: NodeJS.ErrnoException | undefined,
  ];
  /** A limit was reached; the connection is undefined if it was not let in. */
  limit: [
    struck: LimitStruck,
    connection: Connection<ClientMessage, ServerMessage, State, Context> | undefined,
  ];
  /** With `onInvalid: 'discard'`: a frame was not a message, and is skipped. The frame is a view: copy it to keep it. */
  invalid: [
    error: Error,
    frame: Buffer,
    connection: Connection<ClientMessage, ServerMessage, State, Context>,
  ];
  /** The framing has skipped a frame, or a run of noise. */
  discard: [error: FrameError, connection: Connection<ClientMessage, ServerMessage, State, Context>];
  /** A peer was refused: by a limit, the block list, its PROXY header, or the TLS handshake. */
  refused: [error: Error, peer: Peer];
  listening: [];
  close: [];
  /** The listener itself failed. */
  error: [error: Error];
}

export class Server<ClientMessage, ServerMessage, State extends string, Context> extends EventEmitter<
  ServerEvents<ClientMessage, ServerMessage, State, Context>
> {
  /** The peers that are connected now. */
  readonly connections: Set<Connection<ClientMessage, ServerMessage, State, Context>> = new Set();
  /** The limits, with their defaults. */
  readonly limits: SettledLimits;
  readonly #server: net.Server;
  readonly #protocol: ServerProtocol<ClientMessage, ServerMessage, State, Context>;
  readonly #options: ServerOptions<Context>;
  readonly #blocked: net.BlockList | undefined;
  readonly #entrance: Entrance;
  readonly #admission: Admission;
  readonly #links: LinkSettings;
  readonly #sweep: Sweep;
  readonly #counters = new Counters();
  readonly #events: ConnectionEvents<ServedConnection<ClientMessage, ServerMessage, State, Context>>;
  /** Connections that are served, including those that are refused with a farewell. */
  readonly #served = new Set<ServedConnection<ClientMessage, ServerMessage, State, Context>>();
  /** Sockets on their way in, and since when. */
  readonly #entering = new Map<net.Socket, number>();
  /** The same, counted: by the address of the peer, unless it is behind a proxy and not known yet. */
  readonly #atTheDoor: Admission;
  readonly #listenerFailed = (error: Error): void => {
    this.emit('error', error);
  };
  /** Refused peers whose farewell is under way. */
  #told = 0;
  /** The fleet is open, or about to be. */
  #opened: Promise<void> | undefined;
  #closing: Promise<Closed<Connection<ClientMessage, ServerMessage, State, Context>>> | undefined;

  constructor(
    protocol: ServerProtocol<ClientMessage, ServerMessage, State, Context>,
    options: ServerOptions<NoInfer<Context>> = {},
  ) {
    super({ captureRejections: true });
    Object.defineProperty(this, captureRejectionSymbol, {
      value: (cause: unknown, event: unknown, ...args: unknown[]) => this.#failed(cause, event, ...args),
    });
    checkOptions('createServer', options, {
      ...limitChecks,
      tls: anything,
      proxyProtocol: anything,
      blockList: anything,
      idleGap: FRAME_TIMES.idleGap,
      onInvalid: oneOf('error', 'discard'),
      noDelay: flag,
      keepAlive: flag,
      keepAliveInitialDelay: natural,
      context: callback,
      signal: anything,
      upgrades: upgradesCheck,
      record: anything,
      flightRecorder: anything,
      fleet: anything,
    });
    this.#protocol = defineProtocol(protocol);
    this.#options = options;
    const limits = settleLimits(options, longestFrame(protocol));
    this.limits = limits;
    this.#blocked = options.blockList && listOf('createServer: blockList', options.blockList);
    this.#entrance = new Entrance(options);
    this.#admission = new Admission(limits.maxConnections, limits.maxConnectionsPerAddress);
    this.#atTheDoor = new Admission(limits.maxConnections, limits.maxConnectionsPerAddress);
    this.#links = {
      limits,
      idleGap: options.idleGap,
      onInvalid: options.onInvalid,
      upgrades: options.upgrades as Upgrades<never> | undefined,
      held: new ByteBudget(limits.maxTotalHeldBytes),
      waiting: new ByteBudget(limits.maxTotalWaitingBytes),
    };
    const { handshakeTimeout, idleTimeout, frameTimeout, lingerTimeout } = limits;
    this.#sweep = new Sweep([handshakeTimeout, idleTimeout, frameTimeout, lingerTimeout], (now) =>
      this.#sweepAll(now),
    );
    this.#events = this.#connectionEvents();
    const { noDelay = true, keepAlive = true, keepAliveInitialDelay = 60_000, signal } = options;
    // Half-open, so that a client which sends its commands and ends at once still gets every answer.
    this.#server = net.createServer(
      { noDelay, keepAlive, keepAliveInitialDelay, allowHalfOpen: true },
      (socket) => this.#arrive(socket),
    );
    this.#server.on('listening', () => this.emit('listening'));
    this.#server.on('close', () => this.emit('close'));
    signal?.addEventListener('abort', () => void this.close(), { once: true });
  }

  /**
   * Listen on a port, a Unix socket, or a bound handle: `{ fd }`, or an object that has a handle.
   *
   * Resolves when connections are accepted; rejects with the system's error (`EADDRINUSE` …).
   */
  async listen(target: net.ListenOptions | { readonly fd: number } | net.Server): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.#closing !== undefined) {
      throw new StateError('ERR_STATE_SHUTDOWN', 'the server is closing', { origin: 'local' });
    }
    await this.#open();
    // A failure of this call is its rejection.
    this.#server.off('error', this.#listenerFailed);
    try {
      this.#server.listen(target);
      await once(this.#server, 'listening');
    } finally {
      this.#server.off('error', this.#listenerFailed).on('error', this.#listenerFailed);
    }
  }

  /** Like `net.Server.address`: the port that was given, or the path. */
  address(): net.AddressInfo | string | null {
    return this.#server.address();
  }

  /** Whether to send connections here: the server listens, and is not closing. A health check should answer this. */
  get ready(): boolean {
    return this.#server.listening && this.#closing === undefined;
  }

  /**
   * Serve a peer over any stream of bytes: a WebSocket, the pipes of a child process, a serial port, a socket that another server
   * accepted. The stream belongs to the server from then on.
   *
   * @param peer - the known facts about the other end
   * @returns the connection; undefined if a limit keeps it out: the peer then got a farewell, or was cut
   *
   * @example
   * new WebSocketServer({ port: 8080 }).on('connection', (socket) => server.accept(createWebSocketStream(socket)));
   */
  accept(
    stream: Duplex,
    { address = '', port }: { readonly address?: string; readonly port?: number } = {},
  ): Connection<ClientMessage, ServerMessage, State, Context> | undefined {
    // `listen` has handled its failure, if it was called.
    this.#open()?.catch((error) => this.#failed(error, 'fleet'));
    return this.#admit(stream, peerAt(address, port), performance.now());
  }

  /** Certificates and keys for new connections; open connections keep theirs. */
  setSecureContext(options: tls.SecureContextOptions): void {
    this.#entrance.setSecureContext(options);
  }

  /** Certificates for clients that ask for this host name (SNI), which may have a wildcard: `'*.example.org'`. */
  addContext(hostname: string, options: tls.SecureContextOptions): void {
    this.#entrance.addContext(hostname, options);
  }

  /** The counts since the server was created, and the current numbers. */
  stats(): ServerStatistics {
    // As if all connections were over now.
    const all = Object.assign(new Counters(), this.#counters);
    for (const connection of this.#served) all.add(connection);
    return {
      connections: this.connections.size,
      heldBytes: this.#links.held.total,
      waitingBytes: this.#links.waiting.total,
      ...all,
      limits: { ...this.#counters.limits },
    };
  }

  /**
   * Close the server: accept no more connections, let the present ones leave, and resolve when all are closed. Each peer gets the
   * answers to what it has sent, then the farewell, and the connection ends; connections left at the deadline are cut. A second
   * call returns the same promise.
   *
   *     ready is false ──grace──▶ no more ──spread──▶ all have been asked to leave ──deadline──▶ the rest is cut
   *
   * @example
   * process.once('SIGTERM', async () => {
   *   const { cut } = await server.close({ grace: 5_000, spread: 30_000, deadline: 60_000 });
   *   console.log(`${cut.length} connections were cut`);
   * });
   */
  close(
    options: CloseOptions<Connection<ClientMessage, ServerMessage, State, Context>, ServerMessage> = {},
  ): Promise<Closed<Connection<ClientMessage, ServerMessage, State, Context>>> {
    checkOptions('close', options, { ...drainChecks, farewell: callback });
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<unknown> {
    return this.close();
  }

  /** Open the fleet, once; after a failure, again. */
  #open(): Promise<void> | undefined {
    const { fleet } = this.#options;
    if (fleet === undefined || this.#opened !== undefined) return this.#opened;
    const opened = fleet.open(this.#protocol);
    this.#opened = opened;
    opened.catch(() => {
      this.#opened = undefined;
    });
    return opened;
  }

  async #close({
    grace = 0,
    farewell,
    ...times
  }: CloseOptions<Connection<ClientMessage, ServerMessage, State, Context>, ServerMessage>): Promise<
    Closed<Connection<ClientMessage, ServerMessage, State, Context>>
  > {
    if (grace > 0) await new Promise((resolve) => setTimeout(resolve, grace));
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#entering.keys()) socket.destroy();
    const cut = await drain(this.#served, times, (connection) =>
      connection.leave((context) =>
        farewell === undefined ? this.#goodbye(connection.machine.state, context) : farewell(connection),
      ),
    );
    await closed;
    if (this.#opened !== undefined) await this.#options.fleet!.close();
    this.#opened = undefined;
    this.#closing = undefined;
    return { cut };
  }

  #goodbye(state: State, context: Context): Said<ServerMessage> {
    const error = new StateError('ERR_STATE_SHUTDOWN', 'the server is closing', { origin: 'local', state });
    return this.#protocol.session.table.farewell?.(error, context) as Said<ServerMessage>;
  }

  /** A peer has connected: check that it may, and let it in. */
  #arrive(socket: net.Socket): void {
    const now = performance.now();
    // The peer has left already: its address is unknown.
    if (socket.remoteAddress === undefined && this.#isTcp) socket.destroy();
    else if (this.#blocked !== undefined && isListed(this.#blocked, socket.remoteAddress)) {
      this.#strike({ limit: 'blockList', action: 'refused', remote: peerOf(socket).remote }, undefined);
      socket.destroy();
    } else if (this.#entrance.isOpen(socket)) {
      this.#admit(socket, peerOf(socket), now);
    } else {
      const address = this.#entrance.isProxy(socket) ? '' : (socket.remoteAddress ?? '');
      const limit = this.#atTheDoor.enter(address);
      if (limit === undefined) {
        this.#letIn(socket, address, now);
      } else {
        this.#refuse(limit, peerOf(socket));
        socket.destroy();
      }
    }
  }

  get #isTcp(): boolean {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null;
  }

  #letIn(socket: net.Socket, address: string, now: number): void {
    this.#entering.set(socket, now);
    this.#sweep.start();
    const forget = (): void => {
      if (this.#entering.delete(socket)) this.#atTheDoor.leave(address);
    };
    // Later errors are reported by the connection.
    socket.on('error', () => {}).once('close', forget);
    this.#entrance.enter(socket, (error, entered) => {
      socket.off('close', forget);
      forget();
      if (entered === undefined) {
        if (error !== undefined) this.#tellRefused(error, peerOf(socket));
        socket.destroy();
      } else {
        this.#admit(entered.stream, entered.peer, now);
      }
    });
  }

  /** Count a peer and serve it, or refuse it if a limit is reached. */
  #admit(
    stream: Duplex,
    peer: Peer,
    now: number,
  ): ServedConnection<ClientMessage, ServerMessage, State, Context> | undefined {
    const limit = this.#admission.enter(peer.address);
    if (limit === undefined) {
      const connection = this.#serve(stream, peer, now);
      if (connection === undefined) {
        this.#admission.leave(peer.address);
        return undefined;
      }
      this.#counters.accepted++;
      this.connections.add(connection);
      const { fleet } = this.#options;
      if (fleet !== undefined) connection.followedBy(fleet.follow(connection));
      if (channels.open.hasSubscribers) channels.open.publish({ connection });
      this.#tell('connection', connection);
      return connection;
    }
    const error = this.#refuse(limit, peer);
    if (this.#told >= MOST_TOLD || this.#protocol.session.table.farewell === undefined) {
      stream.on('error', () => {}).destroy();
      return undefined;
    }
    const told = this.#serve(stream, peer, now);
    if (told === undefined) return undefined;
    this.#told++;
    told.abort(error);
    return undefined;
  }

  #serve(
    stream: Duplex,
    peer: Peer,
    now: number,
  ): ServedConnection<ClientMessage, ServerMessage, State, Context> | undefined {
    let connection: ServedConnection<ClientMessage, ServerMessage, State, Context>;
    try {
      const context = this.#options.context?.(peer);
      connection = new ServedConnection(
        stream,
        peer,
        this.#protocol,
        context,
        this.#links,
        now,
        this.#events,
      );
    } catch (error) {
      this.#tellRefused(error as Error, peer);
      stream.on('error', () => {}).destroy();
      return undefined;
    }
    this.#observe(connection);
    this.#served.add(connection);
    this.#sweep.start();
    if (this.#closing !== undefined && !this.#server.listening) connection.cut();
    return connection;
  }

  /** Handles the events of all connections. */
  #connectionEvents(): ConnectionEvents<ServedConnection<ClientMessage, ServerMessage, State, Context>> {
    // Without a listener no error is made.
    const onDiscard: ConnectionEvents<Connection<ClientMessage, ServerMessage, State, Context>>['onDiscard'] =
      (connection, error) => this.#tell('discard', error, connection);
    const discarded = () => (this.listenerCount('discard') > 0 ? onDiscard : undefined);
    return {
      limit: (connection, struck) => this.#strike(struck, connection),
      end: (connection, error) => this.#end(connection, error),
      invalid: (connection, error, frame) => this.#tell('invalid', error, frame, connection),
      get onDiscard() {
        return discarded();
      },
      failed: (connection, cause) => this.#failed(cause, 'upgrade', connection),
    };
  }

  /** Let the observers of the options see a connection. */
  #observe(connection: ServedConnection<ClientMessage, ServerMessage, State, Context>): void {
    const { record, flightRecorder } = this.#options;
    if (record === undefined && flightRecorder === undefined) return;
    const { peer, socket } = connection;
    const server = placeText(socket.localAddress, socket.localPort);
    const client = placeText(peer.address, peer.port);
    const seen = observersOf({ protocol: this.#protocol, client, server }, this.#options);
    if (seen !== undefined) connection.observe(seen);
  }

  #end(
    connection: ServedConnection<ClientMessage, ServerMessage, State, Context>,
    error: NodeJS.ErrnoException | undefined,
  ): void {
    this.#served.delete(connection);
    if (this.#served.size + this.#entering.size === 0) this.#sweep.stop();
    const { bytesReceived, bytesSent } = connection.link;
    this.#counters.add(connection);
    if (!this.connections.delete(connection)) {
      // A refused peer has never been a connection.
      this.#told--;
      return;
    }
    this.#admission.leave(connection.peer.address);
    if (error === undefined) this.#counters.closed++;
    else this.#counters.failed++;
    if (channels.close.hasSubscribers) {
      const duration = performance.now() - connection.openedAt;
      channels.close.publish({ connection, error, received: bytesReceived, sent: bytesSent, duration });
    }
    this.#tell('connectionEnd', connection, error);
  }

  #refuse(limit: 'maxConnections' | 'maxConnectionsPerAddress', peer: Peer): LimitError {
    const max = this.limits[limit];
    this.#strike({ limit, action: 'refused', max, remote: peer.remote }, undefined);
    const whose = limit === 'maxConnections' ? '' : ' of this address';
    const text = `no room: all ${max} connections${whose} are taken`;
    const error = new LimitError('ERR_LIMIT_CONNECTIONS', text, { limit: max });
    this.#tellRefused(error, peer);
    return error;
  }

  #tellRefused(error: Error, peer: Peer): void {
    this.#counters.refused++;
    this.#tell('refused', error, peer);
  }

  #strike(
    struck: LimitStruck,
    connection: ServedConnection<ClientMessage, ServerMessage, State, Context> | undefined,
  ): void {
    this.#counters.limit(struck.limit);
    if (channels.limit.hasSubscribers) channels.limit.publish({ connection, limit: struck });
    this.#tell('limit', struck, connection);
  }

  /** Call the listeners of an event; an error that one of them throws concerns its connection alone. */
  #tell(
    event: 'connection' | 'connectionEnd' | 'refused' | 'limit' | 'invalid' | 'discard',
    ...args: unknown[]
  ): void {
    try {
      this.emit(event, ...(args as never));
    } catch (error) {
      this.#failed(error, event, ...args);
    }
  }

  /** A listener of an event of this server has rejected, or thrown. */
  #failed(cause: unknown, event: unknown, ...args: unknown[]): void {
    const what = FAILING[event as keyof typeof FAILING] ?? `a listener of '${String(event)}'`;
    const text = `${what} failed: ${showThrown(cause)}`;
    const error = new HandlerError('ERR_HANDLER', text, { cause });
    if (event === 'connection') (args[0] as Connection<never, never, State, Context>).stream.destroy(error);
    else if (event !== 'error' && this.listenerCount('error') > 0) this.emit('error', error);
    else process.emitWarning(error);
  }

  /** Check the deadlines of all connections, including those that are entering. */
  #sweepAll(now: number): void {
    const { handshakeTimeout: max } = this.limits;
    for (const [socket, since] of this.#entering) {
      if (now - since < max) break;
      this.#strike(
        { limit: 'handshakeTimeout', action: 'closed', max, remote: peerOf(socket).remote },
        undefined,
      );
      socket.destroy();
    }
    for (const connection of this.#served) connection.link.sweep(now);
  }
}
