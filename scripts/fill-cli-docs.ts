/**
 * Write the output of the built command line into docs/cli.md, under each `<!-- output: … -->`: `npx tsx
 * scripts/fill-cli-docs.ts`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const file = path.join(root, 'docs/cli.md');
const filled = readFileSync(file, 'utf8').replace(
  /(<!-- output: wirepipe (.*) -->\n```\n)[\s\S]*?```\n/g,
  (_, head: string, args: string) =>
    `${head}${execFileSync(process.execPath, [path.join(root, 'dist/cli/main.js'), ...args.split(' ')], { encoding: 'utf8' })}\`\`\`\n`,
);
writeFileSync(file, filled);
