import type { Decoding, Encoding, Extent, Range, Reading, Writing } from '../kind.ts';
import { UnsaidSource } from './unsaid.ts';

/**
 * The bytes that are left of the frame, or of the enclosing `bounded`, except room for the fields that follow. A field that takes
 * them calls `exhaust` once it is written.
 */
export class RestSource extends UnsaidSource {
  readonly extent: Extent = { from: 'rest' };
  override readonly takesRest: boolean = true;
  override readonly mayTakeRest: boolean = true;

  read(walk: Reading): unknown {
    return walk.end - walk.at;
  }
  decode(out: Decoding): string {
    out.settle();
    return out.define(`${out.end} - p`);
  }
}

/**
 * The bytes that are left, up to a maximum: a block, of which only the last one is shorter. A shorter block has taken the rest.
 *
 *     array(struct({ data: bytes(size(rest, { upTo: 16 })), sum: u16le }), rest)      16 bytes, sum, 16 bytes, sum, 3 bytes, sum
 */
export class UpToSource extends UnsaidSource {
  readonly extent: Extent;
  override readonly mayTakeRest: boolean = true;
  override readonly range: Range;
  readonly #upTo: number;

  constructor(upTo: number) {
    super();
    this.#upTo = upTo;
    this.extent = { from: 'rest', upTo };
    this.range = { min: 0, max: upTo };
  }

  read(walk: Reading): unknown {
    return Math.min(walk.end - walk.at, this.#upTo);
  }
  decode(out: Decoding): string {
    out.settle();
    return out.define(`Math.min(${out.end} - p, ${this.#upTo})`);
  }
  writeEnd(walk: Writing, start: number): void {
    if (walk.at - start < this.#upTo) walk.exhaust();
  }
  encodeEnd(out: Encoding, start: string): void {
    out.settle();
    out.line(`if (p - ${start} < ${this.#upTo}) {`);
    out.exhaust();
    out.line('}');
  }
}
