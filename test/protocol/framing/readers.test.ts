/** What a reader shows beside its frames: runs of bytes, measured frames, batches and their places. */
import { describe, expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type FrameReader,
  type Framing,
  fixedLength,
  headed,
  type LengthPrefixOptions,
  lengthPrefix,
  packets,
  slip,
} from '../../../src/index.ts';
import { hex } from '../../support/hex.ts';
import { readAll } from '../../support/reading.ts';

const bytes1 = lengthPrefix({ lengthFieldLength: 1 });

describe('a run: bytes for a codec that reads frames and messages in one pass', () => {
  test('the bytes not read yet, starting at a frame', () => {
    const reader = bytes1.reader();
    expect(reader.run!()).toBeUndefined();
    const chunk = hex('01 61', '02 62');
    reader.push(chunk);
    expect(reader.run!()).toEqual({
      bytes: chunk,
      at: 0,
      end: 4,
      header: {
        header: 1,
        offset: 0,
        width: 1,
        little: true,
        adjustment: 0,
        strip: 1,
        shortest: 0,
        longest: 255,
      },
    });
    reader.goOn!(2);
    expect(reader.run!()).toMatchObject({ at: 2, end: 4 });
    expect(() => reader.goOn!(1)).toThrow(new RangeError('at: expected 2 to 4, got 1'));
    expect(() => reader.goOn!(5)).toThrow(new RangeError('at: expected 2 to 4, got 5'));
    expect(() => reader.goOn!(Number.NaN)).toThrow(RangeError);
    expect(reader.next()).toBeUndefined();
    // A frame is under way: it comes alone, once it is whole.
    reader.push(hex(''));
    expect(reader.run!()).toBeUndefined();
    reader.push(hex('63', '00'));
    const held = reader.run!()!;
    expect([held.at, held.end, held.bytes.subarray(0, 3)]).toEqual([0, 3, hex('02 6263')]);
    expect(() => reader.goOn!(2)).toThrow(new RangeError('at: expected 3, got 2'));
    reader.goOn!(3);
    expect(reader.run!()).toMatchObject({ at: 1, end: 2 });
    reader.goOn!(2);
    expect(reader.run!()).toBeUndefined();
  });

  test.each<[LengthPrefixOptions, partsAbove: number | undefined, header: object]>([
    [
      {
        lengthFieldLength: 2,
        byteOrder: 'big',
        lengthFieldOffset: 1,
        lengthAdjustment: 2,
        maxFrameLength: 9,
      },
      undefined,
      { header: 3, offset: 1, width: 2, little: false, adjustment: 2, strip: 3, shortest: 0, longest: 9 },
    ],
    [
      { lengthFieldLength: 1, initialBytesToStrip: 3 },
      undefined,
      { header: 1, offset: 0, width: 1, little: true, adjustment: 0, strip: 3, shortest: 2, longest: 255 },
    ],
    [
      { lengthFieldLength: 1, initialBytesToStrip: 0 },
      5,
      { header: 1, offset: 0, width: 1, little: true, adjustment: 0, strip: 0, shortest: 0, longest: 4 },
    ],
  ])('the header of %o, with parts above %s', (options, partsAbove, header) => {
    const reader = lengthPrefix(options).reader({ partsAbove });
    reader.push(hex('00'));
    expect(reader.run!()?.header).toEqual(header);
  });

  test('none while a frame is skipped or given out in parts, and none of a length that is no plain integer', () => {
    const discards = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 1, onTooLong: 'discard' }).reader();
    discards.push(hex('05 61'));
    expect(discards.next()).toBeUndefined();
    discards.push(hex('62'));
    expect(discards.run!()).toBeUndefined();
    const parts = bytes1.reader({ partsAbove: 1 });
    parts.push(hex('05 61'));
    expect(parts.next()).toBeUndefined();
    expect(parts.run!()).toBeUndefined();
    const digits = lengthPrefix({ lengthFieldLength: 1, base: 10 }).reader();
    digits.push(hex('"1a"'));
    expect(digits.run!()).toBeUndefined();
  });
});

/** What a reader knows after each of these chunks. */
function measured(framing: Framing, ...chunks: string[]): (boolean | undefined)[] {
  const reader = framing.reader();
  return chunks.map((chunk) => {
    reader.push(hex(chunk));
    while (reader.next() !== undefined);
    return reader.isMeasured;
  });
}

test('whether the length of the unfinished frame is known', () => {
  const two = lengthPrefix({ lengthFieldLength: 2, maxFrameLength: 2, onTooLong: 'discard' });
  expect(measured(two, '02', '00', '61', '62')).toEqual([false, true, true, false]);
  expect(measured(two, '09 00', '00000000000000', '0000')).toEqual([true, true, false]);
  expect(measured(lengthPrefix({ lengthFieldLength: 'varint' }), '80', '01', '61')).toEqual([
    false,
    true,
    true,
  ]);
  expect(measured(fixedLength(2), '01', '02')).toEqual([true, false]);
  expect(measured(delimiter({ delimiter: ';' }), '61', '62 "; "')).toEqual([false, false]);
  expect(measured(headed({ end: ':', length: { column: 0 } }), '"2"', '":"', '"a"', '"b"')).toEqual([
    false,
    true,
    true,
    false,
  ]);
  const field = packets({ kinds: [{ start: '$', length: { offset: 1 } }] });
  expect(measured(field, '"$"', '03', '61')).toEqual([false, true, false]);
});

test('long frames of a header in parts, the header first', () => {
  const framing = headed({ end: ':', length: { column: 0 }, trailer: 1 });
  const reader = framing.reader({ partsAbove: 4 });
  reader.push(hex('"1:a;"', '"2:b"'));
  expect(String(reader.next())).toBe('1:a;');
  expect(reader.next()).toBeUndefined();
  expect(reader.partial).toMatchObject({ length: 5, headerLength: 2 });
  expect(reader.take()).toBeUndefined();
  expect(String(reader.part!())).toBe('2:b');
  expect(reader.part!()).toBeUndefined();
  reader.push(hex('"c"'));
  expect(String(reader.part!())).toBe('c');
  reader.push(hex('";0:;"'));
  expect(String(reader.part!())).toBe(';');
  expect(reader.partial).toBeUndefined();
  expect(String(reader.next())).toBe('0:;');
  // The beginning of a header that came in an earlier chunk is in the first part.
  reader.push(hex('"1"'));
  expect(reader.next()).toBeUndefined();
  reader.push(hex('"0:abcdefghij;"'));
  expect(reader.next()).toBeUndefined();
  expect(reader.partial).toMatchObject({ length: 14, headerLength: 3 });
  reader.skipParts!();
  expect(reader.next()).toBeUndefined();
  reader.push(hex('"9:abc"'));
  expect(reader.next()).toBeUndefined();
  expect(reader.partial).toMatchObject({ length: 12 });
  reader.end();
  while (reader.part!() !== undefined);
  expect(reader.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', actual: 5, expected: 12 });
  // Without the option every frame is whole.
  const whole = framing.reader();
  whole.push(hex('"2:bc;"'));
  expect(String(whole.next())).toBe('2:bc;');
});

describe('batches', () => {
  const chunk = hex('01 61', '00', '02 6262', '01');

  /** The batches that a reader gives, which begins at byte 100 of a stream. */
  function batches(reader: FrameReader, limit?: number): object[] {
    const all: object[] = [];
    for (let batch = reader.take(limit); batch !== undefined; batch = reader.take(limit)) {
      const { bytes, count, wire, runStart, runEnd, streamOffset } = batch;
      const frames = Array.from({ length: count }, (_, i) =>
        String(bytes.subarray(batch.bounds[2 * i], batch.bounds[2 * i + 1])),
      );
      all.push({ frames, wire, run: [runStart, runEnd], streamOffset });
    }
    return all;
  }

  test.each<[what: string, Framing, wire: string | undefined]>([
    ['a plain length', bytes1, 'lengthPrefix:1:little:0'],
    ['a varint', lengthPrefix({ lengthFieldLength: 'varint' }), undefined],
  ])('of %s', (_, framing, wire) => {
    for (const limit of [undefined, 3, 4, 512]) {
      const reader = framing.reader({ streamOffset: 100 });
      reader.push(chunk);
      expect(batches(reader, limit)).toEqual([
        { frames: ['a', '', 'bb'], wire, run: [0, 6], streamOffset: 100 },
      ]);
      reader.push(hex('63', '01 64'));
      expect(batches(reader, limit)).toEqual([
        { frames: ['c'], wire, run: [0, 2], streamOffset: 106 },
        { frames: ['d'], wire, run: [1, 3], streamOffset: 107 },
      ]);
    }
    const reader = framing.reader({ streamOffset: 100 });
    reader.push(chunk);
    expect(batches(reader, 2)).toEqual([
      { frames: ['a', ''], wire, run: [0, 3], streamOffset: 100 },
      { frames: ['bb'], wire, run: [3, 6], streamOffset: 100 },
    ]);
  });

  test('of headers that stay on the frame, and of bytes that are taken of it', () => {
    for (const [options, frames] of [
      [{ initialBytesToStrip: 0 }, ['\x02ab', '\x02cd']],
      [{ initialBytesToStrip: 2 }, ['b', 'd']],
    ] as const) {
      for (const limit of [undefined, 2]) {
        const reader = lengthPrefix({ lengthFieldLength: 1, ...options }).reader();
        reader.push(hex('02 "ab"', '02 "cd"'));
        expect(batches(reader, limit)).toEqual([{ frames, wire: undefined, run: [0, 6], streamOffset: 0 }]);
      }
    }
  });

  test('of packets say where they begin, and take as many as are asked for', () => {
    const framing = packets({ kinds: [{ start: '$', length: 2 }] });
    const reader = framing.reader({ streamOffset: 100 });
    reader.push(hex('"..$a$b.$"'));
    expect(batches(reader, 1)).toEqual([
      { frames: ['$a'], wire: undefined, run: [2, 4], streamOffset: 100 },
      { frames: ['$b'], wire: undefined, run: [4, 6], streamOffset: 100 },
    ]);
    reader.push(hex('"c$d"'));
    const [batch] = batches(reader) as [{ frames: string[]; run: number[]; streamOffset: number }];
    expect(batch.frames).toEqual(['$c', '$d']);
    expect(batch.streamOffset + batch.run[0]!).toBe(107);
  });
});

test('a packet that is cut off where the stream begins', () => {
  for (const onNoise of ['discard', 'error'] as const) {
    const reader = packets({ kinds: [{ start: '$', length: 3 }], onNoise }).reader();
    reader.push(hex('"$a"'));
    reader.end();
    expect(reader.next()).toBeUndefined();
    expect(reader.error).toMatchObject({
      code: 'ERR_FRAME_TRUNCATED',
      message: 'stream ended inside a frame, after 2 bytes of it, at stream offset 2',
      actual: 2,
      offset: 0,
    });
  }
  // What begins in it is found, and what is before that is noise.
  const { frames, discarded, error } = readAll(
    packets({
      kinds: [
        { start: '$', length: 4 },
        { start: 'a', length: 1 },
      ],
    }),
    [hex('"$ba"')],
  );
  expect(frames.map(String)).toEqual(['a']);
  expect(discarded.map(({ actual, offset }) => [actual, offset])).toEqual([[2, 0]]);
  expect(error).toBeUndefined();
});

test('the noise before a packet that is given up is reported with it', () => {
  const noise: unknown[] = [];
  const reader = packets({ kinds: [{ start: '$', length: 9 }] }).reader({
    onDiscard: ({ actual, offset }) => noise.push([actual, offset]),
  });
  reader.push(hex('"ab$cd"'));
  expect(reader.next()).toBeUndefined();
  expect(noise).toEqual([]);
  reader.giveUp!();
  expect(reader.next()).toBeUndefined();
  expect(noise).toEqual([[5, 0]]);
  expect(reader.buffered).toBe(0);
});

test('many frames: the requested number, or all', () => {
  const chunk = Buffer.concat(Array<Buffer>(600).fill(hex('01 61')));
  const all = bytes1.reader();
  all.push(chunk);
  const batch = all.take()!;
  expect([batch.count, batch.runEnd, batch.bounds.length]).toEqual([600, 1_200, 1_200]);
  expect([batch.bounds[0], batch.bounds[1], batch.bounds[1_198], batch.bounds[1_199]]).toEqual([
    1, 2, 1_199, 1_200,
  ]);
  // Computed once.
  expect(batch.bounds).toBe(batch.bounds);
  const some = bytes1.reader();
  some.push(chunk);
  const [first, second] = [some.take(512)!, some.take(512)!];
  expect([first.count, second.count, some.take(512)]).toEqual([512, 88, undefined]);
  // What one batch says, the next one does not change.
  expect([first.bounds[0], second.bounds[0], first.bounds.length]).toEqual([1, 1_025, 1_024]);
});

const STREAMS: [string, Framing, string, frames: string[]][] = [
  ['lengthPrefix', bytes1, '01 61 02 6262 00', ['a', 'bb', '']],
  ['fixedLength', fixedLength(2), '"aabb"', ['aa', 'bb']],
  ['delimiter', delimiter({ delimiter: '\r\n' }), '61 0D0A 0D0A 0D62 0D0A', ['a', '', '\rb']],
  ['delimiter with a start', delimiter({ start: '<<', delimiter: '>' }), '"<<a>.<<b>"', ['a', 'b']],
  ['slip', slip(), '61 C0 62 DBDC C0', ['a', 'b\xc0']],
  ['cobs', cobs(), '02 61 00 01 00', ['a', '']],
  ['packets', packets({ kinds: [{ start: '$', length: 2 }] }), '"$a..$b"', ['$a', '$b']],
  ['headed', headed({ end: ':', length: { column: 0 } }), '"1:a0:2:bb"', ['1:a', '0:', '2:bb']],
  [
    'headed with ignored bytes',
    headed({ end: ':', length: { column: 0 }, ignore: '\r\n' }),
    '0D0A "1:" 0A 0D "0:" 0A0A',
    ['1:\n', '0:'],
  ],
];

describe.each(STREAMS)('%s', (_, framing, stream, frames) => {
  const bytes = hex(stream);
  const texts = (read: Buffer[]): string[] => read.map((frame) => frame.toString('latin1'));

  test('chunks that come before the frames of the last one were taken', () => {
    for (let at = 0; at <= bytes.length; at++) {
      const reader = framing.reader();
      reader.push(bytes.subarray(0, at));
      expect(reader.buffered).toBe(at);
      const first = at > bytes.length / 2 ? reader.next() : undefined;
      reader.push(bytes.subarray(at));
      reader.end();
      const rest: Buffer[] = first === undefined ? [] : [first];
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) rest.push(frame);
      expect(texts(rest)).toEqual(frames);
      expect(reader.error).toBeUndefined();
      expect(reader.buffered).toBe(0);
    }
  });

  test('bytes of an abandoned frame are not in the next frame, nor after a reset', () => {
    const whole = texts(readAll(framing, [bytes]).frames);
    expect(whole).toEqual(frames);
    for (const begin of ['giveUp', 'reset', 'detach'] as const) {
      for (let at = 0; at < bytes.length; at++) {
        const noise: string[] = [];
        const reader = framing.reader({ onDiscard: ({ message }) => noise.push(message) });
        const first = bytes.subarray(0, at);
        reader.push(first);
        while (reader.next() !== undefined);
        reader[begin]!();
        while (reader.next() !== undefined);
        expect(reader.buffered).toBe(0);
        noise.length = 0;
        reader.push(bytes);
        const read: Buffer[] = [];
        for (let frame = reader.next(); frame !== undefined; frame = reader.next())
          read.push(Buffer.from(frame));
        expect(texts(read)).toEqual(frames);
        if (begin !== 'giveUp') {
          expect(noise).toEqual(readAll(framing, [bytes]).discarded.map(({ message }) => message));
        }
      }
    }
  });
});
