import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientMessage, drone, droneSession, type ServerMessage } from '../../../src/drone/index.ts';
import { type Codec, defineSession, StateError, type Step } from '../../../src/index.ts';
import { expectations } from '../../../src/protocol/session/expects.ts';
import { Mirror } from '../../../src/protocol/session/mirror.ts';
import type { Outcome } from '../../../src/protocol/session/outcome.ts';
import type { StateTable, TableRow } from '../../../src/protocol/session/table.ts';

const HELLO: ClientMessage = { type: 'write', text: 'HELLO' };
const MOVE: ClientMessage = { type: 'move', x: 1, y: 2 };
const QUIT: ClientMessage = { type: 'quit' };
const OK: ServerMessage = { type: 'ok', text: '' };
const ERROR: ServerMessage = { type: 'error', text: '' };

const local = (code: string) => expect.objectContaining({ code, origin: 'local' });
const peer = (code: string) => expect.objectContaining({ code, origin: 'peer' });

function allows(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

describe('the drone, seen by its client', () => {
  test('a flight, answer by answer', () => {
    const mirror = drone.session.mirror();
    expect(mirror.state).toBe('handshake');
    mirror.send(HELLO);
    mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
    mirror.send(MOVE);
    mirror.receive(OK);
    mirror.send(QUIT);
    expect(mirror.state).toBe('authenticated');
    mirror.receive(OK);
    expect(mirror.state).toBe('closing');
    expect(() => mirror.send(MOVE)).toThrow(local('ERR_STATE_CLOSED'));
  });

  test('what the drone owes is one answer for each message', () => {
    const mirror = drone.session.mirror();
    expect(mirror.owes).toBe(false);
    mirror.send(HELLO);
    mirror.send(MOVE);
    expect(mirror.owes).toBe(true);
    mirror.receive(OK);
    expect(mirror.owes).toBe(true);
    mirror.receive(OK);
    expect(mirror.owes).toBe(false);
  });

  test('a command before the handshake is our fault, and changes nothing', () => {
    const mirror = drone.session.mirror();
    expect(() => mirror.send(MOVE)).toThrow(StateError);
    expect(() => mirror.send(MOVE)).toThrow(
      expect.objectContaining({
        code: 'ERR_STATE_UNEXPECTED',
        origin: 'local',
        state: 'handshake',
        expected: ['write'],
      }),
    );
    mirror.send(HELLO);
    mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
  });

  test('commands may be sent ahead of the answers, which narrow the possible states of the drone', () => {
    const mirror = drone.session.mirror();
    mirror.send(HELLO);
    mirror.send(MOVE); // authenticated, or closing for all we know
    mirror.send(QUIT);
    expect(() => mirror.send(MOVE)).toThrow(local('ERR_STATE_CLOSED'));
    mirror.receive(ERROR); // the token was wrong
    expect(mirror.state).toBe('closing');
  });

  test('what is wrong, in words', () => {
    const thrown = (act: () => void): object => {
      try {
        act();
      } catch (error) {
        return { ...(error as object), message: (error as Error).message };
      }
      throw new Error('nothing was thrown');
    };
    const mirror = droneSession({ authAttempts: 2 }).mirror();
    expect(thrown(() => mirror.send(MOVE))).toMatchObject({
      code: 'ERR_STATE_UNEXPECTED',
      origin: 'local',
      message: "'move' may not be sent in state 'handshake', only write",
      messageType: 'move',
      actual: 'move',
      state: 'handshake',
      expected: ['write'],
    });
    expect(thrown(() => mirror.send({ type: 5 } as never))).toMatchObject({
      message: "a message of type 5 may not be sent in state 'handshake', only write",
      actual: '5',
    });
    mirror.send(HELLO);
    mirror.receive(ERROR);
    expect(thrown(() => mirror.send(null as never))).toMatchObject({
      message: "a message without a type may not be sent in state 'handshake or closing', only write",
      actual: 'undefined',
      state: 'handshake or closing',
    });
    expect(thrown(() => mirror.receive({ type: 'jump' } as never))).toMatchObject({
      code: 'ERR_STATE_UNEXPECTED',
      origin: 'peer',
      message: "'jump' cannot come in state 'handshake or closing'",
      messageType: 'jump',
      actual: 'jump',
      state: 'handshake or closing',
    });
    expect(thrown(() => mirror.receive(null as never))).toMatchObject({
      message: "a message without a type cannot come in state 'handshake or closing'",
      actual: 'undefined',
    });
    mirror.send(HELLO);
    mirror.receive(OK);
    mirror.send(QUIT);
    expect(thrown(() => mirror.send(MOVE))).toMatchObject({
      code: 'ERR_STATE_CLOSED',
      origin: 'local',
      message: "'move' cannot be sent: the session is over",
      messageType: 'move',
      actual: 'move',
      state: 'closing',
    });
  });

  test('a second attempt, if the table has one', () => {
    const mirror = droneSession({ authAttempts: 2 }).mirror();
    mirror.send(HELLO);
    mirror.receive(ERROR);
    expect(mirror.states).toEqual(['handshake', 'closing']);
    expect(mirror.state).toBeUndefined();
    mirror.send(HELLO);
    mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
  });

  test('thousands ahead', () => {
    const mirror = drone.session.mirror();
    mirror.send(HELLO);
    mirror.receive(OK);
    for (let i = 0; i < 5_000; i++) mirror.send(MOVE);
    for (let i = 0; i < 5_000; i++) mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
  });

  test('never disagrees with the drone itself', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom<ClientMessage>(HELLO, MOVE, QUIT, { type: 'write', text: 'x' }),
            fc.nat(3),
          ),
          {
            maxLength: 20,
          },
        ),
        fc.integer({ min: 1, max: 3 }),
        (script, authAttempts) => {
          const session = droneSession({ authAttempts });
          const run = session.start();
          const mirror = session.mirror();
          const waiting: ServerMessage[] = [];
          for (const [message, readings] of script) {
            if (!allows(() => mirror.send(message))) continue;
            waiting.push(...(run.receive(message) as Step<ServerMessage, string>).answers);
            for (const answer of waiting.splice(0, readings)) mirror.receive(answer);
          }
          for (const answer of waiting) mirror.receive(answer);
          expect(mirror.states).toContain(run.state);
          expect(mirror.owes).toBe(false);
        },
      ),
      { numRuns: 300 },
    ));
});

type In = { type: 'ask' } | { type: 'go' };
type Out = { type: 'yes' } | { type: 'no' } | { type: 'news' };
const codecs = {
  receives: { types: ['ask', 'go'] } as unknown as Codec<In>,
  sends: { types: ['yes', 'no', 'news'] } as unknown as Codec<Out>,
};
const handle = () => {};

describe('what the peer may send', () => {
  const strict = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { ask: { outcomes: { a: ['no'], b: 'yes' }, handle } }, unsolicited: ['news'] },
      b: { unsolicited: [], on: { go: { outcomes: { b: [] }, handle } } },
    },
  });

  test('requested messages, any number if the table says so, and unsolicited messages', () => {
    const mirror = strict.mirror();
    mirror.receive({ type: 'news' });
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    mirror.send({ type: 'ask' });
    mirror.send({ type: 'ask' });
    for (const type of ['no', 'news', 'no', 'yes'] as const) mirror.receive({ type });
    expect(mirror.state).toBe('b');
    expect(() => mirror.receive({ type: 'news' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    expect(() => mirror.send({ type: 'ask' })).toThrow(local('ERR_STATE_UNEXPECTED'));
    mirror.send({ type: 'go' });
    expect(() => mirror.receive({ type: 'no' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });

  test('any message of a greeting, a deadline or a farewell', () => {
    const greeting = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { ask: handle }, unsolicited: [], onEnter: () => [{ type: 'yes' }, { type: 'news' }] },
      },
    }).mirror();
    greeting.receive({ type: 'yes' });
    greeting.receive({ type: 'news' });
    expect(greeting.state).toBe('a');

    const late = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { ask: handle },
          unsolicited: [],
          deadline: { idle: 1, handle: () => ({ next: 'b' }) },
          next: ['b'],
        },
        b: { final: true },
      },
    }).mirror();
    late.receive({ type: 'no' });
    expect(late.states).toEqual(['a', 'b']);

    const farewell = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { ask: handle }, unsolicited: [] } },
      farewell: () => ({ type: 'no' }),
    }).mirror();
    farewell.receive({ type: 'no' });
    expect(() => farewell.send({ type: 'ask' })).toThrow(local('ERR_STATE_CLOSED'));
    farewell.receive({ type: 'no' });
  });

  test('after a farewell nothing is owed, and the state is the last one', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { ask: { outcomes: { b: 'yes' }, handle } }, unsolicited: [] },
        b: { unsolicited: [] },
      },
      farewell: () => ({ type: 'no' }),
    }).mirror();
    mirror.send({ type: 'ask' });
    expect(mirror.owes).toBe(true);
    mirror.receive({ type: 'no' });
    mirror.receive({ type: 'yes' });
    expect([mirror.owes, mirror.state]).toEqual([false, 'a']);
  });

  test('timers, whose handlers may have sent anything and entered any state', () => {
    const timed = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { ask: handle }, unsolicited: [], timers: { t: handle }, next: ['b'] },
        b: { final: true },
      },
    }).mirror();
    timed.receive({ type: 'no' });
    expect(timed.states).toEqual(['a', 'b']);
  });

  describe('while one answer of a declared type is due', () => {
    const asked = { on: { ask: { outcomes: { b: 'yes' }, handle } }, unsolicited: [] } as const;
    const mirrorOf = (a: object, b: object) =>
      defineSession({ ...codecs, initial: 'a', states: { a, b } as never }).mirror();

    test.each([
      ['a deadline', { deadline: { idle: 1, handle } }],
      ['a timer', { timers: { t: handle } }],
    ])('the handler of %s may send anything before it', (_, time) => {
      const mirror = mirrorOf({ ...asked, ...time }, { unsolicited: [] });
      mirror.send({ type: 'ask' });
      mirror.receive({ type: 'no' });
      mirror.receive({ type: 'yes' });
      expect(mirror.states).toContain('b');
    });

    test('nothing else may come before it, and nothing after it', () => {
      const mirror = mirrorOf(asked, { unsolicited: [] });
      mirror.send({ type: 'ask' });
      expect(() => mirror.receive({ type: 'no' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
      mirror.receive({ type: 'yes' });
      expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    });

    test('the state that it enters may greet', () => {
      const entering = mirrorOf(asked, { unsolicited: [], onEnter: () => ({ type: 'news' }) });
      entering.send({ type: 'ask' });
      entering.receive({ type: 'yes' });
      entering.receive({ type: 'news' });
      expect(entering.state).toBe('b');
    });

    test('a message of a greeting may come before it', () => {
      const mirror = mirrorOf({ ...asked, onEnter: () => ({ type: 'news' }) }, { unsolicited: [] });
      mirror.send({ type: 'ask' });
      mirror.receive({ type: 'news' });
      mirror.receive({ type: 'yes' });
      expect(mirror.states).toContain('b');
    });
  });

  test('codecs that name no types', () => {
    const any = { decode() {}, encode() {} } as never;
    const mirror = defineSession<In, Out, 'a' | 'b', object>({
      receives: any,
      sends: any,
      initial: 'a',
      states: { a: { otherwise: { outcomes: { b: [] }, handle } }, b: { on: { go: handle } } },
    } as never).mirror();
    mirror.receive({ type: 'whatever' } as never);
    mirror.send({ type: 'whatever' } as never);
    expect(() => mirror.send({ type: 'whatever' } as never)).toThrow(local('ERR_STATE_UNEXPECTED'));
  });

  test('`otherwise` accepts what we send if it is the only row, and the state is not the last', () => {
    const states = {
      a: { on: { go: { outcomes: { b: [] }, handle } }, otherwise: handle },
      b: { on: {}, otherwise: { outcomes: { c: [] }, handle } },
      c: { final: true, otherwise: handle },
    };
    const at = (initial: 'a' | 'b' | 'c') =>
      defineSession({ ...codecs, initial, states: states as never }).mirror();
    expect(() => at('a').send({ type: 'ask' })).toThrow(local('ERR_STATE_UNEXPECTED'));
    expect(() => at('c').send({ type: 'ask' })).toThrow(local('ERR_STATE_CLOSED'));
    const mirror = at('b');
    mirror.send({ type: 'ask' });
    expect(() => mirror.send({ type: 'ask' })).toThrow(local('ERR_STATE_CLOSED'));
    const none = defineSession({ ...codecs, initial: 'a', states: { a: {} } }).mirror();
    expect(() => none.send({ type: 'ask' })).toThrow(local('ERR_STATE_UNEXPECTED'));
  });

  test('a table without outcomes allows everything, and stays fast', () => {
    const loose = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { ask: handle, go: handle }, next: ['b'] }, b: { otherwise: handle, next: ['a'] } },
    }).mirror();
    for (let i = 0; i < 200; i++) loose.send({ type: i % 2 ? 'ask' : 'go' });
    for (let i = 0; i < 20; i++) loose.receive({ type: 'news' });
    expect(loose.states).toEqual(expect.arrayContaining(['a', 'b']));
  });

  test('unsolicited in a state that does not declare it, if nothing we sent leads to that state', () => {
    const mirror = drone.session.mirror();
    mirror.receive(ERROR);
    expect(mirror.state).toBe('handshake');
    mirror.send(HELLO);
    mirror.receive(ERROR);
    expect(mirror.state).toBe('closing');
    expect(() => mirror.receive(ERROR)).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });
});

describe('what else the other side may do', () => {
  test('many answers until the last one, before the answer to the next message', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            ask: { outcomes: { a: { until: 'yes', of: 'news' } }, handle },
            go: { outcomes: { b: { one: ['no', 'yes'] } }, handle },
          },
          unsolicited: [],
        },
        b: { unsolicited: [] },
      },
    }).mirror();
    mirror.send({ type: 'ask' });
    mirror.send({ type: 'go' });
    mirror.receive({ type: 'news' });
    expect(() => mirror.receive({ type: 'no' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    mirror.receive({ type: 'news' });
    mirror.receive({ type: 'yes' });
    expect(mirror.state).toBe('a');
    mirror.receive({ type: 'no' });
    expect(mirror.state).toBe('b');
    expect(() => mirror.receive({ type: 'no' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });

  test('a postponed message is answered in the next state, before later messages', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { go: { outcomes: { b: 'news' }, handle } }, postpone: ['ask'], unsolicited: [] },
        b: {
          on: { ask: { outcomes: { b: 'yes' }, handle }, go: { outcomes: { a: 'no' }, handle } },
          unsolicited: [],
        },
      },
    }).mirror();
    mirror.send({ type: 'ask' });
    mirror.send({ type: 'go' });
    mirror.send({ type: 'go' });
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    for (const type of ['news', 'yes', 'no'] as const) mirror.receive({ type });
    expect(mirror.state).toBe('a');
  });

  test('a postponed message is handled before our next message', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { ask: { outcomes: { b: 'yes' }, handle } }, postpone: ['go'], unsolicited: [] },
        b: { on: { go: { outcomes: { a: [] }, handle } }, unsolicited: [] },
      },
    }).mirror();
    mirror.send({ type: 'go' });
    mirror.send({ type: 'ask' });
    // The answer of 'ask': in state b 'go' is taken at once, so the server is in state a by our next message.
    mirror.receive({ type: 'yes' });
    mirror.send({ type: 'ask' });
    mirror.receive({ type: 'yes' });
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });

  test('answers of concurrent rows come in any order', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            ask: { outcomes: { a: 'yes' }, concurrent: 'n', handle },
            go: { outcomes: { a: 'no' }, concurrent: 'n', handle },
          },
          unsolicited: [],
        },
      },
    }).mirror();
    mirror.send({ type: 'ask' });
    mirror.send({ type: 'go' });
    mirror.receive({ type: 'no' });
    mirror.receive({ type: 'yes' });
    expect(() => mirror.receive({ type: 'news' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });

  test('`expects` declares what the outcomes do not', () => {
    const session = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { ask: handle, go: handle }, unsolicited: [] } },
    });
    const mirror = session.mirror(expectations({ ask: 'none', go: { one: 'no' } }).of);
    mirror.send({ type: 'ask' });
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    mirror.send({ type: 'go' });
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    mirror.receive({ type: 'no' });
  });
});

describe('the owed answers', () => {
  const owing = (outcome: object | string, expects?: object) => {
    const row = expects === undefined ? { outcomes: { a: outcome as never }, handle } : handle;
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { ask: row, go: { outcomes: { a: 'no' }, handle } }, unsolicited: ['news'] },
      } as never,
    }).mirror(expects && expectations({ ask: expects } as never).of);
    mirror.send({ type: 'ask' } as never);
    return mirror;
  };

  test.each<[string, object | string, object | undefined, boolean]>([
    ['one', 'yes', undefined, true],
    ['any number', ['yes', 'no'], undefined, false],
    ['nothing', [], undefined, false],
    ['up to the last', { until: 'yes' }, undefined, true],
    ['one, as expects says', '', { one: 'yes' }, true],
    ['up to the last, as expects says', '', { until: 'yes', of: 'no' }, true],
    ['up to what a function takes for the last', '', { until: () => true }, false],
  ])('%s', (_, outcome, expects, isOwed) => {
    const mirror = owing(outcome, expects);
    expect(mirror.owes).toBe(isOwed);
    if (isOwed) mirror.receive({ type: 'yes' } as never);
    expect(mirror.owes).toBe(false);
    mirror.send({ type: 'go' } as never);
    expect(mirror.owes).toBe(true);
    mirror.receive({ type: 'news' } as never);
    mirror.receive({ type: 'no' } as never);
    expect(mirror.owes).toBe(false);
  });

  test('the rest of an answer', () => {
    const mirror = owing({ until: 'yes', of: 'no' });
    mirror.receive({ type: 'no' } as never);
    expect(mirror.owes).toBe(true);
    mirror.receive({ type: 'yes' } as never);
    expect(mirror.owes).toBe(false);
  });

  test('postponed and unanswered messages, and messages owed by a state that was entered silently', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { go: { outcomes: { b: [] }, handle } }, postpone: ['ask'], unsolicited: [] },
        b: { on: { ask: { outcomes: { b: 'yes' }, handle } }, unsolicited: [] },
      },
    }).mirror();
    mirror.send({ type: 'ask' });
    // It waits: nothing has to come before 'go'.
    expect(mirror.owes).toBe(false);
    mirror.send({ type: 'go' });
    expect(mirror.owes).toBe(true);
    mirror.receive({ type: 'yes' });
    expect([mirror.owes, mirror.state]).toEqual([false, 'b']);
  });
});

test('many answered messages are dropped, and the next ones are known', () => {
  const mirror = drone.session.mirror();
  mirror.send(HELLO);
  mirror.receive(OK);
  for (let i = 0; i < 600; i++) mirror.send(MOVE);
  for (let i = 0; i < 600; i++) {
    expect(mirror.owes).toBe(true);
    mirror.receive(OK);
    if (i % 100 === 0) expect(mirror.state).toBe('authenticated');
  }
  expect(mirror.owes).toBe(false);
  mirror.send(QUIT);
  expect(() => mirror.send(MOVE)).toThrow(local('ERR_STATE_CLOSED'));
  mirror.receive(OK);
  expect(mirror.state).toBe('closing');
});

test('an answer narrows what may be sent behind messages that are not answered yet', () => {
  const mirror = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { ask: { outcomes: { b: 'yes', c: 'no' }, handle } }, unsolicited: [] },
      b: { on: { go: { outcomes: { d: 'yes' }, handle } }, unsolicited: [] },
      c: { on: { go: { outcomes: { e: 'no' }, handle } }, unsolicited: [] },
      d: { on: { go: { outcomes: { f: 'yes' }, handle } }, unsolicited: [] },
      e: { on: { go: { outcomes: { g: 'no' }, handle } }, unsolicited: [] },
      f: { on: { ask: handle }, unsolicited: [] },
      g: { on: { go: handle }, unsolicited: [] },
    },
  });
  for (const [answer, taken, refused] of [
    ['yes', 'ask', 'go'],
    ['no', 'go', 'ask'],
  ] as const) {
    const one = mirror.mirror();
    for (const type of ['ask', 'go', 'go'] as const) one.send({ type });
    one.receive({ type: answer });
    expect(() => one.send({ type: refused })).toThrow(local('ERR_STATE_UNEXPECTED'));
    one.send({ type: taken });
    for (let i = 0; i < 2; i++) one.receive({ type: answer });
    expect(one.state).toBe(answer === 'yes' ? 'f' : 'g');
  }
});

test('of several possible answers the next messages decide the state of the server', () => {
  // 'ask' leads to b or c, which answer 'go' differently; each is answered by any number of news.
  const mirror = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { ask: { outcomes: { b: ['news'], c: ['news'] }, handle } }, unsolicited: [] },
      b: { on: { go: { outcomes: { d: 'yes' }, handle } }, unsolicited: [] },
      c: { on: { go: { outcomes: { e: 'no' }, handle } }, unsolicited: [] },
      d: { on: { ask: { outcomes: { d: 'yes' }, handle } }, unsolicited: [] },
      e: { on: { go: { outcomes: { e: 'no' }, handle } }, unsolicited: [] },
    },
  }).mirror();
  mirror.send({ type: 'ask' });
  mirror.receive({ type: 'news' });
  expect(mirror.states.toSorted()).toEqual(['b', 'c']);
  mirror.send({ type: 'go' });
  // The server is in d or e by then: either may take it.
  mirror.send({ type: 'go' });
  mirror.receive({ type: 'no' });
  expect(mirror.state).toBe('e');
  expect(() => mirror.send({ type: 'ask' })).toThrow(local('ERR_STATE_UNEXPECTED'));
  expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  mirror.receive({ type: 'no' });
  expect(mirror.owes).toBe(false);
});

describe('memory and work are bounded', () => {
  /** From s0, 'go' leads to any of so many states, which take 'ask' alone, and stay. */
  const fan = (count: number) =>
    defineSession({
      ...codecs,
      initial: 's0',
      states: Object.fromEntries(
        Array.from({ length: count }, (_, i) => [
          `s${i}`,
          {
            on: i === 0 ? { go: handle } : { ask: handle },
            unsolicited: [],
            ...(i === 0 && { next: Array.from({ length: count }, (_, k) => `s${k}`) }),
          },
        ]),
      ) as never,
    }).mirror();

  test('256 places, and no more', () => {
    const exact = fan(256);
    exact.send({ type: 'go' } as never);
    expect(exact.states).toEqual(['s0']);
    const lost = fan(257);
    lost.send({ type: 'go' } as never);
    expect(lost.states).toHaveLength(257);
    expect([lost.state, lost.owes]).toEqual([undefined, false]);
    // From then on, what any state takes, and what any state may send.
    for (const type of ['ask', 'go', 'ask']) lost.send({ type } as never);
    expect(() => lost.send({ type: 'jump' } as never)).toThrow(local('ERR_STATE_UNEXPECTED'));
    for (const type of ['yes', 'no']) lost.receive({ type } as never);
    expect(() => lost.receive({ type: 'jump' } as never)).toThrow(peer('ERR_STATE_UNEXPECTED'));
    expect([lost.states.length, lost.owes]).toEqual([257, false]);
  });

  test('64 messages wait for another state; the next one ends the session', () => {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { go: { outcomes: { b: 'no' }, handle } }, postpone: ['ask'], unsolicited: [] },
        b: { on: { ask: { outcomes: { b: 'yes' }, handle } }, unsolicited: [] },
      },
    });
    const exact = mirror.mirror();
    for (let i = 0; i < 64; i++) exact.send({ type: 'ask' });
    exact.send({ type: 'go' });
    exact.receive({ type: 'no' });
    for (let i = 0; i < 64; i++) {
      expect(exact.owes).toBe(true);
      exact.receive({ type: 'yes' });
    }
    expect([exact.owes, exact.state]).toEqual([false, 'b']);
    const more = mirror.mirror();
    for (let i = 0; i < 65; i++) more.send({ type: 'ask' });
    let thrown: unknown;
    try {
      more.send({ type: 'go' });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'ERR_STATE_CLOSED',
      message: "'go' cannot be sent: the session is over",
    });
    expect(thrown).not.toHaveProperty('state');
  });

  /** Milliseconds of the processor that one message takes which comes after many that were not answered. */
  function cost(count: number, outcomes: object, news: 'news' | 'yes'): number {
    const mirror = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            ask: { outcomes: { a: outcomes as never }, handle },
            go: { outcomes: { a: ['no'] }, handle },
          },
          unsolicited: ['news'],
        },
      },
    }).mirror();
    for (let i = 0; i < count; i++) mirror.send({ type: i % 3 === 0 ? 'go' : 'ask' });
    const start = process.cpuUsage();
    for (let i = 0; i < 20; i++) mirror.receive({ type: news });
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000 / 20;
  }

  test.each<[string, object, 'news' | 'yes']>([
    ['messages that nothing answers', [], 'news'],
    ['messages that any number answer', ['yes', 'no'], 'yes'],
  ])('%s', (_, outcomes, news) => {
    cost(100, outcomes, news);
    // 466 ms at 16,000 messages, and with the square of their number, where each of them is walked.
    expect(cost(40_000, outcomes, news)).toBeLessThan(60);
  });

  test('at most 65,536 unanswered messages', () => {
    const mirror = () =>
      defineSession({
        ...codecs,
        initial: 'a',
        states: {
          a: { on: { ask: { outcomes: { a: 'yes' }, handle } }, next: ['b'], unsolicited: [] },
          b: {},
        },
      }).mirror();
    // Answered ones do not count.
    const lockstep = mirror();
    for (let i = 0; i < 65_600; i++) {
      lockstep.send({ type: 'ask' });
      lockstep.receive({ type: 'yes' });
    }
    expect(lockstep.states).toEqual(['a']);
    const exact = mirror();
    for (let i = 0; i < 65_536; i++) exact.send({ type: 'ask' });
    expect([exact.states, exact.owes]).toEqual([['a'], true]);
    exact.send({ type: 'ask' });
    expect([exact.states, exact.owes]).toEqual([['a', 'b'], false]);
  });
});

test('places that differ in what waits, or in what may still be said, are told apart', () => {
  type Any = { type: string };
  const types = (...names: string[]) => ({ types: names }) as unknown as Codec<Any>;
  const to = (outcomes: object) => ({ outcomes: outcomes as never, handle });
  const session = defineSession<Any, Any, string, object>({
    receives: types('start', 'ask', 'go', 'left', 'right'),
    sends: types('yes', 'no', 'news'),
    initial: 'a',
    states: {
      // The server is in b, where 'ask' waits, or in c, from where it leads to b: in both cases it is in b then.
      a: { on: { start: to({ b: ['news'], c: ['news'] }) }, unsolicited: [] },
      b: { on: { go: to({ d: 'no' }) }, postpone: ['ask'], unsolicited: [] },
      c: { on: { ask: to({ b: [] }) }, unsolicited: [] },
      // What has waited leads to e.
      d: { on: { ask: to({ e: 'yes' }), left: to({ d: 'yes' }) }, unsolicited: [] },
      e: { on: { right: to({ e: 'no' }) }, unsolicited: [] },
    } as never,
  });
  for (const [last, answers, state] of [
    ['left', ['no', 'yes'], 'd'],
    ['right', ['no', 'yes', 'no'], 'e'],
  ] as const) {
    for (const before of [[], ['news'], ['news', 'news']]) {
      const mirror = session.mirror();
      for (const type of ['start', 'ask', 'go', last]) mirror.send({ type });
      for (const type of [...before, ...answers]) mirror.receive({ type });
      expect(mirror.states).toContain(state);
    }
  }
  const many = defineSession<Any, Any, string, object>({
    receives: types('ask'),
    sends: types('yes', 'no', 'news', 'tick'),
    initial: 'a',
    states: {
      a: { on: { ask: to({ b: ['yes', 'news'], c: ['no', 'news'] }) }, unsolicited: [] },
      b: { on: { ask: to({ d: ['tick'] }) }, unsolicited: [] },
      c: { on: { ask: to({ d: { until: 'no', of: 'tick' } }) }, unsolicited: [] },
      d: { unsolicited: [] },
    } as never,
  });
  for (const [answers, refused] of [
    [['news', 'yes', 'tick', 'tick'], 'no'],
    [['tick', 'no'], 'no'],
    [['no', 'tick'], 'yes'],
  ] as const) {
    const mirror = many.mirror();
    for (let i = 0; i < 2; i++) mirror.send({ type: 'ask' });
    for (const type of answers) mirror.receive({ type });
    expect(() => mirror.receive({ type: refused })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  }
});

test('what comes unasked tells in which states the server is not', () => {
  const session = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { ask: { outcomes: { b: ['yes'], c: ['yes'] }, handle } }, unsolicited: [] },
      // Anything may come in b, and nothing in c.
      b: { on: { go: { outcomes: { b: 'yes' }, handle } } },
      c: { on: { ask: { outcomes: { c: 'yes' }, handle } }, unsolicited: [] },
    },
  });
  const mirror = session.mirror();
  mirror.send({ type: 'ask' });
  mirror.receive({ type: 'yes' });
  expect(mirror.states.toSorted()).toEqual(['b', 'c']);
  mirror.receive({ type: 'news' });
  expect(mirror.state).toBe('b');
  expect(() => mirror.send({ type: 'ask' })).toThrow(local('ERR_STATE_UNEXPECTED'));
});

test('too many places, where the codec names no types: anything may come', () => {
  const any = { decode() {}, encode() {} } as never;
  const names = Array.from({ length: 300 }, (_, i) => `s${i}`);
  const mirror = defineSession<In, Out, string, object>({
    receives: any,
    sends: any,
    initial: 's0',
    states: Object.fromEntries(names.map((name) => [name, { on: { ask: handle }, next: names }])),
  } as never).mirror();
  mirror.send({ type: 'ask' });
  mirror.receive({ type: 'whatever' } as never);
  expect([mirror.states.length, mirror.owes]).toEqual([300, false]);
});

/**
 * What a mirror says to a script, with one state in focus at the beginning:
 *
 *     > go      we send it          ✗> go     it is our fault          = a b     the states that the server may be in
 *     < yes     it is received      ✗< yes    it is the peer's fault   owes      it owes an answer; or `owes nothing`
 */
function follow(states: object, script: readonly string[], expects?: object): void {
  const types = (...names: string[]) => ({ types: names }) as unknown as Codec<{ type: string }>;
  const mirror = defineSession({
    receives: types('ask', 'go', 'left'),
    sends: types('yes', 'no', 'news'),
    initial: 'a',
    states,
  } as never).mirror(expects && expectations(expects as never).of);
  for (const [i, step] of script.entries()) {
    const [verb, ...rest] = step.split(' ');
    const [type, n] = rest;
    const act = () =>
      verb!.endsWith('>') ? mirror.send({ type, n } as never) : mirror.receive({ type } as never);
    const where = `step ${i}: ${step}`;
    if (verb === '=') expect(mirror.states.toSorted(), where).toEqual(rest);
    else if (verb === 'owes') expect(mirror.owes, where).toBe(rest.length === 0);
    else if (verb === '✗>') expect(act, where).toThrow(local('ERR_STATE_UNEXPECTED'));
    else if (verb === '✗<') expect(act, where).toThrow(peer('ERR_STATE_UNEXPECTED'));
    else {
      try {
        act();
      } catch (error) {
        expect.fail(`${where}: ${(error as Error).message}`);
      }
    }
  }
}

/** A state that sends nothing unasked, and a row with these outcomes. */
const quiet = (on: object, more: object = {}) => ({ on, unsolicited: [], ...more });
const to = (outcomes: object, more: object = {}) => ({ outcomes, handle, ...more });
const many = { until: 'yes', of: ['news'] };

describe('step by step', () => {
  test.each<[string, object, string[], object?]>([
    [
      'in the middle of one answer, the other possible ones are ruled out',
      { a: quiet({ ask: to({ a: many, b: 'no', c: [] }) }), b: quiet({}), c: quiet({}) },
      ['> ask', 'owes nothing', '< news', 'owes', '= a', '✗< no', '< yes', 'owes nothing', '= a', '✗< news'],
    ],
    [
      'an answer with a last message ends before the next begins, and each message gets one',
      { a: quiet({ ask: to({ a: many }), go: to({ a: 'no' }) }) },
      [
        '> ask',
        '> go',
        '✗< no',
        '< yes',
        '✗< yes',
        '< no',
        '> ask',
        '> ask',
        '< yes',
        'owes',
        '< yes',
        '✗< yes',
      ],
    ],
    [
      'a state that is entered by any number of answers greets',
      { a: quiet({ ask: to({ b: ['yes'] }) }), b: quiet({}, { onEnter: handle }) },
      ['> ask', '< no', '= b', '< news', '< yes', '= b'],
    ],
    [
      'a state that is entered by the last of many answers greets, and not before',
      { a: quiet({ ask: to({ b: many }) }), b: quiet({}, { onEnter: handle }) },
      ['> ask', '< news', '✗< no', '< yes', '< no', '< news', '= b'],
    ],
    [
      'a state that stays does not greet again: what else comes belongs to the first greeting, and the answer is still due',
      { a: quiet({ ask: to({ a: 'yes' }) }, { onEnter: handle }) },
      ['> ask', '< yes', 'owes nothing', '< news', 'owes', '< yes', 'owes nothing'],
    ],
    [
      'one answer or any number, which the place does not tell',
      {
        a: quiet({ go: to({ b: [], c: [] }) }),
        b: quiet({ ask: to({ d: 'yes' }) }),
        c: quiet({ ask: to({ d: ['yes'] }) }),
        d: quiet({}),
      },
      ['> go', '> ask', 'owes nothing', '< yes', '= d', '< yes', '= d', '✗< no'],
    ],
    [
      'many answers, whose last one does not tell the next state',
      { a: quiet({ ask: to({ b: many, c: many }) }), b: quiet({}), c: quiet({}) },
      ['> ask', '< news', '= a', '< yes', '= b c'],
    ],
    [
      'a concurrent row without outcomes stays where it is',
      { a: quiet({ ask: { handle, concurrent: 'n' } }, { next: ['b'] }), b: quiet({ go: handle }) },
      ['> ask', '✗> go', '< yes', '= a', '< no', '= a'],
    ],
    [
      'answers of concurrent rows come as long as no other message is taken, also one that waits',
      {
        a: quiet(
          {
            ask: to({ a: 'yes' }, { concurrent: 'n' }),
            left: to({ a: 'news' }, { concurrent: 'n' }),
          },
          { postpone: ['go'] },
        ),
      },
      ['> ask', '> left', '< news', '< yes', '< news', '> go', '> left', '< yes', '✗< no', '> ask', '< yes'],
    ],
    [
      'they do not come after a message that waits',
      {
        a: quiet(
          { ask: to({ a: 'yes' }, { concurrent: 'n' }), left: to({ a: 'news' }, { concurrent: 'n' }) },
          { postpone: ['go'] },
        ),
      },
      ['> ask', '> go', '> left', '< yes', '< news', '✗< yes', '< news'],
    ],
    [
      'answers of several concurrent rows may come after each other',
      {
        a: quiet({
          ask: to({ a: 'yes' }, { concurrent: 'n' }),
          go: to({ a: 'no' }, { concurrent: 'n' }),
          left: to({ a: 'news' }),
        }),
      },
      ['> ask', '> go', '> left', '< no', '< yes', '< no', '< news', '✗< yes', '✗< no'],
    ],
    [
      'what a handler of a timer may have done is as possible behind messages as before them',
      {
        a: quiet({ ask: to({ a: ['yes'] }), go: to({ a: 'no' }) }, { timers: { t: handle }, next: ['b'] }),
        b: quiet({ ask: to({ a: 'yes' }), go: to({ b: 'no' }), left: to({ b: [] }) }),
      },
      ['> ask', '> go', '✗> left', '< news', '= a b', '> left'],
    ],
    [
      'requests of one type that expect different answers',
      { a: quiet({ ask: handle }) },
      ['> ask 0', '> ask 1', '> ask 1', '< yes', '< no', '✗< news'],
      {
        ask: ({ n }: { n?: string }) => ({ until: () => true, of: n === '0' ? 'yes' : 'no' }),
      },
    ],
    [
      'requests of which the later ones may have any answer',
      { a: quiet({ ask: handle, go: handle }) },
      ['> ask', '> ask', '✗< no', '> go', '< no', '< news', '> ask', '< news'],
      { ask: { until: () => true, of: 'yes' }, go: { until: () => true } },
    ],
    [
      'a request whose answer cannot be told may have any',
      { a: quiet({ ask: handle }) },
      ['> ask', '< yes', '< no', 'owes nothing'],
      {
        ask: () => {
          throw new Error('no');
        },
      },
    ],
  ])('%s', (_, states, script, expects) => follow(states, script, expects));
});

test.each(['yes', 'news'])('servers with which different messages wait are told apart: %s', (answer) => {
  const states = {
    a: quiet({ go: to({ p: [], q: [] }) }),
    // In s, 'left' waits if the server came from p, and 'ask' if it came from q.
    p: quiet({ ask: to({ s: [] }) }),
    q: quiet({ left: to({ s: [] }) }, { postpone: ['ask'] }),
    s: quiet({ go: to({ t: 'no' }) }, { postpone: ['ask', 'left'] }),
    t: quiet({ ask: to({ t: 'yes' }), left: to({ t: 'news' }) }),
  };
  follow(states, ['> go', '> ask', '> left', '> go', '< no', 'owes', `< ${answer}`, 'owes nothing', '= t']);
});

describe('a timer changes where the server is behind messages that it has not answered', () => {
  // 'news' comes from the timer of q, whose handler may have led to r or y: the server has not been in p.
  const start = { a: quiet({ go: to({ q: [], p: [] }) }) };
  const timed = (on: object) => quiet(on, { timers: { t: handle }, next: ['r', 'y'] });
  test.each<[string, object, string[]]>([
    [
      'to another state',
      {
        ...start,
        q: timed({ ask: to({ y: 'yes' }) }),
        p: quiet({ ask: to({ x: 'yes' }) }),
        r: quiet({ ask: to({ z: 'yes' }) }),
        x: quiet({ go: to({ x: [] }) }),
        y: quiet({}),
        z: quiet({ left: to({ z: [] }) }),
      },
      ['> go', '> ask', '✗> left', '< news', '✗> go', '> left'],
    ],
    [
      'to the same state, where no message waits',
      {
        ...start,
        q: timed({ ask: to({ y: [] }) }),
        p: quiet({ ask: to({ s: [] }) }),
        r: quiet({ left: to({ s: [] }) }, { postpone: ['ask'] }),
        s: quiet({ ask: to({ s: [] }), go: to({ u: [] }) }, { postpone: ['left'] }),
        u: quiet({ ask: to({ u: [] }), left: to({ v: [] }) }),
        v: quiet({}),
        y: quiet({ left: to({ y: [] }), go: to({ y: [] }) }),
      },
      ['> go', '> ask', '> left', '< news', '= q r y', '> go', '> ask'],
    ],
    [
      'to the same state, where another message waits',
      {
        ...start,
        q: timed({ ask: to({ y: [] }) }),
        p: quiet({ ask: to({ s: [] }) }),
        r: quiet({ left: to({ s: [] }) }, { postpone: ['ask'] }),
        s: quiet({ go: to({ u: [] }) }, { postpone: ['ask', 'left'] }),
        u: quiet({ ask: to({ w: [] }), left: to({ v: [] }) }),
        v: quiet({}),
        w: quiet({ left: to({ w: [] }) }),
        y: quiet({ left: to({ z: [] }) }),
        z: quiet({ go: to({ v: [] }) }),
      },
      ['> go', '> ask', '> left', '< news', '= q r y', '> go', '> left'],
    ],
  ])('%s', (_, states, script) => follow(states, script));
});

describe('the bounds of work', () => {
  /** Beside these states, one to which nothing leads: a mirror that gave up names it. */
  const withAnother = (states: object) => ({ ...states, z: {} });
  const times = (count: number, ...steps: string[]) => Array.from({ length: count }, () => steps).flat();

  // Each message without an answer is a further place.
  const pingPong = withAnother({
    a: quiet({ ask: to({ b: [] }), go: to({ c: 'no' }) }),
    b: quiet({ ask: to({ a: [] }), go: to({ c: 'no' }) }),
    c: quiet({}),
  });
  test('4,096 places for one message', () => {
    follow(pingPong, [...times(4_095, '> ask'), '> go', 'owes', '< no', '= c']);
    follow(pingPong, [...times(4_096, '> ask'), '> go', 'owes nothing', '= a', '< no', '= a b c z']);
  });

  test.each<[string, object]>([
    ['that nothing answers', { ask: to({ a: [] }), left: to({ a: [] }) }],
    ['that any number answer', { ask: to({ a: ['yes', 'news'] }), left: to({ a: ['news'] }) }],
    ['that anything answers', { ask: handle, left: to({ a: ['news'] }) }],
  ])('messages %s, and that leave the server where it is, are no further places', (_, rows) => {
    const states = withAnother({ a: quiet({ ...rows, go: to({ a: 'no' }) }) });
    follow(states, [...times(4_096, '> ask', '> left'), '> go', 'owes', '< no', '= a']);
  });

  test('many ways to the same place are one', () => {
    const on = { ask: to({ a: [], b: [] }), go: to({ c: 'no' }) };
    const states = withAnother({ a: quiet(on), b: quiet(on), c: quiet({}) });
    follow(states, [...times(100, '> ask'), '> go', 'owes', '< no', '= c']);
  });

  test('messages that allow more answers than the one before are further places', () => {
    const rows = { ask: to({ a: ['yes'] }), left: to({ a: ['news'] }), go: to({ a: 'no' }) };
    const states = withAnother({ a: quiet(rows) });
    follow(states, [...times(2_047, '> ask', '> left'), '> ask', '> go', 'owes', '< no', '= a']);
    follow(states, [...times(2_048, '> ask', '> left'), '> go', 'owes nothing', '= a']);
  });

  /** From a, 'go' leads to any of so many states, in each of which the messages that waited are taken. */
  const fan = (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `s${i}`);
    return withAnother({
      a: quiet({ go: to(Object.fromEntries(names.map((name) => [name, 'no']))) }, { postpone: ['ask'] }),
      ...Object.fromEntries(names.map((name) => [name, quiet({ ask: to({ [name]: [] }) })])),
    });
  };
  test('4,096 places on the way through what waited', () => {
    follow(fan(65), [...times(63, '> ask'), '> go', '= a', '✗> left']);
    follow(fan(64), [...times(64, '> ask'), '> go', `= a ${[...fanned(64), 'z'].join(' ')}`]);
  });
  const fanned = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`).toSorted();

  test('256 states after a timer', () => {
    const states = (count: number) => {
      const names = fanned(count);
      const entered = Object.fromEntries(names.map((name) => [name, quiet({})]));
      return withAnother({ a: quiet({}, { timers: { t: handle }, next: names }), ...entered });
    };
    follow(states(255), ['< no', `= a ${fanned(255).join(' ')}`]);
    follow(states(256), ['< no', `= a ${fanned(256).join(' ')} z`]);
  });

  test('256 places behind a message that another state takes after a timer', () => {
    const states = (count: number) => {
      const names = fanned(count);
      return withAnother({
        a: quiet({ go: to({ a: 'no' }) }, { timers: { t: handle }, next: ['b'] }),
        b: quiet({ go: to(Object.fromEntries(names.map((name) => [name, 'no']))) }),
        ...Object.fromEntries(names.map((name) => [name, quiet({})])),
      });
    };
    follow(states(255), ['> go', '< news', '= a b']);
    follow(states(256), ['> go', '< news', `= a b ${fanned(256).join(' ')} z`]);
  });
});

test('where the place of the server is certain, places get no keys, and the effects of a row are read once', () => {
  const { session } = drone;
  let names = 0;
  let rows = 0;
  const count = (state: StateTable): StateTable => {
    const on = [...state.on].map(([type, row]): [string, TableRow] => {
      class Outcomes extends Map<string, Outcome> {
        override [Symbol.iterator]() {
          rows++;
          return super[Symbol.iterator]();
        }
      }
      return [type, { ...row, outcomes: row.outcomes && new Outcomes([...row.outcomes]) }];
    });
    const { name } = state;
    return Object.defineProperty({ ...state, on: new Map(on) }, 'name', {
      get: () => {
        names++;
        return name;
      },
    });
  };
  const states = new Map([...session.table.states].map(([name, state]) => [name, count(state)]));
  const initial = states.get(session.table.initial.name)!;
  rows = 0;
  const mirror = new Mirror<ClientMessage, ServerMessage, string>({ ...session.table, states, initial });
  mirror.send(HELLO);
  mirror.receive(OK);
  names = 0;
  for (let i = 0; i < 20; i++) for (let k = 0; k < 2; k++) mirror.send(MOVE);
  for (let i = 0; i < 40; i++) {
    expect(mirror.owes).toBe(true);
    mirror.receive(OK);
  }
  expect([names, rows]).toEqual([0, 2]);
  expect(mirror.state).toBe('authenticated');
});

/** A random outcome of a row, and the answers that a handler gives with it. */
const outcomeArb = fc.oneof(
  fc.constantFrom('x', 'y', 'z').map((type) => ({ sends: type as unknown, answers: [type as string] })),
  fc.tuple(fc.subarray(['x', 'y', 'z'], { minLength: 1 }), fc.nat(2)).map(([types, i]) => ({
    sends: { one: types } as unknown,
    answers: [types[i % types.length]!],
  })),
  fc.array(fc.constantFrom('x', 'y'), { maxLength: 3 }).map((answers) => ({
    sends: ['x', 'y'] as unknown,
    answers: answers as string[],
  })),
  fc.constant({ sends: [] as unknown, answers: [] as string[] }),
  fc.array(fc.constantFrom('x', 'y'), { maxLength: 3 }).map((answers) => ({
    sends: { until: 'z', of: ['x', 'y'] } as unknown,
    answers: [...answers, 'z'],
  })),
);

const tableArb = fc.array(
  fc.record({
    rows: fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.record({ to: fc.nat(2), outcome: outcomeArb, isTold: fc.boolean() }),
      { minKeys: 1 },
    ),
    postpones: fc.boolean(),
    greets: fc.boolean(),
    news: fc.boolean(),
  }),
  { minLength: 3, maxLength: 3 },
);

test('over random tables: a server that follows its table is never blamed, and messages that it accepts are never refused', () =>
  fc.assert(
    fc.property(
      tableArb,
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'news'), fc.nat(4)), { maxLength: 30 }),
      (table, script) => {
        const states = table.map(({ rows, postpones, greets, news }, i) => {
          const on = Object.entries(rows).map(([type, { to, outcome, isTold }]) => {
            const handle = () => ({ send: outcome.answers.map((type) => ({ type })), next: `s${to}` });
            return [type, isTold ? { handle, outcomes: { [`s${to}`]: outcome.sends } } : handle];
          });
          const postpone = ['a', 'b', 'c'].filter((type) => postpones && !Object.hasOwn(rows, type));
          const state = {
            on: Object.fromEntries(on),
            next: ['s0', 's1', 's2'],
            ...(postpone.length > 0 && { postpone }),
            ...(greets && { onEnter: () => ({ type: 'y' }) }),
            unsolicited: news ? ['news'] : [],
          };
          return [`s${i}`, state];
        });
        const session = defineSession({
          receives: { types: ['a', 'b', 'c'] } as unknown as Codec<{ type: string }>,
          sends: { types: ['x', 'y', 'z', 'news'] } as unknown as Codec<{ type: string }>,
          initial: 's0',
          states: Object.fromEntries(states),
        });
        const run = session.start();
        const mirror = session.mirror();
        const waiting: { type: string }[] = [...run.greeting];
        let isBroken = false;
        for (const [type, readings] of script) {
          if (type === 'news') {
            if (allows(() => run.send({ type }))) waiting.push({ type });
          } else {
            if (!allows(() => mirror.send({ type }))) {
              const { rows, postpones } = table[Number(run.state[1])]!;
              expect(Object.hasOwn(rows, type) || postpones).toBe(false);
              continue;
            }
            const step = run.receive({ type }) as Step<{ type: string }, string>;
            waiting.push(...step.answers);
            // The mirror lets pass what a state takes that the server turns out not to be in.
            isBroken = step.error !== undefined;
            if (isBroken) break;
          }
          for (const answer of waiting.splice(0, readings)) mirror.receive(answer);
        }
        for (const answer of waiting) mirror.receive(answer);
        // A server that has said all owes nothing.
        expect(mirror.owes && !isBroken).toBe(false);
      },
    ),
    { numRuns: 500 },
  ));

describe('a table in which each state has a twin judges as without them', () => {
  const row = fc.record({
    to: fc.nat(2),
    sends: fc.option(
      fc.constantFrom('x', 'y', ['x', 'y'], ['x'], [], { one: ['y', 'z'] }, { until: 'z', of: ['x'] }),
    ),
    isConcurrent: fc.nat(5).map((n) => n === 0),
  });
  const state = fc.record({
    rows: fc.dictionary(fc.constantFrom('a', 'b', 'c'), row, { minKeys: 1 }),
    postpones: fc.boolean(),
    greets: fc.nat(3).map((n) => n === 0),
    times: fc.constantFrom('none', 'none', 'none', 'deadline', 'timers'),
    unsolicited: fc.constantFrom<string[] | undefined>([], [], ['n'], undefined),
  });
  type Table = readonly (typeof state extends fc.Arbitrary<infer T> ? T : never)[];

  /** With twins, the server may be in two places whenever it has left its first state. */
  function session(table: Table, hasTwins: boolean) {
    const twins = hasTwins ? ['', "'"] : [''];
    const next = table.flatMap((_, i) => twins.map((twin) => `s${i}${twin}`));
    const states = table.flatMap(({ rows, postpones, greets, times, unsolicited }, i) =>
      twins.map((twin) => {
        const own = `s${i}${twin}`;
        const on = Object.entries(rows).map(([type, { to, sends, isConcurrent }]) => {
          const target = isConcurrent || to === i ? [own] : twins.map((twin) => `s${to}${twin}`);
          const outcomes = Object.fromEntries(target.map((name) => [name, sends]));
          const details = { ...(sends !== null && { outcomes }), ...(isConcurrent && { concurrent: 'n' }) };
          return [type, { handle, ...details }];
        });
        const postpone = ['a', 'b', 'c'].filter((type) => postpones && !Object.hasOwn(rows, type));
        return [
          own,
          {
            on: Object.fromEntries(on),
            next: next.filter((name) => !name.startsWith(`s${i}`)),
            ...(postpone.length > 0 && { postpone }),
            ...(greets && { onEnter: handle }),
            ...(times === 'deadline' && { deadline: { idle: 1, handle } }),
            ...(times === 'timers' && { timers: { t: handle } }),
            ...(unsolicited !== undefined && { unsolicited }),
          },
        ];
      }),
    );
    return defineSession({
      receives: { types: ['a', 'b', 'c'] } as unknown as Codec<{ type: string }>,
      sends: { types: ['x', 'y', 'z', 'n'] } as unknown as Codec<{ type: string }>,
      initial: 's0',
      states: Object.fromEntries(states),
    } as never).mirror();
  }

  test('for any messages that are sent and received', () =>
    fc.assert(
      fc.property(
        fc.array(state, { minLength: 3, maxLength: 3 }),
        fc.array(fc.constantFrom('a', 'b', 'c', 'x', 'y', 'z', 'n'), { maxLength: 12 }),
        (table, script) => {
          const [plain, twins] = [session(table, false), session(table, true)];
          const look = (mirror: typeof plain) => [
            [...new Set(mirror.states.map((name) => `${name}`.replace("'", '')))].toSorted(),
            mirror.owes,
          ];
          for (const type of script) {
            const isSent = 'abc'.includes(type);
            const [one, other] = [plain, twins].map((mirror) =>
              allows(() => (isSent ? mirror.send({ type } as never) : mirror.receive({ type } as never))),
            );
            expect(other).toBe(one);
            expect(look(twins)).toEqual(look(plain));
          }
        },
      ),
      { numRuns: 150 },
    ));
});
