import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { type Duplex, PassThrough, pipeline, Readable, Transform, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  bytes,
  type Codec,
  defineProtocol,
  defineSession,
  LengthPrefixDecoder,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  message,
  messages,
  type ProtocolError,
  Responder,
  rest,
  type Session,
  StateMachine,
  u8,
  u32le,
  utf8,
} from '../../src/index.ts';

const requests = messages(u8, {
  /** Answered at once. */
  say: message(1, { n: u8 }),
  /** Answered after a turn of the event loop. */
  wait: message(2, { n: u8 }),
  /** The handler throws. */
  fail: message(3),
  /** The handler rejects. */
  reject: message(4),
  /** Over. */
  bye: message(5),
  /** Not taken in any state. */
  odd: message(6),
  /** Answered by that many messages. */
  many: message(7, { n: u8 }),
  /** To the other state, without an answer. */
  flip: message(8),
});
const replies = messages(u8, {
  heard: message(1, { n: u8 }),
  sorry: message(2),
  ended: message(3),
  news: message(4, { n: u32le }),
});
type Request = Parameters<typeof requests.encode>[0];
type Reply = Parameters<typeof replies.encode>[0];

const heard = (n: number): Reply => ({ type: 'heard', n });
const SORRY: Reply = { type: 'sorry' };
const ENDED: Reply = { type: 'ended' };

type Options = { within?: number; idle?: number; frame?: number; greet?: boolean };

function sessionWith({
  greet = false,
  ...deadline
}: Options = {}): Session<Request, Reply, 'left' | 'right' | 'over', undefined> {
  const on = {
    say: ({ n }: { n: number }) => ({ send: heard(n) }),
    wait: async ({ n }: { n: number }) => {
      await turn();
      return { send: heard(n) };
    },
    fail: () => {
      throw new Error('as asked');
    },
    reject: () => Promise.reject(new Error('as asked')),
    bye: () => ({ send: ENDED, next: 'over' as const }),
    many: ({ n }: { n: number }) => ({ send: Array.from({ length: n }, (_, i) => heard(i)) }),
  };
  return defineSession({
    receives: requests,
    sends: replies,
    initial: 'left',
    farewell: () => SORRY,
    states: {
      left: {
        on: { ...on, flip: () => ({ next: 'right' }) },
        next: ['right', 'over'],
        ...(greet && { onEnter: () => heard(255) }),
        ...(Object.keys(deadline).length > 0 && { deadline }),
      },
      right: {
        on: { ...on, say: ({ n }) => ({ send: [heard(n), heard(n)] }), flip: () => ({ next: 'left' }) },
        next: ['left', 'over'],
      },
      over: { final: true },
    },
  });
}

/** What a machine gives for messages that come in batches or singly; the consumer is a stage or is not. */
async function answersOf(
  input: readonly Request[],
  { batch, neighbour }: { batch: boolean; neighbour: boolean },
): Promise<{ answers: Reply[]; code: string | undefined }> {
  const bytes = Buffer.concat(input.map((each) => framed(requests.encode(each))));
  const decoder = new MessageDecoder(requests);
  // Anything in between makes single items of the batches.
  const source = batch ? [decoder] : [decoder, new PassThrough({ objectMode: true })];
  const answers: Reply[] = [];
  const machine = new StateMachine(sessionWith());
  const seen = new Writable({
    objectMode: true,
    write(item, _, callback) {
      answers.push(...(neighbour ? decoded(item) : [item]));
      callback();
    },
  });
  const sink = neighbour ? [new MessageEncoder(replies), seen] : [seen];
  const error = await new Promise<unknown>((resolve) => {
    pipeline([Readable.from([bytes]), new LengthPrefixDecoder(), ...source, machine, ...sink], resolve);
  });
  return { answers, code: (error as ProtocolError | undefined)?.code };
}

function framed(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(payload.length);
  return Buffer.concat([header, payload]);
}

function decoded(bytes: Buffer): Reply[] {
  const found: Reply[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    found.push(replies.decode(bytes, at + 4, end) as Reply);
    at = end;
  }
  return found;
}

/** What must come of the messages, by reading the table with a finger. */
function expectation(input: readonly Request[]): { answers: Reply[]; code: string | undefined } {
  const answers: Reply[] = [];
  let right = false;
  for (const each of input) {
    if (each.type === 'say') answers.push(...Array.from({ length: right ? 2 : 1 }, () => heard(each.n)));
    else if (each.type === 'wait') answers.push(heard(each.n));
    else if (each.type === 'many') answers.push(...Array.from({ length: each.n }, (_, i) => heard(i)));
    else if (each.type === 'flip') right = !right;
    else if (each.type === 'bye') return { answers: [...answers, ENDED], code: undefined };
    else {
      return {
        answers: [...answers, SORRY],
        code: each.type === 'odd' ? 'ERR_STATE_UNEXPECTED' : 'ERR_HANDLER',
      };
    }
  }
  return { answers, code: undefined };
}

const request: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom('say' as const, 'wait' as const), n: fc.nat(255) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('many' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant<Request>({ type: 'flip' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Request>(
      { type: 'bye' },
      { type: 'fail' },
      { type: 'reject' },
      { type: 'odd' },
    ),
  },
);

test('a batch gives the same result as its messages one by one, whatever the handlers do', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(request, { maxLength: 12 }),
      fc.boolean(),
      fc.boolean(),
      async (input, batch, neighbour) => {
        expect(await answersOf(input, { batch, neighbour })).toEqual(expectation(input));
      },
    ),
    { numRuns: 200 },
  ));

/** A server with these stages on a real socket, and how each of its connections ended. */
async function serve(
  session: Session<Request, Reply, string, undefined>,
  lingerTimeout = 5_000,
): Promise<{
  port: number;
  machines: StateMachine<Request, Reply>[];
  ends: Promise<unknown>[];
  close(): void;
}> {
  const machines: StateMachine<Request, Reply>[] = [];
  const ends: Promise<unknown>[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    const options = { lingerTimeout };
    const machine = new StateMachine(session, options);
    machines.push(machine);
    ends.push(
      new Promise((resolve) => {
        pipeline(
          socket,
          new LengthPrefixDecoder(options),
          new MessageDecoder(requests, options),
          machine,
          new MessageEncoder(replies, options),
          socket,
          resolve,
        );
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanup.push(close);
  return { port: (server.address() as AddressInfo).port, machines, ends, close };
}

const cleanup: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const act of cleanup.splice(0)) act();
});

async function dial(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  cleanup.push(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function bytesOf(...input: Request[]): Buffer {
  return Buffer.concat(input.map((each) => framed(requests.encode(each))));
}

async function all(socket: net.Socket): Promise<Reply[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    chunks.push(chunk);
  return decoded(Buffer.concat(chunks));
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await turn();
};

describe('the end of a session, on a real socket', () => {
  const cases: [string, Request[], Reply[], object | undefined][] = [
    ['a final state', [{ type: 'say', n: 1 }, { type: 'bye' }], [heard(1), ENDED], undefined],
    [
      'a message out of place',
      [{ type: 'say', n: 1 }, { type: 'odd' }],
      [heard(1), SORRY],
      { code: 'ERR_STATE_UNEXPECTED', origin: 'peer', state: 'left' },
    ],
    [
      'a handler that throws',
      [{ type: 'wait', n: 1 }, { type: 'fail' }],
      [heard(1), SORRY],
      { code: 'ERR_HANDLER', origin: 'local', messageType: 'fail', cause: new Error('as asked') },
    ],
    [
      'a handler that rejects',
      [{ type: 'say', n: 1 }, { type: 'reject' }],
      [heard(1), SORRY],
      { code: 'ERR_HANDLER', messageType: 'reject', cause: new Error('as asked') },
    ],
  ];

  test.each(cases)(
    '%s: answers, farewell, FIN, then the end of a client that keeps sending',
    async (_, input, answers, error) => {
      const { port, ends } = await serve(sessionWith());
      const socket = await dial(port);
      let sent = 0;
      socket.write(bytesOf(...input));
      // Says on and on, 4 MB of it, more than the buffers between us hold: it must be discarded, not left lying.
      const block = Buffer.concat(Array.from({ length: 10_000 }, () => bytesOf({ type: 'say', n: 9 })));
      const talking = (async () => {
        while (sent < 4_000_000) {
          sent += block.length;
          if (!socket.write(block)) await once(socket, 'drain');
        }
        socket.end();
      })();
      expect(await all(socket)).toEqual(answers);
      await talking;
      const reported = await ends[0];
      if (error === undefined) expect(reported).toBeUndefined();
      else expect(reported).toMatchObject(error);
    },
  );

  test('bytes that break the protocol: the farewell comes before the error', async () => {
    const { port, ends } = await serve(sessionWith());
    const socket = await dial(port);
    socket.end(Buffer.concat([bytesOf({ type: 'say', n: 1 }), Buffer.from([1, 0, 0, 0, 0xee])])); // length 1 · no such tag
    expect(await all(socket)).toEqual([heard(1), SORRY]);
    expect(await ends[0]).toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' });
  });

  test('a client that sends commands and half-closes gets every answer', async () => {
    const { port, ends } = await serve(sessionWith());
    const socket = await dial(port);
    socket.end(bytesOf({ type: 'wait', n: 1 }, { type: 'many', n: 200 }, { type: 'wait', n: 2 }));
    expect(await all(socket)).toHaveLength(202);
    expect(await ends[0]).toBeUndefined();
  });

  test('a client that says bye and never ends is cut after the linger timeout', async () => {
    const { port, ends } = await serve(sessionWith(), 50);
    const socket = await dial(port);
    socket.write(bytesOf({ type: 'bye' }));
    expect(await all(socket)).toEqual([ENDED]);
    expect(await ends[0]).toMatchObject({
      code: 'ERR_TIMEOUT_STATE',
      state: 'over',
      limit: 50,
      origin: 'peer',
    });
  });

  test('a client that never reads is held back, and cut when its time is up', async () => {
    const { port, ends, machines } = await serve(sessionWith({ within: 300 }), 50);
    const socket = await dial(port);
    socket.pause();
    const block = Buffer.concat(Array.from({ length: 2_000 }, () => bytesOf({ type: 'many', n: 200 })));
    let sent = 0;
    let stopped = false;
    socket.once('close', () => {
      stopped = true;
    });
    const talking = (async () => {
      while (!stopped) {
        sent += block.length;
        if (!socket.write(block)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      }
    })();
    expect(await ends[0]).toMatchObject({ code: 'ERR_TIMEOUT_STATE', state: 'left', limit: 300 });
    // A few chunks' worth was taken and answered, not all that came: the rest waits in the system's buffers.
    expect(machines[0]!.readableLength + machines[0]!.writableLength).toBeLessThan(10);
    socket.destroy();
    await talking;
    expect(sent).toBeGreaterThan(block.length);
  });

  test('a client that vanishes: the system error unchanged, and no timer left', async () => {
    const { port, ends, machines } = await serve(
      sessionWith({ within: 60_000, idle: 60_000, frame: 60_000 }),
    );
    const socket = await dial(port);
    socket.write(bytesOf({ type: 'say', n: 1 }).subarray(0, 5));
    await until(() => machines.length === 1);
    socket.resetAndDestroy();
    expect(await ends[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(machines[0]!.destroyed).toBe(true);
  });

  test('a client that vanishes while a handler runs', async () => {
    const gate = deferred();
    let asked = false;
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'a',
      states: {
        a: {
          on: {
            wait: async ({ n }) => {
              asked = true;
              await gate.promise;
              return { send: { type: 'heard', n } };
            },
          },
        },
      },
    });
    const { port, ends, machines } = await serve(session);
    const socket = await dial(port);
    socket.write(bytesOf({ type: 'wait', n: 1 }));
    await until(() => asked);
    socket.resetAndDestroy();
    expect(await ends[0]).toMatchObject({ code: 'ECONNRESET' });
    // What it answers in the end is for nobody.
    gate.resolve(undefined);
    await turn();
    expect(machines[0]!.readableLength).toBe(0);
  });
});

function deferred(): { promise: Promise<unknown>; resolve: (value: unknown) => void } {
  let resolve!: (value: unknown) => void;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('few short requests for long answers are handled before the first answer is written', async () => {
  const long = messages(u8, { long: message(1, { body: bytes(rest) }) });
  const body = Buffer.alloc(65_536);
  const asked = messages(u8, { ask: message(1) });
  const machine = new StateMachine(
    defineSession({
      receives: asked,
      sends: long,
      initial: 'open',
      states: { open: { on: { ask: () => ({ send: { type: 'long' as const, body } }) } } },
    }),
  );
  let written = 0;
  let most = 0;
  const slow = new Writable({
    write(chunk: Buffer, _, callback) {
      // Each answer: 4 bytes of length, its tag, its body.
      most = Math.max(most, machine.taken - written / (body.length + 5));
      written += chunk.length;
      setImmediate(callback);
    },
  });
  const from = new PassThrough();
  const done = once(slow, 'finish');
  pipeline(
    from,
    new LengthPrefixDecoder(),
    new MessageDecoder(asked),
    machine,
    new MessageEncoder(long),
    slow,
    () => {},
  );
  // 512 frames: length 1 · ask
  from.end(Buffer.concat(Array<Buffer>(512).fill(Buffer.from([1, 0, 0, 0, 1]))));
  await done;
  expect(written).toBe(512 * (body.length + 5));
  expect(most).toBeLessThanOrEqual(16);
});

test('a slow handler holds back a fast sender', async () => {
  const gate = deferred();
  const session = defineSession({
    receives: requests,
    sends: replies,
    initial: 'a',
    states: { a: { on: { wait: async () => void (await gate.promise), say: () => {} } } },
  });
  const { port, machines } = await serve(session);
  const socket = await dial(port);
  socket.write(bytesOf({ type: 'wait', n: 0 }));
  const block = Buffer.concat(Array.from({ length: 10_000 }, () => bytesOf({ type: 'say', n: 9 })));
  let sent = 0;
  // Until the pipe between us is full: a turn without 'drain' says nothing, so ask the server's side.
  const total = 64 * 1_048_576;
  while (sent < total && socket.writableLength < 1_048_576) {
    sent += block.length;
    socket.write(block);
    await turn();
  }
  expect(sent).toBeLessThan(total);
  const machine = machines[0]!;
  // The batch at work is in the machine, at most two more are held in front of it.
  expect(machine.writableLength).toBeLessThanOrEqual(3);
  gate.resolve(undefined);
  socket.end();
  await once(machine, 'close');
});

type AnySession = ReturnType<typeof sessionWith>;

/** The stages of a connection, and the one of them that runs the session. */
const WAYS: Record<string, (session: AnySession) => [Duplex, ...Duplex[]]> = {
  'a StateMachine between its stages': (session) => [
    new StateMachine(session),
    new LengthPrefixDecoder(),
    new MessageDecoder(requests),
    new MessageEncoder(replies),
  ],
  'a Responder': (session) => {
    const messages = { clientMessages: requests, serverMessages: replies };
    return [new Responder(defineProtocol({ name: 'x', framing: lengthPrefix(), ...messages, session }))];
  },
};

describe.each(Object.entries(WAYS))('deadlines, by fake timers: %s', (_, way) => {
  /** A connection in memory: the client's bytes go in, the answers come out. */
  function connect(options: Options, session = sessionWith(options)) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const input = new PassThrough();
    const [machine, ...others] = way(session) as unknown as [StateMachine<Request, Reply>, ...Duplex[]];
    const [decoder, messages, encoder] = others;
    const answers: Reply[] = [];
    const sink = new Writable({
      write(bytes, _, callback) {
        answers.push(...decoded(bytes));
        callback();
      },
    });
    const end = new Promise<unknown>((resolve) => {
      const stages = encoder === undefined ? [machine] : [decoder, messages, machine, encoder];
      pipeline([input, ...stages, sink] as never, resolve as never);
    });
    const send = async (bytes: Buffer) => {
      input.write(bytes);
      await turn();
    };
    return { input, machine, answers, end, send };
  }

  test('within: expires whatever arrives meanwhile', async () => {
    const { input, machine, answers, end, send } = connect({ within: 1_000 });
    for (let i = 0; i < 9; i++) {
      vi.advanceTimersByTime(111);
      await send(bytesOf({ type: 'say', n: i }));
    }
    vi.advanceTimersByTime(0);
    expect(machine.state).toBe('left');
    expect(answers).toHaveLength(9);
    vi.advanceTimersByTime(1);
    await turn();
    expect(answers.at(-1)).toEqual(SORRY);
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_STATE', state: 'left', limit: 1_000 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('within: ends when the state is left, and restarts when it is entered again', async () => {
    const { input, answers, end, send } = connect({ within: 1_000 });
    vi.advanceTimersByTime(999);
    await send(bytesOf({ type: 'flip' }));
    vi.advanceTimersByTime(5_000);
    await send(bytesOf({ type: 'flip' }));
    vi.advanceTimersByTime(999);
    // Out and in again, in one batch.
    await send(bytesOf({ type: 'flip' }, { type: 'flip' }));
    vi.advanceTimersByTime(999);
    await send(bytesOf({ type: 'say', n: 1 }));
    expect(answers).toEqual([heard(1)]);
    input.end();
    expect(await end).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('within: expires even if a handler never returns', async () => {
    const never = new Promise<void>(() => {});
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      farewell: () => SORRY,
      states: { left: { on: { wait: () => never }, deadline: { within: 500 } }, right: {}, over: {} },
    });
    const { input, answers, end, send } = connect({}, session);
    await send(bytesOf({ type: 'wait', n: 1 }));
    vi.advanceTimersByTime(500);
    await turn();
    expect(answers).toEqual([SORRY]);
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_STATE' });
  });

  test('idle: counts from the last message; bytes that complete no message do not count', async () => {
    const { input, answers, end, send } = connect({ idle: 1_000 });
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(999);
      await send(bytesOf({ type: 'say', n: i }));
    }
    expect(answers).toHaveLength(5);
    for (const byte of [2, 0, 0]) {
      vi.advanceTimersByTime(333);
      await send(Buffer.from([byte]));
    }
    expect(answers).toHaveLength(5);
    vi.advanceTimersByTime(1);
    await turn();
    expect(answers.at(-1)).toEqual(SORRY);
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_IDLE', limit: 1_000 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('idle: a running handler does not count as silence of the peer', async () => {
    const gate = deferred();
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      states: {
        left: { on: { wait: async () => void (await gate.promise) }, deadline: { idle: 1_000 } },
        right: {},
        over: {},
      },
    });
    const { input, machine, end, send } = connect({}, session);
    await send(bytesOf({ type: 'wait', n: 1 }));
    vi.advanceTimersByTime(10_000);
    await turn();
    expect(machine.destroyed).toBe(false);
    gate.resolve(undefined);
    await turn();
    vi.advanceTimersByTime(999);
    await turn();
    expect(machine.writableEnded).toBe(false);
    vi.advanceTimersByTime(1);
    await turn();
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_IDLE' });
  });

  test('a state that a handler enters at once has its own deadline', async () => {
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      farewell: () => SORRY,
      states: {
        left: { on: { flip: () => ({ next: 'right' }) }, next: ['right'] },
        right: { on: { say: ({ n }) => ({ send: heard(n) }) }, deadline: { within: 1_000 } },
        over: {},
      },
    });
    const { input, answers, end, send } = connect({}, session);
    vi.advanceTimersByTime(5_000);
    await send(bytesOf({ type: 'flip' }));
    vi.advanceTimersByTime(999);
    await send(bytesOf({ type: 'say', n: 1 }));
    expect(answers).toEqual([heard(1)]);
    vi.advanceTimersByTime(1);
    await turn();
    expect(answers).toEqual([heard(1), SORRY]);
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_STATE', state: 'right' });
  });

  test('frame: a byte a minute does not keep a frame alive', async () => {
    const { input, answers, end, send } = connect({ frame: 60_000 });
    vi.advanceTimersByTime(1_000_000);
    const [first, ...more] = bytesOf({ type: 'say', n: 1 });
    await send(Buffer.from([first!]));
    for (const byte of more.slice(0, 3)) {
      vi.advanceTimersByTime(19_999);
      await send(Buffer.from([byte]));
    }
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(3);
    await turn();
    expect(answers).toEqual([SORRY]);
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_IDLE', limit: 60_000, state: 'left' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('frame: a frame that begins after a complete one has its own deadline', async () => {
    const { input, answers, end, send } = connect({ frame: 1_000 });
    const bytes = bytesOf({ type: 'say', n: 1 }, { type: 'say', n: 2 }, { type: 'say', n: 3 });
    await send(bytes.subarray(0, 3));
    vi.advanceTimersByTime(999);
    await send(bytes.subarray(3, 8)); // ends the first, begins the second
    vi.advanceTimersByTime(999);
    await send(bytes.subarray(8, 12)); // ends the second
    vi.advanceTimersByTime(100_000);
    await send(bytes.subarray(12));
    expect(answers).toEqual([heard(1), heard(2), heard(3)]);
    input.end();
    expect(await end).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('frame: while a handler is at work, the time of an unfinished frame does not count', async () => {
    const gate = deferred();
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      farewell: () => SORRY,
      states: {
        left: { on: { wait: async () => void (await gate.promise) }, deadline: { frame: 100 } },
        right: {},
        over: {},
      },
    });
    const { input, machine, answers, end, send } = connect({}, session);
    const bytes = bytesOf({ type: 'wait', n: 1 });
    await send(Buffer.concat([bytes, bytes.subarray(0, 3)]));
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(100);
      await turn();
    }
    expect([machine.isOver, answers]).toEqual([false, []]);
    gate.resolve(undefined);
    await turn();
    vi.advanceTimersByTime(100);
    await turn();
    expect(answers).toEqual([SORRY]);
    input.end();
    expect(await end).toMatchObject({ code: 'ERR_TIMEOUT_IDLE', limit: 100 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("what happens is the table's word: asked again and again, as long as the state stays", async () => {
    let asked = 0;
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      states: {
        left: {
          on: { say: ({ n }) => ({ send: heard(n) }) },
          deadline: {
            idle: 100,
            handle: async () =>
              ++asked < 3 ? { send: { type: 'news', n: asked } } : { send: ENDED, next: 'over' },
          },
          next: ['over'],
        },
        right: {},
        over: { final: true },
      },
    });
    const { input, answers, end, send } = connect({}, session);
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(100);
      await send(Buffer.alloc(0));
    }
    expect(answers).toEqual([{ type: 'news', n: 1 }, { type: 'news', n: 2 }, ENDED]);
    input.end();
    expect(await end).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('idle: a handler that takes long is asked once for each silence, and not in another state', async () => {
    const gates: (() => void)[] = [];
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      states: {
        left: {
          on: { say: ({ n }) => ({ send: heard(n) }), flip: () => ({ next: 'right' }) },
          deadline: { idle: 100, handle: () => new Promise<void>((open) => gates.push(open)) },
          next: ['right'],
        },
        right: { on: { say: ({ n }) => ({ send: heard(n) }) } },
        over: {},
      },
    });
    const { input, machine, answers, end, send } = connect({}, session);
    const pass = async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await turn();
    };
    await pass(100);
    await pass(20);
    // It waits for the handler.
    await send(bytesOf({ type: 'say', n: 1 }));
    await pass(30);
    gates[0]!();
    await turn();
    expect([gates.length, answers]).toEqual([1, [heard(1)]]);
    await pass(50);
    await send(bytesOf({ type: 'say', n: 2 }));
    await pass(99);
    expect(gates).toHaveLength(1);
    await pass(1);
    expect(gates).toHaveLength(2);
    await send(bytesOf({ type: 'flip' }));
    gates[1]!();
    await turn();
    await pass(1_000);
    expect([gates.length, machine.state, answers]).toEqual([2, 'right', [heard(1), heard(2)]]);
    input.end();
    expect(await end).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('within: a handler that takes long is asked anew once it has answered, silence meanwhile or not', async () => {
    const gates: (() => void)[] = [];
    const codes: unknown[] = [];
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      states: {
        left: {
          deadline: {
            within: 100,
            idle: 150,
            handle: ({ code }) => {
              codes.push(code);
              return new Promise<void>((open) => gates.push(open));
            },
          },
        },
        right: {},
        over: {},
      },
    });
    const { machine, input, end } = connect({}, session);
    const pass = async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await turn();
    };
    await pass(100);
    await pass(50);
    await pass(10);
    expect(codes).toEqual(['ERR_TIMEOUT_STATE']);
    gates[0]!();
    await turn();
    await pass(99);
    expect(codes).toHaveLength(1);
    await pass(1);
    expect(codes).toEqual(['ERR_TIMEOUT_STATE', 'ERR_TIMEOUT_STATE']);
    machine.leave();
    gates[1]!();
    input.end();
    expect(await end).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('frame: a state without the limit has no timer, even in the middle of a frame', async () => {
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      states: {
        left: { on: { flip: () => ({ next: 'right' }) }, deadline: { frame: 100 }, next: ['right'] },
        right: { on: { say: ({ n }) => ({ send: heard(n) }) } },
        over: {},
      },
    });
    const { input, answers, end, send } = connect({}, session);
    const say = bytesOf({ type: 'say', n: 1 });
    await send(Buffer.concat([bytesOf({ type: 'flip' }), say.subarray(0, 3)]));
    expect(vi.getTimerCount()).toBe(0);
    await send(say.subarray(3));
    expect(answers).toEqual([heard(1)]);
    input.end();
    expect(await end).toBeUndefined();
  });

  test('no timer per message', async () => {
    const { input, end, send } = connect({ within: 10_000, idle: 1_000, frame: 1_000 });
    const made = vi.spyOn(globalThis, 'setTimeout');
    for (let i = 0; i < 100; i++) await send(bytesOf({ type: 'say', n: i }));
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
    input.end();
    await end;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('unsolicited messages', () => {
  test('a greeting comes first', async () => {
    const machine = new StateMachine(sessionWith({ greet: true }));
    machine.end({ type: 'say', n: 1 } as never);
    expect(await machine.toArray()).toEqual([heard(255), heard(1)]);
  });

  test('are interleaved whole, also while a handler runs', async () => {
    const gate = deferred();
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'a',
      states: {
        a: {
          on: {
            say: ({ n }) => ({ send: [heard(n), heard(n)] }),
            wait: async () => {
              await gate.promise;
              return { send: [heard(7), heard(8)] };
            },
          },
        },
      },
    });
    const { port, machines } = await serve(session);
    const socket = await dial(port);
    socket.write(bytesOf({ type: 'say', n: 1 }, { type: 'wait', n: 2 }, { type: 'say', n: 3 }));
    const seen = all(socket);
    await until(() => machines.length === 1 && socket.bytesRead > 0);
    expect(machines[0]!.send({ type: 'news', n: 70_000 })).toBe(true);
    await until(() => socket.bytesRead > 15);
    gate.resolve(undefined);
    socket.end();
    expect(await seen).toEqual([
      heard(1),
      heard(1),
      { type: 'news', n: 70_000 },
      heard(7),
      heard(8),
      heard(3),
      heard(3),
    ]);
  });

  test('respect backpressure: false asks to wait, ready() tells when', async () => {
    const machine = new StateMachine(sessionWith(), { readableHighWaterMark: 4 });
    let sent = 0;
    let most = 0;
    const taken: unknown[] = [];
    const slow = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write(item, _, callback) {
        taken.push(item);
        setImmediate(callback);
      },
    });
    machine.pipe(slow);
    while (sent < 100) {
      if (!machine.send({ type: 'news', n: sent++ })) await machine.ready();
      most = Math.max(most, sent - taken.length);
    }
    machine.end();
    await once(slow, 'finish');
    expect(taken).toEqual(Array.from({ length: 100 }, (_, n) => ({ type: 'news', n })));
    expect(most).toBeLessThan(10);
  });

  test('ready() resolves at once while the consumer takes messages', async () => {
    const machine = new StateMachine(sessionWith());
    await machine.ready();
    expect(machine.send({ type: 'news', n: 1 })).toBe(true);
    await machine.ready();
  });

  test('ready() resolves when the stage is destroyed', async () => {
    const machine = new StateMachine(sessionWith(), { readableHighWaterMark: 1 });
    while (machine.send(SORRY));
    const ready = machine.ready();
    machine.destroy();
    await ready;
    await machine.ready();
    expect(() => machine.send(SORRY)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_CLOSED', origin: 'local' }),
    );
  });

  test('are refused without effect if the state does not allow them', async () => {
    const session = defineSession({
      receives: requests,
      sends: replies,
      initial: 'a',
      states: {
        a: { on: { bye: () => ({ next: 'b' }) }, unsolicited: ['news'], next: ['b'] },
        b: { final: true },
      },
    });
    const machine = new StateMachine(session);
    expect(() => machine.send(SORRY)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_UNEXPECTED', origin: 'local', state: 'a' }),
    );
    machine.send({ type: 'news', n: 1 });
    machine.write({ type: 'bye' });
    await turn();
    expect(machine.state).toBe('b');
    expect(() => machine.send({ type: 'news', n: 2 })).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_CLOSED', origin: 'local' }),
    );
    machine.end();
    expect(await machine.toArray()).toEqual([{ type: 'news', n: 1 }]);
  });
});

test('the answers are the same through a foreign Transform after the machine', async () => {
  const passed: unknown[] = [];
  const tap = new Transform({
    objectMode: true,
    transform(item, _, callback) {
      passed.push(item);
      callback(null, item);
    },
  });
  const machine = new StateMachine(sessionWith());
  const encoder = new MessageEncoder(replies as Codec<Reply>);
  const done = new Promise<unknown>((resolve) => {
    pipeline(
      Readable.from([{ type: 'say', n: 1 }, { type: 'wait', n: 2 }, { type: 'bye' }]),
      machine,
      tap,
      encoder,
      new PassThrough().resume(),
      resolve,
    );
  });
  expect(await done).toBeUndefined();
  expect(passed).toEqual([heard(1), heard(2), ENDED]);
});

test('handlers of one connection share a context, which the caller may give', async () => {
  const session = defineSession({
    receives: requests,
    sends: messages(u8, { heard: message(1, { n: u8, who: utf8(u8) }) }),
    initial: 'a',
    context: () => ({ count: 0, who: 'nobody' }),
    states: {
      a: { on: { say: (_, context) => ({ send: { type: 'heard', n: ++context.count, who: context.who } }) } },
    },
  });
  for (const [context, who] of [
    [undefined, 'nobody'],
    [{ count: 0, who: 'me' }, 'me'],
  ] as const) {
    const machine = new StateMachine(session, { context });
    for (let n = 0; n < 2; n++) machine.write({ type: 'say', n });
    machine.end();
    expect(await machine.toArray()).toEqual([
      { type: 'heard', n: 1, who },
      { type: 'heard', n: 2, who },
    ]);
    expect(machine.context.count).toBe(2);
  }
});
