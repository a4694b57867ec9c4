import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import {
  bytes,
  type Codec,
  Conversation,
  type ConversationObserver,
  defineProtocol,
  defineSession,
  delimiter,
  lengthPrefix,
  line,
  message,
  messages,
  type Preface,
  packets,
  rest,
  type StateDeclaration,
  u8,
} from '../../src/index.ts';

const commands = messages(u8, { spoil: message(1, {}), wait: message(2, {}) });
const answers = messages(u8, { number: message(1, { n: u8 }) });
const session = defineSession({
  receives: commands,
  sends: answers,
  initial: 'open',
  states: {
    open: {
      on: {
        // No byte holds it.
        spoil: () => ({ send: { type: 'number', n: 256 } }),
        wait: async () => {
          await turn();
          return { send: { type: 'number', n: 1 } };
        },
      },
    },
  },
});
const framing = lengthPrefix({ lengthFieldLength: 1 });
const protocol = defineProtocol({
  name: 'test',
  framing,
  clientMessages: commands,
  serverMessages: answers,
  session,
});

test('few short requests for long answers are handled before the first answer is written', () => {
  const requests = messages(u8, { ask: message(1, {}) });
  const replies = messages(u8, { long: message(1, { body: bytes(rest) }) });
  const body = Buffer.alloc(65_536);
  const conversation = new Conversation(
    defineProtocol({
      name: 'long answers',
      framing: lengthPrefix({ lengthFieldLength: 4 }),
      clientMessages: requests,
      serverMessages: replies,
      session: defineSession({
        receives: requests,
        sends: replies,
        initial: 'open',
        states: { open: { on: { ask: () => ({ send: { type: 'long', body } }) } } },
      }),
    }),
  );
  // 64 frames: length 1 · ask
  conversation.receive(Buffer.concat(Array<Buffer>(64).fill(Buffer.from([1, 0, 0, 0, 1]))));
  let written = 0;
  for (let stretch = conversation.take(); stretch !== undefined; stretch = conversation.take()) {
    written += stretch.length;
    // Each answer: 4 bytes of length, its tag, its body.
    expect(conversation.taken - written / (body.length + 5)).toBeLessThanOrEqual(4);
  }
  expect(conversation.taken).toBe(64);
  expect(written).toBe(64 * (body.length + 5));
});

test('an answer that cannot be written ends it at once, also while the handler of a later message is pending', async () => {
  const conversation = new Conversation(protocol);
  conversation.receive(Buffer.from([1, 1, 1, 2]));
  expect(conversation.take()).toBeUndefined();
  expect(conversation.error).toMatchObject({ code: 'ERR_FIELD_RANGE', path: 'n', origin: 'local' });
  expect(conversation.final).toBe(true);
  expect(conversation).toMatchObject({ isWorking: true, isBusy: false });
  expect(conversation.settled()).toBeUndefined();
  // What the handler answers after all is not sent.
  for (let i = 0; i < 5; i++) await turn();
  expect(conversation.take()).toBeUndefined();
});

type Word = { type: string; n: string };
/** `go 5` is `{ type: 'go', n: '5' }`; a word with an x is no message, and `null` is decoded to nothing. */
const words: Codec<Word> = {
  decode(frame, start, end) {
    const [type = '', n = ''] = frame.toString('latin1', start, end).split(' ');
    if (type.includes('x')) throw new Error(`no word: ${type}`);
    return type === 'null' ? (null as never) : { type, n };
  },
  encode: ({ type, n }) => Buffer.from(`${type} ${n}`.trim()),
};
const say = (type: string, n: string | number = ''): Word => ({ type, n: String(n) });

/** Words in lines, without a stream. Each word of the table is one state's. */
class Talk {
  readonly conversation: Conversation<Word, Word, string, { log: unknown[] }>;

  constructor(
    states: Record<string, StateDeclaration<Word, Word, string, { log: unknown[] }>>,
    { preface, onInvalid, ready }: { preface?: Preface; onInvalid?: 'discard'; ready?: string } = {},
  ) {
    const [initial] = Object.keys(states) as [string];
    const session = defineSession<Word, Word, string, { log: unknown[] }>({
      receives: words,
      sends: words,
      initial,
      ...(ready !== undefined && { ready }),
      context: ({ remote }) => ({ log: [remote] }),
      dispose: ({ log }, reason) => log.push(reason),
      states: states as never,
      farewell: ({ message }) => say('sorry', message.replaceAll(' ', '_')),
    });
    const parts = { name: 'words', framing: line(), clientMessages: words, serverMessages: words, session };
    this.conversation = new Conversation(
      defineProtocol(preface === undefined ? parts : { ...parts, preface }),
      undefined,
      { remote: 'here' },
      onInvalid && { onInvalid },
    );
  }

  /** What is said to these lines, of which the last may have no end. */
  hear(text = ''): string {
    if (text !== '') this.conversation.receive(Buffer.from(text, 'latin1'));
    let said = '';
    for (let bytes = this.conversation.take(); bytes !== undefined; bytes = this.conversation.take())
      said += bytes;
    return said;
  }
}

/** A promise, and what settles it. */
function later<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A row with the usual reply: one message of the only type, and the state stays. */
const usual = {
  outcomes: { a: 'heard' },
  handle: ({ n }: Word) => ({ send: say('heard', n) }),
} as const;
const echo = { echo: ({ n }: Word) => ({ send: say('heard', n) }) };

test('messages are handled in batches of 4, doubling up to 128, and none while too many answers wait', () => {
  const unsent: number[] = [];
  const talk: Talk = new Talk({
    a: {
      on: {
        one: () => {
          unsent.push(talk.conversation.unsent);
          return { send: say('1') };
        },
        two: () => {
          unsent.push(talk.conversation.unsent);
          return { send: [say('1'), say('2')] };
        },
        usual: {
          outcomes: { a: '1' },
          handle: () => {
            unsent.push(talk.conversation.unsent);
            return { send: say('1') };
          },
        },
      },
    },
  });
  const runs = (...lengths: number[]): number[] =>
    lengths.flatMap((length) => Array.from({ length }, (_, index) => index));
  talk.hear('one\n'.repeat(128));
  // 124 of the 128 frames that are cut at once, and the 4 that are left.
  expect(unsent).toEqual(runs(4, 8, 16, 32, 64, 4));
  unsent.length = 0;
  talk.hear('one\n'.repeat(256));
  expect(unsent).toEqual(runs(128, 128));
  unsent.length = 0;
  talk.hear('two\n'.repeat(128));
  const pairs = Array.from({ length: 64 }, (_, index) => 2 * index);
  expect(unsent).toEqual([...pairs, ...pairs]);
  unsent.length = 0;
  talk.hear(`two\n${'usual\n'.repeat(127)}`);
  expect(unsent).toEqual([0, ...runs(128).slice(2), 0]);
});

describe('prefaces, greetings and farewells around the answers', () => {
  const preface = { client: 'CLI/1 ', server: 'SRV/1 ', refusal: 'no CLI/1' };
  const greets = { a: { on: echo, onEnter: () => say('hello') } };

  test('the preface, then the greeting, before any input', () => {
    const talk = new Talk(greets, { preface });
    expect(talk.conversation.unsent).toBe(1);
    expect(talk.hear()).toBe('SRV/1 hello\n');
    expect(talk.conversation.unsent).toBe(0);
    expect(talk.hear('CLI')).toBe('');
    expect(talk.hear('/1 echo 1\necho 2\n')).toBe('heard 1\nheard 2\n');
    expect(new Talk(greets).hear('echo 1\n')).toBe('hello\nheard 1\n');
  });

  test('a wrong preface gets the refusal of the preface in place of the farewell', () => {
    const talk = new Talk(greets, { preface });
    expect(talk.hear('GET / HTTP/1.1\r\n')).toBe('SRV/1 hello\nno CLI/1');
    expect(talk.conversation).toMatchObject({ final: true, error: { code: 'ERR_FRAME_PREFACE' } });
    expect(talk.hear()).toBe('');
    const plain = new Talk(greets, { preface: 'CLI/1 ' });
    expect(plain.hear('GET /')).toMatch(/^hello\nsorry /);
  });

  test('a fault after the preface gets the farewell', () => {
    expect(new Talk(greets, { preface }).hear('CLI/1 x\n')).toBe('SRV/1 hello\nsorry no_word:_x\n');
    expect(new Talk({ a: { on: echo } }).hear('x\n')).toBe('sorry no_word:_x\n');
  });

  test('a fault after valid messages: the answers, then the farewell', () => {
    const talk = new Talk(greets, { preface });
    expect(talk.hear('CLI/1 echo 1\njump\necho 2\n')).toBe(
      "SRV/1 hello\nheard 1\nsorry 'jump'_is_not_expected_in_state_'a',_only_echo\n",
    );
    expect(talk.conversation).toMatchObject({
      taken: 2,
      final: true,
      error: { code: 'ERR_STATE_UNEXPECTED' },
    });
    expect(talk.hear('echo 3\n')).toBe('');
    expect(talk.conversation.held).toBe(0);
  });

  test('an unsolicited message follows the answers', () => {
    const talk = new Talk({ a: { on: echo, unsolicited: ['push'] } });
    talk.conversation.receive(Buffer.from('echo 1\n'));
    talk.conversation.send(say('push', 2));
    expect(talk.conversation.unsent).toBe(1);
    expect(talk.conversation.unsentBytes).toBeGreaterThan(5);
    expect(talk.hear()).toBe('push 2\nheard 1\n');
    expect(talk.conversation.unsentBytes).toBe(0);
    expect(() => talk.conversation.send(say('heard'))).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_UNEXPECTED', origin: 'local' }),
    );
    expect(talk.conversation).toMatchObject({ unsent: 0, error: undefined, final: false });
  });

  test('abort: the farewell, and the reason; leave: received messages are answered before the last ones', () => {
    const aborted = new Talk({ a: { on: echo } });
    const reason = new Error('out of memory');
    aborted.conversation.abort(reason);
    aborted.conversation.abort(new Error('again'));
    expect(aborted.hear('echo 1\n')).toBe('sorry out_of_memory\n');
    expect(aborted.conversation).toMatchObject({ error: reason, final: true });
    const left = new Talk({ a: { on: echo } });
    left.conversation.receive(Buffer.from('echo 1\nec'));
    left.conversation.leave(({ log }) => say('bye', String(log)));
    left.conversation.leave(() => say('no'));
    expect(left.hear()).toBe('heard 1\nbye here\n');
    expect(left.conversation).toMatchObject({ error: undefined, final: true });
    const silent = new Talk({ a: { on: echo } });
    silent.conversation.leave();
    expect(silent.hear()).toBe('');
    expect(silent.conversation.final).toBe(true);
  });

  test("the peer's end: what onEnd says, or a fault inside of a frame", () => {
    const ends = { a: { on: echo, onEnd: () => say('bye') } };
    const talk = new Talk(ends);
    talk.conversation.receive(Buffer.from('echo 1\n'));
    talk.conversation.ended();
    expect(talk.hear()).toBe('heard 1\nbye\n');
    expect(talk.conversation).toMatchObject({ final: true, error: undefined });
    const cut = new Talk(ends);
    cut.conversation.receive(Buffer.from('echo 1\nec'));
    cut.conversation.ended();
    expect(cut.hear()).toMatch(/^heard 1\nsorry /);
    expect(cut.conversation.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
  });

  test('dispose, once, with the reason', () => {
    const talk = new Talk({ a: {} });
    const reason = new Error('reset');
    expect(talk.conversation.dispose(reason)).toBeUndefined();
    expect(talk.conversation.dispose()).toBeUndefined();
    expect(talk.conversation.context.log).toEqual(['here', reason]);
  });
});

/** Any byte may begin a packet: the sums of 600 packets of 999 bytes are more than one turn is for. */
function noisy(state: StateDeclaration<Word, Word, string, object> = {}): Conversation<Word, Word> {
  const session = defineSession<Word, Word, string, object>({
    receives: words,
    sends: words,
    initial: 'a',
    states: { a: { otherwise: () => undefined, ...state } } as never,
    farewell: () => say('sorry'),
  });
  return new Conversation(
    defineProtocol({
      name: 'noisy',
      framing: {
        reads: packets({
          kinds: {
            k: { start: [0x7e], length: 1_000, valid: { checksum: 'CRC-16/MODBUS', byteOrder: 'big' } },
          },
          maxFrameLength: 1_000,
        }),
        writes: line(),
      },
      clientMessages: { decode: () => say('any'), encode: () => Buffer.alloc(0) },
      serverMessages: words,
      session,
    }),
  );
}

test('usual replies among others: each message is read once, and handled once, in its place', () => {
  const decode = vi.spyOn(words, 'decode');
  const taken: number[] = [];
  const note = <T>(reply: T): T => {
    taken.push(talk.conversation.taken);
    return reply;
  };
  const talk: Talk = new Talk({
    a: {
      on: {
        usual: { ...usual, handle: (word) => note(usual.handle(word)) },
        // The same row, with a reply that it gives seldom.
        both: {
          outcomes: { a: 'heard' },
          handle: ({ n }) => note({ send: say('heard', n), next: 'a' }),
        },
        echo: (word) => note({ send: [say('heard', word.n), say('heard', word.n)] }),
        fail: {
          outcomes: { a: 'heard' },
          handle: () => {
            throw new Error(`after ${talk.conversation.taken}`);
          },
        },
      },
      otherwise: () => note({}),
    },
  });
  expect(talk.hear('usual 1\nusual 2\nboth 3\necho 4\nusual 5\nother 6\nusual 7\nboth 8\nusual 9\n')).toBe(
    [1, 2, 3, 4, 4, 5, 7, 8, 9].map((n) => `heard ${n}\n`).join(''),
  );
  expect(decode).toHaveBeenCalledTimes(9);
  expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(talk.hear('usual 1\nfail\nusual 2\n')).toMatch(/^heard 1\nsorry .*after_11/);
  expect(talk.conversation).toMatchObject({ final: true, taken: 11, error: { code: 'ERR_HANDLER' } });
  decode.mockRestore();
});

test.each(['error', 'discard'] as const)(
  'a frame that is no message is read once too: onInvalid %s',
  (how) => {
    const decode = vi.spyOn(words, 'decode');
    const talk = new Talk({ a: { on: { usual } } }, how === 'discard' ? { onInvalid: how } : {});
    const heard = talk.hear('usual 1\nx\nusual 2\nx\n');
    const reads = decode.mock.calls.length;
    decode.mockRestore();
    if (how === 'discard') expect([heard, reads]).toEqual(['heard 1\nheard 2\n', 4]);
    else expect([heard, reads]).toEqual(['heard 1\nsorry no_word:_x\n', 2]);
  },
);

test('a frame that is decoded to nothing is no message, among usual replies too', () => {
  const strict = new Talk({ a: { on: { usual } } });
  expect(strict.hear('usual 1\nnull\nusual 2\n')).toMatch(/^heard 1\nsorry the_codec_decoded_null/);
  expect(strict.conversation).toMatchObject({ taken: 1, error: { code: 'ERR_MESSAGE_VALUE' } });
  const lenient = new Talk({ a: { on: { usual } } }, { onInvalid: 'discard' });
  expect(lenient.hear('null\nusual 1\nnull\nnull\nusual 2\n')).toBe('heard 1\nheard 2\n');
  expect(lenient.conversation.counts).toMatchObject({ frames: 5, invalid: 3 });
});

test('a handler that aborts the session is the last one asked', () => {
  const asked: string[] = [];
  const talk: Talk = new Talk({
    a: {
      on: {
        usual: {
          ...usual,
          handle: ({ n }) => {
            asked.push(n);
            if (n === '2') talk.conversation.abort(new Error('enough'));
            return { send: say('heard', n) };
          },
        },
      },
    },
  });
  talk.hear('usual 1\nusual 2\nusual 3\n');
  expect(asked).toEqual(['1', '2']);
  expect(talk.conversation).toMatchObject({ final: true, error: { message: 'enough' } });
});

test('no handler is asked after an observer has aborted the session at an invalid frame', () => {
  const asked: string[] = [];
  const handle = (word: Word) => {
    asked.push(word.n);
    return usual.handle(word);
  };
  const { conversation } = new Talk({ a: { on: { usual: { ...usual, handle } } } }, { onInvalid: 'discard' });
  conversation.observer = {
    seesMessages: false,
    message: () => {},
    transition: () => {},
    invalid: () => conversation.abort(new Error('enough')),
  };
  conversation.receive(Buffer.from('usual 1\nx\nusual 2\n'));
  expect(String(conversation.take())).toBe('heard 1\nsorry enough\n');
  expect(asked).toEqual(['1']);
  expect(conversation).toMatchObject({ final: true, taken: 1, error: { message: 'enough' } });
});

describe('what observers see', () => {
  test('states, entries, limits, counts', () => {
    const talk = new Talk(
      {
        a: { on: { ...echo, go: () => ({ next: 'b' }) }, next: ['b'], deadline: { idle: 5 } },
        b: { on: echo, next: ['c'], otherwise: () => ({ next: 'c' }) },
        c: { final: true },
      },
      { ready: 'b' },
    );
    const { conversation } = talk;
    expect(conversation).toMatchObject({
      state: 'a',
      entries: 1,
      isReady: false,
      taken: 0,
      deadline: { idle: 5 },
    });
    talk.hear('echo 1\ngo\n');
    expect(conversation).toMatchObject({
      state: 'b',
      entries: 2,
      isReady: true,
      taken: 2,
      deadline: undefined,
    });
    expect(conversation).toMatchObject({ held: 0, isInsideFrame: false, isMeasured: false, isPaused: false });
    talk.hear('ech');
    expect(conversation).toMatchObject({
      held: 3,
      isInsideFrame: true,
      isBusy: false,
      isWorking: false,
      final: false,
    });
    talk.hear('o 1\nbye\nmore\n');
    expect(conversation).toMatchObject({
      state: 'c',
      final: true,
      deadline: undefined,
      error: undefined,
      taken: 4,
    });
    expect(conversation.counts).toEqual({ frames: 4, invalid: 0, discarded: 0, noise: 0 });
    conversation.receive(Buffer.from('echo 9\n'));
    expect(conversation.held).toBe(0);
  });

  test('messages, each in its state, and transitions', () => {
    const talk = new Talk({ a: { on: { go: () => ({ next: 'b' }) }, next: ['b'] }, b: { on: echo } });
    const seen: unknown[] = [];
    talk.conversation.observer = {
      message: ({ type }: Word, state: string) => seen.push([type, state]),
      transition: (from, to) => seen.push(`${from} to ${to}`),
    } as ConversationObserver;
    talk.hear('go\necho 1\n');
    expect(seen).toEqual([['go', 'a'], 'a to b', ['echo', 'b']]);
  });

  test.each([
    [undefined, 3],
    [true, 3],
    [false, 0],
  ])('messages that it does not ask for cost no call: seesMessages %s', (seesMessages, calls) => {
    const talk = new Talk({ a: { on: { usual } } });
    let seen = 0;
    talk.conversation.observer = {
      message: () => seen++,
      transition() {},
      ...(seesMessages !== undefined && { seesMessages }),
    };
    expect(talk.hear('usual 1\nusual 2\nusual 3\n')).toBe('heard 1\nheard 2\nheard 3\n');
    expect([seen, talk.conversation.taken]).toEqual([calls, 3]);
  });

  test('an observer of transitions alone learns of each', () => {
    const talk = new Talk({
      a: { on: { usual, go: () => ({ next: 'b' }) }, next: ['b'] },
      b: { on: { usual: { ...usual, outcomes: { b: 'heard' } } } },
    });
    const seen: string[] = [];
    talk.conversation.observer = {
      message: () => seen.push('message'),
      transition: (from, to) => seen.push(`${from} to ${to}`),
      seesMessages: false,
    };
    // A message that is not answered in the usual way is reported as well.
    expect(talk.hear('usual 1\ngo\nusual 2\n')).toBe('heard 1\nheard 2\n');
    expect(seen.filter((one) => one !== 'message')).toEqual(['a to b']);
  });

  test('a state entered by a timer is reported before the next message', () => {
    const talk = new Talk({
      a: {
        on: { go: () => ({ timers: { t: 5 } }) },
        timers: { t: () => ({ send: say('up'), next: 'b' }) },
        next: ['b'],
      },
      b: { on: echo },
    });
    const seen: unknown[] = [];
    talk.conversation.observer = {
      message: ({ type }: Word, state: string) => seen.push([type, state]),
      transition: (from, to) => seen.push(`${from} to ${to}`),
    } as ConversationObserver;
    talk.hear('go\n');
    expect([...talk.conversation.takeTimers()!]).toEqual([['t', 5]]);
    expect(talk.conversation.takeTimers()).toBeUndefined();
    talk.conversation.expire('t');
    expect(talk.hear('echo 1\n')).toBe('up\nheard 1\n');
    expect(seen).toEqual([['go', 'a'], 'a to b', ['echo', 'b']]);
  });

  test('an invalid frame ends the session, or is skipped and counted', () => {
    const talk = new Talk({ a: { on: echo } });
    expect(talk.hear('echo 1\nx\necho 2\n')).toBe('heard 1\nsorry no_word:_x\n');
    expect(talk.conversation.counts).toMatchObject({ frames: 1, invalid: 0 });
    const lenient = new Talk({ a: { on: echo } }, { onInvalid: 'discard' });
    const left: string[] = [];
    lenient.conversation.observer = {
      message() {},
      transition() {},
      invalid: (error, frame) => left.push(`${error.message} in ${frame}`),
    };
    expect(lenient.hear('x\necho 1\nyx z\necho 2\n')).toBe('heard 1\nheard 2\n');
    expect(left).toEqual(['no word: x in x', 'no word: yx in yx z']);
    expect(lenient.conversation.counts).toMatchObject({ frames: 4, invalid: 2 });
    expect(lenient.conversation).toMatchObject({ taken: 2, error: undefined });
    delete lenient.conversation.observer.invalid;
    expect(lenient.hear('x\necho 3\n')).toBe('heard 3\n');
    expect(lenient.conversation).toMatchObject({ taken: 3, frames: 6 });
    lenient.conversation.observer.invalid = () => {
      throw new Error('as asked');
    };
    expect(lenient.hear('echo 3\nx\necho 4\n')).toBe('heard 3\nsorry as_asked\n');
    expect(new Talk({ a: { on: echo } }, { onInvalid: 'discard' }).hear('x\necho 1\n')).toBe('heard 1\n');
  });

  test('noise: skipped bytes are counted and reported, and read in several turns if they take much work', () => {
    const conversation = noisy();
    const errors: string[] = [];
    conversation.observer = { message() {}, transition() {}, onDiscard: ({ code }) => errors.push(code) };
    conversation.receive(Buffer.alloc(1_600, 0x7e));
    expect(conversation.take()).toBeUndefined();
    expect(conversation).toMatchObject({ isPaused: true, taken: 0 });
    const held = conversation.held;
    conversation.receive(Buffer.alloc(5));
    expect(conversation.held).toBe(held + 5);
    let turns = 0;
    for (; conversation.isPaused; turns++) expect(conversation.take()).toBeUndefined();
    expect(turns).toBeGreaterThan(1);
    conversation.ended();
    let said = '';
    while (!conversation.final) said += conversation.take() ?? '';
    expect(said).toBe('sorry\n');
    expect(conversation.counts).toMatchObject({ frames: 0, invalid: 0 });
    expect(conversation.counts.noise).toBeGreaterThan(600);
    expect(errors).toContain('ERR_FRAME_NOISE');
  });

  test('noise without an observer; the last messages come after all of it', () => {
    const ended = noisy();
    ended.receive(Buffer.alloc(1_600, 0x7e));
    ended.ended();
    while (!ended.final) ended.take();
    expect(ended.counts.noise).toBeGreaterThan(600);
    const conversation = noisy();
    conversation.receive(Buffer.alloc(1_600, 0x7e));
    expect(conversation.take()).toBeUndefined();
    conversation.leave(() => say('bye'));
    expect(conversation.take()).toBeUndefined();
    expect(conversation).toMatchObject({ isPaused: true, final: false });
    let said = '';
    while (conversation.isPaused) said += conversation.take() ?? '';
    said += conversation.take() ?? '';
    expect([said, conversation.final, conversation.error]).toEqual(['bye\n', true, undefined]);
  });

  test('frames that the framing skips count as received frames', () => {
    const conversation = new Conversation(
      defineProtocol({
        name: 'test',
        framing: lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 3, onTooLong: 'discard' }),
        clientMessages: commands,
        serverMessages: answers,
        session,
      }),
    );
    // length 5 · skipped; twice
    conversation.receive(Buffer.from([5, 1, 1, 1, 1, 1, 5, 1, 1, 1, 1, 1]));
    expect(conversation.take()).toBeUndefined();
    expect(conversation).toMatchObject({ frames: 2, taken: 0, counts: { discarded: 2 } });
  });

  test('it reads no noise after the end, or after an upgrade', () => {
    const aborted = noisy();
    aborted.receive(Buffer.alloc(1_600, 0x7e));
    aborted.take();
    aborted.abort(new Error('x'));
    expect(aborted).toMatchObject({ isPaused: false, final: true });
    const upgraded = noisy({ deadline: { within: 5, handle: () => ({ upgrade: 'tls' }) } });
    upgraded.receive(Buffer.alloc(1_600, 0x7e));
    upgraded.take();
    upgraded.timeout('within');
    expect(upgraded.take()).toBeUndefined();
    expect(upgraded).toMatchObject({ isPaused: false, final: false, upgrade: { name: 'tls' } });
  });
});

describe('time', () => {
  test('a limit that expires, and the answer of its handler', () => {
    const talk = new Talk({
      a: { on: echo, deadline: { idle: 5, frame: 7, handle: ({ limit }) => ({ send: say('late', limit) }) } },
    });
    talk.hear('echo 1\nec');
    talk.conversation.timeout('idle');
    expect([talk.hear(), talk.conversation.held]).toEqual(['late 5\n', 2]);
    talk.conversation.timeout('frame');
    // The frame has been given up: what comes is read anew.
    expect([talk.hear(), talk.conversation.held]).toEqual(['late 7\n', 0]);
    expect(talk.hear('echo 2\n')).toBe('heard 2\n');
    const strict = new Talk({ a: { on: echo, deadline: { within: 5 } } });
    strict.conversation.timeout('within');
    expect(strict.hear()).toMatch(/^sorry .*within_5_ms\n$/);
    strict.conversation.timeout('within');
    expect(strict.hear()).toBe('');
  });

  test('a running handler does not count as silence of the peer', async () => {
    const gate = later<void>();
    const talk = new Talk({
      a: {
        on: { slow: () => gate.promise.then(() => ({ send: say('done') })) },
        deadline: { idle: 5, frame: 7, within: 9 },
      },
    });
    talk.hear('slow\nec');
    talk.conversation.timeout('idle');
    talk.conversation.timeout('frame');
    expect(talk.conversation).toMatchObject({ isWorking: true, isBusy: true, error: undefined });
    gate.resolve();
    await talk.conversation.settled();
    expect(talk.hear()).toBe('done\n');
    talk.conversation.timeout('frame');
    expect(talk.hear()).toMatch(/^sorry /);
  });

  test('within runs while a handler runs, whose answer is then too late', async () => {
    const gate = later<void>();
    const talk = new Talk({
      a: { on: { slow: () => gate.promise.then(() => ({ send: say('done') })) }, deadline: { within: 9 } },
    });
    talk.hear('slow\n');
    talk.conversation.timeout('within');
    expect(talk.hear()).toMatch(/^sorry .*within_9_ms\n$/);
    gate.resolve();
    await turn();
    expect(talk.hear()).toBe('');
  });

  test('timers in several steps, also of asynchronous handlers', async () => {
    const talk = new Talk({
      a: {
        on: { set: ({ n }) => ({ timers: { [n]: 5 } }), stop: ({ n }) => ({ timers: { [n]: null } }) },
        timers: {
          t: async () => ({ send: say('up'), timers: { u: 7 } }),
          u: () => ({ send: say('over'), timers: { t: 3 } }),
        },
      },
    });
    talk.hear('set t\nset u\nstop u\n');
    expect([...talk.conversation.takeTimers()!]).toEqual([
      ['t', 5],
      ['u', null],
    ]);
    talk.conversation.expire('t');
    expect(talk.conversation.isBusy).toBe(true);
    await talk.conversation.settled();
    expect(talk.hear('set t\n')).toBe('up\n');
    expect([...talk.conversation.takeTimers()!]).toEqual([
      ['u', 7],
      ['t', 5],
    ]);
    talk.conversation.expire('u');
    expect(talk.hear()).toBe('over\n');
    expect([...talk.conversation.takeTimers()!]).toEqual([['t', 3]]);
    talk.conversation.abort(new Error('x'));
    talk.hear();
    talk.conversation.expire('t');
    expect(talk.hear()).toBe('');
  });

  test('silence ends a frame whose length is not known', () => {
    const talk = new Talk({ a: { on: echo } });
    talk.hear('ech');
    talk.conversation.silence();
    expect(talk.conversation.held).toBe(0);
    expect(talk.hear('echo 1\n')).toBe('heard 1\n');
    const measured = new Conversation(protocol);
    measured.receive(Buffer.from([1]));
    measured.take();
    expect(measured.isMeasured).toBe(true);
    measured.silence();
    expect(measured.held).toBe(1);
  });
});

describe('asynchronous handlers', () => {
  test('onAnswers and settled report progress; received messages wait', async () => {
    const gates = [later<void>(), later<void>()];
    const talk = new Talk({
      a: {
        on: { ...echo, slow: ({ n }) => gates[Number(n)]!.promise.then(() => ({ send: say('done', n) })) },
      },
    });
    const { conversation } = talk;
    let calls = 0;
    conversation.onAnswers = () => calls++;
    expect(conversation.settled()).toBeUndefined();
    expect(talk.hear('slow 0\necho 1\nslow 1\n')).toBe('');
    expect(conversation).toMatchObject({ taken: 1, isBusy: true, isWorking: true, held: 14 });
    // In the middle of frames that were cut together, whatever the place.
    const third = new Talk({ a: { on: { ...echo, slow: () => gates[0]!.promise.then(() => undefined) } } });
    third.hear('echo 1\necho 2\nslow\necho 4\n');
    expect(third.conversation).toMatchObject({ taken: 3, held: 7 });
    const settled = conversation.settled();
    expect(conversation.settled()).toBe(settled);
    gates[0]!.resolve();
    await settled;
    expect(calls).toBe(1);
    expect(talk.hear()).toBe('done 0\nheard 1\n');
    expect(conversation).toMatchObject({ taken: 3, isBusy: true, held: 0 });
    conversation.leave(() => say('bye'));
    expect(talk.hear()).toBe('');
    gates[1]!.resolve();
    await conversation.settled();
    expect([calls, talk.hear()]).toEqual([2, 'done 1\nbye\n']);
    expect(conversation.settled()).toBeUndefined();
  });

  test('concurrent handlers: a waiting message, a fault and the end come after all of them', async () => {
    for (const [behind, said] of [
      ['echo 1\n', 'heard 1\n'],
      ['x\n', 'sorry no_word:_x\n'],
      ['', 'bye\n'],
    ] as const) {
      const gate = later<void>();
      const talk = new Talk({
        a: {
          on: {
            ...echo,
            slow: {
              concurrent: 'n',
              handle: ({ n }) => gate.promise.then(() => ({ send: say('done', n) })),
            },
          },
          onEnd: () => say('bye'),
        },
      });
      expect(talk.hear('slow 1\nslow 2\n')).toBe('');
      expect(talk.conversation).toMatchObject({ taken: 2, isBusy: false, isWorking: true });
      if (behind === '') talk.conversation.ended();
      expect(talk.hear(behind)).toBe('');
      expect(talk.conversation).toMatchObject({ taken: 2, isBusy: true });
      gate.resolve();
      await talk.conversation.settled();
      await turn();
      expect(talk.hear()).toBe(`done 1\ndone 2\n${said}`);
    }
  });

  test('a waiting message keeps its codec, also if a limit leads to a state with another framing', async () => {
    const talk = new Talk({
      a: {
        on: { ...echo, slow: { concurrent: 'n', handle: () => later<undefined>().promise } },
        next: ['b'],
        deadline: { within: 5, handle: () => ({ send: say('late'), next: 'b' }) },
      },
      b: { on: echo, framing: delimiter({ delimiter: ';' }) },
    });
    expect(talk.hear('slow\necho 1\necho 2;echo 3;')).toBe('');
    expect(talk.conversation).toMatchObject({ taken: 1, isBusy: true });
    talk.conversation.timeout('within');
    expect(talk.hear()).toBe('late\nheard 1\nheard 2\nheard 3\n');
    expect(talk.conversation).toMatchObject({ state: 'b', taken: 4, held: 0 });
  });

  test('a postponed message that is handled concurrently is answered without waiting for the others', async () => {
    const gates = [later<void>(), later<void>()];
    const slow = {
      concurrent: 'n',
      handle: ({ n }: Word) => gates[Number(n)]!.promise.then(() => ({ send: say('done', n) })),
    };
    const talk = new Talk({
      a: { on: { go: () => ({ next: 'b' }) }, postpone: ['slow'], next: ['b'] },
      b: { on: { slow } },
    });
    let calls = 0;
    talk.conversation.onAnswers = () => calls++;
    expect(talk.hear('slow 0\nslow 1\ngo\n')).toBe('');
    expect(talk.conversation).toMatchObject({ taken: 3, isWorking: true, isBusy: false });
    gates[1]!.resolve();
    await talk.conversation.settled();
    expect([calls, talk.hear()]).toEqual([1, 'done 1\n']);
    gates[0]!.resolve();
    await talk.conversation.settled();
    await turn();
    expect(talk.hear()).toBe('done 0\n');
    expect(talk.conversation.isWorking).toBe(false);
  });

  test.each([
    ['of the same key', { slow: 'same' }, 'slow 0\nslow 1\n'],
    ['that a state has postponed', { slow: 'alone', go: 'slow' }, 'slow 1\ngo 0\n'],
    ['that a state has postponed, concurrent', { slow: 'same', go: 'slow' }, 'slow 1\ngo 0\n'],
    ['that waited behind another postponed one', { slow: 'alone', go: 'fast' }, 'slow 0\nslow 1\ngo\n'],
  ] as const)('an answer does not wait for a later message %s', async (_, kinds, text) => {
    const gates = [later<void>(), later<void>()];
    const done = ({ n }: Word) => gates[Number(n)]!.promise.then(() => ({ send: say('done', n) }));
    const slow = kinds.slow === 'same' ? { concurrent: () => 'same', handle: done } : done;
    const go = {
      fast: () => ({ next: 'b' }),
      slow: async (word: Word) => ({ ...(await done(word)), next: 'b' }),
    };
    const states = { b: { on: { slow } } };
    const talk = new Talk(
      'go' in kinds
        ? { a: { on: { go: go[kinds.go] }, postpone: ['slow'], next: ['b'] }, ...states }
        : states,
    );
    let calls = 0;
    talk.conversation.onAnswers = () => calls++;
    expect(talk.hear(text)).toBe('');
    gates[0]!.resolve();
    for (let i = 0; i < 3; i++) await turn();
    expect(calls).toBeGreaterThan(0);
    expect(talk.hear()).toBe('done 0\n');
    expect(talk.conversation.isWorking).toBe(true);
    gates[1]!.resolve();
    for (let i = 0; i < 3; i++) await turn();
    expect(talk.hear()).toBe('done 1\n');
    expect(talk.conversation.isWorking).toBe(false);
  });

  test('the end of the session ends a lane, also while its answer is reported', async () => {
    const gate = later<void>();
    let handled = 0;
    const talk = new Talk({
      a: {
        on: {
          ...echo,
          slow: {
            concurrent: () => 'same',
            handle: ({ n }) => {
              handled++;
              return gate.promise.then(() => ({ send: say('done', n) }));
            },
          },
        },
      },
    });
    talk.conversation.onAnswers = () => talk.conversation.abort(new Error('enough'));
    expect(talk.hear('slow 0\nslow 1\n')).toBe('');
    gate.resolve();
    for (let i = 0; i < 3; i++) await turn();
    expect(talk.hear()).toBe('done 0\nsorry enough\n');
    expect(handled).toBe(1);
    expect(talk.conversation).toMatchObject({ final: true, isWorking: false });
  });

  test('also if nothing has arrived after it', () => {
    const talk = new Talk({
      a: {
        on: { ...echo, slow: { concurrent: 'n', handle: () => later<undefined>().promise } },
        next: ['b'],
        deadline: { within: 5, handle: () => ({ next: 'b' }) },
      },
      b: { on: echo, framing: delimiter({ delimiter: ';' }) },
    });
    expect(talk.hear('slow\necho 1\n')).toBe('');
    talk.conversation.timeout('within');
    expect(talk.hear()).toBe('heard 1\n');
  });

  test('a generator is advanced as its answers are taken', async () => {
    let asked = 0;
    const talk = new Talk({
      a: {
        on: {
          async *rows() {
            for (; asked < 3; asked++) yield say('row', asked);
            return { send: say('end') };
          },
        },
      },
    });
    expect(talk.hear('rows\n')).toBe('');
    for (const [count, said] of [
      [0, 'row 0\n'],
      [1, 'row 1\n'],
      [2, 'row 2\n'],
      [3, 'end\n'],
    ] as const) {
      await talk.conversation.settled();
      expect(asked).toBe(count);
      expect(talk.hear()).toBe(said);
    }
    expect(talk.conversation.isWorking).toBe(false);
  });
});

describe('an upgrade', () => {
  const upgrades = { a: { on: { ...echo, tls: () => ({ send: say('go'), upgrade: 'tls' }) } } };

  test('the bytes after it go to the next owner unread, then and later', () => {
    const talk = new Talk(upgrades);
    expect(talk.conversation.upgrade).toBeUndefined();
    expect(talk.hear('echo 1\ntls\necho 2\nec')).toBe('heard 1\ngo\n');
    expect(talk.conversation.upgrade).toEqual({ name: 'tls', unread: Buffer.from('echo 2\nec') });
    expect(talk.hear('ho 3\n')).toBe('');
    expect(talk.conversation.upgrade!.unread.toString()).toBe('echo 2\necho 3\n');
    expect(talk.conversation).toMatchObject({ taken: 2, final: false, isPaused: false, deadline: undefined });
    talk.conversation.leave(() => say('bye'));
    expect(talk.hear()).toBe('');
    talk.conversation.abort(new Error('no TLS'));
    expect(talk.hear()).toBe('sorry no_TLS\n');
    expect(talk.conversation).toMatchObject({ final: true, upgrade: undefined });
  });

  test('what is held: the bytes for the next owner; none at the end, whatever has come', () => {
    const over = {
      a: { on: { quit: () => ({ send: say('bye'), next: 'b' }) }, next: ['b'] },
      b: { final: true },
    };
    for (const input of ['quit\nec', 'quit\nx\nec', 'quit\necho 1\nec', 'quit\n'])
      for (const cut of [0, 3, 5, input.length]) {
        const { conversation } = new Talk(over);
        for (const part of [input.slice(0, cut), input.slice(cut), 'more']) {
          conversation.receive(Buffer.from(part));
          conversation.take();
          conversation.take();
        }
        expect([conversation.final, conversation.error, conversation.held]).toEqual([true, undefined, 0]);
      }
    const talk = new Talk(upgrades);
    talk.hear('ec');
    expect(talk.conversation.held).toBe(2);
    talk.hear('ho 1\ntls\nx\nec');
    expect(talk.conversation.held).toBe(4);
    talk.hear('ho 2\n');
    expect(talk.conversation.held).toBe(9);
    talk.conversation.abort(new Error('no TLS'));
    talk.hear('more\n');
    expect(talk.conversation.held).toBe(0);
    const aborted = new Talk(upgrades);
    aborted.hear('ec');
    aborted.conversation.abort(new Error('enough'));
    aborted.hear('ho');
    expect(aborted.conversation.held).toBe(0);
  });

  test('no bytes after it', () => {
    const talk = new Talk(upgrades);
    expect(talk.hear('tls\n')).toBe('go\n');
    expect(talk.conversation.upgrade).toEqual({ name: 'tls', unread: Buffer.alloc(0) });
  });
});

test('after an answer that cannot be written no functions are called', () => {
  const calls: string[] = [];
  const conversation = new Conversation(
    defineProtocol({
      name: 'test',
      framing,
      clientMessages: commands,
      serverMessages: answers,
      session: defineSession({
        receives: commands,
        sends: answers,
        initial: 'open',
        states: {
          open: {
            on: {
              spoil: () => ({ send: { type: 'number', n: 256 }, timers: { t: 5 } }),
              wait: () => undefined,
            },
            timers: { t: () => void calls.push('timer') },
            onEnd: () => void calls.push('end'),
          },
        },
        farewell: () => {
          calls.push('farewell');
          return { type: 'number', n: 1 };
        },
      }),
    }),
  );
  conversation.receive(Buffer.from([1, 1]));
  expect(conversation.take()).toBeUndefined();
  conversation.expire('t');
  conversation.abort(new Error('x'));
  conversation.leave(() => void calls.push('leave'));
  conversation.ended();
  expect(conversation.take()).toBeUndefined();
  expect([calls, conversation.unsent]).toEqual([[], 0]);
  expect(conversation.error).toMatchObject({ code: 'ERR_FIELD_RANGE' });
});

test('after an answer that cannot be written nothing is sent or handled', () => {
  const conversation = new Conversation(protocol);
  // length 1 · spoil
  conversation.receive(Buffer.from([1, 1]));
  expect(conversation.take()).toBeUndefined();
  const { error } = conversation;
  expect(() => conversation.send({ type: 'number', n: 1 })).toThrow(
    expect.objectContaining({
      code: 'ERR_STATE_CLOSED',
      origin: 'local',
      state: 'open',
      cause: error,
      message: 'nothing can be sent: an answer before it could not be written',
    }),
  );
  conversation.receive(Buffer.from([1, 2]));
  expect(conversation.take()).toBeUndefined();
  expect(conversation).toMatchObject({ taken: 1, held: 0, unsent: 0, isBusy: false, deadline: undefined });
});

test('answers are in memory of their own, or in reused memory if the system writes them', () => {
  const talk = new Talk({ a: { on: echo } });
  talk.conversation.receive(Buffer.from('echo 1\n'));
  const own = talk.conversation.take()!;
  expect(own.buffer.byteLength).toBe(own.length);
  const take = (word: string): Buffer => {
    talk.conversation.receive(Buffer.from(`echo ${word}\n`));
    const bytes = talk.conversation.take(true)!;
    expect(bytes.toString()).toBe(`heard ${word}\n`);
    talk.conversation.given(true);
    return bytes;
  };
  const long = 'o'.repeat(5_000);
  take(long);
  expect(take(long).buffer).toBe(take(long).buffer);
  // A short one leaves in memory of its own length.
  expect(take('1').buffer.byteLength).toBe(8);
});
