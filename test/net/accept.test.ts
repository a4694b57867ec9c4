import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import { connect, createServer } from '../../src/index.ts';
import { bye, echo, echoing, LOGIN, QUIT } from '../support/echo.ts';
import { later, raw, until } from '../support/net.ts';
import { root } from '../support/run.ts';

/** Two ends of a connection in memory. */
function pair(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return [Duplex.from({ readable: back, writable: there }), Duplex.from({ readable: there, writable: back })];
}

async function read(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

test('any Duplex is accepted, counted and limited like a socket', async () => {
  const server = createServer(echoing(), { maxConnections: 1, lingerTimeout: 100 });
  later(() => server.close());
  const ends: unknown[] = [];
  server.on('connectionEnd', (_, error) => ends.push(error));
  const [near, far] = pair();
  const connection = server.accept(far, { address: '192.0.2.1', port: 7 });
  expect(connection?.remote).toBe('192.0.2.1:7');
  const [near2, far2] = pair();
  expect(server.accept(far2)).toBeUndefined();
  expect(await read(near2)).toEqual(bye('ERR_LIMIT_CONNECTIONS'));
  near.write(Buffer.concat([LOGIN, echo('over memory'), QUIT]));
  const all = await read(near);
  expect(all.includes('over memory')).toBe(true);
  near.end();
  await until(() => ends.length === 1);
  expect(ends).toEqual([undefined]);
});

test('a stream whose peer vanished silently is ended anyway', async () => {
  const server = createServer(echoing(), { lingerTimeout: 100 });
  later(() => server.close());
  const child = spawn('sleep', ['100'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const connection = server.accept(Duplex.from({ readable: child.stdout, writable: child.stdin }));
  expect(connection).toBeDefined();
  child.kill('SIGKILL');
  await until(() => server.connections.size === 0);
});

test('a port that other code has bound: a handle', async () => {
  const bound = net.createServer();
  await new Promise<void>((resolve) => bound.listen(0, '127.0.0.1', resolve));
  const server = createServer(echoing());
  later(() => server.close({ deadline: 1 }));
  await server.listen(bound);
  const { port } = server.address() as AddressInfo;
  expect(port).toBe((bound.address() as AddressInfo).port);
  const peer = await raw(port);
  peer.socket.write(Buffer.concat([LOGIN, echo('by handle')]));
  await until(() => peer.bytes().includes('by handle'));
});

test('a port that another process has bound: a descriptor', async () => {
  const bound = net.createServer();
  await new Promise<void>((resolve) => bound.listen(0, '127.0.0.1', resolve));
  const { port } = bound.address() as AddressInfo;
  const { fd } = (bound as unknown as { _handle: { fd: number } })._handle;
  const program = `
    import { createServer } from './dist/index.js';
    import { drone } from './dist/drone/index.js';
    await createServer(drone).listen({ fd: 3 });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit', fd],
  });
  later(() => child.kill());
  await once(child, 'spawn');
  bound.close();
  const client = await connect(drone, { port, host: '127.0.0.1' });
  expect(await client.request({ type: 'write', text: 'HELLO' })).toEqual({ type: 'ok', text: 'AUTH_OK' });
  client.destroy();
});

/** Milliseconds until the system asks a peer whether it is there, by the port of the peer; undefined where it will not. */
function keepAliveOf(port: number, peer: number): number | undefined {
  const place = (number: number): string => `0100007F:${number.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const row = rows.find((line) => line.includes(`${place(port)} ${place(peer)}`));
  // sl · local · remote · state · queues · the timer that runs (02: keep-alive) and when it fires, in hundredths of a second
  const [timer, when] = row!.trim().split(/ +/)[5]!.split(':');
  return timer === '02' ? Number.parseInt(when!, 16) * 10 : undefined;
}

test.each([
  [{}, 60_000],
  [{ keepAliveInitialDelay: 5_000 }, 5_000],
  [{ keepAlive: false }, undefined],
])('keep-alive of the server and of the client: %o', async (options, expected) => {
  const server = createServer(echoing(), options);
  later(() => server.close({ deadline: 1 }));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  const client = await connect(echoing(), { port, host: '127.0.0.1', ...options });
  await client.request({ type: 'login' });
  // Once all is acknowledged, no other timer runs.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { localPort = 0 } = client.stream as net.Socket;
  for (const found of [keepAliveOf(port, localPort), keepAliveOf(localPort, port)]) {
    if (expected === undefined) expect(found).toBeUndefined();
    else {
      expect(found).toBeGreaterThan(expected - 4_000);
      expect(found).toBeLessThanOrEqual(expected);
    }
  }
  client.destroy();
});

test.each([
  [{}, true],
  [{ noDelay: false }, false],
])('no-delay of the server and of the client: %o', async (options, expected) => {
  // Nothing of the system tells it from outside.
  const set = vi.spyOn(net.Socket.prototype, 'setNoDelay');
  const made = vi.spyOn(net, 'createServer');
  later(() => vi.restoreAllMocks());
  const server = createServer(echoing(), options);
  later(() => server.close({ deadline: 1 }));
  expect(made.mock.calls[0]![0]).toMatchObject({ noDelay: expected });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  const client = await connect(echoing(), { port, host: '127.0.0.1', ...options });
  client.destroy();
  expect(set.mock.calls.at(-1)).toEqual([expected]);
});
