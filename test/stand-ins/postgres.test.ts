/** pg on our adapter against a real PostgreSQL, our tables against it too, and our server under psql and pg. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect } from 'wirepipe';
import { allClientMessages } from '../../examples/postgres/client-messages.ts';
import { clientSession, replies } from '../../examples/postgres/client-session.ts';
import { createDatabaseServer, textDatabase } from '../../examples/postgres/serve.ts';
import { serverMessages } from '../../examples/postgres/server-messages.ts';
import { wire } from '../../examples/postgres/wire.ts';
import { postgresPrograms, startPostgres } from './postgres-server.ts';
import { type Finished, runNode } from './programs.ts';

// It has no types of its own.
const pg = createRequire(import.meta.url)('pg');
const PROGRAMS = postgresPrograms();

/** What it printed, behind warnings of Node. */
const seenBy = ({ output }: Finished) => JSON.parse(output.split('\n').find((line) => line.startsWith('{'))!);

describe.skipIf(PROGRAMS === undefined)('against PostgreSQL (Debian package postgresql)', () => {
  let port = 0;
  let stop = (): void => {};
  beforeAll(async () => {
    ({ port, stop } = await startPostgres(PROGRAMS!));
  }, 120_000);
  afterAll(() => stop(), 60_000);

  test('pg with our adapter in place of pg-protocol sees what it sees with its own', async () => {
    const script = 'test/stand-ins/pg.cjs';
    const args = [String(port)];
    const ours = await runNode(script, {
      args,
      replaced: { 'pg-protocol': 'examples/postgres/pg-protocol/index.ts' },
    });
    expect(ours.status, ours.output).toBe(0);
    const seen = seenBy(ours);
    expect(seen).toMatchObject({
      simple: [{ a: 1, b: null, c: 'é' }],
      nulls: [{ t: null }],
      error: [true, '22012', 'ERROR', 'division by zero', 'int4div'],
      copyIn: 'COPY 3',
      copyFail: '22P02',
      portal: [1, 2, 3, 4, 5],
      cursor: [1, 2, 3, 4],
      many: [20_000, true],
      multiple: [[{ a: 1 }], [{ b: 2 }]],
      long: true,
      notices: ['NOTICE hi 5'],
      notifications: ['here there'],
      cancelled: '57014',
    });
    expect(seen.copyOut.join('')).toBe('1\tone\n2\ttwo\n3\t\\N\n');
    const theirs = await runNode(script, { args });
    expect(seenBy(theirs)).toEqual(seen);
  }, 120_000);

  test('the client’s table logs in by SCRAM, and asks', async () => {
    await meet(port, { user: 'wire', password: 'secret', database: 'postgres' }, "select 'é', null");
    await expect(dial(port, { user: 'wire', password: 'wrong', database: 'postgres' })).rejects.toThrow();
  }, 30_000);
});

type LoginOptions = Parameters<typeof clientSession>[0];

function dial(port: number, login: LoginOptions) {
  const protocol = { framing: wire, clientMessages: allClientMessages, serverMessages };
  return connect(protocol, { port, host: '127.0.0.1', session: clientSession(login), replies });
}

/** A simple query, an error, and an extended query. */
async function meet(port: number, login: LoginOptions, sql: string): Promise<void> {
  const client = await dial(port, login);
  const rows: unknown[] = [];
  const ask = async (asking: Parameters<typeof client.requestMany>[0]): Promise<void> => {
    for await (const reply of client.requestMany(asking)) {
      if (reply.type === 'dataRow') rows.push(reply.values);
      if (reply.type === 'error') rows.push(reply.fields.find(({ field }) => field === 'severity')?.text);
    }
  };
  await ask({ type: 'query', sql });
  await ask({ type: 'query', sql: 'nonsense' });
  client.send({ type: 'parse', name: '', sql: 'select $1', types: [] });
  client.send({
    type: 'bind',
    portal: '',
    statement: '',
    formats: [],
    values: [Buffer.from('ü')],
    resultFormats: [],
  });
  client.send({ type: 'execute', portal: '', maxRows: 0 });
  await ask({ type: 'sync' });
  expect(rows).toEqual([['é', null], 'ERROR', ['ü']]);
  // The server ends its side then.
  client.send({ type: 'terminate' });
  await client.closed;
}

describe('our server', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
  });
  async function listening(): Promise<number> {
    const server = createDatabaseServer(textDatabase(new Map([['ada', 'lovelace']])));
    await server.listen({ port: 0, host: '127.0.0.1' });
    cleanups.push(() => server.close({ deadline: 100 }));
    return (server.address() as AddressInfo).port;
  }
  const login = { user: 'ada', password: 'lovelace', database: 'texts' };

  test('under the client’s table', async () => {
    await meet(await listening(), login, "select 'é', null");
  }, 20_000);

  test('under pg: extended queries, an error among them, a wrong password', async () => {
    const config = { ...login, host: '127.0.0.1', port: await listening() };
    const client = new pg.Client(config);
    await client.connect();
    expect((await client.query('select $1, $2', ['ä', null])).rows).toEqual([
      { column1: 'ä', column2: null },
    ]);
    await expect(client.query('nonsense', ['x'])).rejects.toMatchObject({ code: '42601' });
    expect((await client.query("select 'after'")).rows).toEqual([{ column1: 'after' }]);
    await client.end();
    await expect(new pg.Client({ ...config, password: 'byron' }).connect()).rejects.toMatchObject({
      code: '28P01',
    });
  }, 20_000);

  const hasPsql = spawnSync('psql', ['--version']).error === undefined;
  if (!hasPsql) console.warn('skipped: psql (Debian package postgresql) is not installed');
  test.skipIf(!hasPsql)(
    'under psql: it asks for encryption, logs in by SCRAM, selects, and copies both ways',
    async () => {
      const port = await listening();
      const psql = async (password: string, input: string) => {
        const { start } = await import('./mosquitto.ts');
        const place = `host=127.0.0.1 port=${port} user=ada dbname=texts`;
        const running = start('psql', [place, '-X', '-A', '-t', '-f', '-'], {
          input,
          env: { PGPASSWORD: password },
        });
        return { status: await running.ended, lines: running.lines };
      };
      const script =
        "select 'héllo', null;\nnonsense;\ncopy texts from stdin;\neins\nzwei\n\\.\nselect * from texts;\ncopy texts to stdout;\n";
      const { status, lines } = await psql('lovelace', script);
      expect(lines.filter((line) => !line.includes('ERROR'))).toEqual([
        'héllo|',
        'COPY 2',
        'eins',
        'zwei',
        'eins',
        'zwei',
      ]);
      expect(lines.filter((line) => line.includes('ERROR')).join()).toContain('no such statement: nonsense');
      expect(status).toBe(0);
      expect((await psql('byron', script)).lines.join()).toContain('password authentication failed');
    },
    30_000,
  );

  test('bytes that are none of the protocol end the connection with a FATAL error', async () => {
    const port = await listening();
    // A message before startup; a length of 3; a startup of 256 MB; 1 GiB announced by a Query.
    for (const bytes of [
      '51 00000005 00',
      '51 00000003',
      '10000000 00030000',
      '00000003 00030000',
      '51 3fffffff',
    ]) {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      const came: Buffer[] = [];
      socket.on('data', (chunk) => came.push(chunk));
      socket.write(Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
      if (bytes.startsWith('51 3f')) socket.write(Buffer.alloc(2_000_000));
      await new Promise((resolve) => socket.once('close', resolve));
      const said = Buffer.concat(came).toString('latin1');
      if (said !== '') expect(said, bytes).toMatch(/^E.*SFATAL\0VFATAL\0C08P01\0M/s);
    }
  }, 30_000);
});
