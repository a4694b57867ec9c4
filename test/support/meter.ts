import {
  defineProtocol,
  defineSession,
  lengthPrefix,
  message,
  messages,
  type Protocol,
  u8,
  u32be,
  utf8,
} from '../../src/index.ts';

const fromDevice = messages(u8, {
  hello: message(1, { id: utf8(u8) }),
  done: message(2, { seq: u32be, value: u32be }),
  report: message(3, { value: u32be }),
  pause: message(4),
  resume: message(5),
});
const fromGateway = messages(u8, {
  welcome: message(1),
  add: message(2, { seq: u32be, command: u32be, value: u32be }),
  reset: message(3),
  bye: message(4, { why: utf8(u8) }),
});

/** What a device says. */
export type Said =
  | { type: 'hello'; id: string }
  | { type: 'done'; seq: number; value: number }
  | { type: 'report'; value: number }
  | { type: 'pause' | 'resume' };

/** The messages to a device. The gateway fills in `seq` and `command`. */
export type Told =
  | { type: 'welcome' | 'reset' }
  | { type: 'add'; seq: number; command: number; value: number }
  | { type: 'bye'; why: string };

export interface MeterContext {
  id: string | undefined;
}

/**
 * A protocol for tests of the fleet: a device sends its id, then gets commands to add numbers, and replies with the
 * sum. While paused, it takes no commands.
 */
export const meter: Protocol<Said, Told, 'new' | 'ready' | 'paused', MeterContext> = defineProtocol({
  name: 'meter',
  framing: lengthPrefix({ maxFrameLength: 1_000 }),
  clientMessages: fromDevice,
  serverMessages: fromGateway,
  session: defineSession({
    receives: fromDevice,
    sends: fromGateway,
    initial: 'new',
    ready: 'ready',
    context: (): MeterContext => ({ id: undefined }),
    states: {
      new: {
        on: {
          hello({ id }, context) {
            context.id = id;
            return { send: { type: 'welcome' }, next: 'ready' };
          },
        },
        next: ['ready'],
      },
      ready: {
        on: { done: () => undefined, report: () => undefined, pause: () => ({ next: 'paused' }) },
        unsolicited: ['add', 'reset'],
        next: ['paused'],
      },
      paused: {
        on: { done: () => undefined, report: () => undefined, resume: () => ({ next: 'ready' }) },
        unsolicited: [],
        next: ['ready'],
      },
    },
    farewell: (fault) => ({ type: 'bye', why: (fault as { code?: string }).code ?? 'ERR' }),
  }),
});

/** How its replies find their commands. */
export const meterReplies = {
  id: 'seq',
  expects: { add: { one: 'done' }, reset: 'none' },
} as const;

/** A command that adds. */
export const add = (value: number): Told => ({ type: 'add', seq: 0, command: 0, value });
