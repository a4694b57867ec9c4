/** What each framing says of itself, word for word: its name, its wire, its maximum, and its layout. */
import { expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type Framing,
  type FramingLayout,
  fixedLength,
  headed,
  lengthPrefix,
  line,
  measured,
  packets,
  selfDelimiting,
  slip,
  stuffed,
} from '../../../src/index.ts';

const measure = (): number => 1;
const valid = { checksum: 'CRC-16/MODBUS', byteOrder: 'little' } as const;
const MODBUS = {
  by: 'checksum',
  checksum: 'CRC-16/MODBUS',
  bits: 16,
  crc: {
    name: 'CRC-16/MODBUS',
    width: 16,
    polynomial: 0x8005,
    initial: 0xffff,
    reflected: true,
    final: 0,
    reflectedOutput: true,
  },
  order: 'little',
  form: 'binary',
  at: -2,
  from: 0,
  to: -2,
} as const;

/** A layout as it is written below: without the maximum, which every framing says as well. */
type Rest<Layout> = Layout extends { maximum: number } ? Omit<Layout, 'maximum'> : Layout;

const bare = {
  kind: 'delimiter',
  stripsDelimiter: true,
  stripsStart: false,
  trailer: 0,
  skipsNoise: false,
  unterminated: 'error',
} as const;
const slipped = {
  kind: 'stuffed',
  delimiter: 0xc0,
  escape: 0xdb,
  ignored: [],
  forbidden: [],
  emptyFrames: false,
} as const;
const flagged = {
  kind: 'stuffed',
  delimiter: 1,
  opensWith: 1,
  escape: 2,
  xor: 8,
  ignored: [],
  forbidden: [],
  emptyFrames: false,
} as const;
const prefix = { kind: 'lengthPrefix', adjustment: 0, countsItself: false, strips: 'header' } as const;
const text = { kind: 'headed', end: [0x3a], endCount: 1, trailer: 0, ignored: [] } as const;

const ROWS: [Framing, maximum: number, wire: string | undefined, Rest<FramingLayout>][] = [
  [
    lengthPrefix(),
    10_000_000,
    'lengthPrefix:4:little:0',
    { ...prefix, field: { offset: 0, width: 4, form: 'binary', order: 'little' }, strips: 4 },
  ],
  [
    lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', lengthAdjustment: 1, initialBytesToStrip: 2 }),
    65_536,
    'lengthPrefix:2:big:1',
    { ...prefix, field: { offset: 0, width: 2, form: 'binary', order: 'big' }, adjustment: 1, strips: 2 },
  ],
  [
    lengthPrefix({
      lengthFieldLength: 2,
      byteOrder: 'big',
      lengthFieldOffset: 1,
      mask: 0x0fff,
      lengthIncludes: 'header',
      initialBytesToStrip: 0,
      maxFrameLength: 100,
    }),
    100,
    undefined,
    {
      ...prefix,
      field: { offset: 1, width: 2, form: 'binary', order: 'big', mask: 0x0fff },
      adjustment: -3,
      strips: 0,
    },
  ],
  [
    lengthPrefix({ lengthFieldLength: 'varint' }),
    10_000_000,
    undefined,
    { ...prefix, field: { offset: 0, width: 0, form: 'varint', maxWidth: 10 } },
  ],
  [
    lengthPrefix({ lengthFieldLength: 'varint', maxLengthFieldLength: 1 }),
    127,
    undefined,
    { ...prefix, field: { offset: 0, width: 0, form: 'varint', maxWidth: 1 } },
  ],
  [
    lengthPrefix({ lengthFieldLength: '7/16/64', lengthIncludes: 'header', initialBytesToStrip: 0 }),
    10_000_000,
    undefined,
    { ...prefix, field: { offset: 0, width: 0, form: '7/16/64' }, countsItself: true, strips: 0 },
  ],
  [
    lengthPrefix({ lengthFieldLength: 3, base: 10, lengthAdjustment: 2 }),
    1_001,
    undefined,
    { ...prefix, field: { offset: 0, width: 3, form: 'decimal' }, adjustment: 2, strips: 3 },
  ],
  [fixedLength(3), 3, 'fixedLength:3', { kind: 'fixedLength', length: 3 }],
  [line(), 65_536, undefined, { ...bare, delimiters: [[0x0a], [0x0d, 0x0a]] }],
  [delimiter({ delimiter: '\r\n' }), 65_536, 'delimiter:0d0a', { ...bare, delimiters: [[0x0d, 0x0a]] }],
  [
    delimiter({ delimiter: ';', stripDelimiter: false }),
    65_536,
    undefined,
    { ...bare, delimiters: [[0x3b]], stripsDelimiter: false },
  ],
  [
    delimiter({ delimiter: ';', valid: () => true }),
    65_536,
    undefined,
    { ...bare, delimiters: [[0x3b]], valid: { by: 'function' } },
  ],
  [
    delimiter({ delimiter: ';', start: '<' }),
    65_536,
    undefined,
    { ...bare, delimiters: [[0x3b]], start: [0x3c], stripsStart: true, skipsNoise: true },
  ],
  [
    delimiter({
      delimiter: ['>', '>>'],
      start: '<<',
      stripStart: false,
      trailer: 1,
      valid,
      onNoise: 'error',
      unterminated: 'drop',
      maxFrameLength: 9,
    }),
    9,
    undefined,
    {
      ...bare,
      delimiters: [[0x3e], [0x3e, 0x3e]],
      stripsDelimiter: false,
      start: [0x3c, 0x3c],
      trailer: 1,
      unterminated: 'drop',
      valid: MODBUS,
    },
  ],
  [
    slip(),
    65_536,
    undefined,
    {
      ...slipped,
      escapes: [
        [0xc0, 0xdc],
        [0xdb, 0xdd],
      ],
    },
  ],
  [
    slip({ start: 'end', valid, maxFrameLength: 7 }),
    7,
    undefined,
    {
      ...slipped,
      opensWith: 0xc0,
      escapes: [
        [0xc0, 0xdc],
        [0xdb, 0xdd],
      ],
      valid: MODBUS,
    },
  ],
  [
    slip({ start: 1 }),
    65_536,
    undefined,
    {
      ...slipped,
      start: 1,
      opensWith: 1,
      escapes: [
        [0xc0, 0xdc],
        [0xdb, 0xdd],
        [1, 0xde],
      ],
      emptyFrames: true,
    },
  ],
  [cobs(), 65_536, undefined, { kind: 'cobs', delimiter: 0 }],
  [cobs({ valid, maxFrameLength: 7 }), 7, undefined, { kind: 'cobs', delimiter: 0, valid: MODBUS }],
  [
    stuffed({ flag: 1, escape: 2, xor: 8 }),
    65_536,
    undefined,
    {
      ...flagged,
      escapes: [
        [1, 9],
        [2, 10],
      ],
    },
  ],
  [
    stuffed({
      flag: 1,
      escape: 2,
      escapes: { 1: 3, 2: 4, 6: 11, 7: 9, 8: 10 },
      ignored: [7],
      forbidden: [8],
      cancel: 6,
      opens: false,
      valid,
      maxFrameLength: 7,
    }),
    7,
    undefined,
    {
      kind: 'stuffed',
      delimiter: 1,
      escape: 2,
      escapes: [
        [1, 3],
        [2, 4],
        [6, 11],
        [7, 9],
        [8, 10],
      ],
      ignored: [7],
      forbidden: [8],
      cancel: 6,
      emptyFrames: false,
      valid: MODBUS,
    },
  ],
  [
    stuffed({
      flag: 1,
      escape: 2,
      xor: 8,
      alsoEscaped: [5],
      length: { offset: 0, width: 2, byteOrder: 'big', mask: 0xff, add: 1 },
      valid,
    }),
    65_536,
    undefined,
    {
      ...flagged,
      escapes: [
        [1, 9],
        [2, 10],
        [5, 13],
      ],
      length: { field: { offset: 0, width: 2, form: 'binary', order: 'big', mask: 0xff }, add: 1 },
      valid: MODBUS,
    },
  ],
  [
    stuffed({
      flag: 1,
      escape: 2,
      xor: 8,
      length: { offset: 0, width: 2, base: 16 },
      // Frames with a length always begin with a flag.
      opens: false,
      maxFrameLength: 99,
    }),
    99,
    undefined,
    {
      ...flagged,
      escapes: [
        [1, 9],
        [2, 10],
      ],
      length: { field: { offset: 0, width: 2, form: 'hexadecimal' }, add: 0 },
    },
  ],
  [
    packets({
      kinds: {
        ended: { start: '<', end: '>', trailer: 1, maxFrameLength: 9, valid },
        counted: {
          start: { bytes: [1, 2], mask: [255, 15] },
          length: { offset: 2, width: 2, byteOrder: 'little' },
        },
        marked: { start: '!!', length: 3 },
        made: { header: 3, length: measure, valid: () => true },
      },
      onNoise: 'error',
      maxFrameLength: 10,
    }),
    10,
    undefined,
    {
      kind: 'packets',
      kinds: [
        {
          name: 'ended',
          start: { bytes: [0x3c] },
          header: 1,
          length: { by: 'end', end: [0x3e], trailer: 1 },
          maximum: 9,
          valid: MODBUS,
        },
        {
          name: 'counted',
          start: { bytes: [1, 2], mask: [255, 15] },
          header: 4,
          length: {
            by: 'field',
            field: { offset: 2, width: 2, form: 'binary', order: 'little' },
            add: 0,
          },
          maximum: 10,
        },
        {
          name: 'marked',
          start: { bytes: [0x21, 0x21] },
          header: 2,
          length: { by: 'number', length: 3 },
          maximum: 10,
        },
        {
          name: 'made',
          header: 3,
          length: { by: 'function' },
          maximum: 10,
          valid: { by: 'function' },
        },
      ],
      skipsNoise: false,
    },
  ],
  [
    packets({
      kinds: [
        { length: 1, maxFrameLength: 4 },
        { name: 'x', length: 2, header: 2, maxFrameLength: 5 },
      ],
    }),
    5,
    undefined,
    {
      kind: 'packets',
      kinds: [
        { name: '0', header: 1, length: { by: 'number', length: 1 }, maximum: 4 },
        { name: 'x', header: 2, length: { by: 'number', length: 2 }, maximum: 5 },
      ],
      skipsNoise: true,
    },
  ],
  [
    headed({ end: ':', length: { column: 0 } }),
    10_000_000,
    undefined,
    { ...text, length: { by: 'column', column: 0, columnEnd: ' ', base: 10, add: 0 }, maxHeader: 65_536 },
  ],
  [
    headed({ end: ':', length: { column: -1, columnEnd: '|', base: 16, add: -1, otherwise: 3 } }),
    10_000_000,
    undefined,
    {
      ...text,
      length: { by: 'column', column: -1, columnEnd: '|', base: 16, add: -1, otherwise: 3 },
      maxHeader: 65_536,
    },
  ],
  [
    headed({ end: ':', length: { field: 'size' } }),
    10_000_000,
    undefined,
    {
      ...text,
      length: { by: 'field', names: ['size'], fieldEnd: '\n', nameEnd: ':', base: 10, add: 0 },
      maxHeader: 65_536,
    },
  ],
  [
    headed({
      end: '\n',
      endCount: 2,
      length: { field: ['a', 'B'], add: 1, otherwise: 0, base: 16, fieldEnd: ';', nameEnd: '=' },
      trailer: 1,
      until: 'end',
      ignore: '\r\n',
      maxFrameLength: 50,
      maxHeaderLength: 20,
    }),
    50,
    undefined,
    {
      kind: 'headed',
      end: [0x0a],
      endCount: 2,
      length: {
        by: 'field',
        names: ['a', 'B'],
        fieldEnd: ';',
        nameEnd: '=',
        base: 16,
        add: 1,
        otherwise: 0,
      },
      trailer: 1,
      until: [0x65, 0x6e, 0x64],
      ignored: [0x0d, 0x0a],
      maxHeader: 20,
    },
  ],
  [
    headed({ end: ':', length: measure, maxFrameLength: 50 }),
    50,
    undefined,
    { ...text, length: { by: 'function' }, maxHeader: 50 },
  ],
  [measured({ measure }), 65_536, undefined, { kind: 'measured', by: 'function', skipsNoise: false }],
  [
    measured({ measure, maxFrameLength: 7, onNoise: 'discard', valid }),
    7,
    undefined,
    { kind: 'measured', by: 'function', skipsNoise: true, valid: MODBUS },
  ],
  [
    selfDelimiting({ measure }),
    1_000_000,
    undefined,
    { kind: 'measured', by: 'declaration', skipsNoise: false },
  ],
  [
    selfDelimiting({ measure }, { maxFrameLength: 7 }),
    7,
    undefined,
    { kind: 'measured', by: 'declaration', skipsNoise: false },
  ],
];

test.each(ROWS)('%#: $name', (framing, maximum, wire, rest) => {
  expect(framing.maxFrameLength).toBe(maximum);
  expect(framing.wire).toBe(wire);
  const { kind } = rest;
  expect(framing.inParts ?? false).toBe(kind === 'lengthPrefix' || kind === 'headed');
  expect(framing.layout).toStrictEqual(kind === 'fixedLength' ? rest : { ...rest, maximum });
  // One writer serves all streams.
  expect(framing.writer()).toBe(framing.writer());
});

test('bits and sums in their layouts', () => {
  const layoutOf = (valid: NonNullable<Parameters<typeof slip>[0]>['valid']) =>
    (slip({ valid }).layout as { valid?: unknown }).valid;
  expect(layoutOf({ checksum: 'XOR-8' })).toStrictEqual({
    by: 'checksum',
    checksum: 'XOR-8',
    bits: 8,
    form: 'binary',
    at: -1,
    from: 0,
    to: -1,
  });
  expect(layoutOf({ checksum: 'SUM-8', digits: 'decimal', at: -4, from: 1, byteOrder: 'big' })).toStrictEqual(
    { by: 'checksum', checksum: 'SUM-8', bits: 8, form: 'decimal', at: -4, from: 1, to: -4 },
  );
  expect(layoutOf({ checksum: 'SUM-16', digits: 'hexadecimal', to: 5 })).toStrictEqual({
    by: 'checksum',
    checksum: 'SUM-16',
    bits: 16,
    form: 'hexadecimal',
    at: -4,
    from: 0,
    to: 5,
  });
  expect(layoutOf({ checksum: 'SUM-16', byteOrder: 'big' })).toMatchObject({ order: 'big', at: -2 });
});
