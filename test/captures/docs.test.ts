/** The programs of docs/captures.md run, and print what the page says. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { eventReader } from '../../src/captures/event-reader.ts';
import { eventLine, headerLine } from '../../src/protocol/recording/capture-line.ts';
import { root, run } from '../support/run.ts';

const page = readFileSync(path.join(root, 'docs/captures.md'), 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-captures-docs-'));
/** A recorded flight with a gap. */
const flight = path.join(folder, 'flight.ndjson');
writeFileSync(
  flight,
  headerLine({}) +
    eventLine({
      event: 'data',
      time: 0,
      connection: 0,
      from: 'client',
      bytes: Buffer.from('\x07\0\0\0\x02\x05HELLO', 'latin1'),
    }) +
    eventLine({ event: 'gap', time: 0, connection: 0, from: 'client', length: 5 }),
);
const PROGRAMS = [...page.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);

/** Run the program that has this text in it. */
async function program(part: string): Promise<string> {
  const found = PROGRAMS.find((one) => one.includes(part));
  const code = found!
    .replaceAll('flight.pcapng', path.join(folder, 'out.pcapng'))
    .replaceAll('dns.pcap', 'test/fixtures/dns_tcp.pcap')
    .replaceAll('flight.ndjson', flight)
    .replaceAll('flights.ndjson.gz', path.join(folder, 'flights.ndjson.gz'))
    .replaceAll('dns.ndjson.gz', path.join(folder, 'dns.ndjson.gz'));
  const { status, stdout, stderr } = await run([process.execPath, '--input-type=module', '-e', code]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('packets to streams', async () => {
  const lines = (await program('new Flows')).split('\n');
  expect(lines.some((line) => line.startsWith('#0 192.168.1.11:33779 '))).toBe(true);
  expect(lines).toContain('#0 192.168.1.11:33779 has ended its side');
  expect(lines).toContain('#0 209.87.249.18:53 has ended its side');
});

test('packets to messages, the fastest way', async () => {
  await program('writePcapng(');
  expect(await program('gathered(')).toBe("[ { type: 'write', text: 'HELLO' } ]\n");
});

test('the events of a file', async () => {
  // 58 bytes of question, 226 of answer: `expected` of tshark.
  expect(await program('event.bytes.length')).toMatch(/^\d+\.\d+ client 58\n\d+\.\d+ server 226\n$/);
});

test('one format to another', async () => {
  await program('writeCapture(');
  const lines = gunzipSync(readFileSync(path.join(folder, 'dns.ndjson.gz')))
    .toString()
    .split('\n');
  expect(lines[0]).toBe('{"format":"wirepipe capture","version":2,"protocol":"dns"}');
  expect(lines.filter((line) => line.includes('"event":"data"'))).toHaveLength(2);
});

test('the lines of the format are read', () => {
  const [text] = /\{"format".*?(?=```)/s.exec(page)!;
  const reader = eventReader();
  reader.push(Buffer.from(text));
  const kinds: string[] = [];
  for (let event = reader.next(); event !== undefined; event = reader.next()) kinds.push(event.event);
  expect(reader.error).toBeUndefined();
  expect(kinds).toEqual(['open', 'data', 'gap', 'end', 'close']);
});

test('a log by one regular expression', async () => {
  expect(await program('lineLog')).toBe('0 client he\n0.25 server ok\n');
});

test('events to pcapng', async () => {
  await program('writePcapng(');
  expect(readFileSync(path.join(folder, 'out.pcapng')).toString('latin1')).toContain(
    '{"type":"write","text":"HELLO"}',
  );
});

test('events to test vectors', async () => {
  const [, shown] = /```ts prints\n(.*?)```/s.exec(page)!;
  expect(await program('toTestVectors(')).toBe(`${shown}\n`);
});

test('recording', async () => {
  await program('recordTo(');
  const text = gunzipSync(readFileSync(path.join(folder, 'flights.ndjson.gz'))).toString();
  // The text of `write`, masked: length 7, tag 2, length 5.
  expect(text).toContain(`"from":"client","bytes":"0700000002052a2a2a2a2a"`);
  expect(text).toContain('"event":"state","state":"authenticated"');
});

test('messages', async () => {
  expect(await program('decodeCapture(')).toBe(
    "client { type: 'write', text: 'HELLO' }\nclient 5 bytes are missing\n",
  );
});

test('replay', async () => {
  expect(await program('replay(events')).toBe('text: expected LOG_IN, got AUTH_OK\n');
});

test('a scripted peer', async () => {
  expect(await program('scriptedPeer(')).toBe('expected {"type":"quit"}, got read ECONNRESET\n');
});
