import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lengthPrefix } from '../../src/protocol/length-prefix.ts';
import { Output } from '../../src/streams/output.ts';

/** What one output has handed on, and not reclaimed yet. */
interface Side {
  readonly output: Output;
  readonly handedOn: { bytes: Buffer; copy: Buffer }[];
}

const action = fc.record({
  side: fc.nat({ max: 3 }),
  length: fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: 1_000, max: 90_000 })),
  frames: fc.integer({ min: 1, max: 6 }),
  /** Whether its reader lets go of all that it was handed, before more is or after. */
  reclaims: fc.constantFrom('before', 'after', 'never'),
});

test('what an output handed on stays as it is until that output reclaims it, whoever else writes', () => {
  const writer = lengthPrefix({ lengthFieldLength: 3, byteOrder: 'big' }).writer();
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const sides: Side[] = Array.from({ length: 4 }, () => ({ output: new Output(), handedOn: [] }));
      for (const [i, { side, length, frames, reclaims }] of actions.entries()) {
        const { output, handedOn } = sides[side]!;
        const bytes = Buffer.alloc(length * frames, i + 1);
        const bounds = Array.from({ length: 2 * frames }, (_, k) => ((k + 1) >> 1) * length);
        const batch = { bytes, bounds, count: frames, runStart: 0, runEnd: bytes.length };
        let written = 0;
        for (let index = 0; index < frames; ) {
          index = output.writeFrames(writer, batch, index);
          if (reclaims === 'before' && side !== 3) {
            output.reclaim();
            handedOn.length = 0;
          }
          const taken = output.take()!;
          written += taken.length;
          handedOn.push({ bytes: taken, copy: Buffer.from(taken) });
        }
        expect(written).toBe(frames * (3 + length));
        for (const side of sides) {
          for (const { bytes, copy } of side.handedOn) expect(bytes.equals(copy)).toBe(true);
        }
        // The fourth is never told.
        if (reclaims !== 'after' || side === 3) continue;
        output.reclaim();
        handedOn.length = 0;
      }
    }),
    { numRuns: 300 },
  );
});
