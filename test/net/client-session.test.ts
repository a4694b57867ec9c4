import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import {
  connect,
  createServer,
  defineProtocol,
  defineSession,
  lengthPrefix,
  message,
  messages,
  u8,
  utf8,
} from '../../src/index.ts';

const clientMessages = messages(u8, {
  hello: message(1, { name: utf8(u8) }),
  ask: message(2, { n: u8 }),
  ack: message(3, { n: u8 }),
  bye: message(4),
});
const serverMessages = messages(u8, {
  welcome: message(1),
  answer: message(2, { n: u8 }),
  event: message(3, { n: u8 }),
});
const acked: number[] = [];
const serverSession = defineSession({
  receives: clientMessages,
  sends: serverMessages,
  initial: 'new',
  states: {
    new: { on: { hello: () => ({ send: { type: 'welcome' }, next: 'live' }) }, next: ['live'] },
    live: {
      on: {
        ask: ({ n }) => ({
          send: [
            { type: 'event', n },
            { type: 'answer', n: n + 100 },
          ],
        }),
        ack: ({ n }) => void acked.push(n),
        bye: () => ({ next: 'over' }),
      },
      next: ['over'],
    },
    over: { final: true },
  },
});
const protocol = defineProtocol({
  name: 'events',
  framing: lengthPrefix(),
  clientMessages,
  serverMessages,
  session: serverSession,
  replies: { expects: { ask: { one: 'answer' } } },
});

/** The client's own table: it says hello, acknowledges events, and says goodbye after three. */
const session = defineSession({
  receives: serverMessages,
  sends: clientMessages,
  initial: 'connecting',
  context: () => ({ seen: [] as number[] }),
  states: {
    connecting: {
      onEnter: () => ({ type: 'hello', name: 'me' }),
      on: { welcome: () => ({ next: 'live' }) },
      next: ['live'],
      deadline: { within: 5_000 },
    },
    live: {
      on: {
        event: ({ n }, { seen }) => {
          seen.push(n);
          return seen.length < 3
            ? { send: { type: 'ack', n } }
            : { send: [{ type: 'ack', n }, { type: 'bye' }], next: 'over' };
        },
      },
      unsolicited: ['ask'],
      next: ['over'],
    },
    over: { final: true },
  },
});

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of cleanup.splice(0)) await act();
});

async function open(own: typeof session = session) {
  const server = createServer(protocol);
  await server.listen({ port: 0, host: '127.0.0.1' });
  cleanup.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const client = await connect(protocol, { port, host: '127.0.0.1', session: own });
  cleanup.push(() => client.destroy());
  return client;
}

describe('a client with its own session table', () => {
  test('the table handles messages that answer no request; requests work beside it', async () => {
    acked.length = 0;
    const client = await open();
    expect(client.machine!.state).toBe('connecting');
    while (client.machine!.state !== 'live') await pause(1);
    expect(() => client.send({ type: 'bye' })).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_UNEXPECTED', origin: 'local' }),
    );
    expect(() => client.send({ type: 'ask', n: 300 })).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_RANGE' }),
    );
    const answers = await Promise.all([1, 2, 3].map((n) => client.request({ type: 'ask', n })));
    expect(answers.map((answer) => (answer.type === 'answer' ? answer.n : answer))).toEqual([101, 102, 103]);
    for await (const message of client) expect(message).toBeUndefined();
    await client.closed;
    expect(client.machine!.context.seen).toEqual([1, 2, 3]);
    expect(acked).toEqual([1, 2, 3]);
  });

  test('sent messages are delivered if our side ends at once, and the replies still arrive', async () => {
    const patient = defineSession({
      receives: serverMessages,
      sends: clientMessages,
      initial: 'live',
      context: () => ({ seen: [] as number[] }),
      states: {
        live: {
          onEnter: () => ({ type: 'hello', name: 'me' }),
          on: { welcome: () => {}, event: () => {} },
          unsolicited: ['ask', 'ack'],
          next: ['over'],
        },
        connecting: {},
        over: { final: true },
      },
    });
    acked.length = 0;
    for (const count of [1, 3, 50_000]) {
      const client = await open(patient);
      const reply = client.request({ type: 'ask', n: 1 });
      for (let i = 0; i < count; i++) client.send({ type: 'ack', n: i % 256 });
      client.end();
      expect(() => client.send({ type: 'ack', n: 9 })).toThrow(
        expect.objectContaining({ code: 'ERR_STATE_CLOSED' }),
      );
      expect(await reply).toEqual({ type: 'answer', n: 101 });
      await client.closed;
    }
    expect(acked).toHaveLength(50_004);
  });

  test('its deadlines and failures end the connection with a coded error', async () => {
    const impatient = defineSession({
      receives: serverMessages,
      sends: clientMessages,
      initial: 'connecting',
      context: () => ({ seen: [] as number[] }),
      states: { connecting: { deadline: { within: 30 } }, live: {}, over: {} },
    });
    const client = await open(impatient);
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_TIMEOUT_STATE' });
    await expect(client.request({ type: 'ask', n: 1 })).rejects.toMatchObject({ code: 'ERR_STATE_CLOSED' });
  });

  test('a request whose reply the table could also take is refused', async () => {
    const client = await open();
    while (client.machine!.state !== 'live') await pause(1);
    await expect(client.request({ type: 'ack', n: 1 })).rejects.toThrow(
      /name their types in replies.expects/,
    );
  });
});

describe('the context of a connection', () => {
  async function serve(
    context: (connection: { remote: string }) => unknown,
    dispose?: (...call: never[]) => unknown,
  ) {
    const greeting = defineSession({
      receives: clientMessages,
      sends: serverMessages,
      initial: 'new',
      context,
      ...(dispose !== undefined && { dispose: dispose as never }),
      states: { new: { on: { hello: () => ({ send: { type: 'welcome' } }) } } },
    });
    const server = createServer(defineProtocol({ ...protocol, session: greeting }));
    const ends: unknown[] = [];
    server.on('connectionEnd', (_, error) => ends.push((error as { code?: string } | undefined)?.code));
    await server.listen({ port: 0, host: '127.0.0.1' });
    cleanup.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const visit = async () => {
      const client = await connect(protocol, { port, host: '127.0.0.1' });
      cleanup.push(() => client.destroy());
      const reply = await client.request({ type: 'hello', name: 'x' }).then(
        (message) => message.type,
        (error) => error.code,
      );
      const { localPort } = client.stream as Socket;
      client.end();
      await client.closed.catch(() => {});
      return { reply, localPort };
    };
    return { visit, ends };
  }

  test('it receives the address of the peer, and is disposed once', async () => {
    const made: string[] = [];
    const disposed: unknown[] = [];
    const { visit, ends } = await serve(
      ({ remote }) => {
        made.push(remote);
        return { remote };
      },
      (context: { remote: string }, reason: Error | undefined) => disposed.push([context.remote, reason]),
    );
    const { reply, localPort } = await visit();
    expect(reply).toBe('welcome');
    while (ends.length < 1) await pause(1);
    expect(made).toEqual([`127.0.0.1:${localPort}`]);
    expect(disposed).toEqual([[`127.0.0.1:${localPort}`, undefined]]);
  });

  test('a context that throws ends its connection, and the next connection is served', async () => {
    let count = 0;
    const { visit, ends } = await serve(() => {
      if (++count === 1) throw new Error('EMFILE: too many open files');
      return {};
    });
    expect((await visit()).reply).not.toBe('welcome');
    while (ends.length < 1) await pause(1);
    expect(ends).toEqual(['ERR_HANDLER']);
    expect((await visit()).reply).toBe('welcome');
  });
});
