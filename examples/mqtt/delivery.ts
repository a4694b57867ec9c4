import type { OfType } from 'wirepipe';
import type { Sent } from './packets.ts';
import { isExpired, type Publication, propertiesOf } from './publication.ts';

type Publish = OfType<Sent, 'publish'>;
type Release = OfType<Sent, 'pubrel'>;

/**
 * The state that a session keeps of its messages beyond a connection (§4.1, §4.3), the same for client and server.
 *
 *     QoS 1   PUBLISH ─▶ ◀─ PUBACK                          again after a new connection until it is acknowledged
 *     QoS 2   PUBLISH ─▶ ◀─ PUBREC   PUBREL ─▶ ◀─ PUBCOMP    the receiver keeps the number until PUBREL
 *
 * Between connections, and when as many are under way as the other side takes (5.0 §4.9), messages wait.
 */
export class Delivery {
  #version = 4;
  /** Sent, and not acknowledged yet, in the order in which they were sent; undefined once PUBREC has come. */
  #sent: Map<number, Publication | undefined> | undefined;
  /** Numbers of what was sent on an earlier connection, and is to be sent again. */
  #again: number[] | undefined;
  #waiting: Publication[] | undefined;
  /** Numbers of QoS 2 that have come, and are not released. */
  #received: Set<number> | undefined;
  /** How many more may be under way; none between connections. */
  #quota = 0;
  #receiveMaximum = 0;
  #lastId = 0;

  /** How many messages wait, or have not been acknowledged. */
  get held(): number {
    return (this.#sent?.size ?? 0) + (this.#waiting?.length ?? 0);
  }

  /** How many messages of QoS 2 have come, and are not released. */
  get unreleased(): number {
    return this.#received?.size ?? 0;
  }

  /** A connection goes on with it. Answers what is sent first: what was not acknowledged, in the same order [MQTT-4.4.0-1]. */
  resume(version: number, receiveMaximum = 65_535): Sent[] {
    this.#version = version;
    this.#receiveMaximum = this.#quota = receiveMaximum;
    this.#again = this.#sent && [...this.#sent.keys()];
    return this.#due();
  }

  /** The connection is over. */
  pause(): void {
    this.#receiveMaximum = this.#quota = 0;
  }

  /** The other side knows nothing of what was before: what has not been sent goes on waiting, and nothing else. */
  forget(): void {
    this.#sent = this.#again = this.#received = undefined;
  }

  /** Answers what is to be sent now. Of QoS 0 nothing waits for a connection. */
  publish(publication: Publication): Sent[] {
    if (publication.qos === 0) return this.#receiveMaximum > 0 ? [this.#packet(publication)] : [];
    this.#waiting ??= [];
    this.#waiting.push(publication);
    return this.#due();
  }

  /** PUBACK or PUBCOMP has come, or a PUBREC that refuses. Answers what is to be sent now. */
  acknowledged(id: number): Sent[] {
    if (!this.#sent?.delete(id)) return [];
    this.#quota = Math.min(this.#quota + 1, this.#receiveMaximum);
    return this.#due();
  }

  /** PUBREC has come: the message is there, and must not be sent again. */
  release(id: number): Release {
    if (!this.#sent?.has(id)) return this.#releasing(id, 'packetIdentifierNotFound');
    this.#sent.set(id, undefined);
    return this.#releasing(id);
  }

  /** PUBLISH of QoS 2 has come. Answers false where it came before. */
  receive(id: number): boolean {
    if (this.#received?.has(id)) return false;
    this.#received ??= new Set();
    this.#received.add(id);
    return true;
  }

  /** PUBREL has come. Answers false where it releases nothing. */
  released(id: number): boolean {
    return this.#received?.delete(id) ?? false;
  }

  #due(): Sent[] {
    const due: Sent[] = [];
    while (this.#quota > 0) {
      const packet = this.#repeated() ?? this.#next();
      if (packet === undefined) break;
      if (packet.type === 'publish') this.#quota--;
      due.push(packet);
    }
    return due;
  }

  #repeated(): Publish | Release | undefined {
    let id: number | undefined;
    do id = this.#again?.shift();
    while (id !== undefined && !this.#sent!.has(id));
    if (id === undefined) return undefined;
    const publication = this.#sent!.get(id);
    return publication === undefined ? this.#releasing(id) : this.#packet(publication, id, 1);
  }

  #next(): Publish | undefined {
    let publication: Publication | undefined;
    do publication = this.#waiting?.shift();
    while (publication !== undefined && isExpired(publication));
    if (publication === undefined) return undefined;
    this.#sent ??= new Map();
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#sent.has(this.#lastId));
    this.#sent.set(this.#lastId, publication);
    return this.#packet(publication, this.#lastId);
  }

  #packet(publication: Publication, id?: number, dup = 0): Publish {
    const { topic, payload, qos, retain } = publication;
    const properties = this.#version === 5 ? propertiesOf(publication) : undefined;
    return {
      type: 'publish',
      flags: { dup, qos, retain: Number(retain) },
      packet: { topic, id, properties, payload },
    };
  }

  #releasing(id: number, reason?: 'packetIdentifierNotFound'): Release {
    return { type: 'pubrel', packet: { id, reason: this.#version === 5 ? reason : undefined } };
  }
}
