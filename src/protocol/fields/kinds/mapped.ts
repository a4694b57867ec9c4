import { foreignProblem } from '../engine/problem.ts';
import {
  type AnyField,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldOut,
  valuedNodeOf,
} from '../field.ts';
import type { AnyNode, Kind, Steps } from '../kind.ts';
import { declare } from '../node.ts';

interface Mapped {
  readonly item: AnyNode;
  readonly name: string;
  readonly decode: (value: unknown) => unknown;
  readonly encode: (value: unknown) => unknown;
}

export const MAPPED: Kind<Mapped> = {
  name: 'mapped',
  size: ({ item }) => item.facts.size,
  shape: ({ item, decode }) => ({ is: 'inside', item, length: undefined, made: decode }),
  children: ({ item }) => [item],
  traits: ({ item }) => ({ ...item.facts.traits, foreign: true }),

  *read({ item, name, decode }, walk): Steps {
    const at = walk.at;
    const raw = yield walk.visit(item);
    try {
      return decode(raw);
    } catch (error) {
      throw foreignProblem(error, 'ERR_MESSAGE_VALUE', name, walk.bytes, at);
    }
  },

  *write({ item, name, encode }, value, walk) {
    let raw: unknown;
    try {
      raw = encode(value);
    } catch (error) {
      throw foreignProblem(error, 'ERR_FIELD_RANGE', name);
    }
    yield walk.visit(item, raw);
  },

  decode: ({ item, decode }, out) => ({
    value: out.define(`${out.constant(decode)}(${out.value(item).value})`),
  }),

  encode({ item, encode }, value, out) {
    out.value(item, out.define(`${out.constant(encode)}(${value})`));
  },

  bound({ item, encode }, value, out) {
    out.settle();
    out.add(item, out.define(`${out.constant(encode)}(${value})`));
  },
};

/** How a value is made of a field's, and the field's of it. Either may throw: that refuses the value. */
export interface Mapping<Inner, InnerIn, Out, In = Out> {
  /** What the value is, for errors: `'a date'`. */
  name?: string;
  decode(value: Inner): Out;
  encode(value: In): InnerIn;
}

/**
 * A field whose value is another than what its bytes hold: a date, an address, a scaled number.
 *
 * @example
 * mapped(u32be, { name: 'a date', decode: (s) => new Date(1000 * s), encode: (date) => date.getTime() / 1000 });
 */
export function mapped<F extends AnyField, Out, In = Out>(
  item: F,
  mapping: Mapping<FieldOut<F>, FieldIn<F>, Out, In>,
): Field<Out, In, FieldFills<F>> {
  const { name = 'a value that can be mapped', decode, encode } = mapping;
  for (const [part, way] of Object.entries({ decode, encode })) {
    if (typeof way !== 'function') throw new TypeError(`mapped: ${part} must be a function`);
  }
  return declare(MAPPED, {
    item: valuedNodeOf(item, 'mapped(item)', 'a mapped field'),
    name,
    decode: decode as Mapped['decode'],
    encode: encode as Mapped['encode'],
  });
}
