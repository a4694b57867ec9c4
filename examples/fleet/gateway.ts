/** A gateway of the fleet: chargers connect to it. `npx tsx examples/fleet/gateway.ts PORT NATS` */
import { createServer } from 'wirepipe';
import { fleet } from 'wirepipe/fleet';
import { charger } from './charger.ts';

const [port = '4001', servers = '127.0.0.1:4222'] = process.argv.slice(2);
const gateway = fleet({
  nats: { servers },
  identify: ({ machine }) => machine.context.serial,
  replies: { id: 'seq', expects: { start: { one: 'ok' }, stop: { one: 'ok' } } },
  telemetry: ['power'],
});
const log = (text: string): void => console.log(`gateway ${port}: ${text}`);
gateway.on('claimed', (device) => log(`holds ${device}`));
gateway.on('takenOver', (device) => log(`has lost ${device} to a newer connection`));
gateway.on('offline', () => log('NATS is lost, serving on'));
gateway.on('online', () => log('NATS is back'));
gateway.on('failed', (error) => log(error.message));

const server = createServer(charger, { fleet: gateway });
await server.listen({ port: Number(port), host: '127.0.0.1' });
log('listening');
process.once('SIGTERM', () => void server.close({ spread: 1_000 }));
