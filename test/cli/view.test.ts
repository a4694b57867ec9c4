import { lstatSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { isViewDocument } from '../../src/tools/view/document.ts';
import { cli, root, run } from '../support/run.ts';

const flight = path.join(root, 'test/fixtures/flight.jsonl');
const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));

function input(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('view', () => {
  test('a page on stdout, or written atomically by --out', async () => {
    const { status, stdout } = await run([...cli, 'view', flight]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^<!doctype html>/);
    expect(stdout).toMatch(/default-src 'none'; script-src 'sha256-/);
    expect(stdout).toMatch(/preact \d+\.\d+\.\d+[\s\S]*MIT/);
    const page = input('page.html', 'what was there');
    expect(await run([...cli, 'view', flight, '--out', page])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(page, 'utf8')).toBe(stdout);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('--json prints the document, which view also reads', async () => {
    const { stdout } = await run([...cli, 'view', flight, '--json']);
    const document: unknown = JSON.parse(stdout);
    expect(isViewDocument(document)).toBe(true);
    const again = await run([...cli, 'view', input('flight.json', stdout), '--json']);
    expect(JSON.parse(again.stdout)).toEqual(document);
  });

  test.each([
    ['a file that is not there', 'missing.jsonl'],
    ['an empty file', input('empty.jsonl', '\n')],
    ['a file of another kind', input('mail.txt', 'Hello\n')],
    ['JSON of another kind', input('other.json', '{"a":1}')],
    ['a chunk without a direction', input('half.jsonl', '{"at":1,"bytes":"00"}\n')],
    ['bytes that are no hex', input('hex.jsonl', '{"at":1,"from":"client","bytes":"0"}\n')],
    ['null', input('null.json', 'null')],
  ])('%s: one line, status 2', async (_, file) => {
    const { status, stdout, stderr } = await run([
      ...cli,
      'view',
      file,
      '--out',
      path.join(folder, 'none.html'),
    ]);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
    expect(readdirSync(folder)).not.toContain('none.html');
  });

  test('several files: their connections one after the other, their events in order of time', async () => {
    const chunk = (at: number) => `${JSON.stringify({ at, from: 'client', bytes: '0100000000' })}\n`;
    const [one, two] = [input('one.jsonl', chunk(1) + chunk(3)), input('two.jsonl', chunk(2))];
    const { status, stdout } = await run([...cli, 'view', one, two, '--json']);
    expect(status).toBe(0);
    const { title, connections, events } = JSON.parse(stdout);
    expect(title).toBe('one.jsonl, two.jsonl');
    expect(connections.map(({ name }: { name: string }) => name.split(':')[0])).toEqual([
      'one.jsonl',
      'two.jsonl',
    ]);
    expect(
      events.map(({ connection, time }: { connection: number; time: number }) => [connection, time]),
    ).toEqual([
      [0, 1],
      [1, 2],
      [0, 3],
    ]);
  });

  test.each([
    ['a folder that is not there', '/nowhere/page.html', 'cannot write into /nowhere: ENOENT'],
    ['a directory', folder, `${folder} is a directory`],
  ])('--out is %s: one line, status 2', async (_, out, text) => {
    const { status, stderr } = await run([...cli, 'view', flight, '--out', out]);
    expect(stderr).toMatch(/^wirepipe: --out: [^\n]*\n$/);
    expect(stderr).toContain(text);
    expect(status).toBe(2);
  });

  test('--out through a link leaves the link', async () => {
    const [page, link] = [input('linked.html', 'old'), path.join(folder, 'link.html')];
    symlinkSync(page, link);
    expect((await run([...cli, 'view', flight, '--out', link])).status).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>/);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('--out writes directly into a pipe or a device', async () => {
    const pipe = path.join(folder, 'pipe');
    const script = 'mkfifo "$0" && { cat "$0" & "$@" --out "$0"; wait; }';
    const { status, stdout } = await run(['sh', '-c', script, pipe, ...cli, 'view', flight]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^<!doctype html>/);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });
});
