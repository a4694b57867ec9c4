import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { example, lineOf, root, run, start } from './support/run.ts';

const running: ReturnType<typeof start>[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

async function serving(
  name: string,
  ...args: string[]
): Promise<{ child: ReturnType<typeof start>; port: string }> {
  const child = start(example(name, ...args));
  running.push(child);
  const [, port = ''] = await lineOf(child, /listening on port (\d+)/);
  return { child, port };
}

/** What each example is seen to do; every file of the folder has its test. */
const EXAMPLES: Record<string, () => Promise<void>> = {
  async server() {
    const { child, port } = await serving('server');
    const over = lineOf(child, /connection over/);
    const socket = net.connect({ port: Number(port), allowHalfOpen: true });
    // length 7 · write · 5 bytes · HELLO; length 1 · quit
    socket.end(Buffer.from([7, 0, 0, 0, 2, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f, 1, 0, 0, 0, 0]));
    const received: Buffer[] = [];
    for await (const chunk of socket) received.push(chunk);
    // length 9 · ok · 7 bytes · AUTH_OK; length 5 · ok · 3 bytes · BYE
    expect(Buffer.concat(received).toString('latin1')).toBe('\x09\0\0\0\x80\x07AUTH_OK\x05\0\0\0\x80\x03BYE');
    await over;
  },
  async client() {
    const { port } = await serving('server');
    const { stdout, stderr, status } = await run(example('client', port));
    expect(stderr).toBe('');
    expect(stdout).toBe('ok AUTH_OK\nok MOVING_TO(10, 20)\nok COLOR_SET(0, 255, 0)\nok BYE\n');
    expect(status).toBe(0);
  },
  async 'decode-file'() {
    for (const args of [[], ['test/fixtures/flight.client.bin']]) {
      const { stdout, stderr, status } = await run(example('decode-file', ...args));
      expect(stderr).toBe('');
      expect(stdout).toContain("{ type: 'write', text: 'HELLO' }\n{ type: 'move', x: 10, y: 20 }\n");
      expect(status).toBe(0);
    }
  },
  async upload() {
    const { stdout, stderr, status } = await run(example('upload', 'package.json', 'LICENSE'));
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'held: PUT hello.txt 2',
      ...['package.json', 'LICENSE'].map((file) => {
        const bytes = readFileSync(path.join(root, file));
        const sum = createHash('sha256').update(bytes).digest('hex');
        return `streamed: ${file}, ${bytes.length} bytes, SHA-256 ${sum}`;
      }),
      '',
    ]);
    expect(status).toBe(0);
  },
  // What it does with programs of Redis, test/peers/redis.test.ts shows.
  async redis() {
    const { port } = await serving('redis', 'server');
    const { stdout, stderr, status } = await run(example('redis', 'client', port));
    expect(stderr).toBe('');
    expect(stdout).toContain("(simple) OK\n'hello, wörld'\n(nil)\n");
    expect(stdout).toContain("(error) ERR unknown command 'CONFIG'\n");
    expect(status).toBe(0);
  },
  // It needs a line; test/peers/serial.test.ts gives it one.
  async serial() {
    const { stderr, status } = await run(example('serial'));
    expect(stderr).toContain('usage: serial.ts slave|master|gnss DEVICE');
    expect(status).toBe(1);
  },
  async 'modbus-tcp'() {
    const child = start(example('modbus-tcp', 'serve'));
    running.push(child);
    const [, port = ''] = await lineOf(child, /listening on port (\d+)/);
    const { stdout, stderr, status } = await run(example('modbus-tcp', 'read', port));
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    expect(lines[9]).toBe('90 91 92 93 94 95 96 97 98 99');
    expect(lines.slice(10)).toEqual(['registerWritten', 'illegalAddress']);
    expect(status).toBe(0);
  },
  // A real server gives it a page; test/peers/http2.test.ts has more.
  async http2() {
    const server = http2.createServer();
    server.on('stream', (stream, headers) => stream.end(`you asked for ${headers[':path']}`));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const { stdout, stderr, status } = await run(example('http2', String(port), '/page'));
    server.close();
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\d+ bytes of headers, 19 of "you asked for \/page"\n$/);
    expect(status).toBe(0);
  },
  async 'unix-socket'() {
    const { stdout, stderr, status } = await run(example('unix-socket'));
    expect(stderr).toBe('');
    expect(stdout).toBe('ok AUTH_OK\nok BYE\n');
    expect(status).toBe(0);
  },
  async filter() {
    const { stdout, stderr, status } = await run(example('filter'));
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => line.startsWith('answered'))).toEqual([
      'answered AUTH_OK',
      'answered MOVING_TO(7, -7)',
      'answered BYE',
    ]);
    expect(lines).toContain('12 commands, 9 dropped');
    expect(status).toBe(0);
  },
  async logger() {
    const { stdout, stderr, status } = await run(example('logger'));
    expect(stderr).toBe('');
    expect(stdout).toContain("received { type: 'move', x: -1, y: 1 }\n");
    expect(stdout).toContain("answered { type: 'ok', text: 'MOVING_TO(-1, 1)' }\n");
    expect(status).toBe(0);
  },
  async login() {
    const { stdout, stderr, status } = await run(example('login'));
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      ...['denied, 2 left', 'welcome', "{ type: 'you', user: 'ada' }"],
      ...['denied, 2 left', 'denied, 1 left'],
      'locked',
      'locked',
      '',
    ]);
    expect(status).toBe(0);
  },
  async smtp() {
    const { child, port } = await serving('smtp');
    const gone = lineOf(child, /gone: a line ends with CR LF/);
    const socket = net.connect({ port: Number(port), allowHalfOpen: true });
    // Out of order, all at once, and a line that ends with a lone LF.
    socket.end('DATA\r\nHELO me\r\nMAIL FROM:<a@b>\r\nDATA\r\nnonsense\r\nRSET\r\nNOOP\n');
    const received: Buffer[] = [];
    for await (const chunk of socket) received.push(chunk);
    expect(Buffer.concat(received).toString()).toBe(
      [
        '220 wirepipe example',
        '503 Bad sequence of commands',
        '250 Hello',
        '250 OK',
        '554 No valid recipients',
        '500 Unknown command',
        '250 OK',
        '500 Line refused, closing',
        '',
      ].join('\r\n'),
    );
    await gone;
  },
  async mavlink() {
    const { stdout, stderr, status } = await run(example('mavlink'));
    expect(stderr).toBe('');
    expect(stdout).toContain('customMode: 0,\n    vehicle: 2,\n    autopilot: 3,\n');
    expect(stdout).toContain('the same bytes again\n');
    // 32 bytes of payload: the last, a zero, is not sent; 10 metres is 41200000 as a float
    expect(stdout).toMatch(/^fd20000001ffbe4c0000(00){24}00002041160001016894$/m);
    expect(stdout).toContain('heartbeat.crc: expected CRC-16/MCRF4XX 0x7d6, got 0x8973, at byte 19');
    expect(status).toBe(0);
  },
  async dns() {
    const { stdout, stderr, status } = await run(example('dns'));
    expect(stderr).toBe('');
    // id · rd · 1 question · F · ISI · ARPA (RFC 1035 §4.1.4) · A · IN
    expect(stdout).toContain(
      '123401000001000000000000' + '0146' + '03495349' + '0441525041' + '00' + '00010001\n',
    );
    expect(stdout).toContain("name: 'F.ISI.ARPA',\n    type: 'A',\n    class: 1,\n    ttl: 120,\n");
    expect(status).toBe(0);
  },
  async json() {
    const { stdout, stderr, status } = await run(example('json'));
    expect(stderr).toBe('');
    expect(stdout).toBe(
      "{ type: 'reading', sensor: 1, celsius: 21.5 }\n{ type: 'reading', sensor: 2, celsius: -3 }\n",
    );
    expect(status).toBe(0);
  },
  async msgpack() {
    const { stdout, stderr, status } = await run(example('msgpack'));
    expect(stderr).toBe('');
    expect(stdout).toBe(
      "{ type: 'reading', sensor: 1, celsius: 21.5 }\n{ type: 'reading', sensor: 2, celsius: -3 }\n",
    );
    expect(status).toBe(0);
  },
  async thermometer() {
    const child = start(example('thermometer'));
    running.push(child);
    const [, port, read] = await lineOf(child, /listening on port (\d+)\n(.*)\n/);
    expect(read).toBe("{ type: 'value', sensor: 7, celsius: 20.5 }");
    const socket = net.connect({ port: Number(port) });
    socket.write(Buffer.from([2, 0, 0, 0, 1, 7])); // length 2 · read · sensor 7
    const [answer] = await once(socket, 'data');
    // length 6 · value · sensor 7 · 20.5 as a big-endian float
    expect([...answer]).toEqual([6, 0, 0, 0, 1, 7, 0x41, 0xa4, 0, 0]);
    socket.destroy();
  },
};

/** Mail programs that speak to the SMTP example, and what they are told to send. */
const MAILERS: Record<string, (port: string) => string[]> = {
  swaks: (port) => [
    ...['--server', '127.0.0.1', '--port', port, '--from', 'me@here.example', '--to', 'you@there.example'],
    ...['--data', 'Subject: a test\\n\\ntwo words\\n.dotted'],
  ],
  curl: (port) => [
    ...['-s', '--crlf', `smtp://127.0.0.1:${port}`, '--mail-from', 'me@here.example'],
    ...['--mail-rcpt', 'you@there.example', '--upload-file', 'test/fixtures/mail.txt'],
  ],
};

for (const [program, args] of Object.entries(MAILERS)) {
  const missing = spawnSync(program, ['--version']).error !== undefined;
  if (missing)
    console.log(`skipped: ${program} is not installed, so it does not send mail to examples/smtp.ts`);
  test.skipIf(missing)(`examples/smtp.ts takes a mail from ${program}`, async () => {
    const { child, port } = await serving('smtp');
    const mail = lineOf(child, /mail from (.*)\n {2}Subject: a test\n {2}\n {2}two words\n {2}\.dotted\n/);
    const gone = lineOf(child, /gone\n/);
    const { status, stdout, stderr } = await run([program, ...args(port)]);
    expect(status, stdout + stderr).toBe(0);
    expect((await mail)[1]).toBe('me@here.example to you@there.example');
    await gone;
  });
}

for (const [name, check] of Object.entries(EXAMPLES)) test(`examples/${name}.ts`, check);

test('every example has its test', () => {
  // Folders have theirs in test/stand-ins.
  const files = readdirSync(path.join(root, 'examples'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.basename(file, '.ts'));
  expect(Object.keys(EXAMPLES).sort()).toEqual(files.sort());
});
