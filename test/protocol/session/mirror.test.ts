import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientMessage, drone, droneSession, type ServerMessage } from '../../../src/drone/index.ts';
import { type Codec, defineSession, StateError, type Step } from '../../../src/index.ts';

const HELLO: ClientMessage = { type: 'write', text: 'HELLO' };
const MOVE: ClientMessage = { type: 'move', x: 1, y: 2 };
const QUIT: ClientMessage = { type: 'quit' };
const OK: ServerMessage = { type: 'ok', text: '' };
const ERROR: ServerMessage = { type: 'error', text: '' };

const local = (code: string) => expect.objectContaining({ code, origin: 'local' });
const peer = (code: string) => expect.objectContaining({ code, origin: 'peer' });

function allows(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

describe('the drone, seen by its client', () => {
  test('a flight, answer by answer', () => {
    const mirror = drone.session.mirror();
    expect(mirror.state).toBe('handshake');
    mirror.send(HELLO);
    mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
    mirror.send(MOVE);
    mirror.receive(OK);
    mirror.send(QUIT);
    expect(mirror.state).toBe('authenticated');
    mirror.receive(OK);
    expect(mirror.state).toBe('closing');
    expect(() => mirror.send(MOVE)).toThrow(local('ERR_STATE_CLOSED'));
  });

  test('a command before the handshake is our fault, and nothing has changed', () => {
    const mirror = drone.session.mirror();
    expect(() => mirror.send(MOVE)).toThrow(StateError);
    expect(() => mirror.send(MOVE)).toThrow(
      expect.objectContaining({
        code: 'ERR_STATE_UNEXPECTED',
        origin: 'local',
        state: 'handshake',
        expected: ['write'],
      }),
    );
    mirror.send(HELLO);
    mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
  });

  test('commands may be sent ahead of the answers, which narrow what the drone may have come to', () => {
    const mirror = drone.session.mirror();
    mirror.send(HELLO);
    mirror.send(MOVE); // authenticated, or closing for all we know
    mirror.send(QUIT);
    expect(() => mirror.send(MOVE)).toThrow(local('ERR_STATE_CLOSED'));
    mirror.receive(ERROR); // the token was wrong
    expect(mirror.state).toBe('closing');
  });

  test('a second attempt, where the table has one', () => {
    const mirror = droneSession({ authAttempts: 2 }).mirror();
    mirror.send(HELLO);
    mirror.receive(ERROR);
    expect(mirror.states).toEqual(['handshake', 'closing']);
    expect(mirror.state).toBeUndefined();
    mirror.send(HELLO);
    mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
  });

  test('thousands ahead', () => {
    const mirror = drone.session.mirror();
    mirror.send(HELLO);
    mirror.receive(OK);
    for (let i = 0; i < 5_000; i++) mirror.send(MOVE);
    for (let i = 0; i < 5_000; i++) mirror.receive(OK);
    expect(mirror.state).toBe('authenticated');
  });

  test('never disagrees with the drone itself', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom<ClientMessage>(HELLO, MOVE, QUIT, { type: 'write', text: 'x' }),
            fc.nat(3),
          ),
          {
            maxLength: 20,
          },
        ),
        fc.integer({ min: 1, max: 3 }),
        (script, authAttempts) => {
          const session = droneSession({ authAttempts });
          const run = session.start();
          const mirror = session.mirror();
          const waiting: ServerMessage[] = [];
          for (const [message, readings] of script) {
            if (!allows(() => mirror.send(message))) continue;
            waiting.push(...(run.receive(message) as Step<ServerMessage, string>).answers);
            for (const answer of waiting.splice(0, readings)) mirror.receive(answer);
          }
          for (const answer of waiting) mirror.receive(answer);
          expect(mirror.states).toContain(run.state);
        },
      ),
      { numRuns: 300 },
    ));
});

type In = { type: 'ask' } | { type: 'go' };
type Out = { type: 'yes' } | { type: 'no' } | { type: 'news' };
const codecs = {
  receives: { types: ['ask', 'go'] } as unknown as Codec<In>,
  sends: { types: ['yes', 'no', 'news'] } as unknown as Codec<Out>,
};
const handle = () => {};

describe('what the peer may send', () => {
  const strict = defineSession({
    ...codecs,
    initial: 'a',
    states: {
      a: { on: { ask: { outcomes: { a: ['no'], b: 'yes' }, handle } }, unsolicited: ['news'] },
      b: { unsolicited: [], on: { go: { outcomes: { b: [] }, handle } } },
    },
  });

  test('what was asked for, any number where the table says so, and what may come unasked', () => {
    const mirror = strict.mirror();
    mirror.receive({ type: 'news' });
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    mirror.send({ type: 'ask' });
    mirror.send({ type: 'ask' });
    for (const type of ['no', 'news', 'no', 'yes'] as const) mirror.receive({ type });
    expect(mirror.state).toBe('b');
    expect(() => mirror.receive({ type: 'news' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    expect(() => mirror.receive({ type: 'yes' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
    expect(() => mirror.send({ type: 'ask' })).toThrow(local('ERR_STATE_UNEXPECTED'));
    mirror.send({ type: 'go' });
    expect(() => mirror.receive({ type: 'no' })).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });

  test('anything that a greeting, a deadline or a farewell may have said', () => {
    const greeting = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: { on: { ask: handle }, unsolicited: [], onEnter: () => [{ type: 'yes' }, { type: 'news' }] },
      },
    }).mirror();
    greeting.receive({ type: 'yes' });
    greeting.receive({ type: 'news' });
    expect(greeting.state).toBe('a');

    const late = defineSession({
      ...codecs,
      initial: 'a',
      states: {
        a: {
          on: { ask: handle },
          unsolicited: [],
          deadline: { idle: 1, handle: () => ({ next: 'b' }) },
          next: ['b'],
        },
        b: { final: true },
      },
    }).mirror();
    late.receive({ type: 'no' });
    expect(late.states).toEqual(['a', 'b']);

    const farewell = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { ask: handle }, unsolicited: [] } },
      farewell: () => ({ type: 'no' }),
    }).mirror();
    farewell.receive({ type: 'no' });
    expect(() => farewell.send({ type: 'ask' })).toThrow(local('ERR_STATE_CLOSED'));
    farewell.receive({ type: 'no' });
  });

  test('a table that tells nothing allows everything, and stays quick', () => {
    const loose = defineSession({
      ...codecs,
      initial: 'a',
      states: { a: { on: { ask: handle, go: handle }, next: ['b'] }, b: { otherwise: handle, next: ['a'] } },
    }).mirror();
    for (let i = 0; i < 200; i++) loose.send({ type: i % 2 ? 'ask' : 'go' });
    for (let i = 0; i < 20; i++) loose.receive({ type: 'news' });
    expect(loose.states).toEqual(expect.arrayContaining(['a', 'b']));
  });

  test('unasked where the state does not say, as long as nothing we sent leads to it', () => {
    const mirror = drone.session.mirror();
    mirror.receive(ERROR);
    expect(mirror.state).toBe('handshake');
    mirror.send(HELLO);
    mirror.receive(ERROR);
    expect(mirror.state).toBe('closing');
    expect(() => mirror.receive(ERROR)).toThrow(peer('ERR_STATE_UNEXPECTED'));
  });
});
