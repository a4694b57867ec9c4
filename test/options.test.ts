import { expect, it } from 'vitest';
import {
  anything,
  callback,
  checkOptions,
  delay,
  delayOrNever,
  flag,
  integer,
  limit,
  natural,
  nearest,
  oneOf,
  splitOptions,
} from '../src/options.ts';

const checks = {
  maxFrameLength: natural,
  onTooLong: oneOf('error', 'discard'),
  timeout: delay,
  any: anything,
};

it('takes what its checks take, and what is left out', () => {
  checkOptions('maker', { maxFrameLength: 0, onTooLong: 'discard', timeout: 1.5, any: Symbol() }, checks);
  checkOptions('maker', { maxFrameLength: undefined }, checks);
});

it.each<[options: unknown, text: string]>([
  [null, 'maker: expected an object of options, got null'],
  [5, 'maker: expected an object of options, got 5'],
  [{ maxFrameLenght: 1 }, 'maker: there is no option "maxFrameLenght"; did you mean \'maxFrameLength\'?'],
  [{ onTolong: 1 }, 'maker: there is no option "onTolong"; did you mean \'onTooLong\'?'],
  [
    { zzz: 1 },
    "maker: there is no option \"zzz\"; there are 'maxFrameLength', 'onTooLong', 'timeout', 'any'",
  ],
  [
    { toString: 1 },
    "maker: there is no option \"toString\"; there are 'maxFrameLength', 'onTooLong', 'timeout', 'any'",
  ],
  [{ onTooLong: 'dsicard' }, "maker: onTooLong must be 'error' or 'discard', got \"dsicard\""],
  [{ maxFrameLength: -1 }, 'maker: maxFrameLength must be an integer of at least 0, got -1'],
])('refuses %j', (options, text) => {
  expect(() => checkOptions('maker', options, checks)).toThrow(text);
});

it.each([Infinity, NaN, 2 ** 31, 0, -1, '5', null])('refuses %s as milliseconds of a timer', (value) => {
  expect(() => delay('timeout', value)).toThrow(/timeout must be milliseconds from 1 to 2147483647, got/);
});

it('knows a deadline that never comes, limits, ranges and flags', () => {
  delayOrNever('idle', Infinity);
  expect(() => delayOrNever('idle', NaN)).toThrow(RangeError);
  limit(1)('max', Infinity);
  expect(() => limit(1)('max', 0)).toThrow(RangeError);
  expect(() => integer(1, 8)('width', 9)).toThrow('width must be an integer from 1 to 8, got 9');
  expect(() => flag('strict', 1)).toThrow('strict must be true or false, got 1');
});

it('takes the smallest and the greatest, and refuses what lies next to them', () => {
  for (const check of [delay, delayOrNever]) {
    check('timeout', 1);
    check('timeout', 2 ** 31 - 1);
    expect(() => check('timeout', 0.5)).toThrow(RangeError);
    expect(() => check('timeout', 2 ** 31)).toThrow(RangeError);
    expect(() => check('timeout', '5')).toThrow(RangeError);
  }
  expect(() => delayOrNever('idle', 0)).toThrow(
    'idle must be milliseconds from 1 to 2147483647, or Infinity, got 0',
  );
  integer(1, 8)('width', 1);
  integer(1, 8)('width', 8);
  expect(() => integer(1, 8)('width', 0)).toThrow(RangeError);
  expect(() => integer(1, 8)('width', 1.5)).toThrow(RangeError);
  limit(2)('max', 2);
  expect(() => limit(2)('max', 1)).toThrow('max must be an integer of at least 2, or Infinity, got 1');
  flag('strict', true);
  flag('strict', false);
  callback('handler', () => {});
  expect(() => callback('handler', 5)).toThrow('handler must be a function, got 5');
});

it('finds the nearest name: the fewest edits, at most two or a third of its letters, the first of equals', () => {
  expect(nearest('tmeout', ['idle', 'timeout', 'timeouts'])).toBe('timeout');
  expect(nearest('ac', ['ab', 'ad'])).toBe('ab');
  expect(nearest('TIMEOUT', ['timeout'])).toBe('timeout');
  // Two edits of a short name, four of one of twelve letters.
  expect(nearest('idxx', ['idle'])).toBe('idle');
  expect(nearest('ixxx', ['idle'])).toBeUndefined();
  expect(nearest('xxxxtotoetin', ['lengthtoetin'])).toBeUndefined();
  expect(nearest('xxxxthAdjust', ['lengthAdjust'])).toBe('lengthAdjust');
  expect(nearest('', [])).toBeUndefined();
  // Of a very long name only the beginning is looked at.
  expect(nearest(`${'x'.repeat(64)}yyyy`, ['x'.repeat(64)])).toBe('x'.repeat(64));
});

it('splits options for two parts', () => {
  const options: object = { timeout: 1, other: 2, toString: 3 };
  const expected: object[] = [{ timeout: 1 }, { other: 2, toString: 3 }];
  expect(splitOptions(options, checks)).toEqual(expected);
});
