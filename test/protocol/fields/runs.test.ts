import { describe, expect, it } from 'vitest';
import { RunWriter } from '../../../src/protocol/fields/engine/encode-run.ts';
import { TextWriter } from '../../../src/protocol/fields/engine/gathered-texts.ts';

const SHORT = 'x'.repeat(47);
const LONG = 'x'.repeat(48);

describe('a writer of texts', () => {
  it('writes a text at once, and refuses one that is longer than its limit or has a lone surrogate', () => {
    const texts = new TextWriter();
    const target = Buffer.alloc(8);
    expect(texts.write(target, 1, 'é!', 3)).toBe(3);
    expect(target.toString('hex')).toBe('00c3a92100000000');
    expect(texts.write(target, 1, 'é!', 2)).toBe(-1);
    expect(texts.write(target, 1, '\ud800', 9)).toBe(-1);
    expect(texts.count).toBe(0);
  });

  it('gathers short texts, and writes each to its place at the end', () => {
    const texts = new TextWriter();
    const target = Buffer.alloc(64, 0xee);
    expect(texts.begin(target)).toBe(true);
    expect(texts.write(target, 2, 'ab', 2)).toBe(2);
    expect(texts.write(target, 5, 'c', 9)).toBe(1);
    expect(texts.write(target, 8, SHORT, 47)).toBe(47);
    expect(texts.count).toBe(3);
    expect(target).toEqual(Buffer.alloc(64, 0xee));
    expect(texts.end()).toBe(true);
    expect(texts.count).toBe(0);
    const due = Buffer.alloc(64, 0xee);
    due.write('ab', 2);
    due.write('c', 5);
    due.write(SHORT, 8);
    expect(target).toEqual(due);
  });

  it('writes long texts and those of other buffers at once meanwhile', () => {
    const texts = new TextWriter();
    const [target, other] = [Buffer.alloc(64), Buffer.alloc(4)];
    texts.begin(target);
    expect(texts.write(target, 0, LONG, 48)).toBe(48);
    expect(target.toString('latin1', 0, 49)).toBe(`${LONG}\0`);
    expect(texts.write(other, 1, 'ab', 2)).toBe(2);
    expect(other.toString('hex')).toBe('00616200');
    expect(texts.write(target, 0, 'abc', 2)).toBe(-1);
    expect(texts.count).toBe(0);
    expect(texts.begin(other)).toBe(false);
    expect(texts.end()).toBe(true);
    expect(texts.begin(other)).toBe(true);
  });

  it('writes nothing if one of them is not ASCII, and can begin anew', () => {
    const texts = new TextWriter();
    const target = Buffer.alloc(8, 0xee);
    texts.begin(target);
    texts.write(target, 0, 'a', 9);
    texts.write(target, 1, 'é', 9);
    expect(texts.end()).toBe(false);
    expect(target).toEqual(Buffer.alloc(8, 0xee));
    expect(texts.begin(target)).toBe(true);
    texts.write(target, 3, 'z', 9);
    expect(texts.end()).toBe(true);
    expect(target.toString('hex')).toBe('eeeeee7aeeeeeeee');
  });

  it('knows that texts are not ASCII, however many of them fill its own memory', () => {
    const texts = new TextWriter();
    const target = Buffer.alloc(200);
    for (const [text, isAscii] of [
      ['a'.repeat(10), true],
      // As many bytes as memory for ten characters has: cut off, they would be as many as the characters.
      ['€'.repeat(20), false],
      ['€'.repeat(30), false],
      ['a'.repeat(40), true],
      ['€'.repeat(40), false],
    ] as const) {
      texts.begin(target);
      texts.write(target, 0, text, 200);
      texts.write(target, 100, text, 200);
      expect(texts.end()).toBe(isAscii);
    }
  });

  it('is not deceived by texts that are cut off at as many bytes as they have characters', () => {
    const texts = new TextWriter();
    const target = Buffer.alloc(500);
    const gather = (text: string, times: number): boolean => {
      texts.begin(target);
      for (let i = 0; i < times; i++) texts.write(target, 150 * i, text, 200);
      return texts.end();
    };
    // 20 characters make memory of 120 bytes; 120 characters of three bytes each fill it.
    expect(gather('a'.repeat(10), 2)).toBe(true);
    expect(gather('€'.repeat(40), 3)).toBe(false);
  });

  it('forgets the texts of a message that is not written', () => {
    const texts = new TextWriter();
    const target = Buffer.alloc(4, 0xee);
    texts.begin(target);
    texts.write(target, 0, 'a', 9);
    texts.write(target, 1, 'b', 9);
    texts.forget(1);
    expect(texts.count).toBe(1);
    expect(texts.end()).toBe(true);
    expect(target.toString('hex')).toBe('61eeeeee');
  });
});

describe('a writer of runs', () => {
  /** Frames of one byte for the length; a message is a text of at most 9 characters, and `!` cannot be encoded. */
  function parts(text?: TextWriter, maxLength = 9) {
    const asked: string[] = [];
    const encoder = {
      maxLength,
      texts: text,
      bound(message: unknown) {
        asked.push(`bound ${message}`);
        return (message as string).length;
      },
      encode(message: unknown, target: Buffer, at: number) {
        const value = message as string;
        if (value === '!') return -1;
        if (text !== undefined) return at + text.write(target, at, value, 9);
        return at + target.write(value, at, 'utf8');
      },
    };
    const writer = {
      headerLength: 1,
      bound: (length: number) => 1 + length,
      seal(target: Buffer, at: number, end: number) {
        asked.push(`seal ${at} ${end}`);
        target[at] = end - at - 1;
        return end;
      },
    };
    const runs = new RunWriter(encoder);
    const write = (messages: string[], room = 64, from = 0, at = 0) => {
      asked.length = 0;
      const target = Buffer.alloc(room, 0xee);
      const { index, at: end } = runs.write({ messages, from, target, at, writer });
      return { index, bytes: target.toString('latin1', at, end) };
    };
    return { encoder, writer, asked, write };
  }

  it('writes one frame after the other, from the message and the place it is given', () => {
    const { write, asked } = parts();
    expect(write(['ab', 'c', 'def'], 64, 1, 3)).toMatchObject({ index: 3, bytes: '\x01c\x03def' });
    // No message is longer than its frame has room for, so none is measured.
    expect(asked).toEqual(['seal 3 5', 'seal 5 9']);
  });

  it('stops where the room ends for the longest message, or for this one if messages may be long', () => {
    expect(parts().write(['ab', 'c'], 12)).toMatchObject({ index: 1, bytes: '\x02ab' });
    expect(parts().write(['ab', 'c'], 13)).toMatchObject({ index: 2, bytes: '\x02ab\x01c' });
    expect(parts(undefined, 1_024).write(['ab'], 1_024)).toMatchObject({ index: 0 });
    const long = parts(undefined, 1_025);
    expect(long.write(['ab', 'c'], 5)).toMatchObject({ index: 2, bytes: '\x02ab\x01c' });
    expect(long.asked).toEqual(['bound ab', 'seal 0 3', 'bound c', 'seal 3 5']);
    expect(parts(undefined, 1_025).write(['ab', 'c'], 4)).toMatchObject({ index: 1, bytes: '\x02ab' });
  });

  it('stops before a message that cannot be encoded, or whose frame cannot be sealed', () => {
    expect(parts().write(['ab', '!', 'c'])).toMatchObject({ index: 1, bytes: '\x02ab' });
    for (const seal of [
      () => {
        throw new Error('no');
      },
      () => 1.5,
      () => 2,
      () => 65,
      () => 0,
    ]) {
      const { write, writer } = parts();
      Object.assign(writer, { seal });
      expect(write(['ab'])).toMatchObject({ index: 0, bytes: '' });
    }
    const { write, encoder } = parts();
    Object.assign(encoder, { encode: () => 65 });
    expect(write(['ab'])).toMatchObject({ index: 0, bytes: '' });
    const careless = parts();
    Object.assign(careless.writer, { seal: () => 5 });
    expect(careless.write(['!'])).toMatchObject({ index: 0, bytes: '' });
  });

  it('gathers the texts of four messages or more, and moves each frame to the end of the last one', () => {
    const texts = new TextWriter();
    const begun: number[] = [];
    const begin = texts.begin.bind(texts);
    texts.begin = (target) => {
      begun.push(target.length);
      return begin(target);
    };
    const { write } = parts(texts);
    expect(write(['a', 'b', 'c'])).toMatchObject({ index: 3, bytes: '\x01a\x01b\x01c' });
    expect(begun).toEqual([]);
    expect(write(['a', 'b', 'c', 'd'])).toMatchObject({ index: 4, bytes: '\x01a\x01b\x01c\x01d' });
    expect(begun).toEqual([64]);
    expect(write(['a', 'b', 'c', 'd'], 64, 1)).toMatchObject({ index: 4, bytes: '\x01b\x01c\x01d' });
    expect(begun).toEqual([64]);
    expect(write(['a', 'b', 'c', '!', 'e'])).toMatchObject({ index: 3, bytes: '\x01a\x01b\x01c' });
    expect(texts.count).toBe(0);
    // The fourth message would need ten bytes.
    expect(write(['a', 'b', 'c', 'd'], 15)).toMatchObject({ index: 3, bytes: '\x01a\x01b\x01c' });
    expect(write(['a', 'b', 'c', 'd'], 16)).toMatchObject({ index: 4, bytes: '\x01a\x01b\x01c\x01d' });
    // What follows a message that cannot be written is not written either.
    expect(write(['a', 'b', 'c', '!', 'eee'])).toMatchObject({ index: 3, bytes: '\x01a\x01b\x01c' });
    const long = parts(new TextWriter(), 1_025);
    expect(long.write(['a', 'b', 'c', 'd'], 8)).toMatchObject({ index: 4, bytes: '\x01a\x01b\x01c\x01d' });
    expect(long.write(['a', 'b', 'c', 'd'], 7)).toMatchObject({ index: 3, bytes: '\x01a\x01b\x01c' });
  });

  it('leaves the room alone that a message would have had which became longer than it was', () => {
    const texts = new TextWriter();
    const { encoder, writer } = parts(texts);
    const { encode } = encoder;
    Object.assign(encoder, {
      encode: (message: unknown, target: Buffer, at: number) =>
        encode(message, target, at) + (message === 'z' ? 99 : 0),
    });
    const target = Buffer.alloc(64, 0xee);
    const messages = ['a', 'b', 'z', 'c'];
    const { index, at } = new RunWriter(encoder).write({ messages, from: 0, target, at: 0, writer });
    expect([index, target.toString('latin1', 0, at)]).toEqual([2, '\x01a\x01b']);
    expect(target.subarray(at)).toEqual(Buffer.alloc(60, 0xee));
  });

  it('writes one by one for longer and longer after texts that are not ASCII', () => {
    const texts = new TextWriter();
    let begun = false;
    const begin = texts.begin.bind(texts);
    texts.begin = (target) => {
      begun = true;
      return begin(target);
    };
    const { write } = parts(texts);
    const isGathered = (last: string): boolean => {
      begun = false;
      const length = Buffer.byteLength(last);
      const bytes = `\x01a\x01b\x01c${String.fromCharCode(length)}${Buffer.from(last).toString('latin1')}`;
      expect(write(['a', 'b', 'c', last])).toEqual({ index: 4, bytes });
      return begun;
    };
    const pauses: number[] = [];
    expect(isGathered('é')).toBe(true);
    while (pauses.length < 6) {
      let pause = 0;
      while (!isGathered('é')) pause++;
      pauses.push(pause);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32]);
    for (let i = 0; i < 64; i++) expect(isGathered('d')).toBe(false);
    // Texts that are ASCII make the next pause short again.
    expect(['d', 'é', 'd', 'd'].map(isGathered)).toEqual([true, true, false, true]);
  });

  it('pauses for at most 1,024 runs', () => {
    const texts = new TextWriter();
    let begun = 0;
    const begin = texts.begin.bind(texts);
    texts.begin = (target) => {
      begun++;
      return begin(target);
    };
    const { write } = parts(texts);
    for (let i = 0; i < 5_000; i++) write(['é', 'é', 'é', 'é'], 48);
    // 1 + 2 + … + 512 runs of pauses, then pauses of 1,024
    expect(begun).toBe(10 + 1 + Math.floor((5_000 - 1_023 - 11) / 1_025));
  });

  it('moves frames together whose payloads were shorter than their room', () => {
    const texts = new TextWriter();
    const { write, writer } = parts(texts);
    Object.assign(writer, { bound: (length: number) => 3 + length });
    const due = { index: 4, bytes: '\x01a\x02bc\x00\x03def' };
    expect(write(['a', 'bc', '', 'def'])).toEqual(due);
    expect(write(['x', 'a', 'bc', '', 'def'], 64, 1, 5)).toEqual({ ...due, index: 5 });
  });

  it('stops at a frame that cannot be sealed after others were gathered', () => {
    const { write, writer, asked } = parts(new TextWriter());
    const { seal } = writer;
    Object.assign(writer, {
      seal(target: Buffer, at: number, end: number) {
        return asked.length === 2 ? -1 : seal(target, at, end);
      },
    });
    expect(write(['x', 'a', 'b', 'c', 'd'], 64, 1)).toEqual({ index: 3, bytes: '\x01a\x01b' });
  });

  it('writes frames without a header, and empty ones', () => {
    for (const texts of [undefined, new TextWriter()]) {
      const { write, writer } = parts(texts);
      Object.assign(writer, {
        headerLength: 0,
        bound: (length: number) => length,
        seal: (_: Buffer, __: number, end: number) => end,
      });
      expect(write(['', 'ab', '', 'c'])).toEqual({ index: 4, bytes: 'abc' });
    }
  });
});
