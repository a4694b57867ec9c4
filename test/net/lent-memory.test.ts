/** Who goes while memory is with him, and who gets some that nobody knows of: whatever they were given stays as it was. */
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import {
  bytes,
  createServer,
  defineProtocol,
  defineSession,
  FrameDecoder,
  FrameEncoder,
  lendReads,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  message,
  messages,
  rest,
  StateMachine,
  u8,
  utf8,
} from '../../src/index.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A connected pair: our side, and the peer. */
async function pair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const { port } = server.address() as net.AddressInfo;
  const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(peer, 'connect');
  const [ours] = await accepted;
  server.close();
  for (const socket of [ours, peer]) {
    socket.on('error', () => {});
    open.push({ close: () => socket.destroy() });
  }
  return [ours, peer];
}

/** Frames of a u32 little-endian length, no two bytes of one place alike. */
function frames(count: number, length: (i: number) => number, tag?: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const frame = Buffer.alloc(4 + length(i));
      frame.writeUInt32LE(length(i));
      for (let at = 4; at < frame.length; at++) frame[at] = at * 31 + i * 7 + (i >> 8);
      if (tag !== undefined) frame[4] = tag;
      return frame;
    }),
  );
}

/** The same behind big-endian lengths. */
function turned(wire: Buffer): Buffer {
  const bytes = Buffer.from(wire);
  for (let at = 0; at < wire.length; at += 4 + wire.readUInt32LE(at)) {
    bytes.writeUInt32BE(wire.readUInt32LE(at), at);
  }
  return bytes;
}

/** The payloads alone. */
function stripped(wire: Buffer): Buffer {
  const payloads: Buffer[] = [];
  for (let at = 0; at < wire.length; at += 4 + wire.readUInt32LE(at)) {
    payloads.push(wire.subarray(at + 4, at + 4 + wire.readUInt32LE(at)));
  }
  return Buffer.concat(payloads);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !what() && Date.now() < end; ) await sleep(1);
}

/** What comes of a stream, as it comes. */
function received(stream: Duplex): { chunks: Buffer[]; readonly length: number; ended: boolean } {
  const heard = {
    chunks: [] as Buffer[],
    get length() {
      return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    },
    ended: false,
  };
  stream.on('data', (chunk: Buffer) => heard.chunks.push(chunk));
  stream.on('end', () => {
    heard.ended = true;
  });
  return heard;
}

/** Connections that use whatever memory is free. */
async function others(): Promise<void> {
  const noise = Buffer.alloc(1_004 * 4_000, 0xee);
  for (let at = 0; at < noise.length; at += 1_004) noise.writeUInt32LE(1_000, at);
  const one = async (): Promise<void> => {
    const [ours, peer] = await pair();
    const decoder = new FrameDecoder(lengthPrefix());
    lendReads(ours, decoder);
    ours
      .pipe(decoder)
      .pipe(new FrameEncoder(lengthPrefix({ byteOrder: 'big' })))
      .pipe(ours);
    peer.resume().end(noise);
    await once(peer, 'end');
  };
  await Promise.all(Array.from({ length: 6 }, one));
}

describe('a slow socket that is replaced by another one', () => {
  const sent = frames(160_000, (i) => i % 250);

  for (const what of ['the encoder', 'the decoder', 'a decoder without an encoder'] as const) {
    for (const rewritten of [false, true]) {
      if (what === 'a decoder without an encoder' && rewritten) continue;
      test(`behind ${what}${rewritten ? ', rewritten' : ''}, still gets what it was given`, async () => {
        const [from, client] = await pair();
        const [slow, slowPeer] = await pair();
        const [quick, quickPeer] = await pair();
        const heard = received(quickPeer);
        slowPeer.pause();
        const framing = lengthPrefix(rewritten ? { byteOrder: 'big' } : {});
        const decoder = new FrameDecoder(lengthPrefix());
        lendReads(from, decoder);
        const encoder = new FrameEncoder(framing);
        if (what === 'a decoder without an encoder') from.pipe(decoder).pipe(slow);
        else from.pipe(decoder).pipe(encoder).pipe(slow);

        let at = 0;
        while (slow.writableLength === 0 && at < sent.length) {
          client.write(sent.subarray(at, at + 100_000));
          at += 100_000;
          await sleep(3);
        }
        await sleep(5);
        if (what === 'the encoder') {
          encoder.unpipe(slow).pipe(quick);
        } else if (what === 'the decoder') {
          decoder.unpipe(encoder).pipe(new FrameEncoder(framing)).pipe(quick);
        } else {
          decoder.unpipe(slow).pipe(quick);
        }
        client.end(sent.subarray(at));
        await sleep(50);
        await others();
        const late = received(slowPeer);
        slowPeer.resume();
        const expected =
          what === 'a decoder without an encoder' ? stripped(sent) : rewritten ? turned(sent) : sent;
        await until(() => late.length + heard.length >= expected.length);
        expect(late.length).toBeGreaterThan(0);
        expect(Buffer.concat([...late.chunks, ...heard.chunks]).equals(expected)).toBe(true);
      });
    }
  }
});

describe('a socket that moves to another decoder', () => {
  const first = frames(40_000, (i) => i % 130);
  const second = frames(40_000, (i) => i % 131);

  test('passes all input to it, and the end', async () => {
    const [ours, client] = await pair();
    const heard = received(client);
    const decoder = new FrameDecoder(lengthPrefix());
    const encoder = new FrameEncoder(lengthPrefix());
    lendReads(ours, decoder);
    ours.pipe(decoder).pipe(encoder).pipe(ours);
    client.write(first);
    await until(() => heard.length === first.length);

    ours.unpipe(decoder);
    encoder.unpipe(ours);
    const next = new FrameDecoder(lengthPrefix());
    lendReads(ours, next);
    ours.pipe(next).pipe(new FrameEncoder(lengthPrefix())).pipe(ours);
    client.end(second);
    await until(() => heard.ended);
    expect(heard.ended).toBe(true);
    expect(Buffer.concat(heard.chunks).equals(Buffer.concat([first, second]))).toBe(true);
  });

  test('also a server’s socket, in the middle of a session', async () => {
    const codec = messages(u8, { text: message(1, { text: utf8(rest) }), raw: message(2) });
    let socket: net.Socket | undefined;
    let upgraded = false;
    const take = (taken: net.Socket): void => {
      const decoder = new FrameDecoder(lengthPrefix());
      lendReads(taken, decoder);
      taken.pipe(decoder).pipe(new FrameEncoder(lengthPrefix())).pipe(taken);
      upgraded = true;
    };
    const session = defineSession({
      receives: codec,
      sends: codec,
      initial: 'open',
      states: { open: { on: { text: () => {}, raw: () => ({ upgrade: 'frames' }) } } },
    });
    const server = createServer(
      defineProtocol({
        name: 'upgraded',
        framing: lengthPrefix(),
        clientMessages: codec,
        serverMessages: codec,
        session,
      }),
      { upgrades: { frames: { take } } },
    );
    open.push(server);
    server.on('connection', (connection) => {
      socket = connection.socket;
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as net.AddressInfo;
    const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    open.push({ close: () => client.destroy() });
    await once(client, 'connect');
    const heard = received(client);
    const texts = Buffer.concat(
      Array.from({ length: 30_000 }, (_, i) => {
        const frame = Buffer.alloc(5 + (i % 100), 'a');
        frame.writeUInt32LE(frame.length - 4);
        frame[4] = 1;
        return frame;
      }),
    );
    client.write(texts);
    await until(() => socket?.bytesRead === texts.length);
    client.write(Buffer.from([1, 0, 0, 0, 2]));
    await until(() => upgraded);
    client.end(second);
    await until(() => heard.ended);
    expect(heard.ended).toBe(true);
    expect(Buffer.concat(heard.chunks).equals(second)).toBe(true);
  });
});

test('handlers may keep their messages, also on a connection that was forwarded before', async () => {
  const codec = messages(u8, { data: message(7, { all: bytes(rest) }) });
  const kept: Buffer[] = [];
  const copies: Buffer[] = [];
  const session = defineSession({
    receives: codec,
    sends: codec,
    initial: 'open',
    states: {
      open: {
        on: {
          data({ all }) {
            kept.push(all as Buffer);
            copies.push(Buffer.from(all));
          },
        },
      },
    },
  });
  const first = frames(4_000, (i) => 1 + (i % 250), 7);
  const little = frames(200, (i) => 1 + (i % 250), 7);
  const second = frames(600, (i) => 20_000 + i, 7);
  const [ours, client] = await pair();
  const [to, peer] = await pair();
  peer.resume();
  const decoder = new FrameDecoder(lengthPrefix());
  lendReads(ours, decoder);
  const encoder = new FrameEncoder(lengthPrefix());
  ours.pipe(decoder).pipe(encoder).pipe(to);
  client.write(first);
  await until(() => ours.bytesRead === first.length && to.writableLength === 0);
  peer.pause();
  while (to.writableLength === 0) {
    client.write(little);
    await sleep(2);
  }
  decoder
    .unpipe(encoder)
    .pipe(new MessageDecoder(codec))
    .pipe(new StateMachine(session))
    .pipe(new MessageEncoder(codec))
    .pipe(ours);
  // Something that the client does not read yet.
  client.pause();
  ours.write(Buffer.alloc(1_000_000));
  const step = 131_849;
  for (let at = 0; at < second.length; at += step) {
    client.write(second.subarray(at, at + step));
    if (at > 20 * step) client.resume();
    await sleep(2);
  }
  await until(() => kept.length === 600);
  expect(kept.length).toBe(600);
  expect(kept.filter((one, i) => !one.equals(copies[i]!))).toEqual([]);
});

describe('memory that user code reads is not reused', () => {
  const load = frames(160_000, (i) => i % 250);
  type Keep = (chunk: Buffer) => void;
  const TAKERS: Record<string, (stage: Duplex, keep: Keep) => void> = {
    "once('data')": (stage, keep) => stage.once('data', keep),
    "once('readable') and read()": (stage, keep) =>
      stage.once('readable', () => {
        const chunk = stage.read();
        if (chunk !== null) keep(chunk);
      }),
    'read()': (stage, keep) => {
      const chunk = stage.read();
      if (chunk !== null) keep(chunk);
    },
  };

  for (const [name, take] of Object.entries(TAKERS)) {
    for (const which of ['decoder', 'encoder'] as const) {
      test(`${name} of the ${which}`, async () => {
        const [ours, client] = await pair();
        const decoder = new FrameDecoder(lengthPrefix());
        lendReads(ours, decoder);
        const encoder = new FrameEncoder(lengthPrefix({ byteOrder: 'big' }));
        if (which === 'decoder') ours.pipe(decoder).pipe(ours);
        else ours.pipe(decoder).pipe(encoder).pipe(ours);
        const stage = which === 'decoder' ? decoder : encoder;
        const kept: Buffer[] = [];
        const copies: Buffer[] = [];
        let isOver = false;
        // Every turn: on a quick machine all of it is over in a few milliseconds.
        let asked = 0;
        let isHolding = false;
        const look = (): void => {
          if (isOver || asked >= 200) return;
          if (stage.readableLength > 0) {
            asked++;
            isHolding = true;
            take(stage, (chunk) => {
              kept.push(chunk);
              copies.push(Buffer.from(chunk));
            });
          }
          setImmediate(look);
        };
        look();
        let count = 0;
        client.on('data', () => {
          if (++count % 4 > 0) return;
          client.pause();
          isHolding = false;
          void goOn();
        });
        /** Read on once the stage holds something again; near the end it never does. */
        const goOn = async (): Promise<void> => {
          for (let i = 0; i < 20 && !isHolding && asked < 200; i++) await sleep(1);
          client.resume();
        };
        let isEnded = false;
        client.once('end', () => {
          isEnded = true;
        });
        // Until the stages hold something, the client reads nothing.
        client.pause();
        client.end(load);
        await until(() => stage.readableLength > 0);
        client.resume();
        // What is taken can stop the flow, so that the end never comes.
        const from = Date.now();
        await until(() => isEnded || (kept.length > 5 && Date.now() - from > 2_000));
        isOver = true;
        expect(kept.length).toBeGreaterThan(5);
        expect(kept.filter((one, i) => !one.equals(copies[i]!))).toEqual([]);
      });
    }
  }
});
