import type { Machine, OfType } from 'wirepipe';
import type { Exchange } from './authentication.ts';
import type { Broker } from './broker.ts';
import type { ClientSession, Hello } from './client-sessions.ts';
import { mqtt5, type Received, type Sent } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';
import { type Publication, willOf } from './publication.ts';

/** One connection of a client: the state that the server keeps while it lasts. */
export class Visit {
  readonly broker: Broker;
  version: 4 | 5 = 4;
  /** Set once the client is connected. */
  session!: ClientSession;
  /** The will, published unless the client sends DISCONNECT … */
  will: Publication | undefined;
  /** … this many seconds after the connection ends (5.0 §3.1.3.2.2). */
  willDelay = 0;
  /** Milliseconds within which the client must send a packet; undefined for no limit. */
  patience: number | undefined;
  /** The proof under way. */
  exchange: Exchange | undefined;
  /** Set as soon as the connection stands. */
  machine!: Machine<Sent, string, Visit>;
  #hello: Hello | undefined;
  #greeting: readonly Sent[] | undefined;
  /** The client's maximum packet size, in bytes. */
  #longest = Infinity;
  /** True if the client gave its own identifier. */
  #isNamed = false;

  constructor(broker: Broker) {
    this.broker = broker;
  }

  /** CONNECT has come. */
  meet(message: OfType<Received, 'connect'>): void {
    const { level, keepAlive, properties, connectFlags, clientId, will } = message.packet;
    const isClean = connectFlags.cleanStart === 1;
    // A 3.1.1 session ends with its connection, or never.
    const forever = level === 5 || isClean ? 0 : Infinity;
    this.version = level === 5 ? 5 : 4;
    this.patience = keepAlive === 0 ? undefined : 1_500 * keepAlive;
    this.will = willOf(message);
    this.willDelay = propertyOf(will?.properties, 'willDelayInterval') ?? 0;
    this.#longest = propertyOf(properties, 'maximumPacketSize') ?? Infinity;
    this.#isNamed = clientId !== '';
    this.#hello = {
      clientId,
      isClean,
      expiry: seconds(propertyOf(properties, 'sessionExpiryInterval') ?? forever),
      receiveMaximum: propertyOf(properties, 'receiveMaximum'),
    };
  }

  /**
   * Admit the client. Returns whether it had a session, and the packets to resend; undefined if there are too many
   * sessions.
   */
  begin(): { readonly sessionPresent: boolean; readonly again: readonly Sent[] } | undefined {
    const hello = this.#hello!;
    const sessionPresent = this.broker.sessions.begin(this, hello);
    if (sessionPresent === undefined) return undefined;
    this.#hello = undefined;
    const again = this.fitting(this.session.delivery.resume(this.version, hello.receiveMaximum));
    return { sessionPresent, again };
  }

  /** The properties of CONNACK in version 5: the server's limits, and an assigned client identifier. */
  terms(): Property[] {
    const { receiveMaximum, packetLength } = this.broker.limits;
    const { clientId } = this.session;
    return [
      { type: 'receiveMaximum', value: receiveMaximum },
      { type: 'maximumPacketSize', value: packetLength },
      { type: 'sharedSubscriptionAvailable', value: false },
      ...(this.#isNamed ? [] : [{ type: 'assignedClientIdentifier', value: clientId } as const]),
    ];
  }

  /** What the state that follows says first. */
  greets(packets: readonly Sent[]): void {
    this.#greeting = packets;
  }

  greeting(): readonly Sent[] {
    const greeting = this.#greeting ?? [];
    this.#greeting = undefined;
    return greeting;
  }

  /** The packets that fit the client's maximum packet size; longer ones count as delivered (5.0 §3.1.2.11.4). */
  fitting(packets: readonly Sent[]): readonly Sent[] {
    if (this.#longest === Infinity) return packets;
    return packets.flatMap((packet) => {
      if (mqtt5.encode(packet).length <= this.#longest) return [packet];
      const id = packet.type === 'publish' ? packet.packet.id : undefined;
      return id === undefined ? [] : this.fitting(this.session.delivery.acknowledged(id));
    });
  }

  send(packets: readonly Sent[]): void {
    for (const packet of this.fitting(packets)) this.machine.send(packet);
  }

  /**
   * Set the session expiry from DISCONNECT. Returns false if that is not allowed: the session was to end with its
   * connection.
   */
  lasts(interval: number): boolean {
    if (this.session.expiry === 0 && interval > 0) return false;
    this.session.expiry = seconds(interval);
    return true;
  }

  /** The connection is over. */
  end(): void {
    if (this.session !== undefined) this.broker.sessions.leave(this);
  }
}

/** 0xffffffff means forever (5.0 §3.1.2.11.2). */
function seconds(interval: number): number {
  return interval === 0xffff_ffff ? Infinity : interval;
}
