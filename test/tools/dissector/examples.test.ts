/** The protocols of the examples in tshark: what we decode; and of MQTT and Modbus what Wireshark's own dissectors say of the same bytes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frames, framing as frames2 } from '../../../examples/http2.ts';
import * as modbus from '../../../examples/modbus/tcp.ts';
import { framing as mqttFraming } from '../../../examples/mqtt/fixed-header.ts';
import { mqtt, mqtt5 } from '../../../examples/mqtt/packets.ts';
import { clientMessages } from '../../../examples/postgres/client-messages.ts';
import { framing as postgresFraming } from '../../../examples/postgres/framing.ts';
import { serverMessages } from '../../../examples/postgres/server-messages.ts';
import { command, resp, framing as respFraming, type Value } from '../../../examples/redis/resp.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import type { Framing } from '../../../src/protocol/framing/framing.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { type DissectableProtocol, toDissector } from '../../../src/tools/dissector/to-dissector.ts';
import { isThere } from '../../support/programs.ts';
import { disagreement } from './agrees.ts';
import { Conversations } from './conversation.ts';
import { type Layer, tshark } from './tshark.ts';

// biome-ignore lint/suspicious/noExplicitAny: any codec
type AnyCodec = DeclaredCodec<any>;

const seed = Number(process.env.WIREPIPE_SEED ?? 1);

function framed(framing: Framing, payload: Buffer): Buffer | undefined {
  const writer = framing.writer();
  const target = Buffer.alloc(writer.bound(payload.length) + 16);
  try {
    return target.subarray(0, writer.write(target, 0, payload, 0, payload.length));
  } catch {
    return undefined;
  }
}

function unframed(framing: Framing, wire: Buffer): Buffer {
  const reader = framing.reader();
  reader.push(wire);
  return reader.next()!;
}

/** Protocols whose frames are handed on whole, by their names in filters. */
const PROTOCOLS: Readonly<
  Record<string, { port: number; framing: Framing; client: AnyCodec; server: AnyCodec; preface?: string }>
> = {
  wp_mqtt: { port: 21_883, framing: mqttFraming, client: mqtt as AnyCodec, server: mqtt as AnyCodec },
  mqtt5: { port: 21_885, framing: mqttFraming, client: mqtt5 as AnyCodec, server: mqtt5 as AnyCodec },
  wp_modbus: {
    port: 20_502,
    framing: modbus.framing,
    client: modbus.requests as AnyCodec,
    server: modbus.replies as AnyCodec,
  },
  wp_http2: {
    port: 28_080,
    framing: frames2,
    client: frames as AnyCodec,
    server: frames as AnyCodec,
    preface: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  },
  postgres: {
    port: 25_432,
    framing: postgresFraming,
    client: clientMessages as unknown as AnyCodec,
    server: serverMessages as unknown as AnyCodec,
  },
  wp_resp: { port: 26_379, framing: respFraming, client: resp as AnyCodec, server: resp as AnyCodec },
};

const REPLIES: readonly Value[] = [
  command('SET', 'key', Buffer.from([0, 13, 10, 255])),
  { type: 'simple', text: 'OK' },
  { type: 'error', text: 'ERR wrong' },
  { type: 'integer', value: -42n },
  { type: 'bulk', bulk: null },
  { type: 'array', items: null },
  {
    type: 'array',
    items: [
      { type: 'array', items: [{ type: 'simple', text: 'a' }] },
      { type: 'bulk', bulk: null },
    ],
  },
];

function protocolOf(name: string): DissectableProtocol {
  const { framing, client, server, preface } = PROTOCOLS[name]!;
  return {
    name: name.replace('wp_', ''),
    framing,
    clientMessages: client,
    serverMessages: server,
    ...(preface && { preface }),
  };
}

/** The values of a field over all layers of one protocol, in order. */
function valuesOf(layers: readonly Layer[], name: string): string[] {
  return layers.flatMap(({ items }) => items.filter((item) => item.name === name).map(({ value }) => value));
}

describe.skipIf(!isThere('tshark'))('tshark', () => {
  test('shows random messages of the examples as we decode them', () => {
    const scripts: Record<string, string> = {};
    const conversations = new Conversations();
    const lossy = new Set<string>();
    const due: { name: string; codec: AnyCodec; wire: Buffer; payload: Buffer }[] = [];
    for (const [index, [name, { port, framing, client, server, preface }]] of Object.entries(
      PROTOCOLS,
    ).entries()) {
      const { lua, gaps } = toDissector(protocolOf(name), { port });
      if (gaps.length > 0) lossy.add(name);
      scripts[name] = lua;
      conversations.open(index, port);
      if (preface !== undefined) conversations.send(index, 'client', Buffer.from(preface), 5);
      for (const [from, codec] of [
        ['client', client],
        ['server', server],
      ] as const) {
        // Of a text that is a number by chance, there are too few.
        const messages =
          name === 'wp_resp' ? REPLIES : fc.sample(arbitraryMessage(codec), { numRuns: 30, seed });
        for (const message of messages) {
          const wire = framed(framing, Buffer.from(codec.encode(message)));
          if (wire === undefined || wire.length > 20_000) continue;
          conversations.send(index, from, wire, 1, 3, 50);
          due.push({ name, codec, wire, payload: unframed(framing, wire) });
        }
      }
    }
    const run = tshark(scripts, conversations.bytes(), Object.keys(scripts));
    expect(run.problems.replace(/^Running as user.*\n/, '')).toBe('');
    expect(run.text).not.toContain('Lua Error');
    const layers = run.layers.filter(({ name, items }) => items.some((item) => item.name === `${name}.from`));
    const wrong: string[] = [];
    expect(layers.map(({ name, hex }) => `${name} ${hex}`)).toEqual(
      due.map(({ name, wire }) => `${name} ${wire.toString('hex')}`),
    );
    for (const [index, { name, codec, payload }] of due.entries()) {
      const { at, items } = layers[index]!;
      const problem = disagreement(codec, payload, items, name, at, lossy.has(name));
      if (problem !== undefined) wrong.push(`${name} ${payload.toString('hex').slice(0, 200)}: ${problem}`);
    }
    expect(wrong.slice(0, 9)).toEqual([]);
    // RESP's integers are mapped.
    expect([...lossy]).toEqual(['wp_resp']);
  });

  test('shows MQTT as Wireshark’s own dissector does', () => {
    const conversations = new Conversations();
    const packets = fc.sample(arbitraryMessage(mqtt as AnyCodec), { numRuns: 60, seed: seed + 1 }) as {
      type: string;
    }[];
    conversations.open(0, 1_883);
    for (const one of packets) {
      if (one.type === 'connect') continue;
      conversations.send(0, 'client', Buffer.from((mqtt as AnyCodec).encode(one as never)), 30, 5);
    }
    const capture = conversations.bytes();
    const ours = tshark({ mqtt: toDissector(protocolOf('wp_mqtt'), { port: 1_883 }).lua }, capture, [
      'wp_mqtt',
    ]).layers;
    const theirs = tshark({}, capture, ['mqtt']).layers;
    expect(valuesOf(ours, 'wp_mqtt.flags.kind')).toEqual(valuesOf(theirs, 'mqtt.msgtype'));
    expect(ours.map(({ hex }) => hex)).toEqual(theirs.map(({ hex }) => hex));
    const ids = ours.flatMap(({ items }) =>
      items.filter(({ name }) => name.endsWith('.packet.id')).map(({ value }) => value),
    );
    expect(ids.length).toBeGreaterThan(10);
    expect(ids).toEqual(valuesOf(theirs, 'mqtt.msgid'));
    expect(valuesOf(ours, 'wp_mqtt.flags.qos').length).toBe(theirs.length);
  });

  test('shows Modbus as Wireshark’s own dissector does', () => {
    const conversations = new Conversations();
    conversations.open(0, 502);
    const { requests, replies, framing } = modbus;
    let transaction = 0;
    const send = (from: 'client' | 'server', codec: AnyCodec, message: object): void => {
      const bytes = Buffer.from(codec.encode({ transaction, unit: 1, ...message }));
      conversations.send(0, from, framed(framing, bytes)!, 8);
    };
    for (let address = 0; address < 20; address++) {
      transaction++;
      send('client', requests as AnyCodec, { type: 'readHolding', address, count: 2 });
      send('server', replies as AnyCodec, { type: 'holding', registers: [address, 65_535 - address] });
    }
    const capture = conversations.bytes();
    const ours = tshark({ modbus: toDissector(protocolOf('wp_modbus'), { port: 502 }).lua }, capture, [
      'wp_modbus',
    ]).layers;
    const theirs = tshark({}, capture, ['mbtcp', 'modbus']).layers;
    expect(valuesOf(ours, 'wp_modbus.transaction')).toEqual(valuesOf(theirs, 'mbtcp.trans_id'));
    expect(valuesOf(ours, 'wp_modbus.unit')).toEqual(valuesOf(theirs, 'mbtcp.unit_id'));
    expect(valuesOf(ours, 'wp_modbus.tag')).toEqual(valuesOf(theirs, 'modbus.func_code'));
    expect(valuesOf(ours, 'wp_modbus.holding.registers')).toEqual(valuesOf(theirs, 'modbus.regval_uint16'));
    expect(valuesOf(ours, 'wp_modbus.holding.registers')).toHaveLength(40);
  });
});
