import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { cli, lineOf, start } from '../support/run.ts';

export interface RestartResult {
  /** Connections that were served whole. */
  readonly served: number;
  readonly lost: number;
  /** Workers that were replaced meanwhile. */
  readonly replaced: number;
}

const HELLO = Buffer.from([7, 0, 0, 0, 0x02, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f]); // length 7 · write · 5 bytes · HELLO
const QUIT = Buffer.from([1, 0, 0, 0, 0]); // length 1 · quit

/** Replace the workers of `wirepipe serve`, one each `every` milliseconds, while clients connect in a loop: none may be lost. */
export async function restart(
  connections: number,
  clientCount: number,
  every: number,
): Promise<RestartResult> {
  const child = start([...cli, 'serve', '--port', '0', '--workers', '1']);
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  const [, port] = await lineOf(child, /serving on 127\.0\.0\.1:(\d+), workers/);
  let isOver = false;
  let replaced = 0;
  const replacing = (async () => {
    while (!isOver) {
      const wait = setTimeout(every);
      child.kill('SIGHUP');
      replaced++;
      for (let i = 0; i < 3_000 && said.split('replaced: ').length <= replaced; i++) await setTimeout(10);
      // What the workers say of each connection.
      if (said.length > 1e6) said = 'replaced: '.repeat(replaced);
      await wait;
    }
  })();
  let begun = 0;
  let served = 0;
  let lost = 0;
  await Promise.all(
    Array.from({ length: clientCount }, async () => {
      while (begun < connections) {
        begun++;
        if (await fly(Number(port))) served++;
        else lost++;
      }
    }),
  );
  isOver = true;
  await replacing;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
  return { served, lost, replaced };
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
