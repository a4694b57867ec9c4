import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

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
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const broker = spawn(program, ['-p', String(port)], { stdio: 'ignore' });
  const stop = (): void => void broker.kill('SIGKILL');
  for (let i = 0; i < 400; i++) {
    const socket = net.connect(port, '127.0.0.1');
    const isOpen = await Promise.race([once(socket, 'connect'), once(socket, 'close')]).then(
      () => socket.readyState === 'open',
      () => false,
    );
    socket.destroy();
    if (isOpen) return { port, stop };
    await pause(25);
  }
  stop();
  throw new Error('mosquitto does not listen');
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
  let rest = '';
  const waiting: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
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
