import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, expect, test, vi } from 'vitest';
import {
  type Codec,
  codecFrom,
  defineSession,
  FrameDecoder,
  FrameEncoder,
  json,
  LengthPrefixDecoder,
  LengthPrefixEncoder,
  line,
  MessageDecoder,
  MessageEncoder,
  StateMachine,
} from '../../src/index.ts';

/** A payload behind its u32 little-endian length. */
function framed(...payloads: string[]): Buffer {
  return Buffer.concat(
    payloads.map((payload) => {
      const frame = Buffer.alloc(4 + payload.length);
      frame.writeUInt32LE(payload.length);
      frame.write(payload, 4);
      return frame;
    }),
  );
}

const bytes = codecFrom<Buffer>({ decode: (frame) => Buffer.from(frame), encode: (frame) => frame });

afterEach(() => vi.useRealTimers());

const PAIRS: Record<string, { stages: () => (NodeJS.ReadWriteStream & Readable)[]; seen: string }> = {
  'frames into messages': {
    stages: () => [new LengthPrefixDecoder(), new MessageEncoder(bytes, { framing: line() })],
    seen: 'one\ntwo\n',
  },
  'messages into frames': {
    stages: () => [new LengthPrefixDecoder(), new MessageDecoder(bytes), new FrameEncoder(line())],
    seen: 'one\ntwo\n',
  },
  'messages into messages of another layer': {
    stages: () => [
      new LengthPrefixDecoder(),
      new MessageDecoder(bytes),
      new MessageDecoder(bytes),
      new MessageEncoder(bytes, { framing: line() }),
    ],
    seen: 'one\ntwo\n',
  },
  'frames into frames of another framing': {
    stages: () => [new LengthPrefixDecoder(), new FrameDecoder(line()), new FrameEncoder(line())],
    seen: 'a\nb\n',
  },
};

for (const [name, { stages, seen }] of Object.entries(PAIRS)) {
  test(`neighbours of different types pass single items: ${name}`, async () => {
    const source = name.includes('another framing') ? framed('a\nb', '\n') : framed('one', 'two');
    const out: Buffer[] = [];
    const sink = new Writable({
      write(chunk, _, callback) {
        out.push(chunk);
        callback();
      },
    });
    await pipeline([Readable.from([source], { objectMode: false }), ...stages(), sink] as never);
    expect(Buffer.concat(out).toString()).toBe(seen);
  });
}

/** A session that answers each message with itself, when it is let. */
function echo(wait: () => Promise<unknown> | undefined) {
  const codec = json<{ type: 'n'; n: number }>();
  return defineSession({
    receives: codec,
    sends: codec,
    initial: 'on',
    states: {
      on: {
        on: {
          n: (message) => {
            const waited = wait();
            return waited === undefined ? { send: message } : waited.then(() => ({ send: message }));
          },
        },
      },
    },
  });
}

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ type: 'n', n }));

test('a neighbour unpiped under backpressure gets nothing more, and the next one gets the rest', async () => {
  const messages = new LengthPrefixDecoder().pipe(new MessageDecoder(json<{ n: number }>()));
  const stuck = new StateMachine(echo(() => new Promise(() => {})));
  messages.pipe(stuck as never);
  const source = new LengthPrefixDecoder();
  source.pipe(messages);
  source.write(framed(...numbers(2_000)));
  await new Promise(setImmediate);
  const held = stuck.writableLength;
  messages.unpipe(stuck as never);
  expect(stuck.writableLength).toBe(held);
  const got: number[] = [];
  messages.on('data', ({ n }) => got.push(n)).resume();
  source.end();
  await once(messages, 'end');
  expect(got.at(-1)).toBe(1_999);
  // In order, without a gap behind what the other one has.
  expect(got).toEqual(Array.from(got, (_, i) => got[0]! + i));
});

test('writing a value that is not a payload is an error, after the payloads before it', async () => {
  const encoder = new LengthPrefixEncoder();
  const out: Buffer[] = [];
  encoder.on('data', (chunk) => out.push(chunk));
  const failed = once(encoder, 'error');
  encoder.write(Buffer.from('good'));
  encoder.write('bad');
  expect((await failed)[0]).toBeInstanceOf(TypeError);
  expect(Buffer.concat(out)).toEqual(framed('good'));
});

test('a fault goes through frames of frames', async () => {
  const source = new PassThrough();
  const stages = [new LengthPrefixDecoder(), new FrameDecoder(line()), new FrameEncoder(line())];
  const done = pipeline([source, ...stages, new PassThrough()] as never).catch((error) => error);
  source.write(framed('a\nb', '\n'));
  // A length of four gigabytes.
  source.end(Buffer.alloc(4, 0xff));
  expect(await done).toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
});

test('when an answer cannot be encoded, the messages that came with it are not all handled', async () => {
  let handled = 0;
  const session = echo(() => void handled++);
  const refuses = codecFrom<{ n: number }>({
    decode: () => ({ n: 0 }),
    encode: ({ n }) => {
      if (n === 2) throw new RangeError('no twos');
      return Buffer.from([n]);
    },
  });
  const source = new PassThrough();
  const sink = new PassThrough();
  const stages = [
    new LengthPrefixDecoder(),
    new MessageDecoder(json()),
    new StateMachine(session),
    new MessageEncoder(refuses),
  ];
  const done = pipeline([source, ...stages, sink] as never).catch((error) => error);
  source.end(framed(...numbers(1_000)));
  expect(Buffer.concat(await sink.toArray())).toEqual(framed('\0', '\u0001'));
  expect(await done).toMatchObject({ message: expect.stringContaining('no twos') });
  expect(handled).toBeLessThan(20);
});

test('when an answer cannot be encoded, the messages after it are not handled', async () => {
  const handled: number[] = [];
  const codec = json<{ type: 'n'; n: number }>();
  const session = defineSession({
    receives: codec,
    sends: codecFrom<{ type: 'n'; n: number }>({
      decode: () => ({ type: 'n', n: 0 }),
      encode: () => Buffer.alloc(0),
    }),
    initial: 'on',
    states: {
      on: {
        on: {
          n(message) {
            handled.push(message.n);
            return { send: message };
          },
        },
      },
    },
  });
  const source = new PassThrough();
  const refuses = codecFrom<{ n: number }>({
    decode: () => ({ n: 0 }),
    encode: ({ n }) => {
      if (n === 2) throw new RangeError('no twos');
      return Buffer.from([n]);
    },
  });
  const sink = new PassThrough();
  const done = pipeline(
    source,
    new LengthPrefixDecoder(),
    new MessageDecoder(codec),
    new StateMachine(session),
    new MessageEncoder(refuses),
    sink,
  ).catch((error) => error);
  for (const number of numbers(3)) source.write(framed(number));
  // The bytes before the fault, and the end.
  expect(Buffer.concat(await sink.toArray())).toEqual(framed('\0', '\u0001'));
  for (const number of numbers(6).slice(3)) source.write(framed(number));
  await new Promise(setImmediate);
  source.end();
  expect(await done).toMatchObject({ code: 'ERR_FIELD_RANGE', origin: 'local' });
  expect(handled).toEqual([0, 1, 2]);
});

test('a slow reader is not cut before it has its last answer', async () => {
  const codec = json<{ type: 'n'; n: number }>();
  const session = defineSession({
    receives: codec,
    sends: codec,
    initial: 'on',
    states: {
      on: { on: { n: (message) => ({ send: message, next: 'off' }) }, next: ['off'] },
      off: { final: true },
    },
  });
  const out: Buffer[] = [];
  const source = new PassThrough();
  // Takes its time for each write: longer in all than lingering lasts.
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk, _, callback) {
      out.push(chunk);
      setTimeout(callback, 80);
    },
    final: (callback) => void setTimeout(callback, 80),
  });
  const done = pipeline(
    source,
    new LengthPrefixDecoder(),
    new MessageDecoder(codec),
    new StateMachine(session, { lingerTimeout: 100 }),
    new MessageEncoder(codec),
    slow,
  );
  source.write(framed(...numbers(1)));
  // The peer ends only when it has seen our end.
  slow.once('finish', () => source.end());
  await done;
  expect(Buffer.concat(out).toString('latin1', 4)).toBe('{"type":"n","n":0}');
});

test('a message is encoded once, even if the output was full', async () => {
  let encoded = 0;
  const codec: Codec<never, { length: number }> = {
    decode() {
      throw new Error('not asked to');
    },
    encode: ({ length }) => Buffer.alloc(length, ++encoded),
  };
  const encoder = new MessageEncoder(codec);
  const messages = Array.from({ length: 40 }, (_, i) => ({ length: 9_000 + i }));
  const [bytes] = await Promise.all([
    encoder.reduce((all: Buffer, chunk: Buffer) => Buffer.concat([all, chunk]), Buffer.alloc(0)),
    pipeline(Readable.from(messages), encoder),
  ]);
  const expected = messages.map(({ length }, i) => {
    const frame = Buffer.alloc(4 + length, i + 1);
    frame.writeUInt32LE(length);
    return frame;
  });
  expect(bytes).toEqual(Buffer.concat(expected));
  expect(encoded).toBe(messages.length);
});
