import { describe, expect, test } from 'vitest';
import { createServer, type LimitStruck, type ServerOptions } from '../../src/index.ts';
import { bye, echo, echoing, frame, LOGIN, SLOW } from '../support/echo.ts';
import { later, listening, raw, until } from '../support/net.ts';

/** A server with these limits, and what it tells. */
async function serve(options: ServerOptions, slow?: () => Promise<void>) {
  const server = createServer(echoing(slow), options);
  const struck: LimitStruck[] = [];
  const ends: (string | undefined)[] = [];
  const refused: string[] = [];
  server.on('limit', (limit) => struck.push(limit));
  server.on('connectionEnd', (_, error) => ends.push(error?.code));
  server.on('refused', (error) => refused.push((error as { code?: string }).code ?? error.message));
  return { server, port: await listening(server), struck, ends, refused };
}

test('every limit is on by default, except those by address and by rate', () => {
  const { limits } = createServer(echoing());
  expect(limits).toEqual({
    maxConnections: 16_384,
    maxConnectionsPerAddress: Infinity,
    handshakeTimeout: 10_000,
    idleTimeout: 600_000,
    frameTimeout: 30_000,
    lingerTimeout: 5_000,
    maxWaitingBytes: 16 * 2 ** 20,
    maxTotalWaitingBytes: 256 * 2 ** 20,
    maxHeldBytes: 1_000_000 + 65_536,
    maxTotalHeldBytes: 256 * 2 ** 20,
    maxByteRate: Infinity,
    maxMessageRate: Infinity,
  });
});

test.each([
  [{ maxConections: 1 }, /there is no option "maxConections"; did you mean 'maxConnections'/],
  [{ maxConnections: 0 }, /maxConnections must be/],
  [{ idleTimeout: Number.NaN }, /idleTimeout must be/],
  [{ lingerTimeout: 2 ** 31 }, /lingerTimeout must be/],
  [{ blockList: 'everyone' }, /blockList/],
  [{ proxyProtocol: { trusted: ['nowhere'] } }, /trusted/],
])('%o is refused', (options, text) => {
  expect(() => createServer(echoing(), options as never)).toThrow(text);
});

describe('how many connect', () => {
  test('a connection above the maximum gets the reason and is closed; after one leaves there is room', async () => {
    const { server, port, struck, refused, ends } = await serve({ maxConnections: 2 });
    const first = await raw(port);
    await raw(port);
    await until(() => server.connections.size === 2);
    expect(await (await raw(port)).closed).toEqual(bye('ERR_LIMIT_CONNECTIONS'));
    expect(struck).toMatchObject([{ limit: 'maxConnections', action: 'refused', max: 2 }]);
    expect(refused).toEqual(['ERR_LIMIT_CONNECTIONS']);
    expect(server.stats()).toMatchObject({ accepted: 2, refused: 1, limits: { maxConnections: 1 } });
    // It never was a connection.
    expect(ends).toEqual([]);
    first.socket.destroy();
    await until(() => server.connections.size === 1);
    const next = await raw(port);
    next.socket.write(LOGIN);
    await until(() => next.bytes().length > 0);
  });

  test('a connection above the maximum of one address', async () => {
    const { server, port, struck } = await serve({ maxConnectionsPerAddress: 2 });
    await raw(port);
    await raw(port, { localAddress: '127.0.0.2' });
    const second = await raw(port);
    await until(() => server.connections.size === 3);
    expect(await (await raw(port)).closed).toEqual(bye('ERR_LIMIT_CONNECTIONS'));
    expect(struck).toMatchObject([{ limit: 'maxConnectionsPerAddress', max: 2 }]);
    second.socket.destroy();
    await until(() => server.connections.size === 2);
    const next = await raw(port);
    next.socket.write(LOGIN);
    await until(() => next.bytes().length > 0);
  });

  test('a flood of refused connections costs a bounded number of goodbyes', async () => {
    const { server, port } = await serve({ maxConnections: 1, lingerTimeout: 60_000 });
    await raw(port);
    await until(() => server.connections.size === 1);
    // Peers that never end their side: their refusal lingers.
    const crowd = await Promise.all(Array.from({ length: 100 }, () => raw(port, { allowHalfOpen: true })));
    await until(() => server.stats().refused === 100);
    await until(() => crowd.every(({ socket }) => socket.readableEnded));
    expect(crowd.filter(({ bytes }) => bytes().equals(bye('ERR_LIMIT_CONNECTIONS'))).length).toBe(64);
    expect(crowd.filter(({ bytes }) => bytes().length === 0).length).toBe(36);
    expect(server.stats().limits).toEqual({ maxConnections: 100 });
  });

  test('an address on the block list is refused', async () => {
    const { server, port, struck } = await serve({ blockList: ['127.0.0.2', '10.0.0.0/8'] });
    const blocked = await raw(port, { localAddress: '127.0.0.2' });
    expect(await blocked.closed).toEqual(Buffer.alloc(0));
    expect(struck).toMatchObject([{ limit: 'blockList', action: 'refused' }]);
    await raw(port);
    await until(() => server.connections.size === 1);
  });
});

describe('how long they take', () => {
  test('a handshake that does not end in time', async () => {
    const { port, struck, ends } = await serve({ handshakeTimeout: 1_000, lingerTimeout: 200 });
    const slow = await raw(port);
    const quick = await raw(port);
    quick.socket.write(LOGIN);
    expect(await slow.closed).toEqual(bye('ERR_TIMEOUT_HANDSHAKE'));
    expect(struck).toMatchObject([{ limit: 'handshakeTimeout', action: 'closed', max: 1_000 }]);
    await until(() => ends.length > 0);
    expect(ends).toEqual(['ERR_TIMEOUT_HANDSHAKE']);
    quick.socket.write(echo('x'));
    await until(() => quick.bytes().includes('x'));
  });

  test('a silent connection is cut, and an active one is not', async () => {
    const { port, struck } = await serve({ idleTimeout: 1_000, lingerTimeout: 200 });
    const idle = await raw(port);
    const busy = await raw(port);
    for (const { socket } of [idle, busy]) socket.write(LOGIN);
    const timer = setInterval(() => busy.socket.write(echo('x')), 20);
    later(() => clearInterval(timer));
    const all = await idle.closed;
    expect(all.subarray(5)).toEqual(bye('ERR_TIMEOUT_IDLE'));
    expect(struck).toMatchObject([{ limit: 'idleTimeout', action: 'closed', max: 1_000 }]);
    expect(busy.socket.destroyed).toBe(false);
  });

  test('a frame that arrives byte by byte is cut, and many frames that end in time are not', async () => {
    const { port, struck } = await serve({ frameTimeout: 1_000, lingerTimeout: 200 });
    const trickle = await raw(port);
    const pieces = await raw(port);
    for (const { socket } of [trickle, pieces]) socket.write(LOGIN);
    const long = frame(2, Buffer.alloc(10_000));
    let at = 0;
    const timer = setInterval(() => {
      trickle.socket.write(long.subarray(at, ++at));
      // Always inside a frame, but each one ends soon.
      pieces.socket.write(Buffer.concat([echo('abc'), echo('abc')]).subarray(3, 11));
    }, 20);
    pieces.socket.write(echo('abc').subarray(0, 3));
    later(() => clearInterval(timer));
    expect((await trickle.closed).subarray(5)).toEqual(bye('ERR_TIMEOUT_IDLE'));
    expect(struck).toMatchObject([{ limit: 'frameTimeout', action: 'closed' }]);
    expect(pieces.socket.destroyed).toBe(false);
  });

  /** No turn of the event loop for so many milliseconds. */
  const block = (ms: number): void => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  };

  test('what came while the process was busy is in time', async () => {
    const { server, port, struck } = await serve({
      handshakeTimeout: 1_000,
      idleTimeout: 1_000,
      frameTimeout: 1_000,
    });
    const peer = await raw(port);
    await until(() => server.connections.size === 1);
    peer.socket.write(LOGIN);
    block(1_500);
    await until(() => peer.bytes().length > 0);
    // Seen by a sweep before the next frame begins.
    await new Promise((resolve) => setTimeout(resolve, 300));
    peer.socket.write(echo('half').subarray(0, 6));
    await until(() => server.stats().bytesReceived > LOGIN.length);
    peer.socket.write(echo('half').subarray(6));
    block(1_500);
    await until(() => peer.bytes().includes('half'));
    expect(struck).toEqual([]);
  });

  test('a slow handler does not count against the peer', async () => {
    let finish = (): void => {};
    const { server, port, struck } = await serve(
      { frameTimeout: 1_000, idleTimeout: 1_000 },
      () => new Promise((resolve) => (finish = resolve)),
    );
    const peer = await raw(port);
    peer.socket.write(Buffer.concat([LOGIN, SLOW, echo('half').subarray(0, 6)]));
    await until(() => server.stats().messagesReceived === 2);
    await new Promise((resolve) => setTimeout(resolve, 1_800));
    expect(struck).toEqual([]);
    finish();
    peer.socket.write(echo('half').subarray(6));
    await until(() => peer.bytes().includes('half'));
  });
});

describe('how much they hold', () => {
  test('an unfinished frame beyond the maximum', async () => {
    const { port, struck, ends } = await serve({ maxHeldBytes: 10_000, lingerTimeout: 200 });
    const peer = await raw(port);
    peer.socket.write(Buffer.concat([LOGIN, frame(2, Buffer.alloc(100_000)).subarray(0, 50_000)]));
    expect((await peer.closed).subarray(5)).toEqual(bye('ERR_LIMIT_BYTES'));
    expect(struck[0]).toMatchObject({ limit: 'maxHeldBytes', action: 'closed', max: 10_000 });
    await until(() => ends.length > 0);
    expect(ends).toEqual(['ERR_LIMIT_BYTES']);
  });

  test('unfinished frames of all connections: large ones wait for each other, small ones do not wait', async () => {
    const { server, port, struck } = await serve({ maxTotalHeldBytes: 1_000_000, frameTimeout: 60_000 });
    const large = frame(2, Buffer.alloc(900_000, 'z'));
    const peers = await Promise.all(Array.from({ length: 10 }, () => raw(port)));
    for (const { socket } of peers) socket.write(Buffer.concat([LOGIN, large.subarray(0, -1)]));
    await until(() => struck.filter(({ limit }) => limit === 'maxTotalHeldBytes').length >= 8);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // The maximum, a fair share each, one frame, and what one read brings to each.
    expect(server.stats().heldBytes).toBeLessThan(2 * 1_000_000 + 900_000 + 10 * 65_536);
    const polite = await raw(port);
    polite.socket.write(Buffer.concat([LOGIN, echo('hello')]));
    await until(() => polite.bytes().includes('hello'));
    // They all get done in the end.
    for (const { socket } of peers) socket.write(large.subarray(-1));
    for (const peer of peers) await until(() => peer.bytes().length === 5 + large.length);
    expect(server.stats()).toMatchObject({ connections: 11, heldBytes: 0 });
  });
});

describe('how much waits for them', () => {
  /** A connection that has logged in, and reads nothing. */
  async function deaf(options: ServerOptions, count = 1) {
    const served = await serve({ lingerTimeout: 200, ...options });
    const peers = await Promise.all(Array.from({ length: count }, () => raw(served.port)));
    for (const { socket } of peers) socket.write(LOGIN);
    await until(() => served.server.stats().messagesReceived === count);
    for (const { socket } of peers) socket.pause();
    return { ...served, peers, connections: [...served.server.connections] };
  }
  const news = (kib: number) => ({ type: 'echoed' as const, body: Buffer.alloc(kib * 1024) });

  test('unsolicited messages to a peer that does not read', async () => {
    const { server, connections, struck, ends } = await deaf({ maxWaitingBytes: 2 ** 20 });
    const { machine } = connections[0]!;
    let sent = 0;
    // In one turn: no timer comes between.
    const flood = (): void => {
      for (; sent < 1_000_000; sent++) machine.send(news(1));
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'ERR_STATE_CLOSED' }));
    // The maximum, what the system takes, and what the stages hold.
    expect(sent).toBeGreaterThan(1_000);
    expect(sent).toBeLessThan(10_000);
    expect(struck).toMatchObject([{ limit: 'maxWaitingBytes', action: 'closed', max: 2 ** 20 }]);
    await until(() => ends.length === 1);
    expect(ends).toEqual(['ERR_LIMIT_BYTES']);
    expect(server.stats().waitingBytes).toBe(0);
  });

  test('messages sent by a handler of the same connection, without harm to others', async () => {
    const { server, port, struck, ends } = await serve(
      { maxWaitingBytes: 2 ** 20, lingerTimeout: 200 },
      async () => {
        const [connection] = server.connections;
        const { machine } = connection!;
        try {
          for (let i = 0; i < 100_000; i++) machine.send(news(1));
        } catch {
          // It is over.
        }
      },
    );
    const peer = await raw(port);
    peer.socket.write(Buffer.concat([LOGIN, SLOW]));
    peer.socket.pause();
    await until(() => ends.length === 1);
    // The linger timeout may strike it as well before it is cut.
    expect(struck[0]).toMatchObject({ limit: 'maxWaitingBytes', action: 'closed' });
    expect(ends).toEqual(['ERR_LIMIT_BYTES']);
    const other = await raw(port);
    other.socket.write(Buffer.concat([LOGIN, echo('still here')]));
    await until(() => other.bytes().includes('still here'));
  });

  test('a peer that reads slowly is not cut: messages it has read do not count', async () => {
    const { connections, struck, peers } = await deaf({ maxWaitingBytes: 2 ** 20 });
    const { machine } = connections[0]!;
    peers[0]!.socket.resume();
    for (let i = 0; i < 64; i++) if (!machine.send(news(256))) await machine.ready();
    await until(() => peers[0]!.socket.bytesRead === 5 + 64 * (5 + 256 * 1024));
    expect(struck).toEqual([]);
  });

  test('all connections together: those with the most waiting bytes are paused, the others are not', async () => {
    const { server, connections, peers, struck, port } = await deaf({ maxTotalWaitingBytes: 8 * 2 ** 20 }, 4);
    for (const { machine } of connections) for (let i = 0; i < 12; i++) machine.send(news(900));
    await until(() => struck.filter(({ limit }) => limit === 'maxTotalWaitingBytes').length >= 2);
    expect(struck.every(({ action, max }) => action === 'paused' && max === 8 * 2 ** 20)).toBe(true);
    const before = server.stats().messagesReceived;
    for (const { socket } of peers) socket.write(echo('asked meanwhile'));
    const polite = await raw(port);
    polite.socket.write(Buffer.concat([LOGIN, echo('hello')]));
    await until(() => polite.bytes().includes('hello'));
    // Two are its own, and two of the four may be read.
    expect(server.stats().messagesReceived - before).toBeLessThanOrEqual(2 + 2);
    for (const { socket } of peers) socket.resume();
    const all = 5 + 12 * (5 + 900 * 1024) + echo('asked meanwhile').length;
    for (const { socket } of peers) await until(() => socket.bytesRead === all);
    await until(() => server.stats().waitingBytes === 0);
    expect(server.connections.size).toBe(5);
  });
});

describe('how fast they are', () => {
  test.each([
    ['maxMessageRate', 100],
    ['maxByteRate', 600],
  ] as const)('%s: reading pauses, and nothing is lost', async (limit, max) => {
    const { server, port, struck } = await serve({ [limit]: max });
    const peer = await raw(port);
    const one = echo('x');
    // Six bytes a message: the burst of one second's worth, and as much again.
    const from = performance.now();
    peer.socket.write(Buffer.concat([LOGIN, ...Array<Buffer>(200).fill(one)]));
    await until(() => peer.bytes().length === LOGIN.length + 200 * one.length);
    peer.socket.write(one);
    await until(() => peer.bytes().length === LOGIN.length + 201 * one.length);
    // It is read once the excess of the first chunk has been waited for: a second's worth.
    expect(performance.now() - from).toBeGreaterThan(900);
    expect(struck[0]).toMatchObject({ limit, action: 'paused', max });
    expect(server.connections.size).toBe(1);
  });
});
