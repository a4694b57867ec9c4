import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SlipOptions, slip } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

test('keeps the contract', () =>
  verifyFraming(slip({ maxFrameLength: 4 }), [
    {
      name: 'each escape, RFC 1055',
      bytes: hex('01 DB DC  # 01 C0', 'C0', 'DB DD 02  # DB 02', 'C0'),
      frames: [hex('01 C0'), hex('DB 02')],
      canonical: true,
    },
    {
      name: 'END before and between, which flushes noise',
      bytes: hex('C0 01 C0 C0 02 C0'),
      frames: [hex('01'), hex('02')],
    },
    { name: 'nothing', bytes: hex(), frames: [] },
    {
      name: 'all escapes, as long as may be',
      bytes: hex('DB DC DB DD DB DC DB DD C0'),
      frames: [hex('C0 DB C0 DB')],
    },
    {
      name: 'too long',
      bytes: hex('01 C0 01 02 03 04 05 C0'),
      frames: [hex('01')],
      error: 'ERR_FRAME_TOO_LONG',
    },
    {
      name: 'too long, no end in sight',
      bytes: hex('01 C0 010203040506070809'),
      frames: [hex('01')],
      error: 'ERR_FRAME_TOO_LONG',
    },
    {
      name: 'an escape of nothing',
      bytes: hex('01 C0 02 DB 03 C0 04 C0'),
      frames: [hex('01')],
      error: 'ERR_FRAME_STUFFING',
    },
    {
      name: 'END behind ESC',
      bytes: hex('01 C0 02 DB C0'),
      frames: [hex('01')],
      error: 'ERR_FRAME_STUFFING',
    },
    { name: 'cut off', bytes: hex('01 C0 02'), frames: [hex('01')], error: 'ERR_FRAME_TRUNCATED' },
    {
      name: 'cut off in an escape',
      bytes: hex('01 C0 02 DB'),
      frames: [hex('01')],
      error: 'ERR_FRAME_TRUNCATED',
    },
  ]));

test('gives the offset of wrong stuffing', () => {
  const { error } = readAll(slip(), [hex('01 C0 02 DB'), hex('03 C0')]);
  expect(error).toMatchObject({ code: 'ERR_FRAME_STUFFING', offset: 3, actual: 0xdb, origin: 'peer' });
});

test('empty frames, where they are asked for', () =>
  verifyFraming(slip({ emptyFrames: true }), [
    { bytes: hex('C0 01 C0 C0'), frames: [hex(), hex('01'), hex()], canonical: true },
  ]));

test("start: 'end' opens each frame with END", () =>
  verifyFraming(slip({ start: 'end' }), [
    { bytes: hex('C0 01 C0', 'C0 DB DC C0'), frames: [hex('01'), hex('C0')], canonical: true },
    { name: 'one END between', bytes: hex('C0 01 C0 02 C0'), frames: [hex('01'), hex('02')] },
  ]));

test('a start marker: bytes outside frames are skipped, and reported', async () => {
  await verifyFraming(slip({ start: 0xab, onInvalid: 'discard' }), [
    {
      name: 'frames, one empty, one with all escapes',
      bytes: hex('AB 01 C0', 'AB C0', 'AB DB DE DB DC DB DD C0'),
      frames: [hex('01'), hex(), hex('AB C0 DB')],
      canonical: true,
    },
    {
      name: 'noise before, between and behind',
      bytes: hex('01 02', 'AB 03 C0', '04 C0 DB', 'AB 05 C0', '06'),
      frames: [hex('03'), hex('05')],
      discarded: ['ERR_FRAME_STUFFING', 'ERR_FRAME_STUFFING', 'ERR_FRAME_STUFFING'],
      unterminated: true,
    },
    {
      name: 'an END was lost',
      bytes: hex('AB 01 02', 'AB 03 C0'),
      frames: [hex('03')],
      discarded: ['ERR_FRAME_STUFFING'],
    },
    {
      name: 'cut off behind the marker',
      bytes: hex('AB 01 C0 AB'),
      frames: [hex('01')],
      error: 'ERR_FRAME_TRUNCATED',
    },
  ]);
  await verifyFraming(slip({ start: 0xab }), [
    {
      name: 'an END was lost',
      bytes: hex('AB 01 C0', 'AB 01 AB 03 C0'),
      frames: [hex('01')],
      error: 'ERR_FRAME_STUFFING',
    },
  ]);
});

test('a frame that has lost its end costs no other, however long the two are', () =>
  verifyFraming(slip({ start: 0xab, maxFrameLength: 2, onInvalid: 'discard', onTooLong: 'discard' }), [
    {
      name: 'two of the longest',
      bytes: hex('AB DBDC DBDC', 'AB 03 04 C0', 'AB 05 C0'),
      frames: [hex('03 04'), hex('05')],
      discarded: ['ERR_FRAME_STUFFING'],
    },
    {
      name: 'one that is too long, and three without an end',
      bytes: hex('AB 010203040506070809', 'AB 01', 'AB', 'AB 02', 'AB 03 04 C0'),
      frames: [hex('03 04')],
      discarded: ['ERR_FRAME_TOO_LONG', 'ERR_FRAME_STUFFING', 'ERR_FRAME_STUFFING', 'ERR_FRAME_STUFFING'],
    },
    {
      name: 'too long by one, with and without an end',
      bytes: hex('AB 01 02 03', 'AB 01 02 03 C0', 'AB 03 04 C0'),
      frames: [hex('03 04')],
      discarded: ['ERR_FRAME_STUFFING', 'ERR_FRAME_TOO_LONG'],
    },
  ]));

test('line noise costs the frame it hits, and no other', () =>
  verifyFraming(slip({ maxFrameLength: 4, onInvalid: 'discard', onTooLong: 'discard' }), [
    {
      name: 'bad escape',
      bytes: hex('01 C0', '02 DB 03 C0', '04 C0'),
      frames: [hex('01'), hex('04')],
      discarded: ['ERR_FRAME_STUFFING'],
    },
    {
      name: 'too long, by little and by much',
      bytes: hex('01 C0', '01 02 03 04 05 C0', '02 C0', '0102030405060708090A0B C0', '03 C0'),
      frames: [hex('01'), hex('02'), hex('03')],
      discarded: ['ERR_FRAME_TOO_LONG', 'ERR_FRAME_TOO_LONG'],
    },
  ]));

test('reads what it writes', () => {
  const byte = fc.constantFrom(0xc0, 0xdb, 0xdc, 0xdd, 0xde, 0xab, 1);
  fc.assert(
    fc.property(
      fc.constantFrom<SlipOptions>({ emptyFrames: true }, { start: 0xab }, { start: 0, escapedStart: 0xff }),
      fc.array(
        fc
          .uint8Array({ maxLength: 12 })
          .chain((any) => fc.tuple(fc.constant(any), fc.array(byte, { maxLength: 12 }))),
      ),
      fc.integer({ min: 1, max: 9 }),
      (options, payloads, size) => {
        const framing = slip(options);
        const frames = payloads.flatMap(([any, special]) => [Buffer.from(any), Buffer.from(special)]);
        const bytes = Buffer.concat(frames.map((frame) => writeOne(framing, frame)));
        const read = readAll(framing, pieces(bytes, size));
        expect(read.frames).toEqual(frames);
        expect(read.error).toBeUndefined();
        expect(read.discarded).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

test('the writer refuses payloads that would not be read', () => {
  expect(thrown(() => writeOne(slip(), hex()))).toMatchObject({ code: 'ERR_FRAME_LENGTH', origin: 'local' });
  expect(thrown(() => writeOne(slip({ maxFrameLength: 1 }), hex('01 02')))).toMatchObject({
    code: 'ERR_FRAME_TOO_LONG',
    origin: 'local',
    limit: 1,
    actual: 2,
  });
});

test('takes any bytes', () =>
  verifyFraming(
    slip({ end: 0x7e, escape: 0x7d, escapedEnd: 0x5e, escapedEscape: 0x5d, start: 0x7f, escapedStart: 1 }),
    [
      {
        bytes: hex('7F 01 C0 7D 5E 7D 5D 7D 01 7E', '7F 7E'),
        frames: [hex('01 C0 7E 7D 7F'), hex()],
        canonical: true,
      },
    ],
  ));
