import { type Check, delayOrNever, natural } from '../options.ts';

/** How a server closes; see `Server.close`. */
export interface DrainOptions {
  /**
   * Milliseconds in which `server.ready` is false already and connections are still accepted, so that a load balancer that asks for it stops
   * sending more. Default 0.
   */
  grace?: number | undefined;
  /**
   * Milliseconds over which connections are let go, evenly and in random order: their clients do not all come back to the next
   * server at once. Default 0.
   */
  spread?: number | undefined;
  /**
   * Milliseconds, after `grace`, until the connections that are left are cut. Default 10,000 behind `spread`; Infinity waits for
   * all of them.
   */
  deadline?: number | undefined;
}

export const drainChecks: Readonly<Record<keyof DrainOptions, Check>> = {
  grace: natural,
  spread: natural,
  deadline: delayOrNever,
};

/** What a server drains. */
export interface Leaving {
  /** End it now. */
  cut(): void;
  /** Fulfilled when it has ended. */
  readonly ended: Promise<void>;
}

/**
 * Let all of them go over `spread`, and cut what is left at the deadline.
 *
 * @param leave - say goodbye, and end it once what is under way is done
 * @returns what was cut, once all have ended
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
