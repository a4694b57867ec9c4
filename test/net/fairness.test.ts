import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  createServer,
  defineProtocol,
  defineSession,
  FrameDecoder,
  type Framing,
  lengthPrefix,
  message,
  messages,
  packets,
  u8,
  u32le,
} from '../../src/index.ts';

const requests = messages(u8, { ask: message(1, { n: u32le }) });
const replies = messages(u8, { answer: message(1, { n: u32le }) });
/** length 5 · tag · u32 */
const FRAME = 9;

test('a turn of the event loop answers 64 KiB of a connection, and the chunk in progress', async () => {
  let inTurn = 0;
  let most = 0;
  let answered = 0;
  const session = defineSession({
    receives: requests,
    sends: replies,
    initial: 'open',
    states: {
      open: {
        on: {
          ask: ({ n }) => {
            inTurn += FRAME;
            most = Math.max(most, inTurn);
            answered++;
            return { send: { type: 'answer', n } };
          },
        },
      },
    },
  });
  const server = createServer(
    defineProtocol({
      name: 'greed',
      framing: lengthPrefix(),
      clientMessages: requests,
      serverMessages: replies,
      session,
    }),
  );
  await server.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close() as Promise<unknown> as Promise<void>);
  let isOver = false;
  const turn = (): void => {
    inTurn = 0;
    if (!isOver) setImmediate(turn);
  };
  turn();
  const count = 400_000;
  const bytes = Buffer.alloc(count * FRAME);
  for (let at = 0; at < bytes.length; at += FRAME) {
    bytes.writeUInt32LE(5, at);
    bytes[at + 4] = 1;
  }
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.resume().end(bytes);
  await once(socket, 'close');
  isOver = true;
  expect(answered).toBe(count);
  expect(most).toBeLessThanOrEqual(2 * 65_536 + FRAME);
});

/** Packets of 4,000 bytes that begin with 7E, none of which is valid, and others of two bytes: 01, and a number. */
function noisy(): { readonly framing: Framing; readonly work: { inTurn: number; most: number } } {
  const work = { inTurn: 0, most: 0 };
  const framing = packets({
    kinds: {
      false: {
        start: [0x7e],
        length: 4_000,
        valid(packet) {
          work.inTurn += packet.length;
          work.most = Math.max(work.most, work.inTurn);
          return false;
        },
      },
      true: { start: [1], length: 2 },
    },
  });
  return { framing, work };
}

/** Resets the count of work with every turn of the event loop, until the test is over. */
function countTurns(work: { inTurn: number }): { count: number } {
  const turns = { count: 0 };
  let isOver = false;
  const turn = (): void => {
    work.inTurn = 0;
    turns.count++;
    if (!isOver) setImmediate(turn);
  };
  turn();
  onTestFinished(() => {
    isOver = true;
  });
  return turns;
}

/** What a turn may cost: the budget of each side of `turn`, a candidate beyond it, and the candidate that is valid. */
const MOST_IN_VAIN = 2 * (262_144 + 2 * 4_000);

test('false starts on one connection cost no more than the budget of a turn, and another connection is answered meanwhile', async () => {
  const { framing, work } = noisy();
  const ends: string[] = [];
  const number = messages(u8, { ask: message(1, { n: u8 }) });
  const session = defineSession({
    receives: number,
    sends: number,
    initial: 'open',
    states: {
      open: {
        on: {
          ask: ({ n }) => {
            ends.push(n === 7 ? 'noisy' : 'polite');
            return { send: { type: 'ask', n } };
          },
        },
      },
    },
  });
  const server = createServer(
    defineProtocol({ name: 'line', framing, clientMessages: number, serverMessages: number, session }),
  );
  await server.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close() as Promise<unknown> as Promise<void>);
  const { port } = server.address() as AddressInfo;
  const polite = net.connect(port, '127.0.0.1');
  await once(polite, 'connect');
  const loud = net.connect(port, '127.0.0.1');
  await once(loud, 'connect');
  countTurns(work);
  // 200,000 false starts of 4,000 bytes: 800 MB to examine. Then a packet.
  loud.end(Buffer.concat([Buffer.alloc(200_000, 0x7e), Buffer.of(1, 7)]));
  let answered = 0;
  polite.on('data', () => {
    answered++;
    polite.write(Buffer.of(1, 9));
  });
  polite.write(Buffer.of(1, 9));
  const said: Buffer[] = [];
  for await (const chunk of loud) said.push(chunk as Buffer);
  expect(Buffer.concat(said)).toEqual(Buffer.of(1, 7));
  expect(answered).toBeGreaterThan(10);
  expect(work.most).toBeGreaterThan(100_000);
  expect(work.most).toBeLessThanOrEqual(MOST_IN_VAIN);
  polite.destroy();
});

test('a decoder pauses during false starts, and its end waits for the packets after them', async () => {
  const { framing, work } = noisy();
  const turns = countTurns(work);
  const decoder = new FrameDecoder(framing);
  decoder.end(Buffer.concat([Buffer.alloc(24_000, 0x7e), Buffer.of(1, 7)]));
  const frames: Buffer[] = [];
  for await (const frame of decoder) frames.push(Buffer.from(frame as Buffer));
  expect(frames).toEqual([Buffer.of(1, 7)]);
  expect(turns.count).toBeGreaterThan(50);
  expect(work.most).toBeLessThanOrEqual(MOST_IN_VAIN);
});
