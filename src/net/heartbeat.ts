import type { Duplex } from 'node:stream';
import { anything, type Check, delay, delayOrNever } from '../options.ts';
import { Timer } from '../streams/timer.ts';
import { silent } from './end-within.ts';

/** How a client shows that it is alive, and notices whether its server is. */
export interface HeartbeatOptions<ClientMessage> {
  /**
   * The message to send, or a function that creates it. If something answers it, it is a request, and iteration does not give the
   * reply.
   */
  readonly message: ClientMessage | (() => ClientMessage);
  /** Milliseconds between two heartbeats. Default 30,000. */
  readonly interval?: number | undefined;
  /**
   * Milliseconds in which something has to be received after a heartbeat, a reply or anything else; otherwise the connection
   * fails with `ERR_TIMEOUT_IDLE`. Does not apply to a message without a reply. Infinity waits forever. Default 10,000.
   */
  readonly timeout?: number | undefined;
}

export const heartbeatChecks: Readonly<Record<keyof HeartbeatOptions<unknown>, Check>> = {
  message: anything,
  interval: delay,
  timeout: delayOrNever,
};

/** The parts of a client that heartbeats need. */
interface Beating<ClientMessage> {
  readonly stream: Duplex;
  readonly closed: Promise<void>;
  /** Resolves with the reply; with undefined if nothing answers. */
  request(message: ClientMessage, options: { timeout: number }): Promise<unknown>;
  destroy(error: Error): void;
}

/**
 * Send a message at each interval until the connection is over, and end the connection if nothing is received after one.
 *
 *     message ──interval──▶ message ──interval──▶ …
 *        └──timeout──▶ ERR_TIMEOUT_IDLE, unless something was received
 *
 * A message that the session does not allow at the moment is skipped; so is one while the reply to the last is outstanding.
 */
export function beat<ClientMessage>(
  client: Beating<ClientMessage>,
  { message, interval = 30_000, timeout = 10_000 }: HeartbeatOptions<ClientMessage>,
): void {
  const { stream } = client;
  let isAsking = false;
  let late: Timer | undefined;
  const heard = (): void => {
    late?.stop();
    late = undefined;
  };
  const tooLate = (): void => {
    // Bytes that we do not read are not late.
    if (stream.readableLength > 0) late?.refresh();
    else client.destroy(silent(`nothing came within ${timeout} ms of a heartbeat`, timeout));
  };
  const send = async (): Promise<void> => {
    isAsking = true;
    try {
      const made = typeof message === 'function' ? (message as () => ClientMessage)() : message;
      const reply = client.request(made, { timeout: Infinity });
      if (timeout !== Infinity) late ??= new Timer(timeout, tooLate);
      if ((await reply) === undefined) heard();
    } catch {
      // The message was not sent, or the connection is over.
      heard();
    }
    isAsking = false;
  };
  const timer = setInterval(() => {
    if (!isAsking) void send();
  }, interval).unref();
  const stop = (): void => {
    clearInterval(timer);
    stream.off('data', heard);
    heard();
  };
  stream.on('data', heard).once('close', stop);
  // Stops too if the stream continues with another protocol.
  client.closed.then(stop, stop);
}
