import type { Sent3 } from './packets.ts';

/** What one side publishes to the other. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
}

type Publish = Extract<Sent3, { type: 'publish' }>;
type Release = Extract<Sent3, { type: 'pubrel' }>;

/**
 * The state that a session keeps of its messages beyond a connection (MQTT 3.1.1 §4.1, §4.3), the same for client and server.
 *
 *     QoS 1   PUBLISH ─▶ ◀─ PUBACK                          again after a new connection until it is acknowledged
 *     QoS 2   PUBLISH ─▶ ◀─ PUBREC   PUBREL ─▶ ◀─ PUBCOMP    the receiver keeps the number until PUBREL
 */
export class Delivery {
  /** Sent, and not acknowledged yet, in the order in which they were sent. */
  readonly #unacknowledged: Map<number, Publish | Release> = new Map();
  /** Numbers of QoS 2 that have come, and are not released. */
  readonly #received: Set<number> = new Set();
  #lastId = 0;

  /** How many messages wait for an acknowledgement. */
  get inFlight(): number {
    return this.#unacknowledged.size;
  }

  /** The packet that publishes; of QoS 1 and 2 it is kept until it is acknowledged. */
  publish({ topic, payload, qos, retain }: Publication): Publish {
    const flags = { dup: 0, qos, retain: Number(retain) };
    if (qos === 0) return { type: 'publish', flags, packet: { topic, payload } };
    const packet: Publish = { type: 'publish', flags, packet: { topic, id: this.#newId(), payload } };
    this.#unacknowledged.set(packet.packet.id!, packet);
    return packet;
  }

  /** PUBACK or PUBCOMP has come. */
  acknowledged(id: number): void {
    this.#unacknowledged.delete(id);
  }

  /** PUBREC has come: the message is there, and must not be sent again. */
  release(id: number): Release {
    const packet: Release = { type: 'pubrel', packet: { id } };
    if (this.#unacknowledged.has(id)) this.#unacknowledged.set(id, packet);
    return packet;
  }

  /** PUBLISH of QoS 2 has come. Answers false where it came before. */
  receive(id: number): boolean {
    if (this.#received.has(id)) return false;
    this.#received.add(id);
    return true;
  }

  /** PUBREL has come. */
  released(id: number): void {
    this.#received.delete(id);
  }

  /** What is sent again on a new connection, in the same order [MQTT-4.4.0-1]. */
  resumed(): (Publish | Release)[] {
    return Array.from(this.#unacknowledged.values(), (packet) =>
      packet.type === 'publish' ? { ...packet, flags: { ...packet.flags, dup: 1 } } : packet,
    );
  }

  #newId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#unacknowledged.has(this.#lastId));
    return this.#lastId;
  }
}
