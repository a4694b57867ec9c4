import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  createServer,
  defineProtocol,
  defineSession,
  lengthPrefix,
  message,
  messages,
  u8,
  u32le,
} from '../../src/index.ts';

const requests = messages(u8, { ask: message(1, { n: u32le }) });
const replies = messages(u8, { answer: message(1, { n: u32le }) });
/** length 5 · tag · u32 */
const FRAME = 9;

test('a turn of the event loop answers 64 KiB of a connection, and a chunk that was under way', async () => {
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
}, 60_000);
