import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import { connect, createServer, defineSession } from '../../src/index.ts';
import { until } from '../support/net.ts';

const HELLO = Buffer.from([7, 0, 0, 0, 0x02, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f]); // length 7 · write · 5 bytes · HELLO
const MOVE = Buffer.from([9, 0, 0, 0, 0x01, 10, 0, 0, 0, 20, 0, 0, 0]); // length 9 · move · x 10 · y 20

const serveDrone = () => createServer(drone, { lingerTimeout: 200 });

let port: number;
let drones: ReturnType<typeof serveDrone>;
beforeEach(async () => {
  drones = serveDrone();
  await drones.listen({ port: 0, host: '127.0.0.1' });
  port = (drones.address() as AddressInfo).port;
});
afterEach(() => drones.close());

/** Timers that run, of those made meanwhile; and the sockets that are open. */
function watchResources(): { timers(): number; sockets(): number; stop(): void } {
  const { setTimeout: original } = globalThis;
  const made: (NodeJS.Timeout & { _destroyed?: boolean })[] = [];
  globalThis.setTimeout = Object.assign(
    (...args: Parameters<typeof original>) => {
      const timer = original(...args);
      made.push(timer);
      return timer;
    },
    { __promisify__: original.__promisify__ },
  ) as typeof original;
  return {
    timers: () => made.filter((timer) => timer._destroyed !== true).length,
    sockets: () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
    stop() {
      globalThis.setTimeout = original;
    },
  };
}

/** Resolves with the error of the next connection that ends. */
function nextEnd(): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => drones.once('connectionEnd', (_, error) => resolve(error)));
}

describe('a connection', () => {
  test('unsolicited messages follow the answers, and ready() resolves when there is room', async () => {
    const client = await connect(drone, { port });
    const answers = client[Symbol.asyncIterator]();
    client.send({ type: 'write', text: 'HELLO' });
    expect((await answers.next()).value).toEqual({ type: 'ok', text: 'AUTH_OK' });
    const { machine } = [...drones.connections][0]!;
    expect(machine.state).toBe('authenticated');
    expect(machine.send({ type: 'ok', text: 'one' })).toBe(true);
    expect(machine.send({ type: 'ok', text: 'two' })).toBe(true);
    expect((await answers.next()).value).toEqual({ type: 'ok', text: 'one' });
    expect((await answers.next()).value).toEqual({ type: 'ok', text: 'two' });
    // More than the system takes from us while the client does not read.
    let count = 0;
    while (machine.send({ type: 'ok', text: 'x'.repeat(255) })) count++;
    const ready = machine.ready();
    for (let i = 0; i <= count; i++) await answers.next();
    await ready;
    expect(() => machine.send({ type: 'land' } as never)).toThrow(/may not be sent/);
    client.send({ type: 'quit' });
    expect((await answers.next()).value).toEqual({ type: 'ok', text: 'BYE' });
    expect((await answers.next()).done).toBe(true);
    await client.closed;
    expect(() => machine.send({ type: 'ok', text: 'late' })).toThrow(/over|gone/);
    await machine.ready();
  });

  test('every connection has its own state', async () => {
    const one = await connect(drone, { port });
    const two = await connect(drone, { port });
    one.send({ type: 'write', text: 'HELLO' });
    const answersOfOne = one[Symbol.asyncIterator]();
    expect((await answersOfOne.next()).value).toEqual({ type: 'ok', text: 'AUTH_OK' });
    two.send({ type: 'move', x: 1, y: 2 });
    const answersOfTwo = two[Symbol.asyncIterator]();
    expect((await answersOfTwo.next()).value).toEqual({ type: 'error', text: 'EXPECTED_HANDSHAKE' });
    expect(drones.connections.size).toBe(2);
    one.end();
    two.end();
    await Promise.all([one.closed, two.closed]);
  });

  test('over a Unix socket', async () => {
    const socket = path.join(mkdtempSync(path.join(os.tmpdir(), 'wirepipe-')), 'drone.sock');
    const unix = createServer(drone);
    await unix.listen({ path: socket });
    const client = await connect(drone, { path: socket });
    client.send({ type: 'write', text: 'HELLO' });
    client.send({ type: 'quit' });
    const answers: string[] = [];
    for await (const { text } of client) answers.push(text);
    expect(answers).toEqual(['AUTH_OK', 'BYE']);
    await client.closed;
    await unix.close();
  });
});

test('leave() answers what has arrived, sends the last messages, then ends our side', async () => {
  const client = await connect(drone, { port });
  client.send({ type: 'write', text: 'HELLO' });
  const answers = client[Symbol.asyncIterator]();
  await answers.next();
  const ended = nextEnd();
  const { machine } = [...drones.connections][0]!;
  machine.leave(() => ({ type: 'error', text: 'ELSEWHERE' }));
  machine.leave(() => ({ type: 'error', text: 'only once' }));
  expect((await answers.next()).value).toEqual({ type: 'error', text: 'ELSEWHERE' });
  expect((await answers.next()).done).toBe(true);
  expect(await ended).toBeUndefined();
});

describe('a message that does not fit', () => {
  test.each([
    [{ type: 'write', text: 'x'.repeat(256) }, 'ERR_FIELD_TOO_LONG', 'text'],
    [{ type: 'move', x: 2 ** 31, y: 0 }, 'ERR_FIELD_RANGE', 'x'],
    [{ type: 'changeColor', r: 1, g: 2, b: -1 }, 'ERR_FIELD_RANGE', 'b'],
    [{ type: 'land' }, 'ERR_MESSAGE_UNKNOWN', undefined],
  ])('%o: throws %s, writes nothing, and the connection goes on', async (message, code, field) => {
    const client = await connect(drone, { port });
    let error: unknown;
    try {
      client.send(message as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code, origin: 'local', ...(field === undefined ? {} : { path: field }) });
    expect(client.stream.writableLength).toBe(0);
    client.send({ type: 'write', text: 'HELLO' });
    client.end();
    const answers: string[] = [];
    for await (const { text } of client) answers.push(text);
    expect(answers).toEqual(['AUTH_OK']);
  });
});

describe('a connection that drops leaves nothing behind', () => {
  const MOMENTS: Record<string, Buffer[]> = {
    'before a byte': [],
    'inside a header': [HELLO.subarray(0, 2)],
    'inside a body': [HELLO.subarray(0, 7)],
    'between messages': [HELLO],
    'inside a later message': [HELLO, MOVE, MOVE.subarray(0, 8)],
    'after a violation': [HELLO, Buffer.from([0xff, 0xff, 0xff, 0xff])],
    'after quit': [HELLO, Buffer.from([1, 0, 0, 0, 0])],
  };
  for (const [moment, chunks] of Object.entries(MOMENTS)) {
    for (const how of ['reset', 'end'] as const) {
      test(`${how} ${moment}`, async () => {
        const resources = watchResources();
        const ended = nextEnd();
        const connected = once(drones, 'connection');
        const socket = net.connect({ port });
        socket.on('error', () => {});
        await once(socket, 'connect');
        for (const chunk of chunks) socket.write(chunk);
        const [connection] = await connected;
        if (chunks.includes(HELLO)) await once(socket, 'data');
        if (how === 'reset') socket.resetAndDestroy();
        else socket.end();
        await ended;
        if (!socket.closed) await once(socket, 'close');
        await new Promise(setImmediate);
        expect(drones.connections.size).toBe(0);
        resources.stop();
        expect(resources.timers()).toBe(0);
        await until(() => resources.sockets() === 0);
        expect(connection.socket.destroyed).toBe(true);
      });
    }
  }

  test('a peer that sends quit and then neither ends nor reads is cut after the linger timeout', async () => {
    const ended = nextEnd();
    const socket = net.connect({ port, allowHalfOpen: true });
    socket.write(Buffer.concat([HELLO, Buffer.from([1, 0, 0, 0, 0])]));
    expect(await ended).toMatchObject({
      code: 'ERR_TIMEOUT_STATE',
      origin: 'peer',
      state: 'closing',
      limit: 200,
    });
    socket.destroy();
  });

  test('a violation by a peer that never ends is reported after the linger timeout', async () => {
    const ended = nextEnd();
    const socket = net.connect({ port, allowHalfOpen: true });
    socket.write(Buffer.concat([HELLO, Buffer.from([0xff, 0xff, 0xff, 0xff])]));
    const received: Buffer[] = [];
    for await (const chunk of socket) received.push(chunk);
    expect(await ended).toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
    expect(Buffer.concat(received).includes('AUTH_OK')).toBe(true);
    socket.destroy();
  });
});

describe('the two ends', () => {
  test('sending after the end is refused, and answers that are due still arrive', async () => {
    const client = await connect(drone, { port });
    client.send({ type: 'write', text: 'HELLO' });
    client.end();
    const late = { code: 'ERR_STATE_CLOSED', origin: 'local', messageType: 'quit' };
    expect(() => client.send({ type: 'quit' })).toThrow(expect.objectContaining(late));
    await expect(client.request({ type: 'quit' })).rejects.toMatchObject(late);
    const answers: string[] = [];
    for await (const { text } of client) answers.push(text);
    expect(answers).toEqual(['AUTH_OK']);
    await client.closed;
    expect(() => client.send({ type: 'quit' })).toThrow(expect.objectContaining(late));
  });

  test('a message whose encoding sends another message: both arrive intact', async () => {
    const client = await connect(drone, { port });
    let reads = 0;
    client.send({
      type: 'write',
      // Reading a value may run anybody's code, and that code may send.
      get text() {
        if (++reads === 2) client.send({ type: 'write', text: 'HELLO' });
        return 'OUTER';
      },
    });
    client.end();
    const answers: string[] = [];
    for await (const { text } of client) answers.push(text);
    expect(reads).toBeGreaterThan(1);
    expect(answers).toEqual(['AUTH_OK', 'WRONG_STATE']);
  });

  test('a connection that we destroy closes without an error, or with the given one', async () => {
    const one = await connect(drone, { port });
    one.destroy();
    await one.closed;
    const two = await connect(drone, { port });
    two.destroy(new Error('enough'));
    await expect(two.closed).rejects.toThrow('enough');
  });

  test('a value that is not a protocol is refused when the server is created', () => {
    expect(() => createServer({ ...drone, framing: {} } as never)).toThrow(TypeError);
  });

  test('close() cuts the open connections', async () => {
    const connected = once(drones, 'connection');
    const client = await connect(drone, { port });
    await connected;
    const ended = nextEnd();
    await drones.close();
    await ended;
    await client.closed.catch(() => {});
    expect(client.stream.destroyed).toBe(true);
    await drones.listen({ port: 0, host: '127.0.0.1' });
  });

  test('a refused connection rejects with the system error', async () => {
    await drones.close();
    await expect(connect(drone, { port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await drones.listen({ port: 0, host: '127.0.0.1' });
  });

  test('a port in use rejects with the system error', async () => {
    await expect(createServer(drone).listen({ port, host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  test('an aborted connect rejects and leaves no socket open', async () => {
    await expect(connect(drone, { port, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

test('an error of a server that was already listening is reported once', async () => {
  const listen = vi.spyOn(net.Server.prototype, 'listen');
  const server = createServer(drone);
  const errors: Error[] = [];
  server.on('error', (error) => errors.push(error));
  for (let i = 0; i < 3; i++) {
    await server.listen({ port: 0, host: '127.0.0.1' });
    if (i < 2) await server.close();
  }
  const inner = listen.mock.contexts[0] as net.Server;
  listen.mockRestore();
  inner.emit('error', new Error('accept failed'));
  expect(errors.map(({ message }) => message)).toEqual(['accept failed']);
  await server.close();
  // A call that fails rejects, and says it nowhere else.
  const other = net.createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(server.listen({ port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(errors).toHaveLength(1);
  other.close();
});

test('a context is disposed with the error that ended its connection', async () => {
  const reasons: unknown[] = [];
  const session = defineSession({
    receives: drone.clientMessages,
    sends: drone.serverMessages,
    initial: 'open',
    context: () => ({}),
    dispose: (_, reason) => reasons.push((reason as NodeJS.ErrnoException | undefined)?.code),
    states: { open: { onEnter: () => ({ type: 'ok', text: 'HI' }) } },
  });
  const server = createServer({ ...drone, session });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  for (const leave of [
    (socket: net.Socket) => socket.end(),
    (socket: net.Socket) => socket.resetAndDestroy(),
  ]) {
    const socket = net.connect({ port, host: '127.0.0.1' });
    await once(socket, 'data');
    const over = once(server, 'connectionEnd');
    leave(socket);
    await over;
  }
  expect(reasons).toEqual([undefined, 'ECONNRESET']);
  await server.close();
});

describe('a listener that fails', () => {
  const thrown: Record<string, unknown> = { 'an Error': new Error('as asked'), nothing: undefined };
  const ways: Record<string, (what: unknown) => () => unknown> = {
    throws: (what) => () => {
      throw what;
    },
    rejects: (what) => () => Promise.reject(what),
  };
  for (const [way, fail] of Object.entries(ways)) {
    for (const [name, what] of Object.entries(thrown)) {
      test(`'connection' ${way} with ${name}: that connection ends, the others go on`, async () => {
        drones.once('connection', fail(what) as never);
        const ended = nextEnd();
        const socket = net.connect({ port });
        await once(socket.on('error', () => {}).resume(), 'close');
        expect(await ended).toMatchObject({ code: 'ERR_HANDLER', origin: 'local', cause: what });
        const client = await connect(drone, { port });
        client.send({ type: 'write', text: 'HELLO' });
        client.end();
        const answers: string[] = [];
        for await (const { text } of client) answers.push(text);
        expect(answers).toEqual(['AUTH_OK']);
      });

      test(`'connectionEnd' ${way} with ${name}: an 'error' of the server`, async () => {
        drones.once('connectionEnd', fail(what) as never);
        const failed = once(drones, 'error');
        const client = await connect(drone, { port });
        client.end();
        await client.closed;
        expect((await failed)[0]).toMatchObject({ code: 'ERR_HANDLER', cause: what });
      });
    }
  }
});
