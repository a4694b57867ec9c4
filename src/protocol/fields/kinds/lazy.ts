import { callback, checkOptions, integer } from '../../../options.ts';
import { DEFAULT_DEPTH } from '../engine/declaration.ts';
import { type AnyField, type Field, type FieldIn, type FieldOut, nodeOf } from '../field.ts';
import type { AnyNode, Kind, Limits, Steps } from '../kind.ts';
import { declare } from '../node.ts';

interface Lazy {
  readonly get: () => AnyNode;
  /** The field that `get` returned, once it was called. */
  readonly seen: { node: AnyNode | undefined };
  readonly maxDepth: number | undefined;
}

export const LAZY: Kind<Lazy> = {
  name: 'lazy',
  later: true,
  size: ({ seen }) => ({ min: seen.node?.facts.size.min ?? 0, max: Number.POSITIVE_INFINITY }),
  shape: ({ get, maxDepth }) => ({
    is: 'inside',
    length: undefined,
    ...(maxDepth !== undefined && { maxDepth }),
    get item() {
      return get();
    },
  }),
  call: ({ get, maxDepth }) => ({ maker: 'lazy', item: get(), maxDepth }),
  children: ({ get }) => [get()],
  check({ get }) {
    if (get().facts.traits.absent) throw new TypeError('a lazy field must have a value');
  },

  *read({ get, maxDepth }, walk): Steps {
    walk.enter(maxDepth);
    const value = yield walk.visit(get());
    walk.leave();
    return value;
  },

  *write({ get, maxDepth }, value, walk) {
    walk.enter(maxDepth);
    yield walk.visit(get(), value);
    walk.leave();
  },

  decode(node, out) {
    out.settle();
    const routine = out.routine(node, () => {
      out.fail(`z > ${deepest(node, out.limits)}`);
      return out.value(node.get()).value;
    });
    const result = out.define(`${routine}(b, s, p, ${out.end}, z + 1)`);
    out.fail(`${result} === FAILED`);
    out.line('p = position;');
    return { value: result };
  },

  encode(node, value, out) {
    out.settle();
    const routine = out.routine(node, () => {
      out.refuse(`z > ${deepest(node, out.limits)}`);
      out.value(node.get(), 'm');
    });
    out.line(`p = ${routine}(${value}, t, s, p, z + 1);`);
    out.refuse('p < 0');
  },

  bound(node, value, out) {
    out.settle();
    const routine = out.routine(node, () => {
      out.line(`if (z > ${node.maxDepth ?? MOST_DEPTH}) return 0;`);
      out.line('let n = 0;');
      out.add(node.get(), 'm');
    });
    out.line(`n += ${routine}(${value}, z + 1);`);
  },
};

const MOST_DEPTH = 1000;

/** The deepest level that the field and the limits of the message allow. */
function deepest({ maxDepth }: Lazy, { depth }: Limits): number {
  const most = depth ?? (maxDepth === undefined ? DEFAULT_DEPTH : MOST_DEPTH);
  return Math.min(maxDepth ?? MOST_DEPTH, most);
}

/**
 * A field that is named before it is declared, for recursion. Fields inside it cannot refer to fields outside. Nesting deeper
 * than `maxDepth` is refused on decode and on encode. Default: the `depth` of the message's limits, 64.
 *
 * @example
 * interface Tree { value: number; children: readonly Tree[] }
 * const tree: Field<Tree> = struct({ value: u8, children: array(lazy(() => tree), u8) });
 */
export function lazy<F extends AnyField>(
  get: () => F,
  options: { maxDepth?: number } = {},
): Field<FieldOut<F>, FieldIn<F>> {
  callback('lazy: the field', get);
  checkOptions('lazy', options, { maxDepth: integer(1, MOST_DEPTH) });
  const seen: Lazy['seen'] = { node: undefined };
  const once = (): AnyNode => {
    seen.node ??= nodeOf(get(), 'lazy(() => field)');
    return seen.node;
  };
  return declare(LAZY, { get: once, seen, maxDepth: options.maxDepth });
}
