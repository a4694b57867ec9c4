/**
 * A server that answers redis-cli and redis-benchmark, and a client of redis-server.
 *
 *     npx tsx examples/redis.ts server [PORT]    then redis-cli -p PORT set a 1
 *     npx tsx examples/redis.ts client PORT
 */
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { connect, createServer, defineProtocol, defineSession } from 'wirepipe';
import { bulk, command, framing, resp, type Value } from './redis/resp.ts';

const OK: Value = { type: 'simple', text: 'OK' };
const error = (text: string): Value => ({ type: 'error', text: `ERR ${text}` });

/** What a command is answered with. */
function answer(store: Map<string, Buffer>, [name, ...words]: Buffer[]): Value {
  const [key = '', ...more] = words.map(String);
  switch (String(name).toUpperCase()) {
    case 'PING':
      return words.length > 0 ? bulk(words[0]!) : { type: 'simple', text: 'PONG' };
    case 'SET':
      if (words.length < 2) return error("wrong number of arguments for 'set'");
      // A decoded value is a view of received memory: copy it to keep it.
      store.set(key, Buffer.from(words[1]!));
      return OK;
    case 'GET':
      return bulk(store.get(key) ?? null);
    case 'INCR': {
      const text = String(store.get(key) ?? '0');
      if (!/^-?\d{1,18}$/.test(text)) return error('value is not an integer');
      const next = BigInt(text) + 1n;
      store.set(key, Buffer.from(String(next)));
      return { type: 'integer', value: next };
    }
    case 'DEL': {
      const gone = [key, ...more].filter((one) => store.delete(one));
      return { type: 'integer', value: BigInt(gone.length) };
    }
    case 'MGET':
      return { type: 'array', items: [key, ...more].map((one) => bulk(store.get(one) ?? null)) };
    case 'KEYS':
      return { type: 'array', items: [...store.keys()].map(bulk) };
    default:
      return error(`unknown command '${String(name).slice(0, 64)}'`);
  }
}

/** The words of a command; undefined if the value is not a command. */
function wordsOf(items: readonly Value[] | null): Buffer[] | undefined {
  const words = (items ?? []).map((item) => (item.type === 'bulk' ? item.bulk?.data : undefined));
  return words.length > 0 && words.every((word) => word !== undefined) ? words : undefined;
}

const store = new Map<string, Buffer>();
const session = defineSession({
  receives: resp,
  sends: resp,
  initial: 'ready',
  states: {
    ready: {
      on: {
        array({ items }) {
          const words = wordsOf(items);
          return {
            send:
              words === undefined ? error('Protocol error: a command is bulk strings') : answer(store, words),
          };
        },
      },
      otherwise: () => ({ send: error('Protocol error: a command is an array') }),
    },
  },
  farewell: ({ message }) => error(`Protocol error: ${message}`),
});
const redis = defineProtocol({ name: 'redis', framing, clientMessages: resp, serverMessages: resp, session });

const [, , role, port = '0'] = process.argv;
if (role === 'server') {
  const server = createServer(redis);
  await server.listen({ port: Number(port), host: '127.0.0.1' });
  console.log('listening on port', (server.address() as AddressInfo).port);
} else if (role === 'client') {
  const client = await connect(redis, { port: Number(port), host: '127.0.0.1' });
  const ask = (...words: string[]) => client.request(command(...words));
  // Requests are pipelined, and answered in order.
  const replies = await Promise.all([
    ask('SET', 'greeting', 'hello, wörld'),
    ask('GET', 'greeting'),
    ask('GET', 'nothing'),
    ask('INCR', 'greeting'),
    ask('DEL', 'greeting', 'count'),
    ask('INCR', 'count'),
    ask('EVAL', 'return {1, {2, "three", {}}, false}', '0'),
    ask('CONFIG', 'GET', 'port'),
  ]);
  for (const reply of replies) console.log(show(reply as Value));
  client.end();
  await client.closed;
} else {
  throw new Error('usage: redis.ts server [PORT] | client PORT');
}

/** As redis-cli would: one line. */
function show(value: Value): string {
  if (value.type === 'bulk') return value.bulk === null ? '(nil)' : inspect(String(value.bulk.data));
  if (value.type === 'array') return value.items === null ? '(nil)' : `[${value.items.map(show).join(', ')}]`;
  return value.type === 'integer' ? `${value.value}` : `(${value.type}) ${value.text}`;
}
