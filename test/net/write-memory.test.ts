/** The memory that a server writes its answers from. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { drone } from '../../src/drone/protocol.ts';
import {
  createServer,
  FrameDecoder,
  MessageDecoder,
  MessageEncoder,
  Responder,
  StateMachine,
} from '../../src/index.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

// Length 7 · write · 5 bytes · HELLO.
const HELLO = Buffer.from('07000000 02 05 48454c4c4f'.replaceAll(' ', ''), 'hex');
// Length 9 · ok · 7 bytes · AUTH_OK.
const AUTH_OK = Buffer.from('09000000 80 07 415554485f4f4b'.replaceAll(' ', ''), 'hex');
// Length 9 · move · x −1 · y 2.
const MOVE = Buffer.from('09000000 01 ffffffff 02000000'.replaceAll(' ', ''), 'hex');
// Length 18 · ok · 16 bytes · MOVING_TO(-1, 2).
const MOVING = Buffer.concat([
  Buffer.from('12000000 80 10'.replaceAll(' ', ''), 'hex'),
  Buffer.from('MOVING_TO(-1, 2)'),
]);
/** In 64 KiB, so that each write is complete before the next. */
const MOVES = 2_500;

type Serve = (socket: net.Socket) => unknown;

async function listen(serve: Serve): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, serve).listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function serveDrone(seen: Serve): Promise<number> {
  const server = createServer(drone);
  open.push({ close: () => server.close({ deadline: 1 }) });
  server.on('connection', ({ socket }) => seen(socket));
  await server.listen({ port: 0, host: '127.0.0.1' });
  return (server.address() as AddressInfo).port;
}

const gone = (): void => {};
const WAYS: Record<string, (seen: Serve) => Promise<number>> = {
  createServer: serveDrone,
  'pipeline over a Responder': (seen) =>
    listen((socket) => {
      seen(socket);
      pipeline(socket, new Responder(drone), socket, gone);
    }),
  'pipeline over four stages': (seen) =>
    listen((socket) => {
      seen(socket);
      const { framing, clientMessages, serverMessages, session } = drone;
      pipeline(
        socket,
        new FrameDecoder(framing),
        new MessageDecoder(clientMessages),
        new StateMachine(session),
        new MessageEncoder(serverMessages, { framing }),
        socket,
        gone,
      );
    }),
};

/** The memories that a socket's system calls were given. */
function memoriesOf(socket: net.Socket): Set<ArrayBufferLike> {
  const memories = new Set<ArrayBufferLike>();
  const { _handle: handle } = socket as unknown as {
    _handle: { writeBuffer(request: unknown, bytes: Buffer): unknown };
  };
  const write = handle.writeBuffer;
  handle.writeBuffer = (request, bytes) => {
    memories.add(bytes.buffer);
    return write.call(handle, request, bytes);
  };
  return memories;
}

/** Pipelined moves, time after time; the bytes that come back. */
async function fly(port: number, times: number, moves = MOVES): Promise<void> {
  const client = net.connect({ port, host: '127.0.0.1' });
  open.push({ close: () => client.destroy() });
  let received: Buffer[] = [];
  let length = 0;
  let wanted = AUTH_OK.length;
  let arrived = (): void => {};
  client.on('data', (chunk: Buffer) => {
    received.push(chunk);
    length += chunk.length;
    if (length >= wanted) arrived();
  });
  const answers = async (expected: Buffer): Promise<void> => {
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
    expect(Buffer.concat(received).equals(expected)).toBe(true);
    received = [];
    length = 0;
  };
  client.write(HELLO);
  await answers(AUTH_OK);
  const commands = Buffer.concat(Array.from({ length: moves }, () => MOVE));
  const all = Buffer.concat(Array.from({ length: moves }, () => MOVING));
  wanted = all.length;
  for (let i = 0; i < times; i++) {
    client.write(commands);
    await answers(all);
  }
}

test.each(Object.keys(WAYS))('%s: one piece of memory is written from again and again', async (way) => {
  let memories = new Set<ArrayBufferLike>();
  const port = await WAYS[way]!((socket) => {
    memories = memoriesOf(socket);
  });
  await fly(port, 40);
  // 40 times 60,000 bytes; a write that the system does not take at once needs memory of its own.
  expect(memories.size).toBeGreaterThan(0);
  expect(memories.size).toBeLessThan(20);
});

test.each(Object.keys(WAYS))('%s: a short answer holds no large memory until it is taken', async (way) => {
  let memories = new Set<ArrayBufferLike>();
  const port = await WAYS[way]!((socket) => {
    memories = memoriesOf(socket);
  });
  await fly(port, 20, 1);
  // The first answer is in memory that all connections share, and each writes on behind it.
  const lengths = [...memories].map(({ byteLength }) => byteLength);
  expect(lengths.filter((length) => length !== MOVING.length).length).toBeLessThan(2);
});

test.each(Object.keys(WAYS))('%s: a stream that may keep the bytes gets memory of its own', async (way) => {
  const kept: Buffer[] = [];
  const port = await WAYS[way]!((socket) => {
    const write = socket.write;
    socket.write = ((bytes: Buffer, ...rest: never[]) => {
      kept.push(bytes);
      return write.call(socket, bytes, ...rest);
    }) as typeof socket.write;
  });
  await fly(port, 10);
  const expected = [AUTH_OK, ...Array.from({ length: 10 * MOVES }, () => MOVING)];
  expect(Buffer.concat(kept).equals(Buffer.concat(expected))).toBe(true);
  for (const { buffer, length } of kept) expect(buffer.byteLength).toBe(length);
});
