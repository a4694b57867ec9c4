/** A server of ours with a login by challenge and answers of every form: nothing is found in it, unless it breaks the table. */
import net from 'node:net';
import { expect, test } from 'vitest';
import { type FuzzReport, fuzz } from '../../../src/fuzz/fuzz.ts';
import {
  bytes,
  createServer,
  defineProtocol,
  defineSession,
  message,
  messages,
  rest,
  slip,
  u8,
  u16be,
  utf8,
  varuint,
} from '../../../src/index.ts';

const clientMessages = messages(u8, {
  hello: message(1, { name: utf8(u8) }),
  prove: message(2, { answer: u16be }),
  ask: message(3, { count: u8 }),
  note: message(4, { text: utf8(u16be) }),
  leave: message(5),
});
const serverMessages = messages(u8, {
  challenge: message(1, { nonce: u16be }),
  welcome: message(2),
  row: message(3, { index: varuint }),
  done: message(4),
  sorry: message(5, { why: utf8(rest) }),
  goodbye: message(6, { stamp: bytes(2) }),
});

type Bug = 'a row behind the last' | 'no last row' | 'a note is answered' | 'no farewell but a row';

/**
 * What a state does not take breaks the protocol.
 *
 *     new ──hello──▶ challenged ──prove──▶ open ──leave──▶ closing
 */
function guarded(bug?: Bug) {
  const session = defineSession({
    receives: clientMessages,
    sends: serverMessages,
    initial: 'new',
    ready: 'open',
    context: () => ({ nonce: 0 }),
    farewell: () =>
      bug === 'no farewell but a row'
        ? { type: 'row', index: 0 }
        : { type: 'sorry', why: 'you broke the protocol' },
    states: {
      new: {
        on: {
          hello: {
            outcomes: { challenged: 'challenge' },
            handle(_, context) {
              context.nonce = Math.floor(Math.random() * 65_536);
              return { send: { type: 'challenge', nonce: context.nonce }, next: 'challenged' };
            },
          },
        },
      },
      challenged: {
        on: {
          prove: {
            outcomes: { open: 'welcome', closing: 'sorry' },
            handle: ({ answer }, { nonce }) =>
              answer === (nonce ^ 0xffff)
                ? { send: { type: 'welcome' }, next: 'open' }
                : { send: { type: 'sorry', why: 'that is not the answer' }, next: 'closing' },
          },
        },
      },
      open: {
        on: {
          ask: {
            outcomes: { open: bug === undefined ? { until: 'done', of: 'row' } : ['row', 'done'] },
            handle({ count }) {
              const rows = Array.from(
                { length: Math.min(count, 5) },
                (_, index) => ({ type: 'row', index }) as const,
              );
              const last = bug === 'no last row' ? [] : [{ type: 'done' } as const];
              const more = bug === 'a row behind the last' ? [{ type: 'row', index: 9 } as const] : [];
              return { send: [...rows, ...last, ...more] };
            },
          },
          note: {
            outcomes: { open: bug === 'a note is answered' ? ['welcome'] : [] },
            handle: () => (bug === 'a note is answered' ? { send: { type: 'welcome' } } : undefined),
          },
          leave: {
            outcomes: { closing: 'goodbye' },
            handle: () => ({ send: { type: 'goodbye', stamp: Buffer.from([1, 2]) }, next: 'closing' }),
          },
        },
      },
      closing: { final: true },
    },
  });
  return defineProtocol({
    name: 'guarded',
    framing: slip({ maxFrameLength: 2_000 }),
    clientMessages,
    serverMessages,
    session,
  });
}

async function attacked(bug?: Bug): Promise<FuzzReport> {
  const server = createServer(guarded(bug));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as net.AddressInfo;
  const report = await fuzz(guarded(), {
    connect: () => net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
    values: {
      // What the server has said is part of the answer.
      'challenged.prove': ({ received }) => {
        const { nonce } = received.at(-1) as { nonce: number };
        return { type: 'prove', answer: nonce ^ 0xffff };
      },
    },
    refusal: 'close:sorry',
    attacks: bug === undefined ? 55 : 400,
    // The number of attacks ends the run, not the speed of the machine.
    seconds: 3_600,
    timeout: bug === undefined ? 10_000 : 500,
    failures: 1,
    flood: 65_536,
    shrinkTime: 1,
  });
  await server.close({ deadline: 1 });
  return report;
}

test('nothing is found, and states after a challenge are reached', async () => {
  const { failures, reached, unreached, attacks } = await attacked();
  expect(failures).toEqual([]);
  expect(reached).toEqual(['new', 'challenged', 'open']);
  expect(unreached).toEqual([]);
  expect(Math.min(...Object.values({ ...attacks, floods: 1 }))).toBeGreaterThan(0);
});

test.each<[Bug, string]>([
  ['a row behind the last', 'answer'],
  ['no last row', 'silence'],
  ['a note is answered', 'answer'],
  ['no farewell but a row', 'accepted'],
])('%s', async (bug, kind) => {
  const { failures } = await attacked(bug);
  expect(failures.map((one) => one.kind)).toEqual([kind]);
});
