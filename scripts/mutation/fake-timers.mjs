// The part of `vi` that deals with time, for mutation testing: setTimeout and clearTimeout on a clock that the test moves, and waiting.

const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
const running = new Set();
let now = 0;

class Timeout {
  constructor(call, delay = 1) {
    this.call = call;
    this.delay = delay;
    this.refresh();
  }

  refresh() {
    this.at = now + this.delay;
    running.add(this);
    return this;
  }

  unref() {
    return this;
  }

  ref() {
    return this;
  }
}

export function useFakeTimers() {
  useRealTimers();
  globalThis.setTimeout = (call, delay) => new Timeout(call, delay);
  globalThis.clearTimeout = (timeout) => {
    if (timeout instanceof Timeout) running.delete(timeout);
    else real.clearTimeout(timeout);
  };
}

export function useRealTimers() {
  Object.assign(globalThis, real);
  running.clear();
  now = 0;
}

export const getTimerCount = () => running.size;

export function advanceTimersByTime(ms) {
  for (const step of steps(ms)) step();
}

export async function advanceTimersByTimeAsync(ms) {
  for (const step of steps(ms)) {
    step();
    await new Promise(setImmediate);
  }
}

function* steps(ms) {
  const end = now + ms;
  for (;;) {
    let next;
    for (const timeout of running) if (timeout.at <= end && !(next?.at <= timeout.at)) next = timeout;
    if (next === undefined) break;
    now = next.at;
    running.delete(next);
    yield next.call;
  }
  now = end;
}

/** Calls the function until it does not throw, for at most that many milliseconds. */
export async function waitFor(call, ms = 1_000) {
  for (const end = performance.now() + ms; ; ) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => real.setTimeout(resolve, 5));
  }
}
