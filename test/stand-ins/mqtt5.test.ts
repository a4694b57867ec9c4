/** What only MQTT 5 has: our broker under MQTT.js, mosquitto's clients and bytes by hand, the client's table under a server by hand. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ClientOptions, Told } from '../../examples/mqtt/client-session.ts';
import { Delivery } from '../../examples/mqtt/delivery.ts';
import type { Publication } from '../../examples/mqtt/publication.ts';
import { mosquittoProgram, start } from './mosquitto.ts';
import {
  ByHand,
  clean,
  cleanups,
  dial,
  listening,
  pass,
  reversed,
  reversing,
  stopClock,
} from './mqtt-broker.ts';
import { runNode } from './programs.ts';

const PUB = mosquittoProgram('mosquitto_pub', 'mosquitto-clients');
const SUB = mosquittoProgram('mosquitto_sub', 'mosquitto-clients');

afterEach(clean);

describe('our broker', () => {
  test('under MQTT.js', async () => {
    const [{ port, broker }, guarded] = [await listening(), await listening({ authenticator: reversing })];
    stopClock();
    /** The script lets time pass once the broker knows that these clients are gone. */
    const onMessage = async ({ seconds, gone }: { seconds: number; gone: string[] }): Promise<void> => {
      const isThere = (id: string): boolean => broker.sessions.all.get(id)?.visit !== undefined;
      while (gone.some(isThere)) await pause(5);
      await pass(1_000 * seconds);
    };
    const { status, output } = await runNode('test/stand-ins/mqttjs5.cjs', {
      args: [String(port), String(guarded.port)],
      onMessage,
    });
    expect(status, output).toBe(0);
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'back',
      correlationData: { type: 'Buffer', data: [1, 255] },
      userProperties: { a: ['1', '2'], b: '3' },
      subscriptionIdentifier: 7,
      messageExpiryInterval: 100,
    };
    expect(JSON.parse(output)).toEqual({
      connack: [true, 100, 0, 1_048_576],
      one: [`p/all x ${JSON.stringify(properties)}`, 'rap/a kept retained', 'own/b from another'],
      two: ['rap/a kept retained', 'rap/a kept retained', 'rap/a kept retained'],
      acks: { suback: [1, 0x9e], unsuback: [0, 0x11], puback: 0x10, pubrec: 0x10, pubcomp: 0 },
      alias: [0x94],
      willsAtOnce: ['will/now x'],
      willsBefore: ['will/now x'],
      wills: ['will/now x', 'will/later x'],
      sessions: [false, true, false],
      slept: ['sleep/long waits {"messageExpiryInterval":48}'],
      takenOver: [[0x8e], true],
      proofs: ['welcome ok', 0x87],
    });
  });

  test.skipIf(PUB === undefined || SUB === undefined)(
    'under mosquitto_pub and mosquitto_sub: user properties, a content type, a session that goes on',
    async () => {
      const { port, broker } = await listening();
      const at = ['-V', '5', '-h', '127.0.0.1', '-p', String(port)];
      const subscribing = (...args: string[]) => {
        const running = start(SUB!, [
          ...at,
          ...args,
          '-c',
          '-x',
          '60',
          '-i',
          'sub',
          '-q',
          '1',
          '-t',
          'm/#',
          '-F',
          '%t %p %C %P',
        ]);
        cleanups.push(() => running.child.kill('SIGKILL'));
        return running;
      };
      const publish = async (text: string): Promise<void> => {
        const properties = ['user-property', 'a', '1', '-D', 'publish', 'content-type', 'text/plain'];
        const running = start(PUB!, [
          ...at,
          '-q',
          '1',
          '-t',
          'm/x',
          '-m',
          text,
          '-D',
          'publish',
          ...properties,
        ]);
        expect(await running.ended, running.lines.join('\n')).toBe(0);
      };
      // It leaves after one message.
      const first = subscribing('-C', '1');
      while (broker.sessions.all.get('sub')?.subscriptions.size !== 1) await pause(5);
      await publish('one');
      await first.ended;
      expect(first.lines).toEqual(['m/x one text/plain a:1']);
      while (broker.sessions.all.get('sub')?.visit !== undefined) await pause(5);
      await publish('two');
      expect(await subscribing().until(1)).toEqual(['m/x two text/plain a:1']);
    },
  );

  test('with the client’s table: authentication, reauthentication, and a wrong proof', async () => {
    const { port } = await listening({ authenticator: reversing });
    const asked: string[] = [];
    const options = (prove: NonNullable<ClientOptions['prove']>): Parameters<typeof dial>[1] => ({
      version: 5,
      properties: [
        { type: 'authenticationMethod', value: 'reverse' },
        { type: 'authenticationData', value: Buffer.from('ada') },
      ],
      prove,
    });
    const right = (challenge: Buffer | undefined) => {
      asked.push(String(challenge));
      return Buffer.from(reversed(String(challenge)));
    };
    const client = await dial(port, options(right));
    const method = { type: 'authenticationMethod', value: 'reverse' } as const;
    const data = (text: string) => ({ type: 'authenticationData', value: Buffer.from(text) }) as const;
    const again = (text: string) => {
      const properties = [method, data(text)];
      client.machine!.send({ type: 'auth', packet: { reason: 'reauthenticate', properties } });
    };
    again('grace');
    while (asked.length < 2) await pause(5);
    expect(asked).toEqual(['ada', 'grace']);
    expect(client.machine!.state).toBe('connected');
    client.stream.destroy();
    await expect(
      dial(
        port,
        options(() => Buffer.from('no')),
      ),
    ).rejects.toThrow();
    await expect(dial(port, { version: 5 })).rejects.toThrow();
    await expect(dial(port, { version: 4 })).rejects.toThrow();
  });

  // CONNECT · MQTT · level 5 · clean start · keep-alive 60 s · properties (receive maximum 2, maximum packet size 40) · client abc
  const HELLO = '1018 0004 4d515454 05 02 003c 08 210002 2700000028 0003 616263';
  // CONNACK · no session · success · receive maximum 2 · maximum packet size 100 · no shared subscriptions
  const CONNACK = '200d 00 00 0a 210002 2700000064 2a00';
  const limits = { receiveMaximum: 2, packetLength: 100 };

  test.each([
    ['a second CONNECT', HELLO, '82'],
    ['SUBACK, which a server does not take', '9004 0001 00 00', '82'],
    ['a packet whose property has no such identifier', '3007 0001 74 02 7f00 78', '81'],
    ['reserved flags', 'c100', '81'],
    ['a packet of 101 bytes', `3065 ${'00'.repeat(101)}`, '95'],
    ['a topic with a wildcard', '3004 0001 23 00', '90'],
    ['an empty topic', '3003 0000 00', '90'],
    [
      'three messages of QoS 2 where two may be under way',
      '3406 0001 74 0001 00 3406 0001 74 0002 00 3406 0001 74 0003 00',
      '93',
    ],
  ])('%s ends the connection, with its reason', async (_, bytes, reason) => {
    const { port } = await listening(limits);
    const peer = ByHand.connect(port, HELLO);
    await peer.hears(CONNACK);
    peer.says(bytes);
    await peer.gone;
    expect(peer.came).toMatch(new RegExp(`e002${reason}00$`));
  });

  test('silence, a shutdown, acknowledgements of unknown numbers', async () => {
    const { port, server } = await listening(limits);
    stopClock();
    const silent = ByHand.connect(port, HELLO);
    const busy = ByHand.connect(port, HELLO.replace('616263', '616264'));
    await Promise.all([silent.hears(CONNACK), busy.hears(CONNACK)]);
    await pass(89_999);
    // PUBREL and PUBREC of a number that nobody gave.
    busy.says('6202 0007 5002 0008');
    await busy.hears('7003 0007 92 6203 0008 92');
    expect(silent.came).toBe('');
    await pass(1);
    await silent.gone;
    expect(silent.came).toBe('e0028d00');
    busy.says('c000');
    await busy.hears('d000');
    await server.close({ deadline: 1_000 });
    await busy.gone;
    expect(busy.came).toBe('e0028b00');
  });

  test('no more messages are in flight than the client accepts, and none longer than its maximum', async () => {
    const { port, broker } = await listening(limits);
    const peer = ByHand.connect(port, HELLO);
    await peer.hears(CONNACK);
    // SUBSCRIBE id 1, no properties: t at QoS 1.
    peer.says('8207 0001 00 0001 74 01');
    await peer.hears('9004 0001 00 01');
    const publish = (text: string) =>
      broker.publish({ topic: 't', payload: Buffer.from(text), qos: 1, retain: false });
    for (const text of ['x', 'y'.repeat(40), 'z', 'w']) publish(text);
    await peer.hears('3207 0001 74 0001 00 78  3207 0001 74 0003 00 7a');
    // Nothing more comes before the reply to PINGREQ.
    peer.says('c000');
    await peer.hears('d000');
    // PUBACK of the first: room for the third. A PUBACK of nothing makes none.
    peer.says('4002 0001 4002 0009');
    await peer.hears('3207 0001 74 0004 00 77');
    const held = broker.sessions.all.get('abc')!.delivery.held;
    expect(held).toBe(2);
  });

  test('the number of kept sessions is bounded', async () => {
    const { port } = await listening({ ...limits, sessions: 1 });
    const one = ByHand.connect(port, HELLO);
    await one.hears(CONNACK);
    const two = ByHand.connect(port, HELLO.replace('616263', '616264'));
    await two.hears('2003 00 97 00');
    await two.gone;
  });
});

describe('the client’s table against a hand-written server', () => {
  /** What the client is told and says, of one connection. */
  async function against(connack: string, bytes: string, options: Partial<ClientOptions> = {}) {
    const server = net.createServer().listen(0, '127.0.0.1');
    cleanups.push(() => server.close());
    await once(server, 'listening');
    const accepted = new Promise<ByHand>((resolve) =>
      server.once('connection', (socket) => resolve(new ByHand(socket))),
    );
    const { port } = server.address() as AddressInfo;
    const dialed = dial(port, { version: 5, keepAlive: 0, ...options }).catch((error: Error) => error);
    const peer = await accepted;
    // CONNECT of the client "table".
    await peer.hears(options.properties === undefined ? HELLO : HELLO_OF_TWO);
    peer.says(connack);
    const client = await dialed;
    if (client instanceof Error) return { peer, error: client };
    peer.says(bytes);
    return { peer, client, told: client.machine!.context as Told };
  }
  const HELLO = '1012 0004 4d515454 05 00 0000 00 0005 7461626c65';
  const HELLO_OF_TWO = '1015 0004 4d515454 05 00 0000 03 210002 0005 7461626c65';
  const CONNACK = '2003 00 00 00';

  test('a refusal, and a DISCONNECT by the server', async () => {
    expect((await against('2003 00 87 00', '')).error).toBeInstanceOf(Error);
    const { client, told } = await against(CONNACK, 'e002 8b 00');
    await client!.closed;
    expect(client!.machine!.state).toBe('dismissed');
    expect(told!.reason).toBe('serverShuttingDown');
  });

  test.each([
    ['a topic alias that was not offered', '3007 0000 03 230001 78', '94'],
    ['more messages than it takes', '3406 0001 74 0001 00 3406 0001 74 0002 00 3406 0001 74 0003 00', '93'],
  ])('%s: it leaves, and says why', async (_, bytes, reason) => {
    const properties = [{ type: 'receiveMaximum', value: 2 } as const];
    const { peer, client } = await against(CONNACK, bytes, { properties });
    await peer.gone;
    expect(peer.came).toMatch(new RegExp(`e002${reason}00$|e001${reason}$`));
    expect(client!.machine!.state).toBe('lost');
  });

  test('the server’s keep-alive is used; a server that does not answer is lost', async () => {
    stopClock();
    const came: Publication[] = [];
    // server keep-alive 40 s
    const { peer, client } = await against('2006 00 00 03 130028', '', {
      onMessage: (one) => void came.push(one),
    });
    await pass(39_999);
    expect(peer.came).toBe('');
    await pass(1);
    await peer.hears('c000');
    // PINGRESP · PUBLISH to t
    peer.says('d000 3004 0001 74 00');
    while (came.length === 0) await pause(5);
    await pass(40_000);
    await peer.hears('c000');
    await pass(19_999);
    expect(client!.machine!.state).toBe('connected');
    await pass(1);
    await client!.closed;
    expect(client!.machine!.state).toBe('lost');
  });
});

describe.each([4, 5] as const)('state that outlives a connection, version %i', (version) => {
  const message = (text: string, qos: number): Publication => ({
    topic: 't',
    payload: Buffer.from(text),
    qos,
    retain: false,
  });
  /** `publish dup id text`. */
  const shown = (packets: ReturnType<Delivery['publish']>) =>
    packets.map((one) =>
      one.type === 'publish'
        ? `publish ${one.flags.dup} ${one.packet.id} ${one.packet.payload}`
        : `${one.type} ${(one as { packet: { id: number } }).packet.id}`,
    );

  test('unacknowledged messages are sent again in order, as PUBREL if PUBREC had arrived', () => {
    const delivery = new Delivery();
    expect(delivery.resume(version)).toEqual([]);
    for (const [text, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['d', 1],
    ] as const)
      delivery.publish(message(text, qos));
    delivery.acknowledged(1);
    delivery.release(2);
    delivery.pause();
    expect(delivery.publish(message('e', 1))).toEqual([]);
    expect(delivery.publish(message('at most once', 0))).toEqual([]);
    expect(shown(delivery.resume(version))).toEqual([
      'pubrel 2',
      'publish 1 3 c',
      'publish 1 4 d',
      'publish 0 5 e',
    ]);
    for (const id of [2, 3, 4, 5]) delivery.acknowledged(id);
    expect(delivery.held).toBe(0);
  });

  test('no more messages are in flight than the other side accepts, also on a second connection', () => {
    const delivery = new Delivery();
    delivery.resume(version, 2);
    for (const text of ['a', 'b', 'c']) delivery.publish(message(text, 1));
    expect(delivery.held).toBe(3);
    expect(shown(delivery.resume(version, 1))).toEqual(['publish 1 1 a']);
    expect(shown(delivery.acknowledged(1))).toEqual(['publish 1 2 b']);
    expect(shown(delivery.acknowledged(2))).toEqual(['publish 0 3 c']);
    expect(delivery.acknowledged(2)).toEqual([]);
  });

  test('a message of QoS 2 is delivered once until it is released', () => {
    const delivery = new Delivery();
    expect([delivery.receive(7), delivery.receive(7)]).toEqual([true, false]);
    expect([delivery.released(7), delivery.released(7), delivery.receive(7)]).toEqual([true, false, true]);
    delivery.forget();
    expect(delivery.unreleased).toBe(0);
  });

  test('65,535 identifiers are used in turn, and one that is in flight is not reused', () => {
    const delivery = new Delivery();
    delivery.resume(version);
    const ids = new Set<number | undefined>();
    // The first one is never acknowledged.
    const [first] = delivery.publish(message('x', 1));
    for (let i = 0; i < 70_000; i++) {
      const [packet] = delivery.publish(message('x', 1));
      const { id } = (packet as typeof first & { packet: { id: number } }).packet;
      ids.add(id);
      delivery.acknowledged(id);
    }
    expect([ids.size, ids.has(1), ids.has(0), Math.max(...(ids as Set<number>))]).toEqual([
      65_534,
      false,
      false,
      65_535,
    ]);
  });

  test('expired messages are not sent', () => {
    const delivery = new Delivery();
    delivery.publish({ ...message('old', 1), expires: Date.now() - 1 });
    delivery.publish({ ...message('new', 1), expires: Date.now() + 60_000 });
    expect(shown(delivery.resume(version))).toEqual(['publish 0 1 new']);
  });
});
