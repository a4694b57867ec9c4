/** A responder by itself, without a socket: what is seen of it, sent through it, and when it waits. */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  defineProtocol,
  defineSession,
  json,
  line,
  Responder,
  type ResponderOptions,
} from '../../src/index.ts';

type In = { type: 'ask' | 'work' | 'go' | 'stop' | 'switch'; n?: number };
type Out = { type: 'row' | 'done' | 'tick'; n?: number; text?: string };

const wire = (...messages: (In | Out)[]): string =>
  messages.map((message) => `${JSON.stringify(message)}\n`).join('');
const row = (n: number): Out => ({ type: 'row', n });
const ask = (n: number): In => ({ type: 'ask', n });
const TICK: Out = { type: 'tick' };

/** A responder, what it has given, and what lets its handler of 'work' answer. */
function respond(options: ResponderOptions<never> = {}) {
  const gates: (() => void)[] = [];
  const session = defineSession({
    receives: json<In>(),
    sends: json<Out>(),
    initial: 'a',
    ready: 'b',
    context: ({ remote }) => ({ remote }),
    farewell: ({ message }) => ({ type: 'done', text: message }),
    states: {
      a: { on: { go: () => ({ next: 'b' }), ask: ({ n = 0 }) => ({ send: row(n) }) }, next: ['b'] },
      b: {
        on: {
          ask: ({ n = 0 }) => ({ send: row(n) }),
          work: async ({ n = 0 }) => {
            await new Promise<void>((open) => gates.push(open));
            return { send: row(n) };
          },
          switch: () => ({ send: TICK, upgrade: 'tls' }),
          stop: () => ({ send: { type: 'done' }, next: 'c' }),
        },
        next: ['c'],
      },
      c: { final: true },
    },
  });
  const messages = { clientMessages: json<In>(), serverMessages: json<Out>() };
  const protocol = defineProtocol({
    name: 'rows',
    framing: line({ maxFrameLength: 200_000 }),
    ...messages,
    session,
  });
  const responder = new Responder(protocol, { connection: { remote: 'here' }, ...options } as never);
  const chunks: string[] = [];
  const read = () => responder.on('data', (chunk: Buffer) => chunks.push(`${chunk}`));
  return { responder, chunks, gates, read };
}

describe('what is seen of it', () => {
  test('state, context, what has come, readiness, work, and the end', async () => {
    const { responder, chunks, gates, read } = respond();
    read();
    const seen: unknown[] = [];
    responder.observer = {
      message: (message, state) => seen.push([(message as In).type, state]),
      transition: (from, to) => seen.push(`${from} to ${to}`),
    };
    const look = () => [
      responder.state,
      responder.taken,
      responder.frames,
      responder.isReady,
      responder.isBusy,
      responder.isOver,
      responder.held,
    ];
    expect(look()).toEqual(['a', 0, 0, false, false, false, 0]);
    expect(responder.context).toEqual({ remote: 'here' });
    responder.write(`${wire(ask(1), { type: 'go' })}{"ty`);
    expect(look()).toEqual(['b', 2, 2, true, false, false, 4]);
    responder.write(`pe":"work","n":2}\n${wire(ask(3))}`);
    const length = wire(ask(3)).length;
    expect(look()).toEqual(['b', 3, 3, true, true, false, length]);
    // In the stage's own queue, since the write before is not over.
    responder.write('{"t');
    expect(responder.held).toBe(length + 3);
    gates[0]!();
    await turn();
    expect(look()).toEqual(['b', 4, 4, true, false, false, 3]);
    responder.write(`ype":"stop"}\n${wire(ask(4))}`);
    await turn();
    expect(look().slice(0, -1)).toEqual(['c', 5, 5, true, false, true]);
    expect(responder.error).toBeUndefined();
    expect(responder.counts).toEqual({ frames: 5, invalid: 0, discarded: 0, noise: 0 });
    expect(chunks.join('')).toBe(wire(row(1), row(2), row(3), { type: 'done' }));
    expect(seen).toEqual([
      ['ask', 'a'],
      ['go', 'a'],
      'a to b',
      ['work', 'b'],
      ['ask', 'b'],
      ['stop', 'b'],
      'b to c',
    ]);
    responder.end();
    await once(responder, 'close');
  });

  test('frames that are no messages, where they are left out', () => {
    const { responder, chunks, read } = respond({ onInvalid: 'discard' });
    read();
    responder.write(`${wire(ask(1))}nothing\n${wire(ask(2))}`);
    expect(chunks.join('')).toBe(wire(row(1), row(2)));
    expect(responder.counts).toMatchObject({ frames: 3, invalid: 1 });
    responder.destroy();
  });
});

describe('its end', () => {
  test('abort: the farewell and the error; nothing happens to one that is gone', async () => {
    const { responder, chunks, read } = respond();
    read();
    const failed = once(responder, 'error');
    const reason = new Error('as asked');
    responder.abort(reason);
    responder.abort(new Error('again'));
    responder.end();
    expect((await failed)[0]).toBe(reason);
    expect(chunks.join('')).toBe(wire({ type: 'done', text: 'as asked' }));
    const gone = respond().responder.destroy();
    gone.abort(reason);
    expect(gone.error).toBeUndefined();
  });

  test('leave: what has come is answered, then the last words', async () => {
    const { responder, chunks, gates, read } = respond();
    read();
    responder.write(wire({ type: 'go' }, { type: 'work', n: 1 }, ask(2)));
    responder.leave(() => TICK);
    gates[0]!();
    responder.end();
    await once(responder, 'end');
    expect(chunks.join('')).toBe(wire(row(1), row(2), TICK));
    const gone = respond().responder.destroy();
    gone.leave(() => expect.fail('nobody hears it'));
    await turn();
    expect([gone.isOver, gone.error]).toEqual([true, undefined]);
  });

  test('a peer that ends while a handler works gets its answer', async () => {
    const { responder, chunks, gates, read } = respond();
    read();
    responder.end(wire({ type: 'go' }, { type: 'work', n: 1 }));
    await turn();
    expect([chunks, responder.readableEnded]).toEqual([[], false]);
    gates[0]!();
    await once(responder, 'end');
    expect(chunks.join('')).toBe(wire(row(1)));
  });
});

test('a peer that does not end its side is cut: for the reason of the end, or because it lingers', async () => {
  const reason = new Error('as asked');
  for (const isAborted of [true, false]) {
    const { responder, read } = respond({ lingerTimeout: 10 });
    read();
    const failed = once(responder, 'error');
    if (isAborted) responder.abort(reason);
    else responder.write(wire({ type: 'go' }, { type: 'stop' }));
    const [error] = await failed;
    if (isAborted) expect(error).toBe(reason);
    else {
      const message = "the peer has not ended its side within 10 ms of our end, in state 'c'";
      expect(error).toMatchObject({ code: 'ERR_TIMEOUT_STATE', limit: 10, state: 'c', message });
    }
  }
});

describe('messages that are no answers', () => {
  test('those of one turn leave together', async () => {
    const { responder, chunks, read } = respond();
    read();
    await turn();
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 3; n++) expect(responder.send(row(n))).toBe(true);
      expect(chunks).toEqual([]);
      await turn();
      expect(chunks.splice(0)).toEqual([wire(row(0), row(1), row(2))]);
    }
  });

  test('64 of them, or 64 KiB, leave at once', async () => {
    const { responder, chunks, read } = respond();
    let unsent = 0;
    responder.onUnsent = () => unsent++;
    read();
    await turn();
    for (let n = 0; n < 63; n++) responder.send(row(n));
    expect(chunks).toEqual([]);
    responder.send(row(63));
    expect(chunks.splice(0).join('')).toBe(wire(...Array.from({ length: 64 }, (_, n) => row(n))));
    await turn();
    const text = (length: number): Out => ({ type: 'row', text: 'x'.repeat(length) });
    const weight = (length: number): number => {
      responder.send(text(length));
      return responder.unsentBytes;
    };
    const small = weight(1_000);
    await turn();
    const each = (weight(2_000) - small) / 1_000;
    await turn();
    chunks.length = 0;
    const length = 1_000 + Math.ceil((65_536 - small) / each);
    responder.send(text(length - 1));
    expect(chunks).toEqual([]);
    await turn();
    chunks.length = 0;
    responder.send(text(length));
    expect([chunks.join('').length > length, responder.unsentBytes, unsent]).toEqual([true, 0, 0]);
  });

  test('while the consumer waits they are held, which is told; it is told when to go on', async () => {
    const { responder, chunks, read } = respond({ readableHighWaterMark: 1 });
    await turn();
    await responder.ready();
    responder.send(row(1));
    await turn();
    expect(responder.unsentBytes).toBe(0);
    // Nobody listens for what is held.
    expect(responder.send(row(2))).toBe(false);
    let unsent = 0;
    responder.onUnsent = () => unsent++;
    expect(responder.send(row(3))).toBe(false);
    expect(responder.unsentBytes).toBeGreaterThan(0);
    const ready: string[] = [];
    for (const name of ['one', 'other']) void responder.ready().then(() => ready.push(name));
    await turn();
    expect([unsent, ready]).toEqual([1, []]);
    read();
    for (let i = 0; i < 3; i++) await turn();
    expect([chunks.join(''), ready]).toEqual([wire(row(1), row(2), row(3)), ['one', 'other']]);
    expect(responder.send(row(4))).toBe(true);
    await responder.ready();
  });

  test('one that is gone keeps nobody waiting, and sends nothing', async () => {
    const { responder } = respond({ readableHighWaterMark: 1 });
    responder.send(row(1));
    await turn();
    const waiting = responder.ready();
    responder.destroy();
    await waiting;
    await responder.ready();
    expect(() => responder.send(TICK)).toThrow(
      expect.objectContaining({
        code: 'ERR_STATE_CLOSED',
        origin: 'local',
        state: 'a',
        message: 'nothing can be sent: the connection is gone',
      }),
    );
  });
});

describe('time', () => {
  afterEach(() => vi.useRealTimers());

  const pass = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    await turn();
  };
  const fake = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  test('silence drops an unfinished frame, which is reported if anyone asks', async () => {
    fake();
    for (const isObserved of [true, false]) {
      const { responder, chunks, read } = respond({ idleGap: 10 });
      read();
      const discarded: unknown[] = [];
      if (isObserved) {
        const onDiscard = (error: unknown) => discarded.push(error);
        responder.observer = { message() {}, transition() {}, onDiscard };
      } else if (chunks.length === 0) {
        responder.observer = undefined;
      }
      responder.write('ab');
      await pass(9);
      responder.write('c');
      await pass(9);
      expect(responder.held).toBe(3);
      await pass(1);
      expect(responder.held).toBe(0);
      if (isObserved) expect(discarded).toMatchObject([{ code: 'ERR_FRAME_TIMEOUT', limit: 10, actual: 3 }]);
      responder.write(wire(ask(1)));
      expect(chunks.join('')).toBe(wire(row(1)));
      expect(vi.getTimerCount()).toBe(0);
      responder.destroy();
    }
  });

  test('silence while a handler works, or the consumer waits, is not the peer’s', async () => {
    fake();
    const busy = respond({ idleGap: 10 });
    busy.read();
    busy.responder.write(`${wire({ type: 'go' }, { type: 'work', n: 1 })}{"type":"as`);
    const blocked = respond({ idleGap: 10, readableHighWaterMark: 1 });
    blocked.responder.write(`${wire(ask(1))}{"type":"as`);
    for (let i = 0; i < 3; i++) await pass(10);
    busy.gates[0]!();
    blocked.read();
    await turn();
    for (const { responder, chunks } of [busy, blocked]) {
      responder.write('k","n":7}\n');
      await turn();
      expect(chunks.join('')).toBe(wire(row(1), row(7)));
      responder.destroy();
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  /** A responder whose state has these limits; its handler sends a tick. */
  function limited(limits: object, options: ResponderOptions<never> = {}) {
    const codec = json<{ type: string; n?: number }>();
    const session = defineSession({
      receives: codec,
      sends: codec,
      initial: 'a',
      states: {
        a: {
          on: { ask: ({ n }: { n?: number }) => ({ send: { type: 'row', n }, timers: { soon: 30 } }) },
          timers: { soon: () => ({ send: { type: 'done' } }) },
          deadline: { ...limits, handle: () => ({ send: TICK }) },
        },
      },
    } as never);
    const messages = { clientMessages: codec, serverMessages: codec };
    const responder = new Responder(
      defineProtocol({ name: 'limits', framing: line(), ...messages, session } as never),
      options,
    );
    const chunks: string[] = [];
    return { responder, chunks, read: () => responder.on('data', (chunk) => chunks.push(`${chunk}`)) };
  }

  test('named timers', async () => {
    fake();
    const { responder, chunks, read } = limited({ within: 100_000 });
    read();
    responder.write(wire(ask(1)));
    await pass(29);
    expect(chunks.splice(0).join('')).toBe(wire(row(1)));
    await pass(1);
    expect(chunks.join('')).toBe(wire({ type: 'done' }));
    responder.destroy();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a frame has its time once the consumer takes the answers', async () => {
    fake();
    const { responder, chunks, read } = limited({ frame: 20 }, { readableHighWaterMark: 1 });
    responder.write(`${wire(ask(1))}{"type"`);
    for (let i = 0; i < 3; i++) await pass(20);
    expect(responder.held).toBe(7);
    read();
    await turn();
    await pass(20);
    expect([responder.held, chunks.join('')]).toEqual([0, wire(row(1), { type: 'done' }, TICK)]);
    responder.destroy();
  });
});

describe('upgrades', () => {
  function upgrading(refusal?: Error) {
    const all = respond();
    const log: unknown[] = [];
    all.responder.hostUpgrades({
      judge(name, waiting) {
        log.push([name, waiting]);
        return refusal;
      },
      goOver: (name) => log.push(`${name} after ${all.chunks.join('')}`),
    });
    all.read();
    return { ...all, log };
  }

  test('its host judges, gets the bytes that are not read, and goes over behind the answer', async () => {
    const { responder, log } = upgrading();
    responder.write(wire({ type: 'go' }));
    expect([responder.unread.length, log]).toEqual([0, []]);
    responder.write(`${wire({ type: 'switch' })}rest`);
    await turn();
    expect(log[0]).toEqual(['tls', 4]);
    expect(log.slice(1).length).toBeGreaterThan(0);
    expect(new Set(log.slice(1))).toEqual(new Set([`tls after ${wire(TICK)}`]));
    responder.write('more');
    await turn();
    expect([`${responder.unread}`, responder.taken]).toEqual(['restmore', 2]);
    // It was judged once.
    expect(log.filter((one) => typeof one !== 'string')).toHaveLength(1);
    const failed = once(responder, 'error');
    const reason = new Error('the handshake failed');
    responder.abort(reason);
    responder.end();
    expect((await failed)[0]).toBe(reason);
  });

  test('what waits in its queue counts, too', async () => {
    const { responder, log, gates } = upgrading();
    responder.write(wire({ type: 'go' }, { type: 'work' }));
    responder.write(`${wire({ type: 'switch' })}ab`);
    responder.write('cde');
    gates[0]!();
    await turn();
    expect(log[0]).toEqual(['tls', 5]);
    responder.destroy();
  });

  test('one that the host refuses ends the session behind the answer, with its reason', async () => {
    const reason = new Error('no certificate');
    const { responder, chunks, log } = upgrading(reason);
    const failed = once(responder, 'error');
    responder.write(wire({ type: 'go' }, { type: 'switch' }, ask(1)));
    responder.end();
    expect((await failed)[0]).toBe(reason);
    expect(chunks.join('')).toBe(wire(TICK, { type: 'done', text: 'no certificate' }));
    expect(log).toHaveLength(1);
  });

  test('without a host it is our fault', async () => {
    const { responder, read } = respond();
    read();
    const failed = once(responder, 'error');
    responder.end(wire({ type: 'go' }, { type: 'switch' }));
    expect((await failed)[0]).toMatchObject({
      code: 'ERR_STATE_UPGRADE',
      origin: 'local',
      state: 'b',
      message: "the session asks for the upgrade 'tls', which only createServer and connect make",
    });
  });
});

test('after 64 KiB of one connection others have their turn', async () => {
  const { responder, chunks, read } = respond();
  read();
  await turn();
  const padded = (length: number): string => `${JSON.stringify(ask(1)).padEnd(length - 1)}\n`;
  responder.write(padded(65_535));
  responder.write(wire(ask(2)));
  expect(chunks.splice(0).join('')).toBe(wire(row(1), row(2)));
  await turn();
  responder.write(padded(65_536));
  responder.write(wire(ask(2)));
  expect(chunks.splice(0).join('')).toBe(wire(row(1)));
  await turn();
  expect(chunks.splice(0).join('')).toBe(wire(row(2)));
  // Counted anew.
  responder.write(padded(60_000));
  responder.write(wire(ask(2)));
  expect(chunks.join('')).toBe(wire(row(1), row(2)));
  responder.destroy();
});
