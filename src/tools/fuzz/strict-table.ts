import { defineSession } from '../../protocol/session/session.ts';
import type { SessionTable, StateTable, TableRow } from '../../protocol/session/table.ts';

/**
 * The table as the judge of a server reads it. Three things differ from the table that is declared:
 *
 * - A row of `otherwise` stands beside the others, by the type of each message: what is sent out of order is followed, too.
 * - Nothing is sent unasked, except what `unsolicited` names.
 * - A final state may say what its `otherwise` says, or nothing.
 *
 * @param unasked - whether a state that does not name what it sends unasked may send anything
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
    // The judge knows what was refused, and what may be said about it.
    farewell: undefined,
  };
}

/** The table of a protocol without a session: one state, in which anything may be said. */
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

/** A row of a final state: what comes there need not be looked at. */
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
