import type { Destination, Outlet } from './outlet.ts';

// How an output ends while its input still comes: so that the last answer arrives, and no reset overtakes it.
//
//     our side    answers · farewell · FIN
//     their side  … what still comes is discarded …  FIN, or the linger timeout

/** End a destination behind all that it was given, and tell when it has taken everything. */
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
 * The time that a peer has: what is under way has to move, and once all of it has been taken, the peer has to end its
 * side, each within the timeout.
 */
export class Linger {
  readonly #outlet: Outlet;
  readonly #timeout: number;
  readonly #cut: () => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param timeout in milliseconds */
  constructor(outlet: Outlet, timeout: number, cut: () => void) {
    this.#outlet = outlet;
    this.#timeout = timeout;
    this.#cut = cut;
    this.#watch();
    outlet.last?.once('finish', () => this.#watch());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const left = this.#outlet.undelivered;
    this.#timer = setTimeout(() => {
      if (this.#outlet.undelivered === left) this.#cut();
      else this.#watch();
    }, this.#timeout);
  }
}
