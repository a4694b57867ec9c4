import { show } from '../../bytes/show.ts';
import { StateError } from '../../errors.ts';
import { anything, type Check, callback, checkOptions, limit } from '../../options.ts';
import type { Tagged } from './declaration.ts';
import {
  ASSUMED,
  type Expectation,
  type ExpectationOf,
  type ExpectsTable,
  expectations,
  type TypeOf,
} from './expects.ts';
import { type Id, type IdPath, type IdPlace, idPlace } from './id-path.ts';
import { type NumberRange, Numbers } from './numbers.ts';
import { listed } from './outcome.ts';
import type { SessionTable } from './table.ts';

/** How the replies of a protocol find their requests, and how many may be in flight. */
// biome-ignore lint/suspicious/noExplicitAny: a caller that only tells of replies need not know the requests
export interface RequestsOptions<Reply, Request = any> {
  /**
   * The path of the number or text that a reply repeats: `'transaction'`, `'header.id'`; or two paths, if the reply names its
   * request in another field. Requests are numbered for the caller; a text that the caller gives is kept. Without a path, replies
   * come in the order of the requests.
   */
  readonly id?:
    | (IdPath<Request> & IdPath<Reply>)
    | { readonly request: IdPath<Request>; readonly reply: IdPath<Reply> }
    | undefined;
  /** The smallest and the largest number. Default: all numbers of the declared field, from 0; without a declaration 0 to 65,535. */
  readonly ids?: NumberRange | undefined;
  /** The answer to each type of request. Default: the session's `outcomes`; without these, one message. */
  readonly expects?: ExpectsTable<Request, Reply> | undefined;
  /** Whether this message answers that request, if more than a number decides. */
  readonly match?: ((request: Request, reply: Reply) => boolean) | undefined;
  /**
   * Returns false for a message that looks like a reply and is not one: a message that the peer sends unasked, or a request of
   * the peer with a number that is in use on our side. Or a list of the types of all replies.
   */
  readonly isReply?: ((message: Reply) => boolean) | readonly TypeOf<Reply>[] | undefined;
  /** The most requests in flight; more are queued. In order, a given-up request is in flight until its reply has come. Default 64. */
  readonly maxInFlight?: number | undefined;
}

/** The facts of a protocol besides the options. */
export interface Known {
  /** The server's table, for its outcomes. */
  readonly session?: SessionTable | undefined;
  /** The range of the declared field, and the type of its values. */
  readonly ids?: NumberRange | undefined;
  readonly kind?: 'number' | 'bigint' | 'text' | undefined;
  /** Whether messages of this type have the field; undefined if unknown. */
  readonly hasId?: ((type: string) => boolean) | undefined;
  /** True if others send and receive on the same connection: a reply without a number is recognized by its type, or by `match`. */
  readonly isShared?: boolean | undefined;
}

/**
 * What a message is: the reply to a request, with `more` if further ones follow; `'late'`, the reply to a given-up request, which
 * is dropped; or `'message'`, which answers no request.
 */
export type Belonging<Ticket> = { readonly ticket: Ticket; readonly more?: true } | 'late' | 'message';

/** The next message to send. */
export interface Next<Request, Ticket> {
  readonly ticket: Ticket;
  readonly request: Request;
  /** Set if nothing answers it: it is over as soon as it is sent. */
  readonly unanswered?: true;
  /** Why the request cannot be sent; its ticket is dropped. */
  readonly refused?: Error;
}

/** The checks of `RequestsOptions`. */
export const requestsChecks: Readonly<Record<string, Check>> = {
  id: anything,
  ids: anything,
  expects: anything,
  match: callback,
  isReply: typesOrCallback,
  maxInFlight: limit(1),
};

/**
 * Which reply answers which request: pure bookkeeping, without timers and promises. A `Ticket` is any value that stands for a
 * request.
 *
 *     add ──▶ queue ──next──▶ in flight ──receive──▶ ticket   (with `more`: it stays in flight)
 *                                 └──abandon──▶ quarantined ──receive──▶ 'late'
 *                                                    └──release──▶ its number is free
 *
 * A given-up request keeps its number, or its place in the order, until its last reply arrives: a late reply never answers
 * another request. A place in the order counts as in flight, so there are at most `maxInFlight`. In order, a lost reply would shift all later ones, so after a timeout `hold` stops sending until everything is
 * answered, or `silence` is called. By number, `release` frees a lost one.
 *
 * @example
 * const requests = new Requests<Message, Message, string>({ id: 'transaction' });
 * requests.add('a', { type: 'read' });
 * requests.next(); // { ticket: 'a', request: { type: 'read', transaction: 0 } }: to be sent
 * requests.receive({ type: 'value', transaction: 0 }); // { ticket: 'a' }
 */
export class Requests<Request extends object, Reply extends object, Ticket> {
  readonly #requestId: IdPlace | undefined;
  readonly #replyId: IdPlace | undefined;
  readonly #numbers: Numbers | undefined;
  readonly #maxInFlight: number;
  readonly #isReply: ((message: Reply) => boolean) | undefined;
  readonly #match: ((request: Request, reply: Reply) => boolean) | undefined;
  readonly #expectationOf: ExpectationOf;
  /** The types of requests that have answers: a message of such a type from the peer is its own request. */
  readonly #asks: ReadonlySet<string>;
  readonly #hasId: ((type: string) => boolean) | undefined;
  readonly #isShared: boolean;
  readonly #queue = new Map<Ticket, Request>();
  /** The requests in flight. */
  readonly #slots = new Map<Ticket, Slot<Request, Ticket>>();
  /** Requests in flight or quarantined, with a number. */
  readonly #numbered = new Map<Id, Slot<Request, Ticket>>();
  /** Requests in flight or quarantined, and other sent messages, without a number: the oldest first. */
  readonly #ordered = new Set<Slot<Request, Ticket>>();
  /** The last of `#ordered`. */
  #newest: Slot<Request, Ticket> | undefined;
  /** How many of `#ordered` are not requests. */
  #messages = 0;
  /** How many of `#numbered` are lost. */
  #lost = 0;
  /** Given-up requests whose last reply has not arrived. */
  readonly #abandoned = new Map<Ticket, Slot<Request, Ticket>>();
  /** How many of `#abandoned` have a place in the order. */
  #owed = 0;
  #holding = false;

  /** @throws TypeError or RangeError for options that cannot work */
  constructor(options: RequestsOptions<Reply, Request> = {}, known: Known = {}) {
    checkOptions('replies', options, requestsChecks);
    const { id, ids, expects, match, isReply, maxInFlight = 64 } = options;
    if (id !== undefined) {
      const { request, reply } = typeof id === 'object' && id !== null ? id : { request: id, reply: id };
      this.#requestId = idPlace(request, 'replies: id');
      this.#replyId = idPlace(reply, 'replies: id');
      this.#numbers = new Numbers(ids ?? known.ids, known.kind);
      this.#hasId = known.hasId;
    }
    const { of, asks } = expectations(
      expects as Readonly<Record<string, unknown>> | undefined,
      known.session,
    );
    this.#expectationOf = of;
    this.#asks = asks;
    this.#match = match;
    this.#maxInFlight = maxInFlight;
    this.#isShared = known.isShared === true;
    if (typeof isReply === 'function') this.#isReply = isReply;
    else if (isReply !== undefined) {
      const types = listed(isReply);
      this.#isReply = (message) => types.has((message as unknown as Tagged).type);
    }
  }

  /** Requests that were sent, and wait for their replies. */
  get inFlight(): number {
    return this.#slots.size;
  }

  /** Requests that were not sent yet. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Given-up requests whose replies have not arrived. */
  get quarantined(): number {
    return this.#abandoned.size;
  }

  /** Nothing is sent until everything is answered, or `silence` is called. */
  get holding(): boolean {
    return this.#holding;
  }

  /** No request can be sent unless a number is released: all belong to requests whose replies were lost. */
  get exhausted(): boolean {
    return this.#numbers !== undefined && this.#lost >= Math.min(this.#numbers.size, MAX_QUARANTINED);
  }

  /** Whether the request was given up, has a place in the order, and may still be answered. */
  owes(ticket: Ticket): boolean {
    const slot = this.#abandoned.get(ticket);
    return slot !== undefined && slot.id === undefined;
  }

  /** Queue a request. */
  add(ticket: Ticket, request: Request): void {
    this.#queue.set(ticket, request);
  }

  /** How many messages answer a request. Throws what a function of `expects` throws. */
  count(request: Request): Expectation['count'] {
    return this.#expectationOf(request).count;
  }

  /** Whether a request in flight is recognized by its number; if not, by its place in the order. */
  isNumbered(ticket: Ticket): boolean {
    return this.#slots.get(ticket)?.id !== undefined;
  }

  /** The next request to send, in order; undefined if there is none, or no room. */
  next(): Next<Request, Ticket> | undefined {
    if (this.#holding || this.#slots.size + this.#owed >= this.#maxInFlight) return undefined;
    if (this.#abandoned.size - this.#owed >= MAX_QUARANTINED) return undefined;
    const first = this.#queue.entries().next();
    if (first.done) return undefined;
    const [ticket, request] = first.value;
    let slot: Slot<Request, Ticket>;
    let sent = request;
    try {
      slot = { ticket, request, expected: this.#expectationOf(request), id: undefined, left: 1 };
      if (this.#isNumbered(request, slot.expected)) {
        const number = this.#number(request);
        if (number === undefined) return undefined;
        slot.id = number.key;
        sent = number.request;
      } else if (this.#isShared && slot.expected.types === undefined && this.#match === undefined) {
        throw untold(request);
      }
    } catch (error) {
      this.#queue.delete(ticket);
      return { ticket, request, refused: error as Error };
    }
    this.#queue.delete(ticket);
    if (slot.expected.count === 'none') return { ticket, request: sent, unanswered: true };
    this.#slots.set(ticket, slot);
    if (slot.id !== undefined) this.#numbered.set(slot.id, slot);
    else this.#append(slot);
    return { ticket, request: sent };
  }

  /** The last result of `next` could not be sent after all. */
  revoke(ticket: Ticket): void {
    const slot = this.#slots.get(ticket);
    if (slot === undefined) return;
    this.#slots.delete(ticket);
    this.#forget(slot);
  }

  /**
   * Another message was sent. In order, its answer belongs to no request: none if `expects` says `'none'`, one message if nothing
   * is known of its type. `isDropped`: its answer is `'late'`, not a message.
   */
  sent(message?: Request, isDropped = false): void {
    let expected = ASSUMED;
    try {
      if (message !== undefined) expected = this.#expectationOf(message);
    } catch {
      // The message was sent all the same; a request of this type reports the error.
    }
    if (expected.count === 'none') return;
    // A request with a number needs no place in the order.
    const isTold = this.#requestId !== undefined;
    if (isTold && (!expected.declared || this.#isNumbered(message!, expected))) return;
    const last = this.#newest;
    if (
      last !== undefined &&
      last.ticket === undefined &&
      last.dropped === isDropped &&
      last.expected === expected &&
      expected.count !== 'many'
    ) {
      last.left++;
      return;
    }
    if (++this.#messages <= MAX_MESSAGES) {
      this.#append({
        ticket: undefined,
        request: message,
        expected,
        id: undefined,
        left: 1,
        dropped: isDropped,
      });
    } else if (last !== undefined && last.ticket === undefined && last.dropped === isDropped) {
      // Too many to track each: any number of messages of any of these types.
      const types = union(last.expected.types, expected.types);
      last.expected = { ...expected, count: 'any', types };
    } else {
      this.#append({
        ticket: undefined,
        request: message,
        expected: { ...expected, count: 'any' },
        id: undefined,
        left: 1,
        dropped: isDropped,
      });
    }
  }

  /**
   * Find the request that a message answers. The last reply ends its request.
   * @throws whatever `match`, `isReply` or a function of `expects` throws
   */
  receive(message: Reply): Belonging<Ticket> {
    if (this.#isAllAnswered) return 'message';
    if (this.#isReply?.(message) === false) return 'message';
    const slot = this.#find(message);
    if (slot === undefined) return 'message';
    const { ticket, expected, request } = slot;
    const isLast = expected.count !== 'any' && expected.isLast(message, request!);
    if (isLast && --slot.left === 0) {
      this.#forget(slot);
      if (ticket !== undefined && !this.#slots.delete(ticket)) this.#abandoned.delete(ticket);
    }
    if (ticket === undefined) return slot.dropped ? 'late' : 'message';
    if (slot.abandoned) return 'late';
    return isLast ? { ticket } : { ticket, more: true };
  }

  /** The request that a message answers, as `receive` would find it; undefined if it answers none. */
  peek(message: Reply): Request | undefined {
    if (this.#isReply?.(message) === false) return undefined;
    return this.#find(message)?.request;
  }

  /**
   * Give a request up: a queued request is removed, one in flight is quarantined. `isLost`: its reply may never arrive.
   * @returns true if it was in flight
   */
  abandon(ticket: Ticket, isLost = false): boolean {
    if (this.#queue.delete(ticket)) return false;
    const slot = this.#slots.get(ticket);
    if (slot === undefined) return false;
    slot.abandoned = true;
    if (isLost && slot.id !== undefined) {
      slot.lost = true;
      this.#lost++;
    }
    if (slot.id === undefined) this.#owed++;
    this.#slots.delete(ticket);
    this.#abandoned.set(ticket, slot);
    return true;
  }

  /** How many requests without a number wait for their replies. */
  get unnumbered(): number {
    return this.#ordered.size;
  }

  /** The oldest request without a number that waits for its reply. */
  get oldest(): Ticket | undefined {
    for (const { ticket, abandoned } of this.#ordered) if (abandoned !== true) return ticket;
    return undefined;
  }

  /**
   * A frame was lost that may have been a reply: without numbers, it was the reply to the oldest request. Returns that request,
   * which goes unanswered; the rest of its replies are dropped.
   */
  lose(): Ticket | undefined {
    if (this.#requestId !== undefined) return undefined;
    for (const slot of this.#ordered) {
      const { ticket, expected, abandoned } = slot;
      // Nothing has to answer this one.
      if (ticket === undefined && expected.count === 'any') continue;
      if (expected.count !== 'one') {
        if (ticket !== undefined) this.abandon(ticket);
      } else {
        // One of several messages in a row is answered.
        if (--slot.left === 0) this.#forget(slot);
        if (ticket === undefined) return undefined;
        this.#slots.delete(ticket);
        this.#abandoned.delete(ticket);
      }
      return abandoned === true ? undefined : ticket;
    }
    return undefined;
  }

  /** The replies to a given-up request will not arrive any more: its number is free. */
  release(ticket: Ticket): void {
    const slot = this.#abandoned.get(ticket);
    if (slot === undefined || slot.id === undefined) return;
    this.#abandoned.delete(ticket);
    this.#forget(slot);
  }

  /** Send nothing until everything in flight has been answered. */
  hold(): void {
    this.#holding = !this.#isAllAnswered;
  }

  /** Nothing has been received for long enough: everything in flight is over. Returns the requests that go unanswered. */
  silence(): Ticket[] {
    const lost = [...this.#slots.keys()];
    this.#slots.clear();
    this.#abandoned.clear();
    this.#numbered.clear();
    this.#ordered.clear();
    this.#newest = undefined;
    this.#messages = this.#lost = this.#owed = 0;
    this.#holding = false;
    return lost;
  }

  /** The connection is over. Returns the requests that go unanswered, sent or not. */
  end(): Ticket[] {
    const lost = [...this.silence(), ...this.#queue.keys()];
    this.#queue.clear();
    return lost;
  }

  /** The queue, from which nothing will be sent: see `exhausted`. */
  refuseQueued(): Ticket[] {
    const refused = [...this.#queue.keys()];
    this.#queue.clear();
    return refused;
  }

  #isNumbered({ type }: Request & Partial<Tagged>, expected: Expectation): boolean {
    if (this.#requestId === undefined || !expected.numbered) return false;
    return type === undefined || this.#hasId === undefined || this.#hasId(type);
  }

  /** The request with a number that nothing in flight has; undefined if all are taken. */
  #number(request: Request): { request: Request; key: Id } | undefined {
    const given = this.#requestId!.read(request);
    if (typeof given === 'string') {
      if (!this.#numbered.has(given)) return { request, key: given };
      const text = `${show(given)} is the number of a request that is still under way`;
      throw new StateError('ERR_REQUEST_NUMBERS', text, { origin: 'local', actual: given });
    }
    const number = this.#numbers!.take(this.#numbered);
    if (number === undefined) return undefined;
    return { request: this.#requestId!.write(request, number.id) as Request, key: number.key };
  }

  #find(message: Reply): Slot<Request, Ticket> | undefined {
    const id = this.#replyId?.read(message);
    if (id !== undefined) {
      const slot = this.#numbered.get(id);
      return slot !== undefined && this.#fits(slot, message) ? slot : undefined;
    }
    // The type decides: the oldest request that waits for such a message gets it.
    const anywhere = this.#match !== undefined || this.#replyId !== undefined || this.#isShared;
    for (const slot of this.#ordered) {
      if (this.#fits(slot, message)) {
        if (!anywhere) this.#end(slot);
        return slot;
      }
      if (!anywhere && slot.expected.count !== 'any') return undefined;
    }
    return undefined;
  }

  #fits({ ticket, expected, request }: Slot<Request, Ticket>, message: Reply): boolean {
    const { type } = message as Partial<Tagged>;
    const { types } = expected;
    if (types !== undefined) {
      if (!types.has(type as string)) return false;
    } else if (this.#asks.size > 0 && this.#asks.has(type as string)) return false;
    return this.#match === undefined || ticket === undefined || this.#match(request!, message);
  }

  /** In order, everything before the answer of a later request is over: only slots that need no answer are left there. */
  #end(before: Slot<Request, Ticket>): void {
    for (const slot of this.#ordered) {
      if (slot === before) return;
      this.#forget(slot);
    }
  }

  #append(slot: Slot<Request, Ticket>): void {
    this.#ordered.add(slot);
    this.#newest = slot;
  }

  #forget(slot: Slot<Request, Ticket>): void {
    if (slot.id !== undefined) {
      this.#numbered.delete(slot.id);
      if (slot.lost) this.#lost--;
    } else {
      this.#ordered.delete(slot);
      if (slot.ticket === undefined) this.#messages--;
      if (slot.abandoned) this.#owed--;
      if (this.#newest === slot) this.#newest = undefined;
    }
    if (this.#isAllAnswered) this.#holding = false;
  }

  get #isAllAnswered(): boolean {
    return this.#numbered.size === 0 && this.#ordered.size === 0;
  }
}

/** The most given-up requests that keep their numbers: as many as two bytes can number. */
const MAX_QUARANTINED = 65_536;

/** The most other messages that are tracked one by one; beyond this, they are combined. */
const MAX_MESSAGES = 1_024;

/** A request in flight, or (without a ticket) messages of one kind that were sent in a row and are not requests. */
interface Slot<Request, Ticket> {
  readonly ticket: Ticket | undefined;
  readonly request: Request | undefined;
  expected: Expectation;
  id: Id | undefined;
  /** The last replies that have not arrived. */
  left: number;
  /** Given up: its replies are dropped. */
  abandoned?: boolean;
  /** Of messages that are not requests: their answers are dropped. */
  readonly dropped?: boolean;
  /** Given up because no reply arrived in time. */
  lost?: boolean;
}

function untold(request: object): TypeError {
  const { type } = request as Tagged;
  return new TypeError(
    `nothing tells the replies to '${type}' from what the session takes: name their types in replies.expects, or an id`,
  );
}

function union(
  a: ReadonlySet<string> | undefined,
  b: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return a === undefined || b === undefined ? undefined : new Set([...a, ...b]);
}

function typesOrCallback(name: string, value: unknown): void {
  if (!Array.isArray(value)) callback(name, value);
}
