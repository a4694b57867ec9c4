// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { setImmediate } from 'node:timers';
import { showThrown } from '../bytes/show.ts';
import { weighAll } from '../bytes/weigh.ts';
import { HandlerError, ProtocolError, StateError, TimeoutError } from '../errors.ts';
import { anything, checkOptions, delayOrNever, limit } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import type { ReplyRules } from '../protocol/reply-rules.ts';
import { quoted } from '../protocol/session/breach.ts';
import type { Tagged } from '../protocol/session/declaration.ts';
import { type Belonging, type Known, Requests, requestsChecks } from '../protocol/session/requests.ts';
import { Stage } from '../streams/stage.ts';
import type { Steering } from '../streams/steering.ts';
import { Timer } from '../streams/timer.ts';
import { ManyReplies } from './many-replies.ts';

/** How the replies of a protocol find their requests, and what happens when they do not. */
// biome-ignore lint/suspicious/noExplicitAny: as ReplyRules
export interface RepliesOptions<Reply, Request = any> extends ReplyRules<Reply, Request> {
  /** Milliseconds for a reply, counted from the call of `request`; Infinity for no limit. Default 30,000. */
  timeout?: number | undefined;
  /**
   * For replies that come in order: the consequence of a reply that did not arrive in time. `'close'`, the default: the
   * connection fails, since nothing tells whether the next message is the late reply or another one. Or: nothing is sent until
   * everything is answered, or nothing has been received for that many milliseconds; requests that still wait then fail too.
   * (With an `id`, a late reply is recognized by its number.)
   */
  afterTimeout?: 'close' | { readonly silence: number } | undefined;
  /**
   * Milliseconds after which the number of a given-up request is reused although no reply arrived: an even later reply would be
   * taken for another's. Default ten times `timeout`. If all numbers wait like this, requests are refused at once
   * (`ERR_REQUEST_NUMBERS`).
   */
  quarantine?: number | undefined;
  /**
   * The most unread messages before the socket is held back: messages that are not replies, and each
   * iterable of `requestMany`. Default 1,024.
   */
  maxUnread?: number | undefined;
  /** Like `maxUnread`, in bytes that the messages hold, approximately. Default 16 MiB. */
  maxUnreadBytes?: number | undefined;
}

export interface RequestOptions {
  /**
   * Milliseconds for the reply, from now, in place of the connection's `timeout`; Infinity for no limit. Each of several replies
   * may take as long again.
   */
  timeout?: number | undefined;
  /** Gives the request up: it rejects with the signal's reason. A later reply is dropped. */
  signal?: AbortSignal | undefined;
}

/** Milliseconds for a reply. */
export const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_MAX_UNREAD = 1_024;
const DEFAULT_MAX_UNREAD_BYTES = 16 * 1024 * 1024;
/** The quarantine if a request has no timeout to multiply. */
const DEFAULT_QUARANTINE = 300_000;

/** The destination of the replies to one request. */
interface Sink<Reply> {
  /** A reply has come; with `more`, it is not the last. */
  take(reply: Reply, more: boolean): void;
  /** The request was sent, and nothing answers it. */
  done(): void;
  reject(reason: unknown): void;
  /** Replies wait to be read, so the peer is not late. */
  isHeld?(): boolean;
}

/** A request whose replies are waited for. */
class Waiting<Reply> {
  readonly type: string;
  readonly sink: Sink<Reply>;
  readonly timeout: number;
  readonly #late: (waiting: Waiting<Reply>) => void;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #abort: (() => void) | undefined;
  #isOver = false;

  constructor(type: string, sink: Sink<Reply>, timeout: number, late: (waiting: Waiting<Reply>) => void) {
    this.type = type;
    this.sink = sink;
    this.timeout = timeout;
    this.#late = late;
    if (timeout !== Infinity) this.#timer = setTimeout(Waiting.#timeUp<Reply>, timeout, this).unref();
  }

  /** Called when the signal is aborted. */
  watch(signal: AbortSignal, abort: () => void): void {
    this.#signal = signal;
    this.#abort = abort;
    signal.addEventListener('abort', abort, { once: true });
  }

  take(reply: Reply, more: boolean): void {
    if (more) this.#timer?.refresh();
    else this.release();
    this.sink.take(reply, more);
  }

  /** Clear the timer, and stop listening to the signal. */
  release(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (this.#abort !== undefined) this.#signal?.removeEventListener('abort', this.#abort);
  }

  // A static function, not a closure per request.
  static #timeUp<Reply>(this: void, waiting: Waiting<Reply>): void {
    // Timers run before new input is read: the reply may be there already.
    setImmediate(Waiting.#judge<Reply>, waiting);
  }

  static #judge<Reply>(this: void, waiting: Waiting<Reply>): void {
    if (waiting.#isOver) return;
    if (waiting.sink.isHeld?.()) waiting.#timer?.refresh();
    else waiting.#late(waiting);
  }
}

/** A frame, if the codec of a reply is chosen by its request: the message of the protocol's codec, and the bytes. */
export class RawReply {
  readonly message: object;
  readonly bytes: Buffer;

  constructor(message: object, bytes: Buffer) {
    this.message = message;
    this.bytes = bytes;
  }
}

/** A frame that is not a message. It may have been a reply. */
export class InvalidReply {
  readonly error: Error;
  readonly frame: Buffer;

  constructor(error: unknown, frame: Buffer) {
    this.error = error as Error;
    this.frame = frame;
  }
}

/** The received messages (object mode on both sides): replies go to the requests, everything else continues. */
export class Replies<Request extends object, Reply extends object> extends Stage<Reply> {
  readonly #requests: Requests<Request, Reply, Waiting<Reply>>;
  readonly #send: (request: Request) => void;
  readonly #timeout: number;
  readonly #afterTimeout: 'close' | { readonly silence: number };
  readonly #quarantine: number;
  readonly #maxUnread: number;
  readonly #maxUnreadBytes: number;
  // biome-ignore lint/suspicious/noExplicitAny: any codec
  readonly #decode: ((request: Request, reply: Reply) => Codec<any, any> | undefined) | undefined;
  /** Throws the error of a received message. */
  readonly #check: ((message: Reply) => void) | undefined;
  #messages: readonly (Reply | RawReply | InvalidReply)[] = NONE;
  /** Called for each frame that is not a message. */
  onInvalid: ((error: Error, frame: Buffer) => void) | undefined;
  #index = 0;
  /** Runs while we wait for silence. */
  #silence: Timer | undefined;
  /** Requests that were given up, the oldest first, and when their numbers are free again. */
  readonly #lost: { readonly waiting: Waiting<Reply>; readonly until: number }[] = [];
  #lostTimer: Timer | undefined;
  /** Given-up requests that have a place in the order: the connection waits for their replies. */
  readonly #owed = new Set<Waiting<Reply>>();
  /** Runs while replies are owed: their longest time, from the last that came. */
  #owedTimer: Timer | undefined;
  #owedTime = 0;
  /** The bytes of the messages that continued, by their number: the last ones, as many as can be unread. */
  #weights: Float64Array | undefined;
  #passed = 0;
  /** The number of iterables that hold more than allowed. */
  #full = 0;
  /** Why no request is answered any more. */
  #over: Error | undefined;
  /**
   * Makes the error for a request that ends with the connection from the error that ended it: a sent request may have been
   * executed. Without it, the error is the one that ended the connection.
   */
  lost: ((type: string, isSent: boolean, reason: Error) => Error) | undefined;

  constructor(
    options: RepliesOptions<Reply, Request>,
    known: Known,
    send: (request: Request) => void,
    check?: (message: Reply) => void,
  ) {
    checkOptions('replies', options, {
      ...requestsChecks,
      decode: anything,
      timeout: delayOrNever,
      afterTimeout: anything,
      quarantine: delayOrNever,
      maxUnread: limit(1),
      maxUnreadBytes: limit(1),
    });
    const {
      decode,
      timeout,
      afterTimeout = 'close',
      quarantine,
      maxUnread,
      maxUnreadBytes,
      ...rules
    } = options;
    if (afterTimeout !== 'close') {
      checkOptions('replies: afterTimeout', afterTimeout, { silence: delayOrNever });
      if (afterTimeout.silence === undefined)
        throw new TypeError("replies: afterTimeout must be 'close' or { silence }");
    }
    const most = maxUnread ?? DEFAULT_MAX_UNREAD;
    super('messages', 'messages', { readableHighWaterMark: Math.min(most, MAX_HIGH_WATER) });
    this.#requests = new Requests(rules, known);
    this.#send = send;
    this.#check = check;
    this.#decode = decode;
    this.#timeout = timeout ?? DEFAULT_TIMEOUT;
    this.#afterTimeout = afterTimeout;
    this.#quarantine =
      quarantine ??
      (this.#timeout === Infinity ? DEFAULT_QUARANTINE : Math.min(10 * this.#timeout, MAX_HIGH_WATER));
    this.#maxUnread = most;
    this.#maxUnreadBytes = maxUnreadBytes ?? DEFAULT_MAX_UNREAD_BYTES;
  }

  /** A message was sent that is not a request. */
  sent(message: Request): void {
    this.#requests.sent(message);
  }

  request(request: Request, options?: RequestOptions): Promise<Reply | undefined> {
    return new Promise((resolve, reject) => {
      const count = this.#requests.count(request);
      const { type } = request as unknown as Tagged;
      if (count === 'many') {
        throw new TypeError(`'${type}' is answered by many messages: use requestMany, or expect 'one'`);
      }
      if (count === 'any') {
        throw new TypeError(
          `'${type}' is answered by any number of messages, and nothing tells which is the last: ` +
            `say so in the outcomes or in replies.expects, such as { until: 'done' }, or 'one'`,
        );
      }
      this.#add(request, options, { take: resolve, done: resolve as () => void, reject });
    });
  }

  requestMany(request: Request, options?: RequestOptions): ManyReplies<Reply> {
    const limits = { messages: this.#maxUnread, bytes: this.#maxUnreadBytes };
    const many = new ManyReplies<Reply>(limits, {
      full: (isFull) => {
        this.#full += isFull ? 1 : -1;
        if (this.#full === 0) this.proceed();
      },
      stopped: () => stop(),
    });
    let stop = (): void => {};
    try {
      const { type } = request as unknown as Tagged;
      if (this.#requests.count(request) === 'any') {
        throw new TypeError(
          `nothing tells which message is the last that answers '${type}': say so in the outcomes or in replies.expects`,
        );
      }
      const waiting = this.#add(request, options, {
        take: (reply, more) => {
          many.push(reply);
          if (!more) many.end();
        },
        done: () => many.end(),
        reject: (reason) => many.fail(reason),
        isHeld: () => many.unread > 0,
      });
      stop = () => this.#stop(waiting);
    } catch (error) {
      many.fail(error);
    }
    return many;
  }

  /** Queue a request, and send it as soon as possible. */
  #add(request: Request, options: RequestOptions | undefined, sink: Sink<Reply>): Waiting<Reply> {
    if (options !== undefined) checkOptions('request', options, REQUEST_CHECKS);
    const signal = options?.signal;
    const { type } = request as unknown as Tagged;
    if (signal?.aborted) throw signal.reason;
    const over = this.#over;
    if (over !== undefined) {
      const text = `${quoted(type)} cannot be sent: the connection is over`;
      const details = { origin: 'local', messageType: type, cause: over } as const;
      throw this.lost?.(type, false, over) ?? new StateError('ERR_STATE_CLOSED', text, details);
    }
    const waiting = new Waiting(type, sink, options?.timeout ?? this.#timeout, this.#tooLate);
    if (signal != null) {
      waiting.watch(signal, () => {
        this.#stop(waiting);
        sink.reject(signal.reason);
      });
    }
    this.#requests.add(waiting, request);
    this.#pump();
    return waiting;
  }

  /** Give a request up silently. */
  #stop(waiting: Waiting<Reply>): void {
    const isNumbered = this.#requests.isNumbered(waiting);
    if (this.#giveUp(waiting) && !isNumbered) {
      this.#owed.add(waiting);
      this.#watchOwed();
    }
    waiting.release();
    this.#pump();
  }

  /** The reply to a given-up request must come in its time, too: those behind it wait for it. */
  #watchOwed(): void {
    let longest = 0;
    for (const one of this.#owed) {
      if (this.#requests.owes(one)) longest = Math.max(longest, one.timeout);
      else this.#owed.delete(one);
    }
    if (longest === this.#owedTime) return;
    this.#owedTimer?.stop();
    this.#owedTime = longest;
    const isTimed = longest > 0 && longest !== Infinity;
    this.#owedTimer = isTimed ? new Timer(longest, this.#overdue).unref() : undefined;
  }

  readonly #overdue = (): void => {
    const timer = this.#owedTimer;
    // Some replies may have been lost meanwhile.
    this.#watchOwed();
    if (this.#owedTimer !== timer) return;
    const [first] = this.#owed;
    // What we do not read is not late.
    if (this.#full > 0 || this.#isOverweight) this.#owedTimer?.refresh();
    else this.#miss(timedOut(first!.type, this.#owedTime));
  };

  /** @internal */
  override steer(steering: Steering): void {
    this.steerSource(steering);
  }

  protected override accept(message: unknown): void {
    this.acceptBatch([message as Reply]);
  }

  protected override acceptBatch(messages: readonly (Reply | RawReply | InvalidReply)[]): void {
    this.#messages = messages;
    this.#index = 0;
    this.#silence?.refresh();
  }

  protected override produce(): Reply | undefined {
    while (this.#index < this.#messages.length) {
      if (this.#full > 0 || this.#isOverweight) {
        this.suspend();
        return undefined;
      }
      const message = this.#take(this.#messages[this.#index++]!);
      if (message !== undefined) {
        this.#weigh(message);
        return message;
      }
    }
    // An idle connection must not hold on to received bytes.
    this.#messages = NONE;
    this.#index = 0;
    return undefined;
  }

  protected override produceBatch(): Reply[] | undefined {
    const message = this.produce();
    return message === undefined ? undefined : [message];
  }

  /** Give a message to the request that it answers; returns it if it answers none. */
  #take(came: Reply | RawReply | InvalidReply): Reply | undefined {
    if (came instanceof InvalidReply) return this.#takeInvalid(came);
    let message: Reply;
    try {
      message = came instanceof RawReply ? this.#decodeReply(came) : came;
      this.#check?.(message);
    } catch (error) {
      return this.#break(error as Error);
    }
    let belongs: Belonging<Waiting<Reply>>;
    try {
      belongs = this.#requests.receive(came instanceof RawReply ? (came.message as Reply) : came);
    } catch (cause) {
      return this.#break(failed('telling what answers a request', cause));
    }
    if (belongs === 'message') return message;
    if (belongs !== 'late') belongs.ticket.take(message, belongs.more === true);
    if (belongs === 'late') {
      this.#owedTimer?.refresh();
      this.#watchOwed();
    }
    if (belongs === 'late' || !belongs.more) this.#pump();
    return undefined;
  }

  /** The frame may have been a reply. */
  #takeInvalid({ error, frame }: InvalidReply): undefined {
    this.#fail(this.#requests.lose(), error);
    try {
      this.onInvalid?.(error, frame);
    } catch (thrown) {
      this.#break(failed("a listener of 'invalid'", thrown));
    }
  }

  /**
   * The framing has skipped a frame, which may have been a reply. With several requests in flight it is unknown which one it
   * would have answered: the connection fails.
   */
  frameLost(error: Error): void {
    const { oldest, unnumbered } = this.#requests;
    if (oldest === undefined || this.#requests.isNumbered(oldest)) return;
    if (unnumbered > 1) {
      this.destroy(error);
      return;
    }
    // Messages before it in the same chunk are taken first.
    process.nextTick(() => {
      if (this.#requests.oldest === oldest) this.#fail(this.#requests.lose(), error);
    });
  }

  #fail(waiting: Waiting<Reply> | undefined, error: Error): void {
    if (waiting === undefined) return;
    waiting.release();
    waiting.sink.reject(error);
    this.#pump();
  }

  #decodeReply({ message, bytes }: RawReply): Reply {
    let codec: Codec<Reply, never> | undefined;
    try {
      const request = this.#requests.peek(message as Reply);
      codec = request && this.#decode!(request, message as Reply);
    } catch (cause) {
      throw failed('choosing the codec of a reply', cause);
    }
    return codec === undefined ? (message as Reply) : codec.decode(bytes);
  }

  /** Break off: nothing that follows can be understood. */
  #break(error: Error): undefined {
    this.#index = this.#messages.length;
    this.fail(error);
    this.#end(error);
  }

  /** More bytes are unread than allowed. */
  get #isOverweight(): boolean {
    const weights = this.#weights;
    if (weights === undefined || this.readableLength === 0) return false;
    const size = weights.length;
    const read = this.#passed - Math.min(this.readableLength, size - 1);
    return weights[this.#passed % size]! - weights[read % size]! >= this.#maxUnreadBytes;
  }

  #weigh(message: Reply): void {
    this.#weights ??= new Float64Array(Math.min(this.#maxUnread, MAX_WEIGHED) + 1);
    const size = this.#weights.length;
    const before = this.#weights[this.#passed % size]!;
    this.#passed++;
    this.#weights[this.#passed % size] = before + weighAll(message);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as node:stream types it
  override read(size?: number): any {
    const wasOverweight = this.#isOverweight;
    const item = super.read(size);
    if (wasOverweight && !this.#isOverweight) process.nextTick(() => this.proceed());
    return item;
  }

  protected override ended(): void {
    this.#end(new StateError('ERR_STATE_CLOSED', 'the connection ended before the reply came'));
    // A caller that only asks does not read: nothing is left, so the end need not wait to be read.
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

  /** Send the requests that may be sent now. */
  #pump(): void {
    const requests = this.#requests;
    if (!requests.holding) {
      this.#silence?.stop();
      this.#silence = undefined;
    }
    for (let next = requests.next(); next !== undefined; next = requests.next()) {
      const { ticket } = next;
      try {
        if (next.refused !== undefined) throw next.refused;
        this.#send(next.request);
        if (next.unanswered) {
          ticket.release();
          ticket.sink.done();
        }
      } catch (error) {
        requests.revoke(ticket);
        ticket.release();
        const isClosed = (error as { code?: unknown } | undefined)?.code === 'ERR_STATE_CLOSED';
        ticket.sink.reject(isClosed ? this.#lostError(ticket, false, error as Error) : error);
      }
    }
    if (requests.queued > 0 && requests.exhausted) this.#refuse();
  }

  /** No number is free, nor will one be before the oldest quarantine is over. */
  #refuse(): void {
    const count = this.#requests.quarantined;
    for (const ticket of this.#requests.refuseQueued()) {
      ticket.release();
      ticket.sink.reject(
        new StateError(
          'ERR_REQUEST_NUMBERS',
          `'${ticket.type}' cannot be sent: all numbers are of ${count} requests that were never answered`,
          { origin: 'local', messageType: ticket.type, actual: count },
        ),
      );
    }
  }

  /** Give a request up; its number is reused when its quarantine is over. */
  #giveUp(waiting: Waiting<Reply>, isLost = false): boolean {
    const isNumbered = this.#requests.isNumbered(waiting);
    if (!this.#requests.abandon(waiting, isLost)) return false;
    if (isNumbered && this.#quarantine !== Infinity) {
      this.#lost.push({ waiting, until: performance.now() + this.#quarantine });
      this.#watchLost();
    }
    return true;
  }

  #watchLost(): void {
    if (this.#lostTimer !== undefined || this.#lost.length === 0) return;
    const wait = Math.max(1, this.#lost[0]!.until - performance.now());
    // After a long turn of the event loop, the late reply may have come and not been read yet.
    this.#lostTimer = new Timer(wait, () => {
      this.#lostTimer = undefined;
      const now = performance.now();
      let count = 0;
      for (const { waiting, until } of this.#lost) {
        if (until > now) break;
        this.#requests.release(waiting);
        count++;
      }
      this.#lost.splice(0, count);
      this.#watchLost();
      this.#pump();
    }).unref();
  }

  /** The reply has not come in time. */
  readonly #tooLate = (waiting: Waiting<Reply>): void => {
    const limit = waiting.timeout;
    const isNumbered = this.#requests.isNumbered(waiting);
    const inFlight = this.#giveUp(waiting, true);
    const error = timedOut(waiting.type, limit);
    waiting.release();
    waiting.sink.reject(error);
    if (!inFlight || isNumbered) this.#pump();
    else this.#miss(error);
  };

  /** A reply in the order has not come in time. */
  #miss(error: TimeoutError): void {
    if (this.#afterTimeout === 'close') {
      this.destroy(error);
      return;
    }
    const { silence } = this.#afterTimeout;
    this.#requests.hold();
    if (silence === Infinity) return;
    this.#silence ??= new Timer(silence, () => {
      this.#silence = undefined;
      for (const lost of this.#requests.silence()) {
        lost.release();
        lost.sink.reject(timedOut(lost.type, silence));
      }
      this.#watchOwed();
      this.#pump();
    }).unref();
  }

  /** Nothing more is received: every waiting request is rejected. */
  #end(reason: Error): void {
    this.#over ??= reason;
    this.#silence?.stop();
    this.#lostTimer?.stop();
    this.#owedTimer?.stop();
    const { inFlight } = this.#requests;
    for (const [index, waiting] of this.#requests.end().entries()) {
      waiting.release();
      waiting.sink.reject(this.#lostError(waiting, index < inFlight, reason));
    }
  }

  #lostError({ type }: Waiting<Reply>, isSent: boolean, reason: Error): Error {
    return this.lost?.(type, isSent, reason) ?? reason;
  }
}

const NONE: readonly never[] = [];
/** Unread messages whose weight is known one by one: beyond, `maxUnread` limits nothing. */
const MAX_WEIGHED = 65_536;
/** The greatest number that Node takes as a high-water mark, and as a delay. */
const MAX_HIGH_WATER = 2_147_483_647;

const REQUEST_CHECKS = {
  timeout: delayOrNever,
  signal(name: string, value: unknown): void {
    if (typeof (value as AbortSignal).addEventListener === 'function') return;
    throw new TypeError(`${name} must be an AbortSignal`);
  },
};

function failed(what: string, cause: unknown): Error {
  if (cause instanceof ProtocolError) return cause;
  return new HandlerError('ERR_HANDLER', `${what} failed: ${showThrown(cause)}`, { cause });
}

function timedOut(messageType: string, limit: number): TimeoutError {
  return new TimeoutError('ERR_TIMEOUT_REQUEST', `no reply to ${quoted(messageType)} within ${limit} ms`, {
    messageType,
    limit,
  });
}
