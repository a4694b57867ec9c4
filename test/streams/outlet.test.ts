import net from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FrameDecoder, FrameEncoder, line, MessageDecoder, MessageEncoder } from '../../src/index.ts';
import { Batch, Outlet } from '../../src/streams/outlet.ts';

const codec = {
  decode: (bytes: Buffer, start?: number, end?: number) => `${bytes.subarray(start, end)}`,
  encode: (text: string) => Buffer.from(text),
};
const decoder = (): FrameDecoder => new FrameDecoder(line());
const messages = (): MessageDecoder<string> => new MessageDecoder(codec);
const encoder = (): FrameEncoder => new FrameEncoder(line());

test('stages that speak of the same are neighbours, any other stream is a destination', () => {
  const [stage, next, other, sink] = [
    decoder(),
    messages(),
    encoder(),
    new PassThrough({ objectMode: true }),
  ];
  expect([stage.outlet.neighbours, stage.outlet.destination]).toEqual([[], undefined]);
  stage.pipe(next);
  stage.pipe(other);
  expect(stage.outlet.neighbours).toEqual([next, other]);
  stage.pipe(sink);
  expect(stage.outlet.destination).toBe(sink);
  stage.unpipe(next);
  expect([stage.outlet.neighbours, stage.outlet.destination]).toEqual([[other], sink]);
  stage.unpipe(sink);
  expect([stage.outlet.neighbours, stage.outlet.destination]).toEqual([[other], undefined]);
  stage.pipe(sink);
  stage.unpipe();
  expect([stage.outlet.neighbours, stage.outlet.destination]).toEqual([[], undefined]);
  // Bytes go to any stream, also to a stage.
  const bytes = encoder();
  const following = decoder();
  bytes.pipe(following);
  expect([bytes.outlet.neighbours, bytes.outlet.destination]).toEqual([[], following]);
});

test('a batch goes past the queues only while stages alone listen, and take what is given', async () => {
  const [stage, next] = [decoder(), messages()];
  const { outlet } = stage;
  expect(outlet.isDirect).toBe(false);
  stage.pipe(next);
  await turn();
  expect(outlet.isDirect).toBe(true);
  const listener = (): void => {};
  for (const name of ['data', 'readable'] as const) {
    stage.on(name, listener);
    expect(outlet.isDirect).toBe(false);
    stage.off(name, listener);
    stage.resume();
    await turn();
    expect(outlet.isDirect).toBe(true);
  }
  stage.pause();
  expect(outlet.isDirect).toBe(false);
  stage.resume();
  const second = messages();
  stage.pipe(second);
  await turn();
  expect(outlet.isDirect).toBe(true);
  // It takes frames as bytes: single items.
  const wrong = new MessageEncoder(codec as never);
  stage.pipe(wrong);
  expect(outlet.isDirect).toBe(false);
});

test('output goes to the system alone while one trusted destination takes it', async () => {
  const [stage, sink] = [encoder(), new PassThrough()];
  expect(stage.outlet.isExclusive).toBe(false);
  stage.pipe(sink);
  await turn();
  // A stream that anyone may read is not trusted.
  expect(stage.outlet.isExclusive).toBe(false);
  const sole = encoder();
  const socket = new net.Socket();
  sole.pipe(socket);
  await turn();
  expect(sole.outlet.isExclusive).toBe(true);
  const listener = (): void => {};
  for (const name of ['data', 'readable'] as const) {
    sole.on(name, listener);
    expect(sole.outlet.isExclusive).toBe(false);
    sole.off(name, listener);
    expect(sole.outlet.isExclusive).toBe(true);
  }
  // What waits in the queue is still ours.
  const held = encoder();
  held.write(Buffer.from('x'));
  await turn();
  held.pipe(socket);
  expect([held.readableLength, held.outlet.isExclusive]).toEqual([2, false]);
  held.destroy();
  socket.destroy();
});

test('what is taken: by the destination, or by all neighbours', () => {
  const stage = encoder();
  expect(stage.outlet.isTaken).toBe(false);
  const sink = new Writable({ write() {} });
  stage.pipe(sink);
  expect(stage.outlet.isTaken).toBe(true);
  sink.write('x');
  expect(stage.outlet.isTaken).toBe(false);
  const [frames, one, other] = [decoder(), messages(), messages()];
  frames.pipe(one);
  frames.pipe(other);
  expect(frames.outlet.isTaken).toBe(true);
  // Asked to wait, it holds what it is given.
  for (let i = 0; i < 50; i++) other.write(Buffer.from('x'));
  expect(frames.outlet.isTaken).toBe(false);
  const held = decoder();
  held.write('a\nb\n');
  held.pipe(messages());
  expect([held.readableLength > 0, held.outlet.isTaken]).toEqual([true, false]);
});

test('a neighbour that asks to wait holds the stage back, until it drains, or is gone', async () => {
  for (const isGone of [false, true]) {
    const [stage, fast, slow] = [decoder(), messages(), messages()];
    let goesOn = 0;
    stage.goOn = () => goesOn++;
    stage.pipe(fast);
    stage.pipe(slow);
    fast.resume();
    const { outlet } = stage;
    const frame = (): Batch =>
      new Batch({ bytes: Buffer.from('a'), bounds: [0, 1], count: 1, runStart: 0, runEnd: 1 });
    for (let i = 0; outlet.hand(frame()) && i < 50; i++);
    expect(outlet.isWaiting).toBe(true);
    const before = goesOn;
    if (isGone) stage.unpipe(slow);
    else slow.resume();
    for (let i = 0; i < 5; i++) await turn();
    expect([outlet.isWaiting, goesOn > before]).toEqual([false, true]);
    if (isGone) expect(slow.listenerCount('drain')).toBe(0);
  }
});

test('a neighbour that is gone does not let another one drain', async () => {
  const [stage, slow, other] = [decoder(), messages(), messages()];
  let goesOn = 0;
  stage.goOn = () => goesOn++;
  stage.pipe(slow);
  stage.pipe(other);
  other.resume();
  await turn();
  for (let i = 0; i < 60 && !stage.outlet.isWaiting; i++) stage.write('a\n'.repeat(10));
  expect(stage.outlet.isWaiting).toBe(true);
  stage.unpipe(other);
  expect([stage.outlet.isWaiting, slow.listenerCount('drain')]).toEqual([true, 1]);
  expect(goesOn).toBe(0);
  stage.unpipe(slow);
  expect([stage.outlet.isWaiting, goesOn]).toEqual([false, 1]);
});

test('what waits in the queue of a stage is not overtaken', async () => {
  const [stage, next] = [decoder(), messages()];
  const seen: string[] = [];
  next.on('data', (text) => seen.push(text));
  stage.pipe(next);
  await turn();
  stage.pause();
  stage.write('a\nb\n');
  expect(stage.readableLength).toBe(2);
  stage.resume();
  stage.write('c\n');
  for (let i = 0; i < 3; i++) await turn();
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('the route leads through all stages to the last destination', () => {
  const [stage, next, sink] = [decoder(), encoder(), new PassThrough()];
  expect(stage.outlet.route).toEqual([stage]);
  stage.pipe(next);
  next.pipe(sink);
  expect(stage.outlet.route).toEqual([stage, next, sink]);
  stage.outlet.clear();
  expect(stage.outlet.route).toEqual([stage]);
});

test('led bytes: all of them, as fast as the destination takes them, and the end', async () => {
  const stage = encoder();
  const written: string[] = [];
  let finish: (() => void) | undefined;
  const sink = new Writable({
    highWaterMark: 1,
    write(chunk, _, callback) {
      written.push(`${chunk}`);
      finish = callback;
    },
  });
  stage.outlet.lead(sink);
  expect(stage.outlet.destination).toBe(sink);
  stage.write(Buffer.from('a'));
  await turn();
  expect([written.splice(0), stage.isPaused()]).toEqual([['a\n'], true]);
  stage.write(Buffer.from('b'));
  await turn();
  expect(written).toEqual([]);
  finish!();
  for (let i = 0; i < 3; i++) await turn();
  expect([written.splice(0), sink.writableEnded]).toEqual([['b\n'], false]);
  finish!();
  stage.end();
  for (let i = 0; i < 3; i++) await turn();
  expect(sink.writableEnded).toBe(true);
});

test('bytes that are led no more go nowhere, and end nothing', async () => {
  const [stage, sink] = [encoder(), new PassThrough()];
  stage.outlet.lead(sink);
  const count = (): number[] => ['data', 'end'].map((name) => stage.listenerCount(name));
  const led = count();
  stage.unpipe();
  expect(count()).toEqual(led.map((one) => one - 1));
  expect(stage.outlet.destination).toBeUndefined();
  stage.resume();
  stage.end(Buffer.from('a'));
  for (let i = 0; i < 3; i++) await turn();
  expect([sink.readableLength, sink.writableEnded]).toEqual([0, false]);
});

test('a listener before may end the leading', async () => {
  const [stage, sink] = [encoder(), new PassThrough()];
  stage.once('data', () => stage.unpipe());
  stage.outlet.lead(sink);
  stage.write(Buffer.from('a'));
  for (let i = 0; i < 3; i++) await turn();
  expect([stage.errored, sink.readableLength]).toEqual([null, 0]);
  const ending = encoder();
  ending.once('end', () => ending.unpipe());
  ending.outlet.lead(sink);
  ending.end();
  for (let i = 0; i < 3; i++) await turn();
  expect([ending.readableEnded, sink.writableEnded]).toEqual([true, false]);
});

test('a batch is items, or a fault, or a line', () => {
  const fault = new Error('x');
  expect({ ...new Batch([1]) }).toEqual({ items: [1], fault: undefined, line: undefined });
  expect({ ...new Batch(undefined, fault) }).toEqual({ items: undefined, fault, line: undefined });
  expect(new Outlet(encoder()).isWaiting).toBe(false);
});
