import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { show } from '../bytes/show.ts';
import { requireObjectOf } from '../options.ts';
import { Backoff } from './backoff.ts';

/** The message that asks the process of a worker to finish. */
const LEAVE = 'wirepipe:leave';

/** A worker that has lived this many milliseconds did not fail at its start. */
const GROWN = 5_000;

export interface WorkersOptions {
  /** How many processes serve; one per core is useful. */
  readonly count: number;
  /** Called with each worker that died without being asked to leave. It is about to be replaced. */
  readonly onDeath?: ((pid: number | undefined, reason: string) => void) | undefined;
}

/**
 * Processes that serve the same ports, on `node:cluster`: the primary process accepts connections and hands them out, so none is
 * lost when a worker leaves (with SO_REUSEPORT, a worker's own listener loses the connections in its queue). A worker that dies
 * is replaced, and costs only its own connections.
 *
 *     primary ──fork──▶ worker: server.listen()      replace(): a new one listens, then an old one is asked to leave
 *        └── asked to leave ──▶ worker: onLeave → server.close({ … })
 *
 * @example
 * if (cluster.isPrimary) {
 *   const workers = new Workers({ count: os.availableParallelism() });
 *   process.on('SIGHUP', () => workers.replace());
 *   process.once('SIGTERM', () => workers.close());
 * } else {
 *   const server = createServer(drone);
 *   onLeave(() => server.close({ spread: 5_000, deadline: 30_000 }));
 *   await server.listen({ port: 4000 });
 * }
 */
export class Workers {
  /** Resolves when the first `count` workers listen. */
  readonly listening: Promise<void>;
  readonly #onDeath: WorkersOptions['onDeath'];
  readonly #workers = new Set<Worker>();
  readonly #leaving = new WeakSet<Worker>();
  /** The workers that have listened. */
  readonly #grown = new WeakSet<Worker>();
  readonly #backoff = new Backoff({ minDelay: 100, maxDelay: 10_000 });
  #replacing: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(options: WorkersOptions) {
    requireObjectOf('Workers', 'an object of options', options);
    const { count, onDeath } = options;
    if (!cluster.isPrimary) throw new TypeError('Workers: a worker has no workers of its own');
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new RangeError(`Workers: count must be an integer of at least 1, got ${show(count)}`);
    }
    this.#onDeath = onDeath;
    this.listening = Promise.all(Array.from({ length: count }, () => this.#start())).then(() => {});
  }

  /** The process ids of the workers that have not been asked to leave. */
  get pids(): number[] {
    return this.#staying.map(({ process }) => process.pid!);
  }

  /**
   * Replace all workers, one after the other: a new one listens before an old one is asked to leave. Resolves when all are new;
   * connections that are still leaving continue meanwhile.
   */
  replace(): Promise<void> {
    this.#replacing = this.#replacing.then(async () => {
      for (const old of this.#staying) {
        if (this.#isClosing) return;
        await this.#start();
        this.#tellToLeave(old);
      }
    });
    return this.#replacing;
  }

  /** Ask all workers to leave; resolves when they have left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const gone = [...this.#workers].map((worker) => (worker.isDead() ? undefined : once(worker, 'exit')));
    for (const worker of this.#workers) this.#tellToLeave(worker);
    await Promise.all(gone);
  }

  get #staying(): Worker[] {
    return [...this.#workers].filter((worker) => !this.#leaving.has(worker));
  }

  /** Start a worker; resolves when it listens, or has died before. */
  async #start(): Promise<void> {
    const worker = cluster.fork();
    const startedAt = performance.now();
    this.#workers.add(worker);
    worker.on('error', () => {});
    const ready = new Promise<void>((resolve) => {
      worker
        .once('exit', () => resolve())
        .once('listening', () => {
          this.#grown.add(worker);
          resolve();
        });
    });
    worker.once('exit', (code, signal) => {
      this.#workers.delete(worker);
      if (this.#leaving.has(worker) || this.#isClosing) return;
      this.#onDeath?.(worker.process.pid, signal ?? `status ${code}`);
      if (performance.now() - startedAt >= GROWN) this.#backoff.reset();
      setTimeout(() => {
        if (!this.#isClosing) void this.#start();
      }, this.#backoff.next());
    });
    await ready;
  }

  #tellToLeave(worker: Worker): void {
    this.#leaving.add(worker);
    // A worker that does not listen yet may not receive messages yet, either.
    if (this.#grown.has(worker) && worker.isConnected()) worker.send(LEAVE, () => {});
    else worker.process.kill();
  }
}

/**
 * In a worker, before it listens: what to do when the primary, SIGINT or SIGTERM asks it to leave. The process ends when that is
 * done.
 */
export function onLeave(leave: () => Promise<unknown>): void {
  let isLeaving = false;
  const go = (): void => {
    if (isLeaving) return;
    isLeaving = true;
    void leave().finally(quit);
  };
  process.on('message', (message) => {
    if (message === LEAVE) go();
  });
  process.on('disconnect', go);
  process.on('SIGINT', go).on('SIGTERM', go);
}

/** End this worker once its primary has noticed: connections on their way to it have gone to another worker by then. */
function quit(): void {
  const { worker } = cluster;
  if (!worker?.isConnected()) process.exit(0);
  process.once('disconnect', () => process.exit(0));
  // The primary may have died meanwhile.
  worker.once('error', () => process.exit(0));
  worker.disconnect();
}
