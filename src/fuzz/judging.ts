import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { aText, type Check, callback, checkMembers, delay, flag } from '../options.ts';
import { type JudgedProtocol, type Law, lawOf } from '../tools/fuzz/judge.ts';
import { parseRefusal } from '../tools/fuzz/refusal.ts';
import { requireParts } from '../tools/require-parts.ts';
import type { Patience } from './live-connection.ts';

/** How to reach a server, and the rules that it has to follow. */
export interface JudgingOptions {
  /** Creates a connection to the server. The stream must be able to half-close: `allowHalfOpen: true`. */
  connect: () => Duplex | Promise<Duplex>;
  /**
   * What the server does with bytes that are not a message, and with messages that its state does not accept: `'close'` (the
   * default), `'close:error'`, `'error'`, `'ignore'` or `'any'`; see `docs/fuzzing.md`.
   */
  refusal?: string | undefined;
  /** Whether the answers must equal those of the declared session's handlers, values included. Default false. */
  exact?: boolean | undefined;
  /** Whether states without `unsolicited` may send anything unasked. Default false: they send nothing. */
  unasked?: boolean | undefined;
  /** Milliseconds to wait for an outstanding answer. Default 2,000. */
  timeout?: number | undefined;
  /** Milliseconds to wait for an answer if the table does not say whether one comes. Default 20. */
  quiet?: number | undefined;
  /** Milliseconds between two parts of a message, so that they arrive separately. Default 1; 10 when a capture is replayed. */
  gap?: number | undefined;
}

export const JUDGING_CHECKS: Readonly<Record<string, Check>> = {
  connect: callback,
  refusal: aText,
  exact: flag,
  unasked: flag,
  timeout: delay,
  quiet: delay,
  gap: delay,
};

/** The rules and waiting times for judging connections. */
export interface Judging {
  readonly law: Law;
  readonly patience: Patience;
  readonly connect: () => Promise<Duplex>;
}

/** @throws TypeError for a protocol that cannot be followed, and for an invalid `refusal` */
export function judgingOf(protocol: JudgedProtocol, options: JudgingOptions): Judging {
  requireParts('fuzz', protocol);
  checkMembers('fuzz', 'an object of options', options, { connect: callback });
  const { connect, refusal = 'close', exact, unasked, timeout = 2_000, quiet = 20, gap = 1 } = options;
  const hasFarewell = protocol.session?.table.farewell !== undefined;
  const { types = [] } = protocol.serverMessages;
  const known = types.length > 0 ? types : undefined;
  const law = lawOf(protocol, parseRefusal(refusal, known, hasFarewell), { exact, unasked });
  return { law, patience: { timeout, quiet, gap }, connect: async () => connected(await connect(), timeout) };
}

/** The stream, once connected if it is a socket. */
async function connected(stream: Duplex, timeout: number): Promise<Duplex> {
  const socket = stream as Duplex & Partial<Socket>;
  socket.setNoDelay?.(true);
  if (socket.connecting !== true) return stream;
  // Connecting may take longer than an answer.
  const timer = setTimeout(() => socket.destroy(new Error('not connected in time')), 5 * timeout);
  try {
    await once(socket, 'connect');
    return stream;
  } finally {
    clearTimeout(timer);
  }
}
