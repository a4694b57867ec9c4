import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  bytes,
  type Codec,
  Conversation,
  defineProtocol,
  defineSession,
  type Framing,
  type Infer,
  lengthPrefix,
  message,
  messages,
  rest,
  type ServerProtocol,
  u8,
} from '../../src/index.ts';
import { lengthPrefix as prefix } from '../../src/protocol/framing/length-prefix.ts';
import { Inbox } from '../../src/protocol/inbox.ts';

/** A fixed header and a declared codec are read in one pass. */
const framing = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 40 });
const requests = messages(u8, {
  say: message(1, { n: u8 }), // 01 · n
  twice: message(2, { n: u8 }), // 02 · n
  slow: message(3, { n: u8 }), // 03 · n
  later: message(4, { n: u8 }), // 04 · n
  over: message(5), // 05
  switch: message(6), // 06
  long: message(7, { body: bytes(rest) }), // 07 · body
  aside: message(8, { n: u8 }), // 08 · n
});
const replies = messages(u8, { said: message(1, { n: u8 }), sorry: message(2, { body: bytes(rest) }) });

interface Context {
  /** Each lets a handler at work answer. */
  readonly waiting: (() => void)[];
}

type Request = Infer<typeof requests>;
type Reply = Parameters<typeof replies.encode>[0];
type State = 'open' | 'busy' | 'closed';

const said = (n: number): Reply => ({ type: 'said', n });

/** The same protocol with a codec that reads messages in runs, or one at a time. */
function protocol(clientMessages: Codec<Request>): ServerProtocol<Request, Reply, State, Context> {
  const session = defineSession<Request, Reply, State, Context>({
    receives: requests,
    sends: replies,
    initial: 'open',
    context: () => ({ waiting: [] }),
    farewell: (error) => ({ type: 'sorry', body: Buffer.from(error.message.slice(0, 30)) }),
    states: {
      open: {
        on: {
          say: { outcomes: { open: 'said' }, handle: ({ n }) => ({ send: said(n) }) },
          twice: ({ n }) => ({ send: [said(n), said(n + 1)], next: n % 2 === 0 ? 'open' : 'busy' }),
          slow: ({ n }, { waiting }) =>
            new Promise((resolve) => {
              waiting.push(() => resolve({ send: said(n) }));
            }),
          aside: {
            concurrent: ({ n }) => n,
            handle: ({ n }, { waiting }) =>
              new Promise((resolve) => {
                waiting.push(() => resolve({ send: said(n) }));
              }),
          },
          over: () => ({ send: said(0), next: 'closed' }),
          switch: () => ({ send: said(1), upgrade: 'other' }),
          long: ({ body }) => ({ send: said(body.length) }),
        },
        postpone: ['later'],
        next: ['busy', 'closed'],
      },
      busy: {
        on: {
          say: {
            outcomes: { busy: 'said', open: 'said' },
            handle: ({ n }) => ({ send: said(n + 100), next: 'open' }),
          },
          later: ({ n }) => ({ send: said(n) }),
        },
        otherwise: () => ({ next: 'open' }),
        next: ['open'],
      },
      closed: { final: true },
    },
  });
  return defineProtocol({ name: 'one pass', framing, clientMessages, serverMessages: replies, session });
}

const inRuns = protocol(requests);
const oneByOne = protocol({ decode: requests.decode, encode: requests.encode });

/** A frame: its length, its payload. */
const frame = (...payload: number[]): Buffer => Buffer.from([payload.length, ...payload]);

type Talk = Conversation<Request, Reply, State, Context>;

/** All bytes that it says now. */
function drain(conversation: Talk): Buffer {
  const said: Buffer[] = [];
  for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take()) said.push(bytes);
  return Buffer.concat(said);
}

type Event = { readonly is: 'bytes'; readonly bytes: Buffer } | { readonly is: 'answer' | 'end' };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(
        fc.oneof(
          { weight: 12, arbitrary: fc.nat(9).map((n) => frame(1, n)) },
          { weight: 2, arbitrary: fc.nat(9).map((n) => frame(2, n)) },
          { weight: 1, arbitrary: fc.nat(9).map((n) => frame(3, n)) },
          { weight: 1, arbitrary: fc.nat(9).map((n) => frame(4, n)) },
          { weight: 1, arbitrary: fc.nat(9).map((n) => frame(8, n)) },
          { weight: 1, arbitrary: fc.constantFrom(frame(5), frame(6)) },
          { weight: 1, arbitrary: fc.nat(38).map((n) => frame(7, ...Array<number>(n).fill(9))) },
          // No message; a frame without a payload; one that is too long; the beginning of one.
          {
            weight: 1,
            arbitrary: fc.constantFrom(frame(9), frame(1), frame(), Buffer.from([41]), Buffer.from([3, 1])),
          },
        ),
        { maxLength: 300 },
      )
      .map((frames): Event => ({ is: 'bytes', bytes: Buffer.concat(frames) })),
  },
  { weight: 2, arbitrary: fc.constant<Event>({ is: 'answer' }) },
  { weight: 1, arbitrary: fc.constant<Event>({ is: 'end' }) },
);

/** What a conversation does and shows after each event. */
async function course(
  one: ServerProtocol<Request, Reply, State, Context>,
  events: readonly Event[],
  cut: number,
  onInvalid: 'error' | 'discard',
): Promise<unknown[]> {
  const conversation = new Conversation(one, undefined, undefined, { onInvalid });
  const seen: unknown[] = [];
  const invalid: string[] = [];
  conversation.observer = {
    message: () => {},
    seesMessages: false,
    transition: (from, to) => seen.push([from, to]),
    invalid: (_error, bytes) => invalid.push(bytes.toString('hex')),
  };
  const look = (): void => {
    const said = drain(conversation).toString('hex');
    const { state, held, counts, isInsideFrame, isBusy, isWorking, final, unsent, upgrade, error } =
      conversation;
    seen.push({ said, state, held, ...counts, isInsideFrame, isBusy, isWorking, final, unsent });
    seen.push([upgrade?.unread.toString('hex'), error?.message, invalid.length]);
  };
  for (const event of events) {
    if (event.is === 'end') conversation.ended();
    if (event.is === 'answer') {
      for (const answer of conversation.context.waiting.splice(0)) answer();
      await conversation.settled();
    }
    if (event.is === 'bytes') {
      for (let at = 0; at < event.bytes.length; at += cut) {
        conversation.receive(event.bytes.subarray(at, at + cut));
        look();
      }
    }
    look();
  }
  return [seen, invalid];
}

test('a conversation does the same whether messages are read in runs or one at a time', async () => {
  expect(oneByOne.clientMessages.decodeRun).toBeUndefined();
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 8 }),
      fc.constantFrom(1, 2, 7, 64, 1_000_000),
      fc.constantFrom('error' as const, 'discard' as const),
      async (events, cut, onInvalid) => {
        expect(await course(inRuns, events, cut, onInvalid)).toEqual(
          await course(oneByOne, events, cut, onInvalid),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test('messages behind the one that ends the session, or asks for an upgrade, have no effect', () => {
  const over = new Conversation(inRuns);
  over.receive(Buffer.concat([frame(1, 7), frame(5), frame(1, 8), frame(9)]));
  expect(drain(over)).toEqual(Buffer.concat([frame(1, 7), frame(1, 0)]));
  expect(over).toMatchObject({ final: true, error: undefined, held: 0, taken: 2 });

  const upgraded = new Conversation(inRuns);
  upgraded.receive(Buffer.concat([frame(1, 7), frame(6), frame(1, 8), Buffer.from([2, 1])]));
  expect(drain(upgraded)).toEqual(Buffer.concat([frame(1, 7), frame(1, 1)]));
  expect(upgraded.upgrade).toEqual({
    name: 'other',
    unread: Buffer.concat([frame(1, 8), Buffer.from([2, 1])]),
  });
});

test('held counts the bytes of messages that wait for the one before them', async () => {
  const conversation = new Conversation(inRuns);
  const { waiting } = conversation.context;
  // slow · say · say · the beginning of a frame
  conversation.receive(Buffer.concat([frame(3, 1), frame(1, 2), frame(1, 3), Buffer.from([2])]));
  expect(conversation.take()).toBeUndefined();
  expect(conversation).toMatchObject({ isBusy: true, taken: 1, held: 7 });
  // The bytes of another chunk wait too.
  conversation.receive(frame(1, 4).subarray(1));
  expect(conversation.held).toBe(9);
  waiting[0]!();
  await conversation.settled();
  expect(drain(conversation)).toEqual(Buffer.concat([frame(1, 1), frame(1, 2), frame(1, 3), frame(1, 4)]));
  expect(conversation.held).toBe(0);
});

test.each([
  ['in runs', inRuns],
  ['one at a time', oneByOne],
])('held counts a message that waits for handlers at work, read %s', async (_, one) => {
  const conversation = new Conversation(one);
  // aside, whose handler is at work · say, which waits for it: the last of the chunk, or not
  conversation.receive(Buffer.concat([frame(8, 1), frame(1, 2)]));
  expect(drain(conversation).length).toBe(0);
  expect(conversation).toMatchObject({ isBusy: true, taken: 1, held: 3 });
  conversation.receive(frame(1, 3));
  expect(conversation.held).toBe(6);
  conversation.context.waiting[0]!();
  await conversation.settled();
  expect(drain(conversation)).toEqual(Buffer.concat([frame(1, 1), frame(1, 2), frame(1, 3)]));
  expect(conversation.held).toBe(0);

  // The message that waits is the first of its chunk, or of those that lie whole in one.
  for (const cut of [3, 2, 5]) {
    const other = new Conversation(one);
    // aside · say · say
    const all = Buffer.concat([frame(8, 1), frame(1, 2), frame(1, 3)]);
    for (const chunk of [all.subarray(0, cut), all.subarray(cut)]) {
      other.receive(chunk);
      expect(drain(other).length).toBe(0);
    }
    expect(other).toMatchObject({ isBusy: true, taken: 1, held: 6 });
    other.context.waiting[0]!();
    await other.settled();
    expect(drain(other)).toEqual(Buffer.concat([frame(1, 1), frame(1, 2), frame(1, 3)]));
    expect(other.held).toBe(0);
  }
});

test.each([
  ['in runs', inRuns],
  ['one at a time', oneByOne],
])('answers before a message that waits do not wait for it, read %s', async (_, one) => {
  const conversation = new Conversation(one);
  // say · aside, whose handler is at work · say, which waits for it
  conversation.receive(Buffer.concat([frame(1, 1), frame(8, 2), frame(1, 3)]));
  expect(drain(conversation)).toEqual(frame(1, 1));
  expect(conversation).toMatchObject({ isBusy: true, taken: 2, unsent: 0 });
  conversation.context.waiting[0]!();
  await conversation.settled();
  expect(drain(conversation)).toEqual(Buffer.concat([frame(1, 2), frame(1, 3)]));
});

describe('decode', () => {
  const large = prefix({ lengthFieldLength: 4 });
  const direction = { framing: large, messages: undefined, preface: undefined };
  const codec = messages(u8, { body: message(1, { body: bytes(rest) }) });
  const long = (length: number): Buffer => {
    const bytes = Buffer.alloc(4 + length, 1);
    bytes.writeUInt32LE(length);
    return bytes;
  };
  const inbox = (...chunks: Buffer[]): Inbox => {
    const made = new Inbox(direction, undefined, { observer: undefined });
    for (const chunk of chunks) made.receive(chunk);
    return made;
  };

  test('at most 128 messages, and those of 8 KiB of frames', () => {
    const many = inbox(Buffer.concat(Array<Buffer>(200).fill(long(1))));
    expect(many.decode(codec)?.length).toBe(128);
    expect(many.heldAfter(100)).toBe(100 * 5);
    expect(many.decode(codec)?.length).toBe(72);
    expect(many.decode(codec)).toBeUndefined();

    // Four frames of 2,500 bytes: three of them end within 8,192.
    const longer = inbox(Buffer.concat(Array<Buffer>(4).fill(long(2_496))));
    expect(longer.decode(codec)?.length).toBe(3);
    expect(longer.decode(codec)?.length).toBe(1);

    const longest = inbox(Buffer.concat([long(9_000), long(1)]));
    expect(longest.decode(codec)).toBeUndefined();
    expect(longest.read(true)?.count).toBe(2);
  });

  test('none for a frame that began in an earlier chunk, or without the methods it takes', () => {
    const whole = Buffer.concat([long(3), long(1)]);
    const split = inbox(whole.subarray(0, 5));
    expect(split.decode(codec)).toBeUndefined();
    expect(split.read(true)).toBeUndefined();
    split.receive(whole.subarray(5));
    expect(split.decode(codec)).toBeUndefined();
    expect(split.read(true)?.count).toBe(1);
    expect(split.decode(codec)?.length).toBe(1);
    expect(inbox(whole).decode({ decode: codec.decode, encode: codec.encode })).toBeUndefined();
    for (const missing of ['run', 'goOn']) {
      const reader: Framing['reader'] = (options) =>
        Object.assign(large.reader(options), { [missing]: undefined });
      const other = new Inbox({ ...direction, framing: { ...large, reader } }, undefined, {
        observer: undefined,
      });
      other.receive(whole);
      expect(other.decode(codec)).toBeUndefined();
      expect(other.read(true)?.count).toBe(2);
    }
  });

  test('the messages before a frame that is none', () => {
    const decode = vi.fn(codec.decodeRun);
    const bad = inbox(Buffer.concat([long(2), Buffer.from([1, 0, 0, 0, 9]), long(2)]));
    expect(bad.decode({ ...codec, decodeRun: decode })?.length).toBe(1);
    expect(bad.decode(codec)).toBeUndefined();
    expect(bad.read(true)?.count).toBe(2);
    expect(decode).toHaveBeenCalledTimes(1);
  });
});
