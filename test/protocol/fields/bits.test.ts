import { describe, expect, expectTypeOf, it } from 'vitest';
import * as w from '../../../src/index.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { hex } from '../../support/hex.ts';

describe('bits', () => {
  const word = w.bits(w.u64be, {
    id: 4,
    reserved: { width: 2, constant: 0 },
    turn: { width: 4, signed: true },
    count: 54,
  });
  const codec = w.codecOf(w.struct({ word }));

  it('have the types of their widths, and no constant member', () => {
    expectTypeOf<w.Infer<typeof word>>().toEqualTypeOf<{ id: number; turn: number; count: bigint }>();
    expectTypeOf(codec.encode).parameter(0).toEqualTypeOf<{
      word: { id: number; turn: number; count: bigint };
    }>();
  });

  it('say which member is wrong, and where', () => {
    // id 1 | reserved 01 | turn, count 0
    const bytes = hex('14 00 00 00 00 00 00 00');
    const error = {
      code: 'ERR_MESSAGE_VALUE',
      path: 'word.reserved',
      offset: 0,
      actual: 1,
      expected: '0x00',
    };
    expect(() => codec.decode(bytes)).toThrow(expect.objectContaining(error));
    expect(() => decodeByWalking(codec.declaration, bytes, 0, 8)).toThrow(expect.objectContaining(error));
    expect(() => codec.encode({ word: { id: 1, turn: 8, count: 0n } })).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_RANGE', path: 'word.turn', actual: 8 }),
    );
  });

  it.each<[string, () => unknown, string]>([
    ['widths that do not fill it', () => w.bits(w.u40be, { a: 39 }), 'add up to 39; the integer has 40'],
    ['a width of nothing', () => w.bits(w.u8, { a: 0, b: 8 }), 'expected 1 or more'],
    ['a float', () => w.bits(w.f64be, { a: 64 }), 'an integer field of fixed width, got float'],
    ['a varint', () => w.bits(w.varuint64, { a: 64 }), 'an integer field of fixed width'],
    ['a constant that is too large', () => w.bits(w.u8, { a: 4, b: { width: 4, constant: 16 } }), 'b: '],
    ['an option that does not exist', () => w.bits(w.u8, { a: { width: 8, sign: true } as never }), 'sign'],
    ['nothing but constants', () => w.bits(w.u8, { a: { width: 8, constant: 1 } }), 'at least one member'],
    ['an order that is none', () => w.bits(w.u8, { a: 8 }, { first: 'last' as never }), 'first'],
    [
      'a condition on a constant',
      () =>
        w.struct({
          b: w.bits(w.u8, { a: 4, b: { width: 4, constant: 0 } }),
          o: w.optional(w.u8, w.when('b.b' as never, 1)),
        }),
      'does not exist',
    ],
  ])('refuse %s where they are declared', (_, declare, words) => {
    expect(declare).toThrow(words);
  });
});
