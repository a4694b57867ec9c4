import net from 'node:net';
import { expect, test } from 'vitest';
import { later, until } from '../support/net.ts';
import { cli, lineOf, start } from '../support/run.ts';

const HELLO = Buffer.from([7, 0, 0, 0, 0x02, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f]); // length 7 · write · 5 bytes · HELLO
const QUIT = Buffer.from([1, 0, 0, 0, 0]); // length 1 · quit

/** `wirepipe serve --workers`. */
async function serve(count: number) {
  const child = start([...cli, 'serve', '--port', '0', '--workers', String(count)]);
  later(() => child.kill('SIGTERM'));
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const [, port, pids] = await lineOf(child, /serving on 127\.0\.0\.1:(\d+), workers ([\d, ]+)\n/);
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, port: Number(port), pids: pids!.split(', ').map(Number), exit, said: () => text };
}

/** Log in and quit, and see that both are answered and the end is one. */
function fly(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('error', () => {}).on('close', () => resolve(text.includes('AUTH_OK') && text.includes('BYE')));
    socket.on('connect', () => socket.end(Buffer.concat([HELLO, QUIT])));
  });
}

/** Alive, as far as the system knows. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a worker that dies is replaced, and only its own connections are lost', async () => {
  const { child, port, pids, exit, said } = await serve(2);
  expect(new Set(pids).size).toBe(2);
  process.kill(pids[0]!, 'SIGKILL');
  await until(() => said().includes(`worker ${pids[0]} died (SIGKILL)`));
  for (let i = 0; i < 20; i++) expect(await fly(port)).toBe(true);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
});
