import type { Duplex } from 'node:stream';
import { expect, expectTypeOf, it } from 'vitest';
import * as w from '../../src/index.ts';

// What decoding gives and what encoding takes differ: a derived `n`, a Buffer, an optional field.
const ask = w.messages(w.u8, {
  m: w.message(1, { n: w.u8, data: w.bytes('n'), o: w.optional(w.u8) }),
});
const answer = w.messages(w.u8, {
  r: w.message(1, { n: w.u8, data: w.bytes('n'), o: w.optional(w.u8) }),
});
const framing = w.lengthPrefix();
const parts = { framing, clientMessages: ask, serverMessages: answer };

type Received = w.Decoded<typeof answer>;
type Sent = w.Encodable<typeof ask>;

const protocol = w.defineProtocol({
  name: 'p',
  ...parts,
  // In place: its literals stay literal.
  session: w.defineSession({
    receives: ask,
    sends: answer,
    initial: 's',
    states: {
      s: {
        on: {
          m(message) {
            expectTypeOf(message.n).toEqualTypeOf<number>();
            expectTypeOf(message.data).toEqualTypeOf<Buffer>();
            return { send: { type: 'r', data: new Uint8Array(2) } };
          },
        },
      },
      over: { final: true },
    },
  }),
});

it('a client receives what decoding gives, and sends what encoding takes', () => {
  const never = async (stream: Duplex) => {
    const client = new w.Client(parts, stream);
    for await (const message of client) expectTypeOf(message).toEqualTypeOf<Received>();
    const connected = await w.connect(protocol, { port: 1 });
    for await (const message of connected) expectTypeOf(message).toEqualTypeOf<Received>();
    expectTypeOf(await connected.request({ type: 'm', data: new Uint8Array(1) })).toEqualTypeOf<Received>();
    expectTypeOf(connected.send).parameter(0).toEqualTypeOf<Sent>();
    connected.send({ type: 'm', data: new Uint8Array(2) });
    // @ts-expect-error: data is missing
    connected.send({ type: 'm', n: 1 });
    const numbered = new w.Client(parts, stream, {
      replies: { id: 'n', match: (request, reply) => request.data.length === reply.n },
    });
    expectTypeOf(await numbered.request({ type: 'm', data: Buffer.alloc(1) })).toEqualTypeOf<Received>();
    // @ts-expect-error: no number has that path
    new w.Client(parts, stream, { replies: { id: 'nn' } });
  };
  expect(never).toBeTypeOf('function');
});

it('a server receives and sends the same of the other side', () => {
  const never = () => {
    const server = w.createServer(protocol);
    server.on('connection', (connection) => {
      expectTypeOf(connection.machine.send).parameter(0).toEqualTypeOf<w.Encodable<typeof answer>>();
    });
    const conversation = new w.Conversation(protocol);
    expectTypeOf(conversation.send).parameter(0).toEqualTypeOf<w.Encodable<typeof answer>>();
  };
  expect(never).toBeTypeOf('function');
});

it('a protocol keeps the names of the states', () => {
  expectTypeOf(protocol.session.states).toEqualTypeOf<readonly ('s' | 'over')[]>();
  expect(protocol.session.states).toEqual(['s', 'over']);
});

it('a session of other messages is refused', () => {
  const other = w.messages(w.u8, { q: w.message(1, { n: w.u8 }) });
  const { session } = protocol;
  const never = () => {
    // @ts-expect-error: the session sends messages that serverMessages does not have
    w.defineProtocol({ name: 'p', framing, clientMessages: ask, serverMessages: other, session });
    // @ts-expect-error: the session does not receive all of clientMessages
    w.defineProtocol({ name: 'p', framing, clientMessages: other, serverMessages: answer, session });
    w.defineProtocol({
      name: 'p',
      ...parts,
      session: w.defineSession({
        receives: ask,
        sends: answer,
        initial: 's',
        // @ts-expect-error: no such message
        states: { s: { on: { m: () => ({ send: { type: 'rr', data: Buffer.alloc(0) } }) } } },
      }),
    });
  };
  expect(never).toBeTypeOf('function');
});
