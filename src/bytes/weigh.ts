/** The most elements of one list that are weighed; the others count as their average. */
const SAMPLE = 64;

/**
 * About how many bytes of memory a decoded message holds: for bounds on what is kept. Never throws; walks at most 64
 * elements of each list, and eight levels.
 *
 * @example weigh({ type: 'data', bytes: Buffer.alloc(1_000) }); // about 1,060
 */
export function weigh(value: unknown): number {
  try {
    return weightOf(value, 8);
  } catch {
    return 16;
  }
}

function weightOf(value: unknown, levels: number): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value)) return 16 + value.byteLength;
  if (levels === 0) return 16;
  let sum = 16;
  if (Array.isArray(value)) {
    const count = Math.min(value.length, SAMPLE);
    for (let i = 0; i < count; i++) sum += weightOf(value[i], levels - 1);
    return count === 0 ? sum : (sum * value.length) / count;
  }
  let left = SAMPLE;
  for (const name in value) {
    sum += weightOf((value as Record<string, unknown>)[name], levels - 1);
    if (--left === 0) break;
  }
  return sum;
}
