import { connect } from '../../src/index.ts';
import { echoing } from '../support/echo.ts';
import { Served } from './served.ts';

export interface CrowdResult {
  readonly connections: number;
  /** Messages that came back as they were sent. */
  readonly exchanged: number;
  readonly lost: number;
  /** Kilobytes of the server's process for each connection: all memory, and heap. */
  readonly rssKiB: number;
  readonly heapKiB: number;
}

/** Connections at the same time, on one process, each exchanging messages: nothing may be lost. */
export async function crowd(count: number, rounds: number): Promise<CrowdResult> {
  const server = await Served.start();
  try {
    const before = await server.held();
    const open = () =>
      connect(echoing(), {
        port: server.port,
        host: '127.0.0.1',
        connectTimeout: 120_000,
        handshake: (client) => client.request({ type: 'login' }),
      });
    const clients: Awaited<ReturnType<typeof open>>[] = [];
    while (clients.length < count) {
      const batch = Math.min(200, count - clients.length);
      clients.push(...(await Promise.all(Array.from({ length: batch }, open))));
    }
    let exchanged = 0;
    let lost = 0;
    const exchange = async (client: (typeof clients)[number], text: string): Promise<void> => {
      const body = Buffer.from(text);
      try {
        const reply = await client.request({ type: 'echo', body }, { timeout: 120_000 });
        if (reply.type === 'echoed' && reply.body.equals(body)) exchanged++;
        else lost++;
      } catch {
        lost++;
      }
    };
    for (let round = 0; round < rounds; round++) {
      await Promise.all(clients.map((client, index) => exchange(client, `${round}:${index}`)));
    }
    const during = await server.held();
    for (const client of clients) client.end();
    await Promise.all(clients.map(({ closed }) => closed));
    const each = (bytes: number): number => Math.round((bytes / count / 1_024) * 10) / 10;
    return {
      connections: during.connections,
      exchanged,
      lost,
      rssKiB: each(during.rss - before.rss),
      heapKiB: each(during.heap - before.heap),
    };
  } finally {
    await server.stop();
  }
}
