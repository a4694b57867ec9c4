import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  bytes,
  Conversation,
  defineProtocol,
  defineSession,
  lengthPrefix,
  message,
  messages,
  rest,
  u8,
} from '../../src/index.ts';

const commands = messages(u8, { spoil: message(1, {}), wait: message(2, {}) });
const answers = messages(u8, { number: message(1, { n: u8 }) });
const session = defineSession({
  receives: commands,
  sends: answers,
  initial: 'open',
  states: {
    open: {
      on: {
        // No byte holds it.
        spoil: () => ({ send: { type: 'number', n: 256 } }),
        wait: async () => {
          await turn();
          return { send: { type: 'number', n: 1 } };
        },
      },
    },
  },
});
const framing = lengthPrefix({ lengthFieldLength: 1 });
const protocol = defineProtocol({
  name: 'test',
  framing,
  clientMessages: commands,
  serverMessages: answers,
  session,
});

test('of short requests for long answers few are taken before the first answer is written', () => {
  const requests = messages(u8, { ask: message(1, {}) });
  const replies = messages(u8, { long: message(1, { body: bytes(rest) }) });
  const body = Buffer.alloc(65_536);
  const conversation = new Conversation(
    defineProtocol({
      name: 'long answers',
      framing: lengthPrefix({ lengthFieldLength: 4 }),
      clientMessages: requests,
      serverMessages: replies,
      session: defineSession({
        receives: requests,
        sends: replies,
        initial: 'open',
        states: { open: { on: { ask: () => ({ send: { type: 'long', body } }) } } },
      }),
    }),
  );
  // 64 frames: length 1 · ask
  conversation.receive(Buffer.concat(Array<Buffer>(64).fill(Buffer.from([1, 0, 0, 0, 1]))));
  let written = 0;
  for (let stretch = conversation.take(); stretch !== undefined; stretch = conversation.take()) {
    written += stretch.length;
    // Each answer: 4 bytes of length, its tag, its body.
    expect(conversation.taken - written / (body.length + 5)).toBeLessThanOrEqual(4);
  }
  expect(conversation.taken).toBe(64);
  expect(written).toBe(64 * (body.length + 5));
});

test('an answer that cannot be written ends it at once, also while the handler of a later message is pending', async () => {
  const conversation = new Conversation(protocol);
  conversation.receive(Buffer.from([1, 1, 1, 2]));
  expect(conversation.take()).toBeUndefined();
  expect(conversation.error).toMatchObject({ code: 'ERR_FIELD_RANGE', path: 'n', origin: 'local' });
  expect(conversation.final).toBe(true);
  expect(conversation.settled()).toBeUndefined();
  // What the handler answers after all is not sent.
  for (let i = 0; i < 5; i++) await turn();
  expect(conversation.take()).toBeUndefined();
});
