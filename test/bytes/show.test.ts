import { expect, it } from 'vitest';
import { asError, safeText, show, showTag, showThrown } from '../../src/bytes/show.ts';

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

it('shows that a revoked Proxy cannot be shown', () => {
  expect(show(revoked.proxy)).toBe('an object that cannot be shown');
});

it('shows a thrown value by its message, and never throws itself', () => {
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

it('makes an Error of any thrown value, and keeps an Error', () => {
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

it('cuts after 40 characters of a value, and 400 of a message', () => {
  expect(show('x'.repeat(40))).toBe(`"${'x'.repeat(40)}"`);
  expect(show('x'.repeat(41))).toBe(`"${'x'.repeat(40)}…"`);
  expect(show(10n ** 38n)).toBe(`1${'0'.repeat(38)}n`);
  expect(show(10n ** 39n)).toBe(`1${'0'.repeat(39)}…`);
  expect(show(Symbol('x'.repeat(40)))).toBe(`Symbol(${'x'.repeat(33)}…`);
  expect(showThrown(new Error('x'.repeat(400)))).toBe('x'.repeat(400));
  expect(showThrown(new Error('x'.repeat(401)))).toBe(`${'x'.repeat(400)}…`);
  expect(showThrown(Object.assign(new Error('x'), { message: 5 }))).toBe('an object');
});

it('escapes the characters that control a terminal, and no others', () => {
  const unsafe = '\u0000\u001f\u007f\u009f\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff';
  expect(safeText(unsafe)).toBe(
    '\\u0000\\u001f\\u007f\\u009f\\u200e\\u200f\\u2028\\u2029\\u202a\\u202e\\u2066\\u2069\\ufeff',
  );
  const safe = ' ~\u00a0\u200d\u2010\u2027\u202f\u2065\u206a\ufefe\uff00';
  expect(safeText(safe)).toBe(safe);
});

it.each([
  [255, '0xff'],
  [256, '0x100'],
  [-1n, '-1'],
  [Number.NaN, 'NaN'],
  [true, 'true'],
])('shows the tag %s as well', (tag, text) => {
  expect(showTag(tag)).toBe(text);
});
