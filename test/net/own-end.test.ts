/** A session that ends by its own decision: what has come behind its last message is not read, wherever the session runs. */
import { PassThrough, pipeline, type Transform } from 'node:stream';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import * as wire from '../../src/index.ts';
import {
  type Codec,
  Conversation,
  cobs,
  createServer,
  defineProtocol,
  defineSession,
  FrameDecoder,
  type Framing,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  Responder,
  StateMachine,
} from '../../src/index.ts';
import { chunkings } from '../support/chunkings.ts';
import { listening, raw, until } from '../support/net.ts';

type Word = { type: string };
/** A word with an x is no message. */
const words: Codec<Word> = {
  decode(bytes, start, end) {
    const type = bytes.toString('latin1', start, end);
    if (type.includes('x')) throw new Error(`no word: ${type}`);
    return { type };
  },
  encode: ({ type }) => Buffer.from(type, 'latin1'),
};
const say = (type: string): Word => ({ type });
const over = { send: say('bye'), next: 'over' } as const;

const session = defineSession<Word, Word, 'open' | 'over', undefined>({
  receives: words,
  sends: words,
  initial: 'open',
  states: {
    open: {
      on: {
        echo: () => ({ send: say('echoed') }),
        quit: () => over,
        later: () => turn(over),
        async *slowly() {
          yield say('wait');
          await turn();
          return over;
        },
        start: () => ({ timers: { end: 1 } }),
        work: { concurrent: () => 1, handle: () => pause(10, { send: say('worked') }) },
        fail: () => {
          throw new Error('not asked');
        },
      },
      timers: { end: () => over },
      next: ['over'],
    },
    over: { final: true },
  },
  farewell: () => say('sorry'),
});

interface Outcome {
  readonly sent: string;
  readonly error: Error | null | undefined;
  readonly taken: number;
}

const protocolOf = (framing: Framing) =>
  defineProtocol({ name: 'words', framing, clientMessages: words, serverMessages: words, session });

async function conversing(framing: Framing, chunks: readonly Buffer[]): Promise<Outcome> {
  const conversation = new Conversation(protocolOf(framing));
  const sent: Buffer[] = [];
  const take = async (): Promise<void> => {
    for (;;) {
      for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take())
        sent.push(bytes);
      for (const [name] of conversation.takeTimers() ?? []) conversation.expire(name);
      if (conversation.settled() === undefined) return;
      await conversation.settled();
    }
  };
  for (const chunk of chunks) {
    conversation.receive(chunk);
    await take();
  }
  conversation.ended();
  await take();
  expect(conversation.held).toBe(0);
  return { sent: Buffer.concat(sent).toString(), error: conversation.error, taken: conversation.taken };
}

async function piped(stages: readonly Transform[], chunks: readonly Buffer[], isLast = true) {
  const source = new PassThrough();
  const sink = new PassThrough();
  const sent: Buffer[] = [];
  sink.on('data', (chunk) => sent.push(chunk));
  const ended = new Promise<Error | null | undefined>((resolve) => {
    pipeline([source, ...stages, sink] as never, resolve as never);
  });
  for (const chunk of chunks) {
    source.write(chunk);
    await turn();
  }
  if (isLast) source.end();
  sink.once('finish', () => source.end());
  const error = await ended;
  return { sent: Buffer.concat(sent).toString(), error };
}

async function responding(framing: Framing, chunks: readonly Buffer[], isLast?: boolean): Promise<Outcome> {
  const responder = new Responder(protocolOf(framing));
  const { sent, error } = await piped([responder], chunks, isLast);
  expect(responder.held).toBe(0);
  return { sent, error, taken: responder.taken };
}

async function staged(framing: Framing, chunks: readonly Buffer[], isLast?: boolean): Promise<Outcome> {
  const machine = new StateMachine(session);
  const stages = [
    new FrameDecoder(framing),
    new MessageDecoder(words),
    machine,
    new MessageEncoder(words, { framing }),
  ];
  return { ...(await piped(stages, chunks, isLast)), taken: machine.taken };
}

async function served(framing: Framing, chunks: readonly Buffer[]): Promise<Outcome> {
  const server = createServer(protocolOf(framing), { handshakeTimeout: 400 });
  const ends: (Error | undefined)[] = [];
  server.on('connectionEnd', (_, error) => ends.push(error));
  const peer = await raw(await listening(server), { noDelay: true });
  for (const chunk of chunks) {
    peer.socket.write(chunk);
    await turn();
  }
  await until(() => peer.bytes().includes('bye'));
  // While the peer lingers, it is charged with nothing.
  await until(() => server.stats().heldBytes === 0);
  peer.socket.end();
  const sent = (await peer.closed).toString();
  await until(() => ends.length === 1);
  const { messagesReceived, failed, closed } = server.stats();
  expect([failed, closed]).toEqual([0, 1]);
  return { sent, error: ends[0], taken: messagesReceived };
}

const prefixed = (...types: string[]): Buffer =>
  Buffer.concat(types.flatMap((type) => [Buffer.of(type.length), Buffer.from(type)]));
const stuffed = (...types: string[]): Buffer =>
  Buffer.concat(types.flatMap((type) => [Buffer.of(type.length + 1), Buffer.from(type), Buffer.of(0)]));
const framings = [
  // A length of 100, which is too much · one byte of a frame of 5.
  [lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 8 }), prefixed, [100, 1], [5, 1]],
  // A block of 8 bytes that ends after 2.
  [cobs({ maxFrameLength: 8 }), stuffed, [9, 1, 0], [5, 1]],
] as const;
const cases = framings.flatMap(([framing, of, broken, cut]) =>
  ['quit', 'later', 'slowly'].flatMap((last) =>
    Object.entries({
      nothing: [],
      'no message': [of('echo', 'x', 'echo')],
      'no frame': [of('echo'), Buffer.from(broken)],
      'an unexpected message, and a part of a frame': [of('what'), Buffer.from(cut)],
      'a message whose handler fails': [of('fail')],
    }).map(([what, behind]) => [framing.name, last, what, framing, of('echo', last), behind] as const),
  ),
);

test.each(cases)('%s, %s: %s behind it', async (_name, last, _what, framing, first, behind) => {
  const input = Buffer.concat([first, ...behind]);
  const expected = await conversing(framing, [first]);
  expect(expected).toMatchObject({ error: undefined, taken: 2 });
  expect(expected.sent).toMatch(last === 'slowly' ? /echoed.*wait.*bye/s : /echoed.*bye/s);
  for (const [cutting, chunks] of chunkings(input)) {
    for (const run of [conversing, responding, staged])
      expect([cutting, run.name, await run(framing, chunks)]).toEqual([cutting, run.name, expected]);
  }
  for (const chunks of [[input], [first, ...behind]]) expect(await served(framing, chunks)).toEqual(expected);
});

test.each([
  ['no message', prefixed('x')],
  ['no frame', Buffer.of(100, 1)],
  ['a part of a frame', Buffer.of(5, 1)],
])('%s, which waits for a handler at work, when a timer ends the session', async (_, behind) => {
  const [[framing]] = framings;
  const first = prefixed('start', 'work');
  for (const run of [responding, staged])
    for (const chunks of [[Buffer.concat([first, behind])], [first, behind]])
      expect(await run(framing, chunks)).toEqual({ sent: '\x06worked\x03bye', error: undefined, taken: 2 });
});

test('leave: a fault that has come before it counts', async () => {
  const [[framing]] = framings;
  const stages: (() => [leaves: { leave(say: () => Word): void }, stages: Transform[]])[] = [
    () => {
      const responder = new Responder(protocolOf(framing));
      return [responder, [responder]];
    },
    () => {
      const machine = new StateMachine(session);
      const encoder = new MessageEncoder(words, { framing });
      return [machine, [new FrameDecoder(framing), new MessageDecoder(words), machine, encoder]];
    },
  ];
  for (const make of stages) {
    const [leaves, all] = make();
    const outcome = piped(all, [prefixed('work', 'x')], false);
    await turn();
    await turn();
    leaves.leave(() => say('leaving'));
    expect(await outcome).toMatchObject({ sent: '\x06worked\x05sorry', error: { message: 'no word: x' } });
  }
});

test('frames and messages that are read in one pass: the end, and an upgrade, leave what is behind them', async () => {
  const asked = wire.messages(wire.u8, {
    echo: wire.message(1, { n: wire.u8 }),
    quit: wire.message(2, {}),
    upgrade: wire.message(3, {}),
  });
  const said = wire.messages(wire.u8, { echoed: wire.message(1, { n: wire.u8 }), bye: wire.message(2, {}) });
  const pass = defineSession({
    receives: asked,
    sends: said,
    initial: 'open',
    states: {
      open: {
        on: {
          echo: { outcomes: { open: 'echoed' }, handle: ({ n }) => ({ send: { type: 'echoed', n } }) },
          quit: async () => ({ send: { type: 'bye' }, next: 'over' }),
          upgrade: () => ({ send: { type: 'bye' }, upgrade: 'more' }),
        },
        next: ['over'],
      },
      over: { final: true },
    },
  });
  const framing = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 3, onTooLong: 'discard' });
  const protocol = defineProtocol({
    name: 'one pass',
    framing,
    clientMessages: asked,
    serverMessages: said,
    session: pass,
  });
  const echo = [2, 1, 9];
  // Frames of 5 bytes are too long, and are skipped: they look like frames of 1 byte.
  const skipped = [5, 1, 1, 1, 1, 1];
  for (const last of [2, 3])
    for (const behind of [
      [],
      [2, 99, 1],
      [...echo, 1, 99],
      [...skipped, ...echo],
      [...echo, ...skipped],
      [3, 1],
    ]) {
      const input = Buffer.from([...skipped, ...echo, ...echo, 1, last, ...behind]);
      for (const [cutting, chunks] of chunkings(input)) {
        const conversation = new Conversation(protocol);
        const sent: Buffer[] = [];
        for (const chunk of chunks) {
          conversation.receive(chunk);
          do {
            await conversation.settled();
            for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take())
              sent.push(bytes);
          } while (conversation.settled() !== undefined);
        }
        expect([cutting, conversation.error, conversation.taken]).toEqual([cutting, undefined, 3]);
        expect(Buffer.concat(sent)).toEqual(Buffer.from([...echo, ...echo, 1, 2]));
        expect(conversation.upgrade?.unread).toEqual(last === 3 ? Buffer.from(behind) : undefined);
        expect(conversation.held).toBe(last === 3 ? behind.length : 0);
      }
    }
});
