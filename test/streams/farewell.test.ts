import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  bytes,
  createServer,
  defineProtocol,
  defineSession,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  message,
  messages,
  rest,
  StateMachine,
  u8,
} from '../../src/index.ts';
import { FrameDecoder } from '../../src/streams/frame-decoder.ts';

const requests = messages(u8, { get: message(1), hold: message(2) });
const replies = messages(u8, { data: message(1, { all: bytes(rest) }) });
const framing = lengthPrefix();
const REQUEST = { get: Buffer.from([1, 0, 0, 0, 1]), hold: Buffer.from([1, 0, 0, 0, 2]) };

/** `get` is answered by so many bytes, and is the last. */
function large(length: number, idle = 60_000) {
  return defineProtocol({
    name: 'large',
    framing,
    clientMessages: requests,
    serverMessages: replies,
    session: defineSession({
      receives: requests,
      sends: replies,
      initial: 'open',
      states: {
        open: {
          on: {
            get: () => ({
              send: { type: 'data' as const, all: Buffer.alloc(length, 7) },
              next: 'done' as const,
            }),
            hold,
          },
          next: ['done'],
          deadline: { idle },
        },
        done: { final: true },
      },
    }),
  });
}

/** Keeps the process busy: the next message is there before the timers are looked at. */
function hold(): undefined {
  const until = performance.now() + 300;
  while (performance.now() < until);
}

type Protocol = ReturnType<typeof large>;
type End = Promise<NodeJS.ErrnoException | null | undefined>;

/** A server over a Unix socket, whose buffers are small; its address, and how its first connection ends. */
const SERVERS: Record<string, (protocol: Protocol, lingerTimeout: number) => Promise<[string, End]>> = {
  async pipeline(protocol, lingerTimeout) {
    const options = { lingerTimeout };
    const { promise: end, resolve } = withResolvers();
    const server = net.createServer({ allowHalfOpen: true }, (socket) =>
      pipeline(
        socket,
        new FrameDecoder(framing, options),
        new MessageDecoder(requests, options),
        new StateMachine(protocol.session, options),
        new MessageEncoder(replies, options),
        socket,
        resolve,
      ),
    );
    const address = place();
    server.listen(address);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return [address, end];
  },
  async createServer(protocol, lingerTimeout) {
    const server = createServer(protocol, { lingerTimeout });
    const { promise, resolve } = withResolvers();
    server.once('connectionEnd', (_, error) => resolve(error));
    const address = place();
    await server.listen({ path: address });
    onTestFinished(async () => void (await server.close({ deadline: 1 })));
    return [address, promise];
  },
};

function withResolvers(): { promise: End; resolve(error: NodeJS.ErrnoException | null | undefined): void } {
  let resolve!: (error: NodeJS.ErrnoException | null | undefined) => void;
  const promise: End = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function place(): string {
  return path.join(mkdtempSync(path.join(os.tmpdir(), 'wirepipe-')), 'socket');
}

async function dial(address: string): Promise<net.Socket> {
  const socket = net.connect({ path: address, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe.each(Object.entries(SERVERS))('%s', (_, serve) => {
  test('a peer that reads the last answer slowly gets all of it', async () => {
    const length = 3_000_000;
    const [address, end] = await serve(large(length), 1_000);
    const socket = await dial(address);
    socket.write(REQUEST.get);
    let received = 0;
    for await (const chunk of socket) {
      received += (chunk as Buffer).length;
      await sleep(40);
    }
    expect(received).toBe(length + 5);
    socket.end();
    expect((await end) ?? undefined).toBeUndefined();
  });

  test('a peer that reads none of the last answer is cut', async () => {
    const [address, end] = await serve(large(3_000_000), 200);
    const socket = await dial(address);
    socket.on('error', () => {}).write(REQUEST.get);
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_STATE', limit: 200 });
  });

  test('a message that waits in the kernel while we are busy does not count as silence', async () => {
    const [address, end] = await serve(large(10, 200), 200);
    const socket = await dial(address);
    socket.resume();
    for (let i = 0; i < 3; i++) {
      socket.write(REQUEST.hold);
      // It is taken in, and keeps us busy for longer than the deadline; the next one is written before.
      await sleep(20);
    }
    socket.end(REQUEST.get);
    expect((await end) ?? undefined).toBeUndefined();
  });
});
