import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Checksum, crc, packets } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { chunkings } from '../../support/chunkings.ts';
import { hex } from '../../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

const b = (text: string): Buffer => Buffer.from(text, 'latin1');
const sum = (
  name: string,
  width: number,
  step: (sum: number, byte: number) => number,
  initial = 0,
): Checksum => ({
  name,
  width,
  compute(bytes, start, end) {
    let value = initial;
    for (let at = start; at < end; at++) value = step(value, bytes[at]!);
    return value;
  },
});

/** XOR from FF, as Z-Wave's serial API has it. */
const xorFF = sum('XOR from FF', 8, (value, byte) => value ^ byte, 0xff);
const xor = sum('XOR', 8, (value, byte) => value ^ byte);
/** UBX: two sums of eight bits, the first one first. */
const fletcher = sum('Fletcher', 16, (value, byte) => {
  const low = (value + byte) & 0xff;
  return low | ((((value >> 8) + low) & 0xff) << 8);
});
const crc24q = crc({
  name: 'CRC-24/LTE-Q',
  width: 24,
  polynomial: 0x864cfb,
  initial: 0,
  reflected: false,
  final: 0,
});

const UBX = {
  start: [0xb5, 0x62],
  length: { offset: 4, width: 2, byteOrder: 'little', add: 8 },
  valid: { checksum: fletcher, byteOrder: 'little', from: 2 },
  maxFrameLength: 1_024,
} as const;

function ubx(cls: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.concat([
    Buffer.of(0xb5, 0x62, cls, id, payload.length & 0xff, payload.length >> 8),
    payload,
  ]);
  const value = fletcher.compute(head, 2, head.length);
  return Buffer.concat([head, Buffer.of(value & 0xff, value >> 8)]);
}

describe('Z-Wave serial API: data frames and single bytes (zwave-js#7422, #4059, #8491)', () => {
  const framing = packets({
    kinds: {
      // The length counts what stands behind it.
      data: {
        start: [1],
        length: { offset: 1, add: 2 },
        header: 2,
        valid: { checksum: xorFF, from: 1 },
        maxFrameLength: 257,
      },
      acknowledged: { start: [0x06], length: 1 },
      refused: { start: [0x15], length: 1 },
      cancelled: { start: [0x18], length: 1 },
    },
  });
  const one = hex('01 05 00 13 22 33 F8');
  const two = hex('01 03 00 07 FB');

  test('noise and single-byte frames between data frames; a bad sum costs that frame only', () =>
    verifyFraming(framing, [
      {
        name: 'clean',
        bytes: Buffer.concat([one, two, hex('06')]),
        frames: [one, two, hex('06')],
        canonical: true,
      },
      {
        name: 'noise',
        bytes: Buffer.concat([hex('00 00 11'), one, hex('06'), two, hex('15 18'), one]),
        frames: [one, hex('06'), two, hex('15'), hex('18'), one],
        discarded: ['ERR_FRAME_NOISE'],
      },
      {
        name: 'a bad sum',
        bytes: Buffer.concat([two, hex('01 05 00 13 62 33 F8'), one]),
        frames: [two, one],
        discarded: ['ERR_FRAME_NOISE'],
      },
      {
        name: 'cut off',
        bytes: Buffer.concat([two, one.subarray(0, 4)]),
        frames: [two],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ]));
});

describe('UBX: a false start with a huge length (ubxtranslator#7, satpulse#82)', () => {
  const framing = packets({ kinds: [UBX] });
  const a = ubx(1, 7, hex('010203'));
  const c = ubx(5, 1, hex('0601'));

  test('costs one byte, and no packet after or inside it', () =>
    verifyFraming(framing, [
      {
        name: 'a length beyond the maximum, then one whose sum is wrong',
        bytes: Buffer.concat([hex('B562 0107 FFFF'), a, hex('B562 0107 0400 99'), c, a]),
        frames: [a, c, a],
        discarded: ['ERR_FRAME_NOISE', 'ERR_FRAME_NOISE'],
      },
    ]));

  test('a packet in a packet is payload; once the stream ends inside the outer one, it is a packet', () => {
    const outer = ubx(1, 1, c);
    for (const size of [1, 5, 100]) {
      expect(readAll(framing, pieces(outer, size))).toMatchObject({ frames: [outer], discarded: [] });
      const cut = readAll(framing, pieces(outer.subarray(0, -1), size));
      expect(cut.frames).toEqual([c]);
      expect(cut.discarded).toMatchObject([{ actual: 6 }, { actual: 1 }]);
    }
  });

  test('says how many bytes were noise, and where', () => {
    const { discarded } = readAll(framing, [Buffer.concat([a, hex('B562 0107 FFFF'), c])]);
    expect(discarded).toMatchObject([
      { code: 'ERR_FRAME_NOISE', actual: 6, offset: a.length, origin: 'peer' },
    ]);
  });

  test('at the end of the stream a packet after a false start is still found', () => {
    // Plausible: 200 bytes announced, of which few come.
    const { frames, error, discarded } = readAll(framing, [Buffer.concat([hex('B562 0107 C800'), a])]);
    expect(frames).toEqual([a]);
    expect(error).toBeUndefined();
    expect(discarded).toMatchObject([{ actual: 6, offset: 0 }]);
    const cut = readAll(framing, [Buffer.concat([hex('00'), a.subarray(0, -1)])]);
    expect(cut.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', offset: 1, actual: a.length - 1 });
    expect(cut.discarded).toMatchObject([{ actual: 1, offset: 0 }]);
  });
});

describe('NMEA, UBX and RTCM on one line (openpilot#20664, pyubx2#56, SparkFun_RTK_Firmware#757)', () => {
  const nmea = b('$GNTXT,01,01,02,own text*');
  const sentence = Buffer.concat([
    nmea,
    b(
      `${xor
        .compute(nmea, 1, nmea.length - 1)
        .toString(16)
        .toUpperCase()}\r\n`,
    ),
  ]);
  const packet = ubx(5, 1, hex('0601'));
  // Its payload holds $, CR, LF and the start of UBX.
  const body = hex('D3 000A 3ED0 000A 24 0D 0A B5 62 00');
  const rtcm = Buffer.concat([body, Buffer.alloc(3)]);
  rtcm.writeUIntBE(crc24q.compute(body, 0, body.length), body.length, 3);
  const framing = packets({
    kinds: {
      nmea: {
        start: '$',
        end: '\r\n',
        maxFrameLength: 82,
        valid: { checksum: xor, digits: 'hexadecimal', from: 1, at: -4, to: -5 },
      },
      ubx: UBX,
      rtcm: {
        start: { bytes: [0xd3, 0], mask: [0xff, 0xfc] },
        length: { offset: 1, width: 2, byteOrder: 'big', mask: 0x3ff, add: 6 },
        valid: { checksum: crc24q, byteOrder: 'big' },
      },
    },
    maxFrameLength: 1_029,
  });

  test('each kind is found, whatever the others contain', () =>
    verifyFraming(framing, [
      {
        name: 'mixed',
        bytes: Buffer.concat([sentence, packet, rtcm, sentence, rtcm, packet]),
        frames: [sentence, packet, rtcm, sentence, rtcm, packet],
        canonical: true,
      },
      {
        name: 'noise between, and a sentence without its sum',
        bytes: Buffer.concat([b('$GN\r\n'), sentence, b('\xd3\xff\xb5$'), packet]),
        frames: [sentence, packet],
        discarded: ['ERR_FRAME_NOISE', 'ERR_FRAME_NOISE'],
        // A dollar waits for its sentence, 82 bytes at the most.
        unterminated: true,
      },
    ]));

  test('the catalogue of checksums serves by name', () =>
    verifyFraming(
      packets({
        kinds: {
          request: {
            header: 2,
            length: (header) => (header[1]! <= 6 ? 8 : undefined),
            valid: { checksum: 'CRC-16/MODBUS', byteOrder: 'little' },
          },
        },
        maxFrameLength: 256,
      }),
      [
        {
          name: 'Modbus RTU, MODBUS over serial line 1.02: read holding registers of unit 17',
          bytes: hex('FF', '11 03 006B 0003 7687'),
          frames: [hex('11 03 006B 0003 7687')],
          discarded: ['ERR_FRAME_NOISE'],
          canonical: false,
        },
      ],
    ));
});

describe('HDLC with a length, unstuffed: a flag inside the FCS, flags shared (dlms-cosem#97)', () => {
  const x25 = (bytes: Buffer): number => {
    let value = 0xffff;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x8408 : value >>> 1;
    }
    return value ^ 0xffff;
  };
  const make = (n: number): Buffer => {
    const body = Buffer.concat([hex('A009 03 21 13'), Buffer.of(n & 0xff, n >> 8)]);
    const fcs = x25(body);
    return Buffer.concat([body, Buffer.of(fcs & 0xff, fcs >> 8)]);
  };
  let n = 0;
  while (!make(n).subarray(-2).includes(0x7e)) n++;
  const [one, two] = [make(n), make(n + 1)];

  test('is cut by its length', () => {
    const framing = packets({
      kinds: [
        {
          start: { bytes: [0x7e, 0xa0], mask: [0xff, 0xf0] },
          length: { offset: 1, width: 2, byteOrder: 'big', mask: 0x7ff, add: 1 },
          valid: { checksum: 'CRC-16/IBM-SDLC', byteOrder: 'little', from: 1 },
        },
      ],
    });
    const flag = hex('7E');
    const shared = Buffer.concat([flag, one, flag, two, flag]);
    const whole = [one, two, one, two].map((frame) => Buffer.concat([flag, frame]));
    const bytes = Buffer.concat([shared, shared.subarray(0, -1)]);
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const { frames, error } = readAll(framing, pieces(bytes, size));
      expect(frames).toEqual(whole);
      expect(error).toBeUndefined();
    }
  });
});

describe('fixed bytes in front of a length that are checked and written (node-mbus, xbee-python#14, OpenLog#8)', () => {
  const framing = packets({
    kinds: [{ start: [0xaa, 0x55], length: { offset: 2, add: 3 } }],
    onNoise: 'error',
  });

  test('a stream that is out of sync is an error', () =>
    verifyFraming(framing, [
      {
        name: 'two',
        bytes: hex('AA55 02 0102', 'AA55 00'),
        frames: [hex('AA55 02 0102'), hex('AA55 00')],
        canonical: true,
      },
      {
        name: 'other bytes in their place',
        bytes: hex('AA55 00', 'AB55 02 0102'),
        frames: [hex('AA55 00')],
        error: 'ERR_FRAME_NOISE',
      },
      {
        name: 'cut off',
        bytes: hex('AA55 00', 'AA'),
        frames: [hex('AA55 00')],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ]));

  test('an end byte behind the payload, checked', () =>
    verifyFraming(
      packets({
        kinds: [{ start: [0x68], length: { offset: 1, add: 3 }, valid: (packet) => packet.at(-1) === 0x16 }],
        onNoise: 'error',
        maxFrameLength: 20,
      }),
      [
        { name: 'M-Bus like', bytes: hex('68 02 0102 16'), frames: [hex('68 02 0102 16')], canonical: true },
        { name: 'another end', bytes: hex('68 01 01 17'), frames: [], error: 'ERR_FRAME_CHECKSUM' },
        { name: 'too long', bytes: hex('68 12'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      ],
    ));

  test('the error says both sums', () => {
    const summed = packets({
      kinds: [{ start: [1], length: 3, valid: { checksum: xor } }],
      onNoise: 'error',
    });
    expect(readAll(summed, [hex('01 02 03', '01 02 00')]).error).toMatchObject({
      code: 'ERR_FRAME_CHECKSUM',
      expected: 3,
      actual: 0,
      offset: 3,
    });
  });

  test('the writer writes only payloads whose measured length is their own', () => {
    expect(writeOne(framing, hex('AA55 01 07'))).toEqual(hex('AA55 01 07'));
    for (const [payload, code] of [
      ['AB55 01 07', 'ERR_FRAME_NOISE'],
      ['AA55 02 07', 'ERR_FRAME_LENGTH'],
      ['AA55 00 07', 'ERR_FRAME_LENGTH'],
      ['', 'ERR_FRAME_LENGTH'],
    ] as const) {
      expect(thrown(() => writeOne(framing, hex(payload)))).toMatchObject({ code, origin: 'local' });
    }
    const wrong = ubx(1, 1, hex('01'));
    wrong[6] = 2;
    expect(thrown(() => writeOne(packets({ kinds: [UBX] }), wrong))).toMatchObject({
      code: 'ERR_FRAME_CHECKSUM',
      origin: 'local',
    });
  });
});

describe('hostile lines', () => {
  test('a start in every byte: each byte is summed at most as often as the longest packet has bytes', () => {
    const LONGEST = 64;
    let summed = 0;
    const counting = sum('counting', 8, (value) => value);
    const counted: Checksum = {
      ...counting,
      compute(_, start, end) {
        summed += end - start;
        return -1;
      },
    };
    for (const length of [() => LONGEST, (header: Buffer) => 2 + (header[1]! % (LONGEST - 1))]) {
      const framing = packets({
        kinds: [{ start: [0x7e], header: 2, length, valid: { checksum: counted, from: 0, to: -1 } }],
        maxFrameLength: LONGEST,
      });
      for (const size of [1, 100, 100_000]) {
        summed = 0;
        const bytes = Buffer.alloc(20_000, 0x7e);
        const { frames, discarded } = readAll(framing, pieces(bytes, size));
        expect(frames).toEqual([]);
        expect(summed).toBeLessThanOrEqual(bytes.length * LONGEST);
        expect(discarded.reduce((all, { actual }) => all + Number(actual), 0)).toBeGreaterThan(
          bytes.length - LONGEST,
        );
      }
    }
  });

  test('a start in every byte: the reader pauses after so many bytes examined in vain, and finds the same packets', () => {
    const LONGEST = 1_000;
    let summed = 0;
    const counted: Checksum = {
      ...sum('counting', 8, (value, byte) => (value + byte) & 0xff),
      compute(bytes, start, end) {
        summed += end - start;
        return bytes[start + 1] === 0x55 ? bytes[end]! : -1;
      },
    };
    const framing = packets({
      kinds: [{ start: [0x7e], length: LONGEST, valid: { checksum: counted, from: 0, to: -1 } }],
      maxFrameLength: LONGEST,
    });
    const bytes = Buffer.alloc(20_000, 0x7e);
    for (const at of [3_001, 3_500, 12_001]) bytes[at] = 0x55;
    const expected = readAll(framing, [bytes]).frames;
    expect(expected).toHaveLength(2);
    const reader = framing.reader({ pauseAfter: 50_000 });
    const frames: string[] = [];
    let pauses = 0;
    let most = 0;
    for (const chunk of pieces(bytes, 7_000)) {
      reader.push(chunk);
      // A turn: until the reader is dry or pauses.
      do {
        summed = 0;
        for (let batch = reader.take(); batch !== undefined; batch = reader.take()) {
          for (let i = 0; i < batch.count; i++) {
            frames.push(batch.bytes.toString('hex', batch.bounds[2 * i], batch.bounds[2 * i + 1]));
          }
        }
        most = Math.max(most, summed);
        if (reader.isPaused) pauses++;
      } while (reader.isPaused);
    }
    expect(frames).toEqual(expected.map((frame) => Buffer.from(frame).toString('hex')));
    expect(pauses).toBeGreaterThan(100);
    expect(most).toBeLessThanOrEqual(50_000 + 3 * LONGEST);
  });

  test('endless noise is not held, and is reported every 64 KiB', () => {
    const told: number[] = [];
    const reader = packets({ kinds: [UBX] }).reader({ onDiscard: ({ actual }) => told.push(Number(actual)) });
    const chunk = Buffer.alloc(65_536, 'x');
    for (let i = 0; i < 64; i++) {
      reader.push(chunk);
      expect(reader.take()).toBeUndefined();
      expect(reader.buffered).toBe(0);
    }
    expect(told).toEqual(Array<number>(64).fill(65_536));
  });

  test('a candidate holds no more than its maximum, byte by byte', () => {
    const reader = packets({ kinds: [UBX] }).reader();
    for (const byte of Buffer.concat(Array<Buffer>(2_000).fill(hex('B562 0107 F003')))) {
      reader.push(Buffer.of(byte));
      reader.next();
      expect(reader.buffered).toBeLessThanOrEqual(1_024);
    }
  });

  test('a function that throws ends the stream with an error of our own', () => {
    const framing = packets({
      kinds: [
        {
          start: [1],
          length: () => {
            throw new Error('oops');
          },
        },
      ],
    });
    expect(readAll(framing, [hex('00 01')]).error).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
      offset: 1,
      cause: new Error('oops'),
    });
  });
});

test('50 MB of noise, 1 % of it packets: each is found, and memory does not grow', () => {
  const reader = packets({ kinds: [UBX] }).reader({
    onDiscard: ({ actual }) => {
      noise += Number(actual);
    },
  });
  let noise = 0;
  let sent = 0;
  let found = 0;
  let state = 1;
  let most = 0;
  const chunk = Buffer.alloc(65_536);
  for (let pushed = 0; pushed < 50_000_000; pushed += chunk.length) {
    for (let at = 0; at < chunk.length; at += 4) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      chunk.writeUInt32LE((state ^ (state >>> 13)) >>> 0, at);
    }
    // 18 bytes in 1,800; some of them lie across the end of a chunk.
    for (let at = 0; at + 18 <= chunk.length; at += 1_800) {
      const payload = Buffer.alloc(10);
      payload.writeUInt32LE(sent++);
      chunk.set(ubx(1, 7, payload), at);
    }
    for (const part of [chunk.subarray(0, 9), chunk.subarray(9, 40_000), chunk.subarray(40_000)]) {
      reader.push(Buffer.from(part));
      for (let batch = reader.take(); batch !== undefined; batch = reader.take()) {
        for (let i = 0; i < batch.count; i++) {
          if (batch.bytes.readUInt32LE(batch.bounds[2 * i]! + 6) === found) found++;
        }
      }
      most = Math.max(most, reader.buffered);
    }
  }
  reader.end();
  while (reader.take() !== undefined);
  expect(found).toBe(sent);
  expect(most).toBeLessThanOrEqual(1_024);
  expect(noise).toBeGreaterThan(49_000_000);
});

test('any bytes, cut anywhere: the same packets, by next and by take; what is written is found in noise', () => {
  const framings = [
    packets({
      kinds: [
        { start: [1], length: { offset: 1, add: 3 }, valid: { checksum: xor } },
        { start: [1, 2], end: [3] },
        { start: [4], length: 1 },
      ],
      maxFrameLength: 12,
    }),
    packets({
      kinds: [{ header: 1, length: (header) => header[0]! % 5, valid: (packet) => packet.at(-1) !== 2 }],
      maxFrameLength: 4,
    }),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...framings),
      fc.array(fc.nat(5), { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      (framing, given, size) => {
        const bytes = Buffer.from(given);
        const whole = readAll(framing, [bytes]);
        const cut = readAll(framing, pieces(bytes, size));
        expect(cut.frames).toEqual(whole.frames);
        expect(cut.error?.code).toBe(whole.error?.code);
        expect(cut.error?.offset).toBe(whole.error?.offset);
        const places = (reading: typeof whole): unknown[] =>
          reading.discarded.map(({ actual, offset }) => [actual, offset]);
        expect(places(cut)).toEqual(places(whole));
        const noise = whole.discarded.reduce((all, { actual }) => all + Number(actual), 0);
        const framed = whole.frames.reduce((all, frame) => all + frame.length, 0);
        expect(noise + framed + Number(whole.error?.actual ?? 0)).toBe(bytes.length);
        for (const frame of whole.frames) {
          try {
            expect(writeOne(framing, frame)).toEqual(frame);
          } catch (error) {
            // Found only because the stream ended: an earlier kind was waiting for more.
            expect(error).toMatchObject({ code: 'ERR_FRAME_LENGTH' });
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a packet given up while incomplete: packets after its start are found', () => {
  const reader = packets({
    kinds: [{ start: [0xaa], length: { offset: 1 } }],
    onNoise: 'discard',
  }).reader();
  // aa 20: thirty-two bytes, of which five come; aa 03 01 is a packet of its own.
  for (const byte of [0xaa, 0x20, 0xaa, 0x03, 0x01]) {
    reader.push(Buffer.of(byte));
    expect(reader.take()).toBeUndefined();
  }
  reader.giveUp!();
  expect(reader.next()).toEqual(hex('aa 03 01'));
  expect(reader.next()).toBeUndefined();
  expect(reader.buffered).toBe(0);
});

test('the end of a packet, right after its start, cut in two, and as far off as may be', () => {
  const framing = packets({ kinds: [{ start: '$', end: '\r\n', trailer: 2 }], maxFrameLength: 8 });
  const right = Buffer.from('$\r\n12$\r\r\n34$a\r\n\r\n$abc\r\n56');
  for (const [, chunks] of chunkings(right)) {
    const { frames, error, discarded } = readAll(framing, chunks);
    expect(frames.map(String)).toEqual(['$\r\n12', '$\r\r\n34', '$a\r\n\r\n', '$abc\r\n56']);
    expect([error, discarded]).toEqual([undefined, []]);
  }
  // The start is no part of the end, and an end that comes one byte later is none.
  const same = packets({ kinds: [{ start: ';', end: ';' }], maxFrameLength: 4 });
  for (const [, chunks] of chunkings(Buffer.from(';ab;;c;;abc;'))) {
    const { frames, discarded } = readAll(same, chunks);
    expect(frames.map(String)).toEqual([';ab;', ';c;']);
    expect(discarded.map(({ actual }) => actual)).toEqual([4]);
  }
});
