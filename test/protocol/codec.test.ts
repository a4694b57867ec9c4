import { describe, expect, it } from 'vitest';
import { MessageError } from '../../src/errors.ts';
import type { Codec } from '../../src/protocol/codec.ts';
import { codecFrom, json } from '../../src/protocol/codec-from.ts';
import { decodeFrame } from '../../src/protocol/decode-frame.ts';

it('reads and writes JSON, also from the middle of a chunk', () => {
  const codec = json<{ a: string }>();
  expect(codec.decode(Buffer.from('xx{"a":"é"}yy'), 2, 12)).toEqual({ a: 'é' });
  expect(Buffer.from(codec.encode({ a: 'é' })).toString()).toBe('{"a":"é"}');
});

it.each([
  ['', 'ERR_MESSAGE_EMPTY', 'expected JSON, got an empty frame'],
  ['ff', 'ERR_MESSAGE_UTF8', 'expected JSON in UTF-8'],
  ['7b', 'ERR_MESSAGE_VALUE', expect.stringMatching(/^the frame cannot be decoded: /)],
  ['6e756c6c', 'ERR_MESSAGE_VALUE', 'expected a message, got null'],
])('refuses JSON %j with %s', (hex, code, message) => {
  expect(() => json().decode(Buffer.from(hex, 'hex'))).toThrow(
    expect.objectContaining({ name: 'MessageError', code, origin: 'peer', message }),
  );
});

it('gives the origin of an encoder’s error, and keeps the cause', () => {
  expect(() => json().encode(undefined)).toThrow(
    expect.objectContaining({
      code: 'ERR_FIELD_RANGE',
      origin: 'local',
      message: 'the message cannot be encoded: JSON has no undefined',
    }),
  );
  expect(() => json().encode(1n)).toThrow(expect.objectContaining({ cause: expect.any(TypeError) }));
});

it('takes the two functions of another library', () => {
  const codec = codecFrom<string>({
    decode: (bytes) => {
      if (bytes[0] === 0) throw new Error('zero');
      return bytes.toString('latin1');
    },
    encode: (text) => Buffer.from(text, 'latin1'),
  });
  expect(codec.decode(Buffer.from('..ab.'), 2, 4)).toBe('ab');
  expect(codec.encode('ab')).toEqual(Buffer.from('ab'));
  expect(() => codec.decode(Buffer.of(0))).toThrow(
    expect.objectContaining({
      code: 'ERR_MESSAGE_VALUE',
      message: 'the frame cannot be decoded: zero',
      cause: new Error('zero'),
    }),
  );
  for (const one of [
    { decode: 1, encode() {} },
    { decode() {}, encode: 1 },
  ]) {
    expect(() => codecFrom(one as never)).toThrow(
      new TypeError('codecFrom: expected two functions, decode and encode'),
    );
  }
});

it('leaves message errors unchanged', () => {
  const error = new MessageError('ERR_MESSAGE_SHORT', 'short');
  const fail = (): never => {
    throw error;
  };
  const codec = codecFrom({ decode: fail, encode: fail });
  expect(() => codec.decode(Buffer.of(0))).toThrow(error);
  expect(() => codec.encode(1 as never)).toThrow(error);
});

describe('a frame of a batch', () => {
  const batch = { bytes: Buffer.from('abcd'), bounds: [0, 1, 2, 4], count: 2, runStart: 0, runEnd: 4 };
  const failing = (error: unknown): Codec<unknown, never> => ({
    decode() {
      throw error;
    },
    encode: () => Buffer.alloc(0),
  });

  it('is a message, in its place', () => {
    const text = codecFrom({ decode: (bytes) => `${bytes}`, encode: () => Buffer.alloc(0) });
    expect([0, 1].map((index) => decodeFrame(text, batch, index))).toEqual(['a', 'cd']);
  });

  it.each([null, undefined])('is not %s', (nothing) => {
    const codec = codecFrom({ decode: () => nothing, encode: () => Buffer.alloc(0) });
    expect(() => decodeFrame(codec, batch, 0)).toThrow(
      expect.objectContaining({
        code: 'ERR_MESSAGE_VALUE',
        message: `the codec decoded ${nothing}, which no stream can carry`,
      }),
    );
  });

  it('has an error with its place in the stream, if that is known', () => {
    const error = (offset?: number): MessageError =>
      new MessageError('ERR_MESSAGE_SHORT', 'short', { offset });
    const caught = (offset: number | undefined, streamOffset: number | undefined): unknown => {
      try {
        return decodeFrame(failing(error(offset)), { ...batch, streamOffset }, 1);
      } catch (thrown) {
        return (thrown as MessageError).streamOffset;
      }
    };
    // 100 bytes before the batch, 2 before the frame, 1 in it.
    expect(caught(1, 100)).toBe(103);
    expect(caught(0, 0)).toBe(2);
    expect([caught(undefined, 100), caught(1, undefined)]).toEqual([undefined, undefined]);
    const plain = new Error('plain');
    expect(() => decodeFrame(failing(plain), { ...batch, streamOffset: 100 }, 1)).toThrow(plain);
    expect(() => decodeFrame(failing('a text'), batch, 1)).toThrow(Error);
  });
});
