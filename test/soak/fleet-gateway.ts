// A gateway of a fleet in a process of its own: `fleet-gateway PORT NATS` tells `ready`, answers `stats`, and drains when it is told `drain`.
import { fleet } from '../../src/fleet/index.ts';
import { createServer } from '../../src/index.ts';
import { type MeterContext, meter, meterReplies, type Told } from '../support/meter.ts';

const [port, servers] = process.argv.slice(2);
const gateway = fleet<MeterContext>({
  nats: { servers: servers!, maxReconnectAttempts: -1, reconnectTimeWait: 50 },
  identify: ({ machine }) => machine.context.id,
  replies: meterReplies,
  // Eight digits of the id, and never 0, which is no id.
  commandId: (message: Told, { id }) => ({ ...message, command: Number.parseInt(id.slice(0, 8), 16) || 1 }),
  telemetry: ['report'],
  heartbeat: 500,
});
const server = createServer(meter, { fleet: gateway });
await server.listen({ port: Number(port), host: '127.0.0.1' });
process.on('message', async (asked) => {
  if (asked === 'stats') process.send!(gateway.stats());
  if (asked === 'drain') {
    await server.close({ spread: 300, deadline: 3_000 });
    process.exit(0);
  }
});
process.on('disconnect', () => process.exit());
process.send!('ready');
