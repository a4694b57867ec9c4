import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lengthPrefix, message, messages, u8, u16be } from '../../../src/index.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { compareProtocols } from '../../../src/tools/index.ts';

const page = fs.readFileSync(path.resolve(import.meta.dirname, '../../../docs/compat.md'), 'utf8');

test('the code of docs/compat.md prints the breaking changes', () => {
  const version = (x: typeof u8): object => {
    const codec = messages(u8, { move: message(1, { x }) });
    return { name: 'p', framing: lengthPrefix(), clientMessages: codec, serverMessages: codec };
  };
  const printed: unknown[][] = [];
  const scope = {
    ...{ fc, arbitraryMessage, compareProtocols },
    ...{ released: version(u8), protocol: version(u16be) },
    console: { log: (...line: unknown[]) => printed.push(line) },
  };
  const [, code] = page.match(/```ts\n([\s\S]*?)```/)!;
  const body = code!.replaceAll(/^import .*\n/gm, '');
  const isSafe = new Function(...Object.keys(scope), `${body}; return isSafe;`)(...Object.values(scope));
  expect(isSafe).toBe(false);
  const found = [
    ['readers', 'writers'],
    'the field was u8 and is u16be',
    expect.stringMatching(/^01[\da-f]{4}$/),
  ];
  expect(printed).toEqual([
    ['clientMessages.move.x', ...found],
    ['serverMessages.move.x', ...found],
  ]);
});
