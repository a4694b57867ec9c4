/**
 * Sends commands to the chargers from any process: `npx tsx examples/fleet/command.ts [NATS]`, while
 * `examples/fleet/start.ts` runs.
 */
import { connectFleet } from 'wirepipe/fleet';
import { charger } from './charger.ts';

const [servers = '127.0.0.1:4222'] = process.argv.slice(2);
const fleet = await connectFleet(charger, { nats: { servers } });

const presence = await fleet.presence();
for (const { device, isConnected, state } of presence.devices.values()) {
  console.log(device, isConnected ? `is connected, in state '${state}'` : 'is gone');
}
await presence.close();

const reply = await fleet.request('charger 2', { type: 'start', seq: 0, connector: 1 }, { timeout: 5_000 });
if (reply.type === 'ok') console.log(reply.text);

for await (const { device, message } of fleet.telemetry({ device: 'charger 2' })) {
  if (message.type === 'power') console.log(`${device} takes ${message.watts} W`);
  break;
}

const refused = await fleet.request('charger 9', { type: 'stop', seq: 0 }).catch((error) => error);
console.log(refused.code, refused.reason);

const all = await fleet.broadcast(({ state }) => state === 'ready', { type: 'stop', seq: 0 }, { rate: 100 });
console.log(`${all.replied} have stopped, ${all.refused.length + all.unknown.length} have not`);
await fleet.close();
