/** The program in docs/fuzzing.md runs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { ATTACK_KINDS } from '../../../src/tools/fuzz/attacks.ts';
import { root, run } from '../../support/run.ts';

const text = readFileSync(path.join(root, 'docs/fuzzing.md'), 'utf8');

test('the program runs, and finds no fault in its server', async () => {
  const [, code = ''] = /<!-- run -->\n```ts\n(.*?)\n```/s.exec(text) ?? [];
  expect(code).toContain('fuzz(drone');
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const { status, stderr } = await run([process.execPath, '--input-type=module', '-e', outputText]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('the table lists every kind of attack', () => {
  const rows = [...text.matchAll(/^ {3}\| `(\w+)` \|/gm)].map(([, kind]) => kind);
  expect(rows).toEqual([...ATTACK_KINDS]);
});
