import { expect, test } from 'vitest';
import { weigh, weighAll } from '../../src/bytes/weigh.ts';

const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`n${i}`, i]));
/** `inner` in so many lists. */
const nested = (levels: number, inner: unknown): unknown =>
  levels === 0 ? inner : [nested(levels - 1, inner)];
const MOST = 1_048_576;

test.each<[what: string, value: unknown, weight: number, all: number]>([
  ['a number', 5, 8, 8],
  ['nothing', undefined, 8, 8],
  ['null', null, 8, 8],
  ['a text', 'abc', 19, 19],
  ['bytes', new Uint8Array(10), 26, 26],
  ['another view', new DataView(new ArrayBuffer(10), 2), 24, 24],
  ['an empty list', [], 16, 16],
  ['an empty object', {}, 16, 16],
  ['a message', { type: 'data', list: ['', 'ab', 5] }, 94, 94],
  // Of a list or an object 64 values are weighed; those of a list stand for the others.
  ['64 numbers', Array(64).fill(1), 528, 528],
  ['100 numbers', Array(100).fill(1), 825, 816],
  ['100 names', wide, 528, 816],
  ['eight lists', nested(8, 'abc'), 8 * 16 + 19, 8 * 16 + 19],
  ['nine lists', nested(9, 'abc'), 9 * 16, 9 * 16 + 19],
  ['bytes in eight lists', nested(8, new Uint8Array(10)), 8 * 16 + 26, 8 * 16 + 26],
])('%s', (_, value, weight, all) => {
  expect(weigh(value)).toBe(weight);
  expect(weighAll(value)).toBe(all);
});

test('a value that cannot be read has a weight', () => {
  const trap = {
    first: 'abc',
    get second(): never {
      throw new Error('a trap');
    },
  };
  expect(weigh(trap)).toBe(16);
  expect(weighAll([trap])).toBe(32);
});

test('a view counts as the whole memory that it keeps, once', () => {
  const chunk = new Uint8Array(65_536).subarray(0, 10);
  expect(weighAll(chunk)).toBe(26);
  const memory = new Uint8Array(65_537);
  const views = [memory.subarray(0, 10), memory.subarray(10, 30)];
  expect(weighAll(views)).toBe(16 + (16 + 10) + (16 + 65_537));
  const known = new WeakSet<ArrayBufferLike>();
  expect(weighAll(views[0], known)).toBe(16 + 65_537);
  expect(known.has(memory.buffer)).toBe(true);
  expect(weighAll(views, known)).toBe(16 + 26 + 36);
  expect(weigh(views)).toBe(16 + 26 + 36);
});

test('at most a million values are counted, even in a list that grows', () => {
  expect(weighAll(Array(MOST + 5).fill(1))).toBe(16 + 8 * MOST);
  // The list itself is one of them.
  expect(weighAll(Array(MOST + 5).fill(null))).toBe(16 + 8 * (MOST - 1));
  let length = 3;
  const growing = new Proxy([1, 2, 3], {
    get: (list, name) => (name === 'length' ? length++ : Reflect.get(list, name)),
  });
  expect(weighAll(growing)).toBe(16 + 3 * 8);
});
