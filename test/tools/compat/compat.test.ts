import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AnyField,
  array,
  bits,
  bounded,
  bytes,
  constant,
  type DeclaredCodec,
  defaulted,
  defineSession,
  enumeration,
  fixedLength,
  flags,
  i8,
  lengthPrefix,
  mapped,
  message,
  messages,
  optional,
  rest,
  StateError,
  struct,
  u8,
  u16be,
  u16le,
  union,
  utf8,
} from '../../../src/index.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import {
  type Change,
  compareProtocols,
  fromJSON,
  type ProtocolParts,
  type TraceMessage,
  toJSON,
} from '../../../src/tools/index.ts';
import { areShared, pairs, protocolOf, wireOf } from './corpus.ts';

/** More of them, for a longer run: WIREPIPE_COMPAT_PAIRS=5000. */
const PAIRS = Number(process.env.WIREPIPE_COMPAT_PAIRS ?? 60);

// biome-ignore lint/suspicious/noExplicitAny: any codec
type AnyCodec = DeclaredCodec<any>;
type Fields = Record<string, AnyField>;

fc.configureGlobal({ ...fc.readConfigureGlobal(), baseSize: 'xsmall' });

const examples = (codec: AnyCodec): unknown[] => fc.sample(arbitraryMessage(codec), { numRuns: 40, seed: 7 });
const options = { examples } as never;

function version(fields: Fields, others: object = {}, messageOptions: object = {}): ProtocolParts {
  const codec = messages(u8, { m: message(1, fields), ...others }, messageOptions);
  return { name: 'p', framing: lengthPrefix(), clientMessages: codec, serverMessages: codec } as never;
}

/** Only what clients send: both directions are the same here. */
function changesOf(older: ProtocolParts, newer: ProtocolParts): readonly Change[] {
  return compareProtocols(older, newer, options).changes.filter(
    ({ path }) => !path.startsWith('serverMessages'),
  );
}

/** What is shown is so: the one version writes it, the other refuses it or reads something else. */
function expectShown({ shown }: Change, older: ProtocolParts, newer: ProtocolParts): void {
  const [writer, reader] = (shown!.by === 'old' ? [older, newer] : [newer, older]).map(
    (one) => one.clientMessages as AnyCodec,
  );
  const wire = Buffer.from(shown!.bytes, 'hex');
  const sent = writer!.decode(wire);
  let got: unknown;
  try {
    got = reader!.decode(wire);
  } catch {
    return;
  }
  expect(got).not.toEqual(sent);
}

function expectShared(old: ReturnType<typeof wireOf>, now: ReturnType<typeof wireOf>): void {
  expect(areShared({ list: old.around[0]! }, { list: now.around[0]! })).toBe(true);
  expect(areShared(old.message, now.message, true)).toBe(true);
  expect(areShared({ list: old.around[1]! }, { list: now.around[1]! })).toBe(true);
}

/** Whether a message, or a union in it, is of no declared kind: nobody promises to read it. */
function holdsUnknown(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (value as { type?: unknown }).type === 'unknown' || Object.values(value).some(holdsUnknown);
}

const point = struct({ x: u8, y: u8 });

describe('fields', () => {
  test.each<[string, Fields, Fields, string[]]>([
    ['nothing', { a: u8 }, { a: u8 }, []],
    ['another name', { a: u8 }, { b: u8 }, ['']],
    ['names that changed places', { a: u8, b: u8 }, { b: u8, a: u8 }, ['readers writers', 'readers writers']],
    ['another width', { a: u8 }, { a: u16be }, ['readers writers']],
    ['another order', { a: u16be }, { a: u16le }, ['readers writers']],
    ['a sign', { a: u8 }, { a: i8 }, ['readers writers']],
    ['a new field', { a: u8 }, { a: u8, b: u8 }, ['readers writers']],
    ['a new field that may be missing', { a: u8 }, { a: u8, b: optional(u8, rest) }, ['readers']],
    ['a field that is gone', { a: u8, b: u8 }, { a: u8 }, ['writers readers']],
    ['a lower maximum', { a: bytes(u8, { max: 9 }) }, { a: bytes(u8, { max: 3 }) }, ['writers']],
    ['a higher maximum', { a: array(u8, u8, { max: 3 }) }, { a: array(u8, u8, { max: 9 }) }, ['readers']],
    ['a maximum that the size never says', { a: utf8(u8) }, { a: utf8(u8, { max: 300 }) }, []],
    ['another constant', { a: constant(u8, 1) }, { a: constant(u8, 2) }, ['readers writers']],
    [
      'a new name of a number',
      { a: enumeration(u8, { x: 1 }) },
      { a: enumeration(u8, { x: 1, y: 2 }) },
      ['readers'],
    ],
    ['a number that is renamed', { a: enumeration(u8, { x: 1 }) }, { a: enumeration(u8, { y: 1 }) }, ['']],
    [
      'names that changed numbers',
      { a: enumeration(u8, { x: 1, y: 2 }) },
      { a: enumeration(u8, { y: 1, x: 2 }) },
      ['readers writers', '', ''],
    ],
    [
      'other numbers are taken',
      { a: enumeration(u8, { x: 1 }) },
      { a: enumeration(u8, { x: 1 }, { unknown: 'keep' }) },
      ['readers'],
    ],
    ['a new bit', { a: flags(u8, { x: 1 }) }, { a: flags(u8, { x: 1, y: 2 }) }, ['readers']],
    [
      'a new bit beside ignored ones',
      { a: flags(u8, { x: 1 }, { unknown: 'ignore' }) },
      { a: flags(u8, { x: 1, y: 2 }, { unknown: 'ignore' }) },
      [''],
    ],
    ['other bits', { a: bits(u8, { x: 4, y: 4 }) }, { a: bits(u8, { x: 3, y: 5 }) }, ['readers writers']],
    ['inside a structure', { a: point }, { a: struct({ x: u8, y: i8 }) }, ['readers writers']],
    [
      'a size by another field',
      { n: u8, m: u8, a: bytes('n') },
      { n: u8, m: u8, a: bytes('m') },
      ['readers writers'],
    ],
    ['a size that is renamed', { n: u8, a: bytes('n') }, { k: u8, a: bytes('k') }, ['']],
  ])('%s', (_, before, after, expected) => {
    const [older, newer] = [version(before), version(after)];
    const changes = changesOf(older, newer);
    expect(changes.map(({ breaks }) => breaks.join(' '))).toEqual(expected);
    for (const change of changes) if (change.breaks.length > 0) expectShown(change, older, newer);
  });

  test('messages, fields after them, and limits', () => {
    const more = { n: message(2, { a: u8 }) };
    const breaks = (a: ProtocolParts, b: ProtocolParts): string[] =>
      changesOf(a, b).map((one) => one.breaks.join(' '));
    expect(breaks(version({}), version({}, more))).toEqual(['readers']);
    expect(breaks(version({}, more), version({}))).toEqual(['writers']);
    expect(
      breaks(version({}, {}, { otherwise: 'unknown' }), version({}, more, { otherwise: 'unknown' })),
    ).toEqual(['']);
    expect(breaks(version({}, more), version({}, { k: message(2, { a: u8 }) }))).toEqual(['']);
    const ignore = { trailing: 'ignore' };
    expect(
      breaks(version({ a: u8 }, {}, ignore), version({ a: u8, b: optional(u8, rest) }, {}, ignore)),
    ).toEqual(['']);
    expect(breaks(version({ a: u8 }), version({ a: u8 }, {}, { limits: { elements: 5 } }))).toEqual([
      'writers',
    ]);
  });
});

describe('values', () => {
  const by = (add: number): AnyField =>
    mapped(u8, { name: 'sum', decode: (raw) => raw + add, encode: (value: number) => value - add });

  test('a message that decodes to other values is a breaking change, whatever the declarations say', () => {
    const [older, newer] = [version({ a: by(1) }), version({ a: by(2) })];
    const [first, second, ...others] = changesOf(older, newer);
    const path = 'clientMessages.m.a';
    expect(first).toMatchObject({ path, breaks: ['readers'], shown: { by: 'new' } });
    expect(first!.shown!.outcome).toMatch(/^clientMessages\.m\.a is read as \d+, not \d+$/);
    expect(second).toMatchObject({ path, breaks: ['writers'], shown: { by: 'old' } });
    expect(others).toEqual([]);
  });

  test('a change that would be safe is breaking if the values differ', () => {
    const [change] = changesOf(version({ a: defaulted(by(1), 7) }), version({ a: defaulted(by(2), 9) }));
    expect(change).toMatchObject({ path: 'clientMessages.m.a', breaks: ['readers'], shown: { by: 'new' } });
    expect(change!.reason).toBe(
      'the default that a writer fills in has changed; but a message shows it, whatever the declarations say',
    );
  });

  test.each<[string, AnyField, AnyField]>([
    ['names of numbers', enumeration(u8, { a: 1, b: 2 }), enumeration(u8, { a: 1, c: 2 })],
    [
      'kept numbers',
      enumeration(u8, { a: 1 }, { unknown: 'keep' }),
      enumeration(u8, { a: 1, b: 2 }, { unknown: 'keep' }),
    ],
    ['names of bits', flags(u8, { a: 0, b: 3 }), flags(u8, { a: 0, c: 3 })],
    ['elements', array(struct({ x: u8 }), u8), array(struct({ y: u8 }), u8)],
    ['what may be missing', optional(struct({ x: u8 }), rest), optional(struct({ y: u8 }), rest)],
    [
      'cases',
      union(u8, { a: message(1, { x: u8 }), b: message([2, 3], { z: u8 }) }),
      union(u8, { c: message(1, { y: u8 }), b: message([2, 3], { z: u8 }) }),
    ],
    [
      'cases that one version does not know',
      bounded(u8, union(u8, { a: message(1, { x: u8 }) }, { otherwise: 'unknown' })),
      bounded(
        u8,
        union(u8, { a: message(1, { x: u8 }), b: message(2, { y: u8 }) }, { otherwise: 'unknown' }),
      ),
    ],
  ])('%s are not values', (_, before, after) => {
    const changes = changesOf(version({ f: before }), version({ f: after }));
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.filter(({ breaks }) => breaks.length > 0)).toEqual([]);
  });
});

test('framings: a different cut shows bytes, a limit names the side that breaks, options of readers are safe', () => {
  const of = (framing: object): ProtocolParts => ({ ...version({}), framing }) as never;
  const [change] = compareProtocols(of(lengthPrefix()), of(lengthPrefix({ byteOrder: 'big' }))).changes;
  expect(change).toMatchObject({
    path: 'framing',
    breaks: ['readers', 'writers'],
    shown: { by: 'new', bytes: '0000000177' },
  });
  expect(compareProtocols(of(lengthPrefix()), of(lengthPrefix({ maxFrameLength: 9 }))).changes).toMatchObject(
    [{ breaks: ['writers'] }],
  );
  expect(
    compareProtocols(of(lengthPrefix()), of(lengthPrefix({ onTooLong: 'discard' }))).changes,
  ).toMatchObject([{ breaks: [] }]);
  expect(compareProtocols(of(lengthPrefix()), of(fixedLength(3))).isSafe).toBe(false);
});

test('sessions: the messages a state accepts, its answers, and its deadlines', () => {
  const codec = messages(u8, { a: message(1), b: message(2) });
  const of = (states: object): ProtocolParts =>
    ({
      name: 'p',
      framing: lengthPrefix(),
      clientMessages: codec,
      serverMessages: codec,
      session: defineSession({ receives: codec, sends: codec, initial: 's', states } as never),
    }) as never;
  const handle = (): undefined => undefined;
  const base = { s: { on: { a: { handle, outcomes: { s: 'a' } }, b: handle }, deadline: { within: 100 } } };
  const changed = (s: object): string[] =>
    compareProtocols(of(base), of({ s: { ...base.s, ...s } })).changes.map(
      (one) => `${one.breaks.join()} ${one.reason}`,
    );
  expect(changed({})).toEqual([]);
  expect(changed({ on: { a: base.s.on.a } })).toEqual(["sessions the state no longer takes 'b'"]);
  expect(changed({ on: { ...base.s.on, a: { handle, outcomes: { s: [] } } } })).toEqual([
    "sessions on the way to 's' the answer was one of ['a'], and is nothing",
  ]);
  expect(changed({ deadline: { within: 50 } })).toEqual(['sessions within was 100 ms and is 50 ms']);
  expect(changed({ deadline: { within: 500 } })[0]).toMatch(/^ within was 100 ms/);
  expect(changed({ unsolicited: ['a'] })[0]).toMatch(/^sessions other messages may be sent unasked/);
});

test('a breaking change of a session is shown by a conversation that only one version allows', () => {
  const [asks, says] = [
    messages(u8, { login: message(1), get: message(2), quit: message(3) }),
    messages(u8, { ok: message(1), no: message(2), news: message(3) }),
  ];
  const handle = (): undefined => undefined;
  const row = (outcomes: object): object => ({ handle, outcomes });
  const base = {
    locked: { on: { login: row({ locked: 'no', open: 'ok' }) }, unsolicited: [] },
    open: { on: { get: row({ open: 'ok' }), quit: row({ over: [] }) }, unsolicited: [] },
    over: { final: true },
  };
  const of = (states: object): ProtocolParts =>
    ({
      ...{ name: 'p', framing: lengthPrefix(), clientMessages: asks, serverMessages: says },
      session: defineSession({ receives: asks, sends: says, initial: 'locked', states } as never),
    }) as never;
  const tracesOf = (states: object, initial = base): string[] => {
    const [older, newer] = [of(initial), of(states)];
    return compareProtocols(older, newer).changes.map(({ path, trace }) => {
      if (trace === undefined) return `${path}: none`;
      const [allows, refuses] = trace.by === 'old' ? [older, newer] : [newer, older];
      expectTrace(trace.messages, allows, refuses);
      return `${path}: ${trace.by}: ${trace.messages.map(({ from, type }) => `${from[0]} ${type}`).join(', ')}`;
    });
  };
  const { open } = base;
  const { get, quit } = open.on;
  expect(tracesOf({ ...base, open: { ...open, on: { quit } } })).toEqual([
    'session.open.get: old: c login, s ok, c get',
  ]);
  expect(tracesOf({ ...base, open: { ...open, on: { get: row({ open: 'no' }), quit } } })).toEqual([
    'session.open.get: old: c login, s ok, c get, s ok',
  ]);
  expect(tracesOf({ ...base, open: { ...open, on: { get, quit: row({ open: 'ok' }) } } })).toContain(
    'session.open.quit: new: c login, s ok, c quit, s ok',
  );
  expect(tracesOf({ ...base, open: { ...open, unsolicited: ['news'] } })).toEqual([
    'session.open: new: c login, s ok, s news',
  ]);
  expect(tracesOf({ ...base, open: { ...open, on: { ...open.on, login: row({ open: 'ok' }) } } })).toEqual([
    'session.open.login: new: c login, s ok, c login',
  ]);
  expect(tracesOf({ ...base, open: { ...open, deadline: { within: 9 } } })).toEqual([
    'session.open.deadline: none',
  ]);
});

/** The one session takes all of a conversation, the other one all up to its last message: seen from the client's side. */
function expectTrace(
  conversation: readonly TraceMessage[],
  allows: ProtocolParts,
  refuses: ProtocolParts,
): void {
  const [sure, other] = [allows, refuses].map(({ session }) => session!.mirror());
  const [last, ...before] = conversation.toReversed();
  const play = (side: typeof sure, { from, type }: TraceMessage): void =>
    from === 'client' ? side!.send({ type } as never) : side!.receive({ type } as never);
  for (const one of before.toReversed()) for (const side of [sure, other]) play(side, one);
  play(sure, last!);
  expect(() => play(other, last!)).toThrow(StateError);
}

test('a document can replace a protocol', () => {
  const [older, newer] = [version({ a: u8 }), version({ a: u16be })];
  const documents = [older, newer].map((one) => JSON.parse(JSON.stringify(toJSON(one))));
  expect(compareProtocols(documents[0], documents[1], options)).toEqual(
    compareProtocols(older, newer, options),
  );
  expect(() => compareProtocols({} as never, newer)).toThrow(/^format: expected/);
});

describe('changes at random', () => {
  test('safe changes break nothing, and each breaking change is shown by a message that breaks', () => {
    let safe = 0;
    let shown = 0;
    fc.assert(
      fc.property(pairs, fc.nat(), ([before, after], seed) => {
        const [older, newer] = [protocolOf(before)!, protocolOf(after)!];
        const comparison = compareProtocols(older, newer, options);
        for (const change of comparison.changes) {
          if (change.shown === undefined) continue;
          shown++;
          expectShown(change, older, newer);
        }
        if (!comparison.isSafe) return;
        safe++;
        const [old, now] = [older, newer].map((one) => one.clientMessages as AnyCodec);
        for (const writer of [old!, now!]) {
          for (const sent of fc.sample(arbitraryMessage(writer), { numRuns: 20, seed })) {
            const bytes = Buffer.from(writer.encode(sent));
            if (holdsUnknown(sent)) continue;
            expectShared(wireOf(before, old!.decode(bytes)), wireOf(after, now!.decode(bytes)));
          }
        }
      }),
      { numRuns: PAIRS },
    );
    expect(shown).toBeGreaterThan(10);
    expect(safe).toBeGreaterThan(0);
  }, 600_000);

  test('a protocol and its document are equal', () => {
    fc.assert(
      fc.property(pairs, ([plan]) => {
        const one = protocolOf(plan)!;
        const document = JSON.parse(JSON.stringify(toJSON(one)));
        expect(compareProtocols(one, document).changes).toEqual([]);
        expect(compareProtocols(fromJSON(document) as never, one).changes).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});
