import type { OfType } from 'wirepipe';
import type { Received } from './packets.ts';
import { type Property, propertyOf } from './properties.ts';

/** What one side publishes to the other, of either version. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
  /** Of MQTT 5: those that go with the message to its subscribers. */
  readonly properties?: readonly Property[];
  /** When it is worth nothing any more, in milliseconds since 1970 (5.0 §3.3.2.3.3). */
  readonly expires?: number | undefined;
}

/** Properties of PUBLISH that go with the message (5.0 §3.3.2.3). */
const FORWARDED: ReadonlySet<string> = new Set<Property['type']>([
  'messageExpiryInterval',
  'payloadFormatIndicator',
  'contentType',
  'responseTopic',
  'correlationData',
  'userProperty',
]);

/** What came, to be kept: the frame is a view of what was received, so its bytes are copied. */
export function publicationOf({ flags, packet }: OfType<Received, 'publish'>): Publication {
  const { topic, payload, properties } = packet;
  return dated(kept(topic, payload, flags.qos, flags.retain, properties));
}

/** As `publicationOf`, of the will that a client leaves: `dated` once it is published. */
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

/** From now on the time that it is worth something passes. */
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

/** The properties that it is sent with, the time that is left to it among them. */
export function propertiesOf({ properties = [], expires }: Publication): readonly Property[] {
  if (expires === undefined) return properties;
  const value = Math.max(0, Math.ceil((expires - Date.now()) / 1_000));
  return [...properties, { type: 'messageExpiryInterval', value }];
}
