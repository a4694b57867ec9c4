import { defineSession, type Session } from '../../protocol/session/session.ts';
import type { DeadlineTable, SessionTable, StateTable, TableRow } from '../../protocol/session/table.ts';
import { type AnyCodec, codec } from './codec.ts';
import { at, DocumentError, inside } from './document-error.ts';
import { framing } from './framing.ts';
import {
  absent,
  anyText,
  callable,
  either,
  flag,
  has,
  type Json,
  list,
  maybe,
  natural,
  objectAt,
  type Part,
  type Reader,
  readMembers,
  record,
  reference,
  type Schema,
  type Writer,
  writeMembers,
} from './part.ts';
import { inOrder } from './types.ts';

// biome-ignore lint/suspicious/noExplicitAny: any session
export type AnySession = Session<any, any, string, any>;
type Outcome = NonNullable<TableRow['outcomes']> extends ReadonlyMap<string, infer O> ? O : never;

const types = list(anyText);
const handler = reference(callable());
/** A function that only observes and may be left out; its stand-in does nothing. */
const quiet = maybe(reference(callable(() => () => undefined)));

/** The messages sent on the way to a state: exactly these, any number of these, or any number followed by one of those. */
const OUTCOME = record({
  state: anyText,
  one: maybe(types),
  any: maybe(types),
  until: maybe(types),
  of: maybe(types),
});

const outcomes: Part<ReadonlyMap<string, Outcome>, Readonly<Record<string, unknown>>> = {
  schema: { type: 'array', items: OUTCOME.schema, minItems: 1 },
  toJson: (all, to) =>
    list(OUTCOME).toJson(
      [...all].map(([state, { types: sent, one, last }]) => {
        const every = [...sent];
        const none = { one: undefined, any: undefined, until: undefined, of: undefined };
        if (one) return { ...none, state, one: every };
        if (last === undefined) return { ...none, state, any: every };
        const before = every.filter((type) => !last.has(type));
        return { ...none, state, until: [...last], of: before.length > 0 ? before : undefined };
      }),
      to,
    ),
  read(json, from, path) {
    const all = list(OUTCOME, 1).read(json, from, path);
    const entries = all.map(({ state, one, any, until, of }, index): readonly [string, unknown] => {
      const own = inside(path, index);
      if ([one, any, until].filter((way) => way !== undefined).length !== 1) {
        throw new DocumentError(own, 'expected one of one, any, until');
      }
      if (of !== undefined && until === undefined) throw new DocumentError(own, 'of belongs to until');
      // A single type is written as the maker takes it, since it names the answer.
      if (one?.length === 1) return [state, one[0]];
      return [state, any ?? (one ? { one } : { until: until!, ...(of && { of }) })];
    });
    return inOrder(entries, path);
  },
};

const concurrent = maybe(
  either<unknown, unknown>(
    'the path of a key, or a function',
    {
      part: reference(callable(() => () => undefined)) as Part<never, unknown>,
      writes: (one) => typeof one === 'function',
      reads: has('function'),
    },
    { part: anyText as Part<never, unknown>, writes: () => true, reads: () => true },
  ),
);

const ROW = { handle: handler, outcomes: maybe(outcomes), concurrent };
const row: Part<TableRow<never>, unknown> = {
  schema: record(ROW).schema,
  toJson: (one, to) => writeMembers(ROW, rowOf(one), to),
  read: (json, from, path) => defined(readMembers(ROW, objectAt(json, path), from, path)),
};

function rowOf({
  handle,
  outcomes: all,
  concurrent: key,
  keyPath,
}: TableRow<never>): Record<string, unknown> {
  return { handle, outcomes: all, concurrent: keyPath ?? key };
}

/** Rows by their message or timer, in order. */
function rows(key: 'message' | 'timer'): Part<ReadonlyMap<string, TableRow<never>>, Record<string, unknown>> {
  const members = { [key]: anyText, ...ROW };
  return {
    schema: { type: 'array', items: record(members).schema },
    toJson: (all, to) =>
      [...all].map(([name, one]) =>
        to.named(name, () => writeMembers(members, { [key]: name, ...rowOf(one) }, to)),
      ),
    read(json, from, path) {
      const entries = list(record(members)).read(json, from, path) as readonly Record<string, unknown>[];
      return inOrder(
        entries.map(({ [key]: name, ...one }) => [name as string, defined(one)] as const),
        path,
      );
    },
  };
}

const DEADLINE = {
  ...{ within: maybe(natural), idle: maybe(natural), frame: maybe(natural) },
  handle: maybe(handler),
};
const deadline: Part<DeadlineTable, object> = {
  schema: record(DEADLINE).schema,
  toJson: ({ within, idle, frame, row: taken }, to) => {
    const limits = Object.entries({ within, idle, frame }).filter(([, length]) => length !== Infinity);
    return to.named('deadline', () =>
      writeMembers(DEADLINE, { ...Object.fromEntries(limits), handle: taken?.handle }, to),
    );
  },
  read: (json, from, path) => defined(readMembers(DEADLINE, objectAt(json, path), from, path)),
};

/** A part of a state, or a function that creates it. */
function orMade<In, Out>(part: Part<In, Out>): Part<unknown, unknown> {
  return either<unknown, unknown>(
    'it, or a function',
    {
      part: reference(callable(absent)) as Part<never, unknown>,
      writes: (one) => typeof one === 'function',
      reads: has('function'),
    },
    { part: part as unknown as Part<never, unknown>, writes: () => true, reads: () => true },
  );
}

const STATE = {
  name: anyText,
  on: rows('message'),
  otherwise: maybe(row),
  next: types,
  unsolicited: maybe(types),
  deadline: maybe(deadline),
  postpone: maybe(types),
  timers: maybe(rows('timer')),
  onEnter: quiet,
  onEnd: quiet,
  final: flag,
  framing: maybe(orMade(framing)),
  receives: maybe(orMade(codec)),
  sends: maybe(orMade(codec)),
};

const state: Part<StateTable, readonly [string, object]> = {
  schema: record(STATE).schema,
  toJson: (one, to) =>
    to.named(one.name, () => writeParts(STATE, { ...one, ...lists(one), ...(one.line ?? {}) }, one, to)),
  read(json, from, path) {
    const { name, ...parts } = readMembers(STATE, objectAt(json, path), from, path);
    return [name as string, defined(parts)];
  },
};

/** The functions of a state are named after their parts. */
function writeParts(
  parts: typeof STATE,
  values: Readonly<Record<string, unknown>>,
  { line }: StateTable,
  to: Writer,
): Json {
  const own: Record<string, Json> = {};
  for (const [name, part] of Object.entries(parts)) {
    const isLine = ['framing', 'receives', 'sends'].includes(name);
    const value = isLine ? (line as Record<string, unknown> | undefined)?.[name] : values[name];
    if (value === undefined) continue;
    // Rows are named after their messages alone.
    const isOwn = name !== 'on' && name !== 'deadline';
    const write = (): Json => (part as Part<unknown>).toJson(value, to);
    own[name] = isOwn ? to.named(name, write) : write();
  }
  return own;
}

function lists({ next, unsolicited, postpone }: StateTable): object {
  return {
    next: [...next],
    unsolicited: unsolicited && [...unsolicited],
    postpone: postpone && [...postpone],
  };
}

const told = maybe(
  either<unknown, unknown>(
    'a list of types, or null',
    {
      part: { schema: { type: 'null' }, toJson: () => null, read: () => null } as Part<never, unknown>,
      writes: (one) => one === null,
      reads: (one) => one === null,
    },
    { part: types as Part<never, unknown>, writes: () => true, reads: () => true },
  ),
);

const SESSION = {
  initial: anyText,
  ready: anyText,
  /** What the state's own codecs declare; null for a codec without a declaration. */
  receives: told,
  sends: told,
  context: quiet,
  dispose: quiet,
  farewell: quiet,
  states: list(state, 1),
};

/** The table of the server's session. Its functions are named, and their code is not written. */
export const SESSION_SCHEMA: Schema = record(SESSION).schema;

export function writeSession(
  table: SessionTable,
  { clientMessages, serverMessages }: { clientMessages: AnyCodec; serverMessages: AnyCodec },
  to: Writer,
): Json {
  const { initial, ready, states, farewell, context, dispose } = table;
  const differing = (
    own: readonly string[] | undefined,
    codecTypes: readonly string[] | undefined,
  ): unknown => (String(own) === String(codecTypes) ? undefined : (own ?? null));
  const values = {
    ...{ initial: initial.name, ready: ready.name },
    receives: differing(table.told.receives, clientMessages.types),
    sends: differing(table.told.sends, serverMessages.types),
    ...{ context, dispose, farewell, states: [...states.values()] },
  } as Record<string, unknown>;
  return to.named('session', () =>
    Object.fromEntries(
      Object.entries(SESSION)
        .filter(([name]) => values[name] !== undefined)
        .map(([name, part]) => {
          const write = (): Json => (part as Part<unknown>).toJson(values[name], to);
          return [name, name === 'states' ? write() : to.named(name, write)];
        }),
    ),
  );
}

export function readSession(
  json: unknown,
  { clientMessages, serverMessages }: { clientMessages: AnyCodec; serverMessages: AnyCodec },
  from: Reader,
  path: string,
): AnySession {
  const { receives, sends, states, ...parts } = readMembers(SESSION, objectAt(json, path), from, path);
  const telling = (own: unknown, theirs: AnyCodec): unknown =>
    own === undefined ? theirs : { ...(own !== null && { types: own }) };
  const table = inOrder(states as never, inside(path, 'states'));
  return at(path, () =>
    defineSession({
      ...defined(parts),
      receives: telling(receives, clientMessages),
      sends: telling(sends, serverMessages),
      states: table,
    } as never),
  ) as AnySession;
}

function defined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined));
}
