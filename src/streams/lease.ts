/**
 * Memory that is lent for the duration of one call, and reused after it.
 *
 *     owner     lend(() => write(chunk)) ────────────────────────────▶ true: the memory is free again
 *     stages         └▶ … keep() …                                     false: a consumer keeps a view of it
 *
 * Stages finish their work on a chunk in the call that hands it to them. A stage calls `keep()` when it gives a view to a
 * consumer that may keep it, or still holds one itself when the call ends.
 */

/** Undefined while nothing is lent. */
let isKept: boolean | undefined;

/** Lend memory during `write`; returns whether it may be reused. */
export function lend(write: () => void): boolean {
  const outer = isKept;
  isKept = false;
  try {
    write();
    return !isKept;
  } finally {
    isKept = outer;
  }
}

/** A consumer has a view of the lent memory, or will have one after this call. */
export function keep(): void {
  if (isKept === false) isKept = true;
}

/** Whether memory is lent and no view of it was kept so far. */
export function isLent(): boolean {
  return isKept === false;
}
