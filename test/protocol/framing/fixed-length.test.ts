import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fixedLength } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { readAll, thrown, writeOne } from '../../support/reading.ts';

test('keeps the contract', () =>
  verifyFraming(fixedLength(3), [
    {
      name: 'two',
      bytes: hex('01 02 03', '04 05 06'),
      frames: [hex('01 02 03'), hex('04 05 06')],
      canonical: true,
    },
    { name: 'nothing', bytes: hex(), frames: [] },
    {
      name: 'cut off',
      bytes: hex('01 02 03', '04'),
      frames: [hex('01 02 03')],
      error: 'ERR_FRAME_TRUNCATED',
    },
  ]));

test('one byte a frame', () =>
  verifyFraming(fixedLength(1), [{ bytes: hex('01 02'), frames: [hex('01'), hex('02')], canonical: true }]));

test('reports how much of the last frame arrived', () => {
  const { error } = readAll(fixedLength(4), [hex('01 02 03 04 05'), hex('06')]);
  expect(error).toMatchObject({
    code: 'ERR_FRAME_TRUNCATED',
    expected: 4,
    actual: 2,
    offset: 4,
    origin: 'peer',
  });
});

test('frames of one chunk are a run', () => {
  const reader = fixedLength(2).reader();
  reader.push(hex('01 02 03 04 05'));
  expect(reader.take()).toMatchObject({
    count: 2,
    wire: 'fixedLength:2',
    runStart: 0,
    runEnd: 4,
    bounds: [0, 2, 2, 4],
  });
  expect(reader.take()).toBeUndefined();
  reader.push(hex('06 07 08'));
  expect(reader.take()).toMatchObject({ count: 1, bytes: hex('05 06') });
  expect(reader.take()).toMatchObject({ count: 1, runStart: 1, runEnd: 3 });
});

test('the writer refuses any other length', () => {
  for (const payload of [hex(), hex('01'), hex('01 02 03')]) {
    expect(thrown(() => writeOne(fixedLength(2), payload))).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
      expected: 2,
      actual: payload.length,
    });
  }
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 53, '4', undefined])('refuses a length of %s', (length) => {
  expect(() => fixedLength(length as number)).toThrow(RangeError);
  expect(() => fixedLength(length as number)).toThrow(
    'fixedLength: length must be an integer of at least 1, got ',
  );
});

test('reads what it writes, for every length', () => {
  const cases = fc
    .integer({ min: 1, max: 40 })
    .chain((length) =>
      fc.tuple(
        fc.constant(length),
        fc.array(fc.uint8Array({ minLength: length, maxLength: length }), { maxLength: 5 }),
      ),
    );
  fc.assert(
    fc.property(cases, ([length, payloads]) => {
      const framing = fixedLength(length);
      const wire = Buffer.concat(payloads.map((payload) => writeOne(framing, Buffer.from(payload))));
      const reader = framing.reader();
      reader.push(wire);
      for (const payload of payloads) expect(reader.next()).toEqual(Buffer.from(payload));
      reader.end();
      expect(reader.next()).toBeUndefined();
      expect(reader.error).toBeUndefined();
    }),
  );
});
