import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type Codec,
  defineSession,
  HandlerError,
  json,
  lengthPrefix,
  ProtocolError,
  type Session,
  StateError,
  type Step,
  TimeoutError,
} from '../../../src/index.ts';

type In = { type: 'login'; name: string } | { type: 'say'; text: string } | { type: 'bye' };
type Out = { type: 'yes'; level: 'user' | 'root' } | { type: 'no' } | { type: 'tick'; n: number };

/** Codecs that are only their types, and names where they tell them. */
const inward = { types: ['login', 'say', 'bye'] } as unknown as Codec<In> & { types: string[] };
const outward = { types: ['yes', 'no', 'tick'] } as unknown as Codec<Out> & { types: string[] };
const YES = { type: 'yes', level: 'user' } as const;
const NO = { type: 'no' } as const;
const SAY = { type: 'say', text: 'x' } as const;

/** A session of one state `a`, that `say` leads out of. */
function one(
  say: unknown,
  rest: object = {},
  farewell?: unknown,
): Session<In, Out, 'a' | 'b' | 'c', undefined> {
  return defineSession({
    receives: inward,
    sends: outward,
    initial: 'a',
    farewell: farewell as never,
    states: { a: { on: { say: say as never }, next: ['b'], ...rest }, b: { final: true }, c: {} },
  });
}

function stepOf(session: Session<In, Out, string, unknown>, message: In = SAY): Step<Out, string> {
  return session.start().receive(message) as Step<Out, string>;
}

describe('what compiles', () => {
  test('states come from the keys, messages from the codecs, literals stay literal', () => {
    const session = defineSession({
      receives: inward,
      sends: outward,
      initial: 'out',
      context: () => ({ tries: 0 }),
      states: {
        out: {
          on: {
            login: ({ name }, context) => {
              expectTypeOf(name).toEqualTypeOf<string>();
              expectTypeOf(context).toEqualTypeOf<{ tries: number }>();
              context.tries++;
              return name === 'root'
                ? { send: { type: 'yes', level: 'root' }, next: 'in' }
                : { send: [{ type: 'no' }] };
            },
            say: () => ({ send: { type: 'yes', level: 'user' }, next: 'in' }),
            bye: () => {},
          },
          otherwise: async (message) => {
            expectTypeOf(message).toEqualTypeOf<In>();
            return { send: { type: 'no' } };
          },
          next: ['in'],
        },
        in: { deadline: { within: 5, handle: ({ limit }) => ({ send: { type: 'tick', n: limit ?? 0 } }) } },
      },
      farewell: (fault) => (fault instanceof ProtocolError ? { type: 'no' } : undefined),
    });
    expectTypeOf(session).toEqualTypeOf<Session<In, Out, 'out' | 'in', { tries: number }>>();
    expect(session.states).toEqual(['out', 'in']);
  });

  test('nothing else compiles, nor runs', () => {
    const base = { receives: inward, sends: outward, initial: 'a' } as const;
    // @ts-expect-error no state z
    expect(() => defineSession({ ...base, initial: 'z', states: { a: {} } })).toThrow(TypeError);
    // @ts-expect-error no state z follows
    expect(() => defineSession({ ...base, states: { a: { next: ['z'] } } })).toThrow(/no state 'z'/);
    // @ts-expect-error no message jump
    expect(() => defineSession({ ...base, states: { a: { on: { jump: () => {} } } } })).toThrow(/'jump'/);
    expect(() =>
      defineSession({
        ...base,
        // @ts-expect-error no message maybe among the answers
        states: { a: { on: { say: { outcomes: { a: 'maybe' }, handle: () => {} } } } },
      }),
    ).toThrow(/no message 'maybe'/);
    expect(() =>
      // @ts-expect-error no state z among the outcomes
      defineSession({ ...base, states: { a: { on: { say: { outcomes: { z: 'no' }, handle: () => {} } } } } }),
    ).toThrow(/no state 'z'/);
    // @ts-expect-error no message maybe
    expect(() => defineSession({ ...base, states: { a: { unsolicited: ['maybe'] } } })).toThrow(/'maybe'/);
    // @ts-expect-error the handler answers what is no message of ours
    defineSession({ ...base, states: { a: { on: { say: () => ({ send: { type: 'login', name: '' } }) } } } });
    // @ts-expect-error the handler leads where no state is
    defineSession({ ...base, states: { a: { on: { say: () => ({ next: 'z' }) } } } });
    // @ts-expect-error a value that the message does not have
    defineSession({ ...base, states: { a: { on: { say: () => ({ send: { type: 'yes', level: 'x' } }) } } } });
    // @ts-expect-error no message of ours as the farewell
    defineSession({ ...base, states: { a: {} }, farewell: () => ({ type: 'bye' }) });
  });
});

describe('a declaration that contradicts itself is refused where it is written', () => {
  const handle = () => {};
  test.each<[string, object, RegExp, ErrorConstructor]>([
    [
      'a handler that is none',
      { on: { say: 5 } },
      /states\.a\.on\.say: expected a handler.*number/,
      TypeError,
    ],
    ['a row without a handler', { on: { say: {} } }, /states\.a\.on\.say/, TypeError],
    ['outcomes that are none', { on: { say: { handle, outcomes: {} } } }, /nothing may follow/, TypeError],
    ['an outcome of a number', { on: { say: { handle, outcomes: { a: 1 } } } }, /got number/, TypeError],
    [
      'an outcome outside next',
      { next: [], on: { say: { handle, outcomes: { b: 'no' } } } },
      /not in next/,
      TypeError,
    ],
    ['a final state with a next', { final: true, next: ['b'] }, /no state follows a final one/, TypeError],
    [
      'a final state with a deadline',
      { final: true, next: [], deadline: { idle: 1 } },
      /no deadline/,
      TypeError,
    ],
    ['a deadline without a limit', { deadline: {} }, /expected within, idle or frame/, TypeError],
    ['a deadline of 0', { deadline: { idle: 0 } }, /idle: .*from 1 to 2147483647, got 0/, RangeError],
    ['a deadline beyond timers', { deadline: { within: 2 ** 31 } }, /got 2147483648/, RangeError],
    ['a deadline of 1.5', { deadline: { frame: 1.5 } }, /got 1.5/, RangeError],
    ['an onEnter that is none', { onEnter: 'hello' }, /onEnter: expected a function, got string/, TypeError],
  ])('%s', (_, state, text, kind) => {
    expect(() => one(handle, state)).toThrow(text);
    expect(() => one(handle, state)).toThrow(kind);
  });

  test.each<[string, object, string, ErrorConstructor]>([
    ['a context that is none', { context: 5 }, 'context: expected a function, got number', TypeError],
    ['a farewell that is none', { farewell: 'bye' }, 'farewell: expected a function, got string', TypeError],
    ['a dispose that is none', { dispose: null }, 'dispose: expected a function, got null', TypeError],
    [
      'an initial state that is none',
      { initial: 'z' },
      "initial: no state 'z'; there are a, b, c",
      TypeError,
    ],
    ['a ready state that is none', { ready: 'z' }, "ready: no state 'z'; there are a, b, c", TypeError],
    ['no states', { states: {} }, "initial: no state 'a'; there are none", TypeError],
    ['only one codec', { sends: undefined }, 'a session needs the codecs of what it receives and', TypeError],
    ['the other codec', { receives: undefined }, 'a session needs the codecs of what it receives', TypeError],
  ])('%s', (_, part, text, kind) => {
    const declare = () =>
      defineSession({
        receives: inward,
        sends: outward,
        initial: 'a',
        states: { a: {}, b: {}, c: {} },
        ...part,
      } as never);
    expect(declare).toThrow(text);
    expect(declare).toThrow(kind);
  });

  test.each<[string, object, string]>([
    [
      'a handler of null',
      { on: { bye: null } },
      'states.a.on.bye: expected a handler, or { handle, outcomes }, got null',
    ],
    ['an otherwise that is none', { otherwise: 'x' }, 'states.a.otherwise: expected a handler, or'],
    [
      'a message that is none',
      { on: { jump: handle } },
      "states.a.on: no message 'jump'; there are login, say, bye",
    ],
    [
      'a push that is none',
      { unsolicited: ['maybe'] },
      "states.a.unsolicited: no message 'maybe'; there are yes, no, tick",
    ],
    ['a next that is none', { next: ['z'] }, "states.a.next: no state 'z'; there are a, b, c"],
    [
      'outcomes outside next',
      { next: ['c'], on: { say: { handle, outcomes: { b: 'no' } } } },
      "states.a: an outcome leads to 'b', which is not in next: c",
    ],
    ['an onEnd that is none', { onEnd: [] }, 'states.a.onEnd: expected a function, got object'],
    [
      'a deadline.handle that is none',
      { deadline: { idle: 1, handle: 5 } },
      'states.a.deadline.handle: expected a function',
    ],
    [
      'a final state with timers',
      { final: true, next: [], timers: {}, on: {} },
      'states.a: a final state takes nothing: it has no timers, and postpones nothing',
    ],
    [
      'a final state that postpones',
      { final: true, next: [], postpone: [], on: {} },
      'it has no timers, and postpones nothing',
    ],
    [
      'a final state with a next',
      { final: true, next: ['b', 'c'], on: {} },
      'states.a: no state follows a final one, got b, c',
    ],
    [
      'a final state with an outcome',
      { final: true, next: undefined, on: { say: { handle, outcomes: { c: 'no' } } } },
      'got c',
    ],
    [
      'a final state with a deadline',
      { final: true, next: [], deadline: { idle: 1 } },
      "states.a: a final state has no deadline; the stage's lingerTimeout bounds it",
    ],
    ['a deadline without a limit', { deadline: {} }, 'states.a.deadline: expected within, idle or frame'],
    [
      'an outcome of a state that is none',
      { on: { say: { handle, outcomes: { z: 'no' } } } },
      "states.a.on.say.outcomes: no state 'z'",
    ],
    [
      'an outcome of a message that is none',
      { on: { say: { handle, outcomes: { a: 'x' } } } },
      "states.a.on.say.outcomes.a: no message 'x'",
    ],
    [
      'an outcome of null',
      { on: { say: { handle, outcomes: { a: null } } } },
      'states.a.on.say.outcomes.a: expected a message type, a list of them, { one } or { until }, got null',
    ],
    [
      'an outcome of both kinds',
      { on: { say: { handle, outcomes: { a: { one: 'no', until: 'yes' } } } } },
      'states.a.on.say.outcomes.a: expected either one or until',
    ],
    [
      'an outcome of a list of numbers',
      { on: { say: { handle, outcomes: { a: [1] } } } },
      "states.a.on.say.outcomes.a must be a message's type or a list of them",
    ],
    [
      'no outcomes',
      { on: { say: { handle, outcomes: {} } } },
      'states.a.on.say.outcomes: nothing may follow',
    ],
    ['a misspelt part of a row', { on: { say: { handle, outcome: {} } } }, 'states.a.on.say'],
    ['a misspelt part of a timer', { timers: { t: { handle, outcome: {} } } }, 'states.a.timers.t'],
    [
      'a timer handled beside others',
      { timers: { t: { handle, concurrent: 'x' } } },
      'states.a.timers.t: a timer is handled alone, not concurrent',
    ],
    [
      'no key',
      { on: { say: { handle, concurrent: '' } } },
      'states.a.on.say.concurrent: expected the path of the key, or a function, got string',
    ],
    [
      'a key without a name',
      { on: { say: { handle, concurrent: 'a..b' } } },
      'states.a.on.say.concurrent: expected the path of the key',
    ],
    [
      'a concurrent row that leaves',
      { on: { say: { handle, concurrent: 'text', outcomes: { b: 'no' } } } },
      "states.a.on.say.outcomes: a concurrent row stays in 'a'",
    ],
    [
      'a concurrent row that may leave',
      { on: { say: { handle, concurrent: 'text', outcomes: { a: 'no', b: 'no' } } } },
      "a concurrent row stays in 'a'",
    ],
    [
      'a type that waits and has a row',
      { postpone: ['say'] },
      "states.a.postpone: 'say' has a row of its own",
    ],
    [
      'a type that waits and is none',
      { postpone: ['jump'] },
      "states.a.postpone: no message 'jump'; there are login, say, bye",
    ],
  ])('%s, in words', (_, state, text) => {
    expect(() => one(handle, state)).toThrow(text);
  });

  test('a limit may be from 1 ms to what a timer holds', () => {
    for (const length of [1, 2 ** 31 - 1]) {
      expect(one(handle, { deadline: { within: length } }).start().deadline).toMatchObject({
        within: length,
      });
    }
    expect(one(handle, { deadline: { frame: 5 } }).start().deadline).toMatchObject({
      within: Infinity,
      idle: Infinity,
    });
    expect(() => one(handle, { deadline: { idle: Number.NaN } })).toThrow(
      'states.a.deadline.idle: expected milliseconds',
    );
    expect(() => one(handle, { deadline: { withn: 5, within: 5 } })).toThrow(/'within'/);
  });

  test('without codecs', () => {
    expect(() => defineSession({ initial: 'a', states: { a: {} } } as never)).toThrow(TypeError);
  });
});

describe('what the table says', () => {
  const base = { receives: inward, sends: outward, initial: 'a' } as const;
  const handle = () => {};
  const framing = lengthPrefix();
  const own = {
    receives: json<{ type: 'x' }>(),
    sends: { ...json<{ type: 'y' }>(), types: ['y'] },
  };

  test('its messages, and those of states that have codecs of their own', () => {
    expect(one(handle).table).toMatchObject({
      receives: ['login', 'say', 'bye'],
      sends: new Set(['yes', 'no', 'tick']),
      told: { receives: inward.types, sends: outward.types },
      hasLines: false,
    });
    const nameless = { decode: handle, encode: handle } as never;
    const { table } = defineSession({
      receives: nameless,
      sends: nameless,
      initial: 'a',
      states: { a: { on: { p: handle, q: handle } as never }, b: { on: { q: handle, r: handle } as never } },
    });
    expect(table).toMatchObject({ receives: ['p', 'q', 'r'], sends: undefined });
    const mixed = defineSession({
      ...base,
      states: {
        a: { on: { say: handle }, next: ['b'] },
        b: { receives: { ...own.receives, types: ['x'] }, sends: own.sends, on: { x: handle } },
      },
    }).table;
    expect(mixed).toMatchObject({
      receives: ['login', 'say', 'bye', 'x'],
      sends: new Set(['yes', 'no', 'tick', 'y']),
      hasLines: true,
    });
    expect(mixed.states.get('b')).toMatchObject({ receives: new Set(['x']), sends: new Set(['y']) });
    // A function makes it of the context: any type may be one of its messages.
    const made = defineSession({
      ...base,
      states: { a: { receives: () => own.receives, sends: () => own.sends, on: { whatever: handle } } },
    }).table;
    expect(made).toMatchObject({ receives: ['login', 'say', 'bye'], sends: undefined });
    const all = defineSession({
      receives: nameless,
      sends: nameless,
      initial: 'a',
      states: { a: { ...own, on: {} } },
    }).table;
    expect(all).toMatchObject({ receives: [], sends: new Set(['y']) });
  });

  test('the following states: in `next`, or in the outcomes', () => {
    const next = (state: object) => [
      ...one(handle, { on: {}, next: undefined, ...state }).table.states.get('a')!.next,
    ];
    expect(next({})).toEqual([]);
    expect(next({ next: ['b', 'a'] })).toEqual(['b']);
    const row = (to: string) => ({ handle, outcomes: { [to]: [] } });
    expect(next({ on: { say: row('a'), bye: row('b') } })).toEqual(['b']);
    expect(next({ otherwise: row('c') })).toEqual(['c']);
    expect(next({ timers: { t: row('b') } })).toEqual(['b']);
    expect(next({ next: ['b', 'c'], on: { say: row('b') } })).toEqual(['b', 'c']);
  });

  test('an undefined row is ignored', () => {
    expect([...one(undefined).table.states.get('a')!.on.keys()]).toEqual([]);
  });

  test('the key of a concurrent row, at a path or by a function', () => {
    const key = (concurrent: unknown) =>
      one({ handle, concurrent }).table.states.get('a')!.on.get('say')! as {
        concurrent(message: unknown): unknown;
        keyPath?: string;
      };
    expect(key('a.b').concurrent({ a: { b: 7 } })).toBe(7);
    expect(key('a.b').concurrent({})).toBeUndefined();
    expect(key('a.b').keyPath).toBe('a.b');
    const made = key(({ n }: { n: number }) => n % 2);
    expect([made.concurrent({ n: 3 }), made.keyPath]).toEqual([1, undefined]);
  });

  test('whether the framing stays the same until the end', () => {
    const settled = (b: object, more: object = {}) =>
      defineSession({
        ...base,
        states: { a: { next: ['b'] }, b: { next: ['c'], ...b }, c: { ...more } } as never,
      }).start().isSettled;
    expect(settled({})).toBe(true);
    expect(settled({}, { framing })).toBe(false);
    expect(settled({ framing })).toBe(false);
    expect(settled({ framing: { writes: framing } })).toBe(true);
    expect(settled({ framing: { reads: framing } })).toBe(false);
    expect(settled({ receives: own.receives })).toBe(false);
    expect(settled({ sends: own.sends })).toBe(true);
    expect(settled({ framing: () => framing })).toBe(false);
    expect(settled({ receives: () => own.receives })).toBe(false);
    expect(settled({ framing, final: true, next: [] })).toBe(true);
    const alike = (a: object, b: object) =>
      defineSession({ ...base, states: { a: { next: ['b'], ...a }, b } as never }).start().isSettled;
    expect(alike({ framing }, { framing })).toBe(true);
    expect(alike({ framing }, { framing: { reads: framing, writes: lengthPrefix() } })).toBe(true);
    expect(alike({ framing }, { framing: lengthPrefix() })).toBe(false);
    const make = () => framing;
    expect(alike({ framing: make }, { framing: make })).toBe(false);
    expect(alike(own, own)).toBe(true);
    const codec = () => own.receives;
    expect(alike({ receives: codec }, { receives: codec })).toBe(false);
    // A state that nothing leads to says nothing.
    expect(defineSession({ ...base, states: { a: {}, b: { framing } } }).start().isSettled).toBe(true);
  });

  test.each<[string, object, string]>([
    ['a framing', { framing: 5 }, 'states.a.framing: expected a framing, such as lengthPrefix(), got 5'],
    [
      'a framing of null',
      { framing: null },
      'states.a.framing: expected a framing, such as lengthPrefix(), got null',
    ],
    [
      'a framing of what comes',
      { framing: { reads: { reader() {} } } },
      'expected a framing, such as lengthPrefix()',
    ],
    [
      'half a framing',
      { framing: { writes: { writer() {} } } },
      'expected a framing, such as lengthPrefix()',
    ],
    ['a framing of what is sent', { framing: { writes: {} } }, 'expected a framing, such as lengthPrefix()'],
    ['a misspelt direction', { framing: { read: framing } }, "did you mean 'reads'"],
    [
      'a codec of what comes',
      { receives: { decode() {} } },
      'states.a.receives: expected a codec, an object with decode and encode',
    ],
    ['a codec of what is sent', { sends: null }, 'states.a.sends: expected a codec'],
    ['half a codec', { sends: { encode() {} } }, 'states.a.sends: expected a codec'],
  ])('an invalid %s is refused', (_, part, text) => {
    expect(() => one(() => {}, part)).toThrow(text);
    if (text.includes('states.a')) expect(() => one(() => {}, part)).toThrow(TypeError);
    // What a function makes is refused when the state is entered.
    const [[name, value]] = Object.entries(part) as [[string, unknown]];
    const run = one(() => {}, { [name]: () => value, onEnter: () => NO }).start();
    expect(run.greeting).toEqual([]);
    expect(run.error).toMatchObject({ code: 'ERR_HANDLER', state: 'a', cause: expect.any(Error) });
    expect(run.error!.message).toContain("the framing or a codec of 'a' in state 'a' failed: ");
    if (text.includes('states.a')) expect(run.error!.message).toContain(`${name} of state 'a': expected`);
  });

  test('the framing of a state: as declared, or made from the context each time the state is entered', () => {
    const made: unknown[] = [];
    const none = { reads: undefined, writes: undefined, receives: undefined, sends: undefined };
    const run = defineSession({
      ...base,
      context: () => ({ framing, codec: own.receives }),
      states: {
        a: { on: { say: () => ({ next: 'b' as const }) }, next: ['b'] },
        b: {
          framing: (context) => {
            made.push(context);
            return context.framing;
          },
          receives: ({ codec }) => codec,
          sends: () => own.sends,
          on: { x: () => ({ next: 'c' as const }) },
          next: ['c'],
        },
        c: {
          framing: { writes: framing },
          sends: own.sends,
          on: { say: () => ({ next: 'b' }) },
          next: ['b'],
        },
      },
    }).start();
    const before: number[] = [];
    run.onLine = (count) => before.push(count);
    expect(run.line).toMatchObject(none);
    void run.receiveInto(SAY, [NO]);
    expect(run.line).toEqual({ reads: framing, writes: undefined, receives: own.receives, sends: own.sends });
    void run.receive({ type: 'x' } as never);
    expect(run.line).toEqual({ ...none, writes: framing, sends: own.sends });
    void run.receive(SAY);
    expect([made, before]).toEqual([
      [run.context, run.context],
      [1, 0, 0],
    ]);
  });

  test('its names are frozen, and in order', () => {
    const session = one(handle);
    expect([session.states, session.initial]).toEqual([['a', 'b', 'c'], 'a']);
    expect([Object.isFrozen(session), Object.isFrozen(session.states)]).toEqual([true, true]);
  });

  test('ready: from the start, or once that state has been entered', () => {
    expect(one(handle).start().ready).toBe(true);
    const run = defineSession({
      ...base,
      ready: 'b',
      states: {
        a: { on: { say: () => ({ next: 'b' as const }) }, next: ['b'] },
        b: { on: { say: () => ({ next: 'a' }) }, next: ['a'] },
      },
    }).start();
    expect(run.ready).toBe(false);
    void run.receive(SAY);
    expect(run.ready).toBe(true);
    void run.receive(SAY);
    expect([run.state, run.ready]).toEqual(['a', true]);
  });
});

describe('a message', () => {
  test.each<[string, unknown, Out[], string]>([
    ['no answer', () => {}, [], 'a'],
    ['no answer, empty reply', () => ({}), [], 'a'],
    ['one answer', () => ({ send: NO }), [NO], 'a'],
    ['many', () => ({ send: [NO, YES], next: 'b' }), [NO, YES], 'b'],
    ['an empty list', () => ({ send: [], next: 'b' }), [], 'b'],
    ['its own state', () => ({ send: NO, next: 'a' }), [NO], 'a'],
    ['as a row', { outcomes: { b: 'yes', a: ['no'] }, handle: () => ({ send: YES, next: 'b' }) }, [YES], 'b'],
  ])('%s', (_, handler, answers, state) => {
    expect(stepOf(one(handler))).toEqual({
      answers,
      from: 'a',
      state,
      final: state === 'b',
      deadline: undefined,
      error: undefined,
    });
  });

  test('that the state does not accept is a violation, and the farewell is the last message', () => {
    const run = one(
      () => {},
      {},
      (fault: Error) => {
        expect(fault).toBeInstanceOf(StateError);
        return [NO, NO];
      },
    ).start();
    const { answers, final, error } = run.receive({ type: 'bye' }) as Step<Out, string>;
    expect(answers).toEqual([NO, NO]);
    expect(final).toBe(true);
    expect(error).toMatchObject({
      code: 'ERR_STATE_UNEXPECTED',
      origin: 'peer',
      state: 'a',
      messageType: 'bye',
      expected: ['say'],
      message: "'bye' is not expected in state 'a', only say",
    });
    // After the failure nothing counts.
    expect(run.receive(SAY)).toMatchObject({ answers: [], error });
    expect(run.ended()).toMatchObject({ answers: [], error });
    expect(run.timeout()).toMatchObject({ answers: [], error });
    expect(run.fault(new Error('later'))).toMatchObject({ answers: [], error });
  });

  test('after the end', () => {
    const run = one(
      () => ({ next: 'b' }),
      {},
      () => NO,
    ).start();
    void run.receive(SAY);
    expect(run.final).toBe(true);
    const step = run.receive(SAY) as Step<Out, string>;
    expect(step.answers).toEqual([]);
    expect(step.error).toMatchObject({ code: 'ERR_STATE_CLOSED', origin: 'peer', state: 'b' });
  });

  test('with a name from Object.prototype is a message like any other', () => {
    const { error } = stepOf(
      one(() => {}),
      { type: 'constructor' } as never,
    );
    expect(error).toMatchObject({ code: 'ERR_STATE_UNEXPECTED', messageType: 'constructor' });
  });
});

describe('a wrong answer of a handler is our own fault', () => {
  test.each<[string, unknown, string, object]>([
    [
      'a message of no name',
      () => ({ send: { type: 'maybe' } }),
      'ERR_STATE_UNEXPECTED',
      {
        actual: 'maybe',
        expected: ['yes', 'no', 'tick'],
        message: "what answers 'say' in state 'a' is 'maybe': only yes, no, tick may be sent",
      },
    ],
    [
      'no message',
      () => ({ send: 5 }),
      'ERR_STATE_UNEXPECTED',
      {
        message:
          "what answers 'say' in state 'a' is something that is not a message: only yes, no, tick may be sent",
      },
    ],
    ['null', () => ({ send: null }), 'ERR_STATE_UNEXPECTED', {}],
    ['a good one and a bad one', () => ({ send: [NO, { type: 'maybe' }] }), 'ERR_STATE_UNEXPECTED', {}],
    [
      'a state that may not follow',
      () => ({ send: NO, next: 'c' }),
      'ERR_STATE_UNEXPECTED',
      {
        actual: 'c',
        expected: ['a', 'b'],
        message: "the handler of 'say' in state 'a' leads to 'c', only a, b may follow",
      },
    ],
    ['a state that is none', () => ({ next: 'toString' }), 'ERR_STATE_UNEXPECTED', { actual: 'toString' }],
    [
      'other than its outcome',
      { outcomes: { a: 'yes' }, handle: () => ({ send: NO }) },
      'ERR_STATE_UNEXPECTED',
      { actual: 'no', expected: ['yes'] },
    ],
    [
      'not in its outcomes',
      { outcomes: { b: 'yes' }, handle: () => ({ send: YES }) },
      'ERR_STATE_UNEXPECTED',
      {
        actual: 'a',
        expected: ['b'],
        message: "the handler of 'say' in state 'a' leads to 'a', only b may follow",
      },
    ],
    [
      'two for one',
      { outcomes: { a: 'yes' }, handle: () => ({ send: [YES, YES] }) },
      'ERR_STATE_UNEXPECTED',
      {
        actual: 2,
        expected: ['yes'],
        message: "the handler of 'say' in state 'a' sends 2 messages, not one yes",
      },
    ],
    ['none for one', { outcomes: { a: 'yes' }, handle: () => {} }, 'ERR_STATE_UNEXPECTED', { actual: 0 }],
    [
      'a string',
      () => 'yes',
      'ERR_HANDLER',
      { messageType: 'say', cause: new TypeError('expected { send, next } or nothing, got string') },
    ],
    [
      'a list',
      () => [],
      'ERR_HANDLER',
      { cause: new TypeError('expected { send, next } or nothing, got an array of 0') },
    ],
    [
      'null for a reply',
      () => null,
      'ERR_HANDLER',
      { cause: new TypeError('expected { send, next } or nothing, got null') },
    ],
    ...[new Set([YES]), new Map([[1, YES]]), new Uint8Array(2), [YES].values()].map(
      (iterable) =>
        [
          `an iterable: ${Object.prototype.toString.call(iterable)}`,
          () => iterable,
          'ERR_HANDLER',
          {
            message:
              "the handler of 'say' in state 'a' failed: expected { send, next } or nothing, got an iterable: several messages are an array, { send: [...messages] }",
          },
        ] satisfies [string, unknown, string, object],
    ),
    [
      'a generator that is not async',
      function* () {
        yield YES;
      },
      'ERR_HANDLER',
      {
        message:
          "the handler of 'say' in state 'a' failed: expected { send, next } or nothing, got an iterable: several messages are an array, { send: [...messages] }",
      },
    ],
    ...[Readable.from([YES]), { async *[Symbol.asyncIterator]() {} }].map(
      (iterable) =>
        [
          'an async iterable that is not a generator',
          () => iterable,
          'ERR_HANDLER',
          {
            message:
              "the handler of 'say' in state 'a' failed: expected { send, next } or nothing, got an async iterable: an async generator sends each value with yield*",
          },
        ] satisfies [string, unknown, string, object],
    ),
    [
      'a misspelt part beside a valid one',
      () => ({ next: 'a', sned: YES }),
      'ERR_HANDLER',
      {
        message:
          "the handler of 'say' in state 'a' failed: expected { send, next } or nothing, got { sned }; did you mean { send }?",
      },
    ],
    [
      'a misspelt part',
      () => ({ sned: YES }),
      'ERR_HANDLER',
      {
        message:
          "the handler of 'say' in state 'a' failed: expected { send, next } or nothing, got { sned }; did you mean { send }?",
      },
    ],
  ])('%s', async (_, handler, code, details) => {
    const sync = stepOf(one(handler, {}, () => YES));
    expect(sync.error).toMatchObject({ code, origin: 'local', state: 'a', ...details });
    // Nothing of the bad reply is sent, only the farewell.
    expect(sync.answers).toEqual([YES]);
    const row = typeof handler === 'function' ? { handle: handler } : (handler as { handle: () => unknown });
    const later = await one({ ...row, handle: async () => row.handle() }, {}, () => YES)
      .start()
      .receive(SAY);
    expect(later.error).toMatchObject({ code, origin: 'local', state: 'a', ...details });
    expect(later.answers).toEqual([YES]);
  });

  test('a handler that throws or rejects is an ERR_HANDLER with its cause', async () => {
    const cause = new Error('no such table');
    const fail = () => {
      throw cause;
    };
    for (const handler of [fail, async () => fail()]) {
      const { error, answers } = await one(handler, {}, () => NO)
        .start()
        .receive(SAY);
      expect(error).toBeInstanceOf(HandlerError);
      expect(error).toMatchObject({
        code: 'ERR_HANDLER',
        origin: 'local',
        state: 'a',
        messageType: 'say',
        cause,
        message: "the handler of 'say' in state 'a' failed: no such table",
      });
      expect(answers).toEqual([NO]);
    }
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['says what is no message of ours', () => ({ type: 'maybe' })],
  ])('a farewell that %s sends nothing', (_, farewell) => {
    expect(
      stepOf(
        one(() => {}, {}, farewell),
        { type: 'bye' },
      ),
    ).toMatchObject({ answers: [], final: true });
  });
});

describe('a promise', () => {
  test('holds back the next message', async () => {
    const run = one(async () => ({ send: NO })).start();
    const pending = run.receive(SAY);
    expect(pending).toBeInstanceOf(Promise);
    expect(run.busy).toBe(true);
    expect(() => run.receive(SAY)).toThrow(TypeError);
    expect((await pending).answers).toEqual([NO]);
    expect(run.busy).toBe(false);
  });

  test.each<[string, (run: ReturnType<ReturnType<typeof one>['start']>) => unknown]>([
    ['a timeout', (run) => run.timeout()],
    ['a fault', (run) => run.fault(new Error('x'))],
    ['the end', (run) => run.ended()],
  ])('that is overtaken by %s comes too late', async (_, overtake) => {
    const run = one(async () => ({ send: YES, next: 'b' }), { deadline: { within: 10 } }).start();
    const pending = run.receive(SAY);
    overtake(run);
    expect(await pending).toMatchObject({ answers: [], state: 'a', final: true });
    expect(run.busy).toBe(false);
  });
});

describe('entering, ending, deadlines', () => {
  test('onEnter sends after the answer that led there; staying in a state does not call it', () => {
    const session = defineSession({
      receives: inward,
      sends: outward,
      initial: 'a',
      context: () => ({ n: 0 }),
      states: {
        a: {
          on: { say: () => ({ send: NO, next: 'b' }), bye: () => ({ next: 'a' }) },
          next: ['b'],
          onEnter: (context) => ({ type: 'tick', n: context.n++ }),
        },
        b: { onEnter: (context) => [YES, { type: 'tick', n: context.n++ }], onEnd: () => NO },
      },
    });
    const run = session.start();
    expect(run.greeting).toEqual([{ type: 'tick', n: 0 }]);
    expect(run.receive({ type: 'bye' })).toMatchObject({ answers: [], state: 'a' });
    expect(run.entries).toBe(1);
    expect(run.receive(SAY)).toMatchObject({ answers: [NO, YES, { type: 'tick', n: 1 }], state: 'b' });
    expect(run.entries).toBe(2);
    expect(run.ended()).toMatchObject({ answers: [NO], state: 'b', final: true, error: undefined });
    expect(run.ended().answers).toEqual([]);
    expect(session.start({ n: 7 }).greeting).toEqual([{ type: 'tick', n: 7 }]);
  });

  test.each(['onEnter', 'onEnd'])('%s that fails is ours', (which) => {
    const cause = new Error('x');
    const run = one(() => {}, {
      [which]: () => {
        throw cause;
      },
    }).start();
    expect(which === 'onEnter' ? run.error : run.ended().error).toMatchObject({ code: 'ERR_HANDLER', cause });
    expect(run.final).toBe(true);
  });

  test.each<['within' | 'idle' | 'frame', string, string]>([
    ['within', 'ERR_TIMEOUT_STATE', "state 'a' was not left within 30 ms"],
    ['idle', 'ERR_TIMEOUT_IDLE', "no message in 30 ms, in state 'a'"],
    ['frame', 'ERR_TIMEOUT_IDLE', "a frame begun 30 ms ago is not complete, in state 'a'"],
  ])('%s: by default the farewell and the end', (kind, code, message) => {
    const run = one(
      () => {},
      { deadline: { [kind]: 30 } },
      () => NO,
    ).start();
    expect(run.deadline?.[kind]).toBe(30);
    const { answers, final, error, deadline } = run.timeout() as Step<Out, string>;
    expect({ answers, final, deadline }).toEqual({ answers: [NO], final: true, deadline: undefined });
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ code, message, limit: 30, state: 'a', origin: 'peer' });
  });

  test('of several limits the first one, within before idle before frame, unless one is named', () => {
    const run = one(() => {}, { deadline: { frame: 3, idle: 2 } });
    expect((run.start().timeout() as Step<Out, string>).error).toMatchObject({ limit: 2 });
    expect((run.start().timeout('frame') as Step<Out, string>).error).toMatchObject({ limit: 3 });
    const all = one(() => {}, { deadline: { frame: 3, idle: 2, within: 1 } });
    expect((all.start().timeout() as Step<Out, string>).error).toMatchObject({ limit: 1 });
    const none = one(() => {}).start();
    expect(none.timeout('idle')).toMatchObject({ answers: [], error: undefined, final: false });
  });

  test('a limit that expires while a handler runs: its answer is too late, also if the table handles the limit', async () => {
    const handle = () => ({ send: NO });
    const run = one(async () => ({ send: YES }), { deadline: { within: 5, handle } }).start();
    const pending = run.receive(SAY);
    expect(run.timeout('within')).toMatchObject({ answers: [NO], state: 'a', error: undefined });
    expect((await pending).answers).toEqual([]);
    expect(await run.receive(SAY)).toMatchObject({ answers: [YES] });
  });

  test('the table decides what happens, possibly asynchronously', async () => {
    const handle = (error: TimeoutError) => ({ send: { type: 'tick', n: error.limit } });
    const run = one(() => {}, { deadline: { idle: 30, handle } }).start();
    expect(run.timeout('idle')).toMatchObject({
      answers: [{ type: 'tick', n: 30 }],
      state: 'a',
      error: undefined,
    });
    const slow = one(() => {}, { deadline: { idle: 30, handle: async () => ({ next: 'b' }) } }).start();
    expect(await slow.timeout()).toMatchObject({ state: 'b', final: true, error: undefined });
  });
});

describe('unsolicited messages', () => {
  const run = () => one(() => ({ next: 'b' }), { unsolicited: ['tick'] }).start();

  test('are sent if the state allows them', () => {
    expect(() => run().send({ type: 'tick', n: 1 })).not.toThrow();
    expect(() =>
      one(() => {})
        .start()
        .send(YES),
    ).not.toThrow();
  });

  test('are refused if the state does not allow them, and after the end', () => {
    const started = run();
    const local = { origin: 'local', messageType: 'no' };
    expect(thrown(() => started.send(NO))).toMatchObject({
      ...local,
      code: 'ERR_STATE_UNEXPECTED',
      expected: ['tick'],
      actual: 'no',
      state: 'a',
      message: "'no' may not be sent unasked in state 'a', only tick",
    });
    expect(started.error).toBeUndefined();
    expect(() => started.send({} as never)).toThrow(new TypeError('a message is an object with a type'));
    void started.receive(SAY);
    expect(thrown(() => started.send(NO))).toMatchObject({
      ...local,
      code: 'ERR_STATE_CLOSED',
      state: 'b',
      message: "'no' cannot be sent: the session is over, in state 'b'",
    });
    expect(() => started.send(undefined as never)).toThrow(TypeError);
  });
});

test('for any sequence of events the run behaves as a naive model of its table', () => {
  const events = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<In['type']>('login', 'say', 'bye') },
      { weight: 1, arbitrary: fc.constantFrom<'*timeout' | '*end' | '*fault'>('*timeout', '*end', '*fault') },
    ),
    { maxLength: 30 },
  );
  const row = fc.record({
    next: fc.constantFrom('a', 'b', 'c', 'd'),
    count: fc.nat(2),
    fails: fc.constantFrom(false, false, false, true),
    later: fc.boolean(),
  });
  const state = fc.record({
    login: fc.option(row),
    say: fc.option(row),
    bye: fc.option(row),
    otherwise: fc.option(row),
  });
  type Row = { next: string; count: number; fails: boolean; later: boolean };
  const table = fc.record({ a: state, b: state, c: state });

  return fc.assert(
    fc.asyncProperty(table, events, async (declared, sequence) => {
      const handler = (cell: Row | null) => {
        if (cell === null) return undefined;
        const reply = () => {
          if (cell.fails) throw new Error('as declared');
          return {
            send: Array.from({ length: cell.count }, (_, n) => ({ type: 'tick', n })),
            next: cell.next,
          };
        };
        return cell.later ? async () => reply() : reply;
      };
      const states = Object.fromEntries(
        Object.entries(declared).map(([name, { otherwise, ...on }]) => [
          name,
          {
            on: Object.fromEntries(Object.entries(on).map(([type, cell]) => [type, handler(cell)])),
            otherwise: handler(otherwise),
            next: ['a', 'b', 'c', 'd'],
            deadline: { idle: 1 },
          },
        ]),
      );
      const session = defineSession({
        receives: inward,
        sends: outward,
        initial: 'a',
        states: { ...states, d: { final: true } } as never,
        farewell: () => NO,
      }) as Session<In, Out, string, unknown>;

      const run = session.start();
      let at = 'a';
      let over: string | undefined;
      for (const event of sequence) {
        let expected: unknown[] = [];
        if (over === undefined && at !== 'd') {
          if (event === '*end') over = 'end';
          else if (event === '*fault' || event === '*timeout') [over, expected] = [event, [NO]];
          else {
            const cells = declared[at as 'a'];
            const cell = cells[event] ?? cells.otherwise;
            if (cell === null || cell.fails) [over, expected] = ['failed', [NO]];
            else {
              expected = Array.from({ length: cell.count }, (_, n) => ({ type: 'tick', n }));
              at = cell.next;
            }
          }
        } else if (over === undefined && (event === '*fault' || !event.startsWith('*'))) over = 'failed';
        const step = await (event === '*end'
          ? run.ended()
          : event === '*fault'
            ? run.fault(new Error('bytes'))
            : event === '*timeout'
              ? run.timeout()
              : run.receive({ type: event } as In));
        expect(step.answers).toEqual(expected);
        expect(step.state).toBe(at);
        expect(step.final).toBe(over !== undefined || at === 'd');
        expect(step.error !== undefined).toBe(over !== undefined && over !== 'end');
      }
    }),
    { numRuns: 300 },
  );
});

function thrown(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('a handler that returns a message instead of { send: message } gets an error that says so', () => {
  const { error } = one(() => NO)
    .start()
    .receive(SAY) as Step<Out, string>;
  expect(error).toMatchObject({ code: 'ERR_HANDLER', origin: 'local', messageType: 'say' });
  expect(String((error as Error).cause)).toContain("got a message of type 'no' itself");
});

test.each([
  [
    'a promise',
    async () =>
      (async function* () {
        yield [];
      })(),
  ],
  [
    'another one',
    async function* () {
      yield [];
      return (async function* () {
        yield [];
      })();
    },
  ],
])('an async generator as the result of %s is an error that says so', async (_, handler) => {
  const { error } = (await one(handler).start().receive(SAY)) as Step<Out, string>;
  expect(error).toMatchObject({
    code: 'ERR_HANDLER',
    origin: 'local',
    message:
      "the handler of 'say' in state 'a' failed: expected { send, next } or nothing, got an async generator as the result of another one or of a promise",
  });
});

test.each([{}, { send: undefined }, { sned: 1, send: undefined }, { found: 3 }, new Date(0)])(
  'a reply without a message and without a mistake sends nothing: %o',
  (reply) => {
    expect(stepOf(one(() => reply))).toMatchObject({ answers: [], error: undefined });
  },
);

test.each<[object, object]>([
  [{ send: NO }, { answers: [NO] }],
  [{ next: 'b' }, { state: 'b' }],
  [{ timers: { t: 5 } }, { timers: { t: 5 } }],
  [{ upgrade: 'tls' }, { upgrade: 'tls' }],
])('a reply %o is one, also with a type beside it', (reply, step) => {
  const timers = { t: () => {} };
  expect(stepOf(one(() => ({ type: 'no', ...reply }), { timers }))).toMatchObject({
    ...step,
    error: undefined,
  });
});
