/** A broker of MQTT 3.1.1 and 5.0: QoS 0 to 2, retained messages, wildcards, wills. `npx tsx examples/mqtt/broker.ts 1883` */
import { pathToFileURL } from 'node:url';
import { createServer, defineProtocol, type ServerLimits } from 'wirepipe';
import type { Authenticator } from './authentication.ts';
import { type ClientSession, ClientSessions, type SessionLimits } from './client-sessions.ts';
import { framingUpTo } from './fixed-header.ts';
import { mqtt5 } from './packets.ts';
import { isExpired, type Publication } from './publication.ts';
import { serverSession } from './server-session.ts';
import { matches } from './topics.ts';

export interface BrokerLimits extends SessionLimits {
  /** Topics that keep a message. */
  readonly retained: number;
  /** The most unreleased QoS 2 messages of one client. */
  readonly receiveMaximum: number;
  /** The longest packet accepted, in bytes without its fixed header. */
  readonly packetLength: number;
}

/** Distributes messages to sessions. It knows nothing of bytes or sockets. */
export class Broker {
  readonly sessions: ClientSessions;
  readonly limits: BrokerLimits;
  /** Without one, everybody may come in. */
  readonly authenticator: Authenticator | undefined;
  readonly #retained: Map<string, Publication> = new Map();

  constructor(limits: BrokerLimits, authenticator?: Authenticator) {
    this.limits = limits;
    this.authenticator = authenticator;
    this.sessions = new ClientSessions(limits, (will) => this.publish(will));
  }

  /** Answers how many clients it is for. */
  publish(publication: Publication, from?: ClientSession): number {
    if (publication.retain) this.#retain(publication);
    let count = 0;
    for (const session of this.sessions.all.values()) {
      if (session.deliver(publication, session === from)) count++;
    }
    return count;
  }

  /** Retained messages, which a new subscription gets at once (§3.3.1.3). */
  retained(filter: string, qos: number): Publication[] {
    for (const [topic, one] of this.#retained) if (isExpired(one)) this.#retained.delete(topic);
    const all = [...this.#retained.values()].filter(({ topic }) => matches(filter, topic));
    return all.map((one) => ({ ...one, qos: Math.min(qos, one.qos) }));
  }

  /** An empty message deletes the retained one. */
  #retain(publication: Publication): void {
    const { topic, payload } = publication;
    if (payload.length === 0) this.#retained.delete(topic);
    else if (this.#retained.has(topic) || this.#retained.size < this.limits.retained) {
      this.#retained.set(topic, publication);
    }
  }
}

const LIMITS: BrokerLimits = {
  sessions: 100_000,
  subscriptions: 1_000,
  messages: 1_000,
  retained: 10_000,
  receiveMaximum: 100,
  packetLength: 1_048_576,
};

/** A server with a broker behind it. */
export function createBroker(
  options: Partial<BrokerLimits> & ServerLimits & { readonly authenticator?: Authenticator } = {},
) {
  const { sessions, subscriptions, messages, retained, receiveMaximum, packetLength, ...others } = {
    ...LIMITS,
    ...options,
  };
  const { authenticator, ...serverLimits } = others;
  const limits = { sessions, subscriptions, messages, retained, receiveMaximum, packetLength };
  const broker = new Broker(limits, authenticator);
  const server = createServer(
    defineProtocol({
      name: 'mqtt',
      framing: framingUpTo(packetLength),
      clientMessages: mqtt5,
      serverMessages: mqtt5,
      session: serverSession(broker),
    }),
    // Keep-alive is the client's to choose.
    { idleTimeout: Number.POSITIVE_INFINITY, ...serverLimits },
  );
  server.on('connection', ({ machine }) => {
    machine.context.machine = machine;
  });
  return { broker, server };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { server } = createBroker();
  server.on('connectionEnd', ({ remote, machine }, error) =>
    console.log('gone:', machine.context.session?.clientId ?? remote, error?.message ?? 'in peace'),
  );
  await server.listen({ port: Number(process.argv[2] ?? 1_883), host: '127.0.0.1' });
  console.log(`listening on port ${(server.address() as { port: number }).port}`);
}
