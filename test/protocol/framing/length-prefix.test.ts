import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  delimiter,
  FrameError,
  fixedLength,
  type LengthPrefixOptions,
  lengthPrefix,
} from '../../../src/index.ts';
import { type FramingVector, verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

type Width = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
const WIDTHS: readonly Width[] = [1, 2, 3, 4, 5, 6, 7, 8];
const MAX = Number.MAX_SAFE_INTEGER;

/** A length field, from the definition. */
function field(value: number | bigint, width: number, byteOrder: 'little' | 'big'): Buffer {
  const bytes = Buffer.alloc(width);
  for (let i = 0; i < width; i++) {
    bytes[byteOrder === 'little' ? i : width - 1 - i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
  }
  return bytes;
}

/** The same as a varint, of at least `atLeast` bytes. */
function varint(value: number | bigint, atLeast = 1): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt(value); rest > 0n || bytes.length < atLeast; rest >>= 7n)
    bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes[bytes.length - 1]! &= 0x7f;
  return Buffer.from(bytes);
}

describe('each width and byte order', () => {
  for (const width of WIDTHS) {
    for (const byteOrder of ['little', 'big'] as const) {
      test(`${width} bytes, ${byteOrder}`, () => {
        const frame = (payload: string): Buffer =>
          Buffer.concat([field(payload.length, width, byteOrder), Buffer.from(payload)]);
        const tooLong: FramingVector[] = [
          {
            name: 'the largest length',
            bytes: Buffer.alloc(width, 0xff),
            frames: [],
            error: width < 7 ? 'ERR_FRAME_TOO_LONG' : 'ERR_FRAME_LENGTH',
          },
          {
            name: 'one more than the maximum, behind a frame',
            bytes: Buffer.concat([frame('a'), field(101, width, byteOrder)]),
            frames: [Buffer.from('a')],
            error: 'ERR_FRAME_TOO_LONG',
          },
        ];
        return verifyFraming(lengthPrefix({ lengthFieldLength: width, byteOrder, maxFrameLength: 100 }), [
          {
            name: 'frames, one of them empty',
            bytes: Buffer.concat([frame('a'), frame(''), frame('bcd')]),
            frames: ['a', '', 'bcd'].map((text) => Buffer.from(text)),
            canonical: true,
          },
          {
            name: 'a header and nothing behind it',
            bytes: field(1, width, byteOrder),
            frames: [],
            error: 'ERR_FRAME_TRUNCATED',
          },
          ...tooLong,
        ]);
      });
    }
  }

  test('8 bytes: the largest that can be counted, and one more', () => {
    for (const byteOrder of ['little', 'big'] as const) {
      const framing = lengthPrefix({ lengthFieldLength: 8, byteOrder, maxFrameLength: MAX });
      expect(readAll(framing, [field(MAX, 8, byteOrder)]).error?.code).toBe('ERR_FRAME_TRUNCATED');
      for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
        expect(readAll(framing, [field(value, 8, byteOrder)]).error?.code).toBe('ERR_FRAME_LENGTH');
      }
    }
  });
});

describe('varints', () => {
  const framing = lengthPrefix({ lengthFieldLength: 'varint', maxFrameLength: 300 });

  test('keep the contract', () =>
    verifyFraming(framing, [
      { name: 'one byte', bytes: hex('00', '01 61'), frames: [hex(), hex('61')], canonical: true },
      {
        name: 'two bytes',
        bytes: Buffer.concat([varint(128), Buffer.alloc(128, 1)]),
        frames: [Buffer.alloc(128, 1)],
        canonical: true,
      },
      {
        name: 'not minimal',
        bytes: hex('81 00 61', '82 80 80 80 80 80 80 80 80 00 6263'),
        frames: [hex('61'), hex('6263')],
      },
      {
        name: 'more than ten bytes',
        bytes: hex('01 61', '80 80 80 80 80 80 80 80 80 80 00'),
        frames: [hex('61')],
        error: 'ERR_FRAME_LENGTH',
      },
      { name: 'eleven bytes of ones', bytes: Buffer.alloc(11, 0xff), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'beyond 2^53 - 1', bytes: varint(2n ** 53n), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: '2^53 - 1', bytes: varint(MAX), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      {
        name: 'negative, as protobuf writes an int64',
        bytes: varint(2n ** 64n - 1n),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
      {
        name: 'cut off inside',
        bytes: hex('01 61 80 80'),
        frames: [hex('61')],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ]));

  test('of at most four bytes, behind a type and kept (MQTT)', async () => {
    const framing = lengthPrefix({
      lengthFieldOffset: 1,
      lengthFieldLength: 'varint',
      maxLengthFieldLength: 4,
      initialBytesToStrip: 0,
      maxFrameLength: 268_435_455,
    });
    const behind = (type: string, length: number) =>
      Buffer.concat([hex(type), varint(length), Buffer.alloc(length)]);
    await verifyFraming(framing, [
      { name: 'none', bytes: hex('C0 00'), frames: [hex('C0 00')], canonical: true },
      { name: 'two bytes', bytes: behind('30', 300), frames: [behind('30', 300)], canonical: true },
      {
        name: 'not minimal',
        bytes: hex('30 81 80 80 00 61'),
        frames: [hex('30 81 80 80 00 61')],
        canonical: true,
      },
      {
        name: 'a fifth byte',
        bytes: hex('C0 00', '30 81 80 80 80'),
        frames: [hex('C0 00')],
        error: 'ERR_FRAME_LENGTH',
      },
    ]);
    const writer = framing.writer();
    const target = Buffer.alloc(8, 0xee);
    // Written where it stands: its length is right, too long, too short, missing.
    target.set(hex('30 02 61 62'), 2);
    expect(writer.headerLength).toBe(0);
    expect(writer.bound(4)).toBe(4);
    expect(writer.seal!(target, 2, 6)).toBe(6);
    for (const end of [5, 7, 3, 2])
      expect(() => writer.seal!(target, 2, end)).toThrow('does not begin with a header');
    expect(target).toEqual(hex('EEEE 30 02 61 62 EEEE'));
  });

  test('that count themselves', () =>
    verifyFraming(lengthPrefix({ lengthFieldLength: 'varint', lengthIncludes: 'header' }), [
      { name: 'short', bytes: hex('01', '02 61'), frames: [hex(), hex('61')], canonical: true },
      {
        name: 'as long as one byte can say',
        bytes: Buffer.concat([hex('7F'), Buffer.alloc(126)]),
        frames: [Buffer.alloc(126)],
        canonical: true,
      },
      {
        name: 'one more',
        bytes: Buffer.concat([hex('81 01'), Buffer.alloc(127)]),
        frames: [Buffer.alloc(127)],
        canonical: true,
      },
      { name: 'zero', bytes: hex('00'), frames: [], error: 'ERR_FRAME_LENGTH' },
    ]));

  test('that count themselves, of at most one byte and of two: the longest, and one more', async () => {
    for (const [maxLengthFieldLength, longest, header] of [
      [1, 126, '7F'],
      [2, 16_381, 'FF 7F'],
    ] as const) {
      const framing = lengthPrefix({
        lengthFieldLength: 'varint',
        maxLengthFieldLength,
        lengthIncludes: 'header',
      });
      const payload = Buffer.alloc(longest, 0x61);
      const bytes = Buffer.concat([hex(header), payload]);
      expect(framing.maxFrameLength).toBe(longest);
      expect(writeOne(framing, payload)).toEqual(bytes);
      expect(readAll(framing, [bytes]).frames).toEqual([payload]);
      expect(thrown(() => writeOne(framing, Buffer.alloc(longest + 1)))).toMatchObject({
        code: 'ERR_FRAME_TOO_LONG',
        limit: longest,
        actual: longest + 1,
      });
    }
  });

  test('any value of any width is read back', () => {
    const any = lengthPrefix({ lengthFieldLength: 'varint', maxFrameLength: 2_000 });
    fc.assert(
      fc.property(
        fc.nat(2_000),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 20 }),
        (length, width, size) => {
          const { frames, error } = readAll(
            any,
            pieces(Buffer.concat([varint(length, width), Buffer.alloc(length)]), size),
          );
          expect(frames.map((frame) => frame.length)).toEqual([length]);
          expect(error).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('offset, adjustment, strip', () => {
  test.each<[string, LengthPrefixOptions, Buffer, Buffer]>([
    [
      'header bytes are stripped',
      { lengthFieldOffset: 2, lengthFieldLength: 1 },
      hex('0000 01 61'),
      hex('61'),
    ],
    [
      'nothing is stripped',
      { lengthFieldOffset: 2, lengthFieldLength: 1, initialBytesToStrip: 0 },
      hex('CAFE 01 61'),
      hex('CAFE 01 61'),
    ],
    [
      'a part is stripped',
      { lengthFieldOffset: 2, lengthFieldLength: 1, initialBytesToStrip: 1 },
      hex('00 FE 01 61'),
      hex('FE 01 61'),
    ],
    [
      'the field itself in part',
      { lengthFieldLength: 2, byteOrder: 'big', initialBytesToStrip: 1 },
      hex('00 01 61'),
      hex('01 61'),
    ],
    [
      'the length counts itself',
      { lengthFieldLength: 2, byteOrder: 'big', lengthAdjustment: -2 },
      hex('0003 61'),
      hex('61'),
    ],
    [
      'bytes behind the field are not counted',
      { lengthFieldLength: 1, lengthAdjustment: 2 },
      hex('01 CAFE 61'),
      hex('CAFE 61'),
    ],
    [
      'a varint behind a type, kept',
      { lengthFieldOffset: 1, lengthFieldLength: 'varint', initialBytesToStrip: 0 },
      hex('C0 01 61'),
      hex('C0 01 61'),
    ],
  ])('%s', (_, options, bytes, frame) =>
    verifyFraming(lengthPrefix(options), [
      { name: 'one', bytes, frames: [frame], canonical: true },
      { name: 'two', bytes: Buffer.concat([bytes, bytes]), frames: [frame, frame], canonical: true },
    ]),
  );

  test('stripping more than the header removes payload bytes', () =>
    verifyFraming(lengthPrefix({ lengthFieldLength: 1, initialBytesToStrip: 2 }), [
      { name: 'one', bytes: hex('02 00 61'), frames: [hex('61')], canonical: true },
      {
        name: 'no byte to take',
        bytes: hex('02 00 61', '00'),
        frames: [hex('61')],
        error: 'ERR_FRAME_LENGTH',
      },
    ]));

  test('a length below its own size is negative', () =>
    verifyFraming(lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', lengthIncludes: 'header' }), [
      {
        name: 'exactly the header',
        bytes: hex('0002', '0003 61'),
        frames: [hex(), hex('61')],
        canonical: true,
      },
      { name: 'one less', bytes: hex('0002', '0001 61'), frames: [hex()], error: 'ERR_FRAME_LENGTH' },
    ]));

  test('gives the offset of the frame', () => {
    const { error } = readAll(lengthPrefix({ maxFrameLength: 4 }), pieces(hex('01000000 61', '05000000'), 1));
    expect(error).toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
      origin: 'peer',
      limit: 4,
      actual: 5,
      offset: 5,
    });
  });
});

/** Options as a user may combine them, legal or not. */
const options: fc.Arbitrary<LengthPrefixOptions> = fc.record(
  {
    lengthFieldLength: fc.constantFrom<LengthPrefixOptions['lengthFieldLength']>(...WIDTHS, 'varint'),
    byteOrder: fc.constantFrom<'little' | 'big'>('little', 'big'),
    lengthFieldOffset: fc.nat(5),
    lengthAdjustment: fc.integer({ min: -12, max: 6 }),
    lengthIncludes: fc.constantFrom<'payload' | 'header'>('payload', 'header'),
    initialBytesToStrip: fc.nat(14),
    maxFrameLength: fc.constantFrom(0, 1, 10, 255, 300, 10_000_000),
    onTooLong: fc.constantFrom<'error' | 'discard'>('error', 'discard'),
  },
  { requiredKeys: [] },
);

/** The framing, or undefined where the options are refused, which has to be with words. */
function made(given: LengthPrefixOptions): ReturnType<typeof lengthPrefix> | undefined {
  try {
    return lengthPrefix(given);
  } catch (error) {
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    return undefined;
  }
}

describe('for every legal combination of options', () => {
  test('the reader reads what the writer writes', () => {
    let written = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        options,
        fc.array(
          fc.oneof(fc.uint8Array({ maxLength: 24 }), fc.uint8Array({ minLength: 250, maxLength: 310 })),
          { maxLength: 4 },
        ),
        fc.integer({ min: 1, max: 40 }),
        (given, payloads, size) => {
          const framing = made(given);
          if (framing === undefined) return;
          const kept: Buffer[] = [];
          const bytes: Buffer[] = [];
          for (const payload of payloads) {
            try {
              bytes.push(writeOne(framing, payload));
            } catch (error) {
              expect(error).toBeInstanceOf(FrameError);
              expect(error).toMatchObject({ origin: 'local' });
              refused++;
              continue;
            }
            // Where the length field is handed on, it is the writer that says what stands there.
            const { frames } = readAll(framing, [bytes.at(-1)!]);
            expect(frames.length).toBe(1);
            const width = given.lengthFieldLength ?? 4;
            const offset = given.lengthFieldOffset ?? 0;
            const strip = given.initialBytesToStrip ?? Number.POSITIVE_INFINITY;
            const from = typeof width === 'string' ? 0 : Math.max(0, offset - strip);
            const to = typeof width === 'string' ? 0 : Math.max(0, offset + width - strip);
            expect(frames[0]!.subarray(0, from)).toEqual(Buffer.from(payload.subarray(0, from)));
            expect(frames[0]!.subarray(to)).toEqual(Buffer.from(payload.subarray(to)));
            kept.push(frames[0]!);
            written++;
          }
          const all = readAll(framing, pieces(Buffer.concat(bytes), size));
          expect(all.error).toBeUndefined();
          expect(all.discarded).toEqual([]);
          expect(all.frames).toEqual(kept);
        },
      ),
      { numRuns: 1_500 },
    );
    expect(Math.min(written, refused)).toBeGreaterThan(100);
  });

  test('any bytes, cut anywhere, give the same frames, or one error', () => {
    fc.assert(
      fc.property(
        options,
        fc.array(fc.oneof(fc.nat(6), fc.nat(255)), { maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
        fc.integer({ min: 1, max: 12 }),
        (given, bytes, size) => {
          const framing = made(given);
          if (framing === undefined) return;
          const whole = readAll(framing, [bytes]);
          const cut = readAll(framing, pieces(bytes, size));
          expect(cut).toEqual(whole);
          for (const error of [whole.error, ...whole.discarded]) {
            if (error !== undefined) expect(error).toMatchObject({ name: 'FrameError', origin: 'peer' });
          }
          for (const frame of whole.frames) expect(frame.length).toBeLessThanOrEqual(bytes.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("onTooLong: 'discard'", () => {
  const framing = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2, onTooLong: 'discard' });

  test('skips and reports exactly that frame, and continues', () =>
    verifyFraming(framing, [
      {
        name: 'between two',
        bytes: hex('01 61', '03 626364', '01 65', '05 6667686970', '00'),
        frames: [hex('61'), hex('65'), hex()],
        discarded: ['ERR_FRAME_TOO_LONG', 'ERR_FRAME_TOO_LONG'],
      },
      {
        name: 'cut off inside',
        bytes: hex('01 61', '03 6263'),
        frames: [hex('61')],
        discarded: ['ERR_FRAME_TOO_LONG'],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ]));

  test('skips a length that would never end', () => {
    const wide = lengthPrefix({ lengthFieldLength: 8, maxFrameLength: 2, onTooLong: 'discard' });
    const reader = wide.reader();
    reader.push(field(MAX, 8, 'little'));
    expect(reader.next()).toBeUndefined();
    for (let i = 0; i < 100; i++) {
      reader.push(Buffer.alloc(1_000));
      expect(reader.next()).toBeUndefined();
      expect(reader.buffered).toBe(0);
    }
    expect(reader.error).toBeUndefined();
  });

  test('a length that no frame can have is still an error', () => {
    const narrow = lengthPrefix({ lengthFieldLength: 1, lengthIncludes: 'header', onTooLong: 'discard' });
    expect(readAll(narrow, [hex('00')]).error?.code).toBe('ERR_FRAME_LENGTH');
  });
});

describe('the writer refuses', () => {
  test.each<[string, LengthPrefixOptions, number, Partial<FrameError>]>([
    ['more than the maximum', { maxFrameLength: 3 }, 4, { code: 'ERR_FRAME_TOO_LONG', limit: 3, actual: 4 }],
    [
      'more than one byte says',
      { lengthFieldLength: 1 },
      256,
      { code: 'ERR_FRAME_TOO_LONG', limit: 255, actual: 256 },
    ],
    [
      'more than two bytes say',
      { lengthFieldLength: 2 },
      65_536,
      { code: 'ERR_FRAME_TOO_LONG', limit: 65_535 },
    ],
    [
      'more than a field says that counts itself',
      { lengthFieldLength: 1, lengthIncludes: 'header' },
      255,
      { code: 'ERR_FRAME_TOO_LONG', limit: 254 },
    ],
    [
      'more than a varint of one byte says',
      { lengthFieldLength: 'varint', maxLengthFieldLength: 1 },
      128,
      { limit: 127 },
    ],
    ['more than two digits say', { lengthFieldLength: 2, base: 10 }, 100, { limit: 99 }],
    ['more than two hexadecimal digits say', { lengthFieldLength: 2, base: 16 }, 256, { limit: 255 }],
    ['more than four bits say', { lengthFieldLength: 2, mask: 0x00f0 }, 16, { limit: 15 }],
    [
      'less than is always there',
      { lengthFieldLength: 1, lengthAdjustment: 4 },
      3,
      { code: 'ERR_FRAME_LENGTH' },
    ],
    [
      'less than the header it has to bring',
      { lengthFieldLength: 2, initialBytesToStrip: 0 },
      1,
      { code: 'ERR_FRAME_LENGTH' },
    ],
  ])('%s', (_, given, length, expected) => {
    expect(thrown(() => writeOne(lengthPrefix(given), Buffer.alloc(length)))).toMatchObject({
      origin: 'local',
      ...expected,
    });
  });
});

describe('lengths that are not a plain integer', () => {
  test('decimal digits, as ISO 8583 links have them', () =>
    verifyFraming(lengthPrefix({ lengthFieldLength: 4, base: 10, maxFrameLength: 20 }), [
      { bytes: hex('"0002hi" "0000"'), frames: [hex('"hi"'), hex()], canonical: true },
      { name: 'no digit', bytes: hex('"00 2hi"'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'a sign', bytes: hex('"-001"'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'too long', bytes: hex('"0021"'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
    ]));

  test('hexadecimal digits that count themselves, kept on the frame (pkt-lines of git)', () =>
    verifyFraming(
      lengthPrefix({ lengthFieldLength: 4, base: 16, lengthIncludes: 'header', initialBytesToStrip: 0 }),
      [
        {
          name: 'both cases',
          decodeOnly: true,
          bytes: hex('"000ahello" 0A', '"000Ahello" 0A'),
          frames: [hex('"000ahello" 0A'), hex('"000Ahello" 0A')],
        },
        { name: 'shorter than itself', bytes: hex('"0003"'), frames: [], error: 'ERR_FRAME_LENGTH' },
      ],
    ));

  test('some bits of a field: the others stay as they are', () =>
    verifyFraming(
      lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', mask: 0x07ff, initialBytesToStrip: 0 }),
      [
        {
          bytes: hex('A002 "hi"', 'F800', 'A001 "x"'),
          frames: [hex('A002 "hi"'), hex('F800'), hex('A001 "x"')],
          canonical: true,
        },
      ],
    ));

  test('bits that do not stand at the bottom', () =>
    verifyFraming(lengthPrefix({ lengthFieldLength: 2, mask: 0x0ff0 }), [
      { bytes: hex('2000 "hi"', '0000'), frames: [hex('"hi"'), hex()], canonical: true },
      { name: 'other bits are read over', bytes: hex('2FF0 "hi"'), frames: [hex('"hi"')] },
    ]));
});

test.each([
  ['lengthPrefix', lengthPrefix({ lengthFieldLength: 1 }), '02 61', '62', '61 62'],
  ['fixedLength', fixedLength(2), '61', '62', '61 62'],
])(
  '%s: a reader whose stream has ended waits for the rest of a frame in the next one',
  (_, framing, begun, rest, frame) => {
    const reader = framing.reader();
    reader.end();
    expect(reader.next()).toBeUndefined();
    reader.reset();
    reader.push(hex(begun));
    expect(reader.next()).toBeUndefined();
    expect(reader.error).toBeUndefined();
    reader.push(hex(rest));
    expect(reader.next()).toEqual(hex(frame));
  },
);

describe('frames in parts', () => {
  const framing = lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' });

  test('a chunk with nothing but stripped bytes gives no part', () => {
    const reader = framing.reader({ partsAbove: 1 });
    for (const byte of hex('0002')) {
      reader.push(Buffer.of(byte));
      expect(reader.next()).toBeUndefined();
    }
    expect(reader.partial).toMatchObject({ length: 2, headerLength: 0 });
    expect(reader.part!()).toBeUndefined();
    reader.push(hex('61'));
    expect(reader.next()).toBeUndefined();
    expect(reader.part!()).toEqual(hex('61'));
    reader.push(hex('62', '0001 63'));
    expect(reader.part!()).toEqual(hex('62'));
    expect(reader.partial).toBeUndefined();
    expect(reader.next()).toEqual(hex('63'));
  });

  test('unwanted parts are skipped, and the next frame follows', () => {
    const reader = framing.reader({ partsAbove: 1 });
    reader.push(hex('0003 61'));
    expect(reader.next()).toBeUndefined();
    expect(reader.part!()).toEqual(hex('61'));
    reader.skipParts!();
    reader.push(hex('62'));
    expect(reader.next()).toBeUndefined();
    reader.push(hex('63', '0001 64'));
    expect(reader.next()).toEqual(hex('64'));
    expect(reader.next()).toBeUndefined();
    expect(reader.buffered).toBe(0);
  });

  test.each<[string, LengthPrefixOptions, whole: string, long: string]>([
    ['stripped', { lengthFieldLength: 1 }, '04 61626364', '05 6162636465'],
    ['kept', { lengthFieldLength: 1, initialBytesToStrip: 0 }, '03 616263', '04 61626364'],
    ['a varint, stripped', { lengthFieldLength: 'varint' }, '04 61626364', '05 6162636465'],
    ['a varint, kept', { lengthFieldLength: 'varint', initialBytesToStrip: 0 }, '03 616263', '04 61626364'],
  ])(
    '%s: a frame of four bytes, as it is handed on, is whole, and one of five is not',
    (_, options, whole, long) => {
      const bytes = hex(whole, long);
      for (const how of ['next', 'take'] as const) {
        const reader = lengthPrefix(options).reader({ partsAbove: 4 });
        reader.push(bytes);
        if (how === 'next') expect(reader.next()).toHaveLength(4);
        else expect(reader.take()).toMatchObject({ count: 1, streamOffset: 0, runStart: 0 });
        expect(reader[how]()).toBeUndefined();
        expect(reader.partial).toMatchObject({ length: 5 });
        expect(reader.part!()).toEqual(bytes.subarray(-5));
        expect(reader[how]()).toBeUndefined();
        expect(reader.buffered).toBe(0);
      }
    },
  );

  test('a header that is kept is a part of the frame', () => {
    const kept = lengthPrefix({
      lengthFieldOffset: 1,
      lengthFieldLength: 2,
      byteOrder: 'big',
      initialBytesToStrip: 1,
    });
    const reader = kept.reader({ partsAbove: 0 });
    reader.push(hex('EE 0001 61'));
    expect(reader.next()).toBeUndefined();
    expect(reader.partial).toMatchObject({ length: 3, headerLength: 2 });
    expect(reader.part!()).toEqual(hex('0001 61'));
  });
});

test('skipped frames are counted, without recursion', () => {
  const counts = { discarded: 0, noise: 0 };
  const limit = Error.stackTraceLimit;
  const errors: FrameError[] = [];
  const onDiscard = (error: FrameError): void => void errors.push(error);
  const prefixed = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 1, onTooLong: 'discard' });
  for (const reader of [prefixed.reader({ onDiscard, counts }), prefixed.reader({ counts })]) {
    reader.push(hex('02 6162', '01 63'));
    expect(reader.next()).toEqual(hex('63'));
  }
  const marked = delimiter({ start: '<', delimiter: '>' }).reader({ counts });
  marked.push(hex('"xyz<a>"'));
  expect(marked.next()).toEqual(hex('"a"'));
  expect(counts).toEqual({ discarded: 2, noise: 3 });
  expect(errors.map(({ stack }) => stack)).toEqual([
    'FrameError: frame of 2 bytes exceeds maxFrameLength 1, at stream offset 0',
  ]);
  expect(Error.stackTraceLimit).toBe(limit);
});

test.each([
  ['lengthPrefix', lengthPrefix({ lengthFieldLength: 1, byteOrder: 'big' }), '05 01 02', '01 07', '07'],
  ['fixedLength', fixedLength(4), '01 02', '03 04 05 06', '03 04 05 06'],
])(
  '%s: after a frame was given up, or the stream was begun anew, nothing of it is awaited',
  (_, framing, begun, next, frame) => {
    for (const leave of ['giveUp', 'reset'] as const) {
      const reader = framing.reader();
      for (const byte of hex(begun)) {
        reader.push(Buffer.of(byte));
        expect(reader.next()).toBeUndefined();
      }
      reader[leave]!();
      for (const byte of hex(next)) reader.push(Buffer.of(byte));
      expect(reader.next()).toEqual(hex(frame));
    }
  },
);

test('a lent array takes the offsets of a batch, unless there are too many frames', () => {
  const frame = hex('01000000aa');
  const chunk = Buffer.concat([hex('00000000'), ...Array.from({ length: 2_000 }, () => frame)]);
  const reader = lengthPrefix().reader();
  reader.push(chunk);
  const lent: number[] = [];
  const first = reader.take(3, lent)!;
  expect(first.bounds).toBe(lent);
  expect(lent).toEqual([4, 4, 8, 9, 13, 14]);
  const second = reader.take(2, lent)!;
  expect(second.count).toBe(2);
  expect(lent.slice(0, 4)).toEqual([18, 19, 23, 24]);
  const rest = reader.take(Number.POSITIVE_INFINITY, lent)!;
  expect(rest.count).toBe(1_996);
  const bounds = Array.from(rest.bounds);
  expect(bounds.slice(0, 2)).toEqual([28, 29]);
  expect(bounds).toHaveLength(2 * 1_996);
  expect(lent.slice(0, 4)).toEqual([18, 19, 23, 24]);
});
