import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import { Client, connect, createServer } from '../../src/index.ts';
import { limitChecks, settleLimits } from '../../src/net/limits.ts';
import { root } from '../support/run.ts';

const page = readFileSync(path.join(root, 'docs/net.md'), 'utf8');
const scope = { drone, Client, connect, createServer, diagnostics, Duplex, PassThrough };

/** An example, and what it prints. */
const examples = [...page.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
  ([, code = '', output = '']) => ({ code, output }),
);

describe('docs/net.md', () => {
  test.each(examples)('$output', async ({ code, output }) => {
    const printed: string[] = [];
    const console = {
      log: (...values: unknown[]) =>
        printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ')),
    };
    const AsyncFunction = (async () => {}).constructor as new (
      ...parts: string[]
    ) => (...values: unknown[]) => unknown;
    await new AsyncFunction(...Object.keys(scope), 'console', code)(...Object.values(scope), console);
    expect(`${printed.join('\n')}\n`).toBe(output);
  });

  test('each block of code has an example', () => {
    expect(page.match(/```js/g)?.length).toBe(examples.length);
    expect(examples.length).toBeGreaterThan(4);
  });

  test('the table lists every limit with its default', () => {
    const rows = new Map(
      [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name, value]) => [name!, value!.trim()]),
    );
    const limits = settleLimits({}, 1);
    for (const name of Object.keys(limitChecks) as (keyof typeof limits)[]) {
      const value = limits[name];
      const text = rows.get(name);
      expect(text, name).toBeDefined();
      if (value === Infinity) expect(text, name).toBe('off');
      else if (name !== 'maxHeldBytes') {
        const isBytes = name.endsWith('Bytes');
        expect(text, name).toContain(isBytes ? `${value / 2 ** 20} MiB` : value.toLocaleString('en'));
      }
    }
  });
});
