/** What a hostile server can do to the adapter, and to pg-protocol beside it. */
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { BackendMessage } from '../../examples/postgres/pg-protocol/from-message.ts';
import { parse } from '../../examples/postgres/pg-protocol/index.ts';
import { Parser } from '../../examples/postgres/pg-protocol/parser.ts';

const { Parser: Theirs } = createRequire(import.meta.url)('pg-protocol/dist/parser.js');

/** The messages of some bytes; an error as its text, and what is thrown behind `throws`. */
function seen(
  parser: { parse(chunk: Buffer, take: (message: BackendMessage) => void): void },
  bytes: string,
): unknown[] {
  const all: unknown[] = [];
  try {
    parser.parse(Buffer.from(bytes.replaceAll(' ', ''), 'hex'), (message: BackendMessage) =>
      all.push(message instanceof Error ? message.message : message),
    );
  } catch (error) {
    all.push(`throws ${(error as Error).message}`);
  }
  return all;
}
const ours = (bytes: string): unknown[] => seen(new Parser(), bytes);
const theirs = (bytes: string): unknown[] => seen(new Theirs(), bytes);

/** ReadyForQuery, idle. */
const READY = '5a 00000005 49';

describe('a message that is too short', () => {
  test('a text without its end: pg-protocol reads into the next message', () => {
    // CommandComplete abcd
    const bytes = `43 00000008 61626364 ${READY}`;
    expect(theirs(bytes)[0]).toMatchObject({ name: 'commandComplete', text: 'abcdZ' });
    expect(ours(bytes)).toEqual([expect.stringMatching(/^commandComplete\.tag: /)]);
  });

  test('a column longer than its row: pg-protocol reads into the next message', () => {
    // one column of 6 bytes, of which 2 are there
    const bytes = `44 0000000c 0001 00000006 6162 ${READY}`;
    expect(theirs(bytes)[0]).toMatchObject({ name: 'dataRow', fields: ['abZ\0\0\0'] });
    expect(ours(bytes)).toEqual([expect.stringMatching(/^dataRow\.values\[0\]: .*6/)]);
  });

  test('a column of −5 bytes: pg-protocol reads an empty one', () => {
    const bytes = `44 0000000a 0001 fffffffb ${READY}`;
    expect(theirs(bytes)[0]).toMatchObject({ fields: [''] });
    expect(ours(bytes)).toEqual([expect.stringMatching(/^dataRow\.values\[0\]: .*-5/)]);
  });

  test('a length below its minimum: pg-protocol reads the status after it', () => {
    expect(theirs('5a 00000003 49')[0]).toMatchObject({ name: 'readyForQuery', status: 'I' });
    expect(ours('5a 00000003 49')).toEqual([expect.stringMatching(/length of -1 bytes/)]);
  });

  test('32,767 columns in six bytes, and an unknown kind of authentication: pg-protocol throws', () => {
    expect(theirs(`44 00000006 7fff ${READY}`).at(-1)).toMatch(/^throws /);
    expect(theirs('52 00000008 00000063').at(-1)).toMatch(/^throws /);
    expect(ours(`44 00000006 7fff ${READY}`)).toEqual([expect.stringMatching(/^dataRow\.values/)]);
    expect(ours('52 00000008 00000063')).toEqual([expect.stringMatching(/^authentication\.request/)]);
  });
});

test('a violation destroys the stream with a coded error, after the messages before it', async () => {
  const stream = new PassThrough();
  const names: string[] = [];
  const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
  void parse(stream, ({ name }) => names.push(name));
  stream.write(Buffer.from(`${READY} 43 00000008 61626364 ${READY}`.replaceAll(' ', ''), 'hex'));
  expect(await failed).toMatchObject({ code: 'ERR_MESSAGE_SHORT', origin: 'peer', path: 'tag' });
  expect(names).toEqual(['readyForQuery', 'error']);
});

test('a message of unknown type is an error, and the next one is read, as in pg-protocol', () => {
  const bytes = `01 00000004 ${READY}`;
  for (const all of [ours(bytes), theirs(bytes)]) {
    expect(all).toEqual(['received invalid response: 1', expect.objectContaining({ name: 'readyForQuery' })]);
  }
});

test('of an announced gigabyte only the received bytes are held; a greater length is refused at once', () => {
  const parser = new Parser();
  const none: unknown[] = [];
  const take = (message: unknown): unknown => none.push(message);
  parser.parse(Buffer.from('443fffffff', 'hex'), take);
  for (let i = 0; i < 100; i++) parser.parse(Buffer.alloc(1_000), take);
  expect(none).toEqual([]);
  expect(parser.reader.buffer.byteLength).toBe(100_005);
  expect(ours('44 ffffffff')).toEqual([expect.stringMatching(/4294967291/)]);
});

test('an endless stream of messages, cut anywhere, leaves no memory held, in both', () => {
  // DataRow of 5 columns: abc, NULL, an empty one, é, NULL · NoticeResponse M hi
  const row = '44 0000001f 0005 00000003 616263 ffffffff 00000000 00000002 c3a9 ffffffff';
  const one = Buffer.from(`${row} 4e 00000009 4d 6869 00 00`.replaceAll(' ', ''), 'hex');
  const many = Buffer.concat(Array.from({ length: 1_000 }, () => one));
  for (const parser of [new Parser(), new Theirs()] as Parser[]) {
    const names: string[] = [];
    for (let at = 0, size = 1; at < many.length; at += size, size = (size % 97) + 1) {
      parser.parse(many.subarray(at, at + size), ({ name }) => names.push(name));
    }
    expect(names).toEqual(Array.from({ length: 2_000 }, (_, i) => (i % 2 === 0 ? 'dataRow' : 'notice')));
  }
});
