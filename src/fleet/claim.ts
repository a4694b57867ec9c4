/** The entry in the bucket for a device's connection. Its revision is the claim's epoch. */
export interface Claim {
  /** The gateway that holds the connection; null if none does any more. */
  readonly gateway: string | null;
  /** When the device was identified, or let go: milliseconds since 1970, by the gateway's clock. */
  readonly at: number;
  /** The session's state when it was claimed. */
  readonly state?: string;
  /** The gateway that held it before, if one did. */
  readonly from?: string;
  /** Why it was let go. */
  readonly reason?: string;
}

/** The entry in the bucket for the session's state. */
export interface StateEntry {
  readonly epoch: number;
  readonly state: string;
}

/** A claim as it is stored, and its epoch. */
export interface StoredClaim extends Claim {
  readonly epoch: number;
}

/** Parse the entry of a claim; undefined if it is not one. */
export function readClaim(bytes: Uint8Array): Claim | undefined {
  const read = readObject(bytes) as Partial<Claim> | undefined;
  if (read === undefined || typeof read.at !== 'number') return undefined;
  return read.gateway === null || typeof read.gateway === 'string' ? (read as Claim) : undefined;
}

export function readState(bytes: Uint8Array): StateEntry | undefined {
  const read = readObject(bytes) as Partial<StateEntry> | undefined;
  return typeof read?.epoch === 'number' && typeof read.state === 'string' ? (read as StateEntry) : undefined;
}

/** Parse JSON; undefined for anything but an object. */
export function readObject(bytes: Uint8Array): object | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}
