import { show } from '../../bytes/show.ts';
import { StateError } from '../../errors.ts';
import { list, quoted, typeDetail } from './breach.ts';
import type { Tagged } from './declaration.ts';
import { ASSUMED, type ExpectationOf } from './expects.ts';
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
  readonly #expectationOf: ExpectationOf;
  /** The possible places of the server, at least one. */
  #places: readonly Place[];
  /** The sent messages by their numbers, from the smallest `at` of the places: those before are certainly answered. */
  readonly #sent = new Map<number, Sent>();
  /** The number of the first of them, and of the next message. */
  #first = 0;
  #next = 0;
  /** Set by a message that only the farewell explains: anything may follow, and nothing may be sent. */
  #over = false;
  /** Too many possibilities to follow the server. */
  #vague = false;
  /** The effects that rows with outcomes declare. */
  readonly #told = new Map<TableRow, readonly Lead[]>();

  constructor(table: SessionTable, expectationOf: ExpectationOf = () => ASSUMED) {
    this.#table = table;
    this.#expectationOf = expectationOf;
    const { initial } = table;
    this.#places = [placeIn(initial, initial.onEnter === undefined ? NO_TYPES : ANYTHING)];
  }

  /** The states that the server may be in, as far as its answers tell. */
  get states(): readonly State[] {
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
    const open = new Distinct(this.#places);
    for (const place of open.list) {
      if (open.list.length > MAX_WORK) return false;
      if (place.telling !== undefined) continue;
      const sent = this.#nextOf(place);
      if (sent === undefined) return false;
      for (const lead of this.#leads(place, sent)) {
        const { one, last } = lead.answer;
        if (!one && last === undefined) open.add(behind(place, lead, sent));
      }
    }
    return true;
  }

  /**
   * We are about to send a message.
   * @throws StateError with `origin: 'local'` if no state that the server may then be in has a row for it: do not send it,
   * nothing has changed
   */
  send(message: Sends): void {
    const type = (message as Partial<Tagged> | null | undefined)?.type as string;
    const last = this.#sent.get(this.#next - 1);
    const ahead = last?.after ?? this.#step(this.#places) ?? this.#lose();
    if (this.#over || !ahead.some(({ state }) => takes(state, type))) throw this.#refused(ahead, type);
    if (this.#vague) return;
    const untold = this.#untold(message as object);
    const allowed = this.#allowedBy(ahead, { type, untold });
    // The message only allows answers that the message before it allows.
    if (allowed !== undefined && includes(last?.allowed ?? NO_TYPES, allowed)) return;
    const after = this.#step(ahead, { type, untold });
    if (after === undefined || this.#sent.size === MAX_SENT) this.#lose();
    else this.#sent.set(this.#next++, { type, untold, allowed, after });
  }

  /**
   * A message was received.
   * @throws StateError with `origin: 'peer'` if no state that the server may be in could have sent it
   */
  receive(message: Receives): void {
    if (this.#over) return;
    const type = (message as Partial<Tagged> | null | undefined)?.type as string;
    const isKnown = this.#table.sends?.has(type) ?? true;
    let places = this.#vague ? undefined : this.#answering(type);
    if (places === undefined) {
      const all = this.#lose();
      places = isKnown ? all : [];
    } else if (places.length === 0 && isKnown) {
      // Nothing that we sent leads to it: it is unasked, if a state allows anything unasked.
      places = this.#places.filter(({ state }) => state.unsolicited === undefined && !state.final);
    }
    if (places.length > 0) {
      this.#narrow(places);
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
  #untold(message: object): Answer {
    try {
      const { declared, count, types = ANYTHING, last } = this.#expectationOf(message);
      if (declared) return { types, one: count === 'one', last };
    } catch {
      // The request itself is refused because of the error.
    }
    return UNTOLD;
  }

  /**
   * The types that a message allows, each any number of times, if it does nothing else to a server in one of these places.
   * Undefined if it may move the server.
   */
  #allowedBy(ahead: readonly Stand[], sent: Asked): Types | undefined {
    let allowed = NO_TYPES;
    for (const stand of ahead) {
      const leads = this.#leads(stand, sent);
      if (leads.length === 0) return undefined;
      for (const { to, isHeld, answer } of leads) {
        if (to !== stand.state || isHeld || answer.one || answer.last !== undefined) return undefined;
        allowed = union(allowed, answer.types);
      }
    }
    return allowed;
  }

  /** The possible places of the server once it has sent this; undefined if they are too many. */
  #answering(type: string): readonly Place[] | undefined {
    const found = new Distinct<Place>();
    const open = new Distinct(this.#places);
    for (const place of open.list) {
      if (open.list.length > MAX_WORK) return undefined;
      const { state, speaking, telling } = place;
      if (allows(speaking, type) || state.unsolicited?.has(type)) found.add(place);
      // A deadline or a timer may have passed at any time, and its handler may have sent messages.
      if (state.deadline?.row !== undefined || state.timers !== undefined) {
        for (const to of [state, ...this.#states(state.next)]) {
          found.add({ ...place, ...entered(place, to), speaking: ANYTHING, telling: undefined });
        }
      }
      if (telling !== undefined) {
        const { answer, then } = telling;
        if (answer.last!.has(type)) found.add(then);
        else if (allows(answer.types, type)) found.add(place);
        continue;
      }
      const sent = this.#nextOf(place);
      if (sent === undefined) continue;
      for (const lead of this.#leads(place, sent)) {
        const { types, one, last } = lead.answer;
        const then = behind(place, lead, sent);
        if (last?.has(type)) {
          found.add(then);
        } else if (allows(types, type)) {
          if (last !== undefined) found.add({ ...place, telling: { answer: lead.answer, then } });
          else found.add(one ? then : { ...then, speaking: union(then.speaking, types) });
        }
        // Or it sent nothing for that, and this comes later.
        if (!one && last === undefined) open.add(then);
      }
    }
    return found.list.length > MAX_PLACES ? undefined : found.list;
  }

  /** The message that a server in this place takes next; undefined if it has taken all. */
  #nextOf({ redo, at }: Place): Asked | undefined {
    return redo[0] ?? this.#sent.get(at);
  }

  /** The possible effects of a message in the server's place. */
  #leads({ state, held }: Stand, { type, untold }: Asked): readonly Lead[] {
    if (state.postpone?.has(type)) {
      const waits = { to: state, answer: NO_ANSWER, isHeld: true, isLasting: false };
      return held.length < MAX_POSTPONED ? [waits] : [];
    }
    const row = state.on.get(type) ?? state.otherwise;
    if (row === undefined) return [];
    const { outcomes, concurrent } = row;
    const isLasting = concurrent !== undefined;
    if (outcomes === undefined) {
      const states = isLasting ? [state] : [state, ...this.#states(state.next)];
      return states.map((to) => leadTo(to, untold, isLasting));
    }
    let told = this.#told.get(row);
    if (told === undefined) {
      told = [...outcomes].map(([name, outcome]) =>
        leadTo(this.#table.states.get(name)!, outcome, isLasting),
      );
      this.#told.set(row, told);
    }
    return told;
  }

  /**
   * The possible places of a server that was in one of these places, after it has taken the messages that were postponed until
   * there, and then that message. Undefined if they are too many.
   */
  #step(from: readonly Stand[], sent?: Asked): readonly Stand[] | undefined {
    const done = new Distinct<Stand>();
    const open = new Distinct<Stand>();
    const add = (state: StateTable, held: readonly Asked[], redo: readonly Asked[]): void =>
      (redo.length === 0 ? done : open).add({ state, held, redo });
    for (const { state, held, redo } of from) add(state, held, sent === undefined ? redo : [...redo, sent]);
    for (const stand of open.list) {
      if (open.list.length > MAX_WORK) return undefined;
      const first = stand.redo[0]!;
      for (const lead of this.#leads(stand, first)) {
        const { state, held, redo } = taken(stand, lead, first);
        add(state, held, redo);
      }
    }
    return done.list.length > MAX_PLACES ? undefined : done.list;
  }

  #states(names: Iterable<string>): StateTable[] {
    return [...names].map((name) => this.#table.states.get(name)!);
  }

  /** Give up following: the server may be in any state. */
  #lose(): readonly Place[] {
    this.#vague = true;
    this.#sent.clear();
    this.#first = this.#next = 0;
    const all = [...this.#table.states.values()].map((state) => placeIn(state, ANYTHING));
    this.#places = all;
    return all;
  }

  /** The server is in one of these places: forget answered messages, and compute again what follows. */
  #narrow(places: readonly Place[]): void {
    this.#places = places;
    const from = places.reduce((least, { at }) => Math.min(least, at), Infinity);
    for (; this.#first < from; this.#first++) this.#sent.delete(this.#first);
    let stands: readonly Stand[] = [];
    for (let at = from; at < this.#next; at++) {
      const sent = this.#sent.get(at)!;
      const next = this.#step([...stands, ...places.filter((place) => place.at === at)], sent);
      if (next === undefined) {
        this.#lose();
        return;
      }
      // Equal places have equal consequences.
      if (areSame(next, sent.after) && places.every((place) => place.at <= at)) return;
      stands = sent.after = next;
    }
  }
}

/** Types of messages; with `null`, all of them. */
type Types = ReadonlySet<string | null>;

/** The answer to a message, as an `Outcome`. */
interface Answer {
  readonly types: Types;
  readonly one: boolean;
  readonly last?: ReadonlySet<string> | undefined;
}

/** A message that we sent: its type, and its answer where the row has no outcomes. */
interface Asked {
  readonly type: string;
  readonly untold: Answer;
}

/** A message that was sent. */
interface Sent extends Asked {
  /** The types that it allows if it does nothing else; undefined if it may move the server. */
  readonly allowed: Types | undefined;
  /** The possible places of the server once it has taken it. */
  after: readonly Stand[];
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
  readonly speaking: Types;
  /** Set in the middle of an answer: what the answer may still contain, and the place after it. */
  readonly telling: { readonly answer: Answer; readonly then: Place } | undefined;
}

/** An effect of a message: the next state of the server, and what it answers. */
interface Lead {
  readonly to: StateTable;
  readonly answer: Answer;
  /** The message waits for the next state. */
  readonly isHeld: boolean;
  /** The answer may come at any time, until the state is left. */
  readonly isLasting: boolean;
}

const NONE: readonly never[] = [];
const NO_TYPES: Types = new Set(NONE);
const ANYTHING: Types = new Set([null]);
/** The answer if the table does not tell. */
const UNTOLD: Answer = { types: ANYTHING, one: false };
const NO_ANSWER: Answer = { types: NO_TYPES, one: false };

/** Places, each once. It may grow while it is walked. Most sessions have one place: it gets no key. */
class Distinct<P extends Stand> {
  readonly list: P[] = [];
  #keys: Set<string> | undefined;

  constructor(places: readonly P[] = NONE) {
    for (const place of places) this.add(place);
  }

  add(place: P): void {
    if (this.list.length > 0) {
      this.#keys ??= new Set(this.list.map(keyOf));
      const key = keyOf(place);
      if (this.#keys.has(key)) return;
      this.#keys.add(key);
    }
    this.list.push(place);
  }
}

function keyOf({ state, held, redo, at, speaking, telling }: Stand & Partial<Place>): string {
  const waiting = [held, redo].map((messages) => messages.map(({ type }) => type));
  return JSON.stringify([state.name, waiting, at, speaking && [...speaking], telling && keyOf(telling.then)]);
}

function areSame(some: readonly Stand[], others: readonly Stand[]): boolean {
  return some.length === others.length && some.every((stand, i) => isSame(stand, others[i]!));
}

function isSame({ state, held }: Stand, other: Stand): boolean {
  if (state !== other.state || held.length !== other.held.length) return false;
  return held.every(({ type }, i) => type === other.held[i]!.type);
}

function allows(types: Types, type: string | null): boolean {
  return types.has(type) || types.has(null);
}

function includes(types: Types, others: Types): boolean {
  return [...others].every((type) => allows(types, type));
}

function union(some: Types, others: Types): Types {
  const all = new Set([...some, ...others]);
  return all.has(null) ? ANYTHING : all;
}

function placeIn(state: StateTable, speaking: Types): Place {
  return { state, held: NONE, redo: NONE, at: 0, speaking, telling: undefined };
}

/** Concurrent answers come in any order. */
function leadTo(to: StateTable, answer: Answer, isLasting: boolean): Lead {
  return { to, answer: isLasting ? { types: answer.types, one: false } : answer, isHeld: false, isLasting };
}

function takes(state: StateTable, type: string): boolean {
  if (state.on.has(type) || state.postpone?.has(type)) return true;
  return state.on.size === 0 && state.otherwise !== undefined && !state.final;
}

/** A server in a state that may be another: the messages that it postponed come first there. */
function entered({ state, held, redo }: Stand, to: StateTable): Stand {
  return to === state ? { state, held, redo } : { state: to, held: NONE, redo: [...held, ...redo] };
}

/** A server that has taken the first of the messages that wait, if any does. */
function taken({ state, held, redo }: Stand, { to, isHeld }: Lead, message: Asked): Stand {
  return entered({ state, held: isHeld ? [...held, message] : held, redo: redo.slice(1) }, to);
}

/** The place after the server has taken its next message. */
function behind(place: Place, lead: Lead, message: Asked): Place {
  const { to, answer, isLasting } = lead;
  const still = isLasting ? union(place.speaking, answer.types) : NO_TYPES;
  const greets = to !== place.state && to.onEnter !== undefined;
  const speaking = greets ? ANYTHING : still;
  const { state, held, redo } = taken(place, lead, message);
  const at = place.redo.length > 0 ? place.at : place.at + 1;
  return { state, held, redo, at, speaking, telling: undefined };
}
