// MQTT.js against a broker on a port, with what only MQTT 5 has. Prints what it saw.
const mqtt = require('mqtt');

const [port, guarded] = process.argv.slice(2).map(Number);
const options = { port, host: '127.0.0.1', protocolVersion: 5, reconnectPeriod: 0 };

/** Let time pass for the broker, once it knows that these clients are gone. */
async function pass(seconds, ...gone) {
  const passed = new Promise((resolve) => process.once('message', resolve));
  process.send({ seconds, gone });
  await passed;
}

/** Resolves once a client has all that the broker has sent it. */
const settled = (one) => one.publishAsync('nobody/hears', '', { qos: 1 });

/** A client, what CONNACK said to it, and the messages that came. */
async function client(more = {}) {
  const one = mqtt.connect({ ...options, ...more });
  const came = [];
  one.on('message', (topic, payload, { retain, properties }) =>
    came.push(
      `${topic} ${payload} ${retain ? 'retained ' : ''}${properties ? JSON.stringify(properties) : ''}`.trim(),
    ),
  );
  const gone = [];
  // What acknowledges, by its kind.
  const acks = {};
  one.on('packetreceive', ({ cmd, reasonCode, granted }) => (acks[cmd] = granted ?? reasonCode));
  one.on('disconnect', ({ reasonCode }) => gone.push(reasonCode));
  const connack = await new Promise((resolve, reject) => one.once('connect', resolve).once('error', reject));
  return Object.assign(one, { connack, came, gone, acks });
}

async function main() {
  const seen = {};
  const one = await client({ clientId: '' });
  const { assignedClientIdentifier, receiveMaximum, topicAliasMaximum, maximumPacketSize } =
    one.connack.properties;
  seen.connack = [
    /^unnamed-/.test(assignedClientIdentifier),
    receiveMaximum,
    topicAliasMaximum ?? 0,
    maximumPacketSize,
  ];

  // Properties go with the message; subscription identifiers say why it came.
  await one.subscribeAsync('p/#', { qos: 1, properties: { subscriptionIdentifier: 7 } });
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'back',
    correlationData: Buffer.from([1, 255]),
    userProperties: { a: ['1', '2'], b: '3' },
    messageExpiryInterval: 100,
  };
  await one.publishAsync('p/all', 'x', { qos: 1, properties });

  // No local, retain as published.
  await one.subscribeAsync('own/#', { qos: 0, nl: true });
  await one.subscribeAsync('rap/#', { qos: 0, rap: true });
  await one.publishAsync('own/a', 'not to me', { qos: 1 });
  await one.publishAsync('rap/a', 'kept', { qos: 1, retain: true });

  // Retain handling: 0 always, 1 where it is new, 2 never.
  const two = await client();
  for (const [filter, rh] of [
    ['rap/a', 2],
    ['rap/+', 1],
    ['rap/+', 1],
    ['rap/#', 0],
    ['rap/#', 0],
  ]) {
    await two.subscribeAsync(filter, { qos: 0, rh });
  }
  await two.publishAsync('own/b', 'from another', { qos: 1 });
  await settled(one);
  seen.one = one.came;
  seen.two = two.came;

  // Reason codes.
  await two.subscribeAsync({ 'ok/1': { qos: 1 }, '$share/a/b': { qos: 1 } }).catch(() => undefined);
  await two.unsubscribeAsync(['ok/1', 'never']).catch(() => undefined);
  await two.publishAsync('nobody/hears', 'x', { qos: 1 });
  await two.publishAsync('nobody/hears', 'x', { qos: 2 });
  const { suback, unsuback, puback, pubrec, pubcomp } = two.acks;
  seen.acks = { suback, unsuback, puback, pubrec, pubcomp };

  // A topic alias where none is allowed, which MQTT.js does not send: topic t, alias 1, payload x.
  two.stream.write(Buffer.from('300800017403230001 78'.replace(' ', ''), 'hex'));
  await new Promise((resolve) => two.once('close', resolve));
  seen.alias = two.gone;

  // Expired messages are not delivered, and a session goes on as long as was asked.
  const sleeper = { clientId: 'sleeper', clean: false, properties: { sessionExpiryInterval: 60 } };
  const asleep = await client(sleeper);
  await asleep.subscribeAsync('sleep/#', { qos: 1 });
  await asleep.endAsync();
  await pass(0, 'sleeper');
  const expiring = { qos: 1, properties: { messageExpiryInterval: 1 } };
  await one.publishAsync('sleep/short', 'gone by then', expiring);
  await one.publishAsync('sleep/long', 'waits', { qos: 1, properties: { messageExpiryInterval: 50 } });
  const brief = await client({ clientId: 'brief', clean: false, properties: { sessionExpiryInterval: 1 } });
  await brief.endAsync();
  // Wills: one at once, one delayed, one that is taken back in time.
  const willing = (id, willDelayInterval) => ({
    clientId: id,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
    will: { topic: `will/${id}`, payload: 'x', qos: 0, properties: { willDelayInterval } },
  });
  const watching = await client();
  await watching.subscribeAsync('will/#');
  for (const [id, delay] of [
    ['now', 0],
    ['later', 2],
    ['back', 2],
  ]) {
    (await client(willing(id, delay))).stream.destroy();
  }
  await pass(0, 'brief', 'now', 'later', 'back');
  await settled(watching);
  seen.willsAtOnce = [...watching.came];
  const back = await client(willing('back', 2));
  await pass(1.999);
  await settled(watching);
  seen.willsBefore = [...watching.came];
  await pass(0.001);
  await settled(watching);
  seen.wills = watching.came;
  await back.endAsync();
  const awake = await client(sleeper);
  const returned = await client({ clientId: 'brief', clean: false });
  seen.sessions = [
    asleep.connack.sessionPresent,
    awake.connack.sessionPresent,
    returned.connack.sessionPresent,
  ];
  await settled(awake);
  seen.slept = awake.came;

  // Taken over.
  const successor = await client(sleeper);
  await new Promise((resolve) => (awake.gone.length > 0 ? resolve() : awake.once('close', resolve)));
  seen.takenOver = [awake.gone, successor.connack.sessionPresent];

  // A challenge: the server asks for each word reversed.
  const proving = (word) => ({
    port: guarded,
    properties: { authenticationMethod: 'reverse', authenticationData: Buffer.from(word) },
    manualConnect: true,
  });
  const prove = async (word, answer) => {
    const asked = mqtt.connect({ ...options, ...proving(word) });
    asked.handleAuth = ({ properties }, done) => {
      const data = Buffer.from(answer(String(properties.authenticationData)));
      done(null, {
        cmd: 'auth',
        reasonCode: 0x18,
        properties: { authenticationMethod: 'reverse', authenticationData: data },
      });
    };
    const outcome = new Promise((resolve) =>
      asked
        .once('connect', ({ properties }) => resolve(`welcome ${properties.authenticationData}`))
        .once('error', ({ code }) => resolve(code)),
    );
    asked.connect();
    const result = await outcome;
    await asked.endAsync(true);
    return result;
  };
  const reverse = (text) => [...text].reverse().join('');
  seen.proofs = [await prove('ada', reverse), await prove('ada', () => 'nonsense')];
  await Promise.all([one, watching, returned, successor].map((each) => each.endAsync()));
  console.log(JSON.stringify(seen));
  process.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
