import type { Declaration } from './declaration.ts';
import { Progress } from './progress.ts';
import { ReadWalk } from './read-walk.ts';

/** What is kept from one question about a message to the next; undefined for a new one. */
export interface MeasureState {
  state: unknown;
}

/**
 * How many bytes the message at `bytes[start]` takes, as far as `bytes[start, end)` tells: -n where at least n more are needed,
 * 0 where they are not a message. Linear in the bytes: asked again with the same cursor it goes on where it stopped.
 */
export function measureByWalking(
  declaration: Declaration,
  bytes: Buffer,
  start: number,
  end: number,
  cursor: MeasureState,
): number {
  cursor.state ??= new Progress();
  return new ReadWalk(declaration, bytes, start, end).measureMessage(cursor.state as Progress);
}
