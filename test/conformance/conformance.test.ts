import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import { type Framing, line } from '../../src/index.ts';
import { type AnyProtocol, closeServers, cuts, FACES, type Outcome, type Script } from './faces.ts';
import {
  FRAMINGS,
  framed,
  type Items,
  type Life,
  protocolOf,
  type Request,
  said,
  scriptOf,
} from './session.ts';

/** What a peer does; what it receives, the greeting left out; and the error's code. */
type Vector = readonly [name: string, items: Items, receives: string, code?: string];

const hundred = Array.from({ length: 100 }, (_, i) => i).join(' ');

const VECTORS: readonly Vector[] = [
  ['nothing', [], ''],
  ['one message', [{ type: 'say', n: 7 }], '7'],
  [
    'one that takes its time, between others',
    [
      { type: 'say', n: 1 },
      { type: 'wait', n: 2 },
      { type: 'say', n: 3 },
    ],
    '1 2 2 3',
  ],
  ['an end in a state that says something of it', [{ type: 'flip' }], 'ended'],
  [
    'a last message, and others behind it',
    [{ type: 'bye' }, { type: 'say', n: 1 }, { type: 'odd' }],
    'ended',
  ],
  [
    'one that the state does not take',
    [{ type: 'say', n: 1 }, { type: 'odd' }, { type: 'say', n: 2 }],
    '1 sorry',
    'ERR_STATE_UNEXPECTED',
  ],
  [
    'a handler that throws',
    [{ type: 'say', n: 1 }, { type: 'fail' }, { type: 'say', n: 2 }],
    '1 sorry',
    'ERR_HANDLER',
  ],
  [
    'a handler that rejects',
    [{ type: 'wait', n: 1 }, { type: 'reject' }, { type: 'wait', n: 2 }],
    '1 1 sorry',
    'ERR_HANDLER',
  ],
  [
    'a handler that returns an iterable',
    [{ type: 'say', n: 1 }, { type: 'iterates' }, { type: 'say', n: 2 }],
    '1 sorry',
    'ERR_HANDLER',
  ],
  [
    'an answer that the codec refuses',
    [{ type: 'say', n: 9 }, { type: 'refused' }, { type: 'say', n: 2 }],
    '9 1',
    'ERR_FIELD_RANGE',
  ],
  [
    'an unknown message',
    [{ type: 'say', n: 1 }, Buffer.from([0x7f]), { type: 'say', n: 2 }],
    '1 sorry',
    'ERR_MESSAGE_UNKNOWN',
  ],
  [
    'a message too short',
    [{ type: 'wait', n: 1 }, Buffer.from([1]), { type: 'say', n: 2 }],
    '1 1 sorry',
    'ERR_MESSAGE_SHORT',
  ],
  [
    'an empty frame',
    [{ type: 'say', n: 1 }, Buffer.alloc(0), { type: 'say', n: 2 }],
    '1 sorry',
    'ERR_MESSAGE_EMPTY',
  ],

  // Generators.
  [
    'answers as they come',
    [
      { type: 'stream', n: 3 },
      { type: 'say', n: 9 },
    ],
    '0 1 2 200 9',
  ],
  ['a generator that yields nothing', [{ type: 'stream', n: 0 }], '200'],
  [
    'two generators, one behind the other',
    [
      { type: 'stream', n: 2 },
      { type: 'stream', n: 1 },
    ],
    '0 1 200 0 200',
  ],
  [
    'a generator that throws behind its answers',
    [
      { type: 'breaks', n: 2 },
      { type: 'say', n: 9 },
    ],
    '0 1 sorry',
    'ERR_HANDLER',
  ],
  [
    'a generator whose answer the codec refuses',
    [{ type: 'garbles' }, { type: 'say', n: 9 }],
    '1',
    'ERR_FIELD_RANGE',
  ],
  ['a generator that leads to another state', [{ type: 'moves' }, { type: 'later', n: 3 }], '1 2 3 ended'],

  // Rows that work beside each other.
  [
    'two keys, of which the second is answered first',
    [
      { type: 'hold', n: 1 },
      { type: 'hold', n: 2 },
      { type: 'free' },
      { type: 'free' },
      { type: 'say', n: 3 },
    ],
    '1 2 3',
  ],
  [
    'one key: the second begins when the first is answered',
    [{ type: 'hold', n: 1 }, { type: 'hold', n: 1 }, { type: 'free' }, { type: 'free' }],
    '1 1',
  ],
  [
    'a concurrent handler that fails, while another is at work',
    [{ type: 'holds', n: 1 }, { type: 'hold', n: 2 }, { type: 'free' }],
    'sorry',
    'ERR_HANDLER',
  ],
  [
    'a concurrent handler that fails, and no message behind it',
    [{ type: 'holds', n: 1 }, { type: 'free' }, Buffer.alloc(0)],
    'sorry',
    'ERR_HANDLER',
  ],

  // Messages that wait for another state.
  [
    'postponed messages, in their order and before those behind them',
    [
      { type: 'later', n: 1 },
      { type: 'say', n: 2 },
      { type: 'later', n: 3 },
      { type: 'flip' },
      { type: 'say', n: 4 },
    ],
    '2 1 3 4 ended',
  ],
  ['a postponed message that no state takes before the end', [{ type: 'later', n: 1 }], ''],
  [
    'one that leads back while others wait',
    [{ type: 'later', n: 1 }, { type: 'short' }, { type: 'later', n: 2 }, { type: 'flip' }],
    '255 2 ended',
  ],
];

/** Not for every split: long. */
const LONG: readonly Vector[] = [
  [
    'more answers than a write holds',
    Array.from({ length: 20 }, () => ({ type: 'many' as const, n: 100 })),
    Array(20).fill(hundred).join(' '),
  ],
  [
    'more messages than may wait',
    Array.from({ length: 70 }, (_, n) => ({ type: 'later' as const, n })),
    'sorry',
    'ERR_STATE_UNEXPECTED',
  ],
  [
    'more concurrent messages than may be at work',
    [
      ...Array.from({ length: 63 }, (_, n) => ({ type: 'hold' as const, n })),
      ...Array.from({ length: 63 }, () => ({ type: 'free' as const })),
      { type: 'say', n: 99 },
    ],
    `${Array.from({ length: 63 }, (_, n) => n).join(' ')} 99`,
  ],
];

/** Where time passes. The greeting is one of the answers that are waited for. */
const TIMED: readonly Vector[] = [
  [
    'a timer that runs out between messages',
    [
      { type: 'start', n: 2 },
      { answers: 2, seconds: 2 },
      { type: 'say', n: 9 },
    ],
    '2 201 9',
  ],
  [
    'a timer that has not run out',
    [
      { type: 'start', n: 2 },
      { answers: 2, seconds: 1 },
      { type: 'say', n: 9 },
    ],
    '2 9',
  ],
  [
    'a timer that is started anew',
    [
      { type: 'start', n: 2 },
      { answers: 2, seconds: 1 },
      { type: 'start', n: 2 },
      { answers: 3, seconds: 1 },
      { type: 'say', n: 9 },
      { answers: 4, seconds: 1 },
    ],
    '2 2 9 201',
  ],
  [
    'a timer that is cancelled',
    [{ type: 'start', n: 1 }, { type: 'tock', n: 1 }, { type: 'cancel' }, { answers: 4, seconds: 5 }],
    '1 1 0',
  ],
  [
    'two timers, the later one started first',
    [
      { type: 'tock', n: 3 },
      { type: 'start', n: 1 },
      { answers: 3, seconds: 5 },
    ],
    '3 1 201 202 ended',
  ],
  [
    'a timer that its state takes with it',
    [
      { type: 'start', n: 2 },
      { type: 'tock', n: 3 },
      { type: 'flip' },
      { type: 'say', n: 9 },
      { answers: 4, seconds: 2 },
    ],
    '2 3 9 ended',
  ],
  [
    'a timer that leads to what was postponed',
    [
      { type: 'later', n: 5 },
      { type: 'tock', n: 1 },
      { answers: 2, seconds: 1 },
    ],
    '1 202 5 ended',
  ],
  [
    'a stay that is too long, handled once and fatal then',
    [
      { type: 'short' },
      { type: 'say', n: 1 },
      { answers: 2, seconds: 1 },
      { type: 'say', n: 2 },
      { answers: 4, seconds: 1 },
    ],
    '1 203 2 sorry',
    'ERR_HANDLER',
  ],
  [
    'a silence that is too long',
    [
      { type: 'silent' },
      { type: 'say', n: 1 },
      { answers: 2, seconds: 0.6 },
      { type: 'say', n: 2 },
      { answers: 3, seconds: 0.6 },
      { type: 'say', n: 3 },
      { answers: 4, seconds: 1 },
    ],
    '1 2 3 sorry',
    'ERR_TIMEOUT_IDLE',
  ],
];

const MODES: readonly [string, boolean][] = [
  ['handlers that answer at once', false],
  ['handlers that answer later', true],
];

/** How many connections are open to a server at a time. */
const AT_ONCE = 25;

/** Each face's outcome of each script; those without pauses run beside each other. */
async function runAll(
  protocol: AnyProtocol,
  scripts: readonly { name: string; script: Script }[],
  check: (got: Outcome, where: string) => void,
): Promise<void> {
  const isTimed = scripts.some(({ script }) => script.some((step) => !Buffer.isBuffer(step)));
  for (const [face, run] of Object.entries(FACES)) {
    for (let from = 0; from < scripts.length; from += isTimed ? 1 : AT_ONCE) {
      await Promise.all(
        scripts.slice(from, from + (isTimed ? 1 : AT_ONCE)).map(async ({ name, script }) => {
          check(await run(protocol, script), `${face}, ${name}`);
        }),
      );
    }
  }
}

/** Every face and every way of cutting gives what the vector says, and the same error. */
async function conform(framing: Framing, protocol: AnyProtocol, vector: Vector, random?: number) {
  const [, items, receives, code] = vector;
  const script = scriptOf(framing, items);
  let expected: Outcome | undefined;
  await runAll(protocol, [...cuts(script, random)], (got, where) => {
    expected ??= got;
    expect(got, where).toEqual(expected);
  });
  expect([said(framing, expected!.bytes), expected!.code]).toEqual([receives, code]);
}

/** The same, of what a peer sends that ends inside its last frame. */
async function conformCutShort(framing: Framing, protocol: AnyProtocol, [, items]: Vector) {
  const script = scriptOf(framing, items);
  const last = script.at(-1);
  // What is held would be held for ever.
  if (!Buffer.isBuffer(last) || items.some((item) => 'type' in item && item.type === 'free')) return;
  let expected: Outcome | undefined;
  await runAll(protocol, [...cuts([...script.slice(0, -1), last.subarray(0, -1)], 1)], (got, where) => {
    expected ??= got;
    expect(got, where).toEqual(expected);
  });
}

afterEach(closeServers);

for (const [name, framing] of Object.entries(FRAMINGS)) {
  describe.each(MODES)(
    `${name}, %s: every face and every chunking gives these bytes and this error`,
    (_, isAsync) => {
      const protocol = protocolOf(framing, isAsync);

      test.each(VECTORS.map((vector) => [vector[0], vector] as const))('%s', async (_, vector) => {
        await conform(framing, protocol, vector);
        await conformCutShort(framing, protocol, vector);
      });

      test.each(TIMED.map((vector) => [vector[0], vector] as const))('%s', async (_, vector) => {
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
        try {
          await conform(framing, protocol, vector, 2);
        } finally {
          vi.useRealTimers();
        }
      });
    },
  );
}

test.each(LONG.map((vector) => [vector[0], vector] as const))(
  '%s: every face and some chunkings',
  async (_, [, items, receives, code]) => {
    for (const framing of Object.values(FRAMINGS)) {
      const script = scriptOf(framing, items);
      const ways = [...cuts(script)].filter(({ name }, i) => !name.startsWith('split') || i % 20 === 0);
      let expected: Outcome | undefined;
      await runAll(protocolOf(framing, false), ways, (got, where) => {
        expected ??= got;
        expect(got, where).toEqual(expected);
      });
      expect([said(framing, expected!.bytes), expected!.code]).toEqual([receives, code]);
    }
  },
);

test.each<[string, Items, Life['fails'], string[]]>([
  ['in peace', [{ type: 'say', n: 1 }], undefined, ['made', 'disposed of object: in peace']],
  ['in a final state', [{ type: 'bye' }], undefined, ['made', 'disposed of object: in peace']],
  [
    'in a fault',
    [{ type: 'fail' }, { type: 'say', n: 1 }],
    undefined,
    ['made', "disposed of object: the handler of 'fail' in state 'left' failed: as asked"],
  ],
  ['in a context that cannot be made', [{ type: 'say', n: 1 }], 'context', ['made']],
  ['in a dispose that fails', [{ type: 'say', n: 1 }], 'dispose', ['made', 'disposed of object: in peace']],
])('each context is disposed once, on every face: %s', async (_, items, fails, lines) => {
  const framing = FRAMINGS['a length prefix']!;
  const outcomes: Outcome[] = [];
  for (const [face, run] of Object.entries(FACES)) {
    for (const isAsync of [false, true]) {
      const life: Life = { log: [], ...(fails !== undefined && { fails }) };
      outcomes.push(await run(protocolOf(framing, isAsync, life), scriptOf(framing, items)));
      expect(life.log, face).toEqual(lines);
    }
  }
  for (const got of outcomes) expect(got.bytes).toBe(outcomes[0]!.bytes);
  if (fails === 'context') for (const { code } of outcomes) expect(code).toBe('ERR_HANDLER');
});

/** A message, a payload that may be none, or some that work beside each other until `free` comes. */
const item: fc.Arbitrary<Items> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc
      .record({
        type: fc.constantFrom<'say'>(
          ...(['say', 'wait', 'many', 'stream', 'later', 'start', 'tock'] as 'say'[]),
        ),
        n: fc.integer({ min: 1, max: 50 }),
      })
      .map((request) => [request]),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom<Items>(
      [{ type: 'flip' }],
      [{ type: 'moves' }],
      [{ type: 'cancel' }],
      [{ type: 'breaks', n: 2 }],
      [{ type: 'hold', n: 1 }, { type: 'free' }],
      [{ type: 'hold', n: 1 }, { type: 'hold', n: 2 }, { type: 'free' }, { type: 'free' }],
      [{ type: 'hold', n: 1 }, { type: 'hold', n: 1 }, { type: 'free' }, { type: 'free' }],
      [{ type: 'holds', n: 3 }, { type: 'free' }],
    ),
  },
  fc
    .constantFrom<Request>(
      { type: 'fail' },
      { type: 'reject' },
      { type: 'bye' },
      { type: 'odd' },
      { type: 'refused' },
      { type: 'garbles' },
      { type: 'short' },
      { type: 'silent' },
    )
    .map((request) => [request]),
  // Not one that is held for ever.
  fc
    .uint8Array({ maxLength: 4 })
    .filter(([tag]) => tag !== 14 && tag !== 16)
    .map((bytes) => [Buffer.from(bytes)]),
);
const isHeld = (item: Items[number]): boolean => 'type' in item && /^(holds?|free)$/.test(item.type);

test('random conversations, cut anywhere: every face gives the same bytes and the same error', async () => {
  const framings = [...Object.values(FRAMINGS), line({ maxFrameLength: 100 })];
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 30 }).map((groups) => groups.flat()),
      fc.nat(framings.length - 1),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(200), { nil: undefined }),
      fc.nat(9),
      async (drawn, which, isAsync, lengths, broken, served) => {
        // A broken `free` would hold for ever what waits for it.
        const items = broken === undefined ? drawn : drawn.filter((item) => !isHeld(item));
        const framing = framings[which]!;
        let bytes: Buffer;
        try {
          bytes = Buffer.concat(scriptOf(framing, items) as Buffer[]);
        } catch {
          // A line does not hold a line end.
          return;
        }
        if (broken !== undefined && broken < bytes.length) bytes[broken]! ^= 0xff;
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += chunks.at(-1)!.length) {
          chunks.push(bytes.subarray(at, at + lengths[chunks.length % lengths.length]!));
        }
        const protocol = protocolOf(framing, isAsync);
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

test('the drone protocol over every face', async () => {
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
  const outcomes: Outcome[] = [];
  await runAll(drone, [...cuts([commands])], (got) => outcomes.push(got));
  for (const got of outcomes) expect(got).toEqual(outcomes[0]);
  expect(Buffer.from(outcomes[0]!.bytes, 'hex').toString('latin1')).toContain('MOVING_TO(-1, 2)');
});
