import { Delivery, type Publication } from './delivery.ts';
import type { Sent3 } from './packets.ts';
import { matches } from './topics.ts';
import type { Visit } from './visit.ts';

/** What one client may cost a server. */
export interface SessionLimits {
  readonly subscriptions: number;
  /** Messages that wait for a client that is away, or that have not been acknowledged. */
  readonly messages: number;
}

/** What a server keeps for a client beyond its connections (§3.1.2.4). */
export class ClientSession {
  readonly clientId: string;
  /** It ends with its connection. */
  readonly isClean: boolean;
  /** The connection, while there is one. */
  visit: Visit | undefined;
  readonly delivery = new Delivery();
  /** Filters, and the QoS that was granted. */
  readonly subscriptions: Map<string, number> = new Map();
  readonly #limits: SessionLimits;
  readonly #waiting: Publication[] = [];

  constructor(clientId: string, isClean: boolean, limits: SessionLimits) {
    this.clientId = clientId;
    this.isClean = isClean;
    this.#limits = limits;
  }

  /** False where the client has as many as it may. */
  subscribe(filter: string, qos: number): boolean {
    const { subscriptions } = this;
    if (!subscriptions.has(filter) && subscriptions.size >= this.#limits.subscriptions) return false;
    subscriptions.set(filter, qos);
    return true;
  }

  /** Send a message if any subscription asks for it, once; keep it for a client that is away. */
  deliver(publication: Publication): void {
    let granted = -1;
    for (const [filter, qos] of this.subscriptions) {
      if (qos > granted && matches(filter, publication.topic)) granted = qos;
    }
    if (granted < 0) return;
    const qos = Math.min(granted, publication.qos);
    const isFull = this.delivery.inFlight + this.#waiting.length >= this.#limits.messages;
    if (qos > 0 && isFull) return;
    const own = { ...publication, qos, retain: false };
    if (this.visit !== undefined) this.visit.send(this.delivery.publish(own));
    else if (qos > 0) this.#waiting.push(own);
  }

  /** What a connection that goes on with the session is sent first. */
  resumed(): Sent3[] {
    const before = this.delivery.resumed();
    return [...before, ...this.#waiting.splice(0).map((one) => this.delivery.publish(one))];
  }
}

/** The sessions of all clients, by their identifiers. */
export class ClientSessions {
  readonly all: Map<string, ClientSession> = new Map();
  readonly #limits: SessionLimits;
  #unnamed = 0;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  /** A client has connected. Answers whether its session was there before. */
  begin(visit: Visit, clientId: string, isClean: boolean): boolean {
    const name = clientId === '' ? `unnamed ${++this.#unnamed}` : clientId;
    const before = this.all.get(name);
    if (before?.visit !== undefined) {
      const earlier = before.visit;
      this.end(earlier);
      earlier.cut();
    }
    const kept = isClean ? undefined : this.all.get(name);
    visit.session = kept ?? new ClientSession(name, isClean, this.#limits);
    visit.session.visit = visit;
    this.all.set(name, visit.session);
    return kept !== undefined;
  }

  /** The connection is over, or another one has taken its session over. */
  end(visit: Visit): void {
    const { session } = visit;
    if (session.visit !== visit) return;
    session.visit = undefined;
    if (session.isClean) this.all.delete(session.clientId);
  }
}
