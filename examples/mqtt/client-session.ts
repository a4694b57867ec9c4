import { defineSession } from 'wirepipe';
import type { Delivery, Publication } from './delivery.ts';
import { mqtt3, type Sent3 } from './packets.ts';

export interface ClientOptions {
  readonly clientId: string;
  /** In seconds. */
  readonly keepAlive: number;
  readonly cleanSession: boolean;
  /** What this side has sent and received before, on other connections; it goes on. */
  readonly delivery: Delivery;
  readonly subscriptions: readonly { filter: string; qos: number }[];
  /** Takes each message once if its QoS is 2. */
  onMessage(publication: Publication): void;
}

/** The client's side of MQTT 3.1.1, as a table: `connect(protocol, { session: clientSession(options) })`. */
export function clientSession(options: ClientOptions) {
  const { clientId, keepAlive, cleanSession, delivery, subscriptions, onMessage } = options;
  const connectFlags = {
    userName: 0,
    password: 0,
    willRetain: 0,
    willQos: 0,
    will: 0,
    cleanStart: Number(cleanSession),
  };
  const hello: Sent3 = {
    type: 'connect',
    packet: { protocol: 'MQTT', level: 4, connectFlags, keepAlive, clientId },
  };
  const wanted = subscriptions.map(({ filter, qos }) => ({ filter, options: { qos } }));
  return defineSession({
    receives: mqtt3,
    sends: mqtt3,
    initial: 'connecting',
    ready: 'connected',
    context: () => options,
    states: {
      connecting: {
        onEnter: () => hello,
        on: {
          connack({ packet: { returnCode } }) {
            if (returnCode !== 'accepted') return { next: 'refused' };
            const subscribe: Sent3[] =
              wanted.length === 0
                ? []
                : [{ type: 'subscribe', packet: { id: SUBSCRIBE, subscriptions: wanted } }];
            return {
              send: [...delivery.resumed(), ...subscribe],
              next: 'connected',
              timers: { ping: 1_000 * keepAlive },
            };
          },
        },
        next: ['connected', 'refused'],
        deadline: { within: 10_000 },
      },
      connected: {
        on: {
          publish({ flags: { qos, retain }, packet: { topic, id, payload } }) {
            const isNew = qos < 2 || delivery.receive(id!);
            if (isNew) onMessage({ topic, payload: Buffer.from(payload), qos, retain: retain === 1 });
            if (qos === 0) return undefined;
            return { send: { type: qos === 1 ? 'puback' : 'pubrec', packet: { id: id! } } };
          },
          puback: ({ packet }) => delivery.acknowledged(packet.id),
          pubrec: ({ packet }) => ({ send: delivery.release(packet.id) }),
          pubrel({ packet: { id } }) {
            delivery.released(id);
            return { send: { type: 'pubcomp', packet: { id } } };
          },
          pubcomp: ({ packet }) => delivery.acknowledged(packet.id),
          suback: () => undefined,
          unsuback: () => undefined,
          pingresp: () => ({ timers: { pong: null } }),
        },
        // §3.1.2.10: something at least every so many seconds; a server that does not answer is gone.
        timers: {
          ping: () => ({
            send: { type: 'pingreq' },
            timers: { ping: 1_000 * keepAlive, pong: 500 * keepAlive },
          }),
          pong: () => ({ next: 'lost' }),
        },
        next: ['lost'],
      },
      refused: { final: true },
      lost: { final: true },
    },
  });
}

/** The number of our SUBSCRIBE; those of publications begin at 1 and go up. */
const SUBSCRIBE = 65_535;
