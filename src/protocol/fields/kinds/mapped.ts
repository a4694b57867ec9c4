import { writeUnsigned } from '../../../bytes/integers.ts';
import { anything, checkOptions, requireObjectOf } from '../../../options.ts';
import { foreignProblem, Problem } from '../engine/problem.ts';
import {
  type AnyField,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldOut,
  valuedNodeOf,
} from '../field.ts';
import type { AnyNode, Kind, NodeOf, Numbers, Slot, Steps } from '../kind.ts';
import { declare } from '../node.ts';

interface Mapped {
  readonly item: AnyNode;
  readonly name: string;
  /** The mapping as it was given; fields that share it can be recognized. */
  readonly mapping: object;
  readonly decode: (value: unknown) => unknown;
  readonly encode: (value: unknown) => unknown;
}

export const MAPPED: Kind<Mapped> = {
  name: 'mapped',
  size: ({ item }) => item.facts.size,
  shape: ({ item, name, decode }) => ({ is: 'inside', item, length: undefined, made: decode, name }),
  call: ({ item, name, mapping }) => ({ maker: 'mapped', item, name, mapping }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(MAPPED, { ...node, item: change(node.item) }),
  traits: ({ item }) => ({ ...item.facts.traits, foreign: true }),
  // Which numbers the functions give is known only when they are called.
  range: ({ item }) => (item.kind.range?.(item) === undefined ? undefined : ANY),
  says,
  tag: (node) =>
    node.item.kind.range?.(node.item) === undefined ? undefined : { node, raw: (tag) => tagOf(node, tag) },
  slot: slotOf,

  *read({ item, name, decode }, walk): Steps {
    const at = walk.at;
    const raw = yield walk.visit(item);
    try {
      return decode(raw);
    } catch (error) {
      throw foreignProblem(error, 'ERR_MESSAGE_VALUE', name, walk.bytes, at);
    }
  },

  *write({ item, name, decode, encode }, value, walk) {
    let raw: unknown;
    try {
      raw = encode(value);
    } catch (error) {
      throw foreignProblem(error, 'ERR_FIELD_RANGE', name);
    }
    yield walk.visit(item, raw);
    const { written } = walk;
    walk.written = () => decode(written === undefined ? raw : written());
  },

  decode: ({ item, decode }, out) => ({
    value: out.define(`${out.constant(decode)}(${out.value(item).value})`),
    type: 'foreign',
  }),

  encode({ item, decode, encode }, value, out) {
    const raw = out.define(`${out.constant(encode)}(${value})`);
    out.value(item, raw);
    out.written = `${out.constant(decode)}(${out.written ?? raw})`;
  },

  bound({ item, encode }, value, out) {
    out.settle();
    out.add(item, out.define(`${out.constant(encode)}(${value})`));
  },
};

const ANY: Numbers = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** The number in the bytes for a value; undefined if none is decoded to that value again. */
function rawOf({ item, decode, encode }: Mapped, value: unknown): number | bigint | undefined {
  const { min, max, big } = item.kind.range!(item)!;
  const raw = encode(value);
  const isNumber = big ? typeof raw === 'bigint' : Number.isInteger(raw);
  const isInside = isNumber && (raw as number) >= min && (raw as number) <= max;
  return isInside && decode(raw) === value ? (raw as number | bigint) : undefined;
}

function says(node: Mapped, value: unknown): boolean {
  try {
    return rawOf(node, value) !== undefined;
  } catch {
    return false;
  }
}

function tagOf(node: Mapped, tag: unknown): number | bigint | undefined {
  return says(node, tag) ? (tag as number | bigint) : undefined;
}

/** The slot of its item; the mapping is applied before the number is put there. */
function slotOf(node: NodeOf<Mapped>): Slot | undefined {
  const { item, name } = node;
  const slot = item.kind.range?.(item) && item.kind.slot?.(item);
  if (slot === undefined) return undefined;
  const { width, order, put } = slot;
  return {
    ...{ width, order, ...ANY },
    put(target, at, value) {
      const raw = rawOf(node, value);
      if (raw === undefined) throw new Problem('ERR_FIELD_RANGE', `${name} that the field can hold`, value);
      if (put !== undefined) put(target, at, raw);
      else writeUnsigned(target, at, width, order === 'le', Number(raw));
    },
  };
}

/** Converts between the value of a field and your own. Either function may throw, which refuses the value. */
export interface Mapping<Inner, InnerIn, Out, In = Out> {
  /** What the value is, for errors: `'a date'`. */
  name?: string;
  decode(value: Inner): Out;
  encode(value: In): InnerIn;
}

/**
 * A field whose value differs from what its bytes hold: a date, an address, a scaled number. If it maps an integer to a number it
 * may be a size, a count or a tag; a number that does not survive the round trip is refused there.
 *
 * @example
 * mapped(u32be, { name: 'a date', decode: (s) => new Date(1000 * s), encode: (date) => date.getTime() / 1000 });
 */
export function mapped<F extends AnyField, Out, In = Out>(
  item: F,
  mapping: Mapping<FieldOut<F>, FieldIn<F>, Out, In>,
): Field<Out, In, FieldFills<F>> {
  requireObjectOf('mapped', 'an object with decode and encode', mapping);
  // An instance of a class may have members of its own.
  if (Object.getPrototypeOf(mapping) === Object.prototype) {
    checkOptions('mapped', mapping, { name: anything, decode: anything, encode: anything });
  }
  const { name = 'a value that can be mapped', decode, encode } = mapping;
  for (const [part, way] of Object.entries({ decode, encode })) {
    if (typeof way !== 'function') throw new TypeError(`mapped: ${part} must be a function`);
  }
  return declare(MAPPED, {
    item: valuedNodeOf(item, 'mapped(item)', 'a mapped field'),
    name,
    mapping,
    decode: decode as Mapped['decode'],
    encode: encode as Mapped['encode'],
  });
}
