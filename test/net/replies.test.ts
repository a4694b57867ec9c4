import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import {
  type ConnectOptions,
  connect,
  createServer,
  type Infer,
  LengthPrefixDecoder,
  lengthPrefix,
  MessageDecoder,
  message,
  messages,
  u8,
} from '../../src/index.ts';
import { Client } from '../../src/net/client.ts';

/** A protocol with a number, which a server may repeat. */
const codec = messages(u8, { ask: message(1, { id: u8, n: u8 }), push: message(2, { n: u8 }) });
type Message = Infer<typeof codec>;
const protocol = { framing: lengthPrefix(), clientMessages: codec, serverMessages: codec };
const ask = (n: number): Message => ({ type: 'ask', id: 0, n });

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const act of cleanup.splice(0)) await act();
});

/** A server that does nothing by itself: what came, and what to send. */
async function serve(options?: Partial<ConnectOptions<Message, Message>>): Promise<{
  client: Client<Message, Message>;
  came: Message[];
  answer(...messages: Message[]): void;
  socket: net.Socket;
}> {
  const server = net.createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [[socket], client] = await Promise.all([
    once(server, 'connection') as Promise<[net.Socket]>,
    connect(protocol, { port, host: '127.0.0.1', ...options } as ConnectOptions<Message, Message>),
  ]);
  const came: Message[] = [];
  pipeline(
    socket,
    new LengthPrefixDecoder(),
    new MessageDecoder(codec),
    async (items: AsyncIterable<Message>) => {
      for await (const item of items) came.push(item);
    },
    () => {},
  );
  cleanup.push(
    () => client.destroy(),
    () => socket.destroy(),
    () => server.close(),
  );
  const answer = (...items: Message[]) => {
    for (const item of items) {
      const payload = codec.encode(item);
      socket.write(Buffer.from([payload.length, 0, 0, 0, ...payload]));
    }
  };
  return { client, came, answer, socket };
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn();
};

/** How a promise ended, so that none is left to reject unseen. */
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error) => error);

describe('the drone protocol, in order', () => {
  test('replies go to their requests, and answers to sent messages to the iterator', async () => {
    const server = createServer(drone);
    await server.listen({ port: 0, host: '127.0.0.1' });
    cleanup.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const client = await connect(drone, { port, host: '127.0.0.1', checkStates: true });
    expect(() => client.send({ type: 'quit' })).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_UNEXPECTED', origin: 'local', state: 'handshake' }),
    );
    client.send({ type: 'write', text: 'HELLO' });
    const moves = [1, 2, 3].map((x) => client.request({ type: 'move', x, y: 0 }));
    client.send({ type: 'changeColor', r: 1, g: 2, b: 3 });
    expect(await outcome(client.request({ type: 'move', x: 2 ** 31, y: 0 }))).toMatchObject({
      code: 'ERR_FIELD_RANGE',
    });
    expect(await Promise.all(moves)).toEqual(
      [1, 2, 3].map((x) => ({ type: 'ok', text: `MOVING_TO(${x}, 0)` })),
    );
    expect(await client.request({ type: 'quit' })).toEqual({ type: 'ok', text: 'BYE' });
    expect(await outcome(client.request({ type: 'quit' }))).toMatchObject({
      code: 'ERR_STATE_CLOSED',
      origin: 'local',
    });
    const rest: unknown[] = [];
    for await (const answer of client) rest.push(answer);
    expect(rest).toEqual([
      { type: 'ok', text: 'AUTH_OK' },
      { type: 'ok', text: 'COLOR_SET(1, 2, 3)' },
    ]);
    await client.closed;
  });

  test('a client that only makes requests need not iterate: the connection closes anyway', async () => {
    const server = createServer(drone);
    await server.listen({ port: 0, host: '127.0.0.1' });
    cleanup.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const client = await connect(drone, { port, host: '127.0.0.1' });
    await client.request({ type: 'write', text: 'HELLO' });
    await client.request({ type: 'quit' });
    await client.closed;
  });

  test('a message that the server could not have sent in any state ends the connection with an error', async () => {
    const rude = net.createServer((socket) => {
      // length 2 · error · no text, and again: after the first, the drone is closing
      socket.once('data', () => socket.end(Buffer.from([2, 0, 0, 0, 0x81, 0, 2, 0, 0, 0, 0x81, 0])));
    });
    rude.listen(0, '127.0.0.1');
    await once(rude, 'listening');
    cleanup.push(() => rude.close());
    const { port } = rude.address() as AddressInfo;
    const client = await connect(drone, { port, host: '127.0.0.1', checkStates: true });
    cleanup.push(() => client.destroy());
    expect(await client.request({ type: 'write', text: 'x' })).toEqual({ type: 'error', text: '' });
    const error = { code: 'ERR_STATE_UNEXPECTED', origin: 'peer', state: 'closing', messageType: 'error' };
    expect(await outcome(client.closed)).toMatchObject(error);
  });

  test('checkStates needs a session', async () => {
    const { client } = await serve();
    expect(() => new Client(protocol, client.stream, { checkStates: true })).toThrow(TypeError);
  });
});

describe('in order, when a reply does not come', () => {
  test('by default the connection fails, and all its requests', async () => {
    const { client, came } = await serve();
    const first = outcome(client.request(ask(1), { timeout: 20 }));
    const second = outcome(client.request(ask(2)));
    const error = { code: 'ERR_TIMEOUT_REQUEST', limit: 20, messageType: 'ask', origin: 'peer' };
    expect(await first).toMatchObject(error);
    expect(await second).toMatchObject(error);
    expect(await outcome(client.closed)).toMatchObject(error);
    expect(came.length).toBeLessThanOrEqual(2);
    expect(await outcome(client.request(ask(3)))).toMatchObject({ code: 'ERR_STATE_CLOSED', cause: error });
  });

  test('with `silence` nothing is sent until the peer has been silent; a late reply is dropped', async () => {
    const { client, came, answer } = await serve({ replies: { afterTimeout: { silence: 1_000 } } });
    expect(await outcome(client.request(ask(1), { timeout: 20 }))).toMatchObject({
      code: 'ERR_TIMEOUT_REQUEST',
    });
    const next = client.request(ask(2));
    await until(() => came.length === 1);
    answer(ask(1));
    await until(() => came.length === 2);
    answer(ask(2));
    expect(await next).toEqual(ask(2));
  });

  test('with `silence` requests in flight fail as well once the silence has passed', async () => {
    const { client, came, answer } = await serve({ replies: { afterTimeout: { silence: 20 } } });
    const first = outcome(client.request(ask(1), { timeout: 10 }));
    const second = outcome(client.request(ask(2)));
    const third = first.then(() => client.request(ask(3)));
    expect(await first).toMatchObject({ limit: 10 });
    expect(await second).toMatchObject({ code: 'ERR_TIMEOUT_REQUEST', limit: 20 });
    await until(() => came.length === 3);
    answer(ask(3));
    expect(await third).toEqual(ask(3));
  });

  test('an aborted request keeps its place', async () => {
    const { client, came, answer } = await serve();
    const abort = new AbortController();
    const first = outcome(client.request(ask(1), { signal: abort.signal }));
    const second = client.request(ask(2));
    await until(() => came.length === 2);
    abort.abort(new Error('no more'));
    expect(await first).toEqual(new Error('no more'));
    answer(ask(1), ask(2));
    expect(await second).toEqual(ask(2));
    expect(await outcome(client.request(ask(3), { signal: abort.signal }))).toEqual(new Error('no more'));
    expect(came).toHaveLength(2);
  });

  const abortMany = async (client: Awaited<ReturnType<typeof serve>>['client'], timeout: number) => {
    for (let n = 0; n < 100; n++) {
      const abort = new AbortController();
      const request = outcome(client.request(ask(n), { signal: abort.signal, timeout }));
      abort.abort(new Error('no more'));
      expect(await request).toEqual(new Error('no more'));
    }
  };

  test('aborted in a loop, as many are sent as may be in flight; then a silent peer is late', async () => {
    const { client, came } = await serve({ replies: { maxInFlight: 3 } });
    await abortMany(client, 300);
    const waiting = outcome(client.request(ask(100), { timeout: Infinity }));
    expect(await waiting).toMatchObject({ code: 'ERR_TIMEOUT_REQUEST', limit: 300 });
    expect(came).toHaveLength(3);
  });

  test('aborted in a loop, and answered late: the next request gets its own reply', async () => {
    const { client, came, answer } = await serve({ replies: { maxInFlight: 3 } });
    await abortMany(client, 60_000);
    const waiting = client.request(ask(7));
    await until(() => came.length === 3);
    answer(ask(0), ask(1), ask(2));
    await until(() => came.length === 4);
    answer(ask(7));
    expect(await waiting).toEqual(ask(7));
  });

  test('aborted, and no reply comes: after a silence the next one is sent', async () => {
    const replies = { maxInFlight: 1, afterTimeout: { silence: 20 } };
    const { client, came, answer } = await serve({ replies });
    await abortMany(client, 20);
    const waiting = client.request(ask(7));
    await until(() => came.length === 2);
    answer(ask(7));
    expect(await waiting).toEqual(ask(7));
  });
});

describe('by id', () => {
  const replies = { id: 'id' as const, ids: [1, 3] as const, maxInFlight: 2 };

  test('replies in any order, with a maximum in flight; pushed messages go to the iterator', async () => {
    const { client, came, answer } = await serve({ replies });
    const all = [1, 2, 3].map((n) => client.request(ask(n)));
    await until(() => came.length === 2);
    expect(came).toEqual([
      { type: 'ask', id: 1, n: 1 },
      { type: 'ask', id: 2, n: 2 },
    ]);
    answer({ type: 'push', n: 9 }, { type: 'ask', id: 2, n: 20 });
    expect(await all[1]).toMatchObject({ n: 20 });
    await until(() => came.length === 3);
    answer({ type: 'ask', id: 3, n: 30 }, { type: 'ask', id: 1, n: 10 });
    expect(await Promise.all(all)).toMatchObject([{ n: 10 }, { n: 20 }, { n: 30 }]);
    for await (const pushed of client) {
      expect(pushed).toEqual({ type: 'push', n: 9 });
      break;
    }
  });

  test('after a timeout the number is not reused before its reply has arrived', async () => {
    const { client, came, answer } = await serve({ replies });
    for (const n of [1, 2]) {
      expect(await outcome(client.request(ask(n), { timeout: 5 }))).toMatchObject({
        code: 'ERR_TIMEOUT_REQUEST',
      });
    }
    const third = client.request(ask(3));
    const fourth = client.request(ask(4)); // no number is free
    await until(() => came.length === 3);
    answer({ type: 'ask', id: 1, n: 100 });
    await until(() => came.length === 4);
    expect(came.slice(2)).toEqual([
      { type: 'ask', id: 3, n: 3 },
      { type: 'ask', id: 1, n: 4 },
    ]);
    answer({ type: 'ask', id: 2, n: 101 }, { type: 'ask', id: 1, n: 4 }, { type: 'ask', id: 3, n: 3 });
    expect(await Promise.all([third, fourth])).toMatchObject([{ n: 3 }, { n: 4 }]);
  });
});

describe('when the connection ends, every waiting request fails with the reason', () => {
  test.each<[string, (socket: net.Socket) => unknown, object]>([
    ['in peace', (socket) => socket.end(), { code: 'ERR_STATE_CLOSED', origin: 'peer' }],
    ['inside a frame', (socket) => socket.end(Buffer.from([1, 0])), { code: 'ERR_FRAME_TRUNCATED' }],
    [
      'by bytes that are no message',
      (socket) => socket.write(Buffer.from([1, 0, 0, 0, 99])),
      { code: 'ERR_MESSAGE_UNKNOWN' },
    ],
    ['by a reset', (socket) => socket.resetAndDestroy(), { code: 'ECONNRESET' }],
  ])('%s', async (_, end, error) => {
    const { client, came, socket } = await serve({ replies: { maxInFlight: 1 } });
    const waiting = [client.request(ask(1)), client.request(ask(2))].map(outcome);
    await until(() => came.length === 1);
    end(socket);
    expect(await Promise.all(waiting)).toMatchObject([error, error]);
  });

  test('by ourselves', async () => {
    const { client } = await serve();
    const waiting = outcome(client.request(ask(1)));
    client.destroy();
    expect(await waiting).toBeInstanceOf(Error);
  });
});

test('no timer is left after a request, whatever its outcome', async () => {
  const { client, came, answer } = await serve();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const abort = new AbortController();
  const requests = [
    client.request(ask(1)),
    client.request(ask(2), { signal: abort.signal }),
    client.request(ask(3)),
  ].map(outcome);
  await until(() => came.length === 3);
  abort.abort();
  answer(ask(1));
  await requests[0];
  // The one that waits, and the one that was aborted: its reply may still come.
  expect(vi.getTimerCount()).toBe(2);
  client.destroy();
  await Promise.all(requests);
  expect(vi.getTimerCount()).toBe(0);
});
