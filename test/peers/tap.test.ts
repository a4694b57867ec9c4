/** `wirepipe tap` between real clients and servers that know nothing of it, by the example protocols. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { postgresPrograms, startPostgres, TRUST } from '../stand-ins/postgres-server.ts';
import { freePort } from '../support/free-port.ts';
import { isThere } from '../support/programs.ts';
import { root, run } from '../support/run.ts';

const PROTOCOLS = path.join(root, 'test/fixtures/protocols/real.ts');
/** TypeScript on every Node: `tsx`. */
const wirepipe = [process.execPath, '--import', 'tsx', path.join(root, 'dist/cli/main.js')];
const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-real-'));

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0).reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await Promise.race([closed, pause(5_000).then(() => child.kill('SIGKILL'))]);
  }
});

function launch(file: string, args: readonly string[], options: { cwd?: string } = {}): ChildProcess {
  const child = spawn(file, args, { stdio: 'ignore', ...options });
  running.push(child);
  return child;
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await pause(100);
  }
  throw new Error(`nothing listens at ${port}`);
}

interface Line {
  readonly connection: number;
  readonly from: 'client' | 'server';
  // biome-ignore lint/suspicious/noExplicitAny: of any protocol
  readonly message?: any;
  readonly mark?: string;
  readonly text?: string;
}

/** Run a client through a tap; answers what the tap has printed, and where it has recorded. */
async function through(
  protocol: string,
  to: number,
  client: (port: number, printed: () => string) => Promise<void>,
  ...options: string[]
): Promise<{ lines: Line[]; out: string }> {
  const out = path.join(folder, `${protocol}.ndjson.gz`);
  rmSync(out, { force: true });
  const [file = '', ...args] = wirepipe;
  const words = ['tap', '--listen', '0', '--to', String(to), '--protocol', `${PROTOCOLS}#${protocol}`];
  const tap = spawn(file, [...args, ...words, '--out', out, '--json', ...options], { cwd: root });
  running.push(tap);
  let stdout = '';
  tap.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const closed = once(tap, 'close');
  let stderr = '';
  for await (const chunk of tap.stderr) {
    stderr += chunk;
    if (/→/.test(stderr)) break;
  }
  const port = Number(/:(\d+) →/.exec(stderr)![1]);
  await client(port, () => stdout);
  // What the peers still say as they go.
  await pause(300);
  tap.kill('SIGINT');
  expect(await closed).toEqual([0, null]);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const decoded = await run([...wirepipe, 'decode', out, '--json', '--protocol', `${PROTOCOLS}#${protocol}`]);
  expect(decoded.stderr).toBe('');
  const recorded = decoded.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const messagesOf = (all: readonly Line[]): unknown[] =>
    all.flatMap(({ message }) => (message === undefined ? [] : [message]));
  expect(messagesOf(recorded)).toEqual(messagesOf(lines));
  return { lines, out };
}

function messages(lines: readonly Line[], from: 'client' | 'server'): Line['message'][] {
  return lines
    .filter((line) => line.from === from && line.message !== undefined)
    .map(({ message }) => message);
}

/** Nothing that could not be decoded or framed. */
function expectClean(lines: readonly Line[]): void {
  expect(
    lines.filter((line) => (line.message === undefined && line.mark !== 'end') || line.mark === 'fault'),
  ).toEqual([]);
}

const LONG = { timeout: 180_000 };

const hasRedis = isThere('redis-server') && isThere('redis-cli');
describe.skipIf(!hasRedis)(
  'redis-cli and redis-server (Debian packages redis-server, redis-tools)',
  LONG,
  () => {
    test('commands and answers', async () => {
      const port = await freePort();
      launch(
        'redis-server',
        ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
        { cwd: folder },
      );
      await listening(port);
      const cli = (at: number, ...words: string[]): Promise<string> =>
        run(['redis-cli', '-p', String(at), ...words]).then(({ stdout }) => stdout.trim());
      const { lines } = await through('redis', port, async (at) => {
        expect(await cli(at, 'set', 'greeting', 'hello there')).toBe('OK');
        expect(await cli(at, 'get', 'greeting')).toBe('hello there');
        expect(await cli(at, 'get', 'nothing')).toBe('');
        expect(await cli(at, 'incr', 'greeting')).toContain('not an integer');
      });
      expectClean(lines);
      const word = (text: string) => ({ type: 'bulk', bulk: { data: Buffer.from(text).toString('hex') } });
      expect(messages(lines, 'client')).toContainEqual({
        type: 'array',
        items: ['set', 'greeting', 'hello there'].map(word),
      });
      const answers = messages(lines, 'server');
      expect(answers).toContainEqual({ type: 'simple', text: 'OK' });
      expect(answers).toContainEqual(word('hello there'));
      expect(answers).toContainEqual({ type: 'bulk', bulk: null });
      expect(answers.at(-1)).toMatchObject({ type: 'error' });
    });

    test('a dropped answer: the client waits, and reports that', async () => {
      const port = await freePort();
      launch(
        'redis-server',
        ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
        { cwd: folder },
      );
      await listening(port);
      const { lines } = await through(
        'redis',
        port,
        async (at) => {
          const ran = spawnSync('timeout', ['2', 'redis-cli', '-p', String(at), 'ping']);
          // 124: `timeout` had to end it.
          expect(ran.status).toBe(124);
        },
        '--fault',
        'server simple: drop',
      );
      expect(lines.filter(({ mark }) => mark === 'fault').map(({ text }) => text)).toEqual([
        'simple: dropped',
      ]);
    });
  },
);

const broker = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find((file) => existsSync(file));
const hasMosquitto = broker !== undefined && isThere('mosquitto_pub') && isThere('mosquitto_sub');
if (broker === undefined) console.warn('skipped: mosquitto is not installed');
describe.skipIf(!hasMosquitto)(
  "mosquitto's clients and broker (Debian packages mosquitto, mosquitto-clients)",
  LONG,
  () => {
    test('publish and subscribe, with every quality of service', async () => {
      const port = await freePort();
      const config = path.join(folder, 'mosquitto.conf');
      writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
      launch(broker!, ['-c', config]);
      await listening(port);
      const { lines } = await through('mqtt', port, async (at, printed) => {
        const subscriber = spawn('mosquitto_sub', [
          '-p',
          String(at),
          '-t',
          'drone/#',
          '-q',
          '2',
          '-C',
          '3',
          '-v',
        ]);
        running.push(subscriber);
        let got = '';
        subscriber.stdout.on('data', (chunk) => {
          got += chunk;
        });
        const done = once(subscriber, 'close');
        // Subscribed once the broker says so.
        while (!printed().includes('"suback"')) await pause(20);
        for (const qos of ['0', '1', '2']) {
          const sent = await run([
            'mosquitto_pub',
            '-p',
            String(at),
            '-t',
            `drone/${qos}`,
            '-m',
            `quality ${qos}`,
            '-q',
            qos,
          ]);
          expect(sent).toMatchObject({ status: 0, stderr: '' });
        }
        expect(await done).toEqual([0, null]);
        expect(got.trim().split('\n').sort()).toEqual([
          'drone/0 quality 0',
          'drone/1 quality 1',
          'drone/2 quality 2',
        ]);
      });
      expectClean(lines);
      const types = new Set(
        lines.flatMap(({ message }) => (message === undefined ? [] : [message.type as string])),
      );
      for (const type of [
        'connect',
        'connack',
        'subscribe',
        'suback',
        'puback',
        'pubrec',
        'pubrel',
        'pubcomp',
        'disconnect',
      ]) {
        expect([...types]).toContain(type);
      }
      expect(JSON.stringify(messages(lines, 'server'))).toContain(Buffer.from('quality 2').toString('hex'));
    });
  },
);

const programs = postgresPrograms();
const hasPostgres = programs !== undefined && isThere('psql');
describe.skipIf(!hasPostgres)('psql and PostgreSQL (Debian package postgresql)', LONG, () => {
  let port = 0;
  let stop = async (): Promise<void> => {};
  beforeAll(async () => {
    ({ port, stop } = await startPostgres(programs!, TRUST));
  });
  afterAll(() => stop());

  test('a session of psql', async () => {
    const { lines, out } = await through('postgres', port, async (at) => {
      const psql = (sql: string) =>
        run([
          'psql',
          `host=127.0.0.1 port=${at} user=wire dbname=postgres sslmode=disable gssencmode=disable`,
          '-Atc',
          sql,
        ]);
      expect(await psql("select 6 * 7, 'déjà vu', null")).toMatchObject({
        status: 0,
        stdout: '42|déjà vu|\n',
      });
      expect((await psql('select 1/0')).stderr).toContain('division by zero');
    });
    expectClean(lines);
    const said = messages(lines, 'client');
    expect(said[0]).toMatchObject({ type: 'startup', message: { type: 'startup' } });
    expect(JSON.stringify(said)).toContain("select 6 * 7, 'déjà vu', null");
    const types = messages(lines, 'server').map(({ type }) => type as string);
    for (const type of ['dataRow', 'commandComplete', 'readyForQuery']) expect(types).toContain(type);
    expect(JSON.stringify(messages(lines, 'server'))).toContain('division by zero');
    expect(readFileSync(out).length).toBeGreaterThan(100);
  });
});
