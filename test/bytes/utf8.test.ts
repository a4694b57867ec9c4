import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8, hasLoneSurrogate, utf8FaultAt } from '../../src/bytes/utf8.ts';

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

test.each([
  ['', 0],
  ['plain', 5],
  ['a'.repeat(47), 47],
  ['a'.repeat(48), 48],
  ['a'.repeat(300), 300],
  ['é', 2],
  ['aé', 3],
  ['\u007f\u0080', 3],
  [`${'a'.repeat(46)}€`, 49],
  ['😀', 4],
  ['€'.repeat(60), 180],
])(
  'the text %j is written in %i bytes, no others, and not if they are more than the limit',
  (text, length) => {
    const expected = Buffer.concat([Buffer.of(0xee), Buffer.from(text), Buffer.alloc(4, 0xee)]);
    for (const limit of [length, length + 1, 1_000]) {
      const target = Buffer.alloc(length + 5, 0xee);
      expect(encodeUtf8(target, 1, text, limit)).toBe(length);
      expect(target).toEqual(expected);
    }
    expect(encodeUtf8(Buffer.alloc(length + 5), 1, text, length - 1)).toBe(-1);
  },
);

test.each(['\ud800', 'a\udc00', '\ude00\ud83d', `${'a'.repeat(60)}\ud800`])(
  'a lone surrogate is not written: %j',
  (text) => {
    expect(hasLoneSurrogate(text)).toBe(true);
    expect(encodeUtf8(Buffer.alloc(200), 0, text, 200)).toBe(-1);
    expect(hasLoneSurrogate(`${text.replaceAll(/[\ud800-\udfff]/g, '')}😀`)).toBe(false);
  },
);

// The first and the last of each row of table 3-7, and what lies next to them.
test.each([['c280', 'dfbf', 'e0a080', 'ed9fbf', 'ee8080', 'efbfbf', 'f0908080', 'f3bfbfbf', 'f48fbfbf']])(
  'well-formed: %s',
  (...sequences) => {
    for (const sequence of sequences) {
      const bytes = Buffer.from(`61${sequence}61`, 'hex');
      expect(utf8FaultAt(bytes, 0, bytes.length), sequence).toBe(-1);
      expect(decodeUtf8(bytes, 0, bytes.length)).toBe(bytes.toString());
      // Cut off, it is a fault where it begins, whatever bytes stand behind the end.
      for (let end = 2; end < bytes.length - 1; end++) {
        expect(utf8FaultAt(bytes, 0, end), sequence).toBe(1);
        expect(decodeUtf8(bytes, 0, end), sequence).toBeUndefined();
      }
    }
  },
);

test.each([
  ['80', 'bf', 'c080', 'c1bf', 'c27f', 'c2c0', 'df7f', 'dfc0', 'e09fbf', 'e0c080', 'e0a07f', 'e0a0c0'],
  ['eda080', 'ed7f80', 'e17f80', 'e1c080', 'e1807f', 'e180c0', 'f08f8080', 'f0c08080', 'f0907f80'],
  ['f09080c0', 'f090807f', 'f1c08080', 'f17f8080', 'f4908080', 'f47f8080', 'f5808080', 'ff'],
])('malformed: %s …', (...sequences) => {
  for (const sequence of sequences) {
    const bytes = Buffer.from(`61${sequence}61`, 'hex');
    expect(utf8FaultAt(bytes, 0, bytes.length), sequence).toBe(1);
    expect(decodeUtf8(bytes, 0, bytes.length), sequence).toBeUndefined();
  }
});
