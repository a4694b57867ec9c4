import { spawnSync } from 'node:child_process';

/** Whether a program of Debian is there; where it is not, a line says which test is skipped for it. */
export function isThere(name: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
  if (!found) console.warn(`skipped: ${name} is not installed`);
  return found;
}
