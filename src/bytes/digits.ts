/** Numbers written in ASCII digits. */

/**
 * The number that `bytes[start, end)` writes in decimal or hexadecimal digits, both cases; -1 where another byte stands
 * among them, or nothing. Beyond 2⁵³ − 1 it is rounded, and stays beyond.
 */
export function readDigits(bytes: Uint8Array, start: number, end: number, base: 10 | 16): number {
  if (start >= end) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    let digit = byte - 0x30;
    if (digit < 0 || digit > 9) {
      digit = (byte | 0x20) - 0x57;
      if (base === 10 || digit < 10 || digit > 15) return -1;
    }
    value = value * base + digit;
  }
  return value;
}

/** The number that those digits write, not rounded: for errors. */
export function readDigitsExactly(bytes: Uint8Array, start: number, end: number, base: 10 | 16): bigint {
  const digits = String.fromCharCode(...bytes.subarray(start, end));
  return BigInt(base === 10 ? digits : `0x${digits}`);
}

/** Write the number in that many digits, with leading zeros; hexadecimal ones in capitals. Returns the offset after it. */
export function writeDigits(
  target: Uint8Array,
  at: number,
  width: number,
  base: 10 | 16,
  value: number,
): number {
  let rest = value;
  for (let i = at + width - 1; i >= at; i--) {
    const digit = rest % base;
    target[i] = digit + (digit < 10 ? 0x30 : 0x37);
    rest = Math.floor(rest / base);
  }
  return at + width;
}
