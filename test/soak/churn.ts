import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { echo, frame, LOGIN, QUIT } from '../support/echo.ts';
import { Served } from './served.ts';

export interface ChurnResult {
  readonly connections: number;
  /** Bytes by which the heap has grown since a tenth of them were gone, and handles. */
  readonly heapGrowth: number;
  readonly handleGrowth: number;
  /** Connections and bytes that the server holds when all are gone. */
  readonly left: number;
}

const BEGUN = frame(2, Buffer.alloc(1_000)).subarray(0, 500);

/** How a peer comes and goes: in peace, and cut at every stage. */
const VISITS: readonly ((socket: net.Socket) => void)[] = [
  (socket) => socket.end(Buffer.concat([LOGIN, echo('x'), QUIT])),
  (socket) => socket.end(),
  (socket) => socket.destroy(),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.write(LOGIN.subarray(0, 2), () => socket.resetAndDestroy()),
  (socket) => socket.write(LOGIN, () => socket.resetAndDestroy()),
  (socket) => socket.write(LOGIN).valueOf() && socket.once('data', () => socket.resetAndDestroy()),
  (socket) => socket.write(Buffer.concat([LOGIN, BEGUN]), () => socket.resetAndDestroy()),
  (socket) => socket.end(Buffer.concat([LOGIN, BEGUN])),
  (socket) => socket.end(frame(99)),
  (socket) =>
    socket.write(Buffer.concat([LOGIN, ...Array<Buffer>(50).fill(echo('unread'))]), () => socket.destroy()),
];

/** Connect and disconnect so often: neither heap nor handles may grow. */
export async function churn(count: number): Promise<ChurnResult> {
  const server = await Served.start();
  let next = 0;
  const visit = (): Promise<void> =>
    new Promise((resolve) => {
      const index = next++;
      // Many addresses: the system keeps the ports of each for a while.
      const socket = net.connect({
        port: server.port,
        host: '127.0.0.1',
        localAddress: `127.0.1.${1 + (index % 200)}`,
      });
      socket.on('error', () => {}).once('close', () => resolve());
      socket.once('connect', () => VISITS[index % VISITS.length]!(socket)).resume();
    });
  const until = async (end: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (next < end) await visit();
      }),
    );
    for (let i = 0; i < 1_000 && (await server.held()).connections > 0; i++) await setTimeout(20);
  };
  try {
    await until(Math.ceil(count / 10));
    const before = await server.held();
    await until(count);
    const after = await server.held();
    return {
      connections: next,
      heapGrowth: after.heap - before.heap,
      handleGrowth: after.handles - before.handles,
      left: after.connections + after.heldBytes + after.waitingBytes,
    };
  } finally {
    await server.stop();
  }
}
