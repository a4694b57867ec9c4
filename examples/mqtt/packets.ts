/**
 * Every packet of MQTT 3.1.1 and of MQTT 5.0 (both OASIS standards), as data. Section numbers are those of 5.0.
 *
 *     publish   3d 0c  00 04 t e s t  00 0a  t e s t
 *               │  │   └ topic        └ id   └ payload
 *               │  └ 12 bytes remain
 *               └ kind 3, dup 1, QoS 2, retain 1
 */
import {
  array,
  bits,
  bytes,
  constant,
  type Decoded,
  type Encodable,
  enumeration,
  flags,
  message,
  messages,
  only,
  optional,
  rest,
  struct,
  u8,
  u16be,
  unless,
  when,
} from 'wirepipe';
import { header, MAX_REMAINING_LENGTH, packet, reserved } from './fixed-header.ts';
import { properties } from './properties.ts';
import {
  authReason,
  connectReason,
  disconnectReason,
  publishReason,
  releaseReason,
  subscribeReason,
  unsubscribeReason,
} from './reason-codes.ts';
import { data, text } from './values.ts';

/** §3.1, of either version: its level says which. Bridges add 0x80. */
const connect = message(1, {
  ...reserved(0),
  ...packet({
    protocol: text,
    protocolName: only('protocol', 'MQTT', 'MQIsdp'),
    level: u8,
    knownLevel: only('level', 3, 4, 5, 0x83, 0x84),
    connectFlags: bits(u8, {
      userName: 1,
      password: 1,
      willRetain: 1,
      willQos: 2,
      will: 1,
      cleanStart: 1,
      reserved: 1,
    }),
    reservedFlag: only('connectFlags.reserved', 0),
    noWillRetain: optional(only('connectFlags.willRetain', { max: 0 }), unless('connectFlags.will', 1)),
    noWillQos: optional(only('connectFlags.willQos', { max: 0 }), unless('connectFlags.will', 1)),
    willQos: only('connectFlags.willQos', { max: 2 }),
    /** In seconds; 0 turns it off. */
    keepAlive: u16be,
    properties: optional(properties, when('level', 5)),
    clientId: text,
    will: optional(
      struct({ properties: optional(properties, when('level', 5)), topic: text, payload: data }),
      when('connectFlags.will', 1),
    ),
    userName: optional(text, when('connectFlags.userName', 1)),
    password: optional(data, when('connectFlags.password', 1)),
  }),
});

/** A packet that is its fixed header. */
const empty = { ...reserved(0), remainingLength: constant(u8, 0) };

const ids = { id: u16be };
const publishId = { id: optional(u16be, when('flags.qos', 1, 2)) };
const publishQos = { publishQos: only('flags.qos', { max: 2 }) };
const connectAcknowledgement = { connackFlags: flags(u8, { sessionPresent: 0 }) };

/** 3.1.1 §3.2.2.3. */
export const returnCode = enumeration(
  u8,
  {
    accepted: 0,
    unacceptableProtocolVersion: 1,
    identifierRejected: 2,
    serverUnavailable: 3,
    badUserNameOrPassword: 4,
    notAuthorized: 5,
  },
  { unknown: 'keep' },
);
/** 3.1.1 §3.9.3. */
export const subscribeReturnCode = enumeration(u8, {
  grantedQos0: 0,
  grantedQos1: 1,
  grantedQos2: 2,
  failure: 0x80,
});

/** MQTT 3.1.1, and 3.1. */
export const mqtt3 = messages(
  'flags.kind',
  {
    connect,
    connack: message(2, {
      ...reserved(0),
      ...packet({
        ...connectAcknowledgement,
        returnCode,
      }),
    }),
    publish: message(3, {
      ...publishQos,
      ...packet({ topic: text, ...publishId, payload: bytes(rest, { max: MAX_REMAINING_LENGTH }) }),
    }),
    puback: message(4, { ...reserved(0), ...packet(ids) }),
    pubrec: message(5, { ...reserved(0), ...packet(ids) }),
    pubrel: message(6, { ...reserved(1), ...packet(ids) }),
    pubcomp: message(7, { ...reserved(0), ...packet(ids) }),
    subscribe: message(8, {
      ...reserved(1),
      ...packet({
        ...ids,
        subscriptions: array(
          struct({
            filter: text,
            options: bits(u8, { reserved: 6, qos: 2 }),
            reservedOptions: only('options.reserved', 0),
            subscribeQos: only('options.qos', { max: 2 }),
          }),
          rest,
        ),
      }),
    }),
    suback: message(9, {
      ...reserved(0),
      ...packet({
        ...ids,
        codes: array(subscribeReturnCode, rest),
      }),
    }),
    unsubscribe: message(10, { ...reserved(1), ...packet({ ...ids, filters: array(text, rest) }) }),
    unsuback: message(11, { ...reserved(0), ...packet(ids) }),
    pingreq: message(12, empty),
    pingresp: message(13, empty),
    disconnect: message(14, empty),
  },
  { header },
);

/** What may be left out, from the end: success, and no properties. */
const acknowledgement = { properties: optional(properties, rest) };

/** MQTT 5.0. */
export const mqtt5 = messages(
  'flags.kind',
  {
    connect,
    connack: message(2, {
      ...reserved(0),
      ...packet({ ...connectAcknowledgement, reason: optional(connectReason, rest), ...acknowledgement }),
    }),
    publish: message(3, {
      ...publishQos,
      ...packet({
        topic: text,
        ...publishId,
        properties,
        payload: bytes(rest, { max: MAX_REMAINING_LENGTH }),
      }),
    }),
    puback: message(4, {
      ...reserved(0),
      ...packet({ ...ids, reason: optional(publishReason, rest), ...acknowledgement }),
    }),
    pubrec: message(5, {
      ...reserved(0),
      ...packet({ ...ids, reason: optional(publishReason, rest), ...acknowledgement }),
    }),
    pubrel: message(6, {
      ...reserved(1),
      ...packet({ ...ids, reason: optional(releaseReason, rest), ...acknowledgement }),
    }),
    pubcomp: message(7, {
      ...reserved(0),
      ...packet({ ...ids, reason: optional(releaseReason, rest), ...acknowledgement }),
    }),
    subscribe: message(8, {
      ...reserved(1),
      ...packet({
        ...ids,
        properties,
        subscriptions: array(
          struct({
            filter: text,
            options: bits(u8, { reserved: 2, retainHandling: 2, retainAsPublished: 1, noLocal: 1, qos: 2 }),
            reservedOptions: only('options.reserved', 0),
            subscribeQos: only('options.qos', { max: 2 }),
            retainHandling: only('options.retainHandling', { max: 2 }),
          }),
          rest,
        ),
      }),
    }),
    suback: message(9, {
      ...reserved(0),
      ...packet({ ...ids, properties, codes: array(subscribeReason, rest) }),
    }),
    unsubscribe: message(10, {
      ...reserved(1),
      ...packet({ ...ids, properties, filters: array(text, rest) }),
    }),
    unsuback: message(11, {
      ...reserved(0),
      ...packet({ ...ids, properties, codes: array(unsubscribeReason, rest) }),
    }),
    pingreq: message(12, empty),
    pingresp: message(13, empty),
    disconnect: message(14, {
      ...reserved(0),
      ...packet({ reason: optional(disconnectReason, rest), ...acknowledgement }),
    }),
    auth: message(15, {
      ...reserved(0),
      ...packet({ reason: optional(authReason, rest), ...acknowledgement }),
    }),
  },
  { header },
);

export type Received3 = Decoded<typeof mqtt3>;
export type Sent3 = Encodable<typeof mqtt3>;
export type Received5 = Decoded<typeof mqtt5>;
export type Sent5 = Encodable<typeof mqtt5>;
