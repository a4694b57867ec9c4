/** `call` gives the same framing again: the maker, and a copy of the options that were given. */
import { expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type Framing,
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
import { hex } from '../../support/hex.ts';

const measure = (): number => 1;
const codec = { measure, decode: () => 0 };

test.each<[Framing, maker: string, options: object]>([
  [lengthPrefix(), 'lengthPrefix', {}],
  [lengthPrefix({ byteOrder: 'big', mask: undefined }), 'lengthPrefix', { byteOrder: 'big' }],
  [delimiter({ delimiter: ['\n', hex('00 01')] }), 'delimiter', { delimiter: ['\n', hex('00 01')] }],
  [line({ maxFrameLength: 80 }), 'line', { maxFrameLength: 80 }],
  [fixedLength(4), 'fixedLength', { length: 4 }],
  [slip({ start: 'end' }), 'slip', { start: 'end' }],
  [cobs({ maxFrameLength: 0 }), 'cobs', { maxFrameLength: 0 }],
  [
    stuffed({ flag: 1, escape: 2, escapes: { 1: 3, 2: 4 } }),
    'stuffed',
    { flag: 1, escape: 2, escapes: { 1: 3, 2: 4 } },
  ],
  [
    stuffed({ flag: 1, escape: 2, xor: 8, length: { offset: 0 } }),
    'stuffed',
    { flag: 1, escape: 2, xor: 8, length: { offset: 0 } },
  ],
  [headed({ end: ':', length: { column: 0 } }), 'headed', { end: ':', length: { column: 0 } }],
  [packets({ kinds: { a: { length: 3 } } }), 'packets', { kinds: { a: { length: 3 } } }],
  [measured({ measure }), 'measured', { measure }],
  [selfDelimiting(codec, { maxFrameLength: 9 }), 'selfDelimiting', { maxFrameLength: 9, codec }],
])('%#: %o', (framing, maker, options) => {
  expect(framing.name).toBe(maker);
  expect(framing.call?.maker).toBe(maker);
  expect(normal(framing.call?.options)).toStrictEqual(normal(options));
});

/** Bytes as an array of numbers, whichever class they are of. */
function normal(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null || value === codec) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, normal(part)]));
}

test('the options are a frozen copy: later changes by the caller have no effect', () => {
  const bytes = Buffer.from('<<');
  const kind = { start: bytes, length: 3, valid: { checksum: 'XOR-8' as const } };
  const kinds = [kind];
  const call = packets({ kinds }).call!;
  bytes.fill('x');
  kind.length = 4;
  kinds.push(kind);
  expect(call).toEqual({
    maker: 'packets',
    options: { kinds: [{ start: Uint8Array.from(hex('"<<"')), length: 3, valid: { checksum: 'XOR-8' } }] },
  });
  const [copy] = call.options.kinds as [typeof kind];
  for (const part of [call, call.options, call.options.kinds, copy, copy.valid]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('objects with methods are the same objects: a checksum, a codec', () => {
  const checksum = { name: 'none', width: 8, compute: () => 0 };
  const call = slip({ valid: { checksum } }).call!;
  expect((call.options.valid as { checksum: object }).checksum).toBe(checksum);
  expect(selfDelimiting(codec).call!.options.codec).toBe(codec);
  expect(measured({ measure }).call!.options.measure).toBe(measure);
});
