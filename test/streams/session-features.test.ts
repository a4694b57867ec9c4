import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineSession, json, StateMachine } from '../../src/index.ts';

type In = { type: 'query' | 'work' | 'start' | 'stop'; n?: number };
type Out = { type: 'row' | 'done' | 'tick'; n?: number; message?: string };
const codecs = { receives: json<In>(), sends: json<Out>() };

/** What a machine makes of these messages, and the error it ends with. */
async function through(
  session: { start: unknown },
  messages: Iterable<In> | AsyncIterable<In>,
): Promise<{ answers: Out[]; error: Error | undefined }> {
  const answers: Out[] = [];
  let error: Error | undefined;
  await pipeline(
    Readable.from(messages),
    new StateMachine(session as never),
    async (source: AsyncIterable<Out>) => {
      for await (const answer of source) answers.push(answer);
    },
  ).catch((reason) => {
    error = reason;
  });
  return { answers, error };
}

test('what waited for the state, and is at work, is answered without the others', async () => {
  const session = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { start: () => ({ next: 'b' }) }, postpone: ['work'], next: ['b'] },
      b: {
        on: {
          work: {
            concurrent: 'n',
            handle: async ({ n }) => {
              await (n === 0 ? new Promise(() => {}) : turn());
              return { send: { type: 'row', n } };
            },
          },
        },
      },
    },
  });
  const machine = new StateMachine(session);
  for (const n of [0, 1]) machine.write({ type: 'work', n });
  machine.write({ type: 'start' });
  expect((await once(machine, 'data'))[0]).toEqual({ type: 'row', n: 1 });
  machine.destroy();
});

describe('generators', () => {
  test('are advanced only while the consumer reads', async () => {
    let asked = 0;
    const session = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            async *query({ n = 0 }) {
              for (; asked < n; asked++) yield { type: 'row', n: asked };
              return { send: { type: 'done' } };
            },
          },
        },
      },
    });
    const machine = new StateMachine(session, { readableHighWaterMark: 4 });
    machine.write({ type: 'query', n: 1_000 });
    await pause(20);
    expect(asked).toBeLessThan(12);
    machine.end();
    const answers: Out[] = [];
    for await (const answer of machine) answers.push(answer);
    expect(answers).toEqual([
      ...Array.from({ length: 1_000 }, (_, n) => ({ type: 'row', n })),
      { type: 'done' },
    ]);
  });

  test('the next message waits for the end of a generator; one that fails has sent what it yielded', async () => {
    const session = defineSession({
      ...codecs,
      initial: 'a',
      farewell: () => ({ type: 'done' }),
      states: {
        a: {
          on: {
            async *query({ n }) {
              yield { type: 'row', n };
              await turn();
              yield [{ type: 'row', n }];
            },
            async *stop() {
              yield { type: 'tick' };
              throw Object.create(null);
            },
          },
        },
      },
    });
    const { answers, error } = await through(session, [
      { type: 'query', n: 1 },
      { type: 'query', n: 2 },
      { type: 'stop' },
      { type: 'query', n: 3 },
    ]);
    expect(answers).toEqual(
      [1, 1, 2, 2].map((n) => ({ type: 'row', n })).concat([{ type: 'tick' }, { type: 'done' }] as never),
    );
    expect(error).toMatchObject({ code: 'ERR_HANDLER' });
  });
});

test('named timers fire, and are cleared with the stage', async () => {
  const session = defineSession({
    ...codecs,
    initial: 'a',
    context: () => ({ left: 3 }),
    states: {
      a: {
        on: { start: () => ({ timers: { retry: 5 } }) },
        timers: {
          retry: (_, context) =>
            --context.left > 0
              ? { send: { type: 'tick' }, timers: { retry: 5 } }
              : { send: { type: 'done' }, next: 'b' },
        },
        next: ['b'],
      },
      b: { final: true },
    },
  });
  const machine = new StateMachine(session);
  const answers: Out[] = [];
  machine.on('data', (answer: Out) => answers.push(answer));
  machine.write({ type: 'start' });
  await once(machine, 'end');
  expect(answers).toEqual([{ type: 'tick' }, { type: 'tick' }, { type: 'done' }]);
  machine.destroy();
});

describe('concurrent rows', () => {
  const gates: (() => void)[] = [];
  const session = defineSession({
    ...codecs,
    initial: 'a',
    farewell: () => ({ type: 'tick' }),
    states: {
      a: {
        on: {
          work: {
            concurrent: 'n',
            handle: async ({ n }) => {
              await new Promise<void>((open) => gates.push(open));
              return { send: { type: 'row', n } };
            },
          },
          stop: () => ({ send: { type: 'done' } }),
        },
      },
    },
  });

  test('answer as they are ready; other messages wait, and the end of the input too', async () => {
    gates.length = 0;
    const result = through(session, [
      { type: 'work', n: 1 },
      { type: 'work', n: 2 },
      { type: 'stop' },
      { type: 'work', n: 3 },
    ]);
    while (gates.length < 2) await turn();
    gates[1]!();
    await turn();
    gates[0]!();
    while (gates.length < 3) await turn();
    await pause(5);
    gates[2]!();
    expect(await result).toEqual({
      answers: [{ type: 'row', n: 2 }, { type: 'row', n: 1 }, { type: 'done' }, { type: 'row', n: 3 }],
      error: undefined,
    });
  });

  test('a violation meanwhile is reported after their answers', async () => {
    gates.length = 0;
    const result = through(session, [{ type: 'work', n: 1 }, { type: 'query' }]);
    while (gates.length < 1) await turn();
    await pause(5);
    gates[0]!();
    const { answers, error } = await result;
    expect(answers).toEqual([{ type: 'row', n: 1 }, { type: 'tick' }]);
    expect(error).toMatchObject({ code: 'ERR_STATE_UNEXPECTED' });
  });
});

describe('dispose', () => {
  test.each(['end', 'destroy', 'fault', 'never piped'])('is called once: %s', async (how) => {
    const calls: unknown[] = [];
    const session = defineSession({
      ...codecs,
      initial: 'a',
      context: ({ remote }) => remote,
      dispose: (context, reason) => calls.push([context, (reason as { code?: string } | undefined)?.code]),
      states: { a: { on: { stop: () => ({}) } } },
    });
    const machine = new StateMachine(session, { connection: { remote: 'there' } });
    machine.on('error', () => {});
    if (how !== 'never piped') machine.resume();
    if (how === 'end') machine.end({ type: 'stop' });
    else if (how === 'fault') machine.write({ type: 'query' });
    else machine.destroy();
    await new Promise((closed) => machine.on('close', closed));
    machine.destroy();
    await turn();
    expect(calls).toEqual([['there', how === 'fault' ? 'ERR_STATE_UNEXPECTED' : undefined]]);
  });

  test('a context that throws is the error of the stage', async () => {
    const session = defineSession({
      ...codecs,
      initial: 'a',
      context: () => {
        throw new Error('EMFILE');
      },
      states: { a: { on: { stop: () => ({}) } } },
    });
    const { answers, error } = await through(session, [{ type: 'stop' }]);
    expect(answers).toEqual([]);
    expect(error).toMatchObject({ code: 'ERR_HANDLER', message: expect.stringContaining('EMFILE') });
  });
});

test.each([0, -1, Number.NaN, 2 ** 31, '5000', null])('a lingerTimeout of %s is refused', (lingerTimeout) => {
  const session = defineSession({ ...codecs, initial: 'a', states: { a: {} } });
  expect(() => new StateMachine(session, { lingerTimeout: lingerTimeout as number })).toThrow(RangeError);
});

describe('what can be seen of a machine, and done to it', () => {
  const session = defineSession({
    ...codecs,
    initial: 'a',
    ready: 'b',
    context: ({ remote }) => ({ remote }),
    farewell: ({ message }) => ({ type: 'done', message }),
    states: {
      a: {
        on: { start: () => ({ next: 'b' }), query: ({ n }) => ({ send: { type: 'row', n } }) },
        next: ['b'],
      },
      b: {
        on: {
          query: async ({ n }) => ({ send: { type: 'row', n } }),
          stop: () => ({ send: { type: 'done' }, next: 'c' }),
          work: () => ({ send: { type: 'tick' }, upgrade: 'tls' }),
        },
        next: ['c'],
      },
      c: { final: true },
    },
  });

  test('state, context, messages taken, readiness, and the end', async () => {
    const machine = new StateMachine(session, { connection: { remote: 'here' } });
    const seen: unknown[] = [];
    machine.observer = {
      message: (message, state) => seen.push([(message as In).type, state]),
      transition: (from, to) => seen.push(`${from} to ${to}`),
    };
    machine.resume();
    const look = () => [machine.state, machine.taken, machine.isReady, machine.isBusy, machine.isOver];
    expect(look()).toEqual(['a', 0, false, false, false]);
    expect(machine.context).toEqual({ remote: 'here' });
    machine.write({ type: 'query', n: 1 });
    machine.write({ type: 'start' });
    expect(look()).toEqual(['b', 2, true, false, false]);
    machine.write({ type: 'query', n: 2 });
    expect(look()).toEqual(['b', 3, true, true, false]);
    await turn();
    expect(machine.isBusy).toBe(false);
    machine.write({ type: 'stop' });
    machine.write({ type: 'query', n: 3 });
    expect(look()).toEqual(['c', 4, true, false, true]);
    expect(machine.error).toBeUndefined();
    expect(seen).toEqual([['query', 'a'], ['start', 'a'], 'a to b', ['query', 'b'], ['stop', 'b'], 'b to c']);
    machine.abort(new Error('too late'));
    machine.leave(() => ({ type: 'tick' }));
    expect(machine.error).toBeUndefined();
    machine.end();
    await once(machine, 'close');
  });

  test('abort: the farewell, and the error; leave: what has come, then the last words', async () => {
    const aborted = new StateMachine(session);
    const answers: unknown[] = [];
    aborted.on('data', (answer) => answers.push(answer));
    const failed = once(aborted, 'error');
    const reason = new Error('as asked');
    aborted.abort(reason);
    aborted.abort(new Error('again'));
    aborted.end();
    expect((await failed)[0]).toBe(reason);
    expect([answers, aborted.error]).toEqual([[{ type: 'done', message: 'as asked' }], reason]);
    aborted.abort(new Error('again'));
    aborted.leave();
    const left = new StateMachine(session);
    left.write({ type: 'start' });
    left.write({ type: 'query', n: 1 });
    left.leave(() => ({ type: 'tick' }));
    left.end();
    expect(await left.toArray()).toEqual([{ type: 'row', n: 1 }, { type: 'tick' }]);
    const silent = new StateMachine(session);
    silent.leave();
    silent.end();
    expect([await silent.toArray(), silent.isOver]).toEqual([[], true]);
  });

  test('what is gone sends nothing; an upgrade that nobody makes is our fault', async () => {
    const gone = new StateMachine(session);
    gone.destroy();
    expect(() => gone.send({ type: 'tick' })).toThrow(
      expect.objectContaining({
        code: 'ERR_STATE_CLOSED',
        origin: 'local',
        state: 'a',
        message: 'nothing can be sent: the connection is gone',
      }),
    );
    const { answers, error } = await through(session, [
      { type: 'start' },
      { type: 'work' },
      { type: 'query' },
    ]);
    const text = "the session asks for the upgrade 'tls', which only createServer and connect make";
    expect(answers).toEqual([{ type: 'tick' }, { type: 'done', message: text }]);
    expect(error).toMatchObject({ code: 'ERR_STATE_UPGRADE', origin: 'local', state: 'b', message: text });
  });

  test.each([undefined, null, {}, { start: 5 }])('%o is no session', (wrong) => {
    expect(() => new StateMachine(wrong as never)).toThrow(
      new TypeError('expected a session, as defineSession() makes it'),
    );
  });

  test('named timers of the table call by themselves, until they are cancelled', async () => {
    const timed = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: {
            start: () => ({ timers: { soon: 5, late: 50_000 } }),
            stop: () => ({ timers: { soon: null } }),
          },
          timers: {
            soon: async () => ({ send: { type: 'tick' }, timers: { soon: 5 } }),
            late: () => ({ send: { type: 'done' } }),
          },
        },
      },
    });
    const machine = new StateMachine(timed);
    const answers: unknown[] = [];
    machine.on('data', (answer) => answers.push(answer));
    machine.write({ type: 'start' });
    while (answers.length < 3) await pause(2);
    machine.write({ type: 'stop' });
    const { length } = answers;
    await pause(30);
    expect(answers).toEqual(Array(length).fill({ type: 'tick' }));
    machine.destroy();
  });
});
