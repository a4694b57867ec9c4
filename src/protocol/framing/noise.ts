import { FrameError } from '../../errors.ts';

/** What happens to bytes outside of frames. */
export interface NoisePolicy {
  /** They are skipped and reported; otherwise the first of them is an error that ends the stream. */
  readonly isSkipped: boolean;
  readonly code: 'ERR_FRAME_NOISE' | 'ERR_FRAME_STUFFING';
}

/** Endless noise is reported whenever this many bytes of it have come. */
const REPORTED_AT_ONCE = 65_536;

/**
 * Counts the bytes outside of frames, and reports each run of them once: when a frame begins after it, when the stream ends, and
 * every 64 KiB. Reports depend on the bytes alone, never on how they were cut into chunks.
 */
export class Noise {
  readonly #policy: NoisePolicy;
  readonly #report: (isSkipped: boolean, makeError: () => FrameError, count: number) => void;
  #count = 0;

  constructor(
    policy: NoisePolicy,
    report: (isSkipped: boolean, makeError: () => FrameError, count: number) => void,
  ) {
    this.#policy = policy;
    this.#report = report;
  }

  /** Add `count` bytes. `end`: the stream offset after the last of them. */
  pass(count: number, end: number): void {
    if (count <= 0) return;
    if (!this.#policy.isSkipped) {
      this.#tell(undefined, end - count);
      return;
    }
    this.#count += count;
    for (; this.#count >= REPORTED_AT_ONCE; this.#count -= REPORTED_AT_ONCE) {
      this.#tell(REPORTED_AT_ONCE, end - this.#count);
    }
  }

  /** The run is over: a frame begins at that stream offset, or the stream ended there. */
  over(end: number): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#tell(count, end - count);
  }

  clear(): void {
    this.#count = 0;
  }

  #tell(count: number | undefined, offset: number): void {
    const { isSkipped, code } = this.#policy;
    const makeError = (): FrameError => {
      const what = count === undefined ? 'bytes' : count === 1 ? '1 byte' : `${count} bytes`;
      const message = `${what} outside a frame, at stream offset ${offset}`;
      return new FrameError(code, message, { actual: count, offset });
    };
    this.#report(isSkipped, makeError, count ?? 0);
  }
}
