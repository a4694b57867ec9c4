import { StateError } from '../../errors.ts';
import type { Tagged } from './declaration.ts';
import type { Outcome } from './outcome.ts';
import type { SessionTable, StateTable } from './table.ts';

/**
 * A session seen from its other side, the client's: which states the server may be in, by what was sent to it and
 * what it has answered so far. The same table judges both: what *we* send is wrong where no state that the server may
 * be in by then has a row for it, and what *it* sends is wrong where no such state could have.
 *
 *     sent      write        move          knows: {handshake} ──write──▶ {authenticated, closing} ──move──▶ …
 *     received  ok           …                    {authenticated}: only that leads past an 'ok'
 *
 * The more the table tells, the sharper this sees: a row without `outcomes` may answer anything and lead to any
 * `next`. A message that only `otherwise` takes is out of place, unless the state has nothing but that. A message that
 * answers nothing we sent is taken as sent unasked, or as the farewell, where the table has such. Messages may be sent
 * ahead of their answers.
 *
 * Pure, as the run is: it is told, and says no by throwing.
 *
 * @example
 * const mirror = drone.session.mirror();
 * mirror.send({ type: 'move', x: 1, y: 1 }); // StateError, origin 'local': before the handshake
 * mirror.send({ type: 'write', text: 'HELLO' });
 * mirror.receive({ type: 'ok', text: 'AUTH_OK' });
 * mirror.state; // 'authenticated'
 */
export class Mirror<Sends, Receives, State extends string> {
  readonly #table: SessionTable;
  /** What the server may have come to, at least one; `at` counts messages of ours that it has answered. */
  #places: Place[];
  /** The types of what was sent; those before `first` are answered for certain. */
  #sent: string[] = [];
  /** Beside each of them, the states that the server may be in once it has taken it. */
  #after: ReadonlySet<StateTable>[] = [];
  /** The number that `#sent[0]` has in all. */
  #first = 0;
  /** Something came that only the farewell explains: anything may follow, and nothing may be sent. */
  #over = false;

  constructor(table: SessionTable) {
    this.#table = table;
    const { initial } = table;
    this.#places = [
      { state: initial, at: 0, speaking: initial.onEnter === undefined ? undefined : ANYTHING },
    ];
  }

  /** The states that the server may be in, as far as its answers tell. */
  get states(): readonly State[] {
    return [...new Set(this.#places.map(({ state }) => state.name as State))];
  }

  /** The server's state, if there is but one that it can be in. */
  get state(): State | undefined {
    const { states } = this;
    return states.length === 1 ? states[0] : undefined;
  }

  /**
   * We are about to send a message.
   * @throws StateError with `origin: 'local'` when no state that the server may be in by then has a row for it: do
   *   not send it, nothing has changed
   */
  send(message: Sends): void {
    const { type } = message as Tagged;
    const ahead = this.#ahead;
    if (!this.#over && [...ahead].some((state) => takes(state, type))) {
      this.#sent.push(type);
      this.#after.push(this.#step(ahead, type));
      return;
    }
    const names = [...ahead].map(({ name }) => name).join(' or ');
    const closed = this.#over || [...ahead].every(({ final }) => final);
    const expected = [...new Set([...ahead].flatMap(({ on }) => [...on.keys()]))];
    throw new StateError(
      closed ? 'ERR_STATE_CLOSED' : 'ERR_STATE_UNEXPECTED',
      closed
        ? `'${type}' cannot be sent: the session is over`
        : `'${type}' may not be sent in state '${names}', only ${expected.join(', ') || 'nothing'}`,
      {
        origin: 'local',
        messageType: type,
        actual: type,
        ...(names !== '' && { state: names }),
        ...(!closed && { expected }),
      },
    );
  }

  /**
   * A message has come.
   * @throws StateError with `origin: 'peer'` when no state that the server may be in could have sent it
   */
  receive(message: Receives): void {
    if (this.#over) return;
    const { type } = message as Tagged;
    const places = this.#answering(type);
    if (places.length > 0) {
      this.#narrow(places);
      return;
    }
    // Nothing that we sent leads to it: unasked, where a state does not say what it may send so.
    const unasked = this.#places.filter(({ state }) => state.unsolicited === undefined && !state.final);
    if (unasked.length > 0 && (this.#table.sends?.has(type) ?? true)) {
      this.#narrow(unasked);
    } else if (this.#table.farewell !== undefined) {
      this.#over = true;
    } else {
      const names = this.states.join(' or ');
      throw new StateError('ERR_STATE_UNEXPECTED', `'${type}' cannot come in state '${names}'`, {
        state: names,
        messageType: type,
        actual: type,
      });
    }
  }

  /** The states in which the next message of ours may find the server. */
  get #ahead(): ReadonlySet<StateTable> {
    return this.#after.at(-1) ?? new Set(this.#places.map(({ state }) => state));
  }

  /** Where the server may be once it has sent this. */
  #answering(type: string): Place[] {
    const found = new Map<string, Place>();
    const seen = new Set<string>();
    const open = [...this.#places];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const { state, at, speaking } = place;
      if (seen.has(keyOf(place))) continue;
      seen.add(keyOf(place));
      const may = (next: Place): unknown => found.set(keyOf(next), next);
      if (speaking?.has(type) || state.unsolicited?.has(type)) may(place);
      // A deadline may have passed, whenever it likes, and its handler have said so.
      if (state.deadline?.row !== undefined) {
        for (const to of [state, ...this.#states(state.next)]) may({ state: to, at, speaking: ANYTHING });
      }
      const sent = this.#sent[at - this.#first];
      if (sent === undefined) continue;
      for (const { to, outcome } of this.#leads(state, sent)) {
        const greets = to !== state && to.onEnter !== undefined;
        const more = greets ? ANYTHING : outcome.one ? undefined : outcome.types;
        if (outcome.types.has(type)) may({ state: to, at: at + 1, speaking: more });
        // Or it said nothing to that, and this comes later.
        if (!outcome.one) open.push({ state: to, at: at + 1, speaking: greets ? ANYTHING : undefined });
      }
    }
    return [...found.values()];
  }

  /** What may come of a message in a state. */
  #leads(state: StateTable, type: string): { to: StateTable; outcome: Outcome }[] {
    const row = state.on.get(type) ?? state.otherwise;
    if (row === undefined) return [];
    const { states } = this.#table;
    if (row.outcomes !== undefined) {
      return [...row.outcomes].map(([to, outcome]) => ({ to: states.get(to)!, outcome }));
    }
    return [state, ...this.#states(state.next)].map((to) => ({ to, outcome: UNTOLD }));
  }

  /** The states that may follow when a message is taken in one of these. */
  #step(from: Iterable<StateTable>, type: string): ReadonlySet<StateTable> {
    const next = new Set<StateTable>();
    for (const state of from) {
      for (const { to } of this.#leads(state, type)) next.add(to);
    }
    return next;
  }

  #states(names: Iterable<string>): StateTable[] {
    return [...names].map((name) => this.#table.states.get(name)!);
  }

  /** The server is in one of these: forget what is answered, and think again of what follows. */
  #narrow(places: Place[]): void {
    this.#places = places;
    const from = Math.min(...places.map(({ at }) => at));
    const to = Math.max(...places.map(({ at }) => at));
    const done = from - this.#first;
    if (done > 0) {
      this.#sent.splice(0, done);
      this.#after.splice(0, done);
      this.#first = from;
    }
    let states: ReadonlySet<StateTable> = new Set();
    for (let i = 0; i < this.#sent.length; i++) {
      const at = from + i;
      const here = places.filter((place) => place.at === at).map(({ state }) => state);
      states = this.#step(new Set([...states, ...here]), this.#sent[i]!);
      const before = this.#after[i]!;
      const same = states.size === before.size && [...states].every((state) => before.has(state));
      // What follows from the same is the same.
      if (same && at >= to) return;
      this.#after[i] = states;
    }
  }
}

interface Place {
  readonly state: StateTable;
  readonly at: number;
  /** The types that the server may go on saying without being told anything. */
  readonly speaking: ReadonlySet<string> | undefined;
}

/** Any type: where the table does not tell. */
const ANYTHING: ReadonlySet<string> = new (class extends Set<string> {
  override has(): boolean {
    return true;
  }
})();
const UNTOLD: Outcome = { types: ANYTHING, one: false };

function takes(state: StateTable, type: string): boolean {
  return state.on.has(type) || (state.on.size === 0 && state.otherwise !== undefined && !state.final);
}

function keyOf({ state, at, speaking }: Place): string {
  return `${at} ${speaking === undefined ? '' : [...speaking].join()} ${speaking === ANYTHING} ${state.name}`;
}
