/** Payloads that come in parts, or stand in their place already: what `begin` and `seal` of the writers take and refuse. */
import { expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type Framing,
  headed,
  type LengthPrefixOptions,
  lengthPrefix,
  line,
  measured,
  packets,
  slip,
  stuffed,
} from '../../../src/index.ts';
import { hex } from '../../support/hex.ts';
import { readAll, thrown, writeOne } from '../../support/reading.ts';

const counted = packets({ kinds: { one: { start: '$', length: { offset: 1, add: 2 } } } });
const ended = packets({ kinds: { one: { start: '$', end: ';' } }, maxFrameLength: 9 });
const lines = headed({ end: '\n', length: { field: 'n' }, until: '.' });
const kept = lengthPrefix({
  lengthFieldLength: 'varint',
  lengthFieldOffset: 1,
  initialBytesToStrip: 0,
  maxFrameLength: 9,
});

test.each<[what: string, Framing, first: string, length: number, begun: string | undefined]>([
  ['a packet of which the field has not come', counted, '"$"', 5, undefined],
  ['a packet whose field says its length', counted, '"$" 03', 5, '"$" 03'],
  ['a packet that is whole', counted, '"$" 03 616263', 5, '"$" 03 616263'],
  ['a packet that only its end shows', ended, '"$ab"', 5, undefined],
  ['that packet, whole', ended, '"$ab;"', 4, '"$ab;"'],
  ['a header that goes on', lines, '"n: 1"', 6, undefined],
  ['a header with a length', lines, '"n: 2" 0A', 7, '"n: 2" 0A'],
  ['a varint that stays on the frame, not there yet', kept, '61 80', 9, undefined],
  ['a varint that stays on the frame', kept, '61 02', 4, '61 02'],
  ['header bytes that are stripped', lengthPrefix({ lengthFieldLength: 2 }), '61', 300, '2C 01 61'],
  [
    'header bytes that stay on the frame, not there yet',
    lengthPrefix({ initialBytesToStrip: 0 }),
    '00',
    9,
    undefined,
  ],
  [
    'header bytes that stay on the frame',
    lengthPrefix({ initialBytesToStrip: 0 }),
    '99999999',
    9,
    '05000000',
  ],
  [
    'header bytes that are stripped in part',
    lengthPrefix({ lengthFieldOffset: 2, initialBytesToStrip: 1 }),
    '99 00000000',
    9,
    '00 99 04000000',
  ],
])('%s', (_, framing, first, length, begun) => {
  const given = hex(first);
  expect(framing.writer().begin!(given, length)).toEqual(begun === undefined ? undefined : hex(begun));
  expect(given).toEqual(hex(first));
});

test.each<[what: string, Framing, first: string, length: number, code: string, message: string]>([
  [
    'a packet of another length',
    counted,
    '"$" 02',
    5,
    'ERR_FRAME_LENGTH',
    'payload that is not one frame: it measures 4 of its 5 bytes',
  ],
  [
    'no packet',
    counted,
    '"x"',
    5,
    'ERR_FRAME_NOISE',
    'payload that is not a frame: bytes outside a frame, at stream offset 0',
  ],
  [
    'a whole packet that is none',
    counted,
    '"x"',
    1,
    'ERR_FRAME_NOISE',
    'payload that is not a frame: bytes outside a frame, at stream offset 0',
  ],
  [
    'a whole packet without its end',
    ended,
    '"$ab"',
    3,
    'ERR_FRAME_LENGTH',
    'payload that is not one frame: it needs more than its 3 bytes',
  ],
  [
    'a packet of no bytes',
    ended,
    '',
    0,
    'ERR_FRAME_LENGTH',
    'payload that is not one frame: it needs more than its 0 bytes',
  ],
  ['too long', ended, '"$"', 10, 'ERR_FRAME_TOO_LONG', 'payload of 10 bytes exceeds maxFrameLength 9'],
  [
    'a header without a length',
    lines,
    '"x" 0A',
    9,
    'ERR_FRAME_LENGTH',
    'payload that is not one frame: it does not say its length at its beginning',
  ],
  [
    'a varint that says another length',
    kept,
    '61 03',
    4,
    'ERR_FRAME_LENGTH',
    'payload of 4 bytes does not begin with a header that gives its length',
  ],
  [
    'a varint that does not end',
    kept,
    '61 80',
    2,
    'ERR_FRAME_LENGTH',
    'payload of 2 bytes does not begin with a header that gives its length',
  ],
  [
    'a varint beyond the maximum',
    kept,
    '61 0A',
    12,
    'ERR_FRAME_TOO_LONG',
    'payload of 10 bytes exceeds maxFrameLength 9',
  ],
  [
    'more than the field holds',
    lengthPrefix({ lengthFieldLength: 1 }),
    '61',
    256,
    'ERR_FRAME_TOO_LONG',
    'payload of 256 bytes exceeds maxFrameLength 255',
  ],
])('%s is refused', (_, framing, first, length, code, message) => {
  expect(thrown(() => framing.writer().begin!(hex(first), length))).toMatchObject({
    code,
    message,
    origin: 'local',
  });
});

test('a packet in its place is checked there', () => {
  const writer = counted.writer();
  expect(writer.headerLength).toBe(0);
  expect(writer.bound(7)).toBe(7);
  const target = hex('99', '"$" 01 61', '99');
  expect(writer.seal!(target, 1, 4)).toBe(4);
  expect(target).toEqual(hex('99', '"$" 01 61', '99'));
  expect(() => writer.seal!(target, 1, 5)).toThrow('it measures 3 of its 4 bytes');
  expect(writer.write(Buffer.alloc(3), 0, target.subarray(0), 1, 4)).toBe(3);
  const copy = Buffer.alloc(5);
  expect(writer.write(copy, 2, target.subarray(1), 0, 3)).toBe(5);
  expect(copy).toEqual(hex('0000', '"$" 01 61'));
});

test("a measure that throws is the writer's own fault", () => {
  const cause = new Error('no');
  const writer = measured({
    measure() {
      throw cause;
    },
  }).writer();
  expect(thrown(() => writer.write(Buffer.alloc(1), 0, hex('61'), 0, 1))).toMatchObject({
    code: 'ERR_FRAME_LENGTH',
    origin: 'local',
    message: "the framing's own function failed: no, at stream offset 0",
    offset: 0,
    cause,
  });
});

test('the kind of a packet, by its name', () => {
  const framing = packets({ kinds: { ended: { start: '$', end: ';' }, short: { start: '$', length: 2 } } });
  const kinds = ['$a;', '$a', '$', '$ab', 'x', '$a;b'].map((text) => {
    const bytes = Buffer.from(`<${text}>`);
    return framing.kindOf!(bytes, 1, bytes.length - 1);
  });
  expect(kinds).toEqual(['ended', 'short', undefined, undefined, undefined, undefined]);
});

const two = { maxFrameLength: 2 };
const hdlc = { flag: 0x7e, escape: 0x7d, xor: 0x20, ...two };

test.each<[what: string, Framing]>([
  ['cobs', cobs(two)],
  ['slip', slip(two)],
  ['slip with a start', slip({ ...two, start: 1 })],
  ['stuffed', stuffed(hdlc)],
  ['delimiter', delimiter({ delimiter: ';', ...two })],
  ['delimiter with a start', delimiter({ delimiter: ';', start: '<<', ...two })],
  ['line', line(two)],
  ['lengthPrefix', lengthPrefix(two)],
  ['lengthPrefix with a varint', lengthPrefix({ lengthFieldLength: 'varint', ...two })],
  ['lengthPrefix with digits', lengthPrefix({ lengthFieldLength: 2, base: 10, ...two })],
  ['measured', measured({ measure: (_, start, end) => end - start, ...two })],
])('%s: the most bytes, out of the middle of others, and one byte more', (_, framing) => {
  const source = hex('99', '"abc"', '99');
  const writer = framing.writer();
  const target = Buffer.alloc(99);
  const end = writer.write(target, 7, source, 1, 3);
  expect(target.subarray(7, end)).toEqual(writeOne(framing, hex('"ab"')));
  expect(end).toBeLessThanOrEqual(7 + writer.bound(2));
  expect(target.subarray(0, 7)).toEqual(Buffer.alloc(7));
  expect(target.subarray(end)).toEqual(Buffer.alloc(99 - end));
  expect(thrown(() => writer.write(target, 7, source, 1, 4))).toMatchObject({
    code: 'ERR_FRAME_TOO_LONG',
    message: 'payload of 3 bytes exceeds maxFrameLength 2',
    limit: 2,
    actual: 3,
  });
});

test.each<[LengthPrefixOptions, shortest: number, longest: number]>([
  [{ lengthFieldLength: 1 }, 0, 9],
  [{ lengthFieldLength: 2, byteOrder: 'big', lengthFieldOffset: 1 }, 0, 9],
  [{ lengthFieldLength: 1, initialBytesToStrip: 3 }, 0, 7],
  [{ lengthFieldLength: 2, base: 10 }, 0, 9],
  [{ lengthFieldLength: 2, mask: 0x0ff0 }, 0, 9],
  [{ lengthFieldLength: 1, mask: 0x07 }, 0, 7],
  [{ lengthFieldLength: 1, mask: 0x07, lengthAdjustment: -2 }, 0, 5],
  [{ lengthFieldLength: 1, lengthAdjustment: 2 }, 2, 9],
  [{ lengthFieldLength: 1, initialBytesToStrip: 0 }, 1, 10],
  [{ lengthFieldLength: 1, lengthFieldOffset: 1, initialBytesToStrip: 0 }, 2, 11],
  [{ lengthFieldLength: 1, lengthFieldOffset: 2, initialBytesToStrip: 1 }, 2, 11],
])('%o takes payloads of %i to %i bytes, in each way of writing', (options, shortest, longest) => {
  const framing = lengthPrefix({ ...options, maxFrameLength: 9 });
  const writer = framing.writer();
  const { headerLength = 0 } = writer;
  for (let length = 0; length < 15; length++) {
    const payload = Buffer.alloc(length, 0x30);
    const source = Buffer.concat([hex('99'), payload, payload, hex('99')]);
    const room = Buffer.alloc(60, 0xa5);
    const ways = [
      () => room.subarray(4, writer.write(room, 4, source, 1, 1 + length)),
      () => {
        const bounds = [0, 0, 1, 1 + length, 1 + length, 1 + 2 * length];
        const end = writer.writeAll!(room, 4, source, bounds, 1, 3);
        const half = 4 + (end - 4) / 2;
        expect(room.subarray(half, end)).toEqual(room.subarray(4, half));
        return room.subarray(4, half);
      },
      () => {
        payload.copy(room, 4 + headerLength);
        return room.subarray(4, writer.seal!(room, 4, 4 + headerLength + length));
      },
      () => writer.begin!(payload, length)!,
    ];
    if (length < shortest || length > longest) {
      for (const way of ways) expect(thrown(way)).toMatchObject({ origin: 'local' });
      continue;
    }
    const frame = writeOne(framing, payload);
    for (const way of ways) {
      room.fill(0xa5);
      expect(way()).toEqual(frame);
      expect(room.subarray(0, 4)).toEqual(Buffer.alloc(4, 0xa5));
    }
    const [read] = readAll(framing, [frame]).frames;
    expect(read?.length).toBe(length);
    expect(read?.subarray(4)).toEqual(payload.subarray(4));
  }
});

test.each<[LengthPrefixOptions]>([
  [{ lengthFieldLength: 'varint', lengthFieldOffset: 2 }],
  [{ lengthFieldLength: 'varint', lengthFieldOffset: 1, lengthIncludes: 'header' }],
  [{ lengthFieldLength: 'varint', lengthAdjustment: -3 }],
  [{ lengthFieldLength: '7/16/64', lengthIncludes: 'header' }],
])('%o: lengths about those whose field is wider', (options) => {
  const framing = lengthPrefix({ ...options, maxFrameLength: 70_000 });
  for (const around of [2, 126, 16_383, 65_535]) {
    for (let length = around - 2; length < around + 4; length++) {
      const payload = Buffer.alloc(length, 0x61);
      const frame = writeOne(framing, payload);
      const { frames, error } = readAll(framing, [frame]);
      expect([frames.length, error, frames[0]?.equals(payload)]).toEqual([1, undefined, true]);
      expect(framing.writer().begin!(payload.subarray(0, 1), length)).toEqual(
        frame.subarray(0, frame.length - Math.max(0, length - 1)),
      );
    }
  }
});

test('a varint that cannot hold less than nothing, and one that stays on the frame', () => {
  const adjusted = lengthPrefix({ lengthFieldLength: 'varint', lengthAdjustment: 3, maxFrameLength: 9 });
  expect(writeOne(adjusted, hex('"abc"'))).toEqual(hex('00 "abc"'));
  expect(thrown(() => writeOne(adjusted, hex('"ab"')))).toMatchObject({
    code: 'ERR_FRAME_LENGTH',
    message: 'length field would hold -1 for a payload of 2 bytes (lengthAdjustment 3)',
  });
  expect(writeOne(adjusted, Buffer.alloc(9)).length).toBe(10);
  expect(() => writeOne(adjusted, Buffer.alloc(10))).toThrow('payload of 10 bytes exceeds maxFrameLength 9');
  const part = lengthPrefix({
    lengthFieldLength: 'varint',
    lengthFieldOffset: 2,
    initialBytesToStrip: 1,
    lengthIncludes: 'header',
    maxFrameLength: 9,
  });
  // The length counts two bytes before it, itself, and what follows.
  const writer = part.writer();
  const target = Buffer.alloc(12, 0xa5);
  expect(writer.write(target, 3, hex('99', '41 05 6162', '99'), 1, 5)).toBe(8);
  expect(target).toEqual(hex('A5A5A5', '00 41 05 6162', 'A5A5A5A5'));
  target.fill(0xa5);
  hex('41 05 6162').copy(target, 4);
  expect(writer.seal!(target, 3, 8)).toBe(8);
  expect(target).toEqual(hex('A5A5A5', '00 41 05 6162', 'A5A5A5A5'));
  for (const wrong of ['41 04 6162', '41 06 6162', '41', '41 02']) {
    const payload = hex(wrong);
    expect(thrown(() => writeOne(part, payload))).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      actual: payload.length,
    });
  }
  expect(writeOne(part, hex('41 03'))).toEqual(hex('00 41 03'));
});
