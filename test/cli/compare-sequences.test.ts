import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareSequences, type Step } from '../../src/cli/compare-sequences.ts';

const compare = (a: string, b: string): Step<string>[] => compareSequences([...a], [...b], (one) => one);

/** The length of the longest common subsequence, by the table that defines it. */
function common(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i]![j] =
        a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
    }
  }
  return table[a.length]![b.length]!;
}

test('missing, added and changed items', () => {
  expect(compare('abcd', 'abxd').filter(({ is }) => is !== 'same')).toEqual([
    { is: 'changed', left: 'c', right: 'x' },
  ]);
  expect(compare('abcd', 'acd').filter(({ is }) => is !== 'same')).toEqual([{ is: 'missing', left: 'b' }]);
  expect(compare('acd', 'abcd').filter(({ is }) => is !== 'same')).toEqual([{ is: 'added', right: 'b' }]);
});

test('the steps lead from one sequence to the other, and keep the longest common part', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 14 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const steps = compare(a, b);
      expect(steps.map((step) => ('left' in step ? step.left : '')).join('')).toBe(a);
      expect(steps.map((step) => ('right' in step ? step.right : '')).join('')).toBe(b);
      expect(steps.filter(({ is }) => is === 'same')).toHaveLength(common(a, b));
      for (const step of steps) if (step.is === 'same') expect(step.left).toBe(step.right);
    }),
    { numRuns: 500 },
  );
});

test('sequences that have nothing in common take no time', () => {
  const numbers = (from: number): number[] => Array.from({ length: 20_000 }, (_, i) => from + i);
  const steps = compareSequences(numbers(0), numbers(1_000_000), String);
  expect(steps).toHaveLength(20_000);
  expect(new Set(steps.map(({ is }) => is))).toEqual(new Set(['changed']));
});
