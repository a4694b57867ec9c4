import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, root, run } from '../support/run.ts';

const flight = path.join(root, 'test/fixtures/flight.jsonl');
const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
const decode = (...args: string[]) => run([...cli, 'decode', ...args]);

function input(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('decode', () => {
  test('a line for each message', async () => {
    const { status, stdout, stderr } = await decode(flight);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('     24.0 ms  → handshake      write HELLO');
    expect(lines[1]).toBe('     26.0 ms  ← handshake      ok AUTH_OK');
    expect(lines[2]).toBe('     66.0 ms  → authenticated  move x=10 y=20');
  });

  test('--where, by fields and by what is known of the message', async () => {
    const { stdout } = await decode(
      flight,
      '--where',
      'type = move and x < 0 or @from = server and text ~ bye',
    );
    expect(stdout).toMatch(/^.* move x=-1 y=2147483647\n.* ok BYE\n$/);
  });

  test('--hex: the bytes, field by field', async () => {
    const { stdout } = await decode(flight, '--hex', '--where', 'x = 10');
    expect(
      stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim().replace(/ +/g, ' ')),
    ).toEqual(['0 01 type 1', '1 0a 00 00 00 x 10', '5 14 00 00 00 y 20']);
  });

  test('--json: a line of JSON each', async () => {
    const { stdout } = await decode(flight, '--json', '--where', 'x = 10');
    expect(JSON.parse(stdout)).toEqual({
      connection: 0,
      from: 'client',
      time: 66,
      state: 'authenticated',
      message: { type: 'move', x: 10, y: 20 },
      bytes: '010a00000014000000',
    });
  });

  test('--stats: counts and sizes by type', async () => {
    const { stdout } = await decode(flight, '--stats', '--where', 'type = move or type = quit');
    expect(stdout.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      'count bytes smallest largest from type',
      '2 18 9 9 client move',
      '1 1 1 1 client quit',
      '',
    ]);
    const { stdout: json } = await decode(flight, '--stats', '--json', '--where', 'type = move');
    expect(JSON.parse(json)).toEqual([
      { from: 'client', type: 'move', count: 2, bytes: 18, smallest: 9, largest: 9 },
    ]);
  });

  test('a bad message shows where and why, and it goes on; nothing steers the terminal', async () => {
    // length 3 · write · 1 · ff; length 3 · write · 1 · ESC
    const file = input('bad.jsonl', '{"at":1,"from":"client","bytes":"030000000201ff0300000002011b"}\n');
    const { status, stdout } = await decode(file);
    expect(stdout).toMatch(/ERR_MESSAGE_UTF8: .*at byte 2\n.*write \\u001b\n$/);
    expect(status).toBe(0);
  });

  test('a capture: the messages of its TCP connections', async () => {
    // DNS over TCP, by a protocol of one opaque message: what counts here is that its frames are found.
    const dns = path.join(root, 'test/fixtures/protocols/opaque.mjs');
    const { status, stdout, stderr } = await decode(
      path.join(root, 'test/fixtures/dns_tcp.pcap'),
      '--protocol',
      dns,
      '--json',
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const messages = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(messages.map(({ from }) => from)).toEqual(expect.arrayContaining(['client', 'server']));
    // Two bytes of length before each message: the identification of the answer is the query's.
    const [query, answer] = messages;
    expect(answer.message.body.slice(0, 4)).toBe(query.message.body.slice(0, 4));
  });

  test('stdin, into a pipe whose reader leaves', async () => {
    const words = [...cli, 'decode', '-'].join(' ');
    const { stdout, stderr } = await run(['bash', '-c', `${words} <'${flight}' | head -1`]);
    expect(stdout).toMatch(/write HELLO\n$/);
    expect(stderr).toBe('');
  });

  test.each([
    ['a filter that does not parse', [flight, '--where', 'x >']],
    ['a file that is not there', [path.join(folder, 'missing.pcap')]],
    ['a file of another kind', [input('mail.txt', 'Hello\n')]],
    [
      'a capture that is cut',
      [
        input(
          'cut.pcap',
          readFileSync(path.join(root, 'test/fixtures/dns_tcp.pcap')).toString('latin1', 0, 3),
        ),
      ],
    ],
    ['no file', []],
  ])('%s: one line, status 2', async (_, args) => {
    const { status, stdout, stderr } = await decode(...args);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});
