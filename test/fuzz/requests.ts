import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import {
  connect,
  type Infer,
  LengthPrefixDecoder,
  lengthPrefix,
  MessageDecoder,
  message,
  messages,
  type RepliesOptions,
  u8,
  u16le,
} from '../../src/index.ts';
import { type Target, target, within } from './target.ts';

const codec = messages(u8, { ask: message(1, { id: u8, n: u16le }), push: message(2, { n: u16le }) });
type Message = Infer<typeof codec>;
const protocol = {
  framing: lengthPrefix({ lengthFieldLength: 1 }),
  clientMessages: codec,
  serverMessages: codec,
};

const request = fc.record({
  /** What the server does with it. */
  fate: fc.constantFrom('answer', 'answer', 'answer', 'answer', 'late', 'lose', 'twice', 'push first'),
  /** Milliseconds that the server takes, where it does answer. */
  takes: fc.nat(12),
  /** Milliseconds before the request is made. */
  after: fc.nat(4),
  /** Milliseconds after which its caller gives it up; above 20: never. */
  abort: fc.nat(60),
});

const inputs = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 25 }),
  byId: fc.boolean(),
  ids: fc.constantFrom<[number, number]>([0, 255], [1, 8], [5, 6]),
  maxInFlight: fc.constantFrom(1, 2, 64),
  timeout: fc.integer({ min: 25, max: 60 }),
  afterTimeout: fc.constantFrom<'close' | { silence: number }>('close', { silence: 30 }),
  /** Milliseconds after which the server cuts the connection; above 100: never. */
  cut: fc.nat(400),
});

/** Replies take 12 ms at the most, and 30 ms of silence say that none comes: a longer stop of the process is such a silence. */
const LONGEST_STOP = 15;

export const requesting: Target = target(
  'requests',
  'Every request is settled: with its own reply, or with an error that says why not; no loss, delay or repetition gives a reply to another request.',
  inputs,
  async ({ requests, byId, ids, maxInFlight, timeout, afterTimeout, cut }) => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const answer = (one: Message): void => {
        const payload = codec.encode(one);
        if (!socket.destroyed) socket.write(Buffer.from([payload.length, ...payload]));
      };
      // Without numbers, replies come in the order of the requests, and none comes behind one that is lost: a server that left
      // one out could not be understood by any client.
      let before: Promise<unknown> = Promise.resolve();
      const serve = async (one: Message): Promise<void> => {
        const { fate, takes } = requests[one.n]!;
        if (fate === 'lose' && byId) return;
        const work = async (): Promise<void> => {
          if (fate === 'lose') await new Promise(() => {});
          await sleep(fate === 'late' ? timeout + takes : takes);
          if (fate === 'push first') answer({ type: 'push', n: one.n });
          answer(one);
          // Where numbers are used again at once, no client could tell the second reply from another request's first.
          if (fate === 'twice' && byId && ids[1] - ids[0] >= requests.length) answer(one);
        };
        before = byId ? work() : before.then(work);
        await before;
      };
      pipeline(
        socket,
        new LengthPrefixDecoder({ lengthFieldLength: 1 }),
        new MessageDecoder(codec),
        async (items: AsyncIterable<Message>) => {
          for await (const item of items) void serve(item);
        },
        () => socket.end(),
      );
      socket.on('error', () => {});
      if (cut <= 100) setTimeout(() => socket.destroy(), cut).unref();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const replies: RepliesOptions<Message, Message> = byId
      ? { id: 'id', ids, maxInFlight, timeout }
      : { maxInFlight, timeout, afterTimeout, isReply: (one: Message) => one.type === 'ask' };
    const client = await connect(protocol, { port, host: '127.0.0.1', replies });
    const pushed: number[] = [];
    const stops = monitorEventLoopDelay({ resolution: 1 });
    stops.enable();
    const trustsSilence = !byId && afterTimeout !== 'close';
    const listening = (async () => {
      for await (const one of client) pushed.push(one.n);
    })().catch(() => {});

    const asked = requests.map(async ({ after, abort }, n) => {
      await sleep(after);
      const signal = abort <= 20 ? AbortSignal.timeout(abort + 1) : undefined;
      const start = performance.now();
      let reply: Message;
      try {
        reply = await client.request({ type: 'ask', id: 0, n }, signal === undefined ? {} : { signal });
      } catch (error) {
        const { code, name } = error as NodeJS.ErrnoException;
        const isOurs = /^ERR_(TIMEOUT_REQUEST|STATE_CLOSED|REQUEST_\w+)$/.test(code ?? '');
        const isAborted = signal?.aborted === true && name === 'TimeoutError';
        const isCut = cut <= 100 && /^(ECONN\w+|EPIPE|ERR_STREAM_PREMATURE_CLOSE)$/.test(code ?? '');
        if (!isOurs && !isAborted && !isCut) throw error;
        return;
      }
      const isSilent = trustsSilence && stops.max / 1e6 > LONGEST_STOP;
      if ((reply.type !== 'ask' || reply.n !== n) && !isSilent)
        throw new Error(`request ${n} got the reply ${JSON.stringify(reply)}`);
      // A machine may stand still for a while: only a reply that is very late was not to come any more.
      const took = performance.now() - start;
      if (took > timeout + 10_000) throw new Error(`request ${n} got its reply after ${took} ms`);
    });
    try {
      await within(8_000, Promise.all(asked), 'the requests');
    } finally {
      stops.disable();
      client.destroy();
      await within(2_000, listening, 'the iterator');
      await within(2_000, new Promise((resolve) => server.close(resolve)), 'the server');
    }
    await client.closed.catch(() => {});
  },
);
