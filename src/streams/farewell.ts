import { TimeoutError } from '../errors.ts';
import type { Destination } from './outlet.ts';
import { Timer } from './timer.ts';

// How an output ends while its input still comes: so that the last answer arrives, and no reset overtakes it.
//
//     our side      answers · farewell · FIN
//     their side    … what still comes is discarded …    FIN, or the linger timeout

/** End a destination behind all that it was given; `delivered` is called when it has taken everything. */
export function endBehind(
  source: NodeJS.ReadableStream,
  destination: Destination,
  delivered: () => void,
): void {
  source.once('end', () => {
    const { writableFinished, writableEnded, destroyed } = destination;
    if (writableFinished || destroyed || !writableEnded) delivered();
    else destination.once('finish', delivered);
  });
}

/**
 * What ended a stage, if that was an error. A `pipeline` that ends without one destroys the stages whose input has not ended, with
 * an error that is only its own.
 */
export function endReason(error: Error | null): Error | undefined {
  if (error === null || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_DESTROYED') return undefined;
  return error;
}

/**
 * The time that a peer has. In each `timeout` some of what is under way has to be taken; once all of it has been, the peer
 * has one more to end its side.
 */
export class Linger {
  readonly #route: readonly Destination[];
  readonly #timeout: number;
  readonly #cut: () => void;
  #timer: Timer | undefined;
  #isStopped = false;

  /**
   * @param route - what all goes through, to the last destination; noted at the start, since stages that have ended are
   *   not piped to anything any more
   * @param timeout - in milliseconds; Infinity waits forever
   * @param cut - called for each timeout in which nothing has happened, until `stop`
   */
  constructor(route: readonly Destination[], timeout: number, cut: () => void) {
    this.#route = route;
    this.#timeout = timeout;
    this.#cut = cut;
    this.#watch();
    this.#route.at(-1)?.once('finish', () => this.#watch());
  }

  stop(): void {
    this.#timer?.stop();
    this.#isStopped = true;
  }

  #watch(): void {
    this.#timer?.stop();
    if (this.#isStopped || this.#timeout === Infinity) return;
    const before = this.#left();
    this.#timer = new Timer(this.#timeout, () => {
      if (this.#left() === before) this.#cut();
      this.#watch();
    });
  }

  /** What the system has not taken yet, in bytes and items: when it changes there is progress. */
  #left(): number {
    // What the last one has for reading is not ours.
    const last = this.#route.length - 1;
    return this.#route.reduce(
      (sum, stream, i) => sum + held(stream) + (i < last ? stream.readableLength! : 0),
      0,
    );
  }
}

/** A peer did not end its side in time. */
export function lingered(state: string, limit: number): TimeoutError {
  const text = `the peer has not ended its side within ${limit} ms of our end, in state '${state}'`;
  return new TimeoutError('ERR_TIMEOUT_STATE', text, { limit, state });
}

/**
 * What a stream has not passed on, in bytes or items: when it changes there is progress. A socket's `writableLength` stands
 * still during one large write, its system's queue does not.
 */
export function held({ writableLength = 0, _handle }: Destination): number {
  return writableLength + (_handle?.writeQueueSize ?? 0);
}
