import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collect all garbage now: what nothing refers to is gone from its `WeakRef` afterwards. */
export const collectGarbage: () => void = runInNewContext('gc');
