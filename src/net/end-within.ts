import type { Duplex } from 'node:stream';
import { held } from '../streams/farewell.ts';

/**
 * End our side of a stream whose other side has ended, and cut it where nothing of what is left is taken for `timeout` milliseconds: the
 * pipes of a child process that was killed never say that they are done.
 */
export function endWithin(stream: Duplex, timeout: number): void {
  stream.end();
  if (timeout === Infinity || stream.destroyed) return;
  let left = held(stream);
  const timer = setInterval(() => {
    const before = left;
    left = held(stream);
    if (left === before) stream.destroy();
  }, timeout).unref();
  stream.once('close', () => clearInterval(timer));
}
