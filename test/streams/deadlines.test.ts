import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FrameDecoder, line, type StateLimits } from '../../src/index.ts';
import {
  Deadlines,
  FrameTimer,
  type FrameWatch,
  lateFrame,
  NO_WATCH,
  silentFrame,
} from '../../src/streams/deadlines.ts';
import { endBehind, endReason, held, Linger, lingered } from '../../src/streams/farewell.ts';
import { NamedTimers } from '../../src/streams/named-timers.ts';
import type { Destination } from '../../src/streams/outlet.ts';
import { Timer } from '../../src/streams/timer.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Let time pass, and the turn of the event loop that a timer asks for. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await turn();
  await turn();
}

describe('a timer', () => {
  test('calls one turn of the event loop after its time', async () => {
    let calls = 0;
    const timer = new Timer(10, () => calls++);
    await pass(9);
    expect(calls).toBe(0);
    vi.advanceTimersByTime(1);
    expect(calls).toBe(0);
    await turn();
    expect(calls).toBe(1);
    await pass(100);
    expect(calls).toBe(1);
    // Also after it has called.
    timer.refresh();
    await pass(10);
    expect(calls).toBe(2);
    expect(timer.unref()).toBe(timer);
  });

  test.each(['refresh', 'stop'] as const)('what comes in that turn is in time: %s', async (act) => {
    let calls = 0;
    const timer = new Timer(10, () => calls++);
    vi.advanceTimersByTime(10);
    timer[act]();
    await turn();
    await turn();
    expect(calls).toBe(0);
    await pass(10);
    expect(calls).toBe(act === 'refresh' ? 1 : 0);
    timer.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('refreshed in time, it begins anew', async () => {
    let calls = 0;
    const timer = new Timer(10, () => calls++);
    await pass(9);
    timer.refresh();
    await pass(9);
    expect(calls).toBe(0);
    await pass(1);
    expect(calls).toBe(1);
  });
});

describe("the limits of a session's state", () => {
  const limits = (some: Partial<StateLimits>): StateLimits => ({
    within: Infinity,
    idle: Infinity,
    frame: Infinity,
    ...some,
  });

  function keeping(deadline: StateLimits | undefined) {
    const session = { entries: 1, deadline };
    const log: string[] = [];
    const watches: FrameWatch[] = [];
    const deadlines = new Deadlines(session, {
      passed(kind) {
        log.push(kind);
        return kind === 'frame';
      },
      watchFrames: (watch) => void watches.push(watch),
    });
    return { session, log, watches, deadlines };
  }

  test('within from the entry, idle from each message, frame is watched', async () => {
    const { log, watches, deadlines } = keeping(limits({ within: 100, idle: 60, frame: 30 }));
    expect([deadlines.entries, vi.getTimerCount()]).toEqual([0, 0]);
    deadlines.follow();
    expect([deadlines.entries, vi.getTimerCount()]).toEqual([1, 2]);
    expect(watches.map(({ limit }) => limit)).toEqual([30]);
    expect(watches[0]!.late()).toBe(true);
    expect(log.splice(0)).toEqual(['frame']);
    await pass(59);
    deadlines.refresh();
    // The same state: nothing begins anew.
    deadlines.follow();
    await pass(40);
    expect(log).toEqual([]);
    await pass(1);
    expect(log.splice(0)).toEqual(['within']);
    await pass(19);
    expect(log.splice(0)).toEqual(['idle']);
    expect(vi.getTimerCount()).toBe(0);
    deadlines.start('within');
    await pass(100);
    expect(log).toEqual(['within']);
    expect(watches).toHaveLength(1);
  });

  test('another state has its own; without limits, and at the end, there are none', async () => {
    const { session, log, watches, deadlines } = keeping(limits({ within: 100 }));
    deadlines.follow();
    // No frame was watched.
    expect(watches).toEqual([]);
    session.entries = 2;
    session.deadline = limits({ idle: 50, frame: 20 });
    deadlines.follow();
    expect([deadlines.entries, vi.getTimerCount(), watches.length]).toEqual([2, 1, 1]);
    await pass(50);
    expect(log).toEqual(['idle']);
    session.entries = 3;
    session.deadline = undefined;
    deadlines.follow();
    expect([deadlines.entries, vi.getTimerCount()]).toEqual([3, 0]);
    expect(watches.at(-1)).toBe(NO_WATCH);
    deadlines.follow();
    deadlines.start('within');
    deadlines.refresh();
    deadlines.stop();
    expect([vi.getTimerCount(), watches.length]).toEqual([0, 2]);
  });

  test('the same state without its limits is the end', () => {
    const { session, deadlines } = keeping(limits({ within: 100 }));
    deadlines.follow();
    session.deadline = undefined;
    deadlines.follow();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the timer of an incomplete frame', () => {
  function timing(answers: boolean[]) {
    let calls = 0;
    const timer = new FrameTimer({
      limit: 10,
      late: () => {
        calls++;
        return answers.shift() ?? true;
      },
    });
    return { timer, calls: () => calls };
  }

  test('runs from its first byte until it is complete', async () => {
    const { timer, calls } = timing([]);
    timer.follow(false, false);
    expect(vi.getTimerCount()).toBe(0);
    timer.follow(true, false);
    await pass(9);
    // More of the same frame.
    timer.follow(true, false);
    await pass(1);
    expect([calls(), vi.getTimerCount()]).toEqual([1, 0]);
    timer.follow(true, true);
    timer.follow(false, true);
    await pass(100);
    expect(calls()).toBe(1);
  });

  test('another frame has its own time', async () => {
    const { timer, calls } = timing([]);
    timer.follow(true, true);
    await pass(9);
    timer.follow(true, true);
    await pass(9);
    expect(calls()).toBe(0);
    await pass(1);
    expect(calls()).toBe(1);
  });

  test('a limit that does not count is looked at again, unless the frame is over', async () => {
    const { timer, calls } = timing([false, false]);
    timer.follow(true, true);
    await pass(10);
    expect([calls(), vi.getTimerCount()]).toEqual([1, 1]);
    await pass(10);
    expect([calls(), vi.getTimerCount()]).toEqual([2, 1]);
    timer.stop();
    expect(vi.getTimerCount()).toBe(0);
    const over = new FrameTimer({
      limit: 10,
      late: () => {
        over.stop();
        return false;
      },
    });
    over.follow(true, true);
    await pass(10);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('the errors', () => {
    expect(lateFrame('a text', 7, 5)).toMatchObject({
      code: 'ERR_FRAME_TIMEOUT',
      origin: 'peer',
      limit: 7,
      actual: 5,
      message: 'a text: 5 bytes of it have come',
    });
    expect(silentFrame(7, 5).message).toBe('7 ms of silence inside a frame: 5 bytes of it have come');
    expect([NO_WATCH.limit, NO_WATCH.late()]).toEqual([Infinity, false]);
  });

  test.each([1, 1.9, 2 ** 31, Number.NaN, '5'])('an idleGap of %o is refused', (idleGap) => {
    expect(() => new FrameDecoder(line(), { idleGap } as never)).toThrow(
      `idleGap must be milliseconds from 2 to 2147483647, got ${idleGap}`,
    );
  });

  test.each([2, 2 ** 31 - 1, undefined])('one of %o is taken', (idleGap) => {
    expect(() => new FrameDecoder(line(), { idleGap })).not.toThrow();
  });
});

test('named timers: set, set anew, cancelled, stopped', async () => {
  const log: string[] = [];
  const timers: NamedTimers = new NamedTimers((name) => {
    log.push(name);
    if (name === 'again') timers.set([['again', 7]]);
  });
  timers.stop();
  timers.set([
    ['a', 10],
    ['b', 20],
    ['c', null],
    ['again', 5],
  ]);
  await pass(5);
  timers.set([
    ['a', 10],
    ['b', null],
  ]);
  await pass(9);
  expect(log.splice(0)).toEqual(['again', 'again']);
  await pass(1);
  expect(log.splice(0)).toEqual(['a']);
  await pass(6);
  expect(log.splice(0)).toEqual(['again']);
  expect(vi.getTimerCount()).toBe(1);
  timers.stop();
  await pass(100);
  expect([log, vi.getTimerCount()]).toEqual([[], 0]);
  timers.set([['a', 3]]);
  await pass(3);
  expect(log).toEqual(['a']);
  timers.stop();
});

describe('how an output ends', () => {
  type Fake = EventEmitter & {
    writableLength: number;
    readableLength: number;
    _handle?: { writeQueueSize: number };
    writableFinished?: boolean;
    writableEnded?: boolean;
    destroyed?: boolean;
  };
  const stream = (some: object = {}): Fake =>
    Object.assign(new EventEmitter(), { writableLength: 0, readableLength: 0, ...some });
  const route = (...all: Fake[]): readonly Destination[] => all as never;

  test('it is cut for each time in which nothing was taken', async () => {
    const [first, last] = [stream({ readableLength: 3 }), stream({ _handle: { writeQueueSize: 9 } })];
    let cuts = 0;
    const linger = new Linger(route(first, last), 10, () => cuts++);
    const takes: (() => void)[] = [
      () => first.readableLength--,
      () => first.writableLength++,
      () => last.writableLength++,
      () => last._handle!.writeQueueSize--,
    ];
    for (const take of takes) {
      take();
      await pass(10);
      expect(cuts).toBe(0);
    }
    // What the last one gives is not ours.
    last.readableLength = 99;
    await pass(9);
    expect(cuts).toBe(0);
    await pass(1);
    expect(cuts).toBe(1);
    await pass(10);
    expect(cuts).toBe(2);
    linger.stop();
    await pass(100);
    expect([cuts, vi.getTimerCount()]).toEqual([2, 0]);
  });

  test('once everything is taken, there is one more time', async () => {
    const last = stream();
    let cuts = 0;
    const linger = new Linger(route(stream(), last), 10, () => cuts++);
    await pass(9);
    last.emit('finish');
    await pass(9);
    expect(cuts).toBe(0);
    await pass(1);
    expect(cuts).toBe(1);
    linger.stop();
    const stopped = new Linger(route(last), 10, () => cuts++);
    stopped.stop();
    last.emit('finish');
    await pass(20);
    expect([cuts, vi.getTimerCount()]).toEqual([1, 0]);
  });

  test('it may wait for ever', () => {
    new Linger(route(stream()), Infinity, () => {});
    expect(vi.getTimerCount()).toBe(0);
    new Linger([], Infinity, () => {});
  });

  test.each<[object, boolean]>([
    [{ writableFinished: true, writableEnded: true }, true],
    [{ destroyed: true, writableEnded: true }, true],
    [{ writableEnded: false }, true],
    [{ writableEnded: true }, false],
  ])('a destination that is %o has taken everything: %o', (state, isDelivered) => {
    const [source, destination] = [stream(), stream(state)];
    let delivered = 0;
    endBehind(source as never, destination as never, () => delivered++);
    expect(delivered).toBe(0);
    source.emit('end');
    expect(delivered).toBe(isDelivered ? 1 : 0);
    destination.emit('finish');
    expect(delivered).toBe(1);
  });

  test('why, and what is held', () => {
    const error = Object.assign(new Error('x'), { code: 'EPIPE' });
    expect(endReason(error)).toBe(error);
    expect(endReason(null)).toBeUndefined();
    expect(endReason(Object.assign(new Error('x'), { code: 'ERR_STREAM_DESTROYED' }))).toBeUndefined();
    expect(lingered('closing', 50)).toMatchObject({
      code: 'ERR_TIMEOUT_STATE',
      limit: 50,
      state: 'closing',
      message: "the peer has not ended its side within 50 ms of our end, in state 'closing'",
    });
    const holding = (some: object): number => held(some as Destination);
    expect([holding({}), holding({ writableLength: 3 }), holding({ _handle: null })]).toEqual([0, 3, 0]);
    expect(holding({ writableLength: 3, _handle: { writeQueueSize: 4 } })).toBe(7);
  });
});
