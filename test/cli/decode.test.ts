import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { eventLine, headerLine } from '../../src/protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { cli, root, run } from '../support/run.ts';

const flight = path.join(root, 'test/fixtures/flight.jsonl');
const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
const decode = (...args: string[]) => run([...cli, 'decode', ...args]);

function input(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** A payload in hex as a frame of the drone protocol. */
function wire(hex: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(hex.length / 2);
  return Buffer.concat([head, Buffer.from(hex, 'hex')]);
}

describe('decode', () => {
  test('one line per message', async () => {
    const { status, stdout, stderr } = await decode(flight);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('     24.0 ms  → handshake      write HELLO');
    expect(lines[1]).toBe('     26.0 ms  ← handshake      ok AUTH_OK');
    expect(lines[2]).toBe('     66.0 ms  → authenticated  move x=10 y=20');
  });

  test('--where, by fields and by properties of the message', async () => {
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

  test('--json: a line of JSON per message', async () => {
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
    const shown = stdout.replace(/(?<=\d +)[\d.]+( +)[\d.]+(?= +client)/g, 'RATE$1RATE');
    expect(shown.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      'count bytes smallest largest per second bytes/s from type',
      '2 18 9 9 RATE RATE client move',
      '1 1 1 1 RATE RATE client quit',
      '',
    ]);
    const { stdout: json } = await decode(flight, '--stats', '--json', '--where', 'type = move');
    expect(JSON.parse(json)).toEqual([
      expect.objectContaining({ from: 'client', type: 'move', count: 2, bytes: 18, smallest: 9, largest: 9 }),
    ]);
    // Three in half a second, from −250 ms on.
    const rates = input(
      'rates.jsonl',
      [-250, 0, 250].map((at) => `{"at":${at},"from":"client","bytes":"0100000000"}\n`).join(''),
    );
    expect(JSON.parse((await decode(rates, '--stats', '--json')).stdout)).toMatchObject([
      { type: 'quit', count: 3, perSecond: 6, bytesPerSecond: 6 },
    ]);
    const before = await decode(rates, '--where', '@time < 0');
    expect(before.stdout).toMatch(/^ +-250\.0 ms {2}→ .* quit\b.*\n$/);
  });

  describe('a capture of ours', () => {
    const events: CaptureEvent[] = [
      { event: 'open', time: 0, connection: 7, client: '10.0.0.1:5000', server: '10.0.0.2:80' },
      { event: 'data', time: 0.0012, connection: 7, from: 'client', bytes: wire('020548454c4c4f') },
      { event: 'open', time: 0.002, connection: 8 },
      { event: 'data', time: 0.002, connection: 8, from: 'client', bytes: wire('00') },
      { event: 'data', time: 0.003, connection: 7, from: 'server', bytes: wire('80024f4b') },
      // The last four of a move's 13 bytes; then a quit.
      { event: 'data', time: 0.004, connection: 7, from: 'client', bytes: wire('010a0000').fill(9, 0, 1) },
      { event: 'gap', time: 0.005, connection: 7, from: 'client', length: 2 },
      { event: 'data', time: 0.006, connection: 7, from: 'client', bytes: Buffer.from('000000', 'hex') },
      { event: 'data', time: 0.006, connection: 7, from: 'client', bytes: wire('00') },
      { event: 'end', time: 0.007, connection: 7, from: 'client' },
      { event: 'close', time: 0.008, connection: 7 },
    ];
    const text = headerLine({ protocol: 'drone' }) + events.map(eventLine).join('');
    const recorded = input('ours.ndjson', text);
    const shown = (out: string): string[] => out.split('\n').map((line) => line.trim().replace(/ +/g, ' '));

    test('through gaps, with the ends of the sides; after a gap the session is not checked', async () => {
      const { status, stdout, stderr } = await decode(recorded, '--connection', '0');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(shown(stdout)).toEqual([
        '1.2 ms → handshake write HELLO',
        '3.0 ms #0 ← handshake ok OK',
        '5.0 ms #0 → gap: 2 bytes are missing, and 8 before them are of no use; decoding goes on behind them',
        '6.0 ms #0 → quit',
        '7.0 ms #0 → has ended its side',
        '',
      ]);
    });

    test('filters by connection and by side; compressed, and from stdin', async () => {
      const one = await decode(recorded, '--connection', '1', '--json');
      expect(JSON.parse(one.stdout)).toMatchObject({ connection: 1, message: { type: 'quit' } });
      const file = path.join(folder, 'ours.ndjson.gz');
      writeFileSync(file, gzipSync(text));
      const words = [...cli, 'decode', '-', '--from', 'server', '--json'].join(' ');
      const server = await run(['bash', '-c', `${words} <'${file}'`]);
      expect(server.stderr).toBe('');
      expect(JSON.parse(server.stdout)).toMatchObject({
        from: 'server',
        message: { type: 'ok', text: 'OK' },
      });
    });

    test('cut off, compressed or not: the complete messages, then one line, and status 1', async () => {
      const cut = input('cut.ndjson', text.slice(0, -30));
      const file = path.join(folder, 'cut.ndjson.gz');
      // Stored without compression, so that a part can be decompressed.
      writeFileSync(file, gzipSync(text, { level: 0 }).subarray(0, -40));
      for (const name of [cut, file]) {
        const { status, stdout, stderr } = await decode(name);
        expect(stderr).toMatch(/^wirepipe: [^\n]*(ends inside|cut off)[^\n]*\n$/);
        expect(stdout).toContain('write HELLO');
        expect(status).toBe(1);
      }
    });

    test('a progress bar on a terminal for long work', async () => {
      // A line of 1,000 bytes takes 2 ms on any machine, and 400 lines more than the half second before the bar.
      const library = pathToFileURL(path.join(root, 'dist/index.js')).href;
      const slow = input(
        'slow.mjs',
        `import { codecFrom, line } from '${library}';
        const decode = (bytes) => {
          const end = performance.now() + 2;
          while (performance.now() < end);
          return { type: 'slow' };
        };
        const lines = codecFrom({ decode, encode: () => Buffer.from('slow') });
        export default { name: 'slow', framing: line(), clientMessages: lines, serverMessages: lines };`,
      );
      const bytes = Buffer.from(`${'x'.repeat(1_000)}\n`);
      const event: CaptureEvent = { event: 'data', time: 0, connection: 0, from: 'client', bytes };
      const long = input('long.jsonl', headerLine({}) + eventLine(event).repeat(400));
      const command = [...cli, 'decode', long, '--stats', '--protocol', slow].join(' ');
      const { stdout } = await run(['script', '-qec', command, '/dev/null']);
      expect(stdout).toMatch(/long\.jsonl {2}█+░* {2}\d+ %/);
      expect(stdout).toMatch(/\b400 .*slow/);
    });
  });

  test('messages without a type, of a custom codec', async () => {
    const words = path.join(root, 'test/fixtures/protocols/words.mjs');
    const file = input('words.jsonl', '{"at":1,"from":"client","bytes":"68690a"}\n');
    const { status, stdout, stderr } = await decode(file, '--protocol', words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/→ .* "hi"\n$/);
    const { stdout: json } = await decode(file, '--protocol', words, '--json');
    expect(JSON.parse(json)).toMatchObject({ message: 'hi' });
    expect((await decode(file, '--protocol', words, '--stats')).stdout).toContain('(message)');
  });

  test('a bad message shows where and why, and decoding goes on; control characters are escaped', async () => {
    // length 3 · write · 1 · ff; length 3 · write · 1 · ESC
    const file = input('bad.jsonl', '{"at":1,"from":"client","bytes":"030000000201ff0300000002011b"}\n');
    const { status, stdout } = await decode(file);
    expect(stdout).toMatch(/ERR_MESSAGE_UTF8: .*at byte 2\n.*write \\u001b\n$/);
    expect(status).toBe(0);
  });

  test('a capture: the messages of its TCP connections', async () => {
    // DNS over TCP, with a protocol of one opaque message: the test is that its frames are found.
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

  test('stdin, into a pipe whose reader goes away', async () => {
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
    ['a side that there is not', [flight, '--from', 'nobody']],
    ['a connection that is not a number', [flight, '--connection', 'x']],
  ])('%s: one line, status 2', async (_, args) => {
    const { status, stdout, stderr } = await decode(...args);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});
