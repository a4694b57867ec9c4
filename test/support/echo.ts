import {
  bytes,
  defineProtocol,
  defineSession,
  lengthPrefix,
  message,
  messages,
  type Protocol,
  rest,
  u8,
  utf8,
} from '../../src/index.ts';

const requests = messages(u8, {
  login: message(1),
  echo: message(2, { body: bytes(rest) }),
  slow: message(3),
  many: message(4, { kib: u8 }),
  quit: message(5),
});
const answers = messages(u8, {
  welcome: message(1),
  echoed: message(2, { body: bytes(rest) }),
  bye: message(3, { why: utf8(rest) }),
});

export type Ask =
  | { type: 'login' | 'slow' | 'quit' }
  | { type: 'echo'; body: Uint8Array }
  | { type: 'many'; kib: number };
export type Answer = { type: 'welcome' } | { type: 'echoed'; body: Buffer } | { type: 'bye'; why: string };

/** A frame: length u32le, tag, body. */
export function frame(tag: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(1 + body.length);
  head[4] = tag;
  return Buffer.concat([head, body]);
}

export const LOGIN: Buffer = frame(1);
export const SLOW: Buffer = frame(3);
export const QUIT: Buffer = frame(5);
export const echo = (text: string): Buffer => frame(2, Buffer.from(text));
export const bye = (why: string): Buffer => frame(3, Buffer.from(why));

/**
 * A protocol for tests of the server. `login` makes the session ready, `echo` returns the body, `slow` is answered on
 * demand, `many` returns that many KiB. The farewell is `bye` with the error's code.
 */
export function echoing(
  slow: () => Promise<void> = async () => {},
): Protocol<Ask, Answer, 'new' | 'open' | 'over'> {
  const session = defineSession({
    receives: requests,
    sends: answers,
    initial: 'new',
    ready: 'open',
    states: {
      new: { on: { login: () => ({ send: { type: 'welcome' }, next: 'open' }) }, next: ['open'] },
      open: {
        on: {
          echo: ({ body }) => ({ send: { type: 'echoed', body } }),
          async slow() {
            await slow();
            return { send: { type: 'echoed', body: Buffer.from('slow') } };
          },
          many: ({ kib }) => ({ send: { type: 'echoed', body: Buffer.alloc(kib * 1024) } }),
          quit: () => ({ send: { type: 'bye', why: 'quit' }, next: 'over' }),
        },
        next: ['over'],
      },
      over: { final: true },
    },
    farewell: (fault) => ({ type: 'bye', why: (fault as { code?: string }).code ?? 'ERR' }),
  });
  return defineProtocol({
    name: 'echo',
    framing: lengthPrefix({ maxFrameLength: 1_000_000 }),
    clientMessages: requests,
    serverMessages: answers,
    session,
  }) as never;
}
