import { show, showThrown } from '../../bytes/show.ts';
import { HandlerError } from '../../errors.ts';
import { callback, checkOptions } from '../../options.ts';
import type { Tagged } from './declaration.ts';
import { listed, type Outcome, oneOrUntil, types } from './outcome.ts';
import type { SessionTable } from './table.ts';

/** The `type`s of a union of messages. */
export type TypeOf<Message> = Message extends { readonly type: infer T extends string } ? T : string;

/**
 * The answer to a request:
 *
 * - `'none'`: nothing;
 * - `'one'`: exactly one message; `{ one: ['ok', 'error'] }` names its possible types;
 * - `{ until: 'done' }`: any number of messages, up to and including the first of that type, of one of these types, or for which
 * a function returns true. `of` names the types of the messages before it.
 *
 * With `id: false` the request and its replies have no number, although others do: the oldest request that expects the type of
 * the reply gets it. With a declared codec this is known.
 */
export type Expects<Request, Reply> =
  | 'none'
  | 'one'
  | { readonly one: TypeOf<Reply> | readonly TypeOf<Reply>[]; readonly id?: false | undefined }
  | {
      readonly until:
        | TypeOf<Reply>
        | readonly TypeOf<Reply>[]
        | ((reply: Reply, request: Request) => boolean);
      readonly of?: TypeOf<Reply> | readonly TypeOf<Reply>[] | undefined;
      readonly id?: false | undefined;
    };

/** The answer to each type of request; or a function of the request, if more than its type decides. */
export type ExpectsTable<Request, Reply> = {
  readonly [T in TypeOf<Request>]?:
    | Expects<RequestOf<Request, T>, Reply>
    | ((request: RequestOf<Request, T>) => Expects<RequestOf<Request, T>, Reply>);
};

type RequestOf<Request, T> = [Extract<Request, { readonly type: T }>] extends [never]
  ? Request
  : Extract<Request, { readonly type: T }>;

/** The answer to a request, checked. */
export interface Expectation {
  /** `'any'`: any number of messages, without a recognizable last one. */
  readonly count: 'none' | 'one' | 'many' | 'any';
  /** The types of the answer; undefined for any type. */
  readonly types: ReadonlySet<string> | undefined;
  /** For many messages: the types of the last; undefined if only `isLast` knows. */
  readonly last: ReadonlySet<string> | undefined;
  isLast(reply: object, request: object): boolean;
  /** False if neither the request nor its replies have a number. */
  readonly numbered: boolean;
  /** True if it was declared, by `expects` or by the outcomes of the session, and not assumed. */
  readonly declared: boolean;
}

/** Exactly one message of any type: the assumption if nothing is declared. */
export const ASSUMED: Expectation = expectation('one', undefined, { declared: false });

const NO_REPLY: Expectation = expectation('none', new Set());
const ONE: Expectation = expectation('one', undefined);

/** Finds the answer to a request. */
export type ExpectationOf = (request: object) => Expectation;

function expectation(
  count: Expectation['count'],
  types: ReadonlySet<string> | undefined,
  rest: Partial<Expectation> = {},
): Expectation {
  return { count, types, last: undefined, isLast: () => true, numbered: true, declared: true, ...rest };
}

/**
 * The expectations of a table, completed by the outcomes of a session.
 *
 * @throws TypeError for an entry that is none of the forms of `Expects`
 */
export function expectations(
  table: Readonly<Record<string, unknown>> = {},
  session?: SessionTable,
): { of: ExpectationOf; asks: ReadonlySet<string> } {
  if (typeof table !== 'object' || table === null) {
    throw new TypeError(`expects: expected an object by types of request, got ${show(table)}`);
  }
  const told = new Map<string, Expectation>();
  for (const type of session?.receives ?? []) {
    const outcome = outcomeOf(session!, type);
    if (outcome !== undefined) told.set(type, outcome);
  }
  const functions = new Map<string, (request: object) => unknown>();
  const asks = new Set<string>();
  for (const [type, entry] of Object.entries(table)) {
    if (entry === undefined) continue;
    if (entry !== 'none') asks.add(type);
    if (typeof entry === 'function') functions.set(type, entry as (request: object) => unknown);
    else told.set(type, compileExpects(entry, `expects.${type}`, told.get(type)));
  }
  return {
    asks,
    of(request) {
      const { type } = request as Tagged;
      const choose = functions.get(type);
      if (choose === undefined) return told.get(type) ?? ASSUMED;
      try {
        return compileExpects(choose(request), `expects.${type}()`, told.get(type));
      } catch (cause) {
        const text = `expects.${type}() failed: ${showThrown(cause)}`;
        throw new HandlerError('ERR_HANDLER', text, { messageType: type, cause });
      }
    },
  };
}

/** `session` is the expectation by the outcomes: the types of `'one'` come from it. */
function compileExpects(entry: unknown, where: string, session: Expectation | undefined): Expectation {
  if (entry === 'none') return NO_REPLY;
  if (entry === 'one') return session?.count === 'one' ? { ...session, declared: true } : ONE;
  if (typeof entry !== 'object' || entry === null) {
    throw new TypeError(`${where}: expected 'none', 'one', { one } or { until }, got ${show(entry)}`);
  }
  checkOptions(where, entry, { one: types, until: typesOrCallback, of: types, id: no });
  const { one, until, of, id } = entry as Record<string, unknown>;
  oneOrUntil(where, one, until, of);
  const numbered = id !== false;
  if (one !== undefined) {
    return expectation('one', listed(one), { numbered });
  }
  const before = of === undefined ? undefined : listed(of);
  if (typeof until === 'function') {
    return expectation('many', before, { isLast: until as Expectation['isLast'], numbered });
  }
  const last = listed(until);
  return expectation('many', before && new Set([...before, ...last]), {
    last,
    isLast: (reply) => last.has((reply as Tagged).type),
    numbered,
  });
}

/** The common outcome of all rows for a type; undefined if one of them declares nothing. */
function outcomeOf({ states }: SessionTable, type: string): Expectation | undefined {
  const outcomes: Outcome[] = [];
  for (const { final, on, otherwise } of states.values()) {
    const row = final ? undefined : (on.get(type) ?? otherwise);
    if (row === undefined) continue;
    if (row.outcomes === undefined) return undefined;
    outcomes.push(...row.outcomes.values());
  }
  if (outcomes.length === 0) return undefined;
  const all = new Set(outcomes.flatMap(({ types }) => [...types]));
  if (outcomes.every(({ one }) => one)) return expectation('one', all);
  if (all.size === 0) return NO_REPLY;
  // If a message has one answer in this state and many in another, a type that ends an answer must not also precede an end.
  const last = new Set(
    outcomes.flatMap((outcome) => [...(outcome.one ? outcome.types : (outcome.last ?? []))]),
  );
  const before = outcomes.flatMap(({ one, types, last }) =>
    one || last === undefined ? [] : [...types].filter((type) => !last.has(type)),
  );
  const ends = outcomes.every((outcome) => outcome.one || outcome.last !== undefined);
  if (!ends || before.some((type) => last.has(type))) return expectation('any', all);
  return expectation('many', all, { last, isLast: (reply) => last.has((reply as Tagged).type) });
}

function typesOrCallback(name: string, value: unknown): void {
  if (typeof value === 'function') callback(name, value);
  else types(name, value);
}

function no(name: string, value: unknown): void {
  if (value !== false) throw new TypeError(`${name} must be false or left out, got ${show(value)}`);
}
