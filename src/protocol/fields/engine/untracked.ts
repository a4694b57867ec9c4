/**
 * Objects and lists that V8 does not track. Of each literal in code V8 notes whether what it makes survives; once that of a
 * decoder has survived (a user kept the messages of some minutes), all that it makes goes to the old generation from then on,
 * and a message costs three times as much. An object that a constructor makes is not tracked, nor is the copy of an array.
 */
import { isInherited } from './property.ts';

/** Of more members the constructor would make a dictionary. */
const MOST_MEMBERS = 100;

type Constructor = new (...values: unknown[]) => object;

/**
 * The constructor of plain objects with these members, in their order: their prototype is `Object.prototype`. Undefined where
 * an assignment is not the same as a literal (`__proto__`), and where nothing would be gained.
 */
export function untrackedConstructor(names: readonly string[]): Constructor | undefined {
  if (names.length === 0 || names.length > MOST_MEMBERS || names.some(isInherited)) return undefined;
  const values = names.map((_, index) => `v${index}`).join(', ');
  const lines = names.map((name, index) => `this[${JSON.stringify(name)}] = v${index};`);
  const text = `'use strict'; return function Message(${values}) { ${lines.join(' ')} };`;
  const made = new Function(text)() as Constructor;
  made.prototype = Object.prototype;
  return made;
}

/** Lists are copied with all their places up to this length. */
export const LONGEST_COPIED = 64;

/** By length: a list to copy, of elements that are not all numbers. (Of numbers V8 keeps lists of their own kind.) */
export const UNTRACKED_LISTS: readonly (readonly unknown[])[] = Array.from(
  { length: LONGEST_COPIED + 1 },
  (_, length) => {
    const list: unknown[] = [null];
    while (list.length < length) list.push(null);
    list.length = length;
    return list.slice();
  },
);
