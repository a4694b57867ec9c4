/** Bytes that are almost right, and a description of the difference. */
export interface NearMiss {
  readonly what: string;
  readonly bytes: Buffer;
}

/** Edits of bytes. Edits that change nothing, and edits with the same result, are left out. */
export class NearMisses {
  readonly #good: Buffer;
  readonly #seen: Set<string>;
  readonly #found: NearMiss[] = [];

  constructor(good: Buffer) {
    this.#good = good;
    this.#seen = new Set([good.toString('latin1')]);
  }

  get found(): readonly NearMiss[] {
    return this.#found;
  }

  /** The good bytes, with the bytes from `start` to `end` replaced. */
  put(what: string, start: number, end: number, bytes: Uint8Array | readonly number[]): void {
    const good = this.#good;
    this.add(what, Buffer.concat([good.subarray(0, start), Buffer.from(bytes), good.subarray(end)]));
  }

  add(what: string, bytes: Buffer): void {
    const key = bytes.toString('latin1');
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#found.push({ what, bytes });
  }
}
