// MQTT.js against a broker on a port: what it publishes at QoS 0 to 2 comes back, and a retained message waits. Prints what came.
const mqtt = require('mqtt');

const [port, version] = process.argv.slice(2).map(Number);
const prefix = `js/${process.pid}`;
const options = { port, host: '127.0.0.1', protocolVersion: version, reconnectPeriod: 0 };
const properties =
  version === 5 ? { userProperties: { a: ['1', '2'] }, contentType: 'text/plain' } : undefined;

async function main() {
  const client = await mqtt.connectAsync({ ...options });
  const came = [];
  let isAll = () => undefined;
  const all = new Promise((resolve) => (isAll = resolve));
  client.on('message', (topic, payload, packet) => {
    const user = packet.properties?.userProperties;
    came.push(
      `${topic.slice(prefix.length)} ${packet.qos} ${payload}${user ? ` ${JSON.stringify(user)}` : ''}`,
    );
    if (came.length === 6) isAll();
  });
  const granted = await client.subscribeAsync(`${prefix}/+/x`, { qos: 2 });
  for (const qos of [0, 1, 2]) {
    await client.publishAsync(`${prefix}/${qos}/x`, 'hällo', { qos, properties });
    await client.publishAsync(`${prefix}/${qos}/y`, 'nobody', { qos });
  }
  await client.publishAsync(`${prefix}/kept/x`, 'x'.repeat(100_000), { qos: 1, retain: true });
  const late = await mqtt.connectAsync({ ...options });
  const kept = new Promise((resolve) =>
    late.on('message', (_, payload, { retain }) => resolve([payload.length, retain])),
  );
  await late.subscribeAsync(`${prefix}/kept/#`);
  await client.unsubscribeAsync(`${prefix}/none`);
  const retained = await kept;
  await client.publishAsync(`${prefix}/kept/x`, '', { qos: 1, retain: true });
  await client.publishAsync(`${prefix}/end/x`, 'end');
  await all;
  const pong = new Promise((resolve) =>
    client.on('packetreceive', ({ cmd }) => cmd === 'pingresp' && resolve()),
  );
  client.sendPing();
  await pong;
  console.log(JSON.stringify({ granted, came: came.map((line) => line.slice(0, 60)), retained }));
  await Promise.all([client.endAsync(), late.endAsync()]);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
