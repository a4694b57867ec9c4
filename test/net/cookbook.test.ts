/** Every recipe of docs/cookbook.md is saved and run as a program, and prints what stands under it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authority } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { haproxy, hasHaproxy } from '../support/haproxy.ts';
import { isThere } from '../support/programs.ts';
import { root, run } from '../support/run.ts';

const page = readFileSync(path.join(root, 'docs/cookbook.md'), 'utf8');

interface Recipe {
  readonly name: string;
  readonly code: string;
  readonly prints: string;
  /** What stands before it for HAProxy. */
  readonly configuration: string | undefined;
}

const recipes = page
  .split(/^## /m)
  .slice(1)
  .map((section): Recipe => {
    const block = (language: string): string | undefined =>
      new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(section)?.[1];
    return {
      name: section.split('\n', 1)[0]!,
      code: block('js') ?? '',
      prints: block('text') ?? '',
      configuration: block('haproxy'),
    };
  });

// Inside of the package, so that a recipe imports it by its name.
mkdirSync(path.join(root, 'dist'), { recursive: true });
const folder = mkdtempSync(path.join(root, 'dist', '.cookbook-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A folder of certificates as the recipes have it. */
let certs = '';
beforeAll(() => {
  const authority = new Authority();
  certs = authority.folder;
  for (const name of ['server', 'pilot']) authority.issue(name);
});

const needed: Record<string, boolean> = {
  'A serial port': isThere('socat'),
  'Behind HAProxy': hasHaproxy,
};
if (!hasHaproxy) console.warn('skipped: haproxy is not installed');

for (const { name, code, prints, configuration } of recipes) {
  test.skipIf(needed[name] === false)(name, async () => {
    const [front, back] = [await freePort(), await freePort()];
    const file = path.join(folder, `${name.toLowerCase().replace(/\W+/g, '-')}.mjs`);
    writeFileSync(file, code);
    const fill = (text: string): string =>
      text.replaceAll('CERTS', certs).replaceAll('FRONT', String(front)).replaceAll('BACK', String(back));
    if (configuration !== undefined) await haproxy(front, fill(configuration));
    const environment = [`CERTS=${certs}`, `FRONT=${front}`, `BACK=${back}`];
    const { stdout, stderr, status } = await run(['env', ...environment, process.execPath, file]);
    expect(stderr).toBe('');
    expect(stdout).toBe(prints);
    expect(status).toBe(0);
  });
}

test('the list at the top names every recipe, and each recipe has a program and its output', () => {
  const listed = [...page.matchAll(/^- \[([^\]]+)\]\(#([\w-]+)\)$/gm)];
  expect(listed.map(([, name]) => name)).toEqual(recipes.map(({ name }) => name));
  for (const [, name, anchor] of listed) {
    expect(anchor).toBe(name!.toLowerCase().replace(/,/g, '').replace(/ /g, '-'));
  }
  expect(recipes.filter(({ code, prints }) => code === '' || prints === '')).toEqual([]);
  expect(recipes.length).toBeGreaterThan(10);
});
