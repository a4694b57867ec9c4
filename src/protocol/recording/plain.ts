/**
 * A message as plain JSON can hold it: bytes in hex, 64-bit numbers and what JSON has no number for (NaN, Infinity) as text.
 * `messageFrom` reads it again, where the declaration says what a text stands for.
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
