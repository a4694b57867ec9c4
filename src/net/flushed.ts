// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { setImmediate } from 'node:timers';

/** A stream, as far as it is written to and read from. */
interface Passing {
  readonly writableLength: number;
  readonly readableLength: number;
}

/** Milliseconds between two looks: a stream tells of an empty buffer only if it has been full. */
const LOOK = 5;

/**
 * Call back once streams that lead to each other have passed on all that they hold, and the last one has given to the system all
 * that it was given; with false where nothing of it has moved for `timeout` milliseconds.
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
      setTimeout(look, LOOK);
    }
  };
  // What is being written and read now is over then.
  setImmediate(look);
}
