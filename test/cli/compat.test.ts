import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import { toJSON } from '../../src/tools/index.ts';
import { cli, failuresIn, root, run } from '../support/run.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-compat-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const compat = (...args: string[]) => run([...cli, 'compat', ...args]);
const lock = (...args: string[]) => run([...cli, 'lock', ...args]);
const at = (name: string): string => path.join(folder, name);

/** A module with a protocol of one message, of these fields. */
function version(name: string, fields: string): string {
  const library = pathToFileURL(path.join(root, 'dist/index.js')).href;
  const file = at(`${name}.mjs`);
  writeFileSync(
    file,
    `import { lengthPrefix, message, messages, u8, u16be } from '${library}';
    const codec = messages(u8, { move: message(1, { ${fields} }) });
    export const chat = { name: 'chat', framing: lengthPrefix(), clientMessages: codec, serverMessages: codec };`,
  );
  return file;
}

describe('lock', () => {
  test('replaces an existing document, and compat then finds no change', async () => {
    const file = at('wirepipe.lock.json');
    writeFileSync(file, 'older '.repeat(10_000));
    expect(await lock('drone', '--out', file)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(toJSON(drone as never), null, 2)}\n`);
    expect(readdirSync(folder).filter((name) => name.startsWith('wirepipe.lock'))).toEqual([
      'wirepipe.lock.json',
    ]);
    expect(await compat(file, 'drone')).toEqual({ status: 0, stdout: 'nothing changed\n', stderr: '' });
  });

  test('leaves an existing file unchanged if it fails', async () => {
    const file = at('kept.lock.json');
    writeFileSync(file, 'kept');
    const { status, stderr } = await lock(at('none.mjs'), '--out', file);
    expect(stderr).toContain('no such file');
    expect(status).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
});

describe('compat', () => {
  test('a safe change: status 0', async () => {
    const ran = await compat(version('a', 'x: u8'), version('b', 'across: u8'));
    const renamed = "move.across: the field was named 'x'; names are not on the wire\n";
    expect(ran).toEqual({
      status: 0,
      stdout: `safe: clientMessages.${renamed}safe: serverMessages.${renamed}`,
      stderr: '',
    });
  });

  test('a breaking change: status 1, and a message that shows it, without fast-check installed', async () => {
    for (const name of ['dist', 'package.json']) symlinkSync(path.join(root, name), at(name));
    const alone = ['--preserve-symlinks', '--preserve-symlinks-main', at('dist/cli/main.js')];
    const versions = [version('c', 'x: u8'), version('d', 'x: u16be')];
    const { status, stdout, stderr } = await run([process.execPath, ...alone, 'compat', ...versions]);
    expect(stdout).toMatch(
      // tag 01, x
      /^breaks readers and writers: clientMessages\.move\.x: the field was u8 and is u16be\n {4}the new version writes 01[\da-f]{4}\n {4}the old version: ERR_MESSAGE_TRAILING: .*\n/,
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });

  test('a session that breaks: a conversation, as in docs/compat.md', async () => {
    const document = JSON.parse(JSON.stringify(toJSON(drone as never)));
    const [, { on }] = document.session.states;
    on.splice(
      on.findIndex(({ message }: { message: string }) => message === 'move'),
      1,
    );
    const file = at('after.json');
    writeFileSync(file, JSON.stringify(document));
    const { status, stdout, stderr } = await compat('drone', file);
    const page = readFileSync(path.join(root, 'docs/compat.md'), 'utf8');
    expect(page).toContain(stdout.replaceAll(/^(?=.)/gm, '    '));
    expect(stdout).toContain('the old version allows: client write, server ok, client move, server ok');
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });

  test('--json: the comparison', async () => {
    const { status, stdout, stderr } = await compat('--json', version('e', 'x: u8'), version('f', ''));
    expect(JSON.parse(stdout)).toMatchObject({
      isSafe: false,
      changes: [
        {
          path: 'clientMessages.move',
          breaks: ['writers', 'readers'],
          reason: "'x' is no longer there",
          shown: {
            by: 'old',
            message: { type: 'move' },
            outcome: expect.stringMatching(/^ERR_MESSAGE_TRAILING/),
          },
        },
        { path: 'serverMessages.move' },
      ],
    });
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  });

  test.each<[string, () => string[], RegExp]>([
    ['one version alone', () => ['drone'], /missing required argument 'new'/],
    [
      'a file that is not there',
      () => ['drone', at('none.json')],
      /none\.json: expected a JSON document: ENOENT/,
    ],
    ['JSON that is no document', () => ['drone', at('empty.json')], /^wirepipe: format: expected /],
  ])('%s: one line, status 2', async (_, args, text) => {
    writeFileSync(at('empty.json'), '{}');
    const { status, stdout, stderr } = await compat(...args());
    expect(stderr).toMatch(text);
    expect(failuresIn(stderr)).toHaveLength(1);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
