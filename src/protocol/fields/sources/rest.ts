import type { Decoding, Extent, Reading } from '../kind.ts';
import { UnsaidSource } from './unsaid.ts';

/**
 * What is left of the frame, or of the enclosing `bounded`, before what stands behind it. What takes the rest says so once it
 * is written (`exhaust`).
 */
export class RestSource extends UnsaidSource {
  readonly extent: Extent = { from: 'rest' };
  override readonly takesRest: boolean = true;

  read(walk: Reading): unknown {
    return walk.end - walk.at;
  }
  decode(out: Decoding): string {
    out.settle();
    return out.define(`${out.end} - p`);
  }
}
