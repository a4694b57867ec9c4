import net, { type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/index.ts';
import { echoing, frame } from '../support/echo.ts';
import { later, until } from '../support/net.ts';

const WELCOME = frame(1);
const host = '127.0.0.1';
const echo = (text: string) => ({ type: 'echo', body: Buffer.from(text) }) as const;

/**
 * A peer that answers logins, and echoes all but bodies that begin with `!`; these it keeps to itself. It knows every message
 * that has come, in order.
 */
async function serve(port = 0) {
  const came: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let left = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      left = Buffer.concat([left, chunk]);
      while (left.length >= 4 && left.length >= 4 + left.readUInt32LE(0)) {
        const body = left.subarray(4, 4 + left.readUInt32LE(0));
        left = left.subarray(4 + body.length);
        came.push(body[0] === 1 ? 'login' : body.toString('latin1', 1));
        if (body[0] === 1) socket.write(WELCOME);
        else if (body[1] !== 0x21) socket.write(frame(2, body.subarray(1)));
      }
    });
  });
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  later(close);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return { port: (server.address() as AddressInfo).port, came, sockets, close };
}

/** A client that logs in, and comes back soon. */
async function open(port: number, reconnect: object = {}, replies: object = {}) {
  const client = await connect(echoing(), {
    port,
    host,
    handshake: (client) => client.request({ type: 'login' }),
    reconnect: { minDelay: 5, maxDelay: 50, ...reconnect },
    replies: { expects: { echo: { one: 'echoed' }, login: { one: 'welcome' } }, ...replies },
  });
  later(() => client.destroy());
  return client;
}

/** How a request ended. */
const outcome = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'answered',
    (error) => error.code,
  );

describe('a lost connection is replaced by a new one', () => {
  test.each([
    ['cut', (socket: net.Socket) => socket.resetAndDestroy()],
    ['ended in peace', (socket: net.Socket) => socket.end()],
  ])('%s: the handshake runs again, and restore behind it', async (_, lose) => {
    const { port, came, sockets } = await serve();
    let restored = 0;
    const client = await open(port, {
      restore: async (fresh: typeof client.client) => {
        expect((await fresh.request(echo('subscribe'))).type).toBe('echoed');
        restored++;
      },
    });
    for (let round = 1; round <= 3; round++) {
      for (const socket of sockets) lose(socket);
      await until(() => restored === round);
      await client.ready();
      expect(await outcome(client.request(echo(`round ${round}`)))).toBe('answered');
    }
    expect(came).toEqual([
      'login',
      ...[1, 2, 3].flatMap((round) => ['login', 'subscribe', `round ${round}`]),
    ]);
    client.end();
    await client.closed;
  });

  test('the loop continues with the messages of the next connection', async () => {
    const { port, sockets } = await serve();
    const client = await open(port);
    const news = frame(3, Buffer.from('news'));
    const heard: unknown[] = [];
    const listening = (async () => {
      for await (const message of client) {
        heard.push((message as { why?: string }).why);
        for (const socket of sockets) socket.destroy();
      }
    })();
    for (let round = 1; round <= 3; round++) {
      await until(() => client.isReady && sockets.size === 1);
      for (const socket of sockets) socket.write(news);
      await until(() => heard.length === round);
    }
    await until(() => client.isReady);
    client.end();
    await listening;
    expect(heard).toEqual(['news', 'news', 'news']);
  });

  test('also if the messages of the lost connection are not read', async () => {
    const { port, sockets, came } = await serve();
    const client = await open(port);
    for (const socket of sockets) {
      for (let i = 0; i < 5_000; i++) socket.write(frame(3, Buffer.from('unread')));
      socket.destroySoon();
    }
    await until(() => came.length === 2);
    await client.ready();
    expect(await outcome(client.request(echo('hello')))).toBe('answered');
  });

  test('failed attempts are repeated, also in the handshake and in restore', async () => {
    const first = await serve();
    const fails: unknown[] = [];
    const retry = (error: Error | undefined): boolean => {
      fails.push((error as NodeJS.ErrnoException | undefined)?.code ?? error?.message);
      return true;
    };
    let tries = 0;
    const restore = (): void => {
      if (++tries < 3) throw new Error(`no subscription ${tries}`);
    };
    const client = await open(first.port, { retry, restore });
    await first.close();
    await until(() => fails.length > 2);
    const second = await serve(first.port);
    await client.ready();
    expect(fails.slice(-2)).toEqual(['no subscription 1', 'no subscription 2']);
    expect(fails).toContain('ECONNREFUSED');
    expect(second.came).toEqual(['login', 'login', 'login']);
  });
});

describe('no request is sent twice', () => {
  test('a sent request is lost, a queued one is unsent, and one sent while disconnected is unsent too', async () => {
    const { port, sockets, came, close } = await serve();
    const client = await open(port, {}, { maxInFlight: 1 });
    const sent = client.request(echo('!sent'));
    const queued = client.request(echo('queued'));
    await until(() => came.length === 2);
    for (const socket of sockets) socket.destroy();
    await expect(sent).rejects.toMatchObject({
      code: 'ERR_REQUEST_LOST',
      messageType: 'echo',
      message: expect.stringContaining('may have been executed'),
    });
    await expect(queued).rejects.toMatchObject({ code: 'ERR_REQUEST_UNSENT', origin: 'local' });
    await expect(client.request(echo('between'))).rejects.toMatchObject({ code: 'ERR_REQUEST_UNSENT' });
    expect(() => client.send(echo('between'))).toThrow(
      expect.objectContaining({ code: 'ERR_REQUEST_UNSENT' }),
    );
    await expect(client.requestMany(echo('between')).next()).rejects.toMatchObject({
      code: 'ERR_REQUEST_UNSENT',
    });
    await client.ready();
    expect(await outcome(client.request(echo('after')))).toBe('answered');
    expect(came).toEqual(['login', '!sent', 'login', 'after']);
    await close();
  });

  test('under random losses each request is answered once, or fails as lost or unsent', async () => {
    const { port, sockets, came } = await serve();
    const client = await open(port, {}, { maxInFlight: 8 });
    // Each connection lasts for a few messages, so that something is answered at any speed.
    let before = 0;
    const chaos = setInterval(() => {
      if (came.length < before + 5) return;
      before = came.length;
      for (const socket of sockets) socket.destroy();
    }, 15);
    later(() => clearInterval(chaos));
    const ends = new Map<string, unknown>();
    for (let n = 0; n < 400; n++) {
      await client.ready();
      const text = `n${n}`;
      void outcome(client.request(echo(text))).then((end) => ends.set(text, end));
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(() => ends.size === 400);
    clearInterval(chaos);
    const times = new Map<string, number>();
    for (const text of came) times.set(text, (times.get(text) ?? 0) + 1);
    for (const [text, end] of ends) {
      const count = times.get(text) ?? 0;
      if (end === 'answered') expect(count, text).toBe(1);
      else if (end === 'ERR_REQUEST_UNSENT') expect(count, text).toBe(0);
      else expect([end, count <= 1], text).toEqual(['ERR_REQUEST_LOST', true]);
    }
    expect([...ends.values()].filter((end) => end === 'answered').length).toBeGreaterThan(50);
  });
});

describe('the reconnecting client ends', () => {
  test('after the maximum of failed attempts in a row', async () => {
    const { port, close } = await serve();
    const client = await open(port, { attempts: 3 });
    await close();
    await expect(client.closed).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const over = { code: 'ERR_STATE_CLOSED', origin: 'local' };
    await expect(client.ready()).rejects.toMatchObject(over);
    await expect(client.request(echo('late'))).rejects.toMatchObject(over);
    const reading = (async () => {
      for await (const _ of client);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('when the application decides to stop', async () => {
    const { port, sockets, came } = await serve();
    const client = await open(port, { retry: (error: Error | undefined) => error === undefined });
    for (const socket of sockets) socket.end();
    await until(() => came.length === 2);
    await client.ready();
    for (const socket of sockets) socket.resetAndDestroy();
    await expect(client.closed).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test.each(['end', 'destroy'] as const)('by %s, while connected and while disconnected', async (how) => {
    const { port, close, came } = await serve();
    const one = await open(port);
    one[how]();
    await one.closed;
    expect(one.isReady).toBe(false);
    const other = await open(port, { minDelay: 60_000, maxDelay: 60_000 });
    await close();
    await until(() => !other.isReady);
    other[how]();
    await other.closed;
    expect(came).toEqual(['login', 'login']);
  });

  test('while the next connection is being made', async () => {
    const { port, sockets } = await serve();
    const client = await open(port, { restore: () => client.end() });
    for (const socket of sockets) socket.destroy();
    await client.closed;
    await until(() => sockets.size === 0);
    await expect(client.ready()).rejects.toMatchObject({ code: 'ERR_STATE_CLOSED' });
  });

  test('by destroy with an error, and by the signal of connect', async () => {
    const { port, close } = await serve();
    const one = await open(port, { minDelay: 60_000, maxDelay: 60_000 });
    const controller = new AbortController();
    const other = await connect(echoing(), {
      port,
      host,
      signal: controller.signal,
      reconnect: { minDelay: 60_000, maxDelay: 60_000 },
    });
    await close();
    await until(() => !one.isReady && !other.isReady);
    const reason = new Error('enough');
    one.destroy(reason);
    await expect(one.closed).rejects.toBe(reason);
    controller.abort();
    await expect(other.closed).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('the first connection is not retried: its error shows at once', async () => {
    await expect(open(1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
