import { once } from 'node:events';
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

describe('the end of a stage', () => {
  test('what `ended` throws is its error, behind the items before it', async () => {
    class Ending extends Own {
      protected override ended(): void {
        throw new Error('too few');
      }
    }
    expect(await through([1, 3], 100, [new Ending()])).toEqual({ numbers: [1, 1], error: 'too few' });
  });

  test('a stage that has failed does not hear of the end', async () => {
    let ends = 0;
    class Counting extends Own {
      protected override ended(): void {
        ends++;
      }
    }
    await through([1], 100, [new Counting()]);
    expect(ends).toBe(1);
    expect((await through([255], 100, [new Counting()])).error).toBe('as asked');
    expect(ends).toBe(1);
  });

  test.each(['produce', 'produceBatch'] as const)('what `%s` throws is its error', async (name) => {
    class Failing extends Own {
      protected override produce(): number | undefined {
        if (name === 'produce' && this.accepted > 0) throw new Error('as asked');
        return super.produce();
      }

      protected override produceBatch(): number[] | undefined {
        if (name === 'produceBatch' && this.accepted > 0) throw new Error('as asked');
        return super.produceBatch();
      }
    }
    expect((await through([1], 100, [new Failing()])).error).toBe('as asked');
  });

  test('what a listener throws is the error of the stage', async () => {
    const stage = new Own();
    stage.on('data', () => {
      throw new Error('as asked');
    });
    const failed = once(stage, 'error');
    stage.write(1);
    expect((await failed)[0]).toEqual(new Error('as asked'));
  });

  test('items that nobody has read come before the error, and the write is over', async () => {
    const stage = new Own({ readableHighWaterMark: 10 });
    let isOver = false;
    stage.write(1);
    stage.write(255, () => {
      isOver = true;
    });
    stage.write(1);
    await turn();
    expect([stage.readableLength, stage.errored]).toEqual([2, null]);
    const next = new Own();
    const seen: unknown[] = [];
    const failed = once(next, 'error');
    next.on('data', (n) => seen.push(n));
    stage.pipe(next);
    expect((await failed)[0]).toEqual(new Error('as asked'));
    expect([seen, isOver]).toEqual([[1, 1, 1, 1], true]);
    stage.destroy();
    const single = new Own({ readableHighWaterMark: 10 });
    single.write(1);
    single.write(255);
    const error = once(single, 'error');
    expect(single.read()).toBe(1);
    await turn();
    expect(single.errored).toBeNull();
    expect(single.read()).toBe(1);
    expect((await error)[0]).toEqual(new Error('as asked'));
  });
});

test('a consumer that makes more work in the middle of an item does not run the stage inside itself', async () => {
  class Endless extends Own {
    more(n: number): void {
      this.given.push(n);
      this.proceed();
    }
  }
  const stage = new Endless();
  let count = 0;
  stage.on('data', () => {
    if (count++ < 20_000) stage.more(1);
  });
  await turn();
  stage.more(1);
  expect([count, stage.errored]).toEqual([20_001, null]);
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
