import type { AnyNode, Limits, Range } from '../kind.ts';

/** What is behind a complete message: an error, nothing of interest, or the message's `trailing` bytes. */
export type Trailing = 'reject' | 'ignore' | 'keep';

/** A whole declaration: what a frame holds. */
export interface Declaration {
  readonly root: AnyNode;
  readonly trailing: Trailing;
  readonly limits: Limits;
  /** The values of its parameters, by name. */
  readonly parameters?: ReadonlyMap<string, number> | undefined;
  /** What these may be, and are unless given. */
  readonly parameterRanges?: ReadonlyMap<string, Range & { readonly default: number }> | undefined;
}

/** Levels of `lazy` in one another, unless the limits or the field have their own. */
export const DEFAULT_DEPTH = 64;

/** Whether one message may cost more than that limit allows: if not, nothing has to be counted. */
export function mayExceed({ root, limits }: Declaration, what: 'elements' | 'empty' | 'text'): boolean {
  return root.facts.costs[what] > limits[what];
}

/** The bytes that the sums of one message may go over, inside its recursions. */
export function mostSummed({ summed }: Limits, bytes: number): number {
  return summed ?? 16 * bytes + 2 ** 20;
}

/** What generated code counts them in. */
export class Summed {
  count = 0;
  most = 0;
}

/** What the limits of a message are called, in errors. */
export const COUNTED: Readonly<Record<'elements' | 'empty' | 'text' | 'summed', string>> = {
  elements: 'elements in one message (limits.elements)',
  empty: 'elements of no bytes in one message (limits.empty)',
  text: 'bytes of text in one message (limits.text)',
  summed: 'bytes under the checksums of a recursion in one message (limits.summed)',
};
