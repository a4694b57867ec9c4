import type { RefusalReason } from '../errors.ts';
import { bytes, enumeration, message, rest, u8, utf8 } from '../protocol/fields/kinds.ts';
import { type DeclaredCodec, messages } from '../protocol/fields/messages.ts';

/** The outcome of a command, as its gateway answers. */
export type Outcome =
  | { type: 'replied'; message: Uint8Array }
  | { type: 'done' }
  /** Nothing was sent to the device. */
  | { type: 'refused'; reason: RefusalReason; text: string }
  /** The device may have executed it. */
  | { type: 'unknown'; text: string };

export type Refused = Extract<Outcome, { type: 'refused' }>;
export type Unknown = Extract<Outcome, { type: 'unknown' }>;

const reasons = { absent: 0, state: 1, queue: 2, invalid: 3, size: 4, expired: 5, offline: 6 };

/**
 * The bytes of a gateway's answer.
 *
 *     replied  01 · message
 *     done     02
 *     refused  03 · reason u8 · text
 *     unknown  04 · text
 */
export const outcomes: DeclaredCodec<Outcome> = messages(u8, {
  replied: message(1, { message: bytes(rest) }),
  done: message(2),
  refused: message(3, { reason: enumeration(u8, reasons), text: utf8(rest) }),
  unknown: message(4, { text: utf8(rest) }),
}) as unknown as DeclaredCodec<Outcome>;

export const DONE: Outcome = { type: 'done' };

export function refused(reason: RefusalReason, text: string): Refused {
  return { type: 'refused', reason, text };
}

export function unknown(text: string): Unknown {
  return { type: 'unknown', text };
}
