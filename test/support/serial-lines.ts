import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { later, until } from './net.ts';

/** Make a folder for the test, and run `socat` with these addresses, in which `$` stands for the folder. */
async function socat(folder: string, addresses: readonly string[], links: readonly string[]): Promise<void> {
  const child: ChildProcess = spawn('socat', addresses, { stdio: 'ignore' });
  later(() => child.kill());
  await until(() => links.every((link) => existsSync(path.join(folder, link))));
}

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'wirepipe-serial-'));
  later(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const pty = (at: string): string => `pty,raw,echo=0,link=${at}`;

/** The two ends of a serial line, as device files. */
export async function serialLine(): Promise<[string, string]> {
  const at = folder();
  const [a, b] = [path.join(at, 'a'), path.join(at, 'b')];
  await socat(at, [pty(a), pty(b)], ['a', 'b']);
  return [a, b];
}

/** A two-wire bus with that many device files: each receives all bytes, including its own. */
export async function serialBus(count: number): Promise<string[]> {
  const at = folder();
  const socket = path.join(at, 'bus');
  const ends = new Set<net.Socket>();
  const bus = net.createServer((end) => {
    ends.add(end);
    end.on('data', (chunk) => {
      for (const one of ends) one.write(chunk);
    });
    end.on('error', () => {}).on('close', () => ends.delete(end));
  });
  await new Promise<void>((listening) => bus.listen(socket, listening));
  later(() => {
    for (const end of ends) end.destroy();
    bus.close();
  });
  const names = Array.from({ length: count }, (_, i) => `line${i}`);
  await Promise.all(
    names.map((name) => socat(at, [pty(path.join(at, name)), `unix-connect:${socket}`], [name])),
  );
  await until(() => ends.size === count);
  return names.map((name) => path.join(at, name));
}
