import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { delimiter, FrameError, type Framing, line } from '../../../src/index.ts';
import {
  type DelimiterSearch,
  delimiterSearch,
  indexOfByte,
  indexOfBytes,
  markerSearch,
} from '../../../src/protocol/framing/delimiter-search.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

const b = (text: string): Buffer => Buffer.from(text, 'latin1');
const texts = (frames: readonly Uint8Array[]): string[] =>
  frames.map((frame) => Buffer.from(frame).toString('latin1'));

describe('delimiter', () => {
  test('keeps the contract with one byte', () =>
    verifyFraming(delimiter({ delimiter: '\n', maxFrameLength: 4 }), [
      {
        name: 'frames, one of them empty',
        bytes: b('a\n\nbcde\n'),
        frames: [b('a'), b(''), b('bcde')],
        canonical: true,
      },
      { name: 'too long', bytes: b('a\nbcdef\ng\n'), frames: [b('a')], error: 'ERR_FRAME_TOO_LONG' },
      {
        name: 'too long, and no end in sight',
        bytes: b('a\nbcdefgh'),
        frames: [b('a')],
        error: 'ERR_FRAME_TOO_LONG',
      },
      { name: 'cut off', bytes: b('a\nbc'), frames: [b('a')], error: 'ERR_FRAME_TRUNCATED' },
      { name: 'nothing', bytes: b(''), frames: [] },
    ]));

  test('keeps the contract with several bytes, which resume inside themselves', () =>
    verifyFraming(delimiter({ delimiter: 'aab' }), [
      { name: 'aaab', bytes: b('xaaabaabyaab'), frames: [b('xa'), b(''), b('y')] },
      {
        name: 'a beginning of it at the end',
        bytes: b('xaabyaa'),
        frames: [b('x')],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ]));

  test('does not count a possible delimiter towards the maximum', () =>
    verifyFraming(delimiter({ delimiter: '\r\n', maxFrameLength: 2 }), [
      { name: 'exactly', bytes: b('ab\r\n'), frames: [b('ab')], canonical: true },
      { name: 'a CR too many', bytes: b('ab\r\r\n'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
    ]));

  test('takes the earliest of several, the longest at one place', () =>
    verifyFraming(
      delimiter({ delimiter: ['\r', '\r\n', 'END'] }),
      [
        {
          name: 'CR and CR LF',
          bytes: b('a\rb\r\n\r\r\ncEND'),
          frames: [b('a'), b('b'), b(''), b(''), b('c')],
        },
        {
          name: 'the short one at the very end',
          bytes: b('a\nb\r'),
          frames: [b('a\nb')],
          unterminated: true,
        },
        {
          name: 'a beginning that comes to nothing',
          bytes: b('EN\rENDE\rX\r\n'),
          frames: [b('EN'), b(''), b('E'), b('X')],
        },
      ],
      { truncation: 'any' },
    ));

  test('returns the bytes it examined beyond a short delimiter', () =>
    verifyFraming(
      delimiter({ delimiter: ['|', '|====|'] }),
      [
        { name: 'all but the last byte', bytes: b('a|====b|c|====|'), frames: [b('a'), b('====b'), b('c')] },
        {
          name: 'delimiters inside',
          bytes: b('a|=|==|====|x|'),
          frames: [b('a'), b('='), b('=='), b('x')],
          unterminated: true,
        },
        { name: 'left open at the end', bytes: b('a|==='), frames: [b('a')], error: 'ERR_FRAME_TRUNCATED' },
      ],
      { truncation: 'any' },
    ));

  test('a longer delimiter that begins earlier wins over one inside it', () =>
    verifyFraming(
      delimiter({ delimiter: ['bc', 'abcd'] }),
      [
        {
          name: 'both',
          bytes: b('xabcdyabcybcz bc'),
          frames: [b('x'), b('ya'), b('y'), b('z ')],
          decodeOnly: true,
        },
      ],
      { truncation: 'any' },
    ));

  test('keeps delimiters on the frames', () =>
    verifyFraming(delimiter({ delimiter: ['\r\n', '\n'], stripDelimiter: false, maxFrameLength: 2 }), [
      { name: 'both', bytes: b('ab\r\n\na\n'), frames: [b('ab\r\n'), b('\n'), b('a\n')], canonical: true },
    ]));

  test('delivers or drops an unterminated rest', async () => {
    const emits = delimiter({ delimiter: '\r\n', unterminated: 'emit', maxFrameLength: 3 });
    await verifyFraming(
      emits,
      [
        { name: 'a rest', bytes: b('a\r\nbc'), frames: [b('a'), b('bc')], unterminated: true },
        {
          name: 'half a delimiter',
          bytes: b('a\r\nbc\r'),
          frames: [b('a'), b('bc\r')],
          unterminated: true,
          decodeOnly: true,
        },
        { name: 'no rest', bytes: b('a\r\n'), frames: [b('a')] },
        {
          name: 'a rest too long',
          bytes: b('abc\r'),
          frames: [],
          error: 'ERR_FRAME_TOO_LONG',
          unterminated: true,
        },
      ],
      { truncation: 'any' },
    );
    await verifyFraming(
      delimiter({ delimiter: '\r\n', unterminated: 'drop' }),
      [{ name: 'a rest', bytes: b('a\r\nbc'), frames: [b('a')], unterminated: true }],
      { truncation: 'any' },
    );
  });

  test('skips and reports a frame that is too long, up to the next delimiter', async () => {
    const framing = delimiter({ delimiter: ['\r\n', '|==|'], maxFrameLength: 3, onTooLong: 'discard' });
    await verifyFraming(framing, [
      {
        name: 'between others',
        bytes: b('ab\r\ntoo long\r\ncd\r\ntoo|== long|==|ef\r\n'),
        frames: [b('ab'), b('cd'), b('ef')],
        discarded: ['ERR_FRAME_TOO_LONG', 'ERR_FRAME_TOO_LONG'],
      },
      {
        name: 'cut off',
        bytes: b('ab\r\ntoo long'),
        frames: [b('ab')],
        discarded: ['ERR_FRAME_TOO_LONG'],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ]);
    const { discarded } = readAll(framing, [b('ab\r\ntoo long\r\n')]);
    expect(discarded[0]).toMatchObject({ code: 'ERR_FRAME_TOO_LONG', limit: 3, offset: 4, origin: 'peer' });
  });

  test('any chunking of any delimiters equals a search from the start', () => {
    const alphabet = fc.constantFrom('a', 'b', 'c');
    const word = fc.string({ unit: alphabet, minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { minLength: 1, maxLength: 4 }),
        fc.string({ unit: alphabet, maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        (delimiters, text, size, stripDelimiter) => {
          const framing = delimiter({ delimiter: delimiters, unterminated: 'emit', stripDelimiter });
          const { frames } = readAll(framing, pieces(b(text), size));
          expect(texts(frames)).toEqual(naive(text, delimiters, stripDelimiter));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('reads back what it writes, and refuses payloads that it would not read back', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 });
    let refused = 0;
    let written = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 5 }), { maxLength: 4 }),
        fc.boolean(),
        (delimiters, payloads, stripDelimiter) => {
          const framing = delimiter({ delimiter: delimiters, stripDelimiter });
          const kept: string[] = [];
          const bytes: Buffer[] = [];
          for (const payload of payloads) {
            try {
              const frame = writeOne(framing, b(payload));
              bytes.push(frame);
              kept.push(stripDelimiter ? payload : frame.toString('latin1'));
              written++;
            } catch (error) {
              expect(error).toMatchObject({ code: 'ERR_FRAME_STUFFING', origin: 'local' });
              expect(delimiters.some((one) => `${payload}${delimiters.join('')}`.includes(one))).toBe(true);
              refused++;
            }
          }
          const { frames, error } = readAll(framing, [Buffer.concat(bytes)]);
          expect(texts(frames)).toEqual(kept);
          expect(error).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
    expect(Math.min(refused, written)).toBeGreaterThan(20);
  });

  test('the writer names what is wrong with a payload', () => {
    const framing = delimiter({ delimiter: '\r\n', maxFrameLength: 4 });
    expect(thrown(() => writeOne(framing, b('a\r\nb')))).toMatchObject({
      code: 'ERR_FRAME_STUFFING',
      origin: 'local',
      offset: 1,
    });
    expect(thrown(() => writeOne(framing, b('abcde')))).toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
      origin: 'local',
      limit: 4,
      actual: 5,
    });
    expect(writeOne(framing, b('abc\r'))).toEqual(b('abc\r\r\n'));
    expect(writeOne(delimiter({ delimiter: 'x', stripDelimiter: false }), b('ax'))).toEqual(b('ax'));
    expect(thrown(() => writeOne(delimiter({ delimiter: 'aa' }), b('ba')))).toMatchObject({ offset: 2 });
  });

  test('frames of one chunk that one delimiter ends are a run', () => {
    const reader = delimiter({ delimiter: '\n' }).reader();
    reader.push(b('a\nbc\nd'));
    expect(reader.take()).toMatchObject({ count: 2, wire: 'delimiter:0a', runStart: 0, runEnd: 5 });
    reader.push(b('e\nf\n'));
    expect(reader.take()).toMatchObject({ count: 1, runStart: 0, runEnd: 3 });
    expect(reader.take()).toMatchObject({ count: 1, runStart: 2, runEnd: 4 });
    expect(reader.take()).toBeUndefined();
  });

  test('a discarded frame is not part of a run', () => {
    const reader = delimiter({ delimiter: '\n', maxFrameLength: 2, onTooLong: 'discard' }).reader();
    reader.push(b('a\nbcd\ne\n'));
    const batch = reader.take();
    expect(batch).toMatchObject({ count: 2, wire: undefined });
  });
});

describe('line', () => {
  test('keeps the contract', () =>
    verifyFraming(line({ maxFrameLength: 3 }), [
      { name: 'LF', bytes: b('a\n\nbcd\n'), frames: [b('a'), b(''), b('bcd')], canonical: true },
      { name: 'CR LF', bytes: b('a\r\n\r\nbcd\r\n'), frames: [b('a'), b(''), b('bcd')] },
      {
        name: 'one CR is taken off, not two',
        bytes: b('a\r\r\n\rb\n'),
        frames: [b('a\r'), b('\rb')],
        decodeOnly: true,
      },
      { name: 'too long', bytes: b('abcd\n'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      { name: 'too long by a CR', bytes: b('abc\r\r\n'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
    ]));

  test('refuses a payload whose CR the reader would take off', () => {
    expect(thrown(() => writeOne(line(), b('a\r')))).toMatchObject({
      code: 'ERR_FRAME_STUFFING',
      origin: 'local',
    });
    expect(thrown(() => writeOne(line(), b('a\nb')))).toBeInstanceOf(FrameError);
  });
});

describe('a start', () => {
  const kept = delimiter({ start: '$GP', delimiter: '\r\n', stripStart: false, stripDelimiter: false });

  test('of several bytes, which resume inside themselves; start and delimiter stay on the frame', () =>
    verifyFraming(kept, [
      { name: 'two', bytes: b('$GPa\r\n$GP\r\n'), frames: [b('$GPa\r\n'), b('$GP\r\n')], canonical: true },
      {
        name: 'noise that begins like a start',
        bytes: b('$G$GPa\r\n$$GPb\r\n'),
        frames: [b('$GPa\r\n'), b('$GPb\r\n')],
        discarded: ['ERR_FRAME_NOISE', 'ERR_FRAME_NOISE'],
      },
      { name: 'a start inside', bytes: b('$GPa$GPb\r\n'), frames: [b('$GPa$GPb\r\n')], canonical: true },
    ]));

  test('noise may be an error', () =>
    verifyFraming(delimiter({ start: '<', delimiter: '>', onNoise: 'error' }), [
      { name: 'none', bytes: b('<a><>'), frames: [b('a'), b('')], canonical: true },
      { name: 'between', bytes: b('<a>\n<b>'), frames: [b('a')], error: 'ERR_FRAME_NOISE' },
    ]));

  test('a frame that is too long is skipped with its trailer', () =>
    verifyFraming(
      delimiter({ start: '<', delimiter: '>', trailer: 2, maxFrameLength: 2, onTooLong: 'discard' }),
      [
        {
          bytes: b('<ab>12<abc>><<abcdef><><>34'),
          frames: [b('ab>12'), b('>34')],
          discarded: ['ERR_FRAME_TOO_LONG', 'ERR_FRAME_TOO_LONG'],
          decodeOnly: true,
        },
        {
          name: 'cut in a trailer that is skipped',
          bytes: b('<abcd>1'),
          frames: [],
          error: 'ERR_FRAME_TRUNCATED',
          discarded: ['ERR_FRAME_TOO_LONG'],
        },
      ],
    ));

  test('noise without end is reported every 64 KiB, however it is cut', () => {
    const framing = delimiter({ start: '<<', delimiter: '>' });
    const bytes = Buffer.concat([Buffer.alloc(150_000, '.<'), b('<<a>')]);
    for (const size of [1, 7, 1_400, 200_000]) {
      const { frames, discarded } = readAll(framing, pieces(bytes, size));
      expect(texts(frames)).toEqual(['<a']);
      expect(discarded.map(({ actual, offset }) => [actual, offset])).toEqual([
        [65_536, 0],
        [65_536, 65_536],
        [150_000 - 2 * 65_536 - 1, 131_072],
      ]);
    }
  });

  test('the writer refuses payloads that would not be read back', () => {
    expect(thrown(() => writeOne(kept, b('a\r\n')))).toMatchObject({
      code: 'ERR_FRAME_STUFFING',
      origin: 'local',
    });
    const trailed = delimiter({ delimiter: '>', trailer: 2 });
    for (const payload of ['a', 'a>', 'a>1', 'a>123', '>>>1']) {
      expect(thrown(() => writeOne(trailed, b(payload)))).toMatchObject({
        code: 'ERR_FRAME_STUFFING',
        origin: 'local',
      });
    }
    expect(String(writeOne(trailed, b('a>>>')))).toBe('a>>>');
  });
});

describe('the writer’s errors for payloads that would not be read back', () => {
  const inside = 'contains a delimiter, or makes one with the delimiter behind it,';
  const trailed = delimiter({ delimiter: '>', trailer: 2 });
  const started = delimiter({ start: '$GP', delimiter: ';', stripStart: false, maxFrameLength: 2 });

  test.each<[Framing, payload: string, problem: string]>([
    [delimiter({ delimiter: '\r\n' }), 'a\r\nb', `${inside} at byte 1`],
    [delimiter({ delimiter: 'aa' }), 'ba', `${inside} at byte 2`],
    [delimiter({ delimiter: ';', stripDelimiter: false }), 'a;b', `${inside} at byte 1`],
    [delimiter({ delimiter: ';', stripDelimiter: false }), 'a;b;', `${inside} at byte 1`],
    [trailed, 'a', 'has no delimiter before its trailer at byte 1'],
    [trailed, 'a>', 'has no 2 bytes behind its delimiter at byte 1'],
    [trailed, 'a>1', 'has no 2 bytes behind its delimiter at byte 1'],
    [trailed, 'a>123', `${inside} at byte 1`],
    [trailed, '>>>1', `${inside} at byte 0`],
    [started, 'ab', 'does not begin with the start that is to stay on it at byte 0'],
    [started, '$G', 'does not begin with the start that is to stay on it at byte 0'],
  ])('%#: %j', (framing, payload, problem) => {
    expect(thrown(() => writeOne(framing, b(payload)))).toMatchObject({
      code: 'ERR_FRAME_STUFFING',
      message: `payload ${problem}`,
      origin: 'local',
      offset: Number(/\d+$/.exec(problem)![0]),
    });
  });

  test('the start that stays on a frame does not count for its length, nor does the delimiter', () => {
    expect(String(writeOne(started, b('$GPab')))).toBe('$GPab;');
    const whole = delimiter({
      start: '$',
      delimiter: ';',
      stripStart: false,
      stripDelimiter: false,
      maxFrameLength: 2,
    });
    expect(String(writeOne(whole, b('$ab;')))).toBe('$ab;');
    for (const [framing, payload] of [
      [started, '$GPabc'],
      [whole, '$abc'],
      [whole, '$abc;'],
    ] as const) {
      expect(thrown(() => writeOne(framing, b(payload)))).toMatchObject({
        code: 'ERR_FRAME_TOO_LONG',
        limit: 2,
        actual: 3,
      });
    }
  });

  test('a frame is validated in the form that is delivered', () => {
    const valid = (frame: Buffer): boolean => frame.at(-1) === 0x3b;
    const keeps = delimiter({ delimiter: ';', stripDelimiter: false, valid });
    expect(String(writeOne(keeps, b('ab')))).toBe('ab;');
    expect(String(writeOne(keeps, b('ab;')))).toBe('ab;');
    const strips = delimiter({ delimiter: ';', valid });
    expect(thrown(() => writeOne(strips, b('ab')))).toMatchObject({ code: 'ERR_FRAME_CHECKSUM' });
    const never = delimiter({ delimiter: ';', stripDelimiter: false, valid: () => false });
    expect(thrown(() => writeOne(never, b('ab;')))).toMatchObject({
      code: 'ERR_FRAME_CHECKSUM',
      message: 'payload that is not valid',
      origin: 'local',
    });
  });

  test('a payload in place gets its start and its delimiter, or already has them', () => {
    const framing = delimiter({ start: '<<', delimiter: '>', stripDelimiter: false });
    const writer = framing.writer();
    expect(writer.headerLength).toBe(2);
    expect(writer.bound(3)).toBe(6);
    const target = b('......ab......');
    expect(writer.seal!(target, 4, 8)).toBe(9);
    expect(String(target)).toBe('....<<ab>.....');
    expect(writer.seal!(target, 4, 9)).toBe(9);
    expect(() => writer.seal!(target, 4, 10)).toThrow('contains a delimiter');
    expect(writer.write(target, 9, b('<ab>'), 1, 3)).toBe(14);
    expect(String(target)).toBe('....<<ab><<ab>');
  });
});

test('the writer uses the first delimiter that does not begin another one', () => {
  for (const [list, written] of [
    [['a', 'ab', 'c'], 'xab'],
    [['ab', 'a'], 'xab'],
    [['c', 'a', 'ab'], 'xc'],
    [['b', 'ab'], 'xb'],
  ] as const) {
    expect(String(writeOne(delimiter({ delimiter: list }), b('x')))).toBe(written);
  }
});

test('a batch has as many frames as are asked for, and is no run where the last has no delimiter', () => {
  const reader = delimiter({ delimiter: ';', unterminated: 'emit' }).reader();
  reader.push(b('a;b;c;d'));
  expect(reader.take(1)).toMatchObject({ count: 1, bounds: [0, 1], wire: 'delimiter:3b', runEnd: 2 });
  expect(reader.take(2)).toMatchObject({ count: 2, bounds: [2, 3, 4, 5], wire: 'delimiter:3b', runEnd: 6 });
  expect(reader.take()).toBeUndefined();
  reader.end();
  expect(reader.take()).toMatchObject({ count: 1, bounds: [0, 1], wire: undefined });
  expect(reader.take()).toBeUndefined();
});

describe('the search', () => {
  test('any two short delimiters equal a search from the start', () => {
    const letters = ['a', 'b', 'c'];
    const words = [
      ...letters,
      ...letters.flatMap((one) => letters.map((other) => one + other)),
      'bba',
      'aab',
    ];
    const text = 'abbaabaacbababccbacaabbbacbaaabbcacbbaab';
    for (const [i, one] of words.entries()) {
      for (const other of words.slice(0, i)) {
        const framing = delimiter({ delimiter: [one, other], unterminated: 'emit' });
        const expected = naive(text, [one, other], true);
        for (const size of [1, 2, 3, 7, 40]) {
          const { frames } = readAll(framing, pieces(b(text), size));
          if (texts(frames).join() !== expected.join()) expect.fail(`${one}, ${other}, in chunks of ${size}`);
        }
      }
    }
  });

  test('finds bytes wherever they stand, near and far', () => {
    const bytes = Buffer.alloc(80, 'x');
    for (let at = 0; at < 80; at++) {
      for (const length of [1, 2, 3]) {
        const copy = Buffer.from(bytes);
        const mark = Buffer.from('abc').subarray(0, length);
        const there = mark.copy(copy, at);
        for (const from of [0, 1, 20, 47, 48, 49, 79]) {
          if (length === 1) expect(indexOfByte(copy, 0x61, from)).toBe(at >= from ? at : -1);
          for (const to of [32, 33, 52, 79, 80]) {
            const isInside = there === length && at >= from && at + length <= to;
            expect(indexOfBytes(copy, mark, from, to)).toBe(isInside ? at : -1);
          }
        }
      }
    }
  });

  test('what is as long as the delimiters is made once, not for each reader', () => {
    const framing = delimiter({
      start: 's'.repeat(10_000),
      delimiter: ['d'.repeat(10_000), 'e'.repeat(20_000)],
    });
    const made = vi.spyOn(Map.prototype, 'set');
    try {
      for (let n = 0; n < 3; n++) framing.reader();
      expect(made.mock.calls.length).toBeLessThan(100);
    } finally {
      made.mockRestore();
    }
  });

  test('finds whichever comes first: a byte that ends a stretch, or one that begins the next and is left there', () => {
    const places = [0, 1, 30, 31, 32, 33, 95, 96, 97, 150, 223, 224, 225, 299];
    for (const from of [0, 1, 40]) {
      for (const end of [...places, -1]) {
        for (const start of [...places, -1]) {
          if (end === start && end !== -1) continue;
          const chunk = Buffer.alloc(300);
          if (end >= 0) chunk[end] = 1;
          if (start >= 0) chunk[start] = 2;
          const search = markerSearch(1, 2)();
          const [ends, starts] = [end >= from ? end : Infinity, start >= from ? start : Infinity];
          expect(search.find(chunk, from)).toBe(Math.min(ends, starts) < Infinity);
          if (ends < starts) expect([search.matchStart, search.matchEnd]).toEqual([end, end + 1]);
          else if (starts < ends) expect([search.matchStart, search.matchEnd]).toEqual([start, start]);
          expect([search.pending, search.end()]).toEqual([0, false]);
        }
      }
    }
  });

  test.each([
    ['one byte', ['\n']],
    ['LF with CR', ['\n', '\r\n']],
    ['one delimiter', ['--boundary--']],
    ['several', ['<end>', '</end>', '\0\0\0\0']],
  ])('examines no byte twice: %s', (_, delimiters) => {
    const search = delimiterSearch(delimiters.map(b))();
    const bytes = Buffer.alloc(20_000, '--bound<en\0\0\r');
    for (const size of [1, 2, 7, 1_400]) {
      const longest = Math.max(...delimiters.map((one) => one.length));
      const looked = looks(search, bytes, size);
      // Within a chunk the end may be looked at again, after the native search, and only that.
      const again = size === 1 ? 0 : Math.ceil(bytes.length / size) * Math.min(size, longest);
      expect(looked).toBeLessThanOrEqual(bytes.length + again + Math.ceil(bytes.length / size));
      search.reset();
    }
  });
});

/** How many bytes a search asks its chunks for, natively or one by one. */
function looks(search: DelimiterSearch, bytes: Buffer, size: number): number {
  let count = 0;
  for (const piece of pieces(bytes, size)) {
    const chunk = new Proxy(piece, {
      get(target, key) {
        if (key === 'indexOf') {
          return (what: number | Buffer, from: number) => {
            const found = target.indexOf(what, from);
            count += (found === -1 ? target.length : found + 1) - from;
            return found;
          };
        }
        if (typeof key === 'string' && /^\d+$/.test(key)) count++;
        return Reflect.get(target, key, target);
      },
    });
    expect(search.find(chunk, 0)).toBe(false);
  }
  return count;
}

/** The same, from the definition: the earliest match, the longest at one place. */
function naive(text: string, delimiters: readonly string[], strips: boolean): string[] {
  const frames: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const here = delimiters.filter((one) => text.startsWith(one, at)).sort((x, y) => y.length - x.length)[0];
    if (here === undefined) {
      at++;
      continue;
    }
    frames.push(text.slice(from, strips ? at : at + here.length));
    at += here.length;
    from = at;
  }
  if (from < text.length) frames.push(text.slice(from));
  return frames;
}

test('line reads what it writes, or refuses to write it, for every option', () => {
  const cases = fc.record({
    stripDelimiter: fc.boolean(),
    lines: fc.array(
      fc.array(fc.constantFrom('a', 'b', '\r', '\n', 'é'), { maxLength: 6 }).map((parts) => parts.join('')),
      { maxLength: 5 },
    ),
  });
  fc.assert(
    fc.property(cases, ({ stripDelimiter, lines }) => {
      const framing = line({ stripDelimiter });
      const written: Buffer[] = [];
      for (const text of lines) {
        // What a reader that keeps the delimiter hands on ends with it.
        const payload = Buffer.from(stripDelimiter ? text : `${text}\n`);
        try {
          writeOne(framing, payload);
          written.push(payload);
        } catch (error) {
          expect(error).toMatchObject({ origin: 'local' });
          expect(text).toMatch(/\n|\r$/);
        }
      }
      const reader = framing.reader();
      reader.push(Buffer.concat(written.map((payload) => writeOne(framing, payload))));
      for (const payload of written) expect(reader.next()).toEqual(payload);
      reader.end();
      expect(reader.next()).toBeUndefined();
      expect(reader.error).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});
