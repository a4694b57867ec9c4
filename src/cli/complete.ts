import type { Typed } from './message-text.ts';

/**
 * Completions of the last word of a line, in the form of `node:readline`: the candidates, and the word.
 *
 *     'mo'          → move
 *     'move '       → x=, y=
 *     'add unit=d'  → unit=dozen
 */
export function complete(line: string, typed: Typed): [candidates: string[], word: string] {
  const words = line.trimStart().split(/\s+/);
  const word = words.at(-1) ?? '';
  const [type = ''] = words;
  if (typed === undefined) return [[], word];
  if (words.length === 1) {
    return [[...typed.keys()].filter((name) => name.startsWith(word)).map((name) => `${name} `), word];
  }
  const fields = typed.get(type) ?? [];
  const named = fields.find(({ name }) => word.startsWith(`${name}=`));
  if (named === undefined) {
    const given = words.slice(1, -1);
    const left = fields.filter(({ name }) => !given.some((one) => one.startsWith(`${name}=`)));
    return [left.map(({ name }) => `${name}=`).filter((one) => one.startsWith(word)), word];
  }
  const values = named.takes === 'boolean' ? ['true', 'false'] : named.names;
  const whole = values.map((value) => `${named.name}=${value} `);
  return [whole.filter((one) => one.startsWith(word)), word];
}
