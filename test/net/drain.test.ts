import { describe, expect, test } from 'vitest';
import { createServer } from '../../src/index.ts';
import { bye, echo, echoing, LOGIN, SLOW } from '../support/echo.ts';
import { listening, raw, until } from '../support/net.ts';

const WELCOME = 5;

/** A server with some that have logged in. */
async function serve(count: number, slow?: () => Promise<void>) {
  const server = createServer(echoing(slow), { lingerTimeout: 10_000 });
  const ends: (string | undefined)[] = [];
  server.on('connectionEnd', (_, error) => ends.push(error?.code));
  const port = await listening(server);
  const peers = await Promise.all(Array.from({ length: count }, () => raw(port)));
  for (const { socket } of peers) socket.write(LOGIN);
  await until(() => server.stats().messagesReceived === count);
  return { server, port, peers, ends };
}

test('every peer gets a goodbye, and no connection fails', async () => {
  const { server, port, peers, ends } = await serve(3);
  expect(server.ready).toBe(true);
  const closing = server.close();
  expect(server.ready).toBe(false);
  expect(server.close()).toBe(closing);
  expect(await closing).toEqual({ cut: [] });
  for (const peer of peers) expect((await peer.closed).subarray(WELCOME)).toEqual(bye('ERR_STATE_SHUTDOWN'));
  expect(ends).toEqual([undefined, undefined, undefined]);
  await expect(raw(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('each state may have its own goodbye', async () => {
  const { server, port, peers } = await serve(1);
  const fresh = await raw(port);
  await until(() => server.connections.size === 2);
  await server.close({
    farewell: ({ machine: { state } }) => (state === 'open' ? { type: 'bye', why: 'see you' } : undefined),
  });
  expect((await peers[0]!.closed).subarray(WELCOME)).toEqual(bye('see you'));
  expect(await fresh.closed).toEqual(Buffer.alloc(0));
});

test('work in progress is finished first, and messages that had already arrived', async () => {
  let finish = (): void => {};
  const { server, peers } = await serve(1, () => new Promise((resolve) => (finish = resolve)));
  peers[0]!.socket.write(Buffer.concat([SLOW, echo('behind')]));
  await until(() => server.stats().messagesReceived === 2);
  const closing = server.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(peers[0]!.bytes()).toHaveLength(WELCOME);
  finish();
  expect(await closing).toEqual({ cut: [] });
  const text = (await peers[0]!.closed).toString('latin1');
  expect(text.indexOf('slow')).toBeGreaterThan(0);
  expect(text.indexOf('behind')).toBeGreaterThan(text.indexOf('slow'));
  expect(text.indexOf('ERR_STATE_SHUTDOWN')).toBeGreaterThan(text.indexOf('behind'));
});

test('connections that have not ended at the deadline are cut, and reported', async () => {
  const { server, peers } = await serve(2, () => new Promise(() => {}));
  peers[0]!.socket.write(SLOW);
  await until(() => server.stats().messagesReceived === 3);
  const busy = [...server.connections].find(({ machine }) => machine.isBusy);
  const { cut } = await server.close({ deadline: 1_000 });
  expect(cut).toEqual([busy]);
  expect((await peers[1]!.closed).subarray(WELCOME)).toEqual(bye('ERR_STATE_SHUTDOWN'));
});

test('connections end spread over a time, not all at once', async () => {
  const { server, peers } = await serve(10);
  const gone: number[] = [];
  const from = performance.now();
  for (const { closed } of peers) void closed.then(() => gone.push(performance.now() - from));
  await server.close({ spread: 500 });
  await Promise.all(peers.map(({ closed }) => closed));
  // Let go at 0, 50, 100 … 450 ms.
  expect(gone.filter((at) => at < 225).length).toBeLessThanOrEqual(5);
  expect(gone.at(-1)).toBeGreaterThanOrEqual(440);
});

test('during the grace period the server is not ready, and still accepts', async () => {
  const { server, port } = await serve(0);
  const closing = server.close({ grace: 1_500 });
  expect(server.ready).toBe(false);
  const late = await raw(port);
  late.socket.write(Buffer.concat([LOGIN, echo('late')]));
  await until(() => late.bytes().includes('late'));
  expect(await closing).toEqual({ cut: [] });
});

describe('other ways to close', () => {
  test('await using', async () => {
    const { server } = await serve(1);
    await server[Symbol.asyncDispose]();
    expect(server.ready).toBe(false);
    expect(server.connections.size).toBe(0);
  });

  test('an AbortSignal, also one that was aborted before', async () => {
    const controller = new AbortController();
    const server = createServer(echoing(), { signal: controller.signal });
    const peer = await raw(await listening(server));
    controller.abort();
    await peer.closed;
    expect(server.ready).toBe(false);
    const never = createServer(echoing(), { signal: AbortSignal.abort() });
    await expect(never.listen({ port: 0 })).rejects.toThrow(/aborted/);
  });

  test('options that do not exist are refused', () => {
    const server = createServer(echoing());
    expect(() => server.close({ dedline: 1 } as never)).toThrow(/did you mean 'deadline'/);
    expect(() => server.close({ deadline: Number.NaN })).toThrow(RangeError);
  });
});
