import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, root, run } from '../support/run.ts';

/** The command line before `| head -1`, with its own exit status after the output of head. */
async function intoHead(...args: string[]): Promise<string> {
  const words = [...cli, ...args].map((word) => `'${word}'`).join(' ');
  const { stdout, stderr } = await run(['bash', '-c', `${words} | head -1; echo "status \${PIPESTATUS[0]}"`]);
  expect(stderr).toBe('');
  return stdout;
}

describe('pipes', () => {
  test.each([[[]], [['--help']], [['send', '--help']]])('wirepipe %j | head -1', async (args) => {
    expect(await intoHead(...args)).toMatch(/^[^\n]+\nstatus 0\n$/);
  });

  test('a reader that goes away before anything is written', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
    const script = path.join(folder, 'run.sh');
    const words = cli.map((word) => `'${word}'`).join(' ');
    writeFileSync(script, `${words} | true\necho "status \${PIPESTATUS[0]}"\n`);
    const { stdout, stderr } = await run(['bash', script]);
    expect(stderr).toBe('');
    expect(stdout).toBe('status 0\n');
  });

  test('no colour into a pipe, whatever FORCE_COLOR says', async () => {
    const { stdout } = await run(['env', 'FORCE_COLOR=1', ...cli]);
    expect(stdout).not.toContain('\u001b');
  });

  test('colours on a terminal, except under NO_COLOR', async () => {
    const onTerminal = (environment: string) =>
      run(['script', '-qec', `${environment} ${cli.join(' ')}`, '/dev/null']);
    expect((await onTerminal('env -u NO_COLOR TERM=xterm')).stdout).toContain('\u001b[');
    expect((await onTerminal('env NO_COLOR=1 TERM=xterm')).stdout).not.toContain('\u001b[');
    expect((await onTerminal('env NO_COLOR= TERM=xterm')).stdout).toContain('\u001b[');
  });
});

test('the bundle carries the licence of every package in it', async () => {
  const { stdout } = await run([
    'grep',
    '-rho',
    'node_modules/[a-z@][a-z0-9/-]*',
    path.join(root, 'dist/cli'),
  ]);
  const bundled = new Set(
    [...stdout.matchAll(/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)/g)].map(([, name]) => name!),
  );
  expect(bundled).toContain('commander');
  const { stdout: licences } = await run(['cat', path.join(root, 'dist/cli/LICENSES.txt')]);
  for (const name of bundled)
    expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n.*MIT`, 'm'));
});
