import type { ServerProtocol } from '../protocol/protocol.ts';
import type { Connection } from './connection.ts';
import type { Follower } from './follower.ts';

/** A connection of a server, as a fleet uses it. */
// biome-ignore-start lint/suspicious/noExplicitAny: whatever is spoken
export interface FollowedConnection<Context = any> extends Connection<any, any, string, Context> {
  // biome-ignore-end lint/suspicious/noExplicitAny: whatever is spoken
  /** End it with an error: the session's farewell answers it. */
  abort(error: Error): void;
  /** With true, nothing is read from the peer until it is called with false. */
  hold(isHeld: boolean): void;
}

/**
 * Reaches the peers of a server from other processes; `wirepipe/fleet` provides one. A server only tells it about its
 * connections.
 */
// biome-ignore lint/suspicious/noExplicitAny: whatever the handlers keep
export interface ServerFleet<Context = any> {
  /** The server is about to listen, and waits for it: its rejection is the rejection of `listen`. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever is spoken
  open(protocol: ServerProtocol<any, any>): Promise<void>;
  /** A peer has connected. Returns a follower for the connection. */
  follow(connection: FollowedConnection<Context>): Follower;
  /** The server has closed: all its connections have ended. */
  close(): Promise<void>;
}
