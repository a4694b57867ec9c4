import type { Readable, Transform } from 'node:stream';
import { isTrusted, TAKING } from '../bytes/trust.ts';
import type { Line } from '../protocol/session/line.ts';

/** What a stage takes or gives: stretches of bytes, frames, or messages. */
export type Matter = 'bytes' | 'frames' | 'messages';

/**
 * What one stage hands to the next in place of single items: as many as a chunk held, or the fault behind them, or how the
 * messages that follow go over the line.
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

/** A stage, as the stages before and behind it know it. */
export interface Neighbour extends Transform {
  readonly takes: Matter;
  readonly gives: Matter;
  /** False for a subclass with a `_write` of its own, which would meet batches there. */
  readonly takesBatches: boolean;
  /** Whether it writes the messages that follow in another way when a session asks for it. */
  readonly heedsLines: boolean;
  readonly outlet: Outlet;
  /** A stage is piped to this one. */
  follow(source: Neighbour): void;
  /** The consumer that had asked the stage to wait takes more now. */
  goOn(): void;
}

/** Where bytes go: a socket, a file. */
export type Destination = NodeJS.WritableStream & {
  readonly readableLength?: number;
  readonly writableFinished?: boolean;
  readonly writableEnded?: boolean;
  readonly writableLength?: number;
  readonly destroyed?: boolean;
  /** Of Node's own sockets and pipes, TLS too: what the system has not taken yet. */
  readonly _handle?: { readonly writeQueueSize?: number } | null;
};

const NONE: readonly never[] = [];

/**
 * Where a stage gives what it makes.
 *
 *     only stages listen      write(batch)              one call for all that a chunk held, past both stream queues
 *     any other listener      push(item) push(item) …   what any object-mode Transform does
 *
 * The listeners are counted each time there is something to give, so a listener that comes while data flows sees single
 * items from then on. A batch never enters a readable queue: only a stage can meet one.
 */
export class Outlet {
  /** The stages that take our batches. A stage that is piped to twice stands here twice. */
  neighbours: readonly Neighbour[] = NONE;
  /** The last other destination that the stage was piped to: where bytes go. */
  destination: Destination | undefined;
  readonly #stage: Neighbour;
  /** Neighbours whose `'drain'` is awaited. */
  #draining = 0;
  /** Made when a neighbour first asks to wait: most connections never get there. */
  #onDrain: (() => void) | undefined;

  constructor(stage: Neighbour) {
    this.#stage = stage;
  }

  /** Whether a batch may go past the queues now. */
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

  /** Whether what is given now goes to that one destination, and no other consumer sees it. */
  get isExclusive(): boolean {
    const stage = this.#stage;
    return (
      this.neighbours.length === 0 &&
      stage.listenerCount('data') === 1 &&
      stage.listenerCount('readable') === 0 &&
      stage.readableLength === 0 &&
      isTrusted(this.destination, TAKING)
    );
  }

  /** Whether the destination, or the neighbours, have taken in all that they were given. */
  get isTaken(): boolean {
    if (this.#stage.readableLength > 0) return false;
    if (this.neighbours.length > 0) return this.neighbours.every((next) => next.writableLength === 0);
    return this.destination?.writableLength === 0;
  }

  /** Hand a batch, or a frame that comes as a stream, to all neighbours. False when one of them asks to wait; the stage goes on when none does any more. */
  hand(batch: Batch | Readable): boolean {
    for (const next of this.neighbours) {
      if (next.write(batch)) continue;
      this.#draining++;
      this.#onDrain ??= () => this.#drained();
      next.once('drain', this.#onDrain);
    }
    return this.#draining === 0;
  }

  /** The stage is piped there. */
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

  /** Give all bytes there: as a pipe does, for a third of its memory. The caller sees to the errors of both. */
  lead(destination: Destination): void {
    this.destination = destination;
    this.#stage.on('data', giveLed).on('end', endLed);
  }

  /** The stage is not piped there any more; without a destination, nowhere. */
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
      if (this.#onDrain === undefined || !next.listeners('drain').includes(this.#onDrain)) continue;
      next.off('drain', this.#onDrain);
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

  /** The stage and all behind it that its output goes through, to the last destination. */
  get route(): readonly Destination[] {
    const [next] = this.neighbours;
    if (next !== undefined) return [this.#stage, ...next.outlet.route];
    return this.destination === undefined ? [this.#stage] : [this.#stage, this.destination];
  }
}

// Functions, not closures: one for all stages.
function giveLed(this: Neighbour, chunk: Buffer): void {
  const { destination } = this.outlet;
  if (destination === undefined || destination.write(chunk)) return;
  this.pause();
  destination.once('drain', () => this.resume());
}

function endLed(this: Neighbour): void {
  this.outlet.destination?.end();
}
