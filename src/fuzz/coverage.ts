import { type Profiler, Session } from 'node:inspector';

/** A range of places in a script; the end is not included. */
type Interval = readonly [start: number, end: number];

/** The ranges of a function that have not run, in order. */
type Missing = ReadonlyMap<string, readonly Interval[]>;

/**
 * Which code has run, counted by V8 (precise coverage, block by block), generated code included. It covers one thread; nothing
 * else in the thread can count meanwhile.
 *
 * V8 leaves out a block that ran as often as the enclosing one, so the ranges that have not run are kept for each function.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #counts: (url: string) => boolean;
  readonly #missing = new Map<string, readonly Interval[]>();
  #reached = 0;

  /** @param counts - whether a script counts, by its URL; the URL of generated code is empty */
  constructor(counts: (url: string) => boolean) {
    this.#counts = counts;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Functions that have run so far. */
  get functions(): number {
    return this.#missing.size;
  }

  /** Characters of code that have run so far. */
  get reached(): number {
    return this.#reached;
  }

  /** The functions of which new parts have run since the last call, with the ranges that still have not. */
  take(): Missing {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    // Within one thread the answer is synchronous.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      scripts = answer.result;
    });
    const more = new Map<string, readonly Interval[]>();
    for (const { scriptId, url, functions } of scripts) {
      if (!this.#counts(url)) continue;
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        const key = `${scriptId} ${whole.startOffset} ${whole.endOffset}`;
        const now = ranges
          .filter(({ count }) => count === 0)
          .map(({ startOffset, endOffset }): Interval => [startOffset, endOffset]);
        const before = this.#missing.get(key);
        const left = before === undefined ? now : common(before, now);
        if (before === undefined || sizeOf(left) < sizeOf(before)) more.set(key, left);
      }
    }
    return more;
  }

  /** Count these functions as known. */
  know(more: Missing): void {
    for (const [key, left] of more) {
      const before = this.#missing.get(key);
      const [, start, end] = key.split(' ').map(Number) as [number, number, number];
      this.#reached += (before === undefined ? end - start : sizeOf(before)) - sizeOf(left);
      this.#missing.set(key, left);
    }
  }

  stop(): void {
    this.#session.disconnect();
  }
}

function sizeOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** The ranges in both lists. */
function common(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  return a.flatMap(([start, end]) =>
    b
      .map(([from, to]): Interval => [Math.max(start, from), Math.min(end, to)])
      .filter(([from, to]) => from < to),
  );
}
