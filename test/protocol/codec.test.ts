import { expect, it } from 'vitest';
import { MessageError } from '../../src/errors.ts';
import { codecFrom, json } from '../../src/protocol/codec-from.ts';

it('reads and writes JSON, out of the middle of a chunk too', () => {
  const codec = json<{ a: string }>();
  expect(codec.decode(Buffer.from('xx{"a":"é"}yy'), 2, 12)).toEqual({ a: 'é' });
  expect(Buffer.from(codec.encode({ a: 'é' })).toString()).toBe('{"a":"é"}');
});

it.each([
  ['', 'ERR_MESSAGE_EMPTY'],
  ['ff', 'ERR_MESSAGE_UTF8'],
  ['7b', 'ERR_MESSAGE_VALUE'],
])('refuses JSON %j with %s', (hex, code) => {
  expect(() => json().decode(Buffer.from(hex, 'hex'))).toThrow(
    expect.objectContaining({ name: 'MessageError', code, origin: 'peer' }),
  );
});

it('says whose fault an encoder’s error is, and keeps the cause', () => {
  expect(() => json().encode(undefined)).toThrow(
    expect.objectContaining({ code: 'ERR_FIELD_RANGE', origin: 'local' }),
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
  expect(() => codec.decode(Buffer.of(0))).toThrow(MessageError);
  expect(() => codecFrom({ decode: 1 } as never)).toThrow(TypeError);
});
