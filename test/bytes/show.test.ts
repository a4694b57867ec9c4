import { expect, it } from 'vitest';
import { asError, show, showTag, showThrown } from '../../src/bytes/show.ts';

const revoked = Proxy.revocable([], {});
revoked.revoke();
const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('a trap');
    },
    getPrototypeOf() {
      throw new Error('a trap');
    },
  },
);

it.each<[value: unknown, text: string]>([
  ['plain', '"plain"'],
  ['a\nb\u001b[31m', '"a\\nb\\u001b[31m"'],
  ['\u009b\u2028\u202e', '"\\u009b\\u2028\\u202e"'],
  ['x'.repeat(50), `"${'x'.repeat(40)}…"`],
  [10n ** 60n, `1${'0'.repeat(39)}…`],
  [Symbol('a\nb'), 'Symbol(a\\u000ab)'],
  [undefined, 'undefined'],
  [null, 'null'],
  [-0, '0'],
  [() => 1, 'a function'],
  [[1, 2], 'an array of 2'],
  [new Uint8Array(3), '3 bytes'],
  [Object.create(null), 'an object'],
  [{ toString: 1 }, 'an object'],
  [hostile, 'an object that cannot be shown'],
])('shows a value in a few words, %#', (value, text) => {
  expect(show(value)).toBe(text);
});

it('says of a revoked Proxy that it cannot be shown', () => {
  expect(show(revoked.proxy)).toBe('an object that cannot be shown');
});

it('shows what was thrown by its message, and never throws itself', () => {
  expect(showThrown(new Error('no room\n'))).toBe('no room\\u000a');
  expect(showThrown(new Error('x'.repeat(1000)))).toBe(`${'x'.repeat(400)}…`);
  expect(showThrown('text')).toBe('"text"');
  expect(showThrown(Object.create(null))).toBe('an object');
  expect(showThrown(hostile)).toBe('an object that cannot be shown');
  const lying = new Error('x');
  Object.defineProperty(lying, 'message', {
    get() {
      throw new Error('a trap');
    },
  });
  expect(showThrown(lying)).toBe('an object');
});

it('makes an Error of whatever was thrown, and keeps one that is an Error', () => {
  const error = new RangeError('far');
  expect(asError(error)).toBe(error);
  expect(asError('text')).toMatchObject({ message: '"text" was thrown', cause: 'text' });
  expect(asError(undefined).message).toBe('undefined was thrown');
  expect(asError(revoked.proxy)).toMatchObject({ message: 'an object that cannot be shown was thrown' });
});

it.each([
  [0, '0x00'],
  [10, '0x0a'],
  [300, '0x12c'],
  [-1, '-1'],
  [1.5, '1.5'],
  [5n, '5'],
  ['get', '"get"'],
])('shows the tag %s', (tag, text) => {
  expect(showTag(tag)).toBe(text);
});
