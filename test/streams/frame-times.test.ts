/** Frames that take too long: esphome#17461 (a stalled frame), jclark/satpulse#82 (an idle gap). */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createConnection, createServer as createTcpServer } from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import { expect, test, vi } from 'vitest';
import {
  Conversation,
  connect,
  createServer,
  defineProtocol,
  defineSession,
  FrameDecoder,
  type FrameTimes,
  fixedLength,
  LengthPrefixDecoder,
  lengthPrefix,
  line,
  MessageDecoder,
  MessageEncoder,
  message,
  messages,
  packets,
  StateMachine,
  u8,
  u16be,
} from '../../src/index.ts';
import { Responder } from '../../src/streams/responder.ts';
import { hex } from '../support/hex.ts';

const framing = lengthPrefix({ lengthFieldLength: 1 });
const codec = messages(u8, { m: message(1, { v: u16be }), late: message(2) });
const session = defineSession({
  receives: codec,
  sends: codec,
  initial: 'on',
  states: {
    on: {
      on: { m: ({ v }) => ({ send: { type: 'm', v } }), late: () => ({}) },
      deadline: { frame: 40, handle: () => ({ send: { type: 'late' } }) },
    },
  },
});
const protocol = defineProtocol({
  name: 'late',
  framing,
  clientMessages: codec,
  serverMessages: codec,
  session,
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a decoder makes of chunks that come when `wait` says so. */
function decoding(decoder: FrameDecoder): { frames: string[]; discarded: unknown[]; error: () => unknown } {
  const frames: string[] = [];
  const discarded: unknown[] = [];
  let error: unknown;
  decoder.on('data', (frame: Buffer) => frames.push(frame.toString('hex')));
  decoder.on('discard', (reason) => discarded.push(reason));
  decoder.on('error', (reason) => {
    error = reason;
  });
  return { frames, discarded, error: () => error };
}

test.each<[string, (input: PassThrough, output: PassThrough) => void]>([
  [
    'four stages',
    (input, output) => {
      const stages = [
        new FrameDecoder(framing),
        new MessageDecoder(codec),
        new StateMachine(session),
      ] as const;
      pipeline(input, ...stages, new MessageEncoder(codec, { framing }), output, () => {});
    },
  ],
  ['one stage', (input, output) => void pipeline(input, new Responder(protocol), output, () => {})],
])("a session's deadline for the frame drops what has come of it: %s", async (_, run) => {
  const input = new PassThrough();
  const output = new PassThrough();
  const out: string[] = [];
  output.on('data', (bytes: Buffer) => out.push(bytes.toString('hex')));
  run(input, output);
  // A byte is lost here.
  input.write(hex('03 01 00'));
  await vi.waitFor(() => expect(out.join('')).toBe('0102'), 5_000);
  input.write(hex('03 01 00 07'));
  await vi.waitFor(() => expect(out.join('')).toBe('010203010007'), 5_000);
  input.end();
});

test('a conversation gives up a stalled frame as well', () => {
  const conversation = new Conversation(protocol);
  conversation.receive(hex('03 01 00'));
  expect(conversation.take()).toBeUndefined();
  conversation.timeout('frame');
  expect(conversation.take()).toEqual(hex('01 02'));
  expect(conversation.isInsideFrame).toBe(false);
  conversation.receive(hex('03 01 00 07'));
  expect(conversation.take()).toEqual(hex('03 01 00 07'));
});

test('frameTimeout: the stale bytes are dropped and reported, and the next frame is read in step', async () => {
  const decoder = new LengthPrefixDecoder({ lengthFieldLength: 1, frameTimeout: 20, onTimeout: 'discard' });
  const { frames, discarded, error } = decoding(decoder);
  decoder.write(hex('01 AA 03 01 00'));
  await vi.waitFor(() => expect(discarded.length).toBe(1), 5_000);
  expect(discarded).toMatchObject([{ code: 'ERR_FRAME_TIMEOUT', limit: 20, actual: 3 }]);
  decoder.write(hex('03 01 00 07'));
  expect(frames).toEqual(['aa', '010007']);
  expect(error()).toBeUndefined();
  // No timer is left that would call for what is complete.
  await sleep(60);
  expect(discarded.length).toBe(1);
  decoder.destroy();
});

test('frameTimeout: by default an error, after the frames before it', async () => {
  const decoder = new FrameDecoder(line(), { frameTimeout: 10 });
  const { frames, error } = decoding(decoder);
  decoder.write('a\nb');
  await vi.waitFor(
    () => expect(error()).toMatchObject({ code: 'ERR_FRAME_TIMEOUT', limit: 10, actual: 1 }),
    5_000,
  );
  expect(frames).toEqual(['61']);
});

test('frameTimeout counts from the first byte of a frame, whatever follows it', async () => {
  const decoder = new FrameDecoder(line(), { frameTimeout: 50, onTimeout: 'discard' });
  const { discarded, frames } = decoding(decoder);
  const feed = setInterval(() => decoder.write('x'), 5);
  await vi.waitFor(() => expect(discarded.length).toBeGreaterThan(1), 10_000);
  clearInterval(feed);
  expect(frames).toEqual([]);
  decoder.destroy();
});

test('idleGap: silence ends an unfinished frame', async () => {
  const decoder = new FrameDecoder(line(), { idleGap: 30 });
  const { frames, discarded } = decoding(decoder);
  decoder.write('half a li');
  await vi.waitFor(() => expect(discarded.length).toBe(1), 5_000);
  decoder.write('whole\n');
  expect(frames).toEqual([Buffer.from('whole').toString('hex')]);
  expect(discarded).toMatchObject([{ code: 'ERR_FRAME_TIMEOUT', actual: 9 }]);
  decoder.destroy();
});

test('idleGap: if the length is known, silence does not end the frame', async () => {
  for (const [measured, start, rest, frame] of [
    [lengthPrefix({ lengthFieldLength: 1 }), '03 01', '00 07', '010007'],
    [fixedLength(3), '01', '00 07', '010007'],
    [packets({ kinds: [{ start: [1], length: { offset: 1, add: 2 } }] }), '01 01', '07', '010107'],
  ] as const) {
    const decoder = new FrameDecoder(measured, { idleGap: 2 });
    const { frames, discarded } = decoding(decoder);
    decoder.write(hex(start));
    await sleep(30);
    decoder.write(hex(rest));
    expect(frames).toEqual([frame]);
    expect(discarded).toEqual([]);
    decoder.destroy();
  }
});

test('a packet after a false start is not dropped with it', async () => {
  const framing = packets({ kinds: [{ start: [1], length: { offset: 1, add: 2 } }] });
  const decoder = new FrameDecoder(framing, { frameTimeout: 10, onTimeout: 'discard' });
  const { frames, discarded } = decoding(decoder);
  // Announces 200 bytes. Behind it a whole packet, and the beginning of one.
  decoder.write(hex('01 C8 01 01 07 01'));
  await vi.waitFor(() => expect(frames).toEqual(['010107']), 5_000);
  expect(discarded.slice(0, 2)).toMatchObject([
    { code: 'ERR_FRAME_TIMEOUT', actual: 6 },
    { code: 'ERR_FRAME_NOISE', actual: 2, offset: 0 },
  ]);
  decoder.write(hex('01 01 08'));
  await vi.waitFor(() => expect(frames).toEqual(['010107', '010108']), 5_000);
  decoder.destroy();
});

test('backpressure of a consumer does not make a frame late', async () => {
  const decoder = new FrameDecoder(line(), {
    frameTimeout: 5,
    onTimeout: 'discard',
    idleGap: 2,
    readableHighWaterMark: 1,
  });
  const discarded: unknown[] = [];
  decoder.on('discard', (reason) => discarded.push(reason));
  decoder.write('a\nb\nc\n');
  await sleep(40);
  const frames: string[] = [];
  decoder.on('data', (frame: Buffer) => frames.push(String(frame)));
  await vi.waitFor(() => expect(frames).toEqual(['a', 'b', 'c']), 5_000);
  expect(discarded).toEqual([]);
  decoder.destroy();
});

test('idleGap of a server: silence ends an unfinished frame, for each connection separately', async () => {
  const states = {
    on: { on: { m: ({ v }: { v: number }) => ({ send: { type: 'm' as const, v } }), late: () => ({}) } },
  };
  const served = defineSession({ receives: codec, sends: codec, initial: 'on', states });
  const server = createServer({ ...protocol, framing: line(), session: served }, { idleGap: 50 });
  const dropped: unknown[] = [];
  server.on('discard', (error) => dropped.push(error));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  const socket = createConnection({ port, host: '127.0.0.1' });
  const replies: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => replies.push(bytes));
  // A byte is lost here.
  socket.write(hex('01 00'));
  await vi.waitFor(() => expect(server.stats().bytesReceived).toBe(2), 5_000);
  const [connection] = server.connections;
  await vi.waitFor(
    () => expect((connection!.machine as unknown as Responder<never, never>).held).toBe(0),
    5_000,
  );
  expect(dropped).toEqual([
    expect.objectContaining({ code: 'ERR_FRAME_TIMEOUT', origin: 'peer', limit: 50, actual: 2 }),
  ]);
  socket.end(hex('01 00 07 0A'));
  await once(socket, 'close');
  expect(Buffer.concat(replies)).toEqual(hex('01 00 07 0A'));
  await server.close();
  expect(() => createServer(protocol, { idleGap: 1 })).toThrow('idleGap must be milliseconds from 2');
});

test('frameTimeout and idleGap of a client', async () => {
  const server = createTcpServer((socket) => {
    socket.write(hex('03 01 00'));
    socket.on('data', () => socket.write(hex('03 01 00 07')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = await connect(protocol, { port, host: '127.0.0.1', frameTimeout: 20, onTimeout: 'discard' });
  const received: unknown[] = [];
  client.messages.on('data', (one) => received.push(one));
  await once(client.messages, 'discard');
  client.send({ type: 'late' });
  await vi.waitFor(() => expect(received).toEqual([{ type: 'm', v: 7 }]), 5_000);
  client.stream.destroy();
  server.close();
});

test.each<[FrameTimes]>([
  [{ idleGap: 1 }],
  [{ frameTimeout: 0 }],
  [{ frameTimeout: Number.NaN }],
  [{ onTimeout: 'skip' as never }],
])('refuses %j', (options) => {
  expect(() => new FrameDecoder(line(), options)).toThrow(
    /FrameDecoder: (idleGap|frameTimeout|onTimeout) must be/,
  );
});
