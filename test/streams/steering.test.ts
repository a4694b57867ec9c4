/** Framings that change with the session, in a pipeline of four stages: what has to stand where. */
import { PassThrough, pipeline, Readable, Transform } from 'node:stream';
import { pipeline as finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import {
  type Codec,
  defineSession,
  FrameDecoder,
  fixedLength,
  line,
  MessageDecoder,
  MessageEncoder,
  StateMachine,
} from '../../src/index.ts';

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
