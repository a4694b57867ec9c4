import type { ServerLimits } from './limits.ts';

/** What a server has counted since it was made, and what there is now. */
export interface ServerStatistics {
  /** Connections of the moment. */
  readonly connections: number;
  /** Bytes of unfinished frames, and behind messages that are being answered, of all connections. */
  readonly heldBytes: number;
  /** Bytes that peers have not taken yet, of all connections. */
  readonly waitingBytes: number;
  /** Connections that were let in. */
  readonly accepted: number;
  /** Connections that were not: a limit, the block list, a PROXY header or a TLS handshake that failed. */
  readonly refused: number;
  /** Connections that ended in peace, and with an error. */
  readonly closed: number;
  readonly failed: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  /** How often each limit was reached; absent where never. */
  readonly limits: Readonly<Partial<Record<keyof ServerLimits | 'blockList', number>>>;
}

/** What a server counts of connections that are over, and of events. */
export class Counters {
  accepted = 0;
  refused = 0;
  closed = 0;
  failed = 0;
  bytesReceived = 0;
  bytesSent = 0;
  messagesReceived = 0;
  readonly limits: Partial<Record<keyof ServerLimits | 'blockList', number>> = {};

  limit(name: keyof ServerLimits | 'blockList'): void {
    this.limits[name] = (this.limits[name] ?? 0) + 1;
  }
}
