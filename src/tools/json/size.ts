import type { AnyField, Parameter, Size, Until, UntilLast } from '../../protocol/fields/field.ts';
import { rest } from '../../protocol/fields/field.ts';
import type { Adjustment, AnyNode, Extent, Presence } from '../../protocol/fields/kind.ts';
import { bytes as bytesField } from '../../protocol/fields/kinds/bytes.ts';
import { constant } from '../../protocol/fields/kinds/constant.ts';
import { type Condition, unless, when } from '../../protocol/fields/kinds/optional.ts';
import { size as adjustedSize, parameter, until } from '../../protocol/fields/source.ts';
import {
  as,
  bound,
  bytes,
  either,
  flag,
  has,
  list,
  maybe,
  natural,
  type Part,
  record,
  text,
  type,
  whole,
} from './part.ts';
import { value } from './value.ts';

type From = Extent['from'];
type ExtentOf<F extends From> = Extract<Extent, { from: F }>;
/** What a maker accepts as a size. */
export type Given = Size | Until | UntilLast;

const comes =
  (from: From, isAdjusted = false) =>
  (extent: Extent): boolean =>
    extent.from === from && (extent.adjusted !== undefined) === isAdjusted;

const BY = { add: whole, unit: natural, nullAt: maybe(whole) };
const by = ({ adjusted }: Extent): Adjustment => adjusted!;

/** A number that is adjusted. */
function adjusted<F extends From, K extends string, In, Out>(
  from: F,
  key: K,
  part: Part<In, Out>,
  inner: (extent: ExtentOf<F>) => In,
  make: (given: Out) => AnyField | string | Parameter,
) {
  return {
    writes: comes(from, true),
    reads: (json: unknown) => has(key)(json) && has('unit')(json),
    part: as(
      record({ [key]: part, ...BY }) as Part<object, object>,
      (extent: ExtentOf<F>) => ({ [key]: inner(extent), ...by(extent) }),
      (given): Given => {
        const { [key]: of, add, unit, nullAt } = given as Record<string, unknown>;
        return adjustedSize(make(of as Out) as string, {
          ...{ add: add as number, unit: unit as number },
          ...(nullAt !== undefined && { nullAt: nullAt as number }),
        }) as Given;
      },
    ),
  };
}

const literal = {
  writes: comes('literal'),
  reads: (json: unknown) => typeof json === 'number',
  part: as(
    natural,
    (extent: ExtentOf<'literal'>) => extent.value,
    (given): Given => given,
  ),
};

const part = {
  writes: (extent: Extent) => extent.from === 'rest' && extent.upTo !== undefined,
  reads: has('rest'),
  part: as(
    record({ rest: natural }),
    (extent: ExtentOf<'rest'>) => ({ rest: extent.upTo! }),
    (given): Given => adjustedSize(rest, { upTo: given.rest }),
  ),
};

const left = {
  writes: comes('rest'),
  reads: (json: unknown) => json === 'rest',
  part: {
    schema: { const: 'rest' },
    toJson: () => 'rest',
    read: () => rest as Given,
  } satisfies Part<Extent, Given>,
};

const path = {
  writes: comes('path'),
  reads: has('path'),
  part: as(
    record({ path: text }),
    (extent: ExtentOf<'path'>) => ({ path: extent.path }),
    (given) => given.path,
  ),
};

const named = {
  writes: comes('parameter'),
  reads: has('parameter'),
  part: as(
    record({ parameter: text }),
    (extent: ExtentOf<'parameter'>) => ({ parameter: extent.name }),
    (given) => parameter(given.parameter),
  ),
};

const prefix = {
  writes: comes('prefix'),
  reads: (json: unknown) => typeof json === 'string' || has('is')(json) || has('ref')(json),
  part: as(
    type,
    (extent: ExtentOf<'prefix'>) => extent.node,
    (field) => field,
  ),
};

const terminator = {
  writes: comes('terminator'),
  reads: has('until'),
  part: as(
    record({ until: bytes }),
    (extent: ExtentOf<'terminator'>) => ({ until: extent.bytes }),
    (given) => until(constant(bytesField(given.until.length), given.until)),
  ),
};

const last = {
  writes: comes('last'),
  reads: has('last'),
  part: as(
    record({ last: text, value }),
    (extent: ExtentOf<'last'>) => ({ last: extent.path, value: extent.is }),
    (given): Given => until(given.last, given.value as string),
  ),
};

/** How many bytes or elements: the source of the number. */
export const size: Part<Extent, Given> = either<Extent, Given>(
  "a number, 'rest', a field, { path }, { parameter }, { prefix, add, unit }, { rest } or { until }",
  literal,
  part,
  left,
  adjusted(
    'path',
    'path',
    text,
    (extent) => extent.path,
    (given) => given,
  ),
  adjusted('parameter', 'parameter', text, (extent) => extent.name, parameter),
  adjusted(
    'prefix',
    'prefix',
    type,
    (extent) => extent.node,
    (given) => given,
  ),
  path,
  named,
  prefix as { writes: typeof prefix.writes; reads: typeof prefix.reads; part: Part<never, Given> },
  terminator,
  last,
);

/** The tag of a union. */
export const tag: Part<Extent, AnyField | string | Parameter> = either<Extent, AnyField | string | Parameter>(
  'a field, { path } or { parameter }',
  path,
  named,
  prefix,
);

/** How many characters: a number, or a terminator. */
export const width: Part<Extent, number | Until> = either<Extent, number | Until>(
  'a number or { until }',
  literal as { writes: typeof literal.writes; reads: typeof literal.reads; part: Part<never, number> },
  terminator,
);

/** An integer that measures something, and how it is adjusted. */
export const measuring: Part<
  { readonly base: AnyNode; readonly adjusted: Adjustment },
  AnyField | ReturnType<typeof adjustedSize>
> = as(
  record({ type, add: whole, unit: natural }),
  ({ base, adjusted: { add, unit } }: { base: AnyNode; adjusted: Adjustment }) => ({
    ...{ type: base, add, unit },
  }),
  ({ type: field, add, unit }) => (add === 0 && unit === 1 ? field : adjustedSize(field, { add, unit })),
);

const PRESENCE = record({
  field: maybe(text),
  parameter: maybe(text),
  values: list(value),
  range: maybe(record({ min: bound, max: bound })),
  not: flag,
});

/** A condition on an earlier field, or on a parameter. */
export const condition: Part<Presence, Condition> = as(
  PRESENCE,
  ({ field, parameter: isParameter, is, range, not }: Presence) => ({
    ...(isParameter
      ? { field: undefined, parameter: field as string | undefined }
      : { field: field as string | undefined, parameter: undefined }),
    ...{ values: is, range, not: not === true },
  }),
  ({ field, parameter: name, values: is, range, not }) => {
    if ((field === undefined) === (name === undefined)) {
      throw new TypeError('expected either field or parameter');
    }
    const values = [...is, ...(range === undefined ? [] : [range])] as string[];
    return (not ? unless : when)((field ?? parameter(name!)) as string, ...values) as Condition;
  },
);
