import type { ReadCounts } from '../protocol/conversation.ts';
import type { ServerLimits } from './limits.ts';

/** What a server has counted since it was made, and what there is now. */
export interface ServerStatistics {
  /** Connections that are open now. */
  readonly connections: number;
  /** Bytes of unfinished frames, and behind messages that are being answered, of all connections. */
  readonly heldBytes: number;
  /** Bytes that peers have not taken yet, of all connections. */
  readonly waitingBytes: number;
  /** Connections that were let in. */
  readonly accepted: number;
  /** Connections that were not: a limit, the block list, a PROXY header or a TLS handshake that failed. */
  readonly refused: number;
  /** Connections that ended without an error, and with one. */
  readonly closed: number;
  readonly failed: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  /** Messages, and frames that were not messages. */
  readonly framesReceived: number;
  /** Frames that were not messages, and were left out (`onInvalid: 'discard'`). */
  readonly framesInvalid: number;
  /** Frames that the framing has skipped. */
  readonly framesDiscarded: number;
  /** Bytes outside of frames that the framing has skipped. */
  readonly noiseReceived: number;
  /** How often each limit was reached; absent where never. */
  readonly limits: Readonly<Partial<Record<keyof ServerLimits | 'blockList', number>>>;
}

/** A connection, as far as it counts. */
interface Counted {
  readonly link: { readonly bytesReceived: number; readonly bytesSent: number };
  readonly machine: { readonly taken: number };
  readonly counts: ReadCounts;
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
  framesReceived = 0;
  framesInvalid = 0;
  framesDiscarded = 0;
  noiseReceived = 0;
  readonly limits: Partial<Record<keyof ServerLimits | 'blockList', number>> = {};

  /** Count what a connection has counted. */
  add({ link, counts, machine }: Counted): void {
    this.bytesReceived += link.bytesReceived;
    this.bytesSent += link.bytesSent;
    this.messagesReceived += machine.taken;
    this.framesReceived += counts.frames;
    this.framesInvalid += counts.invalid;
    this.framesDiscarded += counts.discarded;
    this.noiseReceived += counts.noise;
  }

  limit(name: keyof ServerLimits | 'blockList'): void {
    this.limits[name] = (this.limits[name] ?? 0) + 1;
  }
}
