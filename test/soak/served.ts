import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ServerLimits, ServerStatistics } from '../../src/index.ts';

export interface ServerSettings {
  readonly port: number;
  readonly host: string;
  /** A file to which each request is added when it is executed. */
  readonly ledger?: string | undefined;
  readonly options?: ServerLimits | undefined;
}

/** What a server's process holds, in bytes, handles and connections. */
export interface Held
  extends Pick<ServerStatistics, 'connections' | 'heldBytes' | 'waitingBytes' | 'limits'> {
  readonly rss: number;
  readonly heap: number;
  readonly handles: number;
}

/** A server in a process of its own. */
export class Served {
  readonly port: number;
  readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  static async start({
    port = 0,
    host = '127.0.0.1',
    ...rest
  }: Partial<ServerSettings> = {}): Promise<Served> {
    const child = forked('server.ts', JSON.stringify({ port, host, ...rest }));
    return new Served(child, (await told(child)) as number);
  }

  /** What it holds now. */
  async held(): Promise<Held> {
    this.child.send('held');
    return (await told(this.child)) as Held;
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}

/** What a child process tells next; rejects when it ends before. */
export function told(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the process has ended before'));
    child.once('exit', ended).once('message', (message) => {
      child.off('exit', ended);
      resolve(message);
    });
  });
}

/** Run a file of this folder in a process of its own. */
export function forked(file: string, ...args: string[]): ChildProcess {
  const execArgv = ['--expose-gc', '--import', 'tsx'];
  return fork(path.join(import.meta.dirname, file), args, { execArgv });
}
