import { once } from 'node:events';
import net from 'node:net';
import { type Duplex, finished, pipeline, type Readable } from 'node:stream';
import { isTrusted } from '../bytes/trust.ts';
import { StateError } from '../errors.ts';
import type { Codec } from '../protocol/codec.ts';
import type { FrameWriter } from '../protocol/framing/framing.ts';
import { Packer } from '../protocol/packer.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { Tagged } from '../protocol/session/declaration.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { Replies, type RepliesOptions, type RequestOptions } from './replies.ts';

/** What a client needs of a protocol. */
export type ClientProtocol<ClientMessage, ServerMessage> = Pick<
  Protocol<ClientMessage, ServerMessage>,
  'framing' | 'clientMessages' | 'serverMessages'
> &
  Partial<Pick<Protocol<ClientMessage, ServerMessage>, 'session'>>;

export interface ClientOptions<ServerMessage> {
  /** How replies find their requests, for `request`. By default they come in the order of what was sent. */
  replies?: RepliesOptions<ServerMessage> | undefined;
  /**
   * Judge by the protocol's session what we send (a breach is thrown, and not sent) and what comes (a breach is the
   * connection's error). Default false.
   */
  checkStates?: boolean | undefined;
}

export type ConnectOptions<ServerMessage = never> = (net.TcpNetConnectOpts | net.IpcNetConnectOpts) &
  ClientOptions<ServerMessage> & {
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
  protocol: ClientProtocol<ClientMessage, ServerMessage>,
  { signal, replies, checkStates, ...options }: ConnectOptions<NoInfer<ServerMessage>>,
): Promise<Client<ClientMessage, ServerMessage>> {
  const socket = net.connect({ ...options, allowHalfOpen: true } as net.NetConnectOpts);
  try {
    await once(socket, 'connect', signal === undefined ? {} : { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return new Client(protocol, socket, { replies, checkStates });
}

/** The client's side of a connection: messages go out by `send`, and come in by async iteration. */
export class Client<ClientMessage, ServerMessage> implements AsyncIterable<ServerMessage> {
  /** What we speak over: a socket, or any other Duplex of bytes. */
  readonly stream: Duplex;
  /**
   * The messages that come in, as a stream in object mode: for `pipe`, `'data'`, and the rest. Replies to `request` are
   * not among them.
   */
  readonly messages: Readable;
  /** Resolves when the connection is over and went in peace, rejects with the error that ended it. */
  readonly closed: Promise<void>;
  readonly #codec: Codec<unknown, ClientMessage>;
  readonly #writer: FrameWriter;
  readonly #packer = new Packer();
  readonly #replies: Replies<object, object>;
  /** Judges what is sent; see `checkStates`. */
  readonly #check: ((message: ClientMessage) => void) | undefined;
  #corked = false;
  #cut = false;
  #encoding = false;

  constructor(
    protocol: ClientProtocol<ClientMessage, ServerMessage>,
    stream: Duplex,
    { replies = {}, checkStates = false }: ClientOptions<NoInfer<ServerMessage>> = {},
  ) {
    if (checkStates && protocol.session === undefined) {
      throw new TypeError('checkStates: the protocol has no session to judge by');
    }
    this.stream = stream;
    this.#codec = protocol.clientMessages;
    this.#writer = protocol.framing.writer();
    const mirror = checkStates ? protocol.session?.mirror() : undefined;
    this.#check = mirror && ((message) => mirror.send(message));
    this.#replies = new Replies<object, object>(
      replies as RepliesOptions<object>,
      (request) => this.#transmit(request as ClientMessage),
      mirror && ((message) => mirror.receive(message as ServerMessage)),
    );
    this.messages = this.#replies;
    this.closed = new Promise((resolve, reject) => {
      const decoder = new FrameDecoder(protocol.framing);
      const messages = new MessageDecoder(protocol.serverMessages);
      pipeline(stream, decoder, messages, this.#replies, (error) => {
        // That we cut it ourselves is no failure.
        if (error && !(this.#cut && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) reject(error);
        else if (error) resolve();
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
   * it is written, and the connection goes on. So does one after `end` (`ERR_STATE_CLOSED`).
   *
   * @returns false when the stream asks to wait for its `'drain'` before more is sent.
   */
  send(message: ClientMessage): boolean {
    const more = this.#transmit(message);
    this.#replies.sent();
    return more;
  }

  /**
   * Send a message, and resolve with its reply. While `maxInFlight` requests wait for theirs, it is queued.
   *
   * Rejects with what was wrong with the message, with a `TimeoutError` (`ERR_TIMEOUT_REQUEST`), with the signal's
   * reason, or with what ended the connection before the reply came.
   *
   * @example const answer = await client.request({ type: 'move', x: 1, y: 2 }, { timeout: 1_000 });
   */
  request(message: ClientMessage, options?: RequestOptions): Promise<ServerMessage> {
    return this.#replies.request(message as object, options) as Promise<ServerMessage>;
  }

  /** Encode, judge and write a message. */
  #transmit(message: ClientMessage): boolean {
    if (this.stream.writableEnded || this.stream.destroyed) {
      const { type } = message as Tagged;
      throw new StateError(
        'ERR_STATE_CLOSED',
        `'${type}' cannot be sent: our side of the connection has ended`,
        {
          origin: 'local',
          messageType: type,
        },
      );
    }
    let bytes: Buffer | undefined;
    // A codec that sends while it encodes gets a packer of its own.
    const packer = this.#encoding ? new Packer() : this.#packer;
    const outermost = !this.#encoding;
    this.#encoding = true;
    try {
      packer.writeMessage(this.#codec, this.#writer, message);
    } finally {
      // Also when it throws: the memory goes back.
      bytes = packer.take(isTrusted(this.stream));
      if (outermost) this.#encoding = false;
    }
    // Not before it is known to be sent.
    this.#check?.(message);
    return bytes === undefined || this.#write(bytes);
  }

  /** End our side: what was sent is delivered, and the answers still come. */
  end(): void {
    this.stream.end();
  }

  /** Cut the connection; `closed` rejects with the error, if one is given. */
  destroy(error?: Error): void {
    this.#cut = true;
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
