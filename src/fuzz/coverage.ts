import { type Profiler, Session } from 'node:inspector';

/** Places of a script, from the first up to the last, without it. */
type Interval = readonly [start: number, end: number];

/** What has not run of a function, in the order of the places. */
type Missing = ReadonlyMap<string, readonly Interval[]>;

/**
 * Which code has run, as V8 counts it (precise coverage, block by block). Code that was generated counts too. Of one thread; while it is
 * on, nobody else can count there.
 *
 * V8 leaves a block out that ran as often as the one round it: what is kept of each function is therefore what has not run.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #counts: (url: string) => boolean;
  readonly #missing = new Map<string, readonly Interval[]>();
  #reached = 0;

  /** @param counts - whether a script counts, by its URL; that of generated code is empty */
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

  /** Of the functions of which more has run than ever before, since it was asked last: what is still missing. */
  take(): Missing {
    let scripts: readonly Profiler.ScriptCoverage[] = [];
    // In one thread it answers at once.
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

  /** From now on that is known. */
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

/** What is in both. */
function common(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  return a.flatMap(([start, end]) =>
    b
      .map(([from, to]): Interval => [Math.max(start, from), Math.min(end, to)])
      .filter(([from, to]) => from < to),
  );
}
