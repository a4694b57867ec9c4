import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, root, run } from '../support/run.ts';

const docs = readFileSync(path.join(root, 'docs/cli.md'), 'utf8');

/** The verbs, as the help lists them. */
async function verbs(): Promise<string[]> {
  const { stdout } = await run([...cli, '--help']);
  const commands = stdout.slice(stdout.indexOf('\ncommands:'));
  return [...commands.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help');
}

describe('docs/cli.md', () => {
  test('has a section for every verb', async () => {
    const named = await verbs();
    expect(named.length).toBeGreaterThan(2);
    const headings = [...docs.matchAll(/^## wirepipe (\w+)$/gm)].map(([, name]) => name!);
    expect(headings.sort()).toEqual(named.sort());
  });

  const shown = [...docs.matchAll(/<!-- output: wirepipe (.*) -->\n```\n([\s\S]*?)```\n/g)];
  test.each(shown.map(([, args, text]) => [args!, text!]))(
    'shows what wirepipe %s prints',
    async (args, text) => {
      const { stdout, stderr, status } = await run([...cli, ...args.split(' ')]);
      expect(stderr).toBe('');
      expect(text).toBe(stdout);
      expect(status).toBe(0);
    },
  );

  test('shows the help of every verb', async () => {
    const helps = shown.map(([, args]) => args);
    for (const verb of await verbs()) expect(helps).toContain(`${verb} --help`);
  });
});
