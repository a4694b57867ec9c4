import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineSession, json, StateMachine } from '../../src/index.ts';

type In = { type: 'query' | 'work' | 'start' | 'stop'; n?: number };
type Out = { type: 'row' | 'done' | 'tick'; n?: number };
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
