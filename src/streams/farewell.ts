import { TimeoutError } from '../errors.ts';
import type { Destination } from './outlet.ts';
import { Timer } from './timer.ts';

// How an output ends while its input continues, so that the last answer arrives and no reset overtakes it.
//
//     our side      answers · farewell · FIN     their side    … further input is discarded …    FIN, or the linger timeout

/** End a destination after everything it was given; `delivered` is called when it has taken everything. */
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
 * The error that ended a stage, if there was one. A `pipeline` that ends without an error destroys the stages whose input has not
 * ended, with an error that only the pipeline made.
 */
export function endReason(error: Error | null): Error | undefined {
  if (error === null || (error as NodeJS.ErrnoException).code === 'ERR_STREAM_DESTROYED') return undefined;
  return error;
}

/**
 * The time that a peer has. In each `timeout` some of the bytes under way have to be taken; once all are, the peer has one more
 * `timeout` to end its side.
 */
export class Linger {
  readonly #route: readonly Destination[];
  readonly #timeout: number;
  readonly #cut: () => void;
  #timer: Timer | undefined;
  #isStopped = false;

  /**
   * @param route - the streams that all bytes go through, to the last destination; recorded at the start, since stages that have
   * ended are not piped to anything any more
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

  /** The amount that the system has not taken yet, in bytes and items: a change is progress. */
  #left(): number {
    // The readable side of the last stream is not ours.
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
 * The amount that a stream has not passed on, in bytes or items: a change is progress. A socket's `writableLength` does not
 * change during one large write, but its system's queue does.
 */
export function held({ writableLength = 0, _handle }: Destination): number {
  return writableLength + (_handle?.writeQueueSize ?? 0);
}
