import { type Duplex, finished, pipeline, Readable } from 'node:stream';
import { isTrusted, TAKING } from '../bytes/trust.ts';
import { type FrameError, StateError } from '../errors.ts';
import { anything, checkOptions, delayOrNever, flag, oneOf, splitOptions } from '../options.ts';
import type { Codec, Decoded } from '../protocol/codec.ts';
import { type FramingPair, fromClient, fromServer, type Preface } from '../protocol/direction.ts';
import type { FrameWriter, Framing } from '../protocol/framing/framing.ts';
import { Packer } from '../protocol/packer.ts';
import { knownOf, type ReplyRules } from '../protocol/reply-rules.ts';
import type { MessageSource, Tagged } from '../protocol/session/declaration.ts';
import { expectations } from '../protocol/session/expects.ts';
import type { Numberless } from '../protocol/session/id-path.ts';
import type { Session } from '../protocol/session/session.ts';
import { FRAME_TIMES, type FrameTimes } from '../streams/deadlines.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { MessageEncoder } from '../streams/message-encoder.ts';
import { StateMachine } from '../streams/state-machine.ts';
import { ClientUpgrade } from './client-upgrade.ts';
import { Detachable } from './detachable.ts';
import { cutWhenSilent, endWithin } from './end-within.ts';
import type { ManyReplies } from './many-replies.ts';
import {
  DEFAULT_TIMEOUT,
  InvalidReply,
  RawReply,
  Replies,
  type RepliesOptions,
  type RequestOptions,
} from './replies.ts';
import { type Upgrades, upgradesCheck } from './upgrades.ts';

/** The parts of a protocol that a client needs. */
// biome-ignore lint/suspicious/noExplicitAny: any rules
export interface ClientProtocol<ClientMessage, ServerMessage, Rules = any> {
  readonly framing: Framing | FramingPair;
  /** Bytes before the first frame. */
  readonly preface?: Preface | undefined;
  /** The messages that the client sends. */
  readonly clientMessages: MessageSource<Codec<unknown, ClientMessage>>;
  /** The messages that the client receives. */
  readonly serverMessages: MessageSource<Codec<ServerMessage, never>>;
  /** The server's table. */
  // biome-ignore lint/suspicious/noExplicitAny: a client need not know what the server's handlers keep
  readonly session?: Session<any, any, any, any> | undefined;
  readonly replies?: (Rules & ReplyRules<ServerMessage, ClientMessage>) | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: as RepliesOptions
export interface ClientOptions<ServerMessage, ClientMessage = any, Rules = unknown> extends FrameTimes {
  /**
   * How replies find their requests, for `request` and `requestMany`; added to the protocol's `replies`, or replacing them. By
   * default replies come in the order of the requests.
   */
  replies?: (Rules & RepliesOptions<ServerMessage, ClientMessage>) | undefined;
  /**
   * Check sent and received messages against the protocol's session: a breach by us is thrown and not sent, a breach by the
   * server is the connection's error. Default false.
   */
  checkStates?: boolean | undefined;
  /**
   * Milliseconds that the stream has to close once the other side has ended and takes nothing of what we sent; then it is cut.
   * After `end` the other side has as long, or as long as a reply may take if that is longer, to send something or end. So
   * `closed` settles in any case. Infinity cuts nothing. Default 5,000.
   */
  lingerTimeout?: number | undefined;
  /**
   * The client's own table: it handles the received messages that answer no request, and `client.machine` runs it. Its `receives`
   * are the server's messages, its `sends` the client's. Without an `id`, a reply is then a message of a type that `expects`
   * names for a request.
   */
  // biome-ignore lint/suspicious/noExplicitAny: a client need not know what its handlers keep
  session?: Session<ServerMessage, ClientMessage, any, any> | undefined;
  /**
   * What to do with a frame that is not a message: fail the connection, or skip the frame, report it by the `'invalid'` event of
   * `messages` (error, frame), and read on. If replies have no numbers, the frame may have been one: the oldest request fails.
   * Default `'error'`.
   */
  onInvalid?: 'error' | 'discard' | undefined;
  /**
   * The functions that take over the connection when a reply of the client's own session names an upgrade (`{ send, next,
   * upgrade: 'tls' }`). `closed` then resolves.
   */
  // biome-ignore lint/suspicious/noExplicitAny: any rules
  upgrades?: Upgrades<Client<any, any, any>> | undefined;
}

/** The path of the id in a request, if the rules name it; otherwise never. */
export type RequestPath<Rules> = Rules extends { readonly id: infer I }
  ? I extends string
    ? I
    : I extends { readonly request: infer P extends string }
      ? P
      : never
  : never;

/** The types of request that get no answer. */
export type Unanswered<Rules> = Rules extends { readonly expects: infer E }
  ? { [T in keyof E]: E[T] extends 'none' ? T : never }[keyof E]
  : never;

/** The type of the replies: the server's messages, and those that `decode` may read in their place. */
export type AnswerOf<ServerMessage, Rules> = Rules extends {
  readonly decode: (...request: never[]) => infer C;
}
  ? ServerMessage | Decoded<NonNullable<C>>
  : ServerMessage;

/** The client's side of a connection: `send` sends messages, and async iteration gives the received ones. */
export class Client<
  ClientMessage,
  ServerMessage,
  const Rules extends RepliesOptions<ServerMessage, ClientMessage> = Record<never, never>,
> implements AsyncIterable<ServerMessage>
{
  /** The stream that carries the protocol: a socket, or any other Duplex of bytes. */
  readonly stream: Duplex;
  /**
   * The received messages as a stream in object mode: for `pipe`, `'data'`, and so on. Replies to `request` are not among them;
   * with a `session`, its table handles all others, and nothing arrives here.
   */
  readonly messages: Readable;
  /** The run of the client's own table, if `session` was given: its `state`, its `context`. */
  // biome-ignore lint/suspicious/noExplicitAny: a client need not know what its handlers keep
  readonly machine: StateMachine<ServerMessage, ClientMessage, string, any> | undefined = undefined;
  /** Resolves when the connection has ended without an error, rejects with the error that ended it. */
  readonly closed: Promise<void>;
  readonly #codec: Codec<unknown, ClientMessage>;
  readonly #writer: FrameWriter;
  readonly #packer = new Packer();
  readonly #replies: Replies<object, object>;
  /** Judges what is sent; see `checkStates`. */
  readonly #check: ((message: ClientMessage) => void) | undefined;
  #corked = false;
  /** Whether the stream keeps no reference to what it is given; asked once for all messages of a turn. */
  #isTrusted: boolean | undefined;
  #hasEnded = false;
  #cut = false;
  readonly #endTimeout: number;
  #encoding = false;

  constructor(
    protocol: ClientProtocol<ClientMessage, ServerMessage>,
    stream: Duplex,
    options: ClientOptions<ServerMessage, ClientMessage, Rules> = {},
  ) {
    checkOptions('Client', options, {
      replies: anything,
      checkStates: flag,
      session: anything,
      upgrades: upgradesCheck,
      onInvalid: oneOf('error', 'discard'),
      lingerTimeout: delayOrNever,
      ...FRAME_TIMES,
    });
    const [times] = splitOptions<FrameTimes>(options, FRAME_TIMES);
    const { checkStates = false, session, upgrades, onInvalid, lingerTimeout = 5_000 } = options;
    const replies: RepliesOptions<object, object> = { ...protocol.replies, ...(options.replies as object) };
    if (checkStates && protocol.session === undefined) {
      throw new TypeError('checkStates: the protocol has no session to judge by');
    }
    if (upgrades !== undefined && session === undefined) {
      throw new TypeError('upgrades: only a session can ask for one, and the client has none');
    }
    const outgoing = fromClient(protocol);
    const incoming = fromServer(protocol);
    this.stream = stream;
    this.#endTimeout =
      lingerTimeout === Infinity ? Infinity : Math.max(lingerTimeout, replies.timeout ?? DEFAULT_TIMEOUT);
    this.#codec = outgoing.messages;
    this.#writer = outgoing.framing.writer();
    const mirror = checkStates ? protocol.session?.mirror(expectations(replies.expects).of) : undefined;
    this.#check = mirror && ((message) => mirror.send(message));
    this.#replies = new Replies<object, object>(
      replies,
      { ...knownOf(protocol, replies), isShared: session !== undefined },
      (request) => this.#transmit(request as ClientMessage),
      mirror && ((message) => mirror.receive(message as ServerMessage)),
    );
    const serverMessages: Codec<unknown, never> = incoming.messages;
    if (outgoing.preface !== undefined) stream.write(outgoing.preface);
    const decoder = new FrameDecoder(incoming.framing, { ...times, preface: incoming.preface });
    const codec = replies.decode === undefined ? serverMessages : raw(serverMessages);
    const decoded = new MessageDecoder(codec, { onInvalid });
    decoded.standIn = (error, frame) => new InvalidReply(error, frame);
    this.#replies.onInvalid = (error, frame) => void this.messages.emit('invalid', error, frame);
    const stages = [decoder, decoded, this.#replies] as const;
    if (session === undefined) {
      this.messages = this.#replies;
    } else {
      this.machine = new StateMachine(session, {
        connection: { remote: '', socket: stream },
        lingerTimeout,
      });
      this.messages = new Readable({ objectMode: true, read() {} });
    }
    const discarded = (error: FrameError): void => {
      if (error.code !== 'ERR_FRAME_NOISE') this.#replies.frameLost(error);
      this.messages.emit('discard', error);
    };
    // With numbers the lost reply is known. Without a listener no error is made.
    if (replies.id === undefined) decoder.on('discard', discarded);
    else
      this.messages.on('newListener', (name) => {
        if (name === 'discard' && decoder.listenerCount('discard') === 0) decoder.on('discard', discarded);
      });
    this.closed = new Promise((resolve, reject) => {
      const over = (error: NodeJS.ErrnoException | null | undefined): void => {
        // A connection that we cut ourselves has not failed.
        if (error && !(this.#cut && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) reject(error);
        else if (error) resolve();
        else finished(stream, (late) => (late ? reject(late) : resolve()));
      };
      if (this.machine === undefined) {
        pipeline(stream, ...stages, over);
        // The server has ended its side: no more answers will come.
        stream.once('end', () => endWithin(stream, lingerTimeout));
        return;
      }
      const encoder = new MessageEncoder(this.#codec, { framing: outgoing.framing });
      let left = 2;
      const isOver = (): void => {
        if (--left === 0) endWithin(stream, lingerTimeout);
      };
      // The server has ended its side, and all is answered.
      stream.once('end', isOver);
      encoder.once('end', isOver);
      const carrier = upgrades === undefined ? stream : new Detachable(stream);
      if (carrier instanceof Detachable) {
        this.machine.hostUpgrades(
          new ClientUpgrade(this, upgrades!, carrier, encoder, decoder, lingerTimeout, resolve),
        );
      }
      pipeline(carrier, ...stages, this.machine, encoder, carrier, (error) => {
        this.messages.push(null);
        over(error);
      });
    });
    // An unhandled rejection would end the process of a caller that does not ask how the connection ended.
    this.closed.catch(() => {});
  }

  /**
   * Send a message. A message that does not fit the protocol throws a coded error with `origin: 'local'`; nothing of it is
   * written, and the connection continues. After `end` it throws too (`ERR_STATE_CLOSED`).
   *
   * @returns false if the stream asks to wait for its `'drain'` before more is sent
   */
  send(message: ClientMessage): boolean {
    const more = this.#transmit(message);
    this.#replies.sent(message as object);
    return more;
  }

  /**
   * Send a message, and resolve with its reply; with undefined if nothing answers it (`expects: 'none'`). The number is filled
   * in. While `maxInFlight` requests wait for their replies, the message is queued.
   *
   * Rejects with the error of an invalid message, with a `TimeoutError` (`ERR_TIMEOUT_REQUEST`), with `ERR_REQUEST_NUMBERS`, with
   * the signal's reason, or with the error that ended the connection before the reply arrived.
   *
   * @example const answer = await client.request({ type: 'move', x: 1, y: 2 }, { timeout: 1_000 });
   */
  request(
    message: Extract<Numberless<ClientMessage, RequestPath<Rules>>, { readonly type: Unanswered<Rules> }>,
    options?: RequestOptions,
  ): Promise<undefined>;
  request(
    message: Numberless<ClientMessage, RequestPath<Rules>>,
    options?: RequestOptions,
  ): Promise<AnswerOf<ServerMessage, Rules>>;
  request(message: unknown, options?: RequestOptions): Promise<unknown> {
    return this.#replies.request(message as object, options);
  }

  /**
   * Send a message with many replies, and give the replies as they arrive, up to the last. The message is sent at once. While
   * more than `maxUnread` replies are unread, the socket is held back: do not wait for another request inside the loop. Leaving
   * the loop discards the remaining replies. The loop throws the errors that `request` rejects with.
   *
   * @example for await (const row of client.requestMany({ type: 'query', sql })) console.log(row);
   */
  requestMany(
    message: Numberless<ClientMessage, RequestPath<Rules>>,
    options?: RequestOptions,
  ): AsyncIterableIterator<AnswerOf<ServerMessage, Rules>, undefined, undefined> {
    return this.#replies.requestMany(message as object, options) as ManyReplies<
      AnswerOf<ServerMessage, Rules>
    >;
  }

  /** Encode, check and write a message. */
  #transmit(message: ClientMessage): boolean {
    if (this.#hasEnded || this.stream.writableEnded || this.stream.destroyed) {
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
    if (this.machine !== undefined) {
      // A message that is refused here does not break the connection.
      (this.machine.codec ?? this.#codec).encode(message);
      this.#check?.(message);
      return this.machine.send(message);
    }
    let bytes: Buffer | undefined;
    // A codec that sends while it encodes gets a packer of its own.
    const packer = this.#encoding ? new Packer() : this.#packer;
    const outermost = !this.#encoding;
    this.#encoding = true;
    try {
      packer.writeMessage(this.#codec, this.#writer, message);
    } finally {
      // Even if it throws, the memory goes back.
      this.#isTrusted ??= isTrusted(this.stream, TAKING);
      bytes = packer.take(this.#isTrusted);
      if (outermost) this.#encoding = false;
    }
    // Only now is the message known to be sent.
    this.#check?.(message);
    return bytes === undefined || this.#write(bytes);
  }

  /**
   * End our side: sent messages are delivered, and their replies still arrive; a client's own session is over. A server that then
   * sends nothing for as long as a reply may take (`timeout` of the replies), and does not end its side, is cut off: `closed`
   * rejects with `ERR_TIMEOUT_IDLE`.
   */
  end(): void {
    if (this.#hasEnded || this.stream.writableEnded) return;
    this.#hasEnded = true;
    if (this.machine === undefined) this.stream.end();
    else this.machine.leave();
    if (this.#endTimeout !== Infinity) cutWhenSilent(this.stream, this.#endTimeout);
  }

  /**
   * Make the errors of requests that end with the connection.
   * @internal
   */
  set lost(lost: ((type: string, isSent: boolean, reason: Error) => Error) | undefined) {
    this.#replies.lost = lost;
  }

  /** Cut the connection; `closed` rejects with the error, if one is given. */
  destroy(error?: Error): void {
    this.#cut = true;
    this.stream.destroy(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, undefined> {
    // Leaving the loop does not close the connection: `end` and `destroy` do.
    yield* this.messages.iterator({ destroyOnReturn: false }) as AsyncIterable<ServerMessage>;
  }

  /** The messages of one turn of the event loop leave in one write. */
  #write(bytes: Buffer): boolean {
    if (!this.#corked) {
      this.#corked = true;
      this.stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#isTrusted = undefined;
        this.stream.uncork();
      });
    }
    return this.stream.write(bytes);
  }
}

/** A codec whose messages keep their frames, for `decode` of the reply rules. */
function raw(codec: Codec<unknown, never>): Codec<unknown, never> {
  return {
    decode(bytes, start = 0, end = bytes.length) {
      return new RawReply(codec.decode(bytes, start, end) as object, bytes.subarray(start, end));
    },
    encode() {
      throw new TypeError('replies are not encoded');
    },
  };
}
