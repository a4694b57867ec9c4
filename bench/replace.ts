/**
 * The adapters beside the libraries that they replace: the same calls with the same results, compared before they are
 * timed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import mqttPacket from 'mqtt-packet';
import { serialize as pgTheirs } from 'pg-protocol';
import { Parser as PgParser } from 'pg-protocol/dist/parser.js';
import * as mqttAdapter from '../examples/mqtt/mqtt-packet/index.ts';
import { framing as postgresFraming } from '../examples/postgres/framing.ts';
import { Parser as PgAdapter } from '../examples/postgres/pg-protocol/parser.ts';
import { serialize as pgSerialize } from '../examples/postgres/pg-protocol/serializer.ts';
import { serverMessages } from '../examples/postgres/server-messages.ts';
import { median, table } from './measure.ts';

const ROUNDS = 15;
/** Milliseconds of a round. */
const ROUND = 60;

interface Work {
  readonly name: string;
  /** Each processes this many items per call, and returns a value to compare. */
  readonly items: number;
  ours(): unknown;
  theirs(): unknown;
}

export async function benchReplace(): Promise<string> {
  return [
    `### In place of mqtt-packet\n\n${rates(mqttWorks(), 'mqtt-packet')}`,
    `### In place of pg-protocol\n\n${rates(postgresWorks(), 'pg-protocol')}`,
    `### Memory per connection of a broker, ${CLIENTS.toLocaleString('en')} clients with a subscription each\n\n${await brokers()}`,
  ].join('\n\n');
}

const CLIENTS = 2_000;

async function brokers(): Promise<string> {
  const rows: string[][] = [];
  for (const name of ['wirepipe', 'aedes']) {
    const { heap, resident } = await perClient(name);
    rows.push([name, (heap / 1_024).toFixed(1), (resident / 1_024).toFixed(1)]);
  }
  return table(['broker', 'KiB of heap', 'KiB resident'], rows);
}

interface Memory {
  readonly heap: number;
  readonly resident: number;
}

async function perClient(variant: string): Promise<Memory> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', 'bench/idle-broker.ts', variant]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => (await lines.next()).value as string;
  const memory = async (): Promise<Memory> => {
    child.stdin.write('\n');
    return JSON.parse(await line());
  };
  const sockets: net.Socket[] = [];
  try {
    const port = Number((await line()).split(' ')[1]);
    // A few first, so that everything allocated only once exists.
    for (let i = 0; i < 200; i++) sockets.push(await subscriber(port, sockets.length));
    const before = await memory();
    for (let i = 0; i < CLIENTS; i++) sockets.push(await subscriber(port, sockets.length));
    const after = await memory();
    return {
      heap: (after.heap - before.heap) / CLIENTS,
      resident: (after.resident - before.resident) / CLIENTS,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill();
  }
}

/** The client of that number, subscribed to its own topic. */
async function subscriber(port: number, number: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(mqttPacket.generate({ cmd: 'connect', clientId: `client-${number}`, keepalive: 0 } as never));
  await once(socket, 'data');
  const subscriptions = [{ topic: `to/${number}/#`, qos: 1 as const }];
  socket.write(mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions }));
  await once(socket, 'data');
  return socket;
}

function rates(works: readonly Work[], peer: string): string {
  const rows = works.map((work) => {
    const [ours, theirs] = [work.ours(), work.theirs()].map((value) => JSON.parse(JSON.stringify(value)));
    if (!isDeepStrictEqual(ours, theirs)) throw new Error(`${work.name}: ours and theirs differ`);
    const ratios: number[] = [];
    const own: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // They take turns to go first, so that neither always has the warmer caches.
      const order = round % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const);
      const rate = { ours: 0, theirs: 0 };
      for (const side of order) rate[side] = perSecond(work[side], work.items);
      if (round < 3) continue;
      ratios.push(rate.ours / rate.theirs);
      own.push(rate.ours);
    }
    return [work.name, `${(median(own) / 1e6).toFixed(2)} M/s`, `${median(ratios).toFixed(2)} ×`];
  });
  return table(['work', 'wirepipe', `beside ${peer}`], rows);
}

function perSecond(run: () => unknown, items: number): number {
  const start = performance.now();
  let calls = 0;
  let elapsed = 0;
  while (elapsed < ROUND) {
    run();
    calls++;
    elapsed = performance.now() - start;
  }
  return (1_000 * calls * items) / elapsed;
}

const COUNT = 256;

/** 256 packets in chunks of that size; each parser makes the same packets. */
function parsing(name: string, packets: object[], version: number, chunk = 65_536): Work {
  const options = { protocolVersion: version };
  const bytes = Buffer.concat(packets.map((packet) => mqttPacket.generate(packet as never, options)));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  const run = (parser: {
    on(event: 'packet', take: (packet: unknown) => void): unknown;
    parse(chunk: Buffer): number;
  }) => {
    let last: unknown;
    parser.on('packet', (packet) => {
      last = packet;
    });
    return () => {
      for (const one of chunks) parser.parse(one);
      return last;
    };
  };
  return {
    name: `parse ${name}`,
    items: packets.length,
    ours: run(mqttAdapter.parser(options)),
    theirs: run(mqttPacket.parser(options)),
  };
}

function generating(name: string, packets: object[], version: number): Work {
  const options = { protocolVersion: version };
  const run = (generate: (packet: never, options: object) => Buffer) => () => {
    let last: Buffer | undefined;
    for (const packet of packets) last = generate(packet as never, options);
    return last;
  };
  return {
    name: `generate ${name}`,
    items: packets.length,
    ours: run(mqttAdapter.generate as never),
    theirs: run(mqttPacket.generate as never),
  };
}

function mqttWorks(): Work[] {
  const many = (make: (i: number) => object): object[] => Array.from({ length: COUNT }, (_, i) => make(i));
  const publish = (size: number, more: object = {}) =>
    many((i) => ({
      cmd: 'publish',
      topic: `sensors/hall/${i % 10}/temperature`,
      payload: Buffer.alloc(size, 97 + (i % 26)),
      qos: 1,
      messageId: 1 + i,
      dup: false,
      retain: false,
      ...more,
    }));
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    userProperties: { source: 'hall' },
  };
  const pubacks = many((i) => ({ cmd: 'puback', messageId: 1 + i }));
  const subscribes = many((i) => ({
    cmd: 'subscribe',
    messageId: 1 + i,
    subscriptions: [
      { topic: `a/${i}/+`, qos: 1 },
      { topic: 'b/#', qos: 0 },
    ],
  }));
  return [
    parsing('PUBLISH, QoS 1, 20 bytes', publish(20), 4),
    parsing('PUBLISH, QoS 1, 1 KiB', publish(1_024), 4),
    parsing('PUBLISH, QoS 1, 20 bytes, in chunks of 61', publish(20), 4, 61),
    parsing('PUBLISH of MQTT 5, three properties', publish(20, { properties }), 5),
    parsing('PUBACK', pubacks, 4),
    parsing('SUBSCRIBE', subscribes, 4),
    generating('PUBLISH, QoS 1, 20 bytes', publish(20), 4),
    generating('PUBLISH, QoS 1, 1 KiB', publish(1_024), 4),
    generating('PUBLISH of MQTT 5, three properties', publish(20, { properties }), 5),
    generating('PUBACK', pubacks, 4),
    generating('SUBSCRIBE', subscribes, 4),
  ];
}

interface RowParser {
  parse(chunk: Buffer, take: (message: unknown) => void): void;
}

/** A decoder of rows written by hand: one `toString` for each column, and no checks. */
class BareRows implements RowParser {
  #rest: Buffer | undefined;

  parse(chunk: Buffer, take: (message: unknown) => void): void {
    let at = 0;
    if (this.#rest !== undefined) {
      const begun = this.#rest.length < 5 ? Buffer.concat([this.#rest, chunk.subarray(0, 5)]) : this.#rest;
      at = 1 + begun.readUInt32BE(1) - this.#rest.length;
      take(this.#row(Buffer.concat([this.#rest, chunk.subarray(0, at)]), 0));
      this.#rest = undefined;
    }
    while (at + 5 <= chunk.length) {
      const next = at + 1 + chunk.readUInt32BE(at + 1);
      if (next > chunk.length) break;
      take(this.#row(chunk, at));
      at = next;
    }
    if (at < chunk.length) this.#rest = chunk.subarray(at);
  }

  #row(bytes: Buffer, start: number): unknown {
    const length = bytes.readUInt32BE(start + 1);
    const fieldCount = bytes.readUInt16BE(start + 5);
    const fields = new Array<string | null>(fieldCount);
    let at = start + 7;
    for (let i = 0; i < fieldCount; i++) {
      const size = bytes.readInt32BE(at);
      at += 4;
      fields[i] = size < 0 ? null : bytes.toString('utf8', at, at + size);
      if (size > 0) at += size;
    }
    return { length, fields, name: 'dataRow', fieldCount };
  }
}

/** Rows of text in the server's format. */
function rows(
  name: string,
  count: number,
  columns: number,
  value: (row: number, column: number) => string | null,
): Work[] {
  const messages: Buffer[] = [];
  for (let row = 0; row < count; row++) {
    const values = Array.from({ length: columns }, (_, column) => value(row, column));
    const message = serverMessages.encode({ type: 'dataRow', values });
    postgresFraming.writer().seal!(message, 0, message.length);
    messages.push(message);
  }
  const bytes = Buffer.concat(messages);
  const parsing = (
    work: string,
    chunk: number,
    items: number,
    all = bytes,
    parser: RowParser = new PgAdapter(),
  ): Work => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < all.length; at += chunk) chunks.push(all.subarray(at, at + chunk));
    const run = (parser: RowParser) => {
      let last: unknown;
      const take = (message: unknown) => {
        last = message;
      };
      return () => {
        for (const one of chunks) parser.parse(one, take);
        return last;
      };
    };
    const theirs = run(new PgParser() as never);
    return { name: work, items, ours: run(parser), theirs };
  };
  return [
    parsing(name, 65_536, count),
    parsing(
      `${name}, by hand: one toString for each column, no checks`,
      65_536,
      count,
      bytes,
      new BareRows(),
    ),
    parsing(`${name}, a byte at a time`, 1, 16, Buffer.concat(messages.slice(0, 16))),
  ];
}

function postgresWorks(): Work[] {
  const values = Array.from({ length: 10 }, (_, i) => (i % 3 === 2 ? null : `value ${i}`));
  const binding = (serialize: { bind(options: object): Buffer }) => () =>
    serialize.bind({ statement: 'insert', values });
  return [
    ...rows('DataRow, 6 columns', 256, 6, (row, column) => `row ${row} column ${column}`),
    ...rows('DataRow, 50 columns, every other NULL', 128, 50, (row, column) =>
      column % 2 === 0 ? null : `${row * column}`,
    ),
    ...rows('DataRow, 4 columns of 1 KiB', 64, 4, (row) =>
      String.fromCharCode(97 + (row % 26)).repeat(1_024),
    ),
    ...rows('DataRow, 6 columns that are not ASCII', 256, 6, (row, column) => `Zeile ${row} Größe ${column}`),
    { name: 'Bind of 10 values', items: 1, ours: binding(pgSerialize), theirs: binding(pgTheirs as never) },
  ];
}
