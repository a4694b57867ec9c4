import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  Conversation,
  defineProtocol,
  defineSession,
  lengthPrefix,
  message,
  messages,
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
