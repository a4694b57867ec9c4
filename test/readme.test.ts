import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { cli, example, lineOf, root, run, start } from './support/run.ts';

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

/** The code block behind a marker: `<!-- output: npm start -->`. */
function block(marker: string): string {
  const [, rest] = readme.split(`<!-- ${marker} -->\n`);
  const match = /^```\w*\n([\s\S]*?)\n```/.exec(rest ?? '');
  if (match === null) throw new Error(`README.md has no block '${marker}'`);
  return match[1]!;
}

/** The shell lines of the README that begin with a command. */
function commands(start: string): string[] {
  return [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap((match) => match[1]!.trimEnd().split('\n'))
    .filter((line) => line.startsWith(start));
}

/** A shell line's arguments: words, and words in single quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

/** What differs from run to run: times and the port. */
function steady(text: string): string {
  return text.replace(/^ *\d+\.\d ms/gm, 'TIME').replace(/(127\.0\.0\.1:)\d+/, '$1PORT');
}

const running: ReturnType<typeof start>[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

test('npm start prints what the README shows', async () => {
  const { stdout, status } = await run(cli);
  expect(steady(stdout.trimEnd())).toBe(steady(block('output: npm start')));
  expect(status).toBe(0);
});

test('the README serves a drone and talks to it', async () => {
  const [serve, send] = commands('npm start --').map(words);
  const server = start([...cli, ...serve!.slice(3).map((word) => (word === '4000' ? '0' : word))]);
  running.push(server);
  const [, port = ''] = await lineOf(server, /serving on 127\.0\.0\.1:(\d+)/);
  const { stdout, status } = await run([
    ...cli,
    ...send!.slice(3).map((word) => (word === '4000' ? port : word)),
  ]);
  expect(stdout).toBe('ok AUTH_OK\nok MOVING_TO(10, 20)\nok BYE\n');
  expect(status).toBe(0);
});

test('the two commands for a fresh machine are scripts of the package', () => {
  expect(commands('npm ci')).toEqual(['npm ci && npm start', 'npm ci && npm test']);
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  expect(scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
});

test('the first pipeline is the tested example, both ends in under twenty-five lines', () => {
  const shown = block('example: thermometer');
  const file = readFileSync(path.join(root, 'examples/thermometer.ts'), 'utf8');
  expect(file.trimEnd().split('\n').slice(1).join('\n')).toBe(shown);
  expect(shown.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(25);
});

test('the first pipeline prints what the README shows', async () => {
  const child = start(example('thermometer'));
  running.push(child);
  const [shown] = await lineOf(child, /listening on port \d+\n.*\n/);
  const port = (text: string): string => text.replace(/port \d+/, 'port PORT').trimEnd();
  expect(port(shown)).toBe(port(block('output: examples/thermometer.ts')));
});

test('every file and folder the README names is there', async () => {
  const { existsSync } = await import('node:fs');
  const named = [
    ...readme.matchAll(/`((?:src|docs|examples|test|bench)\/[\w./-]*)`|\]\(((?!http)[\w./-]+)\)/g),
  ];
  const missing = named
    .map(([, code, link]) => (code ?? link)!)
    .filter((file) => !existsSync(path.join(root, file)));
  expect(missing).toEqual([]);
});
