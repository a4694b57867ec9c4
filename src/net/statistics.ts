import type { ReadCounts } from '../protocol/conversation.ts';
import type { ServerLimits } from './limits.ts';

/** The counts of a server since it was created, and its current numbers. */
export interface ServerStatistics {
  /** Connections that are open now. */
  readonly connections: number;
  /** Bytes of unfinished frames, and of messages that wait for earlier answers, of all connections. */
  readonly heldBytes: number;
  /** Bytes that peers have not taken yet, of all connections. */
  readonly waitingBytes: number;
  /** Connections that were let in. */
  readonly accepted: number;
  /** Connections that were not let in: by a limit, the block list, a wrong PROXY header or a failed TLS handshake. */
  readonly refused: number;
  /** Connections that ended without an error, and with one. */
  readonly closed: number;
  readonly failed: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  /** Messages, and frames that were not messages. */
  readonly framesReceived: number;
  /** Frames that were not messages, and were skipped (`onInvalid: 'discard'`). */
  readonly framesInvalid: number;
  /** Frames that the framing has skipped. */
  readonly framesDiscarded: number;
  /** Bytes outside of frames that the framing has skipped. */
  readonly noiseReceived: number;
  /** How often each limit was reached; absent if never. */
  readonly limits: Readonly<Partial<Record<keyof ServerLimits | 'blockList', number>>>;
}

/** The parts of a connection that are counted. */
interface Counted {
  readonly link: { readonly bytesReceived: number; readonly bytesSent: number };
  readonly machine: { readonly taken: number };
  readonly counts: ReadCounts;
}

/** The counts of closed connections, and of events. */
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

  /** Add the counts of a connection. */
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
