import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, failuresIn, lineOf, root, run, start } from '../support/run.ts';

const SERVER = path.join(root, 'test/tools/fuzz/drone-server.mjs');
const fuzz = (...args: string[]) => run([...cli, 'fuzz', ...args]);
/** For servers that owe no answer: a slow one is waited for. */
const WAIT = ['--timeout', '30000'];
/** The number of attacks ends a run, or the first failure: not the speed of the machine. */
const PATIENT = [...WAIT, '--seconds', '600'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A server by hand, with a bug. */
async function serve(bug = ''): Promise<{ port: string; stop: () => void }> {
  const child = start([process.execPath, SERVER, '0', bug]);
  const [, port = ''] = await lineOf(child, /(\d+)\n/);
  return { port, stop: () => void child.kill('SIGKILL') };
}

describe('fuzz', () => {
  test('a failure is printed, written as a capture and a test, and replayed', async () => {
    const buggy = await serve('off by one in a length');
    const good = await serve();
    const capture = path.join(folder, 'failure.ndjson');
    const found = await fuzz('--to', buggy.port, '--failures', '1', '--out', capture, ...PATIENT);
    expect(found.stderr).toBe(`attacking drone at 127.0.0.1:${buggy.port}, seed 1\n`);
    const [first, second, third, fourth] = found.stdout.split('\n');
    expect(first).toMatch(
      /^failure 1, accepted: it answered \{.*\} to a mistake that it has to refuse: ERR_MESSAGE_SHORT: /,
    );
    expect(second).toMatch(/^ {2}attack \d+ \(\w+\) in state 'handshake': /);
    // length, tag 02 (write), the text's length
    expect(third).toMatch(/^ {4}→ \w\w 00 00 00 02 /);
    // length 13, tag 81 (error), length 11
    expect(fourth).toMatch(/^ {4}← 0d 00 00 00 81 0b /);
    expect(found.stdout).toContain(`  ${capture}, ${path.join(folder, 'failure.test.mjs')}\n`);
    expect(found.stdout).toContain('states attacked: handshake, authenticated\n1 found\n');
    expect(found.status).toBe(1);
    expect(readFileSync(path.join(folder, 'failure.test.mjs'), 'utf8')).toContain(
      "import { drone as protocol } from 'wirepipe/drone';",
    );

    const [again, mended] = await Promise.all([
      fuzz('--to', buggy.port, '--replay', capture, ...PATIENT),
      fuzz('--to', good.port, '--replay', capture, ...PATIENT),
    ]);
    expect(again.stdout).toMatch(
      /^accepted: it answered .* to a mistake that it has to refuse: ERR_MESSAGE_SHORT/,
    );
    expect(again.status).toBe(1);
    expect(mended).toEqual({ status: 0, stdout: 'nothing wrong\n', stderr: '' });

    const recorded = ['replay', capture, '--how', 'recorded', ...WAIT, '--to'];
    const [same, other] = await Promise.all([
      run([...cli, ...recorded, buggy.port]),
      run([...cli, ...recorded, good.port]),
    ]);
    expect(same).toEqual({ status: 0, stdout: 'the same\n', stderr: '' });
    expect(other.stdout).toContain('message 1 differs');
    expect(other.status).toBe(1);
    buggy.stop();
    good.stop();
  });

  test('--json, with a correct server', async () => {
    const server = start([...cli, 'serve', '--port', '0']);
    const [, port = ''] = await lineOf(server, /serving on 127\.0\.0\.1:(\d+)\n/);
    const { status, stdout, stderr } = await fuzz(
      '--to',
      port,
      '--json',
      '--exact',
      '--attacks',
      '24',
      '--seed',
      '7',
      ...PATIENT,
    );
    server.kill('SIGKILL');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      seed: 7,
      failures: 0,
      reached: ['handshake', 'authenticated'],
      unreached: [],
      attacks: { order: 2 },
    });
    expect(status).toBe(0);
  });

  test('a state that no message leads to is named', async () => {
    const { port, stop } = await serve();
    const using = ['--using', 'handshake: write WRONG', '--attacks', '3'];
    const { status, stdout } = await fuzz('--to', port, ...using, ...PATIENT);
    stop();
    expect(stdout).toContain(
      "state 'authenticated' was not reached: give messages that lead there with --using",
    );
    expect(status).toBe(0);
  });

  test.each([
    [[], 'fuzz wants --to PLACE, or --in-process MODULE'],
    [
      ['--to', '1', '--refusal', 'eror'],
      "refusal: expected 'close', 'ignore', 'any' or types that the server sends (ok, error)",
    ],
    [
      ['--to', '1', '--using', 'landed: write HELLO'],
      "no such file, and no state 'landed' (there are: handshake, authenticated, closing)",
    ],
    [['--to', '1', '--using', 'fly 1'], 'not a message: "fly 1" (expected quit, move, write, changeColor'],
    [['--to', '1', '--out', 'x.bin'], '--out wants a file whose name ends in .ndjson or .ndjson.gz'],
    [['--in-process', 'a', '--to', '1'], 'fuzz wants either --to PLACE or --in-process MODULE'],
  ])('%j: one line, status 2', async (args, text) => {
    const { status, stdout, stderr } = await fuzz(...args);
    expect(stdout).toBe('');
    expect(stderr).toContain(text);
    expect(failuresIn(stderr)).toHaveLength(1);
    expect(status).toBe(2);
  });

  test('no server: status 1', async () => {
    // Nobody listens on port 1, and the system gives it to nobody.
    const { status, stderr } = await fuzz('--to', '1', '--seconds', '1');
    expect(stderr).toContain('fuzz: the server accepts no connections');
    expect(status).toBe(1);
  });
});

describe('fuzz --in-process', () => {
  test('the framings and codecs, from the committed corpus', async () => {
    const corpus = path.join(root, 'test/fuzz/corpus');
    const count = readdirSync(corpus, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(count.length).toBeGreaterThan(50);
    const targets = path.join(root, 'test/fuzz/in-process-targets.mjs');
    const copy = path.join(folder, 'corpus');
    await run(['cp', '-r', corpus, copy]);
    const { status, stdout, stderr } = await fuzz(
      '--in-process',
      targets,
      '--corpus',
      copy,
      '--seconds',
      '1',
      '--json',
    );
    expect(stderr).toBe('');
    const report = JSON.parse(stdout);
    expect(report.failures).toBe(0);
    expect(report.runs).toBeGreaterThan(count.length);
    expect(report.functions).toBeGreaterThan(100);
    expect(status).toBe(0);
  });

  test('finds an exception behind four magic bytes, and an endless loop', async () => {
    const module = path.join(folder, 'targets.mjs');
    writeFileSync(
      module,
      `export function nested(bytes) {
        if (bytes[0] !== 0x57) return;
        if (bytes[1] !== 0x50) return;
        if (bytes[2] !== 0xff) return;
        if (bytes[3] === 0x01) throw new Error('found');
      }`,
    );
    const found = await fuzz('--in-process', module, '--seconds', '600', '--json', '--failures', '1');
    const [failure] = found.stdout.split('\n');
    expect(JSON.parse(failure!)).toMatchObject({
      failure: 1,
      target: 'nested',
      text: 'found',
      input: '5750ff01',
    });
    expect(found.status).toBe(1);

    writeFileSync(module, 'export function endless(bytes) { while (bytes.length > 3); }');
    const endless = await fuzz('--in-process', module, '--seconds', '600', '--timeout', '200');
    expect(endless.stdout).toMatch(/^failure 1, endless: has not ended within 1000 ms\n {2}\w{8,}\n/);
    expect(endless.status).toBe(1);
  });

  test('a module with nothing to fuzz', async () => {
    const module = path.join(folder, 'nothing.mjs');
    writeFileSync(module, 'export const nothing = 1;');
    const { status, stderr } = await fuzz('--in-process', module);
    expect(stderr).toContain(
      'the module exports nothing to be fuzzed: a framing, a codec, a protocol or a function',
    );
    expect(status).toBe(2);
  });
});
