import { expect, test } from 'vitest';
import {
  type FrameChecksum,
  invalidFrame,
  requireValid,
  type Valid,
  validity,
} from '../../../src/protocol/framing/validity.ts';
import { hex } from '../../support/hex.ts';
import { thrown } from '../../support/reading.ts';

/** What is wrong with a frame that stands among other bytes. */
function problemOf(valid: Valid, frame: Buffer): object | undefined {
  const around = hex('31 32 33 34');
  const bytes = Buffer.concat([around, frame, around]);
  return validity('x', valid)!.problem(bytes, around.length, around.length + frame.length);
}

const xor = { checksum: 'XOR-8' } as const;
const wide = { checksum: 'SUM-16', byteOrder: 'big' } as const;
const NO_PLACE = {};

test.each<[FrameChecksum, frame: string, problem: object | undefined]>([
  // The last byte, over all before it.
  [xor, '', NO_PLACE],
  [xor, '00', undefined],
  [xor, '01', { expected: 0, actual: 1 }],
  [xor, '05 06 03', undefined],
  [xor, '05 06 04', { expected: 3, actual: 4 }],
  // The sum first, over a range behind it.
  [{ ...xor, at: 0, from: 1, to: 3 }, '03 05 06', undefined],
  [{ ...xor, at: 0, from: 1, to: 3 }, '03 05 06 99', undefined],
  [{ ...xor, at: 0, from: 1, to: 3 }, '05 05', NO_PLACE],
  [{ ...xor, at: 0, from: 2, to: 2 }, '00 05', undefined],
  [{ ...xor, at: 0, from: 2, to: 1 }, '00 05', NO_PLACE],
  [{ ...xor, at: 0, from: 3, to: 3 }, '00 05', NO_PLACE],
  // Places counted from the end.
  [{ ...xor, at: -2, to: -2 }, '07 07 99', undefined],
  [{ ...xor, at: -3, from: -2, to: -1 }, '07 07 99', undefined],
  [{ ...xor, at: -4, from: 0, to: 0 }, '00 00 00', NO_PLACE],
  [{ ...xor, at: -1, from: -4, to: -1 }, '31 00 31', NO_PLACE],
  [{ ...xor, at: -1, from: -2 }, '99 07 07', undefined],
  [{ ...xor, at: 2, from: 0, to: 2 }, '03 04', NO_PLACE],
  [{ ...xor, at: 2, from: 0, to: 2 }, '03 04 07', undefined],
  // Two bytes have to fit, in either order.
  [wide, 'FF 02 01 01', undefined],
  [wide, 'FF 02 01', { expected: 0xff, actual: 0x0201 }],
  [wide, '00 00', undefined],
  [wide, '00', NO_PLACE],
  [{ ...wide, at: -1, to: 0 }, '00 00', NO_PLACE],
  [{ ...wide, byteOrder: 'little' }, 'FF 02 01 01', undefined],
  [{ ...wide, byteOrder: 'little' }, 'FF 02 02 01', { expected: 0x0101, actual: 0x0102 }],
  // Digits: two for each byte in base 16, as many as the largest sum has in base 10.
  [{ ...xor, digits: 'hexadecimal' }, '8A "8a"', undefined],
  [{ ...xor, digits: 'hexadecimal' }, '8A "8A"', undefined],
  [{ ...xor, digits: 'hexadecimal' }, '8A "8x"', { expected: 0x8a, actual: -1 }],
  [{ ...xor, digits: 'decimal' }, '8A "138"', undefined],
  [{ ...xor, digits: 'decimal' }, '8A "038"', { expected: 138, actual: 38 }],
  [{ ...wide, digits: 'decimal' }, 'FF 02 "00257"', undefined],
])('%j of %s', (valid, frame, problem) => {
  expect(problemOf(valid, hex(frame))).toEqual(problem);
});

test('a function gets a copy of the frame alone', () => {
  let seen: Buffer | undefined;
  const frame = hex('01 02');
  const valid = (bytes: Buffer): boolean => {
    seen = bytes;
    bytes.fill(0);
    return false;
  };
  const bytes = Buffer.concat([hex('99'), frame, hex('99')]);
  expect(validity('x', valid)!.problem(bytes, 1, 3)).toEqual({});
  expect(seen).toEqual(hex('00 00'));
  expect(bytes).toEqual(hex('99 01 02 99'));
  expect(problemOf(() => true, frame)).toBeUndefined();
  expect(validity('x', valid)!.layout).toEqual({ by: 'function' });
  expect(validity('x', undefined)).toBeUndefined();
});

test('the errors say the sums, if there are any', () => {
  expect(invalidFrame({}, 5)).toMatchObject({
    code: 'ERR_FRAME_CHECKSUM',
    message: 'frame that is not valid, at stream offset 5',
    origin: 'peer',
    offset: 5,
  });
  expect(invalidFrame({ expected: 3, actual: 4 }, 5)).toMatchObject({
    message: 'frame that is not valid: expected the sum 3, got 4, at stream offset 5',
    expected: 3,
    actual: 4,
  });
  const payload = hex('99 05 06 04 99');
  requireValid(undefined, payload, 0, 5);
  requireValid(validity('x', xor), hex('99 05 06 03'), 1, 4);
  expect(thrown(() => requireValid(validity('x', xor), payload, 1, 4))).toMatchObject({
    code: 'ERR_FRAME_CHECKSUM',
    message: 'payload that is not valid: expected the sum 3, got 4',
    origin: 'local',
    expected: 3,
    actual: 4,
  });
});
