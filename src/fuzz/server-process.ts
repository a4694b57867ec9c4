import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds within which a server must accept connections. */
const STARTING = 20_000;
const KEPT_OUTPUT = 4_096;

/** A server process for the fuzzer, started again after it has died. */
export class ServerProcess {
  readonly #command: string;
  readonly #isReady: () => Promise<boolean>;
  #child: ChildProcess | undefined;
  #output = '';

  /**
   * @param command - run by the shell
   * @param isReady - whether the server accepts connections
   */
  constructor(command: string, isReady: () => Promise<boolean>) {
    this.#command = command;
    this.#isReady = isReady;
  }

  /** The process id; undefined if it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How the process has ended, in words, with its last output; undefined while it is running. */
  get end(): string | undefined {
    const child = this.#child;
    if (child === undefined || (child.exitCode === null && child.signalCode === null)) return undefined;
    const how = child.signalCode === null ? `with status ${child.exitCode}` : `by ${child.signalCode}`;
    const said = this.#output.split('\n').find((line) => /error|exception|panic|fault/i.test(line));
    return said === undefined ? how : `${how}: ${said.trim()}`;
  }

  /** Wait for the end of the process and say how it ended; undefined if it runs longer than this. */
  async ended(milliseconds: number): Promise<string | undefined> {
    for (let left = milliseconds; left > 0 && this.end === undefined; left -= 10) await wait(10);
    return this.end;
  }

  /**
   * Start it, or start it again.
   * @throws Error if it ends, or does not accept connections in time
   */
  async start(): Promise<void> {
    await this.stop();
    this.#output = '';
    // `exec` replaces the shell, so the process is the server's own.
    const child = spawn('sh', ['-c', `exec ${this.#command}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const keep = (text: Buffer): void => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    await once(child, 'spawn');
    const end = performance.now() + STARTING;
    while (!(await this.#isReady())) {
      if (this.end !== undefined) throw new Error(`the server has ended ${this.end}\n${this.#output}`);
      if (performance.now() > end) throw new Error(`the server accepts no connections within ${STARTING} ms`);
      await wait(10);
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/** The resident memory of a process in bytes (`VmRSS`), on Linux; undefined elsewhere. */
export function memoryOf(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}
