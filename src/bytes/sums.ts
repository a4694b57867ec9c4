/** The sum of `bytes[start, end)` and then of `append`. */
export type Compute = (bytes: Uint8Array, start: number, end: number, append?: Uint8Array) => number;
export interface Sum {
  /** In bits. */
  readonly width: number;
  readonly compute: Compute;
}

export type SumName =
  | 'XOR-8'
  | 'SUM-8'
  | 'LRC-8'
  | 'SUM-16'
  | 'INTERNET'
  | 'FLETCHER-8BIT'
  | 'FLETCHER-16'
  | 'FLETCHER-32'
  | 'ADLER-32';

/**
 * Sums that are not CRCs. Each goes on where it stopped, so that a range may come in two pieces.
 *
 *     XOR-8          all bytes XORed (NMEA 0183)
 *     SUM-8 SUM-16   all bytes added
 *     LRC-8          the two's complement of SUM-8 (ISO 1155, Modbus ASCII, Intel HEX)
 *     INTERNET       the one's complement of the words' one's complement sum (RFC 1071)
 *     FLETCHER-8BIT  Fletcher's two sums of bytes mod 256, the second one high (RFC 1145, UBX)
 *     FLETCHER-16    the same mod 255
 *     FLETCHER-32    the two sums of little-endian words mod 65535, an odd byte filled up with zero
 *     ADLER-32       two sums of bytes mod 65521, the first one begun with 1 (RFC 1950)
 */
export const SUMS: Readonly<Record<SumName, Sum>> = {
  'XOR-8': sum(8, 0, (a, byte) => a ^ byte),
  'SUM-8': sum(8, 0, (a, byte) => (a + byte) & 0xff),
  'LRC-8': sum(8, 0, (a, byte) => (a - byte) & 0xff),
  'SUM-16': sum(16, 0, (a, byte) => (a + byte) & 0xffff),
  INTERNET: sum(
    16,
    0,
    (a, byte, index) => {
      const added = a + (index % 2 === 0 ? byte << 8 : byte);
      return (added & 0xffff) + (added >>> 16);
    },
    (a) => ~a & 0xffff,
  ),
  'FLETCHER-8BIT': pair(16, 256),
  'FLETCHER-16': pair(16, 255),
  'FLETCHER-32': fletcher32(),
  'ADLER-32': pair(32, 65_521, 1),
};

/** A sum of one number; `add` takes the index of the byte in the range. */
function sum(
  width: number,
  initial: number,
  add: (sum: number, byte: number, index: number) => number,
  finish: (sum: number) => number = (total) => total,
): Sum {
  return {
    width,
    compute(bytes, start, end, append) {
      let total = initial;
      for (let at = start; at < end; at++) total = add(total, bytes[at]!, at - start);
      append?.forEach((byte, index) => {
        total = add(total, byte, end - start + index);
      });
      return finish(total);
    },
  };
}

/** Fletcher's sum of bytes and the sum of its sums, the latter in the high half. */
function pair(width: 16 | 32, modulus: number, initial = 0): Sum {
  return {
    width,
    compute(bytes, start, end, append) {
      let [low, high] = [initial, 0];
      for (let at = start; at < end; at++) {
        low = (low + bytes[at]!) % modulus;
        high = (high + low) % modulus;
      }
      for (const byte of append ?? []) {
        low = (low + byte) % modulus;
        high = (high + low) % modulus;
      }
      return high * 2 ** (width / 2) + low;
    },
  };
}

function fletcher32(): Sum {
  return {
    width: 32,
    compute(bytes, start, end, append) {
      const length = end - start;
      const total = length + (append?.length ?? 0);
      const byteAt = (index: number): number =>
        index < length ? bytes[start + index]! : (append?.[index - length] ?? 0);
      let [low, high] = [0, 0];
      for (let index = 0; index < total; index += 2) {
        low = (low + byteAt(index) + 256 * byteAt(index + 1)) % 65_535;
        high = (high + low) % 65_535;
      }
      return high * 65_536 + low;
    },
  };
}
