/** A field in which two messages differ. */
export interface Difference {
  /** The field, with indices; empty for the whole message. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/**
 * The first field in which two messages differ; undefined if they are equal.
 *
 * @param isPart - true if `actual` may have fields that `expected` does not have
 * @param isKnown - called for each field; returns true if the field counts as equal
 */
export function firstDifference(
  expected: unknown,
  actual: unknown,
  isPart = false,
  isKnown: (path: string, expected: unknown, actual: unknown) => boolean = () => false,
  path = '',
): Difference | undefined {
  if (path !== '' && isKnown(path, expected, actual)) return undefined;
  const areBoth =
    typeof expected === 'object' && typeof actual === 'object' && expected !== null && actual !== null;
  if (!areBoth || expected instanceof Uint8Array || actual instanceof Uint8Array) {
    return keyOf(expected) === keyOf(actual) ? undefined : { path, expected, actual };
  }
  const keys = new Set(Object.keys(expected));
  if (!isPart || Array.isArray(expected)) for (const key of Object.keys(actual)) keys.add(key);
  for (const key of keys) {
    const difference = firstDifference(
      (expected as Record<string, unknown>)[key],
      (actual as Record<string, unknown>)[key],
      isPart,
      isKnown,
      Array.isArray(expected) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`,
    );
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** A string that is the same for equal values. */
export function keyOf(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  return `object ${JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one))}`;
}
