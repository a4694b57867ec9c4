/** Handlers that call the conversation, or the stage, that has called them. */
import { PassThrough, pipeline, type Transform } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  Conversation,
  defineProtocol,
  defineSession,
  FrameDecoder,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  message,
  messages,
  Responder,
  StateMachine,
  u8,
} from '../../src/index.ts';

const framing = lengthPrefix({ lengthFieldLength: 1 });
const requests = messages(u8, { say: message(1, { n: u8 }), go: message(2) });
const replies = messages(u8, { said: message(1, { n: u8 }), sorry: message(2) });
const codecs = { 'in runs': requests, singly: { decode: requests.decode, encode: requests.encode } };
/** 02 · 01 · n */
const say = (n: number): Buffer => Buffer.of(2, 1, n);
const said = (n: number): Buffer => Buffer.of(2, 1, n);
const sorry = Buffer.of(1, 2);
const go = Buffer.of(1, 2);

type Reply = Parameters<typeof replies.encode>[0];
interface Context {
  act(n: number): void;
}
const answer = ({ n }: { n: number }, { act }: Context) => {
  act(n);
  return { send: { type: 'said', n } as Reply };
};
const ways = {
  usual: { outcomes: { open: 'said' }, handle: answer },
  sync: answer,
  async: async (one: { n: number }, context: Context) => answer(one, context),
  async *generator(one: { n: number }, context: Context) {
    yield answer(one, context).send;
    await turn();
  },
  concurrent: { concurrent: () => 1, handle: answer },
  'concurrent, async': {
    concurrent: ({ n }: { n: number }) => n,
    handle: async (one: { n: number }, context: Context) => answer(one, context),
  },
};

const sessionOf = (row: unknown) =>
  defineSession<{ type: string; n?: number }, Reply, 'open' | 'entered', Context>({
    receives: requests as never,
    sends: replies,
    initial: 'open',
    context: () => ({ act: () => {} }),
    farewell: () => ({ type: 'sorry' }),
    states: {
      open: { on: { say: row, go: () => ({ next: 'entered' }) } as never, next: ['entered'] },
      entered: {
        onEnter: ({ act }) => {
          act(0);
          return { type: 'said', n: 0 };
        },
      },
    },
  });
const protocolOf = (row: unknown, clientMessages: unknown) =>
  defineProtocol({
    name: 'says',
    framing,
    clientMessages: clientMessages as typeof requests,
    serverMessages: replies,
    session: sessionOf(row) as never,
  });

async function drain(conversation: { take(): Buffer | undefined; settled(): Promise<void> | undefined }) {
  const all: Buffer[] = [];
  for (;;) {
    for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take())
      all.push(Buffer.from(bytes));
    const later = conversation.settled();
    if (later === undefined) return Buffer.concat(all);
    await later;
  }
}

const cases = Object.entries(ways).flatMap(([way, row]) =>
  Object.entries(codecs).map(([how, codec]) => [way, how, row, codec] as const),
);

test.each(cases)('take gives a handler nothing: %s, %s', async (_, __, row, codec) => {
  const handled: number[] = [];
  const taken: unknown[] = [];
  const conversation = new Conversation(protocolOf(row, codec), {
    act: (n: number) => {
      handled.push(n);
      // An async handler calls it before its first await.
      if (n % 7 === 3) taken.push(conversation.take());
    },
  });
  const numbers = [...Array(150).keys(), ...Array(150).keys()];
  conversation.receive(Buffer.concat(numbers.map(say)));
  expect(await drain(conversation)).toEqual(Buffer.concat(numbers.map(said)));
  expect(handled).toEqual(numbers);
  expect(taken.every((bytes) => bytes === undefined || isLane(row))).toBe(true);
  expect(conversation).toMatchObject({ error: undefined, isWorking: false, held: 0 });
});

/** A lane calls its next handler outside of take. */
function isLane(row: unknown): boolean {
  return row === ways.concurrent || row === ways['concurrent, async'];
}

test.each(['timer', 'limit'])('take gives nothing to the handler of a %s', async (which) => {
  const taken: unknown[] = [];
  const late = (): { send: Reply } => {
    taken.push(conversation.take());
    return { send: { type: 'said', n: 9 } };
  };
  const session = defineSession<{ type: string; n?: number }, Reply, 'open', undefined>({
    receives: requests as never,
    sends: replies,
    initial: 'open',
    states: {
      open: {
        on: { say: ({ n = 0 }) => ({ send: { type: 'said', n }, timers: { tick: 5 } }) },
        timers: { tick: late },
        deadline: { within: 5, handle: late },
      },
    },
  });
  const parts = { framing, clientMessages: requests, serverMessages: replies };
  const conversation: Conversation<never, never> = new Conversation(
    defineProtocol({ name: 'late', ...parts, session: session as never }) as never,
  );
  conversation.receive(say(1));
  expect(await drain(conversation)).toEqual(said(1));
  conversation.receive(say(2));
  if (which === 'timer') conversation.expire('tick');
  else conversation.timeout('within');
  expect(taken).toEqual([undefined]);
  expect(await drain(conversation)).toEqual(Buffer.concat([said(9), said(2)]));
});

test.each(cases)(
  'the farewell is the last, also if a handler ends the session: %s, %s',
  async (_, __, row, codec) => {
    const conversation = new Conversation(protocolOf(row, codec), {
      act: (n: number) => {
        if (n === 3) conversation.abort(new Error('enough'));
        if (n > 3) throw new Error('not asked');
      },
    });
    conversation.receive(Buffer.concat([1, 2, 3, 4].map(say)));
    const bytes = await drain(conversation);
    // Answers of concurrent handlers at work come too late.
    expect(bytes.subarray(-2)).toEqual(sorry);
    if (row !== ways['concurrent, async']) expect(bytes).toEqual(Buffer.concat([said(1), said(2), sorry]));
    expect(conversation).toMatchObject({ final: true, isWorking: false, isBusy: false });
    expect(conversation.error?.message).toBe('enough');
  },
);

test('the first failure counts, and a promise that fails after it harms nobody', async () => {
  for (const fails of [
    (n: number) => {
      throw new Error(`later ${n}`);
    },
    (n: number) => Promise.reject(new Error(`later ${n}`)),
  ]) {
    const conversation = new Conversation(
      protocolOf(({ n }: { n: number }, { act }: Context) => {
        act(n);
        return fails(n);
      }, requests),
      { act: () => conversation.abort(new Error('first')) },
    );
    conversation.receive(say(1));
    expect(await drain(conversation)).toEqual(sorry);
    await turn();
    expect(conversation.error?.message).toBe('first');
  }
});

test('a state that ends the session as it is entered says nothing after the farewell', async () => {
  const conversation = new Conversation(protocolOf(ways.sync, requests), {
    act: () => conversation.abort(new Error('enough')),
  });
  conversation.receive(go);
  expect(await drain(conversation)).toEqual(sorry);
});

test.each(Object.entries(ways))('in a stream: %s', async (_, row) => {
  const acting = (abort: (error: Error) => void): Context => ({
    act: (n) => {
      if (n === 3) abort(new Error('enough'));
    },
  });
  const responder: Responder<never, never> = new Responder(protocolOf(row, requests) as never, {
    context: acting((error) => responder.abort(error)),
  });
  const machine: StateMachine<never, never> = new StateMachine(sessionOf(row) as never, {
    context: acting((error) => machine.abort(error)),
  });
  const stages: Transform[][] = [
    [responder],
    [
      new FrameDecoder(framing),
      new MessageDecoder(requests),
      machine,
      new MessageEncoder(replies, { framing }),
    ],
  ] as never;
  for (const all of stages) {
    const source = new PassThrough();
    const sink = new PassThrough();
    const sent: Buffer[] = [];
    sink.on('data', (bytes) => sent.push(bytes)).on('finish', () => source.end());
    const ended = new Promise<Error | undefined>((done) =>
      pipeline([source, ...all, sink] as never, done as never),
    );
    for (const n of [1, 2, 3, 4]) {
      source.write(say(n));
      await turn();
    }
    expect((await ended)?.message).toBe('enough');
    expect(Buffer.concat(sent)).toEqual(Buffer.concat([said(1), said(2), sorry]));
  }
});
