import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freePort } from '../support/free-port.ts';
import { lineOf } from '../support/run.ts';

/** Where a program of mosquitto is; says that a test is skipped where it is not installed. */
export function mosquittoProgram(name: string, debianPackage: string): string | undefined {
  const found = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
    .map((folder) => `${folder}/${name}`)
    .find((file) => existsSync(file));
  if (found === undefined)
    console.warn(`skipped: ${name} (Debian package ${debianPackage}) is not installed`);
  return found;
}

/** A broker on a port of its own. */
export async function startMosquitto(program: string): Promise<{ port: number; stop(): void }> {
  const port = await freePort();
  const broker = spawn(program, ['-p', String(port)]);
  await lineOf(broker, /mosquitto version \S+ running/, 'stderr');
  return { port, stop: () => void broker.kill('SIGKILL') };
}

/** A running program, and what it has printed so far. */
export interface Printing {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Resolves once it has printed so many lines. */
  until(count: number): Promise<string[]>;
  readonly ended: Promise<number | null>;
}

export function start(
  program: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Printing {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  child.stdin.on('error', () => undefined).end(input);
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop()!;
      lines.push(...parts);
      for (const look of waiting) look();
    });
  }
  return {
    child,
    lines,
    ended: new Promise((resolve) => child.once('close', (status) => resolve(status))),
    until: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.length >= count) resolve(lines.slice(0, count));
        };
        waiting.push(look);
        look();
      }),
  };
}
