import { afterEach, expect, test, vi } from 'vitest';
import { Printer } from '../../src/cli/print.ts';

afterEach(() => vi.restoreAllMocks());

test('lines are written together: in pieces of 64 KiB, and the rest once nothing follows', async () => {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const line = (at: number): string => `line ${String(at).padStart(94, '.')}`;
  const printer = new Printer();
  for (let at = 0; at < 10_000; at++) expect(printer.add(line(at))).toBeUndefined();
  // 100 characters a line: 656 lines fill a piece.
  expect(written).toHaveLength(15);
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toHaveLength(16);
  expect(written.join('')).toBe(Array.from({ length: 10_000 }, (_, at) => `${line(at)}\n`).join(''));
  expect(printer.flush()).toBeUndefined();
  expect(written).toHaveLength(16);
});
