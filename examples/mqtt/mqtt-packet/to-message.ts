import { codes3, codes5, nameOf } from './codes.ts';
import type { Settings } from './packet.ts';
import { toList } from './properties.ts';

// biome-ignore lint/suspicious/noExplicitAny: whatever a caller of mqtt-packet gives; the codec judges it
type Given = any;

/** The message of a packet in the form of mqtt-packet. Values of the wrong type are kept: the codec refuses them. */
export function toMessage(packet: Given, settings: Settings): Given {
  const isVersion5 = settings.protocolVersion === 5;
  const { cmd: type, messageId: id } = packet;
  const properties = isVersion5 ? { properties: toList(packet.properties) } : undefined;
  switch (type) {
    case 'connect':
      return { type, packet: connect(packet) };
    case 'connack': {
      const connackFlags = { sessionPresent: Boolean(packet.sessionPresent) };
      const code = isVersion5
        ? { reason: nameOf(codes5.connack!, packet.reasonCode) }
        : { returnCode: nameOf(codes3.connack!, packet.returnCode) };
      return { type, packet: { connackFlags, ...code, ...properties } };
    }
    case 'publish': {
      const qos = packet.qos || 0;
      return {
        type,
        flags: { dup: packet.dup ? 1 : 0, qos, retain: packet.retain ? 1 : 0 },
        packet: {
          topic: textOf(packet.topic),
          id: qos > 0 ? (id ?? null) : undefined,
          properties: properties?.properties,
          payload: bytesOf(packet.payload),
        },
      };
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return { type, packet: { id, ...acknowledgement(packet, isVersion5) } };
    case 'subscribe':
      return {
        type,
        packet: {
          id,
          ...properties,
          subscriptions: listOf(packet.subscriptions, isVersion5 ? subscription5 : subscription3),
        },
      };
    case 'suback': {
      const code = (isVersion5 ? codes5 : codes3).suback!;
      const codes = listOf(packet.granted, (one) => nameOf(code, one));
      return { type, packet: { id, ...properties, [isVersion5 ? 'codes' : 'returnCodes']: codes } };
    }
    case 'unsubscribe':
      return { type, packet: { id, ...properties, filters: listOf(packet.unsubscriptions, (one) => one) } };
    case 'unsuback': {
      const codes = isVersion5 && listOf(packet.granted, (one) => nameOf(codes5.unsuback!, one));
      return { type, packet: { id, ...properties, ...(isVersion5 && { codes }) } };
    }
    case 'disconnect':
      if (!isVersion5) return { type, packet: {} };
      return { type, packet: { reason: nameOf(codes5.disconnect!, packet.reasonCode ?? 0), ...properties } };
    case 'auth':
      return { type, packet: { reason: nameOf(codes5.auth!, packet.reasonCode ?? 0), ...properties } };
    default:
      return { type };
  }
}

function connect(packet: Given): Given {
  const { will, username, password } = packet;
  const level = packet.protocolVersion || 4;
  const own = level === 5 ? { properties: toList(packet.properties) } : undefined;
  return {
    protocol: textOf(packet.protocolId || 'MQTT'),
    level: packet.bridgeMode ? level + 0x80 : level,
    connectFlags: {
      userName: username == null ? 0 : 1,
      password: password == null ? 0 : 1,
      willRetain: will?.retain ? 1 : 0,
      willQos: will?.qos || 0,
      will: will ? 1 : 0,
      cleanStart: packet.clean === undefined || packet.clean ? 1 : 0,
    },
    keepAlive: packet.keepalive || 0,
    ...own,
    clientId: textOf(packet.clientId || ''),
    will: will
      ? {
          ...(own && { properties: toList(will.properties) }),
          topic: will.topic || null,
          payload: bytesOf(will.payload),
        }
      : undefined,
    userName: username == null ? undefined : textOf(username),
    password: password == null ? undefined : bytesOf(password),
  };
}

/** A reason of plain success is left out. */
function acknowledgement({ cmd, reasonCode, properties }: Given, isVersion5: boolean): Given {
  const hasProperties = typeof properties === 'object' && properties !== null;
  if (!isVersion5 || (!reasonCode && !hasProperties)) return undefined;
  return { reason: nameOf(codes5[cmd]!, reasonCode ?? 0), properties: toList(properties) };
}

function subscription3({ topic, qos }: Given): Given {
  return { filter: topic, options: { qos, noLocal: 0, retainAsPublished: 0, retainHandling: 0 } };
}

function subscription5({ topic, qos, nl, rap, rh }: Given): Given {
  const flag = (given: unknown) => (typeof given === 'boolean' ? Number(given) : (given ?? 0));
  return {
    filter: topic,
    options: { qos, noLocal: flag(nl), retainAsPublished: flag(rap), retainHandling: rh ?? 0 },
  };
}

/** Undefined for an empty list, or anything except a list: the codec refuses it. */
function listOf(given: unknown, each: (one: Given) => Given): Given {
  return Array.isArray(given) && given.length > 0 ? given.map(each) : null;
}

function textOf(given: unknown): unknown {
  return Buffer.isBuffer(given) ? given.toString() : given;
}

function bytesOf(given: unknown): unknown {
  if (typeof given === 'string') return Buffer.from(given);
  return given || EMPTY;
}

const EMPTY = Buffer.alloc(0);
