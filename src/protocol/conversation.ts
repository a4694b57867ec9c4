import { asError } from '../bytes/show.ts';
import { StateError } from '../errors.ts';
import { decodeFrame } from './decode-frame.ts';
import type { FrameBatch, FrameReader, FrameWriter } from './framing/framing.ts';
import { Packer } from './packer.ts';
import type { Protocol } from './protocol.ts';
import type { Run, StateLimits, Step } from './session/run.ts';

/** Messages that are answered and gone before the next ones are read: a collection of garbage copies all that live. */
const AT_ONCE = 64;

/**
 * The server's side of one connection, without a stream, a socket, a timer or a clock: bytes in, bytes out.
 *
 *     receive(bytes) ──▶ frames ──▶ messages ──▶ session ──▶ answers, framed ──▶ take()
 *
 * It does what the four stages do under `pipeline`, and what `createServer` does for each connection: for every way of
 * cutting the input the same bytes and the same error. For tools, tests, and transports that are no Duplex.
 *
 * Call `take` after each event, until it answers undefined. Then look at `settled()` (a handler has not answered yet) and at
 * `final` (nothing follows: end the sending side).
 *
 * @example
 * const conversation = new Conversation(drone);
 * conversation.receive(Buffer.from([7, 0, 0, 0, 2, 5, 72, 69, 76, 76, 79])); // write HELLO
 * conversation.take(); // <Buffer 09 00 00 00 80 07 41 55 54 48 5f 4f 4b>: ok AUTH_OK
 * conversation.take(); // undefined
 */
export class Conversation<
  Received,
  Sent,
  State extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: a tool need not know what the handlers keep
  Context = any,
> {
  readonly #protocol: Protocol<Received, Sent, State, Context>;
  readonly #run: Run<Received, Sent, State, Context>;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #packer = new Packer();
  /** Chunks that wait until the reader has given all frames of the ones before. */
  readonly #chunks: Uint8Array[] = [];
  #isDrained = true;
  #batch: FrameBatch | undefined;
  #index = 0;
  /** Answers not written yet, from `#written` on. A pending handler will append to this very array. */
  readonly #answers: Sent[] = [];
  #written = 0;
  /** The peer's side: `ending` until all before the end has been answered. */
  #input: 'open' | 'ending' | 'ended' = 'open';
  /** Of the handler that has not answered yet. */
  #pending: Promise<void> | undefined;
  /** Why an answer could not be written: nothing follows it. */
  #refused: Error | undefined;
  #frames = 0;

  /** @param context - what the handlers share, in place of what the session's `context` makes */
  constructor(protocol: Protocol<Received, Sent, State, Context>, context?: Context) {
    this.#protocol = protocol;
    this.#run = protocol.session.start(context);
    this.#reader = protocol.framing.reader();
    this.#writer = protocol.framing.writer();
    this.#answers.push(...this.#run.greeting);
  }

  /** The session's state. */
  get state(): State {
    return this.#run.state;
  }

  /** What the handlers of this connection share. */
  get context(): Context {
    return this.#run.context;
  }

  /**
   * What broke the protocol, or failed in our own code: the first of it, in the order of what is sent. The bytes that `take`
   * gives end with what was answered before, and the farewell.
   */
  get error(): Error | undefined {
    return this.#refused ?? this.#run.error;
  }

  /** Whether nothing follows what `take` still gives: then end the sending side, and discard what comes. */
  get final(): boolean {
    return this.#run.final || this.#refused !== undefined;
  }

  /** How often a state was entered: a change starts the limits of time anew. */
  get entries(): number {
    return this.#run.entries;
  }

  /** The limits of the state in milliseconds, for a caller that has a clock; undefined where it has none, and at the end. */
  get deadline(): StateLimits | undefined {
    return this.final ? undefined : this.#run.deadline;
  }

  /** Frames taken in so far: a change starts the limits `idle` and `frame` anew. */
  get frames(): number {
    return this.#frames;
  }

  /** Whether a frame has begun to come and is not complete: the limit `frame` runs. */
  get isInsideFrame(): boolean {
    return this.#isDrained && this.#reader.buffered > 0;
  }

  /** Messages that were sent or answered and that `take` has not given yet. */
  get unsent(): number {
    return this.#answers.length - this.#written;
  }

  /** Bytes have come. While `settled()` is there they are held: better not to read on. */
  receive(chunk: Uint8Array): void {
    if (this.final || this.#input !== 'open') return;
    if (this.#isDrained) this.#push(chunk);
    else this.#chunks.push(chunk);
  }

  /** The peer has ended its side. */
  ended(): void {
    if (this.#input === 'open') this.#input = 'ending';
  }

  /**
   * A limit of the state has passed. While a handler has not answered, the peer's silence is ours: then only `within`
   * counts.
   */
  timeout(kind: keyof StateLimits): void {
    if (this.final || (kind !== 'within' && this.#run.busy)) return;
    const step = this.#run.timeout(kind);
    if (step instanceof Promise) this.#pending = step.then((late) => this.#append(late));
    else this.#append(step);
  }

  /**
   * Send a message that answers nothing, behind what was answered until now.
   *
   * @throws StateError (`origin: 'local'`) when the state does not allow it; nothing is sent, the conversation goes on
   */
  send(message: Sent): void {
    if (this.#refused !== undefined) {
      const text = 'nothing can be sent: an answer before it could not be written';
      const details = { origin: 'local', state: this.state, cause: this.#refused } as const;
      throw new StateError('ERR_STATE_CLOSED', text, details);
    }
    this.#run.send(message);
    this.#answers.push(message);
  }

  /** A promise of the answer that a handler has not given yet; `take` has more once it is fulfilled. It is never rejected. */
  settled(): Promise<void> | undefined {
    return this.#run.busy ? this.#pending : undefined;
  }

  /**
   * The next bytes to be sent: up to 68 KiB, or one frame that is longer. Undefined when there are none for now.
   *
   * @param isPrivate - whether only the system will read them: then they may be a part of memory that connections share
   */
  take(isPrivate = false): Buffer | undefined {
    do {
      if (this.#answers.length > 0 && !this.#write()) break;
    } while (this.#advance());
    return this.#packer.take(isPrivate);
  }

  /** Write the answers; false where the packer is full, or one of them is refused. */
  #write(): boolean {
    if (this.#refused !== undefined) return false;
    const codec = this.#protocol.serverMessages;
    const answers = this.#answers;
    try {
      this.#written = this.#packer.writeMessages(codec, this.#writer, answers, this.#written);
    } catch (error) {
      this.#refused = asError(error);
      this.#forget();
      return false;
    }
    if (this.#written < answers.length) return false;
    this.#written = answers.length = 0;
    return true;
  }

  /** Take the next step; false when there is none to take now. */
  #advance(): boolean {
    const run = this.#run;
    if (run.busy || this.#refused !== undefined) return false;
    if (run.final) {
      this.#forget();
      return false;
    }
    if (this.#batch !== undefined) {
      this.#answer(this.#batch);
      return true;
    }
    if (this.#isDrained && this.#input === 'open') return false;
    const batch = this.#reader.take(AT_ONCE);
    if (batch !== undefined) {
      this.#frames += batch.count;
      this.#batch = batch;
    } else if (this.#reader.error !== undefined) {
      this.#append(run.fault(this.#reader.error));
    } else if (this.#chunks.length > 0) {
      this.#push(this.#chunks.shift()!);
    } else if (this.#input === 'ending') {
      this.#input = 'ended';
      this.#reader.end();
    } else if (this.#input === 'ended') {
      this.#append(run.ended());
    } else {
      this.#isDrained = true;
      return false;
    }
    return true;
  }

  /** Read and answer the messages of a batch, until a handler takes its time. */
  #answer(batch: FrameBatch): void {
    const run = this.#run;
    const answers = this.#answers;
    const codec = this.#protocol.clientMessages;
    const to = Math.min(batch.count, this.#index + AT_ONCE);
    let index = this.#index;
    try {
      while (index < to && !run.final) {
        const pending = run.receiveInto(decodeFrame(codec, batch, index++), answers);
        if (pending === undefined) continue;
        this.#pending = pending;
        break;
      }
    } catch (error) {
      this.#append(run.fault(asError(error)));
    }
    this.#index = index;
    if (index < batch.count) return;
    // An idle connection holds nothing of what has come.
    this.#batch = undefined;
    this.#index = 0;
  }

  #push(chunk: Uint8Array): void {
    this.#isDrained = false;
    this.#reader.push(chunk);
  }

  #append(step: Step<Sent, State>): void {
    for (const answer of step.answers) this.#answers.push(answer);
  }

  /** Nothing of what has come is of use any more. */
  #forget(): void {
    this.#batch = undefined;
    this.#chunks.length = 0;
    this.#isDrained = true;
    if (this.#refused !== undefined) this.#written = this.#answers.length = 0;
  }
}
