import type { OfType } from 'wirepipe';
import type { Sent } from './packets.ts';
import { isExpired, type Publication, propertiesOf } from './publication.ts';

type Publish = OfType<Sent, 'publish'>;
type Release = OfType<Sent, 'pubrel'>;

/**
 * The delivery state of a session across connections (§4.1, §4.3), the same for client and server.
 *
 *     QoS 1   PUBLISH ─▶ ◀─ PUBACK                          again after a new connection until it is acknowledged
 *     QoS 2   PUBLISH ─▶ ◀─ PUBREC   PUBREL ─▶ ◀─ PUBCOMP    the receiver keeps the number until PUBREL
 *
 * Messages wait between connections, and while the receive maximum of the other side is reached (5.0 §4.9).
 */
export class Delivery {
  #version = 4;
  /** Sent but unacknowledged messages, in order; undefined once PUBREC has come. */
  #sent: Map<number, Publication | undefined> | undefined;
  /** Packet identifiers sent on an earlier connection, to be sent again. */
  #again: number[] | undefined;
  #waiting: Publication[] | undefined;
  /** Packet identifiers of received, unreleased QoS 2 messages. */
  #received: Set<number> | undefined;
  /** How many more messages may be in flight; 0 between connections. */
  #quota = 0;
  #receiveMaximum = 0;
  #lastId = 0;

  /** The number of messages that wait or are unacknowledged. */
  get held(): number {
    return (this.#sent?.size ?? 0) + (this.#waiting?.length ?? 0);
  }

  /** The number of received, unreleased QoS 2 messages. */
  get unreleased(): number {
    return this.#received?.size ?? 0;
  }

  /**
   * Continue on a new connection. Returns the packets to send first: the unacknowledged ones, in order [MQTT-4.4.0-1].
   */
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

  /** The other side has lost its state: keep only the messages that were never sent. */
  forget(): void {
    this.#sent = this.#again = this.#received = undefined;
  }

  /** Returns the packets to send now. QoS 0 messages do not wait for a connection. */
  publish(publication: Publication): Sent[] {
    if (publication.qos === 0) return this.#receiveMaximum > 0 ? [this.#packet(publication)] : [];
    this.#waiting ??= [];
    this.#waiting.push(publication);
    return this.#due();
  }

  /** PUBACK or PUBCOMP has come, or a PUBREC that refuses. Returns the packets to send now. */
  acknowledged(id: number): Sent[] {
    if (!this.#sent?.delete(id)) return [];
    this.#quota = Math.min(this.#quota + 1, this.#receiveMaximum);
    return this.#due();
  }

  /** PUBREC has come: the message has arrived, and must not be sent again. */
  release(id: number): Release {
    if (!this.#sent?.has(id)) return this.#releasing(id, 'packetIdentifierNotFound');
    this.#sent.set(id, undefined);
    return this.#releasing(id);
  }

  /** A QoS 2 PUBLISH has come. Returns false for a duplicate. */
  receive(id: number): boolean {
    if (this.#received?.has(id)) return false;
    this.#received ??= new Set();
    this.#received.add(id);
    return true;
  }

  /** PUBREL has come. Returns false if its identifier is unknown. */
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
