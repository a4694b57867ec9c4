import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  delimiter,
  FrameDecoder,
  FrameEncoder,
  FrameStream,
  type Framing,
  lengthPrefix,
  line,
  MessageDecoder,
} from '../../src/index.ts';

const prefixed = lengthPrefix({ lengthFieldLength: 1 });
const lines = (maxFrameLength = 100): Framing => delimiter({ delimiter: '\n', maxFrameLength });

/** The error of a stage that is given this. */
async function refusal(stage: FrameEncoder | MessageDecoder<unknown>, ...items: unknown[]): Promise<unknown> {
  const error = once(stage, 'error');
  for (const item of items) stage.write(item);
  stage.resume();
  return (await error)[0];
}

test.each([5, 'text', {}, [1]])('%o is no payload, and no frame', async (item) => {
  const shown = typeof item === 'object' ? expect.any(String) : expect.stringMatching(/, got /);
  expect(await refusal(new FrameEncoder(line()), item)).toMatchObject({ name: 'TypeError', message: shown });
  const text = ((await refusal(new FrameEncoder(line()), item)) as Error).message;
  expect(text).toMatch(/^a payload is a Uint8Array, got /);
  const decoder = new MessageDecoder({ decode: () => 1, encode: () => Buffer.alloc(0) });
  expect(((await refusal(decoder, item)) as Error).message).toMatch(/^a frame is a Uint8Array, got /);
});

test.each([undefined, null, {}, { writer: 5 }])('%o is no framing', (framing) => {
  expect(() => new FrameEncoder(framing as never)).toThrow(
    new TypeError('expected a framing, such as lengthPrefix()'),
  );
});

test.each([undefined, null, {}, { decode: 5 }])('%o is no codec', (codec) => {
  expect(() => new MessageDecoder(codec as never)).toThrow(
    new TypeError('expected a codec: an object with decode(bytes)'),
  );
});

describe('runs of frames', () => {
  /** Decoded by one framing, encoded by another: the bytes, and whether they are those that came. */
  async function through(
    reads: Framing,
    writes: Framing,
    input: Buffer,
    before?: Buffer,
  ): Promise<[string, boolean[]]> {
    const decoder = new FrameDecoder(reads);
    const encoder = new FrameEncoder(writes);
    decoder.pipe(encoder);
    const chunks: Buffer[] = [];
    encoder.on('data', (chunk) => chunks.push(chunk));
    await turn();
    if (before !== undefined) encoder.write(before);
    decoder.end(input);
    await once(encoder, 'end');
    return [Buffer.concat(chunks).toString(), chunks.map(({ buffer }) => buffer === input.buffer)];
  }

  test('pass as they are, on the same wire, and up to its longest frame', async () => {
    const input = Buffer.from(new Uint8Array(Buffer.from('abc\ndef\n')));
    expect(await through(lines(), lines(), input)).toEqual(['abc\ndef\n', [true]]);
    expect(await through(lines(), lines(8), input)).toEqual(['abc\ndef\n', [true]]);
    expect(await through(lines(), lines(7), input)).toEqual(['abc\ndef\n', [false]]);
    // Only the run itself counts, wherever it lies in its chunk.
    const late = new FrameDecoder(lines());
    const encoder = new FrameEncoder(lines(8));
    late.pipe(encoder);
    const chunks: Buffer[] = [];
    encoder.on('data', (chunk) => chunks.push(chunk));
    await turn();
    late.write('x');
    const chunk = Buffer.from(new Uint8Array(Buffer.from('y\nabc\ndef\n')));
    late.end(chunk);
    await once(encoder, 'end');
    expect(Buffer.concat(chunks).toString()).toBe('xy\nabc\ndef\n');
    expect(chunks.at(-1)!.buffer).toBe(chunk.buffer);
    expect(await through(lines(), prefixed, input)).toEqual(['\x03abc\x03def', [false]]);
    // `line` may strip CR LF: what it reads is not what it writes.
    expect(await through(line(), line(), input)).toEqual(['abc\ndef\n', [false]]);
  });

  test('go behind what was written before', async () => {
    const input = Buffer.from(new Uint8Array(Buffer.from('a\nb\n')));
    expect(await through(lines(), lines(), input, Buffer.from('x'))).toEqual(['x\na\nb\n', [false, true]]);
  });

  test('a frame that is too long for the next wire is refused, behind those before it', async () => {
    const decoder = new FrameDecoder(line());
    const encoder = new FrameEncoder(line({ maxFrameLength: 3 }));
    decoder.pipe(encoder);
    const chunks: Buffer[] = [];
    encoder.on('data', (chunk) => chunks.push(chunk));
    const error = once(encoder, 'error');
    decoder.write('abc\nabcd\nab\n');
    expect((await error)[0]).toMatchObject({ code: 'ERR_FRAME_TOO_LONG', origin: 'local' });
    expect(Buffer.concat(chunks).toString()).toBe('abc\n');
  });
});

test('payloads of one turn leave together', async () => {
  const encoder = new FrameEncoder(line());
  const chunks: string[] = [];
  encoder.on('data', (chunk) => chunks.push(`${chunk}`));
  await turn();
  for (const text of ['a', 'b', 'c']) encoder.write(Buffer.from(text));
  await turn();
  expect(chunks).toEqual(['a\nb\nc\n']);
});

test('those for which there is no room leave behind the others', async () => {
  const encoder = new FrameEncoder(line({ maxFrameLength: 200_000 }));
  const chunks: Buffer[] = [];
  encoder.on('data', (chunk) => chunks.push(chunk));
  await turn();
  const payloads = [40_000, 40_000, 3, 100_000, 5].map((length, i) => Buffer.alloc(length, 97 + i));
  for (const payload of payloads) encoder.write(payload);
  await turn();
  const expected = Buffer.concat(payloads.flatMap((payload) => [payload, Buffer.from('\n')]));
  expect(Buffer.concat(chunks).equals(expected)).toBe(true);
});

describe('FrameStream', () => {
  test.each([-1, 1.5, Number.NaN, 2 ** 53, '5', undefined])('a length of %o is refused', (length) => {
    expect(() => new FrameStream(length as never)).toThrow(RangeError);
    expect(() => new FrameStream(length as never)).toThrow(
      /^FrameStream: length must be an integer of at least 0, got /,
    );
  });

  test.each([5, 'text', null, {}, { [Symbol.iterator]: 1 }])('%o is no source', (source) => {
    expect(() => new FrameStream(5, source as never)).toThrow(TypeError);
  });

  test('what is no source is named; it holds 64 KiB', () => {
    expect(() => new FrameStream(5, 'text')).toThrow(
      'FrameStream: expected a Readable, or an iterable of Uint8Array, got "text"',
    );
    expect(() => new FrameStream(5, {} as never)).toThrow(/got an object$/);
    expect(new FrameStream(0).readableHighWaterMark).toBe(65_536);
  });

  test('any iterable is a source; it is read as far as it is wanted, and left when nobody wants the rest', async () => {
    let read = 0;
    let isLeft = false;
    const source = {
      next() {
        read++;
        return { done: false, value: Buffer.alloc(40_000) };
      },
      return() {
        isLeft = true;
        throw new Error('nobody hears it');
      },
      [Symbol.iterator]() {
        return this;
      },
    };
    const frame = new FrameStream(1_000_000, source as never);
    frame.read(0);
    await turn();
    expect(read).toBe(2);
    frame.destroy();
    await turn();
    expect([isLeft, read]).toEqual([true, 2]);
    for (const plain of [[Buffer.from('a'), Buffer.from('b')], Readable.from([Buffer.from('ab')])]) {
      expect(Buffer.concat(await new FrameStream(2, plain).toArray()).toString()).toBe('ab');
    }
    // Without a way to leave it, and without a source.
    const { return: _, ...endless } = source;
    for (const frame of [new FrameStream(5, endless as never), new FrameStream(5)]) {
      frame.destroy();
      await once(frame, 'close');
      expect(frame.errored).toBeNull();
    }
  });

  test('what its source gives too late is not read', async () => {
    let give!: (value: unknown) => void;
    const next = (): Promise<unknown> =>
      new Promise((resolve) => {
        give = (value) => resolve({ done: false, value });
      });
    const frame = new FrameStream(5, { [Symbol.asyncIterator]: () => ({ next }) } as never);
    frame.read(0);
    frame.destroy();
    await once(frame, 'close');
    give(Buffer.from('late'));
    await turn();
    expect([frame.errored, frame.readableLength]).toEqual([null, 0]);
  });

  test.each<[string, (frame: FrameStream) => void, string, object]>([
    [
      'gives more',
      (frame) => void frame.push(Buffer.alloc(6)),
      'stream of a frame of 5 bytes gives more',
      { expected: 5, actual: 6 },
    ],
    [
      'ends before',
      (frame) => {
        frame.push(Buffer.alloc(3));
        frame.push(null);
      },
      'stream of a frame of 5 bytes ended after 3',
      { expected: 5, actual: 3 },
    ],
    [
      'ends at once',
      (frame) => void frame.push(null),
      'stream of a frame of 5 bytes ended after 0',
      { expected: 5, actual: 0 },
    ],
    [
      'is closed',
      (frame) => {
        frame.push(Buffer.alloc(2));
        setImmediate(() => frame.destroy());
      },
      'stream of a frame of 5 bytes was closed after 2',
      { expected: 5, actual: 2 },
    ],
  ])('one that %s is our fault', async (_, act, message, details) => {
    const frame = new FrameStream(5);
    const failed = refusal(new FrameEncoder(prefixed), frame);
    act(frame);
    expect(await failed).toMatchObject({ code: 'ERR_FRAME_LENGTH', origin: 'local', message, ...details });
  });

  test('one that has failed, or is gone, before it is written', async () => {
    const cause = new Error('gone');
    const failed = new FrameStream(5);
    failed.on('error', () => {}).destroy(cause);
    expect(await refusal(new FrameEncoder(prefixed), failed)).toBe(cause);
    const gone = new FrameStream(5);
    gone.destroy();
    await once(gone, 'close');
    expect(await refusal(new FrameEncoder(prefixed), gone)).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      message: 'stream of a frame of 5 bytes was closed after 0',
    });
  });

  test('the next frame follows it; then nothing of it is listened to', async () => {
    const encoder = new FrameEncoder(prefixed);
    const chunks: Buffer[] = [];
    encoder.on('data', (chunk) => chunks.push(chunk));
    const frame = new FrameStream(3, [Buffer.from('ab'), Buffer.from('c')]);
    const before = ['readable', 'end', 'error', 'close'].map((name) => frame.listenerCount(name));
    encoder.write(frame);
    encoder.end(Buffer.from('d'));
    await once(encoder, 'end');
    expect(Buffer.concat(chunks).toString()).toBe('\x03abc\x01d');
    expect(['readable', 'end', 'error', 'close'].map((name) => frame.listenerCount(name))).toEqual(before);
  });

  test('a framing without parts names itself, and what has them', async () => {
    const frame = new FrameStream(5);
    expect(await refusal(new FrameEncoder(line()), frame)).toMatchObject({
      code: 'ERR_FRAME_STREAM',
      origin: 'local',
      actual: 5,
      message: `${line().name} cannot write a payload of 5 bytes that comes as a stream: lengthPrefix and headed do`,
    });
    expect(frame.destroyed).toBe(true);
  });
});
