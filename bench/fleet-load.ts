/** The result of a load: latency in microseconds, and operations per second. */
export interface Loaded {
  readonly median: number;
  readonly percentile99: number;
  readonly rate: number;
  readonly count: number;
}

/** Repeat an operation for a while, with this many in flight; a failure ends the load. */
export async function load(
  inFlight: number,
  once: (index: number) => Promise<unknown>,
  milliseconds = 2_000,
): Promise<Loaded> {
  const warm = performance.now() + milliseconds / 4;
  const end = warm + milliseconds;
  const times: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let from = performance.now(); from < end; ) {
      await once(next++);
      const now = performance.now();
      if (from >= warm) times.push(now - from);
      from = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  times.sort((a, b) => a - b);
  const at = (part: number): number => 1_000 * (times[Math.floor(times.length * part)] ?? 0);
  return {
    median: at(0.5),
    percentile99: at(0.99),
    rate: (times.length / milliseconds) * 1_000,
    count: next,
  };
}
