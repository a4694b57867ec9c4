import { once } from 'node:events';
import { PassThrough, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  FrameDecoder,
  FrameEncoder,
  FrameError,
  LengthPrefixDecoder,
  LengthPrefixEncoder,
  MessageDecoder,
  MessageEncoder,
  StateMachine,
} from '../../src/index.ts';

/** Frames `a`, empty, `bc`, then a header that announces too much, then a frame that nobody may see. */
const GOOD = Buffer.from([
  1,
  0,
  0,
  0,
  0x61, // length 1, 'a'
  0,
  0,
  0,
  0, // length 0
  2,
  0,
  0,
  0,
  0x62,
  0x63, // length 2, 'bc'
]);
const BAD = Buffer.from([
  0xff,
  0xff,
  0xff,
  0xff, // length 4,294,967,295
  1,
  0,
  0,
  0,
  0x7a, // length 1, 'z'
]);
const FRAMES = ['a', '', 'bc'];

/** Each way to consume an object-mode stream: resolves with the items seen and the error that ended it. */
const CONSUMERS: Record<string, (stream: Readable) => Promise<{ items: unknown[]; error: unknown }>> = {
  'for await': async (stream) => {
    const items: unknown[] = [];
    try {
      for await (const item of stream) items.push(item);
      return { items, error: undefined };
    } catch (error) {
      return { items, error };
    }
  },
  "'data'": (stream) => {
    const items: unknown[] = [];
    stream.on('data', (item) => items.push(item));
    return settled(stream, items);
  },
  "'data' added while data flows": (stream) => {
    const items: unknown[] = [];
    stream.once('data', (item) => {
      items.push(item);
      stream.on('data', (later) => items.push(later));
    });
    return settled(stream, items);
  },
  "'readable' and read()": (stream) => {
    const items: unknown[] = [];
    stream.on('readable', () => {
      for (let item = stream.read(); item !== null; item = stream.read()) items.push(item);
    });
    return settled(stream, items);
  },
  'pipe into a foreign Writable': async (stream) => {
    const items: unknown[] = [];
    stream.pipe(
      new Writable({
        objectMode: true,
        highWaterMark: 1,
        write(item, _, callback) {
          items.push(item);
          setImmediate(callback);
        },
      }),
    );
    return settled(stream, items);
  },
  'pipeline into an async function': async (stream) => {
    const items: unknown[] = [];
    try {
      await pipeline(stream, async (source: AsyncIterable<unknown>) => {
        for await (const item of source) items.push(item);
      });
      return { items, error: undefined };
    } catch (error) {
      return { items, error };
    }
  },
};

function settled(stream: Readable, items: unknown[]): Promise<{ items: unknown[]; error: unknown }> {
  return new Promise((resolve) => {
    stream.on('end', () => resolve({ items, error: undefined }));
    stream.on('error', (error) => resolve({ items, error }));
  });
}

/** A codec that reads a frame as text. */
const text: Codec<{ type: 'text'; text: string }> = {
  decode: (bytes, start = 0, end = bytes.length) => ({
    type: 'text',
    text: bytes.toString('utf8', start, end),
  }),
  encode: (message) => Buffer.from(message.text),
};

const CHUNKINGS: Record<string, (bytes: Buffer) => Buffer[]> = {
  whole: (bytes) => [bytes],
  'byte by byte': (bytes) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
  'in threes': (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / 3) }, (_, i) => bytes.subarray(3 * i, 3 * i + 3)),
};

for (const [cut, chunks] of Object.entries(CHUNKINGS)) {
  describe(`input ${cut}`, () => {
    for (const [name, consume] of Object.entries(CONSUMERS)) {
      test(`${name} sees single frames, then the end`, async () => {
        const decoder = new LengthPrefixDecoder();
        const seen = consume(decoder);
        Readable.from(chunks(GOOD), { objectMode: false }).pipe(decoder);
        const { items, error } = await seen;
        expect(items.map(String)).toEqual(FRAMES);
        expect(items.every(Buffer.isBuffer)).toBe(true);
        expect(error).toBeUndefined();
      });

      test(`${name} sees the frames before a violation, then the error`, async () => {
        const decoder = new LengthPrefixDecoder();
        const seen = consume(decoder);
        Readable.from(chunks(Buffer.concat([GOOD, BAD])), { objectMode: false }).pipe(decoder);
        const { items, error } = await seen;
        expect(items.map(String)).toEqual(FRAMES);
        expect(error).toBeInstanceOf(FrameError);
        expect(error).toMatchObject({
          code: 'ERR_FRAME_TOO_LONG',
          origin: 'peer',
          limit: 10_000_000,
          actual: 0xffffffff,
        });
      });

      test(`${name} behind two neighbouring stages sees single messages, then the error`, async () => {
        const source = Readable.from(chunks(Buffer.concat([GOOD, BAD])), { objectMode: false });
        const decoder = source.pipe(new LengthPrefixDecoder()).pipe(new MessageDecoder(text));
        const { items, error } = await consume(decoder);
        expect(items).toEqual(FRAMES.map((t) => ({ type: 'text', text: t })));
        expect(error).toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
      });

      test(`${name} sees a truncated stream as an error`, async () => {
        const decoder = new LengthPrefixDecoder();
        const seen = consume(decoder);
        Readable.from(chunks(Buffer.concat([GOOD, BAD.subarray(4, 8)])), { objectMode: false }).pipe(decoder);
        const { items, error } = await seen;
        expect(items.map(String)).toEqual(FRAMES);
        expect(error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', origin: 'peer' });
      });
    }

    test('a foreign Transform between two stages sees single frames', async () => {
      const seen: unknown[] = [];
      const logger = new Transform({
        objectMode: true,
        transform(frame, _, callback) {
          seen.push(frame);
          callback(null, frame);
        },
      });
      const items: unknown[] = [];
      const result = pipeline(
        Readable.from(chunks(GOOD), { objectMode: false }),
        new LengthPrefixDecoder(),
        logger,
        new MessageDecoder(text),
        async (messages: AsyncIterable<unknown>) => {
          for await (const message of messages) items.push(message);
        },
      );
      await result;
      expect(seen.map(String)).toEqual(FRAMES);
      expect(items).toEqual(FRAMES.map((t) => ({ type: 'text', text: t })));
    });

    test('a subclass with a _transform of its own sees single frames', async () => {
      const seen: unknown[] = [];
      class Upper extends LengthPrefixEncoder {
        override _transform(frame: Buffer, encoding: BufferEncoding, callback: () => void): void {
          seen.push(frame);
          super._write(frame, encoding, callback);
        }
        override _write(frame: Buffer, encoding: BufferEncoding, callback: () => void): void {
          this._transform(frame, encoding, callback);
        }
      }
      const out: Buffer[] = [];
      await pipeline(
        Readable.from(chunks(GOOD), { objectMode: false }),
        new LengthPrefixDecoder(),
        new Upper(),
        async (bytes: AsyncIterable<Buffer>) => {
          for await (const chunk of bytes) out.push(chunk);
        },
      );
      expect(seen.map(String)).toEqual(FRAMES);
      expect(Buffer.concat(out)).toEqual(GOOD);
    });
  });
}

test('with a listener beside a neighbouring stage both see single items, in order', async () => {
  const heard: string[] = [];
  const decoder = new LengthPrefixDecoder();
  const messages = new MessageDecoder(text);
  decoder.pipe(messages);
  const got: string[] = [];
  messages.on('data', (message) => got.push(message.text));
  decoder.write(GOOD);
  decoder.on('data', (frame) => heard.push(String(frame)));
  decoder.write(GOOD);
  decoder.end();
  await once(messages, 'end');
  expect(got).toEqual([...FRAMES, ...FRAMES]);
  expect(heard).toEqual(FRAMES);
});

test('echo: neighbours pass batches, and the output equals the input', async () => {
  const source = new PassThrough();
  const out: Buffer[] = [];
  const done = pipeline(
    source,
    new LengthPrefixDecoder(),
    new LengthPrefixEncoder(),
    async (bytes: AsyncIterable<Buffer>) => {
      for await (const chunk of bytes) out.push(chunk);
    },
  );
  for (let i = 0; i < 100; i++) source.write(GOOD);
  source.end();
  await done;
  expect(Buffer.concat(out)).toEqual(Buffer.concat(Array.from({ length: 100 }, () => GOOD)));
});

test('a decoder that is told to stop stops decoding', async () => {
  const decoder = new LengthPrefixDecoder();
  const frame = Buffer.from([1, 0, 0, 0, 0x61]); // length 1, 'a'
  decoder.write(Buffer.concat(Array.from({ length: 16_000 }, () => frame)));
  await new Promise(setImmediate);
  expect(decoder.readableLength).toBe(decoder.readableHighWaterMark);
  let count = 0;
  decoder.on('data', () => {
    count++;
    if (count === 100) decoder.pause();
  });
  await new Promise(setImmediate);
  expect(count).toBe(100);
  expect(decoder.readableLength).toBeLessThanOrEqual(decoder.readableHighWaterMark);
  decoder.resume();
  decoder.end();
  await once(decoder, 'end');
  expect(count).toBe(16_000);
});

test('the bytes before a payload that cannot be framed are written, and none of that payload', async () => {
  const encoder = new LengthPrefixEncoder({ lengthFieldLength: 1 });
  const out: Buffer[] = [];
  encoder.on('data', (chunk) => out.push(chunk));
  const failed = once(encoder, 'error');
  encoder.write(Buffer.from('ok'));
  encoder.write(Buffer.alloc(256));
  const [error] = await failed;
  expect(error).toMatchObject({ code: 'ERR_FRAME_TOO_LONG', origin: 'local', limit: 255, actual: 256 });
  expect(Buffer.concat(out)).toEqual(Buffer.from([2, 0x6f, 0x6b]));
});

test('a value that is not a framing, codec or session is refused in the constructor', () => {
  const stages: unknown[] = [FrameDecoder, FrameEncoder, MessageDecoder, MessageEncoder, StateMachine];
  for (const Stage of stages as (new (
    part?: unknown,
  ) => unknown)[]) {
    expect(() => new Stage({}), Stage.name).toThrow(TypeError);
    expect(() => new Stage(), Stage.name).toThrow(TypeError);
  }
});

test('a value that is not a payload is an error of the stream, never an exception of write()', async () => {
  const encoder = new LengthPrefixEncoder();
  const failed = once(encoder, 'error');
  encoder.write('text');
  expect((await failed)[0]).toBeInstanceOf(TypeError);
});

test('detach() returns received bytes that were not consumed, including frames not taken yet', async () => {
  const decoder = new LengthPrefixDecoder();
  const seen: string[] = [];
  let rest: Buffer | undefined;
  decoder.on('data', (frame) => {
    seen.push(String(frame));
    // An upgrade: from here on the bytes are somebody else's.
    if (seen.length === 2) rest = decoder.detach();
  });
  decoder.write(Buffer.concat([GOOD, BAD]));
  expect(seen).toEqual(['a', '']);
  expect(rest).toEqual(Buffer.concat([GOOD.subarray(9), BAD]));
  decoder.write(GOOD.subarray(0, 3));
  expect(decoder.detach()).toEqual(GOOD.subarray(0, 3));
  decoder.end();
  await once(decoder, 'end');
});

test('reset() forgets the bytes of an unfinished frame', async () => {
  const decoder = new LengthPrefixDecoder();
  const seen: string[] = [];
  decoder.on('data', (frame) => seen.push(String(frame)));
  decoder.write(Buffer.from([9, 0, 0, 0, 1, 2])); // length 9, and two bytes of it
  decoder.reset();
  decoder.end(GOOD);
  await once(decoder, 'end');
  expect(seen).toEqual(FRAMES);
});
