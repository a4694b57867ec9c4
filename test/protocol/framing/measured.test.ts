import { describe, expect, test } from 'vitest';
import { type MeasuredOptions, measured } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

test('SOCKS 5 greetings, RFC 1928: one function', () =>
  verifyFraming(
    measured({
      measure: (bytes, start, end) =>
        end - start < 2 ? undefined : bytes[start] === 5 ? 2 + bytes[start + 1]! : 0,
      maxFrameLength: 100,
    }),
    [
      { bytes: hex('05 02 00 02', '05 00'), frames: [hex('05 02 00 02'), hex('05 00')], canonical: true },
      {
        name: 'another version',
        bytes: hex('05 00', '04 01'),
        frames: [hex('05 00')],
        error: 'ERR_FRAME_LENGTH',
      },
      { name: 'too long', bytes: hex('05 FF'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      { name: 'cut off', bytes: hex('05'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ],
  ));

/** Bytes up to a zero. Each is looked at once: the cursor says how far. */
function untilZero(looked: (count: number) => void): MeasuredOptions['measure'] {
  return (bytes, start, end, cursor) => {
    for (let at = start + cursor.at; at < end; at++) {
      looked(1);
      if (bytes[at] === 0) return at + 1 - start;
    }
    cursor.at = end - start;
    return undefined;
  };
}

describe('a cursor', () => {
  test('continues where the measure stopped: linear in the input, byte by byte', () => {
    let looked = 0;
    const framing = measured({ measure: untilZero((count) => (looked += count)) });
    const bytes = Buffer.concat(
      Array<Buffer>(5).fill(Buffer.concat([Buffer.alloc(10_000, 1), Buffer.of(0)])),
    );
    for (const size of [1, 3, 1_400, bytes.length]) {
      looked = 0;
      expect(readAll(framing, pieces(bytes, size)).frames.length).toBe(5);
      expect(looked).toBe(bytes.length);
    }
  });

  test('is reset for each packet, and keeps what the measure stores', async () => {
    const states: unknown[] = [];
    const framing = measured({
      measure(bytes, start, end, cursor) {
        states.push(cursor.state);
        cursor.state = [end - start];
        return end - start < 2 ? -1 : 1 + bytes[start]!;
      },
    });
    const reader = framing.reader();
    for (const byte of hex('02 0000 01 00')) {
      reader.push(Buffer.of(byte));
      reader.next();
    }
    // Once its length is known, a packet is not measured again.
    expect(states).toEqual([undefined, [1], undefined, [1]]);
    await verifyFraming(framing, [
      { bytes: hex('02 0000 01 00'), frames: [hex('02 0000'), hex('01 00')], canonical: true },
    ]);
  });
});

test('-n asks for at least n more bytes, and is not asked before', () => {
  let asked = 0;
  const framing = measured({
    measure(_, start, end) {
      asked++;
      const missing = start + 100 - end;
      return missing > 0 ? -missing : 100;
    },
  });
  const bytes = Buffer.alloc(300);
  expect(readAll(framing, pieces(bytes, 1)).frames.length).toBe(3);
  expect(asked).toBe(6);
});

test('noise is skipped if configured, and valid packets are found in it', () =>
  verifyFraming(
    measured({
      measure: (bytes, start) => bytes[start]! % 4,
      valid: (frame) => frame.at(-1) === 9,
      onNoise: 'discard',
    }),
    [
      {
        bytes: hex('00 02 09', '03 01 09', '03 03 02 09'),
        frames: [hex('02 09'), hex('03 01 09'), hex('03 02 09')],
        discarded: ['ERR_FRAME_NOISE', 'ERR_FRAME_NOISE'],
      },
    ],
    { truncation: 'any' },
  ));

test('a result that is not a length, and an exception of the measure, end the stream with a local error', () => {
  for (const measure of [
    () => 1.5,
    () => Number.NaN,
    () => '3' as never,
    () => null as never,
    (): number => {
      throw Object.create(null);
    },
  ]) {
    const framing = measured({ measure });
    expect(readAll(framing, [hex('01')]).error).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
      offset: 0,
    });
    expect(thrown(() => writeOne(framing, hex('01')))).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
    });
  }
});
