import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventReader } from '../../src/captures/event-reader.ts';
import { PcapngWriter, type PcapngWriterOptions } from '../../src/captures/pcapng-writer.ts';
import { writePcapng } from '../../src/captures/write-pcapng.ts';
import { drone } from '../../src/drone/protocol.ts';
import type { CaptureEvent, Side } from '../../src/protocol/recording/events.ts';
import { isThere } from '../support/programs.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-pcapng-'));

function write(events: readonly CaptureEvent[], options?: PcapngWriterOptions): Buffer {
  const writer = new PcapngWriter({ start: '2023-11-14T22:13:20.000001234Z', by: 'a test' }, options);
  return Buffer.concat([writer.start(), ...events.map((event) => writer.event(event))]);
}

function read(file: Buffer): CaptureEvent[] {
  const reader = eventReader();
  reader.push(file);
  const events: CaptureEvent[] = [];
  const take = (): void => {
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  };
  take();
  reader.end();
  take();
  expect(reader.error).toBeUndefined();
  return events;
}

const EVENTS: CaptureEvent[] = [
  { event: 'open', time: 0, connection: 0, client: '10.0.0.1:5000', server: '10.0.0.2:80' },
  { event: 'data', time: 0.25, connection: 0, from: 'client', bytes: Buffer.from('hello') },
  { event: 'open', time: 0.3, connection: 1, client: '[2001:db8::1]:5000', server: '[::ffff:10.0.0.2]:80' },
  { event: 'data', time: 0.4, connection: 1, from: 'server', bytes: Buffer.alloc(100_000, 7) },
  { event: 'data', time: 0.5, connection: 0, from: 'server', bytes: Buffer.from('yes') },
  {
    event: 'datagram',
    time: 0.6,
    source: '10.0.0.1:5300',
    target: '10.0.0.2:9000',
    bytes: Buffer.from('odd'),
  },
  { event: 'end', time: 0.75, connection: 0, from: 'client' },
  { event: 'end', time: 0.75, connection: 0, from: 'server' },
  { event: 'reset', time: 1, connection: 1, from: 'client' },
];

test('written events are read back, with times and addresses', () => {
  const back = read(write(EVENTS)).filter(({ event }) => event !== 'close');
  // A chunk longer than a segment comes in several segments.
  const long = back.filter((event) => event.event === 'data' && event.connection === 1);
  expect(Buffer.concat(long.map((event) => (event as { bytes: Buffer }).bytes))).toEqual(
    Buffer.alloc(100_000, 7),
  );
  const rest = (events: readonly CaptureEvent[]): CaptureEvent[] =>
    events.filter((event) => !(event.event === 'data' && event.connection === 1));
  expect(rest(back)).toEqual(rest(EVENTS));
});

test('a gap stays a gap, and sides without addresses get placeholders', () => {
  const events: CaptureEvent[] = [
    { event: 'open', time: 0, connection: 3 },
    { event: 'gap', time: 0, connection: 3, from: 'client', length: 20 },
    { event: 'data', time: 0, connection: 3, from: 'client', bytes: Buffer.from('x') },
  ];
  expect(read(write(events)).map(({ event }) => event)).toEqual(['open', 'gap', 'data', 'close']);
});

test('a compressed file of events; a long comment is cut between two characters', async () => {
  const file = path.join(folder, 'long.pcapng.gz');
  await pipeline(
    Readable.from(EVENTS.slice(0, 2)),
    writePcapng(file, {}, { comment: () => `x${'é'.repeat(40_000)}` }),
  );
  const bytes = gunzipSync(readFileSync(file));
  expect(read(bytes).map(({ event }) => event)).toEqual(['open', 'data', 'close']);
  // A comment has at most 65,000 bytes; each character here takes 2.
  expect(/é+/.exec(bytes.toString())![0]).toHaveLength(32_499);
  await expect(
    pipeline(Readable.from(EVENTS), writePcapng(path.join(folder, 'no/such/file'))),
  ).rejects.toMatchObject({ code: 'ENOENT' });
  expect(() => new PcapngWriter({}, { coment: () => '' } as object)).toThrow("did you mean 'comment'");
});

test('any chunks come back', () => {
  const chunk = fc.record({
    from: fc.constantFrom<Side>('client', 'server'),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 50 }),
  });
  fc.assert(
    fc.property(fc.array(chunk), (chunks) => {
      const events = chunks.map(
        ({ from, bytes }, i): CaptureEvent => ({
          event: 'data',
          time: i,
          connection: 0,
          from,
          bytes: Buffer.from(bytes),
        }),
      );
      expect(read(write(events)).filter(({ event }) => event === 'data')).toEqual(events);
    }),
  );
});

describe.skipIf(!isThere('tshark'))('tshark', () => {
  function tshark(file: string, ...args: string[]): { stdout: string; stderr: string } {
    const { stdout, stderr } = spawnSync('tshark', ['-r', file, ...args], { encoding: 'utf8' });
    // It always warns about the user it runs as.
    return { stdout, stderr: stderr.replace(/^.*Running as user.*\n/gm, '') };
  }

  test('opens it without warnings or analysis flags, with valid checksums', () => {
    const file = path.join(folder, 'events.pcapng');
    writeFileSync(file, write(EVENTS));
    const bad = [
      'tcp.analysis.flags or _ws.malformed or _ws.expert.severity >= "Warning"',
      'tcp.checksum.status == 0 or ip.checksum.status == 0 or udp.checksum.status == 0',
    ].join(' or ');
    const checked = [
      '-o',
      'tcp.check_checksum:TRUE',
      '-o',
      'ip.check_checksum:TRUE',
      '-o',
      'udp.check_checksum:TRUE',
    ];
    // A reset is always worth a warning.
    const { stdout, stderr } = tshark(file, ...checked, '-Y', `(${bad}) and not tcp.flags.reset == 1`);
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
    const all = tshark(file, ...checked, '-Y', 'tcp.checksum.status == 1 or udp.checksum.status == 1').stdout;
    expect(all.trim().split('\n').length).toBeGreaterThan(15);
  });

  test('shows messages in the packet with their last byte, and errors and gaps', async () => {
    const said = (from: Side, text: string): CaptureEvent => ({
      event: 'data',
      time: 0,
      connection: 0,
      from,
      bytes: Buffer.from(text, 'latin1'),
    });
    const flight: CaptureEvent[] = [
      // The name of the text is “Ω”; it comes in two chunks.
      said('client', '\x04\0\0\0\x02\x02\xce'),
      said('client', '\xa9\x01\0\0\0\0'),
      said('server', '\x03\0\0\0\x80\x01\xff'),
    ];
    const file = path.join(folder, 'flight.pcapng');
    await pipeline(Readable.from(flight), writePcapng(file, { by: 'a test' }, { protocol: drone }));
    const { stdout, stderr } = tshark(file, '-Y', 'frame.comment', '-T', 'fields', '-e', 'frame.comment');
    expect(stderr).toBe('');
    const [sent, wrong] = stdout.trimEnd().split('\n');
    expect(sent).toBe('{"type":"write","text":"Ω"}\\n{"type":"quit"}');
    expect(wrong).toMatch(/^ERR_MESSAGE_UTF8: /);
    const bad = tshark(file, '-Y', 'tcp.analysis.flags or _ws.malformed or _ws.expert.severity >= "Warning"');
    expect(bad).toEqual({ stdout: '', stderr: '' });
  });

  test('shows the comments', () => {
    const file = path.join(folder, 'comments.pcapng');
    const comment = (event: CaptureEvent): string | undefined =>
      event.event === 'data' ? `“${event.from}” said it` : undefined;
    writeFileSync(file, write(EVENTS.slice(0, 2), { comment }));
    const { stdout } = tshark(
      file,
      '-Y',
      'frame.comment',
      '-T',
      'fields',
      '-e',
      'frame.comment',
      '-e',
      'tcp.payload',
      '-e',
      'frame.time_epoch',
    );
    expect(stdout).toBe('“client” said it\t68656c6c6f\t1700000000.250001234\n');
  });
});
