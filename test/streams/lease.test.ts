import { once } from 'node:events';
import net from 'node:net';
import { PassThrough, type Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Codec,
  FrameDecoder,
  FrameEncoder,
  type FrameWriter,
  type Framing,
  lengthPrefix,
  line,
  MessageDecoder,
  MessageEncoder,
} from '../../src/index.ts';
import { isLent, keep, lend } from '../../src/streams/lease.ts';

test('memory is lent during a call, and free again unless a view of it is kept', () => {
  const seen: boolean[] = [isLent()];
  expect(lend(() => seen.push(isLent()))).toBe(true);
  seen.push(isLent());
  expect(seen).toEqual([false, true, false]);
  expect(
    lend(() => {
      keep();
      seen.push(isLent());
      keep();
    }),
  ).toBe(false);
  expect(seen.pop()).toBe(false);
  expect(isLent()).toBe(false);
});

test('keeping what is not lent does not hold back what is lent later', () => {
  keep();
  expect(isLent()).toBe(false);
  expect(lend(() => {})).toBe(true);
});

test('a loan inside another is judged by itself, and leaves the outer one as it was', () => {
  let inner: boolean | undefined;
  expect(
    lend(() => {
      inner = lend(keep);
      expect(isLent()).toBe(true);
    }),
  ).toBe(true);
  expect(inner).toBe(false);
  expect(
    lend(() => {
      keep();
      inner = lend(() => expect(isLent()).toBe(true));
      expect(isLent()).toBe(false);
    }),
  ).toBe(false);
  expect(inner).toBe(true);
});

test('a call that throws ends the loan', () => {
  const fail = (): never => {
    throw new Error('as asked');
  };
  expect(() => lend(fail)).toThrow('as asked');
  expect(isLent()).toBe(false);
  expect(
    lend(() => {
      expect(() => lend(fail)).toThrow('as asked');
      expect(isLent()).toBe(true);
    }),
  ).toBe(true);
});

describe('what stages keep of a chunk', () => {
  const prefixed = lengthPrefix({ lengthFieldLength: 1 });
  const other = lengthPrefix({ lengthFieldLength: 2 });
  const CHUNK = Buffer.from('\x03abc\x02de');

  /** Whether the memory of a chunk may be reused after the first of these stages has taken it. */
  async function isFree(first: FrameDecoder, ...others: Writable[]): Promise<boolean> {
    let last: NodeJS.ReadableStream = first;
    for (const next of others) last = last.pipe(next as never);
    await turn();
    return lend(() => first.write(CHUNK));
  }

  const read = <S extends NodeJS.ReadableStream>(stage: S): S => stage.on('data', () => {});
  const codec = (detached: boolean): Codec<string> => ({
    detached,
    decode: (bytes, start, end) => bytes.toString('latin1', start, end),
    encode: (text) => Buffer.from(text),
  });

  test('frames for a listener are views; neighbours write them at once', async () => {
    expect(await isFree(read(new FrameDecoder(prefixed)))).toBe(false);
    expect(await isFree(new FrameDecoder(prefixed), new FrameEncoder(other))).toBe(true);
    // A listener beside them.
    expect(await isFree(read(new FrameDecoder(prefixed)), new FrameEncoder(other))).toBe(false);
    const two = new FrameDecoder(prefixed);
    two.pipe(new FrameEncoder(other));
    expect(await isFree(two, new FrameEncoder(other))).toBe(true);
  });

  test('a class of another, or a method of another, may keep them', async () => {
    class OwnEncoder extends FrameEncoder {}
    class OwnDecoder extends FrameDecoder {}
    expect(await isFree(new FrameDecoder(prefixed), new OwnEncoder(other))).toBe(false);
    expect(await isFree(new OwnDecoder(prefixed), new FrameEncoder(other))).toBe(false);
    // One of two neighbours is enough.
    for (const neighbours of [
      [new FrameEncoder(other), new OwnEncoder(other)],
      [new OwnEncoder(other), new FrameEncoder(other)],
    ] as const) {
      const decoder = new FrameDecoder(prefixed);
      decoder.pipe(neighbours[0]);
      expect(await isFree(decoder, neighbours[1])).toBe(false);
    }
    const encoder = new FrameEncoder(other);
    encoder.write = encoder.write.bind(encoder) as never;
    expect(await isFree(new FrameDecoder(prefixed), encoder)).toBe(false);
  });

  test('a writer of another framing may keep them', async () => {
    const plain = other.writer();
    const writer: FrameWriter = {
      headerLength: 2,
      bound: (length) => plain.bound(length),
      write: (...all) => plain.write(...all),
    };
    const encoder = new FrameEncoder({ ...other, writer: () => writer } as Framing);
    expect(await isFree(new FrameDecoder(prefixed), encoder)).toBe(false);
  });

  test('a neighbour that has asked to wait holds them', async () => {
    const encoder = new FrameEncoder(other, { readableHighWaterMark: 1 });
    const decoder = new FrameDecoder(prefixed);
    decoder.pipe(encoder);
    await turn();
    decoder.write(CHUNK);
    await turn();
    expect(lend(() => decoder.write(CHUNK))).toBe(false);
  });

  test('messages, if the codec says that they are no views', async () => {
    for (const detached of [true, false]) {
      const messages = read(new MessageDecoder(codec(detached)));
      expect(await isFree(new FrameDecoder(prefixed), messages)).toBe(detached);
    }
    const between = new MessageDecoder(codec(true));
    const encoder = read(new MessageEncoder(codec(true)));
    expect(await isFree(new FrameDecoder(prefixed), between, encoder)).toBe(true);
  });

  const open: { destroy(): unknown }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.destroy();
  });

  async function socket(): Promise<net.Socket> {
    const server = net
      .createServer((peer) => void open.push(peer.on('error', () => {}).resume()))
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    open.push(socket.on('error', () => {}));
    server.close();
    return socket;
  }

  test('frames that pass unchanged are views for any stream, and gone once the system has them', async () => {
    const lines = (): [FrameDecoder, FrameEncoder] => [
      new FrameDecoder(prefixed),
      new FrameEncoder(prefixed),
    ];
    expect(await isFree(...lines(), new PassThrough())).toBe(false);
    expect(await isFree(...lines(), await socket())).toBe(true);
    const [decoder, encoder] = lines();
    expect(await isFree(decoder, read(encoder), await socket())).toBe(false);
    const [, replaced] = lines();
    replaced.push = replaced.push.bind(replaced);
    expect(await isFree(new FrameDecoder(prefixed), replaced, await socket())).toBe(false);
    // Bytes wait in the socket.
    const full = await socket();
    full.cork();
    full.write('x');
    expect(await isFree(...lines(), full)).toBe(false);
  });

  test('what anyone may read has memory of its own', async () => {
    for (const encoder of [new FrameEncoder(line()), new MessageEncoder(codec(true))]) {
      const chunks: Buffer[] = [];
      encoder.on('data', (chunk) => chunks.push(chunk));
      await turn();
      encoder.write((encoder instanceof FrameEncoder ? Buffer.from('abc') : 'abc') as never);
      await turn();
      expect(chunks.map(({ length, buffer }) => buffer.byteLength - length)).toEqual([0]);
    }
  });
});
