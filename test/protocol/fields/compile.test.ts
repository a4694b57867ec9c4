import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { arbitraryFrame, arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { arbitraryCodec, customValues } from './declarations.ts';

const options = { custom: customValues };

/** What a function gives, or the error's code, path and offset. */
function outcome<T>(
  run: () => T,
): T | { code: string; path: string | undefined; offset: number | undefined } {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: error.code, path: error.path, offset: error.offset };
  }
}

describe('the compiled engine and the walking one', () => {
  it('read the same out of valid, changed and random bytes', () => {
    const codecAndFrame = arbitraryCodec().chain((codec) =>
      fc.tuple(
        fc.constant(codec),
        fc.array(arbitraryFrame(codec, options), { minLength: 6, maxLength: 6 }),
        fc.uint8Array(),
      ),
    );
    fc.assert(
      fc.property(codecAndFrame, fc.nat(3), ([codec, frames, random], before) => {
        const { decode } = compile(codec.declaration)!;
        for (const frame of [...frames, Buffer.from(random)]) {
          const chunk = Buffer.concat([Buffer.alloc(before, 0xaa), frame, Buffer.alloc(9, 0xbb)]);
          const end = before + frame.length;
          const fast = decode(chunk, before, end);
          const slow = outcome(() => decodeByWalking(codec.declaration, chunk, before, end));
          if (fast === FAILED) expect(slow).toHaveProperty('code');
          else expect(fast).toStrictEqual(slow);
          expect(outcome(() => codec.decode(chunk, before, end))).toStrictEqual(slow);
        }
      }),
      { numRuns: 100, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('write the same bytes, within the bound, and read them back', () => {
    const codecAndMessages = arbitraryCodec().chain((codec) =>
      fc.tuple(
        fc.constant(codec),
        fc.array(arbitraryMessage(codec, options), { minLength: 5, maxLength: 5 }),
      ),
    );
    fc.assert(
      fc.property(codecAndMessages, fc.nat(3), ([codec, messages], before) => {
        const { encode, bound } = compile(codec.declaration)!;
        for (const message of messages) {
          const slow = encodeByWalking(codec.declaration, message);
          const room = bound(message);
          expect(room).toBeGreaterThanOrEqual(slow.length);
          expect(codec.maxLength).toBeGreaterThanOrEqual(slow.length);
          const target = Buffer.alloc(before + room + 8, 0xee);
          const end = encode(message, target, before);
          expect(target.subarray(before, end)).toEqual(slow);
          expect(target.subarray(before + room)).toEqual(Buffer.alloc(8, 0xee));
          expect(codec.encode(codec.decode(slow))).toEqual(slow);
          expect(codec.decode(slow)).toStrictEqual(message);
        }
      }),
      { numRuns: 100, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('give messages that outlive their input if the codec says so', () => {
    let detached = 0;
    const codecAndFrames = arbitraryCodec().chain((codec) =>
      fc.tuple(
        fc.constant(codec),
        fc.array(arbitraryMessage(codec, options), { minLength: 3, maxLength: 3 }),
      ),
    );
    fc.assert(
      fc.property(codecAndFrames, ([codec, messages]) => {
        if (!codec.detached) return;
        detached++;
        for (const message of messages) {
          const chunk = Buffer.from(codec.encode(message));
          const read = codec.decode(chunk);
          chunk.fill(0xee);
          expect(read).toEqual(message);
        }
      }),
      { numRuns: 200, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
    );
    expect(detached).toBeGreaterThan(20);
  });

  it('refuse the same values', () => {
    const wrong = fc.constantFrom<unknown[]>(
      ...[undefined, null, -1, 1.5, 2 ** 40, Number.NaN, 5n, 2n ** 70n, '', 'x'.repeat(300), '\ud800', 'a\0'],
      ...[true, [], [1, 2, 3], {}, { type: 'a' }, new Uint8Array(300), () => 1],
    );
    const codecAndMessage = arbitraryCodec().chain((codec) =>
      fc.tuple(fc.constant(codec), arbitraryMessage(codec, options)),
    );
    fc.assert(
      fc.property(codecAndMessage, wrong, fc.nat(), ([codec, message], value, pick) => {
        const changed = replaceLeaf(message, pick, value);
        const slow = outcome(() => encodeByWalking(codec.declaration, changed));
        const { encode, bound } = compile(codec.declaration)!;
        const room = bound(changed);
        const target = Buffer.alloc(room + 8, 0xee);
        const end = encode(changed, target, 0);
        expect(target.subarray(room)).toEqual(Buffer.alloc(8, 0xee));
        if (end < 0) expect(slow).toHaveProperty('code');
        else expect(target.subarray(0, end)).toEqual(slow);
        expect(outcome(() => codec.encode(changed))).toEqual(slow);
      }),
      { numRuns: 200, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
    );
  });
});

/** The message with one of its values, at any depth, replaced. */
function replaceLeaf(message: unknown, pick: number, value: unknown): unknown {
  const copy = structuredClone(message) as Record<string, unknown>;
  let holder = copy;
  for (let left = pick; ; left = Math.floor(left / 7)) {
    const keys = Object.keys(holder);
    if (keys.length === 0) return copy;
    const key = keys[left % keys.length]!;
    const inner = holder[key];
    const goesDeeper = typeof inner === 'object' && inner !== null && !(inner instanceof Uint8Array);
    if (!goesDeeper || left % 3 === 0) {
      Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
      return copy;
    }
    holder = inner as Record<string, unknown>;
  }
}
