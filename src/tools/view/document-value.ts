import { hexDigits } from '../../bytes/hex.ts';
import { converted } from '../../protocol/recording/converted.ts';

/**
 * A value as JSON that keeps its type: itself, if it is JSON already. A value that JSON cannot express becomes an object with the
 * one key `$`:
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
      if (value instanceof Uint8Array) return { $: `x${hexDigits(value)}` };
      const json = converted(value, toDocumentValue);
      return Object.hasOwn(json, '$') ? { $: json } : json;
    }
    default:
      return { $: '' };
  }
}

/** The value that `toDocumentValue` turned into JSON; bytes are a `Uint8Array`. */
export function fromDocumentValue(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  const { $: special } = json as { $?: unknown };
  if (typeof special === 'object' && special !== null) return converted(special, fromDocumentValue);
  if (typeof special !== 'string') return converted(json, fromDocumentValue);
  if (special.startsWith('x')) return bytesFrom(special.slice(1));
  if (/^-?\d+n$/.test(special)) return BigInt(special.slice(0, -1));
  return special === '' ? undefined : Number(special);
}

/** The bytes for hex digits. */
export function bytesFrom(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (digitAt(hex, 2 * at) << 4) | digitAt(hex, 2 * at + 1);
  }
  return bytes;
}

/** The value of a hex digit, in either case: `0` is 0x30, `A` 0x41 and `a` 0x61. */
function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return (code & 0x0f) + (code > 0x39 ? 9 : 0);
}
