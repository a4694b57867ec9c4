/** Frames that are no message, and noise: a connection reads on, tells, and counts. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  Conversation,
  connect,
  createServer,
  defineProtocol,
  defineSession,
  delimiter,
  message,
  messages,
  type ServerOptions,
  u8,
} from '../../src/index.ts';
import { later, listening, raw, until } from '../support/net.ts';

const codec = messages(u8, { ask: message(0x61, { n: u8 }), odd: message(0x62) });
const answers = messages(u8, { told: message(0x61, { n: u8 }) });
const session = defineSession({
  receives: codec,
  sends: answers,
  initial: 'open',
  states: { open: { on: { ask: ({ n }) => ({ send: { type: 'told', n } }), odd: () => undefined } } },
});
/** `<…>`, at most four bytes; longer ones are skipped, and so is what stands between. */
const framing = delimiter({ start: '<', delimiter: '>', maxFrameLength: 4, onTooLong: 'discard' });
const protocol = defineProtocol({
  name: 'asking',
  framing,
  clientMessages: codec,
  serverMessages: answers,
  session,
});

/** Four good frames, two that are no message, one too long, five bytes of noise. */
const STREAM = 'no<a1><zz>ise<a2><toolong><a><b><a3>';

async function serving(options: ServerOptions<undefined>) {
  const server = createServer(protocol, options);
  const told: unknown[] = [];
  server.on('invalid', (error, frame, { remote }) =>
    told.push((error as { code?: string }).code, String(frame), remote),
  );
  const port = await listening(server);
  return { server, told, port };
}

describe('a server', () => {
  test('an invalid frame counts towards maxMessageRate, and is a sign of life', async () => {
    const { server, port } = await serving({
      onInvalid: 'discard',
      maxMessageRate: 100,
      frameTimeout: 1_000,
    });
    const struck: unknown[] = [];
    server.on('limit', ({ limit, action }) => struck.push(limit, action));
    for (const frame of ['<zz>', '<toolong>']) {
      const peer = await raw(port);
      const from = performance.now();
      peer.socket.write(frame.repeat(160));
      await until(() => struck.length > 0);
      expect(struck).toEqual(['maxMessageRate', 'paused']);
      peer.socket.write('<a1>');
      await until(() => peer.bytes().length > 0);
      expect(performance.now() - from).toBeGreaterThan(300);
      peer.socket.destroy();
      await until(() => server.connections.size === 0);
      struck.length = 0;
    }
    // Behind each such frame another one has begun, whenever it is looked at.
    const slow = await raw(port);
    for (let i = 0; i < 30; i++) {
      slow.socket.write(`${i === 0 ? '' : 'z>'}<z`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(struck).toEqual([]);
    slow.socket.write('>');
  });

  test.each([[[STREAM]], [[...STREAM]]])(
    'skips invalid frames, reports them, and counts them',
    async (chunks) => {
      const { server, told, port } = await serving({ onInvalid: 'discard' });
      const discarded: unknown[] = [];
      server.on('discard', ({ code, actual }, { machine }) => discarded.push(code, actual, machine.state));
      const { socket, bytes } = await raw(port, { noDelay: true });
      const remote = `127.0.0.1:${socket.localPort}`;
      for (const chunk of chunks) {
        socket.write(chunk);
        await new Promise(setImmediate);
      }
      await until(() => String(bytes()) === '<a1><a2><a3>');
      expect(told).toEqual(['ERR_MESSAGE_UNKNOWN', 'zz', remote, 'ERR_MESSAGE_SHORT', 'a', remote]);
      expect(discarded).toEqual([
        'ERR_FRAME_NOISE',
        2,
        'open',
        'ERR_FRAME_NOISE',
        3,
        'open',
        'ERR_FRAME_TOO_LONG',
        undefined,
        'open',
      ]);
      const counts = { frames: 6, invalid: 2, discarded: 1, noise: 5 };
      expect([...server.connections].map((connection) => connection.counts)).toEqual([counts]);
      const totals = {
        messagesReceived: 4,
        framesReceived: 6,
        framesInvalid: 2,
        framesDiscarded: 1,
        noiseReceived: 5,
      };
      expect(server.stats()).toMatchObject(totals);
      socket.end();
      await until(() => server.connections.size === 0);
      expect(server.stats()).toMatchObject({ ...totals, failed: 0, closed: 1 });
    },
  );

  test('counts invalid frames without a listener, and by default ends the connection', async () => {
    const { server, port, told } = await serving({});
    const { socket, closed } = await raw(port);
    socket.write('no<a1><zz><a2>');
    expect(String(await closed)).toBe('<a1>');
    await until(() => server.stats().failed === 1);
    expect(server.stats()).toMatchObject({ framesReceived: 1, framesInvalid: 0, noiseReceived: 2 });
    expect(told).toEqual([]);
    expect(() => createServer(protocol, { onInvalid: 'ignore' as never })).toThrow(
      "must be 'error' or 'discard'",
    );
  });

  test('an error thrown by a listener is reported by the server, and reading continues', async () => {
    const server = createServer(protocol, { onInvalid: 'discard' });
    const errors: Error[] = [];
    server.on('invalid', () => {
      throw new Error('not me');
    });
    server.on('error', (error) => errors.push(error));
    const { socket, bytes } = await raw(await listening(server));
    socket.write('<zz><a1>');
    await until(() => String(bytes()) === '<a1>');
    expect(errors.map(({ message }) => message)).toEqual(["a listener of 'invalid' failed: not me"]);
  });
});

test('a conversation skips and reports invalid frames without a stream', () => {
  const conversation = new Conversation(protocol, undefined, undefined, { onInvalid: 'discard' });
  const seen: unknown[] = [];
  conversation.observer = {
    message: ({ type }: never) => seen.push(type),
    transition() {},
    invalid: (_, frame) => seen.push(String(frame)),
    onDiscard: ({ code }) => seen.push(code),
  };
  conversation.receive(Buffer.from('x<a1><zz><b>'));
  expect(String(conversation.take())).toBe('<a1>');
  expect(seen).toEqual(['ERR_FRAME_NOISE', 'ask', 'zz', 'odd']);
  expect(conversation.counts).toEqual({ frames: 3, invalid: 1, discarded: 0, noise: 1 });
});

describe('a client', () => {
  /** A server that answers each `<a…>` with the next of these. */
  async function answering(answers: readonly string[]) {
    let next = 0;
    const server = net.createServer((socket) => {
      socket
        .on('error', () => {})
        .on('data', (chunk) => {
          for (const _ of String(chunk).matchAll(/<a.>/gs)) socket.write(answers[next++] ?? '');
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    later(() => server.close());
    return (server.address() as AddressInfo).port;
  }
  const ask = (n: number) => ({ type: 'ask', n }) as const;
  const replies = { expects: { ask: 'one' }, timeout: 2_000 } as const;

  test('without numbers an invalid frame fails the oldest request, because it may be its reply', async () => {
    const port = await answering(['<a1>', '<zz>', '<a3>']);
    const client = await connect(protocol, {
      port,
      replies: { ...replies, maxInFlight: 3 },
      onInvalid: 'discard',
    });
    later(() => client.destroy());
    const told: unknown[] = [];
    client.messages.on('invalid', (error, frame) => told.push(error.code, String(frame)));
    const got = await Promise.allSettled([1, 2, 3].map((n) => client.request(ask(n))));
    expect(got).toMatchObject([
      { value: { n: 0x31 } },
      { reason: { code: 'ERR_MESSAGE_UNKNOWN' } },
      { value: { n: 0x33 } },
    ]);
    expect(told).toEqual(['ERR_MESSAGE_UNKNOWN', 'zz']);
  });

  test('a frame that the framing skipped fails the oldest request, and noise does not', async () => {
    const port = await answering(['noise<a1>', '<toolong>', '<a3>']);
    const client = await connect(protocol, { port, replies });
    later(() => client.destroy());
    const told: unknown[] = [];
    client.messages.on('discard', ({ code }) => told.push(code));
    expect(await client.request(ask(1))).toMatchObject({ n: 0x31 });
    await expect(client.request(ask(2))).rejects.toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
    expect(await client.request(ask(3))).toMatchObject({ n: 0x33 });
    expect(told).toEqual(['ERR_FRAME_NOISE', 'ERR_FRAME_TOO_LONG']);
  });

  test('fails with all its requests if the request of a skipped reply cannot be known', async () => {
    const port = await answering(['', '', '<a1><toolong><a3>']);
    const client = await connect(protocol, { port, replies: { ...replies, maxInFlight: 3 } });
    const got = await Promise.allSettled([1, 2, 3].map((n) => client.request(ask(n))));
    expect(got).toMatchObject(Array.from({ length: 3 }, () => ({ reason: { code: 'ERR_FRAME_TOO_LONG' } })));
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
  });

  test('with numbers continues to wait: the reply may still come', async () => {
    const port = await answering(['<zz><a\x00>', '<toolong><a\x01>']);
    const numbered = { ...replies, id: 'n' } as const;
    const client = await connect(protocol, { port, replies: numbered, onInvalid: 'discard' });
    later(() => client.destroy());
    const told: unknown[] = [];
    client.messages.on('discard', ({ code }) => told.push(code));
    expect(await client.request({ type: 'ask' })).toMatchObject({ n: 0 });
    expect(await client.request({ type: 'ask' })).toMatchObject({ n: 1 });
    expect(told).toEqual(['ERR_FRAME_TOO_LONG']);
  });

  test('by default ends at an invalid frame', async () => {
    const port = await answering(['<zz>']);
    const client = await connect(protocol, { port, replies });
    await expect(client.request(ask(1))).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' });
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' });
  });
});
