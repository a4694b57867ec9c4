import type { Framing } from '../protocol/framing/framing.ts';
import { lengthPrefix } from '../protocol/framing/length-prefix.ts';
import { defineProtocol, type Protocol } from '../protocol/protocol.ts';
import { type ClientMessage, clientMessages, type ServerMessage, serverMessages } from './messages.ts';
import { type DroneContext, type DroneOptions, type DroneState, droneSession, session } from './session.ts';

export type DroneProtocol = Protocol<ClientMessage, ServerMessage, DroneState, DroneContext> & {
  readonly framing: Framing;
};

/**
 * The drone protocol, whose session has these options.
 *
 *     frame    u32le payload length, at most 10,000,000 · payload
 *     payload  u8 discriminant · body
 */
export function droneProtocol(options?: DroneOptions): DroneProtocol {
  return defineProtocol({
    name: 'drone',
    framing: lengthPrefix({ maxFrameLength: 10_000_000 }),
    clientMessages,
    serverMessages,
    session: options === undefined ? session : droneSession(options),
  });
}

/** The drone protocol, with the token `HELLO` and one attempt. */
export const drone: DroneProtocol = droneProtocol();
