import { expect, test } from 'vitest';
import { isLent, keep, lend } from '../../src/streams/lease.ts';

test('memory is lent during a call, and free again unless a view of it is kept', () => {
  const seen: boolean[] = [isLent()];
  expect(lend(() => seen.push(isLent()))).toBe(true);
  seen.push(isLent());
  expect(seen).toEqual([false, true, false]);
  expect(
    lend(() => {
      keep();
      seen.push(isLent());
      keep();
    }),
  ).toBe(false);
  expect(seen.pop()).toBe(false);
  expect(isLent()).toBe(false);
});

test('keeping what is not lent does not hold back what is lent later', () => {
  keep();
  expect(isLent()).toBe(false);
  expect(lend(() => {})).toBe(true);
});

test('a loan inside another is judged by itself, and leaves the outer one as it was', () => {
  let inner: boolean | undefined;
  expect(
    lend(() => {
      inner = lend(keep);
      expect(isLent()).toBe(true);
    }),
  ).toBe(true);
  expect(inner).toBe(false);
  expect(
    lend(() => {
      keep();
      inner = lend(() => expect(isLent()).toBe(true));
      expect(isLent()).toBe(false);
    }),
  ).toBe(false);
  expect(inner).toBe(true);
});

test('a call that throws ends the loan', () => {
  const fail = (): never => {
    throw new Error('as asked');
  };
  expect(() => lend(fail)).toThrow('as asked');
  expect(isLent()).toBe(false);
  expect(
    lend(() => {
      expect(() => lend(fail)).toThrow('as asked');
      expect(isLent()).toBe(true);
    }),
  ).toBe(true);
});
