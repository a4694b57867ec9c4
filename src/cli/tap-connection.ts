import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Side } from '../protocol/recording/events.ts';
import { type Fault, type FaultPlan, type FaultStep, takeSteps } from '../testing/faults.ts';
import { ReadMemory } from './read-memory.ts';

/** Sees the bytes that are forwarded, after the faults. */
export interface TapObserver {
  data(from: Side, bytes: Buffer): void;
  end(from: Side): void;
  /** A fault has struck a message. The bytes that survive the fault follow. */
  fault(from: Side, fault: Fault, type: string | undefined): void;
  /** The connection is over, with the error that ended it, if any. */
  close(error: Error | undefined): void;
  /** A promise that resolves when the observer can take more; undefined if that is now. */
  busy(): Promise<void> | undefined;
  /** True if the observer keeps views of the bytes it has seen. */
  readonly keeps: boolean;
}

/**
 * Forward the bytes of two streams to each other until both have ended. If one is destroyed, so is the other.
 * Backpressure is kept in both directions.
 *
 *     client ──▶ faults ──▶ observer ──▶ server
 *     client ◀── observer ◀── faults ◀── server
 */
export function tapConnection(
  { client, server }: Readonly<Record<Side, Duplex>>,
  observer: TapObserver,
  faults?: FaultPlan,
): void {
  let open = 2;
  let cause: Error | undefined;
  const memory = new ReadMemory();
  for (const from of ['client', 'server'] as const) {
    const [source, target] = from === 'client' ? [client, server] : [server, client];
    source.on('error', (error) => {
      cause ??= error;
      reset(target);
    });
    source.once('close', () => {
      if (!source.readableEnded && !target.destroyed) target.destroy();
      if (--open === 0) observer.close(cause);
    });
    new Passage(from, source, target, observer, memory).follow(faults);
  }
}

/** One direction. */
class Passage {
  readonly #from: Side;
  readonly #source: Duplex;
  readonly #target: Duplex;
  readonly #observer: TapObserver;
  readonly #memory: ReadMemory;

  constructor(from: Side, source: Duplex, target: Duplex, observer: TapObserver, memory: ReadMemory) {
    this.#from = from;
    this.#source = source;
    this.#target = target;
    this.#observer = observer;
    this.#memory = memory;
  }

  follow(faults: FaultPlan | undefined): void {
    const source = this.#source;
    if (faults !== undefined) {
      this.#followFaults(faults);
      return;
    }
    if (!this.#observer.keeps) this.#memory.serve(source);
    source.on('data', (chunk: Buffer) => {
      const wait = this.#write(chunk);
      if (wait === undefined) return;
      source.pause();
      void wait.then(() => source.resume());
    });
    source.once('end', () => this.#end());
  }

  #followFaults(faults: FaultPlan): void {
    const source = this.#source;
    const direction = faults.direction(this.#from, (fault, type) =>
      this.#observer.fault(this.#from, fault, type),
    );
    let work: Promise<unknown> = Promise.resolve();
    let isStalled = false;
    const take = (steps: () => readonly FaultStep[]): void => {
      source.pause();
      work = work.then(async () => {
        if (!isStalled) {
          const goesOn = await takeSteps(steps(), {
            // Pieces stay apart.
            bytes: (bytes) => (this.#target.writable ? (this.#write(bytes) ?? nextTurn()) : undefined),
            end: () => this.#end(),
            reset: () => {
              reset(this.#target);
              reset(source);
            },
          });
          isStalled = !goesOn;
        }
        // After a stall, bytes are read and dropped.
        source.resume();
      });
    };
    source.on('data', (chunk: Buffer) => take(() => direction.chunk(chunk)));
    source.once('end', () => take(() => direction.end()));
  }

  /** Forward bytes. Returns a promise that resolves when more may follow; undefined if that is now. */
  #write(bytes: Buffer): Promise<void> | undefined {
    // The bytes go out before they are looked at. Their memory is not given back before this function has returned.
    const isTaken = this.#target.write(bytes, () => this.#memory.release(bytes));
    this.#observer.data(this.#from, bytes);
    const busy = this.#observer.busy();
    if (isTaken) return busy;
    return drained(this.#target).then(() => busy);
  }

  #end(): void {
    this.#observer.end(this.#from);
    this.#target.end();
  }
}

/** Destroy a stream so that a TCP peer sees a reset. */
function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  const isTcp =
    stream instanceof net.Socket && !(stream instanceof tls.TLSSocket) && stream.remoteAddress !== undefined;
  if (isTcp) stream.resetAndDestroy();
  else stream.destroy();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
    if (stream.destroyed) done();
  });
}
