import { once } from 'node:events';
import net from 'node:net';
import { pipeline, Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import {
  LengthPrefixDecoder,
  MessageDecoder,
  MessageEncoder,
  ProtocolError,
  StateMachine,
} from '../../src/index.ts';
import { chunkings } from '../support/chunkings.ts';
import { AUTHENTICATED, HELLO, MOVE, VECTORS, type Vector } from './vectors.ts';

/** The four stages over any two ends. */
function fly(source: NodeJS.ReadableStream, sink: NodeJS.WritableStream): Promise<unknown> {
  return new Promise((resolve) => {
    pipeline(
      source,
      new LengthPrefixDecoder({ maxFrameLength: 10_000_000 }),
      new MessageDecoder(drone.clientMessages),
      new StateMachine(drone.session),
      new MessageEncoder(drone.serverMessages),
      sink,
      (error) => resolve(error ?? undefined),
    );
  });
}

/** What the bytes that a drone wrote say; they must be whole messages. */
async function answersOf(bytes: Buffer): Promise<string[]> {
  const answers: string[] = [];
  const messages = Readable.from([bytes], { objectMode: false })
    .pipe(new LengthPrefixDecoder())
    .pipe(new MessageDecoder(drone.serverMessages));
  for await (const { type, text } of messages) answers.push(`${type} ${text}`);
  return answers;
}

function expectOutcome(vector: Vector, error: unknown): void {
  if (vector.error === undefined) {
    expect(error).toBeUndefined();
  } else {
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: vector.error, origin: 'peer', ...vector.details });
  }
}

describe('in memory, whole, byte by byte, and at every split', () => {
  for (const [name, vector] of Object.entries(VECTORS)) {
    const neighbour = vector.error !== undefined && !vector.open ? [...MOVE] : [];
    test(name, async () => {
      for (const [cut, chunks] of chunkings(Buffer.from([...vector.bytes, ...neighbour]))) {
        const out: Buffer[] = [];
        const sink = new Writable({
          write(chunk, _, callback) {
            out.push(chunk);
            callback();
          },
        });
        const error = await fly(Readable.from(chunks, { objectMode: false }), sink);
        expect(await answersOf(Buffer.concat(out)), cut).toEqual(vector.answers);
        expectOutcome(vector, error);
      }
    });
  }
});

describe('over TCP', () => {
  let server: net.Server;
  let port: number;
  let outcome: Promise<unknown>;

  beforeAll(async () => {
    server = net.createServer({ allowHalfOpen: true }, (socket) => {
      outcome = fly(socket, socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as net.AddressInfo).port;
  });
  afterAll(() => server.close());

  for (const [name, vector] of Object.entries(VECTORS)) {
    test(`${name}: every answer arrives, then the end, for a client that half-closes at once`, async () => {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.end(Buffer.from(vector.bytes));
      const received: Buffer[] = [];
      for await (const chunk of socket) received.push(chunk);
      expect(await answersOf(Buffer.concat(received))).toEqual(vector.answers);
      expectOutcome(vector, await outcome);
    });
  }

  test('a violation by a client that keeps sending: the answers and the end reach it, not a reset', async () => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(Buffer.from([...HELLO, 0xff, 0xff, 0xff, 0xff]));
    const received: Buffer[] = [];
    const more = setInterval(() => socket.write(Buffer.alloc(1024)), 1);
    socket.on('data', (chunk) => received.push(chunk));
    await once(socket, 'end');
    clearInterval(more);
    socket.end();
    expect(await answersOf(Buffer.concat(received))).toEqual(AUTHENTICATED);
    expect(await outcome).toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
  });

  test('a peer that resets in the middle of a frame: the system error comes through', async () => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.write(Buffer.from([...HELLO, ...MOVE.slice(0, 6)]));
    await once(socket, 'data');
    socket.resetAndDestroy();
    await once(socket, 'close');
    expect(await outcome).toMatchObject({ code: 'ECONNRESET' });
  });
});

test('a header that announces 10,000,000 bytes holds no memory for them', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 100 }, () => {
    const decoder = new LengthPrefixDecoder();
    decoder.write(Buffer.from([0x80, 0x96, 0x98, 0x00, 1, 2, 3])); // length 10,000,000, and three bytes of it
    return decoder;
  });
  await new Promise(setImmediate);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  expect(decoders.every((decoder) => !decoder.destroyed)).toBe(true);
});
