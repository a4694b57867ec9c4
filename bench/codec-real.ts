/**
 * Real protocols, framed and decoded, beside the libraries that their users have: the declarations of `examples/`,
 * without the adapters. The results are compared before they are timed.
 */
import assert from 'node:assert/strict';
import mqttPacket from 'mqtt-packet';
import type { Codec, Framing } from 'wirepipe';
import { framing as mqttFraming } from '../examples/mqtt/fixed-header.ts';
import { mqtt } from '../examples/mqtt/packets.ts';
import { framing as postgresFraming } from '../examples/postgres/framing.ts';
import { serverMessages } from '../examples/postgres/server-messages.ts';
import { medians, table } from './measure.ts';

/** The part of pg-protocol's parser used here, which its types do not export. */
const { Parser } = (await import(`${'pg-protocol'}/dist/parser.js`)) as {
  Parser: new () => { parse(bytes: Buffer, take: (row: { fields: unknown }) => void): void };
};

const ROUNDS = 15;
const MESSAGES = 1_000;

/** A digest of each message, for comparison, and to make sure that it was decoded. */
type Take = (told: unknown) => void;

interface Work {
  readonly what: string;
  readonly bytes: Buffer;
  ours(take: Take): (bytes: Buffer) => void;
  readonly theirName: string;
  theirs(take: Take): (bytes: Buffer) => void;
}

function decodeAll<Message>(framing: Framing, codec: Codec<Message, never>) {
  const reader = framing.reader();
  return (bytes: Buffer, each: (message: Message) => void): void => {
    reader.push(bytes);
    for (let batch = reader.take(64); batch !== undefined; batch = reader.take(64)) {
      for (let i = 0; i < batch.count; i++) {
        each(codec.decode(batch.bytes, batch.bounds[2 * i]!, batch.bounds[2 * i + 1]!));
      }
    }
  };
}

const works: readonly Work[] = [
  {
    what: 'PostgreSQL: rows of eight columns, three of them null at times',
    bytes: all(
      postgresFraming,
      serverMessages,
      Array.from({ length: MESSAGES }, (_, i) => ({
        type: 'dataRow' as const,
        values: [
          ...[`${i}`, `name ${i}`, null, '2026-11-25 12:00:00+00'],
          ...[i % 3 === 0 ? null : `${i / 7}`, 't', 'a somewhat longer text', i % 2 === 0 ? null : 'x'],
        ],
      })),
    ),
    ours(take) {
      const each = decodeAll(postgresFraming, serverMessages);
      return (bytes) => each(bytes, (row) => take(row.type === 'dataRow' ? row.values : row));
    },
    theirName: 'pg-protocol',
    theirs(take) {
      const parser = new Parser();
      return (bytes) => parser.parse(bytes, (row) => take(row.fields));
    },
  },
  {
    what: 'MQTT: PUBLISH of 20 bytes, QoS 1',
    bytes: all(
      mqttFraming,
      mqtt,
      Array.from({ length: MESSAGES }, (_, i) => ({
        type: 'publish' as const,
        flags: { dup: 0, qos: 1, retain: 0 },
        packet: {
          topic: `sensors/hall/${i % 10}/temperature`,
          id: 1 + i,
          payload: Buffer.alloc(20, 97 + (i % 26)),
        },
      })),
    ),
    ours(take) {
      const each = decodeAll(mqttFraming, mqtt);
      return (bytes) =>
        each(bytes, (packet) => {
          if (packet.type === 'publish') take([packet.packet.topic, packet.packet.id, packet.packet.payload]);
        });
    },
    theirName: 'mqtt-packet',
    theirs(take) {
      const parser = mqttPacket.parser({ protocolVersion: 4 });
      parser.on('packet', (packet) => {
        if (packet.cmd === 'publish') take([packet.topic, packet.messageId, packet.payload]);
      });
      return (bytes) => parser.parse(bytes);
    },
  },
];

/** The messages, framed, one behind the other. */
function all<Message>(
  framing: Framing,
  codec: Codec<unknown, Message>,
  messages: readonly Message[],
): Buffer {
  const writer = framing.writer();
  return Buffer.concat(
    messages.map((message) => {
      const payload = codec.encode(message);
      const target = Buffer.alloc(writer.bound(payload.length));
      return target.subarray(0, writer.write(target, 0, payload, 0, payload.length));
    }),
  );
}

/** Medians over interleaved rounds, as a table in Markdown. */
export async function benchReal(): Promise<string> {
  const rows: string[][] = [];
  for (const { what, bytes, ours, theirName, theirs } of works) {
    const told: unknown[][] = [[], []];
    ours((one) => told[0]!.push(one))(bytes);
    theirs((one) => told[1]!.push(one))(bytes);
    assert.deepEqual(told[0], told[1]);
    let count = 0;
    const take = (): void => {
      count++;
    };
    const costs = await medians({ wirepipe: ours(take), [theirName]: theirs(take) }, ROUNDS, (run) => {
      count = 0;
      const start = performance.now();
      for (let i = 0; i < 50; i++) run(bytes);
      return ((performance.now() - start) * 1e6) / count;
    });
    const [mine, yours] = [costs.get('wirepipe')!, costs.get(theirName)!];
    rows.push([
      what,
      `${mine.toFixed(0)} ns`,
      `${theirName}: ${yours.toFixed(0)} ns`,
      `${(yours / mine).toFixed(2)} ×`,
    ]);
  }
  return `### codec: messages of real protocols, cut out of a chunk and decoded\n\n${table(
    ['messages', 'wirepipe', 'the library', 'speed of wirepipe in its'],
    rows,
  )}`;
}
