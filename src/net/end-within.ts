import type { Duplex } from 'node:stream';
import { TimeoutError } from '../errors.ts';
import { held } from '../streams/farewell.ts';
import { Timer } from '../streams/timer.ts';

/**
 * End our side of a stream whose other side has ended, and cut it if none of the rest is taken for `timeout` milliseconds: the
 * pipes of a killed child process never report their end.
 */
export function endWithin(stream: Duplex, timeout: number): void {
  stream.end();
  if (timeout === Infinity || stream.destroyed) return;
  let left = held(stream);
  const timer = new Timer(timeout, () => {
    const before = left;
    left = held(stream);
    if (left === before) stream.destroy();
    else timer.refresh();
  }).unref();
  stream.once('close', () => timer.stop());
}

/** Cut a stream whose side we have ended, once nothing was received and nothing taken for `timeout` milliseconds. */
export function cutWhenSilent(stream: Duplex, timeout: number): void {
  let left = held(stream);
  const timer = new Timer(timeout, () => {
    const before = left;
    left = held(stream);
    // Bytes that we do not read are not late.
    if (left !== before || stream.readableLength > 0) timer.refresh();
    else stream.destroy(silent(`nothing came in ${timeout} ms after our end`, timeout));
  }).unref();
  const refresh = (): void => timer.refresh();
  stream.on('data', refresh).once('end', () => timer.stop());
  stream.once('close', () => timer.stop());
}

/** The other side was silent for too long. */
export function silent(text: string, limit: number): TimeoutError {
  return new TimeoutError('ERR_TIMEOUT_IDLE', text, { limit });
}
