import { literal } from '../engine/code.ts';
import type {
  Decoding,
  Encoding,
  Extent,
  Range,
  Reading,
  Reference,
  Size,
  Slots,
  Source,
  Tag,
  Use,
  Writing,
} from '../kind.ts';
import { NO_BYTES } from './no-bytes.ts';

/** The numbers of a field that is not known yet. */
export const UNKNOWN: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** An earlier field, here or in a structure round it, or a member of one: `'length'`, `'header.length'`. */
export class PathSource implements Source {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size = NO_BYTES;
  readonly range: Range = UNKNOWN;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.extent = { from: 'path', path };
  }

  references(use: Use, tags?: readonly Tag[]): readonly Reference[] {
    return [{ path: this.#path, use, tags }];
  }
  read(walk: Reading): unknown {
    return walk.find(this.#path);
  }
  decode(out: Decoding): string {
    return out.find(this.#path).value;
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  given(walk: Writing): unknown {
    return walk.given(this.#path);
  }
  givenCode(out: { given(path: string): string }): string {
    return out.given(this.#path);
  }
  span(place: Slots): Range {
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
