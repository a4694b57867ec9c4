import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventReader } from '../../src/captures/event-reader.ts';
import { captureEvents, readCapture } from '../../src/captures/read-capture.ts';
import { writeCapture } from '../../src/captures/write-capture.ts';
import { CaptureError } from '../../src/errors.ts';
import { eventLine, headerLine } from '../../src/protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { frame, pcap } from '../support/packets.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-events-'));

const HEADER = { protocol: 'drone', start: '2023-11-14T22:13:20.000001Z', by: 'a test' };
const EVENTS: CaptureEvent[] = [
  { event: 'open', time: 0, connection: 0, client: '10.0.0.1:5000', server: '[::1]:80' },
  { event: 'data', time: 0.25, connection: 0, from: 'client', bytes: Buffer.from('0900', 'hex') },
  { event: 'data', time: 0.25, connection: 0, from: 'server', bytes: Buffer.alloc(0) },
  { event: 'gap', time: 0.5, connection: 0, from: 'client', length: 20 },
  { event: 'conflict', time: 0.5, connection: 0, from: 'client', offset: 7, length: 3 },
  { event: 'state', time: 0.75, connection: 0, state: 'authenticated' },
  { event: 'end', time: 1, connection: 0, from: 'client' },
  { event: 'error', time: 1.5, connection: 0, code: 'ERR_TIMEOUT_IDLE', message: 'silence' },
  { event: 'reset', time: 1.5, connection: 0, from: 'server' },
  { event: 'close', time: 2, connection: 0 },
  { event: 'datagram', time: 2, source: '10.0.0.1:53', target: '10.0.0.2:9', bytes: Buffer.from('hi') },
];
const TEXT = [
  '{"format":"wirepipe capture","version":2,"protocol":"drone","start":"2023-11-14T22:13:20.000001Z","by":"a test"}',
  '{"time":0,"connection":0,"event":"open","client":"10.0.0.1:5000","server":"[::1]:80"}',
  '{"time":0.25,"connection":0,"event":"data","from":"client","bytes":"0900"}',
  '{"time":0.25,"connection":0,"event":"data","from":"server","bytes":""}',
  '{"time":0.5,"connection":0,"event":"gap","from":"client","length":20}',
  '{"time":0.5,"connection":0,"event":"conflict","from":"client","offset":7,"length":3}',
  '{"time":0.75,"connection":0,"event":"state","state":"authenticated"}',
  '{"time":1,"connection":0,"event":"end","from":"client"}',
  '{"time":1.5,"connection":0,"event":"error","code":"ERR_TIMEOUT_IDLE","message":"silence"}',
  '{"time":1.5,"connection":0,"event":"reset","from":"server"}',
  '{"time":2,"connection":0,"event":"close"}',
  '{"time":2,"event":"datagram","source":"10.0.0.1:53","target":"10.0.0.2:9","bytes":"6869"}',
  '',
].join('\n');

function read(
  file: Uint8Array,
  size = 1_000_000,
): { events: CaptureEvent[]; error: CaptureError | undefined } {
  const reader = eventReader();
  const events: CaptureEvent[] = [];
  const take = (): void => {
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
  };
  for (let at = 0; at < file.length; at += size) {
    const chunk = Buffer.from(file.subarray(at, at + size));
    reader.push(chunk);
    take();
    chunk.fill(0x2a);
  }
  reader.end();
  take();
  return { events, error: reader.error };
}

async function collect(source: AsyncIterable<CaptureEvent>): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

describe('the format', () => {
  test('is written as docs/captures.md draws it, and read back', () => {
    expect(headerLine(HEADER) + EVENTS.map(eventLine).join('')).toBe(TEXT);
    expect(read(Buffer.from(TEXT))).toEqual({ events: EVENTS, error: undefined });
    const reader = eventReader();
    reader.push(Buffer.from(TEXT));
    reader.next();
    expect(reader.header).toEqual(HEADER);
  });

  test('in chunks of every size', () => {
    for (let size = 1; size < 200; size++) expect(read(Buffer.from(TEXT), size).events).toEqual(EVENTS);
  });

  test('files of version 1, in which all bytes are hexadecimal', () => {
    const bytes = Buffer.alloc(600, 0xa5);
    const line = `{"time":3,"connection":0,"event":"data","from":"client","bytes":"${bytes.toString('hex')}"}\n`;
    const { events, error } = read(Buffer.from(TEXT.replace('"version":2', '"version":1') + line));
    expect(error).toBeUndefined();
    expect(events).toEqual([...EVENTS, { event: 'data', time: 3, connection: 0, from: 'client', bytes }]);
  });

  test('up to 512 bytes are hexadecimal, more are base64', () => {
    const line = (length: number): string =>
      eventLine({ event: 'data', time: 3, connection: 0, from: 'client', bytes: Buffer.alloc(length, 0x61) });
    expect(line(512)).toContain(`"from":"client","bytes":"${'61'.repeat(512)}"}\n`);
    expect(line(513)).toBe(
      `{"time":3,"connection":0,"event":"data","from":"client","base64":"${'YWFh'.repeat(171)}"}\n`,
    );
    for (let length = 510; length < 520; length++) {
      const { events } = read(Buffer.from(TEXT + line(length)), 100);
      expect(events.at(-1)).toMatchObject({ bytes: Buffer.alloc(length, 0x61) });
    }
    const bytes = Buffer.alloc(1_000, 7);
    const datagram: CaptureEvent = { event: 'datagram', time: 3, source: 'a:1', target: 'b:2', bytes };
    expect(read(Buffer.from(TEXT + eventLine(datagram))).events.at(-1)).toEqual(datagram);
  });

  test('fields and events of later versions are skipped', () => {
    const text = `${headerLine({})}{"time":1,"connection":2,"event":"colour","red":3}\n{"time":1,"connection":2,"event":"close","why":"x"}\n\n`;
    expect(read(Buffer.from(text)).events).toEqual([{ event: 'close', time: 1, connection: 2 }]);
  });

  test('cut off anywhere: the complete lines, then an error for the rest', () => {
    const file = Buffer.from(TEXT);
    for (let length = headerLine(HEADER).length; length < file.length; length++) {
      const { events, error } = read(file.subarray(0, length), 50);
      const cut = file.subarray(0, length).toString();
      const lines = cut.split('\n').length;
      const atEnd = cut.endsWith('\n') || TEXT[length] === '\n';
      expect(events).toEqual(EVENTS.slice(0, events.length));
      if (atEnd) expect(error).toBeUndefined();
      else expect(error).toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED', line: lines });
    }
  });

  test.each([
    ['{"time":1}', 'an event without a name'],
    ['[1]', 'not a JSON object'],
    ['{"time":1,', 'not JSON'],
    ['{"time":"1","event":"close","connection":0}', 'time'],
    ['{"time":1,"event":"close","connection":-1}', 'connection'],
    ['{"time":1,"event":"end","connection":0,"from":"me"}', 'from'],
    ['{"time":1,"event":"data","connection":0,"from":"client","bytes":"0"}', 'bytes'],
    ['{"time":1,"event":"data","connection":0,"from":"client","bytes":"0g"}', 'bytes'],
    ['{"time":1,"event":"data","connection":0,"from":"client"}', 'bytes'],
    ['{"time":1,"event":"data","connection":0,"from":"client","base64":"aGk"}', 'base64'],
    ['{"time":1,"event":"data","connection":0,"from":"client","base64":"aG=k"}', 'base64'],
    ['{"time":1,"event":"data","connection":0,"from":"client","base64":"aG-_"}', 'base64'],
    ['{"time":1,"event":"data","connection":0,"from":"client","base64":["aGkh"]}', 'base64'],
    ['{"time":1,"event":"data","connection":0,"from":"client","bytes":null,"base64":"aGkh"}', 'bytes'],
    ['{"time":1,"event":"gap","connection":0,"from":"client","length":-1}', 'length'],
    ['{"time":1,"event":"state","connection":0,"state":4}', 'state'],
  ])('%s is damaged, and the error names the line', (line, text) => {
    const file = `${TEXT}${line}\n${TEXT.split('\n')[1]}\n`;
    const { events, error } = read(Buffer.from(file));
    expect(events).toEqual(EVENTS);
    expect(error).toMatchObject({ code: 'ERR_CAPTURE_DAMAGED', line: 13 });
    expect(error!.message).toContain(text);
  });

  test.each([
    ['{}\n', 'ERR_CAPTURE_FORMAT'],
    ['{"format":"wirepipe capture","version":3}\n', 'ERR_CAPTURE_VERSION'],
    ['{"format":"wirepipe capture","version":{"length":1}}\n', 'ERR_CAPTURE_VERSION'],
    ['{"format":"other","version":1}\n', 'ERR_CAPTURE_FORMAT'],
    ['{oh\n', 'ERR_CAPTURE_FORMAT'],
    ['', 'ERR_CAPTURE_FORMAT'],
  ])('%j', (text, code) => {
    expect(read(Buffer.from(text)).error).toMatchObject({ code });
  });

  test('any bytes give events or one coded error', () => {
    const line = fc.oneof(
      fc.constantFrom(...TEXT.split('\n')),
      fc.json(),
      fc.string(),
      fc
        .record({
          time: fc.double(),
          event: fc.constantFrom('data', 'open', 'x'),
          connection: fc.nat(),
          bytes: fc.string(),
        })
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.array(line), fc.integer({ min: 1, max: 64 }), (lines, size) => {
        const { error } = read(Buffer.from(headerLine({}) + lines.join('\n')), size);
        if (error !== undefined) expect(error).toBeInstanceOf(CaptureError);
      }),
    );
  });

  test('an endless line is an error', () => {
    const reader = eventReader();
    reader.push(Buffer.from(headerLine({})));
    const chunk = Buffer.alloc(4_000_000, 0x20);
    for (let i = 0; i < 10 && reader.error === undefined; i++) {
      reader.push(chunk);
      reader.next();
    }
    expect(reader.error).toMatchObject({ code: 'ERR_CAPTURE_DAMAGED', line: 2 });
  });
});

describe('packet files as events', () => {
  const back = { from: '10.0.0.2', to: '10.0.0.1', sport: 80, dport: 5000 };
  const file = pcap([
    frame({ seq: 99, flags: 'S' }),
    frame({ ...back, seq: 499, ack: 100, flags: 'SA' }),
    frame({ seq: 100, ack: 500, payload: 'hi' }),
    frame({ ...back, seq: 502, ack: 102, payload: 'yo' }),
    frame({ ...back, seq: 504, ack: 102, flags: 'RA' }),
  ]);

  test('with times since the first packet', () => {
    expect(read(file).events).toEqual([
      { event: 'open', time: 0, connection: 0, client: '10.0.0.1:5000', server: '10.0.0.2:80' },
      { event: 'data', time: 0.000002, connection: 0, from: 'client', bytes: Buffer.from('hi') },
      { event: 'gap', time: 0.000004, connection: 0, from: 'server', length: 2 },
      { event: 'data', time: 0.000004, connection: 0, from: 'server', bytes: Buffer.from('yo') },
      { event: 'reset', time: 0.000004, connection: 0, from: 'server' },
      { event: 'close', time: 0.000004, connection: 0 },
    ]);
  });

  test('cut off: the complete packets, then the error', () => {
    const { events, error } = read(file.subarray(0, -3), 10);
    expect(events.filter(({ event }) => event === 'data')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ event: 'close' });
    expect(error).toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED' });
  });
});

describe('files', () => {
  test.each(['flight.ndjson', 'flight.ndjson.gz'])('%s: written and read', async (name) => {
    const place = path.join(folder, name);
    await pipeline(Readable.from(EVENTS), writeCapture(place, HEADER));
    const bytes = readFileSync(place);
    expect((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()).toBe(TEXT);
    expect(await collect(readCapture(place))).toEqual(EVENTS);
  });

  test('a truncated gzip file: the events before the cut, then the error', async () => {
    const place = path.join(folder, 'cut.ndjson.gz');
    // Cannot be packed: random.
    const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 2_654_435_761) >>> 13));
    const text = TEXT + eventLine({ event: 'data', time: 3, connection: 0, from: 'client', bytes });
    const packed = gzipSync(text);
    writeFileSync(place, packed.subarray(0, packed.length - 2_000));
    const events: CaptureEvent[] = [];
    const reading = async (): Promise<void> => {
      for await (const event of readCapture(place)) events.push(event);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED' });
    expect(events).toEqual(EVENTS);
  });

  test('changed anywhere, compressed or not: events, then at most one coded error', async () => {
    const files = [Buffer.from(TEXT), gzipSync(TEXT), gzipSync(pcap([frame({ seq: 99, flags: 'S' })]))];
    const place = path.join(folder, 'changed');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.nat(),
        fc.nat(255),
        fc.nat(),
        async (file, at, value, cut) => {
          const changed = Buffer.from(file.subarray(0, cut % 3 === 0 ? cut % file.length : file.length));
          if (changed.length > 0) changed[at % changed.length] = value;
          writeFileSync(place, changed);
          const error = await collect(readCapture(place)).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          if (error !== undefined) expect(error).toBeInstanceOf(CaptureError);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a missing folder', async () => {
    const file = writeCapture(path.join(folder, 'no', 'such', 'folder'));
    await expect(pipeline(Readable.from(EVENTS), file)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(collect(readCapture(path.join(folder, 'absent')))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a stage of pipeline', async () => {
    const events: CaptureEvent[] = [];
    await pipeline(Readable.from([Buffer.from(TEXT)]), captureEvents, async (source) => {
      for await (const event of source) events.push(event);
    });
    expect(events).toEqual(EVENTS);
  });
});
