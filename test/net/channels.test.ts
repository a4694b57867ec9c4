import diagnostics from 'node:diagnostics_channel';
import { describe, expect, test, vi } from 'vitest';
import { createServer } from '../../src/index.ts';
import { channels } from '../../src/net/channels.ts';
import { echo, echoing, frame, LOGIN, QUIT } from '../support/echo.ts';
import { later, listening, raw, until } from '../support/net.ts';

type Name = keyof typeof channels;

/** What is published on a channel until the test is over. */
function heard(name: Name): Record<string, unknown>[] {
  const all: Record<string, unknown>[] = [];
  const listen = (published: unknown): unknown => all.push(published as Record<string, unknown>);
  diagnostics.subscribe(`wirepipe:connection:${name}`, listen);
  later(() => diagnostics.unsubscribe(`wirepipe:connection:${name}`, listen));
  return all;
}

/** A peer that logs in, asks once and quits; the connection that served it. */
async function visit(port: number, server: ReturnType<typeof createServer>): Promise<unknown> {
  const peer = await raw(port);
  await until(() => server.connections.size === 1);
  const [connection] = server.connections;
  peer.socket.write(Buffer.concat([LOGIN, echo('hello'), QUIT]));
  await peer.closed;
  await until(() => server.connections.size === 0);
  return connection;
}

describe('what a server publishes', () => {
  test('open and close: the peer, the bytes, the duration, and no error', async () => {
    const [opened, closed, faults] = [heard('open'), heard('close'), heard('fault')];
    const server = createServer(echoing());
    const connection = await visit(await listening(server), server as never);
    expect(opened).toEqual([{ connection }]);
    expect(closed).toEqual([
      {
        connection,
        error: undefined,
        received: LOGIN.length + echo('hello').length + QUIT.length,
        sent: frame(1).length + echo('hello').length + frame(3, Buffer.from('quit')).length,
        duration: expect.any(Number),
      },
    ]);
    expect(closed[0]!.duration).toBeGreaterThan(0);
    expect(closed[0]!.duration).toBeLessThan(30_000);
    expect(faults).toEqual([]);
  });

  test('message and transition: each message with its state, and each change of state', async () => {
    const [messages, transitions] = [heard('message'), heard('transition')];
    const server = createServer(echoing());
    const connection = await visit(await listening(server), server as never);
    expect(messages).toEqual([
      { connection, message: { type: 'login' }, state: 'new' },
      { connection, message: { type: 'echo', body: Buffer.from('hello') }, state: 'open' },
      { connection, message: { type: 'quit' }, state: 'open' },
    ]);
    expect(transitions).toEqual([
      { connection, from: 'new', to: 'open' },
      { connection, from: 'open', to: 'over' },
    ]);
  });

  test('fault, before close: the error that ends a connection', async () => {
    const order: string[] = [];
    const [faults, closed] = [heard('fault'), heard('close')];
    for (const name of ['fault', 'close'] as const) {
      const note = (): unknown => order.push(name);
      diagnostics.subscribe(`wirepipe:connection:${name}`, note);
      later(() => diagnostics.unsubscribe(`wirepipe:connection:${name}`, note));
    }
    const server = createServer(echoing());
    const peer = await raw(await listening(server));
    await until(() => server.connections.size === 1);
    const [connection] = server.connections;
    // A tag that no message has.
    peer.socket.write(frame(99));
    await peer.closed;
    await until(() => closed.length === 1);
    const error = expect.objectContaining({ code: 'ERR_MESSAGE_UNKNOWN', origin: 'peer' });
    expect(faults).toEqual([{ connection, error }]);
    expect(closed).toMatchObject([{ connection, error }]);
    expect(order).toEqual(['fault', 'close']);
  });

  test('limit: of an open connection, and of a refused one', async () => {
    const struck = heard('limit');
    const server = createServer(echoing(), {
      maxConnections: 1,
      handshakeTimeout: 1_000,
      lingerTimeout: 100,
    });
    const port = await listening(server);
    const first = await raw(port);
    await until(() => server.connections.size === 1);
    const [connection] = server.connections;
    const second = await raw(port);
    await second.closed;
    await first.closed;
    const remote = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    expect(struck).toEqual([
      { connection: undefined, limit: { limit: 'maxConnections', action: 'refused', max: 1, remote } },
      { connection, limit: { limit: 'handshakeTimeout', action: 'closed', max: 1_000, remote } },
    ]);
  });
});

describe('without a subscriber', () => {
  /** How often something is made to be published, on each channel. */
  function counted(): Record<Name, number> {
    const counts = {} as Record<Name, number>;
    for (const name of Object.keys(channels) as Name[]) {
      counts[name] = 0;
      const publish = vi.spyOn(channels[name], 'publish').mockImplementation(() => void counts[name]++);
      later(() => publish.mockRestore());
    }
    return counts;
  }

  async function everything(): Promise<void> {
    const server = createServer(echoing(), { maxConnections: 1 });
    const port = await listening(server);
    const peer = await raw(port);
    await until(() => server.connections.size === 1);
    await (await raw(port)).closed;
    peer.socket.write(Buffer.concat([LOGIN, echo('hello'), frame(99)]));
    await peer.closed;
    await until(() => server.connections.size === 0);
    expect(server.stats()).toMatchObject({ accepted: 1, refused: 1, failed: 1, messagesReceived: 2 });
  }

  test('no event is created', async () => {
    const counts = counted();
    await everything();
    expect(counts).toEqual({ open: 0, close: 0, message: 0, transition: 0, limit: 0, fault: 0 });
  });

  test.each(Object.keys(channels) as Name[])(
    'a subscriber of %s causes no events of other channels',
    async (name) => {
      heard(name);
      const counts = counted();
      await everything();
      expect(counts[name]).toBeGreaterThan(0);
      expect({ ...counts, [name]: 0 }).toEqual({
        open: 0,
        close: 0,
        message: 0,
        transition: 0,
        limit: 0,
        fault: 0,
      });
    },
  );
});
