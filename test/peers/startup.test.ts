/** PostgreSQL's startup inside the library: frames without a type byte, a bare byte as the answer, then typed messages. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  array,
  bytes,
  type Codec,
  connect,
  constant,
  createServer,
  cstring,
  defineProtocol,
  defineSession,
  fixedLength,
  type Infer,
  i16be,
  i32be,
  lengthPrefix,
  message,
  messages,
  padding,
  rest,
  size,
  struct,
  u8,
  u16be,
  u32be,
  until,
  utf8,
} from '../../src/index.ts';
import { listening } from '../support/net.ts';
import { isThere } from '../support/programs.ts';

/** The framing writes the length and judges it: to the codec it is padding. */
const length = { length: padding(4) };
const text = cstring(1_000);
const typed = lengthPrefix({
  lengthFieldOffset: 1,
  byteOrder: 'big',
  lengthAdjustment: -4,
  initialBytesToStrip: 0,
  maxFrameLength: 1_000_000,
});
/** Before everything else there is no type byte, and requests are told apart by their version. */
const starting = lengthPrefix({ byteOrder: 'big', lengthIncludes: 'header', maxFrameLength: 10_000 });
const startupMessages = messages(u32be, {
  startup: message(196_608, { parameters: array(cstring(1_000), until(constant(u8, 0))) }),
  ssl: message(80_877_103),
  gss: message(80_877_104),
});
type Startup = Extract<Infer<typeof startupMessages>, { type: 'startup' }>;
/** One byte without a frame. */
const no: Codec<{ type: 'no' }> = { decode: () => ({ type: 'no' }), encode: () => Buffer.from('N') };

const clientMessages = messages(u8, {
  query: message(0x51, { ...length, sql: cstring(100_000) }),
  terminate: message(0x58, length),
});
const serverMessages = messages(u8, {
  authentication: message(0x52, { ...length, request: u32be }),
  parameterStatus: message(0x53, { ...length, name: text, value: text }),
  readyForQuery: message(0x5a, { ...length, status: u8 }),
  rowDescription: message(0x54, {
    ...length,
    columns: array(
      struct({
        name: text,
        table: u32be,
        attribute: u16be,
        type: u32be,
        size: i16be,
        modifier: i32be,
        format: u16be,
      }),
      u16be,
    ),
  }),
  dataRow: message(0x44, { ...length, values: array(utf8(size(i32be, { nullAt: -1 })), u16be) }),
  commandComplete: message(0x43, { ...length, tag: text }),
  error: message(0x45, { ...length, fields: bytes(rest) }),
});
const ready = { type: 'readyForQuery', status: 0x49 } as const;

const session = defineSession({
  receives: clientMessages,
  sends: serverMessages,
  initial: 'starting',
  context: () => ({ user: '', refused: [] as string[] }),
  states: {
    starting: {
      framing: { reads: starting, writes: fixedLength(1) },
      receives: startupMessages,
      sends: no,
      on: {
        ssl: (_: unknown, { refused }: { refused: string[] }) => {
          refused.push('ssl');
          return { send: { type: 'no' } };
        },
        gss: (_: unknown, { refused }: { refused: string[] }) => {
          refused.push('gss');
          return { send: { type: 'no' } };
        },
        startup: ({ parameters }: Startup, context: { user: string }) => {
          context.user = parameters[parameters.indexOf('user') + 1]!;
          return { next: 'open' };
        },
      },
      next: ['open'],
    },
    open: {
      onEnter: () => [
        { type: 'authentication', request: 0 },
        { type: 'parameterStatus', name: 'server_version', value: '15.0' },
        { type: 'parameterStatus', name: 'client_encoding', value: 'UTF8' },
        ready,
      ],
      on: {
        query: ({ sql }, { user, refused }) => ({
          send: [
            {
              type: 'rowDescription',
              columns: [
                { name: 'sql', table: 0, attribute: 0, type: 25, size: -1, modifier: -1, format: 0 },
                { name: 'who', table: 0, attribute: 0, type: 25, size: -1, modifier: -1, format: 0 },
              ],
            },
            { type: 'dataRow', values: [sql, `${user} ${refused}`] },
            { type: 'dataRow', values: [null, ''] },
            { type: 'commandComplete', tag: 'SELECT 2' },
            ready,
          ],
        }),
        terminate: () => ({ next: 'over' }),
      },
      next: ['over'],
    },
    over: { final: true },
  },
});
const postgres = defineProtocol({
  name: 'postgres',
  framing: typed,
  clientMessages,
  serverMessages,
  session,
});

describe.skipIf(!isThere('psql'))('psql (Debian package postgresql-client)', () => {
  test.each(['disable', 'prefer'])('asks, with sslmode=%s', async (sslmode) => {
    const server = createServer(postgres);
    const ends: unknown[] = [];
    server.on('connectionEnd', (_, error) => ends.push(error));
    const port = await listening(server);
    const psql = spawn(
      'psql',
      [
        '-X',
        '-At',
        '-P',
        'null=NULL',
        `host=127.0.0.1 port=${port} user=ada dbname=x sslmode=${sslmode}`,
        '-c',
        "select 'é'",
      ],
      { env: { ...process.env, PGGSSENCMODE: 'disable' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let out = '';
    for (const stream of [psql.stdout, psql.stderr])
      stream.setEncoding('utf8').on('data', (some) => (out += some));
    const [status] = await new Promise<unknown[]>((resolve) => psql.on('close', (...how) => resolve(how)));
    expect([status, out]).toEqual([0, `select 'é'|ada ${sslmode === 'prefer' ? 'ssl' : ''}\nNULL|\n`]);
    while (ends.length === 0) await pause(5);
    expect(ends).toEqual([undefined]);
  });
});

test('a client with the same states: its first message has no type byte, and the answer is one byte', async () => {
  const server = createServer(postgres);
  const port = await listening(server);
  const rows: unknown[] = [];
  const asking = defineSession({
    receives: serverMessages,
    sends: clientMessages,
    initial: 'asking',
    states: {
      asking: {
        framing: { reads: fixedLength(1), writes: starting },
        receives: no,
        sends: startupMessages,
        onEnter: () => ({ type: 'ssl' }),
        on: {
          no: () => ({ send: { type: 'startup', parameters: ['user', 'grace'] }, next: 'open' }),
        },
        next: ['open'],
      },
      open: {
        on: {
          readyForQuery: () =>
            rows.length === 0
              ? { send: { type: 'query' as const, sql: 'select 1' } }
              : { send: { type: 'terminate' as const }, next: 'over' as const },
          dataRow: ({ values }) => void rows.push(values),
        },
        otherwise: () => undefined,
        next: ['over'],
      },
      over: { final: true },
    },
  });
  const client = await connect(postgres, { port, session: asking });
  await client.closed;
  expect(rows).toEqual([
    ['select 1', 'grace ssl'],
    [null, ''],
  ]);
});
