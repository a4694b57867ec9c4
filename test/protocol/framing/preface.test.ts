/** The reader behind a preface hands on all that the reader of the frames can do. */
import { describe, expect, test } from 'vitest';
import {
  delimiter,
  type FrameReader,
  type FrameReaderOptions,
  type Framing,
  fixedLength,
  lengthPrefix,
  packets,
} from '../../../src/index.ts';
import { prefaced } from '../../../src/protocol/framing/preface.ts';
import { chunkings } from '../../support/chunkings.ts';
import { hex } from '../../support/hex.ts';

const preface = Buffer.from('PRI');
const open = (framing: Framing, options?: FrameReaderOptions): FrameReader =>
  prefaced(framing, preface).reader(options);

function allOf(reader: FrameReader): string[] {
  const frames: string[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(String(frame));
  return frames;
}

test('a framing after a preface gives the same description', () => {
  for (const framing of [
    lengthPrefix(),
    delimiter({ delimiter: ';' }),
    packets({ kinds: { one: { start: '$', length: 2 } } }),
  ]) {
    const { name, wire, maxFrameLength, layout, call } = framing;
    const behind = prefaced(framing, preface);
    expect(behind).toMatchObject({ name, wire, maxFrameLength, layout, call });
    expect(behind.inParts).toBe(framing.inParts);
    expect(behind.writer()).toBe(framing.writer());
    expect(behind.kindOf?.(hex('"$a"'), 0, 2)).toBe(framing.kindOf && 'one');
    expect('kindOf' in behind).toBe('kindOf' in framing);
  }
});

test('the frames after it, for any cut', () => {
  for (const [, chunks] of chunkings(hex('"PRI"', '"ab;"', '";"', '"c;"'))) {
    const reader = open(delimiter({ delimiter: ';' }));
    const frames = [...chunks].flatMap((chunk) => {
      reader.push(chunk);
      return allOf(reader);
    });
    reader.end();
    expect(frames).toEqual(['ab', '', 'c']);
    expect(allOf(reader)).toEqual([]);
    expect(reader.error).toBeUndefined();
  }
});

test('batches up to the requested limit', () => {
  const reader = open(fixedLength(1));
  expect(reader.take()).toBeUndefined();
  reader.push(hex('"PRI"', '"abc"'));
  expect(reader.take(2)?.count).toBe(2);
  expect(reader.take()?.count).toBe(1);
  expect(reader.take()).toBeUndefined();
});

test('nothing is read after a wrong preface, until a new stream begins', () => {
  const reader = open(fixedLength(1));
  reader.push(hex('"PR"'));
  expect([reader.buffered, reader.isMeasured]).toEqual([2, true]);
  reader.push(hex('"X"', '"a"'));
  const { error } = reader;
  expect(error).toMatchObject({ code: 'ERR_FRAME_PREFACE', actual: '"PRX"', expected: '"PRI"', offset: 2 });
  expect(reader.buffered).toBe(0);
  reader.push(hex('"PRI"', '"a"'));
  expect([reader.next(), reader.take()]).toEqual([undefined, undefined]);
  reader.end();
  expect(reader.error).toBe(error);
  reader.reset();
  expect(reader.error).toBeUndefined();
  reader.push(hex('"PRI"', '"a"'));
  expect(allOf(reader)).toEqual(['a']);
  // What follows a frame that is wrong is not read either.
  const strict = open(delimiter({ delimiter: ';', maxFrameLength: 1 }));
  strict.push(hex('"PRI"', '"abc;"'));
  expect(allOf(strict)).toEqual([]);
  expect(strict.error?.code).toBe('ERR_FRAME_TOO_LONG');
  strict.push(hex('"a;"'));
  expect([strict.next(), strict.take()]).toEqual([undefined, undefined]);
});

test('an empty stream is no violation; a stream that ends inside the preface is one', () => {
  const silent = open(fixedLength(1));
  silent.end();
  expect(silent.error).toBeUndefined();
  const cut = open(fixedLength(1), { streamOffset: 7 });
  cut.push(hex('"P"'));
  cut.end();
  expect(cut.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', actual: 1, expected: 3, offset: 7 });
  const whole = open(fixedLength(1));
  whole.push(preface);
  whole.end();
  expect(whole.next()).toBeUndefined();
  expect(whole.error).toBeUndefined();
});

describe('what is detached', () => {
  test.each([
    ['', ''],
    ['PR', 'PR'],
    ['PRI', ''],
    ['PRIa', 'a'],
  ])('of %j is %j, and a new stream begins', (bytes, rest) => {
    const reader = open(fixedLength(2));
    reader.push(Buffer.from(bytes));
    reader.next();
    expect(String(reader.detach())).toBe(rest);
    expect(reader.buffered).toBe(0);
    reader.push(hex('"PRIab"'));
    expect(allOf(reader)).toEqual(['ab']);
  });
});

test('long frames in parts, which can be skipped', () => {
  const reader = open(lengthPrefix({ lengthFieldLength: 1 }), { partsAbove: 2 });
  expect([reader.partial, reader.part?.()]).toEqual([undefined, undefined]);
  reader.push(hex('"PRI"', '03 "ab"'));
  expect(reader.next()).toBeUndefined();
  expect(reader.partial?.length).toBe(3);
  expect(String(reader.part?.())).toBe('ab');
  reader.skipParts?.();
  reader.push(hex('"c"', '01 "d"'));
  expect(allOf(reader)).toEqual(['d']);
});

test('reports, counts, measured frames and pauses', () => {
  const counts = { discarded: 0, noise: 0 };
  const codes: string[] = [];
  let onDiscard: FrameReaderOptions['onDiscard'];
  const reader = open(packets({ kinds: [{ start: '$', length: 4, valid: () => false }] }), {
    counts,
    pauseAfter: 4,
    get onDiscard() {
      return onDiscard;
    },
  });
  expect(reader.isPaused).toBe(false);
  onDiscard = ({ code }) => codes.push(code);
  reader.push(hex('"PRI"', '"$$$$$$"'));
  expect(reader.next()).toBeUndefined();
  expect(reader.isPaused).toBe(true);
  while (reader.isPaused) reader.next();
  reader.end();
  while (reader.next() !== undefined || reader.isPaused);
  expect(counts).toEqual({ discarded: 0, noise: 3 });
  expect(codes).toEqual(['ERR_FRAME_NOISE']);
  expect(reader.error?.offset).toBe(6);

  const waiting = open(fixedLength(2));
  waiting.push(hex('"PRI"'));
  expect(waiting.isMeasured).toBe(false);
  waiting.push(hex('"a"'));
  waiting.next();
  expect([waiting.isMeasured, waiting.buffered]).toEqual([true, 1]);
  waiting.giveUp?.();
  expect([waiting.isMeasured, waiting.buffered]).toEqual([false, 0]);
  waiting.push(hex('"bc"'));
  expect(allOf(waiting)).toEqual(['bc']);
});

test('a reader that has only what every reader has', () => {
  const inner = fixedLength(2);
  const plain: Framing = {
    ...inner,
    reader(options) {
      const reader = inner.reader(options);
      return {
        get error() {
          return reader.error;
        },
        get buffered() {
          return reader.buffered;
        },
        push: (chunk) => reader.push(chunk),
        next: () => reader.next(),
        take: (limit) => reader.take(limit),
        end: () => reader.end(),
        reset: () => reader.reset(),
        detach: () => reader.detach(),
      };
    },
  };
  const reader = open(plain);
  reader.push(hex('"PRI"', '"a"'));
  expect([reader.next(), reader.part?.(), reader.partial]).toEqual([undefined, undefined, undefined]);
  expect([reader.isPaused, reader.isMeasured]).toEqual([false, false]);
  reader.skipParts?.();
  reader.giveUp?.();
  reader.push(hex('"bc"'));
  expect(allOf(reader)).toEqual(['bc']);
});
