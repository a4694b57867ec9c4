import { createHash } from 'node:crypto';
import { on, once } from 'node:events';
import net from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  bytes,
  codecOf,
  defineSession,
  type FrameBatch,
  FrameDecoder,
  FrameEncoder,
  lengthPrefix,
  message,
  messages,
  rest,
  struct,
  u8,
  u32le,
  utf8,
} from '../../src/index.ts';
import { lendReads } from '../../src/net/lent-reads.ts';
import type { Codec } from '../../src/protocol/codec.ts';
import { LengthPrefixDecoder } from '../../src/streams/length-prefix-decoder.ts';
import { LengthPrefixEncoder } from '../../src/streams/length-prefix-encoder.ts';
import { MessageDecoder } from '../../src/streams/message-decoder.ts';
import { MessageEncoder } from '../../src/streams/message-encoder.ts';
import { StateMachine } from '../../src/streams/state-machine.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function serve(accept: (socket: net.Socket) => void, path?: string): Promise<net.Socket> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    open.push({ close: () => socket.destroy() });
    accept(socket);
  });
  server.listen(path ?? 0);
  await once(server, 'listening');
  open.push(server);
  const address = server.address();
  const client = net.connect(typeof address === 'string' ? { path: address } : { port: address!.port });
  client.on('error', () => {});
  open.push({ close: () => client.destroy() });
  await once(client, 'connect');
  return client;
}

/** Frames of all lengths, no two bytes of one place alike; some 16 MB of them. */
function frames(count: number, length: (i: number) => number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const frame = Buffer.alloc(4 + length(i));
    frame.writeUInt32LE(length(i));
    for (let at = 4; at < frame.length; at++) frame[at] = at * 31 + i * 7;
    return frame;
  });
}

const LOADS = {
  'short frames': frames(60_000, (i) => i % 130),
  'frames of 64 KiB': frames(120, () => 65_536),
  'frames longer than a read': frames(12, (i) => 300_000 + i),
  'all kinds': frames(4_000, (i) => (i * i * 37) % 9_000),
};

function digest(parts: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Send all and end; what came back. With pauses the client reads so slowly that the server is held back. */
async function exchange(client: net.Socket, sent: Buffer, pause: number): Promise<Buffer[]> {
  const received: Buffer[] = [];
  client.end(sent);
  for await (const chunk of client) {
    received.push(chunk as Buffer);
    if (pause > 0 && received.length % 8 === 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return received;
}

describe('an echo whose reads are lent', () => {
  for (const [name, load] of Object.entries(LOADS)) {
    for (const pause of [0, 3]) {
      test(`${name}, forwarded${pause > 0 ? ' to a slow reader' : ''}`, async () => {
        const client = await serve((socket) => {
          const decoder = new LengthPrefixDecoder();
          lendReads(socket, decoder);
          pipeline(socket, decoder, new LengthPrefixEncoder(), socket, () => {});
        });
        const received = await exchange(client, Buffer.concat(load), pause);
        expect(digest(received)).toBe(digest(load));
      });

      test(`${name}, rewritten${pause > 0 ? ' for a slow reader' : ''}`, async () => {
        const client = await serve((socket) => {
          const decoder = new LengthPrefixDecoder();
          lendReads(socket, decoder);
          const encoder = new LengthPrefixEncoder({ lengthFieldLength: 3, byteOrder: 'big' });
          pipeline(socket, decoder, encoder, socket, () => {});
        });
        const received = await exchange(client, Buffer.concat(load), pause);
        const expected = load.flatMap((frame) => {
          const prefix = Buffer.alloc(3);
          prefix.writeUIntBE(frame.length - 4, 0, 3);
          return [prefix, frame.subarray(4)];
        });
        expect(digest(received)).toBe(digest(expected));
      });
    }
  }
});

test('the unwritten bytes of connections under backpressure do not mix', async () => {
  const load = [...LOADS['all kinds'].slice(0, 900), ...LOADS['short frames'].slice(0, 3_000)];
  const expected = load.flatMap((frame) => {
    const prefix = Buffer.alloc(3);
    prefix.writeUIntBE(frame.length - 4, 0, 3);
    return [prefix, frame.subarray(4)];
  });
  const clients = await Promise.all(
    Array.from({ length: 12 }, () =>
      serve((socket) => {
        const decoder = new LengthPrefixDecoder();
        lendReads(socket, decoder);
        const encoder = new LengthPrefixEncoder({ lengthFieldLength: 3, byteOrder: 'big' });
        pipeline(socket, decoder, encoder, socket, () => {});
      }),
    ),
  );
  const sent = Buffer.concat(load);
  const received = await Promise.all(clients.map((client, i) => exchange(client, sent, i % 3)));
  expect(new Set(received.map(digest))).toEqual(new Set([digest(expected)]));
});

describe('a consumer that keeps its bytes keeps them unchanged', () => {
  const load = LOADS['short frames'];
  const payloads = load.map((frame) => frame.subarray(4));

  async function collect(consume: (decoder: LengthPrefixDecoder, keep: (frame: Buffer) => void) => void) {
    const kept: Buffer[] = [];
    const client = await serve((socket) => {
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      consume(socket.pipe(decoder), (frame) => kept.push(frame));
      decoder.on('end', () => socket.end());
    });
    await exchange(client, Buffer.concat(load), 0);
    return kept;
  }

  test("a 'data' listener", async () => {
    const kept = await collect((decoder, keep) => decoder.on('data', keep));
    expect(digest(kept)).toBe(digest(payloads));
  });

  test('a codec whose messages are views', async () => {
    const codec = codecOf(struct({ all: bytes(rest) }));
    expect(codec.detached).toBe(false);
    const kept = await collect((decoder, keep) => {
      decoder.pipe(new MessageDecoder(codec)).on('data', ({ all }: { all: Buffer }) => keep(all));
    });
    expect(digest(kept)).toBe(digest(payloads));
  });

  test('a session that keeps the views in its messages', async () => {
    const codec = messages(u8, { data: message(7, { all: bytes(rest) }) });
    const kept: Buffer[] = [];
    const session = defineSession({
      receives: codec,
      sends: codec,
      initial: 'open',
      states: { open: { on: { data: ({ all }) => void kept.push(all as Buffer) } } },
    });
    const client = await serve((socket) => {
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      const stages = [
        new MessageDecoder(codec),
        new StateMachine(session),
        new MessageEncoder(codec),
      ] as const;
      pipeline(socket, decoder, ...stages, socket, () => {});
    });
    const tagged = frames(30_000, (i) => 1 + (i % 130));
    for (const frame of tagged) frame[4] = 7;
    await exchange(client, Buffer.concat(tagged), 0);
    expect(digest(kept)).toBe(digest(tagged.map((frame) => frame.subarray(5))));
  });

  test.each([
    ['decoder', 'frames of 64 KiB'],
    ['encoder', 'frames of 64 KiB'],
    ['encoder', 'all kinds'],
  ] as const)('listeners that come to the %s and go again (%s)', async (which, name) => {
    const load = LOADS[name];
    const kept: Buffer[] = [];
    const copies: Buffer[] = [];
    const client = await serve((socket) => {
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      const encoder = new LengthPrefixEncoder({ byteOrder: 'big' });
      pipeline(socket, decoder, encoder, socket, () => {});
      const stage = which === 'decoder' ? decoder : encoder;
      const keep = (chunk: Buffer): void => {
        kept.push(chunk);
        copies.push(Buffer.from(chunk));
      };
      // There for a turn, away for two.
      let turn = 0;
      const change = (): void => {
        if (socket.destroyed) return;
        if (turn++ % 3 === 0) stage.on('data', keep);
        else stage.off('data', keep);
        setImmediate(change);
      };
      change();
    });
    const received = await exchange(client, Buffer.concat([...load, ...load]), 2);
    expect(Buffer.concat(received).length).toBe(2 * Buffer.concat(load).length);
    expect(kept.length).toBeGreaterThan(3);
    expect(digest(kept)).toBe(digest(copies));
  });

  test('a listener of an encoder that is replaced by another one', async () => {
    const load = LOADS['frames of 64 KiB'];
    const kept: Buffer[] = [];
    const copies: Buffer[] = [];
    const client = await serve((socket) => {
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      let encoder = new LengthPrefixEncoder();
      socket.pipe(decoder).pipe(encoder).pipe(socket);
      const change = (): void => {
        if (socket.destroyed) return;
        const before = encoder;
        before.on('data', (chunk: Buffer) => {
          kept.push(chunk);
          copies.push(Buffer.from(chunk));
        });
        const swap = (): void => {
          if (socket.destroyed) return;
          // What it still held when the next one ends the socket would be lost.
          if (before.readableLength + before.writableLength + socket.writableLength > 0) {
            setTimeout(swap, 1);
            return;
          }
          encoder = new LengthPrefixEncoder();
          decoder.unpipe(before).pipe(encoder).pipe(socket);
          setTimeout(change, 5);
        };
        setTimeout(swap, 3);
      };
      setTimeout(change, 5);
    });
    const received = await exchange(client, Buffer.concat([...load, ...load, ...load]), 1);
    expect(Buffer.concat(received).length).toBe(3 * Buffer.concat(load).length);
    expect(kept.length).toBeGreaterThan(3);
    expect(digest(kept)).toBe(digest(copies));
  });

  test('a codec without `detached`', async () => {
    const codec: Codec<Buffer> = {
      decode: (all, start, end) => all.subarray(start, end),
      encode: (all) => all,
    };
    const kept = await collect((decoder, keep) => decoder.pipe(new MessageDecoder(codec)).on('data', keep));
    expect(digest(kept)).toBe(digest(payloads));
  });

  test('an encoder into a stream that is not a socket', async () => {
    const sink = new PassThrough();
    const kept: Buffer[] = [];
    sink.on('data', (chunk: Buffer) => kept.push(chunk));
    const client = await serve((socket) => {
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      socket.pipe(decoder).pipe(new LengthPrefixEncoder()).pipe(sink);
      sink.on('end', () => socket.end());
    });
    await exchange(client, Buffer.concat(load), 0);
    expect(digest(kept)).toBe(digest(load));
  });

  test('a socket with an overridden write', async () => {
    const written: Buffer[] = [];
    const client = await serve((socket) => {
      const { write } = socket;
      socket.write = function (this: net.Socket, ...args: Parameters<typeof write>) {
        written.push(args[0] as unknown as Buffer);
        return write.apply(this, args);
      } as typeof write;
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      pipeline(socket, decoder, new LengthPrefixEncoder(), socket, () => {});
    });
    const received = await exchange(client, Buffer.concat(load), 0);
    expect(digest(received)).toBe(digest(load));
    expect(digest(written)).toBe(digest(load));
  });

  test('a second listener on the socket, added in the middle', async () => {
    const heard: Buffer[] = [];
    let before = 0;
    const client = await serve((socket) => {
      const decoder = new LengthPrefixDecoder();
      lendReads(socket, decoder);
      pipeline(socket, decoder, new LengthPrefixEncoder(), socket, () => {});
      const listen = (): void => {
        if (socket.bytesRead < 500_000) {
          setImmediate(listen);
          return;
        }
        before = socket.bytesRead - socket.readableLength;
        socket.on('data', (chunk: Buffer) => heard.push(chunk));
      };
      listen();
    });
    const received: Buffer[] = [];
    client.on('data', (chunk: Buffer) => received.push(chunk));
    for (let i = 0; i < load.length; i += 4_000) {
      client.write(Buffer.concat(load.slice(i, i + 4_000)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    client.end();
    await once(client, 'end');
    expect(digest(received)).toBe(digest(load));
    expect(Buffer.concat(heard).length).toBeGreaterThan(1_000_000);
    expect(digest(heard)).toBe(digest([Buffer.concat(load).subarray(before)]));
  });
});

test('messages without views are read from lent memory', async () => {
  const codec = codecOf(struct({ number: u32le, text: utf8(rest) }));
  expect(codec.detached).toBe(true);
  const load = Array.from({ length: 300_000 }, (_, i) => codec.encode({ number: i, text: `message ${i} …` }));
  const got: { number: number; text: string }[] = [];
  const chunks: Buffer[] = [];
  const client = await serve((socket) => {
    const decoder = new LengthPrefixDecoder();
    lendReads(socket, decoder);
    // On the prototype: a socket with a method of its own is not lent to.
    const { push } = net.Socket.prototype;
    vi.spyOn(net.Socket.prototype, 'push').mockImplementation(function (this: net.Socket, chunk) {
      if (this === socket && chunk !== null) chunks.push(chunk);
      return push.call(this, chunk);
    });
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    const messages = new MessageDecoder(codec);
    pipeline(socket, decoder, messages, () => socket.end());
    messages.on('data', (message) => got.push(message));
  });
  const framed = load.flatMap((payload) => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(payload.length);
    return [prefix, payload];
  });
  await exchange(client, Buffer.concat(framed), 0);
  expect(got.length).toBe(300_000);
  expect(chunks.length).toBeGreaterThan(2 * new Set(chunks.map(({ buffer }) => buffer)).size);
  expect(got.every(({ number, text }, i) => number === i && text === `message ${i} …`)).toBe(true);
});

test('a decoder that overrides _write gets memory that is not lent', async () => {
  const kept: Buffer[] = [];
  class Recorder extends LengthPrefixDecoder {
    override _write(chunk: Buffer, encoding: BufferEncoding, callback: () => void): void {
      kept.push(chunk);
      super._write(chunk, encoding, callback);
    }
  }
  const load = LOADS['short frames'];
  const client = await serve((socket) => {
    const decoder = new Recorder();
    lendReads(socket, decoder);
    pipeline(socket, decoder, new LengthPrefixEncoder(), socket, () => {});
  });
  expect(digest(await exchange(client, Buffer.concat(load), 0))).toBe(digest(load));
  expect(digest(kept)).toBe(digest(load));
});

test('of any number of busy sockets, 64 have memory of their own', async () => {
  const load = Buffer.concat(LOADS['all kinds'].slice(0, 400));
  let most = 0;
  let lent = 0;
  const clients = await Promise.all(
    Array.from({ length: 80 }, () =>
      serve((socket) => {
        const decoder = new LengthPrefixDecoder();
        lendReads(socket, decoder);
        const { _handle: handle } = socket as unknown as { _handle: { useUserBuffer(buffer: Buffer): void } };
        const { useUserBuffer } = handle;
        handle.useUserBuffer = (buffer) => {
          most = Math.max(most, ++lent);
          socket.once('close', () => lent--);
          useUserBuffer.call(handle, buffer);
        };
        pipeline(socket, decoder, new LengthPrefixEncoder(), socket, () => {});
      }),
    ),
  );
  // No one ends before all have received everything, so that all are open at the same time.
  const received = await Promise.all(
    clients.map(async (client) => {
      const chunks: Buffer[] = [];
      let length = 0;
      client.write(load);
      for await (const [chunk] of on(client, 'data') as AsyncIterable<[Buffer]>) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= load.length) return chunks;
      }
      return chunks;
    }),
  );
  expect(most).toBe(64);
  expect(new Set(received.map(digest))).toEqual(new Set([digest([load])]));
}, 180_000);

test('a connection that is never busy is read by Node as usual', async () => {
  const client = await serve((socket) => {
    const decoder = new LengthPrefixDecoder();
    lendReads(socket, decoder);
    pipeline(socket, decoder, new LengthPrefixEncoder(), socket, () => {});
  });
  const frame = Buffer.from([2, 0, 0, 0, 0x68, 0x69]); // length 2 · hi
  client.write(frame);
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer).toEqual(frame);
  client.end();
  await once(client, 'end');
});

test('a stream without a handle of Node is unchanged', () => {
  const socket = new net.Socket();
  expect(() => lendReads(socket, new LengthPrefixDecoder())).not.toThrow();
  socket.destroy();
});

describe('a method that user code overrides to see frames may keep them', () => {
  type Kept = [view: Uint8Array, copy: Buffer][];
  const keepIn = (kept: Kept, bytes: unknown): void => {
    if (bytes instanceof Uint8Array) kept.push([bytes, Buffer.from(bytes)]);
  };
  /** Keeps the bytes of a batch, and those given singly. */
  const keepItem = (kept: Kept, item: unknown): void => {
    keepIn(kept, (item as { items?: { bytes: Buffer } }).items?.bytes ?? item);
  };

  const watchers: Record<
    string,
    (kept: Kept, socket: net.Socket) => { decoder?: FrameDecoder; encoder?: FrameEncoder } | undefined
  > = {
    'decoder.write on the object': (kept) => {
      const decoder = new FrameDecoder(lengthPrefix());
      const { write } = decoder;
      decoder.write = ((chunk: Buffer, ...rest: []) => {
        keepIn(kept, chunk);
        return Reflect.apply(write, decoder, [chunk, ...rest]);
      }) as typeof write;
      return { decoder };
    },
    'a subclass of the decoder with write': (kept) => ({
      decoder: new (class extends FrameDecoder {
        override write(chunk: unknown, ...rest: []): boolean {
          keepIn(kept, chunk);
          return super.write(chunk, ...rest);
        }
      })(lengthPrefix()),
    }),
    'a subclass of the decoder with accept': (kept) => ({
      decoder: new (class extends FrameDecoder {
        protected override accept(chunk: Buffer): void {
          keepIn(kept, chunk);
          super.accept(chunk);
        }
      })(lengthPrefix()),
    }),
    'a subclass of the decoder with produceBatch': (kept) => ({
      decoder: new (class extends FrameDecoder {
        protected override produceBatch() {
          const batch = super.produceBatch();
          keepIn(kept, batch?.bytes);
          return batch;
        }
      })(lengthPrefix()),
    }),
    'a reader of the framing': (kept) => {
      const framing = lengthPrefix();
      return {
        decoder: new FrameDecoder({
          ...framing,
          reader(options) {
            const reader = framing.reader(options);
            const { push } = reader;
            reader.push = (chunk) => {
              keepIn(kept, chunk);
              push.call(reader, chunk);
            };
            return reader;
          },
        }),
      };
    },
    'a writer of the framing': (kept) => {
      const framing = lengthPrefix({ byteOrder: 'big' });
      const writer = framing.writer();
      return {
        encoder: new FrameEncoder({
          ...framing,
          writer: () => ({
            bound: (length) => writer.bound(length),
            write(target, at, source, start, end) {
              keepIn(kept, source);
              return writer.write(target, at, source, start, end);
            },
          }),
        }),
      };
    },
    'a subclass of the encoder': (kept) => ({
      encoder: new (class extends FrameEncoder {
        protected override acceptBatch(batch: FrameBatch): void {
          keepIn(kept, batch.bytes);
          super.acceptBatch(batch);
        }
      })(lengthPrefix({ byteOrder: 'big' })),
    }),
    'encoder.write on the object': (kept) => {
      const encoder = new FrameEncoder(lengthPrefix({ byteOrder: 'big' }));
      const { write } = encoder;
      encoder.write = ((item: unknown, ...rest: []) => {
        keepItem(kept, item);
        return Reflect.apply(write, encoder, [item, ...rest]);
      }) as typeof write;
      return { encoder };
    },
    'socket.emit on the object': (kept, socket) => {
      const { emit } = socket;
      socket.emit = ((event: string, ...rest: unknown[]) => {
        if (event === 'data') keepIn(kept, rest[0]);
        return Reflect.apply(emit, socket, [event, ...rest]);
      }) as typeof emit;
      return undefined;
    },
    'socket.write on the object': (kept, socket) => {
      const { write } = socket;
      socket.write = ((chunk: Buffer, ...rest: []) => {
        keepIn(kept, chunk);
        return Reflect.apply(write, socket, [chunk, ...rest]);
      }) as typeof write;
      return undefined;
    },
  };

  test.each(Object.entries(watchers))('%s', async (_, watch) => {
    const kept: Kept = [];
    const client = await serve((socket) => {
      const { decoder = new FrameDecoder(lengthPrefix()), encoder } = watch(kept, socket) ?? {};
      lendReads(socket, decoder);
      pipeline(
        socket,
        decoder,
        encoder ?? new FrameEncoder(lengthPrefix({ byteOrder: 'big' })),
        socket,
        () => {},
      );
    });
    const load = frames(60, () => 65_532).map((frame, i) => frame.fill(i, 4));
    await exchange(client, Buffer.concat(load), 1);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.filter(([view, copy]) => !copy.equals(view))).toEqual([]);
  });
});
