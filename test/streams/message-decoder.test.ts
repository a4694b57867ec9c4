import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { FrameDecoder, lengthPrefix, MessageDecoder, message, messages, u8 } from '../../src/index.ts';
import { hex } from '../support/hex.ts';

const codec = messages(u8, { m: message(1, { v: u8 }) });
const framing = lengthPrefix({ lengthFieldLength: 1 });
/** m 5 · no such type · m cut short · m 6 · two frames that are no message */
const BYTES = hex('02 01 05 01 09 01 01 02 01 06 01 08 00');

/** The messages and what was left out, for those bytes in pieces of `size`. */
async function decoded(
  size: number,
  decoder: MessageDecoder<unknown>,
): Promise<[unknown[], string[], unknown[]]> {
  const received: unknown[] = [];
  const frames: string[] = [];
  const codes: unknown[] = [];
  decoder.on('invalid', (error: { code: string }, frame: Buffer) => {
    codes.push(error.code);
    frames.push(frame.toString('hex'));
  });
  const input = new PassThrough();
  for (let at = 0; at < BYTES.length; at += size) input.write(BYTES.subarray(at, at + size));
  input.end();
  await pipeline(input, new FrameDecoder(framing), decoder, async (source) => {
    for await (const one of source) received.push(one);
  });
  return [received, frames, codes];
}

test.each([1, 2, 5, 100])(
  "onInvalid: 'discard' skips invalid frames, in pieces of %i bytes",
  async (size) => {
    const [received, frames, codes] = await decoded(
      size,
      new MessageDecoder(codec, { onInvalid: 'discard' }),
    );
    expect(received).toEqual([
      { type: 'm', v: 5 },
      { type: 'm', v: 6 },
    ]);
    expect(frames).toEqual(['09', '01', '08', '']);
    expect(codes.every((code) => String(code).startsWith('ERR_MESSAGE_'))).toBe(true);
  },
);

test('by default the first invalid frame ends the stream', async () => {
  await expect(decoded(100, new MessageDecoder(codec))).rejects.toMatchObject({ name: 'MessageError' });
});

test('an exception of a listener ends the stream, after the messages before it', async () => {
  const decoder = new MessageDecoder(codec, { onInvalid: 'discard' });
  decoder.on('invalid', () => {
    throw new Error('enough');
  });
  await expect(decoded(100, decoder)).rejects.toThrow('enough');
});

test('refuses an unknown policy', () => {
  expect(() => new MessageDecoder(codec, { onInvalid: 'skip' as never })).toThrow('onInvalid');
});
