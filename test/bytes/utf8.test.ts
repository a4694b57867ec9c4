import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
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

/** A text, the bytes that decoding it reads one by one, and its calls into the runtime: as Latin-1, as UTF-8. */
function effort(text: string): [reads: number, latin1: number, utf8: number] {
  const bytes = Buffer.from(`<<${text}`);
  let reads = 0;
  const calls = { latin1Slice: 0, utf8Slice: 0 };
  const counted = new Proxy(bytes, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value === 'number' && name !== 'length') reads++;
      if (typeof value !== 'function') return value;
      calls[name as keyof typeof calls]++;
      return value.bind(target);
    },
  });
  expect(decodeUtf8(counted, 2, bytes.length)).toBe(text);
  return [reads, calls.latin1Slice, calls.utf8Slice];
}

describe('which way is taken', () => {
  test('short texts are read one by one, first as the text before was', () => {
    const efforts = [
      ['ab', [2, 0, 0]],
      ['é', [2 + 2, 0, 0]],
      ['aé', [3, 0, 0]],
      ['ÿ'.repeat(10), [20, 0, 0]],
      ['abc', [3, 0, 0]],
      ['a'.repeat(20), [20, 0, 0]],
      ['é', [2 + 2, 0, 0]],
      ['€', [1, 0, 1]],
      ['ab', [2, 0, 0]],
      ['ab€', [5 + 3, 0, 1]],
      ['ab', [2, 0, 0]],
    ] as const;
    // Whatever was read before this test.
    effort('ab');
    expect(efforts.map(([text]) => [text, effort(text)])).toEqual(efforts);
  });

  const isLatin1Faster = Number.parseInt(process.versions.node, 10) < 24;
  test.each([
    [21, [0, 0, 1]],
    [511, [0, 0, 1]],
    [512, [0, 1, 0]],
    [16_384, [0, 1, 0]],
    [16_385, [0, 0, 1]],
  ])('%i bytes', (length, expected) => {
    const isAlways = expected[1] === 0;
    expect(effort('a'.repeat(length))).toEqual(isAlways || isLatin1Faster ? expected : [0, 0, 1]);
  });

  test('long texts beyond ASCII', () => {
    expect(effort('é'.repeat(256))).toEqual([0, isLatin1Faster ? 1 : 0, 1]);
    // It is looked at only if it has the character that the runtime writes for what is malformed.
    expect(effort('\ufffd'.repeat(10))).toEqual([40, 0, 1]);
  });

  test.each([
    ['', 0],
    ['~\u007f', 0],
    ['a'.repeat(47), 0],
    ['a'.repeat(48), 1],
    ['é', 1],
  ])('the text %j is written by %i calls into the runtime', (text, calls) => {
    const target = Buffer.alloc(100);
    const write = vi.spyOn(target, 'write');
    encodeUtf8(target, 0, text, 100);
    expect(write).toHaveBeenCalledTimes(calls);
  });
});

test.each([
  '',
  'a',
  'héllo',
  '\ufeffmark',
  'a real \ufffd stands here',
  `${'x'.repeat(100)}\ufffd`,
  '😀'.repeat(40),
])('a text in UTF-8 is decoded: %s', (text) => {
  const bytes = Buffer.from(`<${text}>`);
  expect(decodeUtf8(bytes, 1, bytes.length - 1)).toBe(text);
});

/** Around these lengths in bytes another way of decoding begins. */
const LENGTHS = [0, 1, 2, 10, 15, 16, 17, 18, 19, 20, 21, 22, 40, 510, 511, 512, 513, 514];

test('texts of 1 to 30 characters with any kind of last character', () => {
  for (let length = 0; length < 30; length++) {
    for (const last of ['z', 'é', 'ÿ', '\u0100', '€', '😀']) {
      const text = `${'abcdefghijklmnopqrstuvwxyzabcdefgh'.slice(0, length)}${last}`;
      const bytes = Buffer.from(`<${text}>`);
      expect(decodeUtf8(bytes, 1, bytes.length - 1)).toBe(text);
    }
  }
});

test.each(LENGTHS)('%i bytes: a byte above 0x7f at every place, well-formed or not', (length) => {
  const pieces = ['7f', '80', 'bf', 'c2', 'c280', 'c3bf', 'c480', 'c0af', 'e282ac', 'efbfbd', 'eda080', 'ff'];
  for (const piece of pieces.map((one) => Buffer.from(one, 'hex'))) {
    for (let at = 0; at + piece.length <= length; at++) {
      const bytes = Buffer.alloc(length + 2, 'a');
      piece.copy(bytes, 1 + at);
      expect(decodeUtf8(bytes, 1, 1 + length)).toBe(expected(bytes.subarray(1, 1 + length)));
    }
  }
});

test.each([16_383, 16_384, 16_385])('%i bytes: a byte above 0x7f at either end', (length) => {
  const ascii = Buffer.alloc(length, 'a');
  expect(decodeUtf8(ascii, 0, length)).toBe('a'.repeat(length));
  for (const at of [0, length - 1]) {
    const bytes = Buffer.from(ascii);
    bytes[at] = 0x80;
    expect(decodeUtf8(bytes, 0, length)).toBeUndefined();
  }
  const accented = Buffer.from(`${'a'.repeat(length - 2)}é`);
  expect(decodeUtf8(accented, 0, length)).toBe(`${'a'.repeat(length - 2)}é`);
});

test('a text does not depend on the texts decoded before it', () => {
  const texts = ['', 'a', 'é', '€', 'abc', 'Größe', 'Zeile', '表の列', 'x'.repeat(20), 'ÿ'.repeat(10)];
  const all = texts.map((text) => Buffer.from(text));
  const bad = Buffer.from('61c3', 'hex');
  for (const before of [...all, bad]) {
    for (const [i, bytes] of all.entries()) {
      decodeUtf8(before, 0, before.length);
      expect(decodeUtf8(bytes, 0, bytes.length)).toBe(texts[i]);
      decodeUtf8(before, 0, before.length);
      expect(decodeUtf8(bad, 0, bad.length)).toBeUndefined();
    }
  }
});

test.each([0, 1, 10, 16, 17, 18, 19, 20, 21, 300, 512])(
  'a malformed sequence after %i characters',
  (length) => {
    for (const fault of ['ff', 'c3', 'eda080', 'f4908080', 'c0af', 'efbfbdff']) {
      const bytes = Buffer.concat([Buffer.alloc(length, 'a'), Buffer.from(fault, 'hex')]);
      expect(decodeUtf8(bytes, 0, bytes.length), fault).toBeUndefined();
      expect(utf8FaultAt(bytes, 0, bytes.length)).toBe(length + (fault === 'efbfbdff' ? 3 : 0));
    }
  },
);

test('any bytes give what a TextDecoder that refuses malformed input gives', () => {
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
