import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bytes, custom, enumeration, mapped, rest, u8, u32be } from '../../../src/protocol/fields/kinds.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';
import { arbitraryMessage, arbitraryNearMiss } from '../../../src/testing/arbitrary.ts';

it('arbitraryMessage gives up where no message can be valid', () => {
  const never = custom<number>({
    name: 'never',
    minSize: 1,
    read: (cursor) => cursor.fail('nothing', 1),
    write: (cursor) => cursor.fail('nothing', 1),
    size: () => 1,
  });
  const messages = arbitraryMessage(codecOf(never), { custom: { never: fc.nat() } });
  expect(() => fc.sample(messages, 1)).toThrow('none of 10000 values in a row');
});

it('… where no value can be mapped', () => {
  const decode = (): number => {
    throw new RangeError('never');
  };
  const messages = arbitraryMessage(codecOf(mapped(u8, { decode, encode: () => 0 })));
  expect(() => fc.sample(messages, 1)).toThrow('none of 10000 values in a row');
});

it('arbitraryNearMiss gives up where every frame is a message', () => {
  expect(() => fc.sample(arbitraryNearMiss(codecOf(bytes(rest))), 1)).toThrow(
    'none of 10000 values in a row',
  );
});

it('arbitraryMessage gives the names of an enumeration over a mapped number', () => {
  const from = mapped(u32be, { decode: (raw) => raw - 1_000, encode: (value: number) => value + 1_000 });
  const names = arbitraryMessage(codecOf(enumeration(from, { off: -1_000, on: 7 })));
  expect(new Set(fc.sample(names, 50))).toEqual(new Set(['off', 'on']));
});
