import { trailingProblem } from '../engine/read-walk.ts';
import {
  type AnyField,
  DEFAULT_MAX_BYTES,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldLimits,
  type FieldOut,
  type Filled,
  maximum,
  type Nothing,
  type Size,
  valuedNodeOf,
} from '../field.ts';
import { exposedIn } from '../group.ts';
import type { AnyNode, Kind, Source, Steps } from '../kind.ts';
import { declare, hasTrait } from '../node.ts';
import { foreseenBy, isLiteral, longest, mostBytes, sizeSource } from '../source.ts';

interface Bounded {
  readonly size: Source;
  readonly item: AnyNode;
  readonly max: number;
}

export const BOUNDED: Kind<Bounded> = {
  name: 'bounded',
  size: ({ size, max }) => longest(size, max, 1, 1),
  shape: ({ size, item, max }) => ({ is: 'inside', item, length: size.extent, max }),
  call: ({ size, item, max }) => ({ maker: 'bounded', size: size.extent, item, max }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(BOUNDED, { ...node, item: change(node.item) }),
  // A value that may be null, or that moves for the size in front of it, has no fixed place to show.
  expose({ size, item, max }, paths) {
    if (size.nullable || isMoved(size)) return undefined;
    return declare(BOUNDED, { size, item: exposedIn(item, paths), max });
  },
  foreseen: ({ size }) => foreseenBy(size, 1),
  references: ({ size }) => size.references('size'),
  traits: ({ size }) => ({
    takesRest: size.takesRest,
    mayTakeRest: size.mayTakeRest,
    // The size is written after the bytes it counts, so it moves them.
    reads: isMoved(size),
  }),
  check({ size, item }) {
    if (isMoved(size) && hasTrait(item, 'aligned')) {
      throw new RangeError('bounded(varuint, item): padding to a multiple has no fixed place in there');
    }
  },

  *read({ size, item, max }, walk): Steps {
    const length = walk.measure(size, max, 'bytes');
    if (length === null) return null;
    const outer = walk.end;
    walk.end = walk.at + walk.fits(length);
    const value = yield walk.visit(item);
    if (walk.at < walk.end) {
      throw trailingProblem(walk, `the end of ${length} byte${length === 1 ? '' : 's'}`);
    }
    walk.end = outer;
    return value;
  },

  *write({ size, item, max }, value, walk) {
    if (walk.isNull(size, value)) return;
    const say = size.reserve(walk);
    const start = walk.at;
    const outer = walk.enterBounds();
    yield walk.visit(item, value);
    walk.leaveBounds(outer);
    const length = walk.at - start;
    walk.judge(size, length, max, 'bytes');
    say(length);
    size.writeEnd?.(walk, start);
    if (size.takesRest) walk.exhaust();
  },

  decode({ size, item, max }, out) {
    return out.measured(size, max, (length) => {
      if (isLiteral(size)) out.need(size.range.min);
      out.settle();
      if (!isLiteral(size) && !size.takesRest) out.fail(`${length} > ${out.end} - p`);
      const outer = out.end;
      out.end = out.define(`p + ${length}`);
      const result = out.define(out.value(item).value);
      out.settle();
      out.fail(`p !== ${out.end}`);
      out.end = outer;
      return result;
    });
  },

  encode({ size, item, max }, value, out) {
    out.unlessNull(size, value, () => {
      const say = size.reserveCode(out);
      out.settle();
      const start = out.define('p');
      const outer = out.enterBounds();
      out.value(item, value);
      out.leaveBounds(outer);
      out.settle();
      const length = out.define(`p - ${start}`);
      out.judge(size, length, max);
      say(length);
      size.encodeEnd?.(out, start);
      if (size.takesRest) out.exhaust();
    });
  },

  overruns: ({ size, item, max }) => item.facts.size.max > mostBytes(size, max),

  bound({ size, item }, value, out) {
    out.fixed(size.size.max);
    out.add(item, value);
  },
};

/** Whether writing the size moves the bytes that follow it. */
function isMoved(size: Source): boolean {
  return size.size.min !== size.size.max;
}

/**
 * A field that has a number of bytes to itself and must use all of them.
 *
 * @example bounded(u16be, struct({ id: u8, options: array(option, rest) }));
 */
export function bounded<const S extends Size, F extends AnyField>(
  size: S,
  item: F,
  limits: FieldLimits = {},
): Field<FieldOut<F> | Nothing<S>, FieldIn<F> | Nothing<S>, Filled<S> | FieldFills<F>> {
  const node = valuedNodeOf(item, 'bounded(item)', 'a bounded field');
  const source = sizeSource(size, 'bounded');
  if (typeof size === 'number') {
    const { min, max } = node.facts.size;
    if (size < min || size > max) {
      throw new RangeError(
        `bounded(${size}, item): the item takes ${min === max ? min : `${min} to ${max}`} bytes`,
      );
    }
  }
  return declare(BOUNDED, { size: source, item: node, max: maximum('bounded', limits, DEFAULT_MAX_BYTES) });
}
