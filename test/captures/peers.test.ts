/** Real captures, and other programs in the cases that they handle correctly. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { packetReader } from '../../src/captures/packet-reader.ts';
import { flowsOf } from '../support/flows.ts';
import { frame, pcap } from '../support/packets.ts';
import { isThere } from '../support/programs.ts';
import { root } from '../support/run.ts';

function fixture(name: string): string {
  return path.join(root, 'test/fixtures', name);
}

/** Bytes, gaps and flags of each direction. */
function summary(file: string): unknown[] {
  return flowsOf(readFileSync(file)).streams.map(({ from, events, conflicts }) => ({
    from,
    bytes: events.reduce<number>(
      (sum, event) => sum + (typeof event === 'string' && !event.startsWith('<') ? event.length : 0),
      0,
    ),
    gaps: events.filter((event) => typeof event === 'number'),
    ended: events.includes('<end>'),
    conflicts,
  }));
}

// From the tests of tcpdump (the-tcpdump-group/tcpdump, 39b50f76672b).
describe('real captures', () => {
  test('pptp.pcap: big-endian, every packet of one side captured twice', () => {
    expect(summary(fixture('pptp.pcap'))).toEqual([
      { from: '10.1.1.11:3025', bytes: 348, gaps: [], ended: true, conflicts: 0 },
      { from: '10.1.1.10:1723', bytes: 188, gaps: [], ended: true, conflicts: 0 },
    ]);
  });

  test('bgp-role.pcapng: Linux cooked, captured from the middle, with a loss', () => {
    expect(summary(fixture('bgp-role.pcapng'))).toEqual([
      { from: '192.168.10.17:179', bytes: 149, gaps: [38], ended: false, conflicts: 0 },
      { from: '192.168.10.124:53580', bytes: 517, gaps: [], ended: false, conflicts: 0 },
    ]);
  });

  test('dns_tcp.pcap: a question and an answer', () => {
    expect(summary(fixture('dns_tcp.pcap'))).toEqual([
      { from: '192.168.1.11:33779', bytes: 58, gaps: [], ended: true, conflicts: 0 },
      { from: '209.87.249.18:53', bytes: 226, gaps: [], ended: true, conflicts: 0 },
    ]);
  });
});

/** Segments out of order, some twice, some overlapping; nothing lost. */
function shuffled(): Buffer {
  const packets = [frame({ seq: 99, flags: 'S' })];
  for (let i = 0; i < 200; i++) {
    const payload = Buffer.from(Array.from({ length: 100 }, (_, j) => (i * 100 + j) % 253));
    packets.push(frame({ seq: 100 + i * 100, ack: 1, payload }));
    if (i % 7 === 0) packets.push(frame({ seq: 100 + i * 100, ack: 1, payload }));
    if (i % 5 === 4) packets.splice(-3, 2, ...packets.slice(-3, -1).reverse());
    if (i % 11 === 3) packets.push(frame({ seq: 120 + i * 100, ack: 1, payload: payload.subarray(20) }));
  }
  // With data: tcpflow would take the padding of a short frame for data.
  packets.push(frame({ seq: 20_100, flags: 'FA', payload: 'the end' }));
  return pcap(packets);
}

describe('other programs', () => {
  test.skipIf(!isThere('tcpflow'))('tcpflow reassembles the same streams, if nothing is lost', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-tcpflow-'));
    const file = path.join(folder, 'shuffled.pcap');
    writeFileSync(file, shuffled());
    const out = path.join(folder, 'out');
    spawnSync('tcpflow', ['-r', file, '-o', out]);
    const [name] = readdirSync(out).filter((one) => one.startsWith('010.000.000.001.05000-'));
    const [stream] = flowsOf(readFileSync(file)).streams;
    expect(stream!.events).toEqual([readFileSync(path.join(out, name!)).toString('latin1'), '<end>']);
    expect(stream!.conflicts).toBe(0);
  });

  test.skipIf(!isThere('tcpdump'))('tcpdump counts as many packets', () => {
    for (const name of ['pptp.pcap', 'dns_tcp.pcap', 'bgp-role.pcapng']) {
      const { stdout } = spawnSync('tcpdump', ['-n', '-r', fixture(name)], { encoding: 'utf8' });
      const theirs = stdout.split('\n').filter((line) => /^\d\d:/.test(line)).length;
      const reader = packetReader();
      reader.push(readFileSync(fixture(name)));
      let ours = 0;
      while (reader.next()) ours++;
      expect([name, ours]).toEqual([name, theirs]);
    }
  });
});
