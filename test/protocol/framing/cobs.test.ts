import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cobs } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

/** `from`, `from + 1`, … `to`. */
const range = (from: number, to: number): Buffer =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, i) => from + i));
const zero = hex('00');

test('keeps the contract on the patterns of the paper', () =>
  verifyFraming(cobs(), [
    { name: 'nothing in it', bytes: hex('01 00'), frames: [hex()], canonical: true },
    { name: 'a zero', bytes: hex('01 01 00'), frames: [hex('00')], canonical: true },
    { name: 'two zeros', bytes: hex('01 01 01 00'), frames: [hex('00 00')], canonical: true },
    { name: 'a zero inside', bytes: hex('03 11 22 02 33 00'), frames: [hex('11 22 00 33')], canonical: true },
    { name: 'zeros behind', bytes: hex('02 11 01 01 01 00'), frames: [hex('11 00 00 00')], canonical: true },
    {
      name: 'several',
      bytes: hex('02 11 00', '01 00', '02 22 00'),
      frames: [hex('11'), hex(), hex('22')],
      canonical: true,
    },
    { name: 'zeros between frames', bytes: hex('00 02 11 00 00 02 22 00'), frames: [hex('11'), hex('22')] },
    {
      name: 'a count beyond the end',
      bytes: hex('02 11 00 05 22 00 02 33 00'),
      frames: [hex('11')],
      error: 'ERR_FRAME_STUFFING',
    },
    { name: 'cut off', bytes: hex('02 11 00 03 22'), frames: [hex('11')], error: 'ERR_FRAME_TRUNCATED' },
  ]));

test('a block that is almost full, and one that is', () => {
  for (const [count, code] of [
    [253, 'FE'],
    [254, 'FF'],
  ] as const) {
    // Behind 254 bytes no zero is meant, so a zero there is a block of its own.
    const bytes = Buffer.concat([
      hex(code),
      range(1, count),
      hex(count === 254 ? '01 02 07 00' : '02 07 00'),
    ]);
    const payload = Buffer.concat([range(1, count), hex('00 07')]);
    expect(writeOne(cobs(), payload)).toEqual(bytes);
    expect(readAll(cobs(), [bytes]).frames).toEqual([payload]);
  }
  expect(readAll(cobs(), [Buffer.concat([hex('FE'), range(1, 253), zero])]).frames).toEqual([range(1, 253)]);
  expect(readAll(cobs(), [Buffer.concat([hex('FF'), range(1, 254), hex('02 07 00')])]).frames).toEqual([
    Buffer.concat([range(1, 254), hex('07')]),
  ]);
});

test('keeps the contract where blocks are full', () =>
  verifyFraming(cobs(), [
    {
      name: '254 bytes',
      bytes: Buffer.concat([hex('FF'), range(1, 254), zero]),
      frames: [range(1, 254)],
      canonical: true,
    },
    {
      name: '255 bytes',
      bytes: Buffer.concat([hex('FF'), range(1, 254), hex('02 FF'), zero]),
      frames: [range(1, 255)],
      canonical: true,
    },
    {
      name: 'a zero, then 255 bytes',
      bytes: Buffer.concat([hex('01 FF'), range(1, 254), hex('02 FF'), zero]),
      frames: [Buffer.concat([zero, range(1, 255)])],
      canonical: true,
    },
    {
      name: '254 bytes, then a zero',
      bytes: Buffer.concat([hex('FF'), range(1, 254), hex('01 01'), zero]),
      frames: [Buffer.concat([range(1, 254), zero])],
      canonical: true,
    },
    {
      name: '254 bytes, with the empty block that some encoders add',
      bytes: Buffer.concat([hex('FF'), range(1, 254), hex('01'), zero]),
      frames: [range(1, 254)],
    },
  ]));

test('judges the maximum by the payload', () =>
  verifyFraming(cobs({ maxFrameLength: 3 }), [
    { name: 'exactly', bytes: hex('04 01 02 03 00'), frames: [hex('01 02 03')], canonical: true },
    { name: 'one more', bytes: hex('05 01 02 03 04 00'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
    {
      name: 'no end in sight',
      bytes: hex('09 01 02 03 04 05 06 07'),
      frames: [],
      error: 'ERR_FRAME_TOO_LONG',
    },
  ]));

test('line noise costs the frame it hits, and no other', () =>
  verifyFraming(cobs({ maxFrameLength: 3, onInvalid: 'discard', onTooLong: 'discard' }), [
    {
      bytes: hex('02 01 00', '07 02 00', '02 03 00', '07 01 02 03 04 05 06 00', '02 04 00'),
      frames: [hex('01'), hex('03'), hex('04')],
      discarded: ['ERR_FRAME_STUFFING', 'ERR_FRAME_TOO_LONG'],
    },
  ]));

test('gives the offset of wrong stuffing', () => {
  const { error } = readAll(cobs(), [hex('02 11 00 02 22'), hex('05 33 00')]);
  expect(error).toMatchObject({ code: 'ERR_FRAME_STUFFING', offset: 5, actual: 5, origin: 'peer' });
});

test('reads what it writes, which has no zero except the last byte, and at most one byte in 254 more', () => {
  const byte = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }));
  const lengths = fc.constantFrom(0, 1, 253, 254, 255, 256, 507, 508, 509, 1_000);
  const payload = fc.oneof(
    fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    lengths.map((length) => Buffer.alloc(length, 7)),
    fc.tuple(lengths, fc.nat(1_000)).map(([length, at]) => {
      const bytes = Buffer.alloc(length, 7);
      if (at < length) bytes[at] = 0;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 4 }), fc.integer({ min: 1, max: 300 }), (payloads, size) => {
      const framing = cobs();
      const written = payloads.map((one) => writeOne(framing, one));
      for (const [i, bytes] of written.entries()) {
        expect(bytes.indexOf(0)).toBe(bytes.length - 1);
        const { length } = payloads[i]!;
        expect(bytes.length - 1).toBeLessThanOrEqual(length + Math.max(1, Math.ceil(length / 254)));
      }
      const { frames, error } = readAll(framing, pieces(Buffer.concat(written), size));
      expect(frames).toEqual(payloads);
      expect(error).toBeUndefined();
    }),
    { numRuns: 150 },
  );
});

test('the writer refuses a payload that is too long', () => {
  expect(thrown(() => writeOne(cobs({ maxFrameLength: 1 }), hex('01 02')))).toMatchObject({
    code: 'ERR_FRAME_TOO_LONG',
    origin: 'local',
    limit: 1,
    actual: 2,
  });
});
