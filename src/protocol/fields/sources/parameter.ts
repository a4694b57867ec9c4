import { Problem } from '../engine/problem.ts';
import type {
  Decoding,
  Encoding,
  Extent,
  Givens,
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
import { UNKNOWN } from './path.ts';

/** A number from outside the bytes: the engines know it when they are created. */
export class ParameterSource implements TagSource {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly mayTakeRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size = NO_BYTES;
  readonly range: Range = UNKNOWN;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    this.extent = { from: 'parameter', name };
  }

  references(_: Use, tags?: readonly Tag[]): readonly Reference[] {
    return [{ path: this.#name, use: 'parameter', tags }];
  }
  read(walk: Reading): number {
    return walk.parameter(this.#name);
  }
  decode(out: Decoding): string {
    return String(out.parameter(this.#name));
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  given(walk: Writing): number {
    return walk.parameter(this.#name);
  }
  givenCode(out: Givens): string {
    return String(out.parameter(this.#name));
  }
  span(place: Slots): Range {
    const value = place.parameter(this.#name);
    return { min: value, max: value };
  }
  write(value: unknown, walk: Writing): void {
    const due = walk.parameter(this.#name);
    if (value !== due) throw new Problem('ERR_FIELD_RANGE', `${due}, the parameter '${this.#name}'`, value);
  }
  encode(value: string, out: Encoding): void {
    out.refuse(`${value} !== ${out.parameter(this.#name)}`);
  }
  encodeTag(tag: Tag, out: Encoding): void {
    if (tag !== out.parameter(this.#name)) out.refuse('true');
  }
  reserve(walk: Writing): (value: number) => void {
    return (value) => this.write(value, walk);
  }
  reserveCode(out: Encoding): (value: string) => void {
    return (value) => this.encode(value, out);
  }
}
