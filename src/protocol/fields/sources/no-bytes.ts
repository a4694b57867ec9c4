import type { Size } from '../kind.ts';

/** The size of a source that takes no bytes of its own. */
export const NO_BYTES: Size = { min: 0, max: 0 };
