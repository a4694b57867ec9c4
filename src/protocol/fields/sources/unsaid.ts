import type { Decoding, Extent, Range, Reading, Reference, Size, Source } from '../kind.ts';
import { NO_BYTES } from './no-bytes.ts';

/** A number that no field holds: reading it needs no reference, and writing it takes no bytes. */
export abstract class UnsaidSource implements Source {
  abstract readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly mayTakeRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size = NO_BYTES;
  readonly range: Range = { min: 0, max: Number.POSITIVE_INFINITY };

  abstract read(walk: Reading, max: number): unknown;
  abstract decode(out: Decoding, max: number): string;

  references(): readonly Reference[] {
    return [];
  }
  span(): Range {
    return this.range;
  }
  write(): void {}
  encode(): void {}
  reserve(): () => void {
    return () => {};
  }
  reserveCode(): () => void {
    return () => {};
  }
}
