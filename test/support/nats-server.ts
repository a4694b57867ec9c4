import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';

/** Why no nats-server can be run; undefined if it can. */
export const noNats: string | undefined = spawnSync('nats-server', ['--version']).error
  ? 'there is no nats-server (Debian: nats-server)'
  : undefined;

/** A nats-server with JetStream in a temporary folder, which can be killed and restarted on the same port. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  /** @param args - arguments in place of those that enable JetStream */
  static async start(args?: readonly string[]): Promise<NatsServer> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-nats-'));
    const server = new NatsServer(await freePort(), folder, args ?? ['--jetstream', '--store_dir', folder]);
    await server.start();
    return server;
  }

  /** How to connect to it. */
  get nats(): { servers: string; maxReconnectAttempts: number; reconnectTimeWait: number } {
    return { servers: `127.0.0.1:${this.port}`, maxReconnectAttempts: -1, reconnectTimeWait: 50 };
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async start(): Promise<void> {
    const child = spawn('nats-server', ['--addr', '127.0.0.1', '--port', String(this.port), ...this.#args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      // Read its log to the end: it would die with an unread log.
      child.stderr.on('data', (chunk) => {
        if (said.length < 10_000) said += chunk;
        if (said.includes('Server is ready')) resolve();
      });
      child.once('error', reject).once('exit', () => reject(new Error(`nats-server ended: ${said}`)));
    });
  }

  /** Kill it. Its data stays, unless `loses` is true. */
  async kill({ loses = false } = {}): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    if (loses) rmSync(path.join(this.#folder, 'jetstream'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
