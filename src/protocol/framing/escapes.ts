import { trust } from '../../bytes/trust.ts';
import type { FrameWriter } from './framing.ts';
import type { Stuffing } from './stuffing.ts';
import { requireValid, type Validity } from './validity.ts';
import { payloadLength, payloadTooLong } from './violations.ts';

/** In `EscapeTable.received`, in place of a byte that stands for itself. */
export const ESCAPE = -1;
export const IGNORED = -2;
const FORBIDDEN = -3;

/** The mapping between bytes of the payload and bytes on the wire. */
export interface EscapeRules {
  /** The escape byte: the next byte stands for another. */
  readonly escape: number;
  /** What follows `escape` for each byte that is escaped. */
  readonly codes: ReadonlyMap<number, number>;
  /** The byte that a code stands for; undefined for an invalid code. */
  decode(code: number): number | undefined;
  /** Bytes that receivers drop. */
  readonly ignored?: readonly number[] | undefined;
  /** Bytes that make a frame invalid. */
  readonly forbidden?: readonly number[] | undefined;
}

/** The rules as tables with a place for each byte. */
export class EscapeTable {
  readonly escape: number;
  /** The code after `escape` for a byte; -1 for a byte that is not escaped. */
  readonly escaped: Int16Array = new Int16Array(256).fill(-1);
  /** The byte that a code stands for; -1 for none. */
  readonly unescaped: Int16Array = new Int16Array(256).fill(-1);
  /** The meaning of a received byte: itself, or one of the three above. */
  readonly received: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => byte);

  constructor(rules: EscapeRules) {
    this.escape = rules.escape;
    for (const [byte, code] of rules.codes) this.escaped[byte] = code;
    for (let code = 0; code < 256; code++) this.unescaped[code] = rules.decode(code) ?? -1;
    for (const byte of rules.ignored ?? []) this.received[byte] = IGNORED;
    for (const byte of rules.forbidden ?? []) this.received[byte] = FORBIDDEN;
    this.received[rules.escape] = ESCAPE;
  }

  /** As `Stuffing.unstuff`. */
  unstuff(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
    const { received, unescaped } = this;
    let to = at;
    for (let i = start; i < end; i++) {
      let byte = received[source[i]!]!;
      if (byte < 0) {
        if (byte === IGNORED) continue;
        const escapeAt = i;
        if (byte === ESCAPE) {
          do i++;
          while (i < end && received[source[i]!] === IGNORED);
        }
        // If a delimiter follows the escape, the frame ends there and the escape is the error.
        byte = i < end && byte === ESCAPE ? unescaped[source[i]!]! : -1;
        if (byte === -1) return -1 - escapeAt;
      }
      target[to++] = byte;
    }
    return to;
  }

  /** Write `source[start, end)` escaped to `target[at]`; returns the offset after it. */
  stuff(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const { escaped, escape: esc } = this;
    let to = at;
    for (let i = start; i < end; i++) {
      const byte = source[i]!;
      const code = escaped[byte]!;
      if (code === -1) {
        target[to++] = byte;
      } else {
        target[to++] = esc;
        target[to++] = code;
      }
    }
    return to;
  }
}

/** The stuffing of such a table. */
export function stuffingOf(
  table: EscapeTable,
  { delimiter, startMarker, emptyFrames }: Pick<Stuffing, 'delimiter' | 'startMarker' | 'emptyFrames'>,
): Stuffing {
  return {
    delimiter,
    startMarker,
    emptyFrames,
    bound: (length) => 2 * length,
    unstuff: (target, at, source, start, end) => table.unstuff(target, at, source, start, end),
  };
}

/** Writes an opening byte if there is one, the payload escaped, and the delimiter. */
export class EscapingWriter implements FrameWriter {
  static {
    trust(EscapingWriter.prototype);
  }

  readonly #table: EscapeTable;
  readonly #opening: number | undefined;
  readonly #delimiter: number;
  readonly #emptyFrames: boolean;
  readonly #limit: number;
  readonly #validity: Validity | undefined;

  constructor(
    table: EscapeTable,
    opening: number | undefined,
    delimiter: number,
    emptyFrames: boolean,
    limit: number,
    validity: Validity | undefined,
  ) {
    this.#validity = validity;
    this.#table = table;
    this.#opening = opening;
    this.#delimiter = delimiter;
    this.#emptyFrames = emptyFrames;
    this.#limit = limit;
  }

  bound(length: number): number {
    return 2 * length + 2;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    if (end - start > this.#limit) throw payloadTooLong(end - start, this.#limit);
    if (start === end && !this.#emptyFrames) {
      throw payloadLength('payload of 0 bytes: receivers pass over empty frames', { limit: 1, actual: 0 });
    }
    requireValid(this.#validity, source, start, end);
    let to = at;
    if (this.#opening !== undefined) target[to++] = this.#opening;
    to = this.#table.stuff(target, to, source, start, end);
    target[to++] = this.#delimiter;
    return to;
  }
}
