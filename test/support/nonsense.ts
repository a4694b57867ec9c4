import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { codecOf, message, messages, rest, u8 } from '../../src/index.ts';

/** An error of the caller's own code, which passes through unchanged. */
export class TheirError extends Error {
  override readonly name = 'TheirError';
}

const theirs = (): never => {
  throw new TheirError('theirs');
};
/** Only what is made of this promise, and not awaited, is an unhandled rejection. */
const refuse = (): Promise<never> => {
  const refused = Promise.reject(new TheirError('refused'));
  refused.catch(() => {});
  return refused;
};

/** Values that fit in few places. */
export const NONSENSE: readonly unknown[] = [
  ...[undefined, null, {}, [], '', 'zz', Number.NaN, -1, 1.5, 1e9, 1n, true, Symbol('s')],
  ...[() => {}, class {}, new Map(), new Proxy({}, {}), Object.create(null), [null], { a: null }, { '': u8 }],
  ...[u8, rest, messages(u8, { a: message(1) }), codecOf(u8), Buffer.from([1, 2])],
  ...[theirs, refuse, refuse(), new Date(Number.NaN)],
  { [Symbol.iterator]: theirs },
  { [Symbol.asyncIterator]: () => ({ next: refuse }) },
];

/** What an engine says when a program does not look at its arguments. */
const RAW =
  /Cannot (read|set|convert|destructure|mix|use|create|add)|(is|are) not (iterable|a function|a constructor|an object|async iterable)|undefined is not iterable|undefined or null|Invalid (array|typed array) length|Invalid time value|Maximum call|BigInt|The ("(?!chunk)|first|second|argument).* must be (of|an instance)|on non-object|circular/;

/** What is wrong with an error that a call gave: its text, or undefined if it says what was wrong with the call. */
export function rawness(error: unknown): string | undefined {
  if (error instanceof TheirError) return undefined;
  if (!(error instanceof Error)) return `${String(error)} was thrown`;
  const { message, code, stack = '' } = error as Error & { code?: string };
  const isCoded = error instanceof TypeError || error instanceof RangeError || /^E[A-Z]/.test(code ?? '');
  const isOurs = /(Mismatch|WhereError)$/.test(error.name) || /^(vector |fuzz: )/.test(message);
  if ((isCoded || isOurs) && !RAW.test(message)) return undefined;
  return `${message}\n${stack.split('\n').slice(1, 4).join('\n')}`;
}

/** One text of each place in the code. */
export function distinct(raw: readonly string[]): string[] {
  return [...new Map(raw.map((text) => [text.slice(text.indexOf('\n')), text])).values()];
}

/** An argument that each call gets anew, and that is destroyed afterwards: a stream, or a file. */
export class Fresh {
  readonly make: () => unknown;

  constructor(make: () => unknown) {
    this.make = make;
  }
}

/** Each list with nonsense in one place: an argument, or a member of an object or an array at any depth. */
export function* wrong(list: readonly unknown[]): Generator<readonly unknown[]> {
  yield list;
  yield [...list].reverse();
  for (let count = 0; count < list.length; count++) yield list.slice(0, count);
  for (const [index, argument] of list.entries()) {
    for (const value of spoilt(argument)) yield list.with(index, value);
  }
}

function* spoilt(value: unknown): Generator<unknown> {
  yield* NONSENSE;
  // What the package made is frozen, and is replaced as a whole.
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) for (const bad of spoilt(one)) yield value.with(index, bad);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const [name, one] of Object.entries(value)) {
      for (const bad of spoilt(one)) yield { ...value, [name]: bad };
    }
  }
}

/** Milliseconds after which a call loses its streams, and those after which it counts as stalled, also on a loaded machine. */
const PATIENCE = 100;
const STALLED = 60_000;
/** The most items taken from an iterator. */
const MOST = 64;

/** Call a function, and wait for all that comes of it. Returns the raw error that it gave, or undefined. */
export async function rawErrorOf(
  call: (...args: readonly unknown[]) => unknown,
  list: readonly unknown[],
): Promise<string | undefined> {
  const made: unknown[] = [];
  const given = list.map((one) => resolved(one, made));
  let late: unknown;
  const listen = (value: unknown): void => {
    if (value instanceof EventEmitter) value.on('error', (error) => (late ??= error));
  };
  // A stream belongs to the caller, who listens for its errors.
  for (const one of made) listen(one);
  let timer: NodeJS.Timeout | undefined;
  let stall: NodeJS.Timeout | undefined;
  try {
    const work = (async () => {
      const result = call(...given);
      listen(result);
      made.push(result);
      await drained(await result, made);
      await turn();
    })();
    work.catch(() => {});
    timer = setTimeout(() => destroyAll(made, new TheirError('too slow')), PATIENCE);
    await Promise.race([
      work,
      new Promise((_, reject) => {
        stall = setTimeout(() => reject(new Error('stalled')), STALLED);
      }),
    ]);
  } catch (error) {
    return rawness(error);
  } finally {
    clearTimeout(timer);
    clearTimeout(stall);
    destroyAll(made);
  }
  return late === undefined ? undefined : rawness(late);
}

function destroyAll(made: readonly unknown[], error?: Error): void {
  for (const one of made) {
    const { destroy } = (one ?? {}) as { destroy?: unknown };
    if (typeof destroy === 'function' && one instanceof EventEmitter) destroy.call(one, error);
  }
}

function resolved(value: unknown, made: unknown[]): unknown {
  if (value instanceof Fresh) {
    const one = value.make();
    made.push(one);
    return one;
  }
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  if (!Object.values(value).some((one) => one instanceof Fresh)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolved(one, made)]));
}

/** Take the items of an iterator, and close it. */
async function drained(result: unknown, made: unknown[]): Promise<void> {
  if (typeof result !== 'object' || result === null) return;
  if (result instanceof EventEmitter) {
    made.push(result);
    return;
  }
  const { next } = result as { next?: unknown };
  if (typeof next !== 'function' || !(Symbol.asyncIterator in result || Symbol.iterator in result)) return;
  let count = 0;
  for await (const _ of result as AsyncIterable<unknown>) if (++count === MOST) break;
}
