import { expect, it } from 'vitest';
import { type ChecksumName, checksumByName, checksumNames, crc } from '../../src/bytes/checksum.ts';

// The catalogue's own check values: the CRC of the nine characters '123456789'.
const CHECK: Record<ChecksumName, number> = {
  'CRC-8/SMBUS': 0xf4,
  'CRC-8/MAXIM-DOW': 0xa1,
  'CRC-8/AUTOSAR': 0xdf,
  'CRC-8/SAE-J1850': 0x4b,
  'CRC-8/DVB-S2': 0xbc,
  'CRC-8/NRSC-5': 0xf7,
  'CRC-16/ARC': 0xbb3d,
  'CRC-16/MODBUS': 0x4b37,
  'CRC-16/USB': 0xb4c8,
  'CRC-16/KERMIT': 0x2189,
  'CRC-16/XMODEM': 0x31c3,
  'CRC-16/IBM-3740': 0x29b1,
  'CRC-16/GENIBUS': 0xd64e,
  'CRC-16/IBM-SDLC': 0x906e,
  'CRC-16/MCRF4XX': 0x6f91,
  'CRC-16/DNP': 0xea82,
  'CRC-24/OPENPGP': 0x21cf02,
  'CRC-32/ISO-HDLC': 0xcbf43926,
  'CRC-32/BZIP2': 0xfc891918,
  'CRC-32/MPEG-2': 0x0376e6e7,
  'CRC-32/CKSUM': 0x765e7680,
  'CRC-32/ISCSI': 0xe3069283,
};

const digits = Buffer.from('..123456789..');

it.each(checksumNames)('%s has its check value, also when cut in two', (name) => {
  const checksum = checksumByName(name);
  expect(checksum.compute(digits, 2, 11)).toBe(CHECK[name]);
  expect(checksum.compute(digits, 2, 7, digits.subarray(7, 11))).toBe(CHECK[name]);
});

it('refuses names and parameters that are none', () => {
  expect(() => checksumByName('CRC-16' as ChecksumName)).toThrow("no 'CRC-16' in the catalogue");
  expect(() => checksumByName('constructor' as ChecksumName)).toThrow(RangeError);
  const own = { name: 'own', width: 8, polynomial: 7, initial: 0, reflected: false, final: 0 } as const;
  expect(() => crc({ ...own, width: 12 as 8 })).toThrow(RangeError);
  expect(() => crc({ ...own, initial: 256 })).toThrow('256 is no number of 8 bits');
});

it('refuses parameters that no CRC of that width has, and lists the names that there are', () => {
  const good = {
    name: 'mine',
    width: 16,
    polynomial: 0x1021,
    initial: 0,
    reflected: false,
    final: 0,
  } as const;
  expect(crc(good).compute(digits, 2, 11)).toBe(0x31c3);
  expect(() => crc({ ...good, width: 12 as 16 })).toThrow('mine: the width is 8, 16, 24 or 32 bits');
  for (const part of ['polynomial', 'initial', 'final'] as const) {
    for (const wrong of [-1, 1.5, 0x10000]) {
      expect(() => crc({ ...good, [part]: wrong })).toThrow(`mine: ${wrong} is no number of 16 bits`);
    }
  }
  expect(() => checksumByName('CRC-7' as ChecksumName)).toThrow(checksumNames.join(', '));
  // A table is made once.
  expect(checksumByName('CRC-32/ISCSI')).toBe(checksumByName('CRC-32/ISCSI'));
});
