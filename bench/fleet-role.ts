/**
 * A process of the fleet benchmark: `fleet-role.ts ROLE NATS [PORTS COUNT]`. It sends `{ port }` once it is ready, and
 * answers the requests `memory`, `local` and `telemetry`.
 *
 * - `echo`: a subscriber of NATS that gives back what comes
 * - `gateway`: a gateway of the fleet
 * - `plain`: the same server, without a fleet
 * - `devices`: so many devices, spread over gateways
 */
import type net from 'node:net';
import { connect as connectNats } from '@nats-io/transport-node';
import { connect, createServer } from 'wirepipe';
import { fleet, type Gateway } from 'wirepipe/fleet';
import { charger } from '../examples/fleet/charger.ts';
import { load } from './fleet-load.ts';

const [role = '', servers = '', ports = '', count = '0', prefix = 'd'] = process.argv.slice(2);
let gateway: Gateway<{ serial: string | undefined }> | undefined;
const devices: { send(message: never): boolean }[] = [];

async function serve(isInFleet: boolean): Promise<number> {
  if (isInFleet) {
    gateway = fleet({
      nats: { servers },
      identify: ({ machine }) => machine.context.serial,
      replies: { id: 'seq', expects: { start: { one: 'ok' }, stop: { one: 'ok' } }, maxInFlight: 1_000 },
      maxQueued: 10_000,
      telemetry: ['power'],
    });
  }
  const server = createServer(charger, { fleet: gateway });
  await server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  return (server.address() as net.AddressInfo).port;
}

async function connectAll(): Promise<void> {
  const all = ports.split(',').map(Number);
  const numbers = Array.from({ length: Number(count) }, (_, index) => index).values();
  const worker = async (): Promise<void> => {
    for (const index of numbers) {
      const client = await connect(charger, { port: all[index % all.length]!, host: '127.0.0.1' });
      devices.push(client as never);
      client.messages.on('data', (message) => {
        if (message.type === 'start') client.send({ type: 'ok', seq: message.seq, text: 'yes' });
      });
      client.send({ type: 'hello', serial: `${prefix}${index}` });
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
}

const ROLES: Record<string, () => Promise<number>> = {
  async echo() {
    const nats = await connectNats({ servers, noAsyncTraces: true });
    nats.subscribe('echo', { callback: (_, msg) => void msg.respond(msg.data) });
    await nats.flush();
    return 0;
  },
  gateway: () => serve(true),
  plain: () => serve(false),
  async devices() {
    await connectAll();
    return 0;
  },
};

const asked: Record<string, (argument: number) => unknown> = {
  async memory() {
    // Collect more than once, with turns between: finalizers release some objects.
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed + external, resident: rss, claimed: gateway?.stats().claimed ?? 0 };
  },
  stats: () => gateway?.stats(),
  local: (inFlight) =>
    load(inFlight, (index) =>
      gateway!.request(`d${index % 100}`, { type: 'start', seq: 0, connector: 1 }, { timeout: 10_000 }),
    ),
  /** This many per second, from all devices together, for three seconds, each as soon as it is due. */
  async telemetry(rate) {
    let sent = 0;
    const from = performance.now();
    for (let at = 0; at < 3_000; at = performance.now() - from) {
      for (; sent < (at * rate) / 1_000; sent++)
        devices[sent % devices.length]!.send({ type: 'power', watts: 1 } as never);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return sent;
  },
};

const start = ROLES[role];
if (start === undefined) throw new Error(`no such role (${Object.keys(ROLES).join(', ')})`);
const port = await start();
process.on('message', async ([what, argument]: [string, number]) => {
  process.send!({ answer: await asked[what]!(argument) });
});
process.on('disconnect', () => process.exit());
process.send!({ port });
