import { type Check, delayOrNever, limit } from '../options.ts';

/**
 * What one peer, and all peers together, may cost a server. Each limit takes `Infinity` for none. `docs/net.md` lists them in one
 * table.
 */
export interface ServerLimits {
  /**
   * The most connections at a time. One more gets the session's `farewell`, if there is one, and is closed. Default 16,384: an
   * idle connection costs a server of this library some 10 KiB, and the system about as much.
   */
  maxConnections?: number | undefined;
  /**
   * The most connections at a time from one address (IPv6: from one /64); as many more may be in their TLS handshake. Default
   * Infinity: proxies, offices and tests share an address.
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * Milliseconds from connecting to the state that the session declares as `ready`. Without such a state, only a PROXY header and
   * the TLS handshake count. Default 10,000: a peer that has not identified itself gets no more of the server's time.
   */
  handshakeTimeout?: number | undefined;
  /**
   * Milliseconds in which nothing was received and nothing was taken. Default 600,000: a peer that vanished silently does not
   * keep its connection. Longer than any keep-alive interval in use.
   */
  idleTimeout?: number | undefined;
  /**
   * Milliseconds from the first byte of a frame to its last, without the time in which we do not read. Default 30,000: a byte a
   * second is not a sign of life.
   */
  frameTimeout?: number | undefined;
  /** Milliseconds that a peer has to end its side once we have ended ours. Default 5,000. */
  lingerTimeout?: number | undefined;
  /**
   * The most bytes of one connection that wait to be taken by its peer; beyond it the connection is closed. Default 16 MiB, or
   * twice the longest frame if that is more. Answers alone do not reach it, since a peer that does not read is not read from;
   * messages sent unasked do, as soon as they are sent.
   */
  maxWaitingBytes?: number | undefined;
  /** Like `maxWaitingBytes`, for all connections together; beyond it, the connections that hold most are not read. Default 256 MiB. */
  maxTotalWaitingBytes?: number | undefined;
  /**
   * The most bytes of one connection's unfinished frame; beyond it the connection is closed. Default: the longest frame plus 64
   * KiB, which is what the framing itself allows.
   */
  maxHeldBytes?: number | undefined;
  /**
   * Like `maxHeldBytes`, for all connections together; beyond it, the connections that hold most are read one at a time. Default
   * 256 MiB.
   */
  maxTotalHeldBytes?: number | undefined;
  /** Bytes per second that are read from one connection, and as many at once; beyond it, reading pauses. Default Infinity. */
  maxByteRate?: number | undefined;
  /**
   * Messages per second from one connection, and as many at once; frames that are not messages, and skipped frames, count as
   * well. Beyond it, reading pauses. Default Infinity.
   */
  maxMessageRate?: number | undefined;
}

/** The limits, each with its value. */
export type SettledLimits = { readonly [K in keyof ServerLimits]-?: number };

const MIB = 2 ** 20;

/** The names of the limits, with the checks of their values. */
export const limitChecks: Readonly<Record<keyof ServerLimits, Check>> = {
  maxConnections: limit(1),
  maxConnectionsPerAddress: limit(1),
  handshakeTimeout: delayOrNever,
  idleTimeout: delayOrNever,
  frameTimeout: delayOrNever,
  lingerTimeout: delayOrNever,
  maxWaitingBytes: limit(1),
  maxTotalWaitingBytes: limit(1),
  maxHeldBytes: limit(1),
  maxTotalHeldBytes: limit(1),
  maxByteRate: limit(1),
  maxMessageRate: limit(1),
};

/** The limits of a server, with defaults for those that are left out. */
export function settleLimits(limits: ServerLimits, maxFrameLength: number): SettledLimits {
  return {
    maxConnections: limits.maxConnections ?? 16_384,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress ?? Infinity,
    handshakeTimeout: limits.handshakeTimeout ?? 10_000,
    idleTimeout: limits.idleTimeout ?? 600_000,
    frameTimeout: limits.frameTimeout ?? 30_000,
    lingerTimeout: limits.lingerTimeout ?? 5_000,
    maxWaitingBytes: limits.maxWaitingBytes ?? Math.max(16 * MIB, 2 * maxFrameLength),
    maxTotalWaitingBytes: limits.maxTotalWaitingBytes ?? 256 * MIB,
    maxHeldBytes: limits.maxHeldBytes ?? maxFrameLength + 65_536,
    maxTotalHeldBytes: limits.maxTotalHeldBytes ?? 256 * MIB,
    maxByteRate: limits.maxByteRate ?? Infinity,
    maxMessageRate: limits.maxMessageRate ?? Infinity,
  };
}

/** What happened when a limit was reached. */
export interface LimitStruck {
  /** Its name among the options; or `'blockList'`. */
  readonly limit: keyof ServerLimits | 'blockList';
  /** `'refused'`: a new connection. `'closed'`: an existing one. `'paused'`: nothing is read from it for a while. */
  readonly action: 'refused' | 'closed' | 'paused';
  /** The value of the limit; absent for the block list. */
  readonly max?: number | undefined;
  /** The peer's address and port, as far as they are known. */
  readonly remote: string;
}
