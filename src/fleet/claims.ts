import { FleetError } from '../errors.ts';
import { type Claim, readClaim, type StoredClaim } from './claim.ts';
import type { FleetLink } from './link.ts';

/** A successful claim. */
export interface Claimed {
  readonly epoch: number;
  /** The claim of another connection that it replaced, if that connection was still held. */
  readonly previous: StoredClaim | undefined;
}

/** The most attempts at a claim that others keep overtaking. Each time, one of the others has succeeded. */
const ATTEMPTS = 100;

/**
 * Which gateway holds the connection of a device: one entry for each device, changed only by compare-and-set on its revision. The
 * revision of a claim is its epoch.
 */
export class Claims {
  readonly #link: FleetLink;

  constructor(link: FleetLink) {
    this.#link = link;
  }

  /** The last claim of a device, held or let go; undefined if it was never claimed. An invalid entry counts as let go. */
  async find(token: string): Promise<StoredClaim | undefined> {
    const entry = await this.#link.bucket.get(this.#link.places.claim(token));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    return { ...(readClaim(entry.value) ?? NO_CLAIM), epoch: entry.revision };
  }

  /**
   * Claim a device, replacing any other claim.
   *
   * @param since - when the device was identified, in milliseconds since 1970
   * @param isWanted - whether the connection still exists and was not taken over; called before each attempt
   * @returns undefined if it is not wanted any more
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
      const epoch = await this.#link.update(key, claim, found?.epoch ?? 0);
      if (epoch !== undefined) return { epoch, previous };
    }
    throw new FleetError('ERR_FLEET_UNREACHABLE', `a claim was overtaken ${ATTEMPTS} times`);
  }

  /** Let a device go, unless another claim has taken it over. */
  async release(token: string, epoch: number, reason: string): Promise<void> {
    const claim: Claim = { gateway: null, at: Date.now(), reason };
    await this.#link.update(this.#link.places.claim(token), claim, epoch);
  }
}

const NO_CLAIM: Claim = { gateway: null, at: 0, reason: 'the entry is not a claim' };
