import { writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ProtocolError } from '../../src/index.ts';

/** One thing to attack, and what must hold of it whatever comes. */
export interface Target {
  readonly name: string;
  /** In one sentence. */
  readonly invariant: string;
  readonly property: fc.IAsyncPropertyWithHooks<[unknown]>;
}

/**
 * A target. `run` throws where the invariant is broken. What goes wrong beside it, an unhandled rejection or an uncaught
 * exception, counts as broken too; so does a run that takes longer than its deadline.
 */
export function target<Input>(
  name: string,
  invariant: string,
  inputs: fc.Arbitrary<Input>,
  run: (input: Input) => void | Promise<void>,
): Target {
  const property = fc.asyncProperty(inputs as fc.Arbitrary<unknown>, async (input) => {
    // Where an input is looked for that hangs: the last one noted is it.
    if (process.env.FUZZ_NOTE) writeFileSync(process.env.FUZZ_NOTE, fc.stringify(input));
    const strays: unknown[] = [];
    const note = (error: unknown): void => {
      strays.push(error);
    };
    process.on('unhandledRejection', note).on('uncaughtException', note);
    try {
      await within(10_000, Promise.resolve(run(input as Input)), 'the run');
      // Rejections are unhandled only once the queue of promises is empty.
      await turn();
    } finally {
      process.off('unhandledRejection', note).off('uncaughtException', note);
    }
    if (strays.length > 0) throw new Error(`escaped: ${inspect(strays[0])}`, { cause: strays[0] });
  });
  return { name, invariant, property };
}

/**
 * The result, or an error that says what took too long. The time is counted in a hundred steps, each of which takes a turn of the
 * event loop: a process that is seldom given the processor has as many turns as any other.
 */
export async function within<T>(milliseconds: number, result: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    let steps = 0;
    timer = setInterval(() => {
      if (++steps === 100) reject(new Error(`${what} did not end within ${milliseconds} ms`));
    }, milliseconds / 100);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearInterval(timer);
  }
}

/** Throws, with both values, where they differ. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const show = (value: unknown): string =>
    Buffer.isBuffer(value) ? value.toString('hex') : inspect(value, { depth: 6, breakLength: Infinity });
  throw new Error(`${what}:\n  expected ${show(expected)}\n  got      ${show(actual)}`);
}

export type Outcome<T> =
  | { value: T }
  | { code: string; path: string | undefined; offset: number | undefined };

/** What a call gives, or the place and code of its `ProtocolError`; any other error is thrown on. */
export function outcome<T>(call: () => T): Outcome<T> {
  try {
    return { value: call() };
  } catch (error) {
    return failure(error);
  }
}

/** The place and code of a `ProtocolError`; any other error is thrown. */
export function failure(error: unknown): {
  code: string;
  path: string | undefined;
  offset: number | undefined;
} {
  if (!(error instanceof ProtocolError)) throw error;
  return { code: error.code, path: error.path, offset: error.offset };
}

/** Places to cut at, as fractions of a length. */
export const cuts: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
  // Byte by byte.
  fc.constant<number[]>([Infinity]),
);

/** Copies of the pieces between the cuts. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = places.includes(Infinity)
    ? Array.from({ length: bytes.length }, (_, index) => index)
    : places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b);
  const starts = [0, ...at];
  return starts.map((start, index) => Buffer.from(bytes.subarray(start, starts[index + 1] ?? bytes.length)));
}
