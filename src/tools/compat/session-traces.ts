import { showThrown } from '../../bytes/show.ts';
import { Mirror } from '../../protocol/session/mirror.ts';
import type { SessionTable } from '../../protocol/session/table.ts';
import { strictTable } from '../fuzz/strict-table.ts';
import type { Change, Trace, TraceMessage } from './change.ts';

/** The most conversations that are examined, and the most messages in one. Beyond these, no trace is found. */
const MAX_CONVERSATIONS = 400;
const MAX_MESSAGES = 12;

/** The states that either version's server may be in when a client message is sent. */
interface Asked {
  readonly states: ReadonlySet<string>;
  readonly type: string;
}

interface Found extends Trace {
  readonly asked: readonly Asked[];
  /** The states in which the last message is sent. */
  readonly states: ReadonlySet<string>;
}

type Side = Mirror<object, object, string>;

/** Give each change that breaks sessions the shortest conversation that shows it, if the tables tell one. */
export function withTraces(changes: readonly Change[], old: SessionTable, now: SessionTable): Change[] {
  if (changes.every(({ breaks }) => breaks.length === 0)) return [...changes];
  const traces = new Map<Change, Trace>();
  for (const { asked, states, ...trace } of conversations(old, now)) {
    for (const change of shownBy(changes, asked, states)) {
      if (!traces.has(change)) traces.set(change, trace);
    }
  }
  return changes.map((change) => {
    const trace = traces.get(change);
    return trace === undefined ? change : { ...change, trace };
  });
}

/** The changes of the last changed row on the way; if no row changed, the changes of the state where the conversation ends, or begins. */
function shownBy(changes: readonly Change[], asked: readonly Asked[], states: ReadonlySet<string>): Change[] {
  const broken = changes.filter(({ breaks }) => breaks.length > 0);
  const at = (paths: readonly string[]): Change[] => broken.filter(({ path }) => paths.includes(path));
  for (const { states: from, type } of asked.toReversed()) {
    const found = at([...from].flatMap((name) => [`session.${name}.${type}`, `session.${name}.otherwise`]));
    if (found.length > 0) return found;
  }
  const found = at([...states].map((name) => `session.${name}`));
  return found.length > 0 ? found : at(['session.initial']);
}

/** Conversations that one version allows completely and the other one up to the message before the last; the shortest first. */
function* conversations(old: SessionTable, now: SessionTable): Generator<Found> {
  const tables = [old, now].map((table) => strictTable(table));
  const alphabet = typesOf(old, now);
  const open: { messages: readonly TraceMessage[]; asked: readonly Asked[] }[] = [
    { messages: [], asked: [] },
  ];
  const seen = new Set<string>();
  for (const { messages, asked } of open) {
    if (messages.length === MAX_MESSAGES) continue;
    const sides = tables.map((table) => replayed(table, messages)) as Side[];
    const states = new Set(sides.flatMap((side) => [...side.states]));
    const isOwed = sides.some(({ owes }) => owes);
    for (const message of alphabet) {
      if (isOwed && message.from === 'client') continue;
      const longer = [...messages, message];
      const after = tables.map((table) => replayed(table, longer));
      const isAsked = message.from === 'client';
      const sent = isAsked ? [...asked, { states, type: message.type }] : asked;
      const refused = after.findIndex((side) => side instanceof Error);
      if (refused < 0) {
        const key = JSON.stringify([
          (after as Side[]).map((side) => [side.states, side.owes]),
          (after as Side[]).some(({ owes }) => owes) && sent.at(-1)?.type,
        ]);
        if (seen.has(key) || open.length === MAX_CONVERSATIONS) continue;
        seen.add(key);
        open.push({ messages: longer, asked: sent });
      } else if (!after.every((side) => side instanceof Error)) {
        const [refuses, fault] = [refused === 0 ? old : now, after[refused] as Error];
        // A message sent unasked is refused only if the state says which ones are allowed.
        const isAnswer = isAsked || isOwed;
        if (!isAnswer && !(replayed(strictTable(refuses, true), longer) instanceof Error)) continue;
        const by = refused === 0 ? 'new' : 'old';
        yield { by, messages: longer, outcome: showThrown(fault), asked: isAnswer ? sent : [], states };
      }
    }
  }
}

/** The session after these messages, as its other side sees it; or why the last message is not allowed. */
function replayed(table: SessionTable, messages: readonly TraceMessage[]): Side | Error {
  const side: Side = new Mirror(table);
  try {
    for (const { from, type } of messages) {
      if (from === 'client') side.send({ type });
      else side.receive({ type });
    }
    return side;
  } catch (error) {
    return error as Error;
  }
}

/** All messages that either session names. */
function typesOf(...tables: readonly SessionTable[]): TraceMessage[] {
  const [client, server] = [new Set<string>(), new Set<string>()];
  for (const { receives, sends, states } of tables) {
    for (const type of receives) client.add(type);
    for (const type of sends ?? []) server.add(type);
    for (const { on, otherwise, unsolicited, receives: own } of states.values()) {
      for (const type of own ?? []) client.add(type);
      for (const type of unsolicited ?? []) server.add(type);
      for (const { outcomes } of [...on.values(), ...(otherwise ? [otherwise] : [])]) {
        for (const { types } of outcomes?.values() ?? []) for (const type of types) server.add(type);
      }
    }
  }
  return [
    ...[...client].map((type) => ({ from: 'client', type }) as const),
    ...[...server].map((type) => ({ from: 'server', type }) as const),
  ];
}
