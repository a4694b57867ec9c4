import { once } from 'node:events';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Codec,
  defineSession,
  delimiter,
  FrameDecoder,
  FrameEncoder,
  type FrameError,
  type FrameReaderOptions,
  type FrameStream,
  type Framing,
  lengthPrefix,
  line,
  MessageDecoder,
  MessageEncoder,
  packets,
  StateMachine,
} from '../../src/index.ts';

afterEach(() => void vi.useRealTimers());

/** The frames of a decoder, as text, what it skips, and its error. */
function decoding(decoder: FrameDecoder) {
  const seen: { frames: string[]; skipped: FrameError[]; error: Error | undefined } = {
    frames: [],
    skipped: [],
    error: undefined,
  };
  decoder.on('data', (frame: Buffer) => seen.frames.push(frame.toString('latin1')));
  decoder.on('discard', (error: FrameError) => seen.skipped.push(error));
  decoder.on('error', (error) => {
    seen.error = error;
  });
  return seen;
}

test.each([undefined, null, {}, { reader: 5 }])('%o is no framing', (framing) => {
  expect(() => new FrameDecoder(framing as never)).toThrow(
    new TypeError('expected a framing, such as lengthPrefix()'),
  );
  expect(() => new FrameEncoder(framing as never)).toThrow(
    new TypeError('expected a framing, such as lengthPrefix()'),
  );
});

describe('what is held', () => {
  test('the unfinished frame; and chunks that wait while the consumer holds the decoder back', async () => {
    const decoder = new FrameDecoder(line(), { readableHighWaterMark: 1 });
    decoder.write('ab');
    expect([decoder.buffered, decoder.unread]).toEqual([2, 2]);
    decoder.write('c\nd\nef');
    // 'abc' waits to be read, and with it the rest of its chunk, which the reader has.
    expect([decoder.buffered, decoder.unread]).toEqual([4, 4]);
    decoder.write('gh\n');
    expect([decoder.buffered, decoder.unread]).toEqual([4, 7]);
    const { frames } = decoding(decoder);
    await turn();
    expect(frames).toEqual(['abc', 'd', 'efgh']);
    expect([decoder.buffered, decoder.unread]).toEqual([0, 0]);
  });

  test('reset forgets it, detach gives it', () => {
    const decoder = new FrameDecoder(line());
    const { frames } = decoding(decoder);
    decoder.write('a\nbc');
    decoder.reset();
    expect(decoder.buffered).toBe(0);
    decoder.write('d\ne');
    expect(decoder.detach().toString()).toBe('e');
    decoder.write('f\n');
    expect(frames).toEqual(['a', 'd', 'f']);
  });

  test.each<[string, (decoder: FrameDecoder) => unknown, object]>([
    [
      'reset',
      (decoder) => decoder.reset(),
      {
        code: 'ERR_FRAME_TRUNCATED',
        origin: 'local',
        expected: 5,
        message: 'frame of 5 bytes was given up before its end',
      },
    ],
    ['detach', (decoder) => decoder.detach(), { code: 'ERR_FRAME_TRUNCATED', expected: 5 }],
    ['destroy', (decoder) => decoder.destroy(new Error('gone')), { message: 'gone' }],
  ])('a frame that is given as a stream ends with %s', async (_, act, error) => {
    const decoder = new FrameDecoder(lengthPrefix({ lengthFieldLength: 1 }), { stream: 2 });
    decoder.on('error', () => {});
    const given = once(decoder, 'data');
    decoder.write(Buffer.from([5, 1, 2]));
    const [frame] = (await given) as [FrameStream];
    expect([frame.length, decoder.buffered]).toEqual([5, 0]);
    const failed = once(frame, 'error').catch((error) => [error]);
    frame.resume();
    act(decoder);
    expect((await failed)[0]).toMatchObject(error);
  });
});

test('the reader hears whether anyone listens to what is skipped', () => {
  let given: FrameReaderOptions | undefined;
  const plain = line();
  const framing: Framing = {
    ...plain,
    reader(options) {
      given = options;
      return plain.reader(options);
    },
    writer: () => plain.writer(),
  };
  const decoder = new FrameDecoder(framing);
  expect(given).toMatchObject({ onDiscard: undefined, streamOffset: 0 });
  expect(given!.pauseAfter).toBeGreaterThan(0);
  const listener = vi.fn();
  decoder.on('discard', listener);
  const error = new Error('skipped') as FrameError;
  given!.onDiscard!(error);
  expect(listener.mock.calls).toEqual([[error]]);
  decoder.off('discard', listener);
  expect(given!.onDiscard).toBeUndefined();
});

test('noise that takes much work is read in several turns, and all of it is told', async () => {
  const framing = packets({
    kinds: { k: { start: [0x7e], length: 1_000, valid: { checksum: 'CRC-16/MODBUS', byteOrder: 'big' } } },
    maxFrameLength: 1_000,
  });
  const decoder = new FrameDecoder(framing);
  const seen = decoding(decoder);
  let isWritten = false;
  decoder.write(Buffer.alloc(1_600, 0x7e), () => {
    isWritten = true;
  });
  expect(isWritten).toBe(false);
  for (let turns = 0; !isWritten && turns < 100; turns++) await turn();
  expect(isWritten).toBe(true);
  decoder.end();
  for (let turns = 0; !decoder.destroyed && turns < 100; turns++) await turn();
  // The last of them may begin a packet.
  expect(seen.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
  expect(seen.frames).toEqual([]);
  expect(seen.skipped.map(({ code }) => code)).toContain('ERR_FRAME_NOISE');
});

describe('time, by fake timers', () => {
  /** Let time pass, and the turn of the event loop that a timer asks for. */
  async function pass(ms: number): Promise<void> {
    vi.advanceTimersByTime(ms);
    await turn();
    await turn();
  }

  function decoder(
    ...[options, framing = line()]: [ConstructorParameters<typeof FrameDecoder>[1], Framing?]
  ) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const decoder = new FrameDecoder(framing, options);
    return { decoder, seen: decoding(decoder) };
  }

  test('frameTimeout: from the first byte of each frame', async () => {
    const { decoder: one, seen } = decoder({ frameTimeout: 100 });
    one.write('a');
    await pass(60);
    // The second frame has its own time.
    one.write('b\nc');
    await pass(99);
    expect([seen.frames, seen.error]).toEqual([['ab'], undefined]);
    one.write('d');
    await pass(1);
    expect(seen.error).toMatchObject({
      code: 'ERR_FRAME_TIMEOUT',
      limit: 100,
      actual: 2,
      message: 'a frame took longer than 100 ms: 2 bytes of it have come',
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('frameTimeout: a frame without an end keeps its time; one that is complete has none', async () => {
    const { decoder: one, seen } = decoder({ frameTimeout: 100, onTimeout: 'discard' });
    one.write('a');
    expect(vi.getTimerCount()).toBe(1);
    one.write('b\n');
    expect(vi.getTimerCount()).toBe(0);
    one.write('c');
    await pass(100);
    expect(seen.skipped).toMatchObject([{ code: 'ERR_FRAME_TIMEOUT', actual: 1 }]);
    expect([one.buffered, vi.getTimerCount()]).toEqual([0, 0]);
    one.write('d\n');
    one.write('e');
    expect(vi.getTimerCount()).toBe(1);
    one.destroy();
    expect(vi.getTimerCount()).toBe(0);
    expect([seen.frames, seen.error]).toEqual([['ab', 'd'], undefined]);
  });

  test('nobody hears of a late frame: it is dropped all the same', async () => {
    const { decoder: one, seen } = decoder({ frameTimeout: 100, onTimeout: 'discard', idleGap: 50 });
    one.removeAllListeners('discard');
    one.write('a');
    await pass(50);
    expect(one.buffered).toBe(0);
    one.write('b\n');
    expect(seen.frames).toEqual(['b']);
  });

  test('idleGap: since the last byte; at the end, none', async () => {
    const { decoder: one, seen } = decoder({ idleGap: 50 });
    one.write('a');
    await pass(49);
    one.write('b');
    await pass(49);
    expect(seen.skipped).toEqual([]);
    await pass(1);
    expect(seen.skipped).toMatchObject([
      {
        code: 'ERR_FRAME_TIMEOUT',
        limit: 50,
        actual: 2,
        message: '50 ms of silence inside a frame: 2 bytes of it have come',
      },
    ]);
    one.write('c\n');
    expect(vi.getTimerCount()).toBe(0);
    one.write('d');
    expect(vi.getTimerCount()).toBe(1);
    one.end();
    await turn();
    expect(vi.getTimerCount()).toBe(0);
    expect(seen.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
  });

  test('while the consumer holds the decoder back, no frame is late', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const one = new FrameDecoder(line(), {
      readableHighWaterMark: 1,
      idleGap: 50,
      frameTimeout: 80,
      onTimeout: 'discard',
    });
    const skipped: unknown[] = [];
    one.on('discard', (error) => skipped.push(error));
    one.write('a\nb');
    one.write('\nc\n');
    for (let i = 0; i < 5; i++) await pass(100);
    expect(skipped).toEqual([]);
    const frames: string[] = [];
    one.on('data', (frame) => frames.push(`${frame}`));
    await turn();
    expect(frames).toEqual(['a', 'b', 'c']);
    expect(skipped).toEqual([]);
  });
});

describe('steered by a session', () => {
  type Word = { type: 'word'; text: string };
  const words: Codec<Word> = {
    decode: (bytes, start, end) => ({ type: 'word', text: bytes.toString('latin1', start, end) }),
    encode: ({ text }) => Buffer.from(text, 'latin1'),
  };
  const session = defineSession({
    receives: words,
    sends: words,
    initial: 'lines',
    states: {
      lines: {
        on: { word: (message) => ({ send: message, ...(message.text === '!' && { next: 'short' }) }) },
        next: ['short'],
      },
      short: {
        framing: { reads: lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 3 }) },
        on: { word: (message) => ({ send: message, ...(message.text === '?' && { next: 'ends' }) }) },
        next: ['ends'],
      },
      ends: {
        framing: { reads: delimiter({ delimiter: ';' }) },
        on: { word: (message) => ({ send: message }) },
      },
    },
  });

  async function answers(chunks: readonly string[]) {
    const source = new PassThrough();
    const sink = new PassThrough();
    const sent: string[] = [];
    sink.on('data', (bytes) => sent.push(`${bytes}`));
    const end = new Promise<unknown>((resolve) =>
      pipeline(
        source as Readable,
        new FrameDecoder(line()),
        new MessageDecoder(words),
        new StateMachine(session),
        new MessageEncoder(words, { framing: line() }),
        sink,
        resolve,
      ),
    );
    for (const chunk of chunks) {
      source.write(Buffer.from(chunk, 'latin1'));
      await turn();
    }
    source.end();
    return [sent.join('').split('\n').slice(0, -1), await end] as const;
  }

  test('what follows is read by the framing of the state, in however many chunks it has come', async () => {
    const input = 'a\nbc\n!\n\x02de\x01f\x01?gh;i;';
    const expected = ['a', 'bc', '!', 'de', 'f', '?', 'gh', 'i'];
    for (let cut = 0; cut <= input.length; cut++) {
      expect(await answers([input.slice(0, cut), input.slice(cut)])).toEqual([expected, undefined]);
    }
    expect(await answers([...input])).toEqual([expected, undefined]);
  });

  test('an error names its place in the whole stream; the end inside of a frame is one', async () => {
    for (const cut of [0, 3, 5, 6]) {
      const chunks = (input: string): string[] => [input.slice(0, cut), input.slice(cut)];
      expect(await answers(chunks('ab\n!\n\x01c\x09'))).toMatchObject([
        ['ab', '!', 'c'],
        { code: 'ERR_FRAME_TOO_LONG', offset: 7 },
      ]);
      expect(await answers(chunks('ab\n!\n\x01c\x02d'))).toMatchObject([
        ['ab', '!', 'c'],
        { code: 'ERR_FRAME_TRUNCATED' },
      ]);
    }
  });
});
