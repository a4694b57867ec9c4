import { enumeration, u8 } from 'wirepipe';

/** Reason codes (MQTT 5.0 §2.4). A code below 0x80 means success; 0 has its own name in each packet. */
const codes = {
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reauthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

type Name = keyof typeof codes;

/** True if a reason is a failure. The table has no entry for 0. */
export function isRefusal(reason: string): boolean {
  return (codes[reason as Name] ?? 0) >= 0x80;
}

/** Some of the codes. */
function some<const N extends Name>(...names: N[]): Pick<typeof codes, N> {
  return Object.fromEntries(names.map((name) => [name, codes[name]])) as Pick<typeof codes, N>;
}

const success = { success: 0 } as const;

/** §3.2.2.2. The codes of older versions stay numbers. */
export const connectReason = enumeration(
  u8,
  {
    ...success,
    ...some('unspecifiedError', 'malformedPacket', 'protocolError', 'implementationSpecificError'),
    ...some(
      'unsupportedProtocolVersion',
      'clientIdentifierNotValid',
      'badUserNameOrPassword',
      'notAuthorized',
    ),
    ...some('serverUnavailable', 'serverBusy', 'banned', 'badAuthenticationMethod', 'topicNameInvalid'),
    ...some('packetTooLarge', 'quotaExceeded', 'payloadFormatInvalid', 'retainNotSupported'),
    ...some('qosNotSupported', 'useAnotherServer', 'serverMoved', 'connectionRateExceeded'),
  },
  { unknown: 'keep' },
);

/** PUBACK and PUBREC, §3.4.2.1 and §3.5.2.1. */
export const publishReason = enumeration(u8, {
  ...success,
  ...some('noMatchingSubscribers', 'unspecifiedError', 'implementationSpecificError', 'notAuthorized'),
  ...some('topicNameInvalid', 'packetIdentifierInUse', 'quotaExceeded', 'payloadFormatInvalid'),
});

/** PUBREL and PUBCOMP, §3.6.2.1 and §3.7.2.1. */
export const releaseReason = enumeration(u8, { ...success, ...some('packetIdentifierNotFound') });

/** SUBACK, §3.9.3. */
export const subscribeReason = enumeration(u8, {
  grantedQos0: 0,
  ...some('grantedQos1', 'grantedQos2', 'unspecifiedError', 'implementationSpecificError', 'notAuthorized'),
  ...some('topicFilterInvalid', 'packetIdentifierInUse', 'quotaExceeded', 'sharedSubscriptionsNotSupported'),
  ...some('subscriptionIdentifiersNotSupported', 'wildcardSubscriptionsNotSupported'),
});

/** UNSUBACK, §3.11.3. */
export const unsubscribeReason = enumeration(u8, {
  ...success,
  ...some('noSubscriptionExisted', 'unspecifiedError', 'implementationSpecificError', 'notAuthorized'),
  ...some('topicFilterInvalid', 'packetIdentifierInUse'),
});

/** DISCONNECT, §3.14.2.1. */
export const disconnectReason = enumeration(u8, {
  normalDisconnection: 0,
  ...some('disconnectWithWill', 'unspecifiedError', 'malformedPacket', 'protocolError'),
  ...some('implementationSpecificError', 'notAuthorized', 'serverBusy', 'serverShuttingDown'),
  ...some('keepAliveTimeout', 'sessionTakenOver', 'topicFilterInvalid', 'topicNameInvalid'),
  ...some('receiveMaximumExceeded', 'topicAliasInvalid', 'packetTooLarge', 'messageRateTooHigh'),
  ...some('quotaExceeded', 'administrativeAction', 'payloadFormatInvalid', 'retainNotSupported'),
  ...some('qosNotSupported', 'useAnotherServer', 'serverMoved', 'sharedSubscriptionsNotSupported'),
  ...some('connectionRateExceeded', 'maximumConnectTime', 'subscriptionIdentifiersNotSupported'),
  ...some('wildcardSubscriptionsNotSupported'),
});

/** AUTH, §3.15.2.1. */
export const authReason = enumeration(u8, {
  ...success,
  ...some('continueAuthentication', 'reauthenticate'),
});
