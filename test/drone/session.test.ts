import { describe, expect, test } from 'vitest';
import {
  type ClientMessage,
  type DroneState,
  drone,
  droneProtocol,
  droneSession,
  type ServerMessage,
  session,
} from '../../src/drone/index.ts';
import type { Run, Step } from '../../src/index.ts';

type DroneRun = Run<ClientMessage, ServerMessage, DroneState, unknown>;

const HELLO: ClientMessage = { type: 'write', text: 'HELLO' };
const ok = (text: string): ServerMessage => ({ type: 'ok', text });
const error = (text: string): ServerMessage => ({ type: 'error', text });

/** A message of every type, and what the protocol's table answers to it in each state: the answer, the next state. */
const MESSAGES: Record<ClientMessage['type'], ClientMessage> = {
  quit: { type: 'quit' },
  move: { type: 'move', x: 10, y: -20 },
  write: { type: 'write', text: 'hello' },
  changeColor: { type: 'changeColor', r: 255, g: 128, b: 0 },
};
const CLOSED = [error('CONNECTION_CLOSED'), 'closing'] as const;
const HANDSHAKE = [error('EXPECTED_HANDSHAKE'), 'handshake'] as const;
const EXPECTED: Record<DroneState, Record<ClientMessage['type'], readonly [ServerMessage, DroneState]>> = {
  handshake: {
    quit: HANDSHAKE,
    move: HANDSHAKE,
    write: [error('AUTH_FAILED'), 'closing'],
    changeColor: HANDSHAKE,
  },
  authenticated: {
    quit: [ok('BYE'), 'closing'],
    move: [ok('MOVING_TO(10, -20)'), 'authenticated'],
    write: [error('WRONG_STATE'), 'authenticated'],
    changeColor: [ok('COLOR_SET(255, 128, 0)'), 'authenticated'],
  },
  closing: { quit: CLOSED, move: CLOSED, write: CLOSED, changeColor: CLOSED },
};
const WAY: Record<DroneState, ClientMessage[]> = {
  handshake: [],
  authenticated: [HELLO],
  closing: [HELLO, { type: 'quit' }],
};

function receive(run: DroneRun, ...messages: ClientMessage[]): Step<ServerMessage, DroneState>[] {
  return messages.map((message) => run.receive(message) as Step<ServerMessage, DroneState>);
}

describe('every state and every message of the table', () => {
  const pairs = session.states.flatMap((state) =>
    session.table.receives.map((type) => [state, type] as const),
  );

  test('there are twelve', () => {
    expect(pairs).toHaveLength(12);
    expect(pairs.map(([state, type]) => EXPECTED[state][type as 'move'])).not.toContain(undefined);
  });

  test.each(pairs)('%s, %s', (state, type) => {
    const run = session.start();
    receive(run, ...WAY[state]);
    expect(run.state).toBe(state);
    const [answer, next] = EXPECTED[state][type as ClientMessage['type']];
    expect(receive(run, MESSAGES[type as ClientMessage['type']])).toEqual([
      {
        answers: [answer],
        from: state,
        state: next,
        final: next === 'closing',
        deadline: undefined,
        error: undefined,
      },
    ]);
  });
});

test('only the exact token authenticates', () => {
  for (const text of ['hello', 'HELLO ', '', 'HELL']) {
    expect(receive(session.start(), { type: 'write', text })).toMatchObject([{ state: 'closing' }]);
  }
  expect(receive(session.start(), HELLO)).toMatchObject([
    { answers: [ok('AUTH_OK')], state: 'authenticated' },
  ]);
  expect(receive(droneSession({ token: 'sesame' }).start(), HELLO)).toMatchObject([{ state: 'closing' }]);
});

test('attempts are counted per connection; other messages do not count', () => {
  const patient = droneSession({ authAttempts: 3 });
  const wrong = MESSAGES.write;
  const run = patient.start();
  expect(
    receive(run, wrong, MESSAGES.move, wrong, wrong).map(({ answers, state }) => [answers[0]?.text, state]),
  ).toEqual([
    ['AUTH_FAILED', 'handshake'],
    ['EXPECTED_HANDSHAKE', 'handshake'],
    ['AUTH_FAILED', 'handshake'],
    ['AUTH_FAILED', 'closing'],
  ]);
  expect(receive(patient.start(), wrong, wrong, HELLO).at(-1)?.state).toBe('authenticated');
});

test.each([0, -1, 1.5, Number.NaN])('%s attempts are refused', (authAttempts) => {
  expect(() => droneSession({ authAttempts })).toThrow(RangeError);
});

test('onCommand is called with accepted commands only', () => {
  const told: string[] = [];
  const run = droneSession({ onCommand: ({ type }) => told.push(type) }).start();
  receive(
    run,
    MESSAGES.move,
    HELLO,
    HELLO,
    MESSAGES.move,
    MESSAGES.changeColor,
    MESSAGES.quit,
    MESSAGES.move,
  );
  expect(told).toEqual(['move', 'changeColor', 'quit']);
});

test('timeouts are off by default', () => {
  expect(session.start().deadline).toBeUndefined();
  const run = droneSession({ handshakeTimeout: 5_000, idleTimeout: 30_000 }).start();
  expect(run.deadline?.within).toBe(5_000);
  receive(run, HELLO);
  expect(run.deadline?.idle).toBe(30_000);
  expect(run.timeout()).toMatchObject({ answers: [], final: true, error: { code: 'ERR_TIMEOUT_IDLE' } });
});

test('a violation gets no answer: the drone has no farewell', () => {
  const run = session.start();
  expect(run.fault(new Error('bytes'))).toMatchObject({ answers: [], final: true });
});

test('the protocol as a whole', () => {
  expect(drone).toMatchObject({
    name: 'drone',
    framing: { name: 'lengthPrefix', maxFrameLength: 10_000_000 },
    session,
  });
  expect(receive(droneProtocol({ token: 'x' }).session.start(), { type: 'write', text: 'x' })).toMatchObject([
    { state: 'authenticated' },
  ]);
});
