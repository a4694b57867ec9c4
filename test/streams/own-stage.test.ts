import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, pipeline, Readable, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import {
  codecOf,
  type FrameBatch,
  LengthPrefixDecoder,
  LengthPrefixEncoder,
  MessageDecoder,
  MessageEncoder,
  Stage,
  type StageOptions,
  u8,
} from '../../src/index.ts';

const number = codecOf(u8);

/** Adds up pairs, drops zeros, and repeats ones: fewer, none, or more items than came. */
class Own extends Stage<number> {
  readonly given: number[] = [];
  #odd: number | undefined;
  /** As many as were accepted since anything was produced. */
  accepted = 0;

  constructor(options?: StageOptions) {
    super('messages', 'messages', options);
  }

  protected override accept(n: number): void {
    this.accepted++;
    if (n === 255) throw new Error('as asked');
    if (n === 0) return;
    if (n === 1) this.given.push(1, 1);
    else if (this.#odd === undefined) this.#odd = n;
    else {
      this.given.push((this.#odd + n) & 0xff);
      this.#odd = undefined;
    }
  }

  protected override produce(): number | undefined {
    return this.given.shift();
  }

  protected override ended(): void {
    if (this.#odd !== undefined) this.given.push(this.#odd);
  }
}

function expected(input: readonly number[]): number[] {
  const given: number[] = [];
  let odd: number | undefined;
  for (const n of input) {
    if (n === 255) return given;
    if (n === 1) given.push(1, 1);
    else if (n !== 0 && odd === undefined) odd = n;
    else if (n !== 0) {
      given.push((odd! + n) & 0xff);
      odd = undefined;
    }
  }
  if (odd !== undefined) given.push(odd);
  return given;
}

function framed(input: readonly number[]): Buffer {
  return Buffer.concat(input.map((n) => Buffer.from([1, 0, 0, 0, n])));
}

/** Cut into chunks of that many bytes, through the stages: what came out, and the error. */
function through(
  input: readonly number[],
  cut: number,
  stages: readonly NodeJS.ReadWriteStream[],
): Promise<{ numbers: number[]; error: string | undefined }> {
  const bytes = framed(input);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += cut) chunks.push(bytes.subarray(at, at + cut));
  const received: Buffer[] = [];
  const sink = new Writable({
    write(chunk, _, callback) {
      received.push(chunk);
      callback();
    },
  });
  return new Promise((resolve) => {
    pipeline(
      [
        Readable.from(chunks),
        new LengthPrefixDecoder(),
        new MessageDecoder(number),
        ...stages,
        new MessageEncoder(number, { lingerTimeout: 100 }),
        sink,
      ] as never,
      (error?: Error | null) => {
        const all = Buffer.concat(received);
        const numbers = Array.from({ length: all.length / 5 }, (_, i) => all[5 * i + 4]!);
        resolve({ numbers, error: error?.message });
      },
    );
  });
}

describe('a stage with accept and produce alone', () => {
  test('gives the same output for any neighbours and any cuts of the input', async () => {
    const inputs = fc.array(
      fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 9 }) }, fc.constant(255)),
      { maxLength: 200 },
    );
    await fc.assert(
      fc.asyncProperty(inputs, fc.integer({ min: 1, max: 200 }), async (input, cut) => {
        const foreign = () => new PassThrough({ objectMode: true });
        for (const stages of [
          [new Own()],
          [foreign(), new Own()],
          [new Own(), foreign()],
          [new Own({ readableHighWaterMark: 1, writableHighWaterMark: 1 }), foreign()],
        ]) {
          const { numbers, error } = await through(input, cut, stages);
          expect(numbers).toEqual(expected(input));
          expect(error).toBe(input.includes(255) ? 'as asked' : undefined);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('takes and gives batches between stages', async () => {
    const sizes: number[] = [];
    class Next extends Stage<number> {
      #numbers: number[] | undefined;

      constructor() {
        super('messages', 'messages');
      }

      protected override accept(n: number): void {
        this.acceptBatch([n]);
      }

      protected override acceptBatch(numbers: number[]): void {
        sizes.push(numbers.length);
        this.#numbers = numbers;
      }

      protected override produce(): number | undefined {
        return this.#numbers?.shift();
      }
    }
    const input = new Array<number>(256).fill(1);
    const { numbers } = await through(input, 10_000, [new Own(), new Next()]);
    expect(numbers).toEqual(new Array<number>(512).fill(1));
    // 64 at a time.
    expect(sizes).toEqual(new Array<number>(8).fill(64));
  });

  test('may be asynchronous', async () => {
    class Slow extends Stage<number> {
      #number: number | undefined;
      #isDone = true;

      constructor() {
        super('messages', 'messages');
      }

      protected override accept(n: number): void {
        this.#isDone = false;
        void turn().then(() => {
          this.#isDone = true;
          this.#number = n;
          this.proceed();
        });
      }

      protected override produce(): number | undefined {
        if (!this.#isDone) this.suspend();
        const n = this.#number;
        this.#number = undefined;
        return n;
      }
    }
    const input = Array.from({ length: 100 }, (_, i) => i);
    expect(await through(input, 33, [new Slow()])).toEqual({ numbers: input, error: undefined });
  });
});

test('a thrown value that is not an Error becomes an Error in the callback', async () => {
  for (const thrown of [undefined, null, 'text', { toString: null }]) {
    class Throwing extends Own {
      protected override accept(n: number): void {
        if (n === 7) throw thrown;
        super.accept(n);
      }
    }
    const { numbers, error } = await through([1, 7, 1], 100, [new Throwing()]);
    expect(numbers).toEqual([1, 1]);
    expect(error).toMatch(/was thrown$/);
  }
});

test('the stage in docs/streams.md does what it says', async () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/streams.md'), 'utf8');
  const [, code = ''] = /```ts\nimport \{ Stage \} from 'wirepipe';\n(.+?)\n```/s.exec(text) ?? [];
  const { outputText } = ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022 } });
  const WithoutZeros = new Function('Stage', `${outputText}; return WithoutZeros`)(
    Stage,
  ) as new () => Stage<number>;
  expect(await through([0, 1, 2, 0, 0, 3], 7, [new WithoutZeros()])).toEqual({
    numbers: [1, 2, 3],
    error: undefined,
  });
});

describe('a stage of frames', () => {
  const run = (stage: Stage<Buffer, FrameBatch>, lengths: readonly number[]): Promise<Buffer> => {
    const bytes = Buffer.concat(
      lengths.map((length, i) => Buffer.concat([Buffer.from([length, 0, 0, 0]), Buffer.alloc(length, i)])),
    );
    const received: Buffer[] = [];
    const sink = new Writable({
      write(chunk, _, callback) {
        received.push(chunk);
        callback();
      },
    });
    return new Promise((resolve, reject) => {
      pipeline(
        Readable.from([bytes]),
        new LengthPrefixDecoder(),
        stage,
        new LengthPrefixEncoder({ lengthFieldLength: 2, byteOrder: 'big' }),
        sink,
        (error) => (error ? reject(error) : resolve(Buffer.concat(received))),
      );
    });
  };

  test('one by one', async () => {
    class OnlyShort extends Stage<Buffer, FrameBatch> {
      #frame: Buffer | undefined;

      constructor() {
        super('frames', 'frames');
      }

      protected override accept(frame: Buffer): void {
        if (frame.length < 3) this.#frame = frame;
      }

      protected override produce(): Buffer | undefined {
        const frame = this.#frame;
        this.#frame = undefined;
        return frame;
      }
    }
    expect((await run(new OnlyShort(), [1, 5, 2, 9])).toString('hex')).toBe('0001000002' + '0202');
  });

  test('a batch at a time', async () => {
    class Half extends Stage<Buffer, FrameBatch> {
      #batch: FrameBatch | undefined;

      constructor() {
        super('frames', 'frames');
      }

      protected override accept(): void {
        throw new Error('only between stages');
      }

      protected override produce(): undefined {}

      protected override acceptBatch(batch: FrameBatch): void {
        this.#batch = batch;
      }

      protected override produceBatch(): FrameBatch | undefined {
        const batch = this.#batch;
        this.#batch = undefined;
        if (batch === undefined) return undefined;
        const count = batch.count >> 1;
        return { bytes: batch.bytes, bounds: batch.bounds, count, runStart: 0, runEnd: batch.bytes.length };
      }
    }
    expect((await run(new Half(), [1, 2, 3, 4])).toString('hex')).toBe('00010000020101');
  });
});
