import { show } from '../../bytes/show.ts';
import { StateError } from '../../errors.ts';
import { list, quoted, typeDetail } from './breach.ts';
import type { Tagged } from './declaration.ts';
import type { ExpectationOf } from './expects.ts';
import type { Outcome } from './outcome.ts';
import type { SessionTable, StateTable, TableRow } from './table.ts';

/** The most unanswered messages, places, and places examined for one message: beyond these, the mirror is no longer exact. */
const MAX_SENT = 65_536;
const MAX_PLACES = 256;
const MAX_WORK = 4_096;
/** The most messages that a server may postpone. */
const MAX_POSTPONED = 64;

/**
 * A session seen from its other side, the client's: which states the server may be in, by the messages sent to it and its answers
 * so far. The same table judges both: a message that *we* send is wrong if no state that the server may then be in has a row for
 * it, and a message that *it* sends is wrong if no such state could have sent it.
 *
 *     sent      write        move          knows: {handshake} ──write──▶ {authenticated, closing} ──move──▶ …
 *     received  ok           …                    {authenticated}: only that leads past an 'ok'
 *
 * The more the table tells, the more the mirror detects: a row without `outcomes` may answer anything and lead to any `next`,
 * unless `expects` says what answers it. A message handled only by `otherwise` counts as unexpected, unless the state has no
 * other rows. A message that answers nothing we sent counts as sent unasked, or as the farewell, if the table has such. Messages
 * may be sent ahead of their answers.
 *
 * It holds a bounded amount of data, and does a bounded amount of work for each message. If that is not enough to follow the
 * server (65,536 unanswered messages, 256 possible places), it only checks from then on that messages have types of the table.
 *
 * Pure, as the run is: it throws errors, and has no side effects.
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
  readonly #expectationOf: ExpectationOf | undefined;
  /** The possible places of the server, at least one. */
  #places: Place[];
  /** The sent messages; those before the smallest `at` of the places are certainly answered. */
  readonly #sent: Sent[] = [];
  /** For each of them, the possible places of the server once it has taken it. */
  readonly #after: (readonly Stand[])[] = [];
  /** The number of `#sent[0]` since the start. */
  #first = 0;
  /** Set by a message that only the farewell explains: anything may follow, and nothing may be sent. */
  #over = false;
  /** Too many possibilities to follow the server. */
  #vague = false;
  /** The effects of messages by their rows, where nothing is postponed. */
  readonly #leadsOfRow = new Map<TableRow, readonly Lead[]>();

  constructor(table: SessionTable, expectationOf?: ExpectationOf) {
    this.#table = table;
    this.#expectationOf = expectationOf;
    const { initial } = table;
    const speaking = initial.onEnter === undefined ? undefined : ANYTHING;
    this.#places = [{ state: initial, held: NONE, redo: NONE, at: 0, speaking, telling: undefined }];
  }

  /** The states that the server may be in, as far as its answers tell. */
  get states(): readonly State[] {
    if (this.#places.length === 1) return [this.#places[0]!.state.name as State];
    return [...new Set(this.#places.map(({ state }) => state.name as State))];
  }

  /** The server's state, if only one is possible. */
  get state(): State | undefined {
    const { states } = this;
    return states.length === 1 ? states[0] : undefined;
  }

  /**
   * Whether the server still owes an answer. False if it may have answered everything, and if the table does not tell what
   * answers a message.
   */
  get owes(): boolean {
    if (this.#over) return false;
    const seen = new Set<string>();
    const open = [...this.#places];
    for (let place = open.pop(); place !== undefined && seen.size <= MAX_WORK; place = open.pop()) {
      const key = keyOf(place);
      if (seen.has(key) || place.telling !== undefined) continue;
      seen.add(key);
      const sent = place.redo[0] ?? this.#sent[place.at - this.#first];
      if (sent === undefined) return false;
      const taken = afterOne(place);
      for (const { to, held, outcome } of this.#leads(place, sent)) {
        const isSilent = !outcome.one && outcome.last === undefined;
        if (isSilent) open.push(entered(taken, to, { ...taken, held }));
      }
    }
    return seen.size <= MAX_WORK;
  }

  /**
   * We are about to send a message.
   * @throws StateError with `origin: 'local'` if no state that the server may then be in has a row for it: do not send it,
   * nothing has changed
   */
  send(message: Sends): void {
    const type = (message as Partial<Tagged> | null | undefined)?.type as string;
    const ahead = this.#ahead;
    if (this.#over || !ahead.some(({ state }) => takes(state, type))) throw this.#refused(ahead, type);
    if (this.#vague) return;
    const asked = { type, untold: this.#untold(message as object) };
    const kind = this.#kindOf(ahead, asked);
    const last = this.#sent.at(-1);
    // The message has no effect; or it only allows more of the answers that the message before it allows in any number.
    if (kind === 'silent' || (kind === 'still' && last?.type === type && last.isStill)) return;
    const sent: Sent = { ...asked, isStill: kind === 'still' };
    this.#sent.push(sent);
    const after = this.#step(ahead, sent);
    this.#after.push(after);
    if (this.#sent.length > MAX_SENT || after.length > MAX_PLACES) this.#lose();
  }

  /**
   * A message was received.
   * @throws StateError with `origin: 'peer'` if no state that the server may be in could have sent it
   */
  receive(message: Receives): void {
    if (this.#over) return;
    const type = (message as Partial<Tagged> | null | undefined)?.type as string;
    const places = this.#vague ? [] : this.#answering(type);
    if (this.#vague) {
      if (this.#table.sends?.has(type) ?? true) return;
    } else if (places.length > 0) {
      this.#narrow(places);
      return;
    }
    // Nothing that we sent leads to it: it is unasked, if a state allows anything unasked.
    const unasked = this.#places.filter(({ state }) => state.unsolicited === undefined && !state.final);
    if (unasked.length > 0 && (this.#table.sends?.has(type) ?? true)) {
      this.#narrow(unasked);
    } else if (this.#table.farewell !== undefined) {
      this.#over = true;
    } else {
      const names = this.states.join(' or ');
      const messageType = typeDetail(type);
      throw new StateError('ERR_STATE_UNEXPECTED', `${quoted(type)} cannot come in state '${names}'`, {
        state: names,
        messageType,
        actual: messageType ?? show(type),
      });
    }
  }

  /** The places in which our next message may find the server. */
  get #ahead(): readonly Stand[] {
    const after = this.#after.at(-1);
    if (after !== undefined) return after;
    // Postponed messages come before it.
    return this.#places.some(({ redo }) => redo.length > 0) ? this.#step(this.#places) : this.#places;
  }

  #refused(ahead: readonly Stand[], type: unknown): StateError {
    const states = [...new Set(ahead.map(({ state }) => state))];
    const names = states.map(({ name }) => name).join(' or ');
    const isClosed = this.#over || states.every(({ final }) => final);
    const expected = [...new Set(states.flatMap(({ on, postpone }) => [...on.keys(), ...(postpone ?? [])]))];
    const messageType = typeDetail(type);
    return new StateError(
      isClosed ? 'ERR_STATE_CLOSED' : 'ERR_STATE_UNEXPECTED',
      isClosed
        ? `${quoted(type)} cannot be sent: the session is over`
        : `${quoted(type)} may not be sent in state '${names}', only ${list(expected)}`,
      {
        origin: 'local',
        messageType,
        actual: messageType ?? show(type),
        ...(names !== '' && { state: names }),
        ...(!isClosed && { expected }),
      },
    );
  }

  /** The answer to a message whose row does not tell it. */
  #untold(message: object): Outcome {
    let expected: ReturnType<ExpectationOf> | undefined;
    try {
      expected = this.#expectationOf?.(message);
    } catch {
      // The request itself is refused because of the error.
    }
    if (expected === undefined || !expected.declared) return UNTOLD;
    const { count, types = ANYTHING, last } = expected;
    if (count === 'none') return NOTHING;
    return { types, one: count === 'one', last: count === 'many' ? last : undefined };
  }

  /**
   * The effect of a message on a server in one of these places: `'silent'`, none; `'still'`, any number of messages may follow,
   * but the server stays where it is.
   */
  #kindOf(ahead: readonly Stand[], sent: Asked): 'silent' | 'still' | 'moving' {
    let isSilent = true;
    for (const stand of ahead) {
      const leads = this.#leads(stand, sent);
      if (leads.length === 0) return 'moving';
      for (const { to, held, outcome } of leads) {
        const { types, one, last } = outcome;
        if (to !== stand.state || held !== stand.held || one || last !== undefined) return 'moving';
        if (types === ANYTHING || types.size > 0) isSilent = false;
      }
    }
    return isSilent ? 'silent' : 'still';
  }

  /** The possible places of the server once it has sent this. */
  #answering(type: string): Place[] {
    const only = this.#answeringAlone(type);
    if (only !== undefined) return only;
    const found = new Map<string, Place>();
    const seen = new Set<string>();
    const open = [...this.#places];
    let work = 0;
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const key = keyOf(place);
      if (seen.has(key)) continue;
      seen.add(key);
      if (++work > MAX_WORK || found.size > MAX_PLACES) {
        this.#lose();
        return [place];
      }
      const { state, speaking, telling } = place;
      const may = (next: Place): unknown => found.set(keyOf(next), next);
      if (speaking?.has(type) || state.unsolicited?.has(type)) may(place);
      // A deadline or a timer may have passed at any time, and its handler may have sent messages.
      if (state.deadline?.row !== undefined || state.timers !== undefined) {
        for (const to of [state, ...this.#states(state.next)]) {
          may(entered(place, to, { ...place, speaking: ANYTHING, telling: undefined }));
        }
      }
      if (telling !== undefined) {
        const { outcome, behind } = telling;
        if (outcome.last!.has(type)) may(behind);
        else if (outcome.types.has(type)) may(place);
        continue;
      }
      const sent = place.redo[0] ?? this.#sent[place.at - this.#first];
      if (sent === undefined) continue;
      const taken = afterOne(place);
      for (const { to, held, outcome, lasting } of this.#leads(place, sent)) {
        const greets = to !== state && to.onEnter !== undefined;
        const still = lasting ? both(speaking, outcome.types) : undefined;
        const behind = entered(taken, to, { ...taken, held, speaking: greets ? ANYTHING : still });
        const { types, one, last } = outcome;
        if (last !== undefined) {
          if (last.has(type)) may(behind);
          else if (types.has(type)) may({ ...place, telling: { outcome, behind } });
          continue;
        }
        if (types.has(type))
          may(one ? behind : { ...behind, speaking: greets ? ANYTHING : (still ?? types) });
        // Or it sent nothing for that, and this comes later.
        if (!one) open.push(behind);
      }
    }
    return [...found.values()];
  }

  /** As `#answering` for the common case: one place, in which the next message has one answer. Undefined in any other case. */
  #answeringAlone(type: string): Place[] | undefined {
    const [place, another] = this.#places as [Place, ...Place[]];
    if (another !== undefined || place.speaking !== undefined || place.telling !== undefined)
      return undefined;
    const { state, redo, at } = place;
    if (state.unsolicited?.has(type) || state.deadline?.row !== undefined || state.timers !== undefined) {
      return undefined;
    }
    const sent = this.#sent[at - this.#first];
    if (redo.length > 0 || sent === undefined) return undefined;
    const leads = this.#leads(place, sent);
    if (leads.length !== 1) return undefined;
    const { to, held, outcome, lasting } = leads[0]!;
    if (lasting || !outcome.one) return undefined;
    if (!outcome.types.has(type)) return [];
    const speaking = to !== state && to.onEnter !== undefined ? ANYTHING : undefined;
    return [entered(place, to, { state, held, redo: NONE, at: at + 1, speaking, telling: undefined })];
  }

  /** The possible effects of a message in the server's place. */
  #leads(stand: Stand, asked: Asked): readonly Lead[] {
    const { state, held } = stand;
    const row = state.on.get(asked.type) ?? state.otherwise;
    const isOfRow = row?.outcomes !== undefined && held === NONE && !state.postpone?.has(asked.type);
    if (!isOfRow) return this.#leadsFrom(stand, asked);
    let leads = this.#leadsOfRow.get(row);
    if (leads === undefined) {
      leads = this.#leadsFrom(stand, asked);
      this.#leadsOfRow.set(row, leads);
    }
    return leads;
  }

  #leadsFrom({ state, held }: Stand, { type, untold }: Asked): Lead[] {
    if (state.postpone?.has(type)) {
      if (held.length >= MAX_POSTPONED) return [];
      return [{ to: state, held: [...held, { type, untold }], outcome: NOTHING, lasting: false }];
    }
    const row = state.on.get(type) ?? state.otherwise;
    if (row === undefined) return [];
    const lasting = row.concurrent !== undefined;
    const { states } = this.#table;
    const told =
      row.outcomes === undefined
        ? [state, ...(lasting ? [] : this.#states(state.next))].map((to) => [to, untold] as const)
        : [...row.outcomes].map(([to, outcome]) => [states.get(to)!, outcome] as const);
    return told.map(([to, outcome]) => ({
      to,
      held,
      // Concurrent answers come in any order.
      outcome: lasting ? { types: outcome.types, one: false } : outcome,
      lasting,
    }));
  }

  /**
   * The possible places of the server after it has taken the messages that were postponed until one of these places, and then
   * that message.
   */
  #step(from: readonly Stand[], ...sent: readonly Asked[]): readonly Stand[] {
    const [only] = from;
    // The common case: one place, in which the message has one effect.
    if (from.length === 1 && sent.length === 1 && only!.redo.length === 0) {
      const leads = this.#leads(only!, sent[0]!);
      if (leads.length === 1) {
        const { to, held } = leads[0]!;
        const next = entered<Stand>(only!, to, { state: only!.state, held, redo: NONE });
        if (next.redo.length === 0) return [next];
      }
    }
    const done = new Map<string, Stand>();
    const seen = new Set<string>();
    const open: Stand[] = [...from].map((stand) => ({ ...standing(stand), redo: [...stand.redo, ...sent] }));
    for (let stand = open.pop(); stand !== undefined && seen.size <= MAX_WORK; stand = open.pop()) {
      const key = standKey(stand);
      if (seen.has(key)) continue;
      seen.add(key);
      const [first, ...redo] = stand.redo;
      if (first === undefined) {
        done.set(key, stand);
        continue;
      }
      for (const { to, held } of this.#leads(stand, first)) {
        open.push(entered(stand, to, { state: stand.state, held, redo }));
      }
    }
    return [...done.values()];
  }

  #states(names: Iterable<string>): StateTable[] {
    return [...names].map((name) => this.#table.states.get(name)!);
  }

  /** Give up following. */
  #lose(): void {
    this.#vague = true;
    this.#sent.length = this.#after.length = 0;
    this.#places = this.#states(this.#table.states.keys()).map((state) => ({
      state,
      held: NONE,
      redo: NONE,
      at: 0,
      speaking: ANYTHING,
      telling: undefined,
    }));
  }

  /** The server is in one of these places: forget answered messages, and compute again what follows. */
  #narrow(places: Place[]): void {
    if (this.#vague) return;
    this.#places = places;
    let from = Infinity;
    let to = 0;
    for (const { at } of places) {
      from = Math.min(from, at);
      to = Math.max(to, at);
    }
    const done = from - this.#first;
    // Not for each message, since all waiting entries would be moved.
    if (done >= 256 || done === this.#sent.length) {
      this.#sent.splice(0, done);
      this.#after.splice(0, done);
      this.#first = from;
    }
    let stands: readonly Stand[] = [];
    for (let i = from - this.#first; i < this.#sent.length; i++) {
      const at = this.#first + i;
      const here = places.filter((place) => place.at === at);
      const next = this.#step([...stands, ...here], this.#sent[i]!);
      const before = this.#after[i]!;
      const isSame = next.length === before.length && sameStands(next, before);
      // Equal places have equal consequences.
      if (isSame && at >= to) return;
      stands = next;
      this.#after[i] = next;
    }
  }
}

/** A message that we sent: its type, and its answers where the row has no outcomes. */
interface Asked {
  readonly type: string;
  readonly untold: Outcome;
}

/** A message that was sent. */
interface Sent extends Asked {
  /** The server stays where it is, whatever it answers. */
  readonly isStill: boolean;
}

/** A state, and the messages that wait in it. */
interface Stand {
  readonly state: StateTable;
  /** Messages postponed until the next state. */
  readonly held: readonly Asked[];
  /** Messages that were postponed until this state, and are taken first. */
  readonly redo: readonly Asked[];
}

/** A possible place of the server. */
interface Place extends Stand {
  /** The number of our messages that the server has taken. */
  readonly at: number;
  /** The types that the server may continue to send without another message from us. */
  readonly speaking: ReadonlySet<string> | undefined;
  /** Set in the middle of an answer: what the answer may still contain, and the place after it. */
  readonly telling: { readonly outcome: Outcome; readonly behind: Place } | undefined;
}

interface Lead {
  readonly to: StateTable;
  readonly held: readonly Asked[];
  readonly outcome: Outcome;
  /** The messages may come at any time, until the state is left. */
  readonly lasting: boolean;
}

const NONE: readonly never[] = [];

/** Any type, if the table does not tell. */
const ANYTHING: ReadonlySet<string> = new (class extends Set<string> {
  override has(): boolean {
    return true;
  }
})();
const UNTOLD: Outcome = { types: ANYTHING, one: false };
const NOTHING: Outcome = { types: new Set(), one: false };

function takes(state: StateTable, type: string): boolean {
  if (state.on.has(type) || state.postpone?.has(type)) return true;
  return state.on.size === 0 && state.otherwise !== undefined && !state.final;
}

/** The same place in a state that may be another: postponed messages come first there. */
function entered<P extends Stand>(before: Stand, state: StateTable, place: P): P {
  if (state === before.state) return place;
  return { ...place, state, held: NONE, redo: [...place.held, ...place.redo] };
}

/** The place after the server has taken the next message. */
function afterOne(place: Place): Place {
  return place.redo.length > 0 ? { ...place, redo: place.redo.slice(1) } : { ...place, at: place.at + 1 };
}

function standing({ state, held, redo }: Stand): Stand {
  return { state, held, redo };
}

function both(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  if (a === undefined || b === ANYTHING) return b;
  return a === ANYTHING ? a : new Set([...a, ...b]);
}

function sameStands(a: readonly Stand[], b: readonly Stand[]): boolean {
  if (a.length === 1 && b.length === 1) return standKey(a[0]!) === standKey(b[0]!);
  const keys = new Set(b.map(standKey));
  return a.every((stand) => keys.has(standKey(stand)));
}

function standKey({ state, held, redo }: Stand): string {
  if (held.length + redo.length === 0) return state.name;
  return `${state.name} ${held.map(({ type }) => type).join()} ${redo.map(({ type }) => type).join()}`;
}

function keyOf(place: Place): string {
  const { at, speaking, telling } = place;
  const said = speaking === undefined ? '' : speaking === ANYTHING ? '*' : [...speaking].join();
  return `${at} ${said} ${telling === undefined ? '' : `> ${keyOf(telling.behind)}`} ${standKey(place)}`;
}
