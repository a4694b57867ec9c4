import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { later } from './net.ts';

/** Debian's HAProxy, where it is installed. */
export const hasHaproxy: boolean = spawnSync('haproxy', ['-v']).status === 0;

/** Run HAProxy with some timeouts and this configuration until the test is over. */
export async function haproxy(port: number, configuration: string): Promise<void> {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'wirepipe-haproxy-')), 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n${configuration}`,
  );
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  later(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.on('data', (chunk) => {
    told += chunk;
  });
  for (let i = 0; i < 2_000; i++) {
    if (child.exitCode !== null) break;
    const connected = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`HAProxy does not listen: ${told}`);
}
