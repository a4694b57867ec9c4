import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { block, frame, interfaceBlock, packetBlock, pcap, section } from '../support/packets.ts';
import { cli, run, start } from '../support/run.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-streams-'));

function file(name: string, bytes: Uint8Array): string {
  const place = path.join(folder, name);
  writeFileSync(place, bytes);
  return place;
}

async function streams(
  ...args: string[]
): Promise<{ status: number | null; lines: string[]; stderr: string }> {
  const { status, stdout, stderr } = await run([...cli, 'streams', ...args]);
  return { status, lines: stdout.split('\n').slice(0, -1), stderr };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const SERVER = { from: '10.0.0.2', to: '10.0.0.1', sport: 80, dport: 5000 };
const FLIGHT = pcap([
  frame({ seq: 99, flags: 'S' }),
  frame({ ...SERVER, seq: 499, ack: 100, flags: 'SA' }),
  frame({ sport: 5001, seq: 7, flags: 'S' }),
  frame({ seq: 100, ack: 500, payload: 'hello ' }),
  frame({ ...SERVER, seq: 500, ack: 106, payload: 'yes' }),
  frame({ seq: 108, ack: 503, payload: 'rld' }),
  frame({ seq: 108, ack: 503, payload: 'RLD' }),
  frame({ seq: 111, ack: 503, flags: 'FA' }),
  frame({ ...SERVER, seq: 503, ack: 112, flags: 'RA' }),
]);

const LINES = [
  `{"stream":0,"from":"10.0.0.1:5000","to":"10.0.0.2:80","bytes":9,"sha256":"${sha256('hello rld')}",` +
    '"syn":true,"fin":true,"rst":false,"gaps":[{"offset":6,"length":2}],"conflicts":1,' +
    '"first":1700000000.000001,"last":1700000000.000008}',
  `{"stream":0,"from":"10.0.0.2:80","to":"10.0.0.1:5000","bytes":3,"sha256":"${sha256('yes')}",` +
    '"syn":true,"fin":false,"rst":true,"gaps":[],"conflicts":0,"first":1700000000.000002,"last":1700000000.000009}',
  `{"stream":1,"from":"10.0.0.1:5001","to":"10.0.0.2:80","bytes":0,"sha256":"${sha256('')}",` +
    '"syn":true,"fin":false,"rst":false,"gaps":[],"conflicts":0,"first":1700000000.000003,"last":1700000000.000003}',
];

describe('wirepipe streams', () => {
  test('one line per direction of each connection, in the order of first packets', async () => {
    expect(await streams(file('flight.pcap', FLIGHT), '--json')).toEqual({
      status: 0,
      lines: LINES,
      stderr: '',
    });
  });

  test('a gzip file, also of several members', async () => {
    const packed = Buffer.concat([gzipSync(FLIGHT.subarray(0, 100)), gzipSync(FLIGHT.subarray(100))]);
    expect((await streams('--json', file('flight.pcap.gz', packed))).lines).toEqual(LINES);
  });

  test('all digits of nanoseconds', async () => {
    const packet = { bytes: frame({ payload: 'x' }), seconds: 1_700_000_000, fraction: 123_456_789 };
    const { lines } = await streams(file('nano.pcap', pcap([packet], { nanoseconds: true })), '--json');
    expect(lines[0]).toContain('"first":1700000000.123456789,"last":1700000000.123456789}');
  });

  test('a table for people', async () => {
    const { status, lines } = await streams(file('table.pcap', FLIGHT));
    expect(status).toBe(0);
    expect(lines).toEqual([
      'stream  from           to             bytes  flags    gaps                conflicts',
      '     0  10.0.0.1:5000  10.0.0.2:80        9  SYN FIN  2 missing in 1 gap  1',
      '     0  10.0.0.2:80    10.0.0.1:5000      3  SYN RST',
      '     1  10.0.0.1:5001  10.0.0.2:80        0  SYN',
    ]);
  });

  test('several files are one capture', async () => {
    const head = FLIGHT.subarray(0, 24);
    const first = file('1.pcap', FLIGHT.subarray(0, 24 + 5 * 76));
    const second = file('2.pcap', Buffer.concat([head, FLIGHT.subarray(24 + 5 * 76)]));
    expect((await streams(first, second, '--json')).lines).toEqual(LINES);
  });

  test('a truncated file: the complete streams, one line on stderr, status 1', async () => {
    // Inside the last packet, of the server.
    const cut = FLIGHT.subarray(0, -5);
    const place = file('cut.pcap', cut);
    const { status, lines, stderr } = await streams(place, '--json');
    expect(status).toBe(1);
    expect(lines).toEqual([
      LINES[0],
      LINES[1]!.replace('"rst":true', '"rst":false').replace('000009}', '000005}'),
      LINES[2],
    ]);
    expect(stderr).toBe(
      `wirepipe: ${place}: the file ends inside a record at byte 632: 71 of at least 76 bytes are there\n`,
    );
  });

  test('a truncated gzip file, and a damaged one', async () => {
    const packed = gzipSync(FLIGHT);
    const cut = await streams(file('cut.gz', packed.subarray(0, -12)), '--json');
    expect(cut.status).toBe(1);
    expect(cut.lines.length).toBeGreaterThan(0);
    expect(cut.stderr).toMatch(/^wirepipe: .*cut\.gz: the gzip file is cut off\n$/);
    const bad = Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8)]);
    const damaged = await streams(file('bad.gz', bad), '--json');
    expect(damaged.status).toBe(1);
    expect(damaged.stderr).toMatch(/^wirepipe: .*bad\.gz: the gzip file is damaged: .*\n$/);
  });

  test('a damaged pcapng file: everything before the damage', async () => {
    const packets = Buffer.concat([
      section(),
      interfaceBlock(1),
      packetBlock({ bytes: frame({ payload: 'x' }) }),
    ]);
    const place = file('damaged.pcapng', Buffer.concat([packets, block(6, Buffer.alloc(4))]));
    const { status, lines, stderr } = await streams(place, '--json');
    expect(status).toBe(1);
    expect(lines).toHaveLength(1);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each([
    ['no capture', file('notes.txt', Buffer.from('hello')), /not a capture file: it begins with 68656c6c/],
    ['an empty file', file('empty', Buffer.alloc(0)), /not a capture file: it begins with nothing/],
    ['no such file', path.join(folder, 'absent'), /no such file/],
    ['a directory', folder, /it is a directory/],
    [
      'an unsupported link type',
      file('usb.pcap', pcap([Buffer.alloc(80)], { linkType: 220 })),
      /have link type 220/,
    ],
  ])('%s: one line, status 2', async (_, place, text) => {
    const { status, lines, stderr } = await streams(place, '--json');
    expect({ status, lines }).toEqual({ status: 2, lines: [] });
    expect(stderr).toMatch(text);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each([[[]], [['--jsn', 'x']], [['x', '--limit', '3']]])('wrong arguments: %j', async (args) => {
    const { status, stderr } = await streams(...args);
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('a reader that goes away, as head does, is not an error', async () => {
    const packets = Array.from({ length: 20_000 }, (_, i) => frame({ sport: 1_000 + i, payload: 'x' }));
    const child = start([...cli, 'streams', file('many.pcap', pcap(packets)), '--json']);
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
