import { Absence } from './absence.ts';
import { Delivery } from './delivery.ts';
import type { Sent } from './packets.ts';
import { dated, type Publication } from './publication.ts';
import { dismissal } from './server-answers.ts';
import { matches } from './topics.ts';
import type { Visit } from './visit.ts';

/** What clients may cost a server. */
export interface SessionLimits {
  /** Clients that are known, connected or not. */
  readonly sessions: number;
  /** Filters of one client. */
  readonly subscriptions: number;
  /** The most messages of one client that wait while it is away, or are unacknowledged. */
  readonly messages: number;
}

/** The session options of a client's CONNECT. */
export interface Hello {
  readonly clientId: string;
  /** An earlier session ends. */
  readonly isClean: boolean;
  /** Seconds that it lasts without a connection. */
  readonly expiry: number;
  readonly receiveMaximum: number | undefined;
}

export interface Subscription {
  readonly qos: number;
  /** The client does not get its own messages (5.0 §3.8.3.1). */
  readonly noLocal: number;
  /** Its messages say whether they were retained. */
  readonly retainAsPublished: number;
  readonly identifier: number | undefined;
}

/** The state that a server keeps for a client across connections (§4.1). */
export class ClientSession {
  readonly clientId: string;
  /** Seconds that it lasts without a connection. */
  expiry: number;
  /** The connection, while there is one. */
  visit: Visit | undefined;
  /** While there is none. */
  absence: Absence | undefined;
  readonly delivery = new Delivery();
  readonly #limits: SessionLimits;
  #subscriptions: Map<string, Subscription> | undefined;

  constructor(clientId: string, expiry: number, limits: SessionLimits) {
    this.clientId = clientId;
    this.expiry = expiry;
    this.#limits = limits;
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions ?? NONE;
  }

  /** Returns false if the client has the most subscriptions allowed. */
  subscribe(filter: string, subscription: Subscription): boolean {
    this.#subscriptions ??= new Map();
    const all = this.#subscriptions;
    if (!all.has(filter) && all.size >= this.#limits.subscriptions) return false;
    all.set(filter, subscription);
    return true;
  }

  /** False where there was none. */
  unsubscribe(filter: string): boolean {
    return this.#subscriptions?.delete(filter) ?? false;
  }

  /** Send a message once if any subscription matches, or keep it for an absent client. Returns true if one matches. */
  deliver(publication: Publication, isOwn: boolean): boolean {
    let granted = -1;
    let isRetained = false;
    let identifiers: number[] | undefined;
    for (const [filter, { qos, noLocal, retainAsPublished, identifier }] of this.subscriptions) {
      if ((isOwn && noLocal === 1) || !matches(filter, publication.topic)) continue;
      granted = Math.max(granted, qos);
      isRetained ||= retainAsPublished === 1;
      if (identifier !== undefined) identifiers = [...(identifiers ?? []), identifier];
    }
    if (granted < 0) return false;
    const retain = isRetained && publication.retain;
    const packets = this.offer(
      { ...publication, qos: Math.min(granted, publication.qos), retain },
      identifiers,
    );
    this.visit?.send(packets);
    return true;
  }

  /** The packets to send now for a message; none if too many wait. */
  offer(publication: Publication, identifiers: readonly number[] = []): Sent[] {
    if (publication.qos > 0 && this.delivery.held >= this.#limits.messages) return [];
    if (identifiers.length === 0) return this.delivery.publish(publication);
    const { properties = [] } = publication;
    const own = identifiers.map((value) => ({ type: 'subscriptionIdentifier', value }) as const);
    return this.delivery.publish({ ...publication, properties: [...properties, ...own] });
  }

  /** A connection goes on with it. */
  resume(visit: Visit, expiry: number): void {
    this.absence?.cancel();
    this.absence = undefined;
    this.visit = visit;
    this.expiry = expiry;
  }
}

const NONE: ReadonlyMap<string, Subscription> = new Map();

/** The sessions of all clients, by client identifier. */
export class ClientSessions {
  readonly all: Map<string, ClientSession> = new Map();
  readonly #limits: SessionLimits;
  readonly #publish: (will: Publication) => void;
  #unnamed = 0;

  /** @param publish - is called with wills */
  constructor(limits: SessionLimits, publish: (will: Publication) => void) {
    this.#limits = limits;
    this.#publish = publish;
  }

  /** A client has connected. Returns true if its session existed before; undefined if there are too many sessions. */
  begin(visit: Visit, { clientId, isClean, expiry }: Hello): boolean | undefined {
    const name = clientId === '' ? `unnamed-${++this.#unnamed}` : clientId;
    const before = this.all.get(name);
    if (before === undefined && this.all.size >= this.#limits.sessions) return undefined;
    const earlier = before?.visit;
    if (isClean && before !== undefined) this.#end(before);
    const isKept = before !== undefined && !isClean;
    visit.session = isKept ? before : new ClientSession(name, expiry, this.#limits);
    visit.session.resume(visit, expiry);
    this.all.set(name, visit.session);
    // §3.1.4: a newer connection replaces the older one.
    earlier?.machine.leave(() => (earlier.version === 5 ? dismissal('sessionTakenOver') : undefined));
    return isKept;
  }

  /** A connection is over. Its session has moved to a newer connection, or waits, or ends; the will is published. */
  leave(visit: Visit): void {
    const { session, will, willDelay } = visit;
    if (session.visit === visit) this.#pause(session);
    if (will === undefined) return;
    const publish = (): void => this.#publish(dated(will));
    if (willDelay === 0 || this.all.get(session.clientId) !== session) publish();
    else session.absence?.will(willDelay, publish);
  }

  #pause(session: ClientSession): void {
    session.visit = undefined;
    session.delivery.pause();
    if (session.expiry === 0) this.#end(session);
    else {
      session.absence = new Absence();
      session.absence.after(session.expiry, () => this.#end(session));
    }
  }

  #end(session: ClientSession): void {
    if (this.all.get(session.clientId) === session) this.all.delete(session.clientId);
    session.absence?.hurry();
  }
}
