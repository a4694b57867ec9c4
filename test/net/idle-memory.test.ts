/** What a connection costs while nothing happens on it: its share of the memory of a server in a process of its own. */
import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { Served } from '../soak/served.ts';
import { echo, LOGIN } from '../support/echo.ts';

const COUNT = 1_000;
/** Bytes of heap, and of Node's memory outside of it, for each connection. */
const MOST = 6 * 1_024;

test('an idle connection holds at most 6 KiB, before its first message and after its last', async () => {
  // A busy machine takes its time to open them all.
  const served = await Served.start({ options: { handshakeTimeout: 600_000, idleTimeout: 600_000 } });
  const sockets: net.Socket[] = [];
  const open = async (count: number): Promise<net.Socket[]> => {
    while (count-- > 0) {
      const socket = net.connect(served.port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
    }
    return sockets;
  };
  const heap = async (): Promise<number> => {
    await expect
      .poll(async () => (await served.held()).connections, { timeout: 60_000 })
      .toBe(sockets.length);
    return (await served.held()).heap;
  };
  const long = echo('x'.repeat(8_192));
  try {
    // The first make and compile everything that all connections share.
    await open(200);
    await exchange(sockets, LOGIN);
    for (let i = 0; i < 5; i++) await exchange(sockets, long);
    const before = await heap();
    const perConnection = async (): Promise<number> => ((await heap()) - before) / COUNT;

    await open(COUNT);
    expect(await perConnection()).toBeLessThan(MOST);

    const clients = sockets.slice(-COUNT);
    await exchange(clients, LOGIN);
    // The memory of the bytes received last is not held, either.
    await exchange(clients, long);
    expect(await perConnection()).toBeLessThan(MOST);
  } finally {
    for (const socket of sockets) socket.destroy();
    await served.stop();
  }
}, 300_000);

/** Send the same bytes from all, and await as many from each. */
async function exchange(clients: readonly net.Socket[], bytes: Buffer): Promise<void> {
  const one = (client: net.Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let left = bytes.length;
      const closed = (): void => reject(new Error(`closed with ${left} bytes left`));
      const take = (chunk: Buffer): void => {
        left -= chunk.length;
        if (left > 0) return;
        client.off('data', take).off('close', closed);
        resolve();
      };
      client.on('data', take).on('close', closed).write(bytes);
    });
  await Promise.all(clients.map(one));
}
