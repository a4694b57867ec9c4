import type { Received as Message } from '../packets.ts';
import { codes3, codes5, numberOf } from './codes.ts';
import { Packet, type Settings } from './packet.ts';
import { toObject } from './properties.ts';

/** The optional end of MQTT 5.0 packets. */
interface Acknowledgement {
  readonly reason?: string | number | undefined;
  readonly properties?: Parameters<typeof toObject>[0] | undefined;
}
type Granting = OfType<'suback'> | OfType<'unsuback'>;
type OfType<T extends Message['type']> = Extract<Message, { type: T }>;

/** A decoded message in the form of mqtt-packet. */
export function fromMessage(message: Message, length: number, settings: Settings): Packet {
  const packet = new Packet(message.type, message.flags, length);
  const isVersion5 = settings.protocolVersion === 5;
  switch (message.type) {
    case 'publish':
      packet.topic = message.packet.topic;
      if (message.packet.id !== undefined) packet.messageId = message.packet.id;
      packet.payload = message.packet.payload;
      break;
    case 'connect':
      connect(packet, message);
      break;
    case 'connack':
      packet.sessionPresent = message.packet.connackFlags.sessionPresent;
      if (!isVersion5) packet.returnCode = numberOf(codes3.connack!, message.packet.returnCode!);
      break;
    case 'subscribe':
      packet.messageId = message.packet.id;
      packet.subscriptions = message.packet.subscriptions.map((one) => subscription(one, settings));
      break;
    case 'unsubscribe':
      packet.messageId = message.packet.id;
      packet.unsubscriptions = message.packet.filters;
      break;
    case 'suback':
    case 'unsuback':
      packet.messageId = message.packet.id;
      granted(packet, message, isVersion5);
      break;
    case 'pingreq':
    case 'pingresp':
    case 'disconnect':
    case 'auth':
      break;
    default:
      packet.messageId = message.packet.id;
  }
  if (isVersion5 && 'packet' in message) {
    const body: Acknowledgement = message.packet as object;
    if ('reason' in body)
      packet.reasonCode = body.reason === undefined ? 0 : numberOf(codes5[message.type]!, body.reason);
    if (message.type !== 'connect' && body.properties && body.properties.length > 0) {
      packet.properties = toObject(body.properties);
    }
  }
  return packet;
}

function connect(packet: Packet, { packet: body }: OfType<'connect'>): void {
  const { connectFlags, will } = body;
  packet.protocolId = body.protocol;
  packet.protocolVersion = body.level & 0x7f;
  if (body.level >= 0x80) packet.bridgeMode = true;
  packet.clean = connectFlags.cleanStart === 1;
  packet.keepalive = body.keepAlive;
  if (body.properties && body.properties.length > 0) packet.properties = toObject(body.properties);
  packet.clientId = body.clientId;
  if (will !== undefined) {
    packet.will = {
      retain: connectFlags.willRetain === 1,
      qos: connectFlags.willQos,
      ...(will.properties && will.properties.length > 0 && { properties: toObject(will.properties) }),
      topic: will.topic,
      payload: will.payload,
    };
  }
  if (body.userName !== undefined) packet.username = body.userName;
  if (body.password !== undefined) packet.password = body.password;
}

function granted(packet: Packet, { type, packet: body }: Granting, isVersion5: boolean): void {
  const all: readonly (string | number)[] | undefined =
    type === 'suback' && !isVersion5 ? body.returnCodes : body.codes;
  const codes = (isVersion5 ? codes5 : codes3)[type]!;
  if (all !== undefined) packet.granted = all.map((one) => numberOf(codes, one));
}

function subscription(
  { filter, options }: OfType<'subscribe'>['packet']['subscriptions'][number],
  { protocolVersion, bridgeMode }: Settings,
): object {
  const { qos, noLocal, retainAsPublished, retainHandling } = options;
  if (protocolVersion === 5) {
    return { topic: filter, qos, nl: noLocal === 1, rap: retainAsPublished === 1, rh: retainHandling };
  }
  return bridgeMode ? { topic: filter, qos, rh: 0, rap: true, nl: true } : { topic: filter, qos };
}
