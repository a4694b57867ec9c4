/** A session whose states have framings and codecs of their own: without a stream, cut in every way. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  Conversation,
  defineProtocol,
  defineSession,
  delimiter,
  fixedLength,
  lengthPrefix,
  line,
  type Protocol,
  packets,
  slip,
  stuffed,
} from '../../src/index.ts';

/** Text in, text out. */
const words: Codec<{ type: 'word'; text: string }> = {
  decode: (bytes, start, end) => ({ type: 'word', text: bytes.toString('latin1', start, end) }),
  encode: ({ text }) => Buffer.from(text, 'latin1'),
};
const word = (text: string) => ({ type: 'word' as const, text });

// biome-ignore lint/suspicious/noExplicitAny: any protocol
function run(protocol: Protocol<any, any, any, any>, chunks: readonly Uint8Array[]) {
  const conversation = new Conversation(protocol);
  const sent: Buffer[] = [];
  const take = (): void => {
    for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take()) sent.push(bytes);
  };
  take();
  for (const chunk of chunks) {
    conversation.receive(chunk);
    take();
  }
  const { upgrade } = conversation;
  conversation.ended();
  take();
  const { code } = (conversation.error ?? {}) as { code?: string };
  return {
    sent: Buffer.concat(sent).toString('latin1'),
    state: conversation.state,
    code,
    upgrade: upgrade && { ...upgrade, unread: upgrade.unread.toString('latin1') },
  };
}

/** Whole, byte by byte, and cut in two at every place. */
function cuts(bytes: Buffer): Buffer[][] {
  const ways = [[bytes], Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))];
  for (let at = 1; at < bytes.length; at++) ways.push([bytes.subarray(0, at), bytes.subarray(at)]);
  return ways;
}

/** A state for each framing; a word `&b` leads to state b, `^x` asks for the upgrade x, and all words are answered. */
const FRAMINGS = {
  a: line(),
  b: lengthPrefix({ lengthFieldLength: 1 }),
  c: slip(),
  d: packets({ kinds: { k: { start: [0xfe], length: { offset: 1, add: 2 } } }, maxFrameLength: 64 }),
  e: fixedLength(3),
  f: stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20 }),
  g: delimiter({ start: '<', delimiter: ['>', '>>'] }),
} as const;
type Name = keyof typeof FRAMINGS;
const NAMES = Object.keys(FRAMINGS) as Name[];

const everywhere = {
  word: ({ text }: { text: string }) => {
    const match = /([&^])(\w)/.exec(text);
    const reply = { send: word(`${text.replace(/[^ -~]/g, '')};`) };
    if (match?.[1] === '^') return { ...reply, upgrade: match[2]! };
    return match === null ? reply : { ...reply, next: match[2] as Name };
  },
};
const changing = defineProtocol({
  name: 'changing',
  framing: { reads: line(), writes: line() },
  clientMessages: words,
  serverMessages: words,
  session: defineSession({
    receives: words,
    sends: words,
    initial: 'a',
    states: Object.fromEntries(
      NAMES.map((name) => [name, { framing: FRAMINGS[name], on: everywhere, next: NAMES }]),
    ) as never,
  }),
});

function framed(name: Name, text: string): Buffer {
  const writer = FRAMINGS[name].writer();
  const payload =
    name === 'd' ? Buffer.from([0xfe, text.length, ...Buffer.from(text, 'latin1')]) : Buffer.from(text);
  const frame = Buffer.alloc(writer.bound(payload.length));
  return frame.subarray(0, writer.write(frame, 0, payload, 0, payload.length));
}

/** The bytes of a script, and what answers it. */
function scripted(script: readonly { text: string; to: Name | undefined }[]) {
  let state: Name = 'a';
  const bytes: Buffer[] = [];
  let sent = '';
  for (const { text, to } of script) {
    // Three letters for the framing of fixed length.
    const said = to === undefined ? text.slice(0, 3) : `&${to} `;
    bytes.push(framed(state, said));
    sent += `${said};\r\n`.replace('\r', '');
    if (to !== undefined) state = to;
  }
  return { bytes: Buffer.concat(bytes), sent, state };
}

describe('the framing changes with the state', () => {
  test('from each framing to each other one, with frames of the new one in the same chunk, for any cut', () => {
    for (const from of NAMES) {
      for (const to of NAMES) {
        const { bytes, sent, state } = scripted([
          { text: 'one', to: from },
          { text: 'two', to: undefined },
          { text: '', to },
          { text: 'xyz', to: undefined },
          { text: 'abc', to: undefined },
        ]);
        for (const chunks of cuts(bytes)) {
          expect(run(changing, chunks), `${from} to ${to}, ${chunks.length} chunks`).toEqual({
            sent,
            state,
            code: undefined,
            upgrade: undefined,
          });
        }
      }
    }
  });

  test('any script and any cuts give the same', () => {
    const step = fc.record({
      text: fc.constantFrom('abc', 'x y', '123'),
      to: fc.option(fc.constantFrom(...NAMES), { nil: undefined, freq: 2 }),
    });
    const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), lengths, (script, sizes) => {
        const { bytes, sent, state } = scripted(script);
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += chunks.at(-1)!.length) {
          chunks.push(bytes.subarray(at, at + sizes[chunks.length % sizes.length]!));
        }
        expect(run(changing, chunks)).toEqual({ sent, state, code: undefined, upgrade: undefined });
      }),
      { numRuns: 300 },
    );
  });

  test.each(NAMES)('%s: with every frame, at a cost linear in the chunk', (name) => {
    const other = name === 'a' ? 'b' : 'a';
    const script = (count: number) =>
      scripted(Array.from({ length: count }, (_, i) => ({ text: '', to: i % 2 === 0 ? name : other })));
    const cost = (count: number): number => {
      const { bytes } = script(count);
      const start = process.cpuUsage();
      expect(run(changing, [bytes]).sent.length).toBeGreaterThan(count * 3);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    cost(500);
    // Four times as many took sixteen times as long, and minutes for 64 KiB of lines.
    const few = cost(2_500);
    expect(cost(10_000)).toBeLessThan(9 * Math.max(few, 20_000));
  });

  test('an upgrade hands over the bytes after its message, in any framing', () => {
    for (const from of NAMES) {
      const before = scripted([
        { text: '', to: from },
        { text: 'two', to: undefined },
      ]);
      const asked = framed(from, '^t ');
      const rest = Buffer.concat([framed(from, 'abc'), framed(from, 'def'), Buffer.from([22, 3, 1])]);
      for (const chunks of cuts(Buffer.concat([before.bytes, asked, rest]))) {
        const got = run(changing, chunks);
        expect(got, `${from}, ${chunks.length} chunks`).toEqual({
          sent: `${before.sent}^t ;\n`,
          state: before.state,
          code: undefined,
          upgrade: { name: 't', unread: rest.toString('latin1') },
        });
      }
    }
  });
});

describe('the framing and codecs of a state', () => {
  const parts = { receives: words, sends: words, initial: 'a' } as const;

  test('has to be a framing, a codec, or a function', () => {
    const declared = (state: object) => () => defineSession({ ...parts, states: { a: state as never } });
    expect(declared({ framing: { read: line() } })).toThrow(
      'states.a.framing: there is no option "read"; did you mean \'reads\'?',
    );
    expect(declared({ framing: 'line' })).toThrow('states.a.framing: expected a framing');
    expect(declared({ framing: { writes: {} } })).toThrow(
      'expected a framing, such as lengthPrefix(), got an object',
    );
    expect(declared({ receives: { decode() {} } })).toThrow('states.a.receives: expected a codec');
    expect(declared({ receives: words, on: { word: () => undefined } })).not.toThrow();
  });

  test('a function that fails, or returns something else, ends only its own session', () => {
    const session = (framing: unknown, receives?: unknown) =>
      defineProtocol({
        name: 'failing',
        framing: line(),
        clientMessages: words,
        serverMessages: words,
        session: defineSession({
          ...parts,
          states: {
            a: { on: { word: () => ({ send: word('on'), next: 'b' as const }) }, next: ['b'] },
            b: { framing, receives, onEnter: () => word('never') } as never,
          },
          farewell: (error) => word(error.message),
        }),
      });
    const failing = () => {
      throw new Error('no');
    };
    for (const protocol of [session(failing), session(undefined, failing)]) {
      expect(run(protocol, [Buffer.from('go\nmore\n')])).toMatchObject({
        sent: "on\nthe framing or a codec of 'b' in state 'b' failed: no\n",
        code: 'ERR_HANDLER',
      });
    }
    expect(
      run(
        session(() => 'no framing'),
        [Buffer.from('go\n')],
      ).sent,
    ).toContain('framing of state \'b\': expected a framing, such as lengthPrefix(), got "no framing"');
  });

  test('negotiated limits apply from the state that knows them', () => {
    const agreed = defineProtocol({
      name: 'agreed',
      framing: { reads: line({ maxFrameLength: 4 }), writes: line() },
      clientMessages: words,
      serverMessages: words,
      session: defineSession({
        ...parts,
        context: () => ({ most: 0 }),
        states: {
          a: {
            on: {
              word: ({ text }, context) => {
                context.most = Number(text);
                return { next: 'b' as const };
              },
            },
            next: ['b'],
          },
          b: {
            framing: ({ most }: { most: number }) => line({ maxFrameLength: most }),
            on: { word: ({ text }) => ({ send: word(text) }) },
          },
        },
      }),
    });
    for (const chunks of cuts(Buffer.from('6\n123456\n1234567\n'))) {
      expect(run(agreed, chunks)).toMatchObject({ sent: '123456\n', code: 'ERR_FRAME_TOO_LONG' });
    }
    const { error } = ((conversation) => {
      conversation.receive(Buffer.from('6\n1234567\n'));
      while (conversation.take() !== undefined);
      return conversation;
    })(new Conversation(agreed));
    // Counted in the whole stream.
    expect(error).toMatchObject({ offset: 2, limit: 6 });
  });
});

describe('an upgrade', () => {
  const upgradable = (reply: object) =>
    defineSession({
      receives: words,
      sends: words,
      initial: 'a',
      states: {
        a: {
          on: { word: () => reply as never },
          deadline: { within: 10 },
          timers: { t: () => undefined },
          onEnd: () => word('end'),
          next: ['b'],
        },
        b: { final: true, onEnter: () => word('entered') },
      },
      farewell: () => word('bye'),
    });

  test('ends the run: nothing is accepted, timed or sent afterwards, except the farewell of a fault', () => {
    const session = upgradable({ send: word('go'), next: 'b', upgrade: 'x' });
    const step = session.start().receive(word('up'));
    expect(step).toMatchObject({
      upgrade: 'x',
      state: 'b',
      final: false,
      answers: [word('go'), word('entered')],
    });
    const over = upgradable({ upgrade: 'x' }).start();
    expect(over.receive(word('up'))).toMatchObject({ state: 'a', upgrade: 'x' });
    expect(over.deadline).toBeUndefined();
    for (const again of [over.receive(word('more')), over.ended(), over.timeout(), over.expire('t')]) {
      expect(again).toMatchObject({ answers: [], error: undefined });
    }
    expect(() => over.send(word('unasked'))).toThrow('the session is over');
    expect(over.fault(new Error('refused'))).toMatchObject({ answers: [word('bye')], final: true });
  });

  test.each([[7], [''], [{}]])('has a name: %j', (upgrade) => {
    expect(upgradable({ upgrade }).start().receive(word('up'))).toMatchObject({
      error: { code: 'ERR_HANDLER' },
      answers: [word('bye')],
    });
  });

  test('is refused while other messages are being handled', () => {
    const session = defineSession({
      receives: words,
      sends: words,
      initial: 'a',
      states: { a: { on: { word: { concurrent: 'text', handle: () => ({ upgrade: 'x' }) } } } },
    });
    expect(session.start().receive(word('up'))).toMatchObject({ error: { code: 'ERR_HANDLER' } });
  });
});
