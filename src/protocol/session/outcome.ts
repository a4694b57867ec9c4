import { show } from '../../bytes/show.ts';
import { checkOptions } from '../../options.ts';

/** The answer to a message, or the messages sent on the way to a state. */
export interface Outcome {
  readonly types: ReadonlySet<string>;
  /** Exactly one message, not any number. */
  readonly one: boolean;
  /** For any number of messages, the types of the last one; undefined if the last one cannot be recognized. */
  readonly last?: ReadonlySet<string> | undefined;
}

/**
 * Normalize a `Sends`: `'ok'`, `{ one: ['ok', 'error'] }`, `['row', 'note']`, `{ until: 'done', of: 'row' }`.
 *
 * @throws TypeError for any other form
 */
export function compileOutcome(sends: unknown, where: string): Outcome {
  if (typeof sends === 'string') return { types: new Set([sends]), one: true };
  if (Array.isArray(sends)) {
    if (sends.length > 0) types(where, sends);
    return { types: new Set(sends), one: false };
  }
  if (typeof sends !== 'object' || sends === null) {
    const got = sends === null ? 'null' : typeof sends;
    throw new TypeError(
      `${where}: expected a message type, a list of them, { one } or { until }, got ${got}`,
    );
  }
  checkOptions(where, sends, { one: types, until: types, of: types });
  const { one, until, of } = sends as Record<string, unknown>;
  oneOrUntil(where, one, until, of);
  if (one !== undefined) return { types: listed(one), one: true };
  const last = listed(until);
  return { types: new Set([...listed(of ?? []), ...last]), one: false, last };
}

/** @throws TypeError unless exactly one of `one` and `until` is given, and for `of` beside `one` */
export function oneOrUntil(where: string, one: unknown, until: unknown, of: unknown): void {
  if ((one === undefined) === (until === undefined)) {
    throw new TypeError(`${where}: expected either one or until`);
  }
  if (one !== undefined && of !== undefined) throw new TypeError(`${where}: of belongs to until`);
}

/** The check of a message's type, or a list of them. */
export function types(name: string, value: unknown): void {
  const list = typeof value === 'string' ? [value] : value;
  if (Array.isArray(list) && list.length > 0 && list.every((type) => typeof type === 'string')) return;
  throw new TypeError(`${name} must be a message's type or a list of them, got ${show(value)}`);
}

/** One name or a list of names, as a set. */
export function listed(names: unknown): ReadonlySet<string> {
  return new Set(typeof names === 'string' ? [names] : (names as readonly string[]));
}
