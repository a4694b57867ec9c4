import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, utf8FaultAt } from '../../src/bytes/utf8.ts';

const reference: InstanceType<typeof TextDecoder> = new TextDecoder('utf-8', {
  fatal: true,
  ignoreBOM: true,
});
function expected(bytes: Uint8Array): string | undefined {
  try {
    return reference.decode(bytes);
  } catch {
    return undefined;
  }
}

test.each([
  '',
  'a',
  'héllo',
  '\ufeffmark',
  'a real \ufffd stands here',
  `${'x'.repeat(100)}\ufffd`,
  '😀'.repeat(40),
])('what is UTF-8 is read as it is: %s', (text) => {
  const bytes = Buffer.from(`<${text}>`);
  expect(decodeUtf8(bytes, 1, bytes.length - 1)).toBe(text);
});

test('of every length up to where it is read in one call', () => {
  for (let length = 0; length < 30; length++) {
    for (const last of ['z', 'é', 'ÿ', '\u0100', '€', '😀']) {
      const text = `${'abcdefghijklmnopqrstuvwxyzabcdefgh'.slice(0, length)}${last}`;
      const bytes = Buffer.from(`<${text}>`);
      expect(decodeUtf8(bytes, 1, bytes.length - 1)).toBe(text);
    }
  }
});

test.each([0, 1, 10, 16, 17, 18, 19, 20, 21, 300])('malformed behind %i characters', (length) => {
  for (const fault of ['ff', 'c3', 'eda080', 'f4908080', 'c0af', 'efbfbdff']) {
    const bytes = Buffer.concat([Buffer.alloc(length, 'a'), Buffer.from(fault, 'hex')]);
    expect(decodeUtf8(bytes, 0, bytes.length), fault).toBeUndefined();
    expect(utf8FaultAt(bytes, 0, bytes.length)).toBe(length + (fault === 'efbfbdff' ? 3 : 0));
  }
});

test('any bytes, as a fatal TextDecoder has it', () => {
  const byte = fc.oneof(
    fc.constantFrom(0x20, 0xc3, 0xa9, 0xef, 0xbf, 0xbd, 0xf0, 0x9f),
    fc.integer({ min: 0, max: 255 }),
  );
  const some = fc.oneof(
    fc.array(byte, { maxLength: 40 }).map((all) => Buffer.from(all)),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(some, (bytes) => {
      expect(decodeUtf8(bytes, 0, bytes.length)).toBe(expected(bytes));
    }),
    { numRuns: 1_000 },
  );
});
