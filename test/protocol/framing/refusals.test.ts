/** Options that a maker refuses, each with its error; and the options next to them that it takes. */
import { describe, expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type Framing,
  headed,
  lengthPrefix,
  line,
  measured,
  packets,
  selfDelimiting,
  slip,
  stuffed,
} from '../../../src/index.ts';
import { thrown } from '../../support/reading.ts';

const makers = {
  cobs,
  delimiter,
  headed,
  lengthPrefix,
  line,
  measured,
  packets,
  selfDelimiting,
  slip,
  stuffed,
};
type Maker = keyof typeof makers;
/** The errors by options. */
type Refused = readonly [options: unknown, error: string][];

const bad = (name: string, range: string, got: string): string =>
  `RangeError: ${name} must be an integer ${range}, got ${got}`;
const words = (name: string, allowed: string): string => `TypeError: ${name} must be ${allowed}, got "x"`;
const none = (where: string, known: string): string =>
  `TypeError: ${where}: there is no option "zzz"; there are ${known
    .split(' ')
    .map((one) => `'${one}'`)
    .join(', ')}`;

const sum = (width: number): object => ({ name: 'mine', width, compute: () => 0 });
const LEAST = Number.MIN_SAFE_INTEGER;

/** Options that several makers share, behind others that are right. */
const shared = (name: string, right: object): Refused => [
  [null, `TypeError: ${name}: expected an object of options, got null`],
  [{ ...right, maxFrameLength: -1 }, bad(`${name}: maxFrameLength`, 'of at least 0', '-1')],
  [{ ...right, maxFrameLength: 1.5 }, bad(`${name}: maxFrameLength`, 'of at least 0', '1.5')],
  [{ ...right, maxFrameLength: Infinity }, bad(`${name}: maxFrameLength`, 'of at least 0', 'Infinity')],
  [{ ...right, onTooLong: 'x' }, words(`${name}: onTooLong`, "'error' or 'discard'")],
];
const validity = (name: string, right: object): Refused => [
  [{ ...right, onInvalid: 'x' }, words(`${name}: onInvalid`, "'error' or 'discard'")],
  [{ ...right, valid: 5 }, `TypeError: ${name}: valid: expected an object of options, got 5`],
];
const length = (where: string, make: (length: unknown) => unknown): Refused => [
  [make({}), bad(`${where}: offset`, 'of at least 0', 'undefined')],
  [make({ offset: -1 }), bad(`${where}: offset`, 'of at least 0', '-1')],
  [make({ offset: 0, width: 0 }), bad(`${where}: width`, 'from 1 to 8', '0')],
  [make({ offset: 0, width: 9 }), bad(`${where}: width`, 'from 1 to 8', '9')],
  [
    make({ offset: 0, width: 2 }),
    `TypeError: ${where}: a field of 2 bytes needs a byteOrder, 'little' or 'big'`,
  ],
  [
    make({ offset: 0, width: 2, byteOrder: 'x' }),
    `TypeError: ${where}: byteOrder must be 'little' or 'big', got "x"`,
  ],
  [make({ offset: 0, base: 8 }), `RangeError: ${where}: base must be 10 or 16, got 8`],
  [make({ offset: 0, add: 0.5 }), bad(`${where}: add`, `of at least ${LEAST}`, '0.5')],
  [make({ offset: 0, mask: 0 }), bad(`${where}: mask`, 'from 1 to 4294967295', '0')],
  [make({ offset: 0, mask: 2 ** 32 }), bad(`${where}: mask`, 'from 1 to 4294967295', '4294967296')],
  ...[
    { offset: 0, mask: 5 },
    { offset: 0, mask: 0x100 },
    { offset: 0, mask: 1, base: 10 },
    { offset: 0, mask: 1, width: 5, byteOrder: 'big' },
  ].map(
    (each) =>
      [
        make(each),
        `RangeError: ${where}: mask must be bits side by side in a binary field of at most 4 bytes`,
      ] as [unknown, string],
  ),
  [make({ offset: 0, zzz: 1 }), none(where, 'offset width byteOrder mask base add')],
];

const hdlc = { flag: 0x7e, escape: 0x7d, xor: 0x20 };
const byTable = (escapes: unknown): object => ({ ...hdlc, xor: undefined, escapes });
const isByte = (name: string, got: string): string => bad(`stuffed: ${name}`, 'from 0 to 255', got);
const different = 'RangeError: stuffed: flag, escape, ignored, forbidden and cancel must be different bytes';
const one = (kind: unknown): object => ({ kinds: { one: kind } });
const column = (more: object): object => ({ end: ':', length: { column: 0, ...more } });
const field = (more: object): object => ({ end: ':', length: { field: 'a', ...more } });
const measure = (): number => 1;

const REFUSED: Readonly<Record<Maker, Refused>> = {
  cobs: [
    ...shared('cobs', {}),
    ...validity('cobs', {}),
    [{ zzz: 1 }, none('cobs', 'maxFrameLength onTooLong onInvalid valid')],
    ...[5, null, undefined, {}, { compute: () => 0 }].map((checksum): [unknown, string] => [
      { valid: { checksum } },
      `TypeError: cobs: valid: checksum must be a name of the catalogue or a Checksum, got ${
        checksum === null ? 'null' : typeof checksum === 'object' ? 'an object' : String(checksum)
      }`,
    ]),
    ...[sum(0), sum(33), { ...sum(8), compute: 5 }].map((checksum): [unknown, string] => [
      { valid: { checksum } },
      'TypeError: cobs: valid: checksum must be a name of the catalogue or a Checksum, got an object',
    ]),
    [
      { valid: { checksum: 'CRC-7' } },
      'RangeError: checksum: no "CRC-7" in the catalogue; its names are in checksumNames',
    ],
    [
      { valid: { checksum: 'SUM-16' } },
      "TypeError: cobs: valid: a sum of 16 bits needs a byteOrder, 'little' or 'big'",
    ],
    [
      { valid: { checksum: sum(9) } },
      "TypeError: cobs: valid: a sum of 9 bits needs a byteOrder, 'little' or 'big'",
    ],
    [{ valid: { checksum: 'XOR-8', byteOrder: 'x' } }, words('cobs: valid: byteOrder', "'little' or 'big'")],
    [
      { valid: { checksum: 'XOR-8', digits: 'x' } },
      words('cobs: valid: digits', "'hexadecimal' or 'decimal'"),
    ],
    ...['at', 'from', 'to'].map((name): [unknown, string] => [
      { valid: { checksum: 'XOR-8', [name]: 0.5 } },
      bad(`cobs: valid: ${name}`, `of at least ${LEAST}`, '0.5'),
    ]),
    [{ valid: { checksum: 'XOR-8', zzz: 1 } }, none('cobs: valid', 'checksum byteOrder digits at from to')],
  ],
  slip: [
    ...shared('slip', {}),
    ...validity('slip', {}),
    [
      { zzz: 1 },
      none(
        'slip',
        'maxFrameLength onTooLong onInvalid valid end escape escapedEnd escapedEscape start escapedStart emptyFrames',
      ),
    ],
    [{ end: 256 }, 'RangeError: slip: end must be a byte, got 256'],
    [{ end: -1 }, 'RangeError: slip: end must be a byte, got -1'],
    [{ end: 1.5 }, 'RangeError: slip: end must be a byte, got 1.5'],
    [{ end: '1' }, 'RangeError: slip: end must be a byte, got "1"'],
    [{ escape: 0xc0 }, 'RangeError: slip: escape must be a byte other than 0xc0, got 192'],
    [{ escapedEnd: 0xc0 }, 'RangeError: slip: escapedEnd must be a byte other than 0xc0, got 192'],
    [
      { escapedEscape: 0xc0 },
      'RangeError: slip: escapedEscape must be a byte other than 0xc0, 0xdc, got 192',
    ],
    [
      { escapedEscape: 0xdc },
      'RangeError: slip: escapedEscape must be a byte other than 0xc0, 0xdc, got 220',
    ],
    ...[0xc0, 0xdb, 0xdc, 0xdd, 256].map((start): [unknown, string] => [
      { start },
      `RangeError: slip: start must be a byte other than 0xc0, 0xdb, 0xdc, 0xdd, got ${start}`,
    ]),
    [
      { start: 'begin' },
      'RangeError: slip: start must be a byte other than 0xc0, 0xdb, 0xdc, 0xdd, got "begin"',
    ],
    ...[0xc0, 0xdb, 0xdc, 0xdd, 1, 256].map((escapedStart): [unknown, string] => [
      { start: 1, escapedStart },
      `RangeError: slip: escapedStart must be a byte other than 0xc0, 0xdb, 0xdc, 0xdd, 0x1, got ${escapedStart}`,
    ]),
    [{ escapedStart: 1 }, 'TypeError: slip: escapedStart is for a start marker: give start a byte'],
    [
      { start: 'end', escapedStart: 1 },
      'TypeError: slip: escapedStart is for a start marker: give start a byte',
    ],
    [
      { start: 'end', emptyFrames: true },
      "TypeError: slip: emptyFrames and start: 'end' contradict: the END that opens a frame would end an empty one",
    ],
    [
      { start: 1, emptyFrames: false },
      'TypeError: slip: emptyFrames: false is of no use with a start marker: such frames cannot come by chance',
    ],
    [{ emptyFrames: 1 }, 'TypeError: slip: emptyFrames must be true or false, got 1'],
  ],
  stuffed: [
    ...shared('stuffed', hdlc),
    ...validity('stuffed', hdlc),
    [
      { ...hdlc, zzz: 1 },
      none(
        'stuffed',
        'maxFrameLength onTooLong onInvalid valid flag escape xor escapes alsoEscaped ignored forbidden cancel opens length',
      ),
    ],
    [{ escape: 1, xor: 1 }, isByte('flag', 'undefined')],
    [{ flag: 1, xor: 1 }, isByte('escape', 'undefined')],
    [{ ...hdlc, flag: 256 }, isByte('flag', '256')],
    [{ ...hdlc, escape: -1 }, isByte('escape', '-1')],
    [{ ...hdlc, xor: 0.5 }, isByte('xor', '0.5')],
    [{ ...hdlc, cancel: '1' }, isByte('cancel', '"1"')],
    ...['alsoEscaped', 'ignored', 'forbidden'].flatMap((name): [unknown, string][] => [
      [{ ...hdlc, [name]: 5 }, `TypeError: stuffed: ${name} must be an array of bytes, got 5`],
      [{ ...hdlc, [name]: [1, 256] }, isByte(name, '256')],
    ]),
    [{ ...hdlc, opens: 1 }, 'TypeError: stuffed: opens must be true or false, got 1'],
    [{ flag: 1, escape: 2 }, 'TypeError: stuffed: give xor or escapes, one of them'],
    [{ ...hdlc, escapes: { 1: 2 } }, 'TypeError: stuffed: give xor or escapes, one of them'],
    [byTable(5), 'TypeError: stuffed: escapes must be an object of bytes, got 5'],
    [byTable(null), 'TypeError: stuffed: escapes must be an object of bytes, got null'],
    [byTable({ 256: 1 }), isByte('escapes', '256')],
    [byTable({ 1: 256 }), isByte('escapes', '256')],
    [byTable({ 126: 1 }), 'RangeError: stuffed: escapes has nothing for the byte 0x7d'],
    [byTable({ 126: 1, 125: 1 }), 'RangeError: stuffed: two bytes have the same escape'],
    [byTable({ 126: 126, 125: 1 }), 'RangeError: stuffed: 0x7e cannot stand behind an escape'],
    [{ ...hdlc, xor: 3 }, 'RangeError: stuffed: 0x7e cannot stand behind an escape'],
    [{ ...hdlc, escape: 0x7e }, different],
    [{ ...hdlc, ignored: [0x7e] }, different],
    [{ ...hdlc, forbidden: [0x7d] }, different],
    [{ ...hdlc, ignored: [1], cancel: 1 }, different],
    [
      { ...hdlc, length: { offset: 0 }, onTooLong: 'discard' },
      'TypeError: stuffed: with a length, onInvalid says what becomes of frames that are too long: leave onTooLong out',
    ],
    ...length('stuffed: length', (length) => ({ ...hdlc, length })),
  ],
  line: [
    ...shared('line', {}),
    [{ zzz: 1 }, none('line', 'stripDelimiter maxFrameLength onTooLong unterminated')],
    [{ unterminated: 'x' }, words('line: unterminated', "'error' or 'emit' or 'drop'")],
    [{ stripDelimiter: 1 }, 'TypeError: line: stripDelimiter must be true or false, got 1'],
  ],
  delimiter: [
    ...shared('delimiter', { delimiter: ';' }),
    ...validity('delimiter', { delimiter: ';' }),
    [
      { zzz: 1 },
      none(
        'delimiter',
        'stripDelimiter maxFrameLength onTooLong unterminated delimiter start stripStart trailer onNoise valid onInvalid',
      ),
    ],
    [{}, 'TypeError: delimiter: delimiter must be a string, a Uint8Array or a list of them, got undefined'],
    [
      { delimiter: 10 },
      'TypeError: delimiter: delimiter must be a string, a Uint8Array or a list of them, got 10',
    ],
    [{ delimiter: '' }, 'RangeError: delimiter: delimiter must have at least one byte'],
    [{ delimiter: ['a', ''] }, 'RangeError: delimiter: delimiter must have at least one byte'],
    [{ delimiter: [] }, 'TypeError: delimiter: delimiter is an empty list: give at least one'],
    [{ delimiter: ';', start: '' }, 'RangeError: delimiter: start must have at least one byte'],
    [{ delimiter: ';', start: 5 }, 'TypeError: delimiter: start must be a string or a Uint8Array, got 5'],
    [{ delimiter: ';', unterminated: 'x' }, words('delimiter: unterminated', "'error' or 'emit' or 'drop'")],
    [
      { delimiter: ';', stripDelimiter: 1 },
      'TypeError: delimiter: stripDelimiter must be true or false, got 1',
    ],
    [{ delimiter: ';', trailer: -1 }, bad('delimiter: trailer', 'of at least 0', '-1')],
    [
      { delimiter: ';', start: '<', stripStart: 1 },
      'TypeError: delimiter: stripStart must be true or false, got 1',
    ],
    [{ delimiter: ';', start: '<', onNoise: 'x' }, words('delimiter: onNoise', "'discard' or 'error'")],
    [
      { delimiter: ';', trailer: 1, stripDelimiter: true },
      'TypeError: delimiter: with a trailer the delimiter stays on the frame, between payload and trailer',
    ],
    [
      { delimiter: ';', stripStart: false },
      'TypeError: delimiter: stripStart is for a start: give start some bytes',
    ],
    [
      { delimiter: ';', onNoise: 'error' },
      'TypeError: delimiter: onNoise is for a start: give start some bytes',
    ],
  ],
  lengthPrefix: [
    ...shared('lengthPrefix', {}),
    [
      { zzz: 1 },
      none(
        'lengthPrefix',
        'lengthFieldLength maxLengthFieldLength base mask byteOrder lengthFieldOffset lengthAdjustment lengthIncludes initialBytesToStrip maxFrameLength onTooLong',
      ),
    ],
    ...([0, 9, 2.5, 'two'] as const).map((width): [unknown, string] => [
      { lengthFieldLength: width },
      `RangeError: lengthPrefix: lengthFieldLength must be 1 to 8 bytes, 'varint' or '7/16/64', got ${JSON.stringify(width)}`,
    ]),
    [
      { lengthFieldLength: 16, base: 10 },
      'RangeError: lengthPrefix: lengthFieldLength must be 1 to 15 digits, got 16',
    ],
    [
      { lengthFieldLength: 5, mask: 1 },
      'RangeError: lengthPrefix: lengthFieldLength must be 1 to 4 bytes with a mask, got 5',
    ],
    [{ base: 8 }, 'RangeError: lengthPrefix: base must be 10 or 16, got 8'],
    [
      { base: 10, mask: 1 },
      'TypeError: lengthPrefix: base is for digits, and mask for a binary number: give one of them',
    ],
    ...(['varint', '7/16/64'] as const).flatMap((width) =>
      [{ base: 10 }, { mask: 1 }].map((option): [unknown, string] => [
        { lengthFieldLength: width, ...option },
        `TypeError: lengthPrefix: base and mask do not go with lengthFieldLength: '${width}'`,
      ]),
    ),
    [
      { lengthFieldLength: 4, maxLengthFieldLength: 4 },
      "TypeError: lengthPrefix: maxLengthFieldLength goes with lengthFieldLength: 'varint'",
    ],
    ...[0, 11].map((most): [unknown, string] => [
      { lengthFieldLength: 'varint', maxLengthFieldLength: most },
      bad('lengthPrefix: maxLengthFieldLength', 'from 1 to 10', String(most)),
    ]),
    [{ mask: 0 }, bad('lengthPrefix: mask', 'from 1 to 4294967295', '0')],
    [{ mask: 2 ** 32 }, bad('lengthPrefix: mask', 'from 1 to 4294967295', '4294967296')],
    [
      { lengthFieldLength: 2, mask: 0x1_0000 },
      'RangeError: lengthPrefix: mask must be bits side by side in 2 bytes, got 0x10000',
    ],
    [
      { lengthFieldLength: 1, mask: 5 },
      'RangeError: lengthPrefix: mask must be bits side by side in 1 bytes, got 0x5',
    ],
    [{ byteOrder: 'x' }, words('lengthPrefix: byteOrder', "'little' or 'big'")],
    [{ lengthFieldOffset: -1 }, bad('lengthPrefix: lengthFieldOffset', 'of at least 0', '-1')],
    [{ lengthFieldOffset: 0.5 }, bad('lengthPrefix: lengthFieldOffset', 'of at least 0', '0.5')],
    [{ lengthAdjustment: Number.NaN }, bad('lengthPrefix: lengthAdjustment', `of at least ${LEAST}`, 'NaN')],
    [{ initialBytesToStrip: -1 }, bad('lengthPrefix: initialBytesToStrip', 'of at least 0', '-1')],
    [{ lengthIncludes: 'x' }, words('lengthPrefix: lengthIncludes', "'payload' or 'header'")],
    [
      { lengthIncludes: 'header', lengthAdjustment: 0 },
      'TypeError: lengthIncludes and lengthAdjustment say the same thing twice: give one of them',
    ],
    [
      { lengthFieldLength: 1, lengthAdjustment: -256 },
      'RangeError: lengthAdjustment -256 makes every length negative: the length field holds at most 255',
    ],
    [
      { lengthFieldLength: 'varint', maxLengthFieldLength: 1, lengthAdjustment: -128 },
      'RangeError: lengthAdjustment -128 makes every length negative: the length field holds at most 127',
    ],
    [
      { lengthFieldLength: 1, lengthFieldOffset: 255, lengthIncludes: 'header' },
      'RangeError: lengthAdjustment -256 makes every length negative: the length field holds at most 255',
    ],
    [
      {
        lengthFieldLength: 'varint',
        maxLengthFieldLength: 1,
        lengthFieldOffset: 127,
        lengthIncludes: 'header',
      },
      'RangeError: lengthAdjustment -127 makes every length negative: the length field holds at most 127',
    ],
    [
      { lengthAdjustment: 11, maxFrameLength: 10 },
      'RangeError: lengthAdjustment 11 makes every frame longer than maxFrameLength 10',
    ],
    [
      { lengthFieldLength: 'varint', lengthFieldOffset: 2, initialBytesToStrip: 3 },
      'RangeError: initialBytesToStrip 3 reaches into a length field whose width differs: strip at most the 2 bytes before it, or leave the option out to strip the whole header',
    ],
    [
      { initialBytesToStrip: 15, maxFrameLength: 10 },
      'RangeError: initialBytesToStrip 15 is more than the longest frame, 14 bytes',
    ],
  ],
  packets: [
    [null, 'TypeError: packets: expected an object of options, got null'],
    [{ kinds: [{ length: 1 }], zzz: 1 }, none('packets', 'kinds onNoise maxFrameLength')],
    [{ kinds: [{ length: 1 }], onNoise: 'x' }, words('packets: onNoise', "'discard' or 'error'")],
    [{ kinds: [{ length: 1 }], maxFrameLength: 0 }, bad('packets: maxFrameLength', 'of at least 1', '0')],
    [{}, 'TypeError: packets: kinds must be an object or an array of kinds, got undefined'],
    [{ kinds: 1 }, 'TypeError: packets: kinds must be an object or an array of kinds, got 1'],
    [{ kinds: null }, 'TypeError: packets: kinds must be an object or an array of kinds, got null'],
    [{ kinds: [] }, 'TypeError: packets: kinds is empty: give at least one'],
    [{ kinds: {} }, 'TypeError: packets: kinds is empty: give at least one'],
    [{ kinds: [{ length: 1 }, null] }, 'TypeError: packets: 1: expected an object of options, got null'],
    [
      { kinds: [{ name: 'x', zzz: 1 }] },
      none('packets: x', 'name start header length end trailer maxFrameLength valid'),
    ],
    [one({}), 'TypeError: packets: one: a kind has a length or an end: give one of them'],
    [
      one({ length: 1, end: ';' }),
      'TypeError: packets: one: a kind has a length or an end: give one of them',
    ],
    [one({ end: ';', header: 2 }), 'TypeError: packets: one: header is for a length'],
    [one({ length: 1, trailer: 0 }), 'TypeError: packets: one: trailer is for an end; a length counts it'],
    [one({ length: 1, header: 0 }), bad('packets: one: header', 'of at least 1', '0')],
    [one({ end: ';', trailer: -1 }), bad('packets: one: trailer', 'of at least 0', '-1')],
    [one({ length: 1, maxFrameLength: 0 }), bad('packets: one: maxFrameLength', 'of at least 1', '0')],
    [one({ length: 0 }), bad('packets: one: length', 'from 1 to 65536', '0')],
    [one({ length: 9, maxFrameLength: 8 }), bad('packets: one: length', 'from 1 to 8', '9')],
    [one({ start: [1, 2], length: 1 }), bad('packets: one: length', 'from 2 to 65536', '1')],
    [one({ end: '' }), 'RangeError: packets: one: end must have at least one byte'],
    [one({ start: [], length: 1 }), 'RangeError: packets: one: start must have at least one byte'],
    [
      one({ start: { bytes: '', mask: [1] }, length: 1 }),
      'RangeError: packets: one: start must have at least one byte',
    ],
    ...[[256], [-1], [0.5], ['1']].map((start): [unknown, string] => [
      one({ start, length: 1 }),
      'RangeError: packets: one: start must be an array of integers from 0 to 255',
    ]),
    ...[5, null].map((start): [unknown, string] => [
      one({ start, length: 1 }),
      `TypeError: packets: one: start must be a string, a Uint8Array or an array of bytes, got ${start}`,
    ]),
    [
      one({ start: { bytes: [1] }, length: 1 }),
      'TypeError: packets: one: mask must be a string, a Uint8Array or an array of bytes, got undefined',
    ],
    [
      one({ start: { bytes: [1, 2], mask: [1] }, length: 2 }),
      'RangeError: packets: one: start has 2 bytes, and its mask 1',
    ],
    [
      one({ length: 2, valid: { checksum: 'CRC-16/ARC' } }),
      "TypeError: packets: one: valid: a sum of 16 bits needs a byteOrder, 'little' or 'big'",
    ],
    ...length('packets: one: length', (length) => one({ length })),
  ],
  headed: [
    [null, 'TypeError: headed: expected an object of options, got null'],
    [{ zzz: 1 }, none('headed', 'end endCount length trailer until ignore maxFrameLength maxHeaderLength')],
    [
      { length: { column: 0 } },
      'TypeError: headed: end must be a string, a Uint8Array or an array of bytes, got undefined',
    ],
    ...['end', 'until', 'ignore'].map((name): [unknown, string] => [
      { ...column({}), [name]: '' },
      `RangeError: headed: ${name} must have at least one byte`,
    ]),
    ...['endCount', 'maxFrameLength', 'maxHeaderLength'].map((name): [unknown, string] => [
      { ...column({}), [name]: 0 },
      bad(`headed: ${name}`, 'of at least 1', '0'),
    ]),
    [{ ...column({}), trailer: -1 }, bad('headed: trailer', 'of at least 0', '-1')],
    [{ end: ':' }, 'TypeError: headed: length: expected an object of options, got undefined'],
    [{ end: ':', length: null }, 'TypeError: headed: length: expected an object of options, got null'],
    [column({ column: 0.5 }), bad('headed: length: column', `of at least ${LEAST}`, '0.5')],
    [column({ column: undefined }), bad('headed: length: column', `of at least ${LEAST}`, 'undefined')],
    [
      column({ columnEnd: '' }),
      'TypeError: headed: length: columnEnd must be a text of at least one character, got ""',
    ],
    [
      field({ fieldEnd: 5 }),
      'TypeError: headed: length: fieldEnd must be a text of at least one character, got 5',
    ],
    [
      field({ nameEnd: '' }),
      'TypeError: headed: length: nameEnd must be a text of at least one character, got ""',
    ],
    [column({ zzz: 1 }), none('headed: length', 'base add otherwise column columnEnd')],
    [field({ zzz: 1 }), none('headed: length', 'base add otherwise field fieldEnd nameEnd')],
    ...[column, field].flatMap((make): [unknown, string][] => [
      [make({ base: 8 }), 'RangeError: headed: length: base must be 10 or 16, got 8'],
      [make({ add: 0.5 }), bad('headed: length: add', `of at least ${LEAST}`, '0.5')],
      [make({ otherwise: -1 }), bad('headed: length: otherwise', 'of at least 0', '-1')],
    ]),
    ...(
      [
        ['', '""'],
        [[], 'an array of 0'],
        [['a', ''], 'an array of 2'],
        [[5], 'an array of 1'],
        [5, '5'],
      ] as const
    ).map(([name, got]): [unknown, string] => [
      field({ field: name }),
      `TypeError: headed: field must be a name or a list of names, got ${got}`,
    ]),
  ],
  measured: [
    [null, 'TypeError: measured: expected an object of options, got null'],
    [{}, 'TypeError: measured: measure must be a function, got undefined'],
    [{ measure: 5 }, 'TypeError: measured: measure must be a function, got 5'],
    [{ measure, zzz: 1 }, none('measured', 'measure maxFrameLength valid onNoise')],
    [{ measure, maxFrameLength: 0 }, bad('measured: maxFrameLength', 'of at least 1', '0')],
    [{ measure, onNoise: 'x' }, words('measured: onNoise', "'error' or 'discard'")],
    [{ measure, valid: 5 }, 'TypeError: measured: valid: expected an object of options, got 5'],
  ],
  selfDelimiting: [
    ...[null, 5, {}].map((codec): [unknown, string] => [
      codec,
      `TypeError: selfDelimiting: expected a declared codec, which can measure its messages, got ${
        codec instanceof Object ? 'an object' : codec
      }`,
    ]),
  ],
};

for (const [maker, rows] of Object.entries(REFUSED)) {
  const make = makers[maker as Maker] as (options: unknown) => unknown;
  test.each(rows)(`${maker} refuses %o`, (options, error) => {
    expect(String(thrown(() => make(options)))).toBe(error);
  });
}

test('selfDelimiting refuses its own options', () => {
  const make = (options: unknown) => () => selfDelimiting({ measure }, options as object);
  expect(String(thrown(make({ maxFrameLength: 0 })))).toBe(
    bad('selfDelimiting: maxFrameLength', 'of at least 1', '0'),
  );
  expect(String(thrown(make({ zzz: 1 })))).toBe(none('selfDelimiting', 'maxFrameLength'));
  expect(String(thrown(make(null)))).toBe(
    'TypeError: selfDelimiting: expected an object of options, got null',
  );
});

describe('values next to the refused ones are accepted', () => {
  test.each<[Maker, object]>([
    ['cobs', { maxFrameLength: 0, onTooLong: 'discard', onInvalid: 'discard', valid: undefined }],
    ['cobs', { valid: { checksum: sum(1) } }],
    ['cobs', { valid: { checksum: sum(8) } }],
    ['cobs', { valid: { checksum: sum(32), byteOrder: 'big', at: LEAST, from: LEAST, to: LEAST } }],
    ['cobs', { valid: { checksum: 'SUM-16', digits: 'decimal' } }],
    ['slip', { end: 0, escape: 255 }],
    ['slip', { escapedEnd: 0xdb }],
    ['slip', { start: 'end', emptyFrames: false }],
    ['slip', { start: 1, emptyFrames: true, escapedStart: 2 }],
    ['stuffed', { flag: 0, escape: 255, xor: 1 }],
    ['stuffed', { flag: 1, escape: 2, escapes: { 1: 2, 2: 0, 255: 255 } }],
    ['stuffed', { ...hdlc, onTooLong: 'discard' }],
    ['stuffed', { ...hdlc, length: { offset: 0, width: 4, mask: 0xffff_ffff, byteOrder: 'big' } }],
    ['stuffed', { ...hdlc, length: { offset: 0, width: 1, mask: 0xff, add: LEAST } }],
    ['stuffed', { ...hdlc, length: { offset: 0, width: 8, base: 10 } }],
    ['delimiter', { delimiter: ';', trailer: 0, stripDelimiter: true }],
    ['delimiter', { delimiter: ';', trailer: 1, stripDelimiter: false }],
    ['lengthPrefix', { lengthFieldLength: 1, lengthAdjustment: -255 }],
    ['lengthPrefix', { lengthFieldLength: 1, lengthFieldOffset: 254, lengthIncludes: 'header' }],
    [
      'lengthPrefix',
      {
        lengthFieldLength: 'varint',
        maxLengthFieldLength: 1,
        lengthFieldOffset: 126,
        lengthIncludes: 'header',
      },
    ],
    ['lengthPrefix', { lengthAdjustment: 10, maxFrameLength: 10 }],
    ['lengthPrefix', { lengthFieldLength: 'varint', lengthFieldOffset: 2, initialBytesToStrip: 2 }],
    ['lengthPrefix', { initialBytesToStrip: 14, maxFrameLength: 10 }],
    ['lengthPrefix', { lengthFieldLength: 15, base: 16 }],
    ['lengthPrefix', { lengthFieldLength: 4, mask: 0xffff_ffff }],
    ['lengthPrefix', { lengthFieldLength: 1, mask: 0xff }],
    ['lengthPrefix', { lengthFieldLength: 'varint', maxLengthFieldLength: 10 }],
    ['packets', one({ length: 1, maxFrameLength: 1 })],
    ['packets', one({ start: [0, 255], length: 2 })],
    ['packets', one({ end: ';', trailer: 0 })],
    ['headed', { ...column({ column: LEAST, add: LEAST, otherwise: 0 }), endCount: 1, trailer: 0 }],
    ['headed', { ...field({ field: ['a', 'b'] }), maxFrameLength: 1, maxHeaderLength: 1 }],
    ['measured', { measure, maxFrameLength: 1 }],
  ])('%s takes %o', (maker, options) => {
    expect((makers[maker] as (options: object) => Framing)(options).name).toBe(maker);
  });
});
