import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { Client } from '../../src/index.ts';
import { echoing } from '../support/echo.ts';

test('a child process killed during a request: the request fails, and closed settles, ten times out of ten', async () => {
  const trials = Array.from({ length: 10 }, async () => {
    const child = spawn('sleep', ['100'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    const client = new Client(echoing(), stream, { lingerTimeout: 100 });
    const asked = client.request({ type: 'login' }).then(
      () => 'answered',
      () => 'failed',
    );
    setTimeout(() => child.kill('SIGKILL'), 50);
    const closed = client.closed.then(
      () => 'settled',
      () => 'settled',
    );
    return [await asked, await closed];
  });
  expect(await Promise.all(trials)).toEqual(Array(10).fill(['failed', 'settled']));
});
