import { setImmediate, setTimeout } from 'node:timers/promises';
import { StateError } from '../errors.ts';
import { type Check, callback, limit } from '../options.ts';
import { quoted } from '../protocol/session/breach.ts';
import type { Tagged } from '../protocol/session/declaration.ts';
import type { Numberless } from '../protocol/session/id-path.ts';
import { Backoff, type BackoffOptions, backoffChecks } from './backoff.ts';
import type { AnswerOf, Client, RequestPath, Unanswered } from './client.ts';
import { ManyReplies } from './many-replies.ts';
import type { RepliesOptions, RequestOptions } from './replies.ts';

/** How a client reconnects. */
export interface ReconnectOptions<C> extends BackoffOptions {
  /** The most failed attempts in a row; after them `closed` rejects with the error of the last. Default Infinity. */
  readonly attempts?: number | undefined;
  /**
   * Restores the state of the last connection on a new one, such as subscriptions. Called after the handshake, before the
   * connection is ready. If it rejects, the attempt has failed.
   */
  readonly restore?: ((client: C) => unknown) | undefined;
  /**
   * Whether to continue: called after each loss and each failed attempt, with the error; with undefined if the server has ended
   * the connection without an error. If it returns false, `closed` rejects with that error. Default: always.
   */
  readonly retry?: ((error: Error | undefined) => boolean) | undefined;
}

export const reconnectChecks: Readonly<Record<keyof ReconnectOptions<unknown>, Check>> = {
  ...backoffChecks,
  attempts: limit(1),
  restore: callback,
  retry: callback,
};

/** A connection that lasted this many milliseconds did not fail at its start: the next wait is short again. */
const GROWN = 5_000;

/** A connection, and the one that follows it. */
class Link<C> {
  readonly client: C;
  /** Resolves with undefined if none follows. */
  readonly next: Promise<Link<C> | undefined>;
  follow: (next: Link<C> | undefined) => void = () => {};

  constructor(client: C) {
    this.client = client;
    this.next = new Promise((resolve) => {
      this.follow = resolve;
    });
  }
}

/**
 * A client whose lost connection is followed by another: `connect(protocol, { reconnect })`.
 *
 *     ready ──lost──▶ wait (random, longer each time) ──▶ connect · handshake · restore ──▶ ready
 *                       ▲──────────────────failed────────────────────┘
 *
 * No message is ever sent twice. A request in flight when the connection is lost rejects with `ERR_REQUEST_LOST`: it was sent,
 * and may have been executed. A request that was queued then, or is made before the next connection is ready, rejects with
 * `ERR_REQUEST_UNSENT`: repeating it is safe. `await client.ready()` waits for the next connection.
 *
 * @example
 * const client = await connect(chat, {
 *   port: 4000,
 *   handshake: (client) => client.request({ type: 'login', name: 'ada' }),
 *   reconnect: { restore: (client) => client.request({ type: 'subscribe', topic: 'news' }) },
 * });
 * for await (const message of client) console.log(message); // of each connection in turn
 */
export class ReconnectingClient<
  ClientMessage,
  ServerMessage,
  const Rules extends RepliesOptions<ServerMessage, ClientMessage> = Record<never, never>,
> implements AsyncIterable<ServerMessage>
{
  /**
   * Resolves when the connection is over after `end` or `destroy`; rejects with the last error when no further connection is
   * made.
   */
  readonly closed: Promise<void>;
  readonly #open: (signal: AbortSignal) => Promise<Client<ClientMessage, ServerMessage, Rules>>;
  readonly #options: Omit<ReconnectOptions<never>, 'restore'>;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  /** Aborted when no further connection is wanted. */
  readonly #signal: AbortSignal;
  #link: Link<Client<ClientMessage, ServerMessage, Rules>>;
  #isLost = false;
  #isOver = false;
  /** The error given to `destroy`. */
  #error: Error | undefined;

  /**
   * @param first - a client that is ready
   * @param open - opens another one and makes it ready
   * @param signal - aborted when no further connection is wanted
   */
  constructor(
    first: Client<ClientMessage, ServerMessage, Rules>,
    open: (signal: AbortSignal) => Promise<Client<ClientMessage, ServerMessage, Rules>>,
    options: Omit<ReconnectOptions<never>, 'restore'>,
    signal?: AbortSignal,
  ) {
    const { minDelay, maxDelay } = options;
    this.#open = open;
    this.#options = options;
    this.#backoff = new Backoff({ minDelay, maxDelay });
    const stopping = this.#stopping.signal;
    this.#signal = signal === undefined ? stopping : AbortSignal.any([stopping, signal]);
    this.#link = new Link(first);
    this.closed = this.#run();
    // An unhandled rejection would end the process of a caller that does not ask how it ended.
    this.closed.catch(() => {});
  }

  /** The connection that is open now, or the last one. */
  get client(): Client<ClientMessage, ServerMessage, Rules> {
    return this.#link.client;
  }

  /** Whether there is a connection to send on. */
  get isReady(): boolean {
    const { stream } = this.client;
    return !this.#isLost && !stream.writableEnded && !stream.destroyed;
  }

  /** Resolves when there is a connection to send on; rejects with a `StateError` (`ERR_STATE_CLOSED`) if there will be none. */
  async ready(): Promise<void> {
    while (!this.isReady) {
      if (this.#signal.aborted || (await this.#link.next) === undefined) throw closedError();
    }
  }

  /**
   * As `Client.send`; throws a `StateError` (`ERR_REQUEST_UNSENT`) while there is no connection, and `ERR_STATE_CLOSED` if there
   * will be none.
   */
  send(message: ClientMessage): boolean {
    const refusal = this.#refusal(message);
    if (refusal !== undefined) throw refusal;
    return this.client.send(message);
  }

  /** As `Client.request`; rejects with `ERR_REQUEST_LOST` and `ERR_REQUEST_UNSENT` too. */
  request(
    message: Extract<Numberless<ClientMessage, RequestPath<Rules>>, { readonly type: Unanswered<Rules> }>,
    options?: RequestOptions,
  ): Promise<undefined>;
  request(
    message: Numberless<ClientMessage, RequestPath<Rules>>,
    options?: RequestOptions,
  ): Promise<AnswerOf<ServerMessage, Rules>>;
  request(message: unknown, options?: RequestOptions): Promise<unknown> {
    const refusal = this.#refusal(message);
    return refusal === undefined ? this.client.request(message as never, options) : Promise.reject(refusal);
  }

  /** As `Client.requestMany`; the loop throws `ERR_REQUEST_LOST` and `ERR_REQUEST_UNSENT` too. */
  requestMany(
    message: Numberless<ClientMessage, RequestPath<Rules>>,
    options?: RequestOptions,
  ): AsyncIterableIterator<AnswerOf<ServerMessage, Rules>, undefined, undefined> {
    const refusal = this.#refusal(message);
    return refusal === undefined ? this.client.requestMany(message, options) : ManyReplies.failed(refusal);
  }

  /** End our side as `Client.end` does, and do not reconnect. */
  end(): void {
    this.#stopping.abort();
    this.client.end();
  }

  /** Cut the connection, and do not reconnect; `closed` rejects with the error, if one is given. */
  destroy(error?: Error): void {
    this.#stopping.abort();
    this.#error = error;
    this.client.destroy(error);
  }

  /**
   * The messages of one connection after the other. The loop ends with the last connection, and throws the error that `closed`
   * rejects with.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ServerMessage, void, undefined> {
    let link: Link<Client<ClientMessage, ServerMessage, Rules>> | undefined = this.#link;
    for (; link !== undefined; link = await link.next) {
      try {
        yield* link.client;
      } catch {
        // The connection was lost; `closed` says why none follows.
      }
    }
    await this.closed;
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const { client, follow } = this.#link;
        const since = performance.now();
        client.lost = lostError;
        const error = await loss(client);
        this.#isLost = true;
        if (performance.now() - since >= GROWN) this.#backoff.reset();
        if (this.#signal.aborted && error !== undefined) throw error;
        const next = await this.#again(error);
        if (next === undefined) return;
        this.#link = new Link(next);
        this.#isLost = false;
        follow(this.#link);
      }
    } finally {
      this.#isOver = true;
      this.#link.follow(undefined);
    }
  }

  /** Reconnect; undefined if that is not wanted any more. */
  async #again(lost: Error | undefined): Promise<Client<ClientMessage, ServerMessage, Rules> | undefined> {
    const { attempts = Infinity, retry = () => true } = this.#options;
    const signal = this.#signal;
    let error = lost;
    for (let tries = 0; !signal.aborted; tries++) {
      if (tries === attempts || !retry(error)) {
        if (error !== undefined) throw error;
        return undefined;
      }
      try {
        await setTimeout(this.#backoff.next(), undefined, { signal });
        const next = await this.#open(signal);
        if (!signal.aborted) return next;
        next.destroy();
      } catch (failed) {
        error = failed as Error;
      }
    }
    if (this.#error !== undefined) throw this.#error;
    if (!this.#stopping.signal.aborted) throw error;
    return undefined;
  }

  /** Why nothing can be sent now. */
  #refusal(message: unknown): StateError | undefined {
    if (this.isReady) return undefined;
    const { type } = message as Tagged;
    return this.#isOver || this.#signal.aborted ? closedError(type) : lostError(type, false);
  }
}

/** Resolves when a connection is lost, with the error that ended it. */
async function loss({
  closed,
  stream,
}: Pick<Client<never, never>, 'closed' | 'stream'>): Promise<Error | undefined> {
  const over = closed.then(
    () => undefined,
    (error: Error) => error,
  );
  // Unread messages keep `closed` waiting.
  const cut = (async () => {
    if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
    await setImmediate();
    return stream.errored ?? undefined;
  })();
  return Promise.race([over, cut]);
}

function lostError(messageType: string, isSent: boolean, cause?: Error): StateError {
  const details = { messageType, cause };
  if (!isSent) {
    const text = `${quoted(messageType)} was not sent: the connection is lost`;
    return new StateError('ERR_REQUEST_UNSENT', text, { ...details, origin: 'local' });
  }
  const text = `${quoted(messageType)} was sent and may have been executed: the connection was lost before the reply came`;
  return new StateError('ERR_REQUEST_LOST', text, details);
}

function closedError(messageType?: string): StateError {
  const what = messageType === undefined ? 'nothing more is sent' : `${quoted(messageType)} cannot be sent`;
  return new StateError('ERR_STATE_CLOSED', `${what}: the client has ended`, {
    origin: 'local',
    messageType,
  });
}
