import type { StoredClaim } from './claim.ts';

/** The claims looked up last. An outdated claim does no harm: its gateway refuses, and the claim is looked up again. */
export class ClaimCache {
  readonly #most: number;
  readonly #claims = new Map<string, StoredClaim>();

  constructor(most: number) {
    this.#most = most;
  }

  get(token: string): StoredClaim | undefined {
    return this.#claims.get(token);
  }

  set(token: string, claim: StoredClaim): void {
    this.#claims.delete(token);
    this.#claims.set(token, claim);
    if (this.#claims.size <= this.#most) return;
    const [oldest] = this.#claims.keys();
    this.#claims.delete(oldest!);
  }

  delete(token: string): void {
    this.#claims.delete(token);
  }
}
