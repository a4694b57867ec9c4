// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { setImmediate } from 'node:timers';

/** The parts of a stream that show what it still holds. */
interface Passing {
  readonly writableLength: number;
  readonly readableLength: number;
}

/** Milliseconds between two checks: a stream reports an empty buffer only after it was full. */
const LOOK = 5;

/**
 * Call back once streams that lead to each other have passed on everything they hold, and the last one has given it to the
 * system; with false if nothing has moved for `timeout` milliseconds.
 */
export function flushed(
  route: readonly Passing[],
  timeout: number,
  done: (isFlushed: boolean) => void,
): void {
  let left = Number.POSITIVE_INFINITY;
  let since = performance.now();
  const look = (): void => {
    const now = performance.now();
    let waiting = 0;
    for (const [index, { writableLength, readableLength }] of route.entries()) {
      waiting += writableLength + (index < route.length - 1 ? readableLength : 0);
    }
    if (waiting === 0) {
      done(true);
    } else if (waiting >= left && now - since >= timeout) {
      done(false);
    } else {
      if (waiting < left) since = now;
      left = Math.min(left, waiting);
      // After a long turn of the event loop, what has moved is not known before it has checked.
      setTimeout(() => setImmediate(look), LOOK);
    }
  };
  // By then the current writes and reads are over.
  setImmediate(look);
}
