import { show } from '../../../bytes/show.ts';
import { isOneOf, literal } from '../engine/code.ts';
import { Problem } from '../engine/problem.ts';
import {
  type Absent,
  type AnyField,
  type Field,
  type FieldFills,
  type FieldIn,
  type FieldOut,
  nodeOf,
  type Parameter,
  type Read,
  type Reader,
  type Rest,
  rest,
} from '../field.ts';
import { exposedIn } from '../group.ts';
import type { AnyNode, Decoding, Encoding, Foreseen, Kind, Known, Presence, Steps } from '../kind.ts';
import { declare } from '../node.ts';
import { foreseen, isParameter, parameter as parameterOf, presenceSource } from '../source.ts';
import { decodeFlag, encodeFlag, readFlag, writeFlag } from './bool.ts';

interface Optional {
  readonly item: AnyNode;
  readonly when: Presence | 'rest' | undefined;
}

export const OPTIONAL: Kind<Optional> = {
  name: 'optional',
  size({ item, when }) {
    const presence = when === undefined ? 1 : 0;
    return { min: presence, max: presence + item.facts.size.max };
  },
  shape: ({ item, when }) => ({ is: 'maybe', item, when }),
  call: ({ item, when }) => ({ maker: 'optional', item, when }),
  children: ({ item }) => [item],
  rebuild: (node, change) => declare(OPTIONAL, { ...node, item: change(node.item) }),
  members: ({ item }) => item.kind.members?.(item) ?? new Map(),
  memberSlot: ({ item }, name) => item.kind.memberSlot?.(item, name),
  lend: ({ item, when }, paths) => optionalOf(item.kind.lend!(item, paths), when),
  expose: ({ item, when }, exposed) => optionalOf(exposedIn(item, exposed), when),
  foreseen: foreseenOptional,
  references: ({ when }) => (isCondition(when) ? presenceSource(when).references('condition') : []),
  traits: ({ item, when }) => ({
    mayTakeRest: when === 'rest' || item.facts.traits.mayTakeRest === true,
    ...(item.facts.traits.absent && { absent: true }),
  }),

  *read({ item, when }, walk): Steps {
    let isThere: boolean;
    if (when === undefined) isThere = readFlag(walk);
    else if (when === 'rest') isThere = walk.at < walk.end;
    else isThere = presenceHolds(when, presenceSource(when).read(walk));
    return isThere ? yield walk.visit(item) : undefined;
  },

  *write({ item, when }, value, walk) {
    let isThere = value !== undefined;
    const start = walk.at;
    if (when === undefined) writeFlag(isThere, walk);
    else if (when !== 'rest') {
      const isDue = presenceHolds(when, presenceSource(when).given(walk));
      // An item without a value is present if the condition holds; so is an optional item, whose own condition decides further.
      if (item.facts.traits.absent || (isDue && item.kind === OPTIONAL)) isThere = isDue;
      if (isDue !== isThere) {
        const expected = isDue
          ? `a value, as '${when.field}' asks for it`
          : `nothing, as '${when.field}' says`;
        throw new Problem('ERR_FIELD_RANGE', expected, value);
      }
    }
    if (isThere) yield walk.visit(item, value);
    if (when !== 'rest') return;
    if (!isThere) walk.exhaust();
    else if (walk.at === start) {
      throw new Problem('ERR_FIELD_RANGE', 'a value of at least 1 byte, or none', value);
    }
  },

  decode({ item, when }, out) {
    const condition = presenceCode(when, out);
    out.settle();
    const result = out.define('undefined', 'let');
    out.line(`if (${condition}) {`);
    const inner = out.value(item);
    out.line(`${result} = ${inner.value};`);
    out.settle();
    out.line('} else {');
    out.unshow();
    out.line('}');
    return { value: result, members: membersOf(result, inner) };
  },

  encode({ item, when }, value, out) {
    const isAbsent = item.facts.traits.absent;
    let isThere = `${value} !== undefined`;
    if (when === undefined) encodeFlag(isThere, out);
    else if (when !== 'rest') {
      const isDue = presenceText(when, givenCode(when, out));
      if (isAbsent) isThere = isDue;
      else if (item.kind === OPTIONAL) {
        out.refuse(`!(${isDue}) && ${isThere}`);
        isThere = isDue;
      } else out.refuse(`(${isDue}) !== (${isThere})`);
    }
    out.settle();
    const start = when === 'rest' && item.facts.size.min === 0 ? out.define('p') : undefined;
    out.line(`if (${isThere}) {`);
    out.value(item, value);
    out.settle();
    if (start !== undefined) out.refuse(`p === ${start}`);
    out.line('} else {');
    out.unlend();
    if (when === 'rest') out.exhaust();
    out.line('}');
    out.sawInside(value);
  },

  bound({ item, when }, value, out) {
    out.fixed(when === undefined ? 1 : 0);
    if (value === '' || item.kind === OPTIONAL) {
      out.add(item, value);
      return;
    }
    out.settle();
    out.line(`if (${value} !== undefined) {`);
    out.add(item, value);
    out.settle();
    out.line('}');
  },
};

function optionalOf(item: AnyNode, when: Optional['when']): AnyNode {
  return declare(OPTIONAL, { item, when });
}

/** The members of a value that may be missing, read from the value itself. */
function membersOf(value: string, { members }: Known): Known['members'] {
  if (members === undefined) return undefined;
  return new Map(
    [...members].map(([name, member]): [string, Known] => {
      const found = `${value}?.[${literal(name)}]`;
      return [name, { value: found, type: member.type, members: membersOf(found, member) }];
    }),
  );
}

function isCondition(when: Optional['when']): when is Presence {
  return when !== undefined && when !== 'rest';
}

/** Whether a value meets the condition. */
export function presenceHolds({ is, range, not }: Presence, value: unknown): boolean {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const isInside = range !== undefined && isNumber && value >= range.min && value <= range.max;
  return (is.includes(value as never) || isInside) !== (not === true);
}

/** Code that is true if a value meets the condition. */
export function presenceText({ is, range, not }: Presence, value: string): string {
  const tests = is.length > 0 ? [isOneOf(value, is)] : [];
  if (range !== undefined) {
    const bounds = [`${value} >= ${range.min}`, `${value} <= ${range.max}`];
    tests.push(`(typeof ${value} === 'number' || typeof ${value} === 'bigint') && ${bounds.join(' && ')}`);
  }
  const any = tests.join(' || ');
  return not ? `!(${any})` : any;
}

function presenceCode(when: Optional['when'], out: Decoding): string {
  if (when === undefined) return decodeFlag(out);
  if (when === 'rest') return `p < ${out.end}`;
  return presenceText(when, presenceSource(when).decode(out));
}

function givenCode(when: Presence, out: Encoding): string {
  return out.define(presenceSource(when).givenCode(out));
}

/** The bytes of an item whose presence is known in advance. */
function foreseenOptional({ item, when }: Optional): Foreseen | undefined {
  const inner = foreseen(item);
  if (!isCondition(when) || inner === undefined) return undefined;
  const source = presenceSource(when);
  return {
    paths: when.parameter ? inner.paths : [when.field, ...inner.paths],
    read: (walk) => (presenceHolds(when, source.read(walk)) ? inner.read(walk) : 0),
    decode: (out) => `(${presenceText(when, source.decode(out))} ? ${inner.decode(out)} : 0)`,
  };
}

/** A value that a condition may compare with. */
export type ConditionValue = number | bigint | string | boolean;

/** A condition on a field declared earlier, or on a parameter. */
export interface Condition<Path extends string = string, Reads extends string = string>
  extends Presence,
    Reader<Reads> {
  /** Its path; a member of `flags`, `bits` or a `struct` as `'flags.urgent'`. */
  readonly field: Path;
  /** The values that meet the condition. */
  readonly is: readonly ConditionValue[];
}

/**
 * A condition for `optional`: the earlier field has one of the values, or a number in the range; `true` if none is given. A field
 * inside a missing `optional` never meets it. For a parameter, values must be given.
 *
 * @example when('version', 2, 3); when('version', { min: 4 }); when('flags.urgent'); when(parameter('version'), { min: 4 });
 */
export function when<const S extends string | Parameter>(
  field: S,
  ...is: (ConditionValue | NumberRange)[]
): Condition<NameOf<S>, Read<S>> {
  return presenceOf('when', field as NameOf<S>, is, false) as never;
}

/**
 * The opposite of `when`: met by any value except these.
 *
 * @example unless('status', 0); unless('flags.short');
 */
export function unless<const S extends string | Parameter>(
  field: S,
  ...is: (ConditionValue | NumberRange)[]
): Condition<NameOf<S>, Read<S>> {
  return presenceOf('unless', field as NameOf<S>, is, true) as never;
}

type NameOf<S> = S extends Parameter<infer Name> ? Name : S extends string ? S : never;

/** Numbers from `min` to `max`, both included. Without one of them the range is open on that side. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** The condition for these values and this range, checked; `name` is the maker, for errors. */
export function presenceOf<P extends string>(
  name: string,
  given: P | Parameter<P>,
  values: readonly (ConditionValue | NumberRange)[],
  not: boolean,
): Condition<P> {
  const parameter = isParameter(given);
  const field = parameter ? (given.parameter as P) : given;
  if (typeof field !== 'string') {
    throw new TypeError(`${name}(field): expected 'field' or 'field.member', got ${show(field)}`);
  }
  if (parameter && values.length === 0) {
    throw new TypeError(`${name}(parameter('${field}'), …): expected the numbers that it may have, got none`);
  }
  const is: ConditionValue[] = [];
  let range: Presence['range'];
  for (const value of values) {
    if (typeof value === 'object' && value !== null) {
      if (range !== undefined) throw new TypeError(`${name}(field, …): one range is enough`);
      range = rangeOf(name, value);
    } else if (['number', 'bigint', 'string', 'boolean'].includes(typeof value)) {
      if (Number.isNaN(value)) throw new RangeError(`${name}(field, …): NaN equals nothing`);
      is.push(value);
    } else {
      throw new TypeError(
        `${name}(field, …): expected numbers, bigints, strings, booleans or { min, max }, got ${show(value)}`,
      );
    }
  }
  if (values.length === 0) is.push(true);
  return Object.freeze({
    field,
    ...(parameter && { parameter: true as const }),
    is: Object.freeze(is),
    ...(range && { range }),
    ...(not && { not }),
  });
}

function rangeOf(name: string, given: NumberRange): NonNullable<Presence['range']> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, ...others } = given;
  const isRange = typeof min === 'number' && typeof max === 'number' && min <= max;
  if (!isRange || Object.keys(others).length > 0 || Object.keys(given).length === 0) {
    throw new RangeError(
      `${name}(field, { min, max }): expected numbers, the lower one first, got ${show(given)}`,
    );
  }
  return Object.freeze({ min, max });
}

/**
 * A value that may be missing: `undefined`. A byte before it, 0 or 1, says whether it is present. With a condition there is no
 * such byte, and an earlier field decides; with `rest` it is present if bytes are left of the frame, or of the enclosing
 * `bounded`. An item without a value, a constant or padding, may depend on a condition too. An optional inside another needs
 * both: the condition, and bytes that are left.
 *
 * @example optional(u32le); optional(utf8(u8), when('flags.named')); optional(cstring(), rest);
 * @example optional(optional(u8, rest), when('version', 5));
 */
export function optional<F extends AnyField, C extends Condition | Rest = Rest>(
  item: F,
  condition?: C,
): Field<
  FieldOut<F> extends Absent ? Absent : FieldOut<F> | undefined,
  FieldIn<F> | undefined,
  FieldFills<F> | (C extends Condition<string, infer Reads> ? (string extends Reads ? never : Reads) : never)
> {
  const node = nodeOf(item, 'optional(item)');
  const isRest = condition === rest;
  if (!isRest && condition !== undefined && (typeof condition !== 'object' || condition === null)) {
    throw new TypeError(
      `optional(item, condition): expected when(…), unless(…) or rest, got ${show(condition)}`,
    );
  }
  const given = isRest ? 'rest' : (condition as Condition | undefined);
  if (node.facts.traits.absent && !isCondition(given)) {
    throw new TypeError(`an optional field must have a value, or a condition; a ${node.kind.name} has none`);
  }
  return declare(OPTIONAL, { item: node, when: isCondition(given) ? judged(given) : given });
}

/** A condition as `when` and `unless` make it, made again from an unknown value. */
function judged({ field, parameter, is, range, not }: Condition): Condition {
  if (!Array.isArray(is)) {
    throw new TypeError(`optional(item, condition): is: expected an array of values, got ${show(is)}`);
  }
  const values = range === undefined ? is : [...is, range];
  return presenceOf(not ? 'unless' : 'when', parameter ? parameterOf(field) : field, values, not === true);
}
