import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Codec, defineSession, type Session, type Step } from '../../../src/index.ts';
import { ANSWERED, generateAsk, NOT_ASKED } from '../../../src/protocol/session/ask.ts';
import type { TableRow } from '../../../src/protocol/session/table.ts';

type Message = { type: string; [name: string]: unknown };
const any = {} as unknown as Codec<Message>;

/** A session whose handler of `say` gives that reply. */
function saying(
  reply: (n: unknown) => unknown,
  more: object = {},
): Session<Message, Message, 'a' | 'b', unknown> {
  return defineSession({
    receives: any,
    sends: any,
    initial: 'a',
    farewell: (error: Error) => ({ type: 'farewell', text: error.message }),
    states: {
      a: {
        on: { say: { outcomes: { a: 'yes', b: 'no' }, handle: ({ n }: Message) => reply(n) }, ...more },
        timers: { tick: () => undefined },
      },
      b: { on: { say: () => ({ send: { type: 'here' } }) } },
    },
  } as never) as never;
}

/** With so many rows that declare their answer, no code is generated for the state. */
const MANY_ROWS = Object.fromEntries(
  Array.from({ length: 80 }, (_, i) => [`row${i}`, { outcomes: { a: 'yes' }, handle: () => undefined }]),
);

const YES = { type: 'yes' };
class Reply {
  send = YES;
}
const REPLIES: readonly [name: string, reply: (n: unknown) => unknown][] = [
  ['the usual answer', (n) => ({ send: { type: 'yes', n } })],
  [
    'the usual answer, with parts that are undefined',
    () => ({ send: YES, next: undefined, timers: undefined }),
  ],
  ['the usual answer, of a class', () => new Reply()],
  ['the usual answer and the same state', () => ({ send: YES, next: 'a' })],
  ['the usual answer in a list', () => ({ send: [YES] })],
  ['the answer of another state', () => ({ send: { type: 'no' }, next: 'b' })],
  ['the answer of another state in this one', () => ({ send: { type: 'no' } })],
  ['two answers', () => ({ send: [YES, YES] })],
  ['no answer', () => undefined],
  ['no answer in an object', () => ({})],
  ['null', () => null],
  ['a number', () => 1],
  ['a text', () => 'yes'],
  ['the message itself', () => YES],
  ['a list', () => [YES]],
  ['a function', () => () => YES],
  ['a timer', () => ({ send: YES, timers: { tick: 5 } })],
  ['a timer that is not there', () => ({ send: YES, timers: { tock: 5 } })],
  ['an upgrade', () => ({ send: YES, upgrade: 'tls' })],
  ['a message without a type', () => ({ send: {} })],
  ['null in place of a message', () => ({ send: null })],
  ['a promise', () => Promise.resolve({ send: YES })],
  ['a promise that is refused', () => Promise.reject(new Error('late'))],
  ['a thenable with an answer', () => Object.assign(Promise.resolve({ send: YES }), { next: 'b' })],
  [
    'a generator',
    async function* () {
      yield YES;
      return { next: 'a' };
    },
  ],
  [
    'an error',
    () => {
      throw new Error('now');
    },
  ],
  [
    'an error of a getter',
    () => ({
      get send() {
        throw new Error('getter');
      },
    }),
  ],
  [
    'an error of a type',
    () => ({
      send: {
        get type() {
          throw new Error('type');
        },
      },
    }),
  ],
];

/** What three messages lead to. */
async function outcome(session: Session<Message, Message, string, unknown>): Promise<unknown[]> {
  const run = session.start();
  const steps: Step<Message, string>[] = [];
  for (let n = 0; n < 3; n++) steps.push(await run.receive({ type: 'say', n }));
  return steps.map((step) => ({ ...step, error: step.error && [step.error.name, step.error.message] }));
}

describe('the generated function gives what the table says', () => {
  test.each(REPLIES)('%s', async (_, reply) => {
    expect(await outcome(saying(reply))).toEqual(await outcome(saying(reply, MANY_ROWS)));
  });

  test('one reply after the other in the same state', () => {
    const replies: unknown[] = [{ send: YES }, { send: [YES] }, { send: YES }, undefined];
    const run = saying((n) => replies[n as number]).start();
    const steps = replies.map((_, n) => run.receive({ type: 'say', n }) as Step<Message, string>);
    expect(steps.slice(0, 3).map(({ answers }) => answers)).toEqual([[YES], [YES], [YES]]);
    expect(steps[3]!.error?.message).toContain('say');
  });

  test('a getter of the message to send is read once', () => {
    let reads = 0;
    const reply = {
      get send() {
        return { type: reads++ === 0 ? 'yes' : 'changed' };
      },
    };
    const run = saying(() => reply).start();
    expect(run.receive({ type: 'say' })).toMatchObject({ answers: [YES] });
    expect(reads).toBe(1);
  });

  test.each(['it\'s "x"', '\u2028', '`', '*/ x /*', '__proto__', 'constructor', '\\'])(
    'messages may have the name %j',
    (name) => {
      const row = { outcomes: { a: name }, handle: () => ({ send: { type: name } }) };
      const run = saying(() => undefined, { [name]: row }).start();
      expect(run.receive({ type: name })).toMatchObject({ answers: [{ type: name }], error: undefined });
      expect(run.receive({ type: `${name}!` })).toMatchObject({ error: { code: 'ERR_STATE_UNEXPECTED' } });
    },
  );
});

describe('which messages the function handles', () => {
  const row = (more: Partial<TableRow> = {}): TableRow => ({
    handle: () => ({ send: YES }),
    outcomes: undefined,
    answer: 'yes',
    concurrent: undefined,
    ...more,
  });
  const rows = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`${i}`, row()]));
  const none = generateAsk(new Map());

  test.each<[string, Map<string, TableRow>, type: string, outcome: unknown, answers: object[]]>([
    ['a row with one answer', rows(1), '0', ANSWERED, [YES]],
    ['a type without a row', rows(1), '1', NOT_ASKED, []],
    [
      'a row that declares no answer',
      new Map([...rows(1), ['say', row({ answer: undefined, handle: () => ({}) })]]),
      'say',
      NOT_ASKED,
      [],
    ],
    ['a concurrent row', new Map([...rows(1), ['say', row({ concurrent: () => 1 })]]), 'say', NOT_ASKED, []],
    ['64 rows', rows(64), '63', ANSWERED, [YES]],
    ['65 rows', rows(65), '64', NOT_ASKED, []],
  ])('%s', (_, on, type, outcome, expected) => {
    const answers: unknown[] = [];
    expect(generateAsk(on)({ type }, type, undefined, answers)).toBe(outcome);
    expect(answers).toEqual(expected);
  });

  test('none is generated for no rows, or too many', () => {
    expect(generateAsk(new Map([['say', row({ concurrent: () => 1 })]]))).toBe(none);
    expect(generateAsk(rows(65))).toBe(none);
    expect(generateAsk(rows(64))).not.toBe(none);
  });

  test('none where generating code is forbidden; any other error is thrown', () => {
    const { Function: real } = globalThis;
    const failing = (error: Error) => {
      globalThis.Function = class {
        constructor() {
          throw error;
        }
      } as never;
      try {
        return generateAsk(rows(1));
      } finally {
        globalThis.Function = real;
      }
    };
    expect(failing(new EvalError('forbidden'))).toBe(none);
    expect(() => failing(new SyntaxError('wrong'))).toThrow(new SyntaxError('wrong'));
  });
});

test('a session works where generating code is forbidden', () => {
  const script = `
    import { Conversation } from './dist/index.js';
    import { drone } from './dist/drone/index.js';
    const conversation = new Conversation(drone);
    conversation.receive(Buffer.from('0700000002' + '0548454c4c4f' + '0900000001' + '01000000ffffffff', 'hex'));
    console.log(conversation.take().toString('latin1'));`;
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script];
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const printed = execFileSync(process.execPath, flags, { cwd: root, encoding: 'latin1' });
  expect(printed).toContain('AUTH_OK');
  expect(printed).toContain('MOVING_TO(1, -1)');
});
