import { bytes, message, rest, u8, utf8, varuint } from '../protocol/fields/kinds.ts';
import { type DeclaredCodec, messages } from '../protocol/fields/messages.ts';

/** A request to a gateway, on the gateway's own subject. */
export type GatewayRequest =
  | CommandRequest
  /** A newer claim has taken over the device; the gateway's claim had that epoch. */
  | { type: 'takeover'; device: string; epoch: number }
  /** A command waits in the device's queue. */
  | { type: 'wake'; device: string }
  | { type: 'ping' };

/** Send the message to the device if it is held under that epoch; answer with its reply, or say that it was sent. */
export interface CommandRequest {
  type: 'request' | 'send';
  device: string;
  epoch: number;
  timeout: number;
  message: Uint8Array;
}

/**
 * The bytes of a request to a gateway. A message is encoded as in the protocol, without its frame.
 *
 *     request   01 · token's length varuint · token · epoch varuint · timeout in ms varuint · message
 *     send      02 · as request
 *     takeover  03 · token's length varuint · token · epoch varuint
 *     wake      04 · token's length varuint · token
 *     ping      05
 */
export const gatewayRequests: DeclaredCodec<GatewayRequest> = messages(u8, {
  request: message(1, { device: utf8(varuint), epoch: varuint, timeout: varuint, message: bytes(rest) }),
  send: message(2, { device: utf8(varuint), epoch: varuint, timeout: varuint, message: bytes(rest) }),
  takeover: message(3, { device: utf8(varuint), epoch: varuint }),
  wake: message(4, { device: utf8(varuint) }),
  ping: message(5),
});
