import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { cli, lineOf, run, start } from '../support/run.ts';

const running: ReturnType<typeof start>[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

async function serve(...args: string[]): Promise<ReturnType<typeof start>> {
  const child = start([...cli, 'serve', ...args]);
  running.push(child);
  return child;
}

describe('the demonstration', () => {
  test('flies, shows every message with its bytes, and succeeds', async () => {
    const { status, stdout, stderr } = await run(cli);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^drone listening on 127\.0\.0\.1:\d+$/);
    const messages = lines.slice(1, -2);
    expect(messages).toHaveLength(16);
    for (const line of messages) {
      expect(line).toMatch(
        /^ *\d+\.\d ms {2}[→←] (handshake|authenticated|closing) +(?:[0-9a-f]{2} )+ \{ type: '\w+'.*\}$/,
      );
    }
    // length 9, tag 1 (move), x 10, y 20; all little-endian
    expect(stdout).toContain(
      "→ authenticated  09 00 00 00 01 0a 00 00 00 14 00 00 00  { type: 'move', x: 10, y: 20 }",
    );
    // x -7, y -300
    expect(stdout).toContain("01 f9 ff ff ff d4 fe ff ff  { type: 'move', x: -7, y: -300 }");
    // length 20, tag 0x80 (ok), text of 18 bytes
    expect(stdout).toContain("{ type: 'ok', text: 'COLOR_SET(255, 128, 0)' }");
    expect(stdout).toContain("{ type: 'error', text: 'WRONG_STATE' }");
    expect(lines.at(-2)).toBe('drone at rest: position (2147483647, -2147483648), colour (255, 128, 0)');
    expect(lines.at(-1)).toMatch(/^8 frames, \d+ bytes → {3}8 frames, \d+ bytes ←$/);
    // No colour into a pipe.
    expect(stdout).not.toContain('\u001b');
  });
});

describe('serve and send', () => {
  test('over TCP', async () => {
    const server = await serve('--port', '0');
    const [, port = ''] = await lineOf(server, /serving on 127\.0\.0\.1:(\d+)\n/);
    const gone = lineOf(server, /gone; (.*)\n/);
    const { status, stdout, stderr } = await run([
      ...cli,
      'send',
      '--port',
      port,
      'write HELLO',
      'move 10 20',
      'quit',
    ]);
    expect(stderr).toBe('');
    expect(stdout).toBe('ok AUTH_OK\nok MOVING_TO(10, 20)\nok BYE\n');
    expect(status).toBe(0);
    expect((await gone)[1]).toBe('position (10, 20), colour (0, 0, 0)');
  });

  test('over a Unix socket', async () => {
    const socket = path.join(mkdtempSync(path.join(os.tmpdir(), 'wirepipe-')), 'drone.sock');
    const server = await serve('--socket', socket);
    await lineOf(server, /serving on/);
    const { status, stdout } = await run([
      ...cli,
      'send',
      '--socket',
      socket,
      'move 1 2',
      'write HELLO',
      'changeColor 1 2 3',
    ]);
    expect(stdout).toBe('error EXPECTED_HANDSHAKE\nok AUTH_OK\nok COLOR_SET(1, 2, 3)\n');
    expect(status).toBe(0);
  });

  test('a signal stops the server', async () => {
    const server = await serve();
    await lineOf(server, /serving on/);
    const ended = new Promise((resolve) => server.once('close', resolve));
    server.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('commands after the end of the session are a failure', async () => {
    const server = await serve();
    const [, port = ''] = await lineOf(server, /serving on 127\.0\.0\.1:(\d+)\n/);
    const { status, stdout, stderr } = await run([
      ...cli,
      'send',
      '--port',
      port,
      'write HELLO',
      'quit',
      'move 1 2',
    ]);
    expect(stdout).toBe('ok AUTH_OK\nok BYE\n');
    expect(stderr).toBe("wirepipe: the drone ended the connection without an answer to 'move'\n");
    expect(status).toBe(1);
  });
});

test('control characters of a peer are escaped', async () => {
  const text = Buffer.from('\u001b]0;owned\u0007\u001b[2J\r\u009b2J\u202eall is well\nok');
  // length · ok · text, behind its length
  const header = Buffer.from([text.length + 2, 0, 0, 0, 0x80, text.length]);
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(Buffer.concat([header, text])));
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const { stdout } = await run([...cli, 'send', '--port', String(port), 'write HELLO']);
  server.close();
  const escaped = '\\u001b]0;owned\\u0007\\u001b[2J\\u000d\\u009b2J\\u202eall is well\\u000aok';
  expect(stdout).toBe(`ok ${escaped}\n`);
});

test('the server shows the error of a peer on one line', async () => {
  const server = await serve();
  const [, port] = await lineOf(server, /serving on 127\.0\.0\.1:(\d+)\n/);
  const told = lineOf(server, /MessageError (.*)\n/);
  // length 3 · write · one byte · ff, which is not UTF-8
  net.connect(Number(port)).end(Buffer.from([3, 0, 0, 0, 2, 1, 0xff]));
  expect((await told)[1]).toMatch(/^ERR_MESSAGE_UTF8: /);
});

test.each([['--help'], ['help'], ['serve', '--help'], ['send', '-h']])(
  '%s %s: the usage, status 0',
  async (...args) => {
    const { status, stdout, stderr } = await run([...cli, ...args]);
    expect(stdout).toMatch(/^usage: wirepipe/);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  },
);

describe('wrong arguments', () => {
  const WRONG: Record<string, string[]> = {
    'an unknown verb': ['land'],
    'a verb named as a property of every object': ['constructor'],
    'an unknown option': ['serve', '--colour'],
    'a port that is not a number': ['serve', '--port', 'x'],
    'a port out of range': ['serve', '--port', '65536'],
    'a port and a socket': ['serve', '--port', '1', '--socket', '/tmp/x'],
    'an argument too many': ['serve', 'now'],
    'send without a place': ['send', 'quit'],
    'send without a command': ['send', '--port', '1'],
    'an unknown command': ['send', '--port', '1', 'fly'],
    'a command with a word too few': ['send', '--port', '1', 'move 1'],
    'a coordinate that is not a number': ['send', '--port', '1', 'move 1 x'],
    'a coordinate out of range': ['send', '--port', '1', 'move 2147483648 0'],
    'a port without a value': ['send', '--port', 'quit', '--port'],
    'a port below zero': ['serve', '--port', '-1'],
    'a port that nobody listens on': ['send', '--port', '0', 'quit'],
    'a text too long': ['send', '--port', '1', `write ${'x'.repeat(256)}`],
  };
  test.each([
    [['serve', '--prot', '1'], 'unknown option: --prot (did you mean --port?)'],
    [['serve', '-x'], 'unknown option: -x (try --help)'],
    [['serve', '--port', '--socket', 'x'], '--port wants a value (try --help)'],
    [['a\nb\u001b[2J'], 'no such command: a\\u000ab\\u001b[2J (try --help)'],
  ])('%j: says what to do', async (args, text) => {
    expect(await run([...cli, ...args])).toEqual({ status: 2, stdout: '', stderr: `wirepipe: ${text}\n` });
  });

  for (const [name, args] of Object.entries(WRONG)) {
    test(`${name}: one line, status 2`, async () => {
      const { status, stdout, stderr } = await run([...cli, ...args]);
      expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
      expect(stdout).toBe('');
      expect(status).toBe(2);
    });
  }

  test('a port in use: one line, status 1', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as net.AddressInfo;
    const { status, stderr } = await run([...cli, 'serve', '--port', String(port)]);
    other.close();
    expect(stderr).toMatch(/^wirepipe: .*EADDRINUSE[^\n]*\n$/);
    expect(status).toBe(1);
  });

  test('a refused connection: one line, status 1', async () => {
    // Nobody listens on port 1, and the system gives it to nobody.
    const { status, stderr } = await run([...cli, 'send', '--port', '1', 'quit']);
    expect(stderr).toMatch(/^wirepipe: .*ECONNREFUSED[^\n]*\n$/);
    expect(status).toBe(1);
  });
});
