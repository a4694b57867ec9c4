import { type Check, delayOrNever, natural } from '../options.ts';

/** How a server closes; see `Server.close`. */
export interface DrainOptions {
  /**
   * Milliseconds in which `server.ready` is already false and connections are still accepted, so that a load balancer that polls
   * it stops sending more. Default 0.
   */
  grace?: number | undefined;
  /**
   * Milliseconds over which connections end, evenly and in random order, so that their clients do not all go to the next server
   * at once. Default 0.
   */
  spread?: number | undefined;
  /**
   * Milliseconds, after `grace`, until the remaining connections are cut. Default 10,000 after `spread`; Infinity waits for all
   * of them.
   */
  deadline?: number | undefined;
}

export const drainChecks: Readonly<Record<keyof DrainOptions, Check>> = {
  grace: natural,
  spread: natural,
  deadline: delayOrNever,
};

/** A connection that a server drains. */
export interface Leaving {
  /** End it now. */
  cut(): void;
  /** Fulfilled when it has ended. */
  readonly ended: Promise<void>;
}

/**
 * Let all connections leave over `spread`, and cut the rest at the deadline.
 *
 * @param leave - sends the farewell, and ends the connection once its work is done
 * @returns the connections that were cut, once all have ended
 */
export async function drain<L extends Leaving>(
  all: Iterable<L>,
  { spread = 0, deadline = spread + 10_000 }: DrainOptions,
  leave: (one: L) => void,
): Promise<L[]> {
  const left = new Set(shuffled([...all]));
  const cut: L[] = [];
  const timers: NodeJS.Timeout[] = [];
  const step = spread / left.size;
  for (const [index, one] of [...left].entries()) {
    if (spread === 0) leave(one);
    else timers.push(setTimeout(() => leave(one), index * step));
    void one.ended.then(() => left.delete(one));
  }
  const ended = Promise.all([...left].map((one) => one.ended));
  if (deadline !== Infinity) {
    const cutAll = (): void => {
      for (const one of left) {
        cut.push(one);
        one.cut();
      }
    };
    timers.push(setTimeout(cutAll, deadline));
  }
  await ended;
  for (const timer of timers) clearTimeout(timer);
  return cut;
}

function shuffled<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
