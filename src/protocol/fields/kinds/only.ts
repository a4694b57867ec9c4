import { showTag } from '../../../bytes/show.ts';
import { Problem } from '../engine/problem.ts';
import type { Absent, Field, Filled, Parameter } from '../field.ts';
import type { Kind, Presence, Range, Tag } from '../kind.ts';
import { declare } from '../node.ts';
import { isParameter, presenceSource } from '../source.ts';
import { listOf } from './cases.ts';
import {
  type ConditionValue,
  type NumberRange,
  presenceHolds,
  presenceOf,
  presenceText,
} from './optional.ts';

interface Only {
  readonly agrees: Presence;
  /** The only value that the field may have, if there is one: the encoder fills it in. */
  readonly value: Tag | undefined;
}

export const ONLY: Kind<Only> = {
  name: 'only',
  size: () => ({ min: 0, max: 0 }),
  shape: ({ agrees }) => ({ is: 'fixed', bytes: new Uint8Array(0), agrees }),
  call: ({ agrees }) => ({ maker: 'only', condition: agrees }),
  traits: () => ({ absent: true }),
  references({ agrees, value }) {
    const source = presenceSource(agrees);
    return value === undefined ? source.references('condition') : source.references('tag', [value]);
  },

  read({ agrees }, walk) {
    const got = presenceSource(agrees).read(walk);
    if (!presenceHolds(agrees, got)) throw new Problem('ERR_MESSAGE_VALUE', expected(agrees), got);
    return undefined;
  },

  write({ agrees, value }, _, walk) {
    const source = presenceSource(agrees);
    if (value !== undefined) {
      source.write(value, walk);
      return;
    }
    const given = source.given(walk);
    if (!presenceHolds(agrees, given)) throw new Problem('ERR_FIELD_RANGE', expected(agrees), given);
  },

  decode({ agrees }, out) {
    out.fail(`!(${presenceText(agrees, presenceSource(agrees).decode(out))})`);
    return { value: 'undefined' };
  },

  encode({ agrees, value }, _, out) {
    const source = presenceSource(agrees);
    if (value !== undefined) source.encodeTag(value, out);
    else out.refuse(`!(${presenceText(agrees, out.define(source.givenCode(out)))})`);
  },
};

function expected({ field, parameter, is, range }: Presence): string {
  const values =
    is.length === 0 ? [] : [listOf(is, (one) => (typeof one === 'number' ? showTag(one) : String(one)))];
  const bounds = range === undefined ? [] : [rangeText(range)];
  return `${parameter ? 'the parameter ' : ''}'${field}' to be ${[...values, ...bounds].join(' or ')}`;
}

function rangeText({ min, max }: Range): string {
  if (min === Number.NEGATIVE_INFINITY) return `at most ${max}`;
  return max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
}

/** The path that one value fills in, or the parameter that is read. */
type FilledBy<P, V extends readonly unknown[]> = P extends string
  ? V extends readonly [number | bigint | string]
    ? P
    : never
  : Filled<P>;

/**
 * Restrict an earlier field to these values in this message; numbers may be given as `{ min, max }`. Checked on decode and on
 * encode. It takes no bytes and is not part of the message.
 *
 * With a single value the encoder fills the field in: reserved bits of a header that other messages use. For a parameter it says
 * for which of its values the message exists at all: `only(parameter('version'), { min: 5 })`.
 *
 * @example
 * messages('flags.kind', {
 *   publish: message(3, { qos: only('flags.qos', { max: 2 }), topic: utf8(u16be) }),
 *   subscribe: message(8, { qos: only('flags.qos', 1), id: u16be }),
 * }, { header: { flags: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) } });
 */
export function only<
  const P extends string | Parameter,
  const V extends readonly [ConditionValue | NumberRange, ...(ConditionValue | NumberRange)[]],
>(field: P, ...values: V): Field<Absent, undefined, FilledBy<P, V>> {
  if (values.length === 0) throw new TypeError('only(field, …): expected at least one value');
  const agrees = presenceOf('only', field, values, false);
  const [first] = agrees.is;
  const isOne = values.length === 1 && typeof first !== 'boolean' && !isParameter(field);
  return declare(ONLY, { agrees, value: isOne ? first : undefined });
}
