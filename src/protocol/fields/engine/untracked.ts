/**
 * Objects and lists that V8 does not track. V8 notes for each literal in the code whether its objects survive. Once those of a decoder
 * have survived (a user kept the messages of some minutes), V8 allocates all later ones in the old generation, and a message costs three
 * times as much. V8 does not track objects made by a constructor, nor copies of arrays.
 */
import { isInherited } from './property.ts';

/** With more members the objects of the constructor would be dictionaries, which are slow. */
const MOST_MEMBERS = 100;

type Constructor = new (...values: unknown[]) => object;

/**
 * The constructor of plain objects with these members, in this order; their prototype is `Object.prototype`. Undefined if an assignment
 * differs from a literal (`__proto__`), and if there are too many members or none.
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

/** Lists up to this length are created with all their elements; longer ones grow. */
export const LONGEST_COPIED = 64;

/** By length: a list to copy, for elements that are not all numbers (V8 has a special kind of list for numbers). */
export const UNTRACKED_LISTS: readonly (readonly unknown[])[] = Array.from(
  { length: LONGEST_COPIED + 1 },
  (_, length) => {
    const list: unknown[] = [null];
    while (list.length < length) list.push(null);
    list.length = length;
    return list.slice();
  },
);
