import { expect, test } from 'vitest';
import { chunkings } from '../../src/testing/index.ts';

const bytes = Buffer.from('abcdef');

test('the chunks of every cut join to the same bytes', () => {
  for (const { chunks } of chunkings(bytes)) expect(Buffer.concat(chunks)).toEqual(bytes);
});

test('whole, byte by byte, and at every position', () => {
  const names = [...chunkings(bytes, { random: 0 })].map(({ name }) => name);
  expect(names).toEqual([
    'whole',
    'byte by byte',
    'split at 1',
    'split at 2',
    'split at 3',
    'split at 4',
    'split at 5',
  ]);
  const [, single, first] = [...chunkings(bytes)];
  expect(single!.chunks.map(String)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(first!.chunks.map(String)).toEqual(['a', 'bcdef']);
});

test('the same seed gives the same cuts, another seed others', () => {
  const cuts = (seed: number): string =>
    JSON.stringify([...chunkings(bytes, { seed })].slice(7).map(({ name }) => name.split(' (')[0]));
  expect(cuts(7)).toBe(cuts(7));
  expect(cuts(7)).not.toBe(cuts(8));
});

test('long input: not every position, but all near both ends', () => {
  const names = [...chunkings(Buffer.alloc(100_000), { random: 0 })].map(({ name }) => name);
  expect(names).toContain('split at 1');
  expect(names).toContain('split at 99999');
  expect(names.length).toBeGreaterThan(500);
  expect(names.length).toBeLessThan(2_500);
});

test('empty input gives empty chunks', () => {
  for (const { chunks } of chunkings(Buffer.alloc(0))) expect(Buffer.concat(chunks).length).toBe(0);
});
