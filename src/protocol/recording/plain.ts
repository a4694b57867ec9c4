import { hexDigits } from '../../bytes/hex.ts';
import { converted } from './converted.ts';

/**
 * A message as plain JSON: bytes in hex; 64-bit numbers, NaN and Infinity as strings. `messageFrom` reads it back,
 * since the declaration tells the type of each string. A value that is plain JSON already is returned as it is.
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  return value instanceof Uint8Array ? hexDigits(value) : converted(value, plain);
}
