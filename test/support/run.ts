import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';

export const root: string = path.resolve(import.meta.dirname, '../..');

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** The command line, as built. */
export const cli: readonly string[] = [process.execPath, path.join(root, 'dist/cli/main.js')];

/** Run a program to its end. */
export async function run(command: readonly string[]): Promise<Ran> {
  const child = start(command);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end();
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, stdout, stderr };
}

/** The lines of stderr that say what failed, each of which begins with `wirepipe:`. */
export function failuresIn(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('wirepipe:'));
}

export function start([file = '', ...args]: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(file, args, { cwd: root });
}

/** Run an example with `tsx`, as its first comment says. */
export function example(name: string, ...args: string[]): string[] {
  return [process.execPath, '--import', 'tsx', `examples/${name}.ts`, ...args];
}

/** Resolves with the first match in its output, or in what it prints on stderr. */
export function lineOf(
  child: ChildProcessWithoutNullStreams,
  pattern: RegExp,
  output: 'stdout' | 'stderr' = 'stdout',
): Promise<RegExpExecArray> {
  const stream = child[output];
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: Buffer): void => {
      text += chunk;
      const match = pattern.exec(text);
      if (match === null) return;
      stream.off('data', look);
      resolve(match);
    };
    stream.on('data', look);
    child.once('close', () => reject(new Error(`ended without ${pattern}: ${text}`)));
  });
}
