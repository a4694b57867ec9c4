import { Problem, tooLong } from '../engine/problem.ts';
import type { AnyNode, Kind } from '../kind.ts';
import { declare } from '../node.ts';
import type { UntilSource } from '../sources/until.ts';

interface EndedList {
  readonly item: AnyNode;
  readonly end: UntilSource;
  readonly max: number;
}

/** Elements up to a terminator, which stands where the next element would begin. No element may begin with it. */
export const ENDED_ARRAY: Kind<EndedList> = {
  name: 'endedArray',
  size: ({ end }) => ({ min: end.bytes.length, max: Number.POSITIVE_INFINITY }),
  shape: ({ item, end, max }) => ({ is: 'list', item, count: end.extent, max }),
  call: ({ item, end, max }) => ({ maker: 'array', item, count: end.extent, max }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(ENDED_ARRAY, { ...node, item: change(node.item) }),
  repeats: ({ max }) => max,
  // Only the written bytes show whether an element begins with the terminator.
  traits: ({ item }) => ({ reads: true, mayTakeRest: item.facts.traits.mayTakeRest === true }),
  check({ item }) {
    if (item.facts.traits.takesRest) {
      throw new RangeError('array(item, until(…)): an element that takes the rest leaves no terminator');
    }
  },

  *read(node, walk) {
    const { item, end, max } = node;
    const values: unknown[] = [];
    const start = walk.at;
    const skipped = walk.skip(node);
    for (let index = skipped; !end.isAt(walk.bytes, walk.at, walk.end); index++) {
      // A first byte of the terminator is no element: the other bytes may not have come.
      if (end.begins(walk.bytes, walk.at, walk.end)) {
        const expected = `an element or the terminator ${end.bytes.toString('hex')} (hex)`;
        throw new Problem('ERR_MESSAGE_SHORT', expected, 'the end', { at: walk.end, got: 'the end' });
      }
      if (index === max) throw tooLong(max, 'more', 'elements', { got: 'more' });
      walk.count('elements', 1);
      const before = walk.at;
      values.push(yield walk.visit(item, index));
      if (walk.at === before) walk.count('empty', 1);
      walk.turn(node, start, index + 1);
    }
    end.readEnd(walk);
    walk.counted(skipped + values.length);
    return values;
  },

  *write({ item, end, max }, value, walk) {
    if (!Array.isArray(value)) throw new Problem('ERR_FIELD_RANGE', 'an array', value);
    const { length } = value;
    if (length > max) throw tooLong(max, length, 'elements');
    walk.count('elements', length);
    const starts: number[] = [];
    for (let index = 0; index < length; index++) {
      starts.push(walk.at);
      yield walk.visit(item, value[index], index);
      if (walk.at === starts[index]) walk.count('empty', 1);
    }
    walk.counted(length);
    walk.append(end.bytes);
    const early = starts.findIndex((at) => end.isAt(walk.target, at, walk.at));
    if (early < 0) return;
    const expected = `elements that do not begin with their terminator ${end.bytes.toString('hex')} (hex)`;
    throw new Problem('ERR_FIELD_RANGE', expected, early, { got: `one at ${early} that does` });
  },

  decode(node, out) {
    const { item, end, max } = node;
    const isAt = out.constant(end.isAt.bind(end));
    const index = out.name('i');
    out.settle();
    const list = out.list(item);
    out.line(`for (let ${index} = 0; !${isAt}(b, p, ${out.end}); ${index}++) {`);
    out.fail(`${index} === ${max}`);
    out.count('elements', '1');
    out.reset(0);
    const before = out.define('p');
    list.add(index, out.value(item).value);
    out.settle();
    out.line(`if (p === ${before}) {`);
    out.count('empty', '1');
    out.line('}');
    out.line('}');
    out.reset(0);
    end.decodeEnd(out);
    out.counted(`${list.name}.length`);
    return { value: list.name };
  },

  encode({ item, end, max }, value, out) {
    out.refuse(`!Array.isArray(${value})`);
    const length = out.define(`${value}.length`);
    out.refuse(`!(${length} <= ${max})`);
    out.count('elements', length);
    out.settle();
    const index = out.name('i');
    const starts = out.define('[]');
    out.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
    out.line(`${starts}.push(p);`);
    out.value(item, out.define(`${value}[${index}]`));
    out.settle();
    out.line(`if (p === ${starts}[${index}]) {`);
    out.count('empty', '1');
    out.line('}');
    out.line('}');
    out.counted(length);
    end.put(out);
    const isAt = out.constant(end.isAt.bind(end));
    out.line(`for (const start of ${starts}) if (${isAt}(t, start, p)) return -1;`);
  },

  bound({ item, end, max }, value, out) {
    out.fixed(end.bytes.length);
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
