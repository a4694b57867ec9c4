/** Unsigned integers of one to eight bytes, as doubles. */

/** The largest value of a field of that many bytes that a double counts exactly. */
export function largestOf(width: number): number {
  return width > 6 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * width) - 1;
}

/** The value at `bytes[at]`. A value above 2⁵³ − 1 is rounded, but remains above: the caller refuses it. */
export function readUnsigned(bytes: Uint8Array, at: number, width: number, little: boolean): number {
  switch (width) {
    case 1:
      return bytes[at]!;
    case 2:
      return little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!;
    case 4:
      return little
        ? (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
        : ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    default: {
      let value = 0;
      for (let i = 0; i < width; i++) value = value * 256 + bytes[little ? at + width - 1 - i : at + i]!;
      return value;
    }
  }
}

/** As `readUnsigned`, of any width and not rounded: for errors. */
export function readExactly(bytes: Uint8Array, at: number, width: number, little: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < width; i++) value = value * 256n + BigInt(bytes[little ? at + width - 1 - i : at + i]!);
  return value;
}

// Node's own methods check their arguments in every call. The callers of these functions have checked that the bytes are there.

/** The unsigned integer in the two bytes at `bytes[at]`. */
export function readUint16(bytes: Uint8Array, at: number, little = false): number {
  return little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!;
}

/** The unsigned integer in the four bytes at `bytes[at]`. */
export function readUint32(bytes: Uint8Array, at: number, little = false): number {
  return (
    (little
      ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      : (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}

/** The signed integer in the four bytes at `bytes[at]`, the highest byte first. */
export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Write the value to `target[at, at + width)`; it has to fit. */
export function writeUnsigned(
  target: Uint8Array,
  at: number,
  width: number,
  little: boolean,
  value: number,
): void {
  if (width === 4) {
    target[at] = little ? value : value >>> 24;
    target[at + 1] = little ? value >>> 8 : value >>> 16;
    target[at + 2] = little ? value >>> 16 : value >>> 8;
    target[at + 3] = little ? value >>> 24 : value;
  } else if (width === 2) {
    target[at] = little ? value : value >>> 8;
    target[at + 1] = little ? value >>> 8 : value;
  } else {
    // Not by shifts: a field of more than four bytes holds more than 32 bits.
    for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) {
      target[little ? at + i : at + width - 1 - i] = rest;
    }
  }
}
