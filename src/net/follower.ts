/** Follows one connection of a server: its messages and its end. An error that it throws ends the connection. */
export interface Follower {
  /** A message was received, and is about to be handled in that state. */
  message(message: unknown, state: string): void;
  /** Another state was entered. */
  transition(from: string, to: string): void;
  /**
   * The server ends the connection, and waits for the promise, which is fulfilled once no reply of the peer is outstanding.
   * Undefined if none is.
   */
  leave(): Promise<void> | undefined;
  /** The connection is gone; with the error that ended it, unless it ended without one. */
  end(error: Error | undefined): void;
}
