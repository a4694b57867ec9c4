import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Codec,
  cobs,
  defineProtocol,
  defineSession,
  type Infer,
  lengthPrefix,
  line,
  message,
  messages,
  slip,
  u8,
} from '../../src/index.ts';
import { closeServers, cuts, FACES, type Outcome } from './faces.ts';
import { framed } from './session.ts';

afterEach(closeServers);

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
        const protocol = protocolOf(isAsync);
        const outcomes = [...cuts([bytes])].map(async ({ name, script }) => ({
          name,
          got: await run(protocol, script),
        }));
        for (const { name, got } of await Promise.all(outcomes)) {
          expected ??= got;
          expect(got, `${face}, ${name} of ${bytes.toString('latin1')}`).toEqual(expected);
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

  test('any script and any cuts give the same', () =>
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
