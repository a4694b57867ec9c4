import type { Extent, Range } from '../kind.ts';
import { UnsaidSource } from './unsaid.ts';

/** A number in the declaration. The field that uses it checks that a written value agrees. */
export class LiteralSource extends UnsaidSource {
  readonly extent: Extent;
  override readonly range: Range;
  readonly #value: number;

  constructor(value: number) {
    super();
    this.#value = value;
    this.extent = { from: 'literal', value };
    this.range = { min: value, max: value };
  }

  read(): unknown {
    return this.#value;
  }
  decode(): string {
    return String(this.#value);
  }
  given(): number {
    return this.#value;
  }
}
