import {
  type AnyPart,
  anyText,
  callable,
  either,
  has,
  list,
  maybe,
  natural,
  oneOf,
  type Part,
  record,
  reference,
} from './part.ts';
import { inOrder } from './types.ts';
import { value } from './value.ts';

const own = {
  part: reference(callable()) as Part<never, unknown>,
  writes: (one: unknown) => typeof one === 'function',
  reads: has('function'),
};
const otherwise = { writes: () => true, reads: () => true };

/** One type or several; a single type is written without a list. */
const types = either<unknown, unknown>(
  'a type of message, or a list of them',
  {
    part: anyText as Part<never, unknown>,
    writes: (one) => typeof one === 'string',
    reads: (one) => typeof one === 'string',
  },
  { part: list(anyText, 1) as Part<never, unknown>, ...otherwise },
);

const numbered = maybe({
  schema: { const: false },
  toJson: () => false,
  read: () => false,
} as Part<false>);

const expectation = either<unknown, unknown>(
  "'none', 'one', { one }, { until } or a function",
  own,
  {
    part: oneOf('none', 'one') as Part<never, unknown>,
    writes: (one) => typeof one === 'string',
    reads: (one) => typeof one === 'string',
  },
  {
    part: record({ one: types, id: numbered }) as Part<never, unknown>,
    writes: has('one'),
    reads: has('one'),
  },
  {
    part: record({
      until: either<unknown, unknown>('types of message, or a function', own, {
        part: types as Part<never, unknown>,
        ...otherwise,
      }),
      of: maybe(types),
      id: numbered,
    }) as Part<never, unknown>,
    ...otherwise,
  },
);

const EXPECTS = list(record({ message: anyText, expects: expectation }));

const expects: Part<Readonly<Record<string, unknown>>> = {
  schema: EXPECTS.schema,
  toJson: (table, to) =>
    Object.entries(table)
      .filter(([, one]) => one !== undefined)
      .map(([message, one]) => to.named(message, () => ({ message, expects: expectation.toJson(one, to) }))),
  read: (json, from, path) =>
    inOrder(
      EXPECTS.read(json, from, path).map(({ message, expects: one }) => [message, withoutMissing(one)]),
      path,
    ),
};

function withoutMissing(one: unknown): unknown {
  if (typeof one !== 'object' || one === null) return one;
  return Object.fromEntries(Object.entries(one).filter(([, part]) => part !== undefined));
}

/** How replies find their requests. */
export const RULES: Readonly<Record<string, AnyPart>> = {
  id: maybe(
    either<unknown, unknown>(
      'a path, or { request, reply }',
      {
        part: anyText as Part<never, unknown>,
        writes: (one) => typeof one === 'string',
        reads: (one) => typeof one === 'string',
      },
      { part: record({ request: anyText, reply: anyText }) as Part<never, unknown>, ...otherwise },
    ),
  ),
  ids: maybe(list(value)),
  expects: maybe(expects),
  match: maybe(reference(callable())),
  isReply: maybe(
    either<unknown, unknown>('a list of types, or a function', own, {
      part: list(anyText) as Part<never, unknown>,
      ...otherwise,
    }),
  ),
  maxInFlight: maybe(natural),
  decode: maybe(reference(callable())),
};
