import type { Extent, Range, Reference, Size, Source, Tag } from '../kind.ts';
import { NO_BYTES } from './no-bytes.ts';

/** A number in the declaration. */
export class LiteralSource implements Source {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size = NO_BYTES;
  readonly range: Range;
  readonly #value: number;

  constructor(value: number) {
    this.#value = value;
    this.extent = { from: 'literal', value };
    this.range = { min: value, max: value };
  }

  references(): readonly Reference[] {
    return [];
  }
  read(): unknown {
    return this.#value;
  }
  decode(): string {
    return String(this.#value);
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  given(): number {
    return this.#value;
  }
  givenCode(): string {
    return String(this.#value);
  }
  span(): Range {
    return this.range;
  }
  // It is there already; whether it agrees is judged where it is used.
  write(): void {}
  encode(): void {}
  encodeTag(): void {}
  reserve(): () => void {
    return () => {};
  }
  reserveCode(): () => void {
    return () => {};
  }
}
