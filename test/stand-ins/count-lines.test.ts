/** The declarations and tables of the stand-ins are short, counted as scripts/count-lines.ts counts. */
import { expect, test } from 'vitest';
import { codeLines } from '../../scripts/count-lines.ts';
import { read } from '../support/source.ts';

const lines = (folder: string, names: string[]): number =>
  names.reduce((sum, name) => sum + codeLines(read(`examples/${folder}/${name}.ts`)), 0);

test('blank lines and comments do not count', () => {
  expect(codeLines('/** one\n * two */\nconst a = 1; // three\n\n// four\nconst b = `x\ny`;\n')).toBe(3);
});

test('MQTT 3.1.1 and 5.0: at most 600', () => {
  const names = [
    'values',
    'fixed-header',
    'reason-codes',
    'properties',
    'packets',
    'client-session',
    'server-session',
  ];
  expect(lines('mqtt', names)).toBeLessThanOrEqual(600);
});

test('PostgreSQL v3: at most 350', () => {
  const tables = [
    'values',
    'framing',
    'startup',
    'client-messages',
    'server-messages',
    'client-session',
    'server-session',
  ];
  expect(lines('postgres', tables)).toBeLessThanOrEqual(350);
});
