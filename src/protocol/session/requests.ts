/** How the replies of a protocol find their requests, and how many may be under way. */
export interface RequestsOptions<Reply> {
  /**
   * The field that holds a number which the reply repeats; requests are numbered by us. Without it, replies are in the
   * order of the requests.
   */
  id?: string | undefined;
  /** The smallest and the greatest number. Default 0 and 65,535. */
  ids?: readonly [number, number] | undefined;
  /** The most requests that wait for replies; more are queued. Default 64. */
  maxInFlight?: number | undefined;
  /** False for what is sent unasked, in protocols without numbers. By default all is a reply while one is due. */
  isReply?: ((message: Reply) => boolean) | undefined;
}

/**
 * Whose a message is: a request's reply; `'late'`, the reply to a request that was given up, for nobody; or
 * `'message'`, no reply to a request.
 */
export type Belonging<Ticket> = { readonly ticket: Ticket } | 'late' | 'message';

/**
 * Which reply answers which request: a pure bookkeeper, without timers and promises. A `Ticket` is whatever stands for
 * a request.
 *
 *     add ──▶ queue ──next──▶ in flight ──receive──▶ ticket
 *                                 └──abandon──▶ quarantined ──receive──▶ 'late'
 *
 * A request that is given up keeps its number, or its place in the order, until its reply has come after all: a late
 * reply never answers another request. In order, where a reply that never comes would leave everybody waiting for
 * another's, `hold` stops sending until all is answered, or `silence` is told.
 *
 * @example
 * const requests = new Requests<Message, Message, string>({ id: 'transaction' });
 * requests.add('a', { type: 'read', transaction: 0 });
 * requests.next(); // { ticket: 'a', request: { type: 'read', transaction: 0 } }: to be sent
 * requests.receive({ type: 'value', transaction: 0 }); // { ticket: 'a' }
 */
export class Requests<Request extends object, Reply extends object, Ticket> {
  readonly #id: string | undefined;
  readonly #min: number;
  readonly #max: number;
  readonly #maxInFlight: number;
  readonly #isReply: ((message: Reply) => boolean) | undefined;
  readonly #queue = new Map<Ticket, Request>();
  /** What is under way, by number; in order, by a count that goes up. */
  readonly #slots = new Map<number, Slot<Ticket>>();
  readonly #numbers = new Map<Ticket, number>();
  #nextNumber: number;
  /** In order: the slot that the next reply is for, and the end of the slots. */
  #head = 0;
  #holding = false;

  /** @throws TypeError or RangeError for options that cannot work */
  constructor(options: RequestsOptions<Reply> = {}) {
    const { id, ids: [min, max] = [0, 0xffff], maxInFlight = 64, isReply } = options;
    if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max)) {
      throw new RangeError(`ids: expected the smallest and the greatest integer, got ${min} and ${max}`);
    }
    if (!(maxInFlight >= 1)) throw new RangeError(`maxInFlight: expected at least 1, got ${maxInFlight}`);
    if (id !== undefined && isReply !== undefined) {
      throw new TypeError('isReply: with an id, the id tells what is a reply');
    }
    this.#id = id;
    this.#min = min;
    this.#max = max;
    this.#maxInFlight = maxInFlight;
    this.#isReply = isReply;
    this.#nextNumber = id === undefined ? 0 : min;
  }

  /** Requests that were sent, and wait for their replies. */
  get inFlight(): number {
    return this.#numbers.size;
  }

  /** Requests that were not sent yet. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Requests that were given up, and whose replies have not come. */
  get quarantined(): number {
    let count = 0;
    for (const { kind } of this.#slots.values()) if (kind === 'abandoned') count++;
    return count;
  }

  /** Nothing is sent until all is answered, or `silence`. */
  get holding(): boolean {
    return this.#holding;
  }

  /** Queue a request. */
  add(ticket: Ticket, request: Request): void {
    this.#queue.set(ticket, request);
  }

  /** The next request to be sent, now and in this order; undefined while there is none, or no room. */
  next(): { readonly ticket: Ticket; readonly request: Request } | undefined {
    if (this.#holding || this.#numbers.size >= this.#maxInFlight) return undefined;
    const first = this.#queue.entries().next();
    if (first.done) return undefined;
    const [ticket, request] = first.value;
    const number = this.#free();
    if (number === undefined) return undefined;
    this.#queue.delete(ticket);
    this.#numbers.set(ticket, number);
    this.#slots.set(number, { kind: 'request', ticket });
    return { ticket, request: this.#id === undefined ? request : { ...request, [this.#id]: number } };
  }

  /** What `next` answered last could not be sent after all. */
  revoke(ticket: Ticket): void {
    const number = this.#numbers.get(ticket);
    if (number === undefined) return;
    this.#numbers.delete(ticket);
    this.#slots.delete(number);
    if (this.#id === undefined) this.#nextNumber = number;
  }

  /** Something else was sent that is answered in its turn: in order, that answer is no request's. */
  sent(): void {
    if (this.#id !== undefined) return;
    const last = this.#slots.get(this.#nextNumber - 1);
    if (last?.kind === 'messages') last.count++;
    else this.#slots.set(this.#nextNumber++, { kind: 'messages', count: 1 });
  }

  /** Whose is it? A reply is the end of its request. */
  receive(message: Reply): Belonging<Ticket> {
    const number = this.#id === undefined ? this.#head : (message as Record<string, unknown>)[this.#id];
    const slot = this.#slots.get(number as number);
    if (slot === undefined || this.#isReply?.(message) === false) return 'message';
    if (slot.kind === 'messages' && --slot.count > 0) return 'message';
    this.#slots.delete(number as number);
    if (this.#id === undefined) this.#head++;
    if (this.#slots.size === 0) this.#holding = false;
    if (slot.kind === 'messages') return 'message';
    if (slot.kind === 'abandoned') return 'late';
    this.#numbers.delete(slot.ticket);
    return { ticket: slot.ticket };
  }

  /**
   * Give a request up: out of the queue it is just gone, in flight it is quarantined.
   * @returns true when it was in flight
   */
  abandon(ticket: Ticket): boolean {
    if (this.#queue.delete(ticket)) return false;
    const number = this.#numbers.get(ticket);
    if (number === undefined) return false;
    this.#numbers.delete(ticket);
    this.#slots.set(number, { kind: 'abandoned' });
    return true;
  }

  /** Send nothing until all that is under way has been answered. */
  hold(): void {
    this.#holding = this.#slots.size > 0;
  }

  /** Nothing has come for long enough, nor will: what was under way is over. Answers the requests that go unanswered. */
  silence(): Ticket[] {
    const lost = [...this.#numbers.keys()];
    this.#numbers.clear();
    this.#slots.clear();
    this.#head = this.#id === undefined ? this.#nextNumber : 0;
    this.#holding = false;
    return lost;
  }

  /** The connection is over. Answers the requests that go unanswered, sent or not. */
  end(): Ticket[] {
    const lost = [...this.silence(), ...this.#queue.keys()];
    this.#queue.clear();
    return lost;
  }

  /** A number that nothing under way has. */
  #free(): number | undefined {
    if (this.#id === undefined) return this.#nextNumber++;
    const count = this.#max - this.#min + 1;
    if (this.#slots.size >= count) return undefined;
    while (this.#slots.has(this.#nextNumber)) this.#advance();
    const number = this.#nextNumber;
    this.#advance();
    return number;
  }

  #advance(): void {
    this.#nextNumber = this.#nextNumber === this.#max ? this.#min : this.#nextNumber + 1;
  }
}

/** What a number, or a place in the order, is taken by. */
type Slot<Ticket> =
  | { readonly kind: 'request'; readonly ticket: Ticket }
  /** A request given up: its reply is for nobody. */
  | { readonly kind: 'abandoned' }
  /** What was sent without being a request, so many times in a row. */
  | { readonly kind: 'messages'; count: number };
