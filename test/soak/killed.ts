import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect } from '../../src/index.ts';
import { echoing } from '../support/echo.ts';
import { freePort } from '../support/free-port.ts';
import { Served } from './served.ts';

export interface KilledResult {
  readonly kills: number;
  readonly requests: number;
  readonly answered: number;
  /** Failed: it may have been executed; and it was so often. */
  readonly lost: number;
  readonly lostAndExecuted: number;
  /** Failed: it was not sent. */
  readonly unsent: number;
  /** Requests whose end does not fit what the server has executed. There may be none. */
  readonly wrong: readonly string[];
}

/** Kill a server with SIGKILL while clients ask: each request is answered once, or fails with what is known of it. */
export async function killed(kills: number, clientCount: number): Promise<KilledResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-soak-'));
  const ledger = path.join(folder, 'executed');
  writeFileSync(ledger, '');
  const port = await freePort();
  let server = await Served.start({ ledger, port });
  const ends = new Map<string, string>();
  let isOver = false;
  const clients = await Promise.all(
    Array.from({ length: clientCount }, () =>
      connect(echoing(), {
        port,
        host: '127.0.0.1',
        handshake: (client) => client.request({ type: 'login' }),
        reconnect: { minDelay: 5, maxDelay: 50 },
        replies: { maxInFlight: 4, expects: { echo: { one: 'echoed' }, login: { one: 'welcome' } } },
      }),
    ),
  );
  const asking = clients.flatMap((client, index) =>
    // Beside each other on each connection: more than may be under way.
    Array.from({ length: 6 }, async (_, worker) => {
      for (let n = 0; !isOver; n++) {
        await client.ready();
        const text = `${index}.${worker}.${n}`;
        const body = Buffer.from(text);
        const end = await client.request({ type: 'echo', body }).then(
          (reply) =>
            reply.type === 'echoed' && reply.body.equals(body) ? 'answered' : 'answered by another',
          (error) => String(error.code),
        );
        ends.set(text, end);
        await setTimeout(1);
      }
    }),
  );
  try {
    for (let i = 0; i < kills; i++) {
      await setTimeout(150 + Math.random() * 100);
      await server.stop('SIGKILL');
      server = await Served.start({ ledger, port });
    }
    await Promise.all(clients.map((client) => client.ready()));
    await setTimeout(200);
    isOver = true;
    await Promise.all(asking);
    for (const client of clients) client.end();
    await Promise.all(clients.map(({ closed }) => closed));
  } finally {
    for (const client of clients) client.destroy();
    await server.stop();
  }
  const executed = new Map<string, number>();
  for (const text of readFileSync(ledger, 'utf8').split('\n'))
    executed.set(text, (executed.get(text) ?? 0) + 1);
  rmSync(folder, { recursive: true });
  const wrong: string[] = [];
  const counts = { answered: 0, lost: 0, lostAndExecuted: 0, unsent: 0 };
  for (const [text, end] of ends) {
    const times = executed.get(text) ?? 0;
    if (end === 'answered' && times === 1) counts.answered++;
    else if (end === 'ERR_REQUEST_UNSENT' && times === 0) counts.unsent++;
    else if (end === 'ERR_REQUEST_LOST' && times <= 1) {
      counts.lost++;
      counts.lostAndExecuted += times;
    } else wrong.push(`${text}: ${end}, executed ${times} times`);
  }
  return { kills, requests: ends.size, ...counts, wrong };
}
