import {
  array,
  bool,
  bounded,
  type Infer,
  message,
  only,
  rest,
  u8,
  u16be,
  u32be,
  union,
  varuint,
} from 'wirepipe';
import { MAX_REMAINING_LENGTH } from './fixed-header.ts';
import { data, text } from './values.ts';

const flag = { value: bool };
const count = { value: u16be };
const long = { value: u32be };
const string = { value: text };
const binary = { value: data };

/** §2.2.2.2: each property's name, identifier and type. */
const property = union(u8, {
  payloadFormatIndicator: message(0x01, flag),
  messageExpiryInterval: message(0x02, long),
  contentType: message(0x03, string),
  responseTopic: message(0x08, string),
  correlationData: message(0x09, binary),
  subscriptionIdentifier: message(0x0b, {
    value: varuint,
    fourBytes: only('value', { max: MAX_REMAINING_LENGTH }),
  }),
  sessionExpiryInterval: message(0x11, long),
  assignedClientIdentifier: message(0x12, string),
  serverKeepAlive: message(0x13, count),
  authenticationMethod: message(0x15, string),
  authenticationData: message(0x16, binary),
  requestProblemInformation: message(0x17, flag),
  willDelayInterval: message(0x18, long),
  requestResponseInformation: message(0x19, flag),
  responseInformation: message(0x1a, string),
  serverReference: message(0x1c, string),
  reasonString: message(0x1f, string),
  receiveMaximum: message(0x21, count),
  topicAliasMaximum: message(0x22, count),
  topicAlias: message(0x23, count),
  maximumQoS: message(0x24, { value: u8 }),
  retainAvailable: message(0x25, flag),
  userProperty: message(0x26, { name: text, value: text }),
  maximumPacketSize: message(0x27, long),
  wildcardSubscriptionAvailable: message(0x28, flag),
  subscriptionIdentifiersAvailable: message(0x29, flag),
  sharedSubscriptionAvailable: message(0x2a, flag),
});

/** Properties of MQTT 5.0 (§2.2.2): their length in bytes, then the properties. */
export const properties = bounded(varuint, array(property, rest));

export type Property = Infer<typeof property>;
type Value<Name extends Property['type']> = Extract<Property, { type: Name }>['value'];

/** The value of the first property of that name. */
export function propertyOf<Name extends Property['type']>(
  list: readonly Property[] | undefined,
  name: Name,
): Value<Name> | undefined {
  return list?.find(({ type }) => type === name)?.value as Value<Name> | undefined;
}
