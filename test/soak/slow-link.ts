import { spawn } from 'node:child_process';
import path from 'node:path';
import { connect } from '../../src/index.ts';
import { echoing } from '../support/echo.ts';
import { type LinkQuality, LossyLink } from './lossy-link.ts';
import { told } from './served.ts';

export interface SlowLinkResult {
  /** Messages that came back as they were sent. */
  readonly exchanged: number;
  readonly lost: number;
  readonly packets: number;
  readonly packetsLost: number;
}

/** Clients and a server on the two ends of a slow link that loses packets, with heartbeats: nothing may be lost or doubled. */
export async function slowLink(
  clientCount: number,
  requests: number,
  quality: LinkQuality,
): Promise<SlowLinkResult> {
  const link = new LossyLink(quality);
  await link.open();
  const file = path.join(import.meta.dirname, 'server.ts');
  const settings = JSON.stringify({ port: 4_000, host: link.there });
  const server = spawn(
    'ip',
    ['netns', 'exec', link.namespace, process.execPath, '--import', 'tsx', file, settings],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  try {
    await told(server);
    let exchanged = 0;
    let lost = 0;
    await Promise.all(
      Array.from({ length: clientCount }, async (_, index) => {
        const client = await connect(echoing(), {
          port: 4_000,
          host: link.there,
          connectTimeout: 60_000,
          handshake: (client) => client.request({ type: 'login' }),
          heartbeat: { message: { type: 'echo', body: Buffer.from('beat') }, interval: 500, timeout: 20_000 },
        });
        for (let n = 0; n < requests; n++) {
          const body = Buffer.alloc(1 + ((n * 677) % 4_000), `${index}:${n} `);
          const reply = await client
            .request({ type: 'echo', body }, { timeout: 60_000 })
            .catch(() => undefined);
          if (reply?.type === 'echoed' && reply.body.equals(body)) exchanged++;
          else lost++;
        }
        client.end();
        await client.closed;
      }),
    );
    return { exchanged, lost, packets: link.packets, packetsLost: link.lost };
  } finally {
    server.kill('SIGKILL');
    link.close();
  }
}
