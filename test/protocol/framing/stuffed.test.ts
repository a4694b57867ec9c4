import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cobs, delimiter, slip, stuffed } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

const HDLC = { flag: 0x7e, escape: 0x7d, xor: 0x20 } as const;

describe('flag 7E, escape 7D, xor 20 (zigbee2mqtt#22563, xbee-api#5, svd-xbee#19, edgetx#3685)', () => {
  test('flags between frames may be shared or repeated', () =>
    verifyFraming(stuffed(HDLC), [
      {
        name: 'a flag shared',
        bytes: hex('7E 01 7D5E 7D5D 11 22 7E 02 33 44 7E'),
        frames: [hex('01 7E 7D 11 22'), hex('02 33 44')],
      },
      {
        name: 'as it is written',
        bytes: hex('7E 01 7D5E 7E', '7E 7D5D 7E'),
        frames: [hex('01 7E'), hex('7D')],
        canonical: true,
      },
      { name: 'an idle line', bytes: hex('7E 7E 7E 01 7E 7E'), frames: [hex('01')] },
      { name: 'an escape that was not needed', bytes: hex('7E 7D31 7E'), frames: [hex('11')] },
      {
        name: 'an abort: escape and flag',
        bytes: hex('7E 01 7E 02 7D 7E'),
        frames: [hex('01')],
        error: 'ERR_FRAME_STUFFING',
      },
      { name: 'cut off', bytes: hex('7E 01 7E 02'), frames: [hex('01')], error: 'ERR_FRAME_TRUNCATED' },
    ]));

  test('PPP in HDLC-like framing, RFC 1662: control characters escaped, the FCS checked, an abort passed over', () =>
    verifyFraming(
      stuffed({
        ...HDLC,
        alsoEscaped: Array.from({ length: 32 }, (_, byte) => byte),
        valid: { checksum: 'CRC-16/IBM-SDLC', byteOrder: 'little' },
        onInvalid: 'discard',
      }),
      [
        {
          name: 'an LCP echo request',
          bytes: hex('7E FF 7D23 C0 21 7D29 7D21 7D20 7D28 7D20 7D20 7D20 7D20 7D26 D1 7E'),
          frames: [hex('FF 03 C0 21 09 01 00 08 00 00 00 00 06 D1')],
          canonical: true,
        },
      ].map((vector) => withFcs(vector)),
    ));

  test('a frame with a wrong sum is skipped, and reported', () =>
    verifyFraming(stuffed({ ...HDLC, valid: (frame) => frame[0] === 1, onInvalid: 'discard' }), [
      {
        bytes: hex('7E 01 02 7E 03 7E 01 7E'),
        frames: [hex('01 02'), hex('01')],
        discarded: ['ERR_FRAME_CHECKSUM'],
      },
    ]));
});

/** The vector's frame with the right FCS behind it, on the wire as in the frame. */
function withFcs<T extends { frames: Buffer[] }>(vector: T): T & { bytes: Buffer } {
  const fcs = (bytes: Buffer): number => {
    let value = 0xffff;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x8408 : value >>> 1;
    }
    return value ^ 0xffff;
  };
  const frames = vector.frames.map((frame) => {
    const body = frame.subarray(0, -2);
    const value = fcs(body);
    return Buffer.concat([body, Buffer.of(value & 0xff, value >> 8)]);
  });
  const wire = frames.flatMap((frame) => [
    0x7e,
    ...[...frame].flatMap((byte) =>
      byte < 32 || byte === 0x7e || byte === 0x7d ? [0x7d, byte ^ 0x20] : [byte],
    ),
    0x7e,
  ]);
  return { ...vector, frames, bytes: Buffer.from(wire) };
}

test('ASH of Zigbee coprocessors: reserved bytes, flow control dropped, substitute, cancel (UG101)', () =>
  verifyFraming(
    stuffed({
      ...HDLC,
      ignored: [0x11, 0x13],
      forbidden: [0x18],
      cancel: 0x1a,
      opens: false,
      onInvalid: 'discard',
    }),
    [
      {
        name: 'every reserved byte escaped',
        bytes: hex('7D5E 7D5D 7D31 7D33 7D38 7D3A 42 7E'),
        frames: [hex('7E 7D 11 13 18 1A 42')],
        canonical: true,
      },
      {
        name: 'XON between an escape and its byte',
        bytes: hex('01 11 7D 11 5E 13 7E'),
        frames: [hex('01 7E')],
      },
      { name: 'cancelled', bytes: hex('01 02 1A 03 7E', '04 1A 7E'), frames: [hex('03')] },
      {
        name: 'a substitute',
        bytes: hex('01 18 7E 02 7E'),
        frames: [hex('02')],
        discarded: ['ERR_FRAME_STUFFING'],
      },
    ],
  ));

test('by table, as SLIP', () =>
  verifyFraming(stuffed({ flag: 0xc0, escape: 0xdb, escapes: { 192: 0xdc, 219: 0xdd }, opens: false }), [
    { bytes: hex('01 DB DC DB DD C0'), frames: [hex('01 C0 DB')], canonical: true },
    { name: 'a code of nothing', bytes: hex('DB 01 C0'), frames: [], error: 'ERR_FRAME_STUFFING' },
  ]));

test('with a length, what is too long is invalid: onTooLong contradicts it', () => {
  const length = { offset: 0, width: 2, byteOrder: 'big', add: 3 } as const;
  expect(() => stuffed({ ...HDLC, length, onTooLong: 'discard' })).toThrow(
    /onInvalid says what becomes of frames/,
  );
});

test('a length that says where the frame ends, escaped bytes counted once (XBee API 2, xbee-python#14)', () =>
  verifyFraming(
    stuffed({
      ...HDLC,
      alsoEscaped: [0x11, 0x13],
      length: { offset: 0, width: 2, byteOrder: 'big', add: 3 },
      valid: (frame) => frame.subarray(2).reduce((sum, byte) => (sum + byte) & 0xff, 0) === 0xff,
      onInvalid: 'discard',
      maxFrameLength: 100,
    }),
    [
      {
        name: 'the remote AT response of the product manual',
        bytes: hex('7E 00 02 23 7D31 CB', '7E 00 01 7D5E 81'),
        frames: [hex('00 02 23 11 CB'), hex('00 01 7E 81')],
        canonical: true,
      },
      {
        name: 'noise, a frame that a new one breaks off, a wrong sum',
        bytes: hex('01', '7E 00 02 23', '7E 00 02 23 7D31 CC', '7E 00 02 23 7D31 CB'),
        frames: [hex('00 02 23 11 CB')],
        discarded: ['ERR_FRAME_NOISE'],
      },
      { name: 'cut off', bytes: hex('7E 00 02 23 7D'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ],
  ));

describe('a length among escaped bytes', () => {
  // The second byte of a payload counts those behind it: payloads of 2 to 6 bytes.
  const options = { ...HDLC, length: { offset: 1, add: 2 }, maxFrameLength: 6 } as const;

  test('each place where such a frame can go wrong', () =>
    verifyFraming(stuffed({ ...options, ignored: [0x11], forbidden: [0x18] }), [
      {
        name: 'the shortest and the longest',
        bytes: hex('7E 05 00', '7E 05 04 01 02 03 04'),
        frames: [hex('05 00'), hex('05 04 01 02 03 04')],
        canonical: true,
      },
      { name: 'a length of zero, escaped', bytes: hex('7E 05 7D20'), frames: [hex('05 00')] },
      {
        name: 'bytes that receivers drop, also between an escape and its code',
        bytes: hex('7E 11 05 7D 11 11 22 11 7D 11 5E 42', '7E 05 00'),
        frames: [hex('05 02 7E 42'), hex('05 00')],
      },
      ...[
        ['an escape before the flag', '7E 05 00', '7E 05 7D 7E'],
        ['a dropped byte between an escape and the flag', '7E 05 00', '7E 05 7D 11 7E'],
        ['a flag inside', '7E 05 00', '7E 05 02 7E'],
        ['a forbidden byte', '7E 05 00', '7E 05 02 18'],
        ['one byte too many', '7E 05 00', '7E 05 05'],
      ].map(([name, frame, wrong]) => ({
        name,
        bytes: hex(frame!, wrong!),
        frames: [hex('05 00')],
        error: 'ERR_FRAME_LENGTH' as const,
      })),
    ]));

  test('an empty code in a table', () =>
    verifyFraming(stuffed({ flag: 1, escape: 2, escapes: { 1: 3, 2: 4 }, length: { offset: 0, add: 1 } }), [
      { bytes: hex('01 02 04 02 03 00'), frames: [hex('02 01 00')] },
      { name: 'none', bytes: hex('01 00', '01 02 05'), frames: [hex('00')], error: 'ERR_FRAME_LENGTH' },
    ]));

  test('a sum over the bytes without their escapes', () =>
    verifyFraming(stuffed({ ...options, valid: { checksum: 'XOR-8' } }), [
      {
        bytes: hex('7E 05 01 04', '7E 7D5E 01 7F', '7E 05 02 7D5E 79'),
        frames: [hex('05 01 04'), hex('7E 01 7F'), hex('05 02 7E 79')],
        canonical: true,
      },
      {
        name: 'wrong',
        bytes: hex('7E 05 01 04', '7E 05 01 05'),
        frames: [hex('05 01 04')],
        error: 'ERR_FRAME_CHECKSUM',
      },
    ]));

  test.each([
    [1, '7E 00 01'],
    [7, '7E 00 07'],
  ])('a length of %i is named, that no payload of 2 to 6 bytes has', (length, bytes) => {
    const field = { offset: 0, width: 2, byteOrder: 'big' } as const;
    const framing = stuffed({ ...HDLC, length: field, maxFrameLength: 6 });
    expect(readAll(framing, [hex(bytes)]).error).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      message: `a length field that says ${length}, in the frame at stream offset 0`,
    });
  });

  test('bytes that begin no frame are skipped, or end the stream', () => {
    const bytes = hex('01 02', '7E 05 00', '7E 05 09', '7E 06 00');
    const { frames, discarded } = readAll(stuffed({ ...options, onInvalid: 'discard' }), [bytes]);
    expect(frames).toEqual([hex('05 00'), hex('06 00')]);
    expect(discarded.map(({ actual, offset }) => [actual, offset])).toEqual([
      [2, 0],
      [3, 5],
    ]);
    const strict = readAll(stuffed(options), [bytes]);
    expect(strict.frames).toEqual([]);
    expect(strict.error?.code).toBe('ERR_FRAME_NOISE');
  });

  test('the writer checks the length that the payload contains', () => {
    const framing = stuffed(options);
    expect(writeOne(framing, hex('05 04 01 02 03 7D'))).toEqual(hex('7E 05 04 01 02 03 7D5D'));
    expect(framing.writer().bound(6)).toBe(13);
    const target = Buffer.alloc(6, 0xa5);
    expect(framing.writer().write(target, 1, hex('99 99 05 00 99'), 2, 4)).toBe(4);
    expect(target).toEqual(hex('A5 7E 05 00 A5 A5'));
    expect(thrown(() => writeOne(framing, hex('05 05 01 02 03 04 05')))).toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
      limit: 6,
      actual: 7,
    });
    for (const [payload, said] of [
      ['', 'none'],
      ['05', 'none'],
      ['05 01', '3'],
      ['05 00 01', '2'],
    ] as const) {
      const { length } = hex(payload);
      expect(thrown(() => writeOne(framing, hex(payload)))).toMatchObject({
        code: 'ERR_FRAME_LENGTH',
        message: `payload of ${length} bytes that says it has ${said}`,
      });
    }
  });
});

test('STX … ETX and a check character: cut by delimiter, checked by `valid`', () =>
  verifyFraming(
    delimiter({
      start: '\x02',
      delimiter: '\x03',
      trailer: 1,
      valid: (frame) => frame.reduce((sum, byte) => sum ^ byte, 0) === 0,
      onInvalid: 'discard',
    }),
    [
      {
        bytes: hex('02 41 03 42', '02 41 03 43', '02 03 03'),
        frames: [hex('41 03 42'), hex('03 03')],
        discarded: ['ERR_FRAME_CHECKSUM'],
        decodeOnly: true,
      },
    ],
  ));

test('SLIP and COBS check their payloads as well', async () => {
  const valid = { checksum: 'CRC-8/SMBUS' } as const;
  await verifyFraming(slip({ valid, onInvalid: 'discard' }), [
    { bytes: hex('31 97 C0 31 98 C0'), frames: [hex('31 97')], discarded: ['ERR_FRAME_CHECKSUM'] },
  ]);
  await verifyFraming(cobs({ valid }), [
    { bytes: hex('03 31 97 00 03 31 98 00'), frames: [hex('31 97')], error: 'ERR_FRAME_CHECKSUM' },
  ]);
});

test('reads what it writes, with any bytes', () => {
  const byte = fc.nat(9);
  fc.assert(
    fc.property(
      fc.uniqueArray(byte, { minLength: 5, maxLength: 5 }),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 12, max: 9 })),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      ([flag, esc, ignored, forbidden, cancel], payloads, opens, size) => {
        const framing = stuffed({
          flag: flag!,
          escape: esc!,
          xor: 0x20,
          ignored: [ignored!],
          forbidden: [forbidden!],
          cancel: cancel!,
          opens,
        });
        const bytes = Buffer.concat(payloads.map((payload) => writeOne(framing, payload)));
        const { frames, error, discarded } = readAll(framing, pieces(bytes, size));
        expect(frames).toEqual(payloads.map((payload) => Buffer.from(payload)));
        expect(error).toBeUndefined();
        expect(discarded).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ['02 01', 'a length field that says 513, in the frame at stream offset 0'],
  ['00 05 7d 7e', 'invalid stuffing, in the frame at stream offset 0'],
  ['00 05 01 7e', 'a flag before the end that its length says, in the frame at stream offset 0'],
])('a frame with a length says what is wrong with it: 7e %s', (bytes, text) => {
  const framing = stuffed({
    ...{ flag: 0x7e, escape: 0x7d, xor: 0x20, maxFrameLength: 20 },
    length: { offset: 0, width: 2, byteOrder: 'big' },
  });
  const { error } = readAll(framing, [hex('7e', bytes)]);
  expect(error).toMatchObject({ code: 'ERR_FRAME_LENGTH', message: text });
});

test('the writer refuses payloads that would not be read', () => {
  expect(thrown(() => writeOne(stuffed(HDLC), hex()))).toMatchObject({
    code: 'ERR_FRAME_LENGTH',
    origin: 'local',
  });
  const summed = stuffed({ ...HDLC, valid: { checksum: 'CRC-8/SMBUS' } });
  expect(thrown(() => writeOne(summed, hex('31 98')))).toMatchObject({
    code: 'ERR_FRAME_CHECKSUM',
    origin: 'local',
  });
  const measured = stuffed({ ...HDLC, length: { offset: 0, add: 1 } });
  expect(thrown(() => writeOne(measured, hex('02 98')))).toMatchObject({
    code: 'ERR_FRAME_LENGTH',
    origin: 'local',
  });
});

describe('batches', () => {
  test('the frames of a chunk share one buffer, one that began in an earlier chunk as well', () => {
    const reader = slip().reader();
    reader.push(hex('C0 01 DB DC C0', 'C0 02 C0', '03'));
    expect(reader.take()).toEqual({
      bytes: expect.anything(),
      bounds: [0, 2, 2, 3],
      count: 2,
      runStart: 0,
      runEnd: 3,
    });
    expect(reader.take()).toBeUndefined();
    reader.push(hex('04 C0', '05 C0', '06 C0'));
    const batch = reader.take()!;
    expect(batch.bounds).toEqual([0, 2, 2, 3, 3, 4]);
    expect(batch.bytes.subarray(0, 4)).toEqual(hex('03 04 05 06'));
    expect(reader.take()).toBeUndefined();
  });

  test('a frame that is asked for alone', () => {
    const reader = slip().reader();
    expect(reader.take(1)).toBeUndefined();
    reader.push(hex('01 02 C0', '03 C0', '04 C0'));
    expect(reader.take(1)).toEqual({ bytes: hex('01 02'), bounds: [0, 2], count: 1, runStart: 0, runEnd: 2 });
    expect(reader.take(1)).toEqual({ bytes: hex('03'), bounds: [0, 1], count: 1, runStart: 0, runEnd: 1 });
    // More may come than is asked for.
    expect(reader.take(2)?.count).toBe(1);
    expect(reader.take(1)).toBeUndefined();
  });

  test('frames before a fault are delivered, and discarded frames leave no gap', () => {
    const strict = slip().reader();
    strict.push(hex('01 C0', '02 DB 03 C0', '04 C0'));
    expect(strict.take()?.bounds).toEqual([0, 1]);
    expect(strict.error?.code).toBe('ERR_FRAME_STUFFING');
    expect(strict.take()).toBeUndefined();
    const reader = slip({ onInvalid: 'discard', maxFrameLength: 2, onTooLong: 'discard' }).reader();
    reader.push(hex('01 C0', '02 DB 03 C0', '01 02 03 C0', '04 C0'));
    const batch = reader.take()!;
    expect(batch.bounds).toEqual([0, 1, 1, 2]);
    expect(batch.bytes.subarray(0, 2)).toEqual(hex('01 04'));
    expect(reader.take()).toBeUndefined();
  });
});
