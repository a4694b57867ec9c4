/** The examples of docs/fleet.md, as one program, and the one that two commands start. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { charger } from '../../examples/fleet/charger.ts';
import { connectFleet, fleet } from '../../src/fleet/index.ts';
import { connect, createServer } from '../../src/index.ts';
import { freePort } from '../support/free-port.ts';
import { NatsServer, noNats } from '../support/nats-server.ts';
import { example, lineOf, root, run, start } from '../support/run.ts';

if (noNats !== undefined) console.warn(`skipped: docs/fleet.md, since ${noNats}`);

describe.skipIf(noNats !== undefined)('docs/fleet.md', () => {
  const ends: (() => unknown)[] = [];
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  test('its examples print the output shown', async () => {
    const page = readFileSync(path.join(root, 'docs/fleet.md'), 'utf8');
    const examples = [...page.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)];
    expect(page.match(/```js/g)?.length).toBe(examples.length);
    const server = await NatsServer.start();
    ends.push(() => server.stop());
    const printed: string[][] = examples.map(() => []);
    let current = 0;
    const scope = {
      charger,
      connect,
      connectFleet,
      createServer,
      fleet,
      once,
      nats: server.nats,
      begin: (index: number) => {
        current = index;
      },
      console: { log: (...values: unknown[]) => printed[current]!.push(values.join(' ')) },
    };
    const source = examples.map(([, code], index) => `begin(${index});\n${code}`).join('\n');
    const AsyncFunction = (async () => {}).constructor as new (
      ...parts: string[]
    ) => (...values: unknown[]) => Promise<{ server: { close(): unknown }; commander: { close(): unknown } }>;
    const program = new AsyncFunction(...Object.keys(scope), `${source}\nreturn { server, commander };`);
    const made = await program(...Object.values(scope));
    ends.push(
      () => made.server.close(),
      () => made.commander.close(),
    );
    expect(printed.map((lines) => `${lines.join('\n')}\n`)).toEqual(examples.map(([, , output]) => output));
  });

  test('two commands start the example', async () => {
    const port = await freePort();
    const child = start(example('fleet/start', String(port)));
    ends.push(async () => {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    await lineOf(child, /(holds charger \d[\s\S]*){4}/);
    const { stdout, stderr, status } = await run(example('fleet/command', `127.0.0.1:${port}`));
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 4).sort()).toEqual(
      [1, 2, 3, 4].map((each) => `charger ${each} is connected, in state 'ready'`),
    );
    expect(stdout.split('\n').slice(4)).toEqual([
      'charger 2 charges at 1',
      'charger 2 takes 11000 W',
      'ERR_COMMAND_REFUSED absent',
      '4 have stopped, 0 have not',
      '',
    ]);
    expect(status).toBe(0);
    expect(said).toContain('listening');
  });
});
