import { StateError, TimeoutError } from '../errors.ts';
import type { Tagged } from '../protocol/session/declaration.ts';
import { Requests, type RequestsOptions } from '../protocol/session/requests.ts';
import { Stage } from '../streams/stage.ts';

/** How the replies of a protocol find their requests, and what happens when they do not. */
export interface RepliesOptions<Reply> extends RequestsOptions<Reply> {
  /** Milliseconds that a reply may take, counted from the call of `request`. Default 30,000. */
  timeout?: number | undefined;
  /**
   * Where replies come in the order of their requests, what a reply that did not come in time means. `'close'`, the
   * default: the connection fails. Or: nothing is sent until all is answered, or nothing has come for that many
   * milliseconds; whatever was still waiting then fails too. (With an `id`, a late reply is told by its number.)
   */
  afterTimeout?: 'close' | { readonly silence: number } | undefined;
  /** The most messages that are no replies, and that nobody has read, before replies wait behind them. Default 1,024. */
  maxUnread?: number | undefined;
}

export interface RequestOptions {
  /** Milliseconds that the reply may take, from now; in place of the connection's `timeout`. */
  timeout?: number | undefined;
  /** Gives the request up: rejects with the signal's reason. A reply that comes after all is dropped. */
  signal?: AbortSignal | undefined;
}

/** Who waits for a reply. */
interface Waiting<Reply> {
  readonly type: string;
  resolve(reply: Reply): void;
  reject(reason: unknown): void;
  /** Give up the timer and the signal. */
  release(): void;
}

/** The messages that come in (object mode on both sides): replies go to whoever asked, what is left goes on. */
export class Replies<Request extends object, Reply extends object> extends Stage<Reply> {
  readonly #requests: Requests<Request, Reply, Waiting<Reply>>;
  readonly #send: (request: Request) => void;
  readonly #timeout: number;
  readonly #afterTimeout: 'close' | { readonly silence: number };
  readonly #inOrder: boolean;
  /** Throws what is wrong with a message that came. */
  readonly #check: ((message: Reply) => void) | undefined;
  #messages: readonly Reply[] = NONE;
  #index = 0;
  /** Runs while we wait for silence. */
  #silence: NodeJS.Timeout | undefined;
  /** Why nobody is answered any more. */
  #over: Error | undefined;

  constructor(
    options: RepliesOptions<Reply>,
    send: (request: Request) => void,
    check?: (message: Reply) => void,
  ) {
    super('messages', 'messages', { readableHighWaterMark: options.maxUnread ?? 1_024 });
    this.#requests = new Requests(options);
    this.#send = send;
    this.#check = check;
    this.#timeout = options.timeout ?? 30_000;
    this.#afterTimeout = options.afterTimeout ?? 'close';
    this.#inOrder = options.id === undefined;
  }

  /** A message was sent that is no request. */
  sent(): void {
    this.#requests.sent();
  }

  request(request: Request, { timeout = this.#timeout, signal }: RequestOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { type } = request as Tagged;
      if (signal?.aborted) throw signal.reason;
      if (this.#over !== undefined) {
        const text = `'${type}' cannot be sent: the connection is over`;
        throw new StateError('ERR_STATE_CLOSED', text, {
          origin: 'local',
          messageType: type,
          cause: this.#over,
        });
      }
      const abort = (): void => {
        this.#requests.abandon(waiting);
        waiting.release();
        reject(signal!.reason);
        this.#pump();
      };
      const timer =
        timeout === Infinity ? undefined : setTimeout(() => this.#late(waiting, timeout), timeout).unref();
      signal?.addEventListener('abort', abort, { once: true });
      const release = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const waiting: Waiting<Reply> = { type, resolve, reject, release };
      this.#requests.add(waiting, request);
      this.#pump();
    });
  }

  protected override accept(message: unknown): void {
    this.acceptBatch([message as Reply]);
  }

  protected override acceptBatch(messages: readonly Reply[]): void {
    this.#messages = messages;
    this.#index = 0;
    this.#silence?.refresh();
  }

  protected override produce(): Reply | undefined {
    while (this.#index < this.#messages.length) {
      const message = this.#messages[this.#index++]!;
      try {
        this.#check?.(message);
      } catch (error) {
        this.#index = this.#messages.length;
        this.fail(error as Error);
        this.#end(error as Error);
        return undefined;
      }
      const belongs = this.#requests.receive(message);
      if (belongs === 'message') return message;
      if (belongs !== 'late') {
        belongs.ticket.release();
        belongs.ticket.resolve(message);
      }
      this.#pump();
    }
    // An idle connection holds nothing of what has come.
    this.#messages = NONE;
    this.#index = 0;
    return undefined;
  }

  protected override produceBatch(): Reply[] | undefined {
    const message = this.produce();
    return message === undefined ? undefined : [message];
  }

  protected override ended(): void {
    this.#end(new StateError('ERR_STATE_CLOSED', 'the connection ended before the reply came'));
    // Who only asks does not read: nothing is left, so the end need not wait to be read.
    process.nextTick(() => {
      if (this.readableFlowing === null && this.readableLength === 0) this.resume();
    });
  }

  protected override faulted(fault: Error): void {
    this.#end(fault);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#end(error ?? new StateError('ERR_STATE_CLOSED', 'the connection was cut before the reply came'));
    super._destroy(error, callback);
  }

  /** Send what may be sent by now. */
  #pump(): void {
    if (!this.#requests.holding) {
      clearTimeout(this.#silence);
      this.#silence = undefined;
    }
    for (let next = this.#requests.next(); next !== undefined; next = this.#requests.next()) {
      try {
        this.#send(next.request);
      } catch (error) {
        this.#requests.revoke(next.ticket);
        next.ticket.release();
        next.ticket.reject(error);
      }
    }
  }

  /** The reply has not come in time. */
  #late(waiting: Waiting<Reply>, limit: number): void {
    const inFlight = this.#requests.abandon(waiting);
    const error = timedOut(waiting.type, limit);
    waiting.release();
    waiting.reject(error);
    if (!inFlight || !this.#inOrder) {
      this.#pump();
    } else if (this.#afterTimeout === 'close') {
      this.destroy(error);
    } else {
      const { silence } = this.#afterTimeout;
      this.#requests.hold();
      this.#silence ??= setTimeout(() => {
        this.#silence = undefined;
        for (const lost of this.#requests.silence()) {
          lost.release();
          lost.reject(timedOut(lost.type, silence));
        }
        this.#pump();
      }, silence).unref();
    }
  }

  /** Nothing comes any more: everybody who waits is told. */
  #end(reason: Error): void {
    this.#over ??= reason;
    clearTimeout(this.#silence);
    for (const waiting of this.#requests.end()) {
      waiting.release();
      waiting.reject(reason);
    }
  }
}

const NONE: readonly never[] = [];

function timedOut(messageType: string, limit: number): TimeoutError {
  return new TimeoutError('ERR_TIMEOUT_REQUEST', `no reply to '${messageType}' within ${limit} ms`, {
    messageType,
    limit,
  });
}
