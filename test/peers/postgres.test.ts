/** PostgreSQL v3 against a real server: pipelined extended queries, rows as an iterable, errors in the middle. */
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  array,
  bytes,
  Client,
  cstring,
  custom,
  lengthPrefix,
  message,
  messages,
  padding,
  rest,
  u8,
  u16be,
  u32be,
} from '../../src/index.ts';
import { postgresPrograms, startPostgres, TRUST } from '../stand-ins/postgres-server.ts';

/** Int32 length, −1 for NULL. */
const nullable = custom<string | null, string | null>({
  name: 'nullable value',
  minSize: 4,
  read(cursor) {
    const length = cursor.bytes.readInt32BE(cursor.take(4));
    if (length === -1) return null;
    const at = cursor.take(length);
    return cursor.bytes.toString('utf8', at, at + length);
  },
  write(cursor, value) {
    const length = value === null ? 0 : cursor.target.write(value, cursor.at + 4, 'utf8');
    cursor.target.writeInt32BE(value === null ? -1 : length, cursor.at);
    cursor.at += 4 + length;
  },
  size: (value) => 4 + (value === null ? 0 : Buffer.byteLength(value)),
});
const length = { length: padding(4) };
const text = cstring(1_000_000);
const clientMessages = messages(u8, {
  parse: message(0x50, { ...length, name: text, sql: text, types: array(u32be, u16be) }),
  bind: message(0x42, {
    ...length,
    portal: text,
    statement: text,
    formats: array(u16be, u16be),
    values: array(nullable, u16be),
    resultFormats: array(u16be, u16be),
  }),
  execute: message(0x45, { ...length, portal: text, maxRows: u32be }),
  sync: message(0x53, length),
  query: message(0x51, { ...length, sql: text }),
  terminate: message(0x58, length),
});
const body = { ...length, body: bytes(rest) };
const serverMessages = messages(u8, {
  authentication: message(0x52, body),
  parameterStatus: message(0x53, body),
  backendKeyData: message(0x4b, body),
  notice: message(0x4e, body),
  parseComplete: message(0x31, length),
  bindComplete: message(0x32, length),
  rowDescription: message(0x54, body),
  dataRow: message(0x44, { ...length, values: array(nullable, u16be) }),
  commandComplete: message(0x43, { ...length, tag: text }),
  error: message(0x45, body),
  readyForQuery: message(0x5a, { ...length, status: u8 }),
});
const protocol = {
  framing: lengthPrefix({
    lengthFieldOffset: 1,
    byteOrder: 'big',
    lengthAdjustment: -4,
    initialBytesToStrip: 0,
  }),
  clientMessages,
  serverMessages,
} as const;
/**
 * Without numbers, in order. After an error the server ignores all up to the next sync, so nothing answers a single message
 * for certain: what comes up to `readyForQuery` answers the sync behind them.
 */
const answer = {
  until: 'readyForQuery',
  of: ['parseComplete', 'bindComplete', 'rowDescription', 'dataRow', 'commandComplete', 'error'],
} as const;
const replies = {
  maxInFlight: Infinity,
  expects: { parse: 'none', bind: 'none', execute: 'none', terminate: 'none', sync: answer, query: answer },
} as const;

const programs = postgresPrograms();

describe.skipIf(programs === undefined)('PostgreSQL (Debian package postgresql)', () => {
  let port = 0;
  let stop = async (): Promise<void> => {};

  beforeAll(async () => {
    ({ port, stop } = await startPostgres(programs!, TRUST));
  });
  afterAll(() => stop());

  /** A client, past the startup packet (which has another framing) and the greeting. */
  async function dial() {
    for (let i = 0; ; i++) {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const startup = Buffer.from('\0\0\0\0\0\x03\0\0user\0wire\0database\0postgres\0\0', 'latin1');
      startup.writeInt32BE(startup.length);
      socket.write(startup);
      const client = new Client(protocol, socket, { replies });
      try {
        for await (const { type } of client) if (type === 'readyForQuery') return client;
      } catch (error) {
        if (i > 200) throw error;
      }
      client.destroy();
      await pause(50);
    }
  }

  test('many pipelined queries, each with its rows; one with an error among them', async () => {
    const client = await dial();
    const extended = async (sql: string, values: (string | null)[]): Promise<unknown[]> => {
      client.send({ type: 'parse', name: '', sql, types: [] });
      client.send({ type: 'bind', portal: '', statement: '', formats: [], values, resultFormats: [] });
      client.send({ type: 'execute', portal: '', maxRows: 0 });
      const rows: unknown[] = [];
      for await (const reply of client.requestMany({ type: 'sync' })) {
        if (reply.type === 'dataRow') rows.push(reply.values);
        else if (reply.type === 'error') rows.push(String(reply.body).match(/C(\w{5})/)![1]);
      }
      return rows;
    };
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        i % 10 === 7
          ? extended('select 1 / $1::int', ['0'])
          : extended('select $1::text || $2, $3::int', ['a', `é${i}`, i % 2 ? null : `${i}`]),
      ),
    );
    expect(all).toEqual(
      Array.from({ length: 100 }, (_, i) => (i % 10 === 7 ? ['22012'] : [[`aé${i}`, i % 2 ? null : `${i}`]])),
    );
    client.send({ type: 'terminate' });
    client.end();
    await client.closed;
  });

  test('rows as an iterable: read under backpressure, or left in the middle', async () => {
    const client = await dial();
    const sql = "select g, repeat('x', 1000) from generate_series(1, 50000) g";
    let count = 0;
    for await (const reply of client.requestMany({ type: 'query', sql }, { timeout: 60_000 })) {
      if (reply.type === 'dataRow' && reply.values[0] !== `${++count}`) throw new Error(`row ${count}`);
    }
    expect(count).toBe(50_000);
    for await (const reply of client.requestMany({ type: 'query', sql })) if (reply.type === 'dataRow') break;
    const after: unknown[] = [];
    for await (const reply of client.requestMany({ type: 'query', sql: 'select 7' })) {
      if (reply.type === 'dataRow') after.push(reply.values);
    }
    expect(after).toEqual([['7']]);
    client.send({ type: 'terminate' });
    client.end();
    await client.closed;
  }, 120_000);
});
