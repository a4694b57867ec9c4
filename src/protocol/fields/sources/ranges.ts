import type { Range, Size } from '../kind.ts';

/** The size of a source that takes no bytes of its own. */
export const NO_BYTES: Size = { min: 0, max: 0 };
/** The numbers of a field that is not known yet. */
export const UNKNOWN: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
/** The numbers of what is left. */
export const ANY_SIZE: Range = { min: 0, max: Number.POSITIVE_INFINITY };
