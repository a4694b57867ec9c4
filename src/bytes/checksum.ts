import { CRCS } from './crc-catalogue.ts';
import { show } from './show.ts';
import { SUMS, type SumName } from './sums.ts';

/**
 * Checksums over a run of bytes: the CRCs of Greg Cook's catalogue (`crc-catalogue.ts`), the sums that are not CRCs (`sums.ts`),
 * and a maker for any other CRC.
 *
 * A CRC is described by Williams' parameters: the generator `polynomial` without its leading bit, the register's
 * `initial` value, whether bytes go in and the register comes out least significant bit first (`reflected`), and
 * what is XORed to the result (`final`).
 */
export interface Checksum {
  readonly name: string;
  /** The width of the sum, in bits: 1 to 32. */
  readonly width: number;
  /** The sum, unsigned, of `bytes[start, end)` and then of `append`. */
  compute(bytes: Uint8Array, start: number, end: number, append?: Uint8Array): number;
  /** What it is, as data, where it is a CRC: for tools. */
  readonly crc?: CrcParameters;
}

/** The parameters of a CRC. */
export interface CrcParameters {
  name: string;
  /** In bits: 1 to 32. */
  width: number;
  polynomial: number;
  initial: number;
  reflected: boolean;
  final: number;
  /** Whether the register comes out least significant bit first, where that differs from how bytes go in. */
  reflectedOutput?: boolean;
}

/**
 * A CRC of your own.
 *
 * @example crc({ name: 'CRC-16/XMODEM', width: 16, polynomial: 0x1021, initial: 0, reflected: false, final: 0 });
 */
export function crc(parameters: CrcParameters): Checksum {
  if (typeof parameters !== 'object' || parameters === null) {
    throw new TypeError(`crc: expected an object of parameters, got ${show(parameters)}`);
  }
  const { name, width, polynomial, initial, reflected, final } = parameters;
  const { reflectedOutput = reflected } = parameters;
  const label = typeof name === 'string' ? name : 'crc';
  if (!Number.isInteger(width) || width < 1 || width > 32) {
    throw new RangeError(`${label}: expected a width of 1 to 32 bits, got ${show(width)}`);
  }
  const mask = 2 ** width - 1;
  for (const part of [polynomial, initial, final]) {
    if (!Number.isInteger(part) || part < 0 || part > mask) {
      throw new RangeError(`${label}: ${show(part)} is not a number of ${width} bits`);
    }
  }
  let table: Uint32Array | undefined;
  return Object.freeze({
    name,
    width,
    crc: Object.freeze({ ...parameters }),
    compute(bytes: Uint8Array, start: number, end: number, append?: Uint8Array): number {
      table ??= reflected ? reflectedTable(width, polynomial) : forwardTable(width, polynomial);
      let register = (reflected ? reverse(initial, width) : initial << (32 - width)) >>> 0;
      register = run(table, reflected, register, bytes, start, end);
      if (append !== undefined) register = run(table, reflected, register, append, 0, append.length);
      if (!reflected) register >>>= 32 - width;
      if (reflected !== reflectedOutput) register = reverse(register, width);
      return ((register ^ final) & mask) >>> 0;
    },
  });
}

/**
 * The names in the catalogue. `CRC-32/ISO-HDLC` is the CRC-32 of Ethernet and zip, `CRC-32/ISCSI` CRC-32C, `CRC-16/IBM-3740`
 * what many call CRC-16/CCITT-FALSE.
 */
export type ChecksumName = keyof typeof CRCS | SumName;

/** All names in the catalogue. */
export const checksumNames: readonly ChecksumName[] = Object.freeze(
  Object.keys({ ...CRCS, ...SUMS }) as ChecksumName[],
);

const made = new Map<string, Checksum>();

/**
 * The checksum of that name; a `RangeError` when the catalogue has none.
 *
 * @example checksumByName('CRC-16/MODBUS').compute(bytes, 0, bytes.length);
 */
export function checksumByName(name: ChecksumName): Checksum {
  let checksum = made.get(name);
  if (checksum === undefined) {
    checksum = make(name);
    made.set(name, checksum);
  }
  return checksum;
}

function make(name: string): Checksum {
  if (typeof name === 'string' && Object.hasOwn(SUMS, name)) {
    const { width, compute } = SUMS[name as SumName];
    return Object.freeze({ name, width, compute });
  }
  if (typeof name !== 'string' || !Object.hasOwn(CRCS, name)) {
    throw new RangeError(`checksum: no ${show(name)} in the catalogue; its names are in checksumNames`);
  }
  const [width, polynomial, initial, reflected, final, reflectedOutput = reflected] = CRCS[
    name as keyof typeof CRCS
  ] as readonly [number, number, number, boolean, number, boolean?];
  return crc({ name, width, polynomial, initial, reflected, final, reflectedOutput });
}

// The forward register is kept at the top of 32 bits, so that one loop serves every width.
function run(
  table: Uint32Array,
  reflected: boolean,
  register: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let sum = register;
  if (reflected) {
    for (let at = start; at < end; at++) sum = (sum >>> 8) ^ table[(sum ^ bytes[at]!) & 0xff]!;
  } else {
    for (let at = start; at < end; at++) sum = (sum << 8) ^ table[(sum >>> 24) ^ bytes[at]!]!;
  }
  return sum >>> 0;
}

function reflectedTable(width: number, polynomial: number): Uint32Array {
  const reversed = reverse(polynomial, width);
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ reversed : sum >>> 1;
    return sum;
  });
}

function forwardTable(width: number, polynomial: number): Uint32Array {
  const aligned = polynomial << (32 - width);
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum < 0 ? (sum << 1) ^ aligned : sum << 1;
    return sum;
  });
}

function reverse(value: number, width: number): number {
  let reversed = 0;
  for (let bit = 0; bit < width; bit++) if ((value >>> bit) & 1) reversed |= 1 << (width - 1 - bit);
  return reversed >>> 0;
}
