import { describe, expect, it } from 'vitest';
import * as w from '../../../src/index.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { hex } from '../../support/hex.ts';

// biome-ignore lint/suspicious/noExplicitAny: any field
function both(field: w.Field<any, any>, bytes: string, value: unknown): void {
  const codec = w.codecOf(field);
  const wire = hex(bytes);
  expect(codec.decode(wire)).toStrictEqual(value);
  expect(decodeByWalking(codec.declaration, wire, 0, wire.length)).toStrictEqual(value);
  expect(codec.encode(value)).toEqual(wire);
  expect(encodeByWalking(codec.declaration, value)).toEqual(wire);
}

/** What users of other packages reported that they could not declare, each with the bytes and the value that are right. */
describe('declarations that public reports ask for', () => {
  it('c15: presence bits of a second bitmap, and lengths in decimal digits (ISO 8583)', () => {
    const bitmaps = w.struct({
      hi: w.flags(w.u8, { second: 7 }),
      hi2: w.optional(w.flags(w.u8, { f70: 0 }), w.when('hi.second')),
      f70: w.optional(w.u16be, w.when('hi2.f70')),
    });
    both(bitmaps, '00', { hi: { second: false }, hi2: undefined, f70: undefined });
    both(bitmaps, '80 01 0001', { hi: { second: true }, hi2: { f70: true }, f70: 1 });
    both(w.utf8(w.decimal(2)), '30 35 68 65 6c 6c 6f', 'hello');
  });

  it('c24: 64-bit varints, groups of seven most significant first, and signed LEB128', () => {
    both(w.struct({ v: w.varuint64, end: w.u8 }), 'ff ff ff ff ff ff ff ff ff 01 09', {
      v: 2n ** 64n - 1n,
      end: 9,
    });
    both(w.struct({ v: w.vlq, end: w.u8 }), '81 00 09', { v: 128, end: 9 });
    both(w.sleb128, '7f', -1);
    both(w.bytes(w.vlq), `81 00 ${'07 '.repeat(128)}`, Buffer.alloc(128, 7));
  });

  it('c25: 40 bits in one member, 38 signed ones, and least significant first', () => {
    both(w.bits(w.u64le, { weird: 40, more: 24 }), '01 00 00 00 00 00 00 80', {
      weird: 0x8000000000,
      more: 1,
    });
    const x = w.bits(w.u64be, { id: 12, x: { width: 38, signed: true }, pad: 14 });
    // 1005 is 3ed, then −1 in 38 bits, then 0
    both(x, '3e df ff ff ff ff c0 00', { id: 1005, x: -1, pad: 0 });
    both(w.bits(w.u24be, { a: 12, b: 12 }), 'ab cd ef', { a: 0xabc, b: 0xdef });
    both(w.bits(w.u32le, { a: 4, b: 11, c: 13, d: 4 }, { first: 'least' }), '8b f3 dc 7b', {
      ...{ a: 11, b: 0x738, c: 6073, d: 7 },
    });
  });

  it('c26: text that is filled up, in Latin-1, in UTF-16 by characters; lengths in words', () => {
    const named = w.struct({ name: w.text(10, { pad: '\0' }), n: w.u8 });
    both(named, '62 61 72 00 00 00 00 00 00 00 07', { name: 'bar', n: 7 });
    both(w.text(8, { pad: ' ', encoding: 'ascii' }), '45 43 48 4f 53 43 55 20', 'ECHOSCU');
    both(w.text(w.u8, { encoding: 'latin1' }), '04 74 e3 73 74', 'tãst');
    both(w.text(w.u8, { encoding: 'utf16le', unit: 'characters' }), '02 68 00 69 00', 'hi');
    const words = w.struct({ words: w.u16be, body: w.bytes(w.size('words', { unit: 4 })) });
    both(words, '0001 01020304', { words: 1, body: hex('01020304') });
  });

  it('c28: reserved bits are refused when they are set (MQTT CONNECT)', () => {
    const flags = w.codecOf(
      w.bits(w.u8, {
        ...{ userName: 1, password: 1, retain: 1, qos: 2, will: 1, clean: 1 },
        reserved: { width: 1, constant: 0 },
      }),
    );
    expect(flags.decode(hex('c2'))).toStrictEqual({
      ...{ userName: 1, password: 1, retain: 0, qos: 0, will: 0, clean: 1 },
    });
    expect(() => flags.decode(hex('03'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_VALUE', path: 'reserved', offset: 0 }),
    );
  });

  it('c42: a sum over the length that counts it, with its own place as zeros, and in text', () => {
    // length 2 | kind 7, CRC-8/SMBUS of 02 07
    const counted = w.struct({
      length: w.u8,
      body: w.bounded(
        'length',
        w.struct({ kind: w.u8, sum: w.checksum(w.u8, 'CRC-8/SMBUS', { from: 'length' }) }),
      ),
    });
    const sum = w.checksumByName('CRC-8/SMBUS').compute(hex('02 07'), 0, 2);
    const own = sum.toString(16).padStart(2, '0');
    both(counted, `02 07 ${own}`, { length: 2, body: { kind: 7, sum } });
    const zeroed = w.struct({
      a: w.u16be,
      sum: w.checksum(w.u16be, 'INTERNET', { to: 'b', zeroed: true }),
      b: w.u16be,
    });
    // the ones' complement of 0001 + 0002
    both(zeroed, '0001 fffc 0002', { a: 1, sum: 0xfffc, b: 2 });
    const nmea = w.struct({
      body: w.text(2, { encoding: 'ascii' }),
      sum: w.checksum(w.hexadecimal(2), 'XOR-8'),
    });
    both(nmea, '41 4b 30 41', { body: 'AK', sum: 0x0a });
  });

  /** DNP3's data link layer (IEEE 1815 §9.2): the length counts neither the sums nor the bytes in front of the control byte. */
  const dnp3 = () => {
    const length = w.mapped(w.u8, {
      name: 'the length of a DNP3 frame',
      decode: (said) => said - 5 + 2 * Math.ceil((said - 5) / 16),
      encode: (bytes: number) => bytes - 2 * Math.ceil(bytes / 18) + 5,
    });
    const sum = w.checksum(w.u16le, 'CRC-16/DNP');
    return w.struct({
      start: w.constant(w.u16be, 0x0564),
      length,
      ...{ control: w.u8, destination: w.u16le, source: w.u16le, sum },
      blocks: w.bounded(
        'length',
        w.array(w.struct({ data: w.bytes(w.size(w.rest, { upTo: 16 })), sum }), w.rest),
      ),
    });
  };

  it('c42: a sum behind each block of 16 bytes (DNP3)', () => {
    const frame = dnp3();
    // A reset of the link has no data; sum of 05 64 05 c0 01 00 00 04
    both(frame, '0564 05 c0 0100 0004 e921', {
      ...{ length: 0, control: 0xc0, destination: 1, source: 0x400, sum: 0x21e9, blocks: [] },
    });
    // A poll of all classes: 15 bytes of data in one block
    const data = 'c0 c3 01 3c 02 06 3c 03 06 3c 04 06 3c 01 06';
    both(frame, `0564 14 f3 0100 0004 0a3b | ${data} 9a12`.replace('|', ''), {
      ...{ length: 17, control: 0xf3, destination: 1, source: 0x400, sum: 0x3b0a },
      blocks: [{ data: hex(data), sum: 0x129a }],
    });
  });

  it('c42: a block that is not full is the last one, and each has its sum', () => {
    const codec = w.codecOf(dnp3());
    const dnp = w.checksumByName('CRC-16/DNP');
    const sumOf = (bytes: Buffer) => dnp.compute(bytes, 0, bytes.length);
    for (const sizes of [[16], [16, 1], [16, 16, 15], [16, 16]]) {
      const blocks = sizes.map((size, index) => ({ data: Buffer.alloc(size, 0x30 + index) }));
      const bytes = codec.encode({ control: 1, destination: 2, source: 3, blocks });
      const total = sizes.reduce((all, size) => all + size, 0);
      expect(bytes[2]).toBe(5 + total);
      expect(bytes.length).toBe(10 + total + 2 * sizes.length);
      expect(codec.decode(bytes).blocks).toEqual(blocks.map(({ data }) => ({ data, sum: sumOf(data) })));
      bytes[bytes.length - 3]! ^= 1;
      expect(() => codec.decode(bytes)).toThrow(
        expect.objectContaining({ code: 'ERR_FRAME_CHECKSUM', path: `blocks[${sizes.length - 1}].sum` }),
      );
    }
    for (const sizes of [[15, 16], [17], [3, 0], [16, 2, 16]]) {
      const blocks = sizes.map((size) => ({ data: Buffer.alloc(size) }));
      expect(() => codec.encode({ control: 1, destination: 2, source: 3, blocks })).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_FIELD_/) }),
      );
    }
  });

  it('c49: a value of another kind, declared by way of the bits (KNX DPT 9)', () => {
    const temperature = w.mapped(w.bits(w.u16be, { sign: 1, exponent: 4, mantissa: 11 }), {
      name: 'a temperature from −671088.64 to 670760.96',
      decode: ({ sign, exponent, mantissa }) => Math.round((mantissa - 2048 * sign) * 2 ** exponent) / 100,
      encode(value: number) {
        let exponent = 0;
        let whole = Math.round(100 * value);
        while (whole > 2047 || whole < -2048) whole = Math.round((100 * value) / 2 ** ++exponent);
        return { sign: whole < 0 ? 1 : 0, exponent, mantissa: whole & 0x7ff };
      },
    });
    const pairs: [number, string][] = [
      [0, '0000'],
      [20.48, '0c00'],
      [21.5, '0c33'],
      [-1, '879c'],
      [-272.96, 'a156'],
      [40.96, '1400'],
      [670760.96, '7fff'],
    ];
    for (const [value, bytes] of pairs) both(w.struct({ t: temperature }), bytes, { t: value });
    expect(() => w.codecOf(temperature).encode(1e7)).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_RANGE' }),
    );
  });
});
