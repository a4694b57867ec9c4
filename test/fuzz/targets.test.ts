/** A few random inputs against each target; `npm run fuzz` goes on for as long as you like. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { targets } from './targets.ts';

test.each(targets.map((target) => [target.invariant, target] as const))(
  '%s',
  async (_, { property }) => {
    const result = await fc.check(property, { seed: 1, numRuns: 15 });
    expect(result.failed, fc.defaultReportMessage(result) ?? '').toBe(false);
  },
  120_000,
);
