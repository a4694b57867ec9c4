/** Bytes before the first frame: HTTP/2 against Node's own, AMQP against RabbitMQ. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  array,
  bits,
  bytes,
  type Client,
  type Codec,
  connect,
  constant,
  createServer,
  type Decoded,
  defineProtocol,
  defineSession,
  flags,
  lengthPrefix,
  message,
  messages,
  rest,
  struct,
  u8,
  u16be,
  u24be,
  u32be,
} from '../../src/index.ts';
import { later, listening, raw, until } from '../support/net.ts';
import { isThere } from '../support/programs.ts';

describe('HTTP/2 (RFC 9113)', () => {
  const stream = bits(u32be, { reserved: 1, id: 31 });
  const head = { flags: flags(u8, { ack: 0 }, { unknown: 'ignore' }), stream };
  const declared = messages(
    u8,
    {
      settings: message(4, { ...head, settings: array(struct({ id: u16be, value: u32be }), rest) }),
      ping: message(6, { ...head, data: bytes(8) }),
      goaway: message(7, { ...head, last: u32be, code: u32be, debug: bytes(rest) }),
      other: message([0, 1, 2, 3, 5, 8, 9], { ...head, body: bytes(rest) }),
    },
    { header: { length: u24be } },
  );
  type Frame = Decoded<typeof declared>;
  const frames = declared as unknown as Codec<Frame, Omit<Frame, 'length' | 'tag'>>;
  /** A frame, of which the session knows no more than its type. */
  type Any = { type: 'settings' | 'ping' | 'goaway' | 'other' };
  const any = (frame: object): Any => frame as Any;
  const isAck = (frame: Any): boolean => (frame as unknown as Frame).flags.ack;
  const connection = { reserved: 0, id: 0 };
  const settings = (ack: boolean): Any =>
    any({ type: 'settings', length: 0, flags: { ack }, stream: connection, settings: [] });
  const protocol = defineProtocol({
    name: 'http2',
    framing: lengthPrefix({
      lengthFieldLength: 3,
      byteOrder: 'big',
      lengthAdjustment: 6,
      initialBytesToStrip: 0,
      maxFrameLength: 16_390,
    }),
    preface: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    clientMessages: frames as never,
    serverMessages: frames as never,
    session: defineSession({
      receives: frames as unknown as Codec<Any>,
      sends: frames as unknown as Codec<Any>,
      initial: 'open',
      states: {
        open: {
          onEnter: () => settings(false),
          on: {
            settings: (frame) => (isAck(frame) ? undefined : { send: settings(true) }),
            ping: (frame: Any) => ({ send: any({ ...frame, flags: { ack: true } }) }),
            goaway: () => ({ next: 'over' as const }),
          },
          otherwise: () => undefined,
          next: ['over'],
        },
        over: { final: true },
      },
      farewell: () =>
        any({
          type: 'goaway',
          length: 0,
          flags: { ack: false },
          stream: connection,
          last: 0,
          code: 1,
          debug: Buffer.alloc(0),
        }),
    }),
  }) as never;

  test('a client of ours, and a server of Node', async () => {
    const server = http2.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    later(() => server.close());
    const { port } = server.address() as AddressInfo;
    const client: Client<object, Frame> = (await connect(protocol, { port })) as never;
    later(() => client.destroy());
    client.send(settings(false));
    client.send({
      type: 'ping',
      length: 0,
      flags: { ack: false },
      stream: connection,
      data: Buffer.from('12345678'),
    });
    const seen: string[] = [];
    for await (const frame of client) {
      seen.push(frame.type === 'ping' ? `${frame.data} ${frame.flags.ack}` : frame.type);
      if (frame.type === 'ping') break;
    }
    expect(seen).toContain('settings');
    expect(seen.at(-1)).toBe('12345678 true');
  });

  test('a server of ours, and a client of Node', async () => {
    const server = createServer(protocol);
    const port = await listening(server);
    const session = http2.connect(`http://127.0.0.1:${port}`);
    later(() => session.destroy());
    await once(session, 'remoteSettings');
    const data = await new Promise((resolve, reject) =>
      session.ping(Buffer.from('abcdefgh'), (error, _, echo) =>
        error ? reject(error) : resolve(String(echo)),
      ),
    );
    expect(data).toBe('abcdefgh');
    session.close();
    await once(session, 'close');
  });

  test('a server of ours, and a client of HTTP/1.1', async () => {
    const server = createServer(protocol);
    const ends: unknown[] = [];
    server.on('connectionEnd', (_, error) => ends.push(error));
    const { socket, closed } = await raw(await listening(server));
    socket.write('GET / HTTP/1.1\r\n\r\n');
    const sent = await closed;
    // SETTINGS and GOAWAY with PROTOCOL_ERROR.
    expect(sent.toString('hex')).toBe('0000000400000000000000080700000000000000000000000001');
    await until(() => ends.length > 0);
    expect(ends).toMatchObject([
      {
        code: 'ERR_FRAME_PREFACE',
        offset: 0,
        message:
          'stream begins with "G", not with the preface "PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n": it differs at stream offset 0',
      },
    ]);
  });
});

/** AMQP 0-9-1: type, channel, size, payload, CE. */
const amqp = defineProtocol({
  name: 'amqp',
  framing: lengthPrefix({
    lengthFieldOffset: 3,
    byteOrder: 'big',
    lengthAdjustment: 1,
    initialBytesToStrip: 0,
    maxFrameLength: 131_072,
  }),
  preface: { client: 'AMQP\0\0\x09\x01', refusal: 'AMQP\0\0\x09\x01' },
  ...(() => {
    const head = { channel: u16be, size: u32be };
    const frames = messages(u8, {
      method: message(1, {
        ...head,
        class: u16be,
        method: u16be,
        arguments: bytes(rest),
        end: constant(u8, 0xce),
      }),
      heartbeat: message(8, { ...head, end: constant(u8, 0xce) }),
    });
    const session = defineSession({
      receives: frames,
      sends: frames,
      initial: 'open',
      states: { open: { otherwise: () => undefined } },
      farewell: () => ({ type: 'heartbeat', channel: 0, size: 0 }),
    });
    return { clientMessages: frames, serverMessages: frames, session };
  })(),
});

test('a server that refuses a preface sends its own (AMQP 0-9-1, §2.2.4)', async () => {
  const server = createServer(amqp);
  const port = await listening(server);
  for (const sent of ['AMQP\x01\x01\0\x0a', 'GET / HTTP/1.1\r\n\r\n']) {
    const { socket, closed } = await raw(port);
    for (const byte of sent) socket.write(byte, 'latin1');
    expect((await closed).toString('latin1')).toBe('AMQP\0\0\x09\x01');
  }
  const { socket, closed } = await raw(port);
  socket.end('AMQP');
  // The stream ended inside of it: nothing is known to be wrong with what came.
  expect((await closed).toString('hex')).toBe('08000000000000ce');
});

const program = isThere('rabbitmq-server');

describe.skipIf(!program)('RabbitMQ (Debian package rabbitmq-server)', () => {
  let port = 0;
  let stop = (): unknown => undefined;
  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'wirepipe-rabbit-'));
    const probes = [net.createServer(), net.createServer(), net.createServer()];
    for (const probe of probes) await once(probe.listen(0, '127.0.0.1'), 'listening');
    const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
    port = ports[0]!;
    const [, epmd, distribution] = ports;
    for (const probe of probes) await once(probe.close(), 'close');
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      LANG: 'C.UTF-8',
      RABBITMQ_NODENAME: `wirepipe${port}@localhost`,
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_DIST_PORT: String(distribution),
      ERL_EPMD_PORT: String(epmd),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_MNESIA_BASE: folder,
      RABBITMQ_LOG_BASE: folder,
      RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'plugins'),
      RABBITMQ_PID_FILE: path.join(folder, 'pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
    };
    // In the foreground, so that it is ours to end: as a daemon it would outlive the node.
    const names = spawn('epmd', ['-port', String(epmd), '-address', '127.0.0.1'], { env, stdio: 'ignore' });
    // The script in /usr/sbin changes the user, and so the environment.
    const server = spawn('/usr/lib/rabbitmq/bin/rabbitmq-server', [], {
      env,
      stdio: 'ignore',
      detached: true,
    });
    stop = () => {
      names.kill('SIGKILL');
      process.kill(-server.pid!, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    };
    for (let i = 0; ; i++) {
      const probe = net.connect(port, '127.0.0.1');
      const isUp = await Promise.race([
        once(probe, 'connect').then(() => true),
        once(probe, 'error').then(() => false),
      ]).catch(() => false);
      probe.destroy();
      if (isUp) break;
      if (i === 1_500) throw new Error('RabbitMQ does not start');
      await pause(100);
    }
  }, 180_000);
  afterAll(() => stop());

  test('starts the connection after our preface, and tunes its frames', async () => {
    const client = await connect(amqp, { port });
    later(() => client.destroy());
    const incoming = client[Symbol.asyncIterator]();
    const method = async () => {
      const { value } = await incoming.next();
      if (value?.type !== 'method') throw new Error(`got ${value?.type}`);
      return value;
    };
    const send = (klass: number, number: number, args: Buffer) =>
      client.send({
        type: 'method',
        channel: 0,
        size: 4 + args.length,
        class: klass,
        method: number,
        arguments: args,
      });
    const start = await method();
    expect([start.class, start.method]).toEqual([10, 10]);
    expect(String(start.arguments)).toContain('RabbitMQ');
    const text = (some: string) => Buffer.concat([Buffer.of(some.length), Buffer.from(some)]);
    const long = Buffer.from('\0\0\0\x0c\0guest\0guest', 'latin1');
    send(10, 11, Buffer.concat([Buffer.alloc(4), text('PLAIN'), long, text('en_US')]));
    const tune = await method();
    expect([tune.class, tune.method, Buffer.from(tune.arguments).readUInt32BE(2)]).toEqual([10, 30, 131_072]);
    send(10, 31, Buffer.from(tune.arguments));
    send(10, 40, Buffer.concat([text('/'), Buffer.alloc(2)]));
    const opened = await method();
    expect([opened.class, opened.method]).toEqual([10, 41]);
  });

  test('refuses another version with its own preface, which is not a frame', async () => {
    // The broker closes without reading on: that may come as a reset, which may overtake what it sent before.
    const refusal = async (preface: {
      client: string;
      server?: string;
    }): Promise<{ code?: string } | undefined> => {
      const client = await connect({ ...amqp, preface }, { port });
      return client.closed.catch((error) => error);
    };
    const client = 'AMQP\x09\x09\x09\x09';
    await vi.waitFor(
      async () => expect(await refusal({ client })).toMatchObject({ name: 'FrameError' }),
      10_000,
    );
    const end = await refusal({ client, server: 'AMQP\0\0\x09\x01' });
    expect([undefined, 'ECONNRESET']).toContain(end?.code);
  });
});
