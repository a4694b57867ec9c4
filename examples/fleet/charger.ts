/** The messages of a charger and its gateway. */
import { defineProtocol, defineSession, lengthPrefix, message, messages, u8, u16be, utf8 } from 'wirepipe';

const fromCharger = messages(u8, {
  hello: message(1, { serial: utf8(u8) }),
  ok: message(2, { seq: u16be, text: utf8(u8) }),
  power: message(3, { watts: u16be }),
});
const fromGateway = messages(u8, {
  welcome: message(1),
  start: message(2, { seq: u16be, connector: u8 }),
  stop: message(3, { seq: u16be }),
  bye: message(4, { why: utf8(u8) }),
});

const session = defineSession({
  receives: fromCharger,
  sends: fromGateway,
  initial: 'new',
  ready: 'ready',
  context: () => ({ serial: undefined as string | undefined }),
  states: {
    new: {
      on: {
        hello({ serial }, context) {
          context.serial = serial;
          return { send: { type: 'welcome' }, next: 'ready' };
        },
      },
      next: ['ready'],
    },
    // Replies to commands, and telemetry, are ordinary messages: the table has to accept them.
    ready: { on: { ok: () => undefined, power: () => undefined } },
  },
  farewell: (fault) => ({ type: 'bye', why: (fault as { code?: string }).code ?? fault.name }),
});

export const charger = defineProtocol({
  name: 'charger',
  framing: lengthPrefix({ maxFrameLength: 1_000 }),
  clientMessages: fromCharger,
  serverMessages: fromGateway,
  session,
});
