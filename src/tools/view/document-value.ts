/**
 * A value as JSON that keeps its type. A value that JSON cannot express becomes an object with the one key `$`:
 *
 *     5n                      { "$": "5n" }
 *     Buffer 0a ff            { "$": "x0aff" }
 *     NaN, Infinity, -0       { "$": "NaN" }
 *     undefined               { "$": "" }
 *     an object with key $    { "$": { … } }
 *
 * @example fromDocumentValue(toDocumentValue({ id: 5n })) // { id: 5n }
 */
export function toDocumentValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $: `${value}n` };
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $: Object.is(value, -0) ? '-0' : String(value) };
    case 'string':
    case 'boolean':
      return value;
    case 'object': {
      if (value === null) return value;
      if (value instanceof Uint8Array) return { $: `x${hexOf(value)}` };
      if (Array.isArray(value)) return value.map(toDocumentValue);
      const plain = Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, toDocumentValue(one)]),
      );
      return Object.hasOwn(plain, '$') ? { $: plain } : plain;
    }
    default:
      return { $: '' };
  }
}

/** The value that `toDocumentValue` turned into JSON; bytes are a `Uint8Array`. */
export function fromDocumentValue(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromDocumentValue);
  const { $: special } = json as { $?: unknown };
  if (typeof special === 'object' && special !== null) return objectFrom(special);
  if (typeof special !== 'string') return objectFrom(json);
  if (special.startsWith('x')) return bytesFrom(special.slice(1));
  if (/^-?\d+n$/.test(special)) return BigInt(special.slice(0, -1));
  return special === '' ? undefined : Number(special);
}

/** The bytes for hex digits. */
export function bytesFrom(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length >> 1 }, (_, at) =>
    Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
}

function objectFrom(json: object): object {
  return Object.fromEntries(Object.entries(json).map(([name, one]) => [name, fromDocumentValue(one)]));
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
