import type { Readable, Transform } from 'node:stream';
import { isTrusted, TAKING } from '../bytes/trust.ts';
import type { Line } from '../protocol/session/line.ts';

/** What a stage takes or gives: bytes, frames, or messages. */
export type Matter = 'bytes' | 'frames' | 'messages';

/**
 * What one stage hands to the next in place of single items: the items of one chunk, the fault after them, or the line of the
 * messages that follow.
 */
export class Batch {
  readonly items: unknown;
  readonly fault: Error | undefined;
  readonly line: Line | undefined;

  constructor(items: unknown, fault?: Error, line?: Line) {
    this.items = items;
    this.fault = fault;
    this.line = line;
  }
}

/** A stage, as its neighbours know it. */
export interface Neighbour extends Transform {
  readonly takes: Matter;
  readonly gives: Matter;
  /** False for a subclass with its own `_write`, which would receive batches there. */
  readonly takesBatches: boolean;
  /** Whether it changes the line of the messages that follow when a session asks for it. */
  readonly heedsLines: boolean;
  readonly outlet: Outlet;
  /** A stage is piped to this one. */
  follow(source: Neighbour): void;
  /** The consumer that asked the stage to wait takes more now. */
  goOn(): void;
}

/** The destination of bytes: a socket, a file. */
export type Destination = NodeJS.WritableStream & {
  readonly readableLength?: number;
  readonly writableFinished?: boolean;
  readonly writableEnded?: boolean;
  readonly writableLength?: number;
  readonly destroyed?: boolean;
  /** For Node's own sockets and pipes, TLS too: the bytes that the system has not taken yet. */
  readonly _handle?: { readonly writeQueueSize?: number } | null;
};

const NONE: readonly never[] = [];

/**
 * The output of a stage.
 *
 *     only stages listen      write(batch)              one call for all items of a chunk, past both stream queues
 *     any other listener      push(item) push(item) …   like any object-mode Transform
 *
 * The listeners are counted each time there is output, so a listener that is added while data flows sees single items from then
 * on. A batch never enters a readable queue: only a stage can receive one.
 */
export class Outlet {
  /** The stages that take our batches. A stage that is piped to twice is listed twice. */
  neighbours: readonly Neighbour[] = NONE;
  /** The last other destination that the stage was piped to, for bytes. */
  destination: Destination | undefined;
  readonly #stage: Neighbour;
  /** Neighbours whose `'drain'` is awaited. */
  #draining = 0;
  /** Created when a neighbour first asks to wait: most connections never need it. */
  #onDrain: (() => void) | undefined;

  constructor(stage: Neighbour) {
    this.#stage = stage;
  }

  /** Whether a batch may bypass the queues now. */
  get isDirect(): boolean {
    const stage = this.#stage;
    const { neighbours } = this;
    return (
      neighbours.length > 0 &&
      neighbours.every((next) => next.takes === stage.gives) &&
      stage.listenerCount('data') === neighbours.length &&
      stage.listenerCount('readable') === 0 &&
      stage.readableFlowing === true &&
      stage.readableLength === 0
    );
  }

  /** Whether a neighbour has asked to wait. */
  get isWaiting(): boolean {
    return this.#draining > 0;
  }

  /** Whether bytes now go to that one destination only. */
  get isExclusive(): boolean {
    const stage = this.#stage;
    return (
      stage.listenerCount('data') === 1 &&
      stage.listenerCount('readable') === 0 &&
      stage.readableLength === 0 &&
      isTrusted(this.destination, TAKING)
    );
  }

  /** Whether the destination, or the neighbours, have taken everything they were given. */
  get isTaken(): boolean {
    if (this.#stage.readableLength > 0) return false;
    if (this.neighbours.length > 0) return this.neighbours.every((next) => next.writableLength === 0);
    return this.destination?.writableLength === 0;
  }

  /**
   * Hand a batch, or a streamed frame, to all neighbours. False if one of them asks to wait; the stage continues when none does
   * any more.
   */
  hand(batch: Batch | Readable): boolean {
    for (const next of this.neighbours) {
      if (next.write(batch)) continue;
      this.#draining++;
      this.#onDrain ??= () => this.#drained();
      next.once('drain', this.#onDrain);
    }
    return this.#draining === 0;
  }

  /** The stage is piped to a destination. */
  add(destination: Destination): void {
    const next = destination as unknown as Neighbour;
    const isStage = next.outlet instanceof Outlet;
    if (isStage) next.follow(this.#stage);
    if (isStage && this.#stage.gives !== 'bytes' && next.takesBatches) {
      // `push` would make room for sixteen more.
      this.neighbours = [...this.neighbours, next];
    } else {
      this.destination = destination;
    }
  }

  /** Give all bytes to a destination, as a pipe does, for a third of its memory. The caller handles the errors of both. */
  lead(destination: Destination): void {
    this.destination = destination;
    this.#stage.on('data', giveLed).on('end', endLed);
  }

  /** The stage is not piped to the destination any more; without one, to none. */
  remove(destination: Destination | undefined, unpipe: () => void): void {
    const isGone = (one: unknown): boolean => destination === undefined || one === destination;
    const gone = this.neighbours.filter(isGone);
    this.neighbours = this.neighbours.filter((next) => !isGone(next));
    if (isGone(this.destination)) {
      this.destination = undefined;
      this.#stage.off('data', giveLed).off('end', endLed);
    }
    unpipe();
    for (const next of gone) {
      // Its 'drain' no longer holds the stage back.
      if (!next.listeners('drain').includes(this.#onDrain!)) continue;
      next.off('drain', this.#onDrain!);
      this.#drained();
    }
  }

  #drained(): void {
    if (--this.#draining === 0) this.#stage.goOn();
  }

  /** The stage is gone. */
  clear(): void {
    this.neighbours = NONE;
  }

  /** The streams that the stage's output goes through, itself included, to the last destination. */
  get route(): readonly Destination[] {
    const [next] = this.neighbours;
    if (next !== undefined) return [this.#stage, ...next.outlet.route];
    return this.destination === undefined ? [this.#stage] : [this.#stage, this.destination];
  }
}

// Functions, not closures: shared by all stages.
function giveLed(this: Neighbour, chunk: Buffer): void {
  const { destination } = this.outlet;
  if (destination === undefined || destination.write(chunk)) return;
  this.pause();
  destination.once('drain', () => this.resume());
}

function endLed(this: Neighbour): void {
  this.outlet.destination?.end();
}
