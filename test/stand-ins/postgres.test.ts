/** pg on our adapter against a real PostgreSQL, our tables against it too, and our server under psql and pg. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Decoded } from 'wirepipe';
import { clientMessages } from '../../examples/postgres/client-messages.ts';
import { cancelSession, clientSession, replies } from '../../examples/postgres/client-session.ts';
import { framing } from '../../examples/postgres/framing.ts';
import type { ClientOptions, Known } from '../../examples/postgres/known.ts';
import { createDatabaseServer, textDatabase } from '../../examples/postgres/serve.ts';
import { serverMessages } from '../../examples/postgres/server-messages.ts';
import { postgresPrograms, startPostgres } from './postgres-server.ts';
import { type Finished, runNode } from './programs.ts';

// It has no types of its own.
const pg = createRequire(import.meta.url)('pg');
const PROGRAMS = postgresPrograms();

/** What it printed, behind warnings of Node. */
const seenBy = ({ output }: Finished) => JSON.parse(output.split('\n').find((line) => line.startsWith('{'))!);

describe.skipIf(PROGRAMS === undefined)('against PostgreSQL (Debian package postgresql)', () => {
  let port = 0;
  let stop = async (): Promise<void> => {};
  beforeAll(async () => {
    ({ port, stop } = await startPostgres(PROGRAMS!));
  });
  afterAll(() => stop());

  test('pg gives the same results with our adapter as with pg-protocol', async () => {
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
  });

  test('the client’s table logs in by SCRAM, and queries', async () => {
    await meet(port, { user: 'wire', password: 'secret', database: 'postgres' }, "select 'é', null");
    await expect(dial(port, { ...WIRE, password: 'wrong' })).rejects.toThrow();
  });

  /** All that answers one request, shown. */
  type Client = Awaited<ReturnType<typeof dial>>;
  async function ask(client: Client, ...requests: Parameters<Client['requestMany']>[0][]): Promise<string[]> {
    const last = requests.pop()!;
    for (const request of requests) client.send(request);
    const all: string[] = [];
    for await (const reply of client.requestMany(last)) all.push(...shown(reply));
    return all;
  }
  const query = (client: Client, sql: string) => ask(client, { type: 'query', sql });

  test('the client’s table logs in by MD5, in clear text, and without a password, with and without a request for encryption', async () => {
    const admin = await dial(port, WIRE);
    await query(admin, "set password_encryption = 'md5'; create role by_md5 login password 'secret'");
    await query(admin, "create role by_password login password 'secret'; create role trusted login");
    for (const user of ['by_md5', 'by_password', 'trusted']) {
      for (const asksForEncryption of [false, true]) {
        const client = await dial(port, { ...WIRE, user, asksForEncryption });
        expect(await query(client, 'select current_user')).toContain(`row ${user}`);
        const { settings, key } = client.machine!.context as Known;
        expect([settings.get('session_authorization'), typeof key?.process]).toEqual([user, 'number']);
        client.stream.destroy();
      }
      if (user === 'trusted') continue;
      await expect(dial(port, { ...WIRE, user, password: 'wrong' })).rejects.toThrow();
    }
    admin.stream.destroy();
  });

  test('the client’s table: COPY both ways, cursors, portals, errors, transactions, a function, notices, notifications', async () => {
    const news: string[] = [];
    const onNews: ClientOptions['onNews'] = (one) =>
      void news.push(one.type === 'notice' ? textOf(one.fields, 'message') : `${one.channel} ${one.payload}`);
    const client = await dial(port, { ...WIRE, onNews });
    await query(client, 'create temp table t (a int, b text)');
    const copy = (...last: Parameters<Client['send']>[0][]) => {
      const done = query(client, 'copy t from stdin');
      for (const message of [{ type: 'copyData', data: Buffer.from('1\tone\n2\t') } as const, ...last])
        client.send(message);
      return done;
    };
    const two = { type: 'copyData', data: Buffer.from('é\n') } as const;
    expect(await copy(two, { type: 'copyDone' })).toEqual(['copyInResponse', 'COPY 2', 'idle']);
    expect(await copy({ type: 'copyFail', reason: 'changed my mind' })).toEqual([
      'copyInResponse',
      'error 57014 COPY from stdin failed: changed my mind',
      'idle',
    ]);
    expect(await copy(two, { type: 'copyData', data: Buffer.from('x\n') }, { type: 'copyDone' })).toEqual([
      'copyInResponse',
      expect.stringMatching(/^error 22P02 /),
      'idle',
    ]);
    expect(await query(client, 'copy t to stdout')).toEqual([
      'copyOutResponse',
      'copyData 1\tone\n',
      'copyData 2\té\n',
      'copyDone',
      'COPY 2',
      'idle',
    ]);
    // A cursor, in a transaction that then fails.
    expect(
      await query(client, 'begin; declare c cursor for select g from generate_series(1, 3) g'),
    ).toContain('transaction');
    expect(await query(client, 'fetch 2 from c')).toEqual([
      'columns g',
      'row 1',
      'row 2',
      'FETCH 2',
      'transaction',
    ]);
    expect(await query(client, 'select 1 / 0')).toEqual(['error 22012 division by zero', 'failed']);
    expect(await query(client, 'select 1')).toEqual([expect.stringMatching(/^error 25P02 /), 'failed']);
    expect(await query(client, 'rollback')).toEqual(['ROLLBACK', 'idle']);
    // A portal, two rows at a time; then an error, behind which everything up to Sync is passed over.
    const parse = (sql: string) => ({ type: 'parse', name: '', sql, types: [] }) as const;
    const bind = {
      type: 'bind',
      portal: '',
      statement: '',
      formats: [],
      values: [],
      resultFormats: [],
    } as const;
    const execute = { type: 'execute', portal: '', maxRows: 2 } as const;
    const describe = { type: 'describe', kind: 'statement', name: '' } as const;
    const sync = { type: 'sync' } as const;
    expect(
      await ask(
        client,
        parse('select g from generate_series(1, 3) g'),
        describe,
        bind,
        execute,
        execute,
        sync,
      ),
    ).toEqual([
      ...['parseComplete', 'parameterDescription', 'columns g', 'bindComplete'],
      ...['row 1', 'row 2', 'portalSuspended', 'row 3', 'SELECT 1', 'idle'],
    ]);
    expect(await ask(client, parse('nonsense'), bind, execute, sync)).toEqual([
      expect.stringMatching(/^error 42601 /),
      'idle',
    ]);
    expect(await query(client, '')).toEqual(['emptyQueryResponse', 'idle']);
    // The function octet_length(text).
    const measure = {
      function: 1374,
      formats: [],
      arguments: [Buffer.from('ABC')],
      resultFormat: 'text',
    } as const;
    expect(await ask(client, { type: 'functionCall', ...measure })).toEqual([
      'functionCallResponse 3',
      'idle',
    ]);
    await query(client, 'do $$ begin raise notice $x$hi %$x$, 5; end $$; listen here');
    await query(client, "notify here, 'there'");
    while (news.length < 2) await pause(5);
    expect(news).toEqual(['hi 5', 'here there']);
    // Another connection cancels what this one does; then it goes on.
    const sleeping = query(client, 'select pg_sleep(20)');
    while (!(await isSleeping())) await pause(20);
    const { key } = client.machine!.context as Known;
    await (await connect(protocol, { port, host: '127.0.0.1', session: cancelSession(key!) })).closed;
    expect(await sleeping).toContain('error 57014 canceling statement due to user request');
    expect(await query(client, 'select 1')).toEqual(['columns ?column?', 'row 1', 'SELECT 1', 'idle']);
    client.send({ type: 'terminate' });
    await client.closed;
  });

  async function isSleeping(): Promise<boolean> {
    const client = await dial(port, WIRE);
    const sql =
      "select count(*) from pg_stat_activity where query = 'select pg_sleep(20)' and state = 'active'";
    const all = await query(client, sql);
    client.stream.destroy();
    return all.includes('row 1');
  }
});

const WIRE = { user: 'wire', password: 'secret', database: 'postgres' };

type Told = Decoded<typeof serverMessages>;

function shown(message: Told): string[] {
  switch (message.type) {
    case 'dataRow':
      return [`row ${message.values.join()}`];
    case 'rowDescription':
      return [`columns ${message.columns.map(({ name }) => name).join()}`];
    case 'commandComplete':
      return [message.tag];
    case 'readyForQuery':
      return [message.status];
    case 'error':
      return [`error ${textOf(message.fields, 'code')} ${textOf(message.fields, 'message')}`];
    case 'copyData':
      return [`copyData ${message.data}`];
    case 'functionCallResponse':
      return [`functionCallResponse ${message.value}`];
    default:
      return [message.type];
  }
}

function textOf(fields: Extract<Told, { type: 'error' }>['fields'], name: string): string {
  return fields.find(({ field }) => field === name)?.text ?? '';
}

test('the client’s table hands its socket to the TLS upgrade if the server has TLS', async () => {
  const server = net
    .createServer((socket) => socket.once('data', () => socket.write('S')))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const taken = new Promise<string>((resolve) => {
    const take = (socket: net.Socket, unread: Buffer): void => {
      resolve(`${socket.readyState} ${unread.length}`);
      socket.destroy();
    };
    const session = clientSession({ ...WIRE, asksForEncryption: true });
    connect(protocol, { port, host: '127.0.0.1', session, replies, upgrades: { tls: { take } } }).catch(
      () => undefined,
    );
  });
  expect(await taken).toBe('open 0');
  server.close();
});

const protocol = { framing, clientMessages, serverMessages };

function dial(port: number, login: ClientOptions) {
  return connect(protocol, { port, host: '127.0.0.1', session: clientSession(login), replies });
}

/** A simple query, an error, and an extended query. */
async function meet(port: number, login: ClientOptions, sql: string): Promise<void> {
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
  });

  test('with pg: extended queries, one with an error, and a wrong password', async () => {
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
  });

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
  );

  test('bytes of another protocol end the connection with a FATAL error', async () => {
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
  });
});
