/** Frames that are not held: files over a protocol. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { PassThrough, Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tap } from '../../src/captures/index.ts';
import {
  bytes as bytesField,
  cobs,
  codecOf,
  delimiter,
  FrameDecoder,
  FrameEncoder,
  FrameStream,
  type Framing,
  fixedLength,
  headed,
  LengthPrefixDecoder,
  lengthPrefix,
  line,
  MessageDecoder,
  packets,
  rest,
  slip,
  struct,
} from '../../src/index.ts';

const CHUNK = 65_536;
const long = lengthPrefix({ lengthFieldLength: 8, byteOrder: 'big', maxFrameLength: 10_000_000_000 });

/** So many bytes, in chunks of 64 KiB; each chunk is memory of its own, and counted in bytes from `from`. */
function* synthetic(length: number, from = 0): Generator<Buffer> {
  for (let at = 0; at < length; at += CHUNK) {
    const chunk = Buffer.alloc(Math.min(CHUNK, length - at));
    for (let i = 0; i < chunk.length; i += 1021) chunk[i] = (from + at + i) & 0xff;
    yield chunk;
  }
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

async function collect(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Each frame, and whether it came as a stream. */
async function read(decoder: Transform): Promise<[bytes: string, streamed: boolean][]> {
  const seen: [string, boolean][] = [];
  for await (const frame of decoder) {
    if (frame instanceof FrameStream) seen.push([(await collect(frame)).toString('latin1'), true]);
    else seen.push([(frame as Buffer).toString('latin1'), false]);
  }
  return seen;
}

function decoding(decoder: FrameDecoder, chunks: Iterable<Uint8Array>): FrameDecoder {
  const input = Readable.from(chunks);
  return input.on('error', () => {}).pipe(decoder);
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('a frame longer than `stream`', () => {
  const framing = lengthPrefix({ lengthFieldLength: 1 });
  const bytes = Buffer.from('\x02ab\x05hello\x00\x03abc\x04ciao\x01z', 'latin1');
  const expected = [
    ['ab', false],
    ['hello', true],
    ['', false],
    ['abc', false],
    ['ciao', true],
    ['z', false],
  ];

  test.each([1, 2, 3, 5, 8, 100])(
    'is a stream, and the frames after it are read in step, in chunks of %i',
    async (size) => {
      expect(await read(decoding(new FrameDecoder(framing, { stream: 3 }), cut(bytes, size)))).toEqual(
        expected,
      );
      const decoder = new LengthPrefixDecoder({ lengthFieldLength: 1, stream: 3 });
      expect(await read(decoding(decoder, cut(bytes, size)))).toEqual(expected);
    },
  );

  test('is a stream after a preface, too', async () => {
    for (const size of [1, 3, 100]) {
      const wire = Buffer.concat([Buffer.from('AMQP'), bytes]);
      const decoder = new FrameDecoder(framing, { stream: 3, preface: 'AMQP' });
      expect(await read(decoding(decoder, cut(wire, size)))).toEqual(expected);
    }
  });

  test('has a length, and no header if the framing strips it', async () => {
    const decoder = decoding(new FrameDecoder(framing, { stream: 0 }), [Buffer.from('\x03abc')]);
    const [frame] = (await once(decoder, 'data')) as [FrameStream];
    expect(frame).toBeInstanceOf(FrameStream);
    expect(frame).toMatchObject({ length: 3, headerLength: 0 });
  });

  test.each([1, 7, 4096])('gives the header that the framing keeps at once (chunks of %i)', async (size) => {
    const tagged = lengthPrefix({ lengthFieldOffset: 1, lengthFieldLength: 2, initialBytesToStrip: 0 });
    const stomp = headed({ end: '\n\n', length: { field: 'content-length' }, trailer: 1, ignore: '\n' });
    for (const [framing, wire, head] of [
      [tagged, 'T\x05\x00hello', 'T\x05\x00'],
      [stomp, 'SEND\ncontent-length:5\n\nhello\0', 'SEND\ncontent-length:5\n\n'],
    ] as const) {
      const input = Buffer.from(`${wire}${wire}`, 'latin1');
      for await (const frame of decoding(new FrameDecoder(framing, { stream: 4 }), cut(input, size))) {
        expect(frame).toBeInstanceOf(FrameStream);
        const { length, headerLength } = frame as FrameStream;
        expect([length, headerLength]).toEqual([wire.length, head.length]);
        expect(String(frame.read(headerLength))).toBe(head);
        expect((await collect(frame)).toString('latin1')).toBe(wire.slice(head.length));
      }
    }
  });

  test('a body up to a mark is held until the mark has come', async () => {
    const framing = headed({ end: '\n\n', length: { field: 'l' }, until: '\0' });
    const input = Buffer.from('A\n\nfirst body\0l:3\n\nabcB\n\n\0', 'latin1');
    for (const size of [1, 5, 100]) {
      expect(await read(decoding(new FrameDecoder(framing, { stream: 6 }), cut(input, size)))).toEqual([
        ['A\n\nfirst body\0', true],
        ['l:3\n\nabc', true],
        ['B\n\n\0', false],
      ]);
    }
  });

  test('if destroyed, the rest of its bytes is skipped', async () => {
    const input = Buffer.concat([Buffer.from([200]), Buffer.alloc(200, 1), Buffer.from('\x02ok')]);
    for (const size of [1, 17, 201, 500]) {
      const seen: unknown[] = [];
      for await (const frame of decoding(new FrameDecoder(framing, { stream: 10 }), cut(input, size))) {
        if (frame instanceof FrameStream) frame.destroy();
        else seen.push(String(frame));
      }
      expect(seen).toEqual(['ok']);
      const partly: unknown[] = [];
      for await (const frame of decoding(new FrameDecoder(framing, { stream: 10 }), cut(input, size))) {
        if (!(frame instanceof FrameStream)) partly.push(String(frame));
        else
          for await (const part of frame) {
            partly.push(part.length > 0);
            break;
          }
      }
      expect(partly).toEqual([true, 'ok']);
    }
  });

  test('the end of the input inside it is an error of the stream, after its bytes, and of the decoder', async () => {
    for (const size of [1, 4, 100]) {
      const decoder = decoding(
        new FrameDecoder(framing, { stream: 3 }),
        cut(Buffer.from('\x02ab\x09hello'), size),
      );
      const reported = once(decoder, 'error').catch((error) => [error]);
      let got = '';
      let failure: unknown;
      decoder.on('data', (frame: unknown) => {
        if (!(frame instanceof FrameStream)) return;
        frame.on('data', (part) => (got += part)).on('error', (error) => (failure = error));
      });
      const [error] = await reported;
      expect(got).toBe('hello');
      const truncated = { code: 'ERR_FRAME_TRUNCATED', expected: 10, actual: 6, offset: 3 };
      expect(failure).toMatchObject(truncated);
      expect(error).toMatchObject(truncated);
    }
  });

  test('a stream without listeners does not crash the process', async () => {
    const decoder = decoding(new FrameDecoder(framing, { stream: 3 }), [Buffer.from('\x09hello')]);
    let kept: FrameStream | undefined;
    decoder.on('data', (frame) => (kept = frame));
    const [error] = await once(decoder, 'error').catch((error) => [error]);
    expect(error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
    await expect(collect(kept!)).rejects.toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
  });

  test('a decoder that is destroyed, reset or detached cuts it off', async () => {
    for (const act of ['destroy', 'reset', 'detach'] as const) {
      const decoder = new FrameDecoder(framing, { stream: 3 });
      decoder.on('error', () => {});
      decoder.write(Buffer.from('\x09hello'));
      const [frame] = (await once(decoder, 'data')) as [FrameStream];
      const failed = once(frame, 'error').catch((error) => [error]);
      frame.resume();
      decoder[act]();
      expect((await failed)[0]).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', origin: 'local' });
    }
  });

  test('is refused as too long by its header alone, or skipped if the framing says so', async () => {
    const strict = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 8 });
    await expect(
      read(decoding(new FrameDecoder(strict, { stream: 3 }), [Buffer.of(9)])),
    ).rejects.toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
    });
    const lenient = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 8, onTooLong: 'discard' });
    const input = Buffer.from('\x09123456789\x04okay', 'latin1');
    for (const size of [1, 100]) {
      expect(await read(decoding(new FrameDecoder(lenient, { stream: 3 }), cut(input, size)))).toEqual([
        ['okay', true],
      ]);
    }
  });

  test('meets frameTimeout once it is emitted', async () => {
    const decoder = new FrameDecoder(framing, { stream: 3, frameTimeout: 30, idleGap: 30 });
    const frames = read(decoder);
    decoder.write(Buffer.from('\x05he'));
    await new Promise((resolve) => setTimeout(resolve, 90));
    decoder.end(Buffer.from('llo\x01a'));
    expect(await frames).toEqual([
      ['hello', true],
      ['a', false],
    ]);
  });

  test('any frames in any chunks, with any threshold', async () => {
    const some = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        some,
        fc.integer({ min: 1, max: 400 }),
        fc.nat(300),
        fc.nat(3),
        async (frames, size, stream, strip) => {
          const framing = lengthPrefix({ lengthFieldLength: 'varint', lengthFieldOffset: strip });
          const payloads = frames.map((frame) => Buffer.from(frame));
          const bytes = Buffer.concat(
            payloads.map((frame) => {
              const target = Buffer.alloc(framing.writer().bound(frame.length));
              return target.subarray(0, framing.writer().write(target, 0, frame, 0, frame.length));
            }),
          );
          const seen = await read(decoding(new FrameDecoder(framing, { stream }), cut(bytes, size)));
          expect(seen).toEqual(payloads.map((frame) => [frame.toString('latin1'), frame.length > stream]));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('framings that cannot stream', () => {
  test.each<[string, Framing]>([
    ['delimiter', delimiter({ delimiter: '\n' })],
    ['line', line()],
    ['fixedLength', fixedLength(4)],
    ['slip', slip()],
    ['cobs', cobs()],
    ['packets', packets({ kinds: [{ start: [1], length: 4 }] })],
  ])('%s gives no frame as a stream', (_, framing) => {
    expect(() => new FrameDecoder(framing, { stream: 9 })).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_STREAM', origin: 'local' }),
    );
  });

  test('a `stream` that is not a length is refused', () => {
    expect(() => new FrameDecoder(long, { stream: -1 })).toThrow(RangeError);
    expect(() => new FrameDecoder(long, { stream: '9' as never })).toThrow(RangeError);
    expect(() => new FrameStream(1.5)).toThrow(RangeError);
    expect(() => new FrameStream(5, 'hello')).toThrow(TypeError);
    expect(() => new FrameStream(5, 7 as never)).toThrow(TypeError);
  });

  test('a MessageDecoder refuses a frame stream, after the messages before it', async () => {
    const framing = lengthPrefix({ lengthFieldLength: 1 });
    const codec = codecOf(struct({ text: bytesField(rest) }));
    for (const size of [1, 100]) {
      const messages: unknown[] = [];
      const decoder = decoding(
        new FrameDecoder(framing, { stream: 3 }),
        cut(Buffer.from('\x01a\x05hello\x01b'), size),
      );
      const given = pipeline(
        decoder,
        new MessageDecoder(codec),
        async (source: AsyncIterable<{ text: Buffer }>) => {
          for await (const { text } of source) messages.push(String(text));
        },
      );
      await expect(given).rejects.toMatchObject({ code: 'ERR_FRAME_STREAM', actual: 5 });
      expect(messages).toEqual(['a']);
    }
  });
});

describe('FrameEncoder', () => {
  const framing = lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' });

  test('writes a length and a Readable as a frame, in order', async () => {
    const encoder = new FrameEncoder(framing);
    const written = collect(encoder);
    encoder.write(Buffer.from('a'));
    encoder.write(new FrameStream(5, [Buffer.from('he'), Buffer.from('llo')]));
    encoder.write(new FrameStream(0, []));
    encoder.write(new FrameStream(4, Readable.from([Buffer.from('ciao')])));
    encoder.end(Buffer.from('z'));
    expect((await written).toString('latin1')).toBe('\0\x01a\0\x05hello\0\0\0\x04ciao\0\x01z');
  });

  test('fills in the length, or checks it, at any offset', async () => {
    const write = async (framing: Framing, length: number, ...parts: string[]): Promise<string> => {
      const encoder = new FrameEncoder(framing);
      const written = collect(encoder);
      encoder.end(
        new FrameStream(
          length,
          parts.map((part) => Buffer.from(part, 'latin1')),
        ),
      );
      return (await written).toString('latin1');
    };
    const tagged = lengthPrefix({
      lengthFieldOffset: 1,
      lengthFieldLength: 2,
      byteOrder: 'big',
      initialBytesToStrip: 0,
    });
    expect(await write(tagged, 8, 'T', '\0\0he', 'llo')).toBe('T\0\x05hello');
    const varint = lengthPrefix({ lengthFieldLength: 'varint', lengthFieldOffset: 1 });
    expect(await write(varint, 5, 'hello')).toBe('\0\x05hello');
    const stepped = lengthPrefix({
      lengthFieldOffset: 1,
      lengthFieldLength: '7/16/64',
      initialBytesToStrip: 0,
    });
    expect(await write(stepped, 7, '\x81', '\x05he', 'llo')).toBe('\x81\x05hello');
    const lsp = headed({ end: '\r\n\r\n', length: { field: 'l' } });
    expect(await write(lsp, 13, 'l: 5\r', '\n\r\nhel', 'lo')).toBe('l: 5\r\n\r\nhello');

    const refused = { code: 'ERR_FRAME_LENGTH', origin: 'local' };
    await expect(write(stepped, 8, '\x81\x05hello!')).rejects.toMatchObject(refused);
    await expect(write(stepped, 3, '\x81\x05h')).rejects.toMatchObject(refused);
    await expect(write(lsp, 14, 'l: 5\r\n\r\nhello!')).rejects.toMatchObject(refused);
    await expect(write(lsp, 5, 'l: 5\r')).rejects.toMatchObject(refused);
    await expect(write(lsp, 99, 'x: 5\r\n\r\n')).rejects.toMatchObject(refused);
    await expect(write(tagged, 2, 'T\0')).rejects.toMatchObject(refused);
    await expect(write(framing, 70_000, '')).rejects.toMatchObject({
      ...refused,
      code: 'ERR_FRAME_TOO_LONG',
    });
    const until = headed({ end: '\n\n', length: { field: 'l' }, until: '\0' });
    await expect(write(until, 99, 'A\n\nbody')).rejects.toMatchObject(refused);
    const short = lengthPrefix({ maxFrameLength: 3 });
    await expect(write(short, 5, 'hello')).rejects.toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
      origin: 'local',
    });
  });

  test.each([
    [
      'fewer bytes',
      5,
      [Buffer.from('hell')],
      { code: 'ERR_FRAME_LENGTH', origin: 'local', expected: 5, actual: 4 },
    ],
    [
      'more bytes',
      5,
      [Buffer.from('hel'), Buffer.from('lo!')],
      { code: 'ERR_FRAME_LENGTH', origin: 'local', actual: 6 },
    ],
  ])('%s than said end the stream', async (_, length, parts, error) => {
    const encoder = new FrameEncoder(framing);
    const written = collect(encoder);
    encoder.write(Buffer.from('a'));
    encoder.write(new FrameStream(length, parts));
    await expect(written).rejects.toMatchObject(error);
  });

  test('an error of its source is the error of the encoder', async () => {
    const encoder = new FrameEncoder(framing);
    const written = collect(encoder);
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('he');
      throw new Error('disk');
    }
    encoder.write(new FrameStream(5, failing()));
    await expect(written).rejects.toThrow('disk');
    const gone = new FrameStream(5, [Buffer.from('hello')]);
    gone.destroy();
    const other = new FrameEncoder(framing);
    const lost = collect(other);
    other.write(gone);
    await expect(lost).rejects.toMatchObject({ code: 'ERR_FRAME_LENGTH' });
  });

  test('destroys the source when it is destroyed', async () => {
    const encoder = new FrameEncoder(framing).on('error', () => {});
    const source = new PassThrough();
    encoder.write(new FrameStream(5, source));
    source.write('he');
    await once(encoder.resume(), 'data');
    encoder.destroy();
    await once(source, 'close');
    expect(source.destroyed).toBe(true);
  });

  test('a framing without parts refuses a frame stream', async () => {
    const encoder = new FrameEncoder(line());
    const written = collect(encoder);
    encoder.write(new FrameStream(5, [Buffer.from('hello')]));
    await expect(written).rejects.toMatchObject({ code: 'ERR_FRAME_STREAM', origin: 'local' });
  });
});

describe('a large body', () => {
  /** Of the body, in bytes. For a soak: `WIREPIPE_SOAK_MEGABYTES=2000`. */
  const LENGTH = 1_000_000 * Number(process.env.WIREPIPE_SOAK_MEGABYTES ?? 200);
  /** A read of the source, the queues of the stages and of the frame: whatever the length of the body. */
  const HELD = 8 * CHUNK;

  test('is held in a few chunks at a time, however slow its reader is', { timeout: 120_000 }, async () => {
    let given = 0;
    let taken = 0;
    let most = 0;
    function* input(): Generator<Buffer> {
      yield header(LENGTH);
      for (const chunk of synthetic(LENGTH)) {
        given += chunk.length;
        most = Math.max(most, given - taken);
        yield chunk;
      }
      yield Buffer.concat([header(2), Buffer.from('ok')]);
    }
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const small: string[] = [];
    for await (const frame of Readable.from(input()).pipe(new FrameDecoder(long, { stream: CHUNK }))) {
      if (!(frame instanceof FrameStream)) {
        small.push(String(frame));
        continue;
      }
      expect(frame.length).toBe(LENGTH);
      const sink = new Writable({
        write(chunk: Buffer, _, done) {
          const expected = taken & 0xff;
          if (taken % CHUNK === 0 && chunk[0] !== expected) done(new Error(`wrong byte at ${taken}`));
          taken += chunk.length;
          if (taken % (64 * CHUNK) !== 0) return done();
          peak = Math.max(peak, process.memoryUsage().arrayBuffers);
          setImmediate(done);
        },
      });
      await pipeline(frame, sink);
    }
    expect(taken).toBe(LENGTH);
    expect(small).toEqual(['ok']);
    expect(most).toBeLessThanOrEqual(HELD);
    // Chunks that were read wait for the collector; a body that is held would all be here.
    expect(peak - before).toBeLessThan(0.8 * LENGTH);
  });

  test.each([false, true])(
    'is forwarded frame by frame, through a tap: %s',
    { timeout: 60_000 },
    async (tapped) => {
      const length = 20_000_000;
      let given = 0;
      let taken = 0;
      let most = 0;
      function* input(): Generator<Buffer> {
        for (const small of ['a', 'b', 'c']) yield Buffer.concat([header(1), Buffer.from(small)]);
        yield header(length);
        for (const chunk of synthetic(length)) {
          given += chunk.length;
          most = Math.max(most, given - taken);
          yield chunk;
        }
        yield Buffer.concat([header(2), Buffer.from('ok')]);
      }
      const frames: [number, boolean][] = [];
      const seen: number[] = [];
      const tap = new Tap('frames', (_, start, end) => seen.push(end - start));
      await pipeline([
        Readable.from(input()),
        new FrameDecoder(long, { stream: CHUNK }),
        ...(tapped ? [tap] : []),
        new FrameEncoder(long),
        new FrameDecoder(long, { stream: CHUNK }),
        async (source: AsyncIterable<unknown>) => {
          for await (const frame of source) {
            if (!(frame instanceof FrameStream)) frames.push([(frame as Buffer).length, false]);
            else {
              frames.push([frame.length, true]);
              for await (const part of frame) {
                taken += (part as Buffer).length;
                if (taken % (16 * CHUNK) === 0) await new Promise(setImmediate);
              }
            }
          }
        },
      ] as never);
      expect(frames).toEqual([
        [1, false],
        [1, false],
        [1, false],
        [length, true],
        [2, false],
      ]);
      expect(taken).toBe(length);
      expect(most).toBeLessThanOrEqual(2 * HELD);
      if (tapped) expect(seen).toEqual([1, 1, 1, 2]);
    },
  );

  test('a slow destination holds the source back, over a socket', { timeout: 60_000 }, async () => {
    const length = 30_000_000;
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receive = async (): Promise<number> => {
      const [socket] = (await once(server, 'connection')) as [net.Socket];
      let sum = 0;
      for await (const frame of socket.pipe(new FrameDecoder(long, { stream: 1 }))) {
        for await (const part of frame as FrameStream) {
          sum += (part as Buffer).length;
          if (sum % 7 === 0) await new Promise(setImmediate);
        }
      }
      return sum;
    };
    const received = receive();
    const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    await pipeline(
      [new FrameStream(length, synthetic(length)), new FrameStream(3, [Buffer.from('abc')])],
      new FrameEncoder(long),
      client,
    );
    expect(await received).toBe(length + 3);
    server.close();
  });

  test('a proxy whose source breaks off ends too, with the reason', async () => {
    const broken = Buffer.concat([header(100_000), Buffer.alloc(70_000)]);
    const out = new PassThrough();
    out.resume();
    const forwarded = pipeline(
      Readable.from(cut(broken, 30_000)),
      new FrameDecoder(long, { stream: 10 }),
      new FrameEncoder(long),
      out,
    );
    await expect(forwarded).rejects.toMatchObject({ code: 'ERR_FRAME_TRUNCATED' });
  });
});
