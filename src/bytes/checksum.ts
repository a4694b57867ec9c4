/**
 * Checksums over a run of bytes: the CRCs of Greg Cook's catalogue that protocols use, under their names there
 * (reveng.sourceforge.io/crc-catalogue), and a maker for any other.
 *
 * A CRC is described by Williams' parameters: the generator `polynomial` without its leading bit, the register's
 * `initial` value, whether bytes go in and the register comes out least significant bit first (`reflected`), and
 * what is xor-ed to the result (`final`).
 */
export interface Checksum {
  readonly name: string;
  /** The width of the sum, in bits: 8, 16, 24 or 32. */
  readonly width: number;
  /** The sum, unsigned, of `bytes[start, end)` and then of `append`. */
  compute(bytes: Uint8Array, start: number, end: number, append?: Uint8Array): number;
}

/** The parameters of a CRC. */
export interface CrcParameters {
  name: string;
  /** In bits: 8, 16, 24 or 32. */
  width: 8 | 16 | 24 | 32;
  polynomial: number;
  initial: number;
  reflected: boolean;
  final: number;
}

/**
 * A CRC of your own.
 *
 * @example crc({ name: 'CRC-16/XMODEM', width: 16, polynomial: 0x1021, initial: 0, reflected: false, final: 0 });
 */
export function crc(parameters: CrcParameters): Checksum {
  const { name, width, polynomial, initial, reflected, final } = parameters;
  if (![8, 16, 24, 32].includes(width)) throw new RangeError(`${name}: the width is 8, 16, 24 or 32 bits`);
  const mask = 2 ** width - 1;
  for (const part of [polynomial, initial, final]) {
    if (!Number.isInteger(part) || part < 0 || part > mask) {
      throw new RangeError(`${name}: ${part} is no number of ${width} bits`);
    }
  }
  let table: Uint32Array | undefined;
  return Object.freeze({
    name,
    width,
    compute(bytes: Uint8Array, start: number, end: number, append?: Uint8Array): number {
      table ??= reflected ? reflectedTable(width, polynomial) : forwardTable(width, polynomial);
      let register = (reflected ? reverse(initial, width) : initial << (32 - width)) >>> 0;
      register = run(table, reflected, register, bytes, start, end);
      if (append !== undefined) register = run(table, reflected, register, append, 0, append.length);
      if (!reflected) register >>>= 32 - width;
      return ((register ^ final) & mask) >>> 0;
    },
  });
}

// Name: width, polynomial, initial, reflected, final; the test checks each against its value for '123456789'.
const catalogue = {
  'CRC-8/SMBUS': [8, 0x07, 0x00, false, 0x00],
  'CRC-8/MAXIM-DOW': [8, 0x31, 0x00, true, 0x00],
  'CRC-8/AUTOSAR': [8, 0x2f, 0xff, false, 0xff],
  'CRC-8/SAE-J1850': [8, 0x1d, 0xff, false, 0xff],
  'CRC-8/DVB-S2': [8, 0xd5, 0x00, false, 0x00],
  'CRC-8/NRSC-5': [8, 0x31, 0xff, false, 0x00],
  'CRC-16/ARC': [16, 0x8005, 0x0000, true, 0x0000],
  'CRC-16/MODBUS': [16, 0x8005, 0xffff, true, 0x0000],
  'CRC-16/USB': [16, 0x8005, 0xffff, true, 0xffff],
  'CRC-16/KERMIT': [16, 0x1021, 0x0000, true, 0x0000],
  'CRC-16/XMODEM': [16, 0x1021, 0x0000, false, 0x0000],
  'CRC-16/IBM-3740': [16, 0x1021, 0xffff, false, 0x0000],
  'CRC-16/GENIBUS': [16, 0x1021, 0xffff, false, 0xffff],
  'CRC-16/IBM-SDLC': [16, 0x1021, 0xffff, true, 0xffff],
  'CRC-16/MCRF4XX': [16, 0x1021, 0xffff, true, 0x0000],
  'CRC-16/DNP': [16, 0x3d65, 0x0000, true, 0xffff],
  'CRC-24/OPENPGP': [24, 0x864cfb, 0xb704ce, false, 0x000000],
  'CRC-32/ISO-HDLC': [32, 0x04c11db7, 0xffffffff, true, 0xffffffff],
  'CRC-32/BZIP2': [32, 0x04c11db7, 0xffffffff, false, 0xffffffff],
  'CRC-32/MPEG-2': [32, 0x04c11db7, 0xffffffff, false, 0x00000000],
  'CRC-32/CKSUM': [32, 0x04c11db7, 0x00000000, false, 0xffffffff],
  'CRC-32/ISCSI': [32, 0x1edc6f41, 0xffffffff, true, 0xffffffff],
} as const;

/** The names in the catalogue. `CRC-32/ISO-HDLC` is the CRC-32 of Ethernet and zip, `CRC-32/ISCSI` CRC-32C. */
export type ChecksumName = keyof typeof catalogue;

/** All names in the catalogue. */
export const checksumNames: readonly ChecksumName[] = Object.freeze(Object.keys(catalogue) as ChecksumName[]);

const made = new Map<string, Checksum>();

/** The checksum of that name; a `RangeError` when the catalogue has none. */
export function checksumByName(name: ChecksumName): Checksum {
  let checksum = made.get(name);
  if (checksum === undefined) {
    if (!Object.hasOwn(catalogue, name)) {
      throw new RangeError(`checksum: no '${name}' in the catalogue; there are ${checksumNames.join(', ')}`);
    }
    const [width, polynomial, initial, reflected, final] = catalogue[name];
    checksum = crc({ name, width, polynomial, initial, reflected, final });
    made.set(name, checksum);
  }
  return checksum;
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
