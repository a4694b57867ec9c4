import type { AnyNode, Limits, Range } from '../kind.ts';

/** What happens to bytes after a complete message: they are an error, ignored, or the message's `trailing`. */
export type Trailing = 'reject' | 'ignore' | 'keep';

/** A whole declaration: what a frame holds. */
export interface Declaration {
  readonly root: AnyNode;
  readonly trailing: Trailing;
  readonly limits: Limits;
  /** The values of its parameters, by name. */
  readonly parameters?: ReadonlyMap<string, number> | undefined;
  /** The range and the default of each parameter. */
  readonly parameterRanges?: ReadonlyMap<string, Range & { readonly default: number }> | undefined;
}

/** Nested levels of `lazy`, unless the limits or the field set their own. */
export const DEFAULT_DEPTH = 64;

/** Whether one message may exceed that limit; if not, nothing has to be counted. */
export function mayExceed({ root, limits }: Declaration, what: 'elements' | 'empty' | 'text'): boolean {
  return root.facts.costs[what] > limits[what];
}

/** The most bytes that the checksums of one message may cover inside its recursions. */
export function mostSummed({ summed }: Limits, bytes: number): number {
  return summed ?? 16 * bytes + 2 ** 20;
}

/** The counter that generated code uses for summed bytes. */
export class Summed {
  count = 0;
  most = 0;
}

/** How errors name the limits of a message. */
export const COUNTED: Readonly<Record<'elements' | 'empty' | 'text' | 'summed', string>> = {
  elements: 'elements in one message (limits.elements)',
  empty: 'elements of no bytes in one message (limits.empty)',
  text: 'bytes of text in one message (limits.text)',
  summed: 'bytes covered by the checksums of a recursion in one message (limits.summed)',
};
