import { defineSession } from 'wirepipe';
import type { Broker } from './broker.ts';
import { mqtt3, type Received3, type Sent3 } from './packets.ts';
import { isFilter, isTopic } from './topics.ts';
import { Visit } from './visit.ts';

type Reply = { send?: Sent3 | Sent3[]; next?: 'over' };
type OfType<T extends Received3['type']> = Extract<Received3, { type: T }>;

/** The server's side of MQTT 3.1.1, as a table. What is to be done with a message is the broker's. */
export function serverSession(broker: Broker) {
  return defineSession({
    receives: mqtt3,
    sends: mqtt3,
    initial: 'connecting',
    ready: 'connected',
    context: (connection) => new Visit(broker, connection),
    dispose: (visit) => visit.end(),
    states: {
      // §3.1: the first packet is CONNECT, and there is one.
      connecting: {
        on: {
          connect: {
            outcomes: { connected: ['connack', 'publish', 'pubrel'], over: 'connack' },
            handle: (message, visit) => connect(message, visit),
          },
        },
      },
      connected: {
        on: {
          publish: (message, visit) => alive(visit, publish(message, visit)),
          puback({ packet }, visit) {
            visit.session.delivery.acknowledged(packet.id);
            return alive(visit);
          },
          pubrec: ({ packet }, visit) => alive(visit, { send: visit.session.delivery.release(packet.id) }),
          pubrel({ packet: { id } }, visit) {
            visit.session.delivery.released(id);
            return alive(visit, { send: { type: 'pubcomp', packet: { id } } });
          },
          pubcomp({ packet }, visit) {
            visit.session.delivery.acknowledged(packet.id);
            return alive(visit);
          },
          subscribe: {
            outcomes: { connected: ['suback', 'publish'] },
            handle: (message, visit) => alive(visit, subscribe(message, visit)),
          },
          unsubscribe: {
            outcomes: { connected: 'unsuback' },
            handle({ packet: { id, filters } }, visit) {
              for (const filter of filters) visit.session.subscriptions.delete(filter);
              return alive(visit, { send: { type: 'unsuback', packet: { id } } });
            },
          },
          pingreq: {
            outcomes: { connected: 'pingresp' },
            handle: (_, visit) => alive(visit, { send: { type: 'pingresp' } }),
          },
          // §3.14: who says goodbye leaves no will.
          disconnect(_, visit) {
            visit.will = undefined;
            return { next: 'over' };
          },
        },
        // §3.1.2.10: one and a half times what the client announced.
        timers: { silence: () => ({ next: 'over' }) },
        next: ['over'],
      },
      over: { final: true },
    },
  });
}

/** A sign of life: the client's silence begins anew. */
function alive(visit: Visit, reply: Reply = {}) {
  return { ...reply, timers: { silence: visit.patience } };
}

function connect({ packet }: OfType<'connect'>, visit: Visit) {
  const { level, connectFlags, clientId, keepAlive } = packet;
  const refused = (returnCode: 'unacceptableProtocolVersion' | 'identifierRejected') =>
    ({
      send: { type: 'connack', packet: { connackFlags: { sessionPresent: false }, returnCode } },
      next: 'over',
    }) as const;
  if (level !== 4) return refused('unacceptableProtocolVersion');
  if (clientId === '' && connectFlags.cleanStart === 0) return refused('identifierRejected');
  const sessionPresent = visit.begin(packet);
  return {
    send: [
      { type: 'connack', packet: { connackFlags: { sessionPresent }, returnCode: 'accepted' } },
      ...visit.session.resumed(),
    ],
    next: 'connected',
    timers: { silence: keepAlive === 0 ? null : visit.patience },
  } as const;
}

function publish({ flags, packet }: OfType<'publish'>, visit: Visit): Reply {
  const { topic, id } = packet;
  // 3.1.1 has no way to refuse it but to close [MQTT-3.3.2-2].
  if (!isTopic(topic)) return { next: 'over' };
  const isNew = flags.qos < 2 || visit.session.delivery.receive(id!);
  if (isNew) {
    // The frame is a view of what was received: a copy is kept.
    const payload = Buffer.from(packet.payload);
    visit.broker.publish({ topic, payload, qos: flags.qos, retain: flags.retain === 1 });
  }
  if (flags.qos === 0) return {};
  return { send: { type: flags.qos === 1 ? 'puback' : 'pubrec', packet: { id: id! } } };
}

function subscribe({ packet: { id, subscriptions } }: OfType<'subscribe'>, visit: Visit): Reply {
  const { session, broker } = visit;
  const codes = subscriptions.map(({ filter, options }) => {
    const isTaken = isFilter(filter) && session.subscribe(filter, options.qos);
    return isTaken ? (['grantedQos0', 'grantedQos1', 'grantedQos2'] as const)[options.qos]! : 'failure';
  });
  const taken = subscriptions.filter((_, index) => codes[index] !== 'failure');
  const retained = taken.flatMap(({ filter, options }) => broker.retained(filter, options.qos));
  return {
    send: [
      { type: 'suback', packet: { id, codes } },
      ...retained.map((one) => session.delivery.publish(one)),
    ],
  };
}
