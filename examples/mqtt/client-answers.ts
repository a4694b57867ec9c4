import type { ClientOptions } from './client-session.ts';
import type { Sent } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';

type Disconnect = Extract<Sent, { type: 'disconnect' }>;

/** CONNECT. */
export function hello({ version, clientId, keepAlive, cleanStart, properties = [] }: ClientOptions): Sent {
  const none = { userName: 0, password: 0, willRetain: 0, willQos: 0, will: 0 };
  return {
    type: 'connect',
    packet: {
      protocol: 'MQTT',
      level: version,
      connectFlags: { ...none, cleanStart: Number(cleanStart) },
      keepAlive,
      properties: version === 5 ? properties : undefined,
      clientId,
    },
  };
}

/** The SUBSCRIBE packet, if there are subscriptions. */
export function subscribe({ version, subscriptions }: ClientOptions): Sent[] {
  if (subscriptions.length === 0) return [];
  const options = { noLocal: 0, retainAsPublished: 0, retainHandling: 0 };
  return [
    {
      type: 'subscribe',
      packet: {
        id: SUBSCRIBE,
        properties: version === 5 ? [] : undefined,
        subscriptions: subscriptions.map(({ filter, qos }) => ({ filter, options: { ...options, qos } })),
      },
    },
  ];
}

/** The packet identifier of SUBSCRIBE; the identifiers of publications count up from 1. */
const SUBSCRIBE = 65_535;

/** AUTH that answers the server's. */
export function proof(
  challenge: readonly Property[] | undefined,
  prove: ClientOptions['prove'],
): { send: Sent } | { next: 'lost' } {
  const method = propertyOf(challenge, 'authenticationMethod');
  if (prove === undefined || method === undefined) return { next: 'lost' };
  const data = prove(propertyOf(challenge, 'authenticationData'));
  const properties: Property[] = [
    { type: 'authenticationMethod', value: method },
    { type: 'authenticationData', value: data },
  ];
  return { send: { type: 'auth', packet: { reason: 'continueAuthentication', properties } } };
}

/** The server does what it may not. */
export function leave(reason: NonNullable<Disconnect['packet']['reason']>): { send: Sent; next: 'lost' } {
  return { send: { type: 'disconnect', packet: { reason } }, next: 'lost' };
}
