import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

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
  return ended(start(command));
}

/** Give a program all its input, and wait for its end. */
export async function ended(child: ChildProcessWithoutNullStreams, input = ''): Promise<Ran> {
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  // It may end without reading its input.
  child.stdin.on('error', () => {}).end(input);
  const [status] = (await Promise.race([once(child, 'close'), failed])) as [number | null];
  const [stdout, stderr] = await output;
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
    // A character may come in two chunks.
    const decoder = new TextDecoder();
    let said = '';
    const look = (chunk: Buffer): void => {
      said += decoder.decode(chunk, { stream: true });
      const match = pattern.exec(said);
      if (match === null) return;
      stream.off('data', look);
      resolve(match);
    };
    stream.on('data', look);
    child.once('close', () => reject(new Error(`ended without ${pattern}: ${said}`)));
  });
}
