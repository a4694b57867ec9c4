import { setTimeout } from 'node:timers/promises';
import { type Client, connect, type ServerLimits } from '../../src/index.ts';
import { echoing } from '../support/echo.ts';
import { forked, type Held, Served, told } from './served.ts';

/** How attackers are named, and how much slower a polite client may become beside them. */
export const ATTACKS: Readonly<Record<string, { readonly most: number; readonly options?: ServerLimits }>> = {
  silent: { most: 1.5 },
  'half a frame': { most: 1.5, options: { maxTotalHeldBytes: 10_000_000 } },
  'reads nothing': { most: 1.5 },
  'a byte a second': { most: 1.5 },
  'half open': { most: 1.5 },
  'flood of messages': { most: 3, options: { maxMessageRate: 1_000, maxByteRate: 100_000 } },
  'flood of noise': { most: 3 },
  'flood of resets': { most: 3 },
};

export interface AttackResult {
  /** The latency of a polite client beside the attackers, as a multiple of another's on a quiet server: medians of all rounds. */
  readonly ratio: number;
  /** What the server holds under attack. */
  readonly held: Held;
}

/**
 * Let attackers loose on one server, and compare the latency of a polite client with that on another server where nothing
 * happens, request by request in turns: the machine has its moods.
 */
export async function attack(kind: string, count: number, rounds: number): Promise<AttackResult> {
  const { options } = ATTACKS[kind]!;
  const [server, quiet] = [
    await Served.start({ options: { ...options, handshakeTimeout: 3_600_000, lingerTimeout: 60_000 } }),
    await Served.start(),
  ];
  const polite = (port: number) =>
    connect(echoing(), { port, host: '127.0.0.1', handshake: (client) => client.request({ type: 'login' }) });
  const attackers = forked('attackers.ts', kind, String(server.port), String(count));
  try {
    const [client, beside] = await Promise.all([polite(server.port), polite(quiet.port), told(attackers)]);
    await setTimeout(1_000);
    const alone: number[] = [];
    const attacked: number[] = [];
    for (let i = 0; i < 40 * rounds; i++) {
      alone.push(await latency(beside));
      attacked.push(await latency(client));
    }
    const held = await server.held();
    client.destroy();
    beside.destroy();
    return { ratio: Math.round((median(attacked) / median(alone)) * 100) / 100, held };
  } finally {
    attackers.kill('SIGKILL');
    await Promise.all([server.stop(), quiet.stop()]);
  }
}

/** The milliseconds that a request takes. */
async function latency(
  client: Pick<Client<{ type: 'echo'; body: Uint8Array }, unknown>, 'request'>,
): Promise<number> {
  const from = performance.now();
  await client.request({ type: 'echo', body: Buffer.from('?') });
  return performance.now() - from;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}
