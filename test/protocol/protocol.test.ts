import { describe, expect, expectTypeOf, test } from 'vitest';
import { type ClientMessage, drone, type ServerMessage } from '../../src/drone/index.ts';
import {
  bool,
  codecOf,
  defineProtocol,
  defineSession,
  json,
  lengthPrefix,
  line,
  message,
  messages,
  type Protocol,
  struct,
  u8,
  u16be,
  u64be,
  utf8,
} from '../../src/index.ts';
import {
  directionOf,
  fromClient,
  fromServer,
  longestFrame,
  otherSide,
  refusalOf,
  swapped,
} from '../../src/protocol/direction.ts';
import { checkReplyRules, knownOf } from '../../src/protocol/reply-rules.ts';

const { framing, clientMessages, serverMessages, session } = drone;
const parts = { name: 'copy', framing, clientMessages, serverMessages, session };

test('has the parts it was made from, and is frozen', () => {
  const copy = defineProtocol(parts);
  expect(copy).toEqual(parts);
  expect(copy).not.toHaveProperty('preface');
  // What a framing has besides makes it no pair.
  expect(defineProtocol({ ...parts, framing: { ...framing, reads: framing } } as never)).toHaveProperty(
    'name',
  );
  expect(Object.isFrozen(copy)).toBe(true);
  expectTypeOf(copy).toExtend<Protocol<ClientMessage, ServerMessage>>();
});

test.each<[string, object, RegExp]>([
  ['no name', { name: '' }, /^name:/],
  ['a framing that is none', { framing: {} }, /^framing: expected an object with reader and writer/],
  ['a framing option', { framing: { maxFrameLength: 5 } }, /^framing/],
  [
    'a codec that cannot encode',
    { clientMessages: { decode() {} } },
    /^clientMessages: .* decode and encode/,
  ],
  ['no codec', { serverMessages: undefined }, /^serverMessages/],
  ['no session', { session: undefined }, /^session/],
  [
    'the directions mixed up',
    { clientMessages: serverMessages, serverMessages: clientMessages },
    /'quit' is not a message of clientMessages/,
  ],
  [
    'answers that the codec does not have',
    { serverMessages: messages(u8, { ok: message(0) }) },
    /'error' is not a message of serverMessages; there are ok/,
  ],
  [
    'other messages',
    { clientMessages: messages(u8, { ok: message(0), no: message(1) }) },
    /'quit' is not a message of clientMessages; there are ok, no$/,
  ],
])('%s', (_, change, text) => {
  const wrong = { ...parts, ...change } as typeof parts;
  expect(() => defineProtocol(wrong)).toThrow(TypeError);
  expect(() => defineProtocol(wrong)).toThrow(text);
});

test.each<[string, object, string]>([
  ['a name that is no text', { name: 5 }, 'name: expected a name, got none'],
  [
    'a framing of one direction',
    { framing: { reads: framing } },
    'framing.writes: expected an object with reader and writer',
  ],
  [
    'a framing of the other',
    { framing: { writes: framing } },
    'framing.reads: expected an object with reader and writer',
  ],
  [
    'a third direction',
    { framing: { reads: framing, writes: framing, read: framing } },
    "did you mean 'reads'",
  ],
  ['no framing', { framing: undefined }, 'framing: expected an object with reader and writer'],
  [
    'a framing that only writes',
    { framing: { writer() {} } },
    'framing: expected an object with reader and writer',
  ],
  [
    'a framing that only reads',
    { framing: { reader() {} } },
    'framing: expected an object with reader and writer',
  ],
  ['a preface that is none', { preface: 5 }, 'preface'],
  ['a preface without bytes', { preface: '' }, 'preface must have at least one byte'],
  ['a preface of no bytes', { preface: [256] }, 'preface must be an array of integers'],
  ['a preface of a third side', { preface: { clinet: 'x' } }, "did you mean 'client'"],
  ['an empty preface', { preface: { client: '' } }, 'preface: client'],
  [
    'a codec of one direction',
    { serverMessages: { encode() {} } },
    'serverMessages: expected an object with decode and encode',
  ],
  [
    'a session that cannot start',
    { session: { table: session.table } },
    'session: expected an object with start',
  ],
])('%s is refused', (_, change, text) => {
  expect(() => defineProtocol({ ...parts, ...change } as typeof parts)).toThrow(text);
});

test('a state with a codec of its own has its own messages; its session has the others', () => {
  const own = { ...json<{ type: string }>(), types: ['own'] };
  const declare = (state: object, on: object = {}) =>
    defineProtocol({
      ...parts,
      session: defineSession({
        receives: { ...json<{ type: string }>(), types: ['own', 'move'] },
        sends: { ...json<{ type: string }>(), types: ['ok'] },
        initial: 'a',
        states: { a: { on, ...state } as never },
      }) as never,
    });
  const on = { own: () => {} };
  expect(() => declare({}, on)).toThrow("session: 'own' is not a message of clientMessages; there are ");
  expect(() => declare({ receives: own }, on)).not.toThrow();
  expect(() => declare({ receives: own, sends: own }, on)).not.toThrow();
  const untold = defineSession({
    receives: { ...json<{ type: string }>(), types: ['move'] },
    sends: json<{ type: string }>(),
    initial: 'a',
    states: { a: {} },
  });
  expect(() => defineProtocol({ ...parts, session: untold as never })).not.toThrow();
});

describe('its lines, from each side', () => {
  const [a, b] = [line(), lengthPrefix({ maxFrameLength: 9 })];
  const lines = { clientMessages: 'C', serverMessages: 'S', framing: { reads: a, writes: b } } as const;
  const preface = { client: 'hi', server: [1, 2], refusal: Buffer.from('no') };

  test('framing, messages and preface', () => {
    expect(fromClient({ ...lines, preface })).toEqual({
      framing: a,
      messages: 'C',
      preface: Buffer.from('hi'),
    });
    expect(fromServer({ ...lines, preface })).toEqual({
      framing: b,
      messages: 'S',
      preface: Buffer.of(1, 2),
    });
    expect(fromClient({ ...lines, framing: a })).toEqual({ framing: a, messages: 'C', preface: undefined });
    expect(fromServer({ ...lines, framing: a }).framing).toBe(a);
    for (const bytes of ['hi', Buffer.from('hi'), [0x68, 0x69]]) {
      expect(fromClient({ ...lines, preface: bytes }).preface).toEqual(Buffer.from('hi'));
      expect(fromServer({ ...lines, preface: bytes }).preface).toBeUndefined();
      expect(refusalOf({ preface: bytes })).toBeUndefined();
    }
    expect(refusalOf({ preface })).toEqual(Buffer.from('no'));
    expect(fromClient({ ...lines, preface: { client: undefined, server: 'x' } }).preface).toBeUndefined();
    expect([otherSide('client'), otherSide('server')]).toEqual(['server', 'client']);
    expect([directionOf(lines, 'client').messages, directionOf(lines, 'server').messages]).toEqual([
      'C',
      'S',
    ]);
  });

  test("for the client's own session they are the other way round", () => {
    expect(swapped({ ...lines, preface })).toEqual({
      framing: { reads: b, writes: a },
      preface: { client: Buffer.of(1, 2), server: Buffer.from('hi') },
    });
    expect(swapped({ framing: a })).toEqual({ framing: a });
  });

  test('the longest frame of either direction, in any state', () => {
    const states = (...framings: unknown[]) =>
      defineSession({
        receives: json<{ type: string }>(),
        sends: json<{ type: string }>(),
        initial: 's0',
        states: Object.fromEntries(framings.map((framing, i) => [`s${i}`, { framing }])) as never,
      });
    const long = lengthPrefix({ maxFrameLength: 70_000_000 });
    const short = lengthPrefix({ maxFrameLength: 9 });
    expect(longestFrame({ framing: short, session: states(undefined) })).toBe(9);
    expect(longestFrame({ framing: { reads: short, writes: long }, session: states(undefined) })).toBe(
      70_000_000,
    );
    expect(longestFrame({ framing: { reads: long, writes: short }, session: states(undefined) })).toBe(
      70_000_000,
    );
    expect(longestFrame({ framing: short, session: states(undefined, long) })).toBe(70_000_000);
    expect(longestFrame({ framing: short, session: states({ reads: long }) })).toBe(70_000_000);
    expect(longestFrame({ framing: short, session: states(() => long) })).toBe(9);
  });
});

describe('how its replies find their requests', () => {
  const requests = messages(u8, {
    ask: message(1, { id: u8, on: bool }),
    tell: message(2, { text: utf8(u8) }),
  });
  const replies = messages(u8, {
    yes: message(1, { id: u16be, name: utf8(u8) }),
    no: message(2, { id: u64be }),
  });
  const protocol = { clientMessages: requests, serverMessages: replies, session };
  const foreign = { clientMessages: json(), serverMessages: json(), session };

  test('numbers of what all fields can hold, for the messages that have the field', () => {
    const known = knownOf(protocol, { id: 'id' });
    expect(known).toMatchObject({ session: session.table, kind: 'number', ids: [0, 255] });
    expect(['ask', 'tell'].map((type) => known.hasId!(type))).toEqual([true, false]);
    expect(knownOf(protocol, { id: 'id', ids: [1, 255] }).ids).toEqual([0, 255]);
    const wide = { clientMessages: replies, serverMessages: messages(u8, { no: message(2, { id: u64be }) }) };
    expect(knownOf({ ...wide, clientMessages: wide.serverMessages }, { id: 'id' })).toMatchObject({
      kind: 'bigint',
      ids: [0n, 2n ** 64n - 1n],
    });
    expect(knownOf(protocol, { id: { request: 'text', reply: 'name' } })).toEqual({
      session: session.table,
      kind: 'text',
      hasId: expect.any(Function),
    });
  });

  test('the least of what the fields hold, in any order', () => {
    const [short, long] = [codecOf(struct({ id: u8 })), codecOf(struct({ id: u16be, on: bool }))];
    for (const [clientMessages, serverMessages] of [
      [short, long],
      [long, short],
    ] as const) {
      const known = knownOf({ clientMessages, serverMessages }, { id: 'id' });
      expect(known).toMatchObject({ kind: 'number', ids: [0, 255] });
      // A codec of one structure: all of its messages have the field.
      expect(known.hasId!('any')).toBe(true);
    }
    expect(
      knownOf({ clientMessages: long, serverMessages: long }, { id: 'id', ids: [0, 65_535] }).ids,
    ).toEqual([0, 65_535]);
    expect(() => knownOf({ clientMessages: long, serverMessages: long }, { id: 'on' })).toThrow(
      new TypeError("replies: id: 'on' holds neither a number nor a text"),
    );
    expect(knownOf(protocol, { id: { request: 'text', reply: 'name' } })).not.toHaveProperty('ids');
    expect(knownOf(protocol, {})).toEqual({ session: session.table });
  });

  test('codecs that are not declared give no numbers', () => {
    expect(knownOf(foreign, { id: 'id', ids: [0, 9e9] })).toEqual({
      session: session.table,
      kind: undefined,
    });
    expect(knownOf({ ...foreign, session: undefined }, {})).toEqual({ session: undefined });
  });

  test.each<[object, string]>([
    [{ ids: [0, 5] }, 'replies: ids without an id: nothing is numbered'],
    [{ id: 'nope' }, "replies: id: no request has a field 'nope'"],
    [{ id: { request: 'id', reply: 'text' } }, "replies: id: no reply has a field 'text'"],
    [{ id: 'on' }, "replies: id: 'on' of 'ask' holds neither a number nor a text"],
    [{ id: 'id', ids: [0, 256] }, "replies: ids from 0 to 256 do not fit 'id', which holds 0 to 255"],
    [{ id: 'id', ids: [-1, 5] }, "replies: ids from -1 to 5 do not fit 'id', which holds 0 to 255"],
    [{ id: null }, "replies: id: expected a path such as 'id' or 'header.id', got null"],
    [{ decode: 5 }, 'replies: decode'],
    [{ isReplay: () => true }, "did you mean 'isReply'"],
  ])('%o is refused', (rules, text) => {
    expect(() => checkReplyRules(protocol, rules)).toThrow(text);
  });

  test('declared reply rules are kept, and checked with the protocol', () => {
    expect(() => defineProtocol({ ...parts, replies: { id: 'zz' } } as never)).toThrow(
      "no request has a field 'zz'",
    );
    const decode = () => undefined;
    expect(() => checkReplyRules(protocol, { id: 'id', decode })).not.toThrow();
    const made = defineProtocol({ ...parts, preface: 'x', replies: { maxInFlight: 3 } });
    expect(made).toMatchObject({ preface: 'x', replies: { maxInFlight: 3 } });
    expect('replies' in defineProtocol(parts)).toBe(false);
  });
});

test('the messages of codecs and session must be the same', () => {
  const clients = messages(u8, { hello: message(0) });
  const mixed = () => {
    return defineProtocol({
      name: 'x',
      framing: lengthPrefix(),
      clientMessages: clients,
      serverMessages,
      // @ts-expect-error the session takes other messages
      session,
    });
  };
  expect(mixed).toThrow(/'quit' is not a message of clientMessages; there are hello/);
});
