import type { Declaration } from './declaration.ts';
import { Progress } from './progress.ts';
import { ReadWalk } from './read-walk.ts';

/** What one measuring of a message keeps for the next; undefined for a new message. */
export interface MeasureState {
  state: unknown;
}

/**
 * How many bytes the message at `bytes[start]` takes: -n if at least n bytes beyond `end` are needed, 0 if the bytes are not a
 * message. Linear in the bytes: with the same cursor, the next call continues where this one stopped.
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
