import { literal } from '../engine/code.ts';
import type {
  Decoding,
  Encoding,
  Extent,
  Givens,
  Known,
  Numbers,
  Range,
  Reading,
  Reference,
  Size,
  Slots,
  Tag,
  TagSource,
  Use,
  Writing,
} from '../kind.ts';
import { NO_BYTES } from './no-bytes.ts';

/** The range of a field that is not known yet. */
export const UNKNOWN: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** The value of a field as a size. A value that is not a bigint stays as it is. */
export function toNumber(value: unknown): unknown {
  // A bigint that a number does not hold exactly is larger than any maximum, rounded or not.
  return typeof value === 'bigint' ? Number(value) : value;
}

/** As `toNumber`; a bigint that a number does not hold exactly stays as it is, for the error. */
export function toSize(value: unknown): unknown {
  const number = toNumber(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Code for the value of a field as a size. */
export function numberCode({ value, type }: Known, out: Decoding): string {
  if (type === 'bigint') return out.define(`Number(${value})`);
  if (type === 'foreign') out.fail(`!Number.isInteger(${value})`);
  return value;
}

/** An earlier field, here or in an enclosing structure, or a member of one: `'length'`, `'header.length'`. */
export class PathSource implements TagSource {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly mayTakeRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size = NO_BYTES;
  readonly range: Range = UNKNOWN;
  readonly #path: string;
  /** True for a size or a count. The value of a tag or a condition is taken as it is. */
  readonly #isSize: boolean;

  constructor(path: string, isSize: boolean) {
    this.#path = path;
    this.#isSize = isSize;
    this.extent = { from: 'path', path };
  }

  references(use: Use, tags?: readonly Tag[]): readonly Reference[] {
    return [{ path: this.#path, use, tags }];
  }
  read(walk: Reading): unknown {
    const value = walk.find(this.#path);
    return this.#isSize ? toSize(value) : value;
  }
  decode(out: Decoding): string {
    const known = out.find(this.#path);
    return this.#isSize ? numberCode(known, out) : known.value;
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  given(walk: Writing): unknown {
    const value = walk.judged(this.#path);
    return this.#isSize ? toNumber(value) : value;
  }
  givenCode(out: Givens): string {
    const given = out.judged(this.#path);
    return this.#isSize ? `(typeof ${given} === 'bigint' ? Number(${given}) : ${given})` : given;
  }
  span(place: Slots): Numbers {
    return place.slot(this.#path);
  }
  write(value: unknown, walk: Writing): void {
    walk.fill(this.#path, value);
  }
  encode(value: string, out: Encoding): void {
    out.fill(this.#path, value);
  }
  encodeTag(tag: Tag, out: Encoding): void {
    out.fill(this.#path, literal(out.slot(this.#path).byName?.get(tag as string) ?? tag));
  }
  reserve(walk: Writing): (value: number) => void {
    return (value) => walk.fill(this.#path, value);
  }
  reserveCode(out: Encoding): (value: string) => void {
    return (value) => out.fill(this.#path, value);
  }
}
