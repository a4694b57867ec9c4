/** A message that waits for handlers at work was decoded, but is not taken: it belongs to the next owner of the connection. */
import { expect, test } from 'vitest';
import {
  type Codec,
  Conversation,
  cobs,
  defineProtocol,
  defineSession,
  type Framing,
  fixedLength,
  lengthPrefix,
  line,
  slip,
} from '../../src/index.ts';
import { framed } from '../../src/protocol/framing/framed.ts';
import { chunkings } from '../support/chunkings.ts';

type Word = { type: string };
const say = (type: string): Word => ({ type });
const words: Codec<Word> = {
  decode: (bytes, start, end) => say(bytes.toString('latin1', start, end)),
  encode: ({ type }) => Buffer.from(type, 'latin1'),
};
interface Context {
  /** Lets the handler at work answer. */
  answer(): void;
}

function protocolOf(framing: Framing) {
  const goes = { upgrade: 'other' };
  const session = defineSession<Word, Word, 'a', Context>({
    receives: words,
    sends: words,
    initial: 'a',
    context: () => ({ answer: () => {} }),
    states: {
      a: {
        on: {
          strt: () => ({ timers: { end: 5 } }),
          work: {
            concurrent: () => 1,
            handle: (_: Word, context: Context) =>
              new Promise((done) => {
                context.answer = () => done({ send: say('done') });
              }),
          },
          wait: () => ({ send: say('oops') }),
        },
        timers: { end: () => goes },
        deadline: { within: 1000, handle: () => goes },
      },
    } as never,
  });
  return defineProtocol({
    name: 'words',
    framing,
    clientMessages: words,
    serverMessages: words,
    session,
  });
}

const framings: Framing[] = [
  lengthPrefix({ lengthFieldLength: 1 }),
  lengthPrefix({ lengthFieldLength: 'varint' }),
  line(),
  fixedLength(4),
  cobs(),
  slip(),
];
const frames = (framing: Framing, ...types: string[]): Buffer =>
  Buffer.concat(types.map((type) => framed(framing.writer(), Buffer.from(type, 'latin1'))));

const drain = (conversation: Conversation<Word, Word>): Buffer => {
  const all: Buffer[] = [];
  for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take())
    all.push(Buffer.from(bytes));
  return Buffer.concat(all);
};

/** The session in which `wait` waits for `work`, when a timer or a limit leads elsewhere. */
async function led(
  protocol: ReturnType<typeof protocolOf>,
  chunks: readonly Buffer[],
  how: 'timer' | 'limit',
) {
  const conversation = new Conversation(protocol);
  for (const chunk of chunks) {
    conversation.receive(chunk);
    expect(drain(conversation).length).toBe(0);
  }
  expect(conversation).toMatchObject({ taken: 2, isBusy: true });
  if (how === 'limit') conversation.timeout('within');
  else {
    conversation.expire('end');
    conversation.context.answer();
    await conversation.settled();
  }
  return conversation;
}

const cases = framings.flatMap((framing) =>
  (['timer', 'limit'] as const).map((how) => [framing.name, how, framing] as const),
);

test.each(cases)('%s: after an upgrade by a %s it is unread', async (_, how, framing) => {
  const behind = frames(framing, 'wait', 'wait', 'more');
  const input = Buffer.concat([frames(framing, 'strt', 'work'), behind]);
  for (const [cutting, chunks] of chunkings(input)) {
    const conversation = await led(protocolOf(framing), chunks, how);
    expect([cutting, drain(conversation)]).toEqual([
      cutting,
      how === 'timer' ? frames(framing, 'done') : Buffer.alloc(0),
    ]);
    expect([cutting, conversation.upgrade?.unread]).toEqual([cutting, behind]);
    expect(conversation).toMatchObject({ held: behind.length, error: undefined, taken: 2 });
  }
});
