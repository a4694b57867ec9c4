import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Codec, defineSession, json, line, type Step } from '../../../src/index.ts';

type In =
  | { type: 'start' }
  | { type: 'query'; n: number }
  | { type: 'work'; channel: number; n: number }
  | { type: 'stop' };
type Out = { type: 'row'; n: number } | { type: 'done' } | { type: 'tick' };

const codecs = {
  receives: { types: ['start', 'query', 'work', 'stop'] } as unknown as Codec<In>,
  sends: { types: ['row', 'done', 'tick'] } as unknown as Codec<Out>,
};
const query = (n: number): In => ({ type: 'query', n });
const row = (n: number): Out => ({ type: 'row', n });
type AnyStep = Step<Out, string>;

/** A promise, and what settles it. */
function later<T>(): { promise: Promise<T>; resolve(value: T): void; reject(reason: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe('postpone', () => {
  const session = defineSession({
    ...codecs,
    initial: 'idle',
    states: {
      idle: { on: { start: () => ({ next: 'ready' }) }, postpone: ['query', 'stop'], next: ['ready'] },
      ready: {
        on: {
          query: ({ n }) => ({ send: row(n) }),
          start: () => ({ next: 'idle' }),
          stop: () => ({ send: { type: 'done' }, next: 'over' }),
        },
        next: ['idle', 'over'],
      },
      over: { final: true },
    },
  });

  test('postponed messages are handled first in the next state, in order, and are dropped at the end', () => {
    const run = session.start();
    expect(run.receive(query(1))).toMatchObject({ answers: [], state: 'idle' });
    void run.receive(query(2));
    expect(run.receive({ type: 'start' })).toMatchObject({ answers: [row(1), row(2)], state: 'ready' });
    void run.receive({ type: 'start' });
    void run.receive(query(3));
    void run.receive({ type: 'stop' });
    void run.receive(query(4));
    const step = run.receive({ type: 'start' }) as AnyStep;
    expect(step).toMatchObject({ answers: [row(3), { type: 'done' }], state: 'over', final: true });
    expect(step.error).toBeUndefined();
  });

  test('at most 64 messages, and 1 MiB', () => {
    const run = session.start();
    for (let i = 0; i < 64; i++) expect(run.receive(query(i))).toMatchObject({ error: undefined });
    expect((run.receive(query(64)) as AnyStep).error).toMatchObject({
      code: 'ERR_STATE_UNEXPECTED',
      origin: 'peer',
      limit: 64,
      state: 'idle',
      messageType: 'query',
      message: "more than 64 messages wait for the state that follows 'idle', the last is 'query'",
    });
    const big = session.start();
    const message = { ...query(1), text: 'x'.repeat(600_000) };
    expect((big.receive(message) as AnyStep).error).toBeUndefined();
    expect((big.receive(message) as AnyStep).error).toMatchObject({
      limit: 1_048_576,
      message: "more than 1048576 bytes wait for the state that follows 'idle', the last is 'query'",
    });
  });

  test('1 MiB, anywhere in a message, or in a frame of which a few bytes are kept', () => {
    const text = 'x'.repeat(600_000);
    const nested = Array.from({ length: 20 }).reduce<unknown>((inner) => ({ inner }), text);
    const frame = (): Buffer => Buffer.alloc(600_000);
    const hiding: (() => unknown)[] = [
      () => [...Array<string>(1_000).fill(''), text],
      () => nested,
      () => frame().subarray(0, 1),
    ];
    for (const hide of hiding) {
      const run = session.start();
      const postpone = () => (run.receive({ ...query(1), hidden: hide() } as never) as AnyStep).error;
      expect(postpone()).toBeUndefined();
      expect(postpone()).toMatchObject({ code: 'ERR_STATE_UNEXPECTED', limit: 1_048_576 });
    }
    // Two messages in one frame hold it once; and what was taken is given back.
    const run = session.start();
    for (let round = 0; round < 3; round++) {
      const one = frame();
      for (let i = 0; i < 2; i++) {
        const message = { ...query(1), part: one.subarray(i, i + 1) };
        expect((run.receive(message) as AnyStep).error).toBeUndefined();
      }
      void run.receive({ type: 'start' });
      expect(run.receive({ type: 'start' })).toMatchObject({ error: undefined, state: 'idle' });
    }
  });

  test('they are handled after an awaited handler as well', async () => {
    const gate = later<{ next: 'b' }>();
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { start: () => gate.promise }, postpone: ['query'], next: ['b'] },
        b: { on: { query: async ({ n }) => ({ send: row(n) }) } },
      },
    }).start();
    void run.receive(query(1));
    void run.receive(query(2));
    const step = run.receive({ type: 'start' });
    gate.resolve({ next: 'b' });
    expect(await step).toMatchObject({ answers: [row(1), row(2)], state: 'b' });
  });

  test('handled messages make room for as many again', () => {
    const run = session.start();
    const message = { ...query(1), text: 'x'.repeat(600_000) };
    for (let i = 0; i < 3; i++) {
      expect(run.receive(message)).toMatchObject({ error: undefined, state: 'idle' });
      expect(run.receive({ type: 'start' })).toMatchObject({ answers: [row(1)], state: 'ready' });
      expect(run.receive({ type: 'start' })).toMatchObject({ answers: [], state: 'idle' });
    }
  });

  test('1 MiB to the byte', () => {
    // 16 of the object, 21 of its type, 8 of its number, 16 of the text.
    const fitting = { ...query(1), text: 'x'.repeat(1_048_576 - 61) };
    expect((session.start().receive(fitting) as AnyStep).error).toBeUndefined();
    const longer = { ...fitting, text: `${fitting.text}x` };
    expect((session.start().receive(longer) as AnyStep).error).toMatchObject({ limit: 1_048_576 });
  });

  test('a handler that is too late does not affect postponed messages', async () => {
    const [slow, late] = [later<void>(), later<{ next: 'b' }>()];
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { start: () => slow.promise },
          postpone: ['query'],
          next: ['b'],
          deadline: { within: 5, handle: () => late.promise },
        },
        b: { on: { query: ({ n }) => ({ send: row(n) }) } },
      },
    }).start();
    void run.receive(query(7));
    const first = run.receive({ type: 'start' });
    const answers: Out[] = [];
    const second = run.timeout('within', answers);
    slow.resolve();
    await first;
    expect(answers).toEqual([]);
    late.resolve({ next: 'b' });
    expect(await second).toMatchObject({ state: 'b', answers: [row(7)] });
  });

  test('messages of concurrent rows are handled together in the next state; later messages stay behind them', async () => {
    const gates = new Map<number, ReturnType<typeof later<void>>>();
    const begun: number[] = [];
    const work = (channel: number, n: number): In => ({ type: 'work', channel, n });
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { start: () => ({ next: 'b' }) }, postpone: ['work', 'query'], next: ['b'] },
        b: {
          on: {
            work: {
              concurrent: 'channel',
              handle: ({ n }) => {
                begun.push(n);
                gates.set(n, later<void>());
                return gates.get(n)!.promise.then(() => ({ send: row(n) }));
              },
            },
            query: ({ n }) => ({ send: row(n) }),
          },
        },
      },
    }).start();
    const answers: Out[] = [];
    for (const message of [work(1, 1), work(2, 2), work(1, 3), query(4), work(2, 5)])
      void run.receiveInto(message, answers);
    const all = run.receiveInto({ type: 'start' }, answers);
    expect(begun).toEqual([1, 2]);
    expect([run.working, run.busy]).toEqual([true, false]);
    // It would overtake those that wait behind the query.
    expect(run.mustWait(work(3, 6))).toBe(true);
    expect(() => run.receive(work(3, 6))).toThrow('one message at a time');
    for (const n of [2, 1, 3, 5]) {
      gates.get(n)!.resolve();
      await new Promise(setImmediate);
    }
    await all;
    expect(answers).toEqual([2, 1, 3, 4, 5].map(row));
    expect(run.working).toBe(false);
    // Once nothing is postponed, further messages join those at work.
    void run.receiveInto(work(1, 7), answers);
    expect(run.mustWait(work(1, 8))).toBe(false);
  });

  test('a postponed message that the next state refuses waits for those at work before it', async () => {
    const gate = later<void>();
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { start: () => ({ next: 'b' }) }, postpone: ['work', 'stop'], next: ['b'] },
        b: {
          on: {
            work: { concurrent: 'channel', handle: ({ n }) => gate.promise.then(() => ({ send: row(n) })) },
          },
        },
      },
    }).start();
    const answers: Out[] = [];
    for (const type of ['work', 'stop', 'start'] as const)
      void run.receiveInto({ type, channel: 1, n: 7 } as In, answers);
    expect([run.error, run.working]).toEqual([undefined, true]);
    gate.resolve();
    await new Promise(setImmediate);
    expect(answers).toEqual([row(7)]);
    expect(run.error).toMatchObject({ code: 'ERR_STATE_UNEXPECTED', messageType: 'stop', state: 'b' });
  });

  const chain = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { start: () => ({ next: 'b' }) }, postpone: ['query', 'work', 'stop'], next: ['b'] },
      b: {
        on: {
          start: () => ({ next: 'c' }),
          query: ({ n }) => ({ send: row(n), ...(n === 3 && { next: 'c' }) }),
        },
        postpone: ['work'],
        otherwise: () => ({ send: { type: 'tick' } }),
        next: ['c'],
      },
      c: { on: { work: { concurrent: 'channel', handle: async ({ n }) => ({ send: row(n) }) } } },
    },
  });

  test('each state handles its messages, and leaves the rest to the next state', async () => {
    const run = chain.start();
    void run.receive({ type: 'work', channel: 1, n: 10 });
    void run.receive(query(1));
    void run.receive({ type: 'stop' });
    // `otherwise` takes what has no row, but not what waits.
    expect(run.receive({ type: 'start' })).toMatchObject({ answers: [row(1), { type: 'tick' }], state: 'b' });
    void run.receive({ type: 'work', channel: 1, n: 11 });
    const step = await run.receive(query(3));
    expect(step).toMatchObject({ answers: [row(3), row(10), row(11)], state: 'c' });
    expect(step.error).toBeUndefined();
  });

  test('a postponed message that the next state does not accept is a violation', () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { start: () => ({ send: row(1), next: 'b' }) }, postpone: ['query', 'stop'], next: ['b'] },
        b: { on: { stop: () => ({ send: row(2) }) } },
      },
    }).start();
    void run.receive({ type: 'stop' });
    void run.receive(query(1));
    expect(run.receive({ type: 'start' })).toMatchObject({
      answers: [row(1), row(2)],
      final: true,
      error: { code: 'ERR_STATE_UNEXPECTED', origin: 'peer', state: 'b', messageType: 'query' },
    });
  });

  test('gives the same as a queue that the next state reads', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom('query', 'start'), { maxLength: 60 }), (script) => {
        const run = session.start();
        const answers: Out[] = [];
        let isReady = false;
        let waiting: Out[] = [];
        const expected: Out[] = [];
        script.forEach((type, n) => {
          answers.push(...(run.receive(type === 'query' ? query(n) : { type: 'start' }) as AnyStep).answers);
          if (type === 'start') isReady = !isReady;
          else waiting.push(row(n));
          if (isReady) expected.push(...waiting.splice(0));
          else waiting = waiting.slice();
        });
        expect(answers).toEqual(expected);
      }),
    ));
});

describe('named timers', () => {
  const session = defineSession({
    ...codecs,
    initial: 'a',
    context: () => ({ tries: 0 }),
    states: {
      a: {
        on: {
          start: () => ({ timers: { retry: 500, other: 5 } }),
          query: () => ({ timers: { retry: null } }),
          stop: () => ({ next: 'b' }),
        },
        timers: {
          retry: ({ timer, after }, context) => {
            expect([timer, after]).toEqual(['retry', 500]);
            return ++context.tries < 3
              ? { send: { type: 'tick' }, timers: { retry: 500 } }
              : { send: { type: 'done' } };
          },
          other: () => undefined,
        },
        next: ['b'],
      },
      b: { timers: { retry: () => ({ send: row(1) }) }, on: { start: () => ({ timers: { nope: 5 } }) } },
    },
  });

  test('are set, expire, are set again and cancelled; the step reports it', () => {
    const run = session.start();
    expect(run.expire('retry')).toMatchObject({ answers: [] });
    expect(run.receive({ type: 'start' })).toMatchObject({ timers: { retry: 500, other: 5 } });
    expect(run.expire('retry')).toMatchObject({ answers: [{ type: 'tick' }], timers: { retry: 500 } });
    void run.expire('retry');
    expect(run.expire('retry')).toMatchObject({ answers: [{ type: 'done' }] });
    expect(run.expire('retry')).toMatchObject({ answers: [] });
    void run.receive({ type: 'start' });
    expect(run.receive({ type: 'query', n: 0 })).toMatchObject({ timers: { retry: null } });
    expect(run.receive({ type: 'query', n: 0 })).not.toHaveProperty('timers');
    expect(run.expire('retry')).toMatchObject({ answers: [] });
  });

  test('a timer continues in a state that names it, and is cancelled by any other state', () => {
    const run = session.start();
    void run.receive({ type: 'start' });
    expect(run.receive({ type: 'stop' })).toMatchObject({ state: 'b', timers: { other: null } });
    expect(run.expire('other')).toMatchObject({ answers: [] });
    expect(run.expire('retry')).toMatchObject({ answers: [row(1)] });
  });

  test('a state without timers cancels all; without any, there is nothing to cancel', () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            start: () => ({ timers: { t: 5 } }),
            query: () => ({ timers: { t: null } }),
            stop: () => ({ next: 'b' }),
          },
          timers: { t: () => undefined },
          next: ['b'],
        },
        b: {},
      },
    }).start();
    const none = run.receive(query(1)) as AnyStep;
    expect([none.error, 'timers' in none]).toEqual([undefined, false]);
    void run.receive({ type: 'start' });
    expect(run.receive({ type: 'stop' })).toMatchObject({
      state: 'b',
      error: undefined,
      timers: { t: null },
    });
  });

  test('an unknown timer, or a duration that no timer can keep, is our fault', () => {
    const run = session.start();
    void run.receive({ type: 'stop' });
    expect((run.receive({ type: 'start' }) as AnyStep).error).toMatchObject({
      code: 'ERR_STATE_UNEXPECTED',
      origin: 'local',
      message: expect.stringContaining("'nope'"),
    });
    const none = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { start: () => ({ timers: { t: 1 } }) } } },
    }).start();
    expect((none.receive({ type: 'start' }) as AnyStep).error).toMatchObject({ expected: [] });
    for (const delay of [0, -1, Number.NaN, 2 ** 31, '5']) {
      const bad = defineSession({
        ...codecs,
        initial: 'a',
        states: { a: { on: { start: () => ({ timers: { t: delay as number } }) }, timers: { t: () => {} } } },
      }).start();
      expect((bad.receive({ type: 'start' }) as AnyStep).error).toMatchObject({ origin: 'local' });
    }
  });

  test('a timer that expires while a handler runs waits for its end', async () => {
    const gate = later<undefined>();
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { start: () => ({ timers: { t: 5 } }), stop: () => gate.promise },
          timers: { t: () => ({ send: { type: 'tick' } }) },
        },
      },
    }).start();
    void run.receive({ type: 'start' });
    const step = run.receive({ type: 'stop' });
    expect(run.expire('t')).toMatchObject({ answers: [] });
    gate.resolve(undefined);
    expect(await step).toMatchObject({ answers: [{ type: 'tick' }] });
  });

  const timed = (handle: () => unknown, more: object = {}) =>
    defineSession({
      ...codecs,
      initial: 'a',
      farewell: () => ({ type: 'done' }),
      states: {
        a: {
          on: {
            start: () => ({ timers: { t: 1, u: 2, v: 2 ** 31 - 1 } }),
            stop: handle as never,
            query: () => ({ next: 'b' }),
          },
          timers: {
            t: ({ after }: { after: number }) => ({ send: row(after) }),
            u: ({ after }: { after: number }) => ({ send: row(after) }),
            v: async ({ after }: { after: number }) => ({ send: row(after) }),
          },
          next: ['b'],
          ...more,
        },
        b: { timers: { t: () => ({ send: row(1) }) } },
      } as never,
    }).start();

  test('timers that expired meanwhile run in order, and the handler may start or cancel some', async () => {
    const gate = later<object>();
    const run = timed(() => gate.promise);
    expect(run.hasTimers).toBe(false);
    void run.receiveInto({ type: 'start' }, []);
    expect(run.hasTimers).toBe(true);
    expect([...run.takeTimers()!.keys()]).toEqual(['t', 'u', 'v']);
    expect([run.hasTimers, run.takeTimers()]).toEqual([false, undefined]);
    const step = run.receive({ type: 'stop' });
    for (const name of ['v', 'u', 't', 'u']) expect(run.expire(name)).toMatchObject({ answers: [] });
    gate.resolve({ send: { type: 'tick' }, timers: { t: 9, nope: null } });
    expect(await step).toMatchObject({
      answers: [{ type: 'tick' }, row(2 ** 31 - 1), row(2)],
      timers: { t: 9 },
    });
    expect(run.expire('t')).toMatchObject({ answers: [row(9)] });
    const later2 = later<object>();
    const again = timed(() => later2.promise);
    void again.receive({ type: 'start' });
    const end = again.receive({ type: 'stop' });
    void again.expire('u');
    void again.expire('v');
    later2.resolve({ timers: { v: null }, next: 'b' });
    expect(await end).toMatchObject({ answers: [], state: 'b' });
  });

  test('a timer’s handler may be asynchronous: no message is handled meanwhile', async () => {
    const run = timed(() => undefined);
    void run.receive({ type: 'start' });
    const step = run.expire('v');
    expect([run.busy, run.mustWait({ type: 'stop' })]).toEqual([true, true]);
    expect(await step).toMatchObject({ answers: [row(2 ** 31 - 1)], from: 'a' });
    expect([run.busy, run.mustWait({ type: 'stop' })]).toEqual([false, false]);
  });

  test('a timer waits for concurrent messages, too', async () => {
    const gate = later<void>();
    const run = timed(() => undefined, {
      otherwise: { concurrent: 'channel', handle: () => gate.promise },
    });
    void run.receive({ type: 'start' });
    const step = run.receive({ type: 'work', channel: 1, n: 1 });
    expect(run.expire('t')).toMatchObject({ answers: [] });
    gate.resolve();
    expect(await step).toMatchObject({ answers: [row(1)] });
  });

  test('a failure and the end cancel all of them', () => {
    const run = timed(() => {
      throw new Error('x');
    });
    void run.receive({ type: 'start' });
    expect(run.receive({ type: 'stop' })).toMatchObject({
      answers: [{ type: 'done' }],
      timers: { t: null, u: null, v: null },
    });
    expect(run.expire('t')).toMatchObject({ answers: [] });
  });

  test('of several timers none is started if one is refused', () => {
    const run = timed(() => ({ send: row(1), timers: { t: 3, nope: 1 } }));
    const step = run.receive({ type: 'stop' }) as AnyStep;
    expect(step).toMatchObject({ answers: [{ type: 'done' }] });
    expect(step).not.toHaveProperty('timers');
    expect(step.error).toMatchObject({
      code: 'ERR_STATE_UNEXPECTED',
      messageType: 'stop',
      expected: ['t', 'u', 'v'],
      message: "the handler of 'stop' sets the timer 'nope', which the state does not have, in state 'a'",
    });
    expect((timed(() => ({ timers: { t: 0.5 } })).receive({ type: 'stop' }) as AnyStep).error).toMatchObject({
      message:
        "the handler of 'stop' sets the timer 't' to 0.5, not 1 to 2147483647 ms or null, in state 'a'",
    });
  });
});

describe('async generators', () => {
  const rows = (handle: unknown, outcome: unknown = { until: 'done', of: 'row' }) =>
    defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { query: { handle: handle as never, outcomes: { a: outcome as never } } } },
      },
    }).start();

  test('yielded messages are sent, one or many; the returned value is the reply', async () => {
    const run = rows(async function* ({ n }: { n: number }) {
      for (let i = 0; i < n; i++) yield row(i);
      yield [row(8), row(9)];
      return { send: { type: 'done' } };
    });
    expect(await run.receive(query(2))).toMatchObject({
      answers: [row(0), row(1), row(8), row(9), { type: 'done' }],
      error: undefined,
    });
  });

  test('without outcomes any message of the state may be sent, in any number', async () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            async *query({ n }) {
              for (let i = 0; i < n; i++) yield row(i);
            },
          },
        },
      },
    }).start();
    expect(await run.receive(query(3))).toMatchObject({
      answers: [row(0), row(1), row(2)],
      error: undefined,
    });
  });

  test('the next value is requested when there is room', async () => {
    let asked = 0;
    const run = rows(
      async function* () {
        for (;;) {
          asked++;
          yield row(asked);
        }
      },
      ['row'],
    );
    const answers: Out[] = [];
    let calls = 0;
    run.onAnswers = () => calls++;
    expect([run.hasMore, run.busy]).toEqual([false, false]);
    void run.receiveInto(query(0), answers);
    await new Promise(setImmediate);
    expect([asked, calls, answers, run.busy, run.hasMore]).toEqual([1, 1, [row(1)], true, true]);
    run.more();
    await new Promise(setImmediate);
    expect([asked, answers.length, calls]).toEqual([2, 2, 2]);
  });

  test.each<[string, () => AsyncGenerator<Out | Out[]>, RegExp]>([
    [
      'an answer without its end',
      async function* () {
        yield row(1);
      },
      /does not end its answer with one done/,
    ],
    [
      'more behind the end',
      async function* () {
        yield { type: 'done' };
        yield row(1);
      },
      /does not end/,
    ],
    [
      'a type that is not told',
      async function* () {
        yield { type: 'tick' };
      },
      /'tick': only row, done may be sent/,
    ],
  ])('%s is our fault', async (_, handle, text) => {
    const step = (await rows(handle).receive(query(1))) as AnyStep;
    expect(step.error).toMatchObject({ origin: 'local', message: expect.stringMatching(text) });
  });

  type Said = Out | Out[] | undefined;
  const DONE: Out = { type: 'done' };
  const until = { until: 'done', of: 'row' };
  const notEnded = /does not end its answer with one done/;
  test.each<[string, object | string | string[], Said[], Said, RegExp | undefined]>([
    ['until: rows and the end, in a list', until, [], [row(1), row(2), DONE], undefined],
    ['until: the end alone', until, [], DONE, undefined],
    ['until: the end is yielded', until, [row(1), DONE], undefined, undefined],
    ['until: a list is yielded', until, [[row(1), DONE]], undefined, undefined],
    ['until: nothing', until, [], undefined, notEnded],
    ['until: no end in a list', until, [], [row(1)], notEnded],
    ['until: more behind the end, in a list', until, [], [DONE, row(1), DONE], notEnded],
    ['until: more behind the end, in a list that is yielded', until, [[DONE, row(1)]], DONE, notEnded],
    ['until: two ends', until, [DONE], DONE, notEnded],
    ['until: an end that is yielded, and more that is returned', until, [DONE], row(1), notEnded],
    ['one: yielded', 'row', [row(1)], undefined, undefined],
    ['one: returned', { one: ['row', 'done'] }, [], DONE, undefined],
    ['one: yielded and returned', 'row', [row(1)], row(2), /sends 2 messages, not one row/],
    ['one: neither', 'row', [undefined], undefined, /sends 0 messages, not one row/],
    ['any: nothing', ['row', 'done'], [], undefined, undefined],
    ['any: in any order', ['row', 'done'], [DONE, row(1)], [DONE, DONE], undefined],
  ])('outcomes %s', async (_, outcome, yielded, returned, text) => {
    const step = (await rows(async function* () {
      for (const said of yielded) yield said;
      return { send: returned };
    }, outcome).receive(query(1))) as AnyStep;
    if (text === undefined) {
      expect(step.error).toBeUndefined();
      expect(step.answers).toEqual([...yielded, returned].flat().filter((said) => said !== undefined));
    } else {
      expect(step.error).toMatchObject({
        code: 'ERR_STATE_UNEXPECTED',
        origin: 'local',
        state: 'a',
        messageType: 'query',
        expected: [text === notEnded ? 'done' : 'row'],
        message: expect.stringMatching(text),
      });
    }
    if (yielded.length > 0) return;
    const plain = rows(() => ({ send: returned }), outcome).receive(query(1)) as AnyStep;
    expect(plain.answers).toEqual(step.answers);
    expect(plain.error?.message).toBe(step.error?.message);
  });

  test('a generator that throws has sent its earlier messages; one that is too late is ended', async () => {
    const bad = rows(async function* () {
      yield row(1);
      throw Object.create(null);
    });
    expect(await bad.receive(query(1))).toMatchObject({
      answers: [row(1)],
      error: { code: 'ERR_HANDLER' },
    });
    let ended = false;
    const late = rows(async function* () {
      try {
        for (;;) yield row(1);
      } finally {
        ended = true;
      }
    });
    late.onAnswers = () => {};
    void late.receiveInto(query(1), []);
    await new Promise(setImmediate);
    late.dispose();
    await new Promise(setImmediate);
    expect(ended).toBe(true);
  });
});

describe('one answer of a declared type, and no change of state', () => {
  const table = (reply: unknown) =>
    defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { start: { handle: () => reply as never, outcomes: { a: 'row', b: 'done' } } },
          timers: { t: () => undefined },
        },
        b: {},
      },
    }).start();

  test.each<[string, unknown, object]>([
    ['is sent', { send: row(1) }, { answers: [row(1)], state: 'a' }],
    [
      'with a state is a way there',
      { send: { type: 'done' }, next: 'b' },
      { answers: [{ type: 'done' }], state: 'b' },
    ],
    ['with another state is refused', { send: row(1), next: 'b' }, { answers: [], state: 'a', final: true }],
    ['with a timer starts it', { send: row(1), timers: { t: 5 } }, { answers: [row(1)], timers: { t: 5 } }],
    ['with an upgrade is one', { send: row(1), upgrade: 'tls' }, { answers: [row(1)], upgrade: 'tls' }],
    ['of another type is refused', { send: { type: 'done' } }, { answers: [], final: true }],
    ['in a list', { send: [row(1)] }, { answers: [row(1)], state: 'a' }],
  ])('%s', (_, reply, step) => {
    expect(table(reply).receive({ type: 'start' })).toMatchObject(step);
  });
});

describe('concurrent rows', () => {
  test('one at a time for each key, in order; other messages wait for all of them', async () => {
    const gates = new Map<number, ReturnType<typeof later<void>>>();
    const begun: number[] = [];
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            work: {
              concurrent: 'channel',
              handle: async ({ n }) => {
                begun.push(n);
                gates.set(n, later());
                await gates.get(n)!.promise;
                return { send: row(n) };
              },
            },
            stop: () => ({ send: { type: 'done' } }),
          },
        },
      },
    }).start();
    const answers: Out[] = [];
    const work = (channel: number, n: number): In => ({ type: 'work', channel, n });
    const all = [work(1, 11), work(1, 12), work(2, 21), work(3, 31)].map((message) =>
      run.receiveInto(message, answers),
    );
    expect(begun).toEqual([11, 21, 31]);
    expect([run.busy, run.working, run.mustWait({ type: 'stop' }), run.mustWait(work(1, 13))]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(() => run.receiveInto({ type: 'stop' }, answers)).toThrow(/one message at a time/);
    gates.get(31)!.resolve();
    gates.get(21)!.resolve();
    gates.get(11)!.resolve();
    await new Promise(setImmediate);
    expect(begun).toEqual([11, 21, 31, 12]);
    gates.get(12)!.resolve();
    await Promise.all(all);
    expect(answers).toEqual([row(31), row(21), row(11), row(12)]);
    expect(run.working).toBe(false);
    expect(run.receive({ type: 'stop' })).toMatchObject({ answers: [{ type: 'done' }] });
  });

  test('at most 64 are handled at a time', () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { work: { concurrent: ({ n }) => n % 7, handle: () => new Promise<void>(() => {}) } } },
      },
    }).start();
    let count = 0;
    const next = (): In => ({ type: 'work', channel: 0, n: count });
    while (!run.mustWait(next())) {
      expect(run.busy).toBe(false);
      void run.receiveInto(next(), []);
      count++;
    }
    expect([count, run.busy]).toEqual([64, true]);
    expect(() => run.receiveInto(next(), [])).toThrow(/one message at a time/);
  });

  test('messages that any state may send need only a type', () => {
    const any = { decode() {}, encode() {} } as never;
    const run = (send: unknown) =>
      defineSession({
        receives: any,
        sends: any,
        initial: 'a',
        states: { a: { on: { go: () => ({ send: send as never }) } as never } },
      })
        .start()
        .receive({ type: 'go' } as never) as Step<unknown, string>;
    expect(run({ type: 'whatever' })).toMatchObject({ answers: [{ type: 'whatever' }], error: undefined });
    expect(run({ kind: 5 }).error).toMatchObject({
      message: "what answers 'go' in state 'a' is something that is not a message: a message has a type",
    });
  });

  test('synchronous answers, and generators; the key may be a path, or a function', async () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            work: {
              concurrent: ({ channel }) => {
                if (channel === 9) throw new Error('no key');
                return channel;
              },
              handle: (({ n }: { n: number }) =>
                n === 0
                  ? { send: row(0) }
                  : (async function* () {
                      yield row(n);
                      return { send: { type: 'done' } };
                    })()) as never,
            },
            stop: () => undefined,
          },
        },
      },
    }).start();
    const work = (channel: number, n: number): In => ({ type: 'work', channel, n });
    expect(run.receive(work(1, 0))).toMatchObject({ answers: [row(0)] });
    expect([run.busy, run.working]).toEqual([false, false]);
    const answers: Out[] = [];
    const all = [run.receiveInto(work(1, 1), answers), run.receiveInto(work(1, 2), answers)];
    expect(run.receiveInto(work(2, 0), answers)).toBeUndefined();
    expect([run.busy, run.working]).toEqual([false, true]);
    await Promise.all(all);
    expect(answers).toEqual([row(0), row(1), { type: 'done' }, row(2), { type: 'done' }]);
    expect(run.working).toBe(false);
    expect(run.receive(work(9, 1))).toMatchObject({
      answers: [],
      error: { code: 'ERR_HANDLER', message: "the key of 'work' in state 'a' failed: no key" },
    });
  });

  test('a handler that throws, or answers with a wrong type, fails the session', () => {
    for (const [handle, text] of [
      [
        () => {
          throw new Error('x');
        },
        "the handler of 'work' in state 'a' failed: x",
      ],
      [
        () => ({ send: { type: 'work' } }),
        "what answers 'work' in state 'a' is 'work': only row, done, tick may be sent",
      ],
      [() => ({ next: 'b' }), "the handler of 'work' in state 'a' leads to 'b', only a may follow"],
    ] as const) {
      const run = defineSession({
        ...codecs,
        initial: 'a',
        farewell: () => ({ type: 'done' }),
        states: { a: { on: { work: { concurrent: 'n', handle: handle as never } }, next: ['b'] }, b: {} },
      }).start();
      expect(run.receive({ type: 'work', channel: 1, n: 1 })).toMatchObject({
        answers: [{ type: 'done' }],
        error: { origin: 'local', messageType: 'work', message: text },
      });
      expect(run.working).toBe(false);
    }
  });

  test('messages that the state refuses or postpones wait for all of them', () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { work: { concurrent: 'channel', handle: () => new Promise<void>(() => {}) } },
          postpone: ['query'],
        },
      },
    }).start();
    void run.receiveInto({ type: 'work', channel: 1, n: 1 }, []);
    for (const message of [query(1), { type: 'start' } as const]) {
      expect(run.mustWait(message)).toBe(true);
      expect(() => run.receiveInto(message, [])).toThrow(/one message at a time/);
    }
    expect(run.error).toBeUndefined();
  });

  test.each<[string, (run: ReturnType<typeof waiting>) => unknown]>([
    ['a fault', (run) => run.fault(new Error('x'))],
    ['the end', (run) => run.ended()],
    ['dispose', (run) => run.dispose()],
  ])('%s ends those at work and those that wait behind them', async (_, end) => {
    const run = waiting();
    const answers: Out[] = [];
    const all = [1, 2, 3].map((n) => run.receiveInto({ type: 'work', channel: 1, n }, answers));
    end(run);
    expect([run.working, run.final]).toEqual([false, true]);
    await Promise.all(all);
    expect(answers).toEqual([]);
    expect(begun).toEqual([1]);
    // It is over once and for all: the promise that is fulfilled late counts for nothing.
    expect([run.working, run.busy]).toEqual([false, false]);
  });

  const begun: number[] = [];
  const waiting = () => {
    begun.length = 0;
    return defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            work: {
              concurrent: 'channel',
              handle: async ({ n }) => {
                begun.push(n);
                await undefined;
                return { send: row(n) };
              },
            },
          },
        },
      },
    }).start();
  };

  test('a concurrent row may not change the state; a failure fails the session, and later answers are dropped', async () => {
    expect(() =>
      defineSession({
        ...codecs,
        initial: 'a',
        states: { a: { on: { work: { concurrent: 'n', handle: () => {}, outcomes: { b: [] } } } }, b: {} },
      }),
    ).toThrow(/a concurrent row stays in 'a'/);
    const gate = later<void>();
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            work: {
              concurrent: 'channel',
              handle: async ({ n }) => {
                await gate.promise;
                return n === 1 ? { next: 'b' } : { send: row(n) };
              },
            },
          },
          next: ['b'],
        },
        b: {},
      },
    }).start();
    const answers: Out[] = [];
    const both = [1, 2].map((n) => run.receiveInto({ type: 'work', channel: n, n }, answers));
    gate.resolve();
    await Promise.all(both);
    expect(run.error).toMatchObject({ origin: 'local', code: 'ERR_STATE_UNEXPECTED' });
    expect(answers).toEqual([]);
  });

  test('in any order of ending, handlers of one key answer in order, and each once', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.nat(20)), { maxLength: 40 }), async (script) => {
        const run = defineSession({
          ...codecs,
          initial: 'a',
          states: {
            a: {
              on: {
                work: {
                  concurrent: 'channel',
                  handle: async ({ n }) => {
                    for (let i = 0; i < (n % 21) % 5; i++) await undefined;
                    return { send: row(n) };
                  },
                },
              },
            },
          },
        }).start();
        const answers: { n: number }[] = [];
        const all = script.map(([channel], n) =>
          run.receiveInto({ type: 'work', channel, n }, answers as Out[]),
        );
        await Promise.all(all);
        expect(answers.map(({ n }) => n).sort((a, b) => a - b)).toEqual(script.map((_, n) => n));
        for (const channel of [0, 1, 2, 3]) {
          const mine = answers.map(({ n }) => n).filter((n) => script[n]![0] === channel);
          expect(mine).toEqual([...mine].sort((a, b) => a - b));
        }
      }),
      { numRuns: 50 },
    ));
});

describe('an upgrade', () => {
  const session = defineSession({
    ...codecs,
    initial: 'a',
    farewell: () => ({ type: 'done' }),
    states: {
      a: {
        on: {
          start: () => ({ send: row(1), timers: { t: 5 }, upgrade: 'tls' }),
          stop: () => ({ next: 'over', upgrade: 'tls' }),
        },
        timers: { t: () => ({ send: { type: 'tick' } }) },
        deadline: { idle: 5 },
        postpone: ['query'],
        onEnd: () => ({ type: 'tick' }),
        next: ['over'],
      },
      over: { final: true },
    },
  });

  test('ends everything except a fault: no message is handled, no timer runs, nothing may be sent', () => {
    const run = session.start();
    expect(run.receive(query(1))).not.toHaveProperty('upgrade');
    expect(run.upgrade).toBeUndefined();
    expect(run.receive({ type: 'start' })).toMatchObject({
      answers: [row(1)],
      upgrade: 'tls',
      final: false,
      deadline: undefined,
      timers: { t: null },
    });
    for (const step of [
      run.receive({ type: 'start' }),
      run.receive(query(2)),
      run.timeout('idle'),
      run.expire('t'),
      run.leave(() => ({ type: 'tick' })),
      run.ended(),
    ]) {
      expect(step).toEqual({
        answers: [],
        from: 'a',
        state: 'a',
        final: false,
        deadline: undefined,
        error: undefined,
        upgrade: 'tls',
      });
    }
    expect(run.upgrade).toBe('tls');
    expect(() => run.send({ type: 'tick' })).toThrow(expect.objectContaining({ code: 'ERR_STATE_CLOSED' }));
    const error = new Error('no TLS after all');
    expect(run.fault(error)).toMatchObject({ answers: [{ type: 'done' }], final: true, error });
  });

  test('comes before the end, in a reply that leads to a final state', () => {
    expect(session.start().receive({ type: 'stop' })).toMatchObject({
      state: 'over',
      upgrade: 'tls',
      final: false,
    });
  });

  test.each([
    ['no text', 5, /expected the name of an upgrade, got 5/],
    ['an empty text', '', /expected the name of an upgrade, got ""/],
  ])('of %s is our fault', (_, upgrade, text) => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { start: () => ({ send: row(1), upgrade: upgrade as string }) } } },
    }).start();
    const { answers, error } = run.receive({ type: 'start' }) as AnyStep;
    expect(answers).toEqual([]);
    expect(error).toMatchObject({ code: 'ERR_HANDLER', message: expect.stringMatching(text) });
    expect(run.upgrade).toBeUndefined();
  });

  test('of a concurrent row is our fault: other handlers run beside it', () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { work: { concurrent: 'channel', handle: () => ({ upgrade: 'tls' }) } } } },
    }).start();
    const { error } = run.receive({ type: 'work', channel: 1, n: 1 }) as AnyStep;
    expect(error).toMatchObject({
      code: 'ERR_HANDLER',
      message: expect.stringContaining("a concurrent row cannot upgrade to 'tls'"),
    });
  });
});

describe('leave', () => {
  const session = (handle: () => unknown = () => undefined) =>
    defineSession({
      ...codecs,
      initial: 'a',
      context: () => ({ name: 'x' }),
      farewell: () => ({ type: 'done' }),
      states: { a: { on: { start: handle as never } } },
    });

  test('sends the last messages, once', () => {
    const run = session().start();
    expect(run.leave(({ name }) => [row(name.length), { type: 'tick' }])).toMatchObject({
      answers: [row(1), { type: 'tick' }],
      final: true,
      error: undefined,
    });
    expect(run.leave(() => row(2)).answers).toEqual([]);
    expect(run.receive({ type: 'start' })).toMatchObject({ answers: [], final: true });
  });

  test('drops the answers of a running handler', async () => {
    const run = session(async () => ({ send: row(1) })).start();
    const pending = run.receive({ type: 'start' });
    run.leave(() => undefined);
    expect(run.working).toBe(false);
    expect(await pending).toMatchObject({ answers: [] });
  });

  test('a failure in the last messages is our fault, and only the farewell is sent', () => {
    const failed = session().start();
    const cause = new Error('x');
    const step = failed.leave(() => {
      throw cause;
    });
    expect(step).toMatchObject({
      answers: [{ type: 'done' }],
      final: true,
      error: { code: 'ERR_HANDLER', cause, message: "the handler of 'leave' in state 'a' failed: x" },
    });
    const wrong = session()
      .start()
      .leave(() => [row(1), { type: 'start' } as never]);
    expect(wrong).toMatchObject({
      answers: [{ type: 'done' }],
      error: { code: 'ERR_STATE_UNEXPECTED', actual: 'start' },
    });
  });
});

test('a failure in an unsolicited message of a state is named', () => {
  const fail = (): never => {
    throw new Error('x');
  };
  const failing = (part: object, initial = 'a') =>
    defineSession({
      ...codecs,
      initial,
      states: { a: { on: { start: () => ({ next: 'b' }) }, next: ['b'] }, b: part } as never,
    }).start();
  expect(failing({ onEnter: fail }, 'b').error?.message).toBe(
    "the handler of 'onEnter' in state 'b' failed: x",
  );
  expect((failing({ onEnter: fail }).receive({ type: 'start' }) as AnyStep).error?.message).toBe(
    "the handler of 'onEnter' in state 'b' failed: x",
  );
  expect(failing({ onEnd: fail }, 'b').ended()).toMatchObject({
    final: true,
    error: { message: "the handler of 'onEnd' in state 'b' failed: x" },
  });
});

test('a state with its own framing has it from the start', () => {
  const framing = line();
  const run = defineSession({ ...codecs, initial: 'a', states: { a: { framing } } }).start();
  expect(run.line.reads).toBe(framing);
  expect(run.greeting).toEqual([]);
});

test('only the state that the session names is ready', () => {
  const run = defineSession({
    ...codecs,
    initial: 'a',
    ready: 'c',
    states: {
      a: { on: { start: () => ({ next: 'b' }) }, next: ['b'] },
      b: { on: { start: () => ({ next: 'c' }) }, next: ['c'] },
      c: { on: { start: () => ({ next: 'a' }) }, next: ['a'] },
    },
  }).start();
  const ready: boolean[] = [run.ready];
  for (let i = 0; i < 3; i++) {
    void run.receive({ type: 'start' });
    ready.push(run.ready);
  }
  // It stays so.
  expect(ready).toEqual([false, false, true, true]);
});

test('a value that is not a message is not sent; without types anything else may be sent', () => {
  const any = { decode() {}, encode() {} } as never;
  const run = defineSession({ receives: any, sends: any, initial: 'a', states: { a: {} } }).start();
  for (const none of [null, undefined, 5, {}, { type: 5 }]) {
    expect(() => run.send(none as never)).toThrow(new TypeError('a message is an object with a type'));
  }
  expect(() => run.send({ type: 'whatever' } as never)).not.toThrow();
});

describe('a handler that ends after a limit has expired', () => {
  /** In state a, the limit is handled, and the state stays. */
  const limited = (on: object) =>
    defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { stop: () => ({ send: { type: 'done' } }), ...on },
          deadline: { within: 5, handle: () => ({ send: { type: 'tick' } }) },
        },
      } as never,
    }).start();

  test('does not fail the session, or end the wait for another handler', async () => {
    const gates = [later<void>(), later<void>()];
    let begun = 0;
    const run = limited({ start: () => gates[begun++]!.promise });
    const answers: Out[] = [];
    const first = run.receiveInto({ type: 'start' }, answers);
    void run.timeout('within', answers);
    void run.receiveInto({ type: 'start' }, answers);
    gates[0]!.reject(new Error('late'));
    await first;
    expect([run.error, run.busy, run.final]).toEqual([undefined, true, false]);
    gates[1]!.resolve();
    await new Promise(setImmediate);
    void run.receiveInto({ type: 'stop' }, answers);
    expect(answers).toEqual([{ type: 'tick' }, { type: 'done' }]);
  });

  test('a generator sends nothing more, is not advanced, and may clean up', async () => {
    for (const hasRoom of [true, false]) {
      const gate = later<void>();
      const log: string[] = [];
      const run = limited({
        start: () => ({
          async next() {
            log.push('next');
            await (hasRoom ? gate.promise : undefined);
            return { value: row(1), done: false };
          },
          return: async () => log.push('return'),
          [Symbol.asyncIterator]() {
            return this;
          },
        }),
      });
      const answers: Out[] = [];
      // Without room, it waits behind its first answer.
      if (!hasRoom) run.onAnswers = () => {};
      const pending = run.receiveInto({ type: 'start' }, answers);
      await new Promise(setImmediate);
      void run.timeout('within', answers);
      gate.resolve();
      await pending;
      expect(log).toEqual(['next', 'return']);
      expect(answers).toEqual(hasRoom ? [{ type: 'tick' }] : [row(1), { type: 'tick' }]);
    }
  });

  test('a concurrent handler does not free the place or the key of later ones', async () => {
    const gates = new Map<number, ReturnType<typeof later<void>>>();
    const work = (n: number): In => ({ type: 'work', channel: 1, n });
    const run = limited({
      work: {
        concurrent: 'channel',
        handle: ({ n }: { n: number }) => {
          gates.set(n, later<void>());
          return gates.get(n)!.promise.then(() => ({ send: row(n) }));
        },
      },
    });
    const answers: Out[] = [];
    const turn = () => new Promise(setImmediate);
    // The second is at work behind the first, the third waits.
    const all = [1, 2, 3].map((n) => run.receiveInto(work(n), answers));
    gates.get(1)!.resolve();
    await turn();
    expect([...gates.keys()]).toEqual([1, 2]);
    void run.timeout('within', answers);
    expect(run.working).toBe(false);
    void run.receiveInto(work(4), answers);
    gates.get(2)!.resolve();
    await Promise.all(all);
    await turn();
    expect(run.working).toBe(true);
    void run.receiveInto(work(5), answers);
    await turn();
    // It waits behind the fourth.
    expect([...gates.keys()]).toEqual([1, 2, 4]);
    void run.timeout('within', answers);
    void run.receiveInto(work(6), answers);
    gates.get(4)!.resolve();
    await turn();
    expect(run.working).toBe(true);
    void run.receiveInto(work(7), answers);
    gates.get(6)!.resolve();
    await turn();
    gates.get(7)!.resolve();
    await turn();
    expect(run.working).toBe(false);
    expect(answers.filter(({ type }) => type === 'row')).toEqual([1, 6, 7].map(row));
  });
});

describe('context and dispose', () => {
  test('the context knows the connection; dispose is called once, with the reason', () => {
    const calls: unknown[][] = [];
    const session = defineSession({
      ...codecs,
      initial: 'a',
      context: ({ remote }) => ({ remote }),
      dispose: (...call) => calls.push(call),
      states: { a: {} },
    });
    const run = session.start(undefined, { remote: '10.0.0.1:5' });
    expect(run.context).toEqual({ remote: '10.0.0.1:5' });
    const reason = new Error('reset');
    run.dispose(reason);
    run.dispose();
    expect(calls).toEqual([[{ remote: '10.0.0.1:5' }, reason]]);
    const failed = session.start();
    void failed.receive({ type: 'start' });
    failed.dispose(reason);
    expect(calls[1]).toEqual([{ remote: '' }, failed.error]);
    session.start().dispose();
    expect(calls[2]).toEqual([{ remote: '' }, undefined]);
  });

  test('a context that throws fails the session; without a context nothing is disposed', () => {
    let disposed = 0;
    const run = defineSession({
      ...codecs,
      initial: 'a',
      context: () => {
        throw Object.create(null);
      },
      dispose: () => disposed++,
      farewell: () => ({ type: 'done' }),
      states: { a: { onEnter: () => ({ type: 'tick' }) } },
    }).start();
    expect(run.error).toMatchObject({
      code: 'ERR_HANDLER',
      origin: 'local',
      state: 'a',
      message: expect.stringMatching(/^context failed: /),
      cause: expect.anything(),
    });
    expect([run.final, run.greeting]).toEqual([true, []]);
    expect(run.receive({ type: 'start' })).toMatchObject({ answers: [], final: true });
    run.dispose();
    expect(disposed).toBe(0);
  });

  test('after dispose nothing is handled, sent or kept, and running handlers are too late', async () => {
    const run = defineSession({
      ...codecs,
      initial: 'a',
      farewell: () => ({ type: 'done' }),
      states: {
        a: {
          on: { start: async () => ({ send: row(1) }), query: () => ({ send: row(2) }) },
          onEnd: () => ({ type: 'tick' }),
        },
      },
    }).start();
    const pending = run.receive({ type: 'start' });
    expect(run.dispose()).toBeUndefined();
    expect([run.final, run.working]).toEqual([true, false]);
    expect(await pending).toMatchObject({ answers: [] });
    for (const step of [
      run.receive(query(1)),
      run.ended(),
      run.fault(new Error('x')),
      run.leave(() => row(3)),
    ])
      expect(step).toMatchObject({ answers: [], final: true, error: undefined });
  });

  test('a farewell that fails, or returns a message that it may not send, sends nothing', () => {
    for (const farewell of [
      () => {
        throw new Error('x');
      },
      () => [row(1), { type: 'start' }],
      () => [row(1), null],
      () => [
        row(1),
        {
          get type() {
            throw new Error('x');
          },
        },
      ],
    ]) {
      const run = defineSession({
        ...codecs,
        initial: 'a',
        farewell: farewell as never,
        states: { a: { on: { start: () => ({ send: row(7) }) } } },
      }).start();
      const answers: Out[] = [];
      void run.receiveInto({ type: 'start' }, answers);
      void run.receiveInto({ type: 'stop' }, answers);
      expect(answers).toEqual([row(7)]);
      expect(run.error).toMatchObject({ code: 'ERR_STATE_UNEXPECTED', messageType: 'stop' });
    }
  });

  test('a dispose that throws is reported, and a rejection is ignored', () => {
    const session = (dispose: () => unknown) =>
      defineSession({ ...codecs, initial: 'a', dispose, states: { a: {} } }).start();
    expect(session(() => Promise.reject(Object.create(null))).dispose()).toBeUndefined();
    expect(
      session(() => {
        throw Object.create(null);
      }).dispose(),
    ).toMatchObject({ code: 'ERR_HANDLER', state: 'a', message: expect.stringMatching(/^dispose failed: /) });
  });
});

describe('any input and any handler', () => {
  const odd = [
    ['a message without a prototype', () => Object.create(null)],
    [
      'an error whose message throws',
      () =>
        Object.defineProperty(new Error(), 'message', {
          get() {
            throw new Error('no');
          },
        }),
    ],
    ['nothing', () => undefined],
    ['a symbol', () => Symbol('x')],
    [
      'a Proxy that refuses everything',
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('no');
            },
            getPrototypeOf() {
              throw new Error('no');
            },
          },
        ),
    ],
  ] as const;

  test('a list of answers that grows when read is sent with its first length', () => {
    let looks = 0;
    const send = new Proxy<Out[]>([row(1), row(2), row(3)], {
      get: (held, name) => {
        if (looks > 100) throw new Error('endless');
        return name === 'length' ? ++looks * 3 : (Reflect.get(held, name) ?? row(0));
      },
    });
    const run = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { query: () => ({ send }) } } },
    }).start();
    expect(run.receive(query(1))).toMatchObject({ answers: [row(1), row(2), row(3)], error: undefined });
  });

  test.each(odd)('a handler that throws or answers %s', async (_, make) => {
    const session = (handle: unknown) =>
      defineSession({
        receives: json<{ type: string }>(),
        sends: json<{ type: string }>(),
        initial: 'a',
        farewell: () => ({ type: 'bye' }),
        states: { a: { on: { go: handle as never } } },
      }).start();
    const throws = (): never => {
      throw make();
    };
    for (const handle of [throws, async () => throws()]) {
      const step = (await session(handle).receive({ type: 'go' })) as Step<unknown, string>;
      expect(step).toMatchObject({ answers: [{ type: 'bye' }], final: true, error: { code: 'ERR_HANDLER' } });
    }
    for (const handle of [() => make(), async () => make(), () => ({ send: make() }), () => [make()]]) {
      const step = (await session(handle).receive({ type: 'go' })) as Step<unknown, string>;
      if (step.error !== undefined)
        expect(['ERR_HANDLER', 'ERR_STATE_UNEXPECTED']).toContain((step.error as { code?: string }).code);
    }
  });

  const messages: readonly unknown[] = [
    { type: { toString: 1, valueOf: 1 } },
    { type: {} },
    { type: null },
    {},
    5,
    'x',
    [],
    undefined,
    true,
  ];
  test.each(messages.map((message) => ({ message })))(
    '$message is refused with a code, after the answers before it',
    ({ message }) => {
      const session = defineSession({
        receives: json<never>(),
        sends: json<{ type: string }>(),
        initial: 'a',
        farewell: () => ({ type: 'bye' }),
        states: { a: { on: {} } },
      });
      const run = session.start();
      const answers: unknown[] = ['before'];
      void run.receiveInto(message as never, answers as never);
      expect(answers).toEqual(['before', { type: 'bye' }]);
      expect(run.error).toMatchObject({ code: 'ERR_STATE_UNEXPECTED', origin: 'peer' });
      const mirror = session.mirror();
      expect(() => mirror.send(message as never)).toThrow(expect.objectContaining({ origin: 'local' }));
    },
  );

  test.each<[unknown, string, unknown]>([
    [undefined, 'a message without a type', 'undefined'],
    [{}, 'a message without a type', 'undefined'],
    [{ type: 5 }, 'a message of type 5', '5'],
    [{ type: 'x'.repeat(60) }, `'${'x'.repeat(60)}'`, 'x'.repeat(60)],
    [{ type: 'x'.repeat(61) }, `'${'x'.repeat(60)}…'`, `${'x'.repeat(60)}…`],
  ])('%o in words', (message, text, actual) => {
    const states = { a: { on: { start: () => undefined } } };
    const run = defineSession({ ...codecs, initial: 'a', states }).start();
    expect((run.receive(message as never) as AnyStep).error).toMatchObject({
      message: `${text} is not expected in state 'a', only start`,
      actual,
      expected: ['start'],
    });
    const empty = defineSession({ ...codecs, initial: 'a', states: { a: {} } }).start();
    expect((empty.receive(message as never) as AnyStep).error!.message).toBe(
      `${text} is not expected in state 'a', only nothing`,
    );
    const over = defineSession({ ...codecs, initial: 'a', states: { a: { final: true } } }).start();
    expect((over.receive(message as never) as AnyStep).error).toMatchObject({
      code: 'ERR_STATE_CLOSED',
      message: `${text} after the end, in state 'a'`,
    });
  });

  test("a peer's text is cut and escaped", () => {
    const error = (text: string) =>
      (
        defineSession({
          receives: json<{ type: string }>(),
          sends: json<never>(),
          initial: 'a',
          states: { a: {} },
        })
          .start()
          .receive(json<{ type: string }>().decode(Buffer.from(text))) as Step<never, string>
      ).error!;
    const long = error(JSON.stringify({ type: 'x'.repeat(9_000_000) }));
    expect(JSON.stringify(long).length + long.message.length).toBeLessThan(1_000);
    const forged = error(JSON.stringify({ type: "a'\n2026-01-01 admin logged in\x1b[2J" }));
    expect(forged.message).not.toMatch(/[^ -~]/);
    expect(forged.message).toContain('\\u001b');
    expect(() => json().decode(Buffer.from('{"a":\x1b[2J\nforged line'))).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/[^ -~]/) }),
    );
    expect(() => json().decode(Buffer.from('null'))).toThrow(/null/);
  });

  test('a part that does not exist is refused, naming the nearest', () => {
    const declare =
      (states: object, more: object = {}) =>
      () =>
        defineSession({ ...codecs, initial: 'a', states: states as never, ...more });
    expect(declare({ a: { onenter: () => {} } })).toThrow(/did you mean 'onEnter'/);
    expect(declare({ a: { deadline: { withn: 5 } } })).toThrow(/did you mean 'within'/);
    expect(declare({ a: { on: { start: { handle: () => {}, outcome: {} } } } })).toThrow(/'outcomes'/);
    expect(declare({ a: {} }, { contexts: () => 1 })).toThrow(/'context'/);
    expect(declare({ a: { postpone: ['nope'] } })).toThrow(/no message 'nope'/);
    expect(declare({ a: { postpone: ['start'], on: { start: () => {} } } })).toThrow(/a row of its own/);
    expect(declare({ a: { final: true, postpone: ['start'] } })).toThrow(/final/);
    expect(declare({ a: { on: { work: { handle: () => {}, concurrent: 5 } } } })).toThrow(
      /the path of the key/,
    );
    expect(declare({ a: { timers: { t: { handle: () => {}, concurrent: 'n' } } } })).toThrow(/handled alone/);
  });
});
