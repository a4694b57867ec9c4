import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import {
  type Codec,
  cobs,
  defineProtocol,
  defineSession,
  type Framing,
  type Infer,
  lengthPrefix,
  line,
  message,
  messages,
  slip,
  u8,
  utf8,
} from '../../src/index.ts';
import { FACES, type Outcome } from './faces.ts';

const requests = messages(u8, {
  /** Answered at once. */
  say: message(1, { n: u8 }),
  /** Answered after a turn of the event loop. */
  wait: message(2, { n: u8 }),
  /** The handler throws. */
  fail: message(3),
  /** The handler rejects. */
  reject: message(4),
  /** Answered, and over. */
  bye: message(5),
  /** Not taken in any state. */
  odd: message(6),
  /** Answered by that many messages. */
  many: message(7, { n: u8 }),
  /** To the other state, without an answer. */
  flip: message(8),
  /** Answered by what the codec refuses. */
  refused: message(9),
});
const replies = messages(u8, {
  heard: message(1, { n: u8 }),
  sorry: message(2, { why: utf8(u8) }),
  ended: message(3),
});
type Request = Parameters<typeof requests.encode>[0];
type Reply = Parameters<typeof replies.encode>[0];

const heard = (n: number): Reply => ({ type: 'heard', n });

/** Handlers that answer at once, or (except for `wait`, which always waits) in the next turn. */
function protocolOf(framing: Framing, isAsync: boolean) {
  const answer = <Answer>(make: () => Answer): Answer =>
    (isAsync ? turn().then(make) : make()) as unknown as Answer;
  const on = {
    say: ({ n }: { n: number }) => answer(() => ({ send: heard(n) })),
    wait: async ({ n }: { n: number }) => {
      await turn();
      return { send: [heard(n), heard(n)] };
    },
    fail: () =>
      answer(() => {
        throw new Error('as asked');
      }),
    reject: () => Promise.reject(new Error('as asked')),
    bye: () => answer(() => ({ send: { type: 'ended' as const }, next: 'over' as const })),
    many: ({ n }: { n: number }) => answer(() => ({ send: Array.from({ length: n }, (_, i) => heard(i)) })),
    refused: () => answer(() => ({ send: [heard(1), heard(256), heard(2)] })),
  };
  return defineProtocol({
    name: 'conformance',
    framing,
    clientMessages: requests,
    serverMessages: replies,
    session: defineSession({
      receives: requests,
      sends: replies,
      initial: 'left',
      farewell: (error) => ({ type: 'sorry' as const, why: error.message.slice(0, 60) }),
      states: {
        left: {
          on: { ...on, flip: () => answer(() => ({ next: 'right' as const })) },
          next: ['right', 'over'],
          onEnter: () => heard(255),
        },
        right: {
          on: { ...on, flip: () => answer(() => ({ next: 'left' as const })) },
          next: ['left', 'over'],
          onEnd: () => ({ type: 'ended' as const }),
        },
        over: { final: true },
      },
    }),
  });
}

function framed(framing: Framing, payload: Uint8Array): Buffer {
  const writer = framing.writer();
  const frame = Buffer.alloc(writer.bound(payload.length));
  return frame.subarray(0, writer.write(frame, 0, payload, 0, payload.length));
}

const FRAMINGS: Record<string, Framing> = {
  'a length prefix': lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', maxFrameLength: 100 }),
  COBS: cobs({ maxFrameLength: 100 }),
};

const VECTORS: Record<string, readonly (Request | Buffer)[]> = {
  nothing: [],
  'one message': [{ type: 'say', n: 7 }],
  'one that takes its time, between others': [
    { type: 'say', n: 1 },
    { type: 'wait', n: 2 },
    { type: 'say', n: 3 },
  ],
  'more answers than a write holds': Array.from({ length: 20 }, () => ({ type: 'many' as const, n: 255 })),
  'an end in a state that says something of it': [{ type: 'flip' }],
  'a last message, and others behind it': [{ type: 'bye' }, { type: 'say', n: 1 }, { type: 'odd' }],
  'one that the state does not take': [{ type: 'say', n: 1 }, { type: 'odd' }, { type: 'say', n: 2 }],
  'a handler that throws': [{ type: 'say', n: 1 }, { type: 'fail' }, { type: 'say', n: 2 }],
  'a handler that rejects': [{ type: 'wait', n: 1 }, { type: 'reject' }, { type: 'wait', n: 2 }],
  'an answer that the codec refuses': [{ type: 'say', n: 9 }, { type: 'refused' }, { type: 'say', n: 2 }],
  'an unknown message': [{ type: 'say', n: 1 }, Buffer.from([0x7f]), { type: 'say', n: 2 }],
  'a message too short': [{ type: 'wait', n: 1 }, Buffer.from([1]), { type: 'say', n: 2 }],
  'an empty frame': [{ type: 'say', n: 1 }, Buffer.alloc(0), { type: 'say', n: 2 }],
};

function bytesOf(framing: Framing, items: readonly (Request | Buffer)[]): Buffer {
  return Buffer.concat(
    items.map((item) => framed(framing, Buffer.isBuffer(item) ? item : requests.encode(item))),
  );
}

/** Whole, byte by byte, and at some splits. */
function cuts(bytes: Buffer): Buffer[][] {
  const ways = [[bytes], Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))];
  const step = Math.max(1, Math.floor(bytes.length / 8));
  for (let at = 1; at < bytes.length; at += step) ways.push([bytes.subarray(0, at), bytes.subarray(at)]);
  return ways;
}

for (const [name, framing] of Object.entries(FRAMINGS)) {
  describe.each([
    ['handlers that answer at once', false],
    ['handlers that answer later', true],
  ])(`${name}, %s: every face gives the same bytes and the same error`, (_, isAsync) => {
    const protocol = protocolOf(framing, isAsync);

    test.each(Object.entries(VECTORS))('%s', async (_, items) => {
      const whole = bytesOf(framing, items);
      // And an end inside of a frame.
      for (const bytes of [whole, whole.subarray(0, -1)]) {
        let expected: Outcome | undefined;
        for (const [face, run] of Object.entries(FACES)) {
          for (const chunks of face === 'createServer' ? [[bytes]] : cuts(bytes)) {
            const got = await run(protocol, chunks);
            expected ??= got;
            expect(got, `${face}, ${chunks.length} chunks`).toEqual(expected);
          }
        }
      }
    });
  });
}

const item = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      type: fc.constantFrom('say' as const, 'wait' as const, 'many' as const),
      n: fc.nat(255),
    }),
  },
  { weight: 6, arbitrary: fc.constant<Request>({ type: 'flip' }) },
  fc.record({ type: fc.constantFrom('fail', 'reject', 'bye', 'odd', 'refused') }) as fc.Arbitrary<Request>,
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
);

test('random conversations, cut anywhere: every face gives the same bytes and the same error', async () => {
  const framings = [...Object.values(FRAMINGS), line({ maxFrameLength: 100 })];
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 30 }),
      fc.nat(framings.length - 1),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(200), { nil: undefined }),
      fc.nat(9),
      async (items, which, isAsync, lengths, broken, served) => {
        const framing = framings[which]!;
        const protocol = protocolOf(framing, isAsync);
        let bytes: Buffer;
        try {
          bytes = bytesOf(framing, items);
        } catch {
          // A line does not hold a line end.
          return;
        }
        if (broken !== undefined && broken < bytes.length) bytes[broken]! ^= 0xff;
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += chunks.at(-1)!.length) {
          chunks.push(bytes.subarray(at, at + lengths[chunks.length % lengths.length]!));
        }
        const { createServer, ...inMemory } = FACES;
        // A real server now and then: it takes as long as all others together.
        const faces = served === 0 ? { ...inMemory, createServer } : inMemory;
        let expected: Outcome | undefined;
        for (const [face, run] of Object.entries(faces)) {
          const got = await run!(protocol, chunks);
          expected ??= got;
          expect(got, face).toEqual(expected);
        }
      },
    ),
    { numRuns: 150 },
  );
}, 120_000);

test('the drone, over every face', async () => {
  const commands = Buffer.concat(
    [
      { type: 'move', x: 1, y: 2 } as const,
      { type: 'write', text: 'HELLO' } as const,
      { type: 'move', x: -1, y: 2 } as const,
      { type: 'changeColor', r: 1, g: 2, b: 3 } as const,
      { type: 'quit' } as const,
      { type: 'move', x: 5, y: 5 } as const,
    ].map((command) => framed(drone.framing, drone.clientMessages.encode(command))),
  );
  const outcomes = [];
  for (const run of Object.values(FACES)) outcomes.push(await run(drone, [commands]));
  for (const got of outcomes) expect(got).toEqual(outcomes[0]);
  expect(Buffer.from(outcomes[0]!.bytes, 'hex').toString('latin1')).toContain('MOVING_TO(-1, 2)');
});

describe('framings and codecs that change with the state', () => {
  const texts = messages(u8, { say: message(1, { n: u8 }), flip: message(2), odd: message(3) });
  const short = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 40 });
  const framings = { left: line({ maxFrameLength: 40 }), right: short, far: cobs({ maxFrameLength: 40 }) };
  type State = keyof typeof framings;
  type Text = Infer<typeof texts>;
  const next = { left: 'right', right: 'far', far: 'left' } as const;

  /** In each state the tags are other ones, and so is the framing; in `far` only of what comes. */
  const tagged = (by: number): Codec<Text> => ({
    decode: (bytes, start = 0, end = bytes.length) => {
      const own = Buffer.from(bytes.subarray(start, end));
      if (own.length > 0) own[0]! -= by;
      return texts.decode(own);
    },
    encode: (message) => {
      const own = Buffer.from(texts.encode(message));
      own[0]! += by;
      return own;
    },
  });
  const codecs = { left: tagged(0x40), right: tagged(0x50), far: tagged(0x60) };
  const spoken = tagged(0x70);

  const protocolOf = (isAsync: boolean) => {
    const answer = <Answer>(make: () => Answer): Answer =>
      (isAsync ? turn().then(make) : make()) as unknown as Answer;
    const state = (name: State) => ({
      framing: name === 'far' ? () => framings.far : { reads: framings[name], writes: framings[next[name]] },
      receives: codecs[name],
      ...(name === 'right' && { sends: () => spoken }),
      on: {
        say: ({ n }: { n: number }) => answer(() => ({ send: { type: 'say', n } })),
        flip: () => answer(() => ({ send: { type: 'flip' }, next: next[name] })),
      },
      onEnter: () => ({ type: 'say', n: 65 + name.length }),
      next: [next[name]],
    });
    return defineProtocol({
      name: 'changing',
      framing: { reads: slip(), writes: short },
      preface: { client: 'hello', server: 'HELLO' },
      clientMessages: texts,
      serverMessages: texts,
      session: defineSession({
        receives: texts,
        sends: texts,
        initial: 'left',
        farewell: () => ({ type: 'odd' as const }),
        states: { left: state('left'), right: state('right'), far: state('far') },
      }),
    });
  };

  const bytesFor = (script: readonly ('say' | 'flip' | 'odd')[]): Buffer => {
    let at: State = 'left';
    const frames = script.map((type, n) => {
      const payload = codecs[at].encode(type === 'say' ? { type, n: 33 + n } : { type });
      const bytes = framed(framings[at], payload);
      if (type === 'flip') at = next[at];
      return bytes;
    });
    return Buffer.concat([Buffer.from('hello'), ...frames]);
  };

  test.each([
    ['handlers that answer at once', false],
    ['handlers that answer later', true],
  ])('%s: every face gives the same bytes and the same error', async (_, isAsync) => {
    const scripts = [
      bytesFor([]),
      bytesFor(['say', 'flip', 'say', 'say', 'flip', 'say', 'flip', 'flip', 'say', 'say']),
      bytesFor(['flip', 'flip', 'say', 'odd', 'say']),
      bytesFor(['say', 'flip', 'say']).subarray(0, -1),
      Buffer.from('hel'),
      Buffer.from('help, and what follows'),
      Buffer.concat([bytesFor(['say', 'flip', 'flip', 'say']), Buffer.from([9, 9, 9, 0])]),
    ];
    for (const bytes of scripts) {
      let expected: Outcome | undefined;
      for (const [face, run] of Object.entries(FACES)) {
        for (const chunks of face === 'createServer' ? [[bytes]] : cuts(bytes)) {
          const got = await run(protocolOf(isAsync), chunks);
          expected ??= got;
          expect(got, `${face}, ${chunks.length} chunks of ${bytes.toString('latin1')}`).toEqual(expected);
        }
      }
    }
    const [{ bytes }] = await Promise.all([
      FACES['a Conversation']!(protocolOf(isAsync), [bytesFor(['say', 'flip', 'say', 'flip', 'say'])]),
    ]);
    // HELLO, what left says in right's framing, what right says with its own codec in far's, what far says in the protocol's.
    expect(Buffer.from(bytes, 'hex').toString('latin1')).toBe(
      'HELLO\x02\x01E\x02\x01!\x01\x02\x03qF\0\x03q#\0\x02r\0\x02\x01D\x02\x01%',
    );
  });

  test('whatever the script and the cuts', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('say' as const, 'say' as const, 'flip' as const), { maxLength: 20 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (script, size, isAsync) => {
          const bytes = bytesFor(script);
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          );
          const { createServer: _, ...faces } = FACES;
          const [first, ...others] = await Promise.all(
            Object.values(faces).map((face) => face!(protocolOf(isAsync), chunks)),
          );
          for (const other of others) expect(other).toEqual(first);
        },
      ),
      { numRuns: 60 },
    ));
});

describe('messages that wait, stream their answers, and work beside each other', () => {
  /** `flip` leads to the state that takes what was postponed; `many` streams; `wait` works by number. */
  const session = defineSession({
    receives: requests,
    sends: replies,
    initial: 'a',
    farewell: () => ({ type: 'ended' }),
    states: {
      a: { on: { flip: () => ({ next: 'b' }) }, postpone: ['say', 'many'], next: ['b'] },
      b: {
        on: {
          flip: () => ({ next: 'a' }),
          say: ({ n }) => ({ send: heard(n) }),
          async *many({ n }) {
            for (let i = 0; i < n; i++) {
              if (i % 2 === 1) await turn();
              yield heard(i);
            }
            return { send: heard(200) };
          },
          wait: {
            concurrent: 'n',
            handle: async ({ n }) => {
              await turn();
              return { send: heard(n) };
            },
          },
          fail: () => {
            throw new Error('no');
          },
        },
        next: ['a'],
      },
    },
  });
  const framing = lengthPrefix({ lengthFieldLength: 1 });
  const protocol = defineProtocol({
    name: 'c',
    framing,
    clientMessages: requests,
    serverMessages: replies,
    session,
  });
  const stream = (script: readonly Request[]): Buffer =>
    Buffer.concat(
      script.map((message) => {
        const payload = requests.encode(message);
        return Buffer.concat([Buffer.of(payload.length), payload]);
      }),
    );
  const numbers = (bytes: string): number[] =>
    [...bytes.matchAll(/0201(..)/g)].map(([, n]) => Number.parseInt(n!, 16));

  test.each(Object.entries(FACES))('%s', async (_, face) => {
    const script: Request[] = [
      { type: 'say', n: 1 },
      { type: 'many', n: 3 },
      { type: 'flip' },
      { type: 'wait', n: 7 },
      { type: 'wait', n: 7 },
      { type: 'say', n: 9 },
      { type: 'flip' },
      { type: 'say', n: 10 },
      { type: 'flip' },
      { type: 'wait', n: 8 },
      { type: 'odd' },
    ];
    const bytes = stream(script);
    for (const chunks of [[bytes], [...bytes].map((byte) => Buffer.of(byte))]) {
      const outcome = await face(protocol, chunks);
      expect(numbers(outcome.bytes)).toEqual([1, 0, 1, 2, 200, 7, 7, 9, 10, 8]);
      expect(outcome.bytes.endsWith('0103')).toBe(true);
      expect(outcome.code).toBe('ERR_STATE_UNEXPECTED');
    }
  });

  test('whatever the script: the same bytes and the same error', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ type: fc.constantFrom('say' as const, 'many' as const), n: fc.nat(3) }),
            // One key: so the order of the answers is settled.
            fc.constantFrom<Request>(
              { type: 'flip' },
              { type: 'flip' },
              { type: 'wait', n: 7 },
              { type: 'fail' },
            ),
          ),
          { maxLength: 20 },
        ),
        fc.integer({ min: 1, max: 40 }),
        async (script, size) => {
          const bytes = stream(script);
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          );
          const [first, ...others] = await Promise.all(
            Object.values(FACES).map((face) => face(protocol, chunks)),
          );
          for (const other of others) expect(other).toEqual(first);
        },
      ),
      { numRuns: 40 },
    ));
});
