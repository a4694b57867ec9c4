import { show } from '../../../bytes/show.ts';
import { isOneOf } from '../engine/code.ts';
import { Problem } from '../engine/problem.ts';
import {
  type AnyField,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldOut,
  valuedNodeOf,
} from '../field.ts';
import type { AnyNode, Kind, Presence, Steps } from '../kind.ts';
import { declare } from '../node.ts';
import { pathSource } from '../source.ts';
import { decodeFlag, encodeFlag, readFlag, writeFlag } from './bool.ts';

interface Optional {
  readonly item: AnyNode;
  readonly when: Presence | undefined;
}

export const OPTIONAL: Kind<Optional> = {
  name: 'optional',
  size({ item, when }) {
    const presence = when === undefined ? 1 : 0;
    return { min: presence, max: presence + item.facts.size.max };
  },
  shape: ({ item, when }) => ({ is: 'maybe', item, when }),
  children: ({ item }) => [item],
  references: ({ when }) => (when === undefined ? [] : pathSource(when.field).references('condition')),
  traits: ({ item }) => ({ mayTakeRest: item.facts.traits.mayTakeRest === true }),

  *read({ item, when }, walk): Steps {
    const isThere =
      when === undefined ? readFlag(walk) : when.is.includes(pathSource(when.field).read(walk) as never);
    return isThere ? yield walk.visit(item) : undefined;
  },

  *write({ item, when }, value, walk) {
    if (when === undefined) writeFlag(value !== undefined, walk);
    else if (when.is.includes(walk.given(when.field) as never) !== (value !== undefined)) {
      const expected =
        value === undefined ? `a value, as '${when.field}' asks for it` : `nothing, as '${when.field}' says`;
      throw new Problem('ERR_FIELD_RANGE', expected, value);
    }
    if (value !== undefined) yield walk.visit(item, value);
  },

  decode({ item, when }, out) {
    const condition =
      when === undefined ? decodeFlag(out) : isOneOf(pathSource(when.field).decode(out), when.is);
    out.settle();
    const result = out.define('undefined', 'let');
    out.line(`if (${condition}) {`);
    out.line(`${result} = ${out.value(item).value};`);
    out.settle();
    out.line('}');
    return { value: result };
  },

  encode({ item, when }, value, out) {
    if (when === undefined) encodeFlag(`${value} !== undefined`, out);
    else out.refuse(`(${isOneOf(out.given(when.field), when.is)}) !== (${value} !== undefined)`);
    out.settle();
    out.line(`if (${value} !== undefined) {`);
    out.value(item, value);
    out.settle();
    out.line('}');
  },

  bound({ item, when }, value, out) {
    out.fixed(when === undefined ? 1 : 0);
    out.settle();
    out.line(`if (${value} !== undefined) {`);
    out.add(item, value);
    out.settle();
    out.line('}');
  },
};

/** A condition on a field declared earlier. */
export interface Condition extends Presence {
  /** Its name; a member of `flags`, `bits` or a `struct` as `'flags.urgent'`. */
  readonly field: string;
  /** The values that fulfil the condition. */
  readonly is: readonly (number | bigint | string | boolean)[];
}

/**
 * A condition for `optional`: the earlier field has one of the values; `true` when none is named.
 *
 * @example when('version', 2, 3); when('flags.urgent');
 */
export function when(field: string, ...is: (number | bigint | string | boolean)[]): Condition {
  if (typeof field !== 'string') {
    throw new TypeError(`when(field): expected 'field' or 'field.member', got ${show(field)}`);
  }
  for (const value of is) {
    if (!['number', 'bigint', 'string', 'boolean'].includes(typeof value)) {
      throw new TypeError(
        `when(field, …): expected numbers, bigints, strings or booleans, got ${show(value)}`,
      );
    }
    if (Number.isNaN(value)) throw new RangeError('when(field, …): NaN equals nothing');
  }
  return Object.freeze({ field, is: Object.freeze(is.length === 0 ? [true] : [...is]) });
}

/**
 * A value that may be missing: `undefined`. A byte before it, 0 or 1, says whether it is there; with a condition
 * there is no such byte, and an earlier field decides.
 *
 * @example optional(u32le); optional(utf8(u8), when('flags.named'));
 */
export function optional<F extends AnyField>(
  item: F,
  condition?: Condition,
): Field<FieldOut<F> | undefined, FieldIn<F> | undefined, FieldFills<F>> {
  const node = valuedNodeOf(item, 'optional(item)', 'an optional field');
  // Whatever was given is judged as `when` judges it.
  return declare(OPTIONAL, { item: node, when: condition && when(condition.field, ...condition.is) });
}
