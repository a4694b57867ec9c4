import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import {
  cobs,
  defineProtocol,
  defineSession,
  type Framing,
  lengthPrefix,
  message,
  messages,
  u8,
  utf8,
} from '../../src/index.ts';
import type { AnyProtocol, Script } from './faces.ts';

export const requests = messages(u8, {
  /** Answered at once. */
  say: message(1, { n: u8 }),
  /** Answered after a turn of the event loop, twice. */
  wait: message(2, { n: u8 }),
  /** The handler throws. */
  fail: message(3),
  /** The handler rejects. */
  reject: message(4),
  /** Answered, and over. */
  bye: message(5),
  /** Not taken in any state. */
  odd: message(6),
  /** Answered by that many messages. */
  many: message(7, { n: u8 }),
  /** To the other state, without an answer. */
  flip: message(8),
  /** Answered by messages one of which the codec refuses. */
  refused: message(9),
  /** A generator yields that many answers, and returns another one. */
  stream: message(10, { n: u8 }),
  /** A generator yields that many answers, then throws. */
  breaks: message(11, { n: u8 }),
  /** A generator yields an answer that the codec refuses. */
  garbles: message(12),
  /** A generator yields an answer, and leads to the other state. */
  moves: message(13),
  /** Answered when `free` comes; beside others with another key. */
  hold: message(14, { n: u8 }),
  /** Lets the first `hold` be answered, which waits longest. */
  free: message(15),
  /** Like `hold`, and its handler fails when `free` comes. */
  holds: message(16, { n: u8 }),
  /** Waits in the state `left` for the other state. */
  later: message(17, { n: u8 }),
  /** Starts the timer `tick`, to run out after that many seconds. */
  start: message(18, { n: u8 }),
  /** Starts the timer `tock`, which leads to the other state. */
  tock: message(19, { n: u8 }),
  /** Cancels both. */
  cancel: message(20),
  /** To a state that lasts 1 s, and its handler is called, once; then it fails. */
  short: message(21),
  /** To a state that fails after 1 s without a message. */
  silent: message(22),
  /** The handler returns an iterable, which is not a reply. */
  iterates: message(23),
});
export const replies = messages(u8, {
  heard: message(1, { n: u8 }),
  sorry: message(2, { why: utf8(u8) }),
  ended: message(3),
});
export type Request = Parameters<typeof requests.encode>[0];
type Reply = Parameters<typeof replies.encode>[0];

interface Context {
  /** What `free` calls. */
  gates: (() => void)[];
  /** How often `free` found no gate: the next ones are open. */
  open: number;
  times: number;
}

export const heard = (n: number): Reply => ({ type: 'heard', n });

/** What happens to the contexts of a session: a line each time. */
export interface Life {
  readonly log: string[];
  readonly fails?: 'context' | 'dispose';
}

/** @param isAsync - whether handlers answer in the next turn of the event loop, and not at once */
export function protocolOf(framing: Framing, isAsync: boolean, life?: Life): AnyProtocol {
  const answer = <Answer>(make: () => Answer): Answer =>
    (isAsync ? turn().then(make) : make()) as unknown as Answer;
  const gate = (context: Context, open: () => void): void => {
    if (context.open === 0) {
      context.gates.push(open);
    } else {
      context.open--;
      open();
    }
  };
  const rows = (other: 'left' | 'right') => ({
    say: ({ n }: { n: number }) => answer(() => ({ send: heard(n) })),
    wait: async ({ n }: { n: number }) => {
      await turn();
      return { send: [heard(n), heard(n)] };
    },
    fail: () =>
      answer(() => {
        throw new Error('as asked');
      }),
    reject: () => Promise.reject(new Error('as asked')),
    bye: () => answer(() => ({ send: { type: 'ended' as const }, next: 'over' as const })),
    many: ({ n }: { n: number }) => answer(() => ({ send: Array.from({ length: n }, (_, i) => heard(i)) })),
    flip: () => answer(() => ({ next: other })),
    refused: () => answer(() => ({ send: [heard(1), heard(256), heard(2)] })),
    async *stream({ n }: { n: number }) {
      for (let i = 0; i < n; i++) {
        if (isAsync) await turn();
        yield heard(i);
      }
      return { send: heard(200) };
    },
    async *breaks({ n }: { n: number }) {
      for (let i = 0; i < n; i++) yield heard(i);
      if (isAsync) await turn();
      throw new Error('as asked');
    },
    async *garbles() {
      yield [heard(1), heard(256)];
    },
    async *moves() {
      yield heard(1);
      return { send: heard(2), next: other };
    },
    hold: {
      concurrent: 'n',
      handle: ({ n }: { n: number }, context: Context) =>
        new Promise<{ send: Reply }>((resolve) => gate(context, () => resolve({ send: heard(n) }))),
    },
    holds: {
      concurrent: ({ n }: { n: number }) => n,
      handle: (_: unknown, context: Context) =>
        new Promise<never>((_, reject) => gate(context, () => reject(new Error('as asked')))),
    },
    free: {
      concurrent: () => 'free',
      handle: (_: unknown, context: Context) =>
        answer(() => {
          const open = context.gates.shift();
          if (open === undefined) context.open++;
          else open();
        }),
    },
    start: ({ n }: { n: number }) => answer(() => ({ send: heard(n), timers: { tick: n * 1_000 } })),
    tock: ({ n }: { n: number }) => answer(() => ({ send: heard(n), timers: { tock: n * 1_000 } })),
    cancel: () => answer(() => ({ send: heard(0), timers: { tick: null, tock: null } })),
    short: () => answer(() => ({ next: 'short' as const })),
    silent: () => answer(() => ({ next: 'silent' as const })),
    iterates: () => answer((): object => Readable.from([heard(1)])),
  });
  const timers = (other: 'left' | 'right') => ({
    tick: () => answer(() => ({ send: heard(201) })),
    tock: () => answer(() => ({ send: heard(202), next: other })),
  });
  return defineProtocol({
    name: 'conformance',
    framing,
    clientMessages: requests,
    serverMessages: replies,
    session: defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      context: (): Context => {
        life?.log.push('made');
        if (life?.fails === 'context') throw new Error('as asked');
        return { gates: [], open: 0, times: 0 };
      },
      dispose: (context, reason) => {
        life?.log.push(`disposed of ${typeof context}: ${reason?.message ?? 'in peace'}`);
        if (life?.fails === 'dispose') throw new Error('as asked');
      },
      farewell: (error) => ({ type: 'sorry' as const, why: error.message.slice(0, 60) }),
      states: {
        left: {
          on: rows('right'),
          postpone: ['later'],
          next: ['right', 'over', 'short', 'silent'],
          onEnter: () => heard(255),
          timers: timers('right'),
        },
        right: {
          on: { ...rows('left'), later: ({ n }) => answer(() => ({ send: heard(n) })) },
          next: ['left', 'over', 'short', 'silent'],
          onEnd: () => ({ type: 'ended' as const }),
          // `tick` is not among them: it ends with the state `left`.
          timers: { tock: timers('left').tock },
        },
        short: {
          on: { say: ({ n }) => answer(() => ({ send: heard(n) })), later: () => ({ next: 'left' }) },
          next: ['left', 'over'],
          deadline: {
            within: 1_000,
            handle: (error, context) =>
              answer(() => {
                if (++context.times > 1) throw error;
                return { send: heard(203) };
              }),
          },
        },
        silent: {
          on: { say: ({ n }) => answer(() => ({ send: heard(n) })) },
          deadline: { idle: 1_000 },
        },
        over: { final: true },
      },
    }),
  });
}

export function framed(framing: Framing, payload: Uint8Array): Buffer {
  const writer = framing.writer();
  const frame = Buffer.alloc(writer.bound(payload.length));
  return frame.subarray(0, writer.write(frame, 0, payload, 0, payload.length));
}

export const FRAMINGS: Record<string, Framing> = {
  'a length prefix': lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', maxFrameLength: 100 }),
  COBS: cobs({ maxFrameLength: 100 }),
};

/** Once the peer has received that many `heard`, the greeting among them, so much time passes. */
export interface Wait {
  readonly answers: number;
  readonly seconds: number;
}

/** Messages, payloads that may be none, and pauses. */
export type Items = readonly (Request | Buffer | Wait)[];

/** The same as bytes. A message follows the one before it without a cut. */
export function scriptOf(framing: Framing, items: Items): Script {
  const answer = framed(framing, replies.encode(heard(255))).length;
  return items.map((item) => {
    if (Buffer.isBuffer(item)) return framed(framing, item);
    if ('type' in item) return framed(framing, requests.encode(item));
    return { received: item.answers * answer, milliseconds: item.seconds * 1_000 };
  });
}

/** What a peer has received, in words: `'1 2 sorry'`. The greeting is left out. */
export function said(framing: Framing, bytes: string): string {
  const reader = framing.reader();
  reader.push(Buffer.from(bytes, 'hex'));
  const words: string[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    const reply = replies.decode(frame);
    words.push(reply.type === 'heard' ? String(reply.n) : reply.type);
  }
  return (words[0] === '255' ? words.slice(1) : words).join(' ');
}
