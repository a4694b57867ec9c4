/** How lengths stand on the wire, each by itself: literal bytes, between others that stay as they are. */
import { describe, expect, test } from 'vitest';
import {
  digitsField,
  INVALID,
  isRun,
  type LengthField,
  lowestBit,
  MORE,
  maskedField,
  steppedField,
  varintField,
} from '../../../src/protocol/framing/length-field.ts';
import { hex } from '../../support/hex.ts';

const MAX = Number.MAX_SAFE_INTEGER;

const FIELDS: [name: string, form: string, field: LengthField, maximum: number, maxWidth: number][] = [
  ['a varint of at most 2 bytes', 'varint', varintField(2), 0x3fff, 2],
  ['a varint of at most 10 bytes', 'varint', varintField(10), MAX, 10],
  ['a length of 7, 16 or 64 bits', '7/16/64', steppedField, MAX, 9],
  ['3 decimal digits', 'decimal', digitsField(3, 10), 999, 3],
  ['2 hexadecimal digits', 'hexadecimal', digitsField(2, 16), 255, 2],
  ['the bits 0x7ff of 2 bytes', 'binary', maskedField(2, false, 0x07ff), 0x7ff, 2],
  ['the bits 0xff0 of 2 bytes', 'binary', maskedField(2, true, 0x0ff0), 0xff, 2],
  ['the bits 0xffffffff of 4 bytes', 'binary', maskedField(4, false, 0xffff_ffff), 0xffff_ffff, 4],
];

test.each(FIELDS)('%s', (name, form, field, maximum, maxWidth) => {
  expect(field).toMatchObject({ name, form, maximum, maxWidth });
  // Where there is nothing, more is needed.
  expect(field.widthAt(hex('00'), 1, 1)).toBe(MORE);
});

/** `before` and `behind`: what stands in the place of the field, and what writing the length makes of it. */
const LENGTHS: [what: string, field: LengthField, value: number, before: string, behind: string][] = [
  ['a varint', varintField(2), 300, '0000', 'AC02'],
  ['seven bits, the top bit kept', steppedField, 125, '80', 'FD'],
  ['sixteen bits, the top bit kept', steppedField, 126, '80 0000', 'FE 007E'],
  ['the most of sixteen bits', steppedField, 65_535, '00 0000', '7E FFFF'],
  ['64 bits', steppedField, 65_536, '00 0000000000000000', '7F 0000000000010000'],
  ['decimal digits', digitsField(3, 10), 42, '000000', '"042"'],
  ['hexadecimal digits', digitsField(2, 16), 0xaf, '0000', '"AF"'],
  ['the lower bits, big-endian', maskedField(2, false, 0x07ff), 0x123, 'A800', 'A923'],
  ['the middle bits, little-endian', maskedField(2, true, 0x0ff0), 0xab, 'F5F7', 'B5FA'],
  ['the top bit of four bytes', maskedField(4, false, 0x8000_0000), 1, '7FFFFFFF', 'FFFFFFFF'],
];

describe.each(LENGTHS)('%s', (_, field, value, before, behind) => {
  const [old, bytes] = [hex(before), hex(behind)];
  const between = (some: Buffer): Buffer => Buffer.concat([hex('55'), some, hex('55')]);

  test('is written', () => {
    const target = between(old);
    expect(field.write(target, 1, value)).toBe(1 + bytes.length);
    expect(target).toEqual(between(bytes));
    expect(field.widthOf(value)).toBe(bytes.length);
  });

  test('is read', () => {
    const source = between(bytes);
    expect(field.widthAt(source, 1, 1 + bytes.length)).toBe(bytes.length);
    expect(field.widthAt(source, 1, bytes.length)).toBe(MORE);
    expect(field.read(source, 1, bytes.length)).toBe(value);
  });
});

test('invalid lengths', () => {
  expect(varintField(2).widthAt(hex('8080'), 0, 2)).toBe(INVALID);
  expect(digitsField(2, 10).read(hex('"1A"'), 0, 2)).toBe(INVALID);
});

test('adjacent bits', () => {
  expect([0x01, 0x0ff0, 0x8000_0000, 0xffff_ffff].map(lowestBit)).toEqual([1, 0x10, 0x8000_0000, 1]);
  expect([0x01, 0x0ff0, 0x8000_0000, 0xffff_ffff].map(isRun)).toEqual([true, true, true, true]);
  expect([0x05, 0x0f0f, 0x8000_0001].map(isRun)).toEqual([false, false, false]);
});
