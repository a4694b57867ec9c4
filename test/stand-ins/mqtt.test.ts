/** MQTT.js on our adapter, our tables against mosquitto, and our broker under mosquitto's clients and MQTT.js. */
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { createBroker } from '../../examples/mqtt/broker.ts';
import { Delivery } from '../../examples/mqtt/delivery.ts';
import type { Publication } from '../../examples/mqtt/publication.ts';
import { matches } from '../../examples/mqtt/topics.ts';
import { mosquittoProgram, type Printing, start, startMosquitto } from './mosquitto.ts';
import { clean, cleanups, dial, listening, pass, stopClock } from './mqtt-broker.ts';
import { runNode } from './programs.ts';

const BROKER = mosquittoProgram('mosquitto', 'mosquitto');
const PUB = mosquittoProgram('mosquitto_pub', 'mosquitto-clients');
const SUB = mosquittoProgram('mosquitto_sub', 'mosquitto-clients');
const ADAPTER = { 'mqtt-packet': 'examples/mqtt/mqtt-packet/index.ts' };

afterEach(clean);

/** What MQTT.js is to see of any broker: see mqttjs.cjs. */
async function expectMqttJs(port: number, version: 4 | 5, replaced: Record<string, string>): Promise<void> {
  const args = [String(port), String(version)];
  const { status, output } = await runNode('test/stand-ins/mqttjs.cjs', { replaced, args });
  expect(status, output).toBe(0);
  const { came, retained } = JSON.parse(output);
  const user = version === 5 ? ' {"a":["1","2"]}' : '';
  expect(came).toEqual([
    `/0/x 0 hällo${user}`,
    `/1/x 1 hällo${user}`,
    `/2/x 2 hällo${user}`,
    `/kept/x 1 ${'x'.repeat(50)}`,
    '/kept/x 1 ',
    '/end/x 0 end',
  ]);
  expect(retained).toEqual([100_000, true]);
}

describe.skipIf(BROKER === undefined)('against mosquitto', () => {
  let port = 0;
  let stop = (): void => {};
  beforeAll(async () => {
    ({ port, stop } = await startMosquitto(BROKER!));
  });
  afterAll(() => stop());

  test.each([4, 5] as const)('MQTT.js with our adapter in place of mqtt-packet, version %i', (version) =>
    expectMqttJs(port, version, ADAPTER),
  );

  test.each([4, 5] as const)(
    'the client’s table: QoS 0 to 2 both ways, keep-alive, and a session that goes on, version %i',
    (version) => meetBroker(port, version),
  );
});

/** Two connections of the client's table, one after the other. */
async function meetBroker(port: number, version: 4 | 5): Promise<void> {
  stopClock();
  const came: Publication[] = [];
  const delivery = new Delivery();
  const options: Parameters<typeof dial>[1] = {
    version,
    clientId: `table ${version}`,
    properties: [
      { type: 'sessionExpiryInterval', value: 60 },
      { type: 'receiveMaximum', value: 10 },
    ],
    delivery,
    subscriptions: [{ filter: `t${version}/#`, qos: 2 }],
    onMessage: (one) => void came.push(one),
  };
  const seen = () => came.map(({ topic, qos, payload }) => `${topic.slice(3)} ${qos} ${payload}`).sort();
  const until = async (count: number): Promise<void> => {
    while (came.length < count || delivery.held > 0) await pause(5);
  };
  const one = await dial(port, options);
  while (one.machine!.state !== 'connected') await pause(5);
  const publish = (qos: number, text = `${qos}`): void => {
    const publication = { topic: `t${version}/${text}`, payload: Buffer.from(text), qos, retain: false };
    for (const packet of delivery.publish(publication)) one.machine!.send(packet);
  };
  for (const qos of [0, 1, 2]) publish(qos);
  await until(3);
  // Two keep-alives pass: it pings each time, and what comes back behind the reply shows that the reply has come.
  for (let pings = 0; pings < 2; pings++) {
    await pass(60_000);
    publish(1, 'ping');
    await until(4 + pings);
  }
  await pass(30_000);
  expect(one.machine!.state).toBe('connected');
  expect(seen()).toEqual(['0 0 0', '1 1 1', '2 2 2', 'ping 1 ping', 'ping 1 ping']);
  // Lost without a word: what was not acknowledged is sent again on the next connection.
  one.stream.destroy();
  await one.closed.catch(() => undefined);
  for (const qos of [1, 2]) {
    delivery.publish({ topic: `t${version}/again`, payload: Buffer.from(`${qos}`), qos, retain: false });
  }
  const two = await dial(port, options);
  await until(7);
  expect(seen().slice(3, 5)).toEqual(['again 1 1', 'again 2 2']);
  two.stream.destroy();
  await two.closed.catch(() => undefined);
}

describe('our broker', () => {
  const at = (port: number, ...args: string[]): string[] => ['-h', '127.0.0.1', '-p', String(port), ...args];
  function subscriber(port: number, ...args: string[]): Printing {
    // -F prints a line for each message; --quiet leaves out the rest.
    const running = start(SUB!, at(port, '-F', '%t %q %r %p', ...args));
    cleanups.push(() => running.child.kill('SIGKILL'));
    return running;
  }
  async function publish(port: number, ...args: string[]): Promise<void> {
    const running = start(PUB!, at(port, ...args));
    expect(await running.ended, running.lines.join('\n')).toBe(0);
  }
  async function subscribed(broker: ReturnType<typeof createBroker>['broker'], count: number): Promise<void> {
    const all = () => [...broker.sessions.all.values()].filter((one) => one.subscriptions.size > 0).length;
    while (all() !== count) await pause(5);
  }

  test('under MQTT.js, with mqtt-packet and with our adapter', async () => {
    const { port } = await listening();
    await Promise.all([expectMqttJs(port, 4, ADAPTER), expectMqttJs(port, 5, {})]);
  });

  test.each([4, 5] as const)('under the client’s table, version %i', async (version) => {
    const { port } = await listening();
    await meetBroker(port, version);
  });

  describe.skipIf(PUB === undefined || SUB === undefined)('under mosquitto_pub and mosquitto_sub', () => {
    test('wildcards, every QoS, retained messages', async () => {
      const { port, broker } = await listening();
      await publish(port, '-t', 'home/kitchen/t', '-m', 'kept', '-r', '-q', '1');
      const plus = subscriber(port, '-t', 'home/+/t', '-q', '1');
      const hash = subscriber(port, '-t', 'home/#', '-q', '2');
      await Promise.all([plus.until(1), hash.until(1)]);
      await subscribed(broker, 2);
      for (const qos of ['0', '1', '2'])
        await publish(port, '-t', 'home/hall/t', '-m', `at ${qos}`, '-q', qos);
      await publish(port, '-t', 'home/hall', '-m', 'no match for plus');
      expect(await hash.until(5)).toEqual([
        'home/kitchen/t 1 1 kept',
        'home/hall/t 0 0 at 0',
        'home/hall/t 1 0 at 1',
        'home/hall/t 2 0 at 2',
        'home/hall 0 0 no match for plus',
      ]);
      expect(await plus.until(4)).toEqual([
        'home/kitchen/t 1 1 kept',
        'home/hall/t 0 0 at 0',
        'home/hall/t 1 0 at 1',
        'home/hall/t 1 0 at 2',
      ]);
      await publish(port, '-t', 'home/kitchen/t', '-n', '-r');
      expect(broker.retained('#', 2)).toEqual([]);
    });

    test('a resumed session gets the messages that arrived meanwhile', async () => {
      const { port, broker } = await listening();
      const first = subscriber(port, '-c', '-i', 'sleeper', '-t', 'a', '-q', '1');
      await subscribed(broker, 1);
      first.child.kill('SIGKILL');
      while (broker.sessions.all.get('sleeper')?.visit !== undefined) await pause(5);
      for (const text of ['one', 'two']) await publish(port, '-t', 'a', '-m', text, '-q', '1');
      await publish(port, '-t', 'a', '-m', 'at most once');
      const second = subscriber(port, '-c', '-i', 'sleeper', '-t', 'a', '-q', '1');
      expect(await second.until(2)).toEqual(['a 1 0 one', 'a 1 0 two']);
    });

    test('the will of a client is published if it vanishes, not if it disconnects', async () => {
      const { port, broker } = await listening();
      const watching = subscriber(port, '-t', 'will/#');
      await subscribed(broker, 1);
      const will = ['--will-topic', 'will/of', '--will-payload', 'gone', '-t', 'x'];
      const vanishing = subscriber(port, ...will);
      await subscribed(broker, 2);
      vanishing.child.kill('SIGKILL');
      expect(await watching.until(1)).toEqual(['will/of 0 0 gone']);
      await subscribed(broker, 1);
      // It leaves after one message.
      const leaving = subscriber(port, ...will, '-C', '1');
      await subscribed(broker, 2);
      await publish(port, '-t', 'x', '-m', 'here');
      expect(await leaving.ended).toBe(0);
      await publish(port, '-t', 'will/last', '-m', 'end');
      expect(await watching.until(2)).toEqual(['will/of 0 0 gone', 'will/last 0 0 end']);
    });
  });

  /** A client that says CONNECT by hand, and what comes back. */
  async function byHand(
    port: number,
    hello: string,
  ): Promise<{ socket: net.Socket; came: Buffer[]; gone: Promise<unknown> }> {
    const socket = net.connect(port, '127.0.0.1');
    cleanups.push(() => socket.destroy());
    const came: Buffer[] = [];
    socket.on('data', (chunk) => came.push(chunk)).on('error', () => undefined);
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.write(Buffer.from(hello, 'hex'));
    while (came.length === 0) await pause(5);
    return { socket, came, gone };
  }
  // CONNECT 15 bytes · MQTT · level 4 · clean · keep-alive 60 s · client abc
  const HELLO = '100f00044d5154540402003c0003616263';
  const CONNACK = '20020000';

  test('a client that connects again takes over from its earlier connection', async () => {
    const { port, server } = await listening();
    const one = await byHand(port, HELLO);
    const two = await byHand(port, HELLO);
    await one.gone;
    expect(Buffer.concat(two.came).toString('hex')).toBe(CONNACK);
    while (server.stats().connections > 1) await pause(5);
  });

  test('a client silent for one and a half keep-alives is cut, and a client that pings is not', async () => {
    const { port } = await listening();
    stopClock();
    const silent = await byHand(port, HELLO);
    const pinging = await byHand(port, HELLO.replace('616263', '616264'));
    await pass(89_999);
    pinging.socket.write(Buffer.from('c000', 'hex'));
    while (Buffer.concat(pinging.came).toString('hex') !== `${CONNACK}d000`) await pause(5);
    expect(silent.socket.readyState).toBe('open');
    await pass(1);
    await silent.gone;
    await pass(89_998);
    expect(pinging.socket.readyState).toBe('open');
    await pass(1);
    await pinging.gone;
  });

  test('limits of a client: packets, subscriptions, retained topics, waiting messages', async () => {
    const limits = { subscriptions: 2, messages: 3, retained: 2, maxHeldBytes: 65_536 };
    const { port, broker, server } = await listening(limits);
    // Clean session off, keep-alive 0.
    const one = await byHand(port, '100f00044d515454040000000003616263');
    // SUBSCRIBE id 1: a, b, c at QoS 1; then a filter that is none.
    one.socket.write(Buffer.from('820e0001000161010001620100016301', 'hex'));
    one.socket.write(Buffer.from('82080002000323612301', 'hex'));
    while (Buffer.concat(one.came).length < 4 + 7 + 5) await pause(5);
    expect(Buffer.concat(one.came).toString('hex')).toBe(`${CONNACK}90050001010180${'9003000280'}`);
    one.socket.destroy();
    await one.gone;
    while (server.connections.size > 0) await pause(5);
    const publication = { topic: 'a', payload: Buffer.from('x'), qos: 1, retain: false };
    for (let i = 0; i < 10; i++) broker.publish(publication);
    expect(broker.sessions.all.get('abc')!.delivery.held).toBe(3);
    for (const topic of ['r1', 'r2', 'r3']) broker.publish({ ...publication, topic, retain: true });
    expect(broker.retained('#', 0).map(({ topic }) => topic)).toEqual(['r1', 'r2']);
    // A packet of 256 MB is announced, and begun.
    const large = await byHand(port, HELLO);
    large.socket.write(Buffer.from('30ffffff7f', 'hex'));
    large.socket.write(Buffer.alloc(200_000));
    await large.gone;
  });

  test('the first packet is CONNECT, of a known version; topics have no wildcards', async () => {
    const { port } = await listening();
    const old = await byHand(port, '100f00044d5154540302003c0003616263');
    await old.gone;
    expect(Buffer.concat(old.came).toString('hex')).toBe('20020001');
    const wild = await byHand(port, HELLO);
    wild.socket.write(Buffer.from('3003000123', 'hex'));
    await wild.gone;
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(Buffer.from('c000', 'hex'));
    await new Promise((resolve) => socket.once('close', resolve).resume());
  });
});

test.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['+', 'a/b', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['#', 'a/b', true],
  ['#', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
  ['+/x', '$SYS/x', false],
  ['a/b/c', 'a/b', false],
])('the filter %s and the topic %s: %s', (filter, topic, expected) => {
  expect(matches(filter, topic)).toBe(expected);
});
