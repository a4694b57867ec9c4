import { expect, it } from 'vitest';
import { type ChecksumName, checksumByName, checksumNames, crc } from '../../src/bytes/checksum.ts';

// The catalogue's own check values, and the sums that are no CRC worked out by hand: those of the characters '123456789'.
const CHECK: Record<ChecksumName, number> = {
  'CRC-3/GSM': 0x4,
  'CRC-3/ROHC': 0x6,
  'CRC-4/G-704': 0x7,
  'CRC-4/INTERLAKEN': 0xb,
  'CRC-5/EPC-C1G2': 0x00,
  'CRC-5/G-704': 0x07,
  'CRC-5/USB': 0x19,
  'CRC-6/CDMA2000-A': 0x0d,
  'CRC-6/CDMA2000-B': 0x3b,
  'CRC-6/DARC': 0x26,
  'CRC-6/G-704': 0x06,
  'CRC-6/GSM': 0x13,
  'CRC-7/MMC': 0x75,
  'CRC-7/ROHC': 0x53,
  'CRC-7/UMTS': 0x61,
  'CRC-8/AUTOSAR': 0xdf,
  'CRC-8/BLUETOOTH': 0x26,
  'CRC-8/CDMA2000': 0xda,
  'CRC-8/DARC': 0x15,
  'CRC-8/DVB-S2': 0xbc,
  'CRC-8/GSM-A': 0x37,
  'CRC-8/GSM-B': 0x94,
  'CRC-8/HITAG': 0xb4,
  'CRC-8/I-432-1': 0xa1,
  'CRC-8/I-CODE': 0x7e,
  'CRC-8/LTE': 0xea,
  'CRC-8/MAXIM-DOW': 0xa1,
  'CRC-8/MIFARE-MAD': 0x99,
  'CRC-8/NRSC-5': 0xf7,
  'CRC-8/OPENSAFETY': 0x3e,
  'CRC-8/ROHC': 0xd0,
  'CRC-8/SAE-J1850': 0x4b,
  'CRC-8/SMBUS': 0xf4,
  'CRC-8/TECH-3250': 0x97,
  'CRC-8/WCDMA': 0x25,
  'CRC-10/ATM': 0x199,
  'CRC-10/CDMA2000': 0x233,
  'CRC-10/GSM': 0x12a,
  'CRC-11/FLEXRAY': 0x5a3,
  'CRC-11/UMTS': 0x061,
  'CRC-12/CDMA2000': 0xd4d,
  'CRC-12/DECT': 0xf5b,
  'CRC-12/GSM': 0xb34,
  'CRC-12/UMTS': 0xdaf,
  'CRC-13/BBC': 0x04fa,
  'CRC-14/DARC': 0x082d,
  'CRC-14/GSM': 0x30ae,
  'CRC-15/CAN': 0x059e,
  'CRC-15/MPT1327': 0x2566,
  'CRC-16/ARC': 0xbb3d,
  'CRC-16/CDMA2000': 0x4c06,
  'CRC-16/CMS': 0xaee7,
  'CRC-16/DDS-110': 0x9ecf,
  'CRC-16/DECT-R': 0x007e,
  'CRC-16/DECT-X': 0x007f,
  'CRC-16/DNP': 0xea82,
  'CRC-16/EN-13757': 0xc2b7,
  'CRC-16/GENIBUS': 0xd64e,
  'CRC-16/GSM': 0xce3c,
  'CRC-16/IBM-3740': 0x29b1,
  'CRC-16/IBM-SDLC': 0x906e,
  'CRC-16/ISO-IEC-14443-3-A': 0xbf05,
  'CRC-16/KERMIT': 0x2189,
  'CRC-16/LJ1200': 0xbdf4,
  'CRC-16/M17': 0x772b,
  'CRC-16/MAXIM-DOW': 0x44c2,
  'CRC-16/MCRF4XX': 0x6f91,
  'CRC-16/MODBUS': 0x4b37,
  'CRC-16/NRSC-5': 0xa066,
  'CRC-16/OPENSAFETY-A': 0x5d38,
  'CRC-16/OPENSAFETY-B': 0x20fe,
  'CRC-16/PROFIBUS': 0xa819,
  'CRC-16/RIELLO': 0x63d0,
  'CRC-16/SPI-FUJITSU': 0xe5cc,
  'CRC-16/T10-DIF': 0xd0db,
  'CRC-16/TELEDISK': 0x0fb3,
  'CRC-16/TMS37157': 0x26b1,
  'CRC-16/UMTS': 0xfee8,
  'CRC-16/USB': 0xb4c8,
  'CRC-16/XMODEM': 0x31c3,
  'CRC-17/CAN-FD': 0x04f03,
  'CRC-21/CAN-FD': 0x0ed841,
  'CRC-24/BLE': 0xc25a56,
  'CRC-24/FLEXRAY-A': 0x7979bd,
  'CRC-24/FLEXRAY-B': 0x1f23b8,
  'CRC-24/INTERLAKEN': 0xb4f3e6,
  'CRC-24/LTE-A': 0xcde703,
  'CRC-24/LTE-B': 0x23ef52,
  'CRC-24/OPENPGP': 0x21cf02,
  'CRC-24/OS-9': 0x200fa5,
  'CRC-30/CDMA': 0x04c34abf,
  'CRC-31/PHILIPS': 0x0ce9e46c,
  'CRC-32/AIXM': 0x3010bf7f,
  'CRC-32/AUTOSAR': 0x1697d06a,
  'CRC-32/BASE91-D': 0x87315576,
  'CRC-32/BZIP2': 0xfc891918,
  'CRC-32/CD-ROM-EDC': 0x6ec2edc4,
  'CRC-32/CKSUM': 0x765e7680,
  'CRC-32/ISCSI': 0xe3069283,
  'CRC-32/ISO-HDLC': 0xcbf43926,
  'CRC-32/JAMCRC': 0x340bc6d9,
  'CRC-32/MEF': 0xd2c22f51,
  'CRC-32/MPEG-2': 0x0376e6e7,
  'CRC-32/XFER': 0xbd0be338,
  'XOR-8': 0x31,
  'SUM-8': 0xdd,
  'LRC-8': 0x23,
  'SUM-16': 0x01dd,
  INTERNET: 0xf62a,
  'FLETCHER-8BIT': 0x15dd,
  'FLETCHER-16': 0x1ede,
  'FLETCHER-32': 0xdf09d509,
  'ADLER-32': 0x091e01de,
};

const digits = Buffer.from('..123456789..');

it.each(checksumNames)('%s has its check value, also when cut in two', (name) => {
  const checksum = checksumByName(name);
  expect(checksum.compute(digits, 2, 11)).toBe(CHECK[name]);
  expect(checksum.compute(digits, 2, 7, digits.subarray(7, 11))).toBe(CHECK[name]);
});

// RFC 1071, section 3, its example; the vectors of Fletcher-32 that Wikipedia has; UBX's CFG-RATE poll.
it.each([
  ['INTERNET', [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 0x220d],
  ['FLETCHER-32', [...Buffer.from('abcde')], 0xf04fc729],
  ['FLETCHER-32', [...Buffer.from('abcdefgh')], 0xebe19591],
  ['ADLER-32', [...Buffer.from('Wikipedia')], 0x11e60398],
  ['FLETCHER-8BIT', [0x06, 0x08, 0x00, 0x00], 0x300e],
] as const)('%s of %j', (name, bytes, sum) => {
  expect(checksumByName(name).compute(Uint8Array.from(bytes), 0, bytes.length)).toBe(sum);
});

it('refuses unknown names and invalid parameters', () => {
  expect(() => checksumByName('CRC-16' as ChecksumName)).toThrow('no "CRC-16" in the catalogue');
  expect(() => checksumByName('constructor' as ChecksumName)).toThrow(RangeError);
  const own = { name: 'own', width: 8, polynomial: 7, initial: 0, reflected: false, final: 0 } as const;
  expect(() => crc({ ...own, width: 33 })).toThrow(RangeError);
  expect(() => crc({ ...own, initial: 256 })).toThrow('256 is not a number of 8 bits');
});

it('refuses parameters that no CRC of that width can have, and lists the known names', () => {
  const good = {
    name: 'mine',
    width: 16,
    polynomial: 0x1021,
    initial: 0,
    reflected: false,
    final: 0,
  } as const;
  expect(crc(good).compute(digits, 2, 11)).toBe(0x31c3);
  for (const width of [0, 33, 1.5]) {
    expect(() => crc({ ...good, width })).toThrow(`mine: expected a width of 1 to 32 bits, got ${width}`);
  }
  for (const part of ['polynomial', 'initial', 'final'] as const) {
    for (const wrong of [-1, 1.5, 0x10000]) {
      expect(() => crc({ ...good, [part]: wrong })).toThrow(`mine: ${wrong} is not a number of 16 bits`);
    }
  }
  expect(() => checksumByName('CRC-7' as ChecksumName)).toThrow(
    'no "CRC-7" in the catalogue; its names are in checksumNames',
  );
  expect(checksumNames).toContain('CRC-7/MMC');
  // A table is made once.
  expect(checksumByName('CRC-32/ISCSI')).toBe(checksumByName('CRC-32/ISCSI'));
});
