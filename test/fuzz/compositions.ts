import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { type Duplex, PassThrough, pipeline, Transform } from 'node:stream';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { cobs, FrameDecoder, FrameEncoder, type Framing, lendReads, lengthPrefix } from '../../src/index.ts';
import { type Target, target, within } from './target.ts';

const FRAMINGS: Record<string, () => Framing> = {
  standard: () => lengthPrefix(),
  short: () => lengthPrefix({ lengthFieldLength: 'varint' }),
  headed: () => lengthPrefix({ lengthFieldOffset: 2, byteOrder: 'big' }),
  stuffed: () => cobs({ maxFrameLength: 1_000_000 }),
};
const framing = fc.constantFrom(...Object.keys(FRAMINGS));

/** Frames are of one random text, each with its number in front: a byte that strays is seen. */
const inputs = fc.record({
  transport: fc.constantFrom('tcp', 'tls', 'gzip'),
  reads: framing,
  writes: framing,
  /** What stands between the decoder and the encoder. */
  between: fc.constantFrom('nothing', 'a Transform', 'a slow Transform', 'an iterator', 'a slow iterator'),
  lend: fc.boolean(),
  /** Lengths of the frames, in sent order; repeated until there are enough. */
  lengths: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.nat(20) },
      { weight: 3, arbitrary: fc.nat(2_000) },
      { weight: 1, arbitrary: fc.nat(100_000) },
    ),
    { minLength: 1, maxLength: 8 },
  ),
  count: fc.integer({ min: 1, max: 200 }),
  /** Bytes per write of the client. */
  chunk: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1_000, max: 200_000 })),
  /** Listeners on a stage, each from one frame to another; what they were given is kept, and compared at the end. */
  listeners: fc.array(
    fc.record({
      on: fc.constantFrom('decoder', 'encoder'),
      from: fc.nat(200),
      for: fc.nat(100),
      tee: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  /** How the client reads: at once, or with pauses. */
  reading: fc.constantFrom('at once', 'slowly'),
  /** After how much of what is expected the client cuts the connection; 1 and more: never. */
  cutAt: fc.oneof(fc.constant(2), fc.double({ min: 0, max: 1, noNaN: true })),
});

/** A server and its client of one transport, each as a Duplex of bytes. */
async function link(
  transport: string,
  serve: (stream: Duplex, socket: net.Socket | undefined) => void,
): Promise<[Duplex, net.Server]> {
  const psk = Buffer.alloc(16, 7);
  const ciphers = 'PSK-AES128-GCM-SHA256';
  const shared = { ciphers, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const accept = (socket: net.Socket): void => serve(socket, transport === 'tcp' ? socket : undefined);
  const server =
    transport === 'tls'
      ? tls.createServer({ ...shared, allowHalfOpen: true, pskCallback: () => psk }, accept)
      : net.createServer({ allowHalfOpen: true }, accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const address = { port, host: '127.0.0.1', allowHalfOpen: true };
  const pskCallback = (): tls.PSKCallbackNegotation => ({ psk, identity: 'fuzz' });
  const client =
    transport === 'tls'
      ? tls.connect({ ...address, ...shared, pskCallback, checkServerIdentity: () => undefined })
      : net.connect(address);
  await once(client, transport === 'tls' ? 'secureConnect' : 'connect');
  return [client, server];
}

/** The frame of that number. */
function frameOf(index: number, length: number): Buffer {
  const frame = Buffer.alloc(length, index * 7 + 1);
  if (length >= 4) frame.writeUInt32BE(index, 0);
  return frame;
}

/** Zero bytes are legal in a frame of any framing; a text that shows where a compared stream differs. */
function compare(actual: Buffer, expected: Buffer, isCut: boolean): void {
  const length = isCut ? Math.min(actual.length, expected.length) : expected.length;
  if (actual.length > expected.length) throw new Error(`${actual.length - expected.length} bytes too many`);
  if (!isCut && actual.length < length) throw new Error(`only ${actual.length} of ${length} bytes came`);
  if (actual.subarray(0, length).equals(expected.subarray(0, length))) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`byte ${at} of ${length} is ${actual[at]}, and was ${expected[at]}`);
}

function between(what: string): unknown[] {
  const isSlow = what.includes('slow');
  if (what.endsWith('Transform')) {
    const pass = (frame: Buffer, _: string, done: (error: null, frame: Buffer) => void): void => {
      if (isSlow) setImmediate(() => done(null, frame));
      else done(null, frame);
    };
    return [new Transform({ objectMode: true, transform: pass })];
  }
  if (!what.endsWith('iterator')) return [];
  return [
    async function* (frames: AsyncIterable<Buffer>) {
      for await (const frame of frames) {
        if (isSlow) await turn();
        yield frame;
      }
    },
  ];
}

export const composing: Target = target(
  'compositions',
  'Whatever a connection is composed of, every byte arrives at the far end as it was sent, and every view that a listener was given stays as it was.',
  inputs,
  async (input) => {
    const frames = Array.from({ length: input.count }, (_, i) =>
      frameOf(i, input.lengths[i % input.lengths.length]!),
    );
    const [reads, writes] = [FRAMINGS[input.reads]!(), FRAMINGS[input.writes]!()];
    const wire = encoded(reads, frames);
    const expected = encoded(writes, frames);
    const kept: { view: Buffer; copy: Buffer }[] = [];
    let failure: Error | undefined;
    let over = (): void => {};
    const served = new Promise<void>((resolve) => {
      over = resolve;
    });

    const [client, server] = await link(input.transport, (stream, socket) => {
      const decoder = new FrameDecoder(reads);
      const encoder = new FrameEncoder(writes);
      if (input.lend && socket !== undefined) lendReads(socket, decoder);
      watch(decoder, encoder, input.listeners, kept);
      const unpacked = input.transport === 'gzip' ? [zlib.createGunzip()] : [];
      const packed = input.transport === 'gzip' ? [zlib.createGzip()] : [];
      const streams = [stream, ...unpacked, decoder, ...between(input.between), encoder, ...packed, stream];
      pipeline(streams as unknown as Duplex[], (error) => {
        failure = error ?? undefined;
        over();
      });
    });

    const received: Buffer[] = [];
    let length = 0;
    const isCut = input.cutAt < 1;
    const back = input.transport === 'gzip' ? client.pipe(zlib.createGunzip()) : client;
    const out = input.transport === 'gzip' ? zlib.createGzip() : undefined;
    out?.pipe(client);
    client.on('error', () => {});
    back.on('error', () => {});
    const arrived = (async () => {
      for await (const chunk of back) {
        received.push(chunk);
        length += chunk.length;
        if (isCut && length >= input.cutAt * expected.length) client.destroy();
        if (input.reading === 'slowly' && received.length < 50) await sleep(1);
      }
    })().catch((error: NodeJS.ErrnoException) => {
      if (!isCut) throw error;
    });
    const sink = out ?? client;
    for (let at = 0, writes = 0; at < wire.length && !client.destroyed; at += input.chunk, writes++) {
      // However short the chunks, so many single ones are enough.
      const end = writes < 300 ? at + input.chunk : wire.length;
      const more = sink.write(wire.subarray(at, end));
      if (!more) await drained(sink, client);
      else if (writes % 16 === 0) await turn();
      if (end >= wire.length) break;
    }
    if (!client.destroyed) sink.end();
    await within(8_000, arrived, 'the answer');
    client.destroy();
    await within(2_000, served, 'the pipeline of the server');
    server.close();
    if (failure !== undefined && !isCut) throw failure;
    compare(Buffer.concat(received), expected, isCut);
    for (const { view, copy } of kept) compare(view, copy, false);
  },
);

/** Resolves when the sink takes more, or the connection is gone. */
function drained(sink: Duplex, client: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      client.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    client.on('close', done);
  });
}

/** Add listeners and pipes to the stages, and take them off again, by the count of frames that the decoder gave. */
function watch(
  decoder: FrameDecoder,
  encoder: FrameEncoder,
  listeners: readonly { on: string; from: number; for: number; tee: boolean }[],
  kept: { view: Buffer; copy: Buffer }[],
): void {
  for (const listener of listeners) {
    const stage = listener.on === 'decoder' ? decoder : encoder;
    const keep = (view: Buffer): void => {
      if (kept.length < 500) kept.push({ view, copy: Buffer.from(view) });
    };
    const tee = new PassThrough({ objectMode: true }).on('data', keep);
    const start = (): void => {
      if (listener.tee) stage.pipe(tee);
      else stage.on('data', keep);
      setTimeout(() => {
        if (listener.tee) stage.unpipe(tee);
        else stage.off('data', keep);
      }, listener.for / 10).unref();
    };
    // A listener at once, or after some milliseconds.
    if (listener.from < 50) setImmediate(start);
    else setTimeout(start, listener.from / 20).unref();
  }
}

function encoded(framing: Framing, frames: readonly Buffer[]): Buffer {
  const writer = framing.writer();
  return Buffer.concat(
    frames.map((frame) => {
      const room = Buffer.alloc(writer.bound(frame.length));
      return room.subarray(0, writer.write(room, 0, frame, 0, frame.length));
    }),
  );
}
