import type { Duplex } from 'node:stream';
import type { Broker } from './broker.ts';
import type { ClientSession } from './client-sessions.ts';
import type { Publication } from './delivery.ts';
import type { Received3, Sent3 } from './packets.ts';

/** One connection of a client: what a server keeps while it lasts. */
export class Visit {
  readonly broker: Broker;
  /** Set by CONNECT. */
  session!: ClientSession;
  /** What is published for the client if it does not say goodbye. */
  will: Publication | undefined;
  /** Milliseconds in which the client has to say something; null for ever. */
  patience: number | null = null;
  /** Sends what answers nothing; set as soon as the connection stands. */
  send: (message: Sent3) => unknown = () => undefined;
  readonly #connection: { readonly stream?: Duplex };

  constructor(broker: Broker, connection: { readonly stream?: Duplex }) {
    this.broker = broker;
    this.#connection = connection;
  }

  /** CONNECT has come. Answers whether there is a session to go on with. */
  begin(packet: Extract<Received3, { type: 'connect' }>['packet']): boolean {
    const { connectFlags, will, keepAlive } = packet;
    this.patience = keepAlive === 0 ? null : 1_500 * keepAlive;
    if (will !== undefined) {
      const { willQos: qos, willRetain } = connectFlags;
      this.will = { topic: will.topic, payload: Buffer.from(will.payload), qos, retain: willRetain === 1 };
    }
    return this.broker.sessions.begin(this, packet.clientId, connectFlags.cleanStart === 1);
  }

  /** Another connection of the same client has come [MQTT-3.1.4-2]. */
  cut(): void {
    this.#connection.stream?.destroy();
  }

  /** The connection is over. */
  end(): void {
    if (this.session === undefined) return;
    this.broker.sessions.end(this);
    if (this.will !== undefined) this.broker.publish(this.will);
  }
}
