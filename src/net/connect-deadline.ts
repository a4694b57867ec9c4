import { EventEmitter, once } from 'node:events';
import { TimeoutError } from '../errors.ts';
import { Timer } from '../streams/timer.ts';

/** How long connecting may take: until a time has passed, or a signal is aborted. */
export class ConnectDeadline {
  readonly #controller = new AbortController();
  readonly #passed: Promise<never>;
  readonly #timer: Timer | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#given?.reason);
  readonly #given: AbortSignal | undefined;

  /**
   * @param limit - in milliseconds; Infinity for no limit
   * @param state - the state of the session under way, for the error
   */
  constructor(limit: number, given: AbortSignal | undefined, state: () => string | undefined) {
    this.#given = given;
    let late: TimeoutError | undefined;
    // Node makes the error of an aborted signal.
    this.#passed = once(new EventEmitter(), '', { signal: this.signal }).catch((error) => {
      throw late ?? error;
    }) as Promise<never>;
    this.#passed.catch(() => {});
    given?.addEventListener('abort', this.#abort);
    if (given?.aborted) this.#abort();
    if (limit === Infinity) return;
    this.#timer = new Timer(limit, () => {
      const details = { limit, state: state() };
      late = new TimeoutError(
        'ERR_TIMEOUT_HANDSHAKE',
        `the session was not ready within ${limit} ms`,
        details,
      );
      this.#controller.abort(late);
    });
  }

  /** Aborted when connecting has to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The result of a part of connecting, unless the time is up first. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#passed, work]);
  }

  /** Connecting is over. */
  stop(): void {
    this.#timer?.stop();
    this.#given?.removeEventListener('abort', this.#abort);
  }
}
