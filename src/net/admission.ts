import { addressKey } from './address-key.ts';

/** The limit that keeps a new connection out. */
export type Refusal = 'maxConnections' | 'maxConnectionsPerAddress';

/**
 * Connections, counted in all and by address (`addressKey`), so that one peer cannot take all places.
 *
 * @example
 * const admission = new Admission(1_000, 10);
 * const refusal = admission.enter(socket.remoteAddress ?? '');
 * if (refusal === undefined) socket.once('close', () => admission.leave(socket.remoteAddress ?? ''));
 */
export class Admission {
  readonly #maxInAll: number;
  readonly #maxPerAddress: number;
  #inAll = 0;
  /** Empty if addresses are not limited: then they are not counted. */
  readonly #byAddress = new Map<string, number>();

  constructor(maxInAll: number, maxPerAddress: number) {
    this.#maxInAll = maxInAll;
    this.#maxPerAddress = maxPerAddress;
  }

  get count(): number {
    return this.#inAll;
  }

  /** Count one more in; or return the limit that keeps it out, and count nothing. */
  enter(address: string): Refusal | undefined {
    if (this.#inAll >= this.#maxInAll) return 'maxConnections';
    if (this.#maxPerAddress !== Infinity && address !== '') {
      const key = addressKey(address);
      const count = this.#byAddress.get(key) ?? 0;
      if (count >= this.#maxPerAddress) return 'maxConnectionsPerAddress';
      this.#byAddress.set(key, count + 1);
    }
    this.#inAll++;
    return undefined;
  }

  /** Count out a connection that was let in under this address. */
  leave(address: string): void {
    this.#inAll--;
    if (this.#maxPerAddress === Infinity || address === '') return;
    const key = addressKey(address);
    const count = this.#byAddress.get(key) ?? 0;
    if (count > 1) this.#byAddress.set(key, count - 1);
    else this.#byAddress.delete(key);
  }
}
