import { defineSession } from 'wirepipe';
import { hello, leave, proof, subscribe } from './client-answers.ts';
import type { Delivery } from './delivery.ts';
import { mqtt } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';
import { type Publication, publicationOf } from './publication.ts';
import { isRefusal } from './reason-codes.ts';

export interface ClientOptions {
  readonly version: 4 | 5;
  readonly clientId: string;
  /** In seconds. */
  readonly keepAlive: number;
  /** Clean Session in 3.1.1, where it also means that the session ends with the connection. */
  readonly cleanStart: boolean;
  /** Properties of CONNECT, in version 5: how long the session lasts, how many messages may be in flight … */
  readonly properties?: readonly Property[];
  /** The delivery state of earlier connections, to continue with. */
  readonly delivery: Delivery;
  readonly subscriptions: readonly { filter: string; qos: number }[];
  /** Called with each message; exactly once if its QoS is 2. */
  onMessage(publication: Publication): void;
  /** Returns the reply to a challenge of the server (5.0 §4.12). */
  prove?(challenge: Buffer | undefined): Buffer;
}

/** The context of the client's session. */
export interface Told {
  /** The server's reason for a refusal, or for the end. */
  reason: string | number | undefined;
  /** Of CONNACK. */
  properties: readonly Property[];
}

/**
 * The client's side of MQTT 3.1.1 and 5.0, as a table: `connect(protocol, { session: clientSession(options) })`, with
 * `mqtt.with({ version })` as the messages of the protocol.
 */
export function clientSession(options: ClientOptions) {
  const { version, keepAlive, delivery, onMessage, prove } = options;
  const receiveMaximum = propertyOf(options.properties, 'receiveMaximum') ?? 65_535;
  const packets = mqtt.with({ version });
  return defineSession({
    receives: packets,
    sends: packets,
    initial: 'connecting',
    ready: 'connected',
    context: (): Told => ({ reason: undefined, properties: [] }),
    dispose: () => delivery.pause(),
    states: {
      connecting: {
        onEnter: () => hello(options),
        on: {
          auth: ({ packet }) => proof(packet.properties, prove),
          connack({ packet: { connackFlags, returnCode, reason, properties = [] } }, told) {
            const outcome = returnCode ?? reason;
            Object.assign(told, { reason: outcome, properties });
            if (outcome !== 'accepted' && outcome !== 'success') return { next: 'refused' };
            if (!connackFlags.sessionPresent) delivery.forget();
            const most = propertyOf(properties, 'receiveMaximum');
            const seconds = propertyOf(properties, 'serverKeepAlive') ?? keepAlive;
            return {
              send: [...delivery.resume(version, most), ...subscribe(options)],
              next: 'connected',
              timers: { ping: seconds === 0 ? null : 1_000 * seconds },
            };
          },
        },
        next: ['connected', 'refused', 'lost'],
        deadline: { within: 10_000 },
      },
      connected: {
        on: {
          publish(message) {
            const { qos } = message.flags;
            const { id, properties } = message.packet;
            // Without an announced Topic Alias Maximum, topic aliases are not allowed.
            if (propertyOf(properties, 'topicAlias') !== undefined) return leave('topicAliasInvalid');
            const isNew = qos < 2 || delivery.receive(id!);
            if (delivery.unreleased > receiveMaximum) return leave('receiveMaximumExceeded');
            if (isNew) onMessage(publicationOf(message));
            if (qos === 0) return undefined;
            return { send: { type: qos === 1 ? 'puback' : 'pubrec', packet: { id: id! } } };
          },
          puback: ({ packet }) => ({ send: delivery.acknowledged(packet.id) }),
          pubrec: ({ packet: { id, reason = 'success' } }) => ({
            send: isRefusal(reason) ? delivery.acknowledged(id) : delivery.release(id),
          }),
          pubrel({ packet: { id } }) {
            delivery.released(id);
            return { send: { type: 'pubcomp', packet: { id } } };
          },
          pubcomp: ({ packet }) => ({ send: delivery.acknowledged(packet.id) }),
          suback: () => undefined,
          unsuback: () => undefined,
          pingresp: () => ({ timers: { pong: null } }),
          auth: ({ packet: { reason, properties } }) =>
            reason === 'continueAuthentication' ? proof(properties, prove) : undefined,
          disconnect({ packet }, told) {
            told.reason = packet.reason;
            return { next: 'dismissed' };
          },
        },
        // §3.1.2.10: send a packet at least this often; a server that does not reply is gone.
        timers: {
          ping: ({ after }) => ({ send: { type: 'pingreq' }, timers: { ping: after, pong: after / 2 } }),
          pong: () => ({ next: 'lost' }),
        },
        next: ['lost', 'dismissed'],
      },
      refused: { final: true },
      dismissed: { final: true },
      lost: { final: true },
    },
  });
}
