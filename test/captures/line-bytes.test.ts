import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventLine } from '../../src/protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { lineBytes } from '../../src/protocol/recording/line-bytes.ts';

test('the same line as bytes, whatever the chunk, its length and its place in memory', () => {
  const chunk = fc.record({
    time: fc.double({ noNaN: true, noDefaultInfinity: true }),
    connection: fc.nat(),
    from: fc.constantFrom('client', 'server'),
    length: fc.integer({ min: 500, max: 530 }),
    offset: fc.nat(9),
    seed: fc.nat(255),
  });
  fc.assert(
    fc.property(chunk, ({ time, connection, from, length, offset, seed }) => {
      const memory = Buffer.from(Array.from({ length: offset + length }, (_, i) => (i * 31 + seed) & 255));
      const bytes = memory.subarray(offset);
      const event = { event: 'data', time, connection, from, bytes } as CaptureEvent;
      expect(lineBytes(event).toString()).toBe(eventLine(event));
    }),
    { numRuns: 300 },
  );
});

test('any other event', () => {
  const event: CaptureEvent = { event: 'error', time: 1, connection: 0, message: 'déjà vu\n' };
  expect(lineBytes(event).toString()).toBe(eventLine(event));
});
