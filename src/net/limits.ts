import { type Check, delayOrNever, limit } from '../options.ts';

/**
 * What one peer, and all of them together, may cost a server. Each limit takes `Infinity` for none.
 * `docs/net.md` has them in one table.
 */
export interface ServerLimits {
  /**
   * The most connections at a time. One more gets the session's `farewell`, where there is one, and is closed. Default
   * 16,384: an idle one costs a server of this library some 10 KiB and the system about as much.
   */
  maxConnections?: number | undefined;
  /**
   * The most connections at a time from one address (IPv6: from one /64); as many more may be in their TLS handshake. Default
   * Infinity: proxies, offices and tests share an address.
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * Milliseconds from connecting to the state that the session declares as `ready`; without one, only a PROXY header and the TLS
   * handshake are held to it. Default 10,000: a peer that has not identified itself gets no more of the server's time.
   */
  handshakeTimeout?: number | undefined;
  /**
   * Milliseconds in which nothing came and nothing was taken. Default 600,000: a peer that vanished without a word holds its
   * connection no longer. Longer than any keep-alive interval in use.
   */
  idleTimeout?: number | undefined;
  /**
   * Milliseconds that a frame may take from its first byte to its last, of those in which we read. Default 30,000: a byte
   * a second is not a sign of life.
   */
  frameTimeout?: number | undefined;
  /** Milliseconds that a peer has to end its side once we have ended ours. Default 5,000. */
  lingerTimeout?: number | undefined;
  /**
   * The most bytes of one connection that wait to be taken by its peer; beyond it the connection is closed. Default
   * 16 MiB, or twice the longest frame if that is more. Answers alone do not get there, since a peer that does not read is not
   * read from: messages sent unasked do, as soon as they are sent.
   */
  maxWaitingBytes?: number | undefined;
  /** As `maxWaitingBytes`, of all connections together; beyond it, those that hold most are not read from. Default 256 MiB. */
  maxTotalWaitingBytes?: number | undefined;
  /**
   * The most bytes of one connection's unfinished frame; beyond it the connection is closed. Default: the longest frame
   * and 64 KiB, which is what the framing itself permits.
   */
  maxHeldBytes?: number | undefined;
  /**
   * As `maxHeldBytes`, of all connections together; beyond it, those that hold most wait for each other: they are read
   * one at a time. Default 256 MiB.
   */
  maxTotalHeldBytes?: number | undefined;
  /** Bytes a second that are read of one connection, and as many at once; beyond it, reading pauses. Default Infinity. */
  maxByteRate?: number | undefined;
  /**
   * Messages a second of one connection, and as many at once; frames that are no message, and those that are skipped, count as well.
   * Beyond it, reading pauses. Default Infinity.
   */
  maxMessageRate?: number | undefined;
}

/** The limits, each with its value. */
export type SettledLimits = { readonly [K in keyof ServerLimits]-?: number };

const MIB = 2 ** 20;

/** The names of the limits, with what judges their values. */
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

/** The limits of a server, with their defaults for what is left out. */
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
  /** `'refused'`: a new connection. `'closed'`: an old one. `'paused'`: nothing is read of it for a while. */
  readonly action: 'refused' | 'closed' | 'paused';
  /** The value of the limit; absent for the block list. */
  readonly max?: number | undefined;
  /** The peer's address and port, as far as they are known. */
  readonly remote: string;
}
