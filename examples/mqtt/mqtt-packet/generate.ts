import type { ProtocolError } from 'wirepipe';
import { mqtt, mqtt5 } from '../packets.ts';
import type { Settings } from './packet.ts';
import { sentError } from './texts.ts';
import { toMessage } from './to-message.ts';

/** The properties that may be left out of a packet that exceeds its receiver's maximum, in this order. */
const DISPENSABLE = ['reasonString', 'userProperties'];
const SHORTENED = new Set([
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'suback',
  'unsuback',
  'disconnect',
  'auth',
]);

/** The packet's bytes; undefined if it exceeds its receiver's maximum. Throws an Error with mqtt-packet's text. */
// biome-ignore lint/suspicious/noExplicitAny: whatever a caller of mqtt-packet gives
export function encodePacket(packet: any, options: Settings | undefined): Buffer | undefined {
  const { cmd } = packet;
  const protocolVersion = cmd === 'connect' ? packet.protocolVersion : options?.protocolVersion;
  if (cmd === 'connect') judgeConnect(packet);
  if (cmd === 'auth' && protocolVersion !== 5) throw new Error('Invalid mqtt version for auth packet');
  const bytes = encode(packet, { protocolVersion });
  const most = options?.properties?.maximumPacketSize;
  if (!most || protocolVersion !== 5 || bytes.length <= most || !SHORTENED.has(cmd)) return bytes;
  const name = DISPENSABLE.find((one) => packet.properties?.[one] !== undefined);
  if (name === undefined) return undefined;
  const { [name]: _, ...properties } = packet.properties;
  return encodePacket({ ...packet, properties }, options);
}

// biome-ignore lint/suspicious/noExplicitAny: see above
function encode(packet: any, settings: { protocolVersion: number | undefined }): Buffer {
  const version = settings.protocolVersion === 5 ? 5 : 4;
  const message = toMessage(packet, { protocolVersion: version });
  try {
    return (version === 5 ? mqtt5 : mqtt).encode(message);
  } catch (error) {
    throw sentError(error as ProtocolError, message);
  }
}

/** Rules between fields of a CONNECT. */
// biome-ignore lint/suspicious/noExplicitAny: see above
function judgeConnect({ clientId, clean, protocolVersion, will, username, password }: any): void {
  if (!clientId && protocolVersion === 3) throw new Error('clientId must be supplied before 3.1.1');
  if (!clientId && clean !== undefined && !clean) {
    throw new Error('clientId must be given if cleanSession set to 0');
  }
  if (will && typeof will !== 'object') throw new Error('Invalid will');
  if (password != null && username == null) throw new Error('Username is required to use password');
}

/** As mqtt-packet's. */
export function generate(packet: object, options?: Settings): Buffer {
  return encodePacket(packet, options) ?? Buffer.alloc(0);
}
