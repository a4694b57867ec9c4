/** A broker of MQTT 3.1.1: QoS 0 to 2, retained messages, wildcards, wills. `npx tsx examples/mqtt/broker.ts 1883` */
import { pathToFileURL } from 'node:url';
import { createServer, defineProtocol, type ServerLimits } from 'wirepipe';
import { ClientSessions, type SessionLimits } from './client-sessions.ts';
import type { Publication } from './delivery.ts';
import { framing } from './fixed-header.ts';
import { mqtt3 } from './packets.ts';
import { serverSession } from './server-session.ts';
import { matches } from './topics.ts';

export interface BrokerLimits extends SessionLimits {
  /** Topics that keep a message. */
  readonly retained: number;
}

/** Who gets what. It knows sessions, and nothing of bytes or sockets. */
export class Broker {
  readonly sessions: ClientSessions;
  readonly #limits: BrokerLimits;
  readonly #retained: Map<string, Publication> = new Map();

  constructor(limits: BrokerLimits) {
    this.#limits = limits;
    this.sessions = new ClientSessions(limits);
  }

  publish(publication: Publication): void {
    if (publication.retain) this.#retain(publication);
    for (const session of this.sessions.all.values()) session.deliver(publication);
  }

  /** The messages that a new subscription is sent at once (§3.3.1.3). */
  retained(filter: string, qos: number): Publication[] {
    const all = [...this.#retained.values()].filter(({ topic }) => matches(filter, topic));
    return all.map((one) => ({ ...one, qos: Math.min(qos, one.qos) }));
  }

  /** An empty message takes the one before it away. */
  #retain(publication: Publication): void {
    const { topic, payload } = publication;
    if (payload.length === 0) this.#retained.delete(topic);
    else if (this.#retained.has(topic) || this.#retained.size < this.#limits.retained) {
      this.#retained.set(topic, publication);
    }
  }
}

/** A server with a broker behind it; `maxPacketLength` is the longest packet that it takes. */
export function createBroker(limits: Partial<BrokerLimits> & ServerLimits = {}) {
  const { subscriptions = 1_000, messages = 1_000, retained = 10_000, ...serverLimits } = limits;
  const broker = new Broker({ subscriptions, messages, retained });
  const server = createServer(
    defineProtocol({
      name: 'mqtt',
      framing,
      clientMessages: mqtt3,
      serverMessages: mqtt3,
      session: serverSession(broker),
    }),
    // Keep-alive is the client's to choose.
    { idleTimeout: Number.POSITIVE_INFINITY, ...serverLimits },
  );
  server.on('connection', ({ machine }) => {
    machine.context.send = (message) => machine.send(message);
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
