import { FleetError } from '../errors.ts';
import { type Claim, readClaim, type StoredClaim } from './claim.ts';
import type { FleetLink } from './link.ts';

/** A claim that was made. */
export interface Claimed {
  readonly epoch: number;
  /** The claim of another connection that it has taken over, if that was still held. */
  readonly previous: StoredClaim | undefined;
}

/** How often a claim that another one overtakes is tried again: each time one of them has succeeded. */
const ATTEMPTS = 100;

/**
 * Which gateway holds the connection of a device: one entry for each device, which is only changed by comparing its revision. The
 * revision of a claim is its epoch.
 */
export class Claims {
  readonly #link: FleetLink;

  constructor(link: FleetLink) {
    this.#link = link;
  }

  /** The last claim of a device, or how it was let go; undefined: it has never been claimed. What is no claim counts as let go. */
  async find(token: string): Promise<StoredClaim | undefined> {
    const entry = await this.#link.bucket.get(this.#link.places.claim(token));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    return { ...(readClaim(entry.value) ?? NO_CLAIM), epoch: entry.revision };
  }

  /**
   * Claim a device, over any other claim.
   *
   * @param since - when the connection was known, in milliseconds since 1970
   * @param isWanted - whether the connection is still there, and not taken over: asked before each attempt
   * @returns undefined where it is not wanted any more
   */
  async claim(
    token: string,
    gateway: string,
    since: number,
    state: string,
    isWanted: () => boolean,
  ): Promise<Claimed | undefined> {
    const key = this.#link.places.claim(token);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (!isWanted()) return undefined;
      const found = await this.find(token);
      if (!isWanted()) return undefined;
      const previous = found === undefined || found.gateway === null ? undefined : found;
      const claim: Claim = {
        gateway,
        at: since,
        state,
        ...(previous !== undefined && { from: previous.gateway! }),
      };
      const epoch = await this.#update(key, claim, found?.epoch ?? 0);
      if (epoch !== undefined) return { epoch, previous };
    }
    throw new FleetError('ERR_FLEET_UNREACHABLE', `a claim was overtaken ${ATTEMPTS} times`);
  }

  /** Let a device go, unless another claim has taken it over. */
  async release(token: string, epoch: number, reason: string): Promise<void> {
    await this.#update(this.#link.places.claim(token), { gateway: null, at: Date.now(), reason }, epoch);
  }

  /** The new revision; undefined where the entry has another one than that. */
  async #update(key: string, claim: Claim, revision: number): Promise<number | undefined> {
    try {
      return await this.#link.bucket.put(key, JSON.stringify(claim), { previousSeq: revision });
    } catch (error) {
      if ((error as { code?: unknown }).code === WRONG_REVISION) return undefined;
      throw error;
    }
  }
}

const NO_CLAIM: Claim = { gateway: null, at: 0, reason: 'what stands there is no claim' };
const WRONG_REVISION = 10_071;
