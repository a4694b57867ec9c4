import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  array,
  bytes,
  Client,
  type Codec,
  codecOf,
  connect,
  constant,
  createServer,
  cstring,
  defineProtocol,
  defineSession,
  i32le,
  json,
  lengthPrefix,
  line,
  message,
  messages,
  optional,
  parameter,
  rest,
  struct,
  u8,
  u16be,
  u32be,
  u64be,
  utf8,
  when,
} from '../../src/index.ts';
import { collectGarbage } from '../support/collect-garbage.ts';
import { Wire } from '../support/wire.ts';

const framing = lengthPrefix({ lengthFieldLength: 1 });
const cleanup: (() => unknown)[] = [];
// The timers of requests hold no process, and here is no socket that would.
const alive = setInterval(() => {}, 1_000);
afterAll(() => clearInterval(alive));
afterEach(async () => {
  vi.useRealTimers();
  for (const act of cleanup.splice(0)) await act();
});

/** From here on, time passes only where the test says so. */
const stopTime = (): void => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });

/** Let time pass, and the turns of the event loop in which it is noticed. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await pause(5);
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error) => error.code ?? error.message,
  );
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Types of what comes by iteration. */
function listen<C, S>(client: Client<C, S>): string[] {
  const seen: string[] = [];
  client.messages.on('data', (message: { type: string }) => seen.push(message.type));
  cleanup.push(() => client.destroy());
  return seen;
}

describe('a request of the peer with one of our numbers is not a reply', () => {
  const clientMessages = messages(u8, {
    subscribe: message(0x82, { id: u16be, topic: utf8(u8) }),
    puback: message(0x40, { id: u16be }),
  });
  const serverMessages = messages(u8, {
    suback: message(0x90, { id: u16be, code: u8 }),
    publish: message(0x32, { id: u16be, payload: bytes(rest) }),
  });

  test.each([
    ['by a function', { isReply: ({ type }: { type: string }) => type !== 'publish' }],
    ['by types', { isReply: ['suback' as const] }],
    ['by what is expected', { expects: { subscribe: { one: 'suback' as const } } }],
  ])('%s', async (_, rule) => {
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, {
      replies: { id: 'id', ids: [1, 65_535], timeout: 30_000, ...rule },
    });
    const seen = listen(client);
    const reply = client.request({ type: 'subscribe', id: 0, topic: 'a' });
    wire.answer(hex('32 0001 aa')); // PUBLISH with the server's own number 1
    wire.answer(hex('90 0001 00')); // SUBACK 1
    expect(await outcome(reply)).toEqual({ type: 'suback', id: 1, code: 0 });
    await turn();
    expect(seen).toEqual(['publish']);
  });

  test('both sides speak the same messages (SMPP)', async () => {
    const codec = messages(u32be, {
      submit: message(4, { seq: u32be }),
      submitResp: message(0x80000004, { seq: u32be, id: cstring() }),
      enquire: message(0x15, { seq: u32be }),
      enquireResp: message(0x80000015, { seq: u32be }),
    });
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: {
        id: 'seq',
        ids: [1, 0x7fffffff],
        expects: { submit: 'one', enquire: 'one', submitResp: 'none', enquireResp: 'none' },
      },
    });
    const seen: string[] = [];
    client.messages.on('data', ({ type, seq }) => {
      seen.push(type);
      if (type === 'enquire') client.send({ type: 'enquireResp', seq });
    });
    cleanup.push(() => client.destroy());
    const reply = client.request({ type: 'submit' });
    wire.answer(hex('00000015 00000001')); // enquire_link 1, the server's own
    wire.answer(hex('80000004 00000001 78 00')); // submit_sm_resp 1
    expect(await reply).toEqual({ type: 'submitResp', seq: 1, id: 'x' });
    await turn();
    expect(seen).toEqual(['enquire']);
    expect(wire.frames.at(-1)).toEqual(hex('80000015 00000001'));
  });
});

describe('the number at a path', () => {
  test('inside a structure, which may be left out', async () => {
    const codec = codecOf(struct({ header: struct({ kind: u8, correlation: u16be }), body: bytes(rest) }));
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: { id: 'header.correlation', timeout: 30_000 },
    });
    listen(client);
    const reply = client.request({ header: { kind: 1 }, body: hex('01') });
    wire.answer(hex('01 0000 02'));
    expect(await outcome(reply)).toEqual({ header: { kind: 1, correlation: 0 }, body: hex('02') });
  });

  test('in another field of the reply (MongoDB)', async () => {
    const codec = codecOf(struct({ requestId: i32le, responseTo: i32le, body: bytes(rest) }));
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: { id: { request: 'requestId', reply: 'responseTo' }, ids: [1, 100], timeout: 30_000 },
    });
    listen(client);
    const a = client.request({ responseTo: 0, body: hex('0a') });
    const b = client.request({ responseTo: 0, body: hex('0b') });
    wire.answer(hex('01000000 02000000 bb')); // the server's message 1 answers request 2
    wire.answer(hex('02000000 01000000 aa'));
    expect([await a, await b].map(({ body }) => body)).toEqual([hex('aa'), hex('bb')]);
  });

  test('of 64 bits', async () => {
    const codec = codecOf(struct({ id: u64be, body: bytes(rest) }));
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: { id: 'id', ids: [2n ** 63n, 2n ** 64n - 1n], timeout: 30_000 },
    });
    listen(client);
    const reply = client.request({ body: hex('0a') });
    wire.answer(hex('8000000000000000 aa'));
    expect(await outcome(reply)).toEqual({ id: 2n ** 63n, body: hex('aa') });
  });

  test('a text that the caller gives, and a number otherwise', async () => {
    const codec = json<{ id?: string | number; ok?: number }>();
    const wire = new Wire(line());
    const client = new Client({ framing: line(), clientMessages: codec, serverMessages: codec }, wire, {
      replies: { id: 'id', timeout: 30_000 },
    });
    listen(client);
    const own = client.request({ id: 'own-7' });
    const numbered = client.request({});
    expect(await outcome(client.request({ id: 'own-7' }))).toBe('ERR_REQUEST_NUMBERS');
    wire.answer(Buffer.from('{"id":0,"ok":2}'));
    wire.answer(Buffer.from('{"id":"own-7","ok":1}'));
    expect([await own, await numbered]).toEqual([
      { id: 'own-7', ok: 1 },
      { id: 0, ok: 2 },
    ]);
  });

  test('a path to a missing field is refused in the declaration', () => {
    const codec = messages(u8, { ask: message(1, { id: u8, list: bytes(u8) }), note: message(2) });
    const parts = { framing, clientMessages: codec, serverMessages: codec };
    const client = (replies: object) => () => new Client(parts, new Wire(framing), { replies });
    expect(client({ id: 'idd' })).toThrow(/no request has a field 'idd'/);
    expect(client({ id: { request: 'id', reply: 'list.x' } })).toThrow(/no reply has a field 'list.x'/);
    expect(client({ id: 'list' })).toThrow(/neither a number nor a text/);
    expect(client({ id: 'id', ids: [0, 256] })).toThrow(/do not fit 'id', which holds 0 to 255/);
    expect(client({ id: 'id', idz: 1 })).toThrow(/no option "idz"/);
    expect(client({ id: 'id', timeout: 2 ** 31 })).toThrow(RangeError);
    expect(client({ ids: [0, 5] })).toThrow(/ids without an id/);
    const session = defineSession({
      receives: codec,
      sends: codec,
      initial: 's',
      states: { s: { otherwise: () => {} } },
    });
    // @ts-expect-error no such path in the messages
    expect(() => defineProtocol({ name: 'p', ...parts, session, replies: { id: 'nope' } })).toThrow(/'nope'/);
    expect(() =>
      defineProtocol({ name: 'p', ...parts, session, replies: { expects: { ask: 'two' as never } } }),
    ).toThrow(/expects.ask/);
  });

  test('numbers fit the field, and none is skipped when they wrap around', async () => {
    const codec = messages(u8, { read: message(1, { id: u8 }), value: message(2, { id: u8 }) });
    const wire = new Wire(framing);
    wire.onFrame = (frame) => wire.answer(Buffer.from([2, frame[1]!]));
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: { id: 'id' },
    });
    listen(client);
    for (let i = 0; i < 600; i++)
      expect(await client.request({ type: 'read' })).toMatchObject({ id: i % 256 });
  });
});

describe('many replies', () => {
  const clientMessages = messages(u8, {
    search: message(1, { id: u8, base: u8 }),
    ping: message(2, { id: u8 }),
  });
  const serverMessages = messages(u8, {
    entry: message(2, { id: u8, value: u8 }),
    done: message(3, { id: u8 }),
  });
  const replies = {
    id: 'id',
    ids: [1, 2],
    timeout: 30_000,
    expects: { search: { until: 'done', of: 'entry' }, ping: { one: 'done' } },
  } as const;
  const values = async (many: AsyncIterable<{ type: string; value?: number }>): Promise<unknown[]> => {
    const list = [];
    for await (const { type, value } of many) list.push(value ?? type);
    return list;
  };

  test('each search gets its entries, and keeps its number until the last one', async () => {
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, { replies });
    const seen = listen(client);
    const lists = [1, 2, 3].map((base) => values(client.requestMany({ type: 'search', base })));
    await turn();
    expect(wire.frames).toEqual([hex('01 01 01'), hex('01 02 02')]);
    wire.answer(hex('02 01 0a')); // entry 10 of search 1
    wire.answer(hex('02 02 14')); // entry 20 of search 2
    wire.answer(hex('02 01 0b')); // entry 11 of search 1
    wire.answer(hex('03 01')); // done 1
    wire.answer(hex('03 02')); // done 2
    await pause(10);
    expect(wire.frames[2]).toEqual(hex('01 01 03')); // number 1 again
    wire.answer(hex('02 01 1e'));
    wire.answer(hex('03 01'));
    expect(await Promise.all(lists)).toEqual([
      [10, 11, 'done'],
      [20, 'done'],
      [30, 'done'],
    ]);
    expect(seen).toEqual([]);
  });

  test('leaving the loop discards the remaining replies', async () => {
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, {
      replies: { ...replies, ids: [1, 1] },
    });
    const seen = listen(client);
    const many = client.requestMany({ type: 'search', base: 1 });
    wire.answer(hex('02 01 0a'));
    for await (const { type } of many) {
      expect(type).toBe('entry');
      break;
    }
    const next = client.request({ type: 'ping' });
    wire.answer(hex('02 01 0b'));
    await pause(5);
    expect(wire.frames).toHaveLength(1); // the number is not free before the last one
    wire.answer(hex('03 01'));
    await pause(5);
    wire.answer(hex('03 01'));
    expect(await next).toEqual({ type: 'done', id: 1 });
    expect(seen).toEqual([]);
  });

  test('replies that are not read pause the socket, and none is lost', async () => {
    stopTime();
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, {
      replies: { ...replies, maxUnread: 10, timeout: 200 },
    });
    listen(client);
    const many = client.requestMany({ type: 'search', base: 1 });
    for (let i = 0; i < 20_000; i++) wire.answer(Buffer.from([2, 1, i % 200]));
    wire.answer(hex('03 01'));
    await pass(0);
    await pass(300); // longer than the timeout: what came waits for us
    expect(wire.held).toBeGreaterThan(10_000);
    const list = await values(many);
    expect(list).toHaveLength(20_001);
    expect(list.slice(0, -1)).toEqual(Array.from({ length: 20_000 }, (_, i) => i % 200));
    expect(wire.held).toBe(0);
  });

  test('the timeout restarts with each reply; on expiry the loop throws after the replies that arrived', async () => {
    stopTime();
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, {
      replies: { ...replies, timeout: 1_000 },
    });
    listen(client);
    const got: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const { type } of client.requestMany({ type: 'search', base: 1 })) got.push(type);
    };
    const end = outcome(read());
    for (let i = 0; i < 3; i++) {
      await pass(999);
      wire.answer(hex('02 01 0a'));
      await pass(0);
    }
    expect(got).toEqual(['entry', 'entry', 'entry']);
    await pass(1_000);
    expect(await end).toBe('ERR_TIMEOUT_REQUEST');
    expect(got).toHaveLength(3);
  });

  test('request() refuses a message with many replies', async () => {
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, { replies });
    listen(client);
    await expect(client.request({ type: 'search', base: 1 })).rejects.toThrow(/requestMany/);
    expect(wire.frames).toEqual([]);
  });

  test('one reply is a list of one, no reply an empty list', async () => {
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages, serverMessages }, wire, {
      replies: { ...replies, expects: { ...replies.expects, search: 'none' } },
    });
    listen(client);
    const one = values(client.requestMany({ type: 'ping' }));
    expect(await values(client.requestMany({ type: 'search', id: 9, base: 1 }))).toEqual([]);
    wire.answer(hex('03 01'));
    expect(await one).toEqual(['done']);
  });
});

describe('in order', () => {
  const clientMessages = messages(u8, { reset: message(1), idn: message(2), measure: message(3) });
  const serverMessages = messages(u8, { text: message(1, { v: utf8(u8) }) });
  const text = (v: string): Buffer => serverMessages.encode({ type: 'text', v });

  test.each(['send', 'request'] as const)(
    'a message without a reply, sent by %s, does not shift the replies',
    async (how) => {
      const wire = new Wire(framing);
      const client = new Client({ framing, clientMessages, serverMessages }, wire, {
        replies: { timeout: 30_000, expects: { reset: 'none' } },
      });
      const seen = listen(client);
      if (how === 'send') client.send({ type: 'reset' });
      else {
        const nothing = await client.request({ type: 'reset' });
        expectTypeOf(nothing).toEqualTypeOf<undefined>();
        expect(nothing).toBeUndefined();
      }
      const a = client.request({ type: 'idn' });
      wire.answer(text('ACME 1'));
      expect(await a).toEqual({ type: 'text', v: 'ACME 1' });
      const b = client.request({ type: 'measure' });
      wire.answer(text('20.5'));
      expect(await b).toEqual({ type: 'text', v: '20.5' });
      expect(seen).toEqual([]);
    },
  );

  test('a message of a type that the request does not expect goes to the iterator', async () => {
    const codec = messages(u8, { ask: message(1), answer: message(2), tick: message(3) });
    const session = defineSession({
      receives: codec,
      sends: codec,
      initial: 's',
      states: {
        s: {
          on: { ask: { outcomes: { s: 'answer' }, handle: () => ({ send: { type: 'answer' } }) } },
          unsolicited: ['tick'],
        },
      },
    });
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec, session }, wire);
    const seen = listen(client);
    const reply = client.request({ type: 'ask' });
    wire.answer(hex('03'));
    wire.answer(hex('02'));
    expect(await reply).toEqual({ type: 'answer' });
    expect(seen).toEqual(['tick']);
  });

  test('match finds the reply by more than a number', async () => {
    const codec = messages(u8, {
      ask: message(1, { address: u8 }),
      answer: message(2, { address: u8, value: u8 }),
    });
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: {
        match: (request, reply) =>
          request.type === 'ask' && reply.type === 'answer' && request.address === reply.address,
      },
    });
    const seen = listen(client);
    const both = [7, 8].map((address) => client.request({ type: 'ask', address }));
    wire.answer(hex('02 08 50'));
    wire.answer(hex('02 09 5a'));
    wire.answer(hex('02 07 46'));
    expect(await Promise.all(both)).toEqual([
      { type: 'answer', address: 7, value: 70 },
      { type: 'answer', address: 8, value: 80 },
    ]);
    expect(seen).toEqual(['answer']);
  });
});

describe('over a real socket', () => {
  async function serve<C, S>(
    codec: Codec<C> & Codec<S>,
    session: Parameters<typeof defineProtocol>[0]['session'],
  ): Promise<Client<C, S>> {
    const protocol = defineProtocol({
      name: 'p',
      framing: lengthPrefix(),
      clientMessages: codec,
      serverMessages: codec,
      session: session as never,
    });
    const server = createServer(protocol as never);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as { port: number };
    const client = await connect(protocol as never, { port, host: '127.0.0.1', checkStates: true });
    cleanup.push(
      () => client.destroy(),
      () => server.close(),
    );
    return client as unknown as Client<C, S>;
  }

  test('two answers to one request are refused unless the outcomes tell which is the last', async () => {
    const codec = messages(u8, {
      query: message(1, { n: u8 }),
      row: message(2, { n: u8 }),
      done: message(3, { n: u8 }),
    });
    const table = (outcome: object) =>
      defineSession({
        receives: codec,
        sends: codec,
        initial: 's',
        states: {
          s: {
            on: {
              query: {
                outcomes: { s: outcome as never },
                handle: ({ n }) => ({
                  send: [
                    { type: 'row', n },
                    { type: 'done', n },
                  ],
                }),
              },
            },
          },
        },
      });
    const vague = await serve(codec, table(['row', 'done']) as never);
    await expect(vague.request({ type: 'query', n: 1 })).rejects.toThrow(/which is the last/);
    const client = await serve(codec, table({ until: 'done', of: 'row' }) as never);
    const lists = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const list = [];
        for await (const reply of client.requestMany({ type: 'query', n }))
          list.push(`${reply.type}${reply.n}`);
        return list;
      }),
    );
    expect(lists).toEqual([1, 2, 3].map((n) => [`row${n}`, `done${n}`]));
  });

  test('after a message without a reply the next reply answers the next request', async () => {
    const codec = messages(u8, { note: message(1), ping: message(2), pong: message(3) });
    const client = await serve(
      codec,
      defineSession({
        receives: codec,
        sends: codec,
        initial: 's',
        states: {
          s: {
            on: {
              note: { outcomes: { s: [] }, handle: () => undefined },
              ping: { outcomes: { s: 'pong' }, handle: () => ({ send: { type: 'pong' } }) },
            },
          },
        },
      }) as never,
    );
    client.send({ type: 'note' });
    expect(await client.request({ type: 'ping' }, { timeout: 30_000 })).toEqual({ type: 'pong' });
  });
});

describe('lost replies', () => {
  const codec = messages(u8, { read: message(1, { id: u8 }), value: message(2, { id: u8 }) });
  const parts = { framing, clientMessages: codec, serverMessages: codec };

  test('when all numbers are in quarantine requests are refused at once, until numbers are free again', async () => {
    stopTime();
    const wire = new Wire(framing);
    const client = new Client(parts, wire, {
      replies: { id: 'id', ids: [0, 3], timeout: 40, quarantine: 2_000 },
    });
    listen(client);
    const lost = Promise.all([1, 2, 3, 4].map(() => outcome(client.request({ type: 'read' }))));
    await pass(40);
    expect(await lost).toEqual(Array(4).fill('ERR_TIMEOUT_REQUEST'));
    await expect(client.request({ type: 'read' })).rejects.toMatchObject({
      code: 'ERR_REQUEST_NUMBERS',
      origin: 'local',
      actual: 4,
    });
    expect(wire.frames).toHaveLength(4);
    wire.onFrame = (frame) => wire.answer(Buffer.from([2, frame[1]!]));
    wire.answer(hex('02 02')); // a late one
    await pause(5);
    expect(await client.request({ type: 'read' })).toEqual({ type: 'value', id: 2 });
    await pass(2_000);
    const again = await Promise.all([1, 2, 3, 4].map(() => client.request({ type: 'read' })));
    expect(again.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3]);
  });

  test.each([
    ['its number', { id: 'id', ids: [1, 2], timeout: 20, quarantine: 50 }],
    ['its place', { timeout: 20, afterTimeout: { silence: 50 } }],
  ] as const)('a late reply that came in a long turn is read before %s is used again', async (_, replies) => {
    stopTime();
    const asked: number[] = [];
    let peer!: net.Socket;
    const server = net.createServer((socket) => {
      peer = socket;
      // Frames of three bytes: length · tag · number.
      socket.on('data', (chunk: Buffer) => {
        for (let at = 2; at < chunk.length; at += 3) asked.push(chunk[at]!);
      });
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const client = await connect(parts, { port, host: '127.0.0.1', replies: replies as never });
    cleanup.push(() => server.close());
    listen(client);
    const isNumbered = 'id' in replies;
    const lost = outcome(client.request({ type: 'read', id: 1 }));
    if (isNumbered) void outcome(client.request({ type: 'read', id: 2 }, { timeout: 30_000 }));
    while (asked.length < (isNumbered ? 2 : 1)) await pause(1);
    let isAnswered = false;
    const next = client.request({ type: 'read', id: 3 }, { timeout: 30_000 }).finally(() => {
      isAnswered = true;
    });
    if (!isNumbered) while (asked.length < 2) await pause(1);
    vi.advanceTimersByTime(20);
    expect(await lost).toBe('ERR_TIMEOUT_REQUEST');
    // Here begins a turn of the event loop, with timers.
    await pause(1);
    peer.write(hex('02 02 01')); // the late one
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    vi.advanceTimersByTime(200);
    await pause(30);
    expect(isAnswered).toBe(false);
    while (asked.length < (isNumbered ? 3 : 2)) await pause(1);
    peer.write(Buffer.from([2, 2, asked.at(-1)!]));
    expect(await next).toEqual({ type: 'value', id: asked.at(-1) });
  });

  test.each([0, -1, Number.NaN, 2 ** 31, '5', null])('a timeout of %s is refused', async (timeout) => {
    const client = new Client(parts, new Wire(framing), { replies: { id: 'id' } });
    listen(client);
    await expect(client.request({ type: 'read' }, { timeout: timeout as number })).rejects.toThrow(/timeout/);
    const options = [{ timeout }, { afterTimeout: { silence: timeout } }, { quarantine: timeout }];
    for (const replies of options) {
      expect(() => new Client(parts, new Wire(framing), { replies: replies as never })).toThrow(/must be/);
    }
  });
});

test('match, isReply, until and decode may fail in any way: the error names the function, and no request stays open', async () => {
  const codec = messages(u8, { ask: message(1, { id: u8 }), answer: message(2, { id: u8 }) });
  const bad = (): never => {
    throw Object.assign(Object.create(null), { status: 404 });
  };
  for (const replies of [
    { match: bad },
    { isReply: bad },
    { decode: bad },
    { expects: { ask: { until: bad } } },
  ]) {
    const wire = new Wire(framing);
    const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, wire, {
      replies: replies as never,
    });
    listen(client);
    const reply = (async () => {
      for await (const _ of client.requestMany({ type: 'ask', id: 1 }));
    })();
    wire.answer(hex('02 01'));
    expect(await outcome(reply)).toBe('ERR_HANDLER');
    expect(await outcome(client.closed)).toBe('ERR_HANDLER');
  }
  const client = new Client({ framing, clientMessages: codec, serverMessages: codec }, new Wire(framing), {
    replies: { expects: { ask: bad } },
  });
  listen(client);
  expect(await outcome(client.request({ type: 'ask', id: 1 }))).toBe('ERR_HANDLER');
});

test('decode chooses the codec of a reply by its request (Kafka)', async () => {
  const clientMessages = messages(u8, {
    versions: message(18, { correlation: u32be }),
    metadata: message(3, { correlation: u32be }),
  });
  const serverMessages = codecOf(struct({ correlation: u32be, body: bytes(rest) }));
  const versions = codecOf(struct({ correlation: u32be, error: u16be, min: u8 }));
  const metadata = codecOf(struct({ correlation: u32be, host: utf8(u8) }));
  const wire = new Wire(framing);
  const client = new Client({ framing, clientMessages, serverMessages }, wire, {
    replies: {
      id: 'correlation',
      decode: ({ type }: { type: string }) => (type === 'versions' ? versions : metadata),
    },
  });
  listen(client);
  const a = client.request({ type: 'versions' });
  const b = client.request({ type: 'metadata' });
  wire.answer(hex('00000001 03 6b6166'));
  wire.answer(hex('00000000 0000 02'));
  expect([await a, await b]).toEqual([
    { correlation: 0, error: 0, min: 2 },
    { correlation: 1, host: 'kaf' },
  ]);
});

test('decode gives each reply the version that its request asked for', async () => {
  const clientMessages = messages(u8, {
    versions: message(18, { version: u8, correlation: u32be }),
    metadata: message(3, { version: u8, correlation: u32be }),
  });
  // Neither the kind nor the version of a reply is in its bytes.
  const replies = messages(
    parameter('api'),
    {
      versions: message(18, {
        error: u16be,
        throttle: optional(u32be, when(parameter('version'), { min: 1 })),
      }),
      metadata: message(3, { host: utf8(u8) }),
      unread: message(0, { body: bytes(rest) }),
    },
    {
      header: { correlation: u32be },
      parameters: { api: { default: 0, min: 0, max: 18 }, version: { default: 0, min: 0, max: 3 } },
    },
  );
  const wire = new Wire(framing);
  const client = new Client({ framing, clientMessages, serverMessages: replies }, wire, {
    replies: {
      id: 'correlation',
      decode: ({ type, version }) => replies.with({ api: type === 'versions' ? 18 : 3, version }),
    },
  });
  listen(client);
  const all = [
    client.request({ type: 'versions', version: 1 }),
    client.request({ type: 'versions', version: 0 }),
    client.request({ type: 'metadata', version: 3 }),
  ];
  wire.answer(hex('00000002 03 6b6166'));
  wire.answer(hex('00000001 0023'));
  wire.answer(hex('00000000 0000 00000064'));
  expect(await Promise.all(all)).toEqual([
    { type: 'versions', correlation: 0, error: 0, throttle: 100 },
    { type: 'versions', correlation: 1, error: 35, throttle: undefined },
    { type: 'metadata', correlation: 2, host: 'kaf' },
  ]);
  // A version that nobody declared is the caller's fault, and reaches no compiler.
  const wrong = client.request({ type: 'versions', version: 200 });
  wire.answer(hex('00000003 0000'));
  expect(await outcome(wrong)).toBe('ERR_HANDLER');
});

test('a client that does not read holds a bounded number of bytes', async () => {
  const codec = messages(u8, { data: message(1, { all: bytes(rest) }) });
  const wide = lengthPrefix();
  const wire = new Wire(wide);
  const client = new Client({ framing: wide, clientMessages: codec, serverMessages: codec }, wire, {
    replies: { maxUnreadBytes: 1_000_000 },
  });
  cleanup.push(() => client.destroy());
  for (let i = 0; i < 50; i++) wire.answer(codec.encode({ type: 'data', all: Buffer.alloc(200_000, i) }));
  await pause(50);
  expect(client.messages.readableLength).toBeGreaterThan(3);
  expect(client.messages.readableLength).toBeLessThan(8);
  expect(wire.held).toBeGreaterThan(7_000_000);
  const seen: number[] = [];
  for await (const { all } of client) if (seen.push(all[0]!) === 50) break;
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('long lists, and frames of which a view is kept, count towards the bound', async () => {
  const codec = messages(u8, {
    list: message(1, { all: array(bytes(u32be), u16be) }),
    piece: message(2, { all: array(bytes(1), u8), rest: constant(bytes(200_000), Buffer.alloc(200_000)) }),
  });
  const list = [...Array<Buffer>(100).fill(Buffer.alloc(0)), Buffer.alloc(200_000)];
  for (const message of [
    { type: 'list', all: list },
    { type: 'piece', all: [Buffer.alloc(1)] },
  ] as const) {
    const wide = lengthPrefix();
    const wire = new Wire(wide);
    const client = new Client({ framing: wide, clientMessages: codec, serverMessages: codec }, wire, {
      replies: { maxUnreadBytes: 1_000_000 },
    });
    cleanup.push(() => client.destroy());
    for (let i = 0; i < 50; i++) wire.answer(codec.encode(message));
    await pause(50);
    expect(client.messages.readableLength).toBeGreaterThan(2);
    expect(client.messages.readableLength).toBeLessThan(8);
  }
});

test('replies that were read are released', async () => {
  const codec = messages(u8, { ask: message(1), data: message(2, { all: bytes(rest) }), done: message(3) });
  const wide = lengthPrefix();
  const wire = new Wire(wide);
  const client = new Client({ framing: wide, clientMessages: codec, serverMessages: codec }, wire, {
    replies: { expects: { ask: { until: 'done' } } },
  });
  cleanup.push(() => client.destroy());
  const many = client.requestMany({ type: 'ask' });
  // The reader is always one behind.
  const seen: WeakRef<object>[] = [];
  for (let i = 0; i < 4; i++) wire.answer(codec.encode({ type: 'data', all: Buffer.alloc(100_000, i) }));
  await pause(20);
  for (let i = 0; i < 3; i++) seen.push(new WeakRef((await many.next()).value as object));
  await pause(5);
  collectGarbage();
  expect(seen.map((one) => one.deref())).toEqual([undefined, undefined, undefined]);
});

test('numbers wrap around while old requests wait: free numbers are reused, and a late reply answers no newer request', async () => {
  const clientMessages = messages(u8, { ask: message(1, { id: u16be, n: u8 }) });
  const serverMessages = messages(u8, { answer: message(2, { id: u16be, n: u8 }) });
  const wire = new Wire(framing);
  const client = new Client({ framing, clientMessages, serverMessages }, wire, {
    replies: { id: 'id', ids: [1, 3], timeout: 1_000 },
  });
  listen(client);
  const asked = (): number[][] => wire.frames.map((frame) => [frame.readUInt16BE(1), frame[3]!]);
  const answer = (id: number, n: number): void =>
    wire.answer(serverMessages.encode({ type: 'answer', id, n }));
  const ask = (n: number): Promise<unknown> =>
    client.request({ type: 'ask', n }).then(
      (reply) => reply.n,
      (error) => error.code,
    );
  stopTime();
  const five = [1, 2, 3, 4, 5].map(ask);
  await pause(5);
  expect(asked()).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  answer(2, 102);
  await pause(5);
  expect(asked()[3]).toEqual([2, 4]);
  answer(2, 104);
  answer(1, 101);
  await pass(1_000); // 3 and 5 are lost
  answer(3, 99); // late
  const sixth = ask(6);
  await pause(5);
  const [id] = asked().at(-1)!;
  answer(id!, 106);
  expect([...(await Promise.all(five)), await sixth]).toEqual([
    101,
    102,
    'ERR_TIMEOUT_REQUEST',
    104,
    'ERR_TIMEOUT_REQUEST',
    106,
  ]);
});
