import { type AnyField, codecOf, type Field } from 'wirepipe';
import { returnCode, subscribeReturnCode } from '../packets.ts';
import {
  authReason,
  connectReason,
  disconnectReason,
  publishReason,
  releaseReason,
  subscribeReason,
  unsubscribeReason,
} from '../reason-codes.ts';

type Code = string | number;

/** The codes of a packet; a number without a name stays a number. */
export interface Codes {
  readonly names: readonly Code[];
  readonly numbers: Readonly<Record<string, number>>;
}

function codesOf(enumeration: AnyField): Codes {
  const codec = codecOf(enumeration as Field<Code>);
  const names: Code[] = [];
  const numbers: Record<string, number> = Object.create(null);
  for (let number = 0; number < 256; number++) {
    try {
      names[number] = codec.decode(Buffer.of(number));
      numbers[names[number]!] = number;
    } catch {
      names[number] = number;
    }
  }
  return { names, numbers };
}

const publish = codesOf(publishReason);
const release = codesOf(releaseReason);

/** Of MQTT 3.1.1, by the packet. */
export const codes3: Readonly<Record<string, Codes>> = {
  connack: codesOf(returnCode),
  suback: codesOf(subscribeReturnCode),
};

/** Of MQTT 5.0, by the packet. */
export const codes5: typeof codes3 = {
  connack: codesOf(connectReason),
  puback: publish,
  pubrec: publish,
  pubrel: release,
  pubcomp: release,
  suback: codesOf(subscribeReason),
  unsuback: codesOf(unsubscribeReason),
  disconnect: codesOf(disconnectReason),
  auth: codesOf(authReason),
};

/** A code as mqtt-packet has it. */
export function numberOf(codes: Codes, code: Code): number {
  return typeof code === 'number' ? code : codes.numbers[code]!;
}

/** A code in the form of the declarations. Anything except a number stays unchanged, and the codec refuses it. */
export function nameOf(codes: Codes, code: unknown): Code {
  return typeof code === 'number' ? (codes.names[code] ?? code) : (code as Code);
}
