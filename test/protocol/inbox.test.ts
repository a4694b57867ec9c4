import { describe, expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  type FrameError,
  type Framing,
  lengthPrefix,
  line,
  packets,
  slip,
} from '../../src/index.ts';
import type { FrameBatch } from '../../src/protocol/framing/framing.ts';
import { Inbox } from '../../src/protocol/inbox.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const semicolons = delimiter({ delimiter: ';' });

function open(framing: Framing = line(), preface?: string, onDiscard?: (error: FrameError) => void): Inbox {
  const direction = {
    framing,
    messages: undefined,
    preface: preface === undefined ? undefined : bytes(preface),
  };
  return new Inbox(direction, undefined, { observer: onDiscard && { onDiscard } });
}

const texts = (batch: FrameBatch | undefined): string[] | undefined =>
  batch &&
  Array.from({ length: batch.count }, (_, i) =>
    batch.bytes.toString('latin1', batch.bounds[2 * i], batch.bounds[2 * i + 1]),
  );

/** All batches that there are now. */
function read(inbox: Inbox, isSettled = true): string[][] {
  const all: string[][] = [];
  for (let batch = texts(inbox.read(isSettled)); batch !== undefined; batch = texts(inbox.read(isSettled)))
    all.push(batch);
  return all;
}

describe('frames', () => {
  test('the frames of a chunk come together, up to 128; a frame that began in an earlier chunk comes alone', () => {
    const inbox = open();
    expect(inbox.hasMore).toBe(false);
    inbox.receive(bytes('a\nb\nc'));
    expect(inbox.hasMore).toBe(true);
    expect(read(inbox)).toEqual([['a', 'b']]);
    expect([inbox.hasMore, inbox.isInsideFrame, inbox.held]).toEqual([false, true, 1]);
    inbox.receive(bytes('d\ne\nf\n'));
    expect(read(inbox)).toEqual([['cd'], ['e', 'f']]);
    inbox.receive(bytes('x\n'.repeat(140)));
    expect(read(inbox).map(({ length }) => length)).toEqual([128, 12]);
  });

  test('one at a time if the framing may change; chunks wait for those before them', () => {
    const inbox = open();
    inbox.receive(bytes('a\nb\n'));
    inbox.receive(bytes('c\nd'));
    expect([inbox.held, inbox.isInsideFrame]).toEqual([7, false]);
    expect(texts(inbox.read(false))).toEqual(['a']);
    expect(inbox.held).toBe(5);
    expect(read(inbox, false)).toEqual([['b'], ['c']]);
    expect([inbox.held, inbox.isInsideFrame]).toEqual([1, true]);
  });

  test('the preface comes first, in any pieces, and once', () => {
    const inbox = open(line(), 'HI');
    inbox.receive(bytes('H'));
    expect(read(inbox)).toEqual([]);
    inbox.receive(bytes('Ia\n'));
    expect(read(inbox)).toEqual([['a']]);
    inbox.receive(bytes('HIb\n'));
    expect(read(inbox)).toEqual([['HIb']]);
    const wrong = open(line(), 'HI');
    wrong.receive(bytes('HO\n'));
    expect(read(wrong)).toEqual([]);
    expect(wrong.error).toMatchObject({ code: 'ERR_FRAME_PREFACE' });
  });

  test('an error comes once, after the frames before it', () => {
    const inbox = open(lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2 }));
    inbox.receive(Buffer.from([1, 97, 9, 1, 98]));
    expect(read(inbox)).toEqual([['a']]);
    expect(inbox.error).toMatchObject({ code: 'ERR_FRAME_TOO_LONG', offset: 2 });
    inbox.receive(Buffer.from([1, 99]));
    expect(read(inbox)).toEqual([]);
  });
});

describe('the end', () => {
  test('comes once, after everything; nothing is accepted after it', () => {
    const inbox = open();
    inbox.receive(bytes('a\n'));
    inbox.ended();
    inbox.receive(bytes('b\n'));
    expect([inbox.hasMore, inbox.isOver, inbox.held]).toEqual([true, false, 2]);
    expect(read(inbox)).toEqual([['a']]);
    expect([inbox.isOver, inbox.error]).toEqual([true, undefined]);
    inbox.ended();
    expect(inbox.isOver).toBe(true);
    inbox.receive(bytes('c\n'));
    expect(inbox.held).toBe(0);
  });

  test('inside of a frame is an error', () => {
    const inbox = open(lengthPrefix({ lengthFieldLength: 1 }));
    inbox.receive(Buffer.from([2, 1]));
    expect(read(inbox)).toEqual([]);
    expect(inbox.isMeasured).toBe(true);
    inbox.ended();
    expect(read(inbox)).toEqual([]);
    expect(inbox.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
  });

  test('is the end for another framing, too', () => {
    const inbox = open();
    inbox.receive(bytes('a\nbc'));
    inbox.ended();
    expect(texts(inbox.read(false))).toEqual(['a']);
    expect(inbox.change(semicolons, 1)).toBe(true);
    expect(read(inbox)).toEqual([]);
    expect(inbox.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
    const late = open();
    late.receive(bytes('a\n'));
    late.ended();
    read(late);
    late.change(lengthPrefix(), 0);
    expect([read(late), late.isOver, late.error]).toEqual([[], true, undefined]);
    // The end shows that a packet of 6 bytes is none, and the frames behind its first byte: 02 03 · 02 04.
    const behind = open(
      packets({
        kinds: { long: { start: [1], length: 6 }, short: { start: [2], length: 2 } },
        maxFrameLength: 6,
      }),
    );
    behind.receive(Buffer.from([1, 2, 3, 2, 4]));
    expect(read(behind)).toEqual([]);
    behind.ended();
    expect(texts(behind.read(true))).toEqual(['\x02\x03']);
    behind.change(lengthPrefix({ lengthFieldLength: 1 }), 1);
    expect(read(behind)).toEqual([]);
    expect(behind.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', offset: 3 });
  });
});

describe('another framing', () => {
  test('reads the bytes after the taken frames, also if more frames were cut', () => {
    for (const [count, expected] of [
      [1, ['b\nc', 'd']],
      [2, ['c', 'd']],
    ] as const) {
      const inbox = open();
      inbox.receive(bytes('a\nb\nc;d;e'));
      expect(texts(inbox.read(true))).toEqual(['a', 'b']);
      expect(inbox.change(semicolons, count)).toBe(true);
      expect(inbox.held).toBe(expected.join(';').length + 2);
      expect(read(inbox)).toEqual([expected]);
      expect(inbox.held).toBe(1);
    }
  });

  test.each([
    [true, ['a', 'b']],
    [false, ['a']],
  ])(
    'reads everything again if none of the frames that were cut was taken; settled: %s',
    (isSettled, cut) => {
      const inbox = open();
      inbox.receive(bytes('a\nb\nc;'));
      expect(texts(inbox.read(isSettled))).toEqual(cut);
      expect(inbox.change(semicolons, 0)).toBe(true);
      expect(read(inbox)).toEqual([['a\nb\nc']]);
    },
  );

  test('reads a chunk that has come, and was not read yet, from its first byte', () => {
    const inbox = open();
    inbox.receive(bytes('a\nb\n'));
    expect(read(inbox)).toEqual([['a', 'b']]);
    inbox.receive(bytes('c;d;'));
    expect(inbox.change(semicolons, 0)).toBe(false);
    expect(read(inbox)).toEqual([['c', 'd']]);
  });

  test('after a frame that began in an earlier chunk', () => {
    const inbox = open();
    inbox.receive(bytes('a'));
    read(inbox);
    inbox.receive(bytes('b\nc;d;'));
    expect(texts(inbox.read(true))).toEqual(['ab']);
    // All of the batch was taken: there is nothing to forget, but the rest of the chunk.
    expect(inbox.change(semicolons, 1)).toBe(true);
    expect(read(inbox)).toEqual([['c', 'd']]);
  });

  test('nothing is cut again if nothing has arrived, or the framing is the same', () => {
    const inbox = open();
    expect(inbox.change(semicolons, 0)).toBe(false);
    inbox.receive(bytes('a;b;'));
    expect(texts(inbox.read(true))).toEqual(['a', 'b']);
    expect(inbox.change(semicolons, 1)).toBe(false);
    expect(inbox.held).toBe(0);
    expect(read(inbox)).toEqual([]);
  });

  test('an unfinished frame, and chunks that wait, are read by it', () => {
    const inbox = open();
    inbox.receive(bytes('a'));
    read(inbox);
    expect(inbox.change(semicolons, 0)).toBe(false);
    inbox.receive(bytes('b;c'));
    inbox.receive(bytes('d;'));
    expect(read(inbox)).toEqual([['ab'], ['cd']]);
  });

  test('names the place in the whole stream, whatever was read before', () => {
    const inbox = open(line(), 'HI');
    inbox.receive(bytes('HIa\n\x01b\x09'));
    expect(texts(inbox.read(false))).toEqual(['a']);
    inbox.change(lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2 }), 1);
    expect(read(inbox)).toEqual([['b']]);
    expect(inbox.error).toMatchObject({ code: 'ERR_FRAME_TOO_LONG', offset: 6 });
  });

  test('the preface stays before the first frame', () => {
    const inbox = open(line(), 'HI');
    inbox.change(semicolons, 0);
    inbox.receive(bytes('HIa;'));
    expect(read(inbox)).toEqual([['a']]);
    inbox.change(line(), 1);
    inbox.receive(bytes('HIb\n'));
    expect(read(inbox)).toEqual([['HIb']]);
    const alone = open(line(), 'HI');
    alone.receive(bytes('HI'));
    alone.change(semicolons, 0);
    alone.receive(bytes('a;'));
    expect(read(alone)).toEqual([['a']]);
  });

  test('a wrong preface stays an error, also if nothing was read yet', () => {
    const inbox = open(line(), 'HI');
    inbox.receive(bytes('HO'));
    expect(inbox.change(semicolons, 0)).toBe(false);
    inbox.receive(bytes('a;'));
    expect(read(inbox)).toEqual([]);
    expect(inbox.error).toMatchObject({ code: 'ERR_FRAME_PREFACE', offset: 1 });
  });

  test('an error of the old framing is not an error of the new one', () => {
    const inbox = open(lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2 }));
    inbox.receive(Buffer.from('\x01a\x09b;c;', 'latin1'));
    expect(texts(inbox.read(true))).toEqual(['a']);
    expect(inbox.read(true)).toBeUndefined();
    expect(inbox.error).toBeDefined();
    inbox.change(semicolons, 0);
    expect(inbox.error).toBeUndefined();
  });

  test('chunks behind an error wait for another framing', () => {
    const inbox = open(lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2 }));
    inbox.receive(Buffer.from([9]));
    inbox.receive(bytes('a;'));
    expect(read(inbox)).toEqual([]);
    expect([inbox.error?.code, inbox.held]).toEqual(['ERR_FRAME_TOO_LONG', 2]);
    inbox.change(semicolons, 0);
    expect(read(inbox)).toEqual([['a']]);
  });
});

describe('unread bytes', () => {
  test('go to the next owner: those after the taken frames, and the waiting chunks', () => {
    for (const [count, expected] of [
      [0, 'a\nb\nc|d\n|e'],
      [1, 'b\nc|d\n|e'],
      [2, 'c|d\n|e'],
    ] as const) {
      const inbox = open();
      inbox.receive(bytes('a\nb\nc'));
      inbox.receive(bytes('|d\n'));
      inbox.receive(bytes('|e'));
      expect(texts(inbox.read(true))).toEqual(['a', 'b']);
      expect(inbox.leave(count).toString()).toBe(expected);
      expect(inbox.hasMore).toBe(false);
    }
    expect(open().leave(0)).toEqual(Buffer.alloc(0));
  });

  test.each<[string, Framing, first: string, skipped: string]>([
    // The frame 'a' · one that is too long, or noise.
    ['line', line({ maxFrameLength: 2, onTooLong: 'discard' }), 'a\n', 'bcd\n'],
    [
      'lengthPrefix',
      lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2, onTooLong: 'discard' }),
      '\x01a',
      '\x03bcd',
    ],
    ['cobs', cobs({ maxFrameLength: 2, onTooLong: 'discard' }), '\x02a\0', '\x04bcd\0'],
    // An escape that stands for nothing.
    ['slip', slip({ onInvalid: 'discard' }), 'a\xc0', 'b\xdbc\xc0'],
    ['packets', packets({ kinds: { k: { start: 'a', length: 1 } } }), 'a', 'bcd'],
  ])('%s: those that the framing has skipped go to the next owner, too', (_, framing, first, skipped) => {
    for (const before of ['', skipped])
      for (const after of ['', first, `${first}${skipped}`, skipped.slice(0, 2)]) {
        const inbox = open(framing);
        inbox.receive(bytes(before));
        expect(read(inbox)).toEqual([]);
        inbox.receive(bytes(`${first}${skipped}${after}`));
        expect(texts(inbox.read(true))![0]).toBe('a');
        expect(inbox.leave(1).toString('latin1')).toBe(`${skipped}${after}`);
        expect(inbox.held).toBe(0);
      }
  });

  test('behind a frame with which the reader has met an error already', () => {
    const framing = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2 });
    const inbox = open({
      ...framing,
      reader(options) {
        const reader = framing.reader(options);
        const take = reader.take.bind(reader);
        return Object.assign(reader, {
          take(limit?: number) {
            const batch = take(limit);
            take(1);
            return batch;
          },
        });
      },
    });
    inbox.receive(bytes('\x01a\x09b'));
    expect(texts(inbox.read(false))).toEqual(['a']);
    expect(inbox.error).toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
    expect(inbox.leave(1).toString('latin1')).toBe('\x09b');
  });

  test('are dropped', () => {
    const inbox = open();
    inbox.receive(bytes('a\nb'));
    inbox.receive(bytes('c\n'));
    expect(texts(inbox.read(true))).toEqual(['a']);
    inbox.forget();
    expect([inbox.hasMore, inbox.held]).toEqual([false, 0]);
  });

  test('after a frame that is skipped, and whose end comes in a later chunk', () => {
    const framing = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 2, onTooLong: 'discard' });
    const inbox = open(framing);
    // A frame of 9 bytes, of which 4 have come · the other 5, which look like frames of 1 byte · 'a', 'b', and one that is too long.
    inbox.receive(bytes('\x09\x01x\x01x'));
    expect(read(inbox)).toEqual([]);
    inbox.receive(bytes('\x01x\x01x\x01\x01a\x01b\x09x'));
    expect(texts(inbox.read(true))).toEqual(['a']);
    expect(inbox.leave(1).toString('latin1')).toBe('\x01b\x09x');
  });

  test('after a skipped frame only the first frame of each chunk comes alone', () => {
    const inbox = open(line({ maxFrameLength: 2, onTooLong: 'discard' }));
    inbox.receive(bytes('long\n'));
    expect(read(inbox)).toEqual([]);
    inbox.receive(bytes('a\nb\nc\n'));
    expect(read(inbox)).toEqual([['a'], ['b', 'c']]);
  });

  test('an unfinished frame is given up; the next byte begins a frame', () => {
    const inbox = open();
    inbox.receive(bytes('a\nb'));
    // Nothing is given up before it is known to be unfinished.
    inbox.giveUp();
    expect(read(inbox)).toEqual([['a']]);
    inbox.giveUp();
    expect([inbox.held, inbox.isInsideFrame]).toEqual([0, false]);
    inbox.receive(bytes('c\n'));
    expect(read(inbox)).toEqual([['c']]);
  });

  test('a reader without giveUp is reset instead', () => {
    const framing = lengthPrefix({ lengthFieldLength: 1 });
    const inbox = open({
      ...framing,
      reader: (options) => Object.assign(framing.reader(options), { giveUp: undefined }),
    });
    inbox.receive(Buffer.from([2, 1]));
    expect(read(inbox)).toEqual([]);
    inbox.giveUp();
    inbox.receive(bytes('\x01a'));
    expect(read(inbox)).toEqual([['a']]);
  });

  test('a packet after a false start is found when that is given up', () => {
    const framing = packets({
      kinds: { long: { start: [1], length: 6 }, short: { start: [2], length: 2 } },
      maxFrameLength: 6,
    });
    const inbox = open(framing);
    inbox.receive(Buffer.from([1, 2, 3]));
    expect(read(inbox)).toEqual([]);
    inbox.giveUp();
    expect(inbox.hasMore).toBe(true);
    expect(read(inbox)).toEqual([['\x02\x03']]);
    expect(inbox.counts.noise).toBe(1);
  });
});

test('noise is counted, reported, and read in several turns', () => {
  const errors: string[] = [];
  const framing = packets({
    kinds: { k: { start: [0x7e], length: 1_000, valid: { checksum: 'CRC-16/MODBUS', byteOrder: 'big' } } },
    maxFrameLength: 1_000,
  });
  const inbox = open(framing, undefined, ({ code }) => errors.push(code));
  inbox.receive(Buffer.alloc(1_600, 0x7e));
  expect(inbox.read(true)).toBeUndefined();
  expect([inbox.isPaused, inbox.hasMore]).toEqual([true, true]);
  const { held } = inbox;
  inbox.receive(Buffer.alloc(5));
  expect(inbox.held).toBe(held + 5);
  for (let turns = 0; inbox.isPaused && turns < 100; turns++) expect(inbox.read(true)).toBeUndefined();
  inbox.ended();
  for (let turns = 0; !inbox.isOver && turns < 100; turns++) inbox.read(true);
  expect([inbox.isOver, inbox.isPaused]).toEqual([true, false]);
  expect(inbox.counts.noise).toBeGreaterThan(600);
  expect(errors).toContain('ERR_FRAME_NOISE');
});
