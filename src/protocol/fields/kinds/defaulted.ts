import {
  type AnyField,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldOut,
  valuedNodeOf,
} from '../field.ts';
import { exposedIn } from '../group.ts';
import type { AnyNode, Kind, Steps } from '../kind.ts';
import { declare } from '../node.ts';

interface Defaulted {
  readonly item: AnyNode;
  /** The value that is written if the message has none. */
  readonly value: unknown;
}

export const DEFAULTED: Kind<Defaulted> = {
  name: 'defaulted',
  size: ({ item }) => item.facts.size,
  shape: ({ item, value }) => ({
    is: 'inside',
    item,
    length: undefined,
    made: (given) => given,
    usual: { value },
  }),
  call: ({ item, value }) => ({ maker: 'defaulted', item, value }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(DEFAULTED, { ...node, item: change(node.item) }),
  members: ({ item }) => item.kind.members?.(item) ?? new Map(),
  lend: ({ item, value }, paths) => defaultedOf(item.kind.lend!(item, paths), value),
  expose: ({ item, value }, exposed) => defaultedOf(exposedIn(item, exposed), value),
  traits: ({ item }) => item.facts.traits,
  standsFor: ({ value }, given) => (given === undefined ? value : given),
  standsForCode: ({ value }, given, out) => `(${given} === undefined ? ${out.constant(value)} : ${given})`,

  *read({ item }, walk): Steps {
    return yield walk.visit(item);
  },

  *write({ item, value }, given, walk) {
    const chosen = given === undefined ? value : given;
    yield walk.visit(item, chosen);
    walk.written ??= () => chosen;
  },

  decode: ({ item }, out) => out.value(item),

  encode({ item, value }, given, out) {
    // The enclosing structure fills in the whole field.
    if (given === '') out.value(item, given);
    else {
      const chosen = out.define(`${given} === undefined ? ${out.constant(value)} : ${given}`);
      out.value(item, chosen);
      out.written ??= chosen;
    }
  },

  bound({ item, value }, given, out) {
    out.settle();
    out.add(item, out.define(`${given} === undefined ? ${out.constant(value)} : ${given}`));
  },
};

function defaultedOf(item: AnyNode, value: unknown): AnyNode {
  return declare(DEFAULTED, { item, value });
}

/**
 * A field that may be left out on encode: the default is written in its place. Decoding gives the value on the wire.
 *
 * @example struct({ version: defaulted(u8, 4), flags: defaulted(u16be, 0), id: u32be });
 */
export function defaulted<F extends AnyField>(
  item: F,
  value: FieldIn<F>,
): Field<FieldOut<F>, FieldIn<F> | undefined, FieldFills<F>> {
  const node = valuedNodeOf(item, 'defaulted(item)', 'a defaulted field');
  if (value === undefined) throw new TypeError('defaulted(item, value): expected a value, got undefined');
  return declare(DEFAULTED, { item: node, value });
}
