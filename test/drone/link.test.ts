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

const HELLO = [7, 0, 0, 0, 0x02, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f]; // length 7 · write · 5 bytes · HELLO
const MOVE = [9, 0, 0, 0, 0x01, 10, 0, 0, 0, 0xec, 0xff, 0xff, 0xff]; // length 9 · move · x 10 · y -20
const COLOR = [4, 0, 0, 0, 0x03, 255, 128, 0]; // length 4 · changeColor · r g b
const QUIT = [1, 0, 0, 0, 0x00]; // length 1 · quit
const WRONG_TOKEN = [5, 0, 0, 0, 0x02, 3, 0x66, 0x6f, 0x6f]; // length 5 · write · 3 bytes · foo

const AUTHENTICATED = ['ok AUTH_OK'];

interface Vector {
  bytes: number[];
  /** What the drone answers, in order. */
  answers: string[];
  /** Code of the error in the pipeline callback, if any. */
  error?: string;
  details?: object;
  /** When the input ends inside something, a neighbour behind it makes another vector of it. */
  open?: boolean;
}

const VECTORS: Record<string, Vector> = {
  'a whole flight': {
    bytes: [...HELLO, ...MOVE, ...COLOR, ...QUIT],
    answers: ['ok AUTH_OK', 'ok MOVING_TO(10, -20)', 'ok COLOR_SET(255, 128, 0)', 'ok BYE'],
  },
  'commands without a quit, then the end': {
    bytes: [...HELLO, ...MOVE, ...MOVE],
    answers: ['ok AUTH_OK', 'ok MOVING_TO(10, -20)', 'ok MOVING_TO(10, -20)'],
  },
  'bytes behind a complete message inside its frame are ignored': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x00, 0xaa, 0xbb],
    answers: ['ok AUTH_OK', 'ok BYE'],
  },
  'nothing at all': { bytes: [], answers: [] },
  'a length above the maximum': {
    bytes: [...HELLO, 0x81, 0x96, 0x98, 0x00], // 10,000,001
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TOO_LONG',
    details: { limit: 10_000_000, actual: 10_000_001, offset: 11, origin: 'peer' },
  },
  'the largest length': {
    bytes: [...HELLO, 0xff, 0xff, 0xff, 0xff],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TOO_LONG',
    details: { actual: 0xffffffff },
  },
  'the end inside a header': {
    bytes: [...HELLO, 9, 0, 0],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TRUNCATED',
    open: true,
  },
  'the end exactly after a header': {
    bytes: [...HELLO, 9, 0, 0, 0],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TRUNCATED',
    open: true,
  },
  'the end inside a body': {
    bytes: [...HELLO, ...MOVE.slice(0, -1)],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TRUNCATED',
    open: true,
  },
  'an empty payload': { bytes: [...HELLO, 0, 0, 0, 0], answers: AUTHENTICATED, error: 'ERR_MESSAGE_EMPTY' },
  'an unknown discriminant': {
    bytes: [...HELLO, 1, 0, 0, 0, 0x7f],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UNKNOWN',
  },
  'a move without coordinates': {
    bytes: [...HELLO, 1, 0, 0, 0, 0x01],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'move', path: 'x' },
  },
  'a move cut in y': {
    bytes: [...HELLO, 8, 0, 0, 0, 0x01, 1, 0, 0, 0, 2, 0, 0],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'move', path: 'y', offset: 5, streamOffset: 20 },
  },
  'a colour without blue': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x03, 1, 2],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'changeColor', path: 'b' },
  },
  'a write without its length': {
    bytes: [...HELLO, 1, 0, 0, 0, 0x02],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'write', path: 'text' },
  },
  'text shorter than its length': {
    bytes: [...HELLO, 4, 0, 0, 0, 0x02, 3, 0x61, 0x62],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'write', path: 'text' },
  },
  'text in overlong UTF-8': {
    bytes: [...HELLO, 4, 0, 0, 0, 0x02, 2, 0xc0, 0xaf],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
    details: { messageType: 'write', path: 'text' },
  },
  'text with a lone surrogate': {
    bytes: [...HELLO, 5, 0, 0, 0, 0x02, 3, 0xed, 0xa0, 0x80],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
  },
  'text with a lone continuation byte': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x02, 1, 0x80],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
  },
  'text cut inside a character': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x02, 1, 0xc3],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
  },
  'a move before the handshake': {
    bytes: [...MOVE, ...HELLO, ...QUIT],
    answers: ['error EXPECTED_HANDSHAKE', 'ok AUTH_OK', 'ok BYE'],
  },
  'a wrong token': { bytes: [...WRONG_TOKEN, ...HELLO], answers: ['error AUTH_FAILED'] },
  'a write when authenticated': {
    bytes: [...HELLO, ...WRONG_TOKEN, ...MOVE],
    answers: ['ok AUTH_OK', 'error WRONG_STATE', 'ok MOVING_TO(10, -20)'],
  },
  'messages after quit': { bytes: [...HELLO, ...QUIT, ...MOVE, ...MOVE], answers: ['ok AUTH_OK', 'ok BYE'] },
  'rubbish after quit': {
    bytes: [...HELLO, ...QUIT, 0xff, 0xff, 0xff, 0xff, 1],
    answers: ['ok AUTH_OK', 'ok BYE'],
  },
};

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
