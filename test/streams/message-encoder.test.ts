import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Codec, lengthPrefix, line, MessageEncoder } from '../../src/index.ts';

const texts: Codec<string> = {
  decode: (bytes, start, end) => bytes.toString('latin1', start, end),
  encode(text) {
    if (text === 'x') throw new RangeError('no x');
    return Buffer.from(text);
  },
};

/** What is written, chunk by chunk. */
function chunksOf(encoder: MessageEncoder<string>): string[] {
  const chunks: string[] = [];
  encoder.on('data', (chunk: Buffer) => chunks.push(chunk.toString('latin1')));
  return chunks;
}

test.each([undefined, null, {}, { encode: 5 }])('%o is no codec', (codec) => {
  expect(() => new MessageEncoder(codec as never)).toThrow(
    new TypeError('expected a codec: an object with encode(message)'),
  );
});

test('5 is no framing', () => {
  expect(() => new MessageEncoder(texts, { framing: 5 as never })).toThrow(TypeError);
  expect(() => new MessageEncoder(texts, { framing: 5 as never })).toThrow(
    /framing: expected a framing, such as lengthPrefix\(\), got 5$/,
  );
});

test('messages of one turn leave together, framed by a length of four bytes unless told otherwise', async () => {
  const encoder = new MessageEncoder(texts);
  expect(encoder.framing.name).toBe(lengthPrefix().name);
  const chunks = chunksOf(encoder);
  await turn();
  for (const text of ['a', 'bc']) encoder.write(text);
  expect(chunks).toEqual([]);
  await turn();
  expect(chunks).toEqual(['\x01\0\0\0a\x02\0\0\0bc']);
  const lines = new MessageEncoder(texts, { framing: line() });
  const other = chunksOf(lines);
  lines.write('a');
  await turn();
  expect(other).toEqual(['a\n']);
});

test('they do not wait once 68 KiB are full, and nothing is lost', async () => {
  const encoder = new MessageEncoder(texts, { framing: line() });
  const long = 'y'.repeat(20_000);
  const chunks = chunksOf(encoder);
  await turn();
  for (let i = 0; i < 5; i++) encoder.write(long);
  expect(chunks.length).toBeGreaterThan(0);
  await turn();
  expect(chunks.join('')).toBe(`${long}\n`.repeat(5));
});

test('one that cannot be encoded is an error behind those before it', async () => {
  const encoder = new MessageEncoder(texts, { framing: line() });
  const chunks = chunksOf(encoder);
  const failed = once(encoder, 'error');
  for (const text of ['a', 'b', 'x', 'c']) encoder.write(text);
  expect((await failed)[0]).toEqual(new RangeError('no x'));
  expect(chunks.join('')).toBe('a\nb\n');
});

test('a consumer that waits gets the rest when it takes more', async () => {
  const encoder = new MessageEncoder(texts, { framing: line(), readableHighWaterMark: 1 });
  const sink = new PassThrough({ highWaterMark: 1 });
  encoder.pipe(sink);
  const long = 'z'.repeat(50_000);
  for (let i = 0; i < 4; i++) encoder.write(long);
  encoder.end();
  let bytes = 0;
  for await (const chunk of sink) bytes += (chunk as Buffer).length;
  expect(bytes).toBe(4 * 50_001);
});
