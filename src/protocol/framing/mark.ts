import { show } from '../../bytes/show.ts';

/** Bytes: as text (in UTF-8), as a Uint8Array, or as numbers. */
export type Bytes = string | Uint8Array | readonly number[];

/** A copy of the bytes, since the caller may overwrite its own later. Throws a TypeError or RangeError for anything else. */
export function toBytes(name: string, value: unknown): Buffer {
  const isList = Array.isArray(value);
  if (typeof value !== 'string' && !(value instanceof Uint8Array) && !isList) {
    throw new TypeError(`${name} must be a string, a Uint8Array or an array of bytes, got ${show(value)}`);
  }
  const isByte = (byte: unknown): boolean =>
    Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) < 256;
  if (isList && !value.every(isByte))
    throw new RangeError(`${name} must be an array of integers from 0 to 255`);
  const bytes = Buffer.from(value as Uint8Array);
  if (bytes.length === 0) throw new RangeError(`${name} must have at least one byte`);
  return bytes;
}

/** The results of `Mark.compare`. */
export const DIFFERS = -1;
export const BEGINS = 0;
export const STANDS = 1;

/** Fixed bytes at the beginning of a packet; with a mask, only some of their bits count. */
export class Mark {
  readonly bytes: Buffer;
  readonly mask: Buffer | undefined;

  constructor(bytes: Buffer, mask?: Buffer) {
    this.bytes = bytes;
    this.mask = mask;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Whether the mark is at `bytes[start]`, differs, or may still come: its beginning lies before `end`. */
  compare(bytes: Uint8Array, start: number, end: number): number {
    const { bytes: mark, mask } = this;
    const there = Math.min(mark.length, end - start);
    for (let i = 0; i < there; i++) {
      const bits = mask === undefined ? 0xff : mask[i]!;
      if ((bytes[start + i]! ^ mark[i]!) & bits) return DIFFERS;
    }
    return there === mark.length ? STANDS : BEGINS;
  }

  /** Whether a packet with this mark may begin with that byte. */
  beginsWith(byte: number): boolean {
    return this.compare(Uint8Array.of(byte), 0, 1) !== DIFFERS;
  }
}
