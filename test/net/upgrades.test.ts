/** Connections that go on with another protocol: what is flushed, what is unread, and who owns what. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { Duplex, PassThrough, pipeline } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { createDeflateRaw, createInflateRaw } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Codec,
  connect,
  createServer,
  defineProtocol,
  defineSession,
  FrameDecoder,
  HandlerError,
  line,
  MessageDecoder,
  MessageEncoder,
  Responder,
  type ServerOptions,
  StateMachine,
} from '../../src/index.ts';
import { flushed } from '../../src/net/flushed.ts';
import { Authority, type Certificate } from '../support/certificates.ts';
import { later, listening, raw, until } from '../support/net.ts';

type Line = { type: 'line'; text: string };
const lines: Codec<Line> = {
  decode: (bytes, start, end) => ({ type: 'line', text: bytes.toString('latin1', start, end) }),
  encode: ({ text }) => Buffer.from(text, 'latin1'),
};
const say = (text: string): Line => ({ type: 'line', text });

/** `up NAME` asks for an upgrade, after a while where it ends in `later`; `big` is answered by a megabyte. */
const session = defineSession({
  receives: lines,
  sends: lines,
  initial: 'plain',
  states: {
    plain: {
      on: {
        line: async ({ text }) => {
          const [verb, name = 'tls', wait] = text.split(' ');
          if (verb === 'big') return { send: Array.from({ length: 1_000 }, () => say('x'.repeat(1_000))) };
          if (verb !== 'up') return { send: say(`heard ${text}`) };
          if (wait !== undefined) await pause(20);
          return { send: say('go ahead'), next: 'gone', upgrade: name };
        },
      },
      next: ['gone'],
    },
    gone: { final: true },
  },
  farewell: (error) => say(`no: ${(error as { code?: string }).code}`),
});
const protocol = defineProtocol({
  name: 'upgradable',
  framing: line(),
  clientMessages: lines,
  serverMessages: lines,
  session,
});

/** Answers every chunk with itself in capitals. */
const shout = (socket: Duplex): void => {
  socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase())).on('error', () => {});
  socket.on('end', () => socket.end()).resume();
};

async function serving(upgrades: ServerOptions['upgrades'], options: ServerOptions<undefined> = {}) {
  const server = createServer(protocol, { ...options, upgrades });
  const ends: (string | undefined)[] = [];
  server.on('connectionEnd', (_, error) => ends.push(error === undefined ? undefined : error.code));
  const port = await listening(server);
  return { server, port, ends };
}

describe('a server', () => {
  let certificate: Certificate;
  let authority: Authority;
  beforeAll(() => {
    authority = new Authority();
    certificate = authority.issue('here');
  });

  test('continues with TLS, in a session of its own', async () => {
    const { port, ends, server } = await serving({
      tls: {
        take: (socket, unread, connection) => {
          expect(unread.length).toBe(0);
          expect(server.connections.has(connection as never)).toBe(false);
          server.accept(new tls.TLSSocket(socket, { isServer: true, ...certificate }), {
            address: 'under tls',
          });
        },
      },
    });
    const socket = net.connect(port, '127.0.0.1');
    later(() => socket.destroy());
    socket.write('one\nup tls\n');
    await until(() => (socket.read() ?? '').toString().endsWith('go ahead\n'));
    const secure = tls.connect({ socket, ca: authority.cert, servername: 'localhost' });
    await once(secure, 'secureConnect');
    secure.write('two\n');
    const [answer] = await once(secure, 'data');
    expect(String(answer)).toBe('heard two\n');
    expect([...server.connections].map(({ remote }) => remote)).toEqual(['under tls']);
    expect(ends).toEqual([undefined]);
    secure.end();
    await until(() => ends.length === 2);
    expect(ends).toEqual([undefined, undefined]);
    expect(server.stats()).toMatchObject({ accepted: 2, closed: 2, failed: 0, messagesReceived: 3 });
  });

  test.each(['up tls\nRCPT\n', 'up tls later\nR', 'up tls\n\x16\x03\x01'])(
    'ends a connection whose plaintext came too early: %j',
    async (sent) => {
      let taken = 0;
      const { port, ends } = await serving({ tls: { take: () => taken++ } });
      const { socket, closed } = await raw(port);
      socket.write(`a\n${sent}`, 'latin1');
      expect(String(await closed)).toBe('heard a\ngo ahead\nno: ERR_STATE_UNREAD\n');
      await until(() => ends.length > 0);
      expect(ends).toEqual(['ERR_STATE_UNREAD']);
      expect(taken).toBe(0);
    },
  );

  test.each(['up tls\nRCPT\nmore', 'up tls later\nRCPT\nmore'])(
    'hands over what came early where it is kept: %j',
    async (sent) => {
      const { port, ends } = await serving({
        tls: {
          unread: 'keep',
          take(socket, unread) {
            socket.write(`kept ${unread}\n`);
            shout(socket);
          },
        },
      });
      for (const pieces of [[sent], [...sent]]) {
        const { socket, bytes } = await raw(port, { noDelay: true });
        for (const piece of pieces) {
          socket.write(piece);
          await new Promise(setImmediate);
        }
        await until(() => String(bytes()).includes('kept'));
        await pause(10);
        socket.write(' then');
        await until(() => /then/i.test(String(bytes())));
        const [, kept] = String(bytes()).split('kept ');
        // What came while the upgrade was under way may be in either.
        expect(kept!.replace('\n', '').toLowerCase().replace(/\n/g, '')).toBe('rcptmore then');
      }
      expect(ends).toEqual([undefined, undefined]);
    },
  );

  test('flushes a long answer to a slow peer before the upgrade', async () => {
    const { port } = await serving({ tls: { take: shout } });
    const socket = net.connect(port, '127.0.0.1');
    later(() => socket.destroy());
    socket.write('big\nup\n');
    await pause(100);
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    await until(() => received.endsWith('go ahead\n'));
    expect(received.length).toBe(1_001_000 + 'go ahead\n'.length);
    socket.write('hello');
    await until(() => received.endsWith('HELLO'));
  });

  test('cuts a peer that does not read its answer', async () => {
    const { server, ends } = await serving({ tls: { take: shout } }, { lingerTimeout: 50 });
    const stream = new Duplex({ read() {}, write() {} });
    server.accept(stream);
    stream.push('up\n');
    await until(() => ends.length === 1);
    expect(stream.destroyed).toBe(true);
    expect(ends).toEqual(['ERR_TIMEOUT_STATE']);
  });

  test('refuses an unknown upgrade, and reports one that fails', async () => {
    const { port, ends, server } = await serving({
      bad: {
        take() {
          throw new Error('not today');
        },
      },
      worse: { take: () => Promise.reject(new Error('never')) },
    });
    const errors: Error[] = [];
    server.on('error', (error) => errors.push(error));
    const told = await raw(port);
    told.socket.write('up toString\n');
    expect(String(await told.closed)).toBe('go ahead\nno: ERR_STATE_UPGRADE\n');
    await until(() => ends.length === 1);
    for (const name of ['bad', 'worse']) {
      const { socket, closed } = await raw(port);
      socket.write(`up ${name}\n`);
      expect(String(await closed)).toBe('go ahead\n');
    }
    expect(ends).toEqual(['ERR_STATE_UPGRADE', undefined, undefined]);
    expect(errors.map((error) => [error instanceof HandlerError, error.message])).toEqual([
      [true, 'what takes connections over failed: not today'],
      [true, 'what takes connections over failed: never'],
    ]);
  });

  test('releases the place and the listeners of the connection before the upgrade', async () => {
    const seen: unknown[] = [];
    const { port, server } = await serving(
      {
        tls: {
          take: (socket, _, { machine, remote }) => {
            seen.push(
              server.connections.size,
              machine.state,
              remote.startsWith('127.'),
              socket.listenerCount('data'),
            );
            shout(socket);
          },
        },
      },
      { maxConnections: 1, idleTimeout: 500 },
    );
    const first = await raw(port);
    first.socket.write('up\n');
    await until(() => seen.length > 0);
    expect(seen).toEqual([0, 'gone', true, 0]);
    const second = await raw(port);
    second.socket.write('a\n');
    await until(() => second.bytes().length > 0);
    // No limit of the server's strikes what it no longer owns: not the one that strikes a later connection.
    await second.closed;
    first.socket.write('still here');
    await until(() => String(first.bytes()).endsWith('STILL HERE'));
  });

  test('serves a stream that is not a socket, and upgrades it to compression', async () => {
    const [there, back] = [new PassThrough(), new PassThrough()];
    const server = createServer(protocol, {
      upgrades: {
        deflate: {
          take(stream) {
            const packed = createDeflateRaw({ flush: 2 });
            pipeline(stream, createInflateRaw(), packed, stream, () => {});
          },
        },
      },
    });
    later(() => server.close({ deadline: 1 }));
    server.accept(Duplex.from({ readable: there, writable: back }));
    there.write('up deflate\n');
    await until(() => String(back.read() ?? '').endsWith('go ahead\n'));
    const packing = createDeflateRaw({ flush: 2 });
    packing.pipe(there, { end: false });
    const unpacking = back.pipe(createInflateRaw());
    packing.write('echo me');
    const [echo] = await once(unpacking, 'data');
    expect(String(echo)).toBe('echo me');
  });
});

describe('a client', () => {
  test('with its own session upgrades: sent bytes are flushed, early bytes are refused or kept', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk;
        if (all === 'please\n') socket.write(all.length > 0 ? 'go ahead\nearly' : '');
        else if (all.startsWith('please\nhello')) socket.write('welcome');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    later(() => server.close());
    const { port } = server.address() as AddressInfo;
    const asking = defineSession({
      receives: lines,
      sends: lines,
      initial: 'asking',
      states: {
        asking: {
          onEnter: () => say('please'),
          on: { line: () => ({ next: 'gone', upgrade: 'other' }) },
          next: ['gone'],
        },
        gone: {},
      },
    });
    const take = (socket: net.Socket, unread: Buffer): void => {
      got = String(unread);
      socket.on('data', (chunk) => {
        got += ` ${chunk}`;
        socket.end();
      });
      socket.resume().write('hello');
    };
    let got = '';
    const kept = await connect(protocol, {
      port,
      session: asking,
      upgrades: { other: { unread: 'keep', take } },
    });
    later(() => kept.destroy());
    await kept.closed;
    await until(() => got.endsWith('welcome'));
    expect(got).toBe('early welcome');
    const refused = await connect(protocol, { port, session: asking, upgrades: { other: { take } } });
    await expect(refused.closed).rejects.toMatchObject({ code: 'ERR_STATE_UNREAD', actual: 5 });
    const none = await connect(protocol, { port, session: asking });
    await expect(none.closed).rejects.toMatchObject({ code: 'ERR_STATE_UPGRADE', origin: 'local' });
  });

  test('what a message was waiting for: its bytes are early too', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {}).write('work\nearly\nearlier\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    later(() => server.close());
    const { port } = server.address() as AddressInfo;
    const named: Codec<{ type: string }> = {
      decode: (bytes, start, end) => ({ type: bytes.toString('latin1', start, end) }),
      encode: ({ type }) => Buffer.from(type, 'latin1'),
    };
    const waiting = defineSession({
      receives: named,
      sends: named,
      initial: 'working',
      states: {
        working: {
          on: {
            work: { concurrent: () => 1, handle: () => pause(1_000, undefined, { ref: false }) },
            early: () => ({}),
          },
          deadline: { within: 50, handle: () => ({ upgrade: 'other' }) },
        },
      },
    });
    const names = defineProtocol({
      name: 'names',
      framing: line(),
      clientMessages: named,
      serverMessages: named,
      session: waiting,
    });
    let got: string | undefined;
    const take = (socket: net.Socket, unread: Buffer): void => {
      got = String(unread);
      socket.destroy();
    };
    const client = (unread: 'keep' | 'refuse') =>
      connect(names, { port, session: waiting, upgrades: { other: { unread, take } } });
    const refused = await client('refuse');
    await expect(refused.closed).rejects.toMatchObject({ code: 'ERR_STATE_UNREAD', actual: 14 });
    const kept = await client('keep');
    later(() => kept.destroy());
    await kept.closed;
    await until(() => got !== undefined);
    expect(got).toBe('early\nearlier\n');
  });

  test('refuses upgrades that no message can request', async () => {
    const server = createServer(protocol);
    const port = await listening(server);
    await expect(connect(protocol, { port, upgrades: {} })).rejects.toThrow(/has none/);
  });
});

test('what a peer has taken while the process was busy is flushed', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  later(() => server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const { socket: peer } = await raw((server.address() as AddressInfo).port);
  const [ours] = await accepted;
  later(() => ours.destroy());
  let [left, looks] = [1, 0];
  ours.once('data', () => {
    left = 0;
  });
  const passing = {
    get writableLength() {
      looks++;
      return left;
    },
    readableLength: 0,
  };
  const isFlushed = new Promise((resolve) => flushed([passing], 1_000, resolve));
  await until(() => looks > 1);
  peer.write('taken');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_200);
  expect(await isFlushed).toBe(true);
});

test('an upgrade in a pipeline is an error after the answers', async () => {
  const faces = {
    stages: () => [
      new FrameDecoder(line()),
      new MessageDecoder(lines),
      new StateMachine(session),
      new MessageEncoder(lines, { framing: line() }),
    ],
    responder: () => [new Responder(protocol)],
  };
  for (const stages of Object.values(faces)) {
    const input = new PassThrough();
    const output = new PassThrough();
    let error: unknown;
    pipeline([input, ...stages(), output] as never, (failed?: Error | null) => {
      error = failed;
    });
    input.end('a\nup tls\nb\n');
    let sent = '';
    output.on('data', (chunk) => {
      sent += chunk;
    });
    await until(() => error !== undefined);
    expect(sent).toBe('heard a\ngo ahead\nno: ERR_STATE_UPGRADE\n');
    expect(error).toMatchObject({ code: 'ERR_STATE_UPGRADE', origin: 'local' });
  }
});
