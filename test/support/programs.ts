import { spawnSync } from 'node:child_process';

/** Returns true if a Debian program is installed; else prints a line that names the skipped test. */
export function isThere(name: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
  if (!found) console.warn(`skipped: ${name} is not installed`);
  return found;
}
