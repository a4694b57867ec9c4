import { expectTypeOf, it } from 'vitest';
import * as w from '../../src/index.ts';

const requests = w.messages(w.u8, { query: w.message(1, { x: w.u8 }), bye: w.message(2) });
const replies = w.messages(w.u8, { ok: w.message(1) });
const startup = w.messages(w.u32be, { startup: w.message(196_608, { y: w.u8 }) });

it('a state with codecs of its own leaves the types of the others as they are', () => {
  const session = w.defineSession({
    receives: requests,
    sends: replies,
    initial: 'starting',
    context: () => ({ n: 1 }),
    states: {
      starting: {
        receives: startup,
        framing: w.lengthPrefix({ lengthIncludes: 'header' }),
        on: {
          startup: ({ y }: w.Infer<typeof startup>) => ({
            send: y > 1 ? { type: 'no' } : undefined,
            next: 'open',
          }),
        },
        next: ['open'],
      },
      open: {
        framing: (context) => {
          expectTypeOf(context).toEqualTypeOf<{ n: number }>();
          return w.lengthPrefix({ maxFrameLength: context.n });
        },
        on: {
          query: (message, context) => {
            expectTypeOf(message).toEqualTypeOf<{ type: 'query'; x: number }>();
            context.n++;
            return { send: { type: 'ok' } };
          },
          bye: { outcomes: { over: 'ok' }, handle: () => ({ send: { type: 'ok' }, next: 'over' }) },
        },
        otherwise: ({ type }) => expectTypeOf(type).toEqualTypeOf<'query' | 'bye'>() as never,
        onEnter: () => ({ type: 'ok' }),
      },
      over: { final: true },
    },
  });
  expectTypeOf(session).toEqualTypeOf<
    w.Session<w.Infer<typeof requests>, w.Infer<typeof replies>, 'starting' | 'open' | 'over', { n: number }>
  >();
});

it('a state without them takes only the messages of the session', () => {
  const never = () => {
    const parts = { receives: requests, sends: replies, initial: 'one' } as const;
    // @ts-expect-error: no such message
    w.defineSession({ ...parts, states: { one: { on: { nope: () => undefined } } } });
    // @ts-expect-error: no such answer
    w.defineSession({ ...parts, states: { one: { on: { query: () => ({ send: { type: 'nope' } }) } } } });
  };
  expectTypeOf(never).toBeFunction();
});
