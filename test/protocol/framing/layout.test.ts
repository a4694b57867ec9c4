/** `layout` says all that a framing does: a naive reader that knows nothing else finds the same frames. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksumByName } from '../../../src/bytes/checksum.ts';
import {
  checksumNames,
  cobs,
  delimiter,
  type Framing,
  type FramingLayout,
  fixedLength,
  headed,
  type LengthFieldData,
  lengthPrefix,
  line,
  measured,
  type PacketLayout,
  packets,
  slip,
  stuffed,
  type ValidLayout,
} from '../../../src/index.ts';
import { readAll, writeOne } from '../../support/reading.ts';

/** The whole frames in `bytes`, as they are handed on, from the layout alone; as plainly as can be. */
function interpret(layout: FramingLayout, bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  const skip = (unless: number): number => (unless < 0 ? bytes.length : unless);
  while (at < bytes.length) {
    switch (layout.kind) {
      case 'fixedLength':
        if (at + layout.length > bytes.length) return frames;
        frames.push(bytes.subarray(at, at + layout.length));
        at += layout.length;
        break;
      case 'lengthPrefix': {
        const field = number(layout.field, bytes, at);
        if (field === undefined) return frames;
        const body =
          field.value + layout.adjustment - (layout.countsItself ? field.end - at - layout.field.offset : 0);
        const end = field.end + body;
        if (end > bytes.length) return frames;
        frames.push(bytes.subarray(layout.strips === 'header' ? field.end : at + layout.strips, end));
        at = end;
        break;
      }
      case 'delimiter': {
        const { start, stripsStart, stripsDelimiter, trailer } = layout;
        const from = start === undefined ? at : skip(bytes.indexOf(Buffer.from(start), at));
        const body = from + (start?.length ?? 0);
        const found = layout.delimiters
          .map((one) => [bytes.indexOf(Buffer.from(one), body), one.length] as const)
          .filter(([place]) => place >= 0)
          .sort(([a, long], [b, short]) => a - b || short - long)[0];
        if (found === undefined) return frames;
        const [stop, length] = found;
        const end = stop + length + trailer;
        if (end > bytes.length) return frames;
        const frame = bytes.subarray(stripsStart ? body : from, stripsDelimiter ? stop : end);
        if (isValid(layout.valid, frame)) frames.push(frame);
        at = end;
        break;
      }
      case 'cobs':
      case 'stuffed': {
        const end = bytes.indexOf(layout.delimiter, at);
        if (end < 0) return frames;
        const frame =
          layout.kind === 'cobs'
            ? unstuffCobs(bytes.subarray(at, end))
            : unescaped(layout, bytes.subarray(at, end));
        if (frame !== undefined && isValid(layout.valid, frame)) frames.push(frame);
        at = end + 1;
        break;
      }
      case 'packets': {
        const length = layout.kinds
          .map((kind) => packet(kind, bytes.subarray(at)))
          .find((found) => found !== undefined);
        if (length !== undefined) frames.push(bytes.subarray(at, at + length));
        at += length ?? 1;
        break;
      }
      case 'headed': {
        while (layout.ignored.includes(bytes[at]!)) at++;
        let end = at;
        for (let i = 0; i < layout.endCount; i++)
          end = skip(bytes.indexOf(Buffer.from(layout.end), end)) + layout.end.length;
        const said = headerLength(layout.length, bytes.toString('latin1', at, end - layout.end.length));
        const stop =
          said !== undefined
            ? end + said + layout.trailer
            : skip(bytes.indexOf(Buffer.from(layout.until!), end)) + layout.until!.length;
        if (stop > bytes.length) return frames;
        frames.push(bytes.subarray(at, stop));
        at = stop;
        break;
      }
      default:
        throw new Error(`nothing to go by: ${layout.kind}`);
    }
  }
  return frames;
}

function number(
  { offset, width, form, order, mask }: LengthFieldData,
  bytes: Buffer,
  at: number,
): { value: number; end: number } | undefined {
  const from = at + offset;
  const text = bytes.toString('latin1', from, from + width);
  if (form === 'decimal' || form === 'hexadecimal')
    return text.length < width
      ? undefined
      : { value: Number.parseInt(text, form === 'decimal' ? 10 : 16), end: from + width };
  if (form === 'varint') {
    let end = from;
    while (end < bytes.length && bytes[end]! >= 0x80) end++;
    if (end >= bytes.length) return undefined;
    return {
      value: [...bytes.subarray(from, end + 1)].reduceRight((value, byte) => value * 128 + (byte & 0x7f), 0),
      end: end + 1,
    };
  }
  if (form === '7/16/64') {
    const short = bytes[from]! & 0x7f;
    return { value: short < 126 ? short : bytes.readUInt16BE(from + 1), end: from + (short < 126 ? 1 : 3) };
  }
  if (from + width > bytes.length) return undefined;
  let value = order === 'little' ? bytes.readUIntLE(from, width) : bytes.readUIntBE(from, width);
  if (mask !== undefined) value = (value & mask) >>> shift(mask);
  return { value, end: from + width };
}

function shift(mask: number): number {
  let bits = 0;
  while (((mask >>> bits) & 1) === 0) bits++;
  return bits;
}

function isValid(valid: ValidLayout | undefined, frame: Buffer): boolean {
  if (valid === undefined) return true;
  if (valid.by === 'function') throw new Error('a function cannot be read from a layout');
  const place = (value: number): number => (value < 0 ? frame.length + value : value);
  const [at, from, to] = [place(valid.at), place(valid.from), place(valid.to)];
  if (at < 0 || from < 0 || from > to || to > frame.length) return false;
  const name = checksumNames.find((known) => known === valid.checksum)!;
  const sum = checksumByName(name).compute(frame, from, to);
  const width = valid.bits / 8;
  if (valid.form !== 'binary') {
    const text = frame.toString('latin1', at, at + 2 * width);
    return Number.parseInt(text, 16) === sum;
  }
  if (at + width > frame.length) return false;
  return sum === (valid.order === 'little' ? frame.readUIntLE(at, width) : frame.readUIntBE(at, width));
}

function unstuffCobs(bytes: Buffer): Buffer | undefined {
  const frame: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at]!;
    if (at + code > bytes.length) return undefined;
    frame.push(...bytes.subarray(at + 1, at + code));
    at += code;
    if (code < 255 && at < bytes.length) frame.push(0);
  }
  return bytes.length === 0 ? undefined : Buffer.from(frame);
}

function unescaped(layout: FramingLayout & { kind: 'stuffed' }, stretch: Buffer): Buffer | undefined {
  const { start, cancel } = layout;
  let bytes = cancel === undefined ? stretch : stretch.subarray(stretch.lastIndexOf(cancel) + 1);
  if (start !== undefined) {
    if (!bytes.includes(start)) return undefined;
    bytes = bytes.subarray(bytes.lastIndexOf(start) + 1);
  }
  if (bytes.length === 0 && !layout.emptyFrames) return undefined;
  const frame: number[] = [];
  const left = [...bytes].filter((byte) => !layout.ignored.includes(byte));
  for (let at = 0; at < left.length; at++) {
    if (layout.forbidden.includes(left[at]!)) return undefined;
    if (left[at] !== layout.escape) frame.push(left[at]!);
    else if (++at === left.length) return undefined;
    else if (layout.xor !== undefined) frame.push(left[at]! ^ layout.xor);
    else {
      const found = layout.escapes.find(([, code]) => code === left[at]);
      if (found === undefined) return undefined;
      frame.push(found[0]);
    }
  }
  return Buffer.from(frame);
}

function packet({ start, header, length, maximum, valid }: PacketLayout, bytes: Buffer): number | undefined {
  if (
    start?.bytes.some(
      (byte, i) => ((byte ^ bytes[i]!) & (start.mask?.[i] ?? 0xff)) !== 0 || i >= bytes.length,
    )
  )
    return undefined;
  if (bytes.length < header) return undefined;
  let whole = 0;
  if (length.by === 'number') whole = length.length;
  else if (length.by === 'field') whole = number(length.field, bytes, 0)!.value + length.add;
  else if (length.by === 'end') {
    const found = bytes.indexOf(Buffer.from(length.end), start?.bytes.length ?? 1);
    if (found < 0) return undefined;
    whole = found + length.end.length + length.trailer;
  } else throw new Error('a function cannot be read from a layout');
  if (!(whole >= header) || whole > maximum || whole > bytes.length) return undefined;
  return isValid(valid, bytes.subarray(0, whole)) ? whole : undefined;
}

function headerLength(
  length: (FramingLayout & { kind: 'headed' })['length'],
  header: string,
): number | undefined {
  if (length.by === 'function') throw new Error('a function cannot be read from a layout');
  if (length.by === 'column')
    return Number.parseInt(header.split(length.columnEnd)[length.column]!, length.base) + length.add;
  for (const text of header.split(length.fieldEnd)) {
    const [name = '', value = ''] = text.split(length.nameEnd);
    if (length.names.includes(name)) return Number.parseInt(value, length.base) + length.add;
  }
  return length.otherwise;
}

/** Framings, and bytes that a part of their alphabet is made of. */
const FRAMINGS: [string, Framing, number[]][] = [
  ['lengthPrefix, defaults', lengthPrefix({ lengthFieldLength: 1 }), [0, 1, 2, 3]],
  [
    'lengthPrefix, header kept',
    lengthPrefix({
      lengthFieldLength: 2,
      byteOrder: 'big',
      lengthFieldOffset: 1,
      lengthAdjustment: 1,
      initialBytesToStrip: 0,
    }),
    [0, 1, 2],
  ],
  ['lengthPrefix, bits', lengthPrefix({ lengthFieldLength: 2, mask: 0x0ff0 }), [0, 0x10, 0x20]],
  ['lengthPrefix, digits', lengthPrefix({ lengthFieldLength: 2, base: 16 }), [0x30, 0x31]],
  ['lengthPrefix, varint', lengthPrefix({ lengthFieldLength: 'varint' }), [0, 1, 2, 0x81]],
  [
    'lengthPrefix, 7/16/64',
    lengthPrefix({ lengthFieldLength: '7/16/64', lengthIncludes: 'payload' }),
    [0, 1, 2, 0x81],
  ],
  ['fixedLength', fixedLength(3), [0]],
  ['line', line({ unterminated: 'drop' }), [0x0d, 0x0a, 0x61]],
  [
    'delimiter',
    delimiter({ start: '<<', delimiter: ['>', '>>'], trailer: 1, unterminated: 'drop', stripStart: false }),
    [0x3c, 0x3e, 0x61],
  ],
  ['slip', slip({ onInvalid: 'discard' }), [0xc0, 0xdb, 0xdc, 0xdd, 1]],
  ['slip, start marker', slip({ start: 0xab, onInvalid: 'discard' }), [0xc0, 0xdb, 0xab, 0xde, 1]],
  ['cobs', cobs({ onInvalid: 'discard' }), [0, 1, 2, 3]],
  [
    'stuffed',
    stuffed({
      flag: 0x7e,
      escape: 0x7d,
      xor: 0x20,
      ignored: [0x11],
      forbidden: [0x18],
      cancel: 0x1a,
      onInvalid: 'discard',
    }),
    [0x7e, 0x7d, 0x5e, 0x11, 0x18, 0x1a],
  ],
  [
    'packets',
    packets({
      kinds: {
        counted: {
          start: { bytes: [1, 0], mask: [0xff, 0xfe] },
          length: { offset: 1, add: 3 },
          maxFrameLength: 8,
        },
        ended: { start: [2], end: [3], trailer: 1 },
        byte: { start: [4], length: 1 },
        summed: { start: [5], length: 3, valid: { checksum: 'CRC-8/SMBUS' } },
      },
    }),
    [0, 1, 2, 3, 4, 5],
  ],
  [
    'headed, field',
    headed({
      end: '.',
      length: { field: 'a', nameEnd: '=', fieldEnd: ';', otherwise: 0 },
      trailer: 1,
      ignore: '\n',
    }),
    [0x2e],
  ],
  ['headed, column', headed({ end: ':', length: { column: 0 } }), [0x3a, 0x30]],
];

describe.each(FRAMINGS)('%s', (_, framing, alphabet) => {
  test('its layout survives JSON, and finds the same frames', () => {
    const layout = JSON.parse(JSON.stringify(framing.layout)) as FramingLayout;
    expect(layout).toEqual(framing.layout);
    let found = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 40 }), (given) => {
        const bytes = Buffer.from(given);
        const { frames, error } = readAll(framing, [bytes]);
        found += frames.length;
        // What is cut off at the end is no frame, and nothing can be said of what comes behind an error.
        fc.pre(error === undefined || error.code === 'ERR_FRAME_TRUNCATED');
        if (framing.name === 'packets' && error !== undefined) return;
        expect(interpret(layout, bytes).slice(0, frames.length)).toEqual(frames);
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(framing.name === 'headed' ? -1 : 20);
  });
});

test('what a framing writes is read by its layout', () => {
  for (const [framing, payloads] of [
    [
      headed({ end: '\r\n\r\n', length: { field: 'Content-Length' } }),
      ['Content-Length:2\r\n\r\nhi', 'Content-Length:0\r\n\r\n'],
    ],
    [
      headed({ end: '\n\n', length: { field: 'n' }, until: '\0', ignore: '\n', trailer: 1 }),
      ['n:1\n\nx\0', '\0\n\n\0'],
    ],
    [headed({ end: '|', endCount: 2, length: { column: 1, columnEnd: '|' } }), ['FIX|3|abc', 'x|0|']],
    [lengthPrefix(), ['', 'a', 'hello']],
    [lengthPrefix({ lengthFieldLength: 'varint', lengthIncludes: 'header' }), ['', 'a', 'x'.repeat(127)]],
    [lengthPrefix({ lengthFieldLength: '7/16/64' }), ['', 'x'.repeat(126)]],
    [
      packets({
        kinds: [
          {
            start: '$',
            end: '\r\n',
            valid: { checksum: 'CRC-8/SMBUS', digits: 'hexadecimal', from: 1, at: -4 },
          },
        ],
      }),
      ['$123456789F4\r\n'],
    ],
  ] as const) {
    const bytes = Buffer.concat(payloads.map((payload) => writeOne(framing, Buffer.from(payload))));
    expect(interpret(framing.layout!, bytes).map(String)).toEqual(payloads);
  }
});

test('parts that only code defines are marked as code', () => {
  expect(measured({ measure: () => 1 }).layout).toEqual({
    kind: 'measured',
    by: 'function',
    maximum: 65_536,
    skipsNoise: false,
  });
  const { layout } = packets({ kinds: [{ header: 2, length: () => 2, valid: () => true }] });
  expect(layout).toMatchObject({
    kinds: [{ name: '0', header: 2, length: { by: 'function' }, valid: { by: 'function' } }],
  });
  const xbee = stuffed({
    flag: 1,
    escape: 2,
    xor: 4,
    length: { offset: 1, width: 2, byteOrder: 'big', add: 3 },
  });
  expect(xbee.layout).toMatchObject({
    delimiter: 1,
    length: { field: { offset: 1, width: 2, order: 'big' }, add: 3 },
  });
});
