import type { OfType } from 'wirepipe';
import type { Received } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';

/** A published message, of either version. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
  /** In MQTT 5: the properties forwarded to subscribers. */
  readonly properties?: readonly Property[];
  /** When the message expires, in milliseconds since 1970 (5.0 §3.3.2.3.3). */
  readonly expires?: number | undefined;
}

/** Properties of PUBLISH that are forwarded (5.0 §3.3.2.3). */
const FORWARDED: ReadonlySet<string> = new Set<Property['type']>([
  'messageExpiryInterval',
  'payloadFormatIndicator',
  'contentType',
  'responseTopic',
  'correlationData',
  'userProperty',
]);

/** A received publication, to keep. Decoded bytes are views of received memory, so they are copied. */
export function publicationOf({ flags, packet }: OfType<Received, 'publish'>): Publication {
  const { topic, payload, properties } = packet;
  return dated(kept(topic, payload, flags.qos, flags.retain, properties));
}

/** The publication of a client's will; call `dated` when it is published. */
export function willOf({ packet }: OfType<Received, 'connect'>): Publication | undefined {
  const { connectFlags, will } = packet;
  if (will === undefined) return undefined;
  return kept(will.topic, will.payload, connectFlags.willQos, connectFlags.willRetain, will.properties);
}

function kept(
  topic: string,
  payload: Uint8Array,
  qos: number,
  retain: number,
  all: readonly Property[] = [],
): Publication {
  const plain = { topic, payload: Buffer.from(payload), qos, retain: retain === 1 };
  if (all.length === 0) return plain;
  return { ...plain, properties: all.filter(({ type }) => FORWARDED.has(type)).map(copied) };
}

/** Start the message's expiry interval. */
export function dated(publication: Publication): Publication {
  const seconds = propertyOf(publication.properties, 'messageExpiryInterval');
  if (seconds === undefined) return publication;
  const properties = publication.properties!.filter(({ type }) => type !== 'messageExpiryInterval');
  return { ...publication, properties, expires: Date.now() + 1_000 * seconds };
}

function copied(property: Property): Property {
  return property.type === 'correlationData' ? { ...property, value: Buffer.from(property.value) } : property;
}

export function isExpired({ expires = Infinity }: Publication): boolean {
  return expires <= Date.now();
}

/** The properties to send, with the remaining expiry interval. */
export function propertiesOf({ properties = [], expires }: Publication): readonly Property[] {
  if (expires === undefined) return properties;
  const value = Math.max(0, Math.ceil((expires - Date.now()) / 1_000));
  return [...properties, { type: 'messageExpiryInterval', value }];
}
