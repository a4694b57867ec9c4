import type { Duplex } from 'node:stream';
import { anything, type Check, delay, delayOrNever } from '../options.ts';
import { Timer } from '../streams/timer.ts';
import { silent } from './end-within.ts';

/** How a client shows that it is there, and finds out whether its server is. */
export interface HeartbeatOptions<ClientMessage> {
  /** What is sent; or a function that makes it. Where something answers it, the iteration does not give that: it is a request. */
  readonly message: ClientMessage | (() => ClientMessage);
  /** Milliseconds from one to the next. Default 30,000. */
  readonly interval?: number | undefined;
  /**
   * Milliseconds in which something has to come after one, a reply or anything else; or the connection fails with `ERR_TIMEOUT_IDLE`.
   * Not of a message that nothing answers. Infinity waits forever. Default 10,000.
   */
  readonly timeout?: number | undefined;
}

export const heartbeatChecks: Readonly<Record<keyof HeartbeatOptions<unknown>, Check>> = {
  message: anything,
  interval: delay,
  timeout: delayOrNever,
};

/** What heartbeats go through. */
interface Beating<ClientMessage> {
  readonly stream: Duplex;
  readonly closed: Promise<void>;
  /** Resolves with the reply; with undefined where nothing answers. */
  request(message: ClientMessage, options: { timeout: number }): Promise<unknown>;
  destroy(error: Error): void;
}

/**
 * Send a message at each interval until the connection is over, and end the connection where nothing comes after one.
 *
 *     message ──interval──▶ message ──interval──▶ …
 *        └──timeout──▶ ERR_TIMEOUT_IDLE, unless something came
 *
 * A message that the session does not allow at the moment is left out, and so is one while the reply to the last is still missing.
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
    // What we do not read is not late.
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
      // It was not sent, or the connection is over.
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
  // Also where the stream goes on with another protocol.
  client.closed.then(stop, stop);
}
