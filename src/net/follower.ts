/** Follows one connection of a server: told what comes and how it ends. What it throws ends the connection. */
export interface Follower {
  /** A message has come, and is about to be answered in that state. */
  message(message: unknown, state: string): void;
  /** Another state was entered. */
  transition(from: string, to: string): void;
  /**
   * The server lets the connection go, which waits for the promise: nothing is under way then that the peer would answer. Undefined:
   * nothing is.
   */
  leave(): Promise<void> | undefined;
  /** The connection is gone; with the error that ended it, unless it ended without one. */
  end(error: Error | undefined): void;
}
