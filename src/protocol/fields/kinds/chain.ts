import { literal, memberText } from '../engine/code.ts';
import { Problem, tooLong } from '../engine/problem.ts';
import { memberOf } from '../engine/read-walk.ts';
import { requireReadable } from '../group.ts';
import type { AnyNode, Kind, Steps } from '../kind.ts';
import { declare } from '../node.ts';
import type { LastElement } from '../source.ts';

interface Chain {
  readonly item: AnyNode;
  readonly max: number;
  /** The path of the field that says whether an element is the last one. */
  readonly path: readonly string[];
  readonly is: LastElement['is'];
}

/**
 * A list whose last element is marked by a field of its own. It has at least one element.
 *
 *     array(struct({ more: bool, n: u8 }), until('more', false))      01 05 | 01 06 | 00 07
 */
export const CHAIN: Kind<Chain> = {
  name: 'chain',
  size: ({ item }) => ({ min: item.facts.size.min, max: Number.POSITIVE_INFINITY }),
  shape: ({ item, path, is, max }) => ({
    is: 'list',
    item,
    count: { from: 'last', path: path.join('.'), is },
    max,
  }),
  call: ({ item, path, is, max }) => ({
    maker: 'array',
    item,
    count: { from: 'last', path: path.join('.'), is },
    max,
  }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(CHAIN, { ...node, item: change(node.item) }),
  repeats: ({ max }) => max,
  traits: ({ item }) => ({ mayTakeRest: item.facts.traits.mayTakeRest === true }),
  check({ item }) {
    if (item.facts.traits.takesRest) {
      throw new RangeError('array(item, until(…)): an element that takes the rest leaves no next one');
    }
  },

  *read(node, walk): Steps {
    const { item, max, path, is } = node;
    const values: unknown[] = [];
    const start = walk.at;
    const skipped = walk.skip(node);
    for (let index = skipped; ; index++) {
      if (index === max) throw tooLong(max, 'more', 'elements', { got: 'more' });
      walk.count('elements', 1);
      const before = walk.at;
      const value = yield walk.visit(item, index);
      values.push(value);
      if (walk.at === before) walk.count('empty', 1);
      if (memberOf(value, path) === is) break;
      walk.turn(node, start, index + 1);
    }
    walk.counted(skipped + values.length);
    return values;
  },

  *write({ item, max, path, is }, value, walk) {
    if (!Array.isArray(value)) throw new Problem('ERR_FIELD_RANGE', 'an array', value);
    const { length } = value;
    if (length > max) throw tooLong(max, length, 'elements');
    if (length === 0) throw new Problem('ERR_FIELD_RANGE', 'at least 1 element, the last one', value);
    walk.count('elements', length);
    for (let index = 0; index < length; index++) {
      const before = walk.at;
      yield walk.visit(item, value[index], index);
      if (walk.at === before) walk.count('empty', 1);
      const said = walk.seen(path);
      if ((said === is) === (index === length - 1)) continue;
      const expected = `${index < length - 1 ? 'anything but ' : ''}${String(is)}, which the last element has`;
      throw new Problem('ERR_FIELD_RANGE', expected, said, {}, `[${index}].${path.join('.')}`);
    }
    walk.counted(length);
  },

  decode({ item, max, path, is }, out) {
    const index = out.name('i');
    out.settle();
    const list = out.list(item);
    out.line(`for (let ${index} = 0; ; ${index}++) {`);
    out.fail(`${index} === ${max}`);
    out.count('elements', '1');
    out.reset(0);
    const before = out.define('p');
    const element = out.value(item);
    list.add(index, element.value);
    out.settle();
    out.line(`if (p === ${before}) {`);
    out.count('empty', '1');
    out.line('}');
    out.line(`if (${memberText(element, path)} === ${literal(is)}) break;`);
    out.line('}');
    out.reset(0);
    out.counted(`${list.name}.length`);
    return { value: list.name };
  },

  encode({ item, max, path, is }, value, out) {
    out.refuse(`!Array.isArray(${value})`);
    const length = out.define(`${value}.length`);
    out.refuse(`!(${length} >= 1 && ${length} <= ${max})`);
    out.count('elements', length);
    out.settle();
    const index = out.name('i');
    out.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
    const before = out.define('p');
    out.value(item, out.define(`${value}[${index}]`));
    out.settle();
    out.line(`if (p === ${before}) {`);
    out.count('empty', '1');
    out.line('}');
    out.refuse(`(${out.seen(path)} === ${literal(is)}) !== (${index} === ${length} - 1)`);
    out.line('}');
    out.counted(length);
  },

  bound({ item, max }, value, out) {
    out.settle();
    out.line(`if (Array.isArray(${value})) {`);
    // Read once: the length of a Proxy may grow with each look.
    const length = out.define(`${value}.length`);
    const index = out.name('i');
    out.line(`for (let ${index} = 0; ${length} <= ${max} && ${index} < ${length}; ${index}++) {`);
    out.add(item, out.define(`${value}[${index}]`));
    out.settle();
    out.line('}');
    out.line('}');
  },
};

/** A list whose elements say which of them is the last. */
export function chain<T>(item: AnyNode, { path, is }: LastElement, max: number): T {
  requireReadable(item, 'array(item, until(…))', { path: `element.${path}`, use: 'condition' });
  return declare(CHAIN, { item, max, path: path.split('.'), is });
}
