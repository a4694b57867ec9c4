import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { anything, type Check, callback, delay, flag } from '../options.ts';
import { type JudgedProtocol, type Law, lawOf } from '../tools/fuzz/judge.ts';
import { parseRefusal } from '../tools/fuzz/refusal.ts';
import type { Patience } from './live-connection.ts';

/** Where a server is, and what it is held to. */
export interface JudgingOptions {
  /** Makes a connection to the server. A stream that can end one side alone: `allowHalfOpen: true`. */
  connect: () => Duplex | Promise<Duplex>;
  /**
   * What the server does with what is no message, or what its state does not take: `'close'` (the default), `'close:error'`,
   * `'error'`, `'ignore'` or `'any'`; see `docs/fuzzing.md`.
   */
  refusal?: string | undefined;
  /** Whether the answers have to be those of the declared session's handlers, their values too. Default false. */
  exact?: boolean | undefined;
  /** Whether states that do not name what they send unasked may send anything. Default false: nothing. */
  unasked?: boolean | undefined;
  /** Milliseconds to wait for an answer that is owed. Default 2,000. */
  timeout?: number | undefined;
  /** Milliseconds to wait for an answer where the table does not tell whether one comes. Default 20. */
  quiet?: number | undefined;
  /** Milliseconds between two pieces of a message, so that they arrive apart. Default 1; 10 where a capture is played again. */
  gap?: number | undefined;
}

export const JUDGING_CHECKS: Readonly<Record<string, Check>> = {
  connect: callback,
  refusal: anything,
  exact: flag,
  unasked: flag,
  timeout: delay,
  quiet: delay,
  gap: delay,
};

/** What connections are judged by. */
export interface Judging {
  readonly law: Law;
  readonly patience: Patience;
  readonly connect: () => Promise<Duplex>;
}

/** @throws TypeError for a protocol that cannot be followed, and for what `refusal` is not */
export function judgingOf(protocol: JudgedProtocol, options: JudgingOptions): Judging {
  const { connect, refusal = 'close', exact, unasked, timeout = 2_000, quiet = 20, gap = 1 } = options;
  const hasFarewell = protocol.session?.table.farewell !== undefined;
  const { types = [] } = protocol.serverMessages;
  const known = types.length > 0 ? types : undefined;
  const law = lawOf(protocol, parseRefusal(refusal, known, hasFarewell), { exact, unasked });
  return { law, patience: { timeout, quiet, gap }, connect: async () => connected(await connect(), timeout) };
}

/** The stream once it is connected, if it is a socket that connects. */
async function connected(stream: Duplex, timeout: number): Promise<Duplex> {
  const socket = stream as Duplex & Partial<Socket>;
  socket.setNoDelay?.(true);
  if (socket.connecting !== true) return stream;
  // A server that takes its time has more of it than for an answer.
  const timer = setTimeout(() => socket.destroy(new Error('not connected in time')), 5 * timeout);
  try {
    await once(socket, 'connect');
    return stream;
  } finally {
    clearTimeout(timer);
  }
}
