/** What each framing says of bytes that are no frame: what, where, expected and got. The same for every way of cutting them. */
import { describe, expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type FrameError,
  type FrameReader,
  type Framing,
  fixedLength,
  headed,
  lengthPrefix,
  line,
  measured,
  packets,
  slip,
  stuffed,
} from '../../../src/index.ts';
import { prefaced } from '../../../src/protocol/framing/preface.ts';
import { chunkings } from '../../support/chunkings.ts';
import { hex } from '../../support/hex.ts';
import { thrown, writeOne } from '../../support/reading.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const dollar = { start: '$', length: 3 };
const prefixed = { lengthFieldLength: 2, byteOrder: 'big' } as const;
const escaped = { flag: 0x7e, escape: 0x7d, xor: 0x20 };

/** Everything an error says beside its text. `offset` counts from the beginning of the stream, which is 100 bytes earlier. */
interface Said {
  limit?: number;
  actual?: number | bigint | string;
  expected?: number | string;
  offset: number;
}

const ROWS: [
  what: string,
  framing: Framing,
  bytes: Buffer,
  ...errors: [code: string, message: string, said: Said][],
][] = [
  [
    'fixedLength: the stream ends inside a frame',
    fixedLength(4),
    hex('01 02 03 04', '05 06'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 2 of its 4 bytes, at stream offset 106',
      { actual: 2, expected: 4, offset: 104 },
    ],
  ],
  [
    'lengthPrefix: the stream ends inside a header',
    lengthPrefix(prefixed),
    hex('0001 61', '00'),
    [
      'ERR_FRAME_TRUNCATED',
      "stream ended inside a frame's header, after 1 bytes of it, at stream offset 104",
      { actual: 1, offset: 103 },
    ],
  ],
  [
    'lengthPrefix: the stream ends inside a frame',
    lengthPrefix(prefixed),
    hex('0001 61', '0003 61'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 3 of its 5 bytes, at stream offset 106',
      { actual: 3, expected: 5, offset: 103 },
    ],
  ],
  [
    'lengthPrefix: the stream ends inside a varint',
    lengthPrefix({ lengthFieldLength: 'varint' }),
    hex('01 61', '80'),
    [
      'ERR_FRAME_TRUNCATED',
      "stream ended inside a frame's header, after 1 bytes of it, at stream offset 103",
      { actual: 1, offset: 102 },
    ],
  ],
  [
    'lengthPrefix: too long',
    lengthPrefix({ ...prefixed, maxFrameLength: 2 }),
    hex('0001 61', '0003 616263'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame of 3 bytes exceeds maxFrameLength 2, at stream offset 103',
      { limit: 2, actual: 3, offset: 103 },
    ],
  ],
  [
    'lengthPrefix: the stream ends inside a discarded frame',
    lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2, onTooLong: 'discard' }),
    hex('01 61', '05 6263'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame of 5 bytes exceeds maxFrameLength 2, at stream offset 102',
      { limit: 2, actual: 5, offset: 102 },
    ],
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended 3 bytes before the end of a discarded frame, at stream offset 105',
      { actual: 0, expected: 3, offset: 105 },
    ],
  ],
  ...([1, 'varint'] as const).map((lengthFieldLength): (typeof ROWS)[number] => [
    `lengthPrefix: a length (${lengthFieldLength}) below what it counts itself`,
    lengthPrefix({ lengthFieldLength, lengthIncludes: 'header' }),
    hex('02 61', '00'),
    [
      'ERR_FRAME_LENGTH',
      'length of -1 bytes behind the length field is negative, in the frame at stream offset 102',
      { limit: 0, actual: -1, offset: 102 },
    ],
  ]),
  [
    'lengthPrefix: a length that cannot be counted',
    lengthPrefix({ lengthFieldLength: 8, byteOrder: 'big' }),
    hex('0000000000000001 61', '0020000000000000'),
    [
      'ERR_FRAME_LENGTH',
      `length of ${2 ** 53} bytes behind the length field is beyond ${MAX}, the largest that can be counted, in the frame at stream offset 109`,
      { limit: MAX, actual: 2n ** 53n, offset: 109 },
    ],
  ],
  ...(
    [
      ['little', { lengthFieldLength: 8 }, 'ff ff ff ff ff ff ff ff', 2n ** 64n - 1n],
      [
        'adjusted',
        { lengthFieldLength: 8, byteOrder: 'big', lengthAdjustment: -2 },
        '0020000000000003',
        2n ** 53n + 1n,
      ],
      ['varint', { lengthFieldLength: 'varint' }, '81 80 80 80 80 80 80 10', 2n ** 53n + 1n],
      ['7/16/64', { lengthFieldLength: '7/16/64' }, '7f 80 00 00 00 00 00 00 01', 2n ** 63n + 1n],
      [
        'digits',
        { lengthFieldLength: 15, base: 16 },
        '66 66 66 66 66 66 66 66 66 66 66 66 66 66 46',
        2n ** 60n - 1n,
      ],
    ] as const
  ).map(([how, options, bytes, actual]): (typeof ROWS)[number] => [
    `lengthPrefix: a length that cannot be counted, ${how}`,
    lengthPrefix(options as never),
    hex('', bytes),
    [
      'ERR_FRAME_LENGTH',
      `length of ${actual} bytes behind the length field is beyond ${MAX}, the largest that can be counted, in the frame at stream offset 100`,
      { limit: MAX, actual, offset: 100 },
    ],
  ]),
  [
    'lengthPrefix: less than is stripped',
    lengthPrefix({ lengthFieldLength: 1, initialBytesToStrip: 3 }),
    hex('02 0000', '01 00'),
    [
      'ERR_FRAME_LENGTH',
      'length of 1 bytes behind the length field leaves nothing to strip 3 bytes from, in the frame at stream offset 103',
      { limit: 2, actual: 1, offset: 103 },
    ],
  ],
  [
    'lengthPrefix: a varint that does not end',
    lengthPrefix({ lengthFieldLength: 'varint', maxLengthFieldLength: 2 }),
    hex('01 61', '80 80 00'),
    [
      'ERR_FRAME_LENGTH',
      'length field is not a varint of at most 2 bytes, in the frame at stream offset 102',
      { limit: 2, offset: 102 },
    ],
  ],
  [
    'lengthPrefix: other characters than digits',
    lengthPrefix({ lengthFieldLength: 2, base: 10 }),
    hex('"01a"', '"0x"'),
    [
      'ERR_FRAME_LENGTH',
      'length field is not 2 decimal digits, in the frame at stream offset 103',
      { limit: 2, offset: 103 },
    ],
  ],
  [
    'line: too long',
    line({ maxFrameLength: 3 }),
    hex('"ab" 0A', '"abcd" 0A'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 3, at stream offset 103',
      { limit: 3, offset: 103 },
    ],
  ],
  [
    'delimiter: the stream ends before the delimiter',
    delimiter({ delimiter: ';' }),
    hex('"ab;"', '"cd"'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 2 bytes of it: no delimiter came, at stream offset 105',
      { actual: 2, offset: 103 },
    ],
  ],
  [
    'delimiter: the stream ends inside a trailer',
    delimiter({ delimiter: ';', trailer: 2 }),
    hex('"ab;12"', '"cd;1"'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 4 bytes of it: its trailer is cut, at stream offset 109',
      { actual: 4, offset: 105 },
    ],
  ],
  [
    'delimiter: the stream ends inside a start',
    delimiter({ start: '<<', delimiter: '>' }),
    hex('"<<a>"', '"<"'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside the start of a frame, after 1 bytes of it, at stream offset 105',
      { actual: 1, offset: 104 },
    ],
  ],
  [
    'delimiter: bytes between frames and at the end',
    delimiter({ start: '<', delimiter: '>' }),
    hex('"<a>"', '"xy"', '"<b>"', '"z"'),
    ['ERR_FRAME_NOISE', '2 bytes outside a frame, at stream offset 103', { actual: 2, offset: 103 }],
    ['ERR_FRAME_NOISE', '1 byte outside a frame, at stream offset 108', { actual: 1, offset: 108 }],
  ],
  [
    'delimiter: too long, behind a delimiter that might have become a longer one',
    delimiter({ delimiter: ['\n', '\n.\n'], maxFrameLength: 2 }),
    hex('"a" 0A', '".bcd" 0A'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 2, at stream offset 102',
      { limit: 2, offset: 102 },
    ],
  ],
  [
    'delimiter: several too long, behind such delimiters',
    delimiter({ delimiter: ['\n', '\n.\n'], maxFrameLength: 2, onTooLong: 'discard' }),
    hex('"abc" 0A', '".b" 0A', '".def" 0A2E0A', '"ghi"'),
    ...[100, 107, 114].map((offset): [string, string, Said] => [
      'ERR_FRAME_TOO_LONG',
      `frame longer than maxFrameLength 2, at stream offset ${offset}`,
      { limit: 2, offset },
    ]),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a discarded frame: no delimiter came, at stream offset 117',
      { actual: 0, offset: 117 },
    ],
  ],
  ...[true, false].map((stripStart): (typeof ROWS)[number] => [
    `delimiter: too long, behind a start, stripStart: ${stripStart}`,
    delimiter({ start: '<<', delimiter: '>', stripStart, maxFrameLength: 2 }),
    hex('"<<a>"', '"x"', '"<<bcd>"'),
    ['ERR_FRAME_NOISE', '1 byte outside a frame, at stream offset 104', { actual: 1, offset: 104 }],
    [
      'ERR_FRAME_TOO_LONG',
      `frame longer than maxFrameLength 2, at stream offset ${stripStart ? 107 : 105}`,
      { limit: 2, offset: stripStart ? 107 : 105 },
    ],
  ]),
  [
    'delimiter: the stream ends inside a start, where a rest is dropped',
    delimiter({ start: '<<', delimiter: '>', unterminated: 'drop' }),
    hex('"<<a>"', '"x<"'),
    ['ERR_FRAME_NOISE', '2 bytes outside a frame, at stream offset 104', { actual: 2, offset: 104 }],
  ],
  [
    'delimiter: a rest that is too long, where it would be a frame',
    delimiter({ start: '<', delimiter: '>', unterminated: 'emit', maxFrameLength: 2 }),
    hex('"<a>"', '"<bcd"'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 2, at stream offset 104',
      { limit: 2, offset: 104 },
    ],
  ],
  [
    'delimiter: a frame that its function refuses ends the stream',
    delimiter({ delimiter: ';', valid: (frame) => frame.length < 2 }),
    hex('"a;"', '"bc;"', '"ef;"'),
    ['ERR_FRAME_CHECKSUM', 'frame that is not valid, at stream offset 102', { offset: 102 }],
  ],
  [
    'delimiter: a frame that its function refuses',
    delimiter({ delimiter: ';', valid: (frame) => frame.length < 2, onInvalid: 'discard' }),
    hex('"a;"', '"bc;"', '"d;"', '"ef;"'),
    ...[102, 107].map((offset): [string, string, Said] => [
      'ERR_FRAME_CHECKSUM',
      `frame that is not valid, at stream offset ${offset}`,
      { offset },
    ]),
  ],
  [
    'delimiter: bytes between frames, where they end the stream',
    delimiter({ start: '<', delimiter: '>', onNoise: 'error' }),
    hex('"<a>"', '"xy"', '"<b>"'),
    ['ERR_FRAME_NOISE', 'bytes outside a frame, at stream offset 103', { offset: 103 }],
  ],
  [
    'delimiter: the stream ends inside a discarded frame',
    delimiter({ delimiter: ';', maxFrameLength: 2, onTooLong: 'discard' }),
    hex('"ab;"', '"cdef"'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 2, at stream offset 103',
      { limit: 2, offset: 103 },
    ],
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a discarded frame: no delimiter came, at stream offset 107',
      { actual: 0, offset: 107 },
    ],
  ],
  [
    'delimiter: the stream ends inside the trailer of a discarded frame',
    delimiter({ delimiter: ';', trailer: 2, maxFrameLength: 4, onTooLong: 'discard' }),
    hex('"ab;12"', '"cdefgh;1"'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 4, at stream offset 105',
      { limit: 4, offset: 105 },
    ],
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a discarded frame: its trailer is cut, at stream offset 113',
      { actual: 0, offset: 113 },
    ],
  ],
  [
    'slip: an escape before another byte',
    slip(),
    hex('61 C0', '62 DB 63 C0'),
    [
      'ERR_FRAME_STUFFING',
      'invalid stuffing in the frame at stream offset 102, at stream offset 103',
      { actual: 0xdb, offset: 103 },
    ],
  ],
  [
    'slip: too long',
    slip({ maxFrameLength: 1 }),
    hex('61 C0', '6263 C0'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 1, at stream offset 102',
      { limit: 1, offset: 102 },
    ],
  ],
  [
    'slip: a start inside a frame',
    slip({ start: 0xab }),
    hex('AB 61 C0', 'AB 62 AB 63 C0'),
    [
      'ERR_FRAME_STUFFING',
      'start marker inside a frame in the frame at stream offset 104, at stream offset 105',
      { actual: 0xab, offset: 105 },
    ],
  ],
  [
    'slip: a start inside a frame, and behind it one that is too long',
    slip({ start: 0xab, maxFrameLength: 2, onInvalid: 'discard', onTooLong: 'discard' }),
    hex('AB AB 636465 C0', 'AB 65 DB 63 C0', 'AB 61'),
    [
      'ERR_FRAME_STUFFING',
      'start marker inside a frame in the frame at stream offset 101, at stream offset 101',
      { actual: 0xab, offset: 101 },
    ],
    [
      'ERR_FRAME_TOO_LONG',
      'frame longer than maxFrameLength 2, at stream offset 102',
      { limit: 2, offset: 102 },
    ],
    [
      'ERR_FRAME_STUFFING',
      'invalid stuffing in the frame at stream offset 107, at stream offset 108',
      { actual: 0xdb, offset: 108 },
    ],
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 1 bytes of it: no delimiter came, at stream offset 113',
      { actual: 1, offset: 112 },
    ],
  ],
  [
    'stuffed: a forbidden byte behind one that cancels',
    stuffed({ ...escaped, cancel: 0x1a, forbidden: [0x18] }),
    hex('61 7E', '61 1A 6262 18 7E'),
    [
      'ERR_FRAME_STUFFING',
      'invalid stuffing in the frame at stream offset 104, at stream offset 106',
      { actual: 0x18, offset: 106 },
    ],
  ],
  [
    'cobs: a count behind the end',
    cobs(),
    hex('02 61 00', '05 6263 00'),
    [
      'ERR_FRAME_STUFFING',
      'invalid stuffing in the frame at stream offset 103, at stream offset 103',
      { actual: 5, offset: 103 },
    ],
  ],
  [
    'stuffed: a wrong sum',
    stuffed({ ...escaped, valid: { checksum: 'XOR-8' } }),
    hex('7E 6161 7E', '6263 7E'),
    [
      'ERR_FRAME_CHECKSUM',
      'frame that is not valid: expected the sum 98, got 99, at stream offset 104',
      { actual: 0x63, expected: 0x62, offset: 104 },
    ],
  ],
  [
    'packets: bytes that begin none',
    packets({ kinds: [dollar], onNoise: 'error' }),
    hex('"$ab"', '"x"'),
    ['ERR_FRAME_NOISE', 'bytes outside a frame, at stream offset 103', { offset: 103 }],
  ],
  [
    'packets: bytes between them and at the end',
    packets({ kinds: [dollar] }),
    hex('"$ab"', '"xy"', '"$ab"', '"z"'),
    ['ERR_FRAME_NOISE', '2 bytes outside a frame, at stream offset 103', { actual: 2, offset: 103 }],
    ['ERR_FRAME_NOISE', '1 byte outside a frame, at stream offset 108', { actual: 1, offset: 108 }],
  ],
  [
    'packets: the stream ends inside one',
    packets({ kinds: [dollar] }),
    hex('"$ab"', '"$a"'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 2 bytes of it, at stream offset 105',
      { actual: 2, offset: 103 },
    ],
  ],
  [
    'packets: a wrong sum',
    packets({ kinds: [{ ...dollar, valid: { checksum: 'XOR-8' } }], onNoise: 'error' }),
    hex('"$" 61 45', '"$" 61 62'),
    [
      'ERR_FRAME_CHECKSUM',
      'frame that is not valid: expected the sum 69, got 98, at stream offset 103',
      { actual: 0x62, expected: 0x45, offset: 103 },
    ],
  ],
  [
    'packets: too long',
    packets({ kinds: [{ start: '$', length: { offset: 1, add: 2 } }], maxFrameLength: 4, onNoise: 'error' }),
    hex('"$" 02 6162', '"$" 03 616263'),
    [
      'ERR_FRAME_TOO_LONG',
      'frame of 5 bytes exceeds maxFrameLength 4, at stream offset 104',
      { limit: 4, actual: 5, offset: 104 },
    ],
  ],
  [
    'packets: a length that ends before its field does',
    packets({ kinds: [{ start: '$', length: { offset: 1 } }], onNoise: 'error' }),
    hex('"$" 02', '"$" 01'),
    ['ERR_FRAME_LENGTH', 'a length field that says 1, in the frame at stream offset 102', { offset: 102 }],
  ],
  [
    'packets: a length field that is no number',
    packets({ kinds: [{ start: '$', length: { offset: 1, base: 10 } }], onNoise: 'error' }),
    hex('"$2"', '"$x"'),
    [
      'ERR_FRAME_LENGTH',
      'a length field that says no number, in the frame at stream offset 102',
      { offset: 102 },
    ],
  ],
  [
    'packets: a length beyond what can be counted',
    packets({ kinds: [{ length: { offset: 0, width: 8, byteOrder: 'big' } }], onNoise: 'error' }),
    hex('0020000000000000'),
    [
      'ERR_FRAME_LENGTH',
      `a length field that says ${MAX + 1}, in the frame at stream offset 100`,
      { offset: 100 },
    ],
  ],
  [
    'packets: a length that a number does not hold',
    packets({ kinds: [{ length: { offset: 0, width: 8, byteOrder: 'little', add: 3 } }], onNoise: 'error' }),
    hex('FFFFFFFFFFFFFFFF'),
    [
      'ERR_FRAME_LENGTH',
      `a length field that says ${2n ** 64n + 2n}, in the frame at stream offset 100`,
      { offset: 100 },
    ],
  ],
  [
    'packets: digits and what is added to them',
    packets({ kinds: [{ length: { offset: 0, width: 2, base: 10, add: MAX } }], onNoise: 'error' }),
    hex('"04"'),
    [
      'ERR_FRAME_LENGTH',
      `a length field that says ${2n ** 53n + 3n}, in the frame at stream offset 100`,
      { offset: 100 },
    ],
  ],
  [
    'packets: the greatest length that can be counted',
    packets({ kinds: [{ length: { offset: 0, width: 8, byteOrder: 'big' } }], onNoise: 'error' }),
    hex('001FFFFFFFFFFFFF'),
    [
      'ERR_FRAME_TOO_LONG',
      `frame of ${MAX} bytes exceeds maxFrameLength 65536, at stream offset 100`,
      { limit: 65_536, actual: MAX, offset: 100 },
    ],
  ],
  ...[2, 3.5, Number.NaN, undefined].map((answer): (typeof ROWS)[number] => [
    `packets: a function of a header of 3 bytes that answers ${answer}`,
    packets({
      kinds: [{ header: 3, length: (header) => (header[0] === header.length ? 3 : answer) }],
      onNoise: 'error',
    }),
    hex('03 00 00', '02 00 00'),
    [
      'ERR_FRAME_LENGTH',
      'no length that a frame can have, in the frame at stream offset 103',
      { offset: 103 },
    ],
  ]),
  [
    'headed: a length in other characters than digits',
    headed({ end: '\n\n', length: { field: 'size' } }),
    hex('"size: 1" 0A0A "a"', '"size: x" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a size that is not a number, in the frame at stream offset 110', { offset: 110 }],
  ],
  [
    'headed: two different lengths',
    headed({ end: '\n\n', length: { field: ['size', 's'] } }),
    hex('"size:1" 0A "s: 1" 0A0A "a"', '"size:1" 0A "S:2" 0A0A "a"'),
    ['ERR_FRAME_LENGTH', 'two different values of size, in the frame at stream offset 114', { offset: 114 }],
  ],
  [
    'headed: a length beyond what can be counted',
    headed({ end: '\n\n', length: { field: 'n' } }),
    hex('"n:1" 0A0A "a"', '"n:9007199254740992" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a n that is not a number, in the frame at stream offset 106', { offset: 106 }],
  ],
  [
    'headed: a length below zero',
    headed({ end: '\n\n', length: { field: 'n', add: -2 } }),
    hex('"n:3" 0A0A "a"', '"n:0" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a negative length of -2, in the frame at stream offset 106', { offset: 106 }],
  ],
  [
    'headed: a length of -1 is not the absence of a length',
    headed({ end: '\n\n', length: { field: 'n', add: -1 }, until: ';' }),
    hex('"n:2" 0A0A "a"', '"n:0" 0A0A ";"'),
    ['ERR_FRAME_LENGTH', 'a negative length of -1, in the frame at stream offset 106', { offset: 106 }],
  ],
  [
    'headed: no length',
    headed({ end: '\n\n', length: { field: 'n' } }),
    hex('"n:1" 0A0A "a"', '"m:1" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a header that says no length, in the frame at stream offset 106', { offset: 106 }],
  ],
  [
    'headed: no number in a column',
    headed({ end: '\n\n', length: { column: 1 } }),
    hex('"n 1" 0A0A "a"', '"n x" 0A0A'),
    ['ERR_FRAME_LENGTH', 'no number in column 1, in the frame at stream offset 106', { offset: 106 }],
  ],
  [
    'headed: no such column',
    headed({ end: '\n\n', length: { column: 1 } }),
    hex('"n 1" 0A0A "a"', '"n" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a header that says no length, in the frame at stream offset 106', { offset: 106 }],
  ],
  [
    'headed: a function that answers no length',
    headed({ end: '\n\n', length: (header) => Number(String(header)) }),
    hex('"1" 0A0A "a"', '"x" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a length of NaN, in the frame at stream offset 104', { offset: 104 }],
  ],
  [
    'headed: a function that answers less than nothing',
    headed({ end: '\n\n', length: (header) => Number(String(header)) }),
    hex('"1" 0A0A "a"', '"-1" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a length of -1, in the frame at stream offset 104', { offset: 104 }],
  ],
  [
    'headed: a function that answers nothing',
    headed({ end: '\n\n', length: (header) => (header.length === 1 ? 1 : undefined) }),
    hex('"1" 0A0A "a"', '"-1" 0A0A'),
    ['ERR_FRAME_LENGTH', 'a header that says no length, in the frame at stream offset 104', { offset: 104 }],
  ],
  [
    'headed: a header without end',
    headed({ end: '\n\n', length: { field: 'l' }, maxHeaderLength: 6 }),
    hex('"l: 1" 0A0A "a"', '"k: abcd" 0A0A'),
    [
      'ERR_FRAME_LENGTH',
      'a header that does not end within 6 bytes, in the frame at stream offset 107',
      { offset: 107 },
    ],
  ],
  [
    'measured: the measure finds no packet',
    measured({ measure: () => 0 }),
    hex('61'),
    [
      'ERR_FRAME_LENGTH',
      'no length that a frame can have, in the frame at stream offset 100',
      { offset: 100 },
    ],
  ],
  [
    'a preface: another byte',
    prefaced(fixedLength(1), Buffer.from('hello')),
    hex('"heLlo"'),
    [
      'ERR_FRAME_PREFACE',
      'stream begins with "heL", not with the preface "hello": it differs at stream offset 102',
      { actual: '"heL"', expected: '"hello"', offset: 102 },
    ],
  ],
  [
    'a preface: the stream ends inside',
    prefaced(fixedLength(1), Buffer.from('hello')),
    hex('"hel"'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside the preface, after 3 of its 5 bytes, at stream offset 103',
      { actual: 3, expected: 5, offset: 100 },
    ],
  ],
  [
    'a preface: the stream ends inside a frame behind it',
    prefaced(fixedLength(2), Buffer.from('hello')),
    hex('"hello"', '01'),
    [
      'ERR_FRAME_TRUNCATED',
      'stream ended inside a frame, after 1 of its 2 bytes, at stream offset 106',
      { actual: 1, expected: 2, offset: 105 },
    ],
  ],
];

/** All that is reported and the error that ends it, of a reader that begins at byte 100 of a stream. */
function errorsOf(framing: Framing, chunks: Iterable<Buffer>, partsAbove?: number): FrameError[] {
  const errors: FrameError[] = [];
  const reader = framing.reader({
    streamOffset: 100,
    partsAbove,
    onDiscard: (error) => errors.push(error),
  });
  for (const chunk of chunks) {
    reader.push(chunk);
    drain(reader);
  }
  reader.end();
  drain(reader);
  return reader.error === undefined ? errors : [...errors, reader.error];
}

/** Reads all there is, frames and parts. */
function drain(reader: FrameReader): void {
  while (reader.next() !== undefined || reader.part?.() !== undefined);
}

test.each(ROWS)('%s', (_, framing, bytes, ...errors) => {
  const expected = errors.map(([code, message, said]) => ['FrameError', code, message, 'peer', said]);
  for (const partsAbove of framing.inParts ? [undefined, 0] : [undefined]) {
    for (const [, chunks] of chunkings(bytes)) {
      const got = errorsOf(framing, chunks, partsAbove).map((error) => {
        const { name, code, message, origin, ...said } = error;
        return [name, code, message, origin, said];
      });
      expect(got).toEqual(expected);
    }
  }
});

test("a measure's answer that is no length is no fault of the peer", () => {
  expect(errorsOf(measured({ measure: () => '3' as never }), [hex('61')])).toMatchObject([
    {
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
      message:
        "the framing's own function failed: measure must answer an integer or undefined, got string, at stream offset 100",
    },
  ]);
});

test('an exception of a framing’s function is not a fault of the peer', () => {
  const cause = new Error('out of order');
  const framing = measured({
    measure() {
      throw cause;
    },
  });
  expect(errorsOf(framing, [hex('61')])).toMatchObject([
    {
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
      message: "the framing's own function failed: out of order, at stream offset 100",
      offset: 100,
      cause,
    },
  ]);
});

describe('a payload that no frame can hold', () => {
  test.each<[what: string, framing: Framing, payload: Buffer, message: string, said: object]>([
    [
      'another length than all have',
      fixedLength(4),
      hex('616263'),
      'payload of 3 bytes, where every frame has 4',
      { code: 'ERR_FRAME_LENGTH', limit: 4, actual: 3, expected: 4 },
    ],
    [
      'longer than allowed',
      lengthPrefix({ ...prefixed, maxFrameLength: 2 }),
      hex('616263'),
      'payload of 3 bytes exceeds maxFrameLength 2',
      { code: 'ERR_FRAME_TOO_LONG', limit: 2, actual: 3 },
    ],
    [
      'shorter than its header',
      lengthPrefix({ lengthFieldOffset: 1, lengthFieldLength: 2, initialBytesToStrip: 0 }),
      hex('0001'),
      'payload of 2 bytes is shorter than the 3 header bytes it has to begin with',
      { code: 'ERR_FRAME_LENGTH', limit: 3, actual: 2 },
    ],
    [
      'less than the length always says',
      lengthPrefix({ lengthFieldLength: 1, lengthAdjustment: 4 }),
      hex('616263'),
      'length field would hold -1 for a payload of 3 bytes (lengthAdjustment 4)',
      { code: 'ERR_FRAME_LENGTH', actual: -1 },
    ],
    [
      'empty, where receivers pass over empty frames',
      slip(),
      hex(),
      'payload of 0 bytes: receivers pass over empty frames',
      { code: 'ERR_FRAME_LENGTH', limit: 1, actual: 0 },
    ],
    [
      'a length in escaped bytes that is not its own',
      stuffed({ ...escaped, length: { offset: 0 } }),
      hex('03 61'),
      'payload of 2 bytes that says it has 3',
      { code: 'ERR_FRAME_LENGTH', actual: 2 },
    ],
    [
      'no packet',
      packets({ kinds: [dollar] }),
      hex('"xab"'),
      'payload that is not a frame: bytes outside a frame, at stream offset 0',
      { code: 'ERR_FRAME_NOISE' },
    ],
    [
      'more than one packet',
      packets({ kinds: [dollar] }),
      hex('"$abx"'),
      'payload that is not one frame: it measures 3 of its 4 bytes',
      { code: 'ERR_FRAME_LENGTH', actual: 4 },
    ],
    [
      'a part of a packet',
      packets({ kinds: [dollar] }),
      hex('"$a"'),
      'payload that is not one frame: it needs more than its 2 bytes',
      { code: 'ERR_FRAME_LENGTH', actual: 2 },
    ],
  ])('%s', (_, framing, payload, message, said) => {
    expect(thrown(() => writeOne(framing, payload))).toMatchObject({ origin: 'local', message, ...said });
  });
});

test('a reader after a preface counts from the start of its stream, after a pause and in a new stream', () => {
  const reader = prefaced(fixedLength(2), Buffer.from('hi')).reader({ streamOffset: 100 });
  // What came of the preface is given up: the next byte is its first, at offset 101.
  reader.push(hex('"h"'));
  expect(reader.buffered).toBe(1);
  reader.giveUp!();
  expect(reader.buffered).toBe(0);
  reader.push(hex('"hi"', '01'));
  expect(reader.next()).toBeUndefined();
  reader.end();
  expect(reader.next()).toBeUndefined();
  expect(reader.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', offset: 103 });
  reader.reset();
  reader.push(hex('"hi"', '0102', '03'));
  expect(reader.next()).toEqual(hex('0102'));
  expect(reader.next()).toBeUndefined();
  reader.end();
  expect(reader.next()).toBeUndefined();
  expect(reader.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', offset: 4 });
});
