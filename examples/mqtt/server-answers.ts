import { FrameError, MessageError, type OfType, StateError } from 'wirepipe';
import type { Proof } from './authentication.ts';
import type { Received, Sent } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';
import { publicationOf } from './publication.ts';
import { isRefusal } from './reason-codes.ts';
import { isFilter, isShared, isTopic } from './topics.ts';
import type { Visit } from './visit.ts';

export interface Reply {
  readonly send?: Sent | readonly Sent[];
  readonly next?: 'over';
}
interface FirstReply {
  readonly send?: Sent;
  readonly next?: 'authenticating' | 'connected' | 'refused';
  readonly timers?: { readonly silence: number };
}
type Message<Type extends Received['type']> = OfType<Received, Type>;
type Packet<Type extends Sent['type']> = OfType<Sent, Type> extends { packet: infer P } ? P : never;
type ReturnCode = NonNullable<Packet<'connack'>['returnCode']>;
type ConnectReason = NonNullable<Packet<'connack'>['reason']>;
type DisconnectReason = NonNullable<Packet<'disconnect'>['reason']>;

export function connect(message: Message<'connect'>, visit: Visit): FirstReply {
  const { level, connectFlags, clientId, properties } = message.packet;
  if (level !== 4 && level !== 5) return refuse(visit, 'unacceptableProtocolVersion');
  visit.meet(message);
  if (clientId === '' && level === 4 && connectFlags.cleanStart === 0) {
    return refuse(visit, 'identifierRejected');
  }
  const { authenticator } = visit.broker;
  const method = propertyOf(properties, 'authenticationMethod');
  if (method !== authenticator?.method) {
    return refuse(visit, 'notAuthorized', method === undefined ? 'notAuthorized' : 'badAuthenticationMethod');
  }
  if (authenticator === undefined) return begin(visit);
  visit.exchange = authenticator.begin(clientId);
  return proven(visit, properties);
}

/** AUTH from a client that is not connected yet. */
export function prove({ packet }: Message<'auth'>, visit: Visit): FirstReply {
  return proven(visit, packet.properties);
}

function proven(visit: Visit, properties: readonly Property[] | undefined): FirstReply {
  const proof = visit.exchange?.(propertyOf(properties, 'authenticationData') ?? EMPTY);
  if (proof === undefined) return refuse(visit, 'notAuthorized', 'notAuthorized');
  if (proof.isDone) return begin(visit, said(visit, proof));
  return { send: auth('continueAuthentication', visit, proof), next: 'authenticating' };
}

/** AUTH from a connected client, to re-authenticate. */
export function proveAgain({ packet: { reason, properties } }: Message<'auth'>, visit: Visit): Reply {
  const { authenticator } = visit.broker;
  if (reason === 'reauthenticate') visit.exchange = authenticator?.begin(visit.session.clientId);
  const proof = visit.exchange?.(propertyOf(properties, 'authenticationData') ?? EMPTY);
  if (proof === undefined) return leave(visit, 'notAuthorized');
  return { send: auth(proof.isDone ? 'success' : 'continueAuthentication', visit, proof) };
}

function auth(reason: NonNullable<Packet<'auth'>['reason']>, visit: Visit, proof: Proof): Sent {
  return { type: 'auth', packet: { reason, properties: said(visit, proof) } };
}

function said({ broker }: Visit, { data }: Proof): Property[] {
  return [
    { type: 'authenticationMethod', value: broker.authenticator!.method },
    { type: 'authenticationData', value: data },
  ];
}

function begin(visit: Visit, proof: readonly Property[] = []): FirstReply {
  visit.exchange = undefined;
  const session = visit.begin();
  if (session === undefined) return refuse(visit, 'serverUnavailable', 'quotaExceeded');
  const { sessionPresent, again } = session;
  const outcome =
    visit.version === 5
      ? ({ reason: 'success', properties: [...visit.terms(), ...proof] } as const)
      : ({ returnCode: 'accepted' } as const);
  const connack: Sent = { type: 'connack', packet: { connackFlags: { sessionPresent }, ...outcome } };
  visit.greets([connack, ...again]);
  const { patience } = visit;
  return { next: 'connected', ...(patience !== undefined && { timers: { silence: patience } }) };
}

/** The refusals of 3.1.1, by their names in version 5. */
const REASONS: Readonly<Record<string, ConnectReason>> = {
  unacceptableProtocolVersion: 'unsupportedProtocolVersion',
  identifierRejected: 'clientIdentifierNotValid',
};

function refuse(visit: Visit, returnCode: ReturnCode, reason = REASONS[returnCode]): FirstReply {
  const outcome = visit.version === 5 ? { reason, properties: [] } : { returnCode };
  visit.greets([{ type: 'connack', packet: { connackFlags: { sessionPresent: false }, ...outcome } }]);
  return { next: 'refused' };
}

export function publish(message: Message<'publish'>, visit: Visit): Reply {
  const { topic, id, properties } = message.packet;
  const { qos } = message.flags;
  const { delivery } = visit.session;
  // Without an announced Topic Alias Maximum, topic aliases are not allowed.
  if (propertyOf(properties, 'topicAlias') !== undefined) return leave(visit, 'topicAliasInvalid');
  // In 3.1.1 the only refusal is to close the connection [MQTT-3.3.2-2].
  if (!isTopic(topic)) return leave(visit, 'topicNameInvalid');
  const isNew = qos < 2 || delivery.receive(id!);
  if (delivery.unreleased > visit.broker.limits.receiveMaximum) return leave(visit, 'receiveMaximumExceeded');
  const count = isNew ? visit.broker.publish(publicationOf(message), visit.session) : 1;
  if (qos === 0) return {};
  const reason = visit.version === 5 && count === 0 ? 'noMatchingSubscribers' : undefined;
  return { send: { type: qos === 1 ? 'puback' : 'pubrec', packet: { id: id!, reason } } };
}

export function acknowledged({ packet }: Message<'puback' | 'pubcomp'>, visit: Visit): Reply {
  return { send: visit.fitting(visit.session.delivery.acknowledged(packet.id)) };
}

export function release({ packet: { id, reason = 'success' } }: Message<'pubrec'>, visit: Visit): Reply {
  const { delivery } = visit.session;
  return { send: isRefusal(reason) ? visit.fitting(delivery.acknowledged(id)) : delivery.release(id) };
}

export function complete({ packet: { id } }: Message<'pubrel'>, visit: Visit): Reply {
  const isKnown = visit.session.delivery.released(id);
  const reason = visit.version === 5 && !isKnown ? 'packetIdentifierNotFound' : undefined;
  return { send: { type: 'pubcomp', packet: { id, reason } } };
}

export function subscribe({ packet }: Message<'subscribe'>, visit: Visit): Reply {
  const { session, broker } = visit;
  const identifier = propertyOf(packet.properties, 'subscriptionIdentifier');
  const identifiers = identifier === undefined ? [] : [identifier];
  const retained: Sent[] = [];
  const codes = packet.subscriptions.map(({ filter, options }) => {
    const { qos, noLocal, retainAsPublished, retainHandling } = options;
    if (!isFilter(filter)) return 'topicFilterInvalid';
    if (isShared(filter)) return 'sharedSubscriptionsNotSupported';
    const isNew = !session.subscriptions.has(filter);
    if (!session.subscribe(filter, { qos, noLocal, retainAsPublished, identifier })) return 'quotaExceeded';
    // Retain Handling (5.0 §3.8.3.1): 0 always, 1 if the subscription is new, 2 never.
    if (retainHandling === 0 || (retainHandling === 1 && isNew)) {
      for (const one of broker.retained(filter, qos)) retained.push(...session.offer(one, identifiers));
    }
    return (['grantedQos0', 'grantedQos1', 'grantedQos2'] as const)[qos]!;
  });
  const outcome =
    visit.version === 5
      ? { properties: [], codes }
      : { returnCodes: codes.map((code) => (isRefusal(code) ? 'failure' : code) as GrantedOrFailure) };
  return { send: [{ type: 'suback', packet: { id: packet.id, ...outcome } }, ...visit.fitting(retained)] };
}

type GrantedOrFailure = NonNullable<Packet<'suback'>['returnCodes']>[number];

export function unsubscribe({ packet: { id, filters } }: Message<'unsubscribe'>, visit: Visit): Reply {
  const codes = filters.map((filter) =>
    visit.session.unsubscribe(filter) ? ('success' as const) : ('noSubscriptionExisted' as const),
  );
  const outcome = visit.version === 5 ? { properties: [], codes } : {};
  return { send: { type: 'unsuback', packet: { id, ...outcome } } };
}

/** §3.14: DISCONNECT deletes the will, unless its reason keeps it. */
export function goodbye({ packet: { reason, properties } }: Message<'disconnect'>, visit: Visit): Reply {
  if (reason !== 'disconnectWithWill') visit.will = undefined;
  const seconds = propertyOf(properties, 'sessionExpiryInterval');
  if (seconds === undefined || visit.session === undefined) return { next: 'over' };
  return visit.lasts(seconds) ? { next: 'over' } : leave(visit, 'protocolError');
}

/** The server ends the connection; in version 5 it sends the reason. */
export function leave(visit: Visit, reason: DisconnectReason): Reply & { next: 'over' } {
  return { send: visit.version === 5 ? dismissal(reason) : [], next: 'over' };
}

export function dismissal(reason: DisconnectReason): Sent {
  return { type: 'disconnect', packet: { reason, properties: [] } };
}

export function farewell(fault: Error, visit: Visit): Sent | undefined {
  return visit.session !== undefined && visit.version === 5 ? dismissal(reasonOf(fault)) : undefined;
}

function reasonOf(fault: Error): DisconnectReason {
  if (fault instanceof FrameError) {
    return fault.code === 'ERR_FRAME_TOO_LONG' ? 'packetTooLarge' : 'malformedPacket';
  }
  if (fault instanceof MessageError) return 'malformedPacket';
  if (!(fault instanceof StateError)) return 'unspecifiedError';
  if (fault.code === 'ERR_STATE_SHUTDOWN') return 'serverShuttingDown';
  return fault.origin === 'peer' ? 'protocolError' : 'unspecifiedError';
}

const EMPTY = Buffer.alloc(0);
