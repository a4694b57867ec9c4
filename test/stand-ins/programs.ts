import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../support/run.ts';

const require = createRequire(import.meta.url);

export interface Finished {
  readonly status: number | null;
  readonly output: string;
}

/** Run a script on Node; what it requires and resolves to a package's main file, or to a source file of its, gets a file of ours, where one is named. */
export function runNode(
  script: string,
  {
    replaced = {},
    args = [],
    flags = [],
    onMessage,
  }: {
    replaced?: Record<string, string>;
    args?: string[];
    flags?: string[];
    /** Called with what the script sends; the script gets an empty message once that is done. */
    onMessage?: (message: never) => Promise<void>;
  } = {},
): Promise<Finished> {
  const files = Object.entries(replaced).map(([name, file]) => [
    name.includes('/src/') ? path.join(root, name) : require.resolve(name),
    path.join(root, file),
  ]);
  const child = spawn(
    process.execPath,
    [
      ...flags,
      '--import',
      'tsx',
      '--require',
      path.join(import.meta.dirname, 'replace.cjs'),
      path.join(root, script),
      ...args,
    ],
    {
      cwd: root,
      env: { ...process.env, REPLACED_MODULES: JSON.stringify(files) },
      stdio: ['ignore', 'pipe', 'pipe', ...(onMessage === undefined ? [] : ['ipc' as const])],
    },
  );
  if (onMessage !== undefined) {
    child.on('message', (message) => onMessage(message as never).then(() => child.send({})));
  }
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (output += text));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })));
}
