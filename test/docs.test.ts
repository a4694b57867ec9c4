/** The examples of docs/requests.md and docs/session.md are run: what they print is what stands under them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import * as wirepipe from '../src/index.ts';

interface Example {
  readonly code: string;
  /** What it prints; undefined where nothing stands under it. */
  readonly prints: string | undefined;
}

function examples(page: string): Example[] {
  const text = readFileSync(path.resolve(import.meta.dirname, '../docs', page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)\n```\n(?:\n```text\n(.*?)\n```)?/gms)].map(([, code, prints]) => ({
    code: code!,
    prints,
  }));
}

/** Run the examples of a page as one program; returns what each of them printed. */
async function run(list: readonly Example[]): Promise<string[]> {
  const printed = list.map((): string[] => []);
  let current = 0;
  const source = list.map(({ code }, i) => `begin(${i});\n${code}`).join('\n');
  const { outputText } = ts.transpileModule(
    source.replace(/^import (\{[^}]*\}) from 'wirepipe';$/gm, 'const $1 = wirepipe;'),
    { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext } },
  );
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const program = new AsyncFunction('wirepipe', 'console', 'begin', outputText) as unknown as (
    ...args: unknown[]
  ) => Promise<void>;
  const log = (...args: unknown[]): unknown => printed[current]!.push(args.map(String).join(' '));
  await program(wirepipe, { log }, (index: number) => {
    current = index;
  });
  return printed.map((lines) => lines.join('\n'));
}

test.each([
  ['requests.md', 8],
  ['session.md', 11],
])('the examples of docs/%s print what it shows', async (page, count) => {
  const list = examples(page);
  expect(list.length).toBeGreaterThanOrEqual(count);
  const printed = await run(list);
  list.forEach(({ prints }, i) => {
    if (prints !== undefined) expect(printed[i]).toBe(prints);
  });
});
