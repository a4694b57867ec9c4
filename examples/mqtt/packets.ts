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
  type Field,
  flags,
  message,
  messages,
  only,
  optional,
  parameter,
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

/** §3.1: CONNECT of either version; the level tells which. Bridges add 0x80. */
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

const id = { id: u16be };

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

/** Version 5 has it. */
const in5 = when(parameter('version'), 5);
const in4 = unless(parameter('version'), 5);
const properties5 = { properties: optional(properties, in5) };

/** It must be 0 before version 5. */
function since5<const Path extends string>(path: Path) {
  return optional(only(path, { max: 0 }), in4);
}

/** The reason code, in version 5. A reason of plain success may be omitted, with everything after it. */
function outcome<Reason>(reason: Field<Reason>) {
  return {
    reason: optional(optional(reason, rest), in5),
    properties: optional(optional(properties, rest), in5),
  };
}

/** All packets of one version: `mqtt` itself is version 4 (3.1.1, and 3.1), `mqtt.with({ version: 5 })` is 5.0. */
export const mqtt = messages(
  'flags.kind',
  {
    connect,
    connack: message(2, {
      ...reserved(0),
      ...packet({
        connackFlags: flags(u8, { sessionPresent: 0 }),
        returnCode: optional(returnCode, in4),
        ...outcome(connectReason),
      }),
    }),
    publish: message(3, {
      publishQos: only('flags.qos', { max: 2 }),
      ...packet({
        topic: text,
        id: optional(u16be, when('flags.qos', 1, 2)),
        ...properties5,
        payload: bytes(rest, { max: MAX_REMAINING_LENGTH }),
      }),
    }),
    puback: message(4, { ...reserved(0), ...packet({ ...id, ...outcome(publishReason) }) }),
    pubrec: message(5, { ...reserved(0), ...packet({ ...id, ...outcome(publishReason) }) }),
    pubrel: message(6, { ...reserved(1), ...packet({ ...id, ...outcome(releaseReason) }) }),
    pubcomp: message(7, { ...reserved(0), ...packet({ ...id, ...outcome(releaseReason) }) }),
    subscribe: message(8, {
      ...reserved(1),
      ...packet({
        ...id,
        ...properties5,
        subscriptions: array(
          struct({
            filter: text,
            options: bits(u8, { reserved: 2, retainHandling: 2, retainAsPublished: 1, noLocal: 1, qos: 2 }),
            reservedOptions: only('options.reserved', 0),
            subscribeQos: only('options.qos', { max: 2 }),
            retainHandling: only('options.retainHandling', { max: 2 }),
            retainHandlingSince5: since5('options.retainHandling'),
            retainAsPublishedSince5: since5('options.retainAsPublished'),
            noLocalSince5: since5('options.noLocal'),
          }),
          rest,
        ),
      }),
    }),
    suback: message(9, {
      ...reserved(0),
      ...packet({
        ...id,
        ...properties5,
        returnCodes: optional(array(subscribeReturnCode, rest), in4),
        codes: optional(array(subscribeReason, rest), in5),
      }),
    }),
    unsubscribe: message(10, {
      ...reserved(1),
      ...packet({ ...id, ...properties5, filters: array(text, rest) }),
    }),
    unsuback: message(11, {
      ...reserved(0),
      ...packet({ ...id, ...properties5, codes: optional(array(unsubscribeReason, rest), in5) }),
    }),
    pingreq: message(12, empty),
    pingresp: message(13, empty),
    disconnect: message(14, { ...reserved(0), ...packet(outcome(disconnectReason)) }),
    auth: message(15, {
      since5: only(parameter('version'), 5),
      ...reserved(0),
      ...packet(outcome(authReason)),
    }),
  },
  { header, parameters: { version: { default: 4, min: 4, max: 5 } } },
);
export const mqtt5 = mqtt.with({ version: 5 });

export type Received = Decoded<typeof mqtt>;
export type Sent = Encodable<typeof mqtt>;
