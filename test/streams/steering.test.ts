/** Framings that change with the session, in a pipeline of four stages: what has to stand where. */
import { once } from 'node:events';
import { PassThrough, pipeline, Readable, Transform } from 'node:stream';
import { pipeline as finished } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  defineSession,
  FrameDecoder,
  fixedLength,
  line,
  MessageDecoder,
  MessageEncoder,
  Stage,
  StateMachine,
} from '../../src/index.ts';
import { Steering } from '../../src/streams/steering.ts';

type Word = { type: 'word'; text: string };
const words: Codec<Word> = {
  decode: (bytes, start, end) => ({ type: 'word', text: bytes.toString('latin1', start, end) }),
  encode: ({ text }) => Buffer.from(text, 'latin1'),
};

const session = (writes: boolean) =>
  defineSession({
    receives: words,
    sends: words,
    initial: 'lines',
    states: {
      lines: { on: { word: (message) => ({ send: message, next: 'pairs' }) }, next: ['pairs'] },
      pairs: {
        framing: writes ? { writes: fixedLength(2) } : fixedLength(2),
        on: { word: (message) => ({ send: message }) },
      },
    },
    farewell: () => ({ type: 'word', text: 'bye' }),
  });

const passing = () =>
  new Transform({ objectMode: true, transform: (item, _, callback) => callback(null, item) });

async function runs(stages: readonly NodeJS.ReadWriteStream[], input: string) {
  const source = new PassThrough();
  const sink = new PassThrough();
  const sent: Buffer[] = [];
  sink.on('data', (chunk) => sent.push(chunk));
  source.end(input);
  const error = await new Promise<{ code?: string; message?: string } | null | undefined>((resolve) =>
    pipeline([source, ...stages, sink] as never, resolve as never),
  );
  return { sent: Buffer.concat(sent).toString(), code: error?.code, message: error?.message };
}

const stages = (writes: boolean) => ({
  frames: new FrameDecoder(line()),
  messages: new MessageDecoder(words),
  machine: new StateMachine(session(writes)),
  encoder: new MessageEncoder(words, { framing: line() }),
});

test('neighbours follow the session', async () => {
  const reading = Object.values(stages(false));
  expect(await runs(reading, 'one\naabb')).toMatchObject({ sent: 'one\naa\nbb\n', code: undefined });
  const writing = Object.values(stages(true));
  expect(await runs(writing, 'one\naa\nbb\n')).toMatchObject({ sent: 'one\naabb', code: undefined });
});

test('the encoder follows a state that changes only the codec of what it sends', async () => {
  const loud: Codec<Word> = {
    decode: words.decode,
    encode: ({ text }) => Buffer.from(text.toUpperCase(), 'latin1'),
  };
  const changing = defineSession({
    receives: words,
    sends: words,
    initial: 'quiet',
    states: {
      quiet: { on: { word: (message) => ({ send: message, next: 'loud' }) }, next: ['loud'] },
      loud: { sends: loud, on: { word: (message) => ({ send: message }) } },
    },
  });
  const all = [
    new FrameDecoder(line()),
    new MessageDecoder(words),
    new StateMachine(changing),
    new MessageEncoder(words, { framing: line() }),
  ];
  expect(await runs(all, 'one\naa\nbb\n')).toMatchObject({ sent: 'one\nAA\nBB\n', code: undefined });
});

test('a stage in between is an error, before anything is read wrongly', async () => {
  const before = stages(false);
  expect(
    await runs([before.frames, passing(), before.messages, before.machine, before.encoder], 'one\ntwo\n'),
  ).toEqual({
    sent: 'bye\n',
    code: 'ERR_STATE_FRAMING',
    message:
      "the framing or the codec of state 'lines' cannot be used: the session has to stand behind a FrameDecoder and a MessageDecoder, with nothing in between",
  });
  const between = stages(false);
  expect(
    await runs([between.frames, between.messages, passing(), between.machine, between.encoder], 'one\ntwo\n'),
  ).toMatchObject({ sent: 'bye\n', code: 'ERR_STATE_FRAMING' });
  const behind = stages(true);
  expect(
    await runs([behind.frames, behind.messages, behind.machine, passing(), behind.encoder], 'one\naa\n'),
  ).toMatchObject({
    code: 'ERR_STATE_FRAMING',
    message:
      "the framing or the codec of what state 'pairs' sends cannot be used: the session has to stand right before a MessageEncoder",
  });
});

test('every stage behind the session has to follow it', async () => {
  class Listening extends Stage<Word> {
    constructor() {
      super('messages', 'messages');
    }

    protected override accept(): void {}

    protected override produce(): undefined {}
  }
  for (const isFirst of [true, false]) {
    const { frames, messages, machine, encoder } = stages(true);
    const others = [encoder, new Listening()] as const;
    frames.pipe(messages).pipe(machine as never);
    for (const next of isFirst ? others : others.toReversed())
      (machine.pipe(next as never) as NodeJS.WritableStream).on('error', () => {});
    encoder.resume();
    const failed = once(encoder, 'error');
    frames.write('one\naa\n');
    expect((await failed)[0]).toMatchObject({ code: 'ERR_STATE_FRAMING', origin: 'local', state: 'pairs' });
  }
});

test('the codec of what a state sends, where it has its own', async () => {
  const own: Codec<Word> = { ...words };
  const states = {
    lines: { sends: own, on: { word: () => ({ next: 'pairs' }) }, next: ['pairs'] },
    pairs: {},
  };
  const session = defineSession({ receives: words, sends: words, initial: 'lines', states } as never);
  const machine = new StateMachine(session as never);
  const { frames, messages } = stages(false);
  frames.pipe(messages).pipe(machine as never);
  machine.resume();
  expect(machine.codec).toBe(own);
  frames.write('x\n');
  for (let i = 0; i < 3; i++) await turn();
  expect([machine.state, machine.codec]).toEqual(['pairs', undefined]);
});

describe('a session that is upgraded', () => {
  const upgrading = defineSession({
    receives: words,
    sends: words,
    initial: 'lines',
    farewell: () => ({ type: 'word', text: 'bye' }),
    states: {
      lines: {
        on: {
          word: async (message) => {
            if (message.text === 'wait') await turn();
            return { send: message, ...(message.text === 'switch' && { upgrade: 'tls' }) };
          },
        },
      },
    },
  });

  function start(refusal?: Error) {
    const { frames, messages } = stages(false);
    const machine = new StateMachine(upgrading);
    const log: unknown[] = [];
    const sent: string[] = [];
    machine.hostUpgrades({
      judge(name, waiting) {
        log.push([name, waiting]);
        return refusal;
      },
      goOver: (name) => log.push(`${name} after ${sent.join('')}`),
    });
    frames.pipe(messages).pipe(machine as never);
    machine.on('data', ({ text }: Word) => sent.push(`${text}\n`));
    return { frames, machine, log, sent };
  }

  test('is judged once, reads nothing more, and goes over behind its answers', async () => {
    const { frames, machine, log, sent } = start();
    await turn();
    frames.write('one\nwait\nswitch\nrest\nof');
    for (let i = 0; i < 10; i++) await turn();
    expect([sent.join(''), machine.taken]).toEqual(['one\nwait\nswitch\n', 3]);
    expect(log[0]).toEqual(['tls', 0]);
    expect(new Set(log.slice(1))).toEqual(new Set(['tls after one\nwait\nswitch\n']));
    expect(String(frames.detach())).toBe('rest\nof');
    frames.destroy();
    machine.destroy();
  });

  test('and refused, it ends with the reason', async () => {
    const reason = new Error('no certificate');
    const { frames, machine, log, sent } = start(reason);
    const failed = once(machine, 'error');
    frames.write('switch\nrest\n');
    expect((await failed)[0]).toBe(reason);
    expect([sent.join(''), log]).toEqual(['switch\nbye\n', [['tls', 0]]]);
    expect(machine.error).toBe(reason);
  });
});

test('what steers: the line of the session, and whether those before it hold anything', async () => {
  const stage = () => ({ writableLength: 0, readableLength: 0 });
  const [first, second, last] = [stage(), stage(), stage()];
  const line = { reads: undefined, receives: undefined } as Record<string, unknown>;
  const session = { line, isSettled: true, upgrade: undefined as string | undefined };
  const steering = new Steering(session as never, false, last);
  const look = () => [steering.framing, steering.codec, steering.isSettled, steering.isOver];
  expect(look()).toEqual([undefined, undefined, true, false]);
  expect(new Steering(session as never, true, last).isSettled).toBe(false);
  Object.assign(line, { reads: fixedLength(2), receives: words });
  Object.assign(session, { isSettled: false, upgrade: 'tls' });
  expect(look()).toEqual([line.reads, words, false, true]);
  expect(steering.isIdle).toBe(true);
  for (const one of [first, second, last, first]) steering.add(one);
  for (const one of [first, second, last]) {
    one.writableLength = 1;
    expect(steering.isIdle).toBe(false);
    one.writableLength = 0;
    one.readableLength = 1;
    // Answers that wait for their consumer.
    expect(steering.isIdle).toBe(one === last);
    one.readableLength = 0;
  }
  let calls = 0;
  steering.wake();
  steering.wait(() => calls++);
  steering.wake();
  steering.wake();
  expect(calls).toBe(0);
  await turn();
  expect(calls).toBe(1);
});

test('a preface comes once, before the first frame', async () => {
  const frames = async (chunks: readonly string[]) => {
    const decoder = new FrameDecoder(line(), { preface: 'hello' });
    for (const chunk of chunks) decoder.write(chunk);
    decoder.end();
    const got: string[] = [];
    try {
      for await (const frame of decoder) got.push(String(frame));
    } catch (error) {
      got.push((error as { code: string }).code);
    }
    return got;
  };
  expect(await frames(['helloone\ntwo\n'])).toEqual(['one', 'two']);
  expect(await frames([...'helloone\n'])).toEqual(['one']);
  expect(await frames(['hell'])).toEqual(['ERR_FRAME_TRUNCATED']);
  expect(await frames(['hel', 'p'])).toEqual(['ERR_FRAME_PREFACE']);
  expect(await frames([])).toEqual([]);
  expect(() => new FrameDecoder(line(), { preface: '' })).toThrow('preface must have at least one byte');
});

test.each([1, 16])(
  'a consumer of answers that reads one by one gets all of them, highWaterMark %d',
  async (highWaterMark) => {
    const turning = defineSession({
      receives: words,
      sends: words,
      initial: 'lines',
      states: {
        lines: {
          framing: line(),
          on: { word: (message) => ({ send: message, next: 'pairs' }) },
          next: ['pairs'],
        },
        pairs: {
          framing: fixedLength(2),
          on: { word: (message) => ({ send: message, next: 'lines' }) },
          next: ['lines'],
        },
      },
    });
    const { frames, messages } = stages(false);
    const machine = new StateMachine(turning, { readableHighWaterMark: highWaterMark });
    const texts: string[] = [];
    // One line and one pair, 100 times.
    const input = Readable.from([Buffer.from('one\naa'.repeat(100))]);
    await finished(input, frames, messages, machine, async (answers: AsyncIterable<Word>) => {
      for await (const { text } of answers) texts.push(text);
    });
    expect(texts).toEqual(Array(100).fill(['one', 'aa']).flat());
  },
);
