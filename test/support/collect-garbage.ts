import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collect all garbage now: afterwards, a `WeakRef` to an unreachable object is empty. */
export const collectGarbage: () => void = runInNewContext('gc');
