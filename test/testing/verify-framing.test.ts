import { Transform } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  type FrameBatch,
  FrameDecoder,
  FrameError,
  type FrameReader,
  type FrameReaderOptions,
  type FrameWriter,
  type Framing,
  lengthPrefix,
  line,
} from '../../src/index.ts';
import { type FramingVector, verifyDecoder, verifyFraming } from '../../src/testing/index.ts';
import { hex } from '../support/hex.ts';

const GOOD = lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 100 });

const VECTORS: FramingVector[] = [
  {
    name: 'three',
    bytes: hex('02 6162', '00', '03 636465'),
    frames: [hex('6162'), hex(), hex('636465')],
    canonical: true,
  },
  { name: 'too long', bytes: hex('01 61', 'FF'), frames: [hex('61')], error: 'ERR_FRAME_TOO_LONG' },
];

/** Does what the good reader does; what is broken overrides it. */
class Wrapped implements FrameReader {
  protected readonly good: FrameReader;

  constructor(options?: FrameReaderOptions) {
    this.good = GOOD.reader(options);
  }

  get error(): FrameError | undefined {
    return this.good.error;
  }

  get buffered(): number {
    return this.good.buffered;
  }

  push(chunk: Uint8Array): void {
    this.good.push(chunk);
  }

  next(): Buffer | undefined {
    return this.good.next();
  }

  take(): FrameBatch | undefined {
    const frame = this.next();
    if (frame === undefined) return undefined;
    return { bytes: frame, bounds: [0, frame.length], count: 1, runStart: 0, runEnd: frame.length };
  }

  end(): void {
    this.good.end();
  }

  reset(): void {
    this.good.reset();
  }

  detach(): Buffer {
    return this.good.detach();
  }
}

function reads(reader: new (options?: FrameReaderOptions) => FrameReader): Framing {
  return { ...GOOD, wire: undefined, inParts: false, reader: (options) => new reader(options) };
}

function writes(writer: Partial<FrameWriter>): Framing {
  const good = GOOD.writer();
  const whole: FrameWriter = {
    bound: (length) => good.bound(length),
    write: (target, at, source, start, end) => good.write(target, at, source, start, end),
    ...writer,
  };
  return { ...GOOD, wire: undefined, writer: () => whole };
}

test('passes framings that keep the contract', async () => {
  await verifyFraming(GOOD, VECTORS);
  await verifyFraming(reads(Wrapped), VECTORS);
});

describe('catches a reader that', () => {
  test.each<[string, new () => FrameReader, RegExp]>([
    [
      'merges frames',
      class extends Wrapped {
        override next(): Buffer | undefined {
          const frames: Buffer[] = [];
          for (let frame = super.next(); frame !== undefined; frame = super.next()) frames.push(frame);
          return frames.length === 0 ? undefined : Buffer.concat(frames);
        }
      },
      /^vector "three", by next\(\), whole: frame 0: expected <61 62>, got <61 62 63 64 65>$/,
    ],
    [
      'keeps views of what it was given',
      class extends Wrapped {
        readonly #chunks: Uint8Array[] = [];
        #given = 0;
        override push(chunk: Uint8Array): void {
          this.#chunks.push(chunk);
        }
        override next(): Buffer | undefined {
          const reader = GOOD.reader();
          reader.push(Buffer.concat(this.#chunks));
          for (let i = 0; i < this.#given; i++) reader.next();
          const frame = reader.next();
          if (frame !== undefined) this.#given++;
          return frame;
        }
      },
      /^vector "three", by next\(\), .*, its memory reused: frame 0: expected <61 62>, got none$/,
    ],
    [
      'drops empty frames',
      class extends Wrapped {
        override next(): Buffer | undefined {
          const frame = super.next();
          return frame?.length === 0 ? this.next() : frame;
        }
      },
      /^vector "three", by next\(\), whole: frame 1: expected <>, got <63 64 65>$/,
    ],
    [
      'ends inside a frame without an error',
      class extends Wrapped {
        override get error(): FrameError | undefined {
          return super.error?.code === 'ERR_FRAME_TRUNCATED' ? undefined : super.error;
        }
      },
      /^vector "three", by next\(\), cut off at 1: the stream ended inside a frame without an error/,
    ],
    [
      'ends without an error only between a header and its body',
      class extends Wrapped {
        override get error(): FrameError | undefined {
          return super.error?.code === 'ERR_FRAME_TRUNCATED' && super.error.actual === 1
            ? undefined
            : super.error;
        }
      },
      /^vector "three", by next\(\), cut off at 1: the stream ended inside a frame without an error/,
    ],
    [
      'calls a whole frame truncated',
      class extends Wrapped {
        #ended = false;
        #count = 0;
        override next(): Buffer | undefined {
          const frame = super.next();
          if (frame !== undefined) this.#count++;
          return frame;
        }
        override end(): void {
          super.end();
          this.#ended = true;
        }
        override get error(): FrameError | undefined {
          return this.#ended && this.#count === 1 && super.error === undefined
            ? new FrameError('ERR_FRAME_TRUNCATED', 'no')
            : super.error;
        }
      },
      /^vector "three", by next\(\), cut off at 3: got ERR_FRAME_TRUNCATED right after a frame$/,
    ],
    [
      'depends on how the input is cut',
      class extends Wrapped {
        override push(chunk: Uint8Array): void {
          if (this.buffered === 2) this.good.reset();
          super.push(chunk);
        }
      },
      /^vector "three", by next\(\), byte by byte: frame 0: /,
    ],
    [
      'loses the frames before an error',
      class extends Wrapped {
        #frames: Buffer[] = [];
        override push(chunk: Uint8Array): void {
          super.push(chunk);
          this.#fill();
        }
        override end(): void {
          super.end();
          this.#fill();
        }
        #fill(): void {
          for (let frame = super.next(); frame !== undefined; frame = super.next()) this.#frames.push(frame);
          if (this.error?.code === 'ERR_FRAME_TOO_LONG') this.#frames = [];
        }
        override next(): Buffer | undefined {
          return this.#frames.shift();
        }
      },
      /^vector "too long", by next\(\), whole: frame 0: expected <61>, got none$/,
    ],
    [
      'gives a frame only when the stream ends',
      class extends Wrapped {
        #ended = false;
        override end(): void {
          super.end();
          this.#ended = true;
        }
        override next(): Buffer | undefined {
          return this.#ended ? super.next() : undefined;
        }
      },
      /^vector "three", by next\(\), whole, before the end of the stream: frame 0: expected <61 62>, got none$/,
    ],
    [
      'gives another sequence in batches',
      class extends Wrapped {
        override take(): FrameBatch | undefined {
          const batch = super.take();
          return batch?.runEnd === 0 ? super.take() : batch;
        }
      },
      /^vector "three", by take\(\), whole: frame 1: expected <>, got <63 64 65>$/,
    ],
    [
      'gives bounds that lie outside',
      class extends Wrapped {
        override take(): FrameBatch | undefined {
          const batch = super.take();
          return batch && { ...batch, bounds: [0, batch.runEnd + 1] };
        }
      },
      /by take\(\), whole: the reader threw Error \(frame 0 of a batch at \[0, 3\) of 2 bytes\)$/,
    ],
    [
      'throws in place of an answer',
      class extends Wrapped {
        override next(): Buffer | undefined {
          const frame = super.next();
          if (this.error !== undefined) throw this.error;
          return frame;
        }
      },
      /^vector "three", by next\(\), cut off at 1: the reader threw ERR_FRAME_TRUNCATED/,
    ],
    [
      'makes no progress',
      class extends Wrapped {
        override next(): Buffer {
          return Buffer.alloc(0);
        }
      },
      /^vector "three", by next\(\), whole: the reader threw Error \(frames without end: no progress\)$/,
    ],
    [
      'detaches other bytes than it holds',
      class extends Wrapped {
        override detach(): Buffer {
          return super.detach().subarray(1);
        }
      },
      /^vector "three", by next\(\), detached at 1: gave 0 bytes, but buffered said 1$/,
    ],
    [
      'remembers across a reset',
      class extends Wrapped {
        override reset(): void {}
      },
      /^vector "three", by next\(\), reset at 1: frame 0: /,
    ],
    [
      'tells another offset when the input is cut',
      class extends Wrapped {
        #chunks = 0;
        #error: FrameError | undefined;
        override push(chunk: Uint8Array): void {
          super.push(chunk);
          this.#chunks++;
        }
        override get error(): FrameError | undefined {
          const { error } = this.good;
          if (error === undefined) return undefined;
          this.#error ??= new FrameError(error.code, error.message, { offset: this.#chunks });
          return this.#error;
        }
      },
      /^vector "too long", by next\(\), byte by byte: the error's offset is 3, but the whole gave 1$/,
    ],
  ])('%s', async (_, reader, message) => {
    await expect(verifyFraming(reads(reader), VECTORS)).rejects.toThrow(message);
  });
});

describe('catches a writer that', () => {
  const good = GOOD.writer();

  test.each<[string, Partial<FrameWriter>, RegExp]>([
    [
      'truncates the length',
      {
        write: (target, at, source, start, end) => {
          good.write(target, at, source, start, end);
          target[at] = (end - start) & 1;
          return at + 1 + end - start;
        },
      },
      /^vector "three", by its writer: the bytes: expected <02 61 62 00 03 63 64 65>, got <00 61 62 00 01 63 64 65>$/,
    ],
    [
      'bounds too little',
      { bound: (length) => length },
      /^vector "three", by its writer: wrote 3 bytes, but bound\(\) gave 2$/,
    ],
    [
      'seals another frame than it writes',
      { headerLength: 1, seal: (_target, _at, payloadEnd) => payloadEnd },
      /^vector "three", by its writer: the output of seal\(\): expected <02 61 62>, got <a5 61 62>$/,
    ],
    [
      'begins a frame in parts with the length of the part',
      { begin: (first) => Buffer.concat([Buffer.of(first.length), first]) },
      /^vector "three", by its writer: the output of begin\(\) with 0 of 2 bytes: expected <02>, got <00>$/,
    ],
    [
      'never begins a frame in parts',
      { begin: () => undefined },
      /^vector "three", by its writer: the output of begin\(\) with 2 of 2 bytes: expected <02 61 62>, got none$/,
    ],
    [
      'writes several frames as another one',
      {
        writeAll: (target, at, source, bounds, from, to) =>
          good.write(target, at, source, bounds[2 * from]!, bounds[2 * to - 1]!),
      },
      /^vector "three", by its writer: the output of writeAll\(\) from frame 0: expected <02 61 62 00 03 63 64 65>, got <05 61 62 63 64 65>$/,
    ],
  ])('%s', async (_, writer, message) => {
    await expect(verifyFraming(writes(writer), VECTORS)).rejects.toThrow(message);
  });
});

describe('catches a stage that', () => {
  /** What most decoders in the field are: a Transform whose readable side is in byte mode. */
  class ByteMode extends Transform {
    readonly #reader = GOOD.reader();

    override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next())
        this.push(frame);
      callback();
    }
  }

  /** Object mode, but the fault overtakes the frames. */
  class Hasty extends Transform {
    readonly #reader = GOOD.reader();

    constructor() {
      super({ readableObjectMode: true });
    }

    override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error) => void): void {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next())
        this.push(frame);
      callback(this.#reader.error);
    }
  }

  test('merges frames under some consumer, or drops empty ones', async () => {
    await expect(verifyDecoder(() => new ByteMode(), VECTORS)).rejects.toThrow(
      /^vector "three", .* under .*: frame/,
    );
  });

  test('loses frames when it fails', async () => {
    await expect(verifyDecoder(() => new Hasty(), VECTORS)).rejects.toThrow(
      /^vector "too long", whole, under for await: frame 0: expected <61>, got none$/,
    );
  });

  test('gives something other than bytes', async () => {
    const texts = (): Transform =>
      new Transform({
        objectMode: true,
        transform: (chunk, _encoding, callback) => callback(null, String(chunk)),
      });
    await expect(verifyDecoder(texts, VECTORS)).rejects.toThrow(/item 0 is not a Uint8Array but a string$/);
  });

  test('and passes a stage that keeps the contract', () =>
    verifyDecoder(() => new FrameDecoder(GOOD), VECTORS));
});

test('catches a wrong vector', async () => {
  await expect(
    verifyFraming(line(), [{ bytes: Buffer.from('a\n'), frames: [Buffer.from('b')] }]),
  ).rejects.toThrow('vector 0, by next(), whole: frame 0: expected <62>, got <61>');
  await expect(
    verifyFraming(line(), [{ bytes: Buffer.from('a'), frames: [], error: 'ERR_FRAME_LENGTH' }]),
  ).rejects.toThrow(/expected ERR_FRAME_LENGTH, got ERR_FRAME_TRUNCATED/);
  const discards = line({ maxFrameLength: 1, onTooLong: 'discard' });
  await expect(verifyFraming(discards, [{ bytes: Buffer.from('abc\n'), frames: [] }])).rejects.toThrow(
    'expected onDiscard calls [], got [ERR_FRAME_TOO_LONG]',
  );
});
