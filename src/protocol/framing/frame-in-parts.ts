import type { FrameError } from '../../errors.ts';
import type { PartialFrame } from './framing.ts';
import { truncated } from './violations.ts';

/**
 * The progress of a frame that is given out in parts.
 *
 *     │ stripped │ header that stays │ body                   │
 *                ├── headerLength ───┤
 *                ├── length ──────────────────────────────────┤
 *     ├── total ──────────────────────────────────────────────┤
 */
export class FrameInParts implements PartialFrame {
  readonly length: number;
  readonly headerLength: number;
  /** Bytes of the frame on the wire that were not received yet. */
  left: number;
  /** The parts are dropped. */
  isSkipped = false;
  readonly #total: number;
  readonly #offset: number;
  /** Bytes to strip that were not received yet. */
  #strip: number;

  /**
   * @param total - the bytes of the frame on the wire
   * @param strip - the first bytes, which are not given out
   * @param header - the bytes before the body, stripped or not
   * @param offset - where the frame begins in the stream
   */
  constructor(total: number, strip: number, header: number, offset: number) {
    this.left = this.#total = total;
    this.#strip = strip;
    this.#offset = offset;
    this.length = total - strip;
    this.headerLength = Math.max(0, header - strip);
  }

  /** Process the next bytes of the frame; returns the part that is given out. */
  receive(bytes: Buffer): Buffer {
    this.left -= bytes.length;
    const stripped = Math.min(this.#strip, bytes.length);
    this.#strip -= stripped;
    return stripped === 0 ? bytes : bytes.subarray(stripped);
  }

  /** The error for the end of the stream now. */
  truncated(): FrameError {
    const actual = this.#total - this.left;
    const where = `inside a frame, after ${actual} of its ${this.#total} bytes`;
    const details = { expected: this.#total, actual, offset: this.#offset };
    return truncated(where, this.#offset + actual, details);
  }
}
