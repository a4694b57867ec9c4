import type { Machine, OfType } from 'wirepipe';
import type { Exchange } from './authentication.ts';
import type { Broker } from './broker.ts';
import type { ClientSession, Hello } from './client-sessions.ts';
import { mqtt5, type Received, type Sent } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';
import { type Publication, willOf } from './publication.ts';

/** One connection of a client: what a server keeps while it lasts. */
export class Visit {
  readonly broker: Broker;
  version: 4 | 5 = 4;
  /** Set once the client is connected. */
  session!: ClientSession;
  /** What is published for the client if it does not say goodbye … */
  will: Publication | undefined;
  /** … so many seconds after its connection (5.0 §3.1.3.2.2). */
  willDelay = 0;
  /** Milliseconds in which the client has to say something; undefined for ever. */
  patience: number | undefined;
  /** The proof under way. */
  exchange: Exchange | undefined;
  /** Set as soon as the connection stands. */
  machine!: Machine<Sent, string, Visit>;
  #hello: Hello | undefined;
  #greeting: readonly Sent[] | undefined;
  /** Bytes of the longest packet that the client takes. */
  #longest = Infinity;
  /** Whether the client has said what it is called. */
  #isNamed = false;

  constructor(broker: Broker) {
    this.broker = broker;
  }

  /** CONNECT has come. */
  meet(message: OfType<Received, 'connect'>): void {
    const { level, keepAlive, properties, connectFlags, clientId, will } = message.packet;
    const isClean = connectFlags.cleanStart === 1;
    // A session of 3.1.1 ends with its connection or never.
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
   * The client may come in. Answers whether there was a session to go on with, and what is sent again; undefined where there are too many
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

  /** What CONNACK of version 5 says of the server, and of the client's name if that is ours. */
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

  /** What the client takes; what is too long for it counts as delivered (5.0 §3.1.2.11.4). */
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

  /** DISCONNECT says how long the session lasts. Answers false where it may not: one that was to end with its connection does. */
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

/** 0xffffffff is for ever (5.0 §3.1.2.11.2). */
function seconds(interval: number): number {
  return interval === 0xffff_ffff ? Infinity : interval;
}
