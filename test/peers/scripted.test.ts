/** Peers of our own over real sockets, where loss, lateness and disorder have to be made: SMPP, and numbers of 16 bits. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  bytes,
  connect,
  cstring,
  type Framing,
  lengthPrefix,
  message,
  messages,
  rest,
  u8,
  u16be,
  u32be,
} from '../../src/index.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of cleanup.splice(0)) await act();
});

/** A server that hands each payload to a script, with what sends another. Returns its port. */
async function script(
  framing: Framing,
  act: (payload: Buffer, send: (payload: Uint8Array) => void) => void,
): Promise<number> {
  const server = net.createServer((socket) => {
    const reader = framing.reader();
    const writer = framing.writer();
    socket.on('error', () => {});
    const send = (payload: Uint8Array): void => {
      const body = Buffer.from(payload);
      const target = Buffer.alloc(writer.bound(body.length));
      if (!socket.destroyed) socket.write(target.subarray(0, writer.write(target, 0, body, 0, body.length)));
    };
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next())
        act(Buffer.from(frame), send);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('SMPP 3.4: both sides send requests, with the same numbers; errors and answers out of order', async () => {
  /** §3.1: command_length counts itself; command_id, command_status and sequence_number follow. */
  const status = { status: u32be, sequence: u32be };
  const pdus = messages(u32be, {
    bind: message(0x00000009, { ...status, systemId: cstring(), password: cstring(), rest: bytes(rest) }),
    bindResp: message(0x80000009, { ...status, rest: bytes(rest) }),
    submit: message(0x00000004, { ...status, text: bytes(rest) }),
    submitResp: message(0x80000004, { ...status, id: bytes(rest) }),
    deliver: message(0x00000005, { ...status, text: bytes(rest) }),
    deliverResp: message(0x80000005, { ...status, id: bytes(rest) }),
    enquire: message(0x00000015, status),
    enquireResp: message(0x80000015, status),
    unbind: message(0x00000006, status),
    unbindResp: message(0x80000006, status),
    nack: message(0x80000000, status),
  });
  const framing = lengthPrefix({ byteOrder: 'big', lengthIncludes: 'header' });
  const NONE = Buffer.alloc(0);
  const confirmed: number[] = [];
  let own = 0;
  const waiting: (() => void)[] = [];
  const port = await script(framing, (payload, send) => {
    const pdu = pdus.decode(payload);
    const { sequence } = pdu;
    if (pdu.type === 'bind') send(pdus.encode({ type: 'bindResp', status: 0, sequence, rest: NONE }));
    else if (pdu.type === 'submit') {
      // The center asks in its turn, with the number of this very request, before it answers.
      send(pdus.encode({ type: 'deliver', status: 0, sequence, text: pdu.text }));
      send(pdus.encode({ type: 'enquire', status: 0, sequence: ++own }));
      waiting.push(() =>
        send(
          pdu.text.toString() === '3'
            ? pdus.encode({ type: 'nack', status: 8, sequence })
            : pdus.encode({ type: 'submitResp', status: 0, sequence, id: pdu.text }),
        ),
      );
      // Answered from the last to the first.
      if (waiting.length === 10) for (const answer of waiting.splice(0).reverse()) answer();
    } else if (pdu.type === 'deliverResp' || pdu.type === 'enquireResp') confirmed.push(sequence);
    else if (pdu.type === 'unbind') send(pdus.encode({ type: 'unbindResp', status: 0, sequence }));
  });
  const client = await connect(
    { framing, clientMessages: pdus, serverMessages: pdus },
    {
      port,
      host: '127.0.0.1',
      replies: {
        id: 'sequence',
        ids: [1, 0x7fffffff],
        timeout: 5_000,
        expects: {
          bind: { one: ['bindResp', 'nack'] },
          submit: { one: ['submitResp', 'nack'] },
          enquire: { one: ['enquireResp', 'nack'] },
          unbind: { one: ['unbindResp', 'nack'] },
          deliverResp: 'none',
          enquireResp: 'none',
        },
      },
    },
  );
  cleanup.push(() => client.destroy());
  client.messages.on('data', (pdu) => {
    if (pdu.type === 'deliver')
      client.send({ type: 'deliverResp', status: 0, sequence: pdu.sequence, id: NONE });
    if (pdu.type === 'enquire') client.send({ type: 'enquireResp', status: 0, sequence: pdu.sequence });
  });
  const login = { type: 'bind', status: 0, systemId: 'a', password: 'b', rest: NONE } as const;
  expect((await client.request(login)).type).toBe('bindResp');
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      client.request({ type: 'submit', status: 0, text: Buffer.from(`${i}`) }),
    ),
  );
  expect(answers.map((pdu) => (pdu.type === 'submitResp' ? pdu.id.toString() : pdu.type))).toEqual(
    Array.from({ length: 20 }, (_, i) => (i === 3 ? 'nack' : `${i}`)),
  );
  expect((await client.request({ type: 'unbind', status: 0 })).type).toBe('unbindResp');
  expect(confirmed).toHaveLength(40);
});

describe('numbers of 16 bits, as in DNS over TCP', () => {
  const framing = lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' });
  const codec = messages(
    u8,
    { question: message(0, { n: u32be }), answer: message(1, { n: u32be }) },
    { header: { id: u16be } },
  );

  test('numbers wrap around, with losses and late answers: each request gets its own answer', async () => {
    let asked = 0;
    /** Answers that are sent once their request has been given up, by its number. */
    const overdue = new Map<number, () => void>();
    const port = await script(framing, (payload, send) => {
      const { id, n } = codec.decode(payload);
      const count = ++asked;
      if (count % 5_000 === 0) return;
      const answer = (): void => send(codec.encode({ type: 'answer', id, n }));
      if (count % 1_000 === 0) overdue.set(n, answer);
      else if (count % 7 === 0) setImmediate(answer);
      else answer();
    });
    const client = await connect(
      { framing, clientMessages: codec, serverMessages: codec },
      { port, host: '127.0.0.1', replies: { id: 'id', timeout: 200, maxInFlight: 256 } },
    );
    cleanup.push(() => client.destroy());
    client.messages.resume();
    const ends = { own: 0, late: 0, other: 0 };
    const worker = async (first: number): Promise<void> => {
      for (let n = first; n < 150_000; n += 256) {
        await client.request({ type: 'question', n }).then(
          (reply) => ends[reply.n === n ? 'own' : 'other']++,
          ({ code }) => {
            ends[code === 'ERR_TIMEOUT_REQUEST' ? 'late' : 'other']++;
            overdue.get(n)?.();
          },
        );
      }
    };
    await Promise.all(Array.from({ length: 256 }, (_, first) => worker(first)));
    expect(ends.other).toBe(0);
    expect(ends.own + ends.late).toBe(150_000);
    expect(ends.late).toBeGreaterThanOrEqual(150);
  });
});
