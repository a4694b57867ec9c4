/** What every framing keeps, whatever comes: bounded memory, work in step with the input, and no surprise. */
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cobs,
  delimiter,
  FrameDecoder,
  FrameEncoder,
  type FrameReader,
  type Framing,
  fixedLength,
  headed,
  lengthPrefix,
  line,
  measured,
  packets,
  slip,
  stuffed,
} from '../../../src/index.ts';
import { pieces, readAll, writeOne } from '../../support/reading.ts';

const MEBIBYTE = 1_048_576;

/** Bytes held outside the heap, which is where Buffers are. */
function outside(): number {
  globalThis.gc?.();
  const { arrayBuffers, external } = process.memoryUsage();
  return arrayBuffers + external;
}

const FRAMINGS: Record<string, Framing> = {
  'lengthPrefix, 1 byte': lengthPrefix({ lengthFieldLength: 1 }),
  'lengthPrefix, 4 bytes': lengthPrefix({ maxFrameLength: 1_000 }),
  'lengthPrefix, 8 bytes': lengthPrefix({ lengthFieldLength: 8 }),
  'lengthPrefix, varint': lengthPrefix({ lengthFieldLength: 'varint' }),
  'lengthPrefix, negative adjustment': lengthPrefix({ lengthFieldLength: 2, lengthIncludes: 'header' }),
  'lengthPrefix, discarding': lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 5, onTooLong: 'discard' }),
  line: line({ maxFrameLength: 8 }),
  'line, discarding': line({ maxFrameLength: 3, onTooLong: 'discard', unterminated: 'drop' }),
  'delimiter, several': delimiter({
    delimiter: [Buffer.from([0]), Buffer.from([0, 1]), Buffer.from([2, 2])],
  }),
  fixedLength: fixedLength(5),
  slip: slip(),
  'slip, start marker': slip({ start: 1, onInvalid: 'discard', onTooLong: 'discard', maxFrameLength: 4 }),
  cobs: cobs(),
  stuffed: stuffed({ flag: 0xc0, escape: 0xdb, xor: 0x20, ignored: [1], forbidden: [2], cancel: 3 }),
  'stuffed, with a length': stuffed({
    flag: 1,
    escape: 0,
    xor: 0x40,
    length: { offset: 0, add: 2 },
    onInvalid: 'discard',
    maxFrameLength: 5,
  }),
  'delimiter, with start and trailer': delimiter({
    start: Buffer.of(1, 0),
    delimiter: Buffer.of(3, 2),
    trailer: 2,
    maxFrameLength: 6,
    onTooLong: 'discard',
  }),
  packets: packets({
    kinds: [
      { start: [1], length: { offset: 1, add: 3 }, valid: (frame) => frame.at(-1) !== 3 },
      { start: [2], end: [0] },
    ],
    maxFrameLength: 9,
  }),
  'packets, no noise': packets({ kinds: [{ start: [1], length: { offset: 1, add: 3 } }], onNoise: 'error' }),
  measured: measured({ measure: (bytes, start) => bytes[start]!, maxFrameLength: 200 }),
  headed: headed({ end: [1], length: (header) => header.length, until: [2], ignore: [3] }),
  'cobs, discarding': cobs({ onInvalid: 'discard', onTooLong: 'discard', maxFrameLength: 4 }),
};

describe.each(Object.entries(FRAMINGS))('%s', (_, framing) => {
  test('any bytes, cut anywhere: the same frames and at most one FrameError, by next and by take', () => {
    const byte = fc.oneof(fc.nat(3), fc.constantFrom(0xc0, 0xdb, 0xdc, 0xdd, 0x0a, 0x0d), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (given, size) => {
        const bytes = Buffer.from(given);
        const whole = readAll(framing, [bytes]);
        expect(readAll(framing, pieces(bytes, size))).toEqual(whole);
        expect(batched(framing, pieces(bytes, size))).toEqual(whole.frames);
        if (framing.inParts) {
          const { code, actual, offset } = whole.error ?? {};
          const { frames, error } = inParts(framing, pieces(bytes, size));
          expect([frames, error?.code, error?.actual, error?.offset]).toEqual([
            whole.frames,
            code,
            actual,
            offset,
          ]);
        }
        if (whole.error !== undefined)
          expect(whole.error).toMatchObject({ name: 'FrameError', origin: 'peer' });
        const received = whole.frames.reduce((sum, frame) => sum + frame.length, 0);
        expect(received).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 200 },
    );
  });

  test('a poisoned reader stays poisoned, until it is reset', () => {
    const reader = framing.reader();
    reader.push(Buffer.from([1]));
    reader.end();
    while (reader.next() !== undefined);
    const { error } = reader;
    if (error === undefined) {
      // Such a rest is dropped, or one byte is a frame.
      expect(reader.buffered).toBe(0);
      return;
    }
    reader.push(Buffer.alloc(50, 1));
    expect(reader.next()).toBeUndefined();
    expect(reader.take()).toBeUndefined();
    expect(reader.error).toBe(error);
    expect(reader.buffered).toBe(0);
    reader.reset();
    expect(reader.error).toBeUndefined();
  });
});

function batched(framing: Framing, chunks: Iterable<Buffer>): Buffer[] {
  const reader = framing.reader();
  const frames: Buffer[] = [];
  const drain = (): void => {
    for (let batch = reader.take(); batch !== undefined; batch = reader.take()) {
      for (let i = 0; i < batch.count; i++) {
        frames.push(Buffer.from(batch.bytes.subarray(batch.bounds[2 * i], batch.bounds[2 * i + 1])));
      }
    }
  };
  for (const chunk of chunks) {
    reader.push(chunk);
    drain();
  }
  reader.end();
  drain();
  return frames;
}

/** What comes of reading every frame in parts. */
function inParts(
  framing: Framing,
  chunks: Iterable<Buffer>,
): { frames: Buffer[]; error: FrameReader['error'] } {
  const reader = framing.reader({ partsAbove: 0 });
  const frames: Buffer[] = [];
  let parts: Buffer[] = [];
  const drain = (): void => {
    for (;;) {
      const frame = reader.next();
      if (frame !== undefined) frames.push(Buffer.from(frame));
      else if (reader.partial === undefined) return;
      for (let part = reader.part!(); part !== undefined; part = reader.part!())
        parts.push(Buffer.from(part));
      if (reader.partial !== undefined || reader.error !== undefined) return;
      if (parts.length > 0) frames.push(Buffer.concat(parts));
      parts = [];
    }
  };
  for (const chunk of chunks) {
    reader.push(chunk);
    drain();
  }
  reader.end();
  drain();
  return { frames, error: reader.error };
}

/** Framings that carry so many bytes in one frame. */
const LARGE: Record<string, (length: number) => Framing> = {
  lengthPrefix: () => lengthPrefix(),
  varint: () => lengthPrefix({ lengthFieldLength: 'varint' }),
  'delimiter of one byte': () => delimiter({ delimiter: '\n', maxFrameLength: 10_000_000 }),
  'delimiter of several bytes': () => delimiter({ delimiter: 'aab', maxFrameLength: 10_000_000 }),
  'several delimiters': () => delimiter({ delimiter: ['aab', 'aaab', '\n'], maxFrameLength: 10_000_000 }),
  fixedLength: (length) => fixedLength(length),
  slip: () => slip({ maxFrameLength: 10_000_000 }),
  cobs: () => cobs({ maxFrameLength: 10_000_000 }),
  packets: (length) => packets({ kinds: [{ start: 'a1', length }], maxFrameLength: 10_000_000 }),
  measured: (length) =>
    measured({
      measure: (_, start, end) => (end - start < length / 2 ? -length / 2 : length),
      maxFrameLength: 10_000_000,
    }),
};

describe.each(Object.entries(LARGE))('a long frame: %s', (_, framingOf) => {
  test.each([
    [8_000_000, 1_400],
    [1_000_000, 1],
  ])('%d bytes in chunks of %d: copied a few times at the most', (length, size) => {
    const framing = framingOf(length);
    const payload = Buffer.alloc(length, 'a1');
    const bytes = writeOne(framing, payload);
    const reader = framing.reader();
    let copied = 0;
    let frame: Buffer | undefined;
    // All ways to copy that the readers use, counted in bytes.
    const { copy, set } = Buffer.prototype;
    const { concat } = Buffer;
    Buffer.prototype.copy = function (...args: Parameters<Buffer['copy']>) {
      const count = copy.apply(this, args);
      copied += count;
      return count;
    };
    Buffer.prototype.set = function (source: ArrayLike<number>, at?: number) {
      copied += source.length;
      set.call(this, source, at);
    };
    Buffer.concat = (list, length) => {
      const joined = concat(list, length);
      copied += joined.length;
      return joined;
    };
    try {
      for (const chunk of pieces(bytes, size)) {
        reader.push(chunk);
        frame = reader.next();
      }
    } finally {
      Object.assign(Buffer.prototype, { copy, set });
      Buffer.concat = concat;
    }
    expect(frame?.equals(payload)).toBe(true);
    expect(copied).toBeLessThan(4 * bytes.length);
    expect(reader.buffered).toBe(0);
  });
});

describe('memory', () => {
  test('a 10,000,000-byte announcement holds nothing', () => {
    const before = outside();
    const readers: FrameReader[] = [];
    for (const [framing, header] of [
      [lengthPrefix(), [0x80, 0x96, 0x98, 0x00]], // 10,000,000, little-endian
      [lengthPrefix({ lengthFieldLength: 'varint' }), [0x80, 0xad, 0xe2, 0x04]], // 10,000,000
    ] as const) {
      for (let i = 0; i < 100; i++) {
        const reader = framing.reader();
        // The header alone, or a byte behind it in the same chunk; then another byte.
        reader.push(Buffer.from([...header, ...(i % 2 === 0 ? [] : [0x61])]));
        expect(reader.next()).toBeUndefined();
        reader.push(Buffer.from('b'));
        expect(reader.next()).toBeUndefined();
        expect(reader.error).toBeUndefined();
        readers.push(reader);
      }
    }
    expect(outside() - before).toBeLessThan(MEBIBYTE);
    expect(readers.every((reader) => reader.buffered <= 6)).toBe(true);
  });

  test.each<[string, Framing]>([
    ['one byte', delimiter({ delimiter: '\n' })],
    ['several bytes', delimiter({ delimiter: '\r\n\r\n' })],
    ['several delimiters', delimiter({ delimiter: ['\r\n', '<end>'] })],
    ['SLIP', slip()],
    ['COBS', cobs()],
  ])('64 MiB without a delimiter is cut off at the maximum: %s', (_, framing) => {
    const reader = framing.reader();
    const chunk = Buffer.alloc(65_536, 'x');
    let pushed = 0;
    while (reader.error === undefined && pushed < 64 * MEBIBYTE) {
      reader.push(chunk);
      pushed += chunk.length;
      reader.next();
      expect(reader.buffered).toBeLessThanOrEqual(2 * 65_536);
    }
    expect(reader.error).toMatchObject({ code: 'ERR_FRAME_TOO_LONG', limit: 65_536, offset: 0 });
    expect(pushed).toBeLessThanOrEqual(3 * 65_536);
  });

  test.each<[string, Framing]>([
    ['one byte', delimiter({ delimiter: '\n', onTooLong: 'discard' })],
    ['several delimiters', delimiter({ delimiter: ['xxy', '\r\n'], onTooLong: 'discard' })],
    ['a length', lengthPrefix({ onTooLong: 'discard' })],
  ])('64 MiB that are skipped are not held: %s', (_, framing) => {
    const reader = framing.reader();
    const chunk = Buffer.alloc(65_536, 'x');
    for (let i = 0; i < 1_024; i++) {
      reader.push(chunk);
      expect(reader.next()).toBeUndefined();
      expect(reader.buffered).toBeLessThanOrEqual(2 * 65_536);
    }
    expect(reader.error).toBeUndefined();
    expect(reader.buffered).toBeLessThanOrEqual(2);
  });

  test('bytes that come one by one do not take more than twice their number, and a little', () => {
    const reader = line().reader();
    const before = outside();
    for (let i = 0; i < 60_000; i++) {
      reader.push(Buffer.from('x'));
      reader.next();
    }
    expect(reader.buffered).toBe(60_000);
    expect(outside() - before).toBeLessThan(2 * MEBIBYTE);
  });
});

describe('frames that are discarded', () => {
  const FLOODS: [string, Framing, string][] = [
    ['invalid COBS', cobs({ onInvalid: 'discard' }), '0500'],
    ['invalid SLIP', slip({ onInvalid: 'discard' }), 'dbc0'],
    ['noise before a start marker', slip({ start: 0xab }), '00abc0'],
    ['noise before a start', delimiter({ start: '<<', delimiter: '>' }), '003c3c3e'],
    ['lines too long', line({ maxFrameLength: 1, onTooLong: 'discard' }), '61610a'],
    [
      'length too long',
      lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 1, onTooLong: 'discard' }),
      '020000',
    ],
  ];

  test.each(FLOODS)(
    '%s: no error is created without a listener, and none has a stack',
    (_, framing, unit) => {
      const chunk = Buffer.from(unit.repeat(1_000), 'hex');
      let made = 0;
      const { prepareStackTrace, stackTraceLimit } = Error;
      Error.prepareStackTrace = () => String(made++);
      let onDiscard: ((error: Error) => void) | undefined;
      const told: Error[] = [];
      try {
        const reader = framing.reader({
          get onDiscard() {
            return onDiscard;
          },
        });
        const drain = (): void => {
          reader.push(chunk);
          while (reader.take() !== undefined);
        };
        drain();
        expect(told.length).toBe(0);
        onDiscard = (error) => told.push(error);
        drain();
        expect(told.length).toBeGreaterThan(990);
        expect(Error.stackTraceLimit).toBe(stackTraceLimit);
        expect(String(told[0]!.stack).split('\n').length).toBe(1);
      } finally {
        Error.prepareStackTrace = prepareStackTrace as never;
      }
    },
  );

  test('a decoder without a listener for discarded frames creates no error', () => {
    const decoder = new FrameDecoder(cobs({ onInvalid: 'discard' }));
    const emitted: unknown[] = [];
    const { emit } = decoder;
    decoder.emit = function (this: FrameDecoder, ...args: Parameters<typeof emit>) {
      if (args[0] === 'discard') emitted.push(args[1]);
      return emit.apply(this, args);
    } as typeof emit;
    decoder.resume();
    decoder.write(Buffer.from([5, 0, 5, 0]));
    expect(emitted).toEqual([]);
    const heard: unknown[] = [];
    decoder.on('discard', (error) => heard.push(error));
    decoder.write(Buffer.from([5, 0]));
    expect(heard).toMatchObject([{ code: 'ERR_FRAME_STUFFING', offset: 4 }]);
  });
});

describe('backpressure', () => {
  test.each<[string, Framing]>([
    ['lengthPrefix', lengthPrefix({ lengthFieldLength: 1 })],
    ['line', line()],
    ['slip', slip()],
  ])('a decoder that is told to stop decodes no further: %s', async (_, framing) => {
    let taken = 0;
    const counted: Framing = {
      ...framing,
      reader: (options) => {
        const reader = framing.reader(options);
        return new Proxy(reader, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target);
            if (typeof value !== 'function') return value;
            return (...args: unknown[]) => {
              const result: unknown = Reflect.apply(value, target, args);
              if (key === 'next' && result !== undefined) taken++;
              return result;
            };
          },
        });
      },
    };
    const bytes = Buffer.concat(Array<Buffer>(16_000).fill(writeOne(framing, Buffer.from('abcd'))));
    const decoder = new FrameDecoder(counted, { readableHighWaterMark: 16 });
    decoder.write(bytes);
    await new Promise(setImmediate);
    expect(taken).toBeLessThanOrEqual(17);
    expect(decoder.read()).toEqual(Buffer.from('abcd'));

    let seen = 1;
    decoder.end();
    for await (const frame of decoder) {
      expect(String(frame)).toBe('abcd');
      seen++;
    }
    expect(seen).toBe(16_000);
  });

  test('a payload that cannot be framed is an error of the stream, after the payloads before it', async () => {
    for (const [framing, payload, code] of [
      [lengthPrefix({ lengthFieldLength: 1 }), Buffer.alloc(256), 'ERR_FRAME_TOO_LONG'],
      [line(), Buffer.from('a\nb'), 'ERR_FRAME_STUFFING'],
      [slip(), Buffer.alloc(0), 'ERR_FRAME_LENGTH'],
      [fixedLength(2), Buffer.from('a'), 'ERR_FRAME_LENGTH'],
      [cobs({ maxFrameLength: 2 }), Buffer.alloc(3), 'ERR_FRAME_TOO_LONG'],
    ] as const) {
      const written: Buffer[] = [];
      const sink = new Writable({
        write(chunk, _encoding, callback) {
          written.push(chunk);
          callback();
        },
      });
      const good = Buffer.from('ok');
      const source = Readable.from([good, payload, good]);
      await expect(pipeline(source, new FrameEncoder(framing), sink)).rejects.toMatchObject({
        code,
        origin: 'local',
      });
      expect(Buffer.concat(written)).toEqual(writeOne(framing, good));
    }
  });
});
