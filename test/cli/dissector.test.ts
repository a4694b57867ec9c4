import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/protocol.ts';
import { toDissector } from '../../src/tools/dissector/to-dissector.ts';
import { cli, run } from '../support/run.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-dissector-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function wirepipe(...args: string[]) {
  return run([...cli, 'dissector', ...args]);
}

describe('dissector', () => {
  test('writes the output of toDissector, to a file or to stdout', async () => {
    const out = path.join(folder, 'drone.lua');
    const { lua } = toDissector(drone, { port: 4_000, name: 'flight' });
    const args = ['drone', '--port', '4000', '--name', 'flight'];
    expect(await wirepipe(...args, '--out', out)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(readFileSync(out, 'utf8')).toBe(lua);
    expect(await wirepipe(...args)).toMatchObject({ status: 0, stdout: lua, stderr: '' });
  });

  test('prints a line to stderr for each part that the file cannot express', async () => {
    const module = path.join(folder, 'own.mjs');
    const framing = '{ name: "own", maxFrameLength: 9, reader() {}, writer() {} }';
    const codec = '{ decode() {}, encode() {} }';
    writeFileSync(
      module,
      `export const own = { name: 'own', framing: ${framing}, clientMessages: ${codec}, serverMessages: ${codec} };`,
    );
    const { status, stdout, stderr } = await wirepipe(module);
    expect(status).toBe(0);
    expect(stderr.split('\n').filter((line) => line !== '')).toEqual([
      'wirepipe: not in the dissector: framing: the framing is code of the program; the bytes of the stream are shown, not cut',
      'wirepipe: not in the dissector: client: messages: the codec is code of the program; their bytes are shown',
      'wirepipe: not in the dissector: server: messages: the codec is code of the program; their bytes are shown',
    ]);
    expect(stdout).toContain(
      '--   client: messages: the codec is code of the program; their bytes are shown',
    );
  });

  test.each([
    ['--port', '65536'],
    ['--port', 'x'],
    ['--name', 'Upper'],
  ])('refuses %s %s', async (...args) => {
    const { status, stderr } = await wirepipe('drone', ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^wirepipe: --(port|name) \S+: expected .*\n$/);
  });
});
