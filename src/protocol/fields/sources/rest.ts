import type { Decoding, Extent, Range, Reading, Reference, Size, Source, Tag } from '../kind.ts';
import { NO_BYTES } from './no-bytes.ts';

/** What is left of the frame, or of the enclosing `bounded`, before what stands behind it. */
export class RestSource implements Source {
  readonly extent: Extent = { from: 'rest' };
  readonly takesRest: boolean = true;
  readonly nullable: boolean = false;
  readonly size: Size = NO_BYTES;
  readonly range: Range = { min: 0, max: Number.POSITIVE_INFINITY };

  references(): readonly Reference[] {
    return [];
  }
  read(walk: Reading): unknown {
    return walk.end - walk.at;
  }
  decode(out: Decoding): string {
    out.settle();
    return out.define(`${out.end} - p`);
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  given(): undefined {
    return undefined;
  }
  givenCode(): undefined {
    return undefined;
  }
  span(): Range {
    return this.range;
  }
  // What takes the rest says so once it is written (`exhaust`).
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
