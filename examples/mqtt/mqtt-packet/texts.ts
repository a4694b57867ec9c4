import { FrameError, type MessageError, type ProtocolError } from 'wirepipe';
import type { Settings } from './packet.ts';

/**
 * mqtt-packet's texts for wirepipe's errors, by message type and field path without indices. The first line that
 * matches counts; `*` matches any message.
 */
const RECEIVED: readonly (readonly [message: string, path: string, text: string])[] = [
  ['connect', 'packet.protocol', 'Cannot parse protocolId'],
  ['connect', 'packet.protocolName', 'Invalid protocolId'],
  ['connect', 'packet.knownLevel', 'Invalid protocol version'],
  ['connect', 'packet.reservedFlag', 'Connect flag bit 0 must be 0, but got 1'],
  ['connect', 'packet.noWillRetain', 'Will Retain Flag must be set to zero when Will Flag is set to 0'],
  ['connect', 'packet.noWillQos', 'Will QoS must be set to zero when Will Flag is set to 0'],
  ['connect', 'packet.will.topic', 'Cannot parse will topic'],
  ['connect', 'packet.will.payload', 'Cannot parse will payload'],
  ['connect', 'packet.userName', 'Cannot parse username'],
  ['connect', 'packet.password', 'Cannot parse password'],
  ['connect', '*', 'Packet too short'],
  ['connack', 'packet.connackFlags', 'Invalid connack flags, bits 7-1 must be set to 0'],
  ['publish', 'publishQos', 'Packet must not have both QoS bits set to 1'],
  ['publish', 'packet.topic', 'Cannot parse topic'],
  ['subscribe', 'packet.subscriptions.filter', 'Cannot parse topic'],
  ['subscribe', 'packet.subscriptions.options', 'Malformed Subscribe Payload'],
  ['subscribe', 'packet.subscriptions.subscribeQos', 'Invalid subscribe QoS, must be <= 2'],
  ['subscribe', 'packet.subscriptions.retainHandling', 'Invalid retain handling, must be <= 2'],
  ['unsubscribe', 'packet.filters', 'Cannot parse topic'],
  ['suback', 'packet.codes', 'Invalid suback code'],
  ['suback', 'packet.returnCodes', 'Invalid suback QoS, must be 0, 1, 2 or 128'],
  ['unsuback', 'packet.codes', 'Invalid unsuback code'],
  ['auth', 'since5', 'Not supported auth packet for this version MQTT'],
  ['subscribe', 'packet.id', 'Malformed subscribe, no payload specified'],
  ['suback', 'packet.id', 'Malformed suback, no payload specified'],
  ['unsubscribe', 'packet.id', 'Malformed unsubscribe, no payload specified'],
  ['*', 'packet.id', 'Cannot parse messageId'],
  ['*', 'packet.properties', 'Cannot parse property code type'],
];

const SENT: typeof RECEIVED = [
  ['connect', 'packet.protocol', 'Invalid protocolId'],
  ['connect', 'packet.protocolName', 'Invalid protocolId'],
  ['connect', 'packet.level', 'Invalid protocol version'],
  ['connect', 'packet.knownLevel', 'Invalid protocol version'],
  ['connect', 'packet.keepAlive', 'Invalid keepalive'],
  ['connect', 'packet.will.topic', 'Invalid will topic'],
  ['connect', 'packet.will.payload', 'Invalid will payload'],
  ['connect', 'packet.userName', 'Invalid username'],
  ['connect', 'packet.password', 'Invalid password'],
  ['connack', 'packet.returnCode', 'Invalid return code'],
  ['connack', 'packet.reason', 'Invalid return code'],
  ['publish', 'packet.topic', 'Invalid topic'],
  ['*', 'packet.id', 'Invalid messageId'],
  ['subscribe', 'packet.subscriptions', 'Invalid subscriptions'],
  ['subscribe', 'packet.subscriptions.filter', 'Invalid subscriptions - invalid topic'],
  ['subscribe', 'packet.subscriptions.options.qos', 'Invalid subscriptions - invalid qos'],
  ['subscribe', 'packet.subscriptions.options.noLocal', 'Invalid subscriptions - invalid No Local'],
  [
    'subscribe',
    'packet.subscriptions.options.retainAsPublished',
    'Invalid subscriptions - invalid Retain as Published',
  ],
  [
    'subscribe',
    'packet.subscriptions.options.retainHandling',
    'Invalid subscriptions - invalid Retain Handling',
  ],
  ['subscribe', 'packet.subscriptions.retainHandling', 'Invalid subscriptions - invalid Retain Handling'],
  ['unsubscribe', 'packet.filters', 'Invalid unsubscriptions'],
  ['suback', 'packet.returnCodes', 'Invalid qos vector'],
  ['suback', 'packet.codes', 'Invalid qos vector'],
  ['unsuback', 'packet.codes', 'Invalid qos vector'],
];

/** An error with mqtt-packet's text for an error of the reader or the codec, which is its cause. */
export function receivedError(error: ProtocolError, settings: Settings): Error {
  return new Error(receivedText(error, settings), { cause: error });
}

function receivedText(error: ProtocolError, { protocolVersion }: Settings): string {
  if (error instanceof FrameError) return 'Invalid variable byte integer';
  const { code, path = '', messageType = '' } = error as MessageError;
  const isVersion5 = protocolVersion === 5;
  if (code === 'ERR_MESSAGE_UNKNOWN') return 'Not supported';
  if (path.startsWith('reserved')) {
    const flags = { pubrel: 2, subscribe: 2, unsubscribe: 2 }[messageType] ?? 0;
    return `Invalid header flag bits, must be 0x${flags} for ${messageType} packet`;
  }
  if (path.startsWith('packet.properties') && code === 'ERR_MESSAGE_VALUE') return 'Unknown property';
  if (path === 'packet.reason') return `Invalid ${messageType} reason code`;
  if (path.endsWith('reservedOptions') || (!isVersion5 && path.endsWith('Since5'))) {
    return `Invalid subscribe topic flag bits, bits 7-${isVersion5 ? 6 : 2} must be 0`;
  }
  if (messageType === 'unsuback' && !path.startsWith('packet.codes')) {
    return `Malformed unsuback, ${isVersion5 ? 'no payload specified' : 'payload length must be 2'}`;
  }
  return textOf(RECEIVED, messageType, path) ?? error.message;
}

/** An error of encoding, for a packet with these properties. */
export function sentError(error: ProtocolError, message: { packet?: { properties?: Property[] } }): Error {
  const { code, path = '', messageType = '', actual } = error as MessageError;
  const index = /properties\[(\d+)\]/.exec(path)?.[1];
  const property = index === undefined ? undefined : message.packet?.properties?.[Number(index)];
  const text =
    property !== undefined
      ? path.endsWith(']')
        ? `Invalid property ${property.type}: ${property.value}`
        : `Invalid ${property.type}: ${property.value}`
      : code === 'ERR_MESSAGE_UNKNOWN'
        ? 'Unknown command'
        : code === 'ERR_FIELD_TOO_LONG' && path === 'packet'
          ? `Invalid variable byte integer: ${actual}`
          : textOf(SENT, messageType, path);
  return new Error(text ?? error.message, { cause: error });
}

interface Property {
  readonly type: string;
  readonly value: unknown;
}

function textOf(table: typeof RECEIVED, messageType: string, path: string): string | undefined {
  const plain = path.replaceAll(/\[\d+\]/g, '');
  const found = table.find(
    ([message, where]) =>
      (message === '*' || message === messageType) && (where === '*' || isAt(plain, where)),
  );
  return found?.[2];
}

/** True if the path is that path, or inside it. */
function isAt(path: string, where: string): boolean {
  return path === where || (where === 'packet.properties' && path.startsWith(where));
}
