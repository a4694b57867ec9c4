import type { Decoding, Encoding, Extent, Range, Reading, Writing } from '../kind.ts';
import { UnsaidSource } from './unsaid.ts';

/**
 * What is left of the frame, or of the enclosing `bounded`, before what stands behind it. What takes the rest says so once it
 * is written (`exhaust`).
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
 * What is left, and not more than so many bytes: a block, of which only the last one is shorter. A shorter one has taken the rest.
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
