import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { defineProtocol, type Protocol } from '../protocol/protocol.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { MessageEncoder } from '../streams/message-encoder.ts';
import { join } from '../streams/stage.ts';
import { StateMachine } from '../streams/state-machine.ts';

export interface ServerOptions
  extends Pick<net.ServerOpts, 'noDelay' | 'keepAlive' | 'keepAliveInitialDelay'> {
  /** Milliseconds that a peer has to end its side once we have ended ours. Default 5,000. */
  lingerTimeout?: number | undefined;
}

/**
 * A server that speaks a protocol over TCP or a Unix socket: every connection runs the four stages, with a session of
 * its own.
 *
 * @example
 * const server = createServer(drone);
 * server.on('connectionEnd', (connection, error) => log(connection.remote, error?.code ?? 'done'));
 * await server.listen({ port: 4000, host: '127.0.0.1' });
 */
export function createServer<ClientMessage, ServerMessage, State extends string, Context>(
  protocol: Protocol<ClientMessage, ServerMessage, State, Context>,
  options: ServerOptions = {},
): Server<ClientMessage, ServerMessage, State, Context> {
  return new Server(protocol, options);
}

/** One peer of a `Server`. */
export interface Connection<ClientMessage, ServerMessage, State extends string, Context> {
  readonly socket: net.Socket;
  /** The peer's address and port; empty on a Unix socket. */
  readonly remote: string;
  /** The third stage: its `state`, and its `send` for messages that answer nothing. */
  readonly machine: StateMachine<ClientMessage, ServerMessage, State, Context>;
}

interface ServerEvents<ClientMessage, ServerMessage, State extends string, Context> {
  /** A peer has connected. */
  connection: [connection: Connection<ClientMessage, ServerMessage, State, Context>];
  /** A peer is gone; with the error that ended it, unless it went in peace. */
  connectionEnd: [
    connection: Connection<ClientMessage, ServerMessage, State, Context>,
    error: NodeJS.ErrnoException | undefined,
  ];
  listening: [];
  close: [];
  /** The listener itself failed. */
  error: [error: Error];
}

export class Server<ClientMessage, ServerMessage, State extends string, Context> extends EventEmitter<
  ServerEvents<ClientMessage, ServerMessage, State, Context>
> {
  /** The peers of the moment. */
  readonly connections: Set<Connection<ClientMessage, ServerMessage, State, Context>> = new Set();
  readonly #server: net.Server;
  readonly #protocol: Protocol<ClientMessage, ServerMessage, State, Context>;
  readonly #lingerTimeout: number | undefined;

  constructor(protocol: Protocol<ClientMessage, ServerMessage, State, Context>, options: ServerOptions = {}) {
    super();
    const { lingerTimeout, ...socketOptions } = options;
    this.#protocol = defineProtocol(protocol);
    this.#lingerTimeout = lingerTimeout;
    // Half-open: a client that sends its commands and ends at once still gets every answer.
    this.#server = net.createServer({ ...socketOptions, allowHalfOpen: true }, (socket) =>
      this.#serve(socket),
    );
    this.#server.on('listening', () => this.emit('listening'));
    this.#server.on('close', () => this.emit('close'));
  }

  /** Resolves when connections are accepted; rejects with the system's error (`EADDRINUSE` …). */
  async listen(options: net.ListenOptions): Promise<void> {
    this.#server.listen(options);
    await once(this.#server, 'listening');
    this.#server.on('error', (error) => this.emit('error', error));
  }

  /** As of `net.Server`: the port that was given, or the path. */
  address(): net.AddressInfo | string | null {
    return this.#server.address();
  }

  /** Accept nobody more, cut the connections there are, and resolve when all is closed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }

  #serve(socket: net.Socket): void {
    const { framing, clientMessages, serverMessages, session } = this.#protocol;
    const options = { lingerTimeout: this.#lingerTimeout };
    const machine = new StateMachine(session, options);
    const { remoteAddress: address = '', remotePort: port } = socket;
    const remote = port === undefined ? address : `${address}:${port}`;
    const connection: Connection<ClientMessage, ServerMessage, State, Context> = { socket, remote, machine };
    this.connections.add(connection);
    const stages = [
      new FrameDecoder(framing, options),
      new MessageDecoder(clientMessages, options),
      machine,
      new MessageEncoder(serverMessages, { framing, ...options }),
    ] as const;
    // What `pipeline` does, for a third of its memory: one end for all, told once.
    let reason: Error | undefined;
    const fail = (error: Error): void => {
      reason ??= error;
      socket.destroy();
    };
    socket.on('error', fail).on('close', () => {
      for (const stage of stages) stage.destroy();
      this.connections.delete(connection);
      // A reset after a violation is no news.
      this.emit('connectionEnd', connection, machine.error ?? reason);
    });
    for (const stage of stages) stage.on('error', fail);
    const [frames, , , encoder] = stages;
    join(...stages);
    socket.pipe(frames);
    encoder.pipe(socket);
    this.emit('connection', connection);
  }
}
