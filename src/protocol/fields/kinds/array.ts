import { Problem, tooLong } from '../engine/problem.ts';
import {
  type AnyField,
  DEFAULT_MAX_COUNT,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldLimits,
  type FieldOut,
  type Filled,
  maximum,
  type Nothing,
  type Size,
  type Until,
  type UntilLast,
  valuedNodeOf,
} from '../field.ts';
import type { AnyNode, Decoding, Kind, NodeOf, Source } from '../kind.ts';
import { declare } from '../node.ts';
import { endedSource, foreseenBy, isUpTo, LastElement, longest, mostBytes } from '../source.ts';
import { UntilSource } from '../sources/until.ts';
import { chain } from './chain.ts';
import { ENDED_ARRAY } from './ended-array.ts';

interface List {
  readonly item: AnyNode;
  readonly count: Source;
  readonly max: number;
}

/** For a list longer than this, the generated decoder notes its position, so that the walk that looks for a fault starts near it. */
const LONG = 256;

export const ARRAY: Kind<List> = {
  name: 'array',
  size: ({ item, count, max }) => longest(count, max, item.facts.size.min, item.facts.size.max),
  shape: ({ item, count, max }) => ({ is: 'list', item, count: count.extent, max }),
  call: ({ item, count, max }) => ({ maker: 'array', item, count: count.extent, max }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(ARRAY, { ...node, item: change(node.item) }),
  repeats: ({ count, max }) => mostBytes(count, max),
  foreseen: ({ item, count }) =>
    item.facts.size.min === item.facts.size.max ? foreseenBy(count, item.facts.size.min) : undefined,
  references: ({ count }) => count.references('size'),
  traits: ({ item, count }) => {
    const { min, max } = count.range;
    const isThere = min === max && min > 0;
    const { takesRest, mayTakeRest } = item.facts.traits;
    return {
      takesRest: count.takesRest || (isThere && takesRest === true),
      mayTakeRest: count.takesRest || mayTakeRest === true,
    };
  },
  check({ item, count }) {
    if (count.takesRest && item.facts.size.min === 0) {
      throw new RangeError(
        'array(item, rest): an element may take no bytes, so their number cannot be known',
      );
    }
  },

  *read(node, walk) {
    const { item, count, max } = node;
    const values: unknown[] = [];
    const isLeaf = item.kind.children === undefined;
    const number = count.takesRest ? Number.POSITIVE_INFINITY : walk.measure(count, max, 'elements');
    if (number === null) return null;
    if (!count.takesRest) {
      walk.count('elements', number);
      walk.fits(number * item.facts.size.min);
    }
    const start = walk.at;
    const skipped = walk.skip(node);
    for (let index = skipped; count.takesRest ? walk.at < walk.end : index < number; index++) {
      const before = walk.at;
      if (count.takesRest) {
        if (index === max) throw tooLong(max, 'more', 'elements', { got: 'more' });
        walk.count('elements', 1);
      }
      values.push(isLeaf ? walk.leaf(item, index) : yield walk.visit(item, index));
      if (walk.at === before) walk.count('empty', 1);
      walk.turn(node, start, index + 1);
    }
    walk.counted(skipped + values.length);
    return values;
  },

  *write({ item, count, max }, value, walk) {
    if (walk.isNull(count, value)) return;
    if (!Array.isArray(value)) throw new Problem('ERR_FIELD_RANGE', 'an array', value);
    // Read once: a Proxy may answer differently each time.
    const { length } = value;
    walk.measured(count, length, max, 'elements');
    walk.count('elements', length);
    for (let index = 0; index < length; index++) {
      const before = walk.at;
      yield walk.visit(item, value[index], index);
      if (walk.at === before) walk.count('empty', 1);
    }
    walk.counted(length);
    if (count.takesRest) walk.exhaust();
  },

  decode(node, out) {
    const { count, max } = node;
    if (count.takesRest) return { value: decodeList(node, '', out) };
    return out.measured(count, max, (number) => decodeList(node, number, out));
  },

  encode({ item, count, max }, value, out) {
    out.unlessNull(count, value, () => {
      out.refuse(`!Array.isArray(${value})`);
      const length = out.define(`${value}.length`);
      out.measured(count, length, max);
      out.count('elements', length);
      out.settle();
      const index = out.name('i');
      out.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
      const mayBeEmpty = item.facts.size.min === 0;
      const before = mayBeEmpty ? out.define('p') : '';
      out.value(item, out.define(`${value}[${index}]`));
      out.settle();
      if (mayBeEmpty) {
        out.line(`if (p === ${before}) {`);
        out.count('empty', '1');
        out.line('}');
      }
      out.line('}');
      out.counted(length);
      if (count.takesRest) out.exhaust();
    });
  },

  bound({ item, count, max }, value, out) {
    out.fixed(count.size.max);
    out.settle();
    const { max: each } = item.facts.size;
    out.line(`if (Array.isArray(${value})) {`);
    const length = out.define(`Math.min(${value}.length, ${mostBytes(count, max)})`);
    if (out.isShort(item)) out.line(`n += ${each} * ${length};`);
    else {
      const index = out.name('i');
      out.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
      out.add(item, out.define(`${value}[${index}]`));
      out.settle();
      out.line('}');
    }
    out.line('}');
  },
};

/** Code for the elements: `number` of them, or as many as there are bytes if that is empty. */
function decodeList(node: NodeOf<List>, number: string, out: Decoding): string {
  const { item, count, max } = node;
  const { min, max: most } = item.facts.size;
  const index = out.name('i');
  const mark = min > 0 && mostBytes(count, max) > LONG ? out.mark(node) : undefined;
  out.settle();
  if (number !== '') {
    out.count('elements', number);
    if (min > 0) out.fail(`${number}${min === 1 ? '' : ` * ${min}`} > ${out.end} - p`);
  }
  const list = out.list(item, number);
  mark?.begin();
  out.line(
    `for (let ${index} = 0; ${number === '' ? `p < ${out.end}` : `${index} < ${number}`}; ${index}++) {`,
  );
  if (number === '') {
    out.fail(`${index} === ${max}`);
    out.count('elements', '1');
  }
  out.reset(number !== '' && min === most ? min : 0);
  const before = min === 0 ? out.define('p') : '';
  list.add(index, out.value(item).value);
  out.settle();
  if (min === 0) {
    out.line(`if (p === ${before}) {`);
    out.count('empty', '1');
    out.line('}');
  }
  mark?.turn(index);
  out.line('}');
  out.counted(`${list.name}.length`);
  return list.name;
}

/**
 * Elements, one after the other. The count is checked against the bytes that are there before any memory is allocated.
 *
 * @example array(u16be, u8); array(struct({ x: u8 }), 'count', { max: 100 }); array(u32le, rest);
 * array(cstring(), until(constant(u8, 0)), { max: 100 }); array(struct({ more: bool, n: u8 }), until('more', false));
 */
export function array<F extends AnyField, const S extends Size | Until | UntilLast>(
  item: F,
  count: S,
  limits: FieldLimits = {},
): Field<FieldOut<F>[] | Nothing<S>, readonly FieldIn<F>[] | Nothing<S>, Filled<S> | FieldFills<F>> {
  const node = valuedNodeOf(item, 'array(item)', 'an element');
  const most = maximum('array', limits, DEFAULT_MAX_COUNT);
  if (count instanceof LastElement) return chain(node, count, most);
  if (isUpTo(count)) {
    throw new TypeError(
      'array(item, size(rest, { upTo })): what is left is counted in bytes; put array(item, rest) into bounded(size(rest, { upTo }), …)',
    );
  }
  const source = endedSource(count as Size | Until, 'array');
  if (source instanceof UntilSource) return declare(ENDED_ARRAY, { item: node, end: source, max: most });
  return declare(ARRAY, {
    item: node,
    count: source,
    max: most,
  });
}
