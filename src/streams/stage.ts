import { Transform, type TransformCallback, type TransformOptions } from 'node:stream';

export interface StageOptions {
  /** As in node:stream: bytes or items, whichever the side holds. */
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
  /**
   * Milliseconds that the peer has to end its side once we have ended ours, before the connection is cut:
   * until then what it sends is discarded, so that no reset overtakes the last answer. Default 5,000.
   */
  lingerTimeout?: number | undefined;
}

const DEFAULT_LINGER_TIMEOUT = 5_000;

const NONE: readonly never[] = [];

/**
 * Object-mode input held by a stage: two, since one of them may be a batch that holds all the messages of a
 * chunk.
 */
const ITEMS_HELD = 2;

/** A neighbour takes batches of the kind that we give: offsets into a chunk, or an array. */
type BatchKind = 'frames' | 'messages';

/** What one neighbour hands to the next in place of single items: a chunk's worth of them, or a fault. */
class Batch {
  readonly items: unknown;
  readonly fault: Error | undefined;

  constructor(items: unknown, fault?: Error) {
    this.items = items;
    this.fault = fault;
  }
}

/**
 * The base of the stages: a Transform that takes in a chunk, and gives what comes of it in one of two ways.
 *
 *     consumers are all stages       write(batch)              one call per chunk, past both stream queues
 *     anyone else among them         push(item) push(item) …   what any object-mode Transform does
 *
 * It asks who listens each time it has something to give, so a listener that comes while data flows sees single
 * items from the next one on. A batch never enters the readable queue: nobody but a stage can meet one.
 *
 * A **fault** — the input broke the protocol — is given after the items before it, and the rest of the input is
 * discarded. A neighbouring stage gets it in band. The last stage, whose bytes go to a socket or the like, ends
 * that destination, waits until it has taken everything and the peer has ended too (or the linger timeout passed),
 * and then is destroyed with the error. To any other consumer the fault is the stream's error, after the items.
 *
 * A subclass says what it takes in (`accept`, `acceptBatch`) and gives what comes of it, one item (`produce`) or as
 * many as go into one batch (`produceBatch`), until there is no more.
 */
export abstract class Stage<Item = unknown, Items = unknown> extends Transform {
  /** The stages that we are piped to; how many pipes there are is not kept, but counted by their listeners. */
  #neighbours: readonly Stage[] = NONE;
  /** Joined to the neighbour without a pipe. */
  #joined = false;
  /** Where bytes go: the last non-stage (or, for bytes, any) destination that we were piped to. */
  #destination: Destination | undefined;
  /** The stage that pipes to us, and what it is to watch for us. */
  #source: Stage | undefined;
  #frameWatch: FrameWatch | undefined;
  /** Of the write or flush under way: called when all that came of it has been given. */
  #callback: TransformCallback | undefined;
  /** The consumer told us to stop, until `_read` or the neighbours' `'drain'`. */
  #blocked = false;
  #draining = 0;
  #running = false;
  #suspended = false;
  #deferred = false;
  #inputEnded = false;
  /** Input is discarded: a fault has been given, or the output is closed. */
  #discarding = false;
  #closing = false;
  /** Nobody behind us takes anything any more. */
  #abandoned = false;
  #fault: Error | undefined;
  /** A fault that waits for the readable side to be read. */
  #waiting = false;
  #flushed = false;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Told by who lends us memory, or takes ours back. */
  #isSink: IsSink | undefined;
  /** Since then, something was given to somebody who may keep it: from now on that memory is theirs. */
  #exposed = false;
  protected readonly lingerTimeout: number;

  constructor(options: StageOptions, transform: TransformOptions) {
    super({
      ...transform,
      highWaterMark: undefined,
      readableHighWaterMark: options.readableHighWaterMark,
      writableHighWaterMark:
        options.writableHighWaterMark ??
        (transform.writableObjectMode || transform.objectMode ? ITEMS_HELD : undefined),
    } as TransformOptions);
    this.lingerTimeout = options.lingerTimeout ?? DEFAULT_LINGER_TIMEOUT;
  }

  /** What the batches of `produceBatch` hold; undefined where none are given. */
  protected get gives(): BatchKind | undefined {
    return undefined;
  }

  /** What `acceptBatch` takes. */
  protected get takes(): BatchKind | undefined {
    return undefined;
  }

  /** The `wire` of the framing whose runs of frames go through as they are. */
  protected get passes(): string | undefined {
    return undefined;
  }

  /** Whether runs of that wire go through all stages that we are piped to, as they are. */
  protected passesOn(wire: string | undefined): boolean {
    return wire !== undefined && this.#neighbours.every((next) => next.passes === wire);
  }

  /** Take in one chunk or item; all that came of the one before it has been given. */
  protected abstract accept(chunk: unknown): void;

  /** Take in what a neighbour's `produceBatch` gave. */
  protected acceptBatch(_items: unknown): void {}

  /** The next item, or undefined when nothing more comes of the input so far. */
  protected abstract produce(): Item | undefined;

  /** As `produce`, as many items as there are. Only asked of a stage whose readable side is in object mode. */
  protected produceBatch(): Items | undefined {
    return undefined;
  }

  /** The input has ended: what comes of that may be produced, or `fail` called. */
  protected acceptEnd(): void {}

  /**
   * The stage before us met a fault; what came before it has been given. Then `produce` may give last items, and the
   * fault is passed on.
   */
  protected acceptFault(_fault: Error): void {}

  /** Break off with a fault, once `produce` has given the items before it. The first one stands. */
  protected fail(fault: Error): void {
    this.#fault ??= fault;
  }

  /** End the output once `produce` has given all there is; the input is discarded from then on, until it ends. */
  protected close(): void {
    this.#closing = true;
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
   * Let what was accepted wait for more, until the end of this turn at the latest: so that items which come one by
   * one leave together. Asked for in `accept`; may be taken back there, with `false`, when enough has come.
   */
  protected defer(wait: boolean): void {
    if (wait && !this.#deferred) process.nextTick(proceed, this);
    this.#deferred = wait;
  }

  /** The consumer has told us to stop. */
  protected get blocked(): boolean {
    return this.#blocked;
  }

  /** From now on, tell when a frame has begun to come and is not complete in time; for the decoder of frames to do. */
  protected watchFrames(watch: FrameWatch): void {
    this.#frameWatch = watch;
    this.#source?.watchFrames(watch);
  }

  /** What lingering too long is reported as. */
  protected lingerError(): Error | undefined {
    return this.#fault;
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (this.#discarding) {
      callback();
      return;
    }
    try {
      if (!(chunk instanceof Batch)) {
        this.accept(chunk);
      } else if (chunk.fault === undefined) {
        this.acceptBatch(chunk.items);
      } else {
        this.fail(chunk.fault);
        this.acceptFault(chunk.fault);
      }
    } catch (error) {
      // Never a throw out of write(); and what came before it goes before it.
      this.fail(error as Error);
      this.#deferred = false;
    }
    if (this.#deferred && !this.#blocked) {
      callback();
      return;
    }
    this.#callback = callback;
    this.#run();
  }

  override _read(): void {
    // While neighbours drain, their 'drain' is what lets us go on.
    if (this.#blocked && this.#draining === 0) {
      this.#blocked = false;
      this.#run();
    }
  }

  override _flush(callback: TransformCallback): void {
    this.#inputEnded = true;
    this.#callback = callback;
    if (!this.#discarding) this.acceptEnd();
    this.#run();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#lingerTimer);
    this.#neighbours = NONE;
    callback(error);
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    if (!(destination instanceof Stage && this.#meet(destination))) this.#destination = destination;
    return super.pipe(destination, options);
  }

  /** Know a stage that we are piped to; false where it does not take our batches. */
  #meet(stage: Stage): boolean {
    stage.#source = this;
    if (stage.#frameWatch !== undefined) this.watchFrames(stage.#frameWatch);
    if (this.gives === undefined || !takesBatches(stage)) return false;
    // Not by `push`, which makes room for sixteen more.
    this.#neighbours = [...this.#neighbours, stage];
    return true;
  }

  /**
   * As `from.pipe(to)`, for a fraction of the memory, between two stages that nobody else listens to. As soon as
   * somebody does, it becomes that pipe. Errors are the caller's to see to.
   */
  static join(from: Stage, to: Stage): void {
    if (from.gives === undefined || from.gives !== to.takes) {
      from.pipe(to);
      return;
    }
    from.#meet(to);
    from.#joined = true;
    from.on('end', endNeighbours);
    from.resume();
  }

  #becomePipes(): void {
    this.#joined = false;
    this.off('end', endNeighbours);
    for (const stage of this.#neighbours) super.pipe(stage);
  }

  static endNeighbours(stage: Stage): void {
    for (const next of stage.#neighbours) next.end();
  }

  override unpipe(destination?: NodeJS.WritableStream): this {
    if (this.#joined) this.#becomePipes();
    const gone = this.#neighbours.filter((stage) => destination === undefined || destination === stage);
    const left = this.#destination !== undefined && (destination ?? this.#destination) === this.#destination;
    if (gone.some(Stage.mayKeep) || (left && this.#destination?.writableLength !== 0)) this.#exposed = true;
    this.#neighbours = this.#neighbours.filter((stage) => !gone.includes(stage));
    if (destination === undefined || destination === this.#destination) this.#destination = undefined;
    super.unpipe(destination);
    for (const stage of gone) {
      // Its 'drain' shall not hold us any more.
      if (this.#onDrain === undefined || !stage.listeners('drain').includes(this.#onDrain)) continue;
      stage.off('drain', this.#onDrain);
      this.#drained();
    }
    return this;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as node:stream types it
  override read(size?: number): any {
    if (this.#deferred) this.#run();
    // Only the stream itself reads what flows; anyone else reads for himself.
    const isHeard = this.#isSink !== undefined && !(this.#flows && this.#givesTo(this.#isSink));
    const item = super.read(size);
    if (isHeard && item !== null) this.#exposed = true;
    if (this.#waiting && this.readableLength === 0) process.nextTick(settle, this);
    return item;
  }

  /** Whether a batch may go past the queues now. */
  get #direct(): boolean {
    if (this.#joined) {
      if (this.listenerCount('data') === 0 && this.listenerCount('readable') === 0) return true;
      this.#becomePipes();
    }
    const count = this.#neighbours.length;
    return (
      count > 0 &&
      this.#neighbours.every((stage) => stage.takes === this.gives) &&
      this.listenerCount('data') === count &&
      this.readableFlowing === true &&
      this.readableLength === 0 &&
      this.listenerCount('readable') === 0
    );
  }

  /** Give what there is to give until told to stop; then see to what follows the input. */
  #run(): void {
    // A consumer may read or send in the middle of a push: the loop that is running sees to it.
    if (this.#running || this.destroyed) return;
    this.#running = true;
    this.#deferred = false;
    try {
      while (!this.#blocked && !this.#suspended && !this.#abandoned) {
        if (this.#direct) {
          const items = this.produceBatch();
          if (items === undefined) break;
          this.#hand(new Batch(items));
        } else {
          const item = this.produce();
          if (item === undefined) break;
          this.#heed();
          if (!this.push(item)) this.#blocked = true;
          else if (this.#isSink !== undefined && this.#isGone) this.reclaim();
        }
      }
    } catch (error) {
      this.#running = false;
      this.destroy(error as Error);
      return;
    }
    this.#running = false;
    if (this.#blocked || this.#suspended) return;
    if (!this.#discarding) {
      if (this.#fault !== undefined) this.#conclude();
      else if (this.#closing) this.#end();
    }
    this.#answer();
  }

  /** The write is over; so is the flush, unless a fault has still to be told. */
  #answer(): void {
    const callback = this.#callback;
    if (callback === undefined) return;
    if (this.#inputEnded && this.#fault !== undefined) {
      if (this.#waiting) return;
      if (this.#flushed) {
        this.#callback = undefined;
        callback(this.#fault);
        return;
      }
      if (!this.#inBand) return;
    }
    this.#callback = undefined;
    callback();
  }

  #hand(batch: Batch): void {
    for (const stage of this.#neighbours) {
      if (stage.write(batch)) continue;
      this.#draining++;
      this.#blocked = true;
      this.#onDrain ??= () => this.#drained();
      stage.once('drain', this.#onDrain);
    }
  }

  /** Made when a neighbour first tells us to stop: most connections never get there. */
  #onDrain: (() => void) | undefined;

  #drained(): void {
    if (--this.#draining > 0) return;
    this.#blocked = false;
    this.#run();
  }

  get #inBand(): boolean {
    return this.#neighbours.length > 0;
  }

  /** A fault, and all before it has been given: discard what comes, and tell. */
  #conclude(): void {
    this.#discarding = true;
    this.#waiting = true;
    if (this.readableLength === 0) this.#settle();
  }

  /** All before the fault has been read: tell it. */
  #settle(): void {
    if (!this.#waiting || this.destroyed || this.readableLength > 0) return;
    this.#waiting = false;
    if (this.#inBand) {
      this.#hand(new Batch(undefined, this.#fault));
      if (!this.#blocked) this.#answer();
    } else if (!this.readableObjectMode && this.#destination !== undefined) {
      this.#farewell(this.#destination);
    } else {
      // Items that a consumer took in this turn are its own before the error comes.
      process.nextTick(() => this.destroy(this.#fault));
    }
  }

  /**
   * Whether what comes of the input holds no view of it, so that its memory may be used again once it was taken in.
   */
  protected get letsGo(): boolean {
    return false;
  }

  /** Nobody has a view any more of what was given: memory of our own that it lies in may be used again. */
  protected reclaim(): void {}

  /** Whether bytes go to that one destination, and nobody else sees them. */
  #givesTo(isSink: IsSink): boolean {
    const destination = this.#destination;
    return (
      destination !== undefined &&
      this.#neighbours.length === 0 &&
      this.listenerCount('data') === 1 &&
      this.listenerCount('readable') === 0 &&
      isSink(destination)
    );
  }

  get #flows(): boolean {
    const state = (this as unknown as { _readableState: { resumeScheduled?: boolean } })._readableState;
    return this.readableFlowing === true && state.resumeScheduled !== true;
  }

  /** Whether the sink has taken all that it was given, and it alone. */
  get #isGone(): boolean {
    return !this.#exposed && this.readableLength === 0 && this.#destination?.writableLength === 0;
  }

  /** Something is given singly: who is no sink may keep it for good. */
  #heed(): void {
    if (this.#isSink !== undefined && !this.#givesTo(this.#isSink)) this.#exposed = true;
  }

  static mayBorrow(stage: Stage, isSink: IsSink): boolean {
    stage.#isSink = isSink;
    // One with a method of its own here may do anything.
    if (stage._write !== Stage.prototype._write || stage.push !== Stage.prototype.push) return false;
    if (stage.letsGo) return true;
    // Messages go to handlers, and these are somebody else's code.
    if (stage.gives === 'messages' || stage.#exposed) return false;
    if (stage.#direct) return stage.#neighbours.every((next) => Stage.mayBorrow(next, isSink));
    return stage.readableLength === 0 && stage.#givesTo(isSink);
  }

  static hasLetGo(stage: Stage, isSink: IsSink): boolean {
    stage.#isSink = isSink;
    if (stage.#deferred) stage.#run();
    let gone = stage.readableLength === 0;
    for (const next of stage.#neighbours) gone = Stage.hasLetGo(next, isSink) && gone;
    if (stage.#neighbours.length === 0) gone &&= stage.#givesTo(isSink) && stage.#isGone;
    gone &&= !stage.#exposed;
    if (gone) stage.reclaim();
    return stage.writableLength === 0 && (stage.letsGo || (gone && stage.gives !== 'messages'));
  }

  /** Whether somebody has, or may still get, what came of the stage's input, for whom nobody will ask us. */
  static mayKeep(stage: Stage): boolean {
    if (stage.letsGo) return stage.writableLength > 0;
    return (
      stage.#exposed ||
      stage.gives === 'messages' ||
      stage.readableLength + stage.writableLength > 0 ||
      (stage.#destination !== undefined && stage.#destination.writableLength !== 0) ||
      stage.#neighbours.some(Stage.mayKeep)
    );
  }

  static settle(stage: Stage): void {
    stage.#settle();
  }

  static proceed(stage: Stage): void {
    if (stage.#deferred) stage.#run();
  }

  /** The last stage: end the destination, and tell the fault when it has taken all and the peer has ended. */
  #farewell(destination: Destination): void {
    this.#abandon();
    const told = (): void => {
      if (this.#inputEnded && this.#callback !== undefined) this.#answer();
      else if (this.#inputEnded) this.destroy(this.#fault);
    };
    const flushed = (): void => {
      this.#flushed = true;
      told();
    };
    this.once('end', () => {
      if (destination.writableFinished || destination.destroyed || !destination.writableEnded) flushed();
      else destination.once('finish', flushed);
    });
    this.#end();
    // Nobody may be reading on, so that 'end' would never come: bytes were all given, see #settle.
    this.resume();
  }

  /** End the output, and give the peer until the linger timeout to end the input. */
  #end(): void {
    this.#discarding = true;
    this.push(null);
    if (this.#inputEnded) return;
    this.#linger();
    this.#last?.once('finish', () => this.#linger());
  }

  /**
   * Cut the connection when for `lingerTimeout` nothing of what is still under way is taken; or, when all has been
   * taken, the peer has not ended its side.
   */
  #linger(): void {
    clearTimeout(this.#lingerTimer);
    if (this.destroyed) return;
    const left = this.#undelivered();
    this.#lingerTimer = setTimeout(() => {
      if (this.#undelivered() === left) this.destroy(this.lingerError());
      else this.#linger();
    }, this.lingerTimeout);
  }

  /** What is held between here and the last destination: bytes and items, so that it tells progress and no more. */
  #undelivered(): number {
    const [next] = this.#neighbours;
    const behind = next === undefined ? (this.#destination?.writableLength ?? 0) : next.#undelivered();
    return this.readableLength + this.writableLength + behind;
  }

  /** Where all of it goes in the end. */
  get #last(): Destination | undefined {
    const [next] = this.#neighbours;
    return next === undefined ? this.#destination : next.#last;
  }

  /** Whatever still comes, nobody can answer any more: what stands before us shall not even try. */
  #abandon(): void {
    const source = this.#source;
    if (source === undefined || source.destroyed) return;
    source.#discarding = source.#abandoned = true;
    source.#abandon();
  }
}

/** How long a frame may take to come, and who wants to know that it took longer. */
export interface FrameWatch {
  /** Milliseconds; Infinity ends the watch. */
  readonly limit: number;
  late(): void;
}

/** Where bytes go. */
export type Destination = NodeJS.WritableStream & {
  writableFinished?: boolean;
  writableEnded?: boolean;
  writableLength?: number;
  destroyed?: boolean;
};

/** Whether a destination keeps nothing of what it has taken. */
type IsSink = (destination: Destination) => boolean;

// Functions, not closures: one for all, whoever waits for the end of the turn.
const { settle, proceed } = Stage;

function endNeighbours(this: Stage): void {
  Stage.endNeighbours(this);
}

/** As `stages[0].pipe(stages[1]).pipe(…)`, for a fraction of the memory; whoever does it sees to the errors. */
export function join(...stages: readonly Stage[]): void {
  for (let i = 1; i < stages.length; i++) Stage.join(stages[i - 1]!, stages[i]!);
}

/**
 * For who lends a stage the memory of what is written to it (`net/lent-reads.ts`): whether everyone behind it lets go of
 * that memory once they have taken it in. `isSink` tells the destinations that keep nothing of what they have taken.
 */
export const mayBorrow: (stage: Stage, isSink: IsSink) => boolean = Stage.mayBorrow;

/**
 * Whether nothing of what was lent is held any more. What waits for the end of the turn is given first, and the memory
 * of what a sink has taken is used again.
 */
export const hasLetGo: (stage: Stage, isSink: IsSink) => boolean = Stage.hasLetGo;

/** A subclass with a `_write` or `_transform` of its own would meet batches there: it gets single items. */
function takesBatches(stage: Stage): boolean {
  return (
    stage.writableObjectMode &&
    stage._write === Stage.prototype._write &&
    stage._transform === Transform.prototype._transform
  );
}
