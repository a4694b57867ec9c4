import { Readable, Transform, type TransformCallback } from 'node:stream';
import { asBuffer } from '../bytes/buffer.ts';
import { asError } from '../bytes/show.ts';
import { GIVING, isTrusted, TAKING } from '../bytes/trust.ts';
import { type Check, checkOptions, delayOrNever, natural, splitOptions } from '../options.ts';
import type { FrameBatch } from '../protocol/framing/framing.ts';
import type { Line } from '../protocol/session/line.ts';
import type { FrameWatch } from './deadlines.ts';
import { endBehind, Linger } from './farewell.ts';
import { isLent, keep } from './lease.ts';
import { Batch, type Matter, type Neighbour, Outlet } from './outlet.ts';
import type { Steering } from './steering.ts';

export interface StageOptions {
  /** As in node:stream, in bytes or items. */
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
  /**
   * Milliseconds that the peer has to end its side once we have ended ours, before the connection is cut. Until then its input is
   * discarded, so that no reset overtakes the last answer. Default 5,000; Infinity waits forever.
   */
  lingerTimeout?: number | undefined;
}

/** The options of every stage, for `checkOptions`. */
export const STAGE_OPTIONS: Readonly<Record<keyof StageOptions, Check>> = {
  readableHighWaterMark: natural,
  writableHighWaterMark: natural,
  lingerTimeout: delayOrNever,
};

const DEFAULT_LINGER_TIMEOUT = 5_000;

/** Two items may wait at a stage; either may be a whole batch. */
const ITEMS_HELD = 2;

/** The most items that `produceBatch` collects: they are used and gone before the next ones are made. */
const ITEMS_AT_ONCE = 64;

const NONE: readonly never[] = [];

/**
 * The base of the stages: a Transform that takes in one chunk or item, then gives all resulting items.
 *
 *     accept(item)          produce() produce() … undefined          a foreign stream on that side: one by one
 *     acceptBatch(items)    produceBatch() …      undefined          another stage on that side: many at once
 *
 * A stage of your own declares in its constructor what it takes and gives (`'bytes'`, `'frames'` or `'messages'`), and implements
 * `accept` and `produce`; `docs/streams.md` shows how. Between stages, items are still passed in batches.
 *
 * A **fault** (the input broke the protocol) is given after the items before it, and the rest of the input is discarded. The next
 * stage gets it in band. The last stage, whose bytes go to a socket or another destination, ends that destination, lingers
 * (`farewell.ts`), and then is destroyed with the error. For any other consumer the fault is the stream's error, after the items.
 *
 * @typeParam Item - what `produce` gives
 * @typeParam Items - what `produceBatch` gives: an array of messages, or a `FrameBatch`
 *
 * @example
 * class Commands extends Stage<Message> {
 *   #message: Message | undefined;
 *
 *   constructor() {
 *     super('messages', 'messages');
 *   }
 *
 *   protected override accept(message: Message) {
 *     if (message.type !== 'ping') this.#message = message;
 *   }
 *
 *   protected override produce() {
 *     const message = this.#message;
 *     this.#message = undefined;
 *     return message;
 *   }
 * }
 */
export abstract class Stage<Item = unknown, Items = Item[]> extends Transform implements Neighbour {
  /** @internal */
  readonly takes: Matter;
  /** @internal */
  readonly gives: Matter;
  /** @internal */
  readonly outlet: Outlet = new Outlet(this);
  protected readonly lingerTimeout: number;
  /** The stage that is piped to this one. */
  #source: Stage | undefined;
  #steering: Steering | undefined;
  #frameWatch: FrameWatch | undefined;
  /** The callback of the current write or flush, called when all resulting items have been given. */
  #callback: TransformCallback | undefined;
  #inputEnded = false;
  /** Items of a batch that `accept` takes one by one, from `#index` on. */
  #items: readonly unknown[] = NONE;
  #index = 0;

  /** The run loop is under way. */
  #running = false;
  /** True if the consumer asked to wait, until `_read` or the neighbours' `'drain'`. */
  #blocked = false;
  /** True if the subclass asked to wait, until `proceed`. */
  #suspended = false;
  /** True if accepted items wait for more, until the end of the turn. */
  #deferred = false;
  /** Whether only the system will read the output now; undefined until it is checked, which takes a microsecond. */
  #isPrivate: boolean | undefined;

  /** How the output ends before the input does. */
  #fault: Error | undefined;
  #closing = false;
  /**
   * `waiting`: the items before the fault have to be read. `ended`: the input is discarded. `delivered`: the destination has
   * taken everything. `abandoned`: the output is closed, so nothing is made any more.
   */
  #end: 'open' | 'waiting' | 'ended' | 'delivered' | 'abandoned' = 'open';
  #linger: Linger | undefined;

  constructor(takes: Matter, gives: Matter, options: StageOptions = {}) {
    // A subclass checks its own options.
    const [known] = splitOptions(options, STAGE_OPTIONS);
    checkOptions(new.target.name, known, STAGE_OPTIONS);
    const writableObjectMode = takes !== 'bytes';
    super({
      writableObjectMode,
      readableObjectMode: gives !== 'bytes',
      readableHighWaterMark: options.readableHighWaterMark,
      writableHighWaterMark: options.writableHighWaterMark ?? (writableObjectMode ? ITEMS_HELD : undefined),
    } as ConstructorParameters<typeof Transform>[0]);
    this.takes = takes;
    this.gives = gives;
    this.lingerTimeout = options.lingerTimeout ?? DEFAULT_LINGER_TIMEOUT;
  }

  // ─── What a subclass says ───────────────────────────────────────────────────────────────────────────────────

  /** Take in one chunk or item; everything from the previous one has been given. */
  protected abstract accept(item: unknown): void;

  /**
   * Take in a whole batch from the stage before: an array of messages, or a `FrameBatch`. By default, `accept` takes the items
   * one by one.
   */
  protected acceptBatch(items: unknown): void {
    this.#items = this.takes === 'frames' ? framesOf(items as FrameBatch) : (items as readonly unknown[]);
    this.#index = 0;
  }

  /** The next item, or undefined if the input so far gives no more. */
  protected abstract produce(): Item | undefined;

  /** The items of one batch, or undefined. By default, the items of `produce`; frames are given one by one. */
  protected produceBatch(): Items | undefined {
    const first = this.#next();
    if (first === undefined) return undefined;
    if (first instanceof Readable) return first as Items;
    if (this.gives === 'frames') return batchOf(first as Uint8Array) as Items;
    const items: Item[] = [first];
    while (items.length < ITEMS_AT_ONCE) {
      const item = this.#next();
      if (item === undefined) break;
      items.push(item);
    }
    return items as Items;
  }

  /** The input has ended: `produce` may give last items, or `fail` be called. */
  protected ended(): void {}

  /** The stage before met a fault: `produce` may give last items, and the fault is passed on after them. */
  protected faulted(_fault: Error): void {}

  /** The `wire` of the framing whose runs of frames pass unchanged. */
  protected get passes(): string | undefined {
    return undefined;
  }

  /**
   * Whether a given item is still being filled, so that more input is needed even while the consumer asks to wait.
   * @internal
   */
  protected get isFilling(): boolean {
    return false;
  }

  /** Called with whether no consumer keeps the given bytes: then the stage may reuse their memory. */
  protected released(_isFree: boolean): void {}

  /** The line of the messages that follow. Only for a stage that `heedsLines`. */
  protected lineChanged(_line: Line): void {}

  /** The error for lingering too long. */
  protected lingerError(): Error | undefined {
    return this.#fault;
  }

  // ─── What a subclass may ask for ────────────────────────────────────────────────────────────────────────────

  /** Break off with a fault, once `produce` has given the items before it. The first fault counts. */
  protected fail(fault: unknown): void {
    this.#fault ??= asError(fault);
  }

  /** Break off with this fault, or with none, in place of one that the input has met since. @internal */
  protected failInstead(fault: Error | undefined): void {
    this.#fault = fault;
  }

  /** End the output once `produce` has given everything; the input is discarded from then on, until it ends. */
  protected close(): void {
    this.#closing = true;
  }

  /** From now on, cut the connection if within `lingerTimeout` nothing is taken and the input has not ended. */
  protected linger(): void {
    this.#linger ??= new Linger(this.outlet.route, this.lingerTimeout, () => {
      if (this.#blocked || !this.#inputEnded) this.destroy(this.lingerError());
    });
  }

  /** `produce` has nothing to give until `proceed` is called: the current write is not over. */
  protected suspend(): void {
    this.#suspended = true;
  }

  /** There is more to produce: after `suspend`, or unasked. */
  protected proceed(): void {
    this.#suspended = false;
    this.#run();
  }

  /**
   * Let accepted items wait for more, at most until the end of this turn, so that items which come one by one leave together.
   * Call it in `accept`; cancel it there with `false` when enough items have come.
   */
  protected defer(wait: boolean): void {
    if (wait && !this.#deferred) process.nextTick(Stage.#runDeferred, this);
    this.#deferred = wait;
  }

  /** Whether the consumer has asked to wait. */
  protected get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether the output now goes to the system alone, so that it may lie in shared memory. */
  protected get isPrivate(): boolean {
    this.#isPrivate ??= this.gives === 'bytes' && this.outlet.isExclusive && isTrusted(this, GIVING);
    return this.#isPrivate;
  }

  /** Whether runs of that wire pass all neighbours unchanged. */
  protected passesOn(wire: string | undefined): boolean {
    return wire !== undefined && this.outlet.neighbours.every((next) => (next as Stage).passes === wire);
  }

  /** Report from now on when a frame is not complete in time. The frame decoder does this. @internal */
  watchFrames(watch: FrameWatch): void {
    this.#frameWatch = watch;
    this.#source?.watchFrames(watch);
  }

  /**
   * A session after this stage says how input is read. A stage that gives each item before it takes in the next one passes this
   * on; the frame decoder follows it. @internal
   */
  steer(_steering: Steering): void {}

  /** Let a session steer the stages before this one. */
  protected steerSource(steering: Steering): void {
    steering.add(this);
    this.#steering = steering;
    this.#source?.steer(steering);
  }

  /**
   * Tell the next stage the line of the messages that follow, after everything it was given before. Returns false if it cannot be
   * told.
   */
  protected handLine(line: Line): boolean {
    const { outlet } = this;
    if (!outlet.isDirect || !outlet.neighbours.every((next) => next.heedsLines)) return false;
    this.#hand(new Batch(undefined, undefined, line));
    return true;
  }

  /** @internal */
  get heedsLines(): boolean {
    return false;
  }

  // ─── The stream ─────────────────────────────────────────────────────────────────────────────────────────────

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (this.#end !== 'open') {
      callback();
      return;
    }
    try {
      if (!(chunk instanceof Batch)) {
        this.accept(chunk);
      } else if (chunk.line !== undefined) {
        this.lineChanged(chunk.line);
      } else if (chunk.fault === undefined) {
        this.acceptBatch(chunk.items);
      } else {
        this.fail(chunk.fault);
        this.faulted(chunk.fault);
      }
    } catch (error) {
      // An error never leaves write() as an exception, and earlier items go before it.
      this.fail(error);
      this.#deferred = false;
    }
    if (this.#deferred && !this.#blocked) {
      callback();
      return;
    }
    this.#callback = callback;
    this.#run();
  }

  override _flush(callback: TransformCallback): void {
    this.#inputEnded = true;
    this.#callback = callback;
    try {
      if (this.#end === 'open') this.ended();
    } catch (error) {
      this.fail(error);
    }
    this.#run();
  }

  override _read(): void {
    // While neighbours drain, their 'drain' lets us continue.
    if (this.#blocked && !this.outlet.isWaiting) this.goOn();
  }

  // biome-ignore lint/suspicious/noExplicitAny: as node:stream types it
  override read(size?: number): any {
    if (this.#deferred) this.#run();
    const item = super.read(size);
    if (this.#end === 'waiting') process.nextTick(Stage.#tellWaiting, this);
    return item;
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    this.outlet.add(destination);
    return super.pipe(destination, options);
  }

  override unpipe(destination?: NodeJS.WritableStream): this {
    const unpipe = () => super.unpipe(destination);
    this.outlet.remove(destination, unpipe);
    return this;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#linger?.stop();
    this.outlet.clear();
    callback(error);
  }

  // ─── The run ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Give output until asked to wait; then handle what follows the input. */
  #run(): void {
    // A consumer may read or send in the middle of a push: the running loop handles it.
    if (this.#running || this.destroyed) return;
    this.#running = true;
    this.#deferred = false;
    try {
      while (!this.#blocked && !this.#suspended && this.#end !== 'abandoned') {
        if (!this.#giveNext()) break;
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#running = false;
    }
    if (this.#blocked || this.#suspended) {
      if (!this.#suspended && this.isFilling) this.#answer();
      return;
    }
    if (this.#end === 'open' && this.#fault !== undefined) this.#breakOff();
    else if (this.#end === 'open' && this.#closing) this.#endOutput();
    this.#answer();
  }

  /** Give the next item or batch; false if there is none. */
  #giveNext(): boolean {
    const { outlet } = this;
    if (outlet.isDirect) {
      const items = this.produceBatch();
      if (items === undefined) return false;
      const { neighbours } = outlet;
      // A streamed frame goes alone.
      this.#hand(items instanceof Readable ? items : new Batch(items));
      if (this.gives === 'frames' && isLent() && !(isTrusted(this, GIVING) && neighbours.every(hasLetGo)))
        keep();
      return true;
    }
    this.#isPrivate = undefined;
    const item = this.#next();
    if (item === undefined) return false;
    // Checked before the push: a listener for one item is gone afterwards.
    const isPrivate =
      (isLent() ? this.isPrivate : this.#isPrivate === true) && this.listenerCount('data') === 1;
    if (!this.push(item)) this.#blocked = true;
    const isFree = isPrivate && outlet.isTaken;
    // The decoder of the messages has said whether they are views.
    if (!isFree && this.gives !== 'messages' && this.takes !== 'messages') keep();
    if (this.gives === 'bytes') this.released(isFree);
    return true;
  }

  /** The next item from the accepted input. Never throws: items before a failure are given first. */
  #next(): Item | undefined {
    try {
      for (;;) {
        const item = this.produce();
        if (item !== undefined || this.#index === this.#items.length) return item;
        if (this.#suspended || this.#closing || this.#fault !== undefined) return undefined;
        const next = this.#items[this.#index++];
        if (this.#index === this.#items.length) {
          this.#items = NONE;
          this.#index = 0;
        }
        this.accept(next);
      }
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  #hand(batch: Batch | Readable): void {
    if (!this.outlet.hand(batch)) this.#blocked = true;
  }

  /** The write is over; so is the flush, unless a fault has still to be reported. */
  #answer(): void {
    const callback = this.#callback;
    if (callback === undefined) return;
    const isFlush = this.#inputEnded && this.#fault !== undefined;
    const toldInBand = this.#end !== 'waiting' && this.outlet.neighbours.length > 0;
    if (isFlush && this.#end !== 'delivered' && !toldInBand) return;
    this.#callback = undefined;
    callback(isFlush && this.#end === 'delivered' ? this.#fault : null);
  }

  // ─── The end ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything before the fault has been given: discard the input, and report the fault once those items have been read. */
  #breakOff(): void {
    this.#end = 'waiting';
    this.#tell();
  }

  #tell(): void {
    if (this.#end !== 'waiting' || this.destroyed || this.readableLength > 0) return;
    this.#end = 'ended';
    const { neighbours, destination } = this.outlet;
    if (neighbours.length > 0) {
      this.#hand(new Batch(undefined, this.#fault));
      if (!this.#blocked) this.#answer();
    } else if (this.gives === 'bytes' && destination !== undefined) {
      // The output is closed: tell every stage before this one to stop working.
      for (let one = this.#source; one !== undefined && !one.destroyed; one = one.#source)
        one.#end = 'abandoned';
      endBehind(this, destination, () => this.#delivered());
      this.#endOutput();
      // Without a reader, 'end' would never come.
      this.resume();
    } else {
      // A consumer that took items in this turn can use them before the error.
      process.nextTick(() => this.destroy(this.#fault));
    }
  }

  #endOutput(): void {
    this.#end = 'ended';
    this.push(null);
    if (!this.#inputEnded) this.linger();
  }

  /** The destination has taken everything: the fault may be reported once the input has ended. */
  #delivered(): void {
    this.#end = 'delivered';
    if (!this.#inputEnded) return;
    if (this.#callback !== undefined) this.#answer();
    else this.destroy(this.#fault);
  }

  // ─── Between stages ─────────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  get takesBatches(): boolean {
    return (
      this.takes !== 'bytes' &&
      this._write === Stage.prototype._write &&
      this._transform === Transform.prototype._transform
    );
  }

  /** @internal */
  goOn(): void {
    this.#blocked = false;
    this.#run();
  }

  /** @internal */
  follow(source: Neighbour): void {
    this.#source = source as Stage;
    if (this.#frameWatch !== undefined) this.#source.watchFrames(this.#frameWatch);
    if (this.#steering !== undefined) this.#source.steer(this.#steering);
  }

  // Functions, not closures: shared by all stages.
  static #runDeferred(stage: Stage): void {
    if (stage.#deferred) stage.#run();
  }

  static #tellWaiting(stage: Stage): void {
    stage.#tell();
  }
}

/** Whether a stage keeps nothing of its input. */
function hasLetGo(stage: Neighbour): boolean {
  return isTrusted(stage, TAKING) && stage.writableLength === 0;
}

/** The frames of a batch, each as a view of its own. */
function framesOf({ bytes, bounds, count }: FrameBatch): Buffer[] {
  return Array.from({ length: count }, (_, i) => bytes.subarray(bounds[2 * i]!, bounds[2 * i + 1]!));
}

/** One frame as a batch. */
export function batchOf(frame: Uint8Array): FrameBatch {
  const bytes = asBuffer(frame);
  return { bytes, bounds: [0, bytes.length], count: 1, runStart: 0, runEnd: bytes.length };
}
