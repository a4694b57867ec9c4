import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createServer } from '../../src/index.ts';
import { bye, echo, echoing, LOGIN, QUIT } from '../support/echo.ts';
import { later, raw, until } from '../support/net.ts';

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

test('any Duplex, counted and limited as others are', async () => {
  const server = createServer(echoing(), { maxConnections: 1 });
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

test('a stream that its peer has left without a word is ended all the same', async () => {
  const server = createServer(echoing(), { lingerTimeout: 100 });
  later(() => server.close());
  const child = spawn('sleep', ['100'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const connection = server.accept(Duplex.from({ readable: child.stdout, writable: child.stdin }));
  expect(connection).toBeDefined();
  child.kill('SIGKILL');
  await until(() => server.connections.size === 0);
});

test('a port that was bound by somebody else: a handle', async () => {
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
