import { defineSession } from '../../protocol/session/session.ts';
import type { SessionTable, StateTable, TableRow } from '../../protocol/session/table.ts';

/**
 * The table as the judge of a server reads it. It differs from the declared table in three points:
 *
 * - A row of `otherwise` becomes a row for each message type without one, so messages out of order are followed too.
 * - Nothing is sent unasked, except what `unsolicited` names.
 * - A final state may send what its `otherwise` row sends, or nothing.
 *
 * @param unasked - whether a state without `unsolicited` may send anything unasked
 */
export function strictTable(table: SessionTable, unasked = false): SessionTable {
  const states = new Map<string, StateTable>();
  for (const state of table.states.values()) {
    const types = state.receives ?? table.receives;
    states.set(state.name, {
      ...state,
      on: new Map(rowsOf(state, [...types])),
      unsolicited: state.unsolicited ?? (unasked && !state.final ? undefined : NOTHING),
    });
  }
  const { initial, ready } = table;
  return {
    ...table,
    states,
    initial: states.get(initial.name)!,
    ready: states.get(ready.name)!,
    // The judge knows what was refused, and which messages may report it.
    farewell: undefined,
  };
}

/** The table of a protocol without a session: one state in which anything may be sent. */
export function openTable(): SessionTable {
  const codec = { decode: () => ({ type: '' }), encode: () => new Uint8Array() };
  const open = { otherwise: () => undefined };
  return defineSession({ receives: codec, sends: codec, initial: 'open', states: { open } }).table;
}

const NOTHING: ReadonlySet<string> = new Set();

function* rowsOf(state: StateTable, types: readonly string[]): Generator<[string, TableRow]> {
  for (const type of new Set([...state.on.keys(), ...types])) {
    if (state.postpone?.has(type)) continue;
    const row = state.on.get(type) ?? state.otherwise;
    if (state.final) yield [type, mayBeIgnored(state, row)];
    else if (row !== undefined) yield [type, row];
  }
}

/** A row of a final state: the server need not look at messages there. */
function mayBeIgnored({ name, otherwise }: StateTable, row: TableRow | undefined): TableRow {
  const { handle = () => undefined, outcomes } = row ?? otherwise ?? {};
  const said = [...(outcomes?.values() ?? [])].flatMap(({ types }) => [...types]);
  return {
    handle,
    outcomes: new Map([[name, { types: new Set(said), one: false }]]),
    answer: undefined,
    concurrent: undefined,
  };
}
