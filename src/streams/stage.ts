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
  /** As in node:stream: bytes or items, whichever the side holds. */
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
  /**
   * Milliseconds that the peer has to end its side once we have ended ours, before the connection is cut:
   * until then what it sends is discarded, so that no reset overtakes the last answer. Default 5,000; Infinity waits for
   * ever.
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
 * The base of the stages: a Transform that takes in one chunk or item, then gives all that comes of it.
 *
 *     accept(item)          produce() produce() … undefined          a foreign stream on that side: one by one
 *     acceptBatch(items)    produceBatch() …      undefined          another stage on that side: many at once
 *
 * A stage of your own says in its constructor what it takes and gives (`'bytes'`, `'frames'` or `'messages'`), and
 * implements `accept` and `produce`; `docs/streams.md` shows how. Between stages items go in batches all the same.
 *
 * A **fault** (the input broke the protocol) is given behind the items before it, and the rest of the input is
 * discarded. A stage behind this one gets it in band. The last stage, whose bytes go to a socket or the like, ends that
 * destination, lingers (`farewell.ts`), and then is destroyed with the error. For any other consumer the fault is the
 * stream's error, after the items.
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
  /** Of the write or flush under way: called when all that came of it has been given. */
  #callback: TransformCallback | undefined;
  #inputEnded = false;
  /** Items of a batch that `accept` takes one by one, from `#index` on. */
  #items: readonly unknown[] = NONE;
  #index = 0;

  /** The run loop is under way. */
  #running = false;
  /** The consumer asked to wait, until `_read` or the neighbours' `'drain'`. */
  #blocked = false;
  /** The subclass asked to wait, until `proceed`. */
  #suspended = false;
  /** What was accepted waits for more, until the end of the turn. */
  #deferred = false;
  /** Only the system will read what is given now; undefined until it is asked for, which takes a microsecond. */
  #isPrivate: boolean | undefined;

  /** How the output ends before the input does. */
  #fault: Error | undefined;
  #closing = false;
  /**
   * `waiting`: what is before the fault has to be read. `ended`: the input is discarded. `delivered`: the destination has
   * taken all. `abandoned`: the output behind us is closed, so nothing is made any more.
   */
  #end: 'open' | 'waiting' | 'ended' | 'delivered' | 'abandoned' = 'open';
  #linger: Linger | undefined;

  constructor(takes: Matter, gives: Matter, options: StageOptions = {}) {
    // A subclass judges the options of its own.
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

  /** Take in one chunk or item; all that came of the one before it has been given. */
  protected abstract accept(item: unknown): void;

  /**
   * Take in what the stage before gives at once: an array of messages, or a `FrameBatch`. By default, `accept` takes them
   * one by one.
   */
  protected acceptBatch(items: unknown): void {
    this.#items = this.takes === 'frames' ? framesOf(items as FrameBatch) : (items as readonly unknown[]);
    this.#index = 0;
  }

  /** The next item, or undefined when nothing more comes of the input so far. */
  protected abstract produce(): Item | undefined;

  /** As many items as go into one batch, or undefined. By default, what `produce` gives; frames are given one by one. */
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

  /** The stage before met a fault: `produce` may give last items, and the fault is passed on behind them. */
  protected faulted(_fault: Error): void {}

  /** The `wire` of the framing whose runs of frames go through as they are. */
  protected get passes(): string | undefined {
    return undefined;
  }

  /**
   * Whether an item that was given is still being filled, so that more input is needed even while the consumer asks to wait.
   * @internal
   */
  protected get isFilling(): boolean {
    return false;
  }

  /** Called with whether no consumer keeps the bytes that were given: then the stage may use their memory again. */
  protected released(_isFree: boolean): void {}

  /** The messages that follow go over the line in this way. Only of a stage that `heedsLines`. */
  protected lineChanged(_line: Line): void {}

  /** What lingering too long is reported as. */
  protected lingerError(): Error | undefined {
    return this.#fault;
  }

  // ─── What a subclass may ask for ────────────────────────────────────────────────────────────────────────────

  /** Break off with a fault, once `produce` has given the items before it. The first fault stands. */
  protected fail(fault: unknown): void {
    this.#fault ??= asError(fault);
  }

  /** End the output once `produce` has given all there is; the input is discarded from then on, until it ends. */
  protected close(): void {
    this.#closing = true;
  }

  /** From now on, cut the connection when within `lingerTimeout` nothing is taken and the input has not ended. */
  protected linger(): void {
    this.#linger ??= new Linger(this.outlet.route, this.lingerTimeout, () => {
      if (this.#blocked || !this.#inputEnded) this.destroy(this.lingerError());
    });
  }

  /** `produce` has nothing to give until `proceed` is called: the write under way is not over. */
  protected suspend(): void {
    this.#suspended = true;
  }

  /** There is more to produce: after `suspend`, or unasked. */
  protected proceed(): void {
    this.#suspended = false;
    this.#run();
  }

  /**
   * Let what was accepted wait for more, until the end of this turn at the latest: so that items which come one by one
   * leave together. Asked for in `accept`; may be taken back there, with `false`, when enough has come.
   */
  protected defer(wait: boolean): void {
    if (wait && !this.#deferred) process.nextTick(Stage.#runDeferred, this);
    this.#deferred = wait;
  }

  /** Whether the consumer has asked to wait. */
  protected get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether what is produced now goes to the system alone, so that it may be a part of memory that many share. */
  protected get isPrivate(): boolean {
    this.#isPrivate ??= this.gives === 'bytes' && this.outlet.isExclusive && isTrusted(this, GIVING);
    return this.#isPrivate;
  }

  /** Whether runs of that wire go through all neighbours as they are. */
  protected passesOn(wire: string | undefined): boolean {
    return wire !== undefined && this.outlet.neighbours.every((next) => (next as Stage).passes === wire);
  }

  /** Tell from now on when a frame has begun to come and is not complete in time. The decoder of frames does it. @internal */
  watchFrames(watch: FrameWatch): void {
    this.#frameWatch = watch;
    this.#source?.watchFrames(watch);
  }

  /**
   * A session behind this stage says how what comes is read. A stage that hands on each item before it takes in the next one
   * passes it on; the decoder of frames follows it. @internal
   */
  steer(_steering: Steering): void {}

  /** Let a session steer the stages before this one. */
  protected steerSource(steering: Steering): void {
    steering.add(this);
    this.#steering = steering;
    this.#source?.steer(steering);
  }

  /**
   * Tell the stage behind this one how the messages that follow go over the line, behind what it was given before. Answers
   * false where it cannot be told.
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
      // Never a throw out of write(); and what came before it goes before it.
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
    // While neighbours drain, their 'drain' is what lets us go on.
    if (this.#blocked && !this.outlet.isWaiting) this.goOn();
  }

  // biome-ignore lint/suspicious/noExplicitAny: as node:stream types it
  override read(size?: number): any {
    if (this.#deferred) this.#run();
    const item = super.read(size);
    if (this.#end === 'waiting' && this.readableLength === 0) process.nextTick(Stage.#tellWaiting, this);
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

  /** Give what there is to give until asked to wait; then see to what follows the input. */
  #run(): void {
    // A consumer may read or send in the middle of a push: the loop that is running sees to it.
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

  /** Give the next item or batch; false when there is none. */
  #giveNext(): boolean {
    const { outlet } = this;
    if (outlet.isDirect) {
      const items = this.produceBatch();
      if (items === undefined) return false;
      const { neighbours } = outlet;
      // A frame that comes as a stream goes alone.
      this.#hand(items instanceof Readable ? items : new Batch(items));
      if (this.gives === 'frames' && isLent() && !(isTrusted(this, GIVING) && neighbours.every(hasLetGo)))
        keep();
      return true;
    }
    this.#isPrivate = undefined;
    const item = this.#next();
    if (item === undefined) return false;
    // Asked before the push: a listener for one item is gone afterwards.
    const isPrivate =
      (isLent() ? this.isPrivate : this.#isPrivate === true) && this.listenerCount('data') === 1;
    if (!this.push(item)) this.#blocked = true;
    const isFree = isPrivate && outlet.isTaken;
    // The decoder that made the messages has said whether they are views.
    if (!isFree && this.gives !== 'messages' && this.takes !== 'messages') keep();
    if (this.gives === 'bytes') this.released(isFree);
    return true;
  }

  /** The next item of all that was accepted. Never throws: what came before a failure is given before it. */
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

  /** All before the fault has been given: discard what comes, and tell it when that has been read too. */
  #breakOff(): void {
    this.#end = 'waiting';
    if (this.readableLength === 0) this.#tell();
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
      // Without a reader 'end' would never come.
      this.resume();
    } else {
      // A consumer that took items in this turn gets to use them before the error.
      process.nextTick(() => this.destroy(this.#fault));
    }
  }

  #endOutput(): void {
    this.#end = 'ended';
    this.push(null);
    if (!this.#inputEnded) this.linger();
  }

  /** The destination has taken all: the fault may be reported once the input has ended. */
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

  // Functions, not closures: one for all stages.
  static #runDeferred(stage: Stage): void {
    if (stage.#deferred) stage.#run();
  }

  static #tellWaiting(stage: Stage): void {
    stage.#tell();
  }
}

/** Whether a stage keeps nothing of what it was given. */
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
