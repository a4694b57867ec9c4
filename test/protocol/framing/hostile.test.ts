/** Bytes that are meant to do harm, for ever: what is held stays below the maximum, and the work is in step with the input. */
import { describe, expect, test } from 'vitest';
import {
  array,
  bytes as bytesField,
  cobs,
  codecOf,
  constant,
  cstring,
  decimal,
  delimiter,
  type Field,
  type Framing,
  headed,
  lazy,
  lengthPrefix,
  line,
  measured,
  packets,
  selfDelimiting,
  slip,
  struct,
  stuffed,
  text,
  u8,
  u16be,
  u32be,
  until,
} from '../../../src/index.ts';
import { pieces } from '../../support/reading.ts';

const MAX = 1_024;
const LENGTH = 60_000;
const crlf = constant(bytesField(2), Buffer.from('\r\n'));

interface Nest {
  inner: readonly Nest[];
}
const nest: Field<Nest> = struct({
  star: constant(u8, 0x2a),
  inner: array(
    lazy(() => nest),
    decimal(until(crlf)),
  ),
});

/** What comes, over and over; and the code that ends it, undefined where it is skipped or passed over. */
const FLOODS: [what: string, framing: Framing, unit: string, code?: string][] = [
  [
    'a start in every byte, of delimiter',
    delimiter({ start: '$', delimiter: '\n', maxFrameLength: MAX, onTooLong: 'discard' }),
    '$',
  ],
  [
    'a start in every byte, of slip',
    slip({ start: 0x24, maxFrameLength: MAX, onInvalid: 'discard', onTooLong: 'discard' }),
    '$',
  ],
  [
    'a start in every byte, of packets',
    packets({ kinds: [{ start: '$', length: 9, valid: () => false }], maxFrameLength: MAX }),
    '$',
  ],
  [
    'a start in every other byte, each with a length',
    packets({ kinds: [{ start: '$', length: { offset: 1 }, valid: () => false }], maxFrameLength: MAX }),
    '$\xff',
  ],
  ['a flag in every byte, of stuffed', stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20 }), '~'],
  ['a delimiter in every byte, of slip', slip(), '\xc0'],
  ['a length behind everything', lengthPrefix({ maxFrameLength: MAX }), '\xff', 'ERR_FRAME_TOO_LONG'],
  [
    'a length behind everything, in text',
    headed({ end: '\n\n', length: { field: 'l' }, maxFrameLength: MAX }),
    'l: 99999999999\n\n',
    'ERR_FRAME_TOO_LONG',
  ],
  [
    'a length behind everything, of digits',
    lengthPrefix({ lengthFieldLength: 9, base: 10, maxFrameLength: MAX }),
    '9',
    'ERR_FRAME_TOO_LONG',
  ],
  [
    'a length behind everything, in stuffed bytes',
    stuffed({
      flag: 0x7e,
      escape: 0x7d,
      xor: 0x20,
      length: { offset: 0, width: 2, byteOrder: 'big' },
      maxFrameLength: MAX,
      onInvalid: 'discard',
    }),
    '~\xff\xff',
  ],
  [
    'a length behind everything, of packets',
    packets({
      kinds: [{ start: '$', length: { offset: 1, width: 4, byteOrder: 'big' } }],
      maxFrameLength: MAX,
    }),
    '$\xff\xff\xff\xff',
  ],
  [
    'a length behind everything, that is skipped',
    lengthPrefix({ maxFrameLength: MAX, onTooLong: 'discard' }),
    '\x7f',
  ],
  [
    'an endless header',
    headed({ end: '\n\n', length: { field: 'l' }, maxHeaderLength: MAX }),
    'x: y\n',
    'ERR_FRAME_LENGTH',
  ],
  [
    'line ends before a header',
    headed({ end: '\n\n', length: { field: 'l' }, ignore: '\r\n', maxFrameLength: MAX }),
    '\r\n',
  ],
  [
    'a body without its end',
    headed({ end: '\n\n', length: { field: 'l' }, until: '\0', maxFrameLength: MAX }),
    'a\n\nb',
    'ERR_FRAME_TOO_LONG',
  ],
  ['an endless varint', lengthPrefix({ lengthFieldLength: 'varint' }), '\x80', 'ERR_FRAME_LENGTH'],
  [
    'an escape in every byte, of slip',
    slip({ maxFrameLength: MAX, onInvalid: 'discard', onTooLong: 'discard' }),
    '\xdb',
  ],
  [
    'an escape in every byte, of stuffed',
    stuffed({
      flag: 0x7e,
      escape: 0x7d,
      xor: 0x20,
      maxFrameLength: MAX,
      onInvalid: 'discard',
      onTooLong: 'discard',
    }),
    '}',
  ],
  [
    'escaped bytes without end',
    stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20, maxFrameLength: MAX }),
    '}\x5e',
    'ERR_FRAME_TOO_LONG',
  ],
  ['counts without a zero, of cobs', cobs({ maxFrameLength: MAX }), '\x02', 'ERR_FRAME_TOO_LONG'],
  ['noise for ever, of delimiter', delimiter({ start: '<<', delimiter: '>', maxFrameLength: MAX }), 'x'],
  [
    'the beginning of a start for ever',
    delimiter({ start: '<<<<>', delimiter: '>', maxFrameLength: MAX }),
    '<',
  ],
  ['noise for ever, of slip', slip({ start: 0x24, maxFrameLength: MAX }), 'x'],
  ['noise for ever, of packets', packets({ kinds: [{ start: '$$', length: 9 }], maxFrameLength: MAX }), 'x'],
  [
    'noise for ever, of measured',
    measured({ measure: () => 0, onNoise: 'discard', maxFrameLength: MAX }),
    'x',
  ],
  ['a line without end', line({ maxFrameLength: MAX, onTooLong: 'discard' }), '\r'],
  [
    'a text up to NUL',
    selfDelimiting(codecOf(struct({ a: cstring() })), { maxFrameLength: MAX }),
    'x',
    'ERR_FRAME_TOO_LONG',
  ],
  [
    'a line up to CR LF, in a declaration',
    selfDelimiting(codecOf(struct({ a: text(until(crlf)) })), { maxFrameLength: MAX }),
    '\r',
    'ERR_FRAME_TOO_LONG',
  ],
  ['lists in lists', selfDelimiting(codecOf(nest), { maxFrameLength: MAX }), '*1\r\n', 'ERR_FRAME_LENGTH'],
  [
    'a list of elements without bytes',
    selfDelimiting(codecOf(struct({ list: array(struct({}), u32be) })), { maxFrameLength: MAX }),
    '\xff',
    'ERR_FRAME_LENGTH',
  ],
];

/** Count the bytes that are copied and searched while that runs. */
function work(act: () => void): number {
  const { copy, set, indexOf } = Buffer.prototype;
  const { concat } = Buffer;
  let sum = 0;
  Buffer.prototype.copy = function (...args: Parameters<Buffer['copy']>) {
    const count = copy.apply(this, args);
    sum += count;
    return count;
  };
  Buffer.prototype.set = function (source: ArrayLike<number>, at?: number) {
    sum += source.length;
    set.call(this, source, at);
  };
  Buffer.concat = (list, length) => {
    const joined = concat(list, length);
    sum += joined.length;
    return joined;
  };
  Buffer.prototype.indexOf = function (this: Buffer, value: never, from?: number, ...more: never[]) {
    const found = indexOf.call(this, value, from as number, ...more);
    sum += (found < 0 ? this.length : found) - (typeof from === 'number' ? from : 0);
    return found;
  } as Buffer['indexOf'];
  try {
    act();
  } finally {
    Object.assign(Buffer.prototype, { copy, set, indexOf });
    Buffer.concat = concat;
  }
  return sum;
}

describe.each(FLOODS)('%s', (_, framing, unit, code) => {
  const bytes = Buffer.from(unit.repeat(LENGTH / unit.length), 'latin1');

  test.each([1, 7, 1_000])('in chunks of %d bytes', (size) => {
    let discarded = 0;
    let given = 0;
    let frames = 0;
    let held = 0;
    const reader = framing.reader({ onDiscard: () => discarded++ });
    const done = work(() => {
      for (const chunk of pieces(bytes, size)) {
        reader.push(chunk);
        given += chunk.length;
        while (reader.next() !== undefined) frames++;
        held = Math.max(held, reader.buffered);
        if (reader.error !== undefined) break;
      }
    });
    expect(frames).toBe(0);
    expect(reader.error?.code).toBe(code);
    // What follows an error is never looked at; a header of the maximum, and its end, are.
    if (code !== undefined) expect(given).toBeLessThanOrEqual(2 * MAX + 2 * size);
    // Stuffed, a payload takes twice its bytes.
    expect(held).toBeLessThanOrEqual(2 * MAX + 16);
    expect(done).toBeLessThanOrEqual(8 * given + 4 * MAX);
    expect(discarded).toBeLessThanOrEqual(given);
  });
});

test.each<[string, Field<{ a: string; b: number }>, Buffer]>([
  ['NUL', struct({ a: cstring(), b: u16be }), Buffer.of(0)],
  ['CR LF', struct({ a: text(until(crlf)), b: u16be }), Buffer.from('\r\n')],
  [
    'a unit of two bytes',
    struct({ a: text(until(constant(u16be, 0)), { encoding: 'utf16be' }), b: u16be }),
    Buffer.of(0, 0),
  ],
])('a text up to %s is searched once, however small the chunks', (_, field, end) => {
  const framing = selfDelimiting(codecOf(field as never));
  const content = Buffer.from(`${end.length === 2 && end[0] === 0 ? 'a\0' : '\rb'}`.repeat(10_000), 'latin1');
  // Half a terminator at the wrong place, over and over: `61 00 61 00 …`, `0d 62 0d 62 …`.
  const frame = Buffer.concat([content, end, Buffer.of(1, 2)]);
  for (const size of [1, 2, 3, 64]) {
    const reader = framing.reader();
    const frames: Buffer[] = [];
    const done = work(() => {
      for (const chunk of pieces(Buffer.concat([frame, frame]), size)) {
        reader.push(chunk);
        for (let one = reader.next(); one !== undefined; one = reader.next()) frames.push(Buffer.from(one));
      }
    });
    expect(reader.error).toBeUndefined();
    expect(frames.map((one) => one.equals(frame))).toEqual([true, true]);
    expect(done).toBeLessThan(12 * frame.length);
  }
});
