import { show } from './bytes/show.ts';

/** The longest delay of a Node timer: 2³¹ − 1 ms, almost 25 days. A timer with a longer delay fires at once. */
export const MAX_DELAY = 2_147_483_647;

/** Checks the value of one option, and throws if it does not fit. `name` names the option in the error. */
export type Check = (name: string, value: unknown) => void;

/**
 * Refuse unknown options, suggesting the most similar known one, and values that fail their checks. An option that is
 * undefined counts as left out.
 *
 * @param where - the function or class that takes the options: `'lengthPrefix'`
 * @param checks - the known options, each with its check
 * @throws TypeError for a value that is not an object, an unknown option, or a value of another type
 * @throws RangeError for a value outside its range
 *
 * @example
 * checkOptions('slip', options, { maxFrameLength: natural, onTooLong: oneOf('error', 'discard') });
 */
export function checkOptions(where: string, options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${where}: expected an object of options, got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(unknownOption(where, name, Object.keys(checks)));
    if (value !== undefined) checks[name]!(`${where}: ${name}`, value);
  }
}

/**
 * Refuse a value that is not an object.
 *
 * @param what - what was expected: `'an object of names and widths'`
 * @throws TypeError `bits: expected an object of names and widths, got null`
 */
export function requireObjectOf(where: string, what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${where}: expected ${what}, got ${show(value)}`);
  }
}

/**
 * Refuse a value that is not an object, and members that fail their checks. Other members may be there.
 *
 * @param what - what was expected: `'an event'`
 * @param members - the checks of members that must be there
 * @param optional - the checks of members that may be undefined
 */
export function checkMembers(
  where: string,
  what: string,
  value: unknown,
  members: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): void {
  requireObjectOf(where, what, value);
  const given = value as Readonly<Record<string, unknown>>;
  for (const [name, check] of Object.entries(members)) check(`${where}: ${name}`, given[name]);
  for (const [name, check] of Object.entries(optional)) {
    if (given[name] !== undefined) check(`${where}: ${name}`, given[name]);
  }
}

/**
 * Refuse a value that lacks one of these methods.
 *
 * @param what - what was expected: `'a Duplex'`
 * @throws TypeError `replay: expected a Duplex, an object with on and write, got null`
 */
export function requireMethods(
  where: string,
  what: string,
  value: unknown,
  ...methods: readonly string[]
): void {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (methods.every((method) => typeof given[method] === 'function')) return;
  throw new TypeError(
    `${where}: expected ${what}, an object with ${methods.join(' and ')}, got ${show(value)}`,
  );
}

/** Refuse a value that cannot be iterated. */
export function requireIterable(
  where: string,
  what: string,
  value: unknown,
  of: 'iterable' | 'async iterable' = 'iterable',
): void {
  const given = (value ?? {}) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  if (typeof given[Symbol.iterator] === 'function') return;
  if (of === 'async iterable' && typeof given[Symbol.asyncIterator] === 'function') return;
  throw new TypeError(`${where}: expected an ${of} of ${what}, got ${show(value)}`);
}

/** Refuse a misspelt option in an object that may have members of its own. */
export function checkSpelling(where: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    const near = known.includes(name) ? undefined : nearest(name, known);
    if (near !== undefined && !(near in options)) {
      throw new TypeError(`${where}: there is no option ${show(name)}; did you mean '${near}'?`);
    }
  }
}

/**
 * Split an object of options for two parts: the options that have a check, and the rest, which the second part checks
 * itself.
 */
export function splitOptions<Options extends object>(
  options: Options,
  checks: Readonly<Record<string, Check>>,
): [known: Partial<Options>, others: Partial<Options>] {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`expected an object of options, got ${show(options)}`);
  }
  const known: Partial<Options> = {};
  const others: Partial<Options> = {};
  for (const name of Object.keys(options) as (keyof Options & string)[]) {
    (Object.hasOwn(checks, name) ? known : others)[name] = options[name];
  }
  return [known, others];
}

/** An integer of at least 0. */
export const natural: Check = integer(0);

/** An integer from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Check {
  return (name, value) => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new RangeError(`${name} must be an integer ${range}, got ${show(value)}`);
  };
}

/** An integer of at least `min`, or Infinity for no limit. */
export function limit(min: number): Check {
  return (name, value) => {
    if (value === Infinity || (Number.isSafeInteger(value) && (value as number) >= min)) return;
    throw new RangeError(`${name} must be an integer of at least ${min}, or Infinity, got ${show(value)}`);
  };
}

/** Milliseconds that a Node timer supports: from 1 to 2³¹ − 1, whole or not. */
export const delay: Check = (name, value) => {
  if (typeof value === 'number' && value >= 1 && value <= MAX_DELAY) return;
  throw new RangeError(`${name} must be milliseconds from 1 to ${MAX_DELAY}, got ${show(value)}`);
};

/** Milliseconds as `delay`, or Infinity for no deadline. */
export const delayOrNever: Check = (name, value) => {
  if (value === Infinity || (typeof value === 'number' && value >= 1 && value <= MAX_DELAY)) return;
  throw new RangeError(
    `${name} must be milliseconds from 1 to ${MAX_DELAY}, or Infinity, got ${show(value)}`,
  );
};

/** A number above 0; Infinity is one. */
export const positive: Check = (name, value) => {
  if (typeof value === 'number' && value > 0) return;
  throw new RangeError(`${name} must be a number above 0, got ${show(value)}`);
};

/** One of these words. */
export function oneOf(...allowed: readonly string[]): Check {
  return (name, value) => {
    if (allowed.includes(value as string)) return;
    const words = allowed.map((word) => `'${word}'`).join(' or ');
    throw new TypeError(`${name} must be ${words}, got ${show(value)}`);
  };
}

/** `true` or `false`. */
export const flag: Check = (name, value) => {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, got ${show(value)}`);
};

/** A function. */
export const callback: Check = (name, value) => {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, got ${show(value)}`);
};

/** A text. */
export const aText: Check = (name, value) => {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a text, got ${show(value)}`);
};

/** A Buffer, or any Uint8Array. */
export const aBuffer: Check = (name, value) => {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`${name} must be a Buffer or a Uint8Array, got ${show(value)}`);
  }
};

/** A list of items that all pass a check. */
export function listOf(check: Check): Check {
  return (name, value) => {
    if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, got ${show(value)}`);
    for (const [index, one] of value.entries()) check(`${name}[${index}]`, one);
  };
}

/** An object, such as one of names and values. */
export const anObject: Check = (name, value) => {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name} must be an object, got ${show(value)}`);
  }
};

/** Any value; the owner of the options checks it itself. */
export const anything: Check = () => {};

function unknownOption(where: string, name: string, known: readonly string[]): string {
  const text = `${where}: there is no option ${show(name)}`;
  const near = nearest(name, known);
  if (near !== undefined) return `${text}; did you mean '${near}'?`;
  return `${text}; there are ${known.map((one) => `'${one}'`).join(', ')}`;
}

/** The known name with the fewest edits, at most two or a third of its letters; undefined if there is none. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Infinity;
  for (const one of known) {
    const edits = distance(name.slice(0, 64).toLowerCase(), one.toLowerCase());
    if (edits < fewest && edits <= Math.max(2, one.length / 3)) [best, fewest] = [one, edits];
  }
  return best;
}

/** The Levenshtein distance: how many letters must be added, removed or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
