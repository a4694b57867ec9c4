import { spawn } from 'node:child_process';
import net, { type AddressInfo } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { connect, createServer, defineSession } from '../../src/index.ts';
import { Authority } from '../support/certificates.ts';
import { echoing, frame, LOGIN } from '../support/echo.ts';
import { later, listening, until } from '../support/net.ts';

const WELCOME = frame(1);
const host = '127.0.0.1';

/** A plain server that answers each connection as told; answers its port. */
async function peer(serve: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    later(() => socket.destroy());
    serve(socket.on('error', () => {}));
  });
  server.listen(0, host);
  await new Promise((resolve) => server.once('listening', resolve));
  later(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A handshake: log in. */
function login(client: { request(message: { type: 'login' }): Promise<unknown> }): Promise<unknown> {
  return client.request({ type: 'login' });
}

/** The client's own table of the echo protocol: it logs in, and is ready once it is welcome. */
const { clientMessages, serverMessages } = echoing();
const session = defineSession({
  receives: serverMessages,
  sends: clientMessages,
  initial: 'entering',
  ready: 'inside',
  states: {
    entering: {
      onEnter: () => ({ type: 'login' as const }),
      on: { welcome: () => ({ next: 'inside' as const }) },
      next: ['inside'],
    },
    inside: {},
  },
});

describe('the deadline of connecting', () => {
  test('runs until the session is ready, not until the first byte', async () => {
    // Half a welcome, and no more.
    const port = await peer((socket) => socket.write(WELCOME.subarray(0, 3)));
    await expect(connect(echoing(), { port, host, session, connectTimeout: 100 })).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ERR_TIMEOUT_HANDSHAKE',
      limit: 100,
      state: 'entering',
    });
  });

  test('runs until the handshake is done, and cuts the connection', async () => {
    let closed = (): void => {};
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    const port = await peer((socket) => socket.resume().on('end', () => closed()));
    await expect(
      connect(echoing(), { port, host, handshake: login, connectTimeout: 100 }),
    ).rejects.toMatchObject({
      code: 'ERR_TIMEOUT_HANDSHAKE',
    });
    await isClosed;
  });

  test('applies to a stream that a function opens, and ends a stream that comes too late', async () => {
    let open = (_: Duplex): void => {};
    const opening = new Promise<Duplex>((resolve) => (open = resolve));
    await expect(connect(echoing(), { stream: () => opening, connectTimeout: 50 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT_HANDSHAKE',
    });
    const stream = new PassThrough();
    open(stream);
    await new Promise((resolve) => stream.once('close', resolve));
  });

  test('connect resolves when the client’s own table is ready, or when the handshake is done', async () => {
    const port = await listening(createServer(echoing()));
    const client = await connect(echoing(), { port, host, session, connectTimeout: 5_000 });
    expect(client.machine?.state).toBe('inside');
    client.destroy();
    const states: unknown[] = [];
    const other = await connect(echoing(), {
      port,
      host,
      checkStates: true,
      handshake: async (client) => states.push((await client.request({ type: 'login' })).type),
    });
    expect(states).toEqual(['welcome']);
    other.destroy();
  });

  test('connect rejects with the error of the handshake, or if the connection ends before it is done', async () => {
    const port = await peer((socket) => socket.end());
    const wrong = new Error('wrong password');
    const rejecting = connect(echoing(), { port, host, handshake: () => Promise.reject(wrong) });
    await expect(rejecting).rejects.toBe(wrong);
    await expect(
      connect(echoing(), { port, host, handshake: () => new Promise(() => {}) }),
    ).rejects.toMatchObject({ code: 'ERR_STATE_CLOSED' });
  });

  test('a signal aborts connecting at any time', async () => {
    const port = await peer(() => {});
    const controller = new AbortController();
    const { signal } = controller;
    const connecting = connect(echoing(), { port, host, session, signal, connectTimeout: Infinity });
    setTimeout(() => controller.abort(), 30);
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
    await expect(connect(echoing(), { port, host, signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  test.each([
    [{ connectTimeout: 0 }, /connectTimeout must be/],
    [{ handshake: 'login' }, /handshake must be a function/],
    [{ heartbeat: { message: { type: 'login' }, intervall: 5 } }, /did you mean 'interval'/],
    [{ reconnect: { attempt: 1 } }, /did you mean 'attempts'/],
    [{ reconnect: {}, stream: new PassThrough() }, /must be a function that opens one/],
  ])('%#: an option that does not fit is refused', async (options, text) => {
    await expect(connect(echoing(), { port: 1, ...options } as never)).rejects.toThrow(text);
  });
});

describe('the carriers of a client', () => {
  test('TLS, with a handshake within the deadline', async () => {
    const authority = new Authority();
    const { key, cert } = authority.issue('server');
    const port = await listening(createServer(echoing(), { tls: { key, cert } }));
    const tls = { ca: authority.cert, servername: 'localhost' };
    const client = await connect(echoing(), { port, host, tls, handshake: login });
    client.end();
    await client.closed;
    const silent = await peer(() => {});
    await expect(connect(echoing(), { port: silent, host, tls, connectTimeout: 100 })).rejects.toMatchObject({
      code: 'ERR_TIMEOUT_HANDSHAKE',
    });
  });

  test('a stream in memory, and a stream that a function opens', async () => {
    const server = createServer(echoing());
    later(() => server.close({ deadline: 1 }));
    const open = (): Duplex => {
      const [there, back] = [new PassThrough(), new PassThrough()];
      server.accept(Duplex.from({ readable: there, writable: back }));
      return Duplex.from({ readable: back, writable: there });
    };
    for (const stream of [open(), open, async () => open()]) {
      const client = await connect(echoing(), { stream, handshake: login });
      client.end();
      await client.closed;
    }
  });

  test('a socket that is still connecting', async () => {
    const port = await listening(createServer(echoing()));
    const client = await connect(echoing(), {
      stream: net.connect({ port, host, allowHalfOpen: true }),
      session,
    });
    client.destroy();
    const refused = net.connect({ port: 1, host });
    await expect(connect(echoing(), { stream: refused })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('closed settles', () => {
  test('over the pipes of a killed child, with the client’s own table', async () => {
    const child = spawn('sleep', ['100'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    const waiting = defineSession({
      receives: serverMessages,
      sends: clientMessages,
      initial: 'waiting',
      states: { waiting: {} },
    });
    const client = await connect(echoing(), { stream, session: waiting, lingerTimeout: 100 });
    child.kill('SIGKILL');
    await client.closed.catch(() => {});
  });

  test('after our end, if the server neither sends nor ends', async () => {
    const port = await peer((socket) => socket.resume());
    const replies = { timeout: 50 };
    const client = await connect(echoing(), { port, host, lingerTimeout: 100, replies });
    client.end();
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_TIMEOUT_IDLE', limit: 100 });
  });

  test('only after everything has arrived, however slowly', async () => {
    const port = await peer((socket) => {
      socket.resume();
      let left = 8;
      const timer = setInterval(() => {
        socket.write(WELCOME);
        if (--left > 0) return;
        clearInterval(timer);
        socket.end();
      }, 250);
    });
    const client = await connect(echoing(), { port, host, lingerTimeout: 1_500, replies: { timeout: 1 } });
    client.send({ type: 'login' });
    client.end();
    let count = 0;
    for await (const _ of client) count++;
    expect(count).toBe(8);
    await client.closed;
  });
});

describe('heartbeats', () => {
  const beats = { message: { type: 'echo', body: Buffer.from('beat') } as const, interval: 30, timeout: 150 };

  test('continue while they are answered, beside requests', async () => {
    const server = createServer(echoing());
    const port = await listening(server);
    const heartbeat = { ...beats, timeout: 10_000 };
    const client = await connect(echoing(), { port, host, handshake: login, heartbeat });
    await until(() => server.stats().messagesReceived > 5);
    const reply = await client.request({ type: 'echo', body: Buffer.from('mine') });
    expect(reply).toMatchObject({ type: 'echoed', body: Buffer.from('mine') });
    client.end();
    await client.closed;
  });

  test('detect a server that vanished silently', async () => {
    const port = await peer((socket) => {
      socket.once('data', () => socket.write(WELCOME)).resume();
    });
    const from = performance.now();
    const client = await connect(echoing(), { port, host, handshake: login, heartbeat: beats });
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_TIMEOUT_IDLE', limit: 150 });
    expect(performance.now() - from).toBeGreaterThan(150);
  });

  test('any received message counts, even if the reply does not come', async () => {
    let count = 0;
    const port = await peer((socket) => {
      socket.once('data', () => socket.write(WELCOME));
      const timer = setInterval(() => socket.write(frame(3, Buffer.from('news'))), 20);
      socket.on('data', () => count++).on('close', () => clearInterval(timer));
    });
    const client = await connect(echoing(), {
      port,
      host,
      handshake: login,
      heartbeat: { ...beats, timeout: 1_000 },
      replies: { expects: { echo: { one: 'echoed' } } },
    });
    let over = false;
    void client.closed.finally(() => (over = true)).catch(() => {});
    client.messages.resume();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(over).toBe(false);
    // The login, and one that is not answered.
    expect(count).toBe(2);
    client.destroy();
  });

  test('end when the connection upgrades to another protocol', async () => {
    let bytes = 0;
    const port = await peer((socket) => {
      socket.on('data', (chunk) => (bytes += chunk.length));
      // The first heartbeat has come.
      socket.once('data', () => socket.write(WELCOME));
    });
    const leaving = defineSession({
      receives: serverMessages,
      sends: clientMessages,
      initial: 'here',
      states: {
        here: { on: { welcome: () => ({ next: 'gone', upgrade: 'other' }) }, next: ['gone'] },
        gone: { final: true },
      },
    });
    let taken: net.Socket | undefined;
    const client = await connect(echoing(), {
      port,
      host,
      session: leaving,
      upgrades: { other: { take: (socket) => (taken = socket) } },
      heartbeat: { ...beats, timeout: Infinity },
      replies: { expects: { echo: { one: 'echoed' } } },
    });
    await client.closed;
    await new Promise((resolve) => setImmediate(resolve));
    later(() => taken?.destroy());
    expect(taken?.listenerCount('data')).toBe(0);
    const before = bytes;
    expect(before).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(bytes).toBe(before);
  });

  test('a heartbeat without a reply is only sent', async () => {
    let bytes = Buffer.alloc(0);
    const port = await peer((socket) =>
      socket.on('data', (chunk) => (bytes = Buffer.concat([bytes, chunk]))),
    );
    const client = await connect(echoing(), {
      port,
      host,
      heartbeat: { message: () => ({ type: 'login' }) as const, interval: 20, timeout: 40 },
      replies: { expects: { login: 'none' } },
    });
    // Four intervals, which are longer than the timeout.
    await until(() => bytes.length / LOGIN.length > 4);
    expect(client.stream.destroyed).toBe(false);
    client.destroy();
  });
});
