/** MQTT 3.1.1 against mosquitto: publish with QoS 1 and 2 both ways, subscribe, ping; as a client and as a table. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  array,
  bits,
  bounded,
  bytes,
  Client,
  constant,
  defineSession,
  type Fields,
  flags,
  type Infer,
  lengthPrefix,
  message,
  messages,
  rest,
  struct,
  u8,
  u16be,
  utf8,
  varuint,
} from '../../src/index.ts';

const text = utf8(u16be);
const packet = <F extends Fields>(fields: F) => ({ packet: bounded(varuint, struct(fields)) });
const packets = messages(u8, {
  connect: message(
    0x10,
    packet({
      protocol: constant(text, 'MQTT'),
      level: constant(u8, 4),
      flags: bits(u8, { other: 6, cleanSession: 1, reserved: 1 }),
      keepAlive: u16be,
      clientId: text,
    }),
  ),
  connack: message(0x20, packet({ flags: flags(u8, { sessionPresent: 0 }), returnCode: u8 })),
  publish0: message(0x30, packet({ topic: text, payload: bytes(rest) })),
  publish1: message(0x32, packet({ topic: text, id: u16be, payload: bytes(rest) })),
  publish2: message(0x34, packet({ topic: text, id: u16be, payload: bytes(rest) })),
  puback: message(0x40, packet({ id: u16be })),
  pubrec: message(0x50, packet({ id: u16be })),
  pubrel: message(0x62, packet({ id: u16be })),
  pubcomp: message(0x70, packet({ id: u16be })),
  subscribe: message(0x82, packet({ id: u16be, topics: array(struct({ filter: text, qos: u8 }), rest) })),
  suback: message(0x90, packet({ id: u16be, codes: array(u8, rest) })),
  pingreq: message(0xc0, packet({})),
  pingresp: message(0xd0, packet({})),
  disconnect: message(0xe0, packet({})),
});
type Packet = Infer<typeof packets>;

const protocol = {
  framing: lengthPrefix({ lengthFieldOffset: 1, lengthFieldLength: 'varint', initialBytesToStrip: 0 }),
  clientMessages: packets,
  serverMessages: packets,
};
/** Both sides number their own packets; connect and pingreq have no number. */
const replies = {
  id: 'packet.id',
  ids: [1, 65_535],
  timeout: 60_000,
  expects: {
    connect: { one: 'connack' },
    subscribe: { one: 'suback' },
    publish0: 'none',
    publish1: { one: 'puback' },
    publish2: { until: 'pubcomp', of: 'pubrec' },
    pingreq: { one: 'pingresp' },
    puback: 'none',
    pubrec: 'none',
    pubrel: 'none',
    pubcomp: 'none',
    disconnect: 'none',
  },
} as const;

const BROKER = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find((file) => existsSync(file));
if (BROKER === undefined) console.warn('skipped: mosquitto (Debian package mosquitto) is not installed');

describe.skipIf(BROKER === undefined)('mosquitto (Debian package mosquitto)', () => {
  let port = 0;
  let stop = (): void => {};

  beforeAll(async () => {
    const probe = net.createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => probe.once('listening', listening));
    ({ port } = probe.address() as AddressInfo);
    await new Promise((closed) => probe.close(closed));
    const broker = spawn(BROKER!, ['-p', String(port)], { stdio: 'ignore' });
    stop = () => broker.kill('SIGKILL');
    for (let i = 0; i < 2_000; i++) {
      const isOpen = await new Promise<boolean>((answer) => {
        const socket = net.connect(port, '127.0.0.1', () => {
          socket.destroy();
          answer(true);
        });
        socket.once('error', () => answer(false));
      });
      if (isOpen) return;
      await pause(25);
    }
    throw new Error('mosquitto does not listen');
  });
  afterAll(() => stop());

  const dial = (): net.Socket => net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const hello = (clientId: string) =>
    ({
      type: 'connect',
      packet: { flags: { other: 0, cleanSession: 1, reserved: 0 }, keepAlive: 30, clientId },
    }) as const;

  test('requests by type and number, from both sides', async () => {
    const client = new Client(protocol, dial(), { replies });
    const received: string[] = [];
    let isReleased = false;
    // What the broker asks: each publication, with a number of its own.
    client.messages.on('data', (came: Packet) => {
      if (came.type === 'publish1') client.send({ type: 'puback', packet: { id: came.packet.id } });
      else if (came.type === 'publish2') client.send({ type: 'pubrec', packet: { id: came.packet.id } });
      else if (came.type === 'pubrel') {
        isReleased = true;
        client.send({ type: 'pubcomp', packet: { id: came.packet.id } });
      }
      if ('packet' in came && 'topic' in came.packet) {
        received.push(`${came.type} ${came.packet.topic} ${came.packet.payload.toString()}`);
      }
    });
    expect(await client.request(hello('wire-1'))).toMatchObject({
      type: 'connack',
      packet: { returnCode: 0 },
    });
    const subscribed = await client.request({
      type: 'subscribe',
      packet: { topics: [{ filter: 'a/#', qos: 2 }] },
    });
    expect(subscribed).toMatchObject({ type: 'suback', packet: { codes: [2] } });
    // Publications of all kinds at once, numbered from 2 on; the broker numbers those that it sends back from 1.
    const payload = Buffer.from('hällo');
    const once = async (topic: string): Promise<string[]> => {
      const steps: string[] = [];
      for await (const step of client.requestMany({ type: 'publish2', packet: { topic, payload } })) {
        steps.push(step.type);
        if (step.type === 'pubrec') client.send({ type: 'pubrel', packet: { id: step.packet.id } });
      }
      return steps;
    };
    const acknowledged = await Promise.all([
      ...Array.from({ length: 20 }, (_, i) =>
        client.request({ type: 'publish1', packet: { topic: `a/${i}`, payload } }).then(({ type }) => type),
      ),
      once('a/twice').then(String),
      client.request({ type: 'publish0', packet: { topic: 'a/none', payload } }).then(String),
      client.request({ type: 'pingreq', packet: {} }).then(({ type }) => type),
    ]);
    expect(acknowledged).toEqual([...Array(20).fill('puback'), 'pubrec,pubcomp', 'undefined', 'pingresp']);
    while (received.length < 22 || !isReleased) await pause(2);
    expect([...received].sort()).toEqual(
      [
        ...Array.from({ length: 20 }, (_, i) => `publish1 a/${i} hällo`),
        'publish2 a/twice hällo',
        'publish0 a/none hällo',
      ].sort(),
    );
    client.send({ type: 'disconnect', packet: {} });
    client.end();
    await client.closed;
  });

  test('a session as a client', async () => {
    const seen: string[] = [];
    const session = defineSession({
      receives: packets,
      sends: packets,
      initial: 'connecting',
      states: {
        connecting: {
          onEnter: () => hello('wire-2'),
          on: { connack: () => ({ next: 'subscribing' }) },
          next: ['subscribing'],
          deadline: { within: 60_000 },
        },
        subscribing: {
          onEnter: () => ({ type: 'subscribe', packet: { id: 1, topics: [{ filter: 't/#', qos: 1 }] } }),
          on: {
            suback: () => ({
              next: 'live',
              send: { type: 'publish1', packet: { topic: 't/1', id: 5, payload: Buffer.from('hi') } },
              timers: { ping: 30 },
            }),
          },
          next: ['live'],
        },
        live: {
          on: {
            publish1: ({ packet: { topic, id } }) => {
              seen.push(topic);
              return { send: { type: 'puback', packet: { id } } };
            },
            puback: ({ packet: { id } }) => void seen.push(`acknowledged ${id}`),
            pingresp: () => {
              seen.push('pong');
              return { send: { type: 'disconnect', packet: {} }, next: 'over' };
            },
          },
          // Keep-alive, by a timer of our own.
          timers: { ping: () => ({ send: { type: 'pingreq', packet: {} }, timers: { ping: 30 } }) },
          next: ['over'],
        },
        over: { final: true },
      },
    });
    const client = new Client(protocol, dial(), { session, replies });
    await client.closed;
    expect(client.machine!.state).toBe('over');
    expect([...seen].sort()).toEqual(['acknowledged 5', 'pong', 't/1'].sort());
  });
});
