import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import {
  createServer,
  defineProtocol,
  defineSession,
  LengthPrefixDecoder,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  message,
  messages,
  StateMachine,
  u8,
  u16le,
} from '../../src/index.ts';
import { same, type Target, target, within } from './target.ts';

const commands = messages(u8, {
  /** Answered `count` times, at once or after `delay` turns. */
  call: message(1, { id: u16le, count: u8, delay: u8 }),
  /** The handler fails: it throws, rejects with something odd, or answers what it may not. */
  fail: message(2, { id: u16le, way: u8, delay: u8 }),
  quit: message(3, { id: u16le }),
});
const answers = messages(u8, {
  result: message(1, { id: u16le, index: u8 }),
  news: message(2, { id: u16le }),
});

const FAILURES: (() => unknown)[] = [
  () => {
    throw new Error('it threw');
  },
  () => Promise.reject(Object.create(null)),
  () => Promise.reject(undefined),
  () =>
    Promise.reject(
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('a trap');
          },
        },
      ),
    ),
  () => ({ send: { type: 'nothing' } }),
  () => ({ send: { type: 'result', id: -1, index: 0 } }),
  () => ({ next: 'nowhere' }),
  () => 'text',
  () => ({ send: [{ type: 'result', id: 0, index: 0 }, null] }),
];

const session = defineSession({
  receives: commands,
  sends: answers,
  initial: 'open',
  states: {
    open: {
      on: {
        call: ({ id, count, delay }) => {
          const send = Array.from({ length: count }, (_, index) => ({ type: 'result' as const, id, index }));
          return delay === 0 ? { send } : later(delay, () => ({ send }));
        },
        fail: ({ way, delay }) => {
          const fail = FAILURES[way % FAILURES.length]! as () => { send: [] };
          return delay === 0 ? fail() : later(delay, fail);
        },
        quit: ({ id }) => ({ send: { type: 'result', id, index: 0 }, next: 'closed' }),
      },
      next: ['closed'],
      unsolicited: ['news'],
    },
    closed: { final: true },
  },
});
const protocol = defineProtocol({
  name: 'fuzz',
  framing: lengthPrefix({ lengthFieldLength: 2 }),
  clientMessages: commands,
  serverMessages: answers,
  session,
});

async function later<T>(delay: number, call: () => T): Promise<T> {
  if (delay > 6) await sleep(delay - 6);
  else for (let i = 0; i < delay; i++) await turn();
  return call();
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('call' as const), count: fc.nat(4), delay: fc.nat(8) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('fail' as const), way: fc.nat(20), delay: fc.nat(8) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('quit' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('garbage' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
    }),
  },
);

const inputs = fc.record({
  face: fc.constantFrom('createServer', 'pipeline'),
  steps: fc.array(step, { minLength: 1, maxLength: 30 }),
  /** Bytes per write; 0: all in one. */
  chunk: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  pause: fc.nat(2),
  /** What the client does behind its last byte. */
  end: fc.constantFrom('end', 'end', 'destroy', 'reset', 'inside a frame'),
  /** Messages that the server sends unasked, at these turns. */
  news: fc.array(fc.nat(20), { maxLength: 4 }),
});

/** What must come back, and the code of the error that the server must see; undefined for none, `'?'` for any. */
function expectation(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): {
  bytes: Buffer;
  results: string[];
  code: string | undefined;
} {
  const frames: Buffer[] = [];
  const results: string[] = [];
  let code: string | undefined;
  let isOver = false;
  for (const [id, one] of steps.entries()) {
    let payload: Uint8Array;
    if (one.do === 'garbage') payload = Buffer.from([9, ...one.bytes]);
    else if (one.do === 'call')
      payload = commands.encode({ type: 'call', id, count: one.count, delay: one.delay });
    else if (one.do === 'fail')
      payload = commands.encode({ type: 'fail', id, way: one.way, delay: one.delay });
    else payload = commands.encode({ type: 'quit', id });
    const frame = Buffer.alloc(2 + payload.length);
    frame.writeUInt16LE(payload.length);
    frame.set(payload, 2);
    frames.push(frame);
    if (isOver) continue;
    if (one.do === 'call') for (let index = 0; index < one.count; index++) results.push(`${id}.${index}`);
    else isOver = true;
    if (one.do === 'quit') results.push(`${id}.0`);
    if (one.do === 'garbage') code = 'ERR_MESSAGE_UNKNOWN';
    if (one.do === 'fail') code = '?';
  }
  return { bytes: Buffer.concat(frames), results, code };
}

export const faulting: Target = target(
  'sessions',
  'Whatever goes wrong in a session, and when, what came before it is answered in order, the error is one of ours with the right code, and every connection ends once.',
  inputs,
  async ({ face, steps, chunk, pause, end, news }) => {
    const { bytes, results, code } = expectation(steps);
    const isCut = end === 'destroy' || end === 'reset';
    const ended: (NodeJS.ErrnoException | undefined)[] = [];
    const tell = async (machine: { send(message: { type: 'news'; id: number }): unknown }): Promise<void> => {
      for (const [index, at] of news.entries()) {
        for (let i = 0; i < at; i++) await turn();
        try {
          machine.send({ type: 'news', id: index });
        } catch (error) {
          // The session may be over by then, and says so.
          if ((error as NodeJS.ErrnoException).code !== 'ERR_STATE_CLOSED') throw error;
        }
      }
    };

    let port: number;
    let close: () => Promise<unknown>;
    if (face === 'createServer') {
      const server = createServer(protocol, { lingerTimeout: 60_000 });
      server.on('connection', (connection) => void tell(connection.machine));
      server.on('connectionEnd', (_, error) => ended.push(error));
      await server.listen({ port: 0, host: '127.0.0.1' });
      port = (server.address() as AddressInfo).port;
      close = () => server.close();
    } else {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        const machine = new StateMachine(session, { lingerTimeout: 60_000 });
        const decoders = [
          new LengthPrefixDecoder({ lengthFieldLength: 2 }),
          new MessageDecoder(commands),
        ] as const;
        const encoder = new MessageEncoder(answers, { framing: protocol.framing });
        pipeline(socket, ...decoders, machine, encoder, socket, (error) => ended.push(error ?? undefined));
        void tell(machine);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
      close = () => new Promise((resolve) => server.close(resolve));
    }

    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    await once(socket, 'connect');
    const came: Buffer[] = [];
    const over = (async () => {
      for await (const part of socket) came.push(part);
    })().catch((error: unknown) => {
      if (!isCut && code === undefined) throw error;
    });
    const size = chunk === 0 ? bytes.length : chunk;
    for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
      socket.write(bytes.subarray(at, at + size));
      if (pause > 0) await later(pause, () => {});
    }
    if (end === 'inside a frame' && !socket.destroyed) socket.end(Buffer.from([9]));
    else if (end === 'end') socket.end();
    else if (end === 'reset') socket.resetAndDestroy();
    else socket.destroy();
    await within(4_000, over, 'the answers');
    socket.destroy();
    await within(4_000, settled(ended), 'the connection of the server');
    await within(4_000, close(), 'the server');
    await turn();

    if (ended.length !== 1) throw new Error(`the connection ended ${ended.length} times`);
    const stream = Buffer.concat(came);
    const got: string[] = [];
    for (let at = 0; at + 2 <= stream.length; ) {
      const length = stream.readUInt16LE(at);
      if (at + 2 + length > stream.length) break;
      const answer = answers.decode(stream, at + 2, at + 2 + length);
      if (answer.type === 'result') got.push(`${answer.id}.${answer.index}`);
      at += 2 + length;
    }
    same(got, isCut ? results.slice(0, got.length) : results, 'the answers');
    if (isCut) return;
    const wanted =
      code ??
      (end === 'inside a frame' && !steps.some((one) => one.do === 'quit')
        ? 'ERR_FRAME_TRUNCATED'
        : undefined);
    const error = ended[0];
    if (
      wanted === '?' ? !/^ERR_(HANDLER|STATE|FIELD|MESSAGE)/.test(error?.code ?? '') : error?.code !== wanted
    ) {
      throw new Error(`the error is ${error?.code}, and was to be ${wanted}`, { cause: error });
    }
  },
);

async function settled(ended: readonly unknown[]): Promise<void> {
  while (ended.length === 0) await sleep(2);
}
