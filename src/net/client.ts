import { once } from 'node:events';
import net from 'node:net';
import { type Duplex, finished, pipeline } from 'node:stream';
import type { Codec } from '../protocol/codec.ts';
import type { FrameWriter } from '../protocol/framing.ts';
import type { Protocol } from '../protocol/protocol.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { Output } from '../streams/output.ts';

export type ConnectOptions = (net.TcpNetConnectOpts | net.IpcNetConnectOpts) & {
  /** Give up connecting. */
  signal?: AbortSignal | undefined;
};

/**
 * Connect to a server that speaks a protocol, over TCP or a Unix socket. Resolves when connected; rejects with the
 * system's error (`ECONNREFUSED` …).
 *
 * @example
 * const client = await connect(drone, { port: 4000 });
 * client.send({ type: 'write', text: 'HELLO' });
 * for await (const answer of client) console.log(answer);
 */
export async function connect<ClientMessage, ServerMessage>(
  protocol: Pick<Protocol<ClientMessage, ServerMessage>, 'framing' | 'clientMessages' | 'serverMessages'>,
  { signal, ...options }: ConnectOptions,
): Promise<Client<ClientMessage, ServerMessage>> {
  const socket = net.connect({ ...options, allowHalfOpen: true } as net.NetConnectOpts);
  try {
    await once(socket, 'connect', signal === undefined ? {} : { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return new Client(protocol, socket);
}

/** The client's side of a connection: messages go out by `send`, and come in by async iteration. */
export class Client<ClientMessage, ServerMessage> implements AsyncIterable<ServerMessage> {
  /** What we speak over: a socket, or any other Duplex of bytes. */
  readonly stream: Duplex;
  /** The messages that come in, as a stream in object mode: for `pipe`, `'data'`, and the rest. */
  readonly messages: MessageDecoder<ServerMessage>;
  /** Resolves when the connection is over and went in peace, rejects with the error that ended it. */
  readonly closed: Promise<void>;
  readonly #codec: Codec<unknown, ClientMessage>;
  readonly #writer: FrameWriter;
  #corked = false;

  constructor(
    protocol: Pick<Protocol<ClientMessage, ServerMessage>, 'framing' | 'clientMessages' | 'serverMessages'>,
    stream: Duplex,
  ) {
    this.stream = stream;
    this.#codec = protocol.clientMessages;
    this.#writer = protocol.framing.writer();
    this.messages = new MessageDecoder(protocol.serverMessages);
    this.closed = new Promise((resolve, reject) => {
      const decoder = new FrameDecoder(protocol.framing);
      pipeline(stream, decoder, this.messages, (error) => {
        if (error) reject(error);
        else finished(stream, (late) => (late ? reject(late) : resolve()));
      });
    });
    // The error is told to whoever asks; that nobody does is no reason to stop the process.
    this.closed.catch(() => {});
    // The server has ended its side: nothing can be answered any more.
    stream.once('end', () => stream.end());
  }

  /**
   * Send a message. A message that does not fit the protocol throws a coded error with `origin: 'local'`; nothing of
   * it is written, and the connection goes on.
   *
   * @returns false when the stream asks to wait for its `'drain'` before more is sent.
   */
  send(message: ClientMessage): boolean {
    const output = new Output();
    let bytes: Buffer | undefined;
    try {
      output.frame(this.#codec, this.#writer, message);
    } finally {
      // Also when it throws: the memory goes back.
      bytes = output.finish();
    }
    return bytes === undefined || this.#write(bytes);
  }

  /** End our side: what was sent is delivered, and the answers still come. */
  end(): void {
    this.stream.end();
  }

  /** Cut the connection. */
  destroy(error?: Error): void {
    this.stream.destroy(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, undefined> {
    // Who stops listening has not hung up: that is what `end` and `destroy` say.
    yield* this.messages.iterator({ destroyOnReturn: false }) as AsyncIterable<ServerMessage>;
  }

  /** The messages of one turn of the event loop leave in one write. */
  #write(bytes: Buffer): boolean {
    if (!this.#corked) {
      this.#corked = true;
      this.stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.stream.uncork();
      });
    }
    return this.stream.write(bytes);
  }
}
