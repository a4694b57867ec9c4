import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gathered } from '../../src/captures/gathered.ts';
import type { TcpSink } from '../../src/captures/tcp-stream.ts';

/** What a sink was told; bytes that came one after the other are joined. */
function noting(): { sink: TcpSink; told: string[]; lengths: number[] } {
  const told: string[] = [];
  const lengths: number[] = [];
  let isData = false;
  const note = (what: string): void => {
    told.push(what);
    isData = false;
  };
  const sink: TcpSink = {
    data(bytes, start, end) {
      const text = bytes.toString('hex', start, end);
      if (isData) told.push(told.pop() + text);
      else told.push(text);
      isData = true;
      lengths.push(end - start);
    },
    gap: (length) => note(`gap ${length}`),
    conflict: (offset, length) => note(`conflict ${offset} ${length}`),
    end: () => note('end'),
    reset: () => note('reset'),
    close: () => note('close'),
  };
  return { sink, told, lengths };
}

const calls = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 9_000 }) },
    fc.constantFrom<'gap' | 'conflict' | 'end' | 'reset'>('gap', 'conflict', 'end', 'reset'),
  ),
  { maxLength: 30 },
);

describe('gathered', () => {
  test('calls the sink with the same in the same order, for any input', () => {
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 20_000 }), (all, length) => {
        const plain = noting();
        const joined = noting();
        const sink = gathered(joined.sink, length);
        // Memory that is written into again, as a reader's is.
        const memory = Buffer.alloc(10_000);
        for (const call of all) {
          if (typeof call !== 'string') {
            memory.set(call, 7);
            plain.sink.data!(memory, 7, 7 + call.length);
            sink.data!(memory, 7, 7 + call.length);
            memory.fill(0xee);
          } else if (call === 'gap') for (const one of [plain.sink, sink]) one.gap!(3);
          else if (call === 'conflict') for (const one of [plain.sink, sink]) one.conflict!(1, 2);
          else for (const one of [plain.sink, sink]) one[call]!();
        }
        for (const one of [plain.sink, sink]) one.close!();
        expect(joined.told).toEqual(plain.told);
        expect(joined.lengths.length).toBeLessThanOrEqual(plain.lengths.length);
      }),
    );
  });

  test('hands on many segments at once, and takes no more memory than a short connection needs', () => {
    const { sink, told, lengths } = noting();
    const all = gathered(sink, 32_768);
    const segment = Buffer.alloc(64, 0x61);
    for (let i = 0; i < 2_000; i++) all.data!(segment, 0, 64);
    expect(lengths).toEqual([2_048, 4_096, 8_192, 16_384, 32_768, 32_768]);
    all.close!();
    expect(lengths.at(-1)).toBe(31_744);
    expect(told).toEqual(['61'.repeat(128_000), 'close']);
  });

  test('calls only what the sink has', () => {
    const sink = gathered({}, 4);
    sink.data!(Buffer.from('abcdef'), 0, 3);
    sink.data!(Buffer.from('abcdef'), 0, 6);
    sink.gap!(1);
    sink.conflict!(1, 1);
    sink.end!();
    sink.reset!();
    sink.close!();
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a length of %s', (length) => {
    expect(() => gathered({}, length)).toThrow(
      new RangeError(`length: expected a whole number from 1, got ${length}`),
    );
  });
});
