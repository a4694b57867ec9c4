import { expect, expectTypeOf, test } from 'vitest';
import { type ClientMessage, drone, type ServerMessage } from '../../src/drone/index.ts';
import { defineProtocol, lengthPrefix, message, messages, type Protocol, u8 } from '../../src/index.ts';

const { framing, clientMessages, serverMessages, session } = drone;
const parts = { name: 'copy', framing, clientMessages, serverMessages, session };

test('is what it was made of, and cannot be changed', () => {
  const copy = defineProtocol(parts);
  expect(copy).toEqual(parts);
  expect(Object.isFrozen(copy)).toBe(true);
  expectTypeOf(copy).toExtend<Protocol<ClientMessage, ServerMessage>>();
});

test.each<[string, object, RegExp]>([
  ['no name', { name: '' }, /^name:/],
  ['a framing that is none', { framing: {} }, /^framing: expected an object with reader and writer/],
  ['a framing option', { framing: { maxFrameLength: 5 } }, /^framing/],
  [
    'a codec that cannot encode',
    { clientMessages: { decode() {} } },
    /^clientMessages: .* decode and encode/,
  ],
  ['no codec', { serverMessages: undefined }, /^serverMessages/],
  ['no session', { session: undefined }, /^session/],
  [
    'the directions mixed up',
    { clientMessages: serverMessages, serverMessages: clientMessages },
    /'quit' is not a message of clientMessages/,
  ],
  [
    'answers that the codec does not have',
    { serverMessages: messages(u8, { ok: message(0) }) },
    /'error' is not a message of serverMessages; there are ok/,
  ],
])('%s', (_, change, text) => {
  const wrong = { ...parts, ...change } as typeof parts;
  expect(() => defineProtocol(wrong)).toThrow(TypeError);
  expect(() => defineProtocol(wrong)).toThrow(text);
});

test('the messages of codecs and session must be the same', () => {
  const clients = messages(u8, { hello: message(0) });
  const mixed = () => {
    return defineProtocol({
      name: 'x',
      framing: lengthPrefix(),
      clientMessages: clients,
      serverMessages,
      // @ts-expect-error the session takes other messages
      session,
    });
  };
  expect(mixed).toThrow(/'quit' is not a message of clientMessages; there are hello/);
});
