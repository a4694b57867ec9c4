/**
 * Large frames in small chunks: the cost of a byte, beside other framing packages. In memory, in one process, in
 * wall-clock time: `npx tsx bench/framing.ts`.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { PassThrough, type Transform } from 'node:stream';
import { PacketLengthParser } from '@serialport/parser-packet-length';
import { decode } from 'it-length-prefixed';
import * as pg from 'pg-protocol';
import { delimiter, FrameDecoder, lengthPrefix } from 'wirepipe';
import { median, table } from './measure.ts';

const require = createRequire(import.meta.url);
// The types of neither match its exports.
const lengthPrefixedStream = require('length-prefixed-stream') as { decode(): Transform };
const frameStream = require('frame-stream') as { decode(options: { lengthSize: number }): Transform };

const ROUNDS = 3;
/** Milliseconds after which a run is aborted. */
const BUDGET = 3_000;

interface Contender {
  /** The bytes that go round a payload. */
  wrap(payload: Buffer): Buffer;
  /** Read the chunks; resolves with the bytes that came out. */
  read(chunks: Iterable<Buffer>): Promise<number>;
  /** Bytes that stay on each frame. */
  readonly kept?: number;
}

const CONTENDERS: Record<string, Contender> = {
  'wirepipe, u32': {
    wrap: (payload) => Buffer.concat([uint32(payload.length), payload]),
    read: through(() => new FrameDecoder(lengthPrefix({ byteOrder: 'big' }))),
  },
  'wirepipe, varint': {
    wrap: (payload) => Buffer.concat([varint(payload.length), payload]),
    read: through(() => new FrameDecoder(lengthPrefix({ lengthFieldLength: 'varint' }))),
  },
  'wirepipe, delimiter': {
    wrap: (payload) => Buffer.concat([payload, Buffer.from('\r\n')]),
    read: through(() => new FrameDecoder(delimiter({ delimiter: '\r\n', maxFrameLength: 10_000_000 }))),
  },
  'length-prefixed-stream 2.0.0, varint': {
    wrap: (payload) => Buffer.concat([varint(payload.length), payload]),
    read: through(() => lengthPrefixedStream.decode()),
  },
  'it-length-prefixed 11.0.1, varint': {
    wrap: (payload) => Buffer.concat([varint(payload.length), payload]),
    read: async (chunks) => {
      let length = 0;
      // The frame is a list of pieces; a user that needs contiguous bytes copies once more.
      try {
        for await (const frame of decode(asynchronous(chunks), { maxDataLength: 10_000_000 })) {
          length += frame.subarray().length;
        }
      } catch (error) {
        // Aborted in the middle of a frame.
        if ((error as NodeJS.ErrnoException).code !== 'ERR_UNEXPECTED_EOF') throw error;
      }
      return length;
    },
  },
  'frame-stream 4.0.1, u32': {
    wrap: (payload) => Buffer.concat([uint32(payload.length), payload]),
    read: through(() => frameStream.decode({ lengthSize: 4 })),
  },
  '@serialport/parser-packet-length 13.0.0': {
    wrap: (payload) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(payload.length);
      return Buffer.concat([Buffer.of(0xaa), length, payload]);
    },
    read: through(
      () =>
        new PacketLengthParser({
          delimiter: 0xaa,
          delimiterBytes: 1,
          lengthOffset: 1,
          lengthBytes: 4,
          packetOverhead: 5,
          maxLen: 10_000_000,
        }),
    ),
    kept: 5,
  },
  // Not a Transform but a parser with a callback. A frame is a PostgreSQL message that only carries bytes.
  'pg-protocol 1.16.1, CopyData to a callback': {
    wrap: (payload) => Buffer.concat([Buffer.from('d'), uint32(payload.length + 4), payload]),
    read: async (chunks) => {
      let length = 0;
      const input = new PassThrough();
      const parsed = pg.parse(input, (message) => {
        length += (message as unknown as { chunk: Buffer }).chunk.length;
      });
      for (const chunk of chunks) if (!input.write(chunk)) await once(input, 'drain');
      input.end();
      await parsed;
      return length;
    },
  },
};

interface Case {
  readonly frame: number;
  readonly chunk: number;
  /** Frames of that length in a run. */
  readonly count: number;
}

const KIB = 1_024;
const CASES: readonly Case[] = [
  { frame: 8, chunk: 65_536, count: 50_000 },
  { frame: 64 * KIB, chunk: 1_400, count: 1 },
  { frame: 1_024 * KIB, chunk: 1_400, count: 1 },
  { frame: 8_000_000, chunk: 1_400, count: 1 },
  { frame: 64 * KIB, chunk: 1, count: 1 },
  { frame: 1_024 * KIB, chunk: 1, count: 1 },
  { frame: 8_000_000, chunk: 1, count: 1 },
];

/** The payload in each package's own framing, cut into chunks; nanoseconds per byte. */
export async function benchFraming(): Promise<string> {
  const rows: string[][] = [];
  for (const [name, contender] of Object.entries(CONTENDERS)) {
    const cells: string[] = [];
    for (const one of CASES) {
      const time = await measure(contender, one);
      const perByte = (time * 1e6) / (one.frame * one.count);
      cells.push(
        time === Number.POSITIVE_INFINITY
          ? `over ${BUDGET / 1_000} s`
          : perByte.toFixed(perByte < 10 ? 1 : 0),
      );
    }
    rows.push([name, ...cells]);
  }
  const head = CASES.map(({ frame, chunk }) => `${size(frame)} in ${size(chunk)}`);
  const carved = `### Framing: frames in chunks, nanoseconds a byte\n\n${table(['framer', ...head], rows)}`;
  return `${carved}\n\n${await benchSearch()}`;
}

/** 64 MiB without a delimiter, up to the maximum: the cost of searching and holding a byte. */
async function benchSearch(): Promise<string> {
  const LENGTH = 64 * KIB * KIB;
  const searchers: Record<string, (chunk: Buffer) => () => Promise<void>> = {
    'wirepipe, delimiter CRLF, held until it is too long': (chunk) => async () => {
      const stage = new FrameDecoder(delimiter({ delimiter: '\r\n', maxFrameLength: LENGTH - 1 }));
      const failed = new Promise<NodeJS.ErrnoException>((resolve) => stage.once('error', resolve));
      for (let at = 0; at < LENGTH; at += chunk.length) {
        if (!stage.write(chunk)) await new Promise((resolve) => stage.once('drain', resolve));
      }
      const { code } = await failed;
      if (code !== 'ERR_FRAME_TOO_LONG') throw new Error(`ended with ${code}`);
    },
    '`indexOf` on each chunk, nothing held': (chunk) => async () => {
      for (let at = 0; at < LENGTH; at += chunk.length) chunk.indexOf('\r\n', 0, 'latin1');
    },
  };
  const lengths = [64 * KIB, 1_400];
  const rows: string[][] = [];
  for (const [name, make] of Object.entries(searchers)) {
    const cells: string[] = [];
    for (const length of lengths) {
      const run = make(Buffer.alloc(length, 'x'));
      const times: number[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const start = performance.now();
        await run();
        if (round > 0) times.push(performance.now() - start);
      }
      cells.push(((median(times) * 1e6) / LENGTH).toFixed(2));
    }
    rows.push([name, ...cells]);
  }
  const head = lengths.map((length) => `in ${size(length)}`);
  return `### Framing: 64 MiB without a delimiter, nanoseconds a byte\n\n${table(['search', ...head], rows)}`;
}

/** The median time of a run in milliseconds; Infinity if a run was aborted. */
async function measure(contender: Contender, { frame, chunk, count }: Case): Promise<number> {
  const wrapped = contender.wrap(Buffer.alloc(frame, 'x'));
  const bytes = Buffer.concat(Array<Buffer>(count).fill(wrapped));
  const times: number[] = [];
  // The first one warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    const length = await contender.read(chunks(bytes, chunk, start + BUDGET));
    const time = performance.now() - start;
    if (time > BUDGET) return Number.POSITIVE_INFINITY;
    const expected = count * (frame + (contender.kept ?? 0));
    if (length !== expected) throw new Error(`${length} bytes came out, not ${expected}`);
    if (round > 0) times.push(time);
  }
  return median(times);
}

function* chunks(bytes: Buffer, length: number, deadline: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) {
    if (at % (64 * length) === 0 && performance.now() > deadline) return;
    yield bytes.subarray(at, at + length);
  }
}

/** Through a Transform, chunk by chunk as from a socket. */
function through(make: () => Transform): Contender['read'] {
  return async (input) => {
    const stage = make();
    let length = 0;
    stage.on('data', (frame: Buffer) => {
      length += frame.length;
    });
    const ended = new Promise((resolve) => {
      stage.once('end', resolve);
      // Aborted in the middle of a frame.
      stage.once('error', resolve);
    });
    for (const chunk of input) {
      if (!stage.write(chunk)) await new Promise((resolve) => stage.once('drain', resolve));
    }
    stage.end();
    await ended;
    return length;
  };
}

async function* asynchronous(input: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* input;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.from([...bytes, value]);
}

function size(bytes: number): string {
  if (bytes >= 1_000_000 && bytes % 1_000_000 === 0) return `${bytes / 1_000_000} MB`;
  return bytes >= KIB && bytes % KIB === 0 ? `${bytes / KIB} KiB` : `${bytes} B`;
}

if (process.argv[1] === import.meta.filename) console.log(await benchFraming());
