import { once } from 'node:events';
import net, { type AddressInfo, connect as dial } from 'node:net';
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CaptureMessages } from '../../src/captures/decode-capture.ts';
import { recut } from '../../src/captures/recut.ts';
import { drone, droneProtocol } from '../../src/drone/protocol.ts';
import {
  Conversation,
  connect,
  createServer,
  defineSession,
  lengthPrefix,
  message,
  messages,
  u8,
  u32le,
} from '../../src/index.ts';
import type { CaptureEvent, Side } from '../../src/protocol/recording/events.ts';
import { chunkings } from '../../src/testing/chunkings.ts';
import { recuts } from '../../src/testing/recuts.ts';
import { type ReplayDifference, replay } from '../../src/testing/replay.ts';
import { replaySession } from '../../src/testing/replay-session.ts';
import { shrinkCapture } from '../../src/testing/shrink-capture.ts';
import { wire } from '../../src/testing/wire.ts';

function data(from: Side, text: string, connection = 0): CaptureEvent {
  return { event: 'data', time: 0, connection, from, bytes: Buffer.from(text, 'latin1') };
}

const HELLO = '\x07\0\0\0\x02\x05HELLO';
const AUTH_OK = '\x09\0\0\0\x80\x07AUTH_OK';
const QUIT = '\x01\0\0\0\0';
const BYE = '\x05\0\0\0\x80\x03BYE';
const FLIGHT = [data('client', HELLO), data('server', AUTH_OK), data('client', QUIT), data('server', BYE)];

/** All that each side of each connection said. */
function said(events: readonly CaptureEvent[]): Record<string, string> {
  const all: Record<string, string> = {};
  for (const event of events) {
    if (event.event !== 'data') continue;
    const key = `${event.connection} ${event.from}`;
    all[key] = (all[key] ?? '') + event.bytes.toString('latin1');
  }
  return all;
}

describe('chunks cut elsewhere', () => {
  const events = [
    data('client', 'ab'),
    data('client', 'cd'),
    data('client', 'x', 1),
    data('client', 'ef'),
    data('server', 'gh'),
    data('client', 'ij'),
  ];

  test('coalesced: until the other side speaks, regardless of other connections', () => {
    expect(recut(events, { how: 'coalesced' })).toEqual([
      data('client', 'abcdef'),
      data('client', 'x', 1),
      data('server', 'gh'),
      data('client', 'ij'),
    ]);
    expect(recut(events, { how: 'recorded' })).toEqual(events);
  });

  test('into single bytes', () => {
    const single = recut(events, { how: 'every' });
    expect(single.every((event) => event.event === 'data' && event.bytes.length === 1)).toBe(true);
    expect(said(single)).toEqual(said(events));
  });

  test('at random: the same for the same seed, and nothing is lost', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const cut = recut(events, { how: 'random', seed });
        expect(cut).toEqual(recut(events, { how: 'random', seed }));
        expect(said(cut)).toEqual(said(events));
      }),
    );
    const cuts = new Set(
      Array.from({ length: 20 }, (_, seed) => recut(events, { how: 'random', seed }).length),
    );
    expect(cuts.size).toBeGreaterThan(1);
  });

  test('decode to the same messages', () => {
    const decode = (some: readonly CaptureEvent[]): unknown[] => {
      const decoder = new CaptureMessages(drone);
      return some.flatMap((event) => decoder.event(event));
    };
    for (const how of ['coalesced', 'every', 'random'] as const)
      expect(decode(recut(FLIGHT, { how }))).toEqual(decode(FLIGHT));
  });
});

describe('replay against a live peer', () => {
  test('the client of a recorded flight, against a server', async () => {
    const server = createServer(drone);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as AddressInfo;
    const played = (events: readonly CaptureEvent[]) =>
      replay(events, drone, 'client', dial(port, '127.0.0.1'), { timeout: 60_000 });
    expect(await played(FLIGHT)).toBeUndefined();
    const otherwise = FLIGHT.with(3, data('server', '\x05\0\0\0\x80\x03CIAO'.slice(0, 9)));
    expect(await played(otherwise)).toEqual({
      index: 3,
      path: 'text',
      expected: 'CIA',
      actual: 'BYE',
      recorded: { type: 'ok', text: 'CIA' },
      message: { type: 'ok', text: 'BYE' },
    });
    const more = [...FLIGHT, data('server', BYE)];
    expect(await played(more)).toMatchObject({
      index: 4,
      path: '',
      actual: undefined,
    });
    await server.close({ deadline: 1 });
  });

  test('the server, against a client; and a message that never comes', async () => {
    const [near, far] = duplexPair();
    far.write(Buffer.from(HELLO, 'latin1'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const replaying = replay(FLIGHT, drone, 'server', near, { timeout: 50 });
    await once(far, 'readable');
    // Now it waits for the message that never comes.
    for (let turns = 0; turns < 20; turns++) await turn();
    await vi.advanceTimersByTimeAsync(50);
    expect(await replaying).toMatchObject({
      index: 2,
      path: '',
      expected: { type: 'quit' },
      actual: undefined,
    });
    expect(far.read()?.toString('latin1')).toBe(AUTH_OK);
  });

  test('a token that differs from run to run is bound by its path', async () => {
    const protocol = {
      framing: lengthPrefix({ lengthFieldLength: 1 }),
      clientMessages: messages(u8, { use: message(1, { token: u32le, count: u8 }) }),
      serverMessages: messages(u8, { hello: message(2, { token: u32le }) }),
    };
    // The recorded token is 7.
    const recorded = [data('server', '\x05\x02\x07\0\0\0'), data('client', '\x06\x01\x07\0\0\0\x07')];
    const [near, far] = duplexPair();
    far.write(Buffer.from('\x05\x02\x63\0\0\0', 'latin1'));
    const bind = ['hello.token', 'use.token'];
    expect(await replay(recorded, protocol as never, 'client', near, { bind })).toBeUndefined();
    expect(far.read()?.toString('latin1')).toBe('\x06\x01\x63\0\0\0\x07');
  });

  test('ids beside tokens: groups with their own values, learned from requests too', async () => {
    const protocol = {
      framing: lengthPrefix({ lengthFieldLength: 1 }),
      clientMessages: messages(u8, { ask: message(1, { id: u8, key: u8 }) }),
      serverMessages: messages(u8, { say: message(2, { id: u8, key: u8, at: u8 }) }),
    };
    // Recorded: id 1 and key 1 both ways, at the time 50. Live: id 9, key 4.
    const recorded = [data('client', '\x03\x01\x01\x01'), data('server', '\x04\x02\x01\x01\x32')];
    const [near, far] = duplexPair();
    far.write(Buffer.from('\x03\x01\x09\x04', 'latin1'));
    const bind = [['ask.id', 'say.id'], ['ask.key', 'say.key'], 'say.at'];
    expect(await replay(recorded, protocol as never, 'server', near, { bind })).toBeUndefined();
    expect(far.read()?.toString('latin1')).toBe('\x04\x02\x09\x04\x32');
  });

  test('the server, against a client made by connect', async () => {
    const wanted = await serveReplay(FLIGHT);
    const client = await connect(drone, { port: wanted.port, host: '127.0.0.1' });
    expect(await client.request({ type: 'write', text: 'HELLO' })).toEqual({ type: 'ok', text: 'AUTH_OK' });
    client.send({ type: 'move', x: 1, y: 2 });
    expect(await wanted.difference).toEqual({
      index: 2,
      path: 'type',
      expected: 'quit',
      actual: 'move',
      recorded: { type: 'quit' },
      message: { type: 'move', x: 1, y: 2 },
    });
    client.destroy();
    await client.closed.catch(() => {});
  });

  test('the ends of the sides are sent and expected; a message in place of an end is a difference', async () => {
    const ended = [...FLIGHT, end('client'), end('server')];
    const good = await serveReplay(ended);
    const client = await connect(drone, { port: good.port, host: '127.0.0.1' });
    await client.request({ type: 'write', text: 'HELLO' });
    await client.request({ type: 'quit' });
    client.end();
    await client.closed;
    expect(await good.difference).toBeUndefined();

    const bad = await serveReplay(ended);
    const other = await connect(drone, { port: bad.port, host: '127.0.0.1' });
    for (const text of ['HELLO'] as const) await other.request({ type: 'write', text });
    await other.request({ type: 'quit' });
    other.send({ type: 'quit' });
    expect(await bad.difference).toMatchObject({
      index: 4,
      path: '',
      expected: undefined,
      actual: { type: 'quit' },
    });
    other.destroy();
    await other.closed.catch(() => {});
  });

  test.each([
    ['messages', [HELLO, QUIT]],
    ['coalesced', [HELLO + QUIT]],
    ['every', [...(HELLO + QUIT)]],
  ] as const)('cut %s', async (how, chunks) => {
    const { client, server } = wire();
    const came: string[] = [];
    server.on('data', (chunk: Buffer) => came.push(chunk.toString('latin1')));
    const events = [FLIGHT[0]!, FLIGHT[2]!];
    expect(await replay(events, drone, 'client', client, { how })).toBeUndefined();
    await once(server, 'end');
    expect(came).toEqual(chunks);
  });

  test('cut at random, by the seed, against a server that answers', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { client, server } = wire();
      const conversation = new Conversation(drone);
      const cuts: number[] = [];
      server.on('data', (chunk: Buffer) => {
        cuts.push(chunk.length);
        conversation.receive(chunk);
        for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take()) {
          server.write(Buffer.from(bytes));
        }
      });
      expect(await replay(FLIGHT, drone, 'client', client, { how: 'random', seed })).toBeUndefined();
      expect(cuts.reduce((sum, length) => sum + length)).toBe(HELLO.length + QUIT.length);
    }
  });
});

function end(from: Side): CaptureEvent {
  return { event: 'end', time: 0, connection: 0, from };
}

/** A listener that takes the server's part of a capture, once. */
async function serveReplay(
  events: readonly CaptureEvent[],
): Promise<{ port: number; difference: Promise<ReplayDifference | undefined> }> {
  const listener = net.createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const difference = once(listener, 'connection').then(([socket]) => {
    listener.close();
    return replay(events, drone, 'server', socket);
  });
  return { port: (listener.address() as AddressInfo).port, difference };
}

test('at the recorded speed, and n times as fast', async () => {
  const late = [FLIGHT[0]!, { ...FLIGHT[2]!, time: 0.3 }];
  for (const [speed, least] of [
    [1, 290],
    [3, 95],
  ] as const) {
    const { client, server } = wire();
    const start = performance.now();
    expect(await replay(late, drone, 'client', client, { speed })).toBeUndefined();
    expect(performance.now() - start).toBeGreaterThan(least);
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.read()?.toString('latin1')).toBe(HELLO + QUIT);
  }
  await expect(replay(late, drone, 'client', wire().client, { speed: 0 })).rejects.toThrow('above 0');
});

describe('replay into a session', () => {
  test('cut anywhere: the same answers', async () => {
    const whole = await replaySession(FLIGHT, drone);
    expect(whole).toMatchObject({ error: undefined });
    expect(whole.sent.toString('latin1')).toBe(AUTH_OK + BYE);
    for (const { name, chunks } of chunkings(Buffer.from(HELLO + QUIT, 'latin1'))) {
      const events = chunks.map((bytes): CaptureEvent => {
        return { event: 'data', time: 0, connection: 0, from: 'client', bytes };
      });
      expect({ name, ...(await replaySession(events, drone)) }).toEqual({ name, ...whole });
    }
    for (const how of ['coalesced', 'every', 'random'] as const)
      expect(await replaySession(recut(FLIGHT, { how }), drone)).toEqual(whole);
  });

  test('cut in every way: the same answers', async () => {
    const whole = await replaySession(FLIGHT, drone);
    const names: string[] = [];
    for (const { name, events } of recuts(FLIGHT)) {
      names.push(name);
      expect(said(events)).toEqual(said(FLIGHT));
      expect({ name, ...(await replaySession(events, drone)) }).toEqual({ name, ...whole });
    }
    expect(names.slice(0, 4)).toEqual(['recorded', 'whole', 'byte by byte', 'split at 1']);
    const all = Object.values(said(FLIGHT)).join('').length;
    expect(names.filter((name) => /^split at \d+$/.test(name)).length).toBeGreaterThanOrEqual(all - 1);
  });

  test("into the client's own session, on a virtual clock too", async () => {
    const session = defineSession({
      receives: drone.serverMessages,
      sends: drone.clientMessages,
      initial: 'greeting',
      states: {
        greeting: {
          onEnter: () => ({ type: 'write', text: 'HELLO' }),
          on: { ok: () => ({ send: { type: 'quit' } as const, next: 'leaving' as const }) },
          deadline: { within: 3_600_000 },
          next: ['leaving', 'gone'],
        },
        leaving: { on: { ok: () => ({ next: 'gone' as const }) }, next: ['gone'] },
        gone: { final: true },
      },
    });
    const answered = await replaySession(FLIGHT, drone, { session });
    expect(answered).toMatchObject({ state: 'gone', error: undefined });
    expect(answered.sent.toString('latin1')).toBe(HELLO + QUIT);
    const late = FLIGHT.map((event, index) => (index === 0 ? event : { ...event, time: 3_601 }));
    expect((await replaySession(late, drone, { session })).error).toMatchObject({
      code: 'ERR_TIMEOUT_STATE',
    });
  });

  test('on a virtual clock: deadlines pass at the times of the capture', async () => {
    const hour = droneProtocol({ idleTimeout: 3_600_000 });
    const at = (time: number): CaptureEvent[] => [FLIGHT[0]!, { ...FLIGHT[2]!, time }];
    expect((await replaySession(at(3_599), hour)).sent.toString('latin1')).toBe(AUTH_OK + BYE);
    const late = await replaySession(at(3_601), hour);
    expect(late.error).toMatchObject({ code: 'ERR_TIMEOUT_IDLE' });
    expect(late.sent.toString('latin1')).not.toContain('BYE');
  });
});

describe('shrinkCapture', () => {
  test('leaves out messages, chunks and bytes while it fails', async () => {
    const moves = Array.from(
      { length: 30 },
      (_, i) => `\x09\0\0\0\x01${String.fromCharCode(i)}\0\0\0\0\0\0\0`,
    );
    const events: CaptureEvent[] = [
      { event: 'open', time: 0, connection: 0 },
      data('client', HELLO + moves.join('')),
      data('server', AUTH_OK),
      data('client', QUIT),
    ];
    let calls = 0;
    const fails = (some: readonly CaptureEvent[]): boolean => {
      calls++;
      const decoder = new CaptureMessages(drone);
      return some
        .flatMap((event) => decoder.event(event))
        .some((event) => event.event === 'message' && (event.message as { x?: number }).x === 17);
    };
    const small = await shrinkCapture(events, fails, drone);
    expect(small).toEqual([data('client', moves[17]!)]);
    expect(calls).toBeLessThan(400);
    // Without a protocol, bytes alone.
    const has = (some: readonly CaptureEvent[]): boolean =>
      Object.values(said(some)).some((text) => text.includes('H') && text.includes('E'));
    expect(await shrinkCapture(events, has)).toEqual([data('client', 'HE')]);
  });

  test('a capture that does not fail', async () => {
    await expect(shrinkCapture(FLIGHT, () => false)).rejects.toThrow('does not fail');
  });
});
