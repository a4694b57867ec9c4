import { weighAll } from '../bytes/weigh.ts';

/** The source of the replies, as the iterable tells it. */
interface Source {
  /** More replies are held than allowed; or, with false, there is room again. */
  full(isFull: boolean): void;
  /** The consumer wants no more. */
  stopped(): void;
}

/**
 * The replies to one request, for `for await`. Replies before an error are read before it. Leaving the loop gives the request up:
 * the remaining replies are dropped, up to the last.
 */
export class ManyReplies<Reply> implements AsyncIterableIterator<Reply, undefined, undefined> {
  readonly #limits: { readonly messages: number; readonly bytes: number };
  readonly #source: Source;
  /** A reply is released when it is read; only its place stays for a while. */
  #replies: ({ readonly reply: Reply; readonly weight: number } | undefined)[] = [];
  #read = 0;
  /** About how many bytes are unread. */
  #bytes = 0;
  #isFull = false;
  #isOver = false;
  #error: { readonly reason: unknown } | undefined;
  #waiting: {
    resolve(result: IteratorResult<Reply, undefined>): void;
    reject(reason: unknown): void;
  }[] = [];

  constructor(limits: { readonly messages: number; readonly bytes: number }, source: Source) {
    this.#limits = limits;
    this.#source = source;
  }

  /** The replies to a request that could not be made. */
  static failed(reason: unknown): ManyReplies<never> {
    const none = new ManyReplies<never>({ messages: 1, bytes: 1 }, { full() {}, stopped() {} });
    none.fail(reason);
    return none;
  }

  /** Replies that have arrived and are not read. */
  get unread(): number {
    return this.#replies.length - this.#read;
  }

  push(reply: Reply): void {
    if (this.#isOver) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: reply });
      return;
    }
    const weight = weighAll(reply);
    this.#replies.push({ reply, weight });
    this.#bytes += weight;
    if (this.unread >= this.#limits.messages || this.#bytes >= this.#limits.bytes) this.#tell(true);
  }

  /** The last reply has come. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(DONE);
    this.#tell(false);
  }

  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#error = { reason };
    const [first, ...others] = this.#waiting.splice(0);
    if (first !== undefined) {
      first.reject(reason);
      this.#error = undefined;
      for (const { resolve } of others) resolve(DONE);
    }
    this.#isOver = true;
    this.#tell(false);
  }

  next(): Promise<IteratorResult<Reply, undefined>> {
    if (this.#read < this.#replies.length) {
      const { reply: value, weight } = this.#replies[this.#read]!;
      this.#replies[this.#read++] = undefined;
      this.#bytes -= weight;
      if (this.#read === this.#replies.length || this.#read >= 1_024) {
        this.#replies.splice(0, this.#read);
        this.#read = 0;
      }
      if (this.#isFull && this.unread < this.#limits.messages && this.#bytes < this.#limits.bytes)
        this.#tell(false);
      return Promise.resolve({ done: false, value });
    }
    if (this.#error !== undefined) {
      const { reason } = this.#error;
      this.#error = undefined;
      return Promise.reject(reason);
    }
    if (this.#isOver) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Reply, undefined>> {
    const wasOver = this.#isOver;
    this.#replies = [];
    this.#read = this.#bytes = 0;
    this.#error = undefined;
    this.end();
    if (!wasOver) this.#source.stopped();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #tell(isFull: boolean): void {
    if (this.#isFull === isFull) return;
    this.#isFull = isFull;
    this.#source.full(isFull);
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
